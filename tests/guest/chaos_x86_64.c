/* SPDX-License-Identifier: Apache-2.0 */
/* What an x86-64 CPU tests of itself: INT3, TF, debug registers, faults, and that nobody else's TF shows. */
#include "tests/guest/chaos.h"
#include "tests/guest/insn_x86_64.h"
#include "tests/guest/trap_x86_64.h"
#include "tests/guest/user.h"
#include "tests/guest/work.h"
#include "tests/vmm/board.h"

#define CHAOS_HOLE_KERNEL 0xffffa00000000000ull
#define CHAOS_HOLE_USER   0x20000000ull
#define DR7_QUIET         0x400ull
#define DR7_SLOT_EXEC(n)  (2ull << 2 * (n))
#define DR7_WRITE_4       (0xdull << 20 | 2ull << 2) /* slot 1 */

extern const struct snippet snippet_step, snippet_step_stack, snippet_nops, snippet_access,
	snippet_undefined, snippet_read, snippet_divide, snippet_flags, snippet_syscall,
	snippet_registers;

static volatile uint64_t chaos_watched;

/* kvm_pvm: INT3 of the kernel is an internal error. */
bool selftest_arch_is_rough(const struct snippet *snippet, bool in_user)
{
	return snippet == &snippet_breakpoints && !in_user;
}

/* The line status of the 16550: ready to send. */
uint64_t chaos_ask_device(void)
{
	return inb(BOARD_UART_ADDRESS + 5);
}

static void chaos_begin_debug(const struct chaos_test *test)
{
	(void)test;
	write_dr6(DR6_QUIET);
}

static void chaos_begin_exec(const struct chaos_test *test)
{
	write_dr6(DR6_QUIET);
	write_dr0(chaos_code(test) + 1);
	write_dr7(DR7_QUIET | DR7_SLOT_EXEC(0));
}

static void chaos_begin_watch(const struct chaos_test *test)
{
	write_dr6(DR6_QUIET);
	write_dr1(test->argument);
	write_dr7(DR7_QUIET | DR7_WRITE_4);
}

static void chaos_end_debug(void)
{
	write_dr7(DR7_QUIET);
}

bool chaos_comes_late(const struct record_event *event)
{
	(void)event;
	return false;
}

const struct chaos_test chaos_tests[] = {
	{ "int3", &snippet_breakpoints, SELFTEST_KERNEL, false, false, 3, 0, 0 },
	{ "int3", &snippet_breakpoints, SELFTEST_USER, false, false, 3, 0, 0 },
	{ "step", &snippet_step, SELFTEST_KERNEL, false, true, 0, chaos_begin_debug, 0 },
	{ "step", &snippet_step, SELFTEST_USER, false, true, 0, chaos_begin_debug, 0 },
	{ "step-stack", &snippet_step_stack, SELFTEST_KERNEL, false, false, 0, chaos_begin_debug,
		0 },
	{ "dr-exec", &snippet_nops, SELFTEST_KERNEL, false, false, 0, chaos_begin_exec,
		chaos_end_debug },
	{ "dr-exec", &snippet_nops, SELFTEST_USER, false, false, 0, chaos_begin_exec,
		chaos_end_debug },
	{ "dr-write", &snippet_access, SELFTEST_KERNEL, false, false, (uintptr_t)&chaos_watched,
		chaos_begin_watch, chaos_end_debug },
	{ "undefined", &snippet_undefined, SELFTEST_KERNEL, false, false, 0, 0, 0 },
	{ "undefined", &snippet_undefined, SELFTEST_USER, false, false, 0, 0, 0 },
	{ "divide", &snippet_divide, SELFTEST_USER, false, false, 0, 0, 0 },
	{ "page-read", &snippet_read, SELFTEST_KERNEL, false, false, CHAOS_HOLE_KERNEL, 0, 0 },
	{ "page-read", &snippet_read, SELFTEST_USER, false, false, CHAOS_HOLE_USER, 0, 0 },
	{ "flags", &snippet_flags, SELFTEST_KERNEL, false, true, 0, 0, 0 },
	{ "flags", &snippet_flags, SELFTEST_USER, false, true, 0, 0, 0 },
	{ "syscall", &snippet_syscall, SELFTEST_USER, false, true, 0, 0, 0 },
	{ "registers", &snippet_registers, SELFTEST_KERNEL, false, true, 1, 0, 0 },
	{ "registers", &snippet_registers, SELFTEST_USER, false, true, 1, 0, 0 },
};

const unsigned chaos_nr_tests = sizeof(chaos_tests) / sizeof(chaos_tests[0]);

_Static_assert(sizeof(chaos_tests) / sizeof(chaos_tests[0]) <= CHAOS_TESTS_MAX, "chaos_tests[]");

const uint64_t chaos_cause_class = UINT64_MAX;
const uint64_t chaos_flags_mask = RFLAGS_TF | RFLAGS_IF;
