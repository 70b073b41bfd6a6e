/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86-64 as struct arch, and the modes of the CPU, which all of its files ask for.  Pure: knows no
 * ioctl and no file descriptor.
 */
#include "kvm/arch_x86_64.h"

#include <stdio.h>
#include "kvm/paging_x86_64.h"
#include "kvm/table_entry.h"
#include "kvm/xsave_x86_64.h"

/* ---- modes ------------------------------------------------------------------------------- */

bool arch_x86_64_is_long(const struct cpu *cpu)
{
	return cpu->x86_64.sregs.efer & X86_EFER_LMA;
}

bool arch_x86_64_is_64bit(const struct cpu *cpu)
{
	return arch_x86_64_is_long(cpu) && cpu->x86_64.sregs.cs.l;
}

static bool arch_is_virtual_8086(const struct cpu *cpu)
{
	return (cpu->x86_64.sregs.cr0 & X86_CR0_PE) && !arch_x86_64_is_long(cpu) &&
	       (cpu->x86_64.regs.rflags & X86_FLAGS_VM);
}

bool arch_x86_64_is_real(const struct cpu *cpu)
{
	return !(cpu->x86_64.sregs.cr0 & X86_CR0_PE) || arch_is_virtual_8086(cpu);
}

unsigned arch_x86_64_code_bits(const struct cpu *cpu)
{
	if (arch_x86_64_is_64bit(cpu))
		return 64;
	return cpu->x86_64.sregs.cs.db ? 32 : 16;
}

/* KVM reports the CPL as SS.DPL (vmx_get_cpl(), svm_get_segment()). */
unsigned arch_x86_64_cpl(const struct cpu *cpu)
{
	if (!(cpu->x86_64.sregs.cr0 & X86_CR0_PE))
		return 0;
	return arch_is_virtual_8086(cpu) ? 3 : cpu->x86_64.sregs.ss.dpl & 3;
}

bool arch_x86_64_is_canonical(const struct cpu *cpu, uint64_t address)
{
	unsigned bits = cpu->x86_64.sregs.cr4 & X86_CR4_LA57 ? 57 : 48;
	uint64_t high = address >> (bits - 1);

	return high == 0 || high == UINT64_MAX >> (bits - 1);
}

gva_t arch_x86_64_pc(const struct cpu *cpu)
{
	uint64_t rip = cpu->x86_64.regs.rip;

	if (arch_x86_64_is_64bit(cpu))
		return rip;
	return (uint32_t)(cpu->x86_64.sregs.cs.base + rip);
}

void arch_x86_64_pc_set(struct cpu *cpu, gva_t pc)
{
	uint64_t rip = pc;

	if (!arch_x86_64_is_64bit(cpu))
		rip = (uint32_t)(pc - cpu->x86_64.sregs.cs.base);
	cpu->x86_64.regs.rip = rip;
	cpu->dirty |= CPU_GENERAL;
}

/* ---- address spaces ---------------------------------------------------------------------- */

static int arch_translate(
	const struct cpu *cpu, const struct physical *memory, gva_t gva, struct translation *out)
{
	const struct x86_sregs *sregs = &cpu->x86_64.sregs;
	struct paging_x86_64 paging = {
		.cr0 = sregs->cr0,
		.cr3 = sregs->cr3,
		.cr4 = sregs->cr4,
		.efer = sregs->efer,
	};

	return paging_x86_64_walk(&paging, memory, gva, out);
}

/* The root table without PCID, PWT, PCD and LAM; one space for all while paging is off. */
static uint64_t arch_address_space(const struct cpu *cpu, gva_t gva)
{
	const struct x86_sregs *sregs = &cpu->x86_64.sregs;
	bool pae_root = (sregs->cr4 & X86_CR4_PAE) && !arch_x86_64_is_long(cpu);

	(void)gva;
	if (!(sregs->cr0 & X86_CR0_PG))
		return 0;
	return sregs->cr3 & (pae_root ? UINT64_C(0xffffffe0) : UINT64_C(0x000ffffffffff000));
}

static bool arch_is_user(const struct cpu *cpu)
{
	return arch_x86_64_cpl(cpu) == 3;
}

/* ---- words for people -------------------------------------------------------------------- */

static const char *arch_activity(const struct cpu *cpu)
{
	if (!(cpu->valid & CPU_MP))
		return "";
	switch (cpu->x86_64.mp_state) {
	case X86_MP_UNINITIALIZED:
		return "waiting for INIT";
	case X86_MP_INIT_RECEIVED:
		return "waiting for SIPI";
	case X86_MP_HALTED:
		return "halted";
	default:
		return "";
	}
}

/* The events come with the general registers; in an SMM that the VMM emulates, KVM does not know. */
static bool arch_is_smm(const struct cpu *cpu)
{
	return (cpu->valid & CPU_EVENTS) && cpu->x86_64.events.smi.smm;
}

static const char *arch_privilege(const struct cpu *cpu)
{
	if (arch_is_smm(cpu))
		return "in system management mode";
	if (arch_is_virtual_8086(cpu))
		return "in virtual-8086 mode";
	if (arch_x86_64_is_real(cpu))
		return "in real mode";
	return arch_x86_64_cpl(cpu) == 3 ? "in user mode" : "in kernel mode";
}

/* What kind of code it executes (SDM volume 3, 2.2; volume 1, 3.1). */
static const char *arch_code(const struct cpu *cpu)
{
	switch (arch_x86_64_code_bits(cpu)) {
	case 64:
		return "64-bit";
	case 32:
		return arch_x86_64_is_long(cpu) ? "32-bit, compatible" : "32-bit";
	default:
		return arch_x86_64_is_long(cpu) ? "16-bit, compatible" : "16-bit";
	}
}

/* A CPU that waits to be started has no mode worth a word. */
static void arch_describe(const struct cpu *cpu, char *text, size_t size)
{
	const char *activity = arch_activity(cpu);
	bool waits = (cpu->valid & CPU_MP) && (cpu->x86_64.mp_state == X86_MP_UNINITIALIZED ||
						      cpu->x86_64.mp_state == X86_MP_INIT_RECEIVED);

	if (waits || (cpu->valid & CPU_STOP) != CPU_STOP)
		snprintf(text, size, "%s", activity);
	else
		snprintf(text, size, "%s%s%s, %s", activity, *activity ? ", " : "",
			arch_privilege(cpu), arch_code(cpu));
}

/* ---- which registers there are ----------------------------------------------------------- */

/* Components of the extended state that KVM keeps for this guest, and has given. */
static bool arch_has_components(const struct cpu *cpu, uint64_t components)
{
	return (cpu->valid & CPU_CPUID) && (cpu->x86_64.components & components) == components;
}

static const struct target_feature *arch_feature(const struct cpu *cpu, unsigned index)
{
	static const uint64_t needed[] = {
		[X86_FEATURE_AVX] = X86_COMPONENT_BIT(X86_COMPONENT_AVX),
		[X86_FEATURE_AVX512] = X86_COMPONENTS_AVX512,
		[X86_FEATURE_PKEYS] = X86_COMPONENT_BIT(X86_COMPONENT_PKRU),
	};

	if (index < sizeof(needed) / sizeof(needed[0]) && needed[index] &&
		!arch_has_components(cpu, needed[index]))
		return NULL;
	return &description_x86_64.features[index];
}

static unsigned arch_watchpoint_count(const struct cpu *cpu)
{
	(void)cpu;
	return X86_SLOTS;
}

/* Those that are in every x86-64 are there even when they cannot be read right now. */
static bool arch_has_register(const struct cpu *cpu, unsigned number, struct target_register *reg)
{
	bool is_optional = (number >= X86_REG_YMM0H && number <= X86_REG_PKRU) ||
			   number == X86_REG_XCR0 || number >= X86_REG_MSRS_MORE;

	(void)reg;
	return !is_optional || registers_x86_64_is_there(cpu, number);
}

const struct arch arch_x86_64 = {
	.name = "x86_64",
	.description = &description_x86_64,
	.feature = arch_feature,
	.watchpoint_count = arch_watchpoint_count,
	.has_register = arch_has_register,
	.view_name = "x86-64",
	.views = views_x86_64,
	.view_count = X86_VIEW_COUNT,
	.view_fitting = views_x86_64_fitting,
	.probe_groups = CPU_STOP | CPU_FLOAT | CPU_XSAVE | CPU_XCRS | CPU_MSRS_MORE | CPU_CPUID,
	.breakpoint_length = 1,
	.breakpoint_bytes = { 0xcc },
	.breakpoint_alignment = 1,
	.pc = arch_x86_64_pc,
	.pc_set = arch_x86_64_pc_set,
	.register_groups = registers_x86_64_groups,
	.register_read = registers_x86_64_read,
	.register_write = registers_x86_64_write,
	.parse_numbered = registers_x86_64_parse_numbered,
	.translate = arch_translate,
	.entry_name = table_entry_x86_64_name,
	.entry_describe = table_entry_x86_64_describe,
	.entry_letters = table_entry_x86_64_letters,
	.address_space = arch_address_space,
	.is_user = arch_is_user,
	.describe = arch_describe,
	.check_point = plan_x86_64_check_point,
	.debug_groups = plan_x86_64_groups,
	.plan = plan_x86_64_make,
	.encode = plan_x86_64_encode,
	.decide = decide_x86_64,
	.lends_registers = plan_x86_64_lends,
	.is_breakpoint = inject_x86_64_is_breakpoint,
	.own_breakpoint = inject_x86_64_own_breakpoint,
	.injection_groups = inject_x86_64_groups,
	.inject = inject_x86_64,
	.step_groups = step_x86_64_groups,
	.step_begin = step_x86_64_begin,
	.step_end = step_x86_64_end,
};
