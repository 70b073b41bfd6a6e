/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/walk_memo.c: the right page of the right vCPU, and only while it is open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kvm/walk_memo.h"

static void add(struct walk_memo *memo, unsigned vcpu, gva_t gva, gpa_t gpa)
{
	const struct translation translation = { .gpa = gpa, .page_bytes = 1 << 21, .user = true };

	walk_memo_add(memo, vcpu, gva, &translation);
}

/* Where it says gva is; 0 when it does not know. */
static gpa_t find(const struct walk_memo *memo, unsigned vcpu, gva_t gva)
{
	struct translation translation;

	if (!walk_memo_find(memo, vcpu, gva, &translation))
		return 0;
	assert_true(translation.page_bytes == 1 << 21 && translation.user);
	return translation.gpa;
}

static void test_finds(void **state)
{
	struct walk_memo memo = { .is_open = false };

	(void)state;
	walk_memo_open(&memo);
	assert_int_equal(find(&memo, 0, 0x7123), 0);
	add(&memo, 0, 0x7123, 0x205123);
	add(&memo, 0, UINT64_MAX, 0x300fff);
	assert_int_equal(find(&memo, 0, 0x7123), 0x205123);
	assert_int_equal(find(&memo, 0, 0x7000), 0x205000);
	assert_int_equal(find(&memo, 0, 0x7fff), 0x205fff);
	assert_int_equal(find(&memo, 0, 0x6fff), 0);
	assert_int_equal(find(&memo, 0, 0x8000), 0);
	assert_int_equal(find(&memo, 1, 0x7123), 0);
	assert_int_equal(find(&memo, 0, UINT64_MAX - 0xfff), 0x300000);
}

static void test_forgets(void **state)
{
	struct walk_memo memo = { .is_open = false };

	(void)state;
	add(&memo, 0, 0x1000, 0x2000); /* closed */
	assert_int_equal(find(&memo, 0, 0x1000), 0);
	walk_memo_open(&memo);
	assert_int_equal(find(&memo, 0, 0x1000), 0);
	add(&memo, 0, 0x1000, 0x2000);
	walk_memo_close(&memo);
	assert_int_equal(find(&memo, 0, 0x1000), 0);
	walk_memo_open(&memo);
	assert_int_equal(find(&memo, 0, 0x1000), 0);
	add(&memo, 0, 0x1000, 0x2000);
	walk_memo_forget(&memo);
	assert_int_equal(find(&memo, 0, 0x1000), 0);
	add(&memo, 0, 0x1000, 0x3000);
	assert_int_equal(find(&memo, 0, 0x1000), 0x3000);
}

/* More pages than it has room for: the last ones are known. */
static void test_overwrites(void **state)
{
	struct walk_memo memo = { .is_open = false };

	(void)state;
	walk_memo_open(&memo);
	for (gva_t page = 1; page <= 3 * WALK_MEMO_SIZE; page++) {
		add(&memo, 2, page << 12, page << 20);
		for (gva_t known = 1; known <= page + 1; known++) {
			bool kept = known <= page && known + WALK_MEMO_SIZE > page;

			assert_int_equal(find(&memo, 2, known << 12), kept ? known << 20 : 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_overwrites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
