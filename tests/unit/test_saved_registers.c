/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/saved_registers.c: ids, and what makes room for what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/saved_registers.h"

static uint32_t put(struct saved_registers *saved, unsigned thread, const char *digits)
{
	return saved_registers_put(saved, thread, (const uint8_t *)digits, strlen(digits));
}

static void test_put_and_find(void **state)
{
	struct saved_registers saved = { .last_id = 0 };
	char digits[] = "0011xx";
	const struct saved_state *found;

	(void)state;
	assert_null(saved_registers_find(&saved, 0));
	assert_null(saved_registers_find(&saved, 1));
	assert_int_equal(put(&saved, 3, digits), 1);
	assert_int_equal(put(&saved, 2, ""), 2);
	memset(digits, 0, sizeof(digits));
	found = saved_registers_find(&saved, 1);
	assert_non_null(found);
	assert_int_equal(found->thread, 3);
	assert_int_equal(found->length, 6);
	assert_memory_equal(found->digits, "0011xx", 6);
	assert_null(saved_registers_find(&saved, 0));
	assert_null(saved_registers_find(&saved, (UINT64_C(1) << 32) + 1));
	saved_registers_drop(&saved, 1);
	saved_registers_drop(&saved, 1);
	saved_registers_drop(&saved, 0);
	assert_null(saved_registers_find(&saved, 1));
	assert_non_null(saved_registers_find(&saved, 2));
	saved_registers_fini(&saved);
}

static void test_the_oldest_makes_room(void **state)
{
	struct saved_registers saved = { .last_id = 0 };

	(void)state;
	for (unsigned i = 1; i <= SAVED_REGISTERS_MAX + 2; i++)
		assert_int_equal(put(&saved, 1, "00"), i);
	assert_null(saved_registers_find(&saved, 2));
	assert_non_null(saved_registers_find(&saved, 3));
	/* One that was dropped makes room before the oldest. */
	saved_registers_drop(&saved, 5);
	put(&saved, 1, "00");
	assert_non_null(saved_registers_find(&saved, 3));
	put(&saved, 1, "00");
	assert_null(saved_registers_find(&saved, 3));
	saved_registers_fini(&saved);
}

static void test_no_id_comes_twice(void **state)
{
	struct saved_registers saved = { .last_id = UINT32_MAX - 1 };

	(void)state;
	assert_true(put(&saved, 1, "00") == UINT32_MAX);
	assert_int_equal(put(&saved, 1, "00"), 0);
	assert_non_null(saved_registers_find(&saved, UINT32_MAX));
	saved_registers_fini(&saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_and_find),
		cmocka_unit_test(test_the_oldest_makes_room),
		cmocka_unit_test(test_no_id_comes_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
