/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The common addresses for debuggers: those of the configuration, which may change while we run, and
 * those whose sockets the service manager gave us, which stay.
 */
#ifndef DAEMON_LISTENERS_H
#define DAEMON_LISTENERS_H

#include "daemon/listener.h"
#include "daemon/options.h"

/* The manager's, and while they change the old and the new ones. */
enum { LISTENERS_MAX = 3 * CONF_LISTEN_MAX };

struct listeners {
	struct ev_loop *loop;
	listener_on_accept on_accept;
	void *owner;
	struct listener slots[LISTENERS_MAX]; /* loop NULL: vacant */
	bool is_given[LISTENERS_MAX];         /* by the manager */
};

void listeners_init(struct listeners *listeners, struct ev_loop *loop, listener_on_accept on_accept,
	void *owner);

/* Takes a listening socket.  0; -errno after one log line, and fd is closed. */
int listeners_adopt(struct listeners *listeners, int fd, bool allow_remote);

/*
 * Listens where options say, and nowhere else but at what the manager gave.  0, or -errno after one log line:
 * then all is as it was.
 */
int listeners_change(struct listeners *listeners, const struct options *options);

/* Whether one of them is at address. */
bool listeners_have(const struct listeners *listeners, const struct listen_address *address);

void listeners_stop(struct listeners *listeners);

/* listener_start() with its log line: that it listens for peers ("debuggers"), or why not. */
int listeners_start_one(struct listener *listener, struct ev_loop *loop, const char *peers,
	const struct listen_address *address, int type, mode_t mode, listener_on_accept on_accept,
	void *owner);

/* listener_adopt() with its log line. */
int listeners_adopt_one(struct listener *listener, struct ev_loop *loop, const char *peers, int fd,
	listener_on_accept on_accept, void *owner);

#endif
