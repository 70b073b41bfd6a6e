/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PROGRAM of the channel (kvm/channel.h) under construction, and its REPORT being read.  Bytes
 * only; who carries them is the port's business.
 */
#ifndef KVM_PROGRAM_H
#define KVM_PROGRAM_H

#include <stdint.h>
#include "kvm/channel.h"

struct program {
	size_t length;
	bool overflow; /* sticky: something did not fit */
	_Alignas(8) uint8_t bytes[CHANNEL_MAX_BYTES];
};

/* Starts an empty program; flags of CHANNEL_RUN, CHANNEL_ONCE. */
void program_init(struct program *program, uint32_t flags);

/* Appends a step to `before`; to be called before the first program_after(). */
void program_before(struct program *program, uint32_t request, const void *arg, size_t size);
/* Appends a step to `after`; arg NULL: zeroes. */
void program_after(struct program *program, uint32_t request, const void *arg, size_t size);

/* A cursor over the results of a checked report. */
struct results {
	const uint8_t *next, *end;
	unsigned left;
};

/* Begins at the first result; the report must stay in place. */
void results_init(struct results *results, const struct channel_report *report, size_t length);

/*
 * The next result: its rc (>= 0, or -errno) and, in *bytes and *size, what the ioctl left in its argument
 * (NULL and 0 when it failed).  -ENODATA when there is none left.
 */
int results_next(struct results *results, const void **bytes, size_t *size);

#endif
