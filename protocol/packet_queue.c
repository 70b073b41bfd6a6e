/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that wait; see packet_queue.h. */
#include <errno.h>
#include <string.h>
#include "protocol/packet.h"
#include "protocol/packet_queue.h"

/* In front of each payload. */
struct queue_record {
	uint32_t length;
	uint32_t too_long;
};

enum { QUEUE_RECORD_MAX = sizeof(struct queue_record) + PACKET_SIZE };

int packet_queue_init(struct packet_queue *queue)
{
	return fifo_init(&queue->records, 2 * QUEUE_RECORD_MAX);
}

void packet_queue_fini(struct packet_queue *queue)
{
	fifo_fini(&queue->records);
}

bool packet_queue_has_room(const struct packet_queue *queue)
{
	return fifo_room(&queue->records) >= QUEUE_RECORD_MAX;
}

bool packet_queue_is_empty(const struct packet_queue *queue)
{
	return !fifo_length(&queue->records);
}

int packet_queue_put(struct packet_queue *queue, const struct packet_view *packet)
{
	struct queue_record record = {
		.length = (uint32_t)packet->length,
		.too_long = packet->too_long,
	};

	if (fifo_room(&queue->records) < sizeof(record) + packet->length)
		return -ENOBUFS;
	fifo_put(&queue->records, &record, sizeof(record));
	return fifo_put(&queue->records, packet->payload, packet->length);
}

bool packet_queue_next(const struct packet_queue *queue, size_t *at, struct packet_view *packet)
{
	struct queue_record record;

	if (*at >= fifo_length(&queue->records))
		return false;
	memcpy(&record, fifo_peek(&queue->records) + *at, sizeof(record));
	*packet = (struct packet_view){
		.payload = fifo_peek(&queue->records) + *at + sizeof(record),
		.length = record.length,
		.too_long = record.too_long,
	};
	*at += sizeof(record) + record.length;
	return true;
}

struct packet_view packet_queue_first(const struct packet_queue *queue)
{
	struct packet_view packet = { .length = 0 };
	size_t at = 0;

	packet_queue_next(queue, &at, &packet);
	return packet;
}

void packet_queue_drop(struct packet_queue *queue)
{
	struct packet_view packet;
	size_t at = 0;

	packet_queue_next(queue, &at, &packet);
	fifo_drop(&queue->records, at);
}
