/* SPDX-License-Identifier: Apache-2.0 */
/* One debugger's connection: see debugger.h. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/debugger.h"
#include "daemon/log.h"

/* True while the connection lives. */
static bool debugger_end(struct debugger *debugger, const char *why)
{
	debugger->ops->on_end(debugger, why);
	return false;
}

/* Gives the session what was held, as far as it takes it. */
static bool debugger_feed(struct debugger *debugger)
{
	ssize_t taken;

	if (!debugger->held)
		return true;
	taken = session_input(debugger->session, debugger->buffer, debugger->held);
	if (taken < 0)
		return debugger_end(debugger, "it does not speak the remote protocol");
	debugger->held -= (size_t)taken;
	memmove(debugger->buffer, debugger->buffer + taken, debugger->held);
	debugger->ops->on_fed(debugger);
	return debugger->fd >= 0;
}

/* syscalls(worker, lobby): send */
static bool debugger_flush(struct debugger *debugger)
{
	const void *bytes;
	unsigned process;
	size_t length;

	while ((length = session_output(debugger->session, &bytes)) > 0) {
		ssize_t n = send(debugger->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0)
			return debugger_end(debugger, strerror(errno));
		session_output_consume(debugger->session, (size_t)n);
		if (session_has_spoken(debugger->session))
			ev_timer_stop(debugger->loop, &debugger->stall);
	}
	if (session_is_over(debugger->session))
		return debugger_end(debugger, "detached");
	if (session_is_departing(debugger->session, &process)) {
		debugger->ops->on_departure(debugger, process);
		return false;
	}
	return true;
}

/* syscalls(worker): poll */
bool debugger_is_leaving(const struct debugger *debugger)
{
	struct pollfd poll_fd = { .fd = debugger->fd, .events = POLLRDHUP };

	return debugger->fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

bool debugger_is_flushed(const struct debugger *debugger)
{
	const void *bytes;

	return debugger->fd < 0 || session_output(debugger->session, &bytes) == 0;
}

void debugger_log_packet(void *context, bool incoming, const char *payload, size_t length)
{
	(void)context;
	log_info("%s %.*s", incoming ? "<-" : "->", (int)(length < 1024 ? length : 1024), payload);
}

/* From now on it has so long to show that it is there. */
static void debugger_expect(struct debugger *debugger)
{
	if (!debugger->patience_s || ev_is_active(&debugger->stall))
		return;
	ev_timer_set(&debugger->stall, debugger->patience_s, 0.);
	ev_timer_start(debugger->loop, &debugger->stall);
}

/* Reads on while there is room: the session must hear an interrupt even while it owes a reply. */
/* syscalls(worker, lobby): ev_timer_start */
static void debugger_watch(struct debugger *debugger)
{
	if (!debugger->is_eof && debugger->held < sizeof(debugger->buffer))
		ev_io_start(debugger->loop, &debugger->read);
	else
		ev_io_stop(debugger->loop, &debugger->read);
	if (debugger_is_flushed(debugger)) {
		ev_io_stop(debugger->loop, &debugger->write);
		if (session_has_spoken(debugger->session))
			ev_timer_stop(debugger->loop, &debugger->stall);
		return;
	}
	ev_io_start(debugger->loop, &debugger->write);
	debugger_expect(debugger);
}

void debugger_update(struct debugger *debugger)
{
	size_t before;

	if (debugger->fd < 0)
		return;
	do {
		before = debugger->held;
		if (!debugger_flush(debugger))
			return;
		if (session_wants_input(debugger->session) && !debugger_feed(debugger))
			return;
	} while (debugger->held < before);
	if (!debugger_flush(debugger))
		return;
	if (debugger->is_eof && (!debugger->held || !session_wants_input(debugger->session))) {
		debugger_end(debugger, "it closed the connection");
		return;
	}
	debugger_watch(debugger);
}

/* syscalls(worker, lobby): recv */
static void debugger_on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct debugger *debugger =
		(struct debugger *)((char *)io - offsetof(struct debugger, read));
	ssize_t n = recv(debugger->fd, debugger->buffer + debugger->held,
		sizeof(debugger->buffer) - debugger->held, MSG_DONTWAIT);

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		debugger_end(debugger, strerror(errno));
		return;
	}
	debugger->is_eof = n == 0;
	debugger->held += (size_t)n;
	debugger_update(debugger);
}

static void debugger_on_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop;
	(void)events;
	debugger_update((struct debugger *)((char *)io - offsetof(struct debugger, write)));
}

static void debugger_on_stall(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct debugger *debugger =
		(struct debugger *)((char *)timer - offsetof(struct debugger, stall));

	(void)loop;
	(void)events;
	debugger_end(debugger, session_has_spoken(debugger->session)
				       ? "it reads nothing"
				       : "it has said nothing that makes sense");
}

/*
 * For TCP: no waiting for more, and a peer that vanished is noticed, whether or not something is on its
 * way to it. Unix sockets refuse, rightly.
 */
/* syscalls(worker, lobby): setsockopt */
static void debugger_tune(int fd, unsigned patience_s)
{
	int one = 1, count = 3, unheard_ms = (int)patience_s * 1000;
	int idle_s = patience_s > 2 ? (int)patience_s / 2 : 1;
	int interval_s = patience_s > 6 ? (int)patience_s / 6 : 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!patience_s)
		return;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard_ms, sizeof(unheard_ms));
}

int debugger_start(struct debugger *debugger, int fd, struct target *target, unsigned process,
	const struct session_hooks *hooks)
{
	debugger->fd = fd;
	debugger->is_eof = false;
	debugger->held = 0;
	debugger->session = session_create(target, process, hooks);
	if (!debugger->session) {
		close(fd);
		debugger->fd = -1;
		return -ENOMEM;
	}
	debugger_tune(fd, debugger->patience_s);
	ev_io_init(&debugger->read, debugger_on_readable, fd, EV_READ);
	ev_io_init(&debugger->write, debugger_on_writable, fd, EV_WRITE);
	ev_timer_init(&debugger->stall, debugger_on_stall, 0., 0.);
	debugger_expect(debugger);
	debugger_update(debugger);
	return 0;
}

int debugger_continue(struct debugger *debugger, const struct debugger_talk *talk, int refusal)
{
	int rc = 0;

	if (talk->unread_length > sizeof(talk->unread) || debugger->held)
		return -EINVAL;
	rc = session_import(debugger->session, &talk->conversation, refusal);
	if (rc < 0)
		return rc;
	memcpy(debugger->buffer, talk->unread, talk->unread_length);
	debugger->held = talk->unread_length;
	debugger->ops->on_fed(debugger);
	debugger_update(debugger);
	return 0;
}

/* Everything but the fd. */
static void debugger_end_session(struct debugger *debugger)
{
	ev_io_stop(debugger->loop, &debugger->read);
	ev_io_stop(debugger->loop, &debugger->write);
	ev_timer_stop(debugger->loop, &debugger->stall);
	session_destroy(debugger->session);
	debugger->session = NULL;
}

int debugger_hand_over(struct debugger *debugger, struct debugger_talk *talk)
{
	int fd = debugger->fd;

	*talk = (struct debugger_talk){ .unread_length = (uint32_t)debugger->held };
	if (debugger->held > sizeof(talk->unread) ||
		session_export(debugger->session, &talk->conversation) < 0)
		return -EMSGSIZE;
	memcpy(talk->unread, debugger->buffer, debugger->held);
	debugger_end_session(debugger);
	debugger->fd = -1;
	return fd;
}

void debugger_stop(struct debugger *debugger)
{
	if (debugger->fd < 0)
		return;
	debugger_end_session(debugger);
	close(debugger->fd);
	debugger->fd = -1;
}
