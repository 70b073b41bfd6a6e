/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the bytes of a packet; see cursor.h. */
#include <errno.h>
#include <string.h>
#include "protocol/cursor.h"
#include "protocol/hex.h"

struct cursor cursor_make(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	return (struct cursor){ .at = at, .end = at + length };
}

size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

int cursor_peek(const struct cursor *cursor)
{
	return cursor_left(cursor) ? *cursor->at : -ENODATA;
}

bool cursor_take_byte(struct cursor *cursor, uint8_t byte)
{
	if (cursor_peek(cursor) != byte)
		return false;
	cursor->at++;
	return true;
}

bool cursor_take_text(struct cursor *cursor, const char *text)
{
	size_t length = strlen(text);

	if (cursor_left(cursor) < length || memcmp(cursor->at, text, length))
		return false;
	cursor->at += length;
	return true;
}

int cursor_take_number(struct cursor *cursor, uint64_t *number)
{
	const uint8_t *start = cursor->at;
	uint64_t value = 0;

	for (; cursor_left(cursor); cursor->at++) {
		int digit = hex_digit_value(*cursor->at);

		if (digit < 0)
			break;
		if (value >> 60)
			return -EOVERFLOW;
		value = value << 4 | (unsigned)digit;
	}
	if (cursor->at == start)
		return -EINVAL;
	*number = value;
	return 0;
}

int cursor_take_decimal(struct cursor *cursor, uint64_t *number)
{
	const uint8_t *start = cursor->at;
	uint64_t value = 0;

	for (; cursor_left(cursor); cursor->at++) {
		unsigned digit = *cursor->at - (unsigned)'0';

		if (digit > 9)
			break;
		if (value > (UINT64_MAX - digit) / 10)
			return -EOVERFLOW;
		value = value * 10 + digit;
	}
	if (cursor->at == start)
		return -EINVAL;
	*number = value;
	return 0;
}

int cursor_take_hex(struct cursor *cursor, void *bytes, size_t count)
{
	if (cursor_left(cursor) / 2 < count || hex_decode(bytes, cursor->at, count))
		return -EINVAL;
	cursor->at += 2 * count;
	return 0;
}

/* One byte of escaped binary, or -EINVAL. */
static int cursor_take_escaped(struct cursor *cursor)
{
	bool escaped = cursor_take_byte(cursor, '}');

	if (!cursor_left(cursor))
		return -EINVAL;
	return *cursor->at++ ^ (escaped ? 0x20 : 0);
}

int cursor_take_binary(struct cursor *cursor, void *bytes, size_t count)
{
	uint8_t *to = bytes;

	for (size_t i = 0; i < count; i++) {
		int byte = cursor_take_escaped(cursor);

		if (byte < 0)
			return -EINVAL;
		to[i] = (uint8_t)byte;
	}
	return cursor_left(cursor) ? -EINVAL : 0;
}

int cursor_take_all_binary(struct cursor *cursor, void *bytes, size_t *count)
{
	uint8_t *to = bytes;

	for (*count = 0; cursor_left(cursor); ++*count) {
		int byte = cursor_take_escaped(cursor);

		if (byte < 0)
			return -EINVAL;
		to[*count] = (uint8_t)byte;
	}
	return 0;
}

struct cursor cursor_take_token(struct cursor *cursor, uint8_t delimiter)
{
	struct cursor token = { .at = cursor->at, .end = cursor->end };

	while (cursor_left(cursor) && *cursor->at != delimiter)
		cursor->at++;
	token.end = cursor->at;
	cursor_take_byte(cursor, delimiter);
	return token;
}

bool cursor_is(const struct cursor *cursor, const char *text)
{
	struct cursor copy = *cursor;

	return cursor_take_text(&copy, text) && !cursor_left(&copy);
}
