/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second, slow arm64 stage 1 walk to judge the first by: the manual's tables of levels and bit
 * ranges, applied bit by bit.  Must share no code with kvm/paging_arm64.c, only its types.
 */
#ifndef TESTS_UNIT_REFERENCE_WALK_ARM64_H
#define TESTS_UNIT_REFERENCE_WALK_ARM64_H

#include "kvm/paging_arm64.h"

/* The same contract as paging_arm64_walk(). */
int reference_walk_arm64(const struct paging_arm64 *paging, const struct physical *memory,
	gva_t gva, struct translation *out);

#endif
