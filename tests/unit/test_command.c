/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/command.c and its table: longest match by rule, strict schemas. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/command_table.h"

static const struct command rows[] = {
	{ "q", COMMAND_PREFIX, "", 0, NULL },
	{ "qC", COMMAND_EXACT, "", 0, NULL },
	{ "qCount", COMMAND_WORD, "", 0, NULL },
};
static const struct command reversed[] = {
	{ "qCount", COMMAND_WORD, "", 0, NULL },
	{ "qC", COMMAND_EXACT, "", 0, NULL },
	{ "q", COMMAND_PREFIX, "", 0, NULL },
};

static const char *found(const struct command_table *table, const char *payload)
{
	struct cursor cursor = cursor_make(payload, strlen(payload)), arguments;
	const struct command *command = command_find(table, &cursor, &arguments);

	if (!command)
		return NULL;
	assert_ptr_equal(arguments.at, cursor.at + strlen(command->literal));
	assert_ptr_equal(arguments.end, cursor.end);
	return command->literal;
}

static void test_longest_match(void **state)
{
	static const struct command_table tables[] = { { rows, 3 }, { reversed, 3 } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_string_equal(found(&tables[i], "q"), "q");
		assert_string_equal(found(&tables[i], "qC"), "qC");
		assert_string_equal(found(&tables[i], "qCRC"), "q");
		assert_string_equal(found(&tables[i], "qCount"), "qCount");
		assert_string_equal(found(&tables[i], "qCount:1"), "qCount");
		assert_string_equal(found(&tables[i], "qCount;1"), "qCount");
		assert_string_equal(found(&tables[i], "qCount,1"), "qCount");
		assert_string_equal(found(&tables[i], "qCounter"), "q");
		assert_null(found(&tables[i], "Q"));
		assert_null(found(&tables[i], ""));
	}
}

static int parse(const char *schema, const char *text, struct command_args *args)
{
	return command_parse(schema, cursor_make(text, strlen(text)), true, args);
}

static void test_schemas(void **state)
{
	static const struct {
		const char *schema, *text;
		int result;
	} cases[] = {
		{ "", "", 0 },
		{ "", "x", -EINVAL },
		{ "n", "10", 0 },
		{ "n", "", -EINVAL },
		{ "n", "10,", -EINVAL },
		{ "n,n", "1,2", 0 },
		{ "n,n", "1;2", -EINVAL },
		{ "n,n", "1,", -EINVAL },
		{ "n,n", "1", -EINVAL },
		{ "n,n,n", "1,2,3", 0 },
		{ "n,n,n,n", "1,2,3,4", -EINVAL },
		{ "?;n", "", 0 },
		{ "?;n", ";1", 0 },
		{ "?;n", ";", -EINVAL },
		{ "?;n", "1", -EINVAL },
		{ "s?;n", "0b", 0 },
		{ "s?;n", "ff;1", 0 },
		{ "s?;n", "100", -EINVAL },
		{ "s?;n", "", -EINVAL },
		{ "t", "p1.1", 0 },
		{ "t", "p1.1.1", -EINVAL },
		{ "z,n,n", "0,1000,1", 0 },
		{ "z,n,n", "4,1000,1", 0 },
		{ "z,n,n", "5,1000,1", -ENOTSUP },
		{ "z,n,n", "10", -ENOTSUP },
		{ "z,n,n", "", -EINVAL },
		{ "z,n,n", "0", -EINVAL },
		{ "z,n,n", "0,1000,1;X1,27", -EINVAL },
		{ ":wn,n", ":target.xml:0,10", 0 },
		{ ":wn,n", "::0,10", 0 },
		{ ":wn,n", ":0,10", -EINVAL },
		{ ":wn,n", ":", -EINVAL },
		{ ":wn,n", "", -EINVAL },
		{ "n=r", "1=", 0 },
		{ "n=r", "1=zz", 0 },
		{ "n=r", "1", -EINVAL },
		{ "i", "10", 0 },
		{ "i", "1a", -EINVAL },
		{ "i", "", -EINVAL },
		{ "i", "18446744073709551616", -EINVAL },
		{ "i,i,i,i", "1,2,3,4", -EINVAL },
		{ "f", "", 0 },
		{ "f", ";thread:2;", 0 },
		{ "f", ";thread:p1.2;", 0 },
		{ "f", ";thread:2", 0 },
		{ "f", ";", -EINVAL },
		{ "f", ";thread", -EINVAL },
		{ "f", ";thread:", -EINVAL },
		{ "f", ";thread:;", -EINVAL },
		{ "f", ";thread:2;;", -EINVAL },
		{ "f", "thread:2;", -EINVAL },
		{ "df", "", 0 },
		{ "df", "zz;thread:2;", 0 },
		{ "df", "00;", -EINVAL },
	};
	struct command_args args;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(parse(cases[i].schema, cases[i].text, &args), cases[i].result);
}

static void test_values(void **state)
{
	struct command_args args;

	(void)state;
	assert_int_equal(parse(":wn,n", ":target.xml:1f,ffffffffffffffff", &args), 0);
	assert_true(cursor_is(&args.word, "target.xml"));
	assert_int_equal(args.number_count, 2);
	assert_int_equal(args.number[0], 0x1f);
	assert_true(args.number[1] == UINT64_MAX);
	assert_int_equal(parse("n,n:r", "1000,2:ab:c", &args), 0);
	assert_true(cursor_is(&args.rest, "ab:c"));
	assert_int_equal(parse("n=df", "1=abc", &args), 0);
	assert_true(cursor_is(&args.rest, "abc"));
	assert_false(args.has_thread);
	assert_int_equal(parse("n=df", "1=abc;thread:p1.2;", &args), 0);
	assert_true(cursor_is(&args.rest, "abc"));
	assert_true(args.has_thread);
	assert_int_equal(args.thread.thread, 2);
	assert_int_equal(parse("i", "10", &args), 0);
	assert_int_equal(args.number[0], 10);
	assert_int_equal(parse("z,n,n", "3,1,2", &args), 0);
	assert_int_equal(args.type, TARGET_WATCH_READ);
	assert_int_equal(parse("?;n", "", &args), 0);
	assert_int_equal(args.number_count, 0);
	assert_int_equal(cursor_left(&args.rest), 0);
	assert_int_equal(cursor_left(&args.word), 0);
}

/* Two rows with one literal would make the order of rows matter. */
static void test_table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_table.count; i++) {
		const struct command *row = &command_table.rows[i];

		assert_non_null(row->handler);
		assert_true(*row->literal);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(row->literal, command_table.rows[j].literal);
		if (row->flags & COMMAND_RESUMES)
			assert_true(row->flags & COMMAND_STOPPED);
	}
	assert_string_equal(found(&command_table, "vCont?"), "vCont?");
	assert_string_equal(found(&command_table, "vCont;c"), "vCont");
	assert_null(found(&command_table, "vMustReplyEmpty"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest_match),
		cmocka_unit_test(test_schemas),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_table_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
