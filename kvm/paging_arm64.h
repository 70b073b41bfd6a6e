/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the EL1&0 stage 1 tables of arm64: granules of 4, 16, 64 KiB (Arm ARM, D8). */
#ifndef KVM_PAGING_ARM64_H
#define KVM_PAGING_ARM64_H

#include "kvm/paging.h"

/* The registers that choose granule, sizes and roots. */
struct paging_arm64 {
	uint64_t sctlr_el1, tcr_el1, ttbr0_el1, ttbr1_el1;
	uint64_t id_aa64mmfr0_el1, id_aa64mmfr2_el1; /* LPA2 / LVA; 0 when unknown: 48 bits */
};

/*
 * Translates one virtual address as an EL1 read would (top-byte-ignore honoured), but for the
 * access flag: an entry without it counts as mapped.  Tables are read in the byte order of
 * SCTLR_EL1.EE.
 * Returns 1 mapped (*out filled), 0 not mapped (out->nsteps and steps tell how far it went),
 * -EFAULT when a table lies outside guest memory, -EINVAL for a reserved configuration.
 */
int paging_arm64_walk(const struct paging_arm64 *paging, const struct physical *memory, gva_t gva,
	struct translation *out);

#endif
