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
	uint16_t size;
	enum arm64_access access;
	int offset;    /* in struct cpu_arm64; NOWHERE: KVM does not show it */
	unsigned mark; /* its bit in fp_dirty or sysregs_dirty */
};

#define PLACE(register_group, register_access, member)                                             \
	{                                                                                          \
		register_group, 8, register_access, offsetof(struct cpu_arm64, member), 0          \
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

/* In the order of their numbers, ARM64_MAX_SLOTS of each. */
static const struct place debug_places[] = {
	PLACE(CPU_DEBUG, ARM64_READ_WRITE, debugregs.bvr),
	PLACE(CPU_DEBUG, ARM64_READ_WRITE, debugregs.bcr),
	PLACE(CPU_DEBUG, ARM64_READ_WRITE, debugregs.wvr),
	PLACE(CPU_DEBUG, ARM64_READ_WRITE, debugregs.wcr),
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

/* FPSR and FPCR, which come with the vector registers in both forms. */
static struct place place_fp_status(unsigned mark)
{
	struct place place = PLACE(CPU_FLOAT, ARM64_READ_WRITE, fp.fpsr);

	place.size = 4;
	place.mark = mark;
	if (mark == ARM64_FP_FPCR)
		place.offset = offsetof(struct cpu_arm64, fp.fpcr);
	return place;
}

static struct place place_vector(unsigned n, size_t size)
{
	struct place place = PLACE(CPU_FLOAT, ARM64_READ_WRITE, fp.z);

	place.size = (uint16_t)size;
	place.offset += (int)n * ARM64_Z_BYTES;
	place.mark = n;
	return place;
}

static struct place place_fpu(unsigned number)
{
	if (number < ARM64_NUMBER_FPSR)
		return place_vector(number - ARM64_NUMBER_V, 16);
	return place_fp_status(number - ARM64_NUMBER_FPSR + ARM64_FP_FPSR);
}

/* FFR follows p15, here and there. */
static struct place place_predicate(unsigned n)
{
	struct place place = PLACE(CPU_FLOAT, ARM64_READ_WRITE, fp.p);

	place.size = ARM64_P_BYTES;
	place.offset += (int)n * ARM64_P_BYTES;
	place.mark = ARM64_FP_P + n;
	return place;
}

/* The longest there are: KVM leaves zeroes beyond the vCPU's length, and reads over them. */
static struct place place_sve(unsigned number)
{
	struct place vg = PLACE(CPU_FLOAT, ARM64_READ_ONLY, vg);

	if (number < ARM64_NUMBER_SVE_FPSR)
		return place_vector(number - ARM64_NUMBER_Z, ARM64_Z_BYTES);
	if (number < ARM64_NUMBER_P)
		return place_fp_status(number - ARM64_NUMBER_SVE_FPSR + ARM64_FP_FPSR);
	return number < ARM64_NUMBER_VG ? place_predicate(number - ARM64_NUMBER_P) : vg;
}

static struct place place_debug(unsigned n)
{
	struct place place = debug_places[n / ARM64_MAX_SLOTS];

	place.offset += (int)(n % ARM64_MAX_SLOTS) * 8;
	return place;
}

static struct place place_sysreg(const struct cpu_arm64 *cpu, unsigned n)
{
	uint32_t group = n < ARM64_SYSREG_STOP ? CPU_SYSTEM : CPU_MSRS;
	struct place place = PLACE(group, arm64_sysregs[n].access, sysregs);

	place.offset = bitmap_has(cpu->sysregs_valid, n) ? place.offset + (int)n * 8 : NOWHERE;
	place.mark = n;
	return place;
}

/* The masks are computed: there is no place. */
static struct place place_pauth(void)
{
	struct place place = PLACE(CPU_SYSTEM, ARM64_READ_ONLY, sysregs);

	place.offset = NOWHERE;
	return place;
}

static struct place place_find(const struct cpu_arm64 *cpu, unsigned number)
{
	if (number < ARM64_NUMBER_V)
		return place_core(cpu, number);
	if (number < ARM64_NUMBER_Z)
		return place_fpu(number);
	if (number < ARM64_NUMBER_TPIDR)
		return place_sve(number);
	if (number == ARM64_NUMBER_TPIDR)
		return place_sysreg(cpu, ARM64_TPIDR_EL0);
	if (number == ARM64_NUMBER_TPIDR2)
		return place_sysreg(cpu, ARM64_TPIDR2_EL0);
	if (number < ARM64_NUMBER_SYSTEM)
		return place_pauth();
	if (number < ARM64_NUMBER_SYSREGS)
		return system_places[number - ARM64_NUMBER_SYSTEM];
	if (number < ARM64_NUMBER_DBGBVR)
		return place_sysreg(cpu, number - ARM64_NUMBER_SYSREGS);
	return place_debug(number - ARM64_NUMBER_DBGBVR);
}

uint32_t registers_arm64_groups(unsigned number)
{
	static const struct cpu_arm64 none;

	return number < ARM64_NUMBER_COUNT ? place_find(&none, number).group : 0;
}

static bool is_pauth(unsigned number)
{
	return number >= ARM64_NUMBER_PAUTH_DMASK && number <= ARM64_NUMBER_PAUTH_CMASK_HIGH;
}

static int registers_arm64_read_mask(const struct cpu_arm64 *cpu, unsigned number, void *value)
{
	bool is_high = number >= ARM64_NUMBER_PAUTH_DMASK_HIGH;
	bool is_code =
		number == ARM64_NUMBER_PAUTH_CMASK || number == ARM64_NUMBER_PAUTH_CMASK_HIGH;
	uint64_t mask = pauth_arm64_mask(cpu->sysregs[ARM64_TCR_EL1], is_high, is_code);

	if (!bitmap_has(cpu->sysregs_valid, ARM64_TCR_EL1))
		return -ENODATA;
	memcpy(value, &mask, sizeof(mask));
	return 0;
}

int registers_arm64_read(const struct cpu *cpu, unsigned number, void *value)
{
	struct place place;

	if (number >= ARM64_NUMBER_COUNT)
		return -ENOENT;
	if (is_pauth(number))
		return registers_arm64_read_mask(&cpu->arm64, number, value);
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

static void registers_arm64_mark(struct cpu *cpu, const struct place *place)
{
	cpu->dirty |= place->group;
	if (place->group == CPU_FLOAT)
		cpu->arm64.fp_dirty |= BIT(place->mark);
	else if (place->group & (CPU_SYSTEM | CPU_MSRS))
		bitmap_add(cpu->arm64.sysregs_dirty, place->mark);
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
	registers_arm64_mark(cpu, &place);
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
