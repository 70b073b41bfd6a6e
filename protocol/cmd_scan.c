/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that look through more memory than fits into a reply: qSearch:memory and qCRC (GDB manual
 * E.4).  A debugger gives up on a reply after some seconds, so a packet looks at SCAN_MOST bytes at most,
 * some tenths of a second.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"

enum {
	SCAN_MOST = 256 << 20,
	SCAN_WINDOW = 1 << 18, /* read at a time */
};

/* ---- searching --------------------------------------------------------------------------- */

struct search {
	uint64_t at;   /* what is read next */
	uint64_t left; /* in the range, from there */
	const uint8_t *pattern;
	size_t length;
	uint8_t *window; /* length + SCAN_WINDOW bytes: what was kept, and what was read */
	size_t kept;     /* too short for the pattern: it may begin in there */
};

/* Reads on and looks: 1 found, at *found; 0 not in there; or -errno of reading. */
static int search_window(struct session *session, struct search *search, uint64_t *found)
{
	size_t want = search->left < SCAN_WINDOW ? (size_t)search->left : SCAN_WINDOW;
	uint8_t *end = search->window + search->kept;
	ssize_t got = session_read_memory(session, search->at, end, want);
	const uint8_t *match;

	if (got < 0)
		return (int)got;
	match = memmem(search->window, search->kept + (size_t)got, search->pattern, search->length);
	if (match) {
		*found = search->at - search->kept + (uint64_t)(match - search->window);
		return 1;
	}
	end += got;
	search->at += (uint64_t)got;
	search->left -= (uint64_t)got;
	search->kept += (size_t)got;
	if (search->kept > search->length - 1)
		search->kept = search->length - 1;
	memmove(search->window, end - search->kept, search->kept);
	return 0;
}

/* The same of all the range, or of as much of it as a packet may look at. */
static int search_range(struct session *session, struct search *search, uint64_t *found)
{
	int result = 0;

	for (size_t done = 0; search->left && !result; done += SCAN_WINDOW) {
		if (done >= SCAN_MOST)
			return -EFBIG;
		result = search_window(session, search, found);
	}
	return result;
}

/*
 * Not found in a range that is too long for us is the empty reply: gdb then reads and searches itself.
 * From an error it would make "Pattern not found".
 */
int cmd_search_memory(struct session *session, struct command_args *args)
{
	struct search search = {
		.at = args->number[0], .left = args->number[1], .pattern = session->scratch
	};
	uint64_t found = 0;
	int result;

	if (cursor_take_all_binary(&args->rest, session->scratch, &search.length) ||
		!search.length || !session_range_is_sane(search.at, search.left))
		return -EINVAL;
	search.window = malloc(search.length + SCAN_WINDOW);
	if (!search.window)
		return -ENOMEM;
	result = search_range(session, &search, &found);
	free(search.window);
	if (result < 0)
		return result == -EFBIG ? -ENOTSUP : result;
	reply_put_text(&session->reply, result ? "1," : "0");
	if (result)
		reply_put_number(&session->reply, found);
	return 0;
}

/* ---- checksums --------------------------------------------------------------------------- */

/* CRC-32 of polynomial 04c11db7, the highest bit of each byte first. */
struct crc {
	uint32_t table[256];
	uint32_t value;
};

static void crc_init(struct crc *crc)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t value = byte << 24;

		for (int bit = 0; bit < 8; bit++)
			value = value << 1 ^ (value >> 31 ? 0x04c11db7 : 0);
		crc->table[byte] = value;
	}
	crc->value = UINT32_MAX;
}

static void crc_take(struct crc *crc, const uint8_t *bytes, size_t count)
{
	uint32_t value = crc->value;

	for (size_t i = 0; i < count; i++)
		value = value << 8 ^ crc->table[value >> 24 ^ bytes[i]];
	crc->value = value;
}

int cmd_checksum_memory(struct session *session, struct command_args *args)
{
	uint64_t at = args->number[0], left = args->number[1];
	struct crc crc;

	if (!session_range_is_sane(at, left))
		return -EINVAL;
	if (left > SCAN_MOST)
		return -EFBIG;
	crc_init(&crc);
	while (left) {
		size_t want = left < PACKET_SIZE ? (size_t)left : PACKET_SIZE;
		ssize_t got = session_read_memory(session, at, session->scratch, want);

		if (got < 0)
			return (int)got;
		crc_take(&crc, session->scratch, (size_t)got);
		at += (uint64_t)got;
		left -= (uint64_t)got;
	}
	reply_put_text(&session->reply, "C");
	reply_put_number(&session->reply, crc.value);
	return 0;
}
