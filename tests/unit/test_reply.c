/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/reply.c: encodings, and sticky failure at every capacity. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/reply.h"

static void assert_reply(const struct reply *reply, const char *text)
{
	assert_int_equal(reply->length, strlen(text));
	assert_memory_equal(reply->bytes, text, strlen(text));
}

static void test_encodings(void **state)
{
	struct reply reply;

	(void)state;
	assert_int_equal(reply_init(&reply, 256), 0);
	reply_put_text(&reply, "T");
	reply_put_hex(&reply, "\x05\xfa", 2);
	reply_put_number(&reply, 0);
	reply_put_text(&reply, ":");
	reply_put_number(&reply, 0x1000);
	reply_put_text(&reply, ":");
	reply_put_number(&reply, UINT64_MAX);
	reply_put_unavailable(&reply, 2);
	reply_put_thread(&reply, 0, 0x1f);
	reply_put_text(&reply, ",");
	reply_put_thread(&reply, 0xa, 0x1f);
	assert_reply(&reply, "T05fa0:1000:ffffffffffffffffxxxx1f,pa.1f");
	assert_int_equal(reply_status(&reply), 0);
	reply_reset(&reply);
	reply_put_decimal(&reply, 0);
	reply_put_text(&reply, ",");
	reply_put_decimal(&reply, UINT64_MAX);
	assert_reply(&reply, "0,18446744073709551615");
	reply_reset(&reply);
	assert_int_equal(reply_put_binary(&reply, "a#$}*\x03", 6), 6);
	assert_reply(&reply, "a}\x03}\x04}]}\x0a\x03");
	reply_fini(&reply);
}

static void test_failure_is_sticky(void **state)
{
	struct reply reply;

	(void)state;
	assert_int_equal(reply_init(&reply, 4), 0);
	reply_put_text(&reply, "abc");
	reply_put_hex(&reply, "x", 1);
	assert_int_equal(reply_status(&reply), -EMSGSIZE);
	reply_put_text(&reply, "d");
	assert_reply(&reply, "abc");
	assert_int_equal(reply_put_binary(&reply, "d", 1), 0);
	reply_put_unavailable(&reply, 1);
	reply_put_number(&reply, 1);
	reply_put_hex(&reply, "", SIZE_MAX);
	assert_reply(&reply, "abc");
	reply_reset(&reply);
	reply_put_text(&reply, "abcd");
	assert_int_equal(reply_status(&reply), 0);
	reply_fini(&reply);
}

static void test_binary_takes_what_fits(void **state)
{
	struct reply reply;

	(void)state;
	for (size_t capacity = 1; capacity < 8; capacity++) {
		assert_int_equal(reply_init(&reply, capacity), 0);
		assert_int_equal(reply_put_binary(&reply, "####", 4), capacity / 2);
		assert_int_equal(reply_status(&reply), 0);
		assert_int_equal(reply.length, capacity / 2 * 2);
		reply_fini(&reply);
	}
}

static void test_errors(void **state)
{
	struct reply reply;

	(void)state;
	assert_int_equal(reply_init(&reply, 128), 0);
	reply_put_text(&reply, "half a reply");
	reply_set_error(&reply, EFAULT, REPLY_NUMBER);
	assert_reply(&reply, "E0e");
	reply_set_error(&reply, EFAULT, REPLY_WORDED);
	assert_reply(&reply, "E.nothing is mapped at this address");
	reply_set_error(&reply, EXDEV, REPLY_WORDED);
	assert_reply(&reply, "E12");
	reply_set_error(&reply, ENOMEM, REPLY_WORDED_IN_HEX);
	assert_reply(&reply, "E0c;6f7574206f66206d656d6f7279");
	reply_set_error(&reply, EXDEV, REPLY_WORDED_IN_HEX);
	assert_reply(&reply, "E12");
	reply_set_error(&reply, 1000, REPLY_NUMBER);
	assert_reply(&reply, "Eff");
	for (int error = 1; error < 200; error++) {
		reply_set_error(&reply, error, REPLY_WORDED);
		assert_int_equal(reply_status(&reply), 0);
		for (size_t i = 0; i < reply.length; i++)
			assert_null(memchr("#$}*", reply.bytes[i], 4));
	}
	reply_fini(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_failure_is_sticky),
		cmocka_unit_test(test_binary_takes_what_fits),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
