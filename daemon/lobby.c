/* SPDX-License-Identifier: Apache-2.0 */
/* The process where debuggers choose a VM: see lobby.h. */
#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/control.h"
#include "daemon/debugger.h"
#include "daemon/fd_receive.h"
#include "daemon/isolation.h"
#include "daemon/lobby.h"
#include "daemon/log.h"
#include "daemon/version.h"

enum { LOBBY_BURST = 32, LOBBY_DEBUGGERS_MAX = 64 };

struct lobby {
	const struct lobby_orders *orders;
	struct ev_loop *loop;
	struct session_hooks session_hooks;
	struct ev_io control;
	struct ev_signal sigterm;
	struct ev_prepare settle;                        /* after every event */
	struct debugger *debuggers[LOBBY_DEBUGGERS_MAX]; /* fd -1: has left, to be freed */
	uint32_t received;
	bool is_ending; /* main has let go of us, or SIGTERM came */
	bool said_idle;
};

/* ---- one debugger ------------------------------------------------------------------------ */

static void lobby_on_debugger_end(struct debugger *debugger, const char *why)
{
	log_info("a debugger has left: %s", why);
	debugger_stop(debugger);
}

/* Its place is main's business; when main does not listen, there is nothing left to be chosen. */
static void lobby_on_departure(struct debugger *debugger, unsigned process)
{
	struct lobby *lobby = debugger->owner;
	struct control_message message = { .type = CONTROL_DEBUGGER };
	int rc, fd = debugger_hand_over(debugger, &message.debugger.talk);

	if (fd < 0) {
		lobby_on_debugger_end(debugger, "it has said too much at once");
		return;
	}
	message.debugger.process = process;
	rc = control_send(lobby->control.fd, &message, &fd, 1);
	if (rc < 0)
		log_warnx("cannot pass a debugger to VM %u: %s", process, strerror(-rc));
	close(fd);
}

static void lobby_on_fed(struct debugger *debugger)
{
	(void)debugger;
}

static const struct debugger_ops lobby_debugger_ops = {
	.on_end = lobby_on_debugger_end,
	.on_departure = lobby_on_departure,
	.on_fed = lobby_on_fed,
};

/* ---- all of them ------------------------------------------------------------------------- */

static void lobby_drop(struct lobby *lobby, unsigned place, const char *why)
{
	if (lobby->debuggers[place]->fd >= 0)
		lobby_on_debugger_end(lobby->debuggers[place], why);
	free(lobby->debuggers[place]);
	lobby->debuggers[place] = NULL;
}

/* Not from inside a callback of theirs. */
static void lobby_free_left(struct lobby *lobby)
{
	for (unsigned i = 0; i < LOBBY_DEBUGGERS_MAX; i++)
		if (lobby->debuggers[i] && lobby->debuggers[i]->fd < 0)
			lobby_drop(lobby, i, "");
}

/* Those who say nothing must not keep out those who do.  A free place, or -EUSERS. */
static int lobby_find_place(struct lobby *lobby)
{
	for (unsigned i = 0; i < LOBBY_DEBUGGERS_MAX; i++)
		if (!lobby->debuggers[i])
			return (int)i;
	for (unsigned i = 0; i < LOBBY_DEBUGGERS_MAX; i++) {
		if (session_has_spoken(lobby->debuggers[i]->session))
			continue;
		lobby_drop(lobby, i, "it says nothing, and the lobby is full");
		return (int)i;
	}
	return -EUSERS;
}

/* Takes fd. */
static int lobby_start_debugger(
	struct lobby *lobby, struct debugger *debugger, const struct control_debugger *from, int fd)
{
	int rc;

	debugger->loop = lobby->loop;
	debugger->ops = &lobby_debugger_ops;
	debugger->owner = lobby;
	debugger->patience_s = lobby->orders->conf->peer_timeout_s;
	rc = debugger_start(debugger, fd, NULL, 0, &lobby->session_hooks);
	if (rc == 0)
		rc = debugger_continue(debugger, &from->talk, (int)from->refusal);
	if (rc < 0)
		debugger_stop(debugger);
	return rc;
}

static int lobby_admit(struct lobby *lobby, const struct control_debugger *from, int fd)
{
	struct debugger *debugger;
	int place;

	lobby_free_left(lobby);
	place = lobby_find_place(lobby);
	debugger = place < 0 ? NULL : malloc(sizeof(*debugger));
	if (!debugger) {
		close(fd);
		return place < 0 ? place : -ENOMEM;
	}
	lobby->debuggers[place] = debugger;
	return lobby_start_debugger(lobby, debugger, from, fd);
}

static void lobby_add_debugger(struct lobby *lobby, const struct control_debugger *from, int fd)
{
	int rc = lobby_admit(lobby, from, fd);

	lobby->received++;
	lobby->said_idle = false;
	if (rc < 0)
		log_warnx("a debugger was sent away: %s", strerror(-rc));
}

static bool lobby_is_empty(const struct lobby *lobby)
{
	for (unsigned i = 0; i < LOBBY_DEBUGGERS_MAX; i++)
		if (lobby->debuggers[i])
			return false;
	return true;
}

static void lobby_end(struct lobby *lobby)
{
	lobby->is_ending = true;
	for (unsigned i = 0; i < LOBBY_DEBUGGERS_MAX; i++)
		if (lobby->debuggers[i])
			lobby_drop(lobby, i, "the daemon is ending");
}

/* ---- the process ------------------------------------------------------------------------- */

static void lobby_on_prepare(struct ev_loop *loop, struct ev_prepare *prepare, int events)
{
	struct lobby *lobby = (struct lobby *)((char *)prepare - offsetof(struct lobby, settle));
	struct control_message idle = { .type = CONTROL_IDLE, .debuggers = lobby->received };

	(void)events;
	lobby_free_left(lobby);
	if (lobby->is_ending)
		ev_break(loop, EVBREAK_ALL);
	else if (!lobby->said_idle && lobby_is_empty(lobby))
		lobby->said_idle = control_send(lobby->control.fd, &idle, NULL, 0) == 0;
}

static bool lobby_receive(struct lobby *lobby)
{
	struct control_message message;
	int fds[HANDOVER_MAX_FDS];
	unsigned count;
	int rc = control_receive(lobby->control.fd, &message, fds, &count);

	if (rc == -EAGAIN)
		return false;
	if (rc <= 0) {
		ev_io_stop(lobby->loop, &lobby->control);
		lobby_end(lobby);
		return false;
	}
	if (message.type == CONTROL_DEBUGGER && count == 1)
		lobby_add_debugger(lobby, &message.debugger, fds[0]);
	else
		fd_close_all(fds, count);
	return true;
}

static void lobby_on_control(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct lobby *lobby = (struct lobby *)((char *)io - offsetof(struct lobby, control));

	(void)loop;
	(void)events;
	for (int i = 0; i < LOBBY_BURST && lobby_receive(lobby); i++)
		;
}

static void lobby_on_sigterm(struct ev_loop *loop, struct ev_signal *signal, int events)
{
	(void)loop;
	(void)events;
	lobby_end((struct lobby *)((char *)signal - offsetof(struct lobby, sigterm)));
}

static bool lobby_next_process(void *context, unsigned after, struct process *process)
{
	return directory_next(context, after, process);
}

/* syscalls(main): signal ev_signal_start */
static void lobby_start(struct lobby *lobby)
{
	const struct lobby_orders *orders = lobby->orders;

	lobby->session_hooks = (struct session_hooks){
		.trace = debugger_log_packet,
		.version = GDBPROXYD_VERSION,
		.is_tracing = orders->conf->packet_trace,
		.next_process = lobby_next_process,
		.context = (void *)(uintptr_t)orders->directory,
	};
	ev_io_init(&lobby->control, lobby_on_control, orders->control_fd, EV_READ);
	ev_io_start(lobby->loop, &lobby->control);
	ev_prepare_init(&lobby->settle, lobby_on_prepare);
	ev_prepare_start(lobby->loop, &lobby->settle);
	/* What concerns the whole process group (Ctrl-C) or a terminal is for main. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	ev_signal_init(&lobby->sigterm, lobby_on_sigterm, SIGTERM);
	ev_signal_start(lobby->loop, &lobby->sigterm);
}

/* syscalls(lobby): ev_run ev_loop_destroy */
static void lobby_work(struct lobby *lobby)
{
	ev_run(lobby->loop, 0);
	ev_loop_destroy(lobby->loop);
}

/* syscalls(main): ev_loop_new */
int lobby_main(const struct lobby_orders *orders)
{
	struct lobby lobby = { .orders = orders };

	log_set_subject("lobby");
	lobby.loop = ev_loop_new(EVFLAG_AUTO);
	if (!lobby.loop) {
		log_errorx("no lobby: no memory for an event loop");
		return EXIT_FAILURE;
	}
	lobby_start(&lobby);
	if (isolation_enter_child(orders->conf, SYSCALL_LOBBY) < 0)
		return EXIT_FAILURE;
	lobby_work(&lobby);
	return EXIT_SUCCESS;
}
