/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Non-stop mode: the stops that a debugger has not acknowledged yet, oldest first (GDB manual E.9,
 * "Notification Packets").  The first may have been told; it stays until vStopped acknowledges it.
 */
#ifndef PROTOCOL_STOP_QUEUE_H
#define PROTOCOL_STOP_QUEUE_H

#include <stdbool.h>
#include "protocol/target.h"

struct stop_queue {
	struct target_stop
		*stops; /* room for each thread, the end, and the one that has been told */
	unsigned count;
	bool told; /* stops[0] has been */
};

/* 0 or -ENOMEM. */
int stop_queue_init(struct stop_queue *queue);
void stop_queue_fini(struct stop_queue *queue);

void stop_queue_clear(struct stop_queue *queue);

/* One more; of a thread that is there already and has not been told of, only the new one stays. */
void stop_queue_put(struct stop_queue *queue, const struct target_stop *stop);

/* The first is acknowledged. */
void stop_queue_drop(struct stop_queue *queue);

bool stop_queue_has(const struct stop_queue *queue, unsigned thread);

#endif
