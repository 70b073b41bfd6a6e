/* SPDX-License-Identifier: Apache-2.0 */
/* Walks x86 page tables of every mode: off, 32-bit, PAE, 4 and 5 levels (SDM vol. 3, chapter 4). */
#ifndef KVM_PAGING_X86_64_H
#define KVM_PAGING_X86_64_H

#include "kvm/paging.h"

/* The registers that choose mode and root. */
struct paging_x86_64 {
	uint64_t cr0, cr3, cr4, efer;
	unsigned phys_bits; /* MAXPHYADDR, CPUID 80000008H EAX[7:0]; 0 when unknown: 52 */
};

/*
 * Translates one linear address as a supervisor read would (no A/D bits are set).
 * Returns 1 mapped (*out filled), 0 not mapped (out->nsteps and steps tell how far it went),
 * -EFAULT when a table itself lies outside guest memory, -EINVAL for a reserved mode.
 */
int paging_x86_64_walk(const struct paging_x86_64 *paging, const struct physical *memory, gva_t gva,
	struct translation *out);

#endif
