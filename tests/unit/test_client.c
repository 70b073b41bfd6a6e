/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/client.c: negotiation. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/client.h"

static struct client negotiate(const char *features)
{
	struct client client = { true, true, true, true, true, true, true };

	client_negotiate(&client, cursor_make(features, strlen(features)));
	return client;
}

static void test_each_feature_alone(void **state)
{
	(void)state;
	assert_true(negotiate("multiprocess+").multiprocess);
	assert_false(negotiate("multiprocess+").swbreak);
	assert_true(negotiate("a;swbreak+;b").swbreak);
	assert_true(negotiate("hwbreak+;").hwbreak);
	assert_true(negotiate(";;error-message+").error_message);
}

static void test_what_is_not_said_is_not_so(void **state)
{
	static const char *const none[] = { "", ";", "multiprocess", "multiprocess-",
		"multiprocess=1", "xmultiprocess+", "multiprocess+x", "multiprocess?" };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		struct client client = negotiate(none[i]);

		assert_false(client.multiprocess || client.swbreak || client.hwbreak ||
			     client.error_message);
	}
}

/* What lldb has asked for by other packets is no feature. */
static void test_what_lldb_asked_for_stays(void **state)
{
	struct client client = negotiate("multiprocess+");

	(void)state;
	assert_true(client.thread_suffix && client.thread_lists && client.error_strings);
	assert_true(client_is_lldb(&client));
	assert_int_equal(client_wording(&client), REPLY_WORDED_IN_HEX);
	client = negotiate("error-message+");
	assert_int_equal(client_wording(&client), REPLY_WORDED);
	client = (struct client){ .error_strings = false };
	assert_int_equal(client_wording(&client), REPLY_NUMBER);
	assert_false(client_is_lldb(&client));
	client.thread_lists = true;
	assert_true(client_is_lldb(&client));
}

/* Manual E.4: each item ends in '+', '-' or '?', or has a value; none is empty. */
static void test_our_items_are_well_formed(void **state)
{
	struct reply reply;
	struct cursor items;

	(void)state;
	assert_int_equal(reply_init(&reply, 1024), 0);
	client_put_features(&reply);
	assert_int_equal(reply_status(&reply), 0);
	items = cursor_make(reply.bytes, reply.length);
	while (cursor_left(&items)) {
		struct cursor item = cursor_take_token(&items, ';');

		assert_true(cursor_left(&item) > 1);
		assert_true(item.end[-1] == '+' || memchr(item.at, '=', cursor_left(&item)));
	}
	reply_fini(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_feature_alone),
		cmocka_unit_test(test_what_is_not_said_is_not_so),
		cmocka_unit_test(test_what_lldb_asked_for_stays),
		cmocka_unit_test(test_our_items_are_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
