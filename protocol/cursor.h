/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one checked way to read the bytes of a packet: every function looks before it takes, and
 * one that fails leaves no out-of-bounds read behind.  Knows the protocol's encodings (GDB manual
 * E.1 "Overview") and no command.
 */
#ifndef PROTOCOL_CURSOR_H
#define PROTOCOL_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view: the bytes belong to whoever made it. */
struct cursor {
	const uint8_t *at, *end;
};

struct cursor cursor_make(const void *bytes, size_t length);
size_t cursor_left(const struct cursor *cursor);

/* The next byte, which stays; -ENODATA at the end. */
int cursor_peek(const struct cursor *cursor);

/* Takes exactly this byte if it is next. */
bool cursor_take_byte(struct cursor *cursor, uint8_t byte);

/* Takes exactly this text if it is next. */
bool cursor_take_text(struct cursor *cursor, const char *text);

/*
 * Takes a hexadecimal number: one digit or more, leading zeros allowed, no sign, no "0x".
 * -EINVAL when there is no digit, -EOVERFLOW beyond 64 bits.
 */
int cursor_take_number(struct cursor *cursor, uint64_t *number);

/* The same for a decimal number, as lldb writes a few. */
int cursor_take_decimal(struct cursor *cursor, uint64_t *number);

/* Takes two digits for each of count bytes: 0 or -EINVAL. */
int cursor_take_hex(struct cursor *cursor, void *bytes, size_t count);

/*
 * Takes everything left as escaped binary ('}' and the byte ^ 0x20), which must come to exactly
 * count bytes: 0 or -EINVAL.
 */
int cursor_take_binary(struct cursor *cursor, void *bytes, size_t count);

/*
 * The same where the packet does not say how many: to bytes, which has room for all that is left.
 * 0 and how many in *count, or -EINVAL.
 */
int cursor_take_all_binary(struct cursor *cursor, void *bytes, size_t *count);

/* Takes up to the delimiter or the end; the delimiter is taken too, and is not in the result. */
struct cursor cursor_take_token(struct cursor *cursor, uint8_t delimiter);

/* True when what is left is exactly this text. */
bool cursor_is(const struct cursor *cursor, const char *text);

#endif
