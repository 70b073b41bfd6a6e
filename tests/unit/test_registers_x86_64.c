/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64 registers by number, the description they are numbered by, and the modes of the CPU. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "kvm/arch_x86_64.h"

enum mode { REAL, PROTECTED_16, PROTECTED_32, COMPATIBLE, LONG, LONG_USER, VIRTUAL_8086 };

static const uint32_t all = CPU_STOP | CPU_FLOAT | CPU_DEBUG | CPU_EVENTS | CPU_MSRS | CPU_MP |
			    CPU_XSAVE | CPU_XCRS | CPU_MSRS_MORE | CPU_CPUID;

/* A machine with everything, where AMD has it; Intel puts the last four at 1088, 1152, 1664 and 2688. */
static const uint16_t amd_offset[X86_COMPONENTS] = {
	[X86_COMPONENT_AVX] = 576,
	[X86_COMPONENT_OPMASK] = 832,
	[X86_COMPONENT_ZMM_HI256] = 896,
	[X86_COMPONENT_HI16_ZMM] = 1408,
	[X86_COMPONENT_PKRU] = 2432,
};

static void give_everything(struct cpu_x86_64 *cpu)
{
	memcpy(cpu->xsave.offset, amd_offset, sizeof(amd_offset));
	cpu->components = 0x2e7;
	cpu->xcrs.nr_xcrs = 1;
	cpu->xcrs.xcrs[0].value = 7;
	cpu->msrs_known = UINT64_MAX;
}

static struct cpu cpu_in(enum mode mode)
{
	struct cpu cpu = { .valid = all };
	struct x86_sregs *sregs = &cpu.x86_64.sregs;
	bool is_long = mode == COMPATIBLE || mode == LONG || mode == LONG_USER;

	cpu.x86_64.regs.rflags = X86_FLAGS_FIXED | (mode == VIRTUAL_8086 ? X86_FLAGS_VM : 0);
	sregs->cr0 = mode == REAL ? 0x10 : 0x80000011;
	sregs->cr4 = is_long ? X86_CR4_PAE : 0;
	sregs->efer = is_long ? 0xd01 : 0;
	sregs->cs.l = mode == LONG || mode == LONG_USER;
	sregs->cs.db = mode == PROTECTED_32 || mode == COMPATIBLE;
	sregs->ss.dpl = mode == LONG_USER || mode == COMPATIBLE || mode == VIRTUAL_8086 ? 3 : 0;
	give_everything(&cpu.x86_64);
	return cpu;
}

static const struct target_register *find(unsigned number)
{
	const struct target_feature *feature = description_x86_64.features;

	while (number >= feature->count)
		number -= feature++->count;
	return &feature->registers[number];
}

static uint64_t value_of(const struct cpu *cpu, unsigned number)
{
	uint8_t raw[TARGET_REGISTER_MAX_BYTES] = { 0 };
	uint64_t value = 0;

	assert_int_equal(arch_x86_64.register_read(cpu, number, raw), 0);
	for (unsigned i = 0; i < find(number)->bits / 8u && i < 8; i++)
		value |= (uint64_t)raw[i] << (8 * i);
	return value;
}

static int set(struct cpu *cpu, unsigned number, uint64_t value)
{
	uint8_t raw[TARGET_REGISTER_MAX_BYTES] = { 0 };

	for (unsigned i = 0; i < 8; i++)
		raw[i] = (uint8_t)(value >> (8 * i));
	return arch_x86_64.register_write(cpu, number, raw);
}

/* ---- the description --------------------------------------------------------------------- */

static void test_description(void **context)
{
	static const struct {
		unsigned number;
		const char *name;
		unsigned bits;
	} expected[] = {
		{ 0, "rax", 64 },
		{ 1, "rbx", 64 },
		{ 2, "rcx", 64 },
		{ 3, "rdx", 64 },
		{ 6, "rbp", 64 },
		{ 7, "rsp", 64 },
		{ 8, "r8", 64 },
		{ 15, "r15", 64 },
		{ 16, "rip", 64 },
		{ 17, "eflags", 32 },
		{ 18, "cs", 32 },
		{ 19, "ss", 32 },
		{ 20, "ds", 32 },
		{ 23, "gs", 32 },
		{ 24, "st0", 80 },
		{ 31, "st7", 80 },
		{ 32, "fctrl", 32 },
		{ 34, "ftag", 32 },
		{ 35, "fiseg", 32 },
		{ 36, "fioff", 32 },
		{ 39, "fop", 32 },
		{ 40, "xmm0", 128 },
		{ 55, "xmm15", 128 },
		{ 56, "mxcsr", 32 },
		{ 57, "fs_base", 64 },
		{ 58, "gs_base", 64 },
		{ 59, "ymm0h", 128 },
		{ 74, "ymm15h", 128 },
		{ 75, "xmm16", 128 },
		{ 91, "ymm16h", 128 },
		{ 107, "k0", 64 },
		{ 115, "zmm0h", 256 },
		{ 146, "zmm31h", 256 },
		{ 147, "pkru", 32 },
		{ 148, "k_gs_base", 64 },
		{ 149, "cr0", 64 },
		{ 154, "efer", 64 },
		{ 155, "xcr0", 64 },
		{ X86_REG_ORIG_RAX, "orig_rax", 64 },
		{ X86_REG_GDTR_BASE, "gdtr_base", 64 },
		{ X86_REG_IDTR_LIMIT, "idtr_limit", 32 },
		{ X86_REG_TR_BASE, "tr_base", 64 },
		{ X86_REG_LSTAR, "lstar", 64 },
		{ X86_REG_FMASK, "fmask", 64 },
		{ X86_REG_LDTR_BASE, "ldtr_base", 64 },
		{ X86_REG_CS_LIMIT + 7, "tr_limit", 32 },
		{ X86_REG_CS_ACCESS, "cs_access", 32 },
		{ X86_REG_DR7, "dr7", 64 },
		{ X86_REG_MSRS_MORE, "cstar", 64 },
		{ X86_REG_COUNT - 1, "kvm_poll_control", 64 },
	};
	const struct target_description *description = arch_x86_64.description;
	unsigned sum = 0;

	(void)context;
	for (unsigned i = 0; i < description->feature_count; i++)
		sum += description->features[i].count;
	assert_int_equal(sum, description->register_count);
	assert_int_equal(description->bulk_count, 59);
	assert_int_equal(description->listed_count, X86_REG_CS_BASE);
	assert_int_equal(description->pc, 16);
	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_string_equal(find(expected[i].number)->name, expected[i].name);
		assert_int_equal(find(expected[i].number)->bits, expected[i].bits);
	}
	for (unsigned i = 0; i < sum; i++)
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(strcasecmp(find(i)->name, find(j)->name), 0);
}

static void test_flags_fit(void **context)
{
	(void)context;
	for (unsigned i = 0; i < X86_REG_COUNT; i++) {
		const struct target_flags *flags = find(i)->flags;

		assert_int_equal(flags != NULL, find(i)->type == TARGET_TYPE_FLAGS);
		for (unsigned j = 0; flags && j < flags->count; j++) {
			assert_true(flags->bytes * 8u == find(i)->bits);
			assert_true(flags->fields[j].end < find(i)->bits);
			assert_true(j == 0 || flags->fields[j].start > flags->fields[j - 1].end);
		}
	}
}

/* ---- reading and writing ----------------------------------------------------------------- */

/* A value that each register can take. */
static uint64_t sample(unsigned number)
{
	switch (number) {
	case X86_REG_EFLAGS:
		return 0xa46;
	case X86_REG_CR0:
		return 0xe0050033;
	case X86_REG_CR4:
		return 0x6b0;
	case X86_REG_CR8:
		return 7;
	case X86_REG_EFER:
		return 0xd00;
	case X86_REG_CR3:
		return 0x12345000;
	case X86_REG_XCR0:
		return 3;
	case X86_REG_DR7:
		return 0x1234 | X86_DR7_FIXED;
	case X86_REG_FCTRL + 2:
		return 0x5fff; /* ftag: physical registers 6 and 7 in use */
	case X86_REG_FCTRL + 7:
		return 0x5a5;
	default:
		return 0x1234 + number;
	}
}

static bool is_read_only(unsigned number)
{
	return (number >= X86_REG_CS && number < X86_REG_ST0) || number == X86_REG_LDTR ||
	       number == X86_REG_TR || (number >= X86_REG_CS_LIMIT && number < X86_REG_DR0);
}

/* Each register is one of its own, is marked dirty, and comes back as it was written. */
/* gdb writes -1 when it moves pc; anything else would be believed in vain. */
static void test_orig_rax(void **context)
{
	struct cpu cpu = cpu_in(LONG);

	(void)context;
	assert_true(value_of(&cpu, X86_REG_ORIG_RAX) == UINT64_MAX);
	assert_int_equal(set(&cpu, X86_REG_ORIG_RAX, UINT64_MAX), 0);
	assert_int_equal(set(&cpu, X86_REG_ORIG_RAX, 1), -EROFS);
	assert_int_equal(cpu.dirty, 0);
}

static void test_write_then_read(void **context)
{
	struct cpu cpu = cpu_in(LONG);

	(void)context;
	for (unsigned i = 0; i < X86_REG_COUNT; i++) {
		if (is_read_only(i) || i == X86_REG_ORIG_RAX)
			continue;
		cpu.dirty = 0;
		if (set(&cpu, i, sample(i)) != 0)
			fail_msg("%s refused", find(i)->name);
		if (i == X86_REG_FCTRL + 2)
			assert_int_equal(cpu.x86_64.fpu.ftwx, 0xc0);
		assert_int_not_equal(cpu.dirty, 0);
		assert_int_equal(cpu.dirty & ~arch_x86_64.register_groups(i), 0);
	}
	for (unsigned i = 0; i < X86_REG_COUNT; i++)
		if (!is_read_only(i) && i != X86_REG_FCTRL + 2 && i != X86_REG_ORIG_RAX &&
			value_of(&cpu, i) != sample(i))
			fail_msg("%s is 0x%llx", find(i)->name,
				(unsigned long long)value_of(&cpu, i));
}

static void test_places(void **context)
{
	struct cpu cpu = cpu_in(LONG);

	(void)context;
	cpu.x86_64.regs.rbx = 0xb1;
	cpu.x86_64.regs.rbp = 0xb2;
	cpu.x86_64.regs.rsp = 0xb3;
	cpu.x86_64.regs.rip = UINT64_C(0xffffffff81000000);
	cpu.x86_64.sregs.ss.selector = 0x18;
	cpu.x86_64.sregs.gs.base = UINT64_C(0xffff888000000000);
	cpu.x86_64.fpu.last_ip = UINT64_C(0x00007fff12345678);
	cpu.x86_64.fpu.last_opcode = 0xffff;
	cpu.x86_64.fpu.fpr[3][9] = 0x40;
	cpu.x86_64.msrs[X86_MSR_KERNEL_GS_BASE] = 0x77;
	assert_int_equal(value_of(&cpu, 1), 0xb1);
	assert_int_equal(value_of(&cpu, X86_REG_RBP), 0xb2);
	assert_int_equal(value_of(&cpu, X86_REG_RSP), 0xb3);
	assert_true(value_of(&cpu, X86_REG_RIP) == UINT64_C(0xffffffff81000000));
	assert_int_equal(value_of(&cpu, X86_REG_CS + 1), 0x18);
	assert_true(value_of(&cpu, X86_REG_GS_BASE) == UINT64_C(0xffff888000000000));
	assert_int_equal(value_of(&cpu, X86_REG_FCTRL + 3), 0x7fff);
	assert_int_equal(value_of(&cpu, X86_REG_FCTRL + 4), 0x12345678);
	assert_int_equal(value_of(&cpu, X86_REG_FCTRL + 7), 0x7ff);
	assert_int_equal(value_of(&cpu, X86_REG_K_GS_BASE), 0x77);
}

/* A 64-bit TSS that is busy, and a segment that is none. */
static void test_access(void **context)
{
	struct cpu cpu = cpu_in(LONG);

	(void)context;
	cpu.x86_64.sregs.tr = (struct x86_segment){ .type = 11, .present = 1 };
	cpu.x86_64.sregs.cs = (struct x86_segment){
		.type = 11, .present = 1, .s = 1, .dpl = 3, .l = 1, .g = 1, .avl = 1
	};
	cpu.x86_64.sregs.ldt.unusable = 1;
	assert_int_equal(value_of(&cpu, X86_REG_CS_ACCESS), 0xb0fb);
	assert_int_equal(value_of(&cpu, X86_REG_CS_ACCESS + 6), 0x10000);
	assert_int_equal(value_of(&cpu, X86_REG_CS_ACCESS + 7), 0x8b);
	assert_int_equal(set(&cpu, X86_REG_CS_ACCESS + 7, 0x8b), 0);
	assert_int_equal(set(&cpu, X86_REG_CS_ACCESS + 7, 0x89), -EROFS);
	assert_int_equal(cpu.dirty, 0);
}

/* What is not fetched is not shown as zero. */
static void test_missing(void **context)
{
	uint8_t raw[TARGET_REGISTER_MAX_BYTES] = { 0 };

	(void)context;
	for (unsigned i = 0; i < X86_REG_COUNT; i++) {
		struct cpu cpu = cpu_in(LONG);
		uint32_t groups = arch_x86_64.register_groups(i);

		assert_int_not_equal(groups, 0);
		for (uint32_t bit = 1; bit <= CPU_CPUID; bit <<= 1) {
			cpu.valid = all & ~bit;
			assert_int_equal(arch_x86_64.register_read(&cpu, i, raw),
				groups & bit ? -ENODATA : 0);
			if (groups & bit)
				assert_int_equal(
					arch_x86_64.register_write(&cpu, i, raw), -ENODATA);
		}
		assert_int_equal(cpu.dirty, 0);
	}
}

static void test_no_such_register(void **context)
{
	uint8_t raw[TARGET_REGISTER_MAX_BYTES] = { 0 };
	struct cpu cpu = cpu_in(LONG);

	(void)context;
	assert_int_equal(arch_x86_64.register_read(&cpu, X86_REG_COUNT, raw), -ENOENT);
	assert_int_equal(arch_x86_64.register_write(&cpu, ~0u, raw), -ENOENT);
	assert_int_equal(arch_x86_64.register_groups(X86_REG_COUNT), 0);
}

static const struct {
	const char *name;
	enum mode mode;
	unsigned number;
	uint64_t before, value;
	int rc;
	uint64_t after;
} writes[] = {
	{ "flags: reserved bits", LONG, X86_REG_EFLAGS, 2, 0xffc0802a, 0, 0x2 },
	{ "flags: TF, IF, RF, ID", LONG, X86_REG_EFLAGS, 2, 0x210300, 0, 0x210302 },
	{ "flags: VM on", LONG, X86_REG_EFLAGS, 2, 0x20002, -EINVAL, 2 },
	{ "flags: VM stays", VIRTUAL_8086, X86_REG_EFLAGS, 0x20002, 0x20202, 0, 0x20202 },
	{ "rip: kernel half", LONG, X86_REG_RIP, 0, UINT64_C(0xffffffff81000000), 0,
		UINT64_C(0xffffffff81000000) },
	{ "rip: not canonical", LONG, X86_REG_RIP, 5, UINT64_C(0x0000800000000000), -EINVAL, 5 },
	{ "rip: too wide", PROTECTED_32, X86_REG_RIP, 5, UINT64_C(0x100000000), -EINVAL, 5 },
	{ "rip: 32 bits", COMPATIBLE, X86_REG_RIP, 5, 0xfffffff0, 0, 0xfffffff0 },
	{ "rax: upper half stays hidden", COMPATIBLE, 0, UINT64_C(0xaaaaaaaa00000001), 7, 0, 7 },
	{ "selector: same", LONG, X86_REG_CS, 0x10, 0x10, 0, 0x10 },
	{ "selector: other", LONG, X86_REG_CS, 0x10, 0x18, -EROFS, 0x10 },
	{ "selector: too wide", LONG, X86_REG_CS, 0x10, 0x10010, -EINVAL, 0x10 },
	{ "selector: real mode", REAL, X86_REG_CS + 2, 0, 0xb800, 0, 0xb800 },
	{ "selector: virtual-8086", VIRTUAL_8086, X86_REG_CS + 3, 0, 0xb800, 0, 0xb800 },
	{ "fs_base", LONG, X86_REG_FS_BASE, 0, UINT64_C(0x7fff00000000), 0,
		UINT64_C(0x7fff00000000) },
	{ "fs_base: not canonical", LONG, X86_REG_FS_BASE, 1, UINT64_C(1) << 62, -EINVAL, 1 },
	{ "k_gs_base: not canonical", LONG, X86_REG_K_GS_BASE, 1, UINT64_C(1) << 62, -EINVAL, 1 },
	{ "mxcsr: reserved", LONG, X86_REG_MXCSR, 0x1f80, 0x10000, -EINVAL, 0x1f80 },
	{ "fctrl: too wide", LONG, X86_REG_FCTRL, 0x37f, 0x10000, -EINVAL, 0x37f },
	{ "cr0: PG without PE", PROTECTED_32, X86_REG_CR0, 0x11, 0x80000010, -EINVAL, 0x11 },
	{ "cr0: NW without CD", PROTECTED_32, X86_REG_CR0, 0x11, 0x20000011, -EINVAL, 0x11 },
	{ "cr0: 64 bits", PROTECTED_32, X86_REG_CR0, 0x11, UINT64_C(0x100000011), -EINVAL, 0x11 },
	{ "cr0: no paging in long mode", LONG, X86_REG_CR0, 0x80000011, 0x11, -EINVAL, 0x80000011 },
	{ "cr3", LONG, X86_REG_CR3, 0, 0x1000, 0, 0x1000 },
	{ "cr3: beyond 52 bits", LONG, X86_REG_CR3, 0, UINT64_C(1) << 52, -EINVAL, 0 },
	{ "cr4: no PAE in long mode", LONG, X86_REG_CR4, 0x20, 0, -EINVAL, 0x20 },
	{ "cr4: the guest's unknown bit stays", LONG, X86_REG_CR4, UINT64_C(0x100000020),
		UINT64_C(0x1000000a0), 0, UINT64_C(0x1000000a0) },
	{ "cr4: an unknown bit is not made", LONG, X86_REG_CR4, 0x20, UINT64_C(0x100000020),
		-EINVAL, 0x20 },
	{ "cr8: four bits", LONG, X86_REG_CR8, 2, 16, -EINVAL, 2 },
	{ "efer: NX off", LONG, X86_REG_EFER, 0xd01, 0x501, 0, 0x501 },
	{ "efer: LMA off", LONG, X86_REG_EFER, 0xd01, 0x101, -EINVAL, 0xd01 },
	{ "xcr0: without x87", LONG, X86_REG_XCR0, 7, 6, -EINVAL, 7 },
	{ "gdtr_base: not canonical", LONG, X86_REG_GDTR_BASE, 1, UINT64_C(1) << 62, -EINVAL, 1 },
	{ "gdtr_limit", LONG, X86_REG_GDTR_LIMIT, 1, 0xffff, 0, 0xffff },
	{ "gdtr_limit: too wide", LONG, X86_REG_GDTR_LIMIT, 1, 0x10000, -EINVAL, 1 },
	{ "idtr_limit: too wide", LONG, X86_REG_IDTR_LIMIT, 1, 0x10000, -EINVAL, 1 },
	{ "ldtr: same", LONG, X86_REG_LDTR, 8, 8, 0, 8 },
	{ "tr: other", LONG, X86_REG_TR, 8, 16, -EROFS, 8 },
	{ "tr_base: not canonical", LONG, X86_REG_TR_BASE, 1, UINT64_C(1) << 62, -EINVAL, 1 },
	{ "cs_base", REAL, X86_REG_CS_BASE, 1, 0xffff0000, 0, 0xffff0000 },
	{ "cs_base: 64 bits", LONG, X86_REG_CS_BASE, 1, UINT64_C(1) << 32, -EINVAL, 1 },
	{ "cs_base: virtual-8086", VIRTUAL_8086, X86_REG_CS_BASE, 0x10, 0x20, -EINVAL, 0x10 },
	{ "ldtr_base", LONG, X86_REG_LDTR_BASE, 1, UINT64_C(0xffff800000000000), 0,
		UINT64_C(0xffff800000000000) },
	{ "tr_limit", LONG, X86_REG_CS_LIMIT + 7, 0x67, 0x68, -EROFS, 0x67 },
	{ "dr3", LONG, X86_REG_DR0 + 3, 1, UINT64_MAX, 0, UINT64_MAX },
	{ "dr6: upper half", LONG, X86_REG_DR6, 1, UINT64_C(1) << 32, -EINVAL, 1 },
	{ "dr7: a fixed bit", LONG, X86_REG_DR7, 0x400, 2, 0, 0x402 },
	{ "dr7: upper half", LONG, X86_REG_DR7, 0x400, UINT64_C(1) << 32, -EINVAL, 0x400 },
	{ "lstar: not canonical", LONG, X86_REG_LSTAR, 1, UINT64_C(1) << 63, -EINVAL, 1 },
	{ "star: any", LONG, X86_REG_STAR, 1, UINT64_C(1) << 63, 0, UINT64_C(1) << 63 },
	{ "cstar: not canonical", LONG, X86_REG_MSRS_MORE, 1, UINT64_C(1) << 63, -EINVAL, 1 },
	{ "efer: LMA on", PROTECTED_32, X86_REG_EFER, 0, 0x400, -EINVAL, 0 },
};

static void put_raw_system(struct cpu_x86_64 *cpu, unsigned number, uint64_t value)
{
	struct x86_sregs *sregs = &cpu->sregs;

	switch (number) {
	case X86_REG_XCR0:
		cpu->xcrs.xcrs[0].value = value;
		break;
	case X86_REG_GDTR_BASE:
		sregs->gdt.base = value;
		break;
	case X86_REG_GDTR_LIMIT:
		sregs->gdt.limit = (uint16_t)value;
		break;
	case X86_REG_IDTR_LIMIT:
		sregs->idt.limit = (uint16_t)value;
		break;
	case X86_REG_LDTR:
		sregs->ldt.selector = (uint16_t)value;
		break;
	case X86_REG_TR:
		sregs->tr.selector = (uint16_t)value;
		break;
	case X86_REG_TR_BASE:
		sregs->tr.base = value;
		break;
	case X86_REG_CS_BASE:
		sregs->cs.base = value;
		break;
	case X86_REG_LDTR_BASE:
		sregs->ldt.base = value;
		break;
	case X86_REG_CS_LIMIT + 7:
		sregs->tr.limit = (uint32_t)value;
		break;
	case X86_REG_DR0 + 3:
		cpu->debugregs.db[3] = value;
		break;
	case X86_REG_DR6:
		cpu->debugregs.dr6 = value;
		break;
	case X86_REG_DR7:
		cpu->debugregs.dr7 = value;
		break;
	case X86_REG_LSTAR:
	case X86_REG_STAR:
		cpu->msrs[number - X86_REG_LSTAR] = value;
		break;
	default:
		cpu->msrs[number - X86_REG_MSRS_MORE + X86_MSR_SYSCALL_COUNT] = value;
		break;
	}
}

static void put_raw(struct cpu *cpu, unsigned number, uint64_t value)
{
	struct x86_sregs *sregs = &cpu->x86_64.sregs;
	uint64_t *const controls[] = { &sregs->cr0, &sregs->cr2, &sregs->cr3, &sregs->cr4,
		&sregs->cr8, &sregs->efer };

	if (number >= X86_REG_XCR0)
		put_raw_system(&cpu->x86_64, number, value);
	else if (number >= X86_REG_CR0)
		*controls[number - X86_REG_CR0] = value;
	else if (number == X86_REG_K_GS_BASE)
		cpu->x86_64.msrs[X86_MSR_KERNEL_GS_BASE] = value;
	else if (number == X86_REG_FS_BASE)
		sregs->fs.base = value;
	else if (number == X86_REG_MXCSR)
		cpu->x86_64.fpu.mxcsr = (uint32_t)value;
	else if (number == X86_REG_FCTRL)
		cpu->x86_64.fpu.fcw = (uint16_t)value;
	else if (number == X86_REG_CS)
		sregs->cs.selector = (uint16_t)value;
	else if (number == X86_REG_EFLAGS)
		cpu->x86_64.regs.rflags = value;
	else if (number == X86_REG_RIP)
		cpu->x86_64.regs.rip = value;
	else if (number == X86_REG_RAX)
		cpu->x86_64.regs.rax = value;
}

static void test_writes(void **context)
{
	(void)context;
	for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		struct cpu cpu = cpu_in(writes[i].mode);
		bool changes;
		int rc;

		put_raw(&cpu, writes[i].number, writes[i].before);
		changes = value_of(&cpu, writes[i].number) != writes[i].after;
		rc = set(&cpu, writes[i].number, writes[i].value);
		if (rc != writes[i].rc || value_of(&cpu, writes[i].number) != writes[i].after ||
			(cpu.dirty != 0) != changes)
			fail_msg("%s: rc %d, now 0x%llx, dirty 0x%x", writes[i].name, rc,
				(unsigned long long)value_of(&cpu, writes[i].number), cpu.dirty);
	}
}

/* ---- extended states, and what a guest lacks --------------------------------------------- */

/* Each register has bytes of its own, wherever the machine has put the components. */
static void test_extended_places(void **context)
{
	static const struct {
		unsigned number, intel, amd;
	} places[] = {
		{ X86_REG_YMM0H, 576, 576 },
		{ X86_REG_YMM0H + 15, 816, 816 },
		{ X86_REG_XMM16, 1664, 1408 },
		{ X86_REG_YMM16H + 1, 1744, 1488 },
		{ X86_REG_K0 + 7, 1144, 888 },
		{ X86_REG_ZMM0H + 15, 1632, 1376 },
		{ X86_REG_ZMM16H, 1696, 1440 },
		{ X86_REG_ZMM16H + 15, 2656, 2400 },
		{ X86_REG_PKRU, 2688, 2432 },
	};
	static const uint16_t intel_offset[X86_COMPONENTS] = { [X86_COMPONENT_AVX] = 576,
		[X86_COMPONENT_OPMASK] = 1088,
		[X86_COMPONENT_ZMM_HI256] = 1152,
		[X86_COMPONENT_HI16_ZMM] = 1664,
		[X86_COMPONENT_PKRU] = 2688 };

	(void)context;
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct cpu cpu = cpu_in(LONG);

		cpu.x86_64.xsave.area[places[i].amd] = 0x5a;
		cpu.x86_64.xsave.area[places[i].amd + find(places[i].number)->bits / 8 - 1] |= 0x80;
		assert_int_equal(value_of(&cpu, places[i].number) & 0x5a, 0x5a);
		memcpy(cpu.x86_64.xsave.offset, intel_offset, sizeof(intel_offset));
		assert_int_equal(set(&cpu, places[i].number, 0xb7), 0);
		assert_int_equal(cpu.x86_64.xsave.area[places[i].intel], 0xb7);
		assert_int_equal(cpu.dirty, CPU_FLOAT);
		assert_int_not_equal(cpu.x86_64.xsave.area[512] | cpu.x86_64.xsave.area[513], 0);
	}
}

static bool has(const struct cpu *cpu, unsigned feature, unsigned number)
{
	struct target_register reg = { .bits = 0 };

	return arch_x86_64.feature(cpu, feature) && arch_x86_64.has_register(cpu, number, &reg);
}

static void test_absent(void **context)
{
	struct cpu cpu = cpu_in(LONG);

	(void)context;
	assert_true(has(&cpu, X86_FEATURE_AVX, X86_REG_YMM0H));
	assert_true(has(&cpu, X86_FEATURE_AVX512, X86_REG_ZMM16H + 15));
	assert_true(has(&cpu, X86_FEATURE_PKEYS, X86_REG_PKRU));
	cpu.x86_64.components = 0x267; /* a guest with AVX and half of AVX-512 */
	assert_true(has(&cpu, X86_FEATURE_AVX, X86_REG_YMM0H));
	assert_false(has(&cpu, X86_FEATURE_AVX512, X86_REG_K0));
	cpu.x86_64.components = 0x3;
	assert_false(has(&cpu, X86_FEATURE_AVX, X86_REG_YMM0H));
	assert_false(has(&cpu, X86_FEATURE_PKEYS, X86_REG_PKRU));
	assert_true(has(&cpu, 0, X86_REG_XMM0));
	give_everything(&cpu.x86_64);
	cpu.valid &= ~(uint32_t)CPU_CPUID; /* KVM does not say what the guest has */
	assert_false(has(&cpu, X86_FEATURE_AVX, X86_REG_YMM0H));
	cpu.valid = all & ~(uint32_t)CPU_XSAVE; /* ... or not what is in it */
	assert_false(has(&cpu, X86_FEATURE_AVX, X86_REG_YMM0H));
	cpu.valid = all;
	cpu.x86_64.xsave.offset[X86_COMPONENT_PKRU] = 4094; /* not whole */
	assert_false(has(&cpu, X86_FEATURE_PKEYS, X86_REG_PKRU));
}

static void test_absent_system_registers(void **context)
{
	uint8_t raw[TARGET_REGISTER_MAX_BYTES] = { 0 };
	struct cpu cpu = cpu_in(LONG);
	unsigned system = X86_FEATURE_PKEYS + 1;

	(void)context;
	cpu.x86_64.xcrs.xcrs[0].xcr = 1;
	assert_false(has(&cpu, system, X86_REG_XCR0));
	cpu.x86_64.xcrs.nr_xcrs = UINT32_MAX; /* a number that is not true */
	assert_true(has(&cpu, system, X86_REG_XCR0));
	cpu.x86_64.xcrs.nr_xcrs = 0;
	assert_int_equal(arch_x86_64.register_read(&cpu, X86_REG_XCR0, raw), -ENODATA);
	assert_int_equal(arch_x86_64.register_write(&cpu, X86_REG_XCR0, raw), -ENODATA);
	cpu.x86_64.msrs_known = UINT64_MAX & ~(UINT64_C(1) << X86_MSR_XSS);
	for (unsigned i = X86_MSR_SYSCALL_COUNT; i < X86_MSR_COUNT; i++) {
		unsigned number = X86_REG_MSRS_MORE + i - X86_MSR_SYSCALL_COUNT;

		assert_int_equal(has(&cpu, system + 4, number), i != X86_MSR_XSS);
		assert_int_equal(arch_x86_64.register_read(&cpu, number, raw),
			i != X86_MSR_XSS ? 0 : -ENODATA);
	}
	cpu.valid &= ~(uint32_t)(CPU_MSRS_MORE | CPU_MSRS);
	assert_false(has(&cpu, system + 4, X86_REG_MSRS_MORE));
	assert_true(has(&cpu, system + 1, X86_REG_LSTAR)); /* it is, though it cannot be read now */
	assert_int_equal(arch_x86_64.register_read(&cpu, X86_REG_LSTAR, raw), -ENODATA);
}

static void test_real_selector_has_base(void **context)
{
	struct cpu cpu = cpu_in(REAL);

	(void)context;
	assert_int_equal(set(&cpu, X86_REG_CS + 2, 0xb800), 0);
	assert_int_equal(cpu.x86_64.sregs.ds.base, 0xb8000);
	assert_int_equal(cpu.dirty, CPU_SYSTEM);
}

static void test_hidden_half_survives(void **context)
{
	struct cpu cpu = cpu_in(COMPATIBLE);

	(void)context;
	cpu.x86_64.regs.rdi = UINT64_C(0xaaaaaaaabbbbbbbb);
	cpu.x86_64.regs.r8 = UINT64_C(0xccccccccdddddddd);
	assert_true(value_of(&cpu, 5) == 0xbbbbbbbb);
	assert_true(value_of(&cpu, 8) == UINT64_C(0xccccccccdddddddd));
	assert_int_equal(set(&cpu, 5, 1), 0);
	assert_true(cpu.x86_64.regs.rdi == UINT64_C(0xaaaaaaaa00000001));
}

/* ---- the tag word ------------------------------------------------------------------------ */

static void test_tag_word(void **context)
{
	static const struct {
		const char *name;
		uint8_t st[10];
		unsigned tag;
	} contents[] = {
		{ "1.0", { 0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f }, 0 },
		{ "-1.5", { 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xbf }, 0 },
		{ "0.0", { 0 }, 1 },
		{ "-0.0", { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80 }, 1 },
		{ "infinity", { 0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f }, 2 },
		{ "NaN", { 1, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0x7f }, 2 },
		{ "denormal", { 1 }, 2 },
		{ "unnormal", { 0, 0, 0, 0, 0, 0, 0, 0x40, 0xff, 0x3f }, 2 },
	};

	(void)context;
	for (unsigned i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		for (unsigned top = 0; top < 8; top++) {
			struct cpu cpu = cpu_in(LONG);
			unsigned physical = (top + 2) & 7; /* ST(2) */
			unsigned expected = 0xffff & ~(3u << (2 * physical));

			cpu.x86_64.fpu.fsw = (uint16_t)(top << 11);
			cpu.x86_64.fpu.ftwx = (uint8_t)(1u << physical);
			memcpy(cpu.x86_64.fpu.fpr[2], contents[i].st, 10);
			expected |= contents[i].tag << (2 * physical);
			if (value_of(&cpu, X86_REG_FCTRL + 2) != expected)
				fail_msg("%s, top %u: 0x%llx", contents[i].name, top,
					(unsigned long long)value_of(&cpu, X86_REG_FCTRL + 2));
		}
	}
}

/* ---- modes ------------------------------------------------------------------------------- */

static void test_pc(void **context)
{
	static const struct {
		enum mode mode;
		uint64_t base, rip;
		gva_t pc;
	} cases[] = {
		{ REAL, 0xffff0000, 0xfff0, 0xfffffff0 },
		{ REAL, 0x7c00, 0x10, 0x7c10 },
		{ PROTECTED_32, 0x1000, 0xfffff000, 0 },
		{ PROTECTED_16, 0x20000, 0x100, 0x20100 },
		{ COMPATIBLE, 0, 0x8048000, 0x8048000 },
		{ LONG, 0x5000, UINT64_C(0xffffffff81000000), UINT64_C(0xffffffff81000000) },
		{ VIRTUAL_8086, 0x12340, 0x5, 0x12345 },
	};

	(void)context;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cpu cpu = cpu_in(cases[i].mode);

		cpu.x86_64.sregs.cs.base = cases[i].base;
		cpu.x86_64.regs.rip = cases[i].rip;
		assert_true(arch_x86_64.pc(&cpu) == cases[i].pc);
		cpu.x86_64.regs.rip = 0;
		arch_x86_64.pc_set(&cpu, cases[i].pc);
		assert_true(cpu.x86_64.regs.rip == cases[i].rip);
		assert_int_equal(cpu.dirty, CPU_GENERAL);
	}
}

static void test_describe(void **context)
{
	static const struct {
		enum mode mode;
		uint32_t mp_state, missing;
		const char *text;
	} cases[] = {
		{ LONG, X86_MP_RUNNABLE, 0, "in kernel mode, 64-bit" },
		{ LONG, X86_MP_HALTED, 0, "halted, in kernel mode, 64-bit" },
		{ LONG_USER, X86_MP_RUNNABLE, 0, "in user mode, 64-bit" },
		{ LONG_USER, X86_MP_HALTED, CPU_MP, "in user mode, 64-bit" },
		{ COMPATIBLE, X86_MP_RUNNABLE, 0, "in user mode, 32-bit, compatible" },
		{ PROTECTED_32, X86_MP_RUNNABLE, 0, "in kernel mode, 32-bit" },
		{ PROTECTED_16, X86_MP_RUNNABLE, 0, "in kernel mode, 16-bit" },
		{ REAL, X86_MP_RUNNABLE, 0, "in real mode, 16-bit" },
		{ VIRTUAL_8086, X86_MP_RUNNABLE, 0, "in virtual-8086 mode, 16-bit" },
		{ REAL, X86_MP_UNINITIALIZED, 0, "waiting for INIT" },
		{ REAL, X86_MP_INIT_RECEIVED, 0, "waiting for SIPI" },
		{ LONG, X86_MP_HALTED, CPU_GENERAL, "halted" },
		{ LONG, 99, 0, "in kernel mode, 64-bit" },
	};

	(void)context;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cpu cpu = cpu_in(cases[i].mode);
		char text[64], small[5];

		cpu.x86_64.mp_state = cases[i].mp_state;
		cpu.valid &= ~cases[i].missing;
		arch_x86_64.describe(&cpu, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
		arch_x86_64.describe(&cpu, small, sizeof(small));
		assert_int_equal(strlen(small), 4);
	}
}

/* In SMM CPL and CR0 say nothing; where the events are not fetched, nothing says that it is SMM. */
static void test_describe_smm(void **context)
{
	struct cpu cpu = cpu_in(REAL);
	char text[64];

	(void)context;
	cpu.x86_64.events.smi.smm = 1;
	arch_x86_64.describe(&cpu, text, sizeof(text));
	assert_string_equal(text, "in system management mode, 16-bit");
	cpu.valid &= ~(uint32_t)CPU_EVENTS;
	arch_x86_64.describe(&cpu, text, sizeof(text));
	assert_string_equal(text, "in real mode, 16-bit");
}

/* The debugger's pc is an address where it is told linear addresses, and an offset where not. */
static void test_linear_pc(void **context)
{
	static const struct {
		enum mode mode;
		uint64_t base, rip, linear;
	} cases[] = {
		{ REAL, 0xffff0000, 0xfff0, 0xfffffff0 },
		{ REAL, 0x7c00, 0x10, 0x7c10 },
		{ PROTECTED_32, 0x1000, 0xfffff000, 0 },
		{ COMPATIBLE, 0, 0x8048000, 0x8048000 },
		{ LONG, 0x5000, UINT64_C(0xffffffff81000000), UINT64_C(0xffffffff81000000) },
		{ VIRTUAL_8086, 0x12340, 0x5, 0x12345 },
	};

	(void)context;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cpu cpu = cpu_in(cases[i].mode);

		cpu.x86_64.sregs.cs.base = cases[i].base;
		cpu.x86_64.regs.rip = cases[i].rip;
		assert_true(value_of(&cpu, X86_REG_RIP) == cases[i].rip);
		cpu.linear_pc = true;
		assert_true(value_of(&cpu, X86_REG_RIP) == cases[i].linear);
		assert_int_equal(set(&cpu, X86_REG_RIP, cases[i].linear), 0);
		assert_true(cpu.x86_64.regs.rip == cases[i].rip);
		assert_int_equal(set(&cpu, X86_REG_RIP, cases[i].linear ^ 2), 0);
		assert_true(arch_x86_64.pc(&cpu) == (cases[i].linear ^ 2));
		assert_int_equal(cpu.dirty, CPU_GENERAL);
	}
}

/* Each register of a view is the one of that name, or the lower half of it. */
static void test_views(void **context)
{
	(void)context;
	for (unsigned i = 0; i < X86_VIEW_COUNT; i++) {
		const struct arch_view *view = &arch_x86_64.views[i];
		const uint16_t *own = view->own;
		unsigned first = 0;

		for (unsigned f = 0; f < view->feature_count; f++)
			for (unsigned n = 0; n < view->features[f].count; n++, own++) {
				const struct target_register *reg = &view->features[f].registers[n];
				const struct target_register *is = find(*own);

				assert_string_equal(
					reg->name + (*reg->name == 'e' && reg->bits == 32 &&
							    *is->name == 'r'),
					is->name + (*reg->name == 'e' && *is->name == 'r'));
				assert_true(reg->bits <= is->bits);
			}
		for (unsigned f = 0; f < view->replaces; f++)
			first += arch_x86_64.description->features[f].count;
		assert_int_equal(first, X86_REG_K_GS_BASE);
	}
}

static void test_view_fitting(void **context)
{
	static const struct {
		enum mode mode;
		int view;
	} cases[] = {
		{ REAL, X86_VIEW_I8086 },
		{ VIRTUAL_8086, X86_VIEW_I8086 },
		{ PROTECTED_16, X86_VIEW_I8086 },
		{ PROTECTED_32, X86_VIEW_I386 },
		{ COMPATIBLE, X86_VIEW_I386 },
		{ LONG, -1 },
		{ LONG_USER, -1 },
	};

	(void)context;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cpu cpu = cpu_in(cases[i].mode);

		assert_int_equal(arch_x86_64.view_fitting(&cpu), cases[i].view);
	}
}

static void test_address_space(void **context)
{
	struct cpu cpu = cpu_in(LONG);

	(void)context;
	cpu.x86_64.sregs.cr3 = UINT64_C(0x4000000012345803);
	assert_true(arch_x86_64.address_space(&cpu, 0) == 0x12345000);
	cpu = cpu_in(PROTECTED_32);
	cpu.x86_64.sregs.cr4 = X86_CR4_PAE;
	cpu.x86_64.sregs.cr3 = 0x12345678;
	assert_true(arch_x86_64.address_space(&cpu, 0) == 0x12345660);
	cpu.x86_64.sregs.cr0 = 0x11;
	assert_true(arch_x86_64.address_space(&cpu, 0) == 0);
}

static void test_limitations_have_words(void **context)
{
	(void)context;
	for (unsigned bit = 0; bit < 7; bit++)
		assert_string_not_equal(
			limitation_text((enum limitation)(1u << bit)), limitation_text(0));
}

static void test_parse_numbered(void **context)
{
	static const struct {
		const char *text;
		uint32_t number;
	} good[] = {
		{ "0xc0000082", 0xc0000082 },
		{ "0", 0 },
		{ "416", 416 },
		{ "0xffffffff", 0xffffffff },
	};
	static const char *const bad[] = { "", "lstar", "0x", "0x100000000",
		"99999999999999999999999", "-1", "+1", " 1", "1 ", "1q", "0xg" };
	uint32_t number;

	(void)context;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(arch_x86_64.parse_numbered(good[i].text, &number), 0);
		assert_int_equal(number, good[i].number);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(arch_x86_64.parse_numbered(bad[i], &number), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_numbered),
		cmocka_unit_test(test_description),
		cmocka_unit_test(test_flags_fit),
		cmocka_unit_test(test_orig_rax),
		cmocka_unit_test(test_write_then_read),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_no_such_register),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_extended_places),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_absent_system_registers),
		cmocka_unit_test(test_real_selector_has_base),
		cmocka_unit_test(test_hidden_half_survives),
		cmocka_unit_test(test_tag_word),
		cmocka_unit_test(test_pc),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_describe_smm),
		cmocka_unit_test(test_linear_pc),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_view_fitting),
		cmocka_unit_test(test_address_space),
		cmocka_unit_test(test_limitations_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
