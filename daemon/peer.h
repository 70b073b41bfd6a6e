/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end of a Unix socket, as the kernel says (SO_PEERCRED, SO_PEERGROUPS: when it
 * connected), and whether the configuration lets them in.  TCP has no such knowledge.
 */
#ifndef DAEMON_PEER_H
#define DAEMON_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "conf/conf.h"

/* Whether the peer of fd is known at all; if so *peer is who it is. */
bool peer_identify(int fd, struct ucred *peer);

/* Whether the peer of fd is one of uids, or has one of gids as its group or among its others. */
bool peer_is_listed(int fd, const struct conf_uids *uids, const struct conf_gids *gids);

/*
 * Whether whoever has connected by fd may debug: over TCP, everybody who can connect (`listen`,
 * `allow-remote`); else as debug-uid and debug-gid say, everybody where neither is set.
 */
bool peer_may_debug(int fd, const struct conf *conf);

/* Log lines about those who were refused: one a second, however many there are. */
struct peer_refusals {
	int64_t quiet_until_ms;
	unsigned unsaid;
};

/* Says that the peer of fd, who wanted to `what`, is refused. */
void peer_log_refusal(struct peer_refusals *refusals, int fd, const char *what);

#endif
