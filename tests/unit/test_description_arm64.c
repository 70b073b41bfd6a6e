/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/description_arm64.c: what of the catalogue a vCPU has, as the debugger is told. */
#include "kvm/register_set.h"
#include "tests/unit/arm64_fixture.h"

static struct register_set set;

static const struct target_feature *find_feature(const char *name)
{
	for (unsigned i = 0; i < set.description.feature_count; i++)
		if (!strcmp(set.features[i].name, name))
			return &set.features[i];
	return NULL;
}

static const struct target_register *find(const char *name, unsigned *number)
{
	for (*number = 0; *number < set.description.register_count; ++*number)
		if (!strcmp(set.registers[*number].name, name))
			return &set.registers[*number];
	return NULL;
}

static bool has(const char *name)
{
	unsigned number;

	return find(name, &number);
}

static unsigned bits_of(const char *name)
{
	unsigned number;
	const struct target_register *reg = find(name, &number);

	return reg ? reg->bits : 0;
}

static struct cpu plain_cpu(void)
{
	struct cpu cpu = fixture_cpu(MODE_EL1H);

	cpu.valid |= CPU_FLOAT | CPU_MSRS;
	cpu.arm64.fp_form = ARM64_FP_V;
	fixture_set(&cpu, ARM64_TPIDR_EL0, 1);
	return cpu;
}

static void test_without_anything(void **state)
{
	struct cpu cpu = plain_cpu();
	unsigned number;

	(void)state;
	register_set_init(&set, &arch_arm64, &cpu);
	assert_non_null(find_feature("org.gnu.gdb.aarch64.core"));
	assert_non_null(find_feature("org.gnu.gdb.aarch64.fpu"));
	assert_null(find_feature("org.gnu.gdb.aarch64.sve"));
	assert_null(find_feature("org.gnu.gdb.aarch64.pauth_v2"));
	assert_int_equal(find_feature("org.gnu.gdb.aarch64.tls")->count, 1);
	assert_int_equal(bits_of("v31"), 128);
	assert_non_null(find("fpcr", &number));
	assert_int_equal(set.description.bulk_count, number + 1);
	assert_int_equal(set.description.expedited_count, 3);
	assert_false(has("vg"));
}

static void test_sve(void **state)
{
	static const unsigned vgs[] = { 2, 4, 10, 32 };

	(void)state;
	for (size_t i = 0; i < ENTRIES(vgs); i++) {
		struct cpu cpu = plain_cpu();
		unsigned vg = vgs[i], number;

		cpu.arm64.fp_form = ARM64_FP_Z;
		cpu.arm64.vg = vg;
		register_set_init(&set, &arch_arm64, &cpu);
		assert_null(find_feature("org.gnu.gdb.aarch64.fpu"));
		assert_int_equal(find_feature("org.gnu.gdb.aarch64.sve")->count, 52);
		assert_int_equal(bits_of("z0"), vg * 64);
		assert_int_equal(bits_of("z31"), vg * 64);
		assert_int_equal(bits_of("p0"), vg * 8);
		assert_int_equal(bits_of("ffr"), vg * 8);
		assert_int_equal(bits_of("fpsr"), 32);
		assert_false(has("v0"));
		/* Long registers are not part of every bulk transfer, their length is in every stop. */
		assert_int_equal(set.description.bulk_count, ARM64_NUMBER_V);
		find("vg", &number);
		assert_int_equal(set.description.expedited_count, 4);
		assert_int_equal(set.description.expedited[3], number);
	}
}

static void test_tls(void **state)
{
	struct cpu cpu = plain_cpu();

	(void)state;
	fixture_set(&cpu, ARM64_TPIDR2_EL0, 0);
	register_set_init(&set, &arch_arm64, &cpu);
	assert_int_equal(find_feature("org.gnu.gdb.aarch64.tls")->count, 2);
	assert_true(has("tpidr2"));
	bitmap_remove(cpu.arm64.sysregs_valid, ARM64_TPIDR_EL0);
	bitmap_remove(cpu.arm64.sysregs_valid, ARM64_TPIDR2_EL0);
	register_set_init(&set, &arch_arm64, &cpu);
	assert_null(find_feature("org.gnu.gdb.aarch64.tls"));
}

static void test_pauth(void **state)
{
	struct cpu cpu = plain_cpu();
	uint64_t mask;

	(void)state;
	fixture_set(&cpu, ARM64_ID_AA64ISAR1_EL1, 0x100);
	fixture_set(&cpu, ARM64_APGAKeyHi_EL1, 0);
	register_set_init(&set, &arch_arm64, &cpu);
	assert_int_equal(find_feature("org.gnu.gdb.aarch64.pauth_v2")->count, 4);
	assert_true(has("APGAKeyHi_EL1"));
	assert_int_equal(arch_arm64.register_read(&cpu, ARM64_NUMBER_PAUTH_CMASK, &mask), -ENODATA);
	fixture_set(&cpu, ARM64_TCR_EL1, 0x2000190010);
	assert_int_equal(arch_arm64.register_read(&cpu, ARM64_NUMBER_PAUTH_DMASK, &mask), 0);
	assert_true(mask == UINT64_C(0x007f000000000000));
	assert_int_equal(arch_arm64.register_read(&cpu, ARM64_NUMBER_PAUTH_CMASK_HIGH, &mask), 0);
	assert_true(mask == UINT64_C(0xff7fff8000000000));
	assert_int_equal(arch_arm64.register_write(&cpu, ARM64_NUMBER_PAUTH_CMASK, &mask), -EROFS);
}

/* What KVM did not give is not there, and everything that is there has its number. */
static void test_system_registers(void **state)
{
	struct cpu cpu = plain_cpu();
	unsigned number;

	(void)state;
	fixture_set(&cpu, ARM64_CNTV_CTL_EL0, 1);
	fixture_set(&cpu, ARM64_MIDR_EL1, 1);
	register_set_init(&set, &arch_arm64, &cpu);
	assert_true(has("CNTV_CTL_EL0"));
	assert_true(has("TPIDR_EL0"));
	assert_false(has("TPIDR_EL1"));
	assert_false(has("TTBR0_EL2"));
	for (number = 0; number < set.description.register_count; number++)
		assert_int_not_equal(register_set_find(&set, number), -ENOENT);
	/* Those that everybody wants come before those that few do. */
	find("MIDR_EL1", &number);
	assert_true(number >= set.description.listed_count);
	find("CNTV_CTL_EL0", &number);
	assert_true(number < set.description.listed_count);
	assert_int_equal(
		register_set_find(&set, number), ARM64_NUMBER_SYSREGS + ARM64_CNTV_CTL_EL0);
}

static void test_as_many_as_there_are(void **state)
{
	struct cpu cpu = plain_cpu();

	(void)state;
	for (unsigned n = 0; n < ARM64_SYSREG_COUNT; n++)
		fixture_set(&cpu, n, 0);
	fixture_set(&cpu, ARM64_PMCR_EL0, 6 << 11);
	register_set_init(&set, &arch_arm64, &cpu);
	assert_true(has("PMEVCNTR5_EL0") && has("PMEVTYPER5_EL0") && has("PMCCFILTR_EL0"));
	assert_false(has("PMEVCNTR6_EL0") || has("PMEVTYPER6_EL0") || has("PMEVTYPER30_EL0"));
	assert_true(has("DBGBVR5_EL1") && has("DBGBCR5_EL1"));
	assert_false(has("DBGBVR6_EL1") || has("DBGBCR6_EL1"));
	assert_true(has("DBGWVR3_EL1") && has("DBGWCR3_EL1"));
	assert_false(has("DBGWVR4_EL1") || has("DBGWCR4_EL1") || has("DBGWCR15_EL1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_anything),
		cmocka_unit_test(test_sve),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_pauth),
		cmocka_unit_test(test_system_registers),
		cmocka_unit_test(test_as_many_as_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
