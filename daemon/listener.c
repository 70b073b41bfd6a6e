/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections: see listener.h. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>
#include "daemon/listener.h"
#include "daemon/log.h"

enum { LISTENER_BURST = 16 };

static const double listener_pause_s = 0.5;

static struct listener *listener_of(struct ev_io *io)
{
	return (struct listener *)((char *)io - offsetof(struct listener, io));
}

/* Out of descriptors or memory: the queue keeps the rest, we look again in a while. */
/* syscalls(main): ev_timer_start */
static void listener_wait(struct listener *listener)
{
	log_warn("cannot accept a connection for now");
	ev_io_stop(listener->loop, &listener->io);
	ev_timer_set(&listener->pause, listener_pause_s, 0.);
	ev_timer_start(listener->loop, &listener->pause);
}

/* True while there may be more to accept. */
/* syscalls(main): accept4 */
static bool listener_accept_one(struct listener *listener)
{
	int fd = accept4(listener->io.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		listener->on_accept(listener, fd);
		return true;
	}
	switch (errno) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
		return true;
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		listener_wait(listener);
		return false;
	default:
		log_error("a listening socket broke");
		ev_io_stop(listener->loop, &listener->io);
		return false;
	}
}

static void listener_on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct listener *listener = listener_of(io);

	(void)loop;
	(void)events;
	for (int i = 0; i < LISTENER_BURST && listener_accept_one(listener); i++)
		;
}

static void listener_on_pause_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct listener *listener =
		(struct listener *)((char *)timer - offsetof(struct listener, pause));

	(void)events;
	ev_io_start(loop, &listener->io);
}

static void listener_watch(struct listener *listener, struct ev_loop *loop, int fd)
{
	listener->loop = loop;
	ev_io_init(&listener->io, listener_on_readable, fd, EV_READ);
	ev_timer_init(&listener->pause, listener_on_pause_over, 0., 0.);
	ev_io_start(loop, &listener->io);
}

int listener_start(struct listener *listener, struct ev_loop *loop,
	const struct listen_address *address, int type, mode_t mode, listener_on_accept on_accept,
	void *owner)
{
	int fd, rc;

	*listener = (struct listener){
		.wanted = *address, .address = *address, .on_accept = on_accept, .owner = owner
	};
	rc = listen_address_open(&listener->address, type, mode, &fd);
	if (rc == 0)
		listener_watch(listener, loop, fd);
	return rc;
}

int listener_adopt(struct listener *listener, struct ev_loop *loop, int fd,
	listener_on_accept on_accept, void *owner)
{
	int rc;

	*listener = (struct listener){ .on_accept = on_accept, .owner = owner };
	rc = listen_address_adopt(&listener->address, fd);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	listener->wanted = listener->address;
	listener_watch(listener, loop, fd);
	return 0;
}

void listener_stop(struct listener *listener)
{
	int fd = listener->io.fd;

	if (!listener->loop)
		return;
	ev_io_stop(listener->loop, &listener->io);
	ev_timer_stop(listener->loop, &listener->pause);
	listen_address_close(&listener->address, &fd);
	listener->loop = NULL;
}
