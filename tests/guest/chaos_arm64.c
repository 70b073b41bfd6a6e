/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an arm64 CPU tests of itself: BRK, SVC, faults, the masks that must be as they were; and what KVM
 * suspends while it debugs: its own steps, hardware breakpoints and watchpoints.
 */
#include "tests/guest/arch.h"
#include "tests/guest/chaos.h"
#include "tests/guest/cpu.h"
#include "tests/guest/insn_arm64.h"
#include "tests/guest/layout_arm64.h"
#include "tests/guest/trap_arm64.h"
#include "tests/guest/user.h"
#include "tests/guest/work.h"
#include "tests/vmm/board.h"

#define CHAOS_HOLE_KERNEL 0xffff010000000000ull
#define CHAOS_HOLE_USER   0x20000000ull
#define ESR_CLASS         0xfc000000ull /* EC */
#define CHAOS_STEPS       20
#define DBGBCR_ON         0x1e7ull
#define DBGWCR_STORE_8    (0x7ull | 0x10ull | 0xffull << 5)

extern const struct snippet snippet_svc, snippet_undefined, snippet_read, snippet_nops,
	snippet_access, snippet_step, snippet_step_masked, snippet_masks, snippet_registers;

static volatile uint64_t chaos_watched;

bool selftest_arch_is_rough(const struct snippet *snippet, bool in_user)
{
	(void)snippet;
	(void)in_user;
	return false;
}

/* The flags of the PL011: ready to send. */
uint64_t chaos_ask_device(void)
{
	return *(volatile uint32_t *)(KERNEL_OFFSET + BOARD_UART_ADDRESS + 0x18);
}

static void chaos_begin_step(const struct chaos_test *test)
{
	arch_cpu()->record.nr_steps = CHAOS_STEPS;
	write_sysreg(mdscr_el1, test->in_user ? MDSCR_SS : MDSCR_SS | MDSCR_KDE);
}

static void chaos_begin_hardware(void)
{
	write_sysreg(mdscr_el1, MDSCR_MDE | MDSCR_KDE);
	__asm__ volatile("msr daifclr, #8; isb" : : : "memory");
}

static void chaos_begin_exec(const struct chaos_test *test)
{
	write_sysreg(dbgbvr0_el1, chaos_code(test) + 4);
	write_sysreg(dbgbcr0_el1, DBGBCR_ON);
	chaos_begin_hardware();
}

static void chaos_begin_watch(const struct chaos_test *test)
{
	write_sysreg(dbgwvr0_el1, test->argument);
	write_sysreg(dbgwcr0_el1, DBGWCR_STORE_8);
	chaos_begin_hardware();
}

static void chaos_end_debug(void)
{
	__asm__ volatile("msr daifset, #8; isb" : : : "memory");
	write_sysreg(mdscr_el1, 0);
	write_sysreg(dbgbcr0_el1, 0);
	write_sysreg(dbgwcr0_el1, 0);
	arch_cpu()->record.nr_steps = 0;
}

bool chaos_comes_late(const struct record_event *event)
{
	uint64_t class = (event->cause & ESR_CLASS) >> 26;

	return class == EC_STEP_LOWER || class == EC_STEP;
}

const struct chaos_test chaos_tests[] = {
	{ "brk", &snippet_breakpoints, SELFTEST_KERNEL, false, false, 3, 0, 0 },
	{ "brk", &snippet_breakpoints, SELFTEST_USER, false, false, 3, 0, 0 },
	{ "svc", &snippet_svc, SELFTEST_KERNEL, false, false, 0, 0, 0 },
	{ "svc", &snippet_svc, SELFTEST_USER, false, false, 0, 0, 0 },
	{ "step", &snippet_step_masked, SELFTEST_KERNEL, true, false, 0, chaos_begin_step,
		chaos_end_debug },
	{ "step", &snippet_step, SELFTEST_USER, true, false, 0, chaos_begin_step, chaos_end_debug },
	{ "break", &snippet_nops, SELFTEST_KERNEL, true, false, 0, chaos_begin_exec,
		chaos_end_debug },
	{ "break", &snippet_nops, SELFTEST_USER, true, false, 0, chaos_begin_exec,
		chaos_end_debug },
	{ "watch", &snippet_access, SELFTEST_KERNEL, true, false, (uintptr_t)&chaos_watched,
		chaos_begin_watch, chaos_end_debug },
	{ "undefined", &snippet_undefined, SELFTEST_KERNEL, false, false, 0, 0, 0 },
	{ "undefined", &snippet_undefined, SELFTEST_USER, false, false, 0, 0, 0 },
	{ "page-read", &snippet_read, SELFTEST_KERNEL, false, false, CHAOS_HOLE_KERNEL, 0, 0 },
	{ "page-read", &snippet_read, SELFTEST_USER, false, false, CHAOS_HOLE_USER, 0, 0 },
	{ "masks", &snippet_masks, SELFTEST_KERNEL, false, true, 0, 0, 0 },
	{ "registers", &snippet_registers, SELFTEST_KERNEL, false, true, 1, 0, 0 },
	{ "registers", &snippet_registers, SELFTEST_USER, false, true, 1, 0, 0 },
};

const unsigned chaos_nr_tests = sizeof(chaos_tests) / sizeof(chaos_tests[0]);

_Static_assert(sizeof(chaos_tests) / sizeof(chaos_tests[0]) <= CHAOS_TESTS_MAX, "chaos_tests[]");

const uint64_t chaos_cause_class = ESR_CLASS;
const uint64_t chaos_flags_mask = SPSR_MASKED | SPSR_SS | SPSR_MODE;
