/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What main and its children (a VM's worker, the lobby) say to each other over a SOCK_SEQPACKET
 * pair: one struct a packet, with file descriptors.  Both ends are this program, so the layout is
 * nobody else's business.
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include <stdint.h>
#include "daemon/counts.h"
#include "daemon/debugger.h"
#include "protocol/handover.h"

enum control_type {
	CONTROL_DEBUGGER = 1, /* main: serve this debugger; child: it wants to go (1 fd) */
	CONTROL_HANDOVER = 2, /* main: the VMM said this, and it was accepted (its fds) */
	CONTROL_IDLE = 3,     /* child: it serves nobody any more, in a worker: the guest is free */
	CONTROL_ASK = 16, /* main: a question or an order; with a file for the answer (0 or 1 fd) */
	CONTROL_ANSWER =
		17, /* worker: to a CONTROL_ASK; id 0: unasked, because something has changed */
};

/* A debugger on its way from one process to another. */
struct control_debugger {
	uint32_t process; /* child: the VM it wants to; 0: the lobby */
	uint32_t refusal; /* errno: it comes back, because it could not be let in where it wanted */
	struct debugger_talk talk;
};

enum control_order {
	CONTROL_COUNT = 1,  /* the numbers of the answer are all that is wanted */
	CONTROL_SHOW = 2,   /* vCPUs, debuggers, breakpoints, as JSON lines into the file */
	CONTROL_DETACH = 3, /* end this debugger's connection, or (0) all */
	CONTROL_RESUME = 4, /* nobody is there: take everything back, let the guest run */
};

struct control_ask {
	uint32_t id; /* comes back with the answer */
	uint32_t order;
	uint32_t debugger; /* its number, from 1; 0: all */
};

struct control_answer {
	uint32_t id;
	int32_t result;     /* 0 or -errno: -ENOENT no such debugger, -EBUSY somebody debugs */
	uint32_t length;    /* what was written into the file */
	uint32_t debuggers; /* how many are there now */
	uint32_t is_held;   /* nobody is there, and the guest is not free */
	uint32_t has_taken; /* the guest has been stopped, or let go, by this worker */
	struct counts counts;
};

struct control_message {
	uint32_t type;
	uint32_t
		debuggers; /* CONTROL_IDLE: how many CONTROL_DEBUGGER and _ASK were received so far */
	uint32_t
		is_process_memory; /* CONTROL_HANDOVER, MEMORY_ADD: the fd is the VMM's /proc/PID/mem */
	union {
		union handover_message handover;
		struct control_debugger debugger;
		struct control_ask ask;
		struct control_answer answer;
	};
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
