/* SPDX-License-Identifier: Apache-2.0 */
/* The table arch_arm64, and the small things of it that need no file of their own. */
#include <errno.h>
#include <stdio.h>
#include "kvm/arch_arm64.h"
#include "kvm/paging_arm64.h"
#include "kvm/table_entry.h"

/* KVM_MP_STATE_... (linux/kvm.h). */
enum { MP_HALTED = 3, MP_STOPPED = 5, MP_SUSPENDED = 10 };

#define SCTLR_M BIT(0)

enum arm64_world arm64_world(uint64_t pstate)
{
	switch (pstate & PSTATE_MODE) {
	case MODE_EL0T:
		return ARM64_EL0;
	case MODE_USER_32:
		return ARM64_EL0_32;
	case MODE_EL1T:
		return ARM64_EL1T;
	case MODE_EL1H:
		return ARM64_EL1H;
	default:
		return ARM64_ELSEWHERE;
	}
}

static gva_t arm64_pc(const struct cpu *cpu)
{
	return cpu->arm64.regs.pc;
}

static void arm64_pc_set(struct cpu *cpu, gva_t pc)
{
	cpu->arm64.regs.pc = pc;
	cpu->dirty |= CPU_GENERAL;
}

static int arm64_translate(
	const struct cpu *cpu, const struct physical *memory, gva_t gva, struct translation *out)
{
	static const enum arm64_sysreg needed[] = { ARM64_SCTLR_EL1, ARM64_TCR_EL1, ARM64_TTBR0_EL1,
		ARM64_TTBR1_EL1 };
	const struct cpu_arm64 *arm64 = &cpu->arm64;
	struct paging_arm64 paging = {
		.sctlr_el1 = arm64_sysreg(arm64, ARM64_SCTLR_EL1),
		.tcr_el1 = arm64_sysreg(arm64, ARM64_TCR_EL1),
		.ttbr0_el1 = arm64_sysreg(arm64, ARM64_TTBR0_EL1),
		.ttbr1_el1 = arm64_sysreg(arm64, ARM64_TTBR1_EL1),
		.id_aa64mmfr0_el1 = arm64_sysreg(arm64, ARM64_ID_AA64MMFR0_EL1),
		.id_aa64mmfr2_el1 = arm64_sysreg(arm64, ARM64_ID_AA64MMFR2_EL1),
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!bitmap_has(arm64->sysregs_valid, needed[i]))
			return -ENODATA;
	return paging_arm64_walk(&paging, memory, gva, out);
}

/*
 * Bits 47:1 of the TTBR of that half: above is the ASID (of the low half or of both, by
 * TCR_EL1.A1), bit 0 is CnP.  With the MMU off there is one space of physical addresses: all ones,
 * which is no TTBR's.
 */
static uint64_t arm64_address_space(const struct cpu *cpu, gva_t gva)
{
	enum arm64_sysreg ttbr = gva & BIT(55) ? ARM64_TTBR1_EL1 : ARM64_TTBR0_EL1;

	if (!(arm64_sysreg(&cpu->arm64, ARM64_SCTLR_EL1) & SCTLR_M))
		return ~UINT64_C(0);
	return arm64_sysreg(&cpu->arm64, ttbr) & (BIT(48) - 2);
}

static bool arm64_is_user(const struct cpu *cpu)
{
	enum arm64_world world = arm64_world(cpu->arm64.regs.pstate);

	return world == ARM64_EL0 || world == ARM64_EL0_32;
}

static const char *arm64_describe_mode(uint64_t pstate)
{
	switch (arm64_world(pstate)) {
	case ARM64_EL0:
		return "in user mode, EL0";
	case ARM64_EL0_32:
		return "in user mode, EL0, AArch32";
	case ARM64_EL1T:
		return "in kernel mode, EL1t";
	case ARM64_EL1H:
		return "in kernel mode, EL1h";
	default:
		break;
	}
	if (pstate & PSTATE_NRW)
		return "in kernel mode, EL1, AArch32";
	return pstate & PSTATE_SP ? "in hypervisor mode, EL2h" : "in hypervisor mode, EL2t";
}

static void arm64_describe(const struct cpu *cpu, char *text, size_t size)
{
	const char *what = "state unknown";

	if (cpu->valid & CPU_MP && cpu->arm64.mp_state == MP_STOPPED)
		what = "waiting (PSCI off)";
	else if (cpu->valid & CPU_MP && cpu->arm64.mp_state == MP_SUSPENDED)
		what = "suspended (PSCI)";
	else if (cpu->valid & CPU_MP && cpu->arm64.mp_state == MP_HALTED)
		what = "halted in WFI";
	else if (cpu->valid & CPU_GENERAL)
		what = arm64_describe_mode(cpu->arm64.regs.pstate);
	snprintf(text, size, "%s", what);
}

/* BRK #ARM64_PLANTED_IMMEDIATE, little-endian as instructions always are. */
#define PLANTED (UINT32_C(0xd4200000) | ARM64_PLANTED_IMMEDIATE << 5)

static unsigned arm64_watchpoint_count(const struct cpu *cpu)
{
	return cpu->arm64.watchpoint_slots;
}

const struct arch arch_arm64 = {
	.name = "aarch64",
	.description = &description_arm64,
	.watchpoint_count = arm64_watchpoint_count,
	.feature = description_arm64_feature,
	.has_register = description_arm64_has,
	.probe_groups = ARM64_PROBE_GROUPS,
	.breakpoint_length = 4,
	.breakpoint_bytes = { PLANTED & 0xff, PLANTED >> 8 & 0xff, PLANTED >> 16 & 0xff,
		PLANTED >> 24 },
	.breakpoint_alignment = 4,
	.watch_is_fault = true,
	.pc = arm64_pc,
	.pc_set = arm64_pc_set,
	.register_groups = registers_arm64_groups,
	.register_read = registers_arm64_read,
	.register_write = registers_arm64_write,
	.parse_numbered = registers_arm64_parse_numbered,
	.translate = arm64_translate,
	.entry_name = table_entry_arm64_name,
	.entry_describe = table_entry_arm64_describe,
	.entry_letters = table_entry_arm64_letters,
	.address_space = arm64_address_space,
	.is_user = arm64_is_user,
	.describe = arm64_describe,
	.check_point = plan_arm64_check,
	.debug_groups = plan_arm64_groups,
	.plan = plan_arm64_compute,
	.encode = plan_arm64_encode,
	.decide = decide_arm64,
	.is_breakpoint = inject_arm64_is_breakpoint,
	.own_breakpoint = inject_arm64_own_breakpoint,
	.injection_groups = inject_arm64_groups,
	.inject = inject_arm64,
	.step_groups = step_arm64_groups,
	.step_begin = step_arm64_begin,
	.step_end = step_arm64_end,
};
