/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/packet_queue.c: order, and room for the longest packet or none at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/packet.h"
#include "protocol/packet_queue.h"

static void test_order(void **state)
{
	struct packet_queue queue;
	struct packet_view first = { (const uint8_t *)"abc", 3, false }, lost = { NULL, 0, true };
	struct packet_view seen;

	(void)state;
	assert_int_equal(packet_queue_init(&queue), 0);
	assert_true(packet_queue_is_empty(&queue));
	assert_int_equal(packet_queue_put(&queue, &first), 0);
	assert_int_equal(packet_queue_put(&queue, &lost), 0);
	seen = packet_queue_first(&queue);
	assert_int_equal(seen.length, 3);
	assert_memory_equal(seen.payload, "abc", 3);
	assert_false(seen.too_long);
	packet_queue_drop(&queue);
	seen = packet_queue_first(&queue);
	assert_int_equal(seen.length, 0);
	assert_true(seen.too_long);
	packet_queue_drop(&queue);
	assert_true(packet_queue_is_empty(&queue));
	packet_queue_fini(&queue);
}

static void test_room(void **state)
{
	struct packet_queue queue;
	uint8_t *payload = test_calloc(1, PACKET_SIZE);
	struct packet_view longest = { payload, PACKET_SIZE, false }, small = { payload, 1, false };

	(void)state;
	assert_int_equal(packet_queue_init(&queue), 0);
	assert_int_equal(packet_queue_put(&queue, &longest), 0);
	assert_true(packet_queue_has_room(&queue));
	assert_int_equal(packet_queue_put(&queue, &small), 0);
	assert_false(packet_queue_has_room(&queue));
	assert_int_equal(packet_queue_put(&queue, &longest), -ENOBUFS);
	packet_queue_drop(&queue);
	assert_true(packet_queue_has_room(&queue));
	assert_int_equal(packet_queue_put(&queue, &longest), 0);
	assert_int_equal(packet_queue_first(&queue).length, 1);
	packet_queue_fini(&queue);
	test_free(payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
