/* SPDX-License-Identifier: Apache-2.0 */
/* The XSAVE area: where things are in it, on machines that lay it out differently, and lie about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kvm/xsave_x86_64.h"

static void test_components(void **state)
{
	static const struct x86_cpuid_entry entries[] = {
		{ .function = 0xd, .index = 1, .eax = 0xf },
		{ .function = 0xc, .index = 0, .eax = 0xf },
		{ .function = 0xd, .index = 0, .eax = 0x2e7, .edx = 0x40000000 },
		{ .function = 0xd, .index = 0, .eax = 0x7 },
	};

	(void)state;
	assert_true(xsave_x86_64_components(entries, 4) == UINT64_C(0x40000000000002e7));
	assert_true(xsave_x86_64_components(entries, 2) == 0);
	assert_true(xsave_x86_64_components(NULL, 0) == 0);
}

static void test_place(void **state)
{
	static const struct {
		uint16_t offset;
		size_t start, size, place;
	} cases[] = {
		{ 576, 0, 16, 576 },
		{ 576, 240, 16, 816 },
		{ 0, 0, 16, 0 },
		{ 4080, 0, 16, 4080 },
		{ 4080, 0, 17, 0 },
		{ 4080, 16, 1, 0 },
		{ 4080, 17, 1, 0 },
		{ UINT16_MAX, 0, 1, 0 },
		{ 576, SIZE_MAX - 100, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct x86_xsave xsave = { .offset = { [X86_COMPONENT_AVX] = cases[i].offset } };

		assert_int_equal(xsave_x86_64_place(
					 &xsave, X86_COMPONENT_AVX, cases[i].start, cases[i].size),
			cases[i].place);
	}
}

static void test_place_in_large(void **state)
{
	struct x86_xsave xsave = { .is_large = true, .offset = { [X86_COMPONENT_PKRU] = 12280 } };

	(void)state;
	assert_int_equal(xsave_x86_64_place(&xsave, X86_COMPONENT_PKRU, 4, 4), 12284);
	assert_int_equal(xsave_x86_64_place(&xsave, X86_COMPONENT_PKRU, 4, 5), 0);
}

static void test_use(void **state)
{
	struct x86_xsave xsave = { .area = { [512] = 0x2 } };

	(void)state;
	xsave_x86_64_use(&xsave, X86_COMPONENT_HI16_ZMM);
	xsave_x86_64_use(&xsave, X86_COMPONENT_PKRU);
	assert_int_equal(xsave.area[512], 0x82);
	assert_int_equal(xsave.area[513], 0x02);
}

static const struct x86_fpu sample = {
	.fpr = { { 1 }, [7] = { [9] = 0x40 } },
	.fcw = 0x37f,
	.fsw = 0x3800,
	.ftwx = 0x81,
	.last_opcode = 0x5a5,
	.last_ip = UINT64_C(0xffffffff81234567),
	.last_dp = UINT64_C(0xffff888012345678),
	.xmm = { { 2 }, [15] = { [15] = 0x7f } },
	.mxcsr = 0x1f80,
};

/* The form of FXSAVE64 (SDM volume 1, table 10-2), and back; what is not x87's or SSE's is left alone. */
static void test_legacy(void **state)
{
	struct x86_xsave xsave;
	struct x86_fpu back;

	(void)state;
	memset(&xsave, 0xee, sizeof(xsave));
	memset(xsave.area + 512, 0, 64);
	xsave_x86_64_from_fpu(&xsave, &sample);
	assert_int_equal(xsave.area[0], 0x7f);
	assert_int_equal(xsave.area[4], 0x81);
	assert_int_equal(xsave.area[8], 0x67);
	assert_int_equal(xsave.area[16], 0x78);
	assert_int_equal(xsave.area[25], 0x1f);
	assert_int_equal(xsave.area[28], 0xee); /* MXCSR_MASK */
	assert_int_equal(xsave.area[32], 1);
	assert_int_equal(xsave.area[32 + 7 * 16 + 9], 0x40);
	assert_int_equal(xsave.area[160], 2);
	assert_int_equal(xsave.area[160 + 255], 0x7f);
	assert_int_equal(xsave.area[464], 0xee);
	assert_int_equal(xsave.area[512], 0x3);
	assert_int_equal(xsave.area[576], 0xee);
	xsave_x86_64_to_fpu(&xsave, &back);
	assert_memory_equal(&back, &sample, sizeof(back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_components),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_place_in_large),
		cmocka_unit_test(test_use),
		cmocka_unit_test(test_legacy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
