/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one builder of everything we say: it knows its capacity, writes the protocol's encodings
 * and fails sticky, so that a handler may put and put and be asked once at the end.  Knows no
 * command and no target.
 */
#ifndef PROTOCOL_REPLY_H
#define PROTOCOL_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reply {
	uint8_t *bytes; /* the payload: escaped, without frame */
	size_t capacity;
	size_t length;
	bool failed; /* something did not fit; nothing is added any more */
};

/* 0 or -ENOMEM; fini is right after either, and on a zeroed struct. */
int reply_init(struct reply *reply, size_t capacity);
void reply_fini(struct reply *reply);

/* Empty again, which is also the answer to what we do not know (GDB manual E.1). */
void reply_reset(struct reply *reply);

/* 0, or -EMSGSIZE when something did not fit. */
int reply_status(const struct reply *reply);

/* As it is; the caller vouches that nothing in it needs an escape. */
void reply_put_text(struct reply *reply, const char *text);

/* Hexadecimal, without leading zeros. */
void reply_put_number(struct reply *reply, uint64_t number);

/* Decimal, as lldb wants some. */
void reply_put_decimal(struct reply *reply, uint64_t number);

/* Two digits for each byte. */
void reply_put_hex(struct reply *reply, const void *bytes, size_t count);

/* "xx" for each byte: there is such a thing, and it cannot be read now (manual E.2, 'g'). */
void reply_put_unavailable(struct reply *reply, size_t count);

/* Escaped binary, as much of it as fits: how many bytes that was.  Never fails. */
size_t reply_put_binary(struct reply *reply, const void *bytes, size_t count);

/* A thread id: "p1.2", or "2" when process is 0, for a peer that has not negotiated multiprocess. */
void reply_put_thread(struct reply *reply, unsigned process, unsigned thread);

enum reply_wording {
	REPLY_NUMBER, /* "E0e" */
	REPLY_WORDED, /* "E.text" (manual E.1; gdb before 16 takes it for a number in places) */
	REPLY_WORDED_IN_HEX, /* "E0e;74657874", lldb's */
};

/* Replaces what was put by an error: an errno, positive. */
void reply_set_error(struct reply *reply, int error, enum reply_wording wording);

/* "E.text" of a line of any characters: what would need an escape becomes '.'. */
void reply_set_error_text(struct reply *reply, const char *line);

#endif
