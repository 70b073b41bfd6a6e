/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the debugger said of itself in its last qSupported (GDB manual E.4), and what we say back; and
 * what lldb asks for by packets of its own.  Only what changes our behaviour is kept.
 */
#ifndef PROTOCOL_CLIENT_H
#define PROTOCOL_CLIENT_H

#include <stdbool.h>
#include "protocol/cursor.h"
#include "protocol/reply.h"

/* Truths only: they go along when another session continues the conversation (conversation.h). */
struct client {
	bool multiprocess;     /* thread ids carry the process: "p1.2" */
	bool swbreak, hwbreak; /* understands these stop reasons; gdb gives up on an unasked one */
	bool error_message;    /* takes "E.text" wherever an error may stand */

	/* lldb's (its document "GDB Remote Protocol Extensions"); qSupported leaves them alone. */
	bool thread_suffix; /* QThreadSuffixSupported: packets about registers may name a thread */
	bool thread_lists;  /* QListThreadsInStopReply */
	bool error_strings; /* QEnableErrorStrings: takes "E0e;" and text in hex */
};

/* Replaces everything known before; features that we do not know are skipped. */
void client_negotiate(struct client *client, struct cursor features);

/* Whether it has asked for what only lldb asks for. */
bool client_is_lldb(const struct client *client);

/* How it wants errors. */
enum reply_wording client_wording(const struct client *client);

/* Our side.  The same for every client, as the manual wants. */
void client_put_features(struct reply *reply);

#endif
