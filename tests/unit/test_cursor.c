/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/cursor.c: nothing is read past the end, nothing is guessed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/cursor.h"

/* A copy of exact size on the heap, so that the sanitizer sees one byte too many. */
static struct cursor cursor_of(const char *text, void **memory)
{
	size_t length = strlen(text);

	*memory = test_malloc(length ? length : 1);
	memcpy(*memory, text, length);
	return cursor_make(*memory, length);
}

static void test_decimals(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t number;
		size_t left;
	} cases[] = {
		{ "0", 0, 0, 0 },
		{ "0019,", 0, 19, 1 },
		{ "18446744073709551615", 0, UINT64_MAX, 0 },
		{ "18446744073709551616", -EOVERFLOW, 0, 0 },
		{ "99999999999999999999999", -EOVERFLOW, 0, 0 },
		{ "1f", 0, 1, 1 },
		{ "", -EINVAL, 0, 0 },
		{ "f", -EINVAL, 0, 1 },
		{ "-1", -EINVAL, 0, 2 },
		{ "\xb1", -EINVAL, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		void *memory;
		struct cursor cursor = cursor_of(cases[i].text, &memory);
		uint64_t number = 0;

		assert_int_equal(cursor_take_decimal(&cursor, &number), cases[i].result);
		assert_true(number == cases[i].number);
		if (!cases[i].result)
			assert_int_equal(cursor_left(&cursor), cases[i].left);
		test_free(memory);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t number;
		size_t left;
	} cases[] = {
		{ "0", 0, 0, 0 },
		{ "1f", 0, 0x1f, 0 },
		{ "1F,", 0, 0x1f, 1 },
		{ "ffffffffffffffff", 0, UINT64_MAX, 0 },
		{ "000000000000000000000000001", 0, 1, 0 },
		{ "1000:", 0, 0x1000, 1 },
		{ "10x", 0, 0x10, 1 },
		{ "", -EINVAL, 0, 0 },
		{ "x", -EINVAL, 0, 1 },
		{ "-1", -EINVAL, 0, 2 },
		{ " 1", -EINVAL, 0, 2 },
		{ "10000000000000000", -EOVERFLOW, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		void *memory;
		struct cursor cursor = cursor_of(cases[i].text, &memory);
		uint64_t number = 0;

		assert_int_equal(cursor_take_number(&cursor, &number), cases[i].result);
		assert_true(number == cases[i].number);
		assert_int_equal(cursor_left(&cursor), cases[i].left);
		test_free(memory);
	}
}

static void test_binary(void **state)
{
	static const struct {
		const char *text;
		size_t count;
		int result;
		const char *bytes;
	} cases[] = {
		{ "abc", 3, 0, "abc" },
		{ "}\x03}\x04}]}\x0a", 4, 0, "#$}*" },
		{ "a*b", 3, 0, "a*b" },
		{ "", 0, 0, "" },
		{ "abc", 2, -EINVAL, "" },
		{ "abc", 4, -EINVAL, "" },
		{ "ab}", 3, -EINVAL, "" },
		{ "ab}", 2, -EINVAL, "" },
		{ "}", 1, -EINVAL, "" },
		{ "", 1, -EINVAL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		void *memory;
		struct cursor cursor = cursor_of(cases[i].text, &memory);
		uint8_t bytes[8];

		assert_int_equal(
			cursor_take_binary(&cursor, bytes, cases[i].count), cases[i].result);
		if (!cases[i].result)
			assert_memory_equal(bytes, cases[i].bytes, cases[i].count);
		test_free(memory);
	}
}

/* All that is left, into room of that size. */
static void test_all_binary(void **state)
{
	static const struct {
		const char *text;
		int result;
		size_t count;
		const char *bytes;
	} cases[] = {
		{ "", 0, 0, "" },
		{ "a:b;c", 0, 5, "a:b;c" },
		{ "}\x03}\x04}]}\x0a", 0, 4, "#$}*" },
		{ "ab}", -EINVAL, 2, "ab" },
		{ "}", -EINVAL, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		void *memory;
		struct cursor cursor = cursor_of(cases[i].text, &memory);
		uint8_t *bytes = test_malloc(strlen(cases[i].text) + 1);
		size_t count;

		assert_int_equal(cursor_take_all_binary(&cursor, bytes, &count), cases[i].result);
		assert_int_equal(count, cases[i].count);
		assert_memory_equal(bytes, cases[i].bytes, count);
		test_free(bytes);
		test_free(memory);
	}
}

static void test_hex(void **state)
{
	void *memory;
	struct cursor cursor = cursor_of("0102fg", &memory);
	uint8_t bytes[4];

	(void)state;
	assert_int_equal(cursor_take_hex(&cursor, bytes, 4), -EINVAL);
	assert_int_equal(cursor_take_hex(&cursor, bytes, SIZE_MAX), -EINVAL);
	assert_int_equal(cursor_take_hex(&cursor, bytes, 2), 0);
	assert_memory_equal(bytes, "\x01\x02", 2);
	assert_int_equal(cursor_take_hex(&cursor, bytes, 1), -EINVAL);
	assert_int_equal(cursor_left(&cursor), 2);
	test_free(memory);
}

static void test_tokens(void **state)
{
	void *memory;
	struct cursor cursor = cursor_of("a;bc;;d", &memory);
	struct cursor token = cursor_take_token(&cursor, ';');

	(void)state;
	assert_true(cursor_is(&token, "a"));
	token = cursor_take_token(&cursor, ';');
	assert_true(cursor_is(&token, "bc"));
	assert_false(cursor_is(&token, "b"));
	assert_false(cursor_is(&token, "bcd"));
	token = cursor_take_token(&cursor, ';');
	assert_true(cursor_is(&token, ""));
	token = cursor_take_token(&cursor, ';');
	assert_true(cursor_is(&token, "d"));
	assert_int_equal(cursor_left(&cursor), 0);
	token = cursor_take_token(&cursor, ';');
	assert_true(cursor_is(&token, ""));
	test_free(memory);
}

static void test_text_and_bytes(void **state)
{
	void *memory;
	struct cursor cursor = cursor_of("vCont;", &memory);

	(void)state;
	assert_false(cursor_take_text(&cursor, "vCont;c"));
	assert_false(cursor_take_text(&cursor, "vKill"));
	assert_true(cursor_take_text(&cursor, "vCont"));
	assert_int_equal(cursor_peek(&cursor), ';');
	assert_false(cursor_take_byte(&cursor, ':'));
	assert_true(cursor_take_byte(&cursor, ';'));
	assert_int_equal(cursor_peek(&cursor), -ENODATA);
	assert_false(cursor_take_byte(&cursor, ';'));
	test_free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_all_binary),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_text_and_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
