/* SPDX-License-Identifier: Apache-2.0 */
/* A client that asks once: see outlet.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/outlet.h"

/* For the whole of the request; for each piece of the answer that the client takes. */
static const double outlet_ask_s = 5., outlet_take_s = 10.;

bool outlet_is_open(const struct outlet *outlet)
{
	return outlet->loop != NULL;
}

void outlet_stop(struct outlet *outlet)
{
	if (!outlet->loop)
		return;
	ev_io_stop(outlet->loop, &outlet->read);
	ev_io_stop(outlet->loop, &outlet->write);
	ev_timer_stop(outlet->loop, &outlet->deadline);
	close(outlet->fd);
	outlet->loop = NULL;
}

static void outlet_end(struct outlet *outlet)
{
	outlet_stop(outlet);
	outlet->ops->on_end(outlet);
}

/* syscalls(main): ev_timer_start */
static void outlet_set_deadline(struct outlet *outlet, double seconds)
{
	ev_timer_stop(outlet->loop, &outlet->deadline);
	ev_timer_set(&outlet->deadline, seconds, 0.);
	ev_timer_start(outlet->loop, &outlet->deadline);
}

/* ---- the answer -------------------------------------------------------------------------- */

/* 1 something waits to be sent, 0 nothing does for now, -EPIPE the answer is complete and sent. */
static int outlet_fill(struct outlet *outlet)
{
	ssize_t n;

	if (outlet->out_start < outlet->out_length)
		return 1;
	if (outlet->is_answered)
		return -EPIPE;
	outlet->out_start = outlet->out_length = 0;
	n = outlet->ops->produce(outlet, outlet->out, sizeof(outlet->out));
	if (n == -EAGAIN) {
		ev_timer_stop(outlet->loop, &outlet->deadline);
		return 0;
	}
	outlet->is_answered = n <= 0;
	outlet->out_length = n > 0 ? (size_t)n : 0;
	return n > 0 ? 1 : -EPIPE;
}

/* 1 sent something, 0 the client does not take it now, -errno. */
/* syscalls(main): send */
static int outlet_send(struct outlet *outlet)
{
	ssize_t n = send(outlet->fd, outlet->out + outlet->out_start,
		outlet->out_length - outlet->out_start, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -errno;
	outlet->out_start += (size_t)n;
	outlet_set_deadline(outlet, outlet_take_s);
	return 1;
}

void outlet_go_on(struct outlet *outlet)
{
	int rc = outlet_fill(outlet);

	/* One buffer a turn: others have theirs. */
	if (rc == 1)
		rc = outlet_send(outlet);
	if (rc < 0)
		outlet_end(outlet);
	else if (outlet->out_start < outlet->out_length || rc == 1)
		ev_io_start(outlet->loop, &outlet->write);
	else
		ev_io_stop(outlet->loop, &outlet->write);
}

static void outlet_on_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop;
	(void)events;
	outlet_go_on((struct outlet *)((char *)io - offsetof(struct outlet, write)));
}

/* ---- the request ------------------------------------------------------------------------- */

static void outlet_hear(struct outlet *outlet)
{
	outlet->in[outlet->in_length] = '\0';
	outlet->is_asked = outlet->ops->on_request(outlet, outlet->in, outlet->in_length);
	if (!outlet->is_asked)
		return;
	ev_io_stop(outlet->loop, &outlet->read);
	outlet_set_deadline(outlet, outlet_take_s);
	outlet_go_on(outlet);
}

/* syscalls(main): recv */
static void outlet_on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct outlet *outlet = (struct outlet *)((char *)io - offsetof(struct outlet, read));
	ssize_t n = recv(outlet->fd, outlet->in + outlet->in_length,
		OUTLET_REQUEST_MAX - outlet->in_length, MSG_DONTWAIT);

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		outlet_end(outlet);
		return;
	}
	outlet->in_length += (size_t)n;
	outlet_hear(outlet);
	if (outlet_is_open(outlet) && !outlet->is_asked && outlet->in_length == OUTLET_REQUEST_MAX)
		outlet_end(outlet);
}

static void outlet_on_deadline(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	outlet_end((struct outlet *)((char *)timer - offsetof(struct outlet, deadline)));
}

void outlet_start(struct outlet *outlet, struct ev_loop *loop, int fd)
{
	outlet->loop = loop;
	outlet->fd = fd;
	outlet->is_asked = outlet->is_answered = false;
	outlet->in_length = outlet->out_start = outlet->out_length = 0;
	ev_io_init(&outlet->read, outlet_on_readable, fd, EV_READ);
	ev_io_init(&outlet->write, outlet_on_writable, fd, EV_WRITE);
	ev_timer_init(&outlet->deadline, outlet_on_deadline, 0., 0.);
	ev_io_start(loop, &outlet->read);
	outlet_set_deadline(outlet, outlet_ask_s);
}
