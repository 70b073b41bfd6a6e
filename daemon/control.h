/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What main and a worker say to each other over a SOCK_SEQPACKET pair: one struct a packet, with
 * file descriptors.  Both ends are this program, so the layout is nobody else's business.
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include <stdint.h>
#include "protocol/handover.h"

enum control_type {
	CONTROL_CLIENT = 1,   /* main: a debugger has connected (1 fd) */
	CONTROL_HANDOVER = 2, /* main: the VMM said this, and it was accepted (its fds) */
	CONTROL_IDLE = 3,     /* worker: nobody debugs any more, the guest is free */
};

struct control_message {
	uint32_t type;
	uint32_t clients; /* CONTROL_IDLE: how many CONTROL_CLIENT were received so far */
	union handover_message handover;
};

/* Sends with count fds, which stay the caller's.  0 or -errno (-EAGAIN: the peer does not read). */
int control_send(
	int socket_fd, const struct control_message *message, const int *fds, unsigned count);

/*
 * Receives without waiting: 1 (fds are the caller's), 0 the peer is gone, -EAGAIN, -errno.  fds
 * has room for HANDOVER_MAX_FDS.
 */
int control_receive(int socket_fd, struct control_message *message, int *fds, unsigned *count);

#endif
