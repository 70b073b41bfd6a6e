/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/session.c: what transcripts cannot say: floods, bounds, whole register files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <stdio.h>
#include "tests/unit/session_peer.h"

static void start(struct session_peer *peer, const struct fake_machine *machine, bool running)
{
	assert_int_equal(session_peer_init(peer, machine, 2, running), 0);
}

/* Every test ends here: what came was well made, and each request has been answered once. */
static void finish(struct session_peer *peer)
{
	assert_int_equal(peer->breaches, 0);
	assert_int_equal(peer->fake.breaches, 0);
	if (!peer->refused)
		assert_int_equal(peer->replies, peer->requests);
	session_peer_fini(peer);
}

static void test_silent_at_first(void **state)
{
	struct session_peer peer;
	const void *bytes;

	(void)state;
	start(&peer, &fake_machine_x86_64, true);
	assert_int_equal(session_output(peer.session, &bytes), 0);
	assert_true(session_wants_input(peer.session));
	assert_false(session_has_spoken(peer.session));
	session_peer_send_bytes(&peer, "+\x03$?#00", 6);
	assert_false(session_has_spoken(peer.session));
	assert_int_equal(peer.fake.stop_calls, 0);
	session_peer_ask(&peer, "qC");
	assert_true(session_has_spoken(peer.session));
	assert_int_equal(peer.fake.stop_calls, 0);
	finish(&peer);
}

/* G takes what g gave, xx and all, and what it was told. */
static void test_write_all_registers(void **state)
{
	struct session_peer peer;
	char packet[4096];

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	snprintf(packet, sizeof(packet), "G%s", session_peer_ask(&peer, "g"));
	assert_non_null(strstr(packet, "xxxxxxxxxxxxxxxx42000000"));
	assert_string_equal(session_peer_ask(&peer, packet), "OK");
	memcpy(packet + 1, "8877665544332211", 16);
	assert_string_equal(session_peer_ask(&peer, packet), "OK");
	assert_true(fake_target_register(&peer.fake, 1, 0) == 0x1122334455667788);
	assert_string_equal(session_peer_ask(&peer, "p0"), "8877665544332211");
	finish(&peer);
}

/* One register refuses: those written before it are put back. */
static void test_write_all_or_nothing(void **state)
{
	struct session_peer peer;
	char packet[4096];
	size_t length;

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	snprintf(packet, sizeof(packet), "G%s", session_peer_ask(&peer, "g"));
	length = strlen(packet);
	memcpy(packet + 1, "8877665544332211", 16);
	memcpy(packet + length - 16, "01", 2); /* "picky" is the last of the bulk */
	assert_int_equal(*session_peer_ask(&peer, packet), 'E');
	assert_true(fake_target_register(&peer.fake, 1, 0) == 0);
	packet[length - 1] = 0;
	assert_int_equal(*session_peer_ask(&peer, packet), 'E');
	packet[length - 2] = 0;
	assert_int_equal(*session_peer_ask(&peer, packet), 'E');
	assert_true(fake_target_register(&peer.fake, 1, 0) == 0);
	finish(&peer);
}

/* The longest payload is read; one byte more is refused by name, and the session goes on. */
static void test_longest_packet(void **state)
{
	uint8_t *payload = test_malloc(PACKET_SIZE + 1);
	struct session_peer peer;

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	memset(payload, 'a', PACKET_SIZE + 1);
	memcpy(payload, "X1000,1fff4:", 12);
	session_peer_send_payload(&peer, payload, PACKET_SIZE);
	session_peer_read(&peer, SIZE_MAX);
	assert_string_equal(peer.last, "E0e"); /* it has been parsed: there is not so much memory */
	session_peer_send_payload(&peer, payload, PACKET_SIZE + 1);
	session_peer_read(&peer, SIZE_MAX);
	assert_string_equal(peer.last, "E5a");
	assert_string_equal(session_peer_ask(&peer, "qC"), "QC1");
	finish(&peer);
	test_free(payload);
}

/* Replies are cut to what fits: gdb asks again for the rest. */
static void test_longest_reply(void **state)
{
	struct session_peer peer;

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	session_peer_ask(&peer, "m1000,ffffffff");
	assert_int_equal(peer.last_length, 2 * 2 * FAKE_PAGE);
	session_peer_ask(&peer, "x1000,1ffff");
	assert_int_equal(peer.last_length, 1 + 2 * FAKE_PAGE);
	finish(&peer);
}

/* A new layout takes effect when the description is read from its beginning, and not within a reading. */
static void test_layout_at_first_page(void **state)
{
	struct session_peer peer;

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	assert_non_null(strstr(
		session_peer_ask(&peer, "qXfer:features:read:target.xml:0,c0"), ">i386:x86-64<"));
	peer.fake.next_layout = &fake_description_arm64;
	session_peer_ask(&peer, "qXfer:features:read:target.xml:c0,800");
	assert_non_null(strstr(peer.last, "rax"));
	assert_non_null(strstr(
		session_peer_ask(&peer, "qXfer:features:read:target.xml:0,c0"), ">aarch64<"));
	session_peer_ask(&peer, "qXfer:features:read:target.xml:c0,800");
	assert_null(strstr(peer.last, "rax"));
	finish(&peer);
}

/* A client that never reads: we stop reading too, and hold no more than a bound. */
static void test_client_that_never_reads(void **state)
{
	static const char flood[] = "$m1000,2000#1c$x1000,2000#27";
	struct session_peer peer;
	const void *bytes;
	size_t sent = 0, taken;

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	do {
		taken = session_peer_send_bytes(&peer, flood, sizeof(flood) - 1);
		sent += taken;
	} while (taken == sizeof(flood) - 1 && sent < 1 << 20);
	assert_true(taken < sizeof(flood) - 1);
	assert_false(session_wants_input(peer.session));
	assert_true(session_output(peer.session, &bytes) < 1 << 20);
	assert_int_equal(session_input(peer.session, "$", 1), 0);
	session_peer_read(&peer, SIZE_MAX);
	assert_true(session_wants_input(peer.session));
	assert_true(peer.replies > 2);
	finish(&peer);
}

/* Requests held while the target runs are small, their replies are not. */
static void test_held_requests_wait_for_room(void **state)
{
	struct target_stop stop = { .thread = 1, .reason = TARGET_STOP_HWBREAK };
	struct session_peer peer;
	const void *bytes;

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	session_peer_send(&peer, "vCont;c");
	for (int i = 0; i < 500; i++)
		session_peer_send(&peer, "m1000,2000");
	fake_target_report(&peer.fake, &stop);
	assert_true(session_output(peer.session, &bytes) < 1 << 20);
	session_peer_read(&peer, SIZE_MAX);
	assert_int_equal(peer.replies, 501);
	finish(&peer);
}

/* A flood in place of waiting for the stop: refused, and wanted until then. */
static void test_flood_while_running(void **state)
{
	struct session_peer peer;

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	session_peer_send(&peer, "QStartNoAckMode");
	session_peer_send(&peer, "vCont;c");
	for (int i = 0; i < 100000 && !peer.refused; i++) {
		assert_true(session_wants_input(peer.session));
		session_peer_send(&peer, "m1000,2000");
	}
	assert_true(peer.refused);
	finish(&peer);
}

/* While we stop the target ourselves a flood is only held up: the stop has a deadline. */
static void test_flood_while_stopping(void **state)
{
	static const char packet[] = "$m1000,1#8b";
	struct session_peer peer;
	unsigned sent = 0;

	(void)state;
	start(&peer, &fake_machine_x86_64, true);
	session_peer_send(&peer, "QStartNoAckMode");
	while (session_peer_send_bytes(&peer, packet, sizeof(packet) - 1) == sizeof(packet) - 1)
		sent++;
	assert_false(peer.refused);
	assert_false(session_wants_input(peer.session));
	fake_target_run(&peer.fake, 10);
	session_peer_read(&peer, SIZE_MAX);
	assert_true(session_wants_input(peer.session));
	assert_true(sent > 1000);
	assert_int_equal(peer.requests, sent + 1);
	finish(&peer);
}

/* Rejecting packets for ever ends the session; the bytes that we repeat are bounded. */
static void test_flood_of_naks(void **state)
{
	struct session_peer peer;
	size_t sent = 0;

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	session_peer_send(&peer, "m1000,2000");
	while (!peer.refused && sent++ < 1000) {
		session_peer_send_bytes(&peer, "-", 1);
		session_peer_read(&peer, SIZE_MAX);
	}
	assert_true(peer.refused);
	assert_int_equal(sent, 11);
	finish(&peer);
}

/* Every packet cut short anywhere: one reply, or a resume that a stop answers. */
static void test_truncations(void **state)
{
	static const char *const packets[] = { "qSupported:multiprocess+;swbreak+",
		"vCont;s:p1.1;c", "vCont?", "X4000,4:abcd", "M4000,4:00112233", "m1000,10",
		"x1000,10", "Z0,1000,1", "z0,1000,1", "P10=0010000000000000", "p10", "Hgp1.1",
		"Hc-1", "Tp1.1", "qXfer:features:read:target.xml:0,fff",
		"qXfer:threads:read::0,fff", "qAttached:1", "qThreadExtraInfo,p1.1", "C05;1000",
		"S05;1000", "c1000", "s1000", "vKill;9", "D;9", "qfThreadInfo", "QStartNoAckMode",
		"qRcmd,00", "vMustReplyEmpty" };
	struct target_stop stop = { .thread = 1, .reason = TARGET_STOP_STEP };

	(void)state;
	for (size_t i = 0; i < sizeof(packets) / sizeof(*packets); i++) {
		for (size_t length = 0; length <= strlen(packets[i]); length++) {
			struct session_peer peer;

			start(&peer, &fake_machine_x86_64, false);
			session_peer_send(&peer, "qSupported:multiprocess+");
			session_peer_send_payload(&peer, packets[i], length);
			if (peer.fake.running && !peer.fake.detached)
				fake_target_report(&peer.fake, &stop);
			session_peer_read(&peer, SIZE_MAX);
			finish(&peer);
		}
	}
}

/* The debugger vanishes in the midst of things: the target must not call into freed memory. */
static void test_destroyed_while_running(void **state)
{
	struct target_stop stop = { .thread = 1, .reason = TARGET_STOP_HWBREAK };
	struct session_peer peer;

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	session_peer_send(&peer, "vCont;c");
	session_destroy(peer.session);
	assert_null(peer.fake.target.listener);
	fake_target_report(&peer.fake, &stop);
	peer.session = session_create(&peer.fake.target, 1, NULL);
	assert_memory_equal(session_peer_ask(&peer, "?"), "T05thread:1;", 12);
	peer.requests = peer.replies;
	finish(&peer);
	session_destroy(NULL);
}

static void test_messages_are_bounded(void **state)
{
	char line[200];
	struct session_peer peer;

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	memset(line, 'm', sizeof(line));
	line[sizeof(line) - 1] = 0;
	for (int i = 0; i < 1000; i++)
		peer.fake.target.listener->ops->on_message(peer.fake.target.listener, line);
	session_peer_send(&peer, "vCont;c");
	session_peer_read(&peer, SIZE_MAX);
	assert_true(peer.messages > 0 && peer.messages < 10);
	for (int i = 0; i < 10000; i++)
		peer.fake.target.listener->ops->on_message(peer.fake.target.listener, line);
	session_peer_send_bytes(&peer, "\x03", 1);
	fake_target_run(&peer.fake, 10);
	session_peer_read(&peer, SIZE_MAX);
	assert_memory_equal(peer.last, "T02", 3);
	finish(&peer);
}

/* Whether what waits for the debugger has this text, in an 'O' packet. */
static bool says(struct session_peer *peer, const char *text)
{
	char digits[256] = "";
	const void *bytes;
	size_t length = session_output(peer->session, &bytes);

	for (size_t i = 0; text[i]; i++)
		snprintf(digits + 2 * i, 3, "%02x", (unsigned char)text[i]);
	return memmem(bytes, length, digits, strlen(digits));
}

/* A command that prints faster than the debugger reads: it is told that there was more. */
static void test_lost_output_is_told_of(void **state)
{
	static char text[4096]; /* the most that one command prints */
	struct session_peer peer;
	const struct target_listener_ops *ops;

	(void)state;
	start(&peer, &fake_machine_x86_64, false);
	ops = peer.fake.target.listener->ops;
	memset(text, 't', sizeof(text));
	session_peer_send(&peer, "vCont;c");
	for (int i = 0; i < 1000; i++)
		ops->on_output(peer.fake.target.listener, text, sizeof(text));
	assert_true(says(&peer, "tttt"));
	assert_false(says(&peer, "lost"));
	session_peer_read(&peer, SIZE_MAX);
	ops->on_output(peer.fake.target.listener, "after", 5);
	assert_true(says(&peer, "(output was lost: it came too fast)\nafter"));
	session_peer_read(&peer, SIZE_MAX);
	ops->on_output(peer.fake.target.listener, "again", 5);
	assert_true(says(&peer, "again"));
	assert_false(says(&peer, "lost"));
	session_peer_send_bytes(&peer, "\x03", 1);
	fake_target_run(&peer.fake, 10);
	session_peer_read(&peer, SIZE_MAX);
	finish(&peer);
}

static void test_many_sessions(void **state)
{
	struct session_peer peer;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		start(&peer, &fake_machine_arm64, true);
		session_peer_ask(&peer, "?");
		finish(&peer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent_at_first),
		cmocka_unit_test(test_write_all_registers),
		cmocka_unit_test(test_write_all_or_nothing),
		cmocka_unit_test(test_longest_packet),
		cmocka_unit_test(test_longest_reply),
		cmocka_unit_test(test_layout_at_first_page),
		cmocka_unit_test(test_client_that_never_reads),
		cmocka_unit_test(test_held_requests_wait_for_room),
		cmocka_unit_test(test_flood_while_running),
		cmocka_unit_test(test_flood_while_stopping),
		cmocka_unit_test(test_flood_of_naks),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_destroyed_while_running),
		cmocka_unit_test(test_messages_are_bounded),
		cmocka_unit_test(test_lost_output_is_told_of),
		cmocka_unit_test(test_many_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
