/* SPDX-License-Identifier: Apache-2.0 */
/* What a lender puts right without its daemon, case by case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kvm/loss.h"

enum { ENABLE = 1, STEP = 2, SOFTWARE = 0x10000, HARDWARE = 0x20000 };

#define BS UINT64_C(0x4000)

struct x86_case {
	struct loss_x86_64 loss;
	uint64_t causes;
	bool tf;
};

static uint32_t slot(unsigned n, unsigned own)
{
	return (own + 1u) << (LOSS_X86_SLOT + 4 * n);
}

static void x86_64_cases(void **opaque)
{
	const struct x86_case cases[] = {
		/* nothing has come out */
		{ { .control = ENABLE | SOFTWARE, .is_db = true, .dr6 = BS }, 0, false },
		/* the guest's own step, with only breakpoints of ours */
		{ { .control = ENABLE | SOFTWARE, .exited = true, .is_db = true, .dr6 = BS }, BS,
			false },
		/* #BP is executed again */
		{ { .control = ENABLE | SOFTWARE, .exited = true, .dr6 = BS | 1 }, 0, false },
		/* our step; then ours over the guest's */
		{ { .control = ENABLE | STEP, .exited = true, .is_db = true, .dr6 = BS }, 0,
			false },
		{ { .control = ENABLE | STEP,
			  .word = LOSS_X86_TF,
			  .exited = true,
			  .is_db = true,
			  .dr6 = BS },
			BS, true },
		/* not executed yet */
		{ { .control = ENABLE | STEP, .word = LOSS_X86_TF }, 0, true },
		{ { .control = ENABLE | STEP, .word = LOSS_X86_TF | LOSS_X86_TF_LOADED }, 0, true },
		/* POPF that clears TF, and that sets it */
		{ { .control = ENABLE | STEP,
			  .word = LOSS_X86_TF | LOSS_X86_TF_LOADED,
			  .exited = true,
			  .is_db = true,
			  .dr6 = BS },
			BS, false },
		{ { .control = ENABLE | STEP,
			  .word = LOSS_X86_TF_LOADED | LOSS_X86_TF_AFTER,
			  .exited = true,
			  .is_db = true,
			  .dr6 = BS },
			0, true },
		/* a step that has ended at the handler of its fault */
		{ { .control = ENABLE | STEP | HARDWARE,
			  .word = LOSS_X86_TF,
			  .exited = true,
			  .is_db = true,
			  .dr6 = 2 },
			0, false },
		/* DR1 was the guest's DR3, DR0 ours */
		{ { .control = ENABLE | HARDWARE,
			  .word = slot(1, 3),
			  .exited = true,
			  .is_db = true,
			  .dr6 = 3 },
			8, false },
		/* none of ours: the guest's, if enabled */
		{ { .control = ENABLE | SOFTWARE,
			  .exited = true,
			  .is_db = true,
			  .dr6 = 6,
			  .dr7 = 0x8 },
			2, false },
	};

	(void)opaque;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (loss_x86_64_causes(&cases[i].loss) != cases[i].causes ||
			loss_x86_64_tf(&cases[i].loss) != cases[i].tf)
			fail_msg("case %u", i);
	}
}

static const struct loss_arm64 in_user = { .pc = 0x1000, .pstate = 0x1c0, .vbar_el1 = 0x8000 };

static void arm64_masks_go(void **opaque)
{
	struct loss_arm64 regs = in_user;

	(void)opaque;
	loss_arm64_clean(0x1c0, &regs);
	assert_int_equal(regs.pstate, 0);
	regs = in_user;
	loss_arm64_clean(0x80, &regs); /* the others were the guest's */
	assert_int_equal(regs.pstate, 0x140);
}

/* An SVC that was stepped: the vector for lower levels, and the masks are in SPSR. */
static void arm64_masks_go_from_spsr(void **opaque)
{
	struct loss_arm64 regs = {
		.exited = true, .pc = 0x8400, .pstate = 0x3c5, .spsr_el1 = 0x1c0, .vbar_el1 = 0x8000
	};

	(void)opaque;
	loss_arm64_clean(0x1c0, &regs);
	assert_int_equal(regs.pstate, 0x3c5);
	assert_int_equal(regs.spsr_el1, 0);
}

static void arm64_masks_go_from_what_has_read_them(void **opaque)
{
	struct loss_arm64 regs = in_user;

	(void)opaque;
	regs.exited = true;
	regs.read = 0x3c0;
	loss_arm64_clean(0x1c0 | 6, &regs);
	assert_int_equal(regs.read, 0x200);
	regs.exited = false; /* not executed: it holds something else */
	regs.read = 0x3c0;
	loss_arm64_clean(0x1c0 | 6, &regs);
	assert_int_equal(regs.read, 0x3c0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x86_64_cases),
		cmocka_unit_test(arm64_masks_go),
		cmocka_unit_test(arm64_masks_go_from_spsr),
		cmocka_unit_test(arm64_masks_go_from_what_has_read_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
