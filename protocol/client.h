/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the debugger said of itself in its last qSupported (GDB manual E.4), and what we say back.
 * Only what changes our behaviour is kept.
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
};

/* Replaces everything known before; features that we do not know are skipped. */
void client_negotiate(struct client *client, struct cursor features);

/* Our side.  The same for every client, as the manual wants. */
void client_put_features(struct reply *reply);

#endif
