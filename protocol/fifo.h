/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte queue of fixed capacity: memory is taken once, so that no peer can make it grow.
 * Knows nothing of what the bytes mean.
 */
#ifndef PROTOCOL_FIFO_H
#define PROTOCOL_FIFO_H

#include <stddef.h>
#include <stdint.h>

struct fifo {
	uint8_t *bytes;
	size_t capacity;
	size_t head, tail; /* what is queued: [head, tail) */
};

/* 0 or -ENOMEM; fini is right after either, and on a zeroed struct. */
int fifo_init(struct fifo *fifo, size_t capacity);
void fifo_fini(struct fifo *fifo);

size_t fifo_length(const struct fifo *fifo);
size_t fifo_room(const struct fifo *fifo);

/* All or nothing: 0, or -ENOBUFS when there is not room for all. */
int fifo_put(struct fifo *fifo, const void *bytes, size_t length);

/* What is queued, in one piece: valid until the next put. */
const uint8_t *fifo_peek(const struct fifo *fifo);

/* Forgets the first length bytes, at most all. */
void fifo_drop(struct fifo *fifo, size_t length);

#endif
