/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arm64 self-tests: BRK, SVC, aborts, and what a KVM that is debugging suspends: the guest's own
 * steps (step.*), hardware breakpoints (hardware-*.*) and watchpoints (watch-*.*).
 */
#include "tests/guest/arch.h"
#include "tests/guest/cpu.h"
#include "tests/guest/insn_arm64.h"
#include "tests/guest/layout_arm64.h"
#include "tests/guest/selftest.h"
#include "tests/guest/trap_arm64.h"
#include "tests/guest/user.h"
#include "tests/guest/work.h"

#define SELFTEST_HOLE_KERNEL 0xffff010000000000ull
#define SELFTEST_HOLE_USER   0x20000000ull
#define SELFTEST_STEPS       20

/* DBGBCR, DBGWCR (Arm ARM): enabled, EL0 and EL1, all four or eight bytes. */
#define DBGBCR_ON          0x1e7ull
#define DBGWCR_ON          0x7ull
#define DBGWCR_LOAD        0x8ull
#define DBGWCR_STORE       0x10ull
#define DBGWCR_BYTES(mask) ((uint64_t)(mask) << 5)

extern const struct snippet snippet_immediates, snippet_svc, snippet_undefined, snippet_read,
	snippet_write, snippet_jump, snippet_nops, snippet_access, snippet_step,
	snippet_step_masked;

static volatile uint64_t selftest_watched;

bool selftest_arch_is_rough(const struct snippet *snippet, bool in_user)
{
	(void)snippet;
	(void)in_user;
	return false;
}

static uint64_t event_esr(const struct record_event *event)
{
	return event->cause;
}

static uint64_t event_far(const struct record_event *event)
{
	return event->detail;
}

/* D, A, I and F of the interrupted. */
static uint64_t event_masks(const struct record_event *event)
{
	return event->flags & SPSR_MASKED;
}

static void selftest_exception(
	const char *name, const struct snippet *snippet, bool in_user, uint64_t argument)
{
	struct line line;

	selftest_run(snippet, in_user, argument);
	selftest_begin_line(&line, name);
	selftest_add_list(&line, "esr", event_esr);
	selftest_add_list(&line, "far", event_far);
	selftest_add_list(&line, "masks", event_masks);
	line_write(&line);
}

static uint64_t selftest_code(const struct snippet *snippet, bool in_user)
{
	return in_user ? snippet->user : snippet->kernel;
}

/* A run with the guest's own hardware breakpoint or watchpoint in slot 0, already programmed. */
static void selftest_hardware(
	const char *name, const struct snippet *snippet, bool in_user, uint64_t argument)
{
	write_sysreg(mdscr_el1, MDSCR_MDE | MDSCR_KDE);
	__asm__ volatile("msr daifclr, #8; isb" : : : "memory");
	selftest_exception(name, snippet, in_user, argument);
	__asm__ volatile("msr daifset, #8; isb" : : : "memory");
	write_sysreg(mdscr_el1, 0);
	write_sysreg(dbgbcr0_el1, 0);
	write_sysreg(dbgwcr0_el1, 0);
}

static void selftest_break_at(
	const char *name, const struct snippet *snippet, bool in_user, uint64_t argument)
{
	write_sysreg(dbgbvr0_el1, selftest_code(snippet, in_user) + 4 * (snippet == &snippet_nops));
	write_sysreg(dbgbcr0_el1, DBGBCR_ON);
	selftest_hardware(name, snippet, in_user, argument);
}

static void selftest_watch(const char *name, bool in_user, unsigned offset, uint64_t control)
{
	uint64_t watched = in_user ? user_image_address->counter : (uintptr_t)&selftest_watched;

	write_sysreg(dbgwvr0_el1, watched);
	write_sysreg(dbgwcr0_el1, DBGWCR_ON | control);
	selftest_hardware(name, &snippet_access, in_user, watched + offset);
}

static void selftest_debug_registers(bool in_user)
{
	selftest_break_at("hardware-break", &snippet_nops, in_user, 0);
	selftest_break_at("hardware-break-on-brk", &snippet_breakpoints, in_user, 1);
	selftest_break_at("hardware-break-on-svc", &snippet_svc, in_user, 0);
	selftest_watch("watch-write", in_user, 0, DBGWCR_STORE | DBGWCR_BYTES(0xff));
	selftest_watch("watch-read", in_user, 0, DBGWCR_LOAD | DBGWCR_BYTES(0xff));
	selftest_watch("watch-byte", in_user, 0, DBGWCR_LOAD | DBGWCR_BYTES(0x02));
	selftest_watch("watch-elsewhere", in_user, 0, DBGWCR_STORE | DBGWCR_BYTES(0xf0));
}

/* The OS lock keeps hardware breakpoints away, but not BRK. */
static void selftest_os_lock(bool in_user)
{
	write_sysreg(oslar_el1, 1);
	selftest_break_at("hardware-break-locked", &snippet_breakpoints, in_user, 1);
	write_sysreg(oslar_el1, 0);
}

static void selftest_steps(void)
{
	struct record *record = &arch_cpu()->record;

	record->nr_steps = SELFTEST_STEPS;
	write_sysreg(mdscr_el1, MDSCR_SS);
	selftest_exception("step", &snippet_step, SELFTEST_USER, 0);
	record->nr_steps = SELFTEST_STEPS;
	write_sysreg(mdscr_el1, MDSCR_SS | MDSCR_KDE);
	selftest_exception("step", &snippet_step_masked, SELFTEST_KERNEL, 0);
	write_sysreg(mdscr_el1, 0);
}

static void selftest_faults(bool in_user)
{
	uint64_t hole = in_user ? SELFTEST_HOLE_USER : SELFTEST_HOLE_KERNEL;

	selftest_exception("undefined", &snippet_undefined, in_user, 0);
	selftest_exception("page-read", &snippet_read, in_user, hole);
	selftest_exception("page-write", &snippet_write, in_user, hole);
	selftest_exception("page-jump", &snippet_jump, in_user, hole);
	selftest_exception("page-jump-data", &snippet_jump, in_user, user_image_address->counter);
	selftest_exception("page-write-code", &snippet_write, in_user, user_image_address->main);
	selftest_exception(
		"not-aligned", &snippet_jump, in_user, selftest_code(&snippet_nops, in_user) + 2);
}

void selftest_arch(void)
{
	for (unsigned in_user = 0; in_user < 2; in_user++) {
		selftest_exception("brk", &snippet_breakpoints, in_user, 1);
		selftest_exception("brk-many", &snippet_breakpoints, in_user, 100);
		selftest_exception("brk-immediates", &snippet_immediates, in_user, 0);
		selftest_exception("svc", &snippet_svc, in_user, 0);
		selftest_faults(in_user);
		selftest_debug_registers(in_user);
		selftest_os_lock(in_user);
	}
	selftest_exception(
		"page-read-kernel", &snippet_read, SELFTEST_USER, (uintptr_t)&selftest_watched);
	selftest_steps();
}

static void selftest_walk(const char *what, uint64_t address)
{
	uint64_t kernel, user;

	__asm__ volatile("at s1e1r, %0; isb" : : "r"(address) : "memory");
	kernel = read_sysreg(par_el1);
	__asm__ volatile("at s1e0r, %0; isb" : : "r"(address) : "memory");
	user = read_sysreg(par_el1);
	console_print("walk va=%#lx is=%s kernel=%#lx user=%#lx", (unsigned long)address, what,
		(unsigned long)kernel, (unsigned long)user);
}

/* What the CPU itself says, by AT: PAR_EL1 for a read by the kernel and by the user. */
void selftest_arch_walks(void)
{
	volatile uint64_t local = 0;

	selftest_walk("kernel-code", (uintptr_t)fibonacci);
	selftest_walk("kernel-data", (uintptr_t)&total_rounds);
	selftest_walk("kernel-stack", (uintptr_t)&local);
	selftest_walk("kernel-last", KERNEL_OFFSET + RAM_GPA + 0x3fffffff);
	selftest_walk("kernel-end", KERNEL_OFFSET + RAM_GPA + 0x40000000);
	selftest_walk("device", KERNEL_OFFSET + 0x09000018);
	selftest_walk("window", WINDOW_OFFSET + RAM_GPA);
	selftest_walk("window-inside", WINDOW_OFFSET + RAM_GPA + 0x234567);
	selftest_walk("small", SMALL_ADDRESS);
	selftest_walk("small-inside", SMALL_ADDRESS + 0x5abc);
	selftest_walk("small-end", SMALL_ADDRESS + 0x200000);
	selftest_walk("user-code", user_image_address->main);
	selftest_walk("user-data", user_image_address->counter);
	selftest_walk("user-stack", user_image_address->stack - 8);
	selftest_walk("user-hole", SELFTEST_HOLE_USER);
	selftest_walk("null", 0);
	selftest_walk("kernel-hole", SELFTEST_HOLE_KERNEL);
	selftest_walk("between", 0x0001000000000000);
}
