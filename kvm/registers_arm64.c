/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The debugger's registers in the cached groups of struct cpu: which group a number needs, reading
 * and writing.  What KVM did not give is -ENODATA, never 0.  Pure; hosts are little-endian like
 * the guest, so values are copied as they are.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "kvm/arch_arm64.h"

enum { NOWHERE = -1 };

/* Where a register is kept. */
struct place {
	uint32_t group;
	uint8_t size;
	enum arm64_access access;
	int offset; /* in struct cpu_arm64; NOWHERE: KVM does not show it */
};

#define PLACE(register_group, register_access, member)                                             \
	{                                                                                          \
		register_group, 8, register_access, offsetof(struct cpu_arm64, member)             \
	}

static const struct place system_places[ARM64_NUMBER_SYSREGS - ARM64_NUMBER_SYSTEM] = {
	[ARM64_NUMBER_ELR_EL1 - ARM64_NUMBER_SYSTEM] =
		PLACE(CPU_GENERAL, ARM64_READ_WRITE, regs.elr_el1),
	[ARM64_NUMBER_SPSR_EL1 - ARM64_NUMBER_SYSTEM] =
		PLACE(CPU_GENERAL, ARM64_READ_WRITE, regs.spsr_el1),
	[ARM64_NUMBER_SP_EL0 - ARM64_NUMBER_SYSTEM] =
		PLACE(CPU_GENERAL, ARM64_READ_WRITE, regs.sp_el0),
	[ARM64_NUMBER_SP_EL1 - ARM64_NUMBER_SYSTEM] =
		PLACE(CPU_GENERAL, ARM64_READ_WRITE, regs.sp_el1),
	[ARM64_NUMBER_MDSCR_EL1 - ARM64_NUMBER_SYSTEM] =
		PLACE(CPU_DEBUG, ARM64_READ_WRITE, debugregs.mdscr_el1),
	[ARM64_NUMBER_OSLSR_EL1 - ARM64_NUMBER_SYSTEM] =
		PLACE(CPU_DEBUG, ARM64_READ_ONLY, debugregs.oslsr_el1),
};

/* SP of the current exception level, as PSTATE.SP selects it; EL2's is not among KVM's. */
static int place_sp(const struct cpu_arm64 *cpu)
{
	switch (arm64_world(cpu->regs.pstate)) {
	case ARM64_EL1H:
		return offsetof(struct cpu_arm64, regs.sp_el1);
	case ARM64_ELSEWHERE:
		return NOWHERE;
	default:
		return offsetof(struct cpu_arm64, regs.sp_el0);
	}
}

static struct place place_core(const struct cpu_arm64 *cpu, unsigned number)
{
	struct place place = PLACE(CPU_GENERAL, ARM64_READ_WRITE, regs.x);

	if (number == ARM64_NUMBER_SP) {
		place.offset = place_sp(cpu);
	} else if (number == ARM64_NUMBER_PC) {
		place.offset = offsetof(struct cpu_arm64, regs.pc);
	} else if (number == ARM64_NUMBER_CPSR) {
		place.offset = offsetof(struct cpu_arm64, regs.pstate);
		place.size = 4;
	} else {
		place.offset += (int)number * 8;
	}
	return place;
}

static struct place place_fpu(unsigned number)
{
	struct place place = PLACE(CPU_FLOAT, ARM64_READ_WRITE, fp.v);

	place.size = number < ARM64_NUMBER_FPSR ? 16 : 4;
	if (number < ARM64_NUMBER_FPSR)
		place.offset += (int)(number - ARM64_NUMBER_V) * 16;
	else if (number == ARM64_NUMBER_FPSR)
		place.offset = offsetof(struct cpu_arm64, fp.fpsr);
	else
		place.offset = offsetof(struct cpu_arm64, fp.fpcr);
	return place;
}

static struct place place_sysreg(const struct cpu_arm64 *cpu, unsigned n)
{
	uint32_t group = n < ARM64_SYSREG_STOP ? CPU_SYSTEM : CPU_MSRS;
	struct place place = PLACE(group, arm64_sysregs[n].access, sysregs);

	place.offset = cpu->sysregs_valid & BIT(n) ? place.offset + (int)n * 8 : NOWHERE;
	return place;
}

static struct place place_find(const struct cpu_arm64 *cpu, unsigned number)
{
	if (number < ARM64_NUMBER_V)
		return place_core(cpu, number);
	if (number < ARM64_NUMBER_SYSTEM)
		return place_fpu(number);
	if (number < ARM64_NUMBER_SYSREGS)
		return system_places[number - ARM64_NUMBER_SYSTEM];
	return place_sysreg(cpu, number - ARM64_NUMBER_SYSREGS);
}

uint32_t registers_arm64_groups(unsigned number)
{
	static const struct cpu_arm64 none;

	return number < ARM64_NUMBER_COUNT ? place_find(&none, number).group : 0;
}

int registers_arm64_read(const struct cpu *cpu, unsigned number, void *value)
{
	struct place place;

	if (number >= ARM64_NUMBER_COUNT)
		return -ENOENT;
	place = place_find(&cpu->arm64, number);
	if (!(cpu->valid & place.group) || place.offset == NOWHERE)
		return -ENODATA;
	memcpy(value, (const uint8_t *)&cpu->arm64 + place.offset, place.size);
	return 0;
}

/*
 * The modes that KVM accepts in PSTATE: nothing changes between AArch64 and AArch32, or into EL2.
 */
static bool registers_arm64_allows_mode(const struct cpu_arm64 *cpu, uint32_t pstate)
{
	uint32_t change = pstate ^ (uint32_t)cpu->regs.pstate;

	if (change & PSTATE_NRW)
		return false;
	return arm64_world(pstate) != ARM64_ELSEWHERE || !(change & PSTATE_MODE);
}

static bool registers_arm64_accepts(const struct cpu_arm64 *cpu, unsigned number, const void *value)
{
	uint32_t pstate;

	if (number != ARM64_NUMBER_CPSR)
		return true;
	memcpy(&pstate, value, sizeof(pstate));
	return registers_arm64_allows_mode(cpu, pstate);
}

static void registers_arm64_mark(struct cpu *cpu, unsigned number, uint32_t group)
{
	cpu->dirty |= group;
	if (group == CPU_FLOAT)
		cpu->arm64.fp_dirty |= BIT(number - ARM64_NUMBER_V);
	else if (number >= ARM64_NUMBER_SYSREGS)
		cpu->arm64.sysregs_dirty |= BIT(number - ARM64_NUMBER_SYSREGS);
}

int registers_arm64_write(struct cpu *cpu, unsigned number, const void *value)
{
	struct place place;

	if (number >= ARM64_NUMBER_COUNT)
		return -ENOENT;
	place = place_find(&cpu->arm64, number);
	if (place.access != ARM64_READ_WRITE)
		return -EROFS;
	if (!(cpu->valid & place.group) || place.offset == NOWHERE)
		return -ENODATA;
	if (!registers_arm64_accepts(&cpu->arm64, number, value))
		return -EINVAL;
	memcpy((uint8_t *)&cpu->arm64 + place.offset, value, place.size);
	registers_arm64_mark(cpu, number, place.group);
	return 0;
}

/* ---- by number --------------------------------------------------------------------------- */

/* As assemblers write what has no name: S<op0>_<op1>_C<n>_C<m>_<op2> (Arm ARM, C5.1.2). */
int registers_arm64_parse_numbered(const char *text, uint32_t *number)
{
	unsigned op0, op1, crn, crm, op2;
	int end = 0;

	if (sscanf(text, "%*1[Ss]%1u_%1u_%*1[Cc]%2u_%*1[Cc]%2u_%1u%n", &op0, &op1, &crn, &crm, &op2,
		    &end) != 5 ||
		text[end] || strpbrk(text, " +-"))
		return -EINVAL;
	if (op0 < 2 || op0 > 3 || op1 > 7 || crn > 15 || crm > 15 || op2 > 7)
		return -EINVAL;
	*number = op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2;
	return 0;
}
