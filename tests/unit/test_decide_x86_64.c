/* SPDX-License-Identifier: Apache-2.0 */
/* Whose #BP and #DB it is: one row per kind of event, and those that are several at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kvm/arch_x86_64.h"

enum { PC = 0x1000 };

enum {
	B0 = 1,
	B1 = 2,
	B2 = 4,
	B3 = 8,
	BUS_LOCK = 0x800,
	BD = 0x2000,
	BS = 0x4000,
	BT = 0x8000,
	RTM = 0x10000,
};

/* What the vCPU ran with. */
enum {
	HOST_EXEC = 1 << 0,   /* slot 0 */
	HOST_WATCH = 1 << 1,  /* slot 1: write, 0x2004 */
	HOST_ACCESS = 1 << 2, /* slot 1: access, 0x2008 */
	GUEST_EXEC = 1 << 3,  /* slot 2: the guest's DR0, at pc */
	GUEST_WATCH = 1 << 4, /* slot 3: the guest's DR1 */
	END = 1 << 5,         /* slot 3: a step runs to pc */
	GD = 1 << 6,          /* the guest's MOV DR is watched */
	STEP = 1 << 7,        /* by TF */
	RUN_TO = 1 << 8,      /* a step without TF */
	GUEST_TF = 1 << 9,
	GUEST_GD = 1 << 10,
	GUEST_DR1 = 1 << 11, /* enabled in the guest's DR7 */
	PLANTED = 1 << 12,
	STALE = 1 << 13,
	NOT_STEPPING = 1 << 14, /* with STEP: no step is in progress any more */
	SLOTS = HOST_EXEC | HOST_WATCH | HOST_ACCESS | GUEST_EXEC | GUEST_WATCH | END | GD,
};

struct row {
	const char *name;
	unsigned with;
	uint32_t exception, causes; /* causes: bits that are 1 when they happened */
	const char *code;

	bool report;
	enum target_stop_reason reason; /* if report */
	uint64_t address;
	bool done, silently;
	enum injection_kind inject;
	uint32_t dr6;
	uint8_t skip;
};

#define REPORT(reason, address) true, reason, address
#define NOT_REPORTED            false, TARGET_STOP_QUIET, 0

static const struct row rows[] = {
	/* #BP */
	{ "1 planted", PLANTED, 3, 0, "\xcc", REPORT(TARGET_STOP_SWBREAK, 0), false, false,
		INJECT_NONE, 0, 0 },
	{ "2 the guest's int3", 0, 3, 0, "\xcc", NOT_REPORTED, false, false, INJECT_BREAKPOINT, 0,
		0 },
	{ "3 planted on the guest's", PLANTED, 3, 0, "\xcc", REPORT(TARGET_STOP_SWBREAK, 0), false,
		false, INJECT_NONE, 0, 0 },
	{ "5 stale", STALE, 3, 0, "\x55", NOT_REPORTED, false, false, INJECT_NONE, 0, 0 },
	{ "set again meanwhile", STALE | PLANTED, 3, 0, "\x55", REPORT(TARGET_STOP_SWBREAK, 0),
		false, false, INJECT_NONE, 0, 0 },
	{ "planted behind mov ss, stepped", STEP | PLANTED, 3, 0, "\xcc",
		REPORT(TARGET_STOP_SWBREAK, 0), true, false, INJECT_NONE, 0, 0 },
	{ "the guest's int3, stepped", RUN_TO | END, 3, 0, "\xcc", NOT_REPORTED, false, false,
		INJECT_BREAKPOINT, 0, 0 },
	{ "#BP has no dr6", HOST_WATCH, 3, B1 | BS, "\xcc", NOT_REPORTED, false, false,
		INJECT_BREAKPOINT, 0, 0 },

	/* the debugger's #DB */
	{ "7 breakpoint", HOST_EXEC, 1, B0, "\x90", REPORT(TARGET_STOP_HWBREAK, 0), false, false,
		INJECT_NONE, 0, 0 },
	{ "8 watchpoint", HOST_WATCH, 1, B1, "\x90", REPORT(TARGET_STOP_WATCH, 0x2004), false,
		false, INJECT_NONE, 0, 0 },
	{ "8 access", HOST_ACCESS, 1, B1, "\x90", REPORT(TARGET_STOP_AWATCH, 0x2008), false, false,
		INJECT_NONE, 0, 0 },
	{ "watchpoint before breakpoint", HOST_EXEC | HOST_WATCH, 1, B0 | B1, "\x90",
		REPORT(TARGET_STOP_WATCH, 0x2004), false, false, INJECT_NONE, 0, 0 },
	{ "9 step", STEP, 1, BS, "\x90", NOT_REPORTED, true, false, INJECT_NONE, 0, 0 },
	{ "step onto a watchpoint", STEP | HOST_WATCH, 1, BS | B1, "\x90",
		REPORT(TARGET_STOP_WATCH, 0x2004), true, false, INJECT_NONE, 0, 0 },
	{ "step ran to its end", RUN_TO | END, 1, B3, "\x90", NOT_REPORTED, true, false,
		INJECT_NONE, 0, 0 },
	{ "step faulted into a handler", STEP | END, 1, B3, "\x90", NOT_REPORTED, true, false,
		INJECT_NONE, 0, 0 },
	{ "step ran onto a breakpoint", RUN_TO | END | HOST_EXEC, 1, B3 | B0, "\x90",
		REPORT(TARGET_STOP_HWBREAK, 0), true, false, INJECT_NONE, 0, 0 },
	{ "the end of a step that is over", END, 1, B3, "\x90", NOT_REPORTED, false, false,
		INJECT_NONE, 0, 0 },
	{ "step that is over", STEP | NOT_STEPPING, 1, BS, "\x90", NOT_REPORTED, false, false,
		INJECT_NONE, 0, 0 },
	{ "11 step over hlt", STEP, 1, BS, "\xeb", NOT_REPORTED, true, false, INJECT_NONE, 0, 0 },

	/* the guest's */
	{ "13 its step", GD | GUEST_TF, 1, BS, "\x90", NOT_REPORTED, false, false, INJECT_DEBUG, BS,
		0 },
	{ "13 its step and ours", STEP | GUEST_TF, 1, BS, "\x90", NOT_REPORTED, true, false,
		INJECT_DEBUG, BS, 0 },
	{ "15 breakpoint", GUEST_EXEC | HOST_WATCH, 1, B2, "\x90", NOT_REPORTED, false, false,
		INJECT_DEBUG, B0, 0 },
	{ "15 watchpoint", GUEST_WATCH | HOST_WATCH, 1, B3, "\x90", NOT_REPORTED, false, false,
		INJECT_DEBUG, B1, 0 },
	{ "14 its own register while stepping", STEP | GUEST_DR1, 1, BS | B1, "\x90", NOT_REPORTED,
		true, false, INJECT_DEBUG, B1, 0 },
	{ "its register that is not enabled", STEP, 1, BS | B1, "\x90", NOT_REPORTED, true, false,
		INJECT_NONE, 0, 0 },
	{ "16 both at one address", HOST_EXEC | GUEST_EXEC, 1, B0 | B2, "\x90",
		REPORT(TARGET_STOP_HWBREAK, 0), false, false, INJECT_DEBUG, B0, 0 },
	{ "its watchpoint with ours", HOST_WATCH | GUEST_WATCH, 1, B1 | B3, "\x90",
		REPORT(TARGET_STOP_WATCH, 0x2004), false, false, INJECT_DEBUG, B1, 0 },
	{ "17 mov dr, watched", GD, 1, BD, "\x0f", NOT_REPORTED, false, true, INJECT_NONE, 0, 0 },
	{ "17 mov dr, GD of both", GD | GUEST_GD, 1, BD, "\x0f", NOT_REPORTED, false, false,
		INJECT_DEBUG, BD, 0 },
	{ "17 mov dr, its GD alone", STEP | GUEST_GD, 1, BD, "\x0f", NOT_REPORTED, false, false,
		INJECT_DEBUG, BD, 0 },
	{ "18 int1 on VMX", HOST_WATCH, 1, 0, "\xf1", NOT_REPORTED, false, false, INJECT_DEBUG, 0,
		1 },
	{ "18 int1 with prefixes", HOST_WATCH, 1, 0, "\x66\x2e\xf1", NOT_REPORTED, false, false,
		INJECT_DEBUG, 0, 3 },
	{ "18 int1 on SVM", HOST_WATCH, 1, 0, "\x90", NOT_REPORTED, false, false, INJECT_DEBUG, 0,
		0 },
	{ "18 int1, stepped", RUN_TO | END, 1, 0, "\xf1", NOT_REPORTED, false, false, INJECT_DEBUG,
		0, 1 },
	{ "18 int1 with a match that is not enabled", HOST_EXEC, 1, B3, "\xf1", NOT_REPORTED, false,
		false, INJECT_DEBUG, 0, 1 },
	{ "its watchpoint before int1", GUEST_WATCH | HOST_EXEC, 1, B3, "\xf1", NOT_REPORTED, false,
		false, INJECT_DEBUG, B1, 0 },
	{ "our watchpoint before int1", HOST_WATCH, 1, B1, "\xf1",
		REPORT(TARGET_STOP_WATCH, 0x2004), false, false, INJECT_NONE, 0, 0 },
	{ "19 bus lock", HOST_WATCH, 1, BUS_LOCK, "\x90", NOT_REPORTED, false, false, INJECT_DEBUG,
		BUS_LOCK, 0 },
	{ "19 RTM with our watchpoint", HOST_WATCH, 1, RTM | B1, "\x90",
		REPORT(TARGET_STOP_WATCH, 0x2004), false, false, INJECT_DEBUG, RTM, 0 },
	{ "task switch", HOST_WATCH, 1, BT, "\x90", NOT_REPORTED, false, false, INJECT_DEBUG, BT,
		0 },
	{ "VMX: a match that is not enabled", HOST_WATCH, 1, B1 | B3, "\x90",
		REPORT(TARGET_STOP_WATCH, 0x2004), false, false, INJECT_NONE, 0, 0 },
	{ "VMX: nothing else", HOST_WATCH, 1, B3, "\x90", NOT_REPORTED, false, false, INJECT_NONE,
		0, 0 },

	/* no exception of ours: a hostile page */
	{ "vector 14", HOST_EXEC | STEP, 14, B0 | BS, "\xcc", NOT_REPORTED, false, false,
		INJECT_NONE, 0, 0 },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void slot_set(struct debug_plan *plan, unsigned index, enum slot_owner owner,
	enum target_breakpoint type, gva_t gva, uint8_t guest_index)
{
	plan->slots[index] = (struct slot){ .owner = owner,
		.type = type,
		.gva = gva,
		.length = type == TARGET_BREAK_HARDWARE ? 1 : 4,
		.guest_index = guest_index };
}

static struct debug_plan plan_of(unsigned with)
{
	struct debug_plan plan = { .control = X86_GUESTDBG_ENABLE };

	if (with & SLOTS)
		plan.control |= X86_GUESTDBG_USE_HW_BP;
	if (with & STEP)
		plan.control |= X86_GUESTDBG_SINGLESTEP;
	if (with & HOST_EXEC)
		slot_set(&plan, 0, SLOT_HOST, TARGET_BREAK_HARDWARE, PC, 0);
	if (with & HOST_WATCH)
		slot_set(&plan, 1, SLOT_HOST, TARGET_WATCH_WRITE, 0x2004, 0);
	if (with & HOST_ACCESS)
		slot_set(&plan, 1, SLOT_HOST, TARGET_WATCH_ACCESS, 0x2008, 0);
	if (with & GUEST_EXEC)
		slot_set(&plan, 2, SLOT_GUEST, TARGET_BREAK_HARDWARE, PC, 0);
	if (with & GUEST_WATCH)
		slot_set(&plan, 3, SLOT_GUEST, TARGET_WATCH_WRITE, 0x3000, 1);
	if (with & END)
		slot_set(&plan, 3, SLOT_INTERNAL, TARGET_BREAK_HARDWARE, PC, 0);
	plan.watch_guest_debug_registers = with & GD;
	return plan;
}

static int no_memory(void *context, gva_t gva, void *buf, size_t length)
{
	(void)context;
	(void)gva;
	(void)buf;
	(void)length;
	return -1;
}

static int no_memory_write(void *context, gva_t gva, const void *buf, size_t length)
{
	(void)context;
	(void)gva;
	(void)buf;
	(void)length;
	return -1;
}

static struct cpu cpu_of(unsigned with)
{
	struct cpu cpu = { .valid = CPU_STOP | CPU_DEBUG };

	cpu.x86_64.regs.rip = PC;
	cpu.x86_64.sregs.cr0 = X86_CR0_PE | X86_CR0_PG;
	cpu.x86_64.sregs.efer = X86_EFER_LMA;
	cpu.x86_64.sregs.cs.l = 1;
	cpu.x86_64.regs.rflags = X86_FLAGS_FIXED;
	if (with & GUEST_TF)
		cpu.x86_64.regs.rflags |= X86_FLAGS_TF;
	if (with & GUEST_GD)
		cpu.x86_64.debugregs.dr7 |= X86_DR7_GD;
	if (with & GUEST_DR1)
		cpu.x86_64.debugregs.dr7 |= 1 << 2;
	return cpu;
}

static struct decision decide(const struct row *row)
{
	struct guest_memory memory = { no_memory, no_memory_write, NULL };
	struct debug_plan plan = plan_of(row->with);
	struct x86_debug_exit out = {
		.exception = row->exception, .pc = PC, .dr6 = row->causes ^ X86_DR6_ACTIVE_LOW
	};
	struct cpu cpu = cpu_of(row->with);
	struct decision decision;
	struct step_plan step;
	uint8_t exit_bytes[64] = { 0 };
	struct debug_event event = { .cpu = &cpu,
		.exit = exit_bytes,
		.plan = &plan,
		.planted = row->with & PLANTED,
		.stale = row->with & STALE };

	memcpy(exit_bytes, &out, sizeof(out));
	memset(event.code, 0x90, sizeof(event.code));
	memcpy(event.code, row->code, strlen(row->code));
	event.code_length = sizeof(event.code);
	if (row->with & (STEP | RUN_TO)) {
		arch_x86_64.step_begin(&cpu, &memory, NULL, 0, false, &step);
		step.trap = row->with & STEP;
		event.step = row->with & NOT_STEPPING ? NULL : &step;
		if (row->with & STEP) /* as KVM hides it */
			cpu.x86_64.regs.rflags &= ~X86_FLAGS_TF;
	}
	memset(&decision, 0xa5, sizeof(decision));
	arch_x86_64.decide(&event, &decision);
	return decision;
}

static void check_row(const struct row *row)
{
	struct decision got = decide(row);

	if (got.report != row->report || got.step_done != row->done ||
		got.step_silently != row->silently || got.guest_debug_registers != row->silently ||
		got.inject.kind != row->inject || got.inject.dr6 != row->dr6 ||
		got.inject.skip != row->skip)
		fail_msg("%s: report %d done %d silently %d mov dr %d inject %d dr6 0x%llx skip %u",
			row->name, got.report, got.step_done, got.step_silently,
			got.guest_debug_registers, got.inject.kind,
			(unsigned long long)got.inject.dr6, got.inject.skip);
	if (row->report && (got.reason != row->reason || got.address != row->address))
		fail_msg("%s: reason %d address 0x%llx", row->name, got.reason,
			(unsigned long long)got.address);
}

static void test_rows(void **context)
{
	(void)context;
	for (unsigned i = 0; i < ROWS; i++)
		check_row(&rows[i]);
}

/* The exit's dr6 as KVM's own tests want it: 0xffff0ff0 with the cause's bit. */
static void test_raw_dr6(void **context)
{
	static const uint64_t raw[] = { 0xffff0ff1, 0xffff4ff0, 0xffff2ff0, 0xffff07f0,
		0xfffe0ff0 };
	static const uint32_t causes[] = { B0, BS, BD, BUS_LOCK, RTM };

	(void)context;
	for (unsigned i = 0; i < 5; i++)
		assert_true((causes[i] ^ X86_DR6_ACTIVE_LOW) == raw[i]);
}

/* Whatever bits a hostile page holds: bounded, and the guest gets no cause that does not exist. */
static void test_any_bits(void **context)
{
	uint64_t seed = 88172645463325252u;

	(void)context;
	for (unsigned i = 0; i < 20000; i++) {
		struct row row = { .exception = 1, .code = "\xf1" };
		struct decision got;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		row.with = (unsigned)(seed >> 40) & 0x7fff;
		row.causes = (uint32_t)seed;
		got = decide(&row);
		assert_false(got.inject.dr6 & ~UINT64_C(0x1e80f));
		assert_true(got.inject.skip <= 15);
		assert_true(got.inject.kind == INJECT_NONE || got.inject.kind == INJECT_DEBUG);
		if (got.step_silently)
			assert_false(got.report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_raw_dr6),
		cmocka_unit_test(test_any_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
