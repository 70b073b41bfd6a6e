/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to the service manager, as sd_notify(3) describes the protocol: datagrams of lines VARIABLE=VALUE
 * to the socket that NOTIFY_SOCKET names.  Knows nothing of what the daemon does.
 *
 * The manager also keeps descriptors for us (its fd store) and hands them to whoever is started
 * next.  It drops a descriptor that is the same open file as one it has, and says nothing.
 *
 * A send waits when the manager is behind, for NOTIFY_PATIENCE_MS and then not again until it has
 * caught up.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdbool.h>

#include "daemon/fd_send.h"

enum {
	NOTIFY_PATIENCE_MS = 500,
	NOTIFY_NAME_SIZE = 16,
	NOTIFY_FDS_MAX = FD_SEND_MAX, /* in one message */
};

struct notify {
	int fd;       /* -1: nobody wants to hear anything */
	bool is_deaf; /* the last send has waited in vain */
};

/*
 * Connects to the socket at address: a path, or "@NAME" in the abstract namespace; NULL: nobody
 * listens, and all the calls below do nothing and return 0.  0, -EPROTONOSUPPORT for another kind of
 * address, or -errno of socket(2), connect(2); nobody listens then, too.
 */
int notify_open(struct notify *notify, const char *address);

/* Also in a forked child. */
void notify_close(struct notify *notify);

static inline bool notify_is_open(const struct notify *notify)
{
	return notify->fd >= 0;
}

/* Each of these returns 0, or -errno of sendmsg(2): -EAGAIN when the manager does not read. */

/* The service is up, or its reload is complete. */
int notify_ready(struct notify *notify);

/* The configuration is being read again; notify_ready() ends it. */
int notify_reloading(struct notify *notify);

int notify_stopping(struct notify *notify);

/* One line for people, for `systemctl status`. */
__attribute__((format(printf, 2, 3))) int notify_status(
	struct notify *notify, const char *format, ...);

/*
 * Has count descriptors kept (any number; they stay the caller's, too) under one name, of fewer than NOTIFY_NAME_SIZE
 * characters.  They are kept until notify_unstore(), also when their peers hang up (FDPOLL=0).
 */
int notify_store(struct notify *notify, const char *name, const int *fds, unsigned count);

/* All descriptors of that name are kept no more. */
int notify_unstore(struct notify *notify, const char *name);

#endif
