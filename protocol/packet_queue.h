/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that wait their turn, in order and bounded: while a reply is owed that depends on the
 * target, what the debugger sends next is held here.  Knows no packet's meaning.
 */
#ifndef PROTOCOL_PACKET_QUEUE_H
#define PROTOCOL_PACKET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "protocol/fifo.h"

struct packet_queue {
	struct fifo records;
};

/* One packet, or the place of one whose payload was too long to keep. */
struct packet_view {
	const uint8_t *payload;
	size_t length;
	bool too_long;
};

/* 0 or -ENOMEM; fini is right after either, and on a zeroed struct. */
int packet_queue_init(struct packet_queue *queue);
void packet_queue_fini(struct packet_queue *queue);

/* True when the longest packet would still fit. */
bool packet_queue_has_room(const struct packet_queue *queue);
bool packet_queue_is_empty(const struct packet_queue *queue);

/* 0 or -ENOBUFS. */
int packet_queue_put(struct packet_queue *queue, const struct packet_view *packet);

/* The first; the queue must not be empty.  Valid until the next put. */
struct packet_view packet_queue_first(const struct packet_queue *queue);

/* Forgets the first; the queue must not be empty. */
void packet_queue_drop(struct packet_queue *queue);

/*
 * Looks at all of them, first to last: *at starts as 0 and is this function's.  False at the end;
 * the view is as packet_queue_first()'s.
 */
bool packet_queue_next(const struct packet_queue *queue, size_t *at, struct packet_view *packet);

#endif
