/* SPDX-License-Identifier: Apache-2.0 */
/* A listening socket in the loop: accepts, and hands each connection to its owner. */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <ev.h>
#include "daemon/address.h"

struct listener;

/* fd is non-blocking, close-on-exec, and now the owner's. */
typedef void (*listener_on_accept)(struct listener *listener, int fd);

struct listener {
	struct ev_loop *loop;
	struct ev_io io;
	struct ev_timer pause;                 /* no descriptors left: looks again later */
	struct listen_address wanted, address; /* as asked for, and with the port that it is */
	listener_on_accept on_accept;
	void *owner;
};

/*
 * Opens address and starts accepting.  type SOCK_STREAM or SOCK_SEQPACKET; mode of a Unix socket.
 * 0, or -errno of listen_address_open() with nothing to be undone.
 */
int listener_start(struct listener *listener, struct ev_loop *loop,
	const struct listen_address *address, int type, mode_t mode, listener_on_accept on_accept,
	void *owner);

/*
 * The same with a socket that listens already, which it takes, also on failure; a file of it is not ours.  0, or
 * -errno of getsockname(2), fcntl(2).
 */
int listener_adopt(struct listener *listener, struct ev_loop *loop, int fd,
	listener_on_accept on_accept, void *owner);

/* Stops and removes the socket file.  Safe on one that is all zero or was never started. */
void listener_stop(struct listener *listener);

#endif
