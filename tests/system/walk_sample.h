/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses worth asking about: the edges of every page and every hole that a walk over the whole
 * address space finds, and random ones, most of them near something.
 */
#ifndef WALK_SAMPLE_H
#define WALK_SAMPLE_H

#include "kvm/view.h"

enum { WALK_SAMPLE_MAX = 1 << 17, WALK_SAMPLE_RANGES = 1 << 10 };

/* Pages of one size, each behind the other. */
struct walk_range {
	gva_t gva;
	uint64_t bytes, page_bytes;
};

struct walk_sample {
	uint64_t seed;        /* of the random ones; never 0 */
	unsigned range_count; /* mapped ones, found by the scan */
	struct walk_range ranges[WALK_SAMPLE_RANGES];
	unsigned count;
	gva_t gvas[WALK_SAMPLE_MAX];
};

/* Starts anew, with the edges. */
void walk_sample_scan(struct walk_sample *sample, const struct view *view);

/* Adds count random addresses. */
void walk_sample_add_random(struct walk_sample *sample, unsigned count);

#endif
