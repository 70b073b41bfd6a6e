/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/stop_reply.c: every reason, for every kind of client. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/stop_reply.h"
#include "tests/unit/fake_target.h"

static const char *put(struct reply *reply, struct fake_target *fake, struct client client,
	unsigned process, struct target_stop stop)
{
	reply_reset(reply);
	stop_reply_put(reply, &fake->target, &client, process, &stop);
	assert_int_equal(reply_status(reply), 0);
	reply->bytes[reply->length] = 0;
	return (const char *)reply->bytes;
}

#define REGISTERS "06:0000000000000000;07:0000000000000000;10:0010000000000000;"

static void test_reasons(void **state)
{
	static const struct {
		enum target_stop_reason reason;
		bool swbreak, hwbreak;
		const char *text;
	} cases[] = {
		{ TARGET_STOP_QUIET, true, true, "T05thread:1;" REGISTERS },
		{ TARGET_STOP_INTERRUPT, true, true, "T02thread:1;" REGISTERS },
		{ TARGET_STOP_STEP, true, true, "T05thread:1;" REGISTERS },
		{ TARGET_STOP_SWBREAK, true, false, "T05thread:1;" REGISTERS "swbreak:;" },
		{ TARGET_STOP_SWBREAK, false, true, "T05thread:1;" REGISTERS },
		{ TARGET_STOP_HWBREAK, false, true, "T05thread:1;" REGISTERS "hwbreak:;" },
		{ TARGET_STOP_HWBREAK, true, false, "T05thread:1;" REGISTERS },
		{ TARGET_STOP_WATCH, false, false, "T05thread:1;" REGISTERS "watch:4000;" },
		{ TARGET_STOP_RWATCH, false, false, "T05thread:1;" REGISTERS "rwatch:4000;" },
		{ TARGET_STOP_AWATCH, false, false, "T05thread:1;" REGISTERS "awatch:4000;" },
		{ TARGET_STOP_CRASHED, false, false, "T0bthread:1;" REGISTERS },
		{ TARGET_STOP_EXITED, false, false, "W2a" },
		{ TARGET_STOP_GONE, false, false, "X09" },
	};
	struct fake_target fake;
	struct reply reply;

	(void)state;
	fake_target_init(&fake, &fake_machine_x86_64, 2, false);
	assert_int_equal(reply_init(&reply, 1024), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct client client = { .swbreak = cases[i].swbreak, .hwbreak = cases[i].hwbreak };
		struct target_stop stop = { 1, cases[i].reason, 0x4000, 0x2a };

		assert_string_equal(put(&reply, &fake, client, 0, stop), cases[i].text);
	}
	reply_fini(&reply);
}

static void test_multiprocess(void **state)
{
	struct client client = { .multiprocess = true };
	struct target_stop exited = { .reason = TARGET_STOP_EXITED };
	struct target_stop gone = { .reason = TARGET_STOP_GONE };
	struct fake_target fake;
	struct reply reply;

	(void)state;
	fake_target_init(&fake, &fake_machine_x86_64, 2, false);
	assert_int_equal(reply_init(&reply, 1024), 0);
	assert_memory_equal(put(&reply, &fake, client, 0x11, (struct target_stop){ .thread = 2 }),
		"T05thread:p11.2;", 16);
	assert_string_equal(put(&reply, &fake, client, 1, exited), "W00;process:1");
	assert_string_equal(put(&reply, &fake, client, 0x11, gone), "X09;process:11");
	reply_fini(&reply);
}

#define THREADS "threads:1,2;thread-pcs:1000,1100;"

/* Its words come only with it, and behind gdb's. */
static void test_lldb(void **state)
{
	static const struct {
		enum target_stop_reason reason;
		const char *text;
	} cases[] = {
		{ TARGET_STOP_QUIET, "T05thread:p1.1;" REGISTERS "reason:signal;" THREADS },
		{ TARGET_STOP_INTERRUPT, "T02thread:p1.1;" REGISTERS "reason:signal;" THREADS },
		{ TARGET_STOP_STEP, "T05thread:p1.1;" REGISTERS "reason:trace;" THREADS },
		{ TARGET_STOP_SWBREAK, "T05thread:p1.1;" REGISTERS "reason:breakpoint;" THREADS },
		{ TARGET_STOP_WATCH,
			"T05thread:p1.1;" REGISTERS "watch:4000;reason:watchpoint;" THREADS },
		{ TARGET_STOP_EXITED, "W00;process:1" },
	};
	struct client client = { .multiprocess = true, .thread_lists = true };
	struct fake_target fake;
	struct reply reply;

	(void)state;
	fake_target_init(&fake, &fake_machine_x86_64, 2, false);
	assert_int_equal(reply_init(&reply, 1024), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(put(&reply, &fake, client, 1,
					    (struct target_stop){ 1, cases[i].reason, 0x4000, 0 }),
			cases[i].text);
	client = (struct client){ .thread_suffix = true };
	assert_string_equal(
		put(&reply, &fake, client, 0, (struct target_stop){ 1, TARGET_STOP_STEP, 0, 0 }),
		"T05thread:1;" REGISTERS "reason:trace;");
	assert_memory_equal(
		put(&reply, &fake, client, 0, (struct target_stop){ 1, TARGET_STOP_CRASHED, 0, 0 }),
		"T0bthread:1;" REGISTERS "reason:exception;description:746865", 100);
	reply_reset(&reply);
	stop_reply_put_none(&reply, &fake.target, 1, 2);
	assert_memory_equal(reply.bytes, "T00thread:p1.2;", 15);
	assert_memory_equal(reply.bytes + reply.length - 12, "reason:none;", 12);
	assert_string_equal(stop_reply_reason(TARGET_STOP_HWBREAK), "breakpoint");
	assert_int_equal(stop_reply_signal(TARGET_STOP_CRASHED), 11);
	reply_fini(&reply);
}

/* A register that cannot be read is left out: the debugger has no word for it here. */
static void test_unreadable_registers(void **state)
{
	struct client client = { .swbreak = true };
	struct fake_target fake;
	struct reply reply;

	(void)state;
	fake_target_init(&fake, &fake_machine_arm64, 1, true);
	assert_int_equal(reply_init(&reply, 1024), 0);
	assert_string_equal(
		put(&reply, &fake, client, 0, (struct target_stop){ 1, TARGET_STOP_SWBREAK, 0, 0 }),
		"T05thread:1;swbreak:;");
	reply_fini(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_multiprocess),
		cmocka_unit_test(test_lldb),
		cmocka_unit_test(test_unreadable_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
