/* SPDX-License-Identifier: Apache-2.0 */
/* Exception entry to EL1, rule by rule: every bit of PSTATE, every vector, every syndrome form. */
#include "tests/unit/arm64_fixture.h"

#define HSR(class, iss) (ESR_EC(class) | (uint32_t)ESR_IL | (iss))

static void inject(struct cpu *cpu, uint32_t esr, const uint64_t *far)
{
	struct injection injection = { .kind = INJECT_SYNC, .esr = esr };

	if (far) {
		injection.far = *far;
		injection.has_far = true;
	}
	assert_int_equal(arch_arm64.injection_groups(&injection), CPU_STOP);
	arch_arm64.inject(cpu, &injection);
	assert_int_equal(injection.kind, INJECT_NONE);
}

static void test_where_it_goes(void **state)
{
	static const struct {
		uint64_t pstate, offset;
	} rows[] = { { 0x5, 0x200 }, { 0x3c5, 0x200 }, { 0x4, 0x000 }, { 0x0, 0x400 },
		{ 0x10, 0x600 }, { 0x30, 0x600 } };

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(rows[i].pstate);

		fixture_set(&cpu, ARM64_VBAR_EL1, FIXTURE_VBAR | 0x7ff); /* RES0 bits */
		inject(&cpu, HSR(EC_BRK, 7), NULL);
		assert_true(cpu.arm64.regs.pc == FIXTURE_VBAR + rows[i].offset);
		assert_true(cpu.arm64.regs.elr_el1 == FIXTURE_PC);
		assert_true(cpu.arm64.regs.spsr_el1 == rows[i].pstate);
		assert_int_equal(cpu.arm64.sysregs[ARM64_ESR_EL1], HSR(EC_BRK, 7));
		assert_int_equal(cpu.dirty, CPU_GENERAL | CPU_SYSTEM);
		assert_int_equal(cpu.arm64.sysregs_dirty[0], BIT(ARM64_ESR_EL1));
	}
}

static void test_syndromes(void **state)
{
	static const struct {
		uint32_t hsr;
		uint64_t pstate;
		uint32_t esr;
	} rows[] = {
		/* The six of which the class tells where they come from. */
		{ HSR(0x30, 0x22), 0x0, HSR(0x30, 0x22) },
		{ HSR(0x30, 0x22), 0x10, HSR(0x30, 0x22) },
		{ HSR(0x30, 0x22), 0x5, HSR(0x31, 0x22) },
		{ HSR(0x30, 0x22), 0x4, HSR(0x31, 0x22) },
		{ HSR(0x32, 0x1000022), 0x0, HSR(0x32, 0x1000022) },
		{ HSR(0x32, 0x1000022), 0x5, HSR(0x33, 0x1000022) },
		{ HSR(0x34, 0x62), 0x0, HSR(0x34, 0x62) },
		{ HSR(0x34, 0x62), 0x5, HSR(0x35, 0x62) },
		{ HSR(0x35, 0x62), 0x0, HSR(0x34, 0x62) },
		/* The two of which it does not. */
		{ HSR(0x3c, 0xffff), 0x5, HSR(0x3c, 0xffff) },
		{ HSR(0x3c, 0xffff), 0x0, HSR(0x3c, 0xffff) },
		{ HSR(0x38, 0x1) & ~(uint32_t)ESR_IL, 0x30, HSR(0x38, 0x1) & ~(uint32_t)ESR_IL },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(rows[i].pstate);

		inject(&cpu, rows[i].hsr, NULL);
		if (cpu.arm64.sysregs[ARM64_ESR_EL1] != rows[i].esr)
			fail_msg("row %zu: %llx", i,
				(unsigned long long)cpu.arm64.sysregs[ARM64_ESR_EL1]);
	}
}

static void test_far(void **state)
{
	uint64_t far = UINT64_C(0xb4ffffff00001236);
	struct cpu cpu = fixture_cpu(0x5);

	(void)state;
	inject(&cpu, HSR(EC_WATCHPOINT, 0x62), &far);
	assert_true(cpu.arm64.sysregs[ARM64_FAR_EL1] == far);
	assert_int_equal(cpu.arm64.sysregs_dirty[0], BIT(ARM64_ESR_EL1) | BIT(ARM64_FAR_EL1));
	cpu = fixture_cpu(0x5);
	inject(&cpu, HSR(EC_BRK, 0), NULL);
	assert_int_equal(cpu.arm64.sysregs[ARM64_FAR_EL1], 0x4444);
}

/* One bit of the old PSTATE at a time: which of them survive. */
static void test_pstate_bits(void **state)
{
	const uint64_t kept = BIT(31) | BIT(30) | BIT(29) | BIT(28) | BIT(24) | BIT(22);

	(void)state;
	for (unsigned bit = 5; bit < 33; bit++) {
		struct cpu cpu = fixture_cpu(MODE_EL1H | BIT(bit));

		inject(&cpu, HSR(EC_BRK, 0), NULL);
		if (cpu.arm64.regs.pstate != (0x3c5 | (kept & BIT(bit))))
			fail_msg("bit %u: %llx", bit, (unsigned long long)cpu.arm64.regs.pstate);
		assert_true(cpu.arm64.regs.spsr_el1 == (MODE_EL1H | BIT(bit)));
	}
}

static void test_pstate_by_feature(void **state)
{
	enum { SPAN = 1, DSSBS = 2, SPINTMASK = 4, MTE1 = 8, MTE2 = 16, MTE3 = 32, NMI = 64 };
	static const struct {
		unsigned have;
		uint64_t old, new;
	} rows[] = {
		{ SPAN, 0x5, 0x3c5 },
		{ 0, 0x5, 0x3c5 | BIT(22) },
		{ 0, 0x5 | BIT(22), 0x3c5 | BIT(22) },
		{ SPAN, 0x5 | BIT(22), 0x3c5 | BIT(22) },
		{ SPAN, 0x5 | BIT(12), 0x3c5 }, /* SSBS does not stay */
		{ SPAN | DSSBS, 0x5, 0x3c5 | BIT(12) },
		{ SPAN | MTE1, 0x5, 0x3c5 },
		{ SPAN | MTE2, 0x5, 0x3c5 | BIT(25) },
		{ SPAN | MTE3, 0x0, 0x3c5 | BIT(25) },
		{ SPAN, 0x5 | BIT(25), 0x3c5 },
		{ SPAN | NMI, 0x5, 0x3c5 | BIT(13) },
		{ SPAN | NMI | SPINTMASK, 0x5 | BIT(13), 0x3c5 },
		{ SPAN, 0x80000010 | BIT(23) | BIT(27) | BIT(5) | 0xf0c00, 0x800003c5 },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(rows[i].old);
		unsigned have = rows[i].have;

		fixture_set(&cpu, ARM64_SCTLR_EL1,
			(have & SPAN ? BIT(23) : 0) | (have & DSSBS ? BIT(44) : 0) |
				(have & SPINTMASK ? BIT(62) : 0));
		fixture_set(&cpu, ARM64_ID_AA64PFR1_EL1,
			(have & MTE1 ? UINT64_C(1) << 8 : 0) |
				(have & MTE2 ? UINT64_C(2) << 8 : 0) |
				(have & MTE3 ? UINT64_C(3) << 8 : 0) |
				(have & NMI ? UINT64_C(1) << 36 : 0));
		inject(&cpu, HSR(EC_BRK, 0), NULL);
		if (cpu.arm64.regs.pstate != rows[i].new)
			fail_msg("row %zu: %llx", i, (unsigned long long)cpu.arm64.regs.pstate);
	}
}

/* Identification that KVM did not give counts as a feature that is not there. */
static void test_unknown_features(void **state)
{
	struct cpu cpu = fixture_cpu(0x5);

	(void)state;
	cpu.arm64.sysregs[ARM64_ID_AA64PFR1_EL1] = 0x200;
	inject(&cpu, HSR(EC_BRK, 0), NULL);
	assert_int_equal(cpu.arm64.regs.pstate, 0x3c5);
}

/* A step's own permission is used up; that of another exception's instruction is not. */
static void test_ss_in_the_image(void **state)
{
	struct cpu cpu = fixture_cpu(0x5 | PSTATE_SS);

	(void)state;
	inject(&cpu, HSR(EC_STEP, 0x1000022), NULL);
	assert_int_equal(cpu.arm64.regs.spsr_el1, 0x5);
	cpu = fixture_cpu(0x5 | PSTATE_SS);
	inject(&cpu, HSR(EC_BRK, 0), NULL);
	assert_int_equal(cpu.arm64.regs.spsr_el1, 0x5 | PSTATE_SS);
}

static void test_general_registers_stay(void **state)
{
	struct cpu before = fixture_cpu(0x0), cpu = before;

	(void)state;
	inject(&cpu, HSR(EC_BRK, 0), NULL);
	assert_memory_equal(cpu.arm64.regs.x, before.arm64.regs.x, sizeof(before.arm64.regs.x));
	assert_true(cpu.arm64.regs.sp_el0 == before.arm64.regs.sp_el0);
	assert_true(cpu.arm64.regs.sp_el1 == before.arm64.regs.sp_el1);
}

/* Row 44: a world that is not ours to enter is left as it is. */
static void test_elsewhere(void **state)
{
	static const struct {
		uint64_t pstate, hcr, mdcr;
		bool possible;
	} rows[] = {
		{ 0x9, 0, 0, false }, /* vEL2 */
		{ 0x8, 0, 0, false },
		{ 0x13, 0, 0, false }, /* AArch32 EL1 */
		{ 0x1f, 0, 0, false },
		{ 0x5, 0, BIT(8), false }, /* TDE */
		{ 0x0, 0, BIT(8), false },
		{ 0x0, BIT(27), 0, false }, /* TGE */
		{ 0x10, BIT(27), 0, false },
		{ 0x5, BIT(27), 0, true },
		{ 0x0, ~BIT(27), ~BIT(8), true },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(rows[i].pstate), before;

		fixture_set(&cpu, ARM64_HCR_EL2, rows[i].hcr);
		fixture_set(&cpu, ARM64_MDCR_EL2, rows[i].mdcr);
		before = cpu;
		inject(&cpu, HSR(EC_BRK, 0), NULL);
		assert_int_equal(inject_arm64_possible(&before), rows[i].possible);
		assert_int_equal(!memcmp(&before, &cpu, sizeof(cpu)), !rows[i].possible);
	}
}

/* Row 32: the guest's own BRK under ours. */
static void test_own_breakpoint(void **state)
{
	static const uint8_t brk[] = { 0x00, 0x00, 0x21, 0xd4 }; /* brk #0x800 */
	static const uint8_t nop[] = { 0x1f, 0x20, 0x03, 0xd5 };
	struct cpu cpu = fixture_cpu(0x5);
	struct injection injection;

	(void)state;
	assert_true(arch_arm64.is_breakpoint(brk, 4));
	assert_false(arch_arm64.is_breakpoint(brk, 3));
	assert_false(arch_arm64.is_breakpoint(nop, 4));
	assert_true(arch_arm64.is_breakpoint(arch_arm64.breakpoint_bytes, 4));
	arch_arm64.own_breakpoint(&cpu, brk, 4, &injection);
	assert_int_equal(injection.kind, INJECT_SYNC);
	assert_int_equal(injection.esr, 0xf2000800);
	assert_false(injection.has_far);
	arch_arm64.inject(&cpu, &injection);
	assert_int_equal(cpu.arm64.sysregs[ARM64_ESR_EL1], 0xf2000800);
	arch_arm64.own_breakpoint(&cpu, nop, 4, &injection);
	assert_int_equal(injection.kind, INJECT_NONE);
	assert_int_equal(arch_arm64.injection_groups(&injection), 0);
	cpu = fixture_cpu(0x5);
	arch_arm64.inject(&cpu, &injection);
	assert_true(cpu.arm64.regs.pc == FIXTURE_PC);
	assert_int_equal(cpu.dirty, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_it_goes),
		cmocka_unit_test(test_syndromes),
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_pstate_bits),
		cmocka_unit_test(test_pstate_by_feature),
		cmocka_unit_test(test_unknown_features),
		cmocka_unit_test(test_ss_in_the_image),
		cmocka_unit_test(test_general_registers_stay),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_own_breakpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
