/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every page walker takes and gives: guest-physical memory through one callback, and a
 * translation with the steps that led to it.  Pure: a walker knows no file descriptor, no KVM.
 */
#ifndef KVM_PAGING_H
#define KVM_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include "kvm/address.h"

/* Reads len bytes at gpa whole into buf: 0, or -EFAULT if any byte is not in guest memory. */
struct physical {
	int (*read)(void *context, gpa_t gpa, void *buf, size_t len);
	void *context;
};

enum { TRANSLATION_MAX_STEPS = 6 };

/* One table entry that the walk read: for people (the page-walk command), not for decisions. */
struct translation_step {
	gpa_t table_gpa; /* of the table's first entry */
	gpa_t entry_gpa;
	uint64_t entry;
	uint8_t level; /* x86: 5 = PML5E ... 1 = PTE; arm64: -1..3 stored as 0..4 */
};

struct translation {
	gpa_t gpa; /* of the very byte asked for */
	uint64_t
		page_bytes; /* size of the page or block around it (the whole space when paging is off) */
	bool writable;        /* by the guest's kernel, CR0.WP and PAN apart */
	bool user;            /* reachable from CPL 3 / EL0 */
	bool executable;      /* by the guest's kernel */
	bool user_executable; /* from CPL 3 / EL0 */
	/*
	 * Not mapped: a power of two; nothing is mapped in the block of that size, on such a boundary,
	 * around the address.  0: unknown, or mapped.
	 */
	uint64_t hole_bytes;
	/*
	 * The part of the address space that the address is in, from the bottom or from the top, has
	 * 1 << half_bits bytes; 0: it is in none, or paging is off.  Always set.
	 */
	uint8_t half_bits;
	unsigned nsteps;
	struct translation_step steps[TRANSLATION_MAX_STEPS];
};

#endif
