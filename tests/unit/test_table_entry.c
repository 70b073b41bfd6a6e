/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/table_entry*.c: what the bits of table entries say, at every level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kvm/table_entry.h"

static void check_x86(uint8_t level, uint64_t entry, const char *words, const char *letters)
{
	struct translation_step step = { .entry = entry, .level = level };
	char text[256], got[10];

	table_entry_x86_64_describe(&step, text, sizeof(text));
	assert_string_equal(text, words);
	table_entry_x86_64_letters(&step, got);
	assert_string_equal(got, letters);
}

static void check_arm64(uint8_t level, uint64_t entry, const char *words, const char *letters)
{
	struct translation_step step = { .entry = entry, .level = level };
	char text[256], got[10];

	table_entry_arm64_describe(&step, text, sizeof(text));
	assert_string_equal(text, words);
	table_entry_arm64_letters(&step, got);
	assert_string_equal(got, letters);
}

static void test_x86(void **state)
{
	(void)state;
	check_x86(1, 0, "not present", "---------");
	check_x86(1, 0x1000, "not present", "---------");
	check_x86(1, 0x1001, "present read-only supervisor", "---------");
	check_x86(1, 0x1067, "present writable user accessed dirty", "---DA--UW");
	check_x86(1, 0x1081, "present read-only supervisor", "---------"); /* PAT */
	check_x86(2, UINT64_C(0x80000000002001fb),
		"present, a page writable supervisor PWT PCD accessed NX dirty global",
		"XGPDACT-W");
	check_x86(3, 0x40000081, "present, a page read-only supervisor", "--P------");
	check_x86(4, 0x1063, "present writable supervisor accessed", "---DA---W");
	check_x86(4, 0x1081, "present read-only supervisor", "--P------");
}

static void test_arm64(void **state)
{
	(void)state;
	check_arm64(4, 0, "not valid", "-G------W");
	check_arm64(4, 1, "reserved", "-G------W");
	check_arm64(2, 0x40000003, "table", "-G------W");
	check_arm64(2, UINT64_C(0xf800000040000003),
		"table PXNTable UXNTable EL1-only read-only NSTable", "-G------W");
	check_arm64(3, 0x40000701,
		"block writable EL1-only accessed global inner-shareable AttrIndx=0", "-GP-A---W");
	check_arm64(4, UINT64_C(0x0078000040000fe7),
		"page read-only EL0 accessed nG DBM contiguous PXN UXN NS inner-shareable "
		"AttrIndx=1",
		"X--DAC-U-");
}

static void test_names(void **state)
{
	struct translation_step step = { .level = 0 };

	(void)state;
	assert_string_equal(table_entry_arm64_name(&step), "level -1");
	assert_string_equal(table_entry_x86_64_name(&step), "entry");
	step.level = 4;
	assert_string_equal(table_entry_arm64_name(&step), "level 3");
	assert_string_equal(table_entry_x86_64_name(&step), "PML4E");
	step.level = 200;
	assert_string_equal(table_entry_arm64_name(&step), "entry");
	assert_string_equal(table_entry_x86_64_name(&step), "entry");
}

/* What finds no room is cut. */
static void test_cut(void **state)
{
	struct translation_step step = { .entry = 0x1067, .level = 1 };
	char text[20];

	(void)state;
	memset(text, 'x', sizeof(text));
	table_entry_x86_64_describe(&step, text, 12);
	assert_string_equal(text, "present wri");
	assert_int_equal(text[12], 'x');
	step.entry = 0x403;
	step.level = 4;
	table_entry_arm64_describe(&step, text, 12);
	assert_string_equal(text, "page writab");
	assert_int_equal(text[12], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86),
		cmocka_unit_test(test_arm64),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
