/* SPDX-License-Identifier: Apache-2.0 */
/* The guests' work. */
#include "tests/guest/arch.h"
#include "tests/guest/lock.h"
#include "tests/guest/work.h"

#define WORK_DEPTH_MAX 7

volatile uint64_t total_rounds;
volatile uint64_t last_fibonacci;
uint64_t total_additions;
uint32_t total_lock;

__attribute__((noinline)) uint64_t fibonacci(unsigned n)
{
	if (n < 2)
		return n;
	return fibonacci(n - 1) + fibonacci(n - 2);
}

__attribute__((noinline)) void list_insert(struct worker *worker, uint64_t value)
{
	struct node **link = &worker->list;
	struct node *node;

	if (worker->nr_nodes == WORK_NODES) {
		worker->nr_nodes = 0;
		worker->list = 0;
	}
	node = &worker->nodes[worker->nr_nodes++];
	while (*link && (*link)->value < value)
		link = &(*link)->next;
	node->value = value;
	node->next = *link;
	*link = node;
}

__attribute__((noinline)) uint64_t list_sum(const struct worker *worker)
{
	uint64_t sum = 0;

	for (const struct node *node = worker->list; node; node = node->next)
		sum += node->value;
	return sum;
}

/* Adler-32 (RFC 1950). */
__attribute__((noinline)) uint32_t checksum(const uint8_t *bytes, unsigned size)
{
	uint32_t a = 1, b = 0;

	for (unsigned i = 0; i < size; i++) {
		a = (a + bytes[i]) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

/* clang-format off */
__attribute__((noinline)) uint64_t long_line(uint64_t n)
{
	while (n > 1) n = n % 2 ? 3 * n + 1 : n / 2;
	return n;
}
/* clang-format on */

__attribute__((noinline)) void worker_round(struct worker *worker)
{
	unsigned depth = (unsigned)(worker->nr_rounds % (WORK_DEPTH_MAX + 1));

	last_fibonacci = fibonacci(depth);
	list_insert(worker, last_fibonacci);
	worker->bytes[worker->nr_rounds % WORK_BYTES] = (uint8_t)list_sum(worker);
	arch_copy(worker->copy, worker->bytes, WORK_BYTES);
	worker->sum = checksum(worker->copy, WORK_BYTES);
	arch_add(&total_additions, 1);
	lock_acquire(&total_lock);
	total_rounds = total_rounds + 1;
	lock_release(&total_lock);
	worker->nr_rounds++;
}

__attribute__((noinline)) void worker_loop(struct worker *worker, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		worker_round(worker);
}
