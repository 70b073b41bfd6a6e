/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second, slow x86 page walk to judge the first by: the manual's figures as tables of bit ranges,
 * applied bit by bit.  Must share no code with kvm/paging_x86_64.c, only its types.
 */
#ifndef TESTS_UNIT_REFERENCE_WALK_X86_64_H
#define TESTS_UNIT_REFERENCE_WALK_X86_64_H

#include "kvm/paging_x86_64.h"

/* The same contract as paging_x86_64_walk(). */
int reference_walk_x86_64(const struct paging_x86_64 *paging, const struct physical *memory,
	gva_t gva, struct translation *out);

#endif
