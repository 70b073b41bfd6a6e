/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol/cmd_scan.c over more memory than is read at a time: what transcripts cannot say.  The memory
 * is made up where it is read: zeros, but for a few bytes; it has as many as addresses.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/session_peer.h"

enum { WINDOW = 1 << 18, MOST = 256 << 20 };

static const struct {
	uint64_t address;
	const char *bytes;
} islands[] = {
	{ WINDOW - 3, "needle" },
	{ 2 * WINDOW - 1, "ab" },
	{ 3 * WINDOW, "first" },
	{ 4 * WINDOW - 4, "last" },
	{ MOST + 5, "far" },
};

static uint64_t bytes_read;

static ssize_t big_read(
	struct target *target, unsigned thread, uint64_t address, void *buf, size_t length)
{
	(void)target;
	(void)thread;
	memset(buf, 0, length);
	bytes_read += length;
	for (unsigned i = 0; i < sizeof(islands) / sizeof(*islands); i++)
		for (size_t n = 0; islands[i].bytes[n]; n++) {
			uint64_t at = islands[i].address + n - address;

			if (at < length)
				((char *)buf)[at] = islands[i].bytes[n];
		}
	return (ssize_t)length;
}

struct big {
	struct session_peer peer;
	struct target_ops ops;
};

static int setup(void **state)
{
	struct big *big = test_calloc(1, sizeof(*big));

	assert_int_equal(session_peer_init(&big->peer, &fake_machine_x86_64, 1, false), 0);
	big->ops = *big->peer.fake.target.ops;
	big->ops.memory_read = big_read;
	big->peer.fake.target.ops = &big->ops;
	bytes_read = 0;
	*state = big;
	return 0;
}

static int teardown(void **state)
{
	struct big *big = *state;

	assert_int_equal(big->peer.breaches, 0);
	session_peer_fini(&big->peer);
	test_free(big);
	return 0;
}

static void expect_search(
	struct big *big, uint64_t address, uint64_t length, const char *pattern, const char *reply)
{
	char packet[256];

	snprintf(packet, sizeof(packet), "qSearch:memory:%llx;%llx;%s", (unsigned long long)address,
		(unsigned long long)length, pattern);
	assert_string_equal(session_peer_ask(&big->peer, packet), reply);
}

/* Over the border of two reads, however the border lies. */
static void test_pattern_spans_reads(void **state)
{
	struct big *big = *state;

	expect_search(big, 0, 2 * WINDOW, "needle", "1,3fffd");
	for (unsigned i = 0; i < 16; i++)
		expect_search(big, i, 2 * WINDOW, "needle", "1,3fffd");
	expect_search(big, WINDOW - 3, 6, "needle", "1,3fffd");
	expect_search(big, WINDOW - 3, 5, "needle", "0");
	expect_search(big, WINDOW - 2, 2 * WINDOW, "needle", "0");
	expect_search(big, WINDOW, 4 * WINDOW, "ab", "1,7ffff");
	expect_search(big, 0, 4 * WINDOW, "b", "1,80000");
	expect_search(big, 0, 4 * WINDOW, "first", "1,c0000");
	expect_search(big, 0, 4 * WINDOW, "last", "1,ffffc");
	expect_search(big, 0, 4 * WINDOW - 1, "last", "0");
}

/* One that is longer than what is read at a time would be too long for a packet. */
static void test_long_pattern(void **state)
{
	static char packet[100000 + 64];
	struct big *big = *state;
	size_t head = (size_t)snprintf(packet, sizeof(packet), "qSearch:memory:0;%x;", 4 * WINDOW);

	memset(packet + head, 0, 100000);
	memcpy(packet + head + 50000, "ab", 2);
	session_peer_send_payload(&big->peer, packet, head + 100000);
	session_peer_read(&big->peer, SIZE_MAX);
	assert_string_equal(big->peer.last, "1,73caf"); /* 7ffff less 50000 */
}

/* Bounded: then it is for the debugger to search. */
static void test_too_far(void **state)
{
	struct big *big = *state;

	expect_search(big, 0, UINT64_C(1) << 40, "far", "");
	assert_int_equal(bytes_read, MOST);
	expect_search(big, 16, UINT64_C(1) << 40, "far", "1,10000005");
	bytes_read = 0;
	expect_search(big, 0, UINT64_C(1) << 40, "needle", "1,3fffd");
	assert_in_range(bytes_read, WINDOW, 3 * WINDOW);
	expect_search(big, 0, MOST, "nowhere", "0");
}

static uint32_t crc_bit_by_bit(uint64_t address, uint64_t length)
{
	uint32_t crc = UINT32_MAX;
	uint8_t byte;

	while (length--) {
		big_read(NULL, 1, address++, &byte, 1);
		for (int bit = 7; bit >= 0; bit--) {
			uint32_t top = crc >> 31 ^ (byte >> bit & 1u);

			crc = crc << 1 ^ (top ? 0x04c11db7 : 0);
		}
	}
	return crc;
}

static void test_checksum(void **state)
{
	struct big *big = *state;
	char reply[16];

	snprintf(reply, sizeof(reply), "C%x", crc_bit_by_bit(1, 5 * WINDOW));
	assert_string_equal(session_peer_ask(&big->peer, "qCRC:1,140000"), reply);
	bytes_read = 0;
	assert_string_equal(session_peer_ask(&big->peer, "qCRC:0,10000001"), "E1b");
	assert_int_equal(bytes_read, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pattern_spans_reads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_pattern, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_far, setup, teardown),
		cmocka_unit_test_setup_teardown(test_checksum, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
