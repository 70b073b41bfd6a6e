/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/json.c and ctl/record.c: what one writes the other reads to the same, whatever a VM is called. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ctl/record.h"
#include "daemon/json.h"

static void test_members(void **state)
{
	char text[256];
	struct json json;
	int length;

	(void)state;
	json_begin(&json, text, sizeof(text));
	assert_int_equal(json_end(&json), 3);
	assert_string_equal(text, "{}\n");
	json_begin(&json, text, sizeof(text));
	json_add_string(&json, "name", "web");
	json_add_string(&json, "none", NULL);
	json_add_number(&json, "number", UINT64_MAX);
	json_add_bool(&json, "yes", true);
	json_add_bool(&json, "no", false);
	json_add_address(&json, "at", 0xffffffff80200a03);
	length = json_end(&json);
	assert_int_equal(length, strlen(text));
	assert_string_equal(text, "{\"name\":\"web\",\"number\":18446744073709551615,\"yes\":true,"
				  "\"no\":false,\"at\":\"0xffffffff80200a03\"}\n");
}

static void test_hostile_names(void **state)
{
	char text[256];
	struct json json;

	(void)state;
	json_begin(&json, text, sizeof(text));
	json_add_string(&json, "name", "\"},{\"\\\n\033[2J\x7f\xff\x01");
	assert_true(json_end(&json) > 0);
	assert_string_equal(
		text, "{\"name\":\"\\\"},{\\\"\\\\\\u000a\\u001b[2J\\u007f\\u00ff\\u0001\"}\n");
}

/* Every room that is too small fails, and nothing is written behind it. */
static void test_room(void **state)
{
	static const char whole[] = "{\"a\":\"1234567\\u000a\",\"b\":77}\n";
	char text[64];
	struct json json;

	(void)state;
	for (size_t size = 3; size < sizeof(text); size++) {
		int length;

		memset(text, '#', sizeof(text));
		json_begin(&json, text, size);
		json_add_string(&json, "a", "1234567\n");
		json_add_number(&json, "b", 77);
		length = json_end(&json);
		if (size < sizeof(whole))
			assert_int_equal(length, -ENOBUFS);
		else
			assert_string_equal(text, whole);
		for (size_t i = size; i < sizeof(text); i++)
			assert_int_equal(text[i], '#');
	}
}

static void test_round_trip(void **state)
{
	char text[8192], name[256], *printed;
	struct record record;
	struct json json;
	size_t size;
	FILE *out;
	int length;

	(void)state;
	for (int i = 0; i < 255; i++)
		name[i] = (char)(i + 1);
	name[255] = '\0';
	json_begin(&json, text, sizeof(text));
	json_add_string(&json, "type", "vm");
	json_add_string(&json, "name", name);
	json_add_number(&json, "number", 7);
	json_add_bool(&json, "yes", true);
	length = json_end(&json);
	assert_true(length > 0);
	assert_int_equal(record_parse(&record, text, (size_t)length - 1), 0);
	assert_string_equal(record_text(&record, "type"), "vm");
	assert_string_equal(record_text(&record, "name"), name);
	assert_int_equal(record_number(&record, "number"), 7);
	assert_string_equal(record_text(&record, "yes"), "true");
	assert_false(record_has(&record, "none"));
	assert_string_equal(record_text(&record, "none"), "");

	out = open_memstream(&printed, &size);
	record_print(&record, out);
	fclose(out);
	/* As it came, but for the type and the newline. */
	assert_memory_equal(printed + 1, text + strlen("{\"type\":\"vm\","),
		(size_t)length - strlen("{\"type\":\"vm\",") - 1);
	assert_int_equal(size, (size_t)length - strlen("\"type\":\"vm\",") - 1);
	free(printed);
}

static void test_refused(void **state)
{
	static const char *const lines[] = { "", "{", "}", "[]", "{}", "{}x", "{\"a\"}", "{\"a\":}",
		"{\"a\":1,}", "{\"a\":1}}", " {\"a\":1}", "{\"a\":1} ", "{\"a\": 1}", "{\"a\":-1}",
		"{\"a\":1.5}", "{\"a\":1e3}", "{\"a\":01}", "{\"a\":123456789012345678901}",
		"{\"a\":null}", "{\"a\":tru}", "{\"a\":[1]}", "{\"a\":{\"b\":1}}", "{\"a\":\"x}",
		"{\"a\":\"\\\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\u0000\"}",
		"{\"a\":\"\\u0100\"}", "{\"a\":\"\\u00g0\"}", "{\"a\":\"\t\"}",
		"{\"a\":\"\xc3\xa9\"}", "{\"a\":1,\"a\":2}", "{a:1}" };
	static const char escapes[] = "{\"\\/\":\"\\b\\f\\n\\r\\t\\u0041\"}";
	struct record record;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (record_parse(&record, lines[i], strlen(lines[i])) != -EINVAL)
			fail_msg("'%s' was taken", lines[i]);
	assert_int_equal(record_parse(&record, "{\"a\":\"\0\"}", 9), -EINVAL);
	assert_int_equal(record_parse(&record, escapes, strlen(escapes)), 0);
	assert_string_equal(record_text(&record, "/"), "\b\f\n\r\tA");
}

static void test_bounds(void **state)
{
	static char line[3 * RECORD_LINE_MAX];
	struct record record;
	size_t length = 0;

	(void)state;
	for (int i = 0; i < RECORD_MEMBERS_MAX; i++)
		length += (size_t)sprintf(line + length, "%c\"%d\":1", i ? ',' : '{', i);
	strcpy(line + length, "}");
	assert_int_equal(record_parse(&record, line, length + 1), 0);
	strcpy(line + length, ",\"x\":1}");
	assert_int_equal(record_parse(&record, line, length + 7), -EINVAL);

	memset(line, 'a', sizeof(line));
	memcpy(line, "{\"a\":\"", 6);
	memcpy(line + sizeof(line) - 2, "\"}", 2);
	assert_int_equal(record_parse(&record, line, sizeof(line)), -EINVAL);
}

static void test_for_a_terminal(void **state)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	record_print_text("a\033[2J\n\xff~", out);
	fclose(out);
	assert_string_equal(text, "a\\x1b[2J\\x0a\\xff~");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_for_a_terminal),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
