/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Something for the guest's CPUs to do that is worth a look with a debugger: recursion, a linked
 * list, a loop over bytes, a counter under a lock.
 */
#ifndef WORK_H
#define WORK_H

#include <stdint.h>

#define WORK_NODES 16
#define WORK_BYTES 64

struct node {
	uint64_t value;
	struct node *next;
};

/* One CPU's share.  Its own but for the totals. */
struct worker {
	unsigned cpu;
	uint64_t nr_rounds;
	struct node *list; /* sorted, smallest first */
	struct node nodes[WORK_NODES];
	unsigned nr_nodes;
	uint8_t bytes[WORK_BYTES];
	uint8_t copy[WORK_BYTES];
	uint32_t sum;
};

/* Totals of all CPUs; good to watch. */
extern volatile uint64_t total_rounds;   /* under total_lock */
extern volatile uint64_t last_fibonacci; /* written by whoever was last */
extern uint64_t total_additions;         /* atomic */
extern uint32_t total_lock;

uint64_t fibonacci(unsigned n);
void list_insert(struct worker *worker, uint64_t value);
uint64_t list_sum(const struct worker *worker);
uint32_t checksum(const uint8_t *bytes, unsigned size);

/* A line of source that is a thousand instructions or so, for a debugger to step over. */
uint64_t long_line(uint64_t n);

/* One round of all of it. */
void worker_round(struct worker *worker);

/* That many rounds. */
void worker_loop(struct worker *worker, unsigned rounds);

#endif
