/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One debugger's connection: moves bytes between its socket and its session, with back-pressure
 * both ways, and takes both to another process.  Knows no packet.
 */
#ifndef DAEMON_DEBUGGER_H
#define DAEMON_DEBUGGER_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "protocol/session.h"

struct debugger;

/* What the owner of a connection hears of it. */
struct debugger_ops {
	/* The connection is over; the callee may debugger_stop() it. */
	void (*on_end)(struct debugger *debugger, const char *why);
	/* It is to go on at that VM, or in the lobby when it is 0: debugger_hand_over(). */
	void (*on_departure)(struct debugger *debugger, unsigned process);
	/* Bytes were fed: the target may have something to deliver. */
	void (*on_fed)(struct debugger *debugger);
};

enum { DEBUGGER_BUFFER = 65536, DEBUGGER_UNREAD = 256 };

/* A connection's state on its way to another process; all zero for one that is new. */
struct debugger_talk {
	struct conversation conversation;
	uint32_t unread_length;
	uint8_t unread[DEBUGGER_UNREAD]; /* what came behind */
};

struct debugger {
	struct ev_loop *loop;
	struct ev_io read, write;
	struct ev_timer
		stall; /* it reads nothing of what waits for it, or has not said a word yet */
	unsigned
		patience_s; /* with either, and with a peer that TCP does not hear of; 0: for ever */
	int fd;             /* -1: no connection */
	struct session *session;
	const struct debugger_ops *ops;
	void *owner;
	bool is_eof; /* the debugger has said its last byte */
	size_t held; /* bytes in buffer that the session could not take yet */
	uint8_t buffer[DEBUGGER_BUFFER];
};

/*
 * Starts a session with target, of that number (session.h), on fd, which it takes; the caller has set
 * loop, ops, owner and patience_s.  0 or -errno (fd is closed then).
 */
int debugger_start(struct debugger *debugger, int fd, struct target *target, unsigned process,
	const struct session_hooks *hooks);

/* Goes on with what another process has handed over; refusal as in session_import().  0, -EINVAL. */
int debugger_continue(struct debugger *debugger, const struct debugger_talk *talk, int refusal);

/*
 * For one that departs: the fd, now the caller's, and where the conversation is; the session is gone.
 * -EMSGSIZE: it has said too much unasked, and must be stopped.
 */
int debugger_hand_over(struct debugger *debugger, struct debugger_talk *talk);

/* Closes and frees the session; safe when not started. */
void debugger_stop(struct debugger *debugger);

/* To be called after every event: writes what there is, feeds what was held, sets the watchers. */
void debugger_update(struct debugger *debugger);

/* The debugger has closed the connection, though perhaps not all it said was read yet. */
bool debugger_is_leaving(const struct debugger *debugger);

/* For session_hooks.trace: a packet as a line of the log. */
void debugger_log_packet(void *context, bool incoming, const char *payload, size_t length);

/* Nothing is left to be written. */
bool debugger_is_flushed(const struct debugger *debugger);

#endif
