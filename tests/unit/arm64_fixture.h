/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the *_arm64.c files share: a vCPU in EL1h with six breakpoint and four
 * watchpoint pairs.
 */
#ifndef ARM64_FIXTURE_H
#define ARM64_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kvm/arch_arm64.h"

#define ENTRIES(array) (sizeof(array) / sizeof((array)[0]))

enum { FIXTURE_BREAKPOINTS = 6, FIXTURE_WATCHPOINTS = 4 };

#define FIXTURE_PC   UINT64_C(0xffff800008001234)
#define FIXTURE_VBAR UINT64_C(0xffff800008010000)

static inline void fixture_set(struct cpu *cpu, enum arm64_sysreg sysreg, uint64_t value)
{
	cpu->arm64.sysregs[sysreg] = value;
	bitmap_add(cpu->arm64.sysregs_valid, sysreg);
}

static inline struct cpu fixture_cpu(uint64_t pstate)
{
	struct cpu cpu;

	memset(&cpu, 0, sizeof(cpu));
	cpu.valid = CPU_GENERAL | CPU_SYSTEM | CPU_DEBUG;
	for (unsigned n = 0; n < 31; n++)
		cpu.arm64.regs.x[n] = 0x1000 + n;
	cpu.arm64.regs.pc = FIXTURE_PC;
	cpu.arm64.regs.pstate = pstate;
	cpu.arm64.regs.elr_el1 = 0x1111;
	cpu.arm64.regs.spsr_el1 = 0x2222;
	cpu.arm64.breakpoint_slots = FIXTURE_BREAKPOINTS;
	cpu.arm64.watchpoint_slots = FIXTURE_WATCHPOINTS;
	fixture_set(&cpu, ARM64_SCTLR_EL1, BIT(23)); /* SPAN */
	fixture_set(&cpu, ARM64_VBAR_EL1, FIXTURE_VBAR);
	fixture_set(&cpu, ARM64_ESR_EL1, 0x3333);
	fixture_set(&cpu, ARM64_FAR_EL1, 0x4444);
	return cpu;
}

/* A breakpoint of the guest's own, as Linux sets it for the kernel. */
static inline void fixture_guest_breakpoint(struct cpu *cpu, unsigned n, uint64_t gva)
{
	cpu->arm64.debugregs.bcr[n] = 0x1e3; /* E, PMC = EL1, BAS = 0xf */
	cpu->arm64.debugregs.bvr[n] = gva;
	cpu->arm64.debugregs.mdscr_el1 |= MDSCR_MDE | MDSCR_KDE;
}

/* A watchpoint of the guest's own on a doubleword; lsc: 1 loads, 2 stores, 3 both. */
static inline void fixture_guest_watchpoint(struct cpu *cpu, unsigned n, uint64_t gva, unsigned lsc)
{
	cpu->arm64.debugregs.wcr[n] = 0x1fe3 | lsc << 3; /* E, PAC = EL1, BAS = 0xff */
	cpu->arm64.debugregs.wvr[n] = gva;
	cpu->arm64.debugregs.mdscr_el1 |= MDSCR_MDE | MDSCR_KDE;
}

#endif
