/* SPDX-License-Identifier: Apache-2.0 */
/* The registers an arm64 debugger sees: the description, where values live, what may be written. */
#include "kvm/paging_arm64.h"
#include "kvm/register_set.h"
#include "tests/unit/arm64_fixture.h"

static const struct target_register *find(const char *name, unsigned *number)
{
	const struct target_description *description = arch_arm64.description;

	*number = 0;
	for (unsigned f = 0; f < description->feature_count; f++) {
		const struct target_feature *feature = &description->features[f];

		for (unsigned i = 0; i < feature->count; i++, (*number)++) {
			if (!strcmp(feature->registers[i].name, name))
				return &feature->registers[i];
		}
	}
	fail_msg("no register %s", name);
	return NULL;
}

static unsigned number_of(const char *name)
{
	unsigned number;

	find(name, &number);
	return number;
}

static uint64_t read_register(const struct cpu *cpu, const char *name)
{
	uint64_t value[TARGET_REGISTER_MAX_BYTES / 8] = { 0 };

	assert_int_equal(arch_arm64.register_read(cpu, number_of(name), value), 0);
	return value[0];
}

static int write_register(struct cpu *cpu, const char *name, uint64_t value)
{
	uint64_t wide[TARGET_REGISTER_MAX_BYTES / 8] = { value };

	return arch_arm64.register_write(cpu, number_of(name), wide);
}

static void test_description(void **state)
{
	static const struct {
		const char *name;
		unsigned number, bits;
	} rows[] = {
		{ "x0", 0, 64 },
		{ "x30", 30, 64 },
		{ "sp", 31, 64 },
		{ "pc", 32, 64 },
		{ "cpsr", 33, 32 },
		{ "v0", 34, 128 },
		{ "v31", 65, 128 },
		{ "fpsr", 66, 32 },
		{ "fpcr", 67, 32 },
	};
	const struct target_description *description = arch_arm64.description;
	unsigned total = 0, number;

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		assert_int_equal(find(rows[i].name, &number)->bits, rows[i].bits);
		assert_int_equal(number, rows[i].number);
	}
	for (unsigned f = 0; f < description->feature_count; f++)
		total += description->features[f].count;
	assert_int_equal(description->register_count, total);
	assert_int_equal(description->bulk_count, 68);
	assert_true(description->register_count <= REGISTER_SET_MAX_REGISTERS);
	assert_int_equal(description->pc, 32);
	assert_int_equal(description->expedited_count, 4);
	assert_string_equal(arch_arm64.name, "aarch64");
}

/* Names are unique, and what belongs to the system is never saved around a debugger's call. */
static void test_description_is_sound(void **state)
{
	const struct target_description *description = arch_arm64.description;
	unsigned number = 0, found;

	(void)state;
	for (unsigned f = 0; f < description->feature_count; f++) {
		const struct target_feature *feature = &description->features[f];

		for (unsigned i = 0; i < feature->count; i++, number++) {
			const struct target_register *reg = &feature->registers[i];
			bool is_status = !strcmp(reg->name, "fpsr") || !strcmp(reg->name, "fpcr");

			find(reg->name, &found);
			if (!is_status) /* in two features, of which a vCPU has one */
				assert_int_equal(found, number);
			assert_int_equal(reg->no_save,
				!strcmp(reg->group, "system") || !strcmp(reg->name, "vg"));
			assert_int_not_equal(arch_arm64.register_groups(number), 0);
		}
	}
	assert_int_equal(arch_arm64.register_groups(number), 0);
}

static void test_sysreg_table(void **state)
{
	static const struct {
		enum arm64_sysreg sysreg;
		const char *name;
		unsigned encoding;
	} rows[] = {
		{ ARM64_SCTLR_EL1, "SCTLR_EL1", 0xc080 },
		{ ARM64_TCR_EL1, "TCR_EL1", 0xc102 },
		{ ARM64_TTBR1_EL1, "TTBR1_EL1", 0xc101 },
		{ ARM64_VBAR_EL1, "VBAR_EL1", 0xc600 },
		{ ARM64_ESR_EL1, "ESR_EL1", 0xc290 },
		{ ARM64_FAR_EL1, "FAR_EL1", 0xc300 },
		{ ARM64_HCR_EL2, "HCR_EL2", 0xe088 },
		{ ARM64_MDCR_EL2, "MDCR_EL2", 0xe089 },
		{ ARM64_CONTEXTIDR_EL1, "CONTEXTIDR_EL1", 0xc681 },
		{ ARM64_ID_AA64DFR0_EL1, "ID_AA64DFR0_EL1", 0xc028 },
		{ ARM64_ID_AA64PFR1_EL1, "ID_AA64PFR1_EL1", 0xc021 },
		{ ARM64_TPIDR_EL0, "TPIDR_EL0", 0xde82 },
		{ ARM64_APIAKeyLo_EL1, "APIAKeyLo_EL1", 0xc108 },
		{ ARM64_PMEVCNTR30_EL0, "PMEVCNTR30_EL0", 0xdf5e },
		{ ARM64_SP_EL2, "SP_EL2", 0xf208 },
		/* KVM_REG_ARM_TIMER_CVAL and _CNT: not what their names have in the manual. */
		{ ARM64_CNTV_CVAL_EL0, "CNTV_CVAL_EL0", 0xdf02 },
		{ ARM64_CNTVCT_EL0, "CNTVCT_EL0", 0xdf1a },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		const struct arm64_sysreg_info *info = &arm64_sysregs[rows[i].sysreg];

		assert_string_equal(info->name, rows[i].name);
		assert_int_equal(info->encoding, rows[i].encoding);
		assert_int_equal(number_of(info->name), ARM64_NUMBER_SYSREGS + rows[i].sysreg);
	}
	assert_true(ARM64_VBAR_EL1 < ARM64_SYSREG_STOP);
}

/* No name and no encoding twice; nothing that is not a system register. */
static void test_sysreg_table_is_sound(void **state)
{
	(void)state;
	for (unsigned n = 0; n < ARM64_SYSREG_COUNT; n++) {
		assert_true(arm64_sysregs[n].encoding >> 14 >= 2);
		for (unsigned i = 0; i < n; i++) {
			assert_int_not_equal(arm64_sysregs[i].encoding, arm64_sysregs[n].encoding);
			assert_string_not_equal(arm64_sysregs[i].name, arm64_sysregs[n].name);
		}
	}
}

static void test_groups(void **state)
{
	static const struct {
		const char *name;
		uint32_t group;
	} rows[] = {
		{ "x7", CPU_GENERAL },
		{ "sp", CPU_GENERAL },
		{ "cpsr", CPU_GENERAL },
		{ "v3", CPU_FLOAT },
		{ "fpcr", CPU_FLOAT },
		{ "z3", CPU_FLOAT },
		{ "ffr", CPU_FLOAT },
		{ "vg", CPU_FLOAT },
		{ "tpidr", CPU_MSRS },
		{ "pauth_cmask", CPU_SYSTEM },
		{ "DBGWCR15_EL1", CPU_DEBUG },
		{ "CNTVCT_EL0", CPU_MSRS },
		{ "SP_EL0", CPU_GENERAL },
		{ "MDSCR_EL1", CPU_DEBUG },
		{ "OSLSR_EL1", CPU_DEBUG },
		{ "TCR_EL1", CPU_SYSTEM },
		{ "FAR_EL1", CPU_SYSTEM },
		{ "MAIR_EL1", CPU_MSRS },
		{ "MPIDR_EL1", CPU_MSRS },
		{ "ELR_EL1", CPU_GENERAL },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++)
		assert_int_equal(
			arch_arm64.register_groups(number_of(rows[i].name)), rows[i].group);
}

/* gdb's sp is the one that the code at pc uses. */
static void test_stack_pointer(void **state)
{
	static const struct {
		uint64_t pstate;
		uint64_t sp;
	} rows[] = { { MODE_EL0T, 100 }, { MODE_EL1T, 100 }, { MODE_EL1H, 200 },
		{ MODE_USER_32, 100 } };

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(rows[i].pstate);

		cpu.arm64.regs.sp_el0 = 100;
		cpu.arm64.regs.sp_el1 = 200;
		assert_int_equal(read_register(&cpu, "sp"), rows[i].sp);
		assert_int_equal(write_register(&cpu, "sp", 300), 0);
		assert_int_equal(read_register(&cpu, "sp"), 300);
		assert_int_equal(cpu.arm64.regs.sp_el0, rows[i].sp == 100 ? 300 : 100);
		assert_int_equal(read_register(&cpu, "SP_EL0"), cpu.arm64.regs.sp_el0);
		assert_int_equal(read_register(&cpu, "SP_EL1"), cpu.arm64.regs.sp_el1);
	}
}

static void test_stack_pointer_of_el2_is_not_known(void **state)
{
	struct cpu cpu = fixture_cpu(0x9);
	uint64_t value = 42;

	(void)state;
	assert_int_equal(arch_arm64.register_read(&cpu, ARM64_NUMBER_SP, &value), -ENODATA);
	assert_int_equal(value, 42);
	assert_int_equal(write_register(&cpu, "sp", 1), -ENODATA);
}

static void test_what_is_missing_is_no_data(void **state)
{
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	uint64_t value[4];

	(void)state;
	/* The group has not come. */
	assert_int_equal(arch_arm64.register_read(&cpu, number_of("v0"), value), -ENODATA);
	assert_int_equal(write_register(&cpu, "v0", 1), -ENODATA);
	/* The group has, this register has not. */
	assert_int_equal(arch_arm64.register_read(&cpu, number_of("HCR_EL2"), value), -ENODATA);
	assert_int_equal(write_register(&cpu, "TCR_EL1", 1), -ENODATA);
	assert_int_equal(arch_arm64.register_read(&cpu, ARM64_NUMBER_COUNT, value), -ENOENT);
	assert_int_equal(arch_arm64.register_write(&cpu, ARM64_NUMBER_COUNT, value), -ENOENT);
	assert_int_equal(cpu.dirty, 0);
}

static void test_identity_is_read_only(void **state)
{
	static const char *const names[] = { "MIDR_EL1", "MPIDR_EL1", "ID_AA64PFR0_EL1",
		"ID_AA64DFR0_EL1", "CTR_EL0", "OSLSR_EL1", "HCR_EL2", "vg", "pauth_dmask",
		"pauth_cmask_high", "CNTVCT_EL0" };

	(void)state;
	for (size_t i = 0; i < ENTRIES(names); i++) {
		struct cpu cpu = fixture_cpu(MODE_EL1H);

		cpu.valid = ~0u;
		memset(cpu.arm64.sysregs_valid, 0xff, sizeof(cpu.arm64.sysregs_valid));
		assert_int_equal(write_register(&cpu, names[i], 1), -EROFS);
		assert_int_equal(cpu.dirty, 0);
	}
}

/* One or two (0: none) and no others; 0 itself is never written here. */
static void assert_dirty(const struct cpu *cpu, unsigned first, unsigned second)
{
	for (unsigned n = 0; n < ARM64_SYSREG_COUNT; n++)
		assert_int_equal(
			bitmap_has(cpu->arm64.sysregs_dirty, n), n == first || (n == second && n));
}

static void test_writes_are_marked(void **state)
{
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	uint8_t v[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 }, back[16];

	(void)state;
	cpu.valid |= CPU_FLOAT | CPU_MSRS;
	fixture_set(&cpu, ARM64_TPIDR_EL0, 5);
	assert_int_equal(write_register(&cpu, "x3", 77), 0);
	assert_int_equal(cpu.dirty, CPU_GENERAL);
	assert_int_equal(cpu.arm64.regs.x[3], 77);
	assert_int_equal(write_register(&cpu, "VBAR_EL1", 0x800), 0);
	assert_int_equal(cpu.dirty, CPU_GENERAL | CPU_SYSTEM);
	assert_dirty(&cpu, ARM64_VBAR_EL1, 0);
	assert_int_equal(write_register(&cpu, "TPIDR_EL0", 6), 0);
	assert_dirty(&cpu, ARM64_VBAR_EL1, ARM64_TPIDR_EL0);
	assert_int_equal(write_register(&cpu, "tpidr", 7), 0);
	assert_int_equal(read_register(&cpu, "TPIDR_EL0"), 7);
	assert_dirty(&cpu, ARM64_VBAR_EL1, ARM64_TPIDR_EL0);
	assert_int_equal(arch_arm64.register_write(&cpu, number_of("v5"), v), 0);
	assert_int_equal(arch_arm64.register_read(&cpu, number_of("v5"), back), 0);
	assert_memory_equal(back, v, sizeof(v));
	assert_int_equal(write_register(&cpu, "fpcr", 0x3000000), 0);
	assert_int_equal(cpu.arm64.fp_dirty, BIT(5) | BIT(ARM64_FP_FPCR));
	assert_int_equal(cpu.arm64.fp.fpcr, 0x3000000);
	assert_int_equal(write_register(&cpu, "MDSCR_EL1", 0x8000), 0);
	assert_int_equal(cpu.dirty, CPU_GENERAL | CPU_SYSTEM | CPU_FLOAT | CPU_MSRS | CPU_DEBUG);
	assert_int_equal(write_register(&cpu, "DBGBVR2_EL1", 0x1000), 0);
	assert_int_equal(cpu.arm64.debugregs.bvr[2], 0x1000);
	assert_int_equal(write_register(&cpu, "DBGWCR15_EL1", 0x18), 0);
	assert_int_equal(cpu.arm64.debugregs.wcr[15], 0x18);
	assert_int_equal(write_register(&cpu, "pc", 0x4000), 0);
	assert_int_equal(arch_arm64.pc(&cpu), 0x4000);
}

static struct cpu sve_cpu(uint64_t vg)
{
	struct cpu cpu = fixture_cpu(MODE_EL1H);

	cpu.valid |= CPU_FLOAT;
	cpu.arm64.fp_form = ARM64_FP_Z;
	cpu.arm64.vg = vg;
	for (unsigned n = 0; n < 32; n++)
		memset(cpu.arm64.fp.z[n], (int)n + 1, ARM64_Z_BYTES);
	for (unsigned n = 0; n < 16; n++)
		memset(cpu.arm64.fp.p[n], (int)n + 0x81, ARM64_P_BYTES);
	memset(cpu.arm64.fp.ffr, 0xff, ARM64_P_BYTES);
	return cpu;
}

/* Whole, as KVM gives them whatever the length: what is not told to the debugger is 0. */
static void test_vectors(void **state)
{
	struct cpu cpu = sve_cpu(4);
	uint8_t value[TARGET_REGISTER_MAX_BYTES + 1], wanted[sizeof(value)];

	(void)state;
	memset(value, 0xee, sizeof(value));
	memset(wanted, 4, sizeof(wanted));
	wanted[TARGET_REGISTER_MAX_BYTES] = 0xee;
	assert_int_equal(arch_arm64.register_read(&cpu, number_of("z3"), value), 0);
	assert_memory_equal(value, wanted, sizeof(value));
	memset(value, 0xdd, sizeof(value));
	assert_int_equal(arch_arm64.register_write(&cpu, number_of("z31"), value), 0);
	assert_memory_equal(cpu.arm64.fp.z[31], value, ARM64_Z_BYTES);
	assert_int_equal(cpu.arm64.fp.p[0][0], 0x81);
	assert_int_equal(cpu.arm64.fp_dirty, BIT(31));
	assert_int_equal(read_register(&cpu, "vg"), 4);
}

static void test_predicates(void **state)
{
	struct cpu cpu = sve_cpu(4);
	uint8_t value[ARM64_P_BYTES + 1], wanted[sizeof(value)];

	(void)state;
	memset(value, 0xee, sizeof(value));
	memset(wanted, 0x90, sizeof(wanted));
	wanted[ARM64_P_BYTES] = 0xee;
	assert_int_equal(arch_arm64.register_read(&cpu, number_of("p15"), value), 0);
	assert_memory_equal(value, wanted, sizeof(value));
	memset(wanted, 0xff, ARM64_P_BYTES);
	assert_int_equal(arch_arm64.register_read(&cpu, number_of("ffr"), value), 0);
	assert_memory_equal(value, wanted, sizeof(value));
	assert_int_equal(write_register(&cpu, "p0", 0x12345678), 0);
	assert_memory_equal(cpu.arm64.fp.p[0], "\x78\x56\x34\x12\0", 5);
	assert_int_equal(cpu.arm64.fp.p[1][0], 0x82);
	assert_int_equal(write_register(&cpu, "ffr", 1), 0);
	assert_memory_equal(cpu.arm64.fp.ffr, "\x01\0\0\0\0", 5);
	assert_int_equal(cpu.arm64.fp_dirty, BIT(ARM64_FP_P) | BIT(ARM64_FP_FFR));
}

/* The two forms share fpsr and fpcr, and v is the start of z. */
static void test_both_forms(void **state)
{
	struct cpu cpu = sve_cpu(8);
	uint32_t fpcr = 0x1000000;
	uint8_t v[16];

	(void)state;
	assert_int_equal(arch_arm64.register_write(&cpu, ARM64_NUMBER_SVE_FPCR, &fpcr), 0);
	assert_int_equal(cpu.arm64.fp.fpcr, fpcr);
	assert_int_equal(cpu.arm64.fp_dirty, BIT(ARM64_FP_FPCR));
	assert_int_equal(arch_arm64.register_read(&cpu, ARM64_NUMBER_V + 6, v), 0);
	assert_memory_equal(v, cpu.arm64.fp.z[6], sizeof(v));
}

static void test_cpsr(void **state)
{
	static const struct {
		uint64_t before;
		uint32_t value;
		int rc;
	} rows[] = {
		{ 0x3c5, 0x60000005, 0 }, { 0x3c5, 0x600003c4, 0 },
		{ 0x3c5, 0xf3f00000, 0 },  /* to EL0, every flag */
		{ 0x3c5, 0x3c9, -EINVAL }, /* EL2 */
		{ 0x3c5, 0x10, -EINVAL },  /* AArch32 */
		{ 0x3c5, 0x1, -EINVAL },   /* reserved */
		{ 0x10, 0x600f0030, 0 },   /* stays in AArch32 user mode: T32 */
		{ 0x10, 0x5, -EINVAL }, { 0x10, 0x13, -EINVAL }, /* AArch32 supervisor */
		{ 0x3c9, 0x600003c9, 0 },                        /* stays in EL2 */
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(rows[i].before | BIT(40));
		uint64_t after = rows[i].rc ? rows[i].before : rows[i].value;

		if (write_register(&cpu, "cpsr", rows[i].value) != rows[i].rc)
			fail_msg("cpsr = %x", rows[i].value);
		/* What is above 32 bits is not the debugger's. */
		assert_true(cpu.arm64.regs.pstate == (after | BIT(40)));
		assert_int_equal(read_register(&cpu, "cpsr"), after);
		assert_int_equal(cpu.dirty, rows[i].rc ? 0 : CPU_GENERAL);
	}
}

static void test_describe(void **state)
{
	static const struct {
		uint32_t valid, mp_state;
		uint64_t pstate;
		const char *text;
	} rows[] = {
		{ CPU_GENERAL | CPU_MP, 0, MODE_EL0T, "in user mode, EL0" },
		{ CPU_GENERAL | CPU_MP, 0, MODE_EL1H, "in kernel mode, EL1h" },
		{ CPU_GENERAL | CPU_MP, 0, MODE_EL1T, "in kernel mode, EL1t" },
		{ CPU_GENERAL | CPU_MP, 0, MODE_USER_32, "in user mode, EL0, AArch32" },
		{ CPU_GENERAL, 0, 0x13, "in kernel mode, EL1, AArch32" },
		{ CPU_GENERAL, 0, 0x9, "in hypervisor mode, EL2h" },
		{ CPU_GENERAL, 0, 0x8, "in hypervisor mode, EL2t" },
		{ CPU_GENERAL | CPU_MP, 5, MODE_EL1H, "waiting (PSCI off)" },
		{ CPU_GENERAL | CPU_MP, 10, MODE_EL1H, "suspended (PSCI)" },
		{ CPU_GENERAL, 5, MODE_EL1H, "in kernel mode, EL1h" },
		{ 0, 0, 0, "state unknown" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(rows[i].pstate);

		cpu.valid = rows[i].valid;
		cpu.arm64.mp_state = rows[i].mp_state;
		arch_arm64.describe(&cpu, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

static void test_address_space(void **state)
{
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	uint64_t low = 0x400000, high = UINT64_C(0xffff800008000000);

	(void)state;
	fixture_set(&cpu, ARM64_TTBR0_EL1, UINT64_C(0x0042000041234001)); /* ASID, CnP */
	fixture_set(&cpu, ARM64_TTBR1_EL1, UINT64_C(0x0042000040aaa001));
	assert_true(arch_arm64.address_space(&cpu, low) == arch_arm64.address_space(&cpu, high));
	fixture_set(&cpu, ARM64_SCTLR_EL1, BIT(23) | 1);
	assert_int_equal(arch_arm64.address_space(&cpu, low), 0x41234000);
	assert_int_equal(arch_arm64.address_space(&cpu, high), 0x40aaa000);
	/* The kernel's half is the same whichever process runs. */
	fixture_set(&cpu, ARM64_TTBR1_EL1, UINT64_C(0x0043000040aaa001));
	assert_int_equal(arch_arm64.address_space(&cpu, high), 0x40aaa000);
	/* A tagged pointer belongs to the half that bit 55 says. */
	assert_int_equal(arch_arm64.address_space(&cpu, UINT64_C(0xb400000000400000)), 0x41234000);
}

static int read_nothing(void *context, gpa_t gpa, void *buf, size_t len)
{
	(void)context, (void)gpa, (void)buf, (void)len;
	return -EFAULT;
}

static void test_translate(void **state)
{
	const struct physical memory = { read_nothing, NULL };
	struct translation out;
	struct cpu cpu = fixture_cpu(MODE_EL1H);

	(void)state;
	assert_int_equal(arch_arm64.translate(&cpu, &memory, 0x40001234, &out), -ENODATA);
	fixture_set(&cpu, ARM64_TCR_EL1, UINT64_C(0x2800) << 32 | 0x10);
	fixture_set(&cpu, ARM64_TTBR0_EL1, 0x1000);
	fixture_set(&cpu, ARM64_TTBR1_EL1, 0x2000);
	assert_int_equal(arch_arm64.translate(&cpu, &memory, 0x40001234, &out), 1);
	assert_int_equal(out.gpa, 0x40001234);
	fixture_set(&cpu, ARM64_SCTLR_EL1, 1);
	assert_int_equal(arch_arm64.translate(&cpu, &memory, 0x40001234, &out), -EFAULT);
}

static void test_parse_numbered(void **state)
{
	static const struct {
		const char *text;
		uint32_t number;
	} good[] = {
		{ "S3_0_C1_C0_0", 3 << 14 | 1 << 7 },
		{ "s2_7_c15_c15_7", 2 << 14 | 7 << 11 | 15 << 7 | 15 << 3 | 7 },
		{ "S3_3_c13_c0_2", 3 << 14 | 3 << 11 | 13 << 7 | 2 },
	};
	static const char *const bad[] = { "", "TTBR0_EL1", "S", "S3", "S3_0_C1_C0", "S3_0_C1_C0_",
		"S3_0_C1_C0_8", "S3_0_C16_C0_0", "S3_0_C1_C16_0", "S3_8_C1_C0_0", "S1_0_C1_C0_0",
		"S4_0_C1_C0_0", "S3_0_C1_C0_0x", "S3_0_C1_C0_00", "S3_0_C+1_C0_0", "S3_0_C 1_C0_0",
		"S-3_0_C1_C0_0", "0x1234", "3_0_C1_C0_0" };
	uint32_t number;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(arch_arm64.parse_numbered(good[i].text, &number), 0);
		assert_int_equal(number, good[i].number);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(arch_arm64.parse_numbered(bad[i], &number), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_numbered),
		cmocka_unit_test(test_description),
		cmocka_unit_test(test_description_is_sound),
		cmocka_unit_test(test_sysreg_table),
		cmocka_unit_test(test_sysreg_table_is_sound),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_stack_pointer),
		cmocka_unit_test(test_stack_pointer_of_el2_is_not_known),
		cmocka_unit_test(test_what_is_missing_is_no_data),
		cmocka_unit_test(test_identity_is_read_only),
		cmocka_unit_test(test_writes_are_marked),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_predicates),
		cmocka_unit_test(test_both_forms),
		cmocka_unit_test(test_cpsr),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_address_space),
		cmocka_unit_test(test_translate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
