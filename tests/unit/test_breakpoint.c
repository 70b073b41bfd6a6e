/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/breakpoint.c: the table, its idempotence and its bounds. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kvm/breakpoint.h"

static int setup(void **state)
{
	static struct breakpoint_table table;

	memset(&table, 0, sizeof(table));
	*state = &table;
	return 0;
}

static void test_add_is_idempotent(void **state)
{
	struct breakpoint_table *table = *state;

	for (int i = 0; i < 3; i++)
		assert_int_equal(breakpoint_add(table, 0x1000, 0x5000), 0);
	assert_int_equal(table->count, 1);
	assert_true(breakpoint_exists(table, 0x1000, 0x5000));
	assert_false(breakpoint_exists(table, 0x1000, 0x5001));
	assert_false(breakpoint_exists(table, 0x1001, 0x5000));
	breakpoint_remove(table, 0x1000);
	breakpoint_remove(table, 0x1000);
	assert_int_equal(table->count, 0);
	assert_false(breakpoint_exists(table, 0x1000, 0x5000));
}

/* One address in two address spaces, and two addresses of one page. */
static void test_addresses(void **state)
{
	struct breakpoint_table *table = *state;

	assert_int_equal(breakpoint_add(table, 0x1000, 0x5000), 0);
	assert_int_equal(breakpoint_add(table, 0x2000, 0x6000), 0);
	assert_int_equal(breakpoint_add(table, 0x1000, 0x7000), 0);
	assert_int_equal(breakpoint_add(table, 0x3000, 0x7000), 0);
	assert_int_equal(table->count, 4);
	breakpoint_remove(table, 0x1000);
	assert_int_equal(table->count, 2);
	assert_false(breakpoint_wants(table, 0x5000));
	assert_true(breakpoint_wants(table, 0x6000));
	assert_true(breakpoint_wants(table, 0x7000));
	assert_int_equal(table->entries[0].gva, 0x2000);
	assert_int_equal(table->entries[1].gva, 0x3000);
	breakpoint_remove(table, 0x3000);
	assert_false(breakpoint_wants(table, 0x7000));
	assert_true(breakpoint_wants(table, 0x6000));
}

static void test_limit(void **state)
{
	struct breakpoint_table *table = *state;

	for (unsigned i = 0; i < BREAKPOINT_MAX; i++)
		assert_int_equal(breakpoint_add(table, i, i), 0);
	assert_int_equal(breakpoint_add(table, BREAKPOINT_MAX, 0), -ENOSPC);
	assert_int_equal(breakpoint_add(table, 7, 7), 0);
	assert_int_equal(table->count, BREAKPOINT_MAX);
	breakpoint_remove(table, 0);
	assert_int_equal(breakpoint_add(table, BREAKPOINT_MAX, 0), 0);
	assert_int_equal(table->count, BREAKPOINT_MAX);
	assert_int_equal(table->entries[0].gva, 1);
}

static struct hardware_point point(enum target_breakpoint type, gva_t gva, uint64_t length)
{
	return (struct hardware_point){ .type = type, .gva = gva, .length = length };
}

static void test_points_are_idempotent(void **state)
{
	const struct hardware_point first = point(TARGET_WATCH_WRITE, 0x1000, 4);
	const struct hardware_point others[] = { point(TARGET_WATCH_ACCESS, 0x1000, 4),
		point(TARGET_WATCH_WRITE, 0x1004, 4), point(TARGET_WATCH_WRITE, 0x1000, 8) };
	struct breakpoint_table *table = *state;

	for (int i = 0; i < 3; i++)
		assert_int_equal(breakpoint_add_point(table, &first), 0);
	assert_int_equal(table->point_count, 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_false(breakpoint_has_point(table, &others[i]));
		breakpoint_remove_point(table, &others[i]);
		assert_int_equal(table->point_count, 1);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(breakpoint_add_point(table, &others[i]), 0);
	assert_int_equal(table->point_count, 4);
	breakpoint_remove_point(table, &others[0]);
	breakpoint_remove_point(table, &others[0]);
	assert_int_equal(table->point_count, 3);
	assert_true(breakpoint_has_point(table, &first));
	assert_false(breakpoint_has_point(table, &others[0]));
	assert_true(breakpoint_has_point(table, &others[1]));
	assert_true(breakpoint_has_point(table, &others[2]));
}

static void test_point_limit(void **state)
{
	struct breakpoint_table *table = *state;
	struct hardware_point more = point(TARGET_BREAK_HARDWARE, 0x9000, 1), first;

	for (unsigned i = 0; i < BREAKPOINT_MAX_POINTS; i++) {
		struct hardware_point one = point(TARGET_BREAK_HARDWARE, i, 1);

		assert_int_equal(breakpoint_add_point(table, &one), 0);
	}
	assert_int_equal(breakpoint_add_point(table, &more), -ENOSPC);
	assert_int_equal(table->point_count, BREAKPOINT_MAX_POINTS);
	first = point(TARGET_BREAK_HARDWARE, 0, 1);
	assert_int_equal(breakpoint_add_point(table, &first), 0);
	breakpoint_remove_point(table, &first);
	assert_int_equal(breakpoint_add_point(table, &more), 0);
	assert_true(breakpoint_point_at(table, 0x9000));
	assert_false(breakpoint_point_at(table, 0));
	assert_true(breakpoint_point_at(table, BREAKPOINT_MAX_POINTS - 1));
	breakpoint_remove_point(table, &more); /* the last one: nothing moves */
	assert_true(breakpoint_point_at(table, BREAKPOINT_MAX_POINTS - 1));
}

static void test_watches(void **state)
{
	const struct hardware_point write = point(TARGET_WATCH_WRITE, 0x1000, 4),
				    read = point(TARGET_WATCH_READ, 0x2000, 1),
				    access = point(TARGET_WATCH_ACCESS, UINT64_MAX - 7, 8),
				    exec = point(TARGET_BREAK_HARDWARE, 0x3000, 1);
	struct breakpoint_table *table = *state;

	assert_false(breakpoint_watches(table, 0x1000));
	breakpoint_add_point(table, &write);
	breakpoint_add_point(table, &read);
	breakpoint_add_point(table, &access);
	breakpoint_add_point(table, &exec);
	assert_false(breakpoint_watches(table, 0xfff));
	assert_true(breakpoint_watches(table, 0x1000));
	assert_true(breakpoint_watches(table, 0x1003));
	assert_false(breakpoint_watches(table, 0x1004));
	assert_true(breakpoint_watches(table, 0x2000));
	assert_false(breakpoint_watches(table, 0x2001));
	assert_false(breakpoint_watches(table, 0x3000));
	assert_true(breakpoint_watches(table, UINT64_MAX));
	assert_true(breakpoint_watches(table, UINT64_MAX - 7));
	assert_false(breakpoint_watches(table, UINT64_MAX - 8));
	assert_false(breakpoint_watches(table, 0));
	assert_true(breakpoint_point_at(table, 0x3000));
	assert_false(breakpoint_point_at(table, 0x1000));
}

static void test_clear(void **state)
{
	const struct hardware_point watch = point(TARGET_WATCH_WRITE, 0x1000, 4);
	struct breakpoint_table *table = *state;

	breakpoint_add(table, 1, 2);
	breakpoint_add_point(table, &watch);
	breakpoint_clear(table);
	assert_int_equal(table->count, 0);
	assert_int_equal(table->point_count, 0);
	assert_false(breakpoint_wants(table, 2));
	assert_false(breakpoint_watches(table, 0x1000));
}

/* ---- conditions -------------------------------------------------------------------------- */

static struct condition *some_condition(void)
{
	static const uint8_t bytes[] = { 0x22, 1, 0x27 };
	static const struct target_code code = { bytes, sizeof(bytes) };
	const struct target_breakpoint_spec spec = { .conditions = &code, .condition_count = 1 };
	struct condition *condition;

	assert_int_equal(condition_create(&spec, &condition), 0);
	return condition;
}

/* Whose they are stays right when others go; what is left over the sanitizer would find. */
static void test_conditions(void **state)
{
	struct breakpoint_table *table = *state;
	struct condition *first = some_condition(), *second = some_condition();

	breakpoint_add(table, 0x1000, 0x5000);
	breakpoint_add(table, 0x2000, 0x6000);
	breakpoint_add(table, 0x3000, 0x7000);
	assert_null(breakpoint_condition(table, 0x1000, 0x6000));
	assert_null(*breakpoint_condition(table, 0x1000, 0x5000));
	condition_replace(breakpoint_condition(table, 0x2000, 0x6000), first);
	condition_replace(breakpoint_condition(table, 0x3000, 0x7000), second);
	breakpoint_add(table, 0x3000, 0x7000);
	assert_ptr_equal(*breakpoint_condition(table, 0x3000, 0x7000), second);
	breakpoint_remove(table, 0x2000);
	assert_null(breakpoint_condition(table, 0x2000, 0x6000));
	assert_ptr_equal(*breakpoint_condition(table, 0x3000, 0x7000), second);
	breakpoint_add(table, 0x2000, 0x6000);
	assert_null(*breakpoint_condition(table, 0x2000, 0x6000));
	breakpoint_clear(table);
}

static void test_point_conditions(void **state)
{
	struct hardware_point first = { .type = TARGET_WATCH_WRITE, .gva = 0x1000, .length = 4 };
	struct hardware_point second = {
		.type = TARGET_BREAK_HARDWARE, .gva = 0x2000, .length = 1
	};
	struct breakpoint_table *table = *state;
	struct condition *kept = some_condition();

	breakpoint_add_point(table, &first);
	breakpoint_add_point(table, &second);
	condition_replace(breakpoint_point_condition(table, &first), some_condition());
	condition_replace(breakpoint_point_condition(table, &second), kept);
	breakpoint_remove_point(table, &first);
	assert_null(breakpoint_point_condition(table, &first));
	assert_ptr_equal(*breakpoint_point_condition(table, &second), kept);
	breakpoint_add_point(table, &first);
	assert_null(*breakpoint_point_condition(table, &first));
	breakpoint_clear(table);
}

static void test_ignored(void **state)
{
	struct breakpoint_table *table = *state;

	assert_false(breakpoint_take_ignored(table, 0x1000));
	assert_int_equal(breakpoint_ignore(table, 0x1000, 0), 0);
	assert_int_equal(breakpoint_ignore(table, 0x1000, 2), 0);
	assert_int_equal(breakpoint_ignore(table, 0x2000, 1), 0);
	breakpoint_add(table, 0x1000, 0x5000);
	breakpoint_remove(table, 0x1000); /* as gdb does at each stop */
	assert_true(breakpoint_take_ignored(table, 0x1000));
	assert_true(breakpoint_take_ignored(table, 0x1000));
	assert_false(breakpoint_take_ignored(table, 0x1000));
	assert_true(breakpoint_take_ignored(table, 0x2000));
	assert_false(breakpoint_take_ignored(table, 0x2000));
	for (unsigned i = 0; i < BREAKPOINT_MAX_IGNORES; i++)
		assert_int_equal(breakpoint_ignore(table, i, 1), 0);
	assert_int_equal(breakpoint_ignore(table, 0x1000, 1), -ENOSPC);
	assert_int_equal(breakpoint_ignore(table, 5, 7), 0);
	assert_int_equal(breakpoint_ignore(table, 6, 0), 0);
	assert_int_equal(breakpoint_ignore(table, 0x1000, UINT64_MAX), 0);
	assert_true(breakpoint_take_ignored(table, 0x1000));
	breakpoint_clear(table);
	assert_false(breakpoint_take_ignored(table, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_add_is_idempotent, setup),
		cmocka_unit_test_setup(test_addresses, setup),
		cmocka_unit_test_setup(test_limit, setup),
		cmocka_unit_test_setup(test_points_are_idempotent, setup),
		cmocka_unit_test_setup(test_point_limit, setup),
		cmocka_unit_test_setup(test_watches, setup),
		cmocka_unit_test_setup(test_clear, setup),
		cmocka_unit_test_setup(test_conditions, setup),
		cmocka_unit_test_setup(test_point_conditions, setup),
		cmocka_unit_test_setup(test_ignored, setup),
	};

	return cmocka_run_group_tests_name("breakpoint", tests, NULL, NULL);
}
