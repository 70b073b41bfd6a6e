/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/exception_log.c: counts by kind, the last place, an end to the kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kvm/exception_log.h"

static void add(struct exception_log *log, enum injection_kind kind, uint32_t esr, gva_t pc)
{
	struct injection injection = { .kind = kind, .esr = esr };

	exception_log_add(log, &injection, (unsigned)pc & 3, pc);
}

static void expect(
	const struct exception_log *log, unsigned entry, const char *name, uint64_t count, gva_t pc)
{
	assert_true(entry < log->count);
	assert_string_equal(exception_log_name(&log->entries[entry]), name);
	assert_int_equal(log->entries[entry].count, count);
	assert_int_equal(log->entries[entry].last_pc, pc);
	assert_int_equal(log->entries[entry].last_vcpu, pc & 3);
}

static void test_counts(void **state)
{
	struct exception_log log = { .count = 0 };

	(void)state;
	add(&log, INJECT_NONE, 0, 1);
	assert_int_equal(log.count, 0);
	add(&log, INJECT_BREAKPOINT, 0, 0x1001);
	add(&log, INJECT_DEBUG, 0xf0000000, 0x1002);
	add(&log, INJECT_BREAKPOINT, 0xc0000000, 0x1003);
	assert_int_equal(log.count, 2);
	expect(&log, 0, "#BP (INT3)", 2, 0x1003);
	expect(&log, 1, "#DB", 1, 0x1002);
}

/* arm64: by class, whatever the rest of the syndrome says. */
static void test_classes(void **state)
{
	struct exception_log log = { .count = 0 };

	(void)state;
	add(&log, INJECT_SYNC, 0xf2000007, 4);
	add(&log, INJECT_SYNC, 0xf2000001, 8);
	add(&log, INJECT_SYNC, 0xc2000022, 12);
	add(&log, INJECT_SYNC, 0xca000022, 16);
	add(&log, INJECT_SYNC, 0xd2000022, 20);
	add(&log, INJECT_SYNC, 0xe2000000, 24);
	add(&log, INJECT_SYNC, 0x02000000, 28);
	expect(&log, 0, "BRK", 2, 8);
	expect(&log, 1, "breakpoint in hardware", 1, 12);
	expect(&log, 2, "software step", 1, 16);
	expect(&log, 3, "watchpoint", 1, 20);
	expect(&log, 4, "BKPT (AArch32)", 1, 24);
	expect(&log, 5, "synchronous exception", 1, 28);
	assert_int_equal(log.others, 0);
}

static void test_full(void **state)
{
	struct exception_log log = { .count = 0 };

	(void)state;
	for (uint32_t class = 0; class < 64; class ++)
		add(&log, INJECT_SYNC, class << 26, class);
	assert_int_equal(log.count, EXCEPTION_LOG_KINDS);
	assert_int_equal(log.others, 64 - EXCEPTION_LOG_KINDS);
	add(&log, INJECT_SYNC, 0, 77);
	assert_int_equal(log.entries[0].count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
