/* SPDX-License-Identifier: Apache-2.0 */
/* What an arm64 vCPU is run with: control bits, encodings, and the guest's own pairs among ours. */
#include "tests/unit/arm64_fixture.h"

enum { SW = GUESTDBG_ENABLE | GUESTDBG_USE_SW_BP, HW = GUESTDBG_ENABLE | GUESTDBG_USE_HW };

static struct hardware_point point(enum target_breakpoint type, gva_t gva, uint64_t length)
{
	return (struct hardware_point){ type, gva, length };
}

static struct debug_plan plan_points(
	const struct cpu *cpu, const struct hardware_point *points, unsigned count)
{
	struct debug_request request = { .points = points, .point_count = count };
	struct debug_plan plan;

	memset(&plan, 0xaa, sizeof(plan));
	arch_arm64.plan(cpu, &request, &plan);
	return plan;
}

static struct arm64_guest_debug encode(const struct debug_plan *plan)
{
	uint8_t arg[528];
	struct arm64_guest_debug debug;
	struct injection none = { .kind = INJECT_NONE };

	memset(arg, 0xaa, sizeof(arg));
	assert_int_equal(arch_arm64.encode(plan, &none, arg), 520);
	memcpy(&debug, arg, sizeof(debug));
	return debug;
}

/* Row 90: with nothing to debug the guest has its debug hardware to itself. */
static void test_nothing_to_debug(void **state)
{
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	struct debug_request request = { .software = false };
	struct debug_plan plan;
	struct arm64_guest_debug debug, zero;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	fixture_guest_breakpoint(&cpu, 0, 0x1000);
	cpu.arm64.debugregs.mdscr_el1 |= MDSCR_SS;
	arch_arm64.plan(&cpu, &request, &plan);
	assert_int_equal(plan.control, 0);
	assert_int_equal(plan.limitations, 0);
	debug = encode(&plan);
	assert_memory_equal(&debug, &zero, sizeof(zero));
	assert_int_equal(arch_arm64.debug_groups(&request), 0);
}

static void test_control(void **state)
{
	static const struct hardware_point one = { TARGET_BREAK_HARDWARE, 0x1000, 4 };
	static const struct {
		struct debug_request request;
		uint32_t control;
	} rows[] = {
		{ { .software = true }, SW },
		{ { .step = true }, GUESTDBG_ENABLE | GUESTDBG_SINGLESTEP },
		{ { .software = true, .step = true }, SW | GUESTDBG_SINGLESTEP },
		{ { .points = &one, .point_count = 1 }, HW },
		{ { .points = &one, .point_count = 1, .software = true, .step = true },
			SW | HW | GUESTDBG_SINGLESTEP },
		{ { .run_to = { 0x2000 }, .run_to_count = 1 }, HW },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(MODE_EL1H);
		struct debug_plan plan;

		arch_arm64.plan(&cpu, &rows[i].request, &plan);
		assert_int_equal(plan.control, rows[i].control);
		assert_int_equal(encode(&plan).control, rows[i].control);
		assert_int_equal(arch_arm64.debug_groups(&rows[i].request), CPU_DEBUG);
	}
}

static void test_breakpoint_encoding(void **state)
{
	static const struct {
		gva_t gva;
		uint64_t length, bcr, bvr;
	} rows[] = {
		{ 0x40001000, 4, 0x1e7, 0x40001000 },
		{ UINT64_C(0xffff800008001234), 4, 0x1e7, UINT64_C(0xffff800008001234) },
		/* 53 bits, sign-extended: a tag does not get in. */
		{ UINT64_C(0xab00000000001000), 4, 0x1e7, 0x1000 },
		{ UINT64_C(0x00f0000000001000), 4, 0x1e7, UINT64_C(0xfff0000000001000) },
		{ 0x8000, 2, 0x67, 0x8000 }, /* T32, lower and upper halfword */
		{ 0x8002, 2, 0x187, 0x8000 },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct hardware_point one =
			point(TARGET_BREAK_HARDWARE, rows[i].gva, rows[i].length);
		struct cpu cpu = fixture_cpu(MODE_EL1H);
		struct debug_plan plan = plan_points(&cpu, &one, 1);
		struct arm64_guest_debug debug = encode(&plan);

		assert_true(debug.bcr[0] == rows[i].bcr);
		assert_true(debug.bvr[0] == rows[i].bvr);
		assert_int_equal(plan.slots[0].owner, SLOT_HOST);
		assert_int_equal(debug.bcr[1], 0);
		assert_int_equal(debug.wcr[0], 0);
	}
}

static void test_watchpoint_encoding(void **state)
{
	/* One row, up to three pieces. */
	static const struct {
		enum target_breakpoint type;
		gva_t gva;
		uint64_t length;
		struct {
			uint64_t wcr, wvr;
		} pieces[3];
	} rows[] = {
		{ TARGET_WATCH_WRITE, 0x1000, 1, { { 0x37, 0x1000 } } },
		{ TARGET_WATCH_READ, 0x1000, 1, { { 0x2f, 0x1000 } } },
		{ TARGET_WATCH_ACCESS, 0x1000, 1, { { 0x3f, 0x1000 } } },
		{ TARGET_WATCH_WRITE, 0x1003, 1, { { 0x117, 0x1000 } } },
		{ TARGET_WATCH_WRITE, 0x1007, 1, { { 0x1017, 0x1000 } } },
		{ TARGET_WATCH_WRITE, 0x1002, 2, { { 0x197, 0x1000 } } },
		{ TARGET_WATCH_WRITE, 0x1001, 3, { { 0x1d7, 0x1000 } } },
		{ TARGET_WATCH_WRITE, 0x1004, 4, { { 0x1e17, 0x1000 } } },
		{ TARGET_WATCH_WRITE, 0x1001, 7, { { 0x1fd7, 0x1000 } } },
		{ TARGET_WATCH_WRITE, 0x1000, 8, { { 0x1ff7, 0x1000 } } },
		{ TARGET_WATCH_WRITE, 0x1000, 16, { { 0x4001ff7, 0x1000 } } },
		{ TARGET_WATCH_READ, 0x1000, 4096, { { 0xc001fef, 0x1000 } } },
		{ TARGET_WATCH_READ, 0x80000000, UINT64_C(1) << 31,
			{ { 0x1f001fef, 0x80000000 } } },
		/* Too big for one MASK. */
		{ TARGET_WATCH_READ, UINT64_C(1) << 32, UINT64_C(1) << 32,
			{ { 0x1f001fef, UINT64_C(1) << 32 },
				{ 0x1f001fef, UINT64_C(0x180000000) } } },
		/* Across a doubleword; not a power of two; not aligned. */
		{ TARGET_WATCH_WRITE, 0x1006, 4, { { 0x1817, 0x1000 }, { 0x77, 0x1008 } } },
		{ TARGET_WATCH_WRITE, 0x1000, 12, { { 0x1ff7, 0x1000 }, { 0x1f7, 0x1008 } } },
		{ TARGET_WATCH_WRITE, 0x1008, 16, { { 0x1ff7, 0x1008 }, { 0x1ff7, 0x1010 } } },
		{ TARGET_WATCH_WRITE, 0x1004, 16,
			{ { 0x1e17, 0x1000 }, { 0x1ff7, 0x1008 }, { 0x1f7, 0x1010 } } },
		{ TARGET_WATCH_WRITE, 0x1000, 56,
			{ { 0x5001ff7, 0x1000 }, { 0x4001ff7, 0x1020 }, { 0x1ff7, 0x1030 } } },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct hardware_point one = point(rows[i].type, rows[i].gva, rows[i].length);
		struct cpu cpu = fixture_cpu(MODE_EL1H);
		struct debug_plan plan = plan_points(&cpu, &one, 1);
		struct arm64_guest_debug debug = encode(&plan);
		uint64_t next = rows[i].gva;

		for (unsigned n = 0; n < 3; n++) {
			const struct slot *slot = &plan.slots[16 + n];

			if (debug.wcr[n] != rows[i].pieces[n].wcr ||
				debug.wvr[n] != rows[i].pieces[n].wvr)
				fail_msg("row %zu, pair %u: %llx %llx", i, n,
					(unsigned long long)debug.wcr[n],
					(unsigned long long)debug.wvr[n]);
			if (slot->owner != SLOT_HOST)
				continue;
			assert_int_equal(slot->type, rows[i].type);
			assert_true(slot->gva == next);
			next += slot->length;
		}
		assert_true(next == rows[i].gva + rows[i].length);
		assert_int_equal(debug.bcr[0], 0);
	}
}

static void test_check(void **state)
{
	static const struct {
		enum target_breakpoint type;
		gva_t gva;
		uint64_t length;
		int rc;
	} rows[] = {
		{ TARGET_BREAK_SOFTWARE, 0x1000, 4, -ENOTSUP },
		{ TARGET_BREAK_HARDWARE, 0x1000, 4, 0 },
		{ TARGET_BREAK_HARDWARE, 0x1002, 4, -EINVAL },
		{ TARGET_BREAK_HARDWARE, 0x1002, 2, 0 },
		{ TARGET_BREAK_HARDWARE, 0x1001, 2, -EINVAL },
		{ TARGET_BREAK_HARDWARE, 0x1000, 8, -EINVAL },
		{ TARGET_BREAK_HARDWARE, 0x1000, 0, -EINVAL },
		{ TARGET_WATCH_WRITE, 0x1000, 0, -EINVAL },
		{ TARGET_WATCH_WRITE, 0x1001, 7, 0 },
		{ TARGET_WATCH_WRITE, ~UINT64_C(0) - 6, 8, -EINVAL }, /* around the end */
		{ TARGET_WATCH_WRITE, ~UINT64_C(0) - 7, 8, 0 },
		{ TARGET_WATCH_ACCESS, 0x1001, 30, 0 },       /* 7, 8, 8, 7 */
		{ TARGET_WATCH_ACCESS, 0x1001, 64, -ENOSPC }, /* 7, 8, 16, 32, 1 */
		{ TARGET_WATCH_READ, 0, UINT64_C(1) << 33, 0 },
		{ TARGET_WATCH_READ, 0, UINT64_C(1) << 34, -ENOSPC },
		{ TARGET_WATCH_READ, 0, ~UINT64_C(0), -ENOSPC },
	};
	struct cpu cpu = fixture_cpu(MODE_EL1H);

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct hardware_point one = point(rows[i].type, rows[i].gva, rows[i].length);

		if (arch_arm64.check_point(&cpu, NULL, 0, &one) != rows[i].rc)
			fail_msg("row %zu", i);
	}
}

static void test_check_counts_those_before(void **state)
{
	struct hardware_point points[16];
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	struct hardware_point execute = point(TARGET_BREAK_HARDWARE, 0x9000, 4);
	struct hardware_point watch = point(TARGET_WATCH_READ, 0x9006, 4); /* two pairs */

	(void)state;
	for (unsigned n = 0; n < 16; n++)
		points[n] = point(TARGET_BREAK_HARDWARE, 0x1000 + 4 * n, 4);
	assert_int_equal(arch_arm64.check_point(&cpu, points, 5, &execute), 0);
	assert_int_equal(arch_arm64.check_point(&cpu, points, 6, &execute), -ENOSPC);
	assert_int_equal(arch_arm64.check_point(&cpu, points, 6, &watch), 0);
	for (unsigned n = 0; n < 3; n++)
		points[n] = point(TARGET_WATCH_WRITE, 0x2000 + 8 * n, 8);
	assert_int_equal(arch_arm64.check_point(&cpu, points, 2, &watch), 0);
	assert_int_equal(arch_arm64.check_point(&cpu, points, 3, &watch), -ENOSPC);
	assert_int_equal(arch_arm64.check_point(&cpu, points, 3, &execute), 0);
	cpu.arm64.breakpoint_slots = 0; /* not known, or none */
	assert_int_equal(arch_arm64.check_point(&cpu, NULL, 0, &execute), -ENOTSUP);
}

/* Row 36: the guest's own are kept alive, in their own places. */
static void test_guest_is_merged(void **state)
{
	struct hardware_point points[] = { point(TARGET_BREAK_HARDWARE, 0x5000, 4),
		point(TARGET_WATCH_WRITE, 0x6000, 8) };
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	struct debug_plan plan;
	struct arm64_guest_debug debug;

	(void)state;
	fixture_guest_breakpoint(&cpu, 0, 0x1000);
	fixture_guest_breakpoint(&cpu, 4, 0x2000);
	fixture_guest_watchpoint(&cpu, 1, 0x3000, 2);
	plan = plan_points(&cpu, points, 2);
	debug = encode(&plan);
	assert_int_equal(plan.control, HW);
	assert_int_equal(plan.limitations, 0);
	assert_int_equal(debug.bcr[0], 0x1e3);
	assert_int_equal(debug.bvr[0], 0x1000);
	assert_int_equal(plan.slots[0].owner, SLOT_GUEST);
	assert_int_equal(plan.slots[4].owner, SLOT_GUEST);
	assert_int_equal(plan.slots[4].guest_index, 4);
	assert_int_equal(debug.bvr[4], 0x2000);
	assert_int_equal(debug.bvr[1], 0x5000);
	assert_int_equal(plan.slots[1].owner, SLOT_HOST);
	assert_int_equal(debug.wcr[1], 0x1ff3);
	assert_int_equal(debug.wvr[1], 0x3000);
	assert_int_equal(plan.slots[17].owner, SLOT_GUEST);
	assert_int_equal(debug.wvr[0], 0x6000);
}

/* A plan that only needs software breakpoints takes USE_HW for the guest's sake. */
static void test_guest_alone_takes_hardware(void **state)
{
	static const struct {
		uint64_t mdscr, oslsr;
		uint32_t control;
	} rows[] = {
		{ MDSCR_MDE | MDSCR_KDE, 0, SW | HW }, { MDSCR_MDE, 0, SW | HW }, /* for EL0 */
		{ MDSCR_KDE, 0, SW }, { MDSCR_MDE | MDSCR_KDE, OSLSR_OSLK, SW },  /* row 45 */
		{ MDSCR_MDE | MDSCR_KDE, 8, SW | HW },                            /* OSLM only */
	};
	struct debug_request request = { .software = true };

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(MODE_EL1H);
		struct debug_plan plan;

		fixture_guest_breakpoint(&cpu, 2, 0x1000);
		cpu.arm64.debugregs.mdscr_el1 = rows[i].mdscr;
		cpu.arm64.debugregs.oslsr_el1 = rows[i].oslsr;
		arch_arm64.plan(&cpu, &request, &plan);
		if (plan.control != rows[i].control)
			fail_msg("row %zu: %x", i, plan.control);
		assert_int_equal(plan.limitations, 0);
	}
}

static void test_guest_disabled_pairs_are_free(void **state)
{
	struct hardware_point one = point(TARGET_BREAK_HARDWARE, 0x5000, 4);
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	struct debug_plan plan;

	(void)state;
	fixture_guest_breakpoint(&cpu, 0, 0x1000);
	cpu.arm64.debugregs.bcr[0] &= ~UINT64_C(1);
	fixture_guest_watchpoint(&cpu, 0, 0x1000, 0); /* neither loads nor stores */
	fixture_guest_breakpoint(&cpu, 6, 0x2000);    /* there are only six */
	plan = plan_points(&cpu, &one, 1);
	assert_int_equal(plan.slots[0].owner, SLOT_HOST);
	assert_int_equal(plan.slots[6].owner, SLOT_FREE);
	assert_int_equal(plan.slots[16].owner, SLOT_FREE);
}

/* A guest's HMC is about an EL2 that it does not have, but the host does. */
static void test_guest_stays_out_of_el2(void **state)
{
	struct debug_request request = { .software = true };
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	struct debug_plan plan;

	(void)state;
	fixture_guest_breakpoint(&cpu, 0, 0x1000);
	cpu.arm64.debugregs.bcr[0] = 0x21e7; /* HMC: EL0, EL1 and EL2 */
	fixture_guest_breakpoint(&cpu, 1, 0x1000);
	cpu.arm64.debugregs.bcr[1] = 0xe1e1; /* HMC, SSC = 3: EL2 only */
	arch_arm64.plan(&cpu, &request, &plan);
	assert_int_equal(plan.slots[0].control, 0x1e7);
	assert_int_equal(plan.slots[1].owner, SLOT_FREE);
}

static void test_host_takes_the_guests_last(void **state)
{
	struct hardware_point points[6];
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	struct debug_plan plan;

	(void)state;
	for (unsigned n = 0; n < 6; n++)
		points[n] = point(TARGET_BREAK_HARDWARE, 0x5000 + 4 * n, 4);
	fixture_guest_breakpoint(&cpu, 1, 0x1000);
	fixture_guest_breakpoint(&cpu, 3, 0x2000);
	plan = plan_points(&cpu, points, 4);
	assert_int_equal(plan.limitations, 0);
	plan = plan_points(&cpu, points, 5);
	assert_int_equal(plan.limitations, LIMITATION_GUEST_BREAKPOINT_LOST);
	assert_int_equal(plan.slots[1].owner, SLOT_HOST);
	assert_int_equal(plan.slots[3].owner, SLOT_GUEST);
	plan = plan_points(&cpu, points, 6);
	assert_int_equal(plan.slots[3].owner, SLOT_HOST);
	for (unsigned n = 0; n < 6; n++)
		assert_int_equal(plan.slots[n].owner, SLOT_HOST);
}

/* Linked pairs keep their numbers, and go together. */
static void test_guest_links(void **state)
{
	struct hardware_point points[6];
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	struct debug_plan plan;

	(void)state;
	for (unsigned n = 0; n < 6; n++)
		points[n] = point(TARGET_BREAK_HARDWARE, 0x5000 + 4 * n, 4);
	fixture_guest_breakpoint(&cpu, 0, 0x1000);
	cpu.arm64.debugregs.bcr[0] |= BIT(20) | 5 << 16; /* linked address match */
	cpu.arm64.debugregs.bcr[5] = 0x3 << 20 | 0x1e7;  /* linked context match */
	cpu.arm64.debugregs.bvr[5] = 77;
	fixture_guest_watchpoint(&cpu, 0, 0x2000, 1);
	cpu.arm64.debugregs.wcr[0] |= BIT(20) | 5 << 16;
	plan = plan_points(&cpu, points, 4);
	assert_int_equal(plan.limitations, 0);
	assert_int_equal(plan.slots[0].owner, SLOT_GUEST);
	assert_int_equal(plan.slots[5].value, 77);
	assert_int_equal(plan.slots[5].owner, SLOT_GUEST);
	assert_int_equal(plan.slots[16].owner, SLOT_GUEST);
	plan = plan_points(&cpu, points, 6); /* no room for the context breakpoint */
	assert_int_equal(
		plan.limitations, LIMITATION_GUEST_BREAKPOINT_LOST | LIMITATION_GUEST_LINKED);
	assert_int_equal(plan.slots[16].owner, SLOT_FREE);
	assert_int_equal(plan.slots[16].control, 0);
}

/* Row 41. */
static void test_guest_step_is_suspended(void **state)
{
	static const struct {
		uint64_t mdscr, oslsr;
		uint32_t limitations;
	} rows[] = {
		{ MDSCR_SS, 0, LIMITATION_GUEST_STEP },
		{ MDSCR_SS, OSLSR_OSLK, 0 },
		{ MDSCR_MDE | MDSCR_KDE, 0, 0 },
	};
	struct debug_request request = { .software = true };

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(MODE_EL1H);
		struct debug_plan plan;

		cpu.arm64.debugregs.mdscr_el1 = rows[i].mdscr;
		cpu.arm64.debugregs.oslsr_el1 = rows[i].oslsr;
		arch_arm64.plan(&cpu, &request, &plan);
		assert_int_equal(plan.limitations, rows[i].limitations);
	}
}

/* Rows 34 and 37: past what was reported, without missing anything else. */
static void test_skip(void **state)
{
	struct hardware_point points[] = { point(TARGET_BREAK_HARDWARE, FIXTURE_PC, 4),
		point(TARGET_BREAK_HARDWARE, FIXTURE_PC + 4, 4),
		point(TARGET_WATCH_WRITE, 0x6006, 4) };
	struct debug_request request = { .points = points, .point_count = 3, .step = true };
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	struct debug_plan plan;

	(void)state;
	fixture_guest_breakpoint(&cpu, 3, FIXTURE_PC);
	fixture_guest_watchpoint(&cpu, 3, 0x7000, 3);
	request.skip_at_pc = true;
	arch_arm64.plan(&cpu, &request, &plan);
	assert_int_equal(plan.slots[0].owner, SLOT_HOST);
	assert_true(plan.slots[0].gva == FIXTURE_PC + 4);
	assert_int_equal(plan.slots[1].owner, SLOT_FREE);
	assert_int_equal(plan.slots[3].owner, SLOT_GUEST); /* has not had its turn */
	assert_int_equal(plan.slots[16].owner, SLOT_HOST);
	assert_int_equal(plan.slots[17].owner, SLOT_HOST);
	request.skip_at_pc = false;
	request.skip_watch = true;
	arch_arm64.plan(&cpu, &request, &plan);
	assert_true(plan.slots[0].gva == FIXTURE_PC);
	assert_int_equal(plan.slots[16].owner, SLOT_FREE);
	assert_int_equal(plan.slots[17].owner, SLOT_FREE);
	assert_int_equal(plan.slots[19].owner, SLOT_GUEST);
}

/*
 * A step over what hardware would not raise: the guest's pairs stay out, and KVM must not load
 * them.
 */
static void test_step_where_the_guests_are_masked(void **state)
{
	static const struct {
		uint64_t pstate, mdscr;
		bool step;
		unsigned run_to_count;
		enum slot_owner owner;
	} rows[] = {
		{ 0x5, MDSCR_MDE | MDSCR_KDE, true, 0, SLOT_GUEST },
		{ 0x5, MDSCR_MDE, true, 0, SLOT_FREE },
		{ 0x205, MDSCR_MDE | MDSCR_KDE, true, 0, SLOT_FREE },
		{ 0x0, MDSCR_MDE, true, 0, SLOT_GUEST },
		{ 0x5, MDSCR_MDE, false, 1, SLOT_FREE },
		{ 0x0, MDSCR_MDE, false, 1, SLOT_GUEST },
		/* Free, it can reach a place where they count. */
		{ 0x5, MDSCR_MDE, false, 0, SLOT_GUEST },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct debug_request request = {
			.software = true, .step = rows[i].step, .run_to_count = rows[i].run_to_count
		};
		struct cpu cpu = fixture_cpu(rows[i].pstate);
		struct debug_plan plan;

		fixture_guest_breakpoint(&cpu, 2, FIXTURE_PC);
		fixture_guest_watchpoint(&cpu, 1, 0x7000, 3);
		cpu.arm64.debugregs.mdscr_el1 = rows[i].mdscr;
		arch_arm64.plan(&cpu, &request, &plan);
		assert_true(plan.control & GUESTDBG_USE_HW);
		assert_int_equal(plan.slots[2].owner, rows[i].owner);
		assert_int_equal(plan.slots[17].owner, rows[i].owner);
	}
}

/* Row 42: the ends of a sequence come before everything else. */
static void test_run_to(void **state)
{
	struct hardware_point points[6];
	struct debug_request request = {
		.points = points, .point_count = 6, .run_to = { 0x8000, 0x9000 }, .run_to_count = 2
	};
	struct cpu cpu = fixture_cpu(MODE_EL1H);
	struct debug_plan plan;
	unsigned ours = 0;

	(void)state;
	for (unsigned n = 0; n < 6; n++)
		points[n] = point(TARGET_BREAK_HARDWARE, 0x5000 + 4 * n, 4);
	arch_arm64.plan(&cpu, &request, &plan);
	assert_int_equal(plan.control, HW);
	assert_int_equal(plan.slots[0].owner, SLOT_INTERNAL);
	assert_int_equal(plan.slots[1].owner, SLOT_INTERNAL);
	assert_int_equal(plan.slots[1].control, 0x1e7);
	assert_int_equal(plan.slots[1].value, 0x9000);
	for (unsigned n = 0; n < 6; n++)
		ours += plan.slots[n].owner == SLOT_HOST;
	assert_int_equal(ours, 4);
	assert_int_equal(plan.limitations, 0);
	cpu.arm64.breakpoint_slots = 1;
	arch_arm64.plan(&cpu, &request, &plan);
	assert_true(plan.control & GUESTDBG_SINGLESTEP);
	assert_int_equal(plan.limitations, LIMITATION_EXCLUSIVE);
}

/* Row 44. */
static void test_wrong_world(void **state)
{
	static const struct {
		uint64_t pstate;
		uint32_t limitations;
	} rows[] = { { 0x9, LIMITATION_WRONG_WORLD }, { 0x13, LIMITATION_WRONG_WORLD }, { 0x5, 0 },
		{ 0x0, 0 }, { 0x10, 0 } };
	struct debug_request request = { .software = true };

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(rows[i].pstate);
		struct debug_plan plan;

		arch_arm64.plan(&cpu, &request, &plan);
		assert_int_equal(plan.limitations, rows[i].limitations);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_debug),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_breakpoint_encoding),
		cmocka_unit_test(test_watchpoint_encoding),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_counts_those_before),
		cmocka_unit_test(test_guest_is_merged),
		cmocka_unit_test(test_guest_alone_takes_hardware),
		cmocka_unit_test(test_guest_disabled_pairs_are_free),
		cmocka_unit_test(test_guest_stays_out_of_el2),
		cmocka_unit_test(test_host_takes_the_guests_last),
		cmocka_unit_test(test_guest_links),
		cmocka_unit_test(test_guest_step_is_suspended),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_step_where_the_guests_are_masked),
		cmocka_unit_test(test_run_to),
		cmocka_unit_test(test_wrong_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
