/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/fifo.c: order, bounds, and its memory used again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/fifo.h"

static void test_all_or_nothing(void **state)
{
	struct fifo fifo;

	(void)state;
	assert_int_equal(fifo_init(&fifo, 8), 0);
	assert_int_equal(fifo_put(&fifo, "123456", 6), 0);
	assert_int_equal(fifo_put(&fifo, "789", 3), -ENOBUFS);
	assert_int_equal(fifo_put(&fifo, "", 0), 0);
	assert_int_equal(fifo_length(&fifo), 6);
	assert_int_equal(fifo_put(&fifo, "78", 2), 0);
	assert_int_equal(fifo_room(&fifo), 0);
	assert_memory_equal(fifo_peek(&fifo), "12345678", 8);
	fifo_fini(&fifo);
}

static void test_room_comes_back(void **state)
{
	struct fifo fifo;
	char next = 0, seen = 0;

	(void)state;
	assert_int_equal(fifo_init(&fifo, 7), 0);
	for (int round = 0; round < 1000; round++) {
		while (fifo_room(&fifo) >= 3) {
			char three[3] = { next, (char)(next + 1), (char)(next + 2) };

			assert_int_equal(fifo_put(&fifo, three, 3), 0);
			next = (char)(next + 3);
		}
		assert_int_equal((char)*fifo_peek(&fifo), seen);
		seen = (char)(seen + 2);
		fifo_drop(&fifo, 2);
	}
	fifo_drop(&fifo, 100);
	assert_int_equal(fifo_length(&fifo), 0);
	assert_int_equal(fifo_room(&fifo), 7);
	fifo_fini(&fifo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_room_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
