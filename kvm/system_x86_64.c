/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control and debug registers, descriptor tables, hidden parts of segments, MSRs: what an operating
 * system sees of the CPU.  See registers_x86_64.h.
 */
#include <errno.h>
#include "kvm/registers_x86_64.h"

/* ---- control registers ------------------------------------------------------------------- */

enum { CR0, CR2, CR3, CR4, CR8, EFER };

/* The bits that a write may change; one that is not here keeps what the guest gave it. */
static const uint64_t control_known[] = {
	[CR0] = UINT64_C(0xe005003f),
	[CR2] = UINT64_MAX,
	[CR3] = UINT64_C(0x000fffffffffffff),
	[CR4] = UINT64_C(0x03ff7fff),
	[CR8] = 0xf,
	[EFER] = UINT64_C(0x0020fd01),
};

static uint64_t *control_find(struct x86_sregs *sregs, unsigned index)
{
	uint64_t *const order[] = { [CR0] = &sregs->cr0,
		[CR2] = &sregs->cr2,
		[CR3] = &sregs->cr3,
		[CR4] = &sregs->cr4,
		[CR8] = &sregs->cr8,
		[EFER] = &sregs->efer };

	return order[index];
}

static void control_read(const struct cpu *cpu, unsigned index, void *value)
{
	struct x86_sregs sregs = cpu->x86_64.sregs;

	registers_x86_64_put(value, *control_find(&sregs, index), 8);
}

/* What KVM_SET_SREGS asks of them (kvm_is_valid_sregs()), and what VM entry does (26.3.1.1). */
static bool control_is_valid(const struct x86_sregs *sregs)
{
	bool paged = sregs->cr0 & X86_CR0_PG, lma = sregs->efer & X86_EFER_LMA;

	if (paged && !(sregs->cr0 & X86_CR0_PE))
		return false;
	if ((sregs->cr0 & X86_CR0_NW) && !(sregs->cr0 & X86_CR0_CD))
		return false;
	if (paged && (sregs->efer & X86_EFER_LME))
		return lma && (sregs->cr4 & X86_CR4_PAE);
	return !lma && !sregs->cs.l;
}

static int control_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t *at = control_find(&cpu->x86_64.sregs, index), before = *at;
	uint64_t change = registers_x86_64_get(value, 8) ^ before;

	if (change & ~control_known[index])
		return -EINVAL;
	*at ^= change;
	if (!change || control_is_valid(&cpu->x86_64.sregs))
		return 0;
	*at = before;
	return -EINVAL;
}

/* ---- XCR0 -------------------------------------------------------------------------------- */

static uint64_t *xcr0_find(struct x86_xcrs *xcrs)
{
	for (unsigned i = 0; i < xcrs->nr_xcrs && i < sizeof(xcrs->xcrs) / sizeof(xcrs->xcrs[0]);
		i++)
		if (xcrs->xcrs[i].xcr == 0)
			return &xcrs->xcrs[i].value;
	return NULL;
}

static bool xcr0_is_there(const struct cpu *cpu, unsigned index)
{
	struct x86_xcrs xcrs = cpu->x86_64.xcrs;

	(void)index;
	return xcr0_find(&xcrs);
}

static void xcr0_read(const struct cpu *cpu, unsigned index, void *value)
{
	struct x86_xcrs xcrs = cpu->x86_64.xcrs;

	(void)index;
	registers_x86_64_put(value, *xcr0_find(&xcrs), 8);
}

/* Which combinations there are depends on the guest's CPUID, and is for KVM to say. */
static int xcr0_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t xcr0 = registers_x86_64_get(value, 8);

	(void)index;
	if (!(xcr0 & 1))
		return -EINVAL;
	*xcr0_find(&cpu->x86_64.xcrs) = xcr0;
	return 0;
}

/* ---- descriptor tables, and where segments are ------------------------------------------- */

enum { GDTR_BASE, GDTR_LIMIT, IDTR_BASE, IDTR_LIMIT };

static void table_read(const struct cpu *cpu, unsigned index, void *value)
{
	const struct x86_sregs *sregs = &cpu->x86_64.sregs;
	const struct x86_table *table = index < IDTR_BASE ? &sregs->gdt : &sregs->idt;

	if (index == GDTR_BASE || index == IDTR_BASE)
		registers_x86_64_put(value, table->base, 8);
	else
		registers_x86_64_put(value, table->limit, 4);
}

static int table_write(struct cpu *cpu, unsigned index, const void *value)
{
	struct x86_sregs *sregs = &cpu->x86_64.sregs;
	struct x86_table *table = index < IDTR_BASE ? &sregs->gdt : &sregs->idt;
	bool is_base = index == GDTR_BASE || index == IDTR_BASE;
	uint64_t number = registers_x86_64_get(value, is_base ? 8 : 4);

	if (is_base ? !arch_x86_64_is_canonical(cpu, number) : number > UINT16_MAX)
		return -EINVAL;
	if (is_base)
		table->base = number;
	else
		table->limit = (uint16_t)number;
	return 0;
}

enum { LDTR, TR, TR_BASE };

static void system_segment_read(const struct cpu *cpu, unsigned index, void *value)
{
	const struct x86_sregs *sregs = &cpu->x86_64.sregs;

	if (index == TR_BASE)
		registers_x86_64_put(value, sregs->tr.base, 8);
	else
		registers_x86_64_put(
			value, index == LDTR ? sregs->ldt.selector : sregs->tr.selector, 4);
}

/* A selector without its descriptor would be a segment that no guest can have. */
static int system_segment_write(struct cpu *cpu, unsigned index, const void *value)
{
	struct x86_sregs *sregs = &cpu->x86_64.sregs;
	uint64_t number = registers_x86_64_get(value, index == TR_BASE ? 8 : 4);

	if (index == LDTR || index == TR)
		return number == (index == LDTR ? sregs->ldt.selector : sregs->tr.selector)
			       ? 0
			       : -EROFS;
	if (!arch_x86_64_is_canonical(cpu, number))
		return -EINVAL;
	sregs->tr.base = number;
	return 0;
}

enum { LDTR_BASE = 4 }; /* after those of CS, SS, DS and ES, as they are numbered */

static struct x86_segment *hidden_find(struct x86_sregs *sregs, unsigned index)
{
	struct x86_segment *const order[] = { &sregs->cs, &sregs->ss, &sregs->ds, &sregs->es,
		&sregs->ldt };

	return order[index];
}

static void hidden_base_read(const struct cpu *cpu, unsigned index, void *value)
{
	struct x86_sregs sregs = cpu->x86_64.sregs;

	registers_x86_64_put(value, hidden_find(&sregs, index)->base, 8);
}

/* Of CS to ES, VM entry wants 32 bits, and in virtual-8086 mode the selector's (26.3.1.2). */
static int hidden_base_write(struct cpu *cpu, unsigned index, const void *value)
{
	struct x86_segment *segment = hidden_find(&cpu->x86_64.sregs, index);
	uint64_t base = registers_x86_64_get(value, 8);
	bool is_virtual = arch_x86_64_is_real(cpu) && (cpu->x86_64.sregs.cr0 & X86_CR0_PE);

	if (base == segment->base)
		return 0;
	if (index == LDTR_BASE ? !arch_x86_64_is_canonical(cpu, base) : is_virtual || base >> 32)
		return -EINVAL;
	segment->base = base;
	return 0;
}

static const struct x86_segment *segment_at(const struct x86_sregs *sregs, unsigned index)
{
	const struct x86_segment *const order[] = { &sregs->cs, &sregs->ss, &sregs->ds, &sregs->es,
		&sregs->fs, &sregs->gs, &sregs->ldt, &sregs->tr };

	return order[index];
}

static void limit_read(const struct cpu *cpu, unsigned index, void *value)
{
	registers_x86_64_put(value, segment_at(&cpu->x86_64.sregs, index)->limit, 4);
}

/* The granularity would have to go with it. */
static int limit_write(struct cpu *cpu, unsigned index, const void *value)
{
	return registers_x86_64_get(value, 4) == segment_at(&cpu->x86_64.sregs, index)->limit
		       ? 0
		       : -EROFS;
}

/* In the form of VMX's access rights (24.4.1). */
static uint64_t access_rights(const struct x86_segment *segment)
{
	return (segment->type & 0xfu) | (segment->s & 1u) << 4 | (segment->dpl & 3u) << 5 |
	       (segment->present & 1u) << 7 | (segment->avl & 1u) << 12 | (segment->l & 1u) << 13 |
	       (segment->db & 1u) << 14 | (segment->g & 1u) << 15 | (segment->unusable & 1u) << 16;
}

static void access_read(const struct cpu *cpu, unsigned index, void *value)
{
	registers_x86_64_put(value, access_rights(segment_at(&cpu->x86_64.sregs, index)), 4);
}

/* What VM entry makes of a change depends on all of the segment. */
static int access_write(struct cpu *cpu, unsigned index, const void *value)
{
	return registers_x86_64_get(value, 4) ==
			       access_rights(segment_at(&cpu->x86_64.sregs, index))
		       ? 0
		       : -EROFS;
}

/* ---- debug registers: the guest's own ---------------------------------------------------- */

enum { DR6 = 4, DR7 };

static uint64_t *debug_find(struct x86_debugregs *debugregs, unsigned index)
{
	if (index == DR6 || index == DR7)
		return index == DR6 ? &debugregs->dr6 : &debugregs->dr7;
	return &debugregs->db[index];
}

static void debug_read(const struct cpu *cpu, unsigned index, void *value)
{
	struct x86_debugregs debugregs = cpu->x86_64.debugregs;

	registers_x86_64_put(value, *debug_find(&debugregs, index), 8);
}

/* MOV to DR6 or DR7 with one of the upper 32 bits is #GP (17.2.6), and -EINVAL in KVM. */
static int debug_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t number = registers_x86_64_get(value, 8);

	if ((index == DR6 || index == DR7) && number >> 32)
		return -EINVAL;
	*debug_find(&cpu->x86_64.debugregs, index) = number | (index == DR7 ? X86_DR7_FIXED : 0);
	return 0;
}

/* ---- MSRs -------------------------------------------------------------------------------- */

#define MSR_IS_ADDRESS(id, name, index, is_address) [X86_MSR_##id] = is_address,

static const bool msr_is_address[X86_MSR_COUNT] = { X86_MSRS_SYSCALL(MSR_IS_ADDRESS)
		X86_MSRS_MORE(MSR_IS_ADDRESS) };

/* WRMSR refuses an address that is not canonical, and so does KVM; the rest is for KVM to say. */
static int msr_set(struct cpu *cpu, unsigned msr, const void *value)
{
	uint64_t number = registers_x86_64_get(value, 8);

	if (msr_is_address[msr] && !arch_x86_64_is_canonical(cpu, number))
		return -EINVAL;
	if (cpu->x86_64.msrs[msr] == number)
		return 0;
	cpu->x86_64.msrs[msr] = number;
	cpu->x86_64.msrs_dirty |= UINT64_C(1) << msr;
	return 0;
}

static void k_gs_base_read(const struct cpu *cpu, unsigned index, void *value)
{
	(void)index;
	registers_x86_64_put(value, cpu->x86_64.msrs[X86_MSR_KERNEL_GS_BASE], 8);
}

static int k_gs_base_write(struct cpu *cpu, unsigned index, const void *value)
{
	(void)index;
	return msr_set(cpu, X86_MSR_KERNEL_GS_BASE, value);
}

static void syscall_read(const struct cpu *cpu, unsigned index, void *value)
{
	registers_x86_64_put(value, cpu->x86_64.msrs[index], 8);
}

static int syscall_write(struct cpu *cpu, unsigned index, const void *value)
{
	return msr_set(cpu, index, value);
}

static bool msr_is_there(const struct cpu *cpu, unsigned index)
{
	return cpu->x86_64.msrs_known >> (X86_MSR_SYSCALL_COUNT + index) & 1;
}

static void msr_read(const struct cpu *cpu, unsigned index, void *value)
{
	registers_x86_64_put(value, cpu->x86_64.msrs[X86_MSR_SYSCALL_COUNT + index], 8);
}

static int msr_write(struct cpu *cpu, unsigned index, const void *value)
{
	return msr_set(cpu, X86_MSR_SYSCALL_COUNT + index, value);
}

/* ---- the table --------------------------------------------------------------------------- */

enum { MSR_AND_MODE = CPU_SYSTEM | CPU_MSRS, MORE_AND_MODE = CPU_SYSTEM | CPU_MSRS_MORE };

static const struct x86_row rows[] = {
	{ X86_REG_K_GS_BASE, 1, MSR_AND_MODE, CPU_MSRS, k_gs_base_read, k_gs_base_write, NULL },
	{ X86_REG_CR0, 6, CPU_SYSTEM, CPU_SYSTEM, control_read, control_write, NULL },
	{ X86_REG_XCR0, 1, CPU_XCRS, CPU_XCRS, xcr0_read, xcr0_write, xcr0_is_there },
	{ X86_REG_GDTR_BASE, 4, CPU_SYSTEM, CPU_SYSTEM, table_read, table_write, NULL },
	{ X86_REG_LDTR, 3, CPU_SYSTEM, CPU_SYSTEM, system_segment_read, system_segment_write,
		NULL },
	{ X86_REG_LSTAR, 3, MSR_AND_MODE, CPU_MSRS, syscall_read, syscall_write, NULL },
	{ X86_REG_CS_BASE, 5, CPU_STOP, CPU_SYSTEM, hidden_base_read, hidden_base_write, NULL },
	{ X86_REG_CS_LIMIT, 8, CPU_SYSTEM, CPU_SYSTEM, limit_read, limit_write, NULL },
	{ X86_REG_CS_ACCESS, 8, CPU_SYSTEM, CPU_SYSTEM, access_read, access_write, NULL },
	{ X86_REG_DR0, 6, CPU_DEBUG, CPU_DEBUG, debug_read, debug_write, NULL },
	{ X86_REG_MSRS_MORE, X86_MSR_MORE_COUNT, MORE_AND_MODE, CPU_MSRS_MORE, msr_read, msr_write,
		msr_is_there },
};

const struct x86_rows system_x86_64_rows = { rows, sizeof(rows) / sizeof(rows[0]) };
