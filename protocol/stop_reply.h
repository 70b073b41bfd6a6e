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

/*
 * "T05thread:p1.1;...", "W00", "X09".  Reads the expedited registers of the stopped thread; those
 * that cannot be read are left out.  stop->thread must exist, except for EXITED and GONE.  process
 * is for the thread ids, see reply_put_thread().
 */
void stop_reply_put(struct reply *reply, struct target *target, const struct client *client,
	unsigned process, const struct target_stop *stop);

#endif
