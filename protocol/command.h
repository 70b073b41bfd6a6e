/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a packet's payload asks for: which row of a table, and its arguments, parsed and checked
 * by the row's schema before any handler runs.  Knows no handler by name and no session.
 */
#ifndef PROTOCOL_COMMAND_H
#define PROTOCOL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "protocol/cursor.h"
#include "protocol/target.h"
#include "protocol/thread_id.h"

struct session;

enum { COMMAND_MAX_NUMBERS = 3 };

struct command_args {
	uint64_t number[COMMAND_MAX_NUMBERS];
	unsigned number_count;
	enum target_breakpoint type;
	struct thread_id thread;
	bool has_thread;    /* whether an item that may name one did */
	struct cursor word; /* views into the payload */
	struct cursor rest;
};

enum command_match {
	COMMAND_EXACT, /* the literal is the whole payload */
	COMMAND_WORD,  /* the literal is a name: the payload ends after it, or goes on with : ; , */
	COMMAND_PREFIX, /* anything may follow */
};

enum command_flag {
	COMMAND_STOPPED = 1, /* needs the whole target to hold still */
	COMMAND_RESUMES = 2, /* may set the target running */
	COMMAND_SILENT = 4,  /* the protocol has no reply to it; what is put all the same is sent */
	/* In a session that is attached to no guest only these are answered; see session_lobby.c. */
	COMMAND_ANYWHERE = 8,    /* the answer is the same as at a guest */
	COMMAND_UNATTACHED = 16, /* the answer is that there is nothing */
	COMMAND_ATTACHES = 32,   /* its number is the guest to attach to */
	COMMAND_TALKS = 64,      /* before the reply goes the session's text, as 'O' packets */
	COMMAND_LOOKS = 256,     /* non-stop: whoever asks this can be told of further threads */
	COMMAND_THREAD = 128,    /* needs the general thread to hold still */
};

struct command {
	const char *literal;
	enum command_match match;
	/*
	 * What follows the literal, one letter after the other, to the end of the payload:
	 *   n  a number                      s  a signal number, at most ff
	 *   i  a decimal number
	 *   t  a thread id                   z  a breakpoint type, 0 to 4; others are -ENOTSUP
	 *   w  all up to the next ':'        r  all that is left
	 *   d  all up to the next ';', which stays; as r
	 *   f  lldb's ";thread:ID;", or nothing
	 *   ?  the payload may end here      any other character stands for itself
	 */
	const char *schema;
	unsigned flags;
	/*
	 * 0: the reply is in the session's builder.  -ENOTSUP: the empty reply.  -EINPROGRESS: the
	 * target runs, the reply comes with its stop.  Any other -errno: an error reply.
	 */
	int (*handler)(struct session *session, struct command_args *args);
};

struct command_table {
	const struct command *rows;
	size_t count;
};

/*
 * The row with the longest literal that matches, whatever the order of rows; NULL when none does.
 * *arguments is what follows its literal.
 */
const struct command *command_find(
	const struct command_table *table, const struct cursor *payload, struct cursor *arguments);

/* Parses by the schema into *args: 0, -EINVAL (malformed) or -ENOTSUP. */
int command_parse(
	const char *schema, struct cursor arguments, bool multiprocess, struct command_args *args);

#endif
