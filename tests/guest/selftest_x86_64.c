/* SPDX-License-Identifier: Apache-2.0 */
/* The x86-64 self-tests: INT3, TF, debug registers, ICEBP, faults. */
#include "tests/guest/insn_x86_64.h"
#include "tests/guest/layout_x86_64.h"
#include "tests/guest/selftest.h"
#include "tests/guest/trap_x86_64.h"
#include "tests/guest/user.h"
#include "tests/guest/work.h"

#define SELFTEST_HOLE_KERNEL   0xffffa00000000000ull
#define SELFTEST_HOLE_USER     0x20000000ull
#define SELFTEST_NOT_CANONICAL 0x8000000000000000ull

/* DR7 (Intel SDM volume 3, 18.2.4): slot n, type, length; always with its reserved bit 10. */
#define DR7_QUIET         0x400ull
#define DR7_GD            0x2000ull
#define DR7_EXEC          0x0ull
#define DR7_WRITE         0x1ull
#define DR7_ACCESS        0x3ull
#define DR7_LENGTH_1      0x0ull
#define DR7_LENGTH_4      0xcull
#define DR7_LENGTH_8      0x8ull
#define DR7_SLOT(n, kind) (2ull << 2 * (n) | (kind) << (16 + 4 * (n)))
#define DR6_BS            0x4000ull

extern const struct snippet snippet_int3_prefixed, snippet_int_3, snippet_step, snippet_step_sti,
	snippet_step_stack, snippet_step_repeat, snippet_nops, snippet_access, snippet_read_dr,
	snippet_icebp, snippet_undefined, snippet_read, snippet_write, snippet_jump,
	snippet_segment, snippet_cli, snippet_divide;

static volatile uint64_t selftest_watched;

/* kvm_pvm: INT3 of the kernel is an internal error, ICEBP one or an endless loop. */
bool selftest_arch_is_rough(const struct snippet *snippet, bool in_user)
{
	return snippet == &snippet_icebp ||
	       (!in_user && (snippet == &snippet_breakpoints || snippet == &snippet_int3_prefixed ||
				    snippet == &snippet_int_3));
}

static uint64_t event_vector(const struct record_event *event)
{
	return event->cause;
}

static uint64_t event_error(const struct record_event *event)
{
	return event->detail;
}

static uint64_t event_debug(const struct record_event *event)
{
	return event->debug;
}

static uint64_t event_interrupt_flag(const struct record_event *event)
{
	return (event->flags & RFLAGS_IF) != 0;
}

static void selftest_breakpoint(
	const char *name, const struct snippet *snippet, bool in_user, uint64_t argument)
{
	struct line line;

	selftest_run(snippet, in_user, argument);
	selftest_begin_line(&line, name);
	selftest_add_list(&line, "vector", event_vector);
	selftest_add_list(&line, "if", event_interrupt_flag);
	line_write(&line);
}

static void selftest_fault(
	const char *name, const struct snippet *snippet, bool in_user, uint64_t argument)
{
	struct line line;

	selftest_run(snippet, in_user, argument);
	selftest_begin_line(&line, name);
	selftest_add_list(&line, "vector", event_vector);
	selftest_add_list(&line, "error", event_error);
	selftest_add_list(&line, "cr2", event_debug);
	line_write(&line);
}

/* A run whose exceptions are #DB. */
static void selftest_debug(
	const char *name, const struct snippet *snippet, bool in_user, uint64_t argument)
{
	struct line line;
	uint64_t result;

	write_dr6(DR6_QUIET);
	result = selftest_run(snippet, in_user, argument);
	selftest_begin_line(&line, name);
	selftest_add_list(&line, "vector", event_vector);
	selftest_add_list(&line, "dr6", event_debug);
	line_add(&line, " dr7=%#lx result=%lu", (unsigned long)read_dr7(), (unsigned long)result);
	write_dr7(DR7_QUIET);
	line_write(&line);
}

static void selftest_breakpoints(bool in_user)
{
	selftest_breakpoint("int3", &snippet_breakpoints, in_user, 1);
	selftest_breakpoint("int3-many", &snippet_breakpoints, in_user, 100);
	selftest_breakpoint("int3-prefixed", &snippet_int3_prefixed, in_user, 0);
	selftest_breakpoint("int-3", &snippet_int_3, in_user, 0);
}

static void selftest_steps(void)
{
	selftest_debug("step", &snippet_step, SELFTEST_KERNEL, 0);
	selftest_debug("step", &snippet_step, SELFTEST_USER, 0);
	selftest_debug("step-sti", &snippet_step_sti, SELFTEST_KERNEL, 0);
	selftest_debug("step-stack", &snippet_step_stack, SELFTEST_KERNEL, 0);
	selftest_debug("step-stack", &snippet_step_stack, SELFTEST_USER, 0);
	selftest_debug("step-repeat", &snippet_step_repeat, SELFTEST_KERNEL, 0);
	selftest_debug("step-repeat", &snippet_step_repeat, SELFTEST_USER, 0);
}

static uint64_t selftest_code(const struct snippet *snippet, bool in_user)
{
	return in_user ? snippet->user : snippet->kernel;
}

static void selftest_hardware_code(bool in_user)
{
	write_dr0(selftest_code(&snippet_nops, in_user) + 1);
	write_dr3(selftest_code(&snippet_nops, in_user) + 2);
	write_dr7(DR7_QUIET | DR7_SLOT(0, DR7_EXEC) | DR7_SLOT(3, DR7_EXEC));
	selftest_debug("dr-exec", &snippet_nops, in_user, 0);

	write_dr0(selftest_code(&snippet_breakpoints, in_user) + 2);
	write_dr7(DR7_QUIET | DR7_SLOT(0, DR7_EXEC));
	selftest_debug("dr-exec-on-int3", &snippet_breakpoints, in_user, 1);
}

static void selftest_hardware_data(bool in_user)
{
	uint64_t watched = in_user ? user_image_address->counter : (uintptr_t)&selftest_watched;

	write_dr1(watched);
	write_dr7(DR7_QUIET | DR7_SLOT(1, DR7_WRITE | DR7_LENGTH_4));
	selftest_debug("dr-write", &snippet_access, in_user, watched);
	write_dr2(watched);
	write_dr7(DR7_QUIET | DR7_SLOT(2, DR7_ACCESS | DR7_LENGTH_8));
	selftest_debug("dr-access", &snippet_access, in_user, watched);
	write_dr3(watched + 1);
	write_dr7(DR7_QUIET | DR7_SLOT(3, DR7_WRITE | DR7_LENGTH_1));
	selftest_debug("dr-byte", &snippet_access, in_user, watched);
}

/* Reading a debug register while DR7.GD is set; the delivery clears GD. */
static void selftest_general_detect(void)
{
	write_dr0(0x1234);
	selftest_debug("dr-general-detect", &snippet_read_dr, SELFTEST_KERNEL, DR7_QUIET | DR7_GD);
	write_dr0(0);
}

static void selftest_faults(bool in_user)
{
	uint64_t hole = in_user ? SELFTEST_HOLE_USER : SELFTEST_HOLE_KERNEL;

	selftest_fault("undefined", &snippet_undefined, in_user, 0);
	selftest_fault("divide", &snippet_divide, in_user, 0);
	selftest_fault("segment", &snippet_segment, in_user, 0);
	selftest_fault("not-canonical", &snippet_read, in_user, SELFTEST_NOT_CANONICAL);
	selftest_fault("page-read", &snippet_read, in_user, hole);
	selftest_fault("page-write", &snippet_write, in_user, hole);
	selftest_fault("page-jump", &snippet_jump, in_user, hole);
	selftest_fault("page-jump-data", &snippet_jump, in_user, user_image_address->counter);
}

static void selftest_user_rights(void)
{
	selftest_fault("cli", &snippet_cli, SELFTEST_USER, 0);
	selftest_fault(
		"page-read-kernel", &snippet_read, SELFTEST_USER, (uintptr_t)&selftest_watched);
	selftest_fault("page-write-code", &snippet_write, SELFTEST_USER, user_image_address->main);
}

void selftest_arch(void)
{
	for (unsigned in_user = 0; in_user < 2; in_user++) {
		selftest_breakpoints(in_user);
		selftest_debug("icebp", &snippet_icebp, in_user, 0);
		selftest_hardware_code(in_user);
		selftest_hardware_data(in_user);
		selftest_faults(in_user);
	}
	selftest_general_detect();
	selftest_steps();
	selftest_user_rights();
}

static void selftest_walk(const char *what, uint64_t address, const char *expected)
{
	console_print("walk va=%#lx is=%s expect=%s", (unsigned long)address, what, expected);
}

/* x86-64 has no instruction that tells a translation: what the tables say goes here. */
void selftest_arch_walks(void)
{
	uint32_t regs[4];
	bool has_1g;

	read_cpuid(0x80000001, regs);
	has_1g = regs[3] >> 26 & 1;
	selftest_walk("kernel-code", (uintptr_t)fibonacci, "2m");
	selftest_walk("kernel-data", (uintptr_t)&total_rounds, "2m");
	selftest_walk("kernel-last", KERNEL_OFFSET + 0x3fffffff, "2m");
	selftest_walk("kernel-stack", (uintptr_t)regs, "2m");
	selftest_walk("window", WINDOW_OFFSET, has_1g ? "1g" : "2m");
	selftest_walk("window-inside", WINDOW_OFFSET + 0x234567, has_1g ? "1g" : "2m");
	selftest_walk("window-end", WINDOW_OFFSET + 0x40000000, "none");
	selftest_walk("apic", APIC_ADDRESS, "4k");
	selftest_walk("apic-next", APIC_ADDRESS + 0x1000, "none");
	selftest_walk("user-code", user_image_address->main, "4k");
	selftest_walk("user-data", user_image_address->counter, "4k");
	selftest_walk("user-stack", user_image_address->stack - 8, "4k");
	selftest_walk("user-hole", SELFTEST_HOLE_USER, "none");
	selftest_walk("null", 0, "none");
	selftest_walk("kernel-hole", SELFTEST_HOLE_KERNEL, "none");
}
