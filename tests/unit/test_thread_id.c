/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/thread_id.c: every form of the manual, and the malformed ones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/thread_id.h"

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		bool multiprocess;
		int result;
		int32_t process, thread;
	} cases[] = {
		{ "1", false, 0, THREAD_ID_UNSAID, 1 },
		{ "3ff", false, 0, THREAD_ID_UNSAID, 0x3ff },
		{ "0", false, 0, THREAD_ID_UNSAID, THREAD_ID_ANY },
		{ "-1", false, 0, THREAD_ID_UNSAID, THREAD_ID_ALL },
		{ "0001", true, 0, THREAD_ID_UNSAID, 1 },
		{ "p1.2", true, 0, 1, 2 },
		{ "p1", true, 0, 1, THREAD_ID_ALL },
		{ "p1.-1", true, 0, 1, THREAD_ID_ALL },
		{ "p0.0", true, 0, 0, 0 },
		{ "p-1.-1", true, 0, -1, -1 },
		{ "p-1", true, 0, -1, -1 },
		{ "p2.1", true, 0, 2, 1 },
		{ "7fffffff", false, 0, THREAD_ID_UNSAID, INT32_MAX },
		{ "80000000", false, -EINVAL, 0, 0 },
		{ "ffffffffffffffffff", false, -EINVAL, 0, 0 },
		{ "p1.2", false, -EINVAL, 0, 0 },
		{ "p-1.2", true, -EINVAL, 0, 0 },
		{ "p-1.0", true, -EINVAL, 0, 0 },
		{ "p", true, -EINVAL, 0, 0 },
		{ "p.1", true, -EINVAL, 0, 0 },
		{ "p1.", true, -EINVAL, 0, 0 },
		{ "", true, -EINVAL, 0, 0 },
		{ "-", true, -EINVAL, 0, 0 },
		{ "-2", true, -EINVAL, 0, 0 },
		{ "x", true, -EINVAL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cursor cursor = cursor_make(cases[i].text, strlen(cases[i].text));
		struct thread_id id;

		assert_int_equal(
			thread_id_parse(&cursor, cases[i].multiprocess, &id), cases[i].result);
		if (cases[i].result)
			continue;
		assert_int_equal(id.process, cases[i].process);
		assert_int_equal(id.thread, cases[i].thread);
		assert_int_equal(cursor_left(&cursor), 0);
		assert_int_equal(thread_id_is_of(&id, 1), cases[i].process != 2);
		assert_int_equal(thread_id_is_of(&id, 2), cases[i].process != 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
