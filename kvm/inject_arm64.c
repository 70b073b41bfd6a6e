/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives the guest a debug exception that was its own: exception entry to EL1 done by hand on the
 * cached registers, since arm64 KVM has no call for it.  The rules are AArch64.TakeException() and
 * the pages on PSTATE of the Arm ARM (D1.3); the kernel's own are in enter_exception64()
 * (arch/arm64/kvm/hyp/exception.c), and where they differ a guest sees what that kernel shows.
 */
#include <string.h>
#include "kvm/arch_arm64.h"
#include "kvm/instruction_arm64.h"

#define SCTLR_SPAN      BIT(23)
#define SCTLR_DSSBS     BIT(44)
#define SCTLR_SPINTMASK BIT(62)

enum { VECTOR_SP0 = 0x000, VECTOR_SPX = 0x200, VECTOR_LOWER = 0x400, VECTOR_LOWER_32 = 0x600 };

/* A hypervisor in the guest has asked for the exceptions of what it runs. */
static bool inject_arm64_routed_to_el2(const struct cpu_arm64 *cpu, enum arm64_world world)
{
	bool from_el0 = world == ARM64_EL0 || world == ARM64_EL0_32;

	if (arm64_sysreg(cpu, ARM64_MDCR_EL2) & MDCR_EL2_TDE)
		return true;
	return from_el0 && arm64_sysreg(cpu, ARM64_HCR_EL2) & HCR_EL2_TGE;
}

bool inject_arm64_possible(const struct cpu *cpu)
{
	enum arm64_world world = arm64_world(cpu->arm64.regs.pstate);

	return world != ARM64_ELSEWHERE && !inject_arm64_routed_to_el2(&cpu->arm64, world);
}

bool inject_arm64_is_breakpoint(const uint8_t *code, unsigned length)
{
	struct instruction_arm64 instruction;

	return instruction_arm64_decode_bytes(&instruction, code, length) == 0 &&
	       instruction.kind == INSTRUCTION_BRK;
}

void inject_arm64_own_breakpoint(
	const struct cpu *cpu, const uint8_t *code, unsigned length, struct injection *injection)
{
	struct instruction_arm64 instruction;

	(void)cpu;
	memset(injection, 0, sizeof(*injection));
	if (instruction_arm64_decode_bytes(&instruction, code, length) < 0 ||
		instruction.kind != INSTRUCTION_BRK)
		return;
	injection->kind = INJECT_SYNC;
	injection->esr = ESR_EC(EC_BRK) | ESR_IL | instruction.immediate;
}

uint32_t inject_arm64_groups(const struct injection *injection)
{
	return injection->kind == INJECT_NONE ? 0 : CPU_STOP;
}

static uint64_t inject_arm64_vector(enum arm64_world world)
{
	switch (world) {
	case ARM64_EL0:
		return VECTOR_LOWER;
	case ARM64_EL0_32:
		return VECTOR_LOWER_32;
	case ARM64_EL1T:
		return VECTOR_SP0;
	default:
		return VECTOR_SPX;
	}
}

/* Breakpoint, step and watchpoint say in the last bit of EC whether they come from this EL. */
static uint64_t inject_arm64_syndrome(uint32_t esr, enum arm64_world world)
{
	unsigned ec = (esr >> ESR_EC_SHIFT) & ~1u;
	uint32_t same_el = ESR_EC(1);

	if (ec != EC_BREAKPOINT && ec != EC_STEP && ec != EC_WATCHPOINT)
		return esr;
	return world == ARM64_EL1T || world == ARM64_EL1H ? esr | same_el : esr & ~same_el;
}

/* A feature of the identification registers; one that KVM did not give is not there. */
static unsigned inject_arm64_feature(const struct cpu_arm64 *cpu, unsigned sysreg, unsigned low)
{
	return FIELD(arm64_sysreg(cpu, sysreg), low, 4);
}

/* Everything that is not named here becomes 0: UAO, SS, IL, BTYPE, and what AArch32 has. */
static uint64_t inject_arm64_pstate(const struct cpu_arm64 *cpu, uint64_t old)
{
	uint64_t sctlr = cpu->sysregs[ARM64_SCTLR_EL1];
	uint64_t new = MODE_EL1H | PSTATE_DAIF;

	new |= old &(PSTATE_N | PSTATE_Z | PSTATE_C | PSTATE_V | PSTATE_DIT | PSTATE_PAN);
	if (!(sctlr & SCTLR_SPAN))
		new |= PSTATE_PAN;
	if (sctlr & SCTLR_DSSBS)
		new |= PSTATE_SSBS;
	if (inject_arm64_feature(cpu, ARM64_ID_AA64PFR1_EL1, 8) >= 2) /* MTE */
		new |= PSTATE_TCO;
	if (inject_arm64_feature(cpu, ARM64_ID_AA64PFR1_EL1, 36) && !(sctlr & SCTLR_SPINTMASK))
		new |= PSTATE_ALLINT; /* NMI */
	return new;
}

static void inject_arm64_set(struct cpu *cpu, enum arm64_sysreg sysreg, uint64_t value)
{
	cpu->arm64.sysregs[sysreg] = value;
	bitmap_add(cpu->arm64.sysregs_valid, sysreg);
	bitmap_add(cpu->arm64.sysregs_dirty, sysreg);
}

void inject_arm64(struct cpu *cpu, struct injection *injection)
{
	struct arm64_regs *regs = &cpu->arm64.regs;
	enum arm64_world world = arm64_world(regs->pstate);
	struct injection given = *injection;

	injection->kind = INJECT_NONE;
	if (given.kind != INJECT_SYNC || !inject_arm64_possible(cpu))
		return;
	regs->elr_el1 = regs->pc;
	regs->spsr_el1 = regs->pstate;
	if ((given.esr >> ESR_EC_SHIFT & ~1u) == EC_STEP)
		regs->spsr_el1 &= ~PSTATE_SS; /* the step it allowed has been made */
	inject_arm64_set(cpu, ARM64_ESR_EL1, inject_arm64_syndrome(given.esr, world));
	if (given.has_far)
		inject_arm64_set(cpu, ARM64_FAR_EL1, given.far);
	regs->pstate = inject_arm64_pstate(&cpu->arm64, regs->pstate);
	regs->pc = VBAR_TABLE(cpu->arm64.sysregs[ARM64_VBAR_EL1]) + inject_arm64_vector(world);
	cpu->dirty |= CPU_GENERAL | CPU_SYSTEM;
}
