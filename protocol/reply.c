/* SPDX-License-Identifier: Apache-2.0 */
/* The builder of replies; see reply.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "protocol/hex.h"
#include "protocol/reply.h"

int reply_init(struct reply *reply, size_t capacity)
{
	*reply = (struct reply){ .bytes = malloc(capacity), .capacity = capacity };
	return reply->bytes ? 0 : -ENOMEM;
}

void reply_fini(struct reply *reply)
{
	free(reply->bytes);
	*reply = (struct reply){ .bytes = NULL };
}

void reply_reset(struct reply *reply)
{
	reply->length = 0;
	reply->failed = false;
}

int reply_status(const struct reply *reply)
{
	return reply->failed ? -EMSGSIZE : 0;
}

/* Room for count more bytes, or NULL and the reply has failed. */
static uint8_t *reply_reserve(struct reply *reply, size_t count)
{
	uint8_t *room = reply->bytes + reply->length;

	if (reply->failed || reply->capacity - reply->length < count) {
		reply->failed = true;
		return NULL;
	}
	reply->length += count;
	return room;
}

static void reply_put_bytes(struct reply *reply, const void *bytes, size_t count)
{
	uint8_t *room = reply_reserve(reply, count);

	if (room)
		memcpy(room, bytes, count);
}

void reply_put_text(struct reply *reply, const char *text)
{
	reply_put_bytes(reply, text, strlen(text));
}

void reply_put_number(struct reply *reply, uint64_t number)
{
	uint8_t digits[16];
	size_t at = sizeof(digits);

	do {
		digits[--at] = hex_digit((unsigned)number);
		number >>= 4;
	} while (number);
	reply_put_bytes(reply, digits + at, sizeof(digits) - at);
}

void reply_put_decimal(struct reply *reply, uint64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, number);
	reply_put_text(reply, digits);
}

void reply_put_hex(struct reply *reply, const void *bytes, size_t count)
{
	uint8_t *room = count > SIZE_MAX / 2 ? NULL : reply_reserve(reply, 2 * count);

	if (room)
		hex_encode(room, bytes, count);
}

void reply_put_unavailable(struct reply *reply, size_t count)
{
	uint8_t *room = reply_reserve(reply, 2 * count);

	if (room)
		memset(room, 'x', 2 * count);
}

static bool binary_needs_escape(uint8_t byte)
{
	return byte == '#' || byte == '$' || byte == '}' || byte == '*';
}

size_t reply_put_binary(struct reply *reply, const void *bytes, size_t count)
{
	const uint8_t *from = bytes;
	uint8_t *to = reply->bytes + reply->length, *end = reply->bytes + reply->capacity;
	size_t done = 0;

	for (; done < count && !reply->failed; done++) {
		bool escape = binary_needs_escape(from[done]);

		if (end - to < (escape ? 2 : 1))
			break;
		if (escape)
			*to++ = '}';
		*to++ = from[done] ^ (escape ? 0x20 : 0);
	}
	reply->length = (size_t)(to - reply->bytes);
	return done;
}

void reply_put_thread(struct reply *reply, unsigned process, unsigned thread)
{
	if (process) {
		reply_put_text(reply, "p");
		reply_put_number(reply, process);
		reply_put_text(reply, ".");
	}
	reply_put_number(reply, thread);
}

/* No '#', '$', '}' or '*' in these. */
static const char *error_text(int error)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{ EFAULT, "nothing is mapped at this address" },
		{ ENXIO, "there is no memory at this address: a device, or nothing" },
		{ EFBIG, "the range is too long for one packet" },
		{ EINVAL, "malformed packet or a value that is not allowed" },
		{ ENOSPC, "out of hardware breakpoints or watchpoints" },
		{ ESRCH, "no such thread or process" },
		{ ENOENT, "there is no such thing here" },
		{ EPERM, "another debugger drives this guest; 'monitor drive' takes over" },
		{ EROFS, "this cannot be written" },
		{ EBUSY, "the guest is running" },
		{ E2BIG, "too many conditions or commands" },
		{ EMSGSIZE, "packet too long" },
		{ ETIMEDOUT, "a vCPU did not stop in time" },
		{ ENOMEM, "out of memory" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].error == error)
			return texts[i].text;
	return NULL;
}

void reply_set_error(struct reply *reply, int error, enum reply_wording wording)
{
	const char *text = wording == REPLY_NUMBER ? NULL : error_text(error);
	uint8_t number = error > 0 && error <= 0xff ? (uint8_t)error : 0xff;

	reply_reset(reply);
	reply_put_text(reply, "E");
	if (text && wording == REPLY_WORDED) {
		reply_put_text(reply, ".");
		reply_put_text(reply, text);
		return;
	}
	reply_put_hex(reply, &number, 1);
	if (text) {
		reply_put_text(reply, ";");
		reply_put_hex(reply, text, strlen(text));
	}
}

static bool text_may_stand(char character)
{
	return character >= ' ' && character <= '~' && !binary_needs_escape((uint8_t)character);
}

void reply_set_error_text(struct reply *reply, const char *line)
{
	size_t length = strcspn(line, "\n");

	reply_reset(reply);
	reply_put_text(reply, "E.");
	for (size_t i = 0; i < length; i++)
		reply_put_bytes(reply, text_may_stand(line[i]) ? line + i : ".", 1);
}
