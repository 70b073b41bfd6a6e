/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/pauth_arm64.c: which bits of an address a signature takes. */
#include "tests/unit/arm64_fixture.h"

#define TBI0             BIT(37)
#define TBI1             BIT(38)
#define TBID0            BIT(51)
#define TBID1            BIT(52)

#define TNSZ(t0sz, t1sz) ((uint64_t)(t1sz) << 16 | (t0sz))

/* Bits 54 down to the address; 63 to 56 too where the top byte is not ignored; never bit 55. */
static void test_masks(void **state)
{
	static const struct {
		uint64_t tcr;
		uint64_t low_data, low_code, high_data, high_code;
	} rows[] = {
		/* Linux with 48 bits: the top byte is free in user space. */
		{ TNSZ(16, 16) | TBI0, UINT64_C(0x007f000000000000), UINT64_C(0x007f000000000000),
			UINT64_C(0xff7f000000000000), UINT64_C(0xff7f000000000000) },
		/* As with KASAN by tags: in the kernel's data, too. */
		{ TNSZ(16, 16) | TBI0 | TBI1 | TBID1, UINT64_C(0x007f000000000000),
			UINT64_C(0x007f000000000000), UINT64_C(0x007f000000000000),
			UINT64_C(0xff7f000000000000) },
		{ TNSZ(16, 16) | TBI0 | TBID0 | TBI1, UINT64_C(0x007f000000000000),
			UINT64_C(0xff7f000000000000), UINT64_C(0x007f000000000000),
			UINT64_C(0x007f000000000000) },
		/* 39 bits below, 52 above. */
		{ TNSZ(25, 12) | TBI0 | TBI1, UINT64_C(0x007fff8000000000),
			UINT64_C(0x007fff8000000000), UINT64_C(0x0070000000000000),
			UINT64_C(0x0070000000000000) },
		/* TBID alone means nothing. */
		{ TNSZ(25, 16) | TBID0 | TBID1, UINT64_C(0xff7fff8000000000),
			UINT64_C(0xff7fff8000000000), UINT64_C(0xff7f000000000000),
			UINT64_C(0xff7f000000000000) },
		/* Values out of use: as the nearest that are not. */
		{ TNSZ(0, 63), UINT64_C(0xff70000000000000), UINT64_C(0xff70000000000000),
			UINT64_C(0xff7fffffffff0000), UINT64_C(0xff7fffffffff0000) },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		assert_true(pauth_arm64_mask(rows[i].tcr, false, false) == rows[i].low_data);
		assert_true(pauth_arm64_mask(rows[i].tcr, false, true) == rows[i].low_code);
		assert_true(pauth_arm64_mask(rows[i].tcr, true, false) == rows[i].high_data);
		assert_true(pauth_arm64_mask(rows[i].tcr, true, true) == rows[i].high_code);
	}
}

static void test_exists(void **state)
{
	static const struct {
		uint64_t isar1, isar2;
		bool exists;
	} rows[] = {
		{ 0, 0, false }, { 0x10, 0, true }, /* APA: QARMA5 */
		{ 0x500, 0, true },                 /* API: the implementation's own */
		{ 0, 0x1000, true },                /* APA3: QARMA3 */
		{ 0x1f00000f, 0xf0f0f, false },     /* generic authentication and others */
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(MODE_EL1H);

		assert_false(pauth_arm64_exists(&cpu.arm64));
		fixture_set(&cpu, ARM64_ID_AA64ISAR1_EL1, rows[i].isar1);
		fixture_set(&cpu, ARM64_ID_AA64ISAR2_EL1, rows[i].isar2);
		assert_int_equal(pauth_arm64_exists(&cpu.arm64), rows[i].exists);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
