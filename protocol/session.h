/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One debugger's conversation with one target in the GDB Remote Serial Protocol (RSP; GDB manual,
 * appendix E): bytes in, calls on a struct target, bytes out.  Knows no file descriptor, no
 * clock, no KVM; so the daemon, the unit tests, the transcripts and the fuzzer feed the same
 * functions.
 */
#ifndef PROTOCOL_SESSION_H
#define PROTOCOL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "protocol/process.h"
#include "protocol/conversation.h"
#include "protocol/target.h"

struct session;

/* What the owner of a session wants to hear, and knows; every member may be NULL. */
struct session_hooks {
	/* A whole packet (payload, escapes still in) or an interrupt (0x03) went by; incoming: from the debugger. */
	void (*trace)(void *context, bool incoming, const char *payload, size_t length);
	process_next next_process; /* the guests there are */
	bool is_tracing;           /* from the start; the person at the debugger may change it */
	void *context;
	const char *version; /* of the program, for a debugger that asks */
};

/*
 * target and hooks stay the caller's and must outlive the session; the session makes itself the
 * target's listener.  process (1...) is the target's number in thread ids.  In the lobby target is NULL
 * and process 0: the debugger is attached to nothing, and departs when it chooses a guest or, without
 * extended mode, when there is only one.  NULL when out of memory.
 */
struct session *session_create(
	struct target *target, unsigned process, const struct session_hooks *hooks);

/* Frees the session and leaves the target as it is, without listener.  NULL is fine. */
void session_destroy(struct session *session);

/*
 * Takes bytes from the debugger in any portions.  Takes as many as it can use now and returns how
 * many (the rest must be offered again after session_wants_input() is true), or -EPROTO when the
 * peer does not speak RSP (HTTP, TLS, ...), floods us while it is owed a stop, or rejects the same
 * packet for ever: it must be dropped at once.  After session_is_over() bytes are thrown away.
 */
ssize_t session_input(struct session *session, const void *bytes, size_t length);

/*
 * False while too much output waits for a peer that does not read, or too much input waits for
 * the target.  True while the target runs, else an interrupt could not be heard: what comes
 * then besides is held, up to a bound.  May change with every call and every event of the target.
 */
bool session_wants_input(const struct session *session);

/*
 * Bytes for the debugger: a view valid until the next call; consume what was written.  Consuming
 * may let held packets go on, and so call the target and add output.
 */
size_t session_output(const struct session *session, const void **bytes);
void session_output_consume(struct session *session, size_t length);

/*
 * True when the conversation is to be continued by another session: of *process, or in the lobby when it
 * is 0.  Nothing is read any more; flush the output, export, destroy.
 */
bool session_is_departing(const struct session *session, unsigned *process);

/* Writes down where the conversation is.  0, or -EMSGSIZE: the debugger has said too much unasked. */
int session_export(const struct session *session, struct conversation *talk);

/*
 * Continues a conversation, in a session that is new and answers, or begins to, what the last one could
 * not.  refusal: 0, or the errno why its owner could not let it go on where it wanted to (-EUSERS is
 * EUSERS: too many debuggers; ESRCH: gone), which is told.  0, or -EINVAL: it is not one.
 */
int session_import(struct session *session, const struct conversation *talk, int refusal);

/*
 * The target is gone for ever.  True when the conversation departs for the lobby, where the debugger will
 * hear of it; false when it has none, or something is still owed.
 */
bool session_lose_target(struct session *session);

/* True after D, k or vKill: flush the output, then close the connection. */
bool session_is_over(const struct session *session);

/* True once a valid packet has been read: only then has the peer any claim on the guest. */
bool session_has_spoken(const struct session *session);

#endif
