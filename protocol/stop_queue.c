/* SPDX-License-Identifier: Apache-2.0 */
/* Stops that wait for their acknowledgment; see stop_queue.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "protocol/stop_queue.h"

enum { STOP_QUEUE_SIZE = TARGET_MAX_THREADS + 2 };

int stop_queue_init(struct stop_queue *queue)
{
	*queue = (struct stop_queue){ .stops = calloc(STOP_QUEUE_SIZE, sizeof(*queue->stops)) };
	return queue->stops ? 0 : -ENOMEM;
}

void stop_queue_fini(struct stop_queue *queue)
{
	free(queue->stops);
	queue->stops = NULL;
}

void stop_queue_clear(struct stop_queue *queue)
{
	queue->count = 0;
	queue->told = false;
}

/* Its place, or count; the first does not count once it has been told. */
static unsigned stop_queue_find(const struct stop_queue *queue, unsigned thread)
{
	unsigned i = queue->told ? 1 : 0;

	while (i < queue->count && queue->stops[i].thread != thread)
		i++;
	return i;
}

void stop_queue_put(struct stop_queue *queue, const struct target_stop *stop)
{
	unsigned i = stop_queue_find(queue, stop->thread);

	if (i == STOP_QUEUE_SIZE)
		return; /* more threads than there can be */
	queue->stops[i] = *stop;
	if (i == queue->count)
		queue->count++;
}

void stop_queue_drop(struct stop_queue *queue)
{
	if (!queue->count)
		return;
	queue->count--;
	memmove(queue->stops, queue->stops + 1, queue->count * sizeof(*queue->stops));
}

bool stop_queue_has(const struct stop_queue *queue, unsigned thread)
{
	for (unsigned i = 0; i < queue->count; i++)
		if (queue->stops[i].thread == thread)
			return true;
	return false;
}
