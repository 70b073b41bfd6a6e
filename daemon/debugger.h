/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One debugger's connection: moves bytes between its socket and its session, with back-pressure
 * both ways.  Knows no packet.
 */
#ifndef DAEMON_DEBUGGER_H
#define DAEMON_DEBUGGER_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "protocol/session.h"

struct debugger;

/* The connection is over; the callee may debugger_stop() it. */
typedef void (*debugger_on_end)(struct debugger *debugger, const char *why);
/* Bytes were fed: the target may have something to deliver. */
typedef void (*debugger_on_fed)(struct debugger *debugger);

enum { DEBUGGER_BUFFER = 65536 };

struct debugger {
	struct ev_loop *loop;
	struct ev_io read, write;
	int fd; /* -1: no connection */
	struct session *session;
	debugger_on_end on_end;
	debugger_on_fed on_fed;
	void *owner;
	bool is_eof; /* the debugger has said its last byte */
	size_t held; /* bytes in buffer that the session could not take yet */
	uint8_t buffer[DEBUGGER_BUFFER];
};

/* Starts a session with target on fd, which it takes.  0 or -errno (fd is closed then). */
int debugger_start(struct debugger *debugger, struct ev_loop *loop, int fd, struct target *target,
	const struct session_hooks *hooks, debugger_on_fed on_fed, debugger_on_end on_end,
	void *owner);

/* Closes and frees the session; safe when not started. */
void debugger_stop(struct debugger *debugger);

/* To be called after every event: writes what there is, feeds what was held, sets the watchers. */
void debugger_update(struct debugger *debugger);

/* The debugger has closed the connection, though perhaps not all it said was read yet. */
bool debugger_is_leaving(const struct debugger *debugger);

/* Nothing is left to be written. */
bool debugger_is_flushed(const struct debugger *debugger);

#endif
