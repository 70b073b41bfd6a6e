/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/hex.c: strictness above all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/hex.h"

static void test_digits_of_both_cases(void **state)
{
	(void)state;
	for (int i = 0; i < 16; i++) {
		assert_int_equal(hex_digit_value((uint8_t) "0123456789abcdef"[i]), i);
		assert_int_equal(hex_digit_value((uint8_t) "0123456789ABCDEF"[i]), i);
		assert_int_equal(hex_digit((unsigned)i + 0x30), "0123456789abcdef"[i]);
	}
}

static void test_everything_else_is_no_digit(void **state)
{
	unsigned digits = 0;

	(void)state;
	for (unsigned byte = 0; byte < 256; byte++)
		digits += hex_digit_value((uint8_t)byte) >= 0;
	assert_int_equal(digits, 22);
}

static void test_round_trip(void **state)
{
	uint8_t bytes[256], digits[512], back[256];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	hex_encode(digits, bytes, sizeof(bytes));
	assert_memory_equal(digits, "000102", 6);
	assert_memory_equal(digits + 506, "fdfeff", 6);
	assert_int_equal(hex_decode(back, digits, sizeof(back)), 0);
	assert_memory_equal(back, bytes, sizeof(bytes));
}

static void test_one_bad_digit_spoils_all(void **state)
{
	static const char *const bad[] = { "g0", "0g", "x0", "0x", " 1", "1 ", "-1", "0/", ":0" };
	uint8_t byte;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(hex_decode(&byte, (const uint8_t *)bad[i], 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digits_of_both_cases),
		cmocka_unit_test(test_everything_else_is_no_digit),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_one_bad_digit_spoils_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
