/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process at the other end of a VMM's connection: its end is noticed even when the connection's is
 * not, because a fd of it is somewhere: in another process, or in our own hands, handed over by a VMM
 * that wants to be remembered for ever.  KVM runs a VM for the process that has made it and for no other.
 */
#ifndef DAEMON_PEER_PROCESS_H
#define DAEMON_PEER_PROCESS_H

#include <ev.h>
#include <sys/types.h>

struct peer_process {
	struct ev_loop *loop; /* NULL: it is not watched */
	struct ev_io io;      /* of a pidfd */
	void (*on_end)(struct peer_process *process);
};

/*
 * Watches process pid (pidfd_open(2)) from now on; on_end is called at most once.  A process that
 * cannot be seen from here, being in another PID namespace, is not watched.
 */
void peer_process_watch(struct peer_process *process, struct ev_loop *loop, pid_t pid,
	void (*on_end)(struct peer_process *process));

/* Safe on one that was never watched and is zero. */
void peer_process_unwatch(struct peer_process *process);

#endif
