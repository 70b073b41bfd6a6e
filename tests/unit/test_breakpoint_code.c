/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/breakpoint_code.c: lists are taken by their lengths, and whole or not at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/breakpoint_code.h"

/* A copy of exact size, and exactly as much room as is promised. */
static int parse(const char *text, struct breakpoint_code *code, uint8_t **room)
{
	size_t length = strlen(text);
	char *exact = test_malloc(length ? length : 1);
	int result;

	*room = test_malloc(length / 2 ? length / 2 : 1);
	memcpy(exact, text, length);
	result = breakpoint_code_parse(code, cursor_make(exact, length), *room);
	test_free(exact);
	return result;
}

static void expect_code(const struct target_code *code, const char *bytes, size_t length)
{
	assert_int_equal(code->length, length);
	assert_memory_equal(code->bytes, bytes, length);
}

static void test_lists(void **state)
{
	struct breakpoint_code code;
	uint8_t *room;

	(void)state;
	assert_int_equal(parse("", &code, &room), 0);
	assert_int_equal(code.condition_count + code.command_count, 0);
	test_free(room);

	/* No separator between expressions, whose digits may be any. */
	assert_int_equal(parse(";X1,27Xa,2300191620220713270aX0002,AbcD", &code, &room), 0);
	assert_int_equal(code.condition_count, 3);
	assert_int_equal(code.command_count, 0);
	expect_code(&code.conditions[0], "\x27", 1);
	expect_code(&code.conditions[1], "\x23\x00\x19\x16\x20\x22\x07\x13\x27\x0a", 10);
	expect_code(&code.conditions[2], "\xab\xcd", 2);
	test_free(room);

	assert_int_equal(parse(";cmds:1,X1,27X2,0102", &code, &room), 0);
	assert_int_equal(code.condition_count, 0);
	assert_int_equal(code.command_count, 2);
	assert_true(code.commands_persist);
	expect_code(&code.commands[1], "\x01\x02", 2);
	test_free(room);

	assert_int_equal(parse(";X1,01;cmds:0,X1,02", &code, &room), 0);
	assert_int_equal(code.condition_count, 1);
	assert_int_equal(code.command_count, 1);
	assert_false(code.commands_persist);
	expect_code(&code.conditions[0], "\x01", 1);
	expect_code(&code.commands[0], "\x02", 1);
	test_free(room);
}

static void test_attached(void **state)
{
	struct target_breakpoint_spec spec = { .address = 1 };
	struct breakpoint_code code;
	uint8_t *room;

	(void)state;
	assert_int_equal(parse(";X1,01X1,03;cmds:1,X1,02", &code, &room), 0);
	breakpoint_code_attach(&code, &spec);
	assert_int_equal(spec.address, 1);
	assert_int_equal(spec.condition_count, 2);
	assert_int_equal(spec.command_count, 1);
	assert_true(spec.commands_persist);
	expect_code(&spec.conditions[1], "\x03", 1);
	expect_code(&spec.commands[0], "\x02", 1);
	test_free(room);
}

static void test_malformed(void **state)
{
	static const char *const texts[] = { "X1,27", ";", ";;X1,27", ";X", ";X,", ";X1", ";X1,",
		";Xzz,00", ";X5,00", ";X0,", ";Xffffffff,00", ";Xffffffffffffffff,00",
		";X10000000000000000,00", ";X8000000000000001,0000", ";X1,2", ";X1,2g", ";X1,277",
		";X1,27x", ";X1,27,X1,27", ";X1,27;", ";X1,27;X1,27", ";X1,27;cmds:", ";x1,27",
		";cmds", ";cmds:", ";cmds:1", ";cmds:1,", ";cmds:,X1,27", ";cmds:2,X1,27",
		";cmds:-1,X1,27", ";cmds:1X1,27", ";cmds:1,X1,27;", ";cmds:1,X1,27;X1,27",
		";cmds:1,X1,27;cmds:1,X1,27", ";cmds:1,X1,2700", ";other:1", " ", "x" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct breakpoint_code code;
		uint8_t *room;

		if (parse(texts[i], &code, &room) != -EINVAL)
			fail_msg("\"%s\" is let through", texts[i]);
		test_free(room);
	}
}

/* Cut anywhere but between expressions, a good packet is a bad one. */
static void test_truncated(void **state)
{
	static const char whole[] = ";X3,220127X1,27;cmds:1,X2,2201X1,27";

	(void)state;
	for (size_t length = 0; length < sizeof(whole); length++) {
		char text[sizeof(whole)] = "";
		struct breakpoint_code code;
		bool good =
			length == 0 || length == 10 || length == 15 || length == 30 || length == 35;
		uint8_t *room;

		memcpy(text, whole, length);
		assert_int_equal(parse(text, &code, &room), good ? 0 : -EINVAL);
		test_free(room);
	}
}

static void test_too_many(void **state)
{
	char text[16 + 8 * (BREAKPOINT_CODE_MAX + 1)] = ";";
	struct breakpoint_code code;
	uint8_t *room;

	(void)state;
	for (unsigned i = 0; i < BREAKPOINT_CODE_MAX; i++)
		strcat(text, "X1,27");
	assert_int_equal(parse(text, &code, &room), 0);
	assert_int_equal(code.condition_count, BREAKPOINT_CODE_MAX);
	test_free(room);
	strcat(text, "X1,27");
	assert_int_equal(parse(text, &code, &room), -E2BIG);
	test_free(room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_attached),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
