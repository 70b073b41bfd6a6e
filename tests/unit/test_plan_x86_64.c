/* SPDX-License-Identifier: Apache-2.0 */
/* Debug registers of x86-64: who gets which, and the bytes that KVM_SET_GUEST_DEBUG is given. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kvm/arch_x86_64.h"

enum {
	ENABLE = X86_GUESTDBG_ENABLE,
	STEP = X86_GUESTDBG_SINGLESTEP,
	SW = X86_GUESTDBG_USE_SW_BP,
	HW = X86_GUESTDBG_USE_HW_BP,
	BLOCK = X86_GUESTDBG_BLOCKIRQ,
};

static struct cpu long_cpu(void)
{
	struct cpu cpu = { .valid = CPU_STOP | CPU_DEBUG };

	cpu.x86_64.regs.rip = 0x1000;
	cpu.x86_64.sregs.efer = X86_EFER_LMA;
	cpu.x86_64.sregs.cs.l = 1;
	cpu.x86_64.debugregs.dr7 = 0x400;
	return cpu;
}

static struct debug_plan plan_for(const struct cpu *cpu, const struct debug_request *request)
{
	struct debug_plan plan;

	memset(&plan, 0xa5, sizeof(plan));
	arch_x86_64.plan(cpu, request, &plan);
	return plan;
}

static struct x86_guest_debug encoded(const struct debug_plan *plan, const struct injection *inject)
{
	uint8_t arg[528];
	struct x86_guest_debug debug;

	memset(arg, 0xa5, sizeof(arg));
	assert_int_equal(arch_x86_64.encode(plan, inject, arg), 72);
	assert_int_equal(arg[72], 0xa5);
	memcpy(&debug, arg, sizeof(debug));
	return debug;
}

/* ---- control bits ------------------------------------------------------------------------ */

static const struct hardware_point exec_at_pc = { TARGET_BREAK_HARDWARE, 0x1000, 1 };
static const struct hardware_point watch_8 = { TARGET_WATCH_WRITE, 0x2000, 8 };

static void test_control(void **context)
{
	static const struct {
		const char *name;
		struct debug_request request;
		uint32_t control;
		bool watches;
		uint32_t groups;
	} cases[] = {
		{ "nothing", { 0 }, 0, false, 0 },
		{ "software", { .software = true }, ENABLE | SW, false, 0 },
		{ "step", { .step = true }, ENABLE | STEP | BLOCK, false, CPU_DEBUG },
		{ "step with software", { .software = true, .step = true },
			ENABLE | SW | STEP | BLOCK, false, CPU_DEBUG },
		{ "point", { .points = &watch_8, .point_count = 1 }, ENABLE | HW, true, CPU_DEBUG },
		{ "point and step", { .points = &watch_8, .point_count = 1, .step = true },
			ENABLE | HW | STEP | BLOCK, false, CPU_DEBUG },
		{ "run to", { .run_to = { 0x5000 }, .run_to_count = 1 }, ENABLE | HW | BLOCK, true,
			CPU_DEBUG },
		{ "only a point at pc, skipped",
			{ .points = &exec_at_pc, .point_count = 1, .skip_at_pc = true }, 0, false,
			CPU_DEBUG },
		{ "a point at pc", { .points = &exec_at_pc, .point_count = 1 }, ENABLE | HW, true,
			CPU_DEBUG },
		{ "a watchpoint is not skipped",
			{ .points = &watch_8, .point_count = 1, .skip_at_pc = true }, ENABLE | HW,
			true, CPU_DEBUG },
		{ "step, handler on the way",
			{ .step = true, .run_to = { 0x5000 }, .run_to_count = 1 },
			ENABLE | HW | STEP | BLOCK, false, CPU_DEBUG },
	};
	struct cpu cpu = long_cpu();

	(void)context;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct debug_plan plan = plan_for(&cpu, &cases[i].request);

		if (plan.control != cases[i].control)
			fail_msg("%s: control 0x%x", cases[i].name, plan.control);
		if (plan.watch_guest_debug_registers != cases[i].watches)
			fail_msg("%s: watches", cases[i].name);
		assert_int_equal(plan.limitations, 0);
		assert_int_equal(arch_x86_64.debug_groups(&cases[i].request), cases[i].groups);
		assert_int_equal(encoded(&plan, NULL).control, cases[i].control);
	}
}

/* ---- the bytes --------------------------------------------------------------------------- */

static void test_debugreg(void **context)
{
	static const struct {
		struct hardware_point point;
		uint64_t dr7; /* without GD */
	} cases[] = {
		{ { TARGET_BREAK_HARDWARE, 0x1000, 1 }, 0x00000602 },
		{ { TARGET_WATCH_WRITE, 0x2003, 1 }, 0x00010602 },
		{ { TARGET_WATCH_WRITE, 0x2002, 2 }, 0x00050602 },
		{ { TARGET_WATCH_WRITE, 0x2004, 4 }, 0x000d0602 },
		{ { TARGET_WATCH_WRITE, 0x2008, 8 }, 0x00090602 },
		{ { TARGET_WATCH_ACCESS, 0x2004, 4 }, 0x000f0602 },
	};
	struct cpu cpu = long_cpu();

	(void)context;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct debug_request request = { .points = &cases[i].point, .point_count = 1 };
		struct debug_plan plan = plan_for(&cpu, &request);
		struct x86_guest_debug debug = encoded(&plan, NULL);

		assert_true(debug.debugreg[0] == cases[i].point.gva);
		assert_true(debug.debugreg[7] == (cases[i].dr7 | X86_DR7_GD));
		request.step = true;
		plan = plan_for(&cpu, &request);
		assert_true(encoded(&plan, NULL).debugreg[7] == cases[i].dr7);
	}
}

/* Whatever is planned, DR7 has no bit that VM entry refuses. */
static void test_dr7_reserved_bits(void **context)
{
	static const struct hardware_point points[] = {
		{ TARGET_WATCH_ACCESS, 0x2000, 8 },
		{ TARGET_WATCH_WRITE, 0x3000, 7 },
	};
	struct debug_request request = { .points = points, .point_count = 2 };
	struct cpu cpu = long_cpu();
	struct debug_plan plan;
	uint64_t dr7;

	(void)context;
	cpu.x86_64.debugregs.dr7 = ~UINT64_C(0);
	plan = plan_for(&cpu, &request);
	dr7 = encoded(&plan, NULL).debugreg[7];
	assert_true((dr7 & UINT64_C(0xffffffff0000dc00)) == 0x400);
	assert_int_equal(dr7 & 0xff, 0xaa);
}

static void test_injection_flags(void **context)
{
	struct debug_request request = { .software = true }, none = { 0 };
	struct injection bp = { .kind = INJECT_BREAKPOINT }, db = { .kind = INJECT_DEBUG };
	struct injection nothing = { .kind = INJECT_NONE };
	struct cpu cpu = long_cpu();
	struct debug_plan plan = plan_for(&cpu, &request), off = plan_for(&cpu, &none);

	(void)context;
	assert_int_equal(encoded(&plan, &bp).control, ENABLE | SW | 0x80000);
	assert_int_equal(encoded(&plan, &db).control, ENABLE | SW | 0x40000);
	assert_int_equal(encoded(&plan, &nothing).control, ENABLE | SW);
	assert_int_equal(encoded(&off, &bp).control, 0x80000);
}

/* ---- ranges ------------------------------------------------------------------------------ */

static void test_split(void **context)
{
	static const struct {
		gva_t gva;
		uint64_t length;
		unsigned count;
		uint64_t lengths[4];
	} cases[] = {
		{ 0x2000, 8, 1, { 8 } },
		{ 0x2001, 1, 1, { 1 } },
		{ 0x2001, 3, 2, { 1, 2 } },
		{ 0x2003, 8, 4, { 1, 4, 2, 1 } },
		{ 0x2004, 8, 2, { 4, 4 } },
		{ 0x2000, 32, 4, { 8, 8, 8, 8 } },
		{ 0x2000, 15, 4, { 8, 4, 2, 1 } },
	};
	struct cpu cpu = long_cpu();

	(void)context;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hardware_point point = { TARGET_WATCH_WRITE, cases[i].gva, cases[i].length };
		struct debug_request request = { .points = &point, .point_count = 1 };
		struct debug_plan plan = plan_for(&cpu, &request);
		gva_t next = cases[i].gva;

		assert_int_equal(arch_x86_64.check_point(&cpu, NULL, 0, &point), 0);
		for (unsigned j = 0; j < X86_SLOTS; j++) {
			const struct slot *slot = &plan.slots[j];

			assert_int_equal(slot->owner, j < cases[i].count ? SLOT_HOST : SLOT_FREE);
			assert_int_equal(slot->length, cases[i].lengths[j]);
			assert_true(j >= cases[i].count || slot->gva == next);
			assert_true(slot->length == 0 || slot->gva % slot->length == 0);
			next += slot->length;
		}
		assert_true(next == cases[i].gva + cases[i].length);
	}
}

static void test_check_point(void **context)
{
	static const struct {
		const char *name;
		struct hardware_point before[4];
		unsigned count;
		struct hardware_point wanted;
		int rc;
	} cases[] = {
		{ "read watch", { { 0 } }, 0, { TARGET_WATCH_READ, 0x2000, 4 }, -ENOTSUP },
		{ "software", { { 0 } }, 0, { TARGET_BREAK_SOFTWARE, 0x2000, 1 }, -ENOTSUP },
		{ "no length", { { 0 } }, 0, { TARGET_WATCH_WRITE, 0x2000, 0 }, -EINVAL },
		{ "long instruction", { { 0 } }, 0, { TARGET_BREAK_HARDWARE, 0x2000, 4 }, -EINVAL },
		{ "wraps", { { 0 } }, 0, { TARGET_WATCH_WRITE, ~UINT64_C(0), 2 }, -EINVAL },
		{ "the last byte", { { 0 } }, 0, { TARGET_WATCH_WRITE, ~UINT64_C(0), 1 }, 0 },
		{ "33 bytes", { { 0 } }, 0, { TARGET_WATCH_WRITE, 0x2000, 33 }, -ENOSPC },
		{ "everything", { { 0 } }, 0, { TARGET_WATCH_WRITE, 0, ~UINT64_C(0) }, -ENOSPC },
		{ "unaligned 16", { { 0 } }, 0, { TARGET_WATCH_WRITE, 0x2001, 16 }, -ENOSPC },
		{ "fifth",
			{ { TARGET_BREAK_HARDWARE, 1, 1 }, { TARGET_BREAK_HARDWARE, 2, 1 },
				{ TARGET_WATCH_WRITE, 0x3000, 8 }, { TARGET_WATCH_ACCESS, 8, 1 } },
			4, { TARGET_BREAK_HARDWARE, 0x2000, 1 }, -ENOSPC },
		{ "fourth",
			{ { TARGET_BREAK_HARDWARE, 1, 1 }, { TARGET_BREAK_HARDWARE, 2, 1 },
				{ TARGET_WATCH_WRITE, 0x3000, 8 } },
			3, { TARGET_BREAK_HARDWARE, 0x2000, 1 }, 0 },
		{ "two pieces on three", { { TARGET_WATCH_WRITE, 0x3001, 7 } }, 1,
			{ TARGET_WATCH_WRITE, 0x2001, 3 }, -ENOSPC },
	};
	struct cpu cpu = long_cpu();

	(void)context;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = arch_x86_64.check_point(
			&cpu, cases[i].before, cases[i].count, &cases[i].wanted);

		if (rc != cases[i].rc)
			fail_msg("%s: %d", cases[i].name, rc);
	}
}

/* ---- the guest's own --------------------------------------------------------------------- */

/* DR1: write of 4 at 0x7004; DR2: instruction at 0x8000; DR3 is set up but not enabled. */
static void own_breakpoints(struct cpu *cpu)
{
	struct x86_debugregs *own = &cpu->x86_64.debugregs;

	own->db[1] = 0x7004;
	own->db[2] = 0x8000;
	own->db[3] = 0x9000;
	own->dr7 = 0x400 | UINT64_C(1) << 2 | UINT64_C(2) << 4 | UINT64_C(0xd) << 20;
}

static void test_merge(void **context)
{
	struct debug_request request = { .points = &watch_8, .point_count = 1 };
	struct cpu cpu = long_cpu();
	struct debug_plan plan;
	struct x86_guest_debug debug;

	(void)context;
	own_breakpoints(&cpu);
	plan = plan_for(&cpu, &request);
	assert_int_equal(plan.slots[0].owner, SLOT_HOST);
	assert_int_equal(plan.slots[1].owner, SLOT_GUEST);
	assert_int_equal(plan.slots[1].guest_index, 1);
	assert_int_equal(plan.slots[1].type, TARGET_WATCH_WRITE);
	assert_int_equal(plan.slots[1].length, 4);
	assert_int_equal(plan.slots[2].owner, SLOT_GUEST);
	assert_int_equal(plan.slots[2].type, TARGET_BREAK_HARDWARE);
	assert_int_equal(plan.slots[3].owner, SLOT_FREE);
	debug = encoded(&plan, NULL);
	assert_true(debug.debugreg[1] == 0x7004 && debug.debugreg[2] == 0x8000);
	assert_true(debug.debugreg[3] == 0);
	assert_int_equal(debug.debugreg[7], 0x00d9262a);
	assert_int_equal(debug.pad, 2 << 12 | 3 << 16); /* loss.h: whose is what */
	assert_int_equal(plan.limitations, 0);
}

/* Moved aside by two host points, and one lost to three. */
static void test_merge_elsewhere(void **context)
{
	static const struct hardware_point points[] = {
		{ TARGET_WATCH_WRITE, 0x2000, 8 },
		{ TARGET_WATCH_WRITE, 0x3000, 8 },
		{ TARGET_WATCH_WRITE, 0x4000, 8 },
	};
	struct debug_request request = { .points = points, .point_count = 2 };
	struct cpu cpu = long_cpu();
	struct debug_plan plan;

	(void)context;
	own_breakpoints(&cpu);
	plan = plan_for(&cpu, &request);
	assert_int_equal(plan.limitations, 0);
	assert_int_equal(plan.slots[2].guest_index, 1);
	assert_int_equal(plan.slots[2].owner, SLOT_GUEST);
	assert_int_equal(plan.slots[3].guest_index, 2);
	request.point_count = 3;
	plan = plan_for(&cpu, &request);
	assert_int_equal(plan.limitations, LIMITATION_GUEST_BREAKPOINT_LOST);
	assert_int_equal(plan.slots[3].guest_index, 1);
}

/* Without slots of ours the hardware has the guest's: nothing to merge, nothing to watch. */
static void test_no_merge(void **context)
{
	struct debug_request request = { .software = true, .step = true };
	struct cpu cpu = long_cpu();
	struct debug_plan plan;

	(void)context;
	own_breakpoints(&cpu);
	plan = plan_for(&cpu, &request);
	for (unsigned i = 0; i < X86_SLOTS; i++)
		assert_int_equal(plan.slots[i].owner, SLOT_FREE);
	assert_false(plan.control & HW);
}

static void test_merge_io(void **context)
{
	struct debug_request request = { .points = &watch_8, .point_count = 1 };
	struct cpu cpu = long_cpu();
	struct debug_plan plan;

	(void)context;
	cpu.x86_64.debugregs.dr7 = 0x400 | 2 | UINT64_C(2) << 16;
	plan = plan_for(&cpu, &request);
	assert_int_equal(plan.limitations, LIMITATION_IO_BREAKPOINT);
	assert_int_equal(plan.slots[1].owner, SLOT_FREE);
}

static void test_guest_gd_while_stepping(void **context)
{
	struct debug_request request = { .points = &watch_8, .point_count = 1, .step = true };
	struct cpu cpu = long_cpu();
	struct debug_plan plan;

	(void)context;
	cpu.x86_64.debugregs.dr7 |= X86_DR7_GD;
	plan = plan_for(&cpu, &request);
	assert_true(plan.watch_guest_debug_registers);
	assert_true(encoded(&plan, NULL).debugreg[7] & X86_DR7_GD);
}

/* ---- the ends of steps ------------------------------------------------------------------- */

static void test_run_to_comes_first(void **context)
{
	static const struct hardware_point points[] = { { TARGET_WATCH_WRITE, 0x2000, 32 } };
	struct debug_request request = {
		.points = points, .point_count = 1, .run_to = { 0x5000 }, .run_to_count = 1
	};
	struct cpu cpu = long_cpu();
	struct debug_plan plan = plan_for(&cpu, &request);

	(void)context;
	assert_int_equal(plan.slots[0].owner, SLOT_INTERNAL);
	assert_true(plan.slots[0].gva == 0x5000);
	for (unsigned i = 1; i < X86_SLOTS; i++)
		assert_int_equal(plan.slots[i].owner, SLOT_HOST);
}

/* One instruction is executed: what of the guest's waits for others cannot be lost by it. */
static void test_run_to_needs_few_of_the_guests(void **context)
{
	static const struct hardware_point points[] = { { TARGET_WATCH_WRITE, 0x2000, 16 } };
	struct debug_request request = {
		.points = points, .point_count = 1, .run_to = { 0x5000 }, .run_to_count = 1
	};
	struct cpu cpu = long_cpu();
	struct debug_plan plan;

	(void)context;
	cpu.x86_64.debugregs.db[0] = 0x5000;
	cpu.x86_64.debugregs.db[1] = 0x6000;
	cpu.x86_64.debugregs.db[2] = cpu.x86_64.regs.rip;
	cpu.x86_64.debugregs.dr7 = 0x400 | 0x2a;
	plan = plan_for(&cpu, &request);
	assert_int_equal(plan.limitations, 0);
	assert_int_equal(plan.slots[3].owner, SLOT_GUEST);
	assert_int_equal(plan.slots[3].guest_index, 2);
	request.run_to_count = 0;
	plan = plan_for(&cpu, &request);
	assert_int_equal(plan.limitations, LIMITATION_GUEST_BREAKPOINT_LOST);
	assert_int_equal(plan.slots[3].guest_index, 1);
}

/* With KVM's step they come last, and never at the cost of the guest. */
static void test_handlers_come_last(void **context)
{
	static const struct hardware_point points[] = { { TARGET_WATCH_WRITE, 0x2000, 24 } };
	struct debug_request request = { .points = points,
		.point_count = 1,
		.step = true,
		.run_to = { 0x5000, 0x6000 },
		.run_to_count = 2 };
	struct cpu cpu = long_cpu();
	struct debug_plan plan = plan_for(&cpu, &request);

	(void)context;
	assert_int_equal(plan.slots[2].owner, SLOT_HOST);
	assert_int_equal(plan.slots[3].owner, SLOT_INTERNAL);
	assert_true(plan.slots[3].gva == 0x5000);
	assert_int_equal(encoded(&plan, NULL).pad, 0xf << 20); /* LOSS_X86_HANDLER */
	own_breakpoints(&cpu);
	request.point_count = 0;
	plan = plan_for(&cpu, &request);
	assert_int_equal(plan.slots[0].owner, SLOT_INTERNAL);
	assert_int_equal(plan.slots[1].owner, SLOT_GUEST);
	assert_int_equal(plan.slots[2].owner, SLOT_INTERNAL);
	assert_int_equal(plan.slots[3].owner, SLOT_GUEST); /* a breakpoint elsewhere */
	cpu.x86_64.debugregs.dr7 = 0x111104ff;             /* four that are written to */
	plan = plan_for(&cpu, &request);
	assert_int_equal(plan.control, ENABLE | STEP | BLOCK);
	assert_int_equal(plan.slots[0].owner, SLOT_FREE);
	cpu.x86_64.debugregs.dr7 = 0x400 | 2 | UINT64_C(2) << 16; /* I/O: lost by merging */
	plan = plan_for(&cpu, &request);
	assert_int_equal(plan.control, ENABLE | STEP | BLOCK);
	assert_int_equal(plan.limitations, 0);
}

/* One instruction cannot hit a breakpoint that is not at it: the handler of its fault is more urgent. */
static void test_handlers_before_breakpoints_elsewhere(void **context)
{
	struct cpu cpu = long_cpu();
	const gva_t pc = arch_x86_64_pc(&cpu);
	const struct hardware_point points[] = { { TARGET_BREAK_HARDWARE, 0x7000, 1 },
		{ TARGET_BREAK_HARDWARE, pc, 1 }, { TARGET_BREAK_HARDWARE, 0x8000, 1 },
		{ TARGET_BREAK_HARDWARE, 0x9000, 1 } };
	struct debug_request request = { .points = points,
		.point_count = 4,
		.step = true,
		.run_to = { 0x5000, 0x6000 },
		.run_to_count = 2 };
	struct debug_plan plan = plan_for(&cpu, &request);

	(void)context;
	assert_true(plan.slots[0].owner == SLOT_HOST && plan.slots[0].gva == pc);
	assert_true(plan.slots[1].owner == SLOT_INTERNAL && plan.slots[1].gva == 0x5000);
	assert_true(plan.slots[2].owner == SLOT_INTERNAL && plan.slots[2].gva == 0x6000);
	assert_true(plan.slots[3].owner == SLOT_HOST && plan.slots[3].gva == 0x7000);
	request.skip_at_pc = true;
	plan = plan_for(&cpu, &request);
	assert_int_equal(plan.slots[0].owner, SLOT_INTERNAL);
	assert_true(plan.slots[3].owner == SLOT_HOST && plan.slots[3].gva == 0x8000);
	assert_int_equal(plan.limitations, 0);
	request.run_to_count = 0;
	plan = plan_for(&cpu, &request);
	assert_true(plan.slots[0].gva == 0x7000 && plan.slots[2].gva == 0x9000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_debugreg),
		cmocka_unit_test(test_dr7_reserved_bits),
		cmocka_unit_test(test_injection_flags),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_check_point),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_merge_elsewhere),
		cmocka_unit_test(test_no_merge),
		cmocka_unit_test(test_merge_io),
		cmocka_unit_test(test_guest_gd_while_stepping),
		cmocka_unit_test(test_run_to_comes_first),
		cmocka_unit_test(test_run_to_needs_few_of_the_guests),
		cmocka_unit_test(test_handlers_come_last),
		cmocka_unit_test(test_handlers_before_breakpoints_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
