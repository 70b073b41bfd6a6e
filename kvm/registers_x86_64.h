/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of x86-64 registers, which is in three files by where the registers are kept:
 * registers_x86_64.c general registers and segments, float_x86_64.c what XSAVE saves, system_x86_64.c
 * the rest.  Nobody else includes it.
 */
#ifndef KVM_REGISTERS_X86_64_H
#define KVM_REGISTERS_X86_64_H

#include "kvm/arch_x86_64.h"

/* A run of registers that are kept alike, and the functions that know their form. */
struct x86_row {
	unsigned first, count;
	uint32_t needed; /* groups to read it */
	uint32_t dirty;  /* groups a write changes */
	void (*read)(const struct cpu *cpu, unsigned index, void *value);
	int (*write)(struct cpu *cpu, unsigned index, const void *value);
	/* Whether it is in its group for this vCPU; NULL: always. */
	bool (*is_there)(const struct cpu *cpu, unsigned index);
};

struct x86_rows {
	const struct x86_row *row;
	size_t count;
};

extern const struct x86_rows float_x86_64_rows, system_x86_64_rows;

/* Little-endian values of that many bytes. */
void registers_x86_64_put(void *value, uint64_t number, unsigned bytes);
uint64_t registers_x86_64_get(const void *value, unsigned bytes);

#endif
