/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/condition.c: what is kept of a packet's code, and what several conditions and commands come to. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kvm/condition.h"
#include "tests/unit/fake_agent_host.h"

static const uint8_t no[] = { 0x22, 0, 0x27 }, yes[] = { 0x22, 1, 0x27 },
		     minus[] = { 0x22, 0xff, 0x16, 8, 0x27 };
static const uint8_t fails[] = { 0x22, 1, 0x22, 0, 0x05, 0x27 }, faults[] = { 0x22, 0, 0x17, 0x27 };
static const uint8_t invalid[] = { 0x31, 0x27 }, cut[] = { 0x22 };
static const uint8_t says_a[] = { 0x22, 0, 0x22, 0, 0x34, 0, 0, 2, 'a', 0, 0x27 };
static const uint8_t says_b[] = { 0x22, 0, 0x22, 0, 0x34, 0, 0, 2, 'b', 0, 0x27 };

#define CODE(name)                                                                                 \
	{                                                                                          \
		name, sizeof(name)                                                                 \
	}

static struct fake_agent_host fake;

static int set_up(void **state)
{
	(void)state;
	fake_agent_host_init(&fake);
	return 0;
}

static int holds(const struct target_code *codes, unsigned count)
{
	struct target_breakpoint_spec spec = { .conditions = codes, .condition_count = count };
	struct condition *condition;
	int result;

	assert_int_equal(condition_create(&spec, &condition), 0);
	result = condition_holds(condition, &fake.host);
	condition_destroy(condition);
	return result;
}

/* One that holds is enough, whatever the others do; one that fails is not the same as one that does not. */
static void test_conditions(void **state)
{
	const struct target_code codes[] = { CODE(no), CODE(no), CODE(yes), CODE(no), CODE(fails),
		CODE(no), CODE(faults), CODE(minus), CODE(fails), CODE(yes) };

	(void)state;
	assert_int_equal(holds(codes, 0), 1);
	assert_int_equal(holds(codes, 1), 0);
	assert_int_equal(holds(codes, 2), 0);
	assert_int_equal(holds(codes, 3), 1);
	assert_int_equal(holds(codes + 3, 2), -EDOM);
	assert_int_equal(holds(codes + 3, 3), -EDOM);
	assert_int_equal(holds(codes + 5, 2), -EFAULT);
	assert_int_equal(holds(codes + 4, 4), 1);
	assert_int_equal(holds(codes + 8, 2), 1);
	assert_int_equal(condition_holds(NULL, &fake.host), 1);
}

static void test_commands(void **state)
{
	const struct target_code both[] = { CODE(says_a), CODE(says_b), CODE(fails), CODE(says_b) };
	const struct target_code condition_codes[] = { CODE(no) };
	struct target_breakpoint_spec spec = { .conditions = condition_codes,
		.condition_count = 1,
		.commands = both,
		.command_count = 2,
		.commands_persist = true };
	struct condition *condition;

	(void)state;
	fake.length = 0;
	assert_int_equal(condition_create(&spec, &condition), 0);
	assert_true(condition->commands_persist);
	assert_int_equal(condition_holds(condition, &fake.host), 0);
	assert_int_equal(condition_run_commands(condition, &fake.host), 0);
	assert_int_equal(fake.length, 2);
	assert_memory_equal(fake.paper, "ab", 2);

	spec.command_count = 4;
	condition_replace(&condition, NULL);
	assert_null(condition);
	assert_int_equal(condition_create(&spec, &condition), 0);
	fake.length = 0;
	assert_int_equal(condition_run_commands(condition, &fake.host), -EDOM);
	assert_int_equal(fake.length, 2);
	condition_replace(&condition, NULL);
}

/* What is kept is a copy: the packet's bytes are gone by then. */
static void test_copied(void **state)
{
	uint8_t bytes[sizeof(yes)];
	const struct target_code code = { bytes, sizeof(bytes) };
	struct target_breakpoint_spec spec = { .conditions = &code, .condition_count = 1 };
	struct condition *condition;

	(void)state;
	memcpy(bytes, yes, sizeof(bytes));
	assert_int_equal(condition_create(&spec, &condition), 0);
	memset(bytes, 0x31, sizeof(bytes));
	assert_int_equal(condition_holds(condition, &fake.host), 1);
	condition_destroy(condition);
}

static void test_refused(void **state)
{
	const struct target_code codes[] = { CODE(yes), CODE(invalid), CODE(yes), CODE(cut) };
	struct target_breakpoint_spec spec = { .conditions = codes, .condition_count = 2 };
	struct condition *condition = (struct condition *)&spec;

	(void)state;
	assert_int_equal(condition_create(&spec, &condition), -EINVAL);
	assert_null(condition);
	spec = (struct target_breakpoint_spec){ .commands = codes + 2, .command_count = 2 };
	assert_int_equal(condition_create(&spec, &condition), -EINVAL);
	spec = (struct target_breakpoint_spec){ .address = 1 };
	assert_int_equal(condition_create(&spec, &condition), 0);
	assert_null(condition);
}

static void test_error_texts(void **state)
{
	static const int errors[] = { -EDOM, -EFAULT, -ELOOP, -EOVERFLOW, -ENOENT, -ENODATA,
		-ENOTSUP, -EIO };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(
				condition_error_text(errors[i]), condition_error_text(errors[j]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_copied),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_error_texts),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
