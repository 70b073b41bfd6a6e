/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/document.c: growth to a bound, sticky failure, escapes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/document.h"

static void test_grows(void **state)
{
	struct document document = { .text = NULL };

	(void)state;
	for (int i = 0; i < 10000; i++)
		document_put(&document, "%d;", i % 10);
	assert_int_equal(document_status(&document), 0);
	assert_int_equal(document.length, 20000);
	assert_memory_equal(document.text + 19990, "5;6;7;8;9;", 10);
	document_reset(&document);
	assert_int_equal(document.length, 0);
	document_fini(&document);
}

static void test_is_bounded(void **state)
{
	struct document document = { .text = NULL };

	(void)state;
	for (int i = 0; i < 3 << 18; i++)
		document_put(&document, "abcd");
	assert_int_equal(document_status(&document), -EFBIG);
	assert_true(document.capacity <= DOCUMENT_MAX_SIZE);
	document_put(&document, "x");
	assert_int_equal(document_status(&document), -EFBIG);
	document_reset(&document);
	document_put(&document, "x");
	assert_int_equal(document_status(&document), 0);
	document_fini(&document);
}

static void test_escapes(void **state)
{
	struct document document = { .text = NULL };

	(void)state;
	document_put_escaped(&document, "<a & \"b\">\x01\x7f\xff ");
	assert_string_equal(document.text, "&lt;a &amp; &quot;b&quot;&gt;??? ");
	document_fini(&document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_is_bounded),
		cmocka_unit_test(test_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
