/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/packet.c: every event of the framing, in portions of one byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <stdio.h>
#include "protocol/packet.h"

/* The events of a text, one letter each; complete packets with their payload in brackets. */
static void read_all(
	struct packet_reader *reader, const void *bytes, size_t length, char *events, size_t size)
{
	static const char letters[] = { [PACKET_COMPLETE] = 'c',
		[PACKET_TOO_LONG] = 'L',
		[PACKET_CORRUPT] = 'x',
		[PACKET_INTERRUPT] = 'i',
		[PACKET_ACK] = '+',
		[PACKET_NAK] = '-',
		[PACKET_FOREIGN] = 'F' };
	size_t at = 0;

	*events = 0;
	for (size_t i = 0; i < length; i++) {
		enum packet_event event = packet_reader_take(reader, ((const uint8_t *)bytes)[i]);

		if (event == PACKET_NOTHING)
			continue;
		at += (size_t)snprintf(events + at, size - at, "%c", letters[event]);
		if (event == PACKET_COMPLETE && reader->length < 64)
			at += (size_t)snprintf(events + at, size - at, "[%.*s]",
				(int)reader->length, (const char *)reader->payload);
	}
}

static void test_events(void **state)
{
	static const struct {
		const char *bytes, *events;
	} cases[] = {
		{ "$?#3f", "c[?]" },
		{ "$?#3F", "c[?]" },
		{ "$#00", "c[]" },
		{ "$?#00", "x" },
		{ "$?#3g", "x" },
		{ "$?#g3", "x" },
		{ "$?#3", "" },
		{ "+-\x03$?#3f", "+-ic[?]" },
		{ "$?#3f$qC#b4", "c[?]c[qC]" },
		{ "$?#3fnoise$qC#b4", "c[?]c[qC]" },
		{ "$ab$?#3f", "c[?]" },
		{ "$ab#$?#3f", "xc[?]" },
		{ "$ab#1$?#3f", "xc[?]" },
		{ "$a}#de", "c[a}]" },
		{ "$\x03#03", "c[\x03]" },
		{ "$*#2a", "c[*]" },
		{ "\r\n$?#3f\r\n", "c[?]" },
		{ "\xff\xf3", "i" },
		{ "\xff\xf4", "i" },
		{ "\xff\xf3g$?#3f", "ic[?]" },
		{ "\xff\xf3$?#3f", "ic[?]" },
		{ "\xff\xfb\x18\xff\xfc\x18\xff\xfd$\xff\xfe\x03$?#3f", "c[?]" },
		{ "\xff\xff\xff\xf1+", "+" },
		{ "g", "F" },
		{ "GET", "FFF" },
		{ "+G$?#3f", "+FFFFFF" },
		{ "$?#00G$", "xFF" },
		{ "\x16\x03", "FF" },
		{ "\r\nP", "F" },
	};
	struct packet_reader reader;
	char events[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(packet_reader_init(&reader), 0);
		read_all(&reader, cases[i].bytes, strlen(cases[i].bytes), events, sizeof(events));
		assert_string_equal(events, cases[i].events);
		packet_reader_fini(&reader);
	}
}

static void test_trusted_sum(void **state)
{
	struct packet_reader reader;
	char events[64];

	(void)state;
	assert_int_equal(packet_reader_init(&reader), 0);
	reader.sum_ignored = true;
	read_all(&reader, "$?#00$?#0g$?#g0", 15, events, sizeof(events));
	assert_string_equal(events, "c[?]xx");
	packet_reader_fini(&reader);
}

static uint8_t *make_frame(size_t payload, uint8_t byte, size_t *length)
{
	uint8_t *bytes = test_malloc(payload + 4);
	uint8_t sum = (uint8_t)(payload * byte);

	memset(bytes + 1, byte, payload);
	bytes[0] = '$';
	snprintf((char *)bytes + payload + 1, 3, "#%x", sum >> 4);
	bytes[payload + 3] = (uint8_t) "0123456789abcdef"[sum & 15];
	*length = payload + 4;
	return bytes;
}

static void test_longest(void **state)
{
	struct packet_reader reader;
	char events[64];
	size_t length;
	uint8_t *frame;

	(void)state;
	assert_int_equal(packet_reader_init(&reader), 0);
	frame = make_frame(PACKET_SIZE, 'x', &length);
	read_all(&reader, frame, length, events, sizeof(events));
	assert_string_equal(events, "c");
	assert_int_equal(reader.length, PACKET_SIZE);
	test_free(frame);
	for (size_t over = 1; over < 4 * PACKET_SIZE; over *= 3) {
		frame = make_frame(PACKET_SIZE + over, 'x', &length);
		read_all(&reader, frame, length, events, sizeof(events));
		assert_string_equal(events, "L");
		test_free(frame);
	}
	read_all(&reader, "$?#3f", 5, events, sizeof(events));
	assert_string_equal(events, "c[?]");
	packet_reader_fini(&reader);
}

static void test_endless(void **state)
{
	struct packet_reader reader;
	char events[64];

	(void)state;
	assert_int_equal(packet_reader_init(&reader), 0);
	read_all(&reader, "$", 1, events, sizeof(events));
	for (int i = 0; i < 1 << 20; i++)
		assert_int_equal(packet_reader_take(&reader, 'x'), PACKET_NOTHING);
	read_all(&reader, "#00$?#3f", 8, events, sizeof(events));
	assert_string_equal(events, "Lc[?]");
	packet_reader_fini(&reader);
}

static void test_frame(void **state)
{
	struct fifo out;

	(void)state;
	assert_int_equal(fifo_init(&out, 12), 0);
	assert_int_equal(packet_frame(&out, (const uint8_t *)"OK", 2), 0);
	assert_int_equal(packet_frame(&out, (const uint8_t *)"OKO", 3), -ENOBUFS);
	assert_int_equal(fifo_length(&out), 6);
	assert_int_equal(packet_frame(&out, (const uint8_t *)"", 0), 0);
	assert_memory_equal(fifo_peek(&out), "$OK#9a$#00", 10);
	fifo_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_trusted_sum),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
