/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/stop_queue.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "protocol/stop_queue.h"

static void put(struct stop_queue *queue, unsigned thread, enum target_stop_reason reason)
{
	struct target_stop stop = { .thread = thread, .reason = reason };

	stop_queue_put(queue, &stop);
}

static void test_order(void **state)
{
	struct stop_queue queue;

	(void)state;
	assert_int_equal(stop_queue_init(&queue), 0);
	assert_false(stop_queue_has(&queue, 1));
	put(&queue, 3, TARGET_STOP_STEP);
	put(&queue, 1, TARGET_STOP_SWBREAK);
	put(&queue, 0, TARGET_STOP_EXITED);
	assert_int_equal(queue.count, 3);
	assert_true(stop_queue_has(&queue, 1) && stop_queue_has(&queue, 0));
	assert_int_equal(queue.stops[0].thread, 3);
	stop_queue_drop(&queue);
	assert_int_equal(queue.stops[0].thread, 1);
	stop_queue_drop(&queue);
	stop_queue_drop(&queue);
	stop_queue_drop(&queue);
	assert_int_equal(queue.count, 0);
	stop_queue_fini(&queue);
}

/* Only the last of what nobody has been told of counts; what has been told stays as it was told. */
static void test_newest(void **state)
{
	struct stop_queue queue;

	(void)state;
	assert_int_equal(stop_queue_init(&queue), 0);
	put(&queue, 2, TARGET_STOP_STEP);
	put(&queue, 2, TARGET_STOP_SWBREAK);
	assert_int_equal(queue.count, 1);
	assert_int_equal(queue.stops[0].reason, TARGET_STOP_SWBREAK);
	queue.told = true;
	put(&queue, 2, TARGET_STOP_INTERRUPT);
	assert_int_equal(queue.count, 2);
	assert_int_equal(queue.stops[0].reason, TARGET_STOP_SWBREAK);
	stop_queue_clear(&queue);
	assert_int_equal(queue.count, 0);
	assert_false(queue.told);
	stop_queue_fini(&queue);
}

/* Every thread once and the end, the first of them told: there is room for all, and no more. */
static void test_full(void **state)
{
	struct stop_queue queue;

	(void)state;
	assert_int_equal(stop_queue_init(&queue), 0);
	for (unsigned thread = 0; thread <= TARGET_MAX_THREADS; thread++)
		put(&queue, thread, TARGET_STOP_HALTED);
	queue.told = true;
	put(&queue, 0, TARGET_STOP_GONE);
	put(&queue, TARGET_MAX_THREADS + 7, TARGET_STOP_HALTED);
	assert_in_range(queue.count, TARGET_MAX_THREADS + 1, TARGET_MAX_THREADS + 2);
	stop_queue_fini(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("stop_queue", tests, NULL, NULL);
}
