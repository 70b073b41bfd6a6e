/* SPDX-License-Identifier: Apache-2.0 */
/* The process that debugs one VM: see worker.h. */
#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/debugger.h"
#include "daemon/control.h"
#include "daemon/fd_receive.h"
#include "daemon/hold.h"
#include "daemon/isolation.h"
#include "daemon/log.h"
#include "daemon/version.h"
#include "daemon/worker.h"
#include "daemon/worker_report.h"
#include "kvm/seat.h"

enum {
	WORKER_BURST = 32,
	WORKER_DEBUGGERS_MAX = VM_MAX_SEATS,
	WORKER_WAITING_MAX = 8,
};

struct worker_port {
	struct ev_io io;
	struct worker *worker;
	unsigned index;
};

/* One who debugs. */
struct worker_place {
	struct debugger debugger; /* fd -1: has left, the place is to be freed */
	struct seat seat;
	time_t since;
};

/* One who wants to. */
struct worker_visitor {
	int fd;
	struct control_debugger from;
};

struct worker {
	const struct worker_orders *orders;
	struct ev_loop *loop;
	struct vm vm;
	struct vm_hooks hooks;
	struct session_hooks session_hooks;
	struct worker_port *ports;
	struct ev_timer deadline, watch;
	struct hold hold;
	struct ev_io control;
	struct ev_signal sigterm;
	struct ev_prepare settle; /* after every event */
	struct worker_place *places[WORKER_DEBUGGERS_MAX];
	struct worker_visitor waiting[WORKER_WAITING_MAX]; /* while others leave */
	unsigned waiting_count;
	uint32_t received; /* debuggers so far */
	bool is_ending;    /* main has let go of us, or SIGTERM came */
	bool is_stirred;   /* one debugger's doing may concern the others */
	bool said_idle;
	bool said_unreachable;      /* of memory that the VMM has told of */
	bool has_taken;             /* the guest was not free for a moment */
	struct counts counts;       /* sessions so far */
	struct control_answer told; /* what main knows of us, unasked */
};

/* ---- the end ----------------------------------------------------------------------------- */

/*
 * Nothing is taken from the vCPUs before a debugger wants the guest stopped: one that is held says so
 * in its channel, and is to be held also for the next debugger, in another process.
 */
static void worker_watch_ports(struct worker *worker)
{
	for (unsigned i = 0; i < worker->vm.vcpu_count; i++)
		if (vm_vcpu_fd(&worker->vm, i) < 0)
			ev_io_stop(worker->loop, &worker->ports[i].io);
		else if (worker->vm.state != VM_FREE)
			ev_io_start(worker->loop, &worker->ports[i].io);
}

static unsigned worker_count(const struct worker *worker)
{
	unsigned count = 0;

	for (unsigned i = 0; i < WORKER_DEBUGGERS_MAX; i++)
		count += worker->places[i] && worker->places[i]->debugger.fd >= 0;
	return count;
}

/* Is there anything left to do here? */
static void worker_settle(struct worker *worker)
{
	struct control_message idle = { .type = CONTROL_IDLE, .debuggers = worker->received };

	if (worker_count(worker) || worker->waiting_count || !vm_is_released(&worker->vm))
		return;
	if (worker->is_ending) {
		ev_break(worker->loop, EVBREAK_ALL);
		return;
	}
	if (!worker->said_idle)
		control_send(worker->control.fd, &idle, NULL, 0);
	worker->said_idle = true;
}

/* The place is freed later: this may be inside a callback of its debugger. */
static void worker_leave(struct debugger *debugger, const char *why)
{
	struct worker_place *place =
		(struct worker_place *)((char *)debugger - offsetof(struct worker_place, debugger));

	log_info("a debugger has left: %s", why);
	seat_fini(&place->seat);
	((struct worker *)debugger->owner)->is_stirred = true;
}

static void worker_drop_debugger(struct debugger *debugger, const char *why)
{
	if (debugger->fd < 0)
		return;
	debugger_stop(debugger);
	worker_leave(debugger, why);
}

static void worker_drop_all(struct worker *worker, const char *why)
{
	for (unsigned i = 0; i < WORKER_DEBUGGERS_MAX; i++)
		if (worker->places[i])
			worker_drop_debugger(&worker->places[i]->debugger, why);
}

/* To main, which knows where it goes: 0, a lobby, or away. */
static void worker_send_back(struct worker *worker, int fd, struct control_debugger *debugger)
{
	struct control_message message = { .type = CONTROL_DEBUGGER, .debugger = *debugger };
	int rc = control_send(worker->control.fd, &message, &fd, 1);

	if (rc < 0)
		log_warnx("a debugger cannot return to the lobby: %s", strerror(-rc));
	close(fd);
}

/* Who came by the VM's own socket has nowhere to go. */
static void worker_refuse(struct worker *worker, struct worker_visitor *visitor, int error)
{
	log_info("a debugger was sent away: %s",
		error == EUSERS ? "this guest has as many as it can have" : strerror(error));
	visitor->from.refusal = (uint32_t)error;
	if (visitor->from.talk.conversation.has_begun)
		worker_send_back(worker, visitor->fd, &visitor->from);
	else
		close(visitor->fd);
}

static void worker_end(struct worker *worker, const char *why)
{
	worker->is_ending = true;
	hold_end(&worker->hold);
	worker_drop_all(worker, why);
	while (worker->waiting_count)
		worker_refuse(worker, &worker->waiting[--worker->waiting_count], ESHUTDOWN);
}

/* Once it has read the news, a debugger of a guest that is gone goes to the lobby, or away. */
static void worker_dismiss(struct debugger *debugger)
{
	if (debugger->fd < 0 || !debugger_is_flushed(debugger))
		return;
	if (session_lose_target(debugger->session))
		debugger_update(debugger);
	worker_drop_debugger(debugger, "the VMM is gone");
}

static void worker_update_all(struct worker *worker)
{
	for (unsigned i = 0; i < WORKER_DEBUGGERS_MAX; i++)
		if (worker->places[i])
			debugger_update(&worker->places[i]->debugger);
}

/* Delivers what the target has put off, and moves bytes. */
static void worker_pump(struct worker *worker)
{
	vm_pump(&worker->vm);
	worker_update_all(worker);
	vm_pump(&worker->vm);
	worker_update_all(worker);
	for (unsigned i = 0; i < WORKER_DEBUGGERS_MAX; i++)
		if (worker->places[i] && vm_is_lost(&worker->vm))
			worker_dismiss(&worker->places[i]->debugger);
}

/* ---- the guest --------------------------------------------------------------------------- */

static void worker_on_port(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct worker_port *port =
		(struct worker_port *)((char *)io - offsetof(struct worker_port, io));

	(void)loop;
	(void)events;
	vm_on_readable(&port->worker->vm, port->index);
	worker_pump(port->worker);
}

static void worker_on_deadline(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct worker *worker =
		(struct worker *)((char *)timer - offsetof(struct worker, deadline));

	(void)loop;
	(void)events;
	vm_on_deadline(&worker->vm);
	worker_pump(worker);
}

static void worker_on_watch(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct worker *worker = (struct worker *)((char *)timer - offsetof(struct worker, watch));

	(void)loop;
	(void)events;
	vm_on_watch(&worker->vm);
	worker_pump(worker);
}

/* syscalls(worker): ev_timer_start */
static void worker_start_timer(struct worker *worker, struct ev_timer *timer, int ms)
{
	ev_timer_stop(worker->loop, timer);
	if (!ms)
		return;
	ev_timer_set(timer, ms / 1000., 0.);
	ev_timer_start(worker->loop, timer);
}

static void worker_set_timer(void *context, int ms)
{
	struct worker *worker = context;

	worker_start_timer(worker, &worker->deadline, ms);
}

static void worker_set_watch(void *context, int ms)
{
	struct worker *worker = context;

	worker_start_timer(worker, &worker->watch, ms);
}

static int worker_init_ports(struct worker *worker)
{
	worker->ports = calloc(worker->vm.vcpu_count, sizeof(*worker->ports));
	if (!worker->ports)
		return -ENOMEM;
	for (unsigned i = 0; i < worker->vm.vcpu_count; i++) {
		struct worker_port *port = &worker->ports[i];

		port->worker = worker;
		port->index = i;
		ev_io_init(&port->io, worker_on_port, vm_vcpu_fd(&worker->vm, i), EV_READ);
	}
	return 0;
}

/* ---- the debuggers ----------------------------------------------------------------------- */

static void worker_on_debugger_end(struct debugger *debugger, const char *why)
{
	worker_drop_debugger(debugger, why);
}

static void worker_on_departure(struct debugger *debugger, unsigned process)
{
	struct worker *worker = debugger->owner;
	struct control_debugger going = { .process = process };
	int fd = debugger_hand_over(debugger, &going.talk);

	if (fd < 0) {
		worker_drop_debugger(debugger, "it has said too much at once");
		return;
	}
	worker_send_back(worker, fd, &going);
	worker_leave(debugger, "detached");
}

static void worker_on_debugger_fed(struct debugger *debugger)
{
	struct worker *worker = debugger->owner;

	vm_pump(&worker->vm);
	worker->is_stirred = worker->is_stirred || worker_count(worker) > 1;
}

static const struct debugger_ops worker_debugger_ops = {
	.on_end = worker_on_debugger_end,
	.on_departure = worker_on_departure,
	.on_fed = worker_on_debugger_fed,
};

/* Not from inside a callback of theirs. */
static void worker_free_left(struct worker *worker)
{
	for (unsigned i = 0; i < WORKER_DEBUGGERS_MAX; i++) {
		if (!worker->places[i] || worker->places[i]->debugger.fd >= 0)
			continue;
		free(worker->places[i]);
		worker->places[i] = NULL;
	}
}

static int worker_find_place(const struct worker *worker)
{
	if (vm_is_lost(&worker->vm))
		return -ESRCH;
	for (unsigned i = 0; i < WORKER_DEBUGGERS_MAX; i++)
		if (!worker->places[i])
			return (int)i;
	return -EUSERS;
}

/* Those who say nothing must not keep out those who do. */
static bool worker_drop_silent(struct worker *worker)
{
	for (unsigned i = 0; i < WORKER_DEBUGGERS_MAX; i++) {
		struct debugger *debugger = &worker->places[i]->debugger;

		if (session_has_spoken(debugger->session))
			continue;
		worker_drop_debugger(debugger, "it says nothing, and another one has come");
		return true;
	}
	return false;
}

/* One has closed its connection, and all of it is yet to be read. */
static bool worker_has_leaving(const struct worker *worker)
{
	for (unsigned i = 0; i < WORKER_DEBUGGERS_MAX; i++)
		if (debugger_is_leaving(&worker->places[i]->debugger))
			return true;
	return false;
}

/* syscalls(worker): time */
static int worker_start_debugger(
	struct worker *worker, unsigned place, struct worker_visitor *visitor)
{
	struct worker_place *taken = calloc(1, sizeof(*taken));
	struct debugger *debugger = &taken->debugger;
	int rc;

	if (!taken) {
		close(visitor->fd);
		return -ENOMEM;
	}
	rc = seat_init(&taken->seat, &worker->vm);
	if (rc < 0) {
		free(taken);
		worker_refuse(worker, visitor, rc == -EBUSY ? EUSERS : -rc);
		return 0;
	}
	worker->places[place] = taken;
	debugger->loop = worker->loop;
	debugger->ops = &worker_debugger_ops;
	debugger->owner = worker;
	taken->since = time(NULL);
	worker->counts.sessions++;
	debugger->patience_s = worker->orders->conf->peer_timeout_s;
	log_info("a debugger has connected");
	rc = debugger_start(debugger, visitor->fd, &taken->seat.target, worker->orders->number,
		&worker->session_hooks);
	if (rc < 0) {
		worker_leave(debugger, "it cannot be served");
		return rc;
	}
	rc = debugger_continue(debugger, &visitor->from.talk, 0);
	if (rc < 0)
		worker_drop_debugger(debugger, "it cannot be served");
	return rc;
}

static void worker_deal_with(struct worker *worker, struct worker_visitor *visitor, int place)
{
	int rc = 0;

	if (place < 0)
		worker_refuse(worker, visitor, -place);
	else
		rc = worker_start_debugger(worker, (unsigned)place, visitor);
	if (rc < 0)
		log_warnx("cannot serve the debugger: %s", strerror(-rc));
	worker->waiting_count--;
	memmove(visitor, visitor + 1, worker->waiting_count * sizeof(*visitor));
}

/* Deals with the first of those who wait.  False: with nobody, for now. */
static bool worker_admit(struct worker *worker)
{
	int place;

	if (!worker->waiting_count || worker->vm.release_wanted)
		return false;
	worker_free_left(worker);
	place = worker_find_place(worker);
	if (place == -EUSERS && worker_drop_silent(worker))
		return true;
	if (place == -EUSERS && worker_has_leaving(worker))
		return false;
	worker_deal_with(worker, &worker->waiting[0], place);
	return true;
}

static void worker_add_visitor(struct worker *worker, const struct control_debugger *from, int fd)
{
	struct worker_visitor visitor = { .fd = fd, .from = *from };

	worker->received++;
	worker->said_idle = false;
	while (worker->waiting_count == WORKER_WAITING_MAX && worker_admit(worker))
		; /* many have come at once: those who say nothing make room */
	if (worker->is_ending || worker->waiting_count == WORKER_WAITING_MAX)
		worker_refuse(worker, &visitor, worker->is_ending ? ESHUTDOWN : EUSERS);
	else
		worker->waiting[worker->waiting_count++] = visitor;
}

/* ---- what main asks ---------------------------------------------------------------------- */

/* Nobody is there, and the guest is not free. */
static bool worker_is_held(const struct worker *worker)
{
	return !worker_count(worker) && worker->vm.state != VM_FREE && !vm_is_lost(&worker->vm);
}

static struct control_answer worker_describe(const struct worker *worker)
{
	struct control_answer answer = {
		.debuggers = worker_count(worker),
		.is_held = worker_is_held(worker),
		.has_taken = worker->has_taken,
	};

	counts_take(&answer.counts, &worker->vm);
	answer.counts.sessions = worker->counts.sessions;
	return answer;
}

static int worker_answer(struct worker *worker, const struct control_answer *answer)
{
	struct control_message message = { .type = CONTROL_ANSWER, .answer = *answer };

	return control_send(worker->control.fd, &message, NULL, 0);
}

/* Unasked, when something has changed that main shows. */
static void worker_tell(struct worker *worker)
{
	struct control_answer now;

	worker->has_taken = worker->has_taken || worker->vm.state != VM_FREE;
	if (worker->is_ending)
		return;
	if (worker->told.debuggers == worker_count(worker) &&
		worker->told.is_held == worker_is_held(worker) &&
		worker->told.has_taken == worker->has_taken)
		return;
	now = worker_describe(worker);
	if (worker_answer(worker, &now) == 0)
		worker->told = now;
}

static int worker_show(struct worker *worker, int file_fd)
{
	struct worker_report_debugger debuggers[WORKER_DEBUGGERS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < WORKER_DEBUGGERS_MAX; i++) {
		struct worker_place *place = worker->places[i];

		if (place && place->debugger.fd >= 0)
			debuggers[count++] = (struct worker_report_debugger){
				.seat = &place->seat,
				.fd = place->debugger.fd,
				.has_spoken = session_has_spoken(place->debugger.session),
				.since = place->since,
			};
	}
	return worker_report_write(&worker->vm, debuggers, count, file_fd);
}

/* What it has set is taken back, whatever is done when a debugger vanishes. */
static void worker_dismiss_debugger(struct worker_place *place)
{
	place->seat.target.ops->detach(&place->seat.target);
	worker_drop_debugger(&place->debugger, "gdbproxyctl has ended it");
}

static int worker_detach(struct worker *worker, unsigned number)
{
	unsigned dropped = 0;

	for (unsigned i = 0; i < WORKER_DEBUGGERS_MAX; i++) {
		struct worker_place *place = worker->places[i];

		if (!place || place->debugger.fd < 0 ||
			(number && place->seat.number + 1 != number))
			continue;
		worker_dismiss_debugger(place);
		dropped++;
	}
	while (!number && worker->waiting_count) {
		worker_refuse(worker, &worker->waiting[--worker->waiting_count], ECONNABORTED);
		dropped++;
	}
	return dropped ? 0 : -ENOENT;
}

/* As if a debugger had come, stopped the guest, and detached. */
static int worker_resume(struct worker *worker)
{
	struct seat seat;
	int rc;

	if (worker_count(worker) || worker->waiting_count)
		return -EBUSY;
	rc = seat_init(&seat, &worker->vm);
	if (rc < 0)
		return rc;
	rc = seat.target.ops->stop(&seat.target);
	seat.target.ops->detach(&seat.target);
	return rc == -EALREADY ? 0 : rc;
}

static int worker_obey(struct worker *worker, const struct control_ask *ask, int file_fd)
{
	switch (ask->order) {
	case CONTROL_COUNT:
		return 0;
	case CONTROL_SHOW:
		return file_fd < 0 ? -EINVAL : worker_show(worker, file_fd);
	case CONTROL_DETACH:
		return worker_detach(worker, ask->debugger);
	case CONTROL_RESUME:
		return worker_resume(worker);
	default:
		return -EOPNOTSUPP;
	}
}

static void worker_on_ask(struct worker *worker, const struct control_ask *ask, int file_fd)
{
	int rc = worker_obey(worker, ask, file_fd);
	struct control_answer answer = worker_describe(worker);

	worker->received++;
	worker->said_idle = false;
	answer.id = ask->id;
	answer.result = rc < 0 ? rc : 0;
	answer.length = rc > 0 ? (uint32_t)rc : 0;
	worker_answer(worker, &answer); /* main that does not read has its deadline */
}

/* ---- after every event -------------------------------------------------------------------- */

static void worker_on_prepare(struct ev_loop *loop, struct ev_prepare *prepare, int events)
{
	struct worker *worker =
		(struct worker *)((char *)prepare - offsetof(struct worker, settle));

	(void)loop;
	(void)events;
	while (worker_admit(worker))
		worker_pump(worker);
	if (vm_is_lost(&worker->vm) && worker_count(worker))
		worker->is_stirred = true; /* what a debugger asked may have shown it */
	while (worker->is_stirred) {
		worker->is_stirred = false;
		worker_pump(worker);
	}
	worker_free_left(worker);
	hold_update(&worker->hold);
	worker_watch_ports(worker);
	worker_tell(worker);
	worker_settle(worker);
}

static bool worker_next_process(void *context, unsigned after, struct process *process)
{
	return directory_next(context, after, process);
}

/* ---- main -------------------------------------------------------------------------------- */

static void worker_follow_memory(
	struct worker *worker, const struct handover_memory_add *message, int fd, bool is_process)
{
	struct lent_vm *lent = worker->orders->lent;
	int rc = lent_vm_keep_memory(lent, message, fd, is_process);

	if (rc == 0)
		rc = lent_vm_map(lent, lent->region_count - 1, &worker->vm.memory);
	if (rc == 0)
		vm_on_memory(&worker->vm);
	else if (!worker->said_unreachable)
		log_warnx("memory at 0x%llx cannot be reached: %s",
			(unsigned long long)message->gpa, strerror(-rc));
	worker->said_unreachable = worker->said_unreachable || rc < 0;
}

static void worker_follow_notice(struct worker *worker, const struct handover_notice *notice)
{
	if (notice->event == HANDOVER_RESET)
		vm_on_reset(&worker->vm);
	else if (notice->event == HANDOVER_SHUTDOWN)
		vm_on_end(&worker->vm, TARGET_STOP_EXITED, notice->detail);
	else if (notice->event == HANDOVER_CRASHED)
		vm_on_end(&worker->vm, TARGET_STOP_CRASHED, notice->detail);
}

/* main has checked and accepted it; returns how many of fds it kept. */
static unsigned worker_follow(
	struct worker *worker, const struct control_message *control, int *fds, unsigned count)
{
	const union handover_message *message = &control->handover;

	switch (message->header.type) {
	case HANDOVER_MEMORY_ADD:
		worker_follow_memory(worker, &message->memory_add, count ? fds[0] : -1,
			control->is_process_memory);
		return count;
	case HANDOVER_MEMORY_REMOVE:
		vm_remove_memory(&worker->vm, message->memory_remove.gpa);
		lent_vm_remove_memory(worker->orders->lent, message->memory_remove.gpa);
		return 0;
	case HANDOVER_NOTICE:
		worker_follow_notice(worker, &message->notice);
		return 0;
	default:
		return 0;
	}
}

static bool worker_receive(struct worker *worker)
{
	struct control_message message;
	int fds[HANDOVER_MAX_FDS];
	unsigned count, kept = 0;
	int rc = control_receive(worker->control.fd, &message, fds, &count);

	if (rc == -EAGAIN)
		return false;
	if (rc <= 0) {
		ev_io_stop(worker->loop, &worker->control);
		worker_end(worker, "the daemon is ending");
		return false;
	}
	if (message.type == CONTROL_DEBUGGER && count == 1) {
		worker_add_visitor(worker, &message.debugger, fds[0]);
		kept = 1;
	} else if (message.type == CONTROL_HANDOVER) {
		kept = worker_follow(worker, &message, fds, count);
	} else if (message.type == CONTROL_ASK) {
		worker_on_ask(worker, &message.ask, count ? fds[0] : -1);
	}
	fd_close_all(fds + kept, count - kept);
	return true;
}

static void worker_on_control(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct worker *worker = (struct worker *)((char *)io - offsetof(struct worker, control));

	(void)loop;
	(void)events;
	for (int i = 0; i < WORKER_BURST && worker_receive(worker); i++)
		;
	worker_pump(worker);
}

static void worker_on_sigterm(struct ev_loop *loop, struct ev_signal *signal, int events)
{
	(void)loop;
	(void)events;
	worker_end((struct worker *)((char *)signal - offsetof(struct worker, sigterm)),
		"the daemon is ending");
}

/* What concerns the whole process group (Ctrl-C) or a terminal is for main, which tells us. */
/* syscalls(main): signal ev_signal_start */
static void worker_watch_signals(struct worker *worker)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	ev_signal_init(&worker->sigterm, worker_on_sigterm, SIGTERM);
	ev_signal_start(worker->loop, &worker->sigterm);
}

static int worker_start(struct worker *worker)
{
	const struct worker_orders *orders = worker->orders;
	int rc;

	worker->hooks = (struct vm_hooks){
		.timer = worker_set_timer, .watch = worker_set_watch, .context = worker
	};
	worker->session_hooks = (struct session_hooks){
		.trace = debugger_log_packet,
		.version = GDBPROXYD_VERSION,
		.is_tracing = orders->conf->packet_trace,
		.next_process = worker_next_process,
		.context = (void *)(uintptr_t)orders->directory,
	};
	ev_timer_init(&worker->deadline, worker_on_deadline, 0., 0.);
	ev_timer_init(&worker->watch, worker_on_watch, 0., 0.);
	rc = lent_vm_open(
		orders->lent, &worker->vm, &worker->hooks, (int)orders->conf->stop_timeout_ms);
	if (rc < 0)
		return rc;
	rc = worker_init_ports(worker);
	if (rc < 0) {
		vm_fini(&worker->vm);
		return rc;
	}
	hold_init(&worker->hold, worker->loop, &worker->vm, &orders->conf->on_disconnect);
	ev_io_init(&worker->control, worker_on_control, orders->control_fd, EV_READ);
	ev_io_start(worker->loop, &worker->control);
	ev_prepare_init(&worker->settle, worker_on_prepare);
	ev_prepare_start(worker->loop, &worker->settle);
	return 0;
}

/* Leaves the vCPUs alone: what state they are in only the one that died knew. */
static void worker_recover(struct worker *worker)
{
	plant_adopt(&worker->vm.plants);
	plant_clear(&worker->vm.plants);
}

/* Returns the status to exit with. */
/* syscalls(worker): ev_run ev_loop_destroy */
static int worker_work(struct worker *worker)
{
	int status;

	if (worker->orders->job == WORKER_RECOVER)
		worker_recover(worker);
	else
		ev_run(worker->loop, 0);
	status = vm_is_lost(&worker->vm) ? WORKER_LOST : EXIT_SUCCESS;
	vm_fini(&worker->vm);
	ev_loop_destroy(worker->loop);
	return status;
}

/* syscalls(main): ev_loop_new */
int worker_main(const struct worker_orders *orders)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int rc;

	if (!worker)
		return EXIT_FAILURE;
	log_set_subject(orders->lent->name);
	worker->orders = orders;
	worker->loop = ev_loop_new(EVFLAG_AUTO);
	rc = worker->loop ? worker_start(worker) : -ENOMEM;
	if (rc == 0) {
		worker_watch_signals(worker);
		rc = isolation_enter_child(orders->conf, SYSCALL_WORKER);
	}
	if (rc < 0) {
		log_errorx("cannot debug this guest: %s", strerror(-rc));
		free(worker->ports);
		free(worker);
		return EXIT_FAILURE;
	}
	rc = worker_work(worker);
	free(worker->ports);
	free(worker);
	return rc;
}
