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

	breakpoint_clear(&table); /* what the last test has left */
	*state = &table;
	return 0;
}

enum { SEAT = 2, OTHER = 5 };

static int add(struct breakpoint_table *table, gva_t gva, gpa_t gpa)
{
	const struct target_breakpoint_spec spec = { .address = gva, .length = 1 };

	return breakpoint_add(table, SEAT, &spec, gpa);
}

static int add_point(struct breakpoint_table *table, const struct hardware_point *point)
{
	const struct target_breakpoint_spec spec = {
		.type = point->type, .address = point->gva, .length = point->length
	};

	return breakpoint_add_point(table, SEAT, &spec);
}

static void test_add_is_idempotent(void **state)
{
	struct breakpoint_table *table = *state;

	for (int i = 0; i < 3; i++)
		assert_int_equal(add(table, 0x1000, 0x5000), 0);
	assert_int_equal(table->count, 1);
	assert_non_null(breakpoint_find(table, 0x1000, 0x5000));
	assert_null(breakpoint_find(table, 0x1000, 0x5001));
	assert_null(breakpoint_find(table, 0x1001, 0x5000));
	breakpoint_remove(table, SEAT, 0x1000);
	breakpoint_remove(table, SEAT, 0x1000);
	assert_int_equal(table->count, 0);
	assert_null(breakpoint_find(table, 0x1000, 0x5000));
}

/* One address in two address spaces, and two addresses of one page. */
static void test_addresses(void **state)
{
	struct breakpoint_table *table = *state;

	assert_int_equal(add(table, 0x1000, 0x5000), 0);
	assert_int_equal(add(table, 0x2000, 0x6000), 0);
	assert_int_equal(add(table, 0x1000, 0x7000), 0);
	assert_int_equal(add(table, 0x3000, 0x7000), 0);
	assert_int_equal(table->count, 4);
	breakpoint_remove(table, SEAT, 0x1000);
	assert_int_equal(table->count, 2);
	assert_false(breakpoint_wants(table, 0x5000));
	assert_true(breakpoint_wants(table, 0x6000));
	assert_true(breakpoint_wants(table, 0x7000));
	assert_int_equal(table->entries[0].gva, 0x2000);
	assert_int_equal(table->entries[1].gva, 0x3000);
	breakpoint_remove(table, SEAT, 0x3000);
	assert_false(breakpoint_wants(table, 0x7000));
	assert_true(breakpoint_wants(table, 0x6000));
}

static void test_limit(void **state)
{
	struct breakpoint_table *table = *state;

	for (unsigned i = 0; i < BREAKPOINT_MAX; i++)
		assert_int_equal(add(table, i, i), 0);
	assert_int_equal(add(table, BREAKPOINT_MAX, 0), -ENOSPC);
	assert_int_equal(add(table, 7, 7), 0);
	assert_int_equal(table->count, BREAKPOINT_MAX);
	breakpoint_remove(table, SEAT, 0);
	assert_int_equal(add(table, BREAKPOINT_MAX, 0), 0);
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
		assert_int_equal(add_point(table, &first), 0);
	assert_int_equal(table->point_count, 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_false(breakpoint_has_point(table, &others[i]));
		breakpoint_remove_point(table, SEAT, &others[i]);
		assert_int_equal(table->point_count, 1);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(add_point(table, &others[i]), 0);
	assert_int_equal(table->point_count, 4);
	breakpoint_remove_point(table, SEAT, &others[0]);
	breakpoint_remove_point(table, SEAT, &others[0]);
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

		assert_int_equal(add_point(table, &one), 0);
	}
	assert_int_equal(add_point(table, &more), -ENOSPC);
	assert_int_equal(table->point_count, BREAKPOINT_MAX_POINTS);
	first = point(TARGET_BREAK_HARDWARE, 0, 1);
	assert_int_equal(add_point(table, &first), 0);
	breakpoint_remove_point(table, SEAT, &first);
	assert_int_equal(add_point(table, &more), 0);
	assert_true(breakpoint_point_at(table, 0x9000));
	assert_false(breakpoint_point_at(table, 0));
	assert_true(breakpoint_point_at(table, BREAKPOINT_MAX_POINTS - 1));
	breakpoint_remove_point(table, SEAT, &more); /* the last one: nothing moves */
	assert_true(breakpoint_point_at(table, BREAKPOINT_MAX_POINTS - 1));
}

static bool is_watched(const struct breakpoint_table *table, gva_t address)
{
	bool watched = false;

	for (unsigned i = 0; i < table->point_count; i++)
		watched |= breakpoint_point_watches(&table->points[i], address);
	return watched;
}

static void test_watches(void **state)
{
	const struct hardware_point write = point(TARGET_WATCH_WRITE, 0x1000, 4),
				    read = point(TARGET_WATCH_READ, 0x2000, 1),
				    access = point(TARGET_WATCH_ACCESS, UINT64_MAX - 7, 8),
				    exec = point(TARGET_BREAK_HARDWARE, 0x3000, 1);
	struct breakpoint_table *table = *state;

	assert_false(is_watched(table, 0x1000));
	add_point(table, &write);
	add_point(table, &read);
	add_point(table, &access);
	add_point(table, &exec);
	assert_false(is_watched(table, 0xfff));
	assert_true(is_watched(table, 0x1000));
	assert_true(is_watched(table, 0x1003));
	assert_false(is_watched(table, 0x1004));
	assert_true(is_watched(table, 0x2000));
	assert_false(is_watched(table, 0x2001));
	assert_false(is_watched(table, 0x3000));
	assert_true(is_watched(table, UINT64_MAX));
	assert_true(is_watched(table, UINT64_MAX - 7));
	assert_false(is_watched(table, UINT64_MAX - 8));
	assert_false(is_watched(table, 0));
	assert_true(breakpoint_point_at(table, 0x3000));
	assert_false(breakpoint_point_at(table, 0x1000));
}

static void test_clear(void **state)
{
	const struct hardware_point watch = point(TARGET_WATCH_WRITE, 0x1000, 4);
	struct breakpoint_table *table = *state;

	add(table, 1, 2);
	add_point(table, &watch);
	breakpoint_clear(table);
	assert_int_equal(table->count, 0);
	assert_int_equal(table->point_count, 0);
	assert_false(breakpoint_wants(table, 2));
	assert_false(is_watched(table, 0x1000));
}

/* ---- several debuggers ------------------------------------------------------------------- */

static const uint8_t always[] = { 0x22, 1, 0x27 };
static const struct target_code code = { always, sizeof(always) };

/* It is there until the last one who wants it has taken it back. */
static void test_counted(void **state)
{
	const struct target_breakpoint_spec spec = { .address = 0x1000, .length = 1 };
	const struct hardware_point watch = point(TARGET_WATCH_WRITE, 0x1000, 4);
	const struct target_breakpoint_spec watched = {
		.type = TARGET_WATCH_WRITE, .address = 0x1000, .length = 4
	};
	struct breakpoint_table *table = *state;

	assert_int_equal(add(table, 0x1000, 0x5000), 0);
	assert_int_equal(breakpoint_add(table, OTHER, &spec, 0x5000), 0);
	assert_int_equal(table->count, 1);
	breakpoint_remove(table, SEAT, 0x1000);
	breakpoint_remove(table, SEAT, 0x1000);
	assert_non_null(breakpoint_find(table, 0x1000, 0x5000));
	breakpoint_remove(table, OTHER, 0x1000);
	assert_null(breakpoint_find(table, 0x1000, 0x5000));
	assert_int_equal(add_point(table, &watch), 0);
	assert_int_equal(breakpoint_add_point(table, OTHER, &watched), 0);
	breakpoint_leave(table, SEAT);
	assert_true(breakpoint_has_point(table, &watch));
	breakpoint_leave(table, OTHER);
	assert_int_equal(table->point_count, 0);
	assert_int_equal(table->code_bytes, 0);
}

/* A new list replaces the old one, of the same debugger and place alone. */
static void test_conditions(void **state)
{
	struct target_breakpoint_spec spec = {
		.address = 0x1000, .length = 1, .conditions = &code, .condition_count = 1
	};
	struct breakpoint_table *table = *state;
	struct breakpoint *entry;

	assert_int_equal(breakpoint_add(table, SEAT, &spec, 0x5000), 0);
	assert_int_equal(breakpoint_add(table, OTHER, &spec, 0x5000), 0);
	spec.condition_count = 0;
	assert_int_equal(breakpoint_add(table, SEAT, &spec, 0x5000), 0);
	assert_int_equal(table->count, 1);
	entry = breakpoint_find(table, 0x1000, 0x5000);
	assert_non_null(entry);
	assert_int_equal(entry->terms->seat, SEAT);
	assert_null(entry->terms->condition);
	assert_int_equal(entry->terms->next->seat, OTHER);
	assert_non_null(entry->terms->next->condition);
	assert_null(entry->terms->next->next);
	breakpoint_clear(table);
	assert_int_equal(table->code_bytes, 0);
}

/* Code that must not run is refused, and nothing is left of it. */
static void test_bad_condition(void **state)
{
	static const uint8_t bytes[] = { 0x31, 0x27 };
	static const struct target_code bad = { bytes, sizeof(bytes) };
	const struct target_breakpoint_spec spec = {
		.address = 0x1000, .length = 1, .conditions = &bad, .condition_count = 1
	};
	struct breakpoint_table *table = *state;

	assert_int_equal(breakpoint_add(table, SEAT, &spec, 0x5000), -EINVAL);
	assert_int_equal(table->count, 0);
	assert_int_equal(breakpoint_add_point(table, SEAT, &spec), -EINVAL);
	assert_int_equal(table->point_count, 0);
	assert_int_equal(table->code_bytes, 0);
}

/* All debuggers together may keep so much and no more. */
static void test_code_limit(void **state)
{
	static uint8_t bytes[AGENT_MAX_CODE];
	static struct target_code codes[64];
	struct target_breakpoint_spec spec = {
		.length = 1, .conditions = codes, .condition_count = 64
	};
	const size_t length = AGENT_MAX_CODE / 3 * 3;
	struct breakpoint_table *table = *state;
	int rc = 0;

	for (unsigned i = 0; i + 3 < length; i += 3)
		memcpy(bytes + i, "\x22\x01\x29", 3); /* const8 1, pop */
	memcpy(bytes + length - 3, always, 3);
	for (unsigned i = 0; i < 64; i++)
		codes[i] = (struct target_code){ bytes, length };
	for (unsigned i = 0; i < 64 && rc == 0; i++) {
		spec.address = i;
		rc = breakpoint_add(table, i % 2 ? SEAT : OTHER, &spec, i);
	}
	assert_int_equal(rc, -ENOSPC);
	assert_in_range(table->code_bytes, TERMS_MAX_BYTES / 2, TERMS_MAX_BYTES);
	spec.address = 0;
	assert_int_equal(breakpoint_add(table, OTHER, &spec, 0), 0); /* in place of its own */
	breakpoint_clear(table);
	assert_int_equal(table->code_bytes, 0);
}

/* What waits for its page is found whatever page is asked for, and stands nowhere. */
static void test_pending(void **state)
{
	struct breakpoint_table *table = *state;

	assert_int_equal(add(table, 0x1000, BREAKPOINT_PENDING), 0);
	assert_int_equal(add(table, 0x1000, 0x5000), 0);
	assert_int_equal(table->count, 1);
	assert_non_null(breakpoint_find(table, 0x1000, 0x7000));
	assert_null(breakpoint_find(table, 0x1001, 0x7000));
	assert_false(breakpoint_wants(table, 0x5000));
	breakpoint_remove(table, SEAT, 0x1000);
	assert_int_equal(table->count, 0);
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
		cmocka_unit_test_setup(test_counted, setup),
		cmocka_unit_test_setup(test_conditions, setup),
		cmocka_unit_test_setup(test_bad_condition, setup),
		cmocka_unit_test_setup(test_code_limit, setup),
		cmocka_unit_test_setup(test_pending, setup),
	};

	return cmocka_run_group_tests_name("breakpoint", tests, NULL, NULL);
}
