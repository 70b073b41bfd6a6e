/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stop reply packets (GDB manual E.3): why the target stopped, in the debugger's words.
 * Knows no session: when a reply is owed is decided elsewhere.
 */
#ifndef PROTOCOL_STOP_REPLY_H
#define PROTOCOL_STOP_REPLY_H

#include "protocol/client.h"
#include "protocol/reply.h"
#include "protocol/target.h"

/* What lldb tells its user then; to gdb's user it is said in a line of its own. */
#define STOP_REPLY_CRASHED "the guest has crashed and cannot go on"

/*
 * "T05thread:p1.1;...", "W00", "X09".  Reads the expedited registers of the stopped thread; those
 * that cannot be read are left out.  stop->thread must exist, except for EXITED and GONE.  process
 * is for the thread ids, see reply_put_thread().
 */
void stop_reply_put(struct reply *reply, struct target *target, const struct client *client,
	unsigned process, const struct target_stop *stop);

/* Of a thread that stands still because another one stopped (lldb: qThreadStopInfo). */
void stop_reply_put_none(
	struct reply *reply, struct target *target, unsigned process, unsigned thread);

/* lldb's word for a reason, and the signal that stands for it. */
const char *stop_reply_reason(enum target_stop_reason reason);
unsigned stop_reply_signal(enum target_stop_reason reason);

#endif
