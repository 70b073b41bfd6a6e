/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every page and block that a vCPU's tables map, one after the other: the walker of its
 * architecture, asked again and again, with the tables read in pieces that are kept for a while.
 * Pure.  The work is bounded, for tables may be shared or point at themselves.
 */
#ifndef KVM_MAPPINGS_H
#define KVM_MAPPINGS_H

#include "kvm/arch.h"

enum { MAPPINGS_MAX_WALKS = 1 << 21 };

/* Who wants to hear of them.  False: enough. */
struct mappings_user {
	/* gva: where the page (translation->page_bytes) begins. */
	bool (*found)(void *context, gva_t gva, const struct translation *translation);
	void *context;
};

/*
 * From `from` on, upwards.  1: that was all; 0: not all, *next is where to go on; -EINVAL: the
 * registers make no sense; -ENODATA: paging is off, and every address is its own.
 */
int mappings_walk(const struct arch *arch, const struct cpu *cpu, const struct physical *memory,
	gva_t from, const struct mappings_user *user, gva_t *next);

#endif
