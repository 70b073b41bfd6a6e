/* SPDX-License-Identifier: Apache-2.0 */
/* A byte queue of fixed capacity; see fifo.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "protocol/fifo.h"

int fifo_init(struct fifo *fifo, size_t capacity)
{
	*fifo = (struct fifo){ .bytes = malloc(capacity), .capacity = capacity };
	if (!fifo->bytes) {
		fifo->capacity = 0;
		return -ENOMEM;
	}
	return 0;
}

void fifo_fini(struct fifo *fifo)
{
	free(fifo->bytes);
	*fifo = (struct fifo){ .bytes = NULL };
}

size_t fifo_length(const struct fifo *fifo)
{
	return fifo->tail - fifo->head;
}

size_t fifo_room(const struct fifo *fifo)
{
	return fifo->capacity - fifo_length(fifo);
}

static void fifo_compact(struct fifo *fifo)
{
	size_t length = fifo_length(fifo);

	memmove(fifo->bytes, fifo->bytes + fifo->head, length);
	fifo->head = 0;
	fifo->tail = length;
}

int fifo_put(struct fifo *fifo, const void *bytes, size_t length)
{
	if (length > fifo_room(fifo))
		return -ENOBUFS;
	if (!length)
		return 0;
	if (length > fifo->capacity - fifo->tail)
		fifo_compact(fifo);
	memcpy(fifo->bytes + fifo->tail, bytes, length);
	fifo->tail += length;
	return 0;
}

const uint8_t *fifo_peek(const struct fifo *fifo)
{
	return fifo->bytes + fifo->head;
}

void fifo_drop(struct fifo *fifo, size_t length)
{
	fifo->head = length < fifo_length(fifo) ? fifo->head + length : fifo->tail;
	if (fifo->head == fifo->tail)
		fifo->head = fifo->tail = 0;
}
