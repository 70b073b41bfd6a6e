/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/page_memo.c: the right page, and only while it is open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kvm/page_memo.h"

static struct page_memo memo;

static void add(gpa_t gpa, uint8_t byte)
{
	uint8_t bytes[PAGE_MEMO_PAGE];

	memset(bytes, byte, sizeof(bytes));
	page_memo_add(&memo, gpa, bytes);
}

/* What the page is full of; -1 when it is not known. */
static int find(gpa_t gpa)
{
	const uint8_t *bytes = page_memo_find(&memo, gpa);

	if (!bytes)
		return -1;
	assert_int_equal(bytes[0], bytes[PAGE_MEMO_PAGE - 1]);
	return bytes[0];
}

static void test_finds(void **state)
{
	(void)state;
	page_memo_open(&memo);
	assert_int_equal(find(0), -1);
	add(0, 1);
	add(UINT64_MAX - 4095, 2);
	assert_int_equal(find(0), 1);
	assert_int_equal(find(UINT64_MAX - 4095), 2);
	assert_int_equal(find(0x1000), -1);
	page_memo_forget(&memo);
	assert_int_equal(find(0), -1);
}

static void test_closed(void **state)
{
	(void)state;
	page_memo_open(&memo);
	add(0x1000, 1);
	page_memo_close(&memo);
	assert_int_equal(find(0x1000), -1);
	add(0x1000, 2);
	assert_int_equal(find(0x1000), -1);
	page_memo_open(&memo);
	assert_int_equal(find(0x1000), -1);
}

static void test_overwrites(void **state)
{
	(void)state;
	page_memo_open(&memo);
	for (unsigned i = 0; i < PAGE_MEMO_SIZE + 2; i++)
		add(0x1000 * i, (uint8_t)(i + 1));
	assert_int_equal(find(0x1000), -1);
	for (unsigned i = 2; i < PAGE_MEMO_SIZE + 2; i++)
		assert_int_equal(find(0x1000 * i), i + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_overwrites),
	};

	return cmocka_run_group_tests_name("page_memo", tests, NULL, NULL);
}
