/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process where debuggers on the common addresses choose a VM: each has a session that is attached
 * to nothing (protocol/session_lobby.c).  One that has chosen goes to the VM's worker through main, and
 * comes back when it detaches.  Ends when nobody is there.
 */
#ifndef DAEMON_LOBBY_H
#define DAEMON_LOBBY_H

#include "conf/conf.h"
#include "daemon/directory.h"

struct lobby_orders {
	const struct conf *conf;
	const struct directory *directory;
	int control_fd;
};

/* Runs to the end: the process's exit status.  To be called right after fork(). */
int lobby_main(const struct lobby_orders *orders);

#endif
