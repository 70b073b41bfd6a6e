/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's memory: one memfd, mapped shared, so that another process can be handed the same
 * memory.  Sealed against shrinking: whoever maps it need not fear SIGBUS.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

struct memory {
	uint64_t gpa;
	uint64_t size;
	void *hva;
	int fd;
};

/* size bytes, all zero, to appear at gpa.  -errno. */
int memory_create(struct memory *memory, uint64_t gpa, uint64_t size);
void memory_destroy(struct memory *memory);

/* Where [gpa, gpa + size) is in this process; NULL if any byte of it is outside. */
void *memory_at(const struct memory *memory, uint64_t gpa, uint64_t size);

#endif
