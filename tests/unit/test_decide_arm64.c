/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose debug exception it is, row by row: the debugger's, the guest's, both's, or nobody's.  The
 * numbers in the comments are those of the project's table of behaviour for arm64.
 */
#include "tests/unit/arm64_fixture.h"

#define HSR(class, iss) (ESR_EC(class) | (uint32_t)ESR_IL | (iss))
#define OURS            HSR(EC_BRK, ARM64_PLANTED_IMMEDIATE)
#define WRITE           UINT32_C(0x62) /* WnR, DFSC = debug */
#define READ            UINT32_C(0x22)

/* An event to be filled in, with all it points to. */
struct scene {
	struct cpu cpu;
	uint8_t exit[64];
	struct debug_plan plan;
	struct step_plan step;
	struct debug_event event;
	struct decision decision;
};

static void scene_init(struct scene *scene, uint64_t pstate, uint32_t hsr, uint64_t far)
{
	struct arm64_debug_exit exit = { hsr, 0, far };

	memset(scene, 0, sizeof(*scene));
	scene->cpu = fixture_cpu(pstate);
	memcpy(scene->exit, &exit, sizeof(exit));
	scene->event.cpu = &scene->cpu;
	scene->event.exit = scene->exit;
	scene->event.plan = &scene->plan;
}

static void scene_step(struct scene *scene, bool trap)
{
	scene->step.trap = trap;
	scene->step.from = FIXTURE_PC - 4;
	scene->step.private[0] = scene->cpu.arm64.regs.pstate;
	scene->event.step = &scene->step;
}

static void scene_code(struct scene *scene, const uint32_t *words, unsigned count)
{
	memcpy(scene->event.code, words, count * sizeof(*words));
	scene->event.code_length = count * 4;
}

/* Plans the debugger's points, so that slots are as they will be. */
static void scene_plan(struct scene *scene, const struct hardware_point *points, unsigned count)
{
	struct debug_request request = { .software = true, .points = points, .point_count = count };

	arch_arm64.plan(&scene->cpu, &request, &scene->plan);
}

static const struct decision *scene_decide(struct scene *scene)
{
	memset(&scene->decision, 0xaa, sizeof(scene->decision));
	arch_arm64.decide(&scene->event, &scene->decision);
	return &scene->decision;
}

static void assert_reported(const struct decision *decision, enum target_stop_reason reason)
{
	assert_true(decision->report);
	assert_int_equal(decision->reason, reason);
	assert_false(decision->step_silently);
}

/* The step in progress has ended, and that is all there is to say. */
static void assert_step_done(const struct decision *decision)
{
	assert_true(decision->step_done);
	assert_false(decision->report);
	assert_false(decision->step_silently);
}

static void assert_injected(const struct decision *decision, uint32_t esr)
{
	assert_int_equal(decision->inject.kind, INJECT_SYNC);
	assert_int_equal(decision->inject.esr, esr);
	assert_false(decision->step_silently);
}

static void assert_nothing(const struct decision *decision)
{
	struct decision nothing;

	memset(&nothing, 0, sizeof(nothing));
	assert_memory_equal(decision, &nothing, sizeof(nothing));
}

/* Row 30, and what the numbers must be for it. */
static void test_brk(void **state)
{
	enum { MINE, GUEST, NOBODY };
	static const struct {
		uint32_t hsr;
		bool planted, stale;
		uint32_t code; /* 0: not readable */
		int whose;
	} rows[] = {
		{ OURS, true, false, 0xd503201f, MINE },
		{ OURS, true, true, 0xd503201f, MINE },
		{ OURS, true, false, 0xd4200000, MINE }, /* row 32: over the guest's own */
		{ HSR(EC_BRK, 0x800), false, false, 0xd4210000, GUEST }, /* row 31 */
		/* The guest has written a BRK of its own over ours. */
		{ HSR(EC_BRK, 0x800), true, false, 0xd4210000, GUEST },
		{ HSR(EC_BRK, 0x800), false, true, 0xd4210000, GUEST },
		{ OURS, false, true, 0xd503201f, NOBODY }, /* removed meanwhile */
		{ OURS, false, true, 0, NOBODY },
		{ OURS, false, true, 0xd43b6c00, GUEST }, /* it really uses our number */
		{ OURS, false, false, 0xd43b6c00, GUEST },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct scene scene;

		scene_init(&scene, 0x5, rows[i].hsr, 0);
		scene.event.planted = rows[i].planted;
		scene.event.stale = rows[i].stale;
		if (rows[i].code)
			scene_code(&scene, &rows[i].code, 1);
		scene_decide(&scene);
		if (rows[i].whose == MINE) {
			assert_reported(&scene.decision, TARGET_STOP_SWBREAK);
			assert_int_equal(scene.decision.inject.kind, INJECT_NONE);
		} else if (rows[i].whose == GUEST) {
			assert_injected(&scene.decision, rows[i].hsr);
			assert_false(scene.decision.report);
			assert_false(scene.decision.inject.has_far);
		} else {
			assert_nothing(&scene.decision);
		}
	}
}

/* Rows 31 and 45: nothing that the guest sets masks BRK. */
static void test_guest_brk_is_always_delivered(void **state)
{
	static const uint64_t pstates[] = { 0x0, 0x4, 0x5, 0x3c5, 0x10 };

	(void)state;
	for (size_t i = 0; i < ENTRIES(pstates); i++) {
		struct scene scene;

		scene_init(&scene, pstates[i], HSR(EC_BRK, 4), 0);
		scene.cpu.arm64.debugregs.oslsr_el1 = OSLSR_OSLK;
		assert_injected(scene_decide(&scene), HSR(EC_BRK, 4));
	}
}

/* A step into the guest's BRK ends at its handler. */
static void test_guest_brk_while_stepping(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x5, HSR(EC_BRK, 4), 0);
	scene_step(&scene, true);
	assert_injected(scene_decide(&scene), HSR(EC_BRK, 4));
	assert_step_done(&scene.decision);
	arch_arm64.inject(&scene.cpu, &scene.decision.inject);
	assert_true(arch_arm64.pc(&scene.cpu) == FIXTURE_VBAR + 0x200);
}

/* The run to the end of a sequence came upon another breakpoint of ours. */
static void test_planted_while_stepping(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x5, OURS, 0);
	scene_step(&scene, false);
	scene.event.planted = true;
	assert_reported(scene_decide(&scene), TARGET_STOP_SWBREAK);
	assert_true(scene.decision.step_done);
}

/* Row 33. */
static void test_bkpt_of_aarch32(void **state)
{
	uint32_t hsr = HSR(EC_BKPT_32, 0xab) & ~(uint32_t)ESR_IL;
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x30, hsr, 0);
	assert_injected(scene_decide(&scene), hsr);
	arch_arm64.inject(&scene.cpu, &scene.decision.inject);
	assert_true(arch_arm64.pc(&scene.cpu) == FIXTURE_VBAR + 0x600);
	assert_int_equal(scene.cpu.arm64.sysregs[ARM64_ESR_EL1], hsr);
}

/* Row 34. */
static void test_host_breakpoint(void **state)
{
	struct hardware_point points[] = { { TARGET_BREAK_HARDWARE, 0x1000, 4 },
		{ TARGET_BREAK_HARDWARE, FIXTURE_PC, 4 } };
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x5, HSR(EC_BREAKPOINT, 0x22), 0);
	scene_plan(&scene, points, 2);
	assert_reported(scene_decide(&scene), TARGET_STOP_HWBREAK);
	assert_int_equal(scene.decision.inject.kind, INJECT_NONE);
	assert_false(scene.decision.step_done);
	scene_step(&scene, true);
	assert_true(scene_decide(&scene)->step_done);
	assert_int_equal(scene.decision.reason, TARGET_STOP_HWBREAK);
}

/*
 * Rows 35, 36, 45: the guest's breakpoint, if hardware would raise it.  merged: it was in the plan
 * (USE_HW); else the kernel has armed it behind our back.
 */
static void test_guest_breakpoint(void **state)
{
	static const struct {
		uint64_t pstate, mdscr, oslsr;
		bool deliver;
	} rows[] = {
		{ 0x5, MDSCR_MDE | MDSCR_KDE, 0, true },
		{ 0x5, MDSCR_MDE, 0, false },
		{ 0x4, MDSCR_MDE | MDSCR_KDE, 0, true },
		{ 0x5 | PSTATE_D, MDSCR_MDE | MDSCR_KDE, 0, false },
		{ 0x5 | PSTATE_I, MDSCR_MDE | MDSCR_KDE, 0, true },
		{ 0x5, MDSCR_KDE, 0, false },
		{ 0x5, MDSCR_MDE | MDSCR_KDE, OSLSR_OSLK, false },
		{ 0x0, MDSCR_MDE, 0, true },
		{ 0x0 | PSTATE_D, MDSCR_MDE, 0, true },
		{ 0x0, MDSCR_MDE, OSLSR_OSLK, false },
		{ 0x0, 0, 0, false },
		{ 0x10, MDSCR_MDE, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ENTRIES(rows); i++) {
		size_t row = i / 2;
		struct scene scene;

		scene_init(&scene, rows[row].pstate, HSR(EC_BREAKPOINT, 0x22), 0);
		fixture_guest_breakpoint(&scene.cpu, 3, FIXTURE_PC);
		if (i & 1)
			scene_plan(&scene, NULL, 0);
		scene.cpu.arm64.debugregs.mdscr_el1 = rows[row].mdscr;
		scene.cpu.arm64.debugregs.oslsr_el1 = rows[row].oslsr;
		scene_decide(&scene);
		if ((scene.decision.inject.kind == INJECT_SYNC) != rows[row].deliver ||
			scene.decision.step_silently == rows[row].deliver)
			fail_msg("row %zu", row);
		assert_false(scene.decision.report);
	}
}

/* Both at one place: the debugger is told; past its own, the guest gets its exception. */
static void test_host_and_guest_breakpoint(void **state)
{
	struct hardware_point one = { TARGET_BREAK_HARDWARE, FIXTURE_PC, 4 };
	struct debug_request past = {
		.points = &one, .point_count = 1, .step = true, .skip_at_pc = true
	};
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x5, HSR(EC_BREAKPOINT, 0x22), 0);
	fixture_guest_breakpoint(&scene.cpu, 3, FIXTURE_PC);
	scene_plan(&scene, &one, 1);
	assert_reported(scene_decide(&scene), TARGET_STOP_HWBREAK);
	assert_int_equal(scene.decision.inject.kind, INJECT_NONE);
	arch_arm64.plan(&scene.cpu, &past, &scene.plan);
	scene_step(&scene, true);
	assert_injected(scene_decide(&scene), HSR(EC_BREAKPOINT, 0x22));
	assert_step_done(&scene.decision);
}

/* A pair that no longer exists must not stop the guest, nor stay in its way. */
static void test_breakpoint_of_nobody(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x5, HSR(EC_BREAKPOINT, 0x22), 0);
	fixture_guest_breakpoint(&scene.cpu, 3, FIXTURE_PC + 4);
	scene_decide(&scene);
	assert_true(scene.decision.step_silently);
	assert_false(scene.decision.report);
	assert_int_equal(scene.decision.inject.kind, INJECT_NONE);
}

static void test_guest_context_breakpoint(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x0, HSR(EC_BREAKPOINT, 0x22), 0);
	fixture_guest_breakpoint(&scene.cpu, 5, 77);
	scene.cpu.arm64.debugregs.bcr[5] = 0x2 << 20 | 0x1e7;
	assert_injected(scene_decide(&scene), HSR(EC_BREAKPOINT, 0x22));
}

static void test_guest_breakpoint_while_stepping(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x5, HSR(EC_BREAKPOINT, 0x22), 0);
	fixture_guest_breakpoint(&scene.cpu, 3, FIXTURE_PC);
	scene_step(&scene, true);
	assert_injected(scene_decide(&scene), HSR(EC_BREAKPOINT, 0x22));
	assert_step_done(&scene.decision);
}

/* Row 42: the end of a sequence that was run. */
static void test_end_of_a_sequence(void **state)
{
	struct debug_request request = { .run_to = { 0x2000, FIXTURE_PC }, .run_to_count = 2 };
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x5, HSR(EC_BREAKPOINT, 0x22), 0);
	arch_arm64.plan(&scene.cpu, &request, &scene.plan);
	scene_step(&scene, false);
	/* The guest's own breakpoint there belongs to the next instruction. */
	fixture_guest_breakpoint(&scene.cpu, 3, FIXTURE_PC);
	assert_step_done(scene_decide(&scene));
	assert_int_equal(scene.decision.inject.kind, INJECT_NONE);
	scene.cpu.arm64.debugregs.bcr[3] = 0;
	scene.event.step = NULL;
	assert_false(scene_decide(&scene)->step_done);
	assert_true(scene.decision.step_silently);
}

/* Rows 37 and 38. */
static void test_watchpoint(void **state)
{
	static const struct hardware_point points[] = {
		{ TARGET_WATCH_WRITE, 0x1000, 4 },
		{ TARGET_WATCH_READ, 0x2000, 8 },
		{ TARGET_WATCH_ACCESS, UINT64_C(0xffff000000003000), 64 },
	};
	enum { GUEST_WRITE = 0x5000, GUEST_READ = 0x6000 };
	static const struct {
		uint32_t iss;
		uint64_t far;
		int reason; /* -1: the guest's */
		uint64_t address;
	} rows[] = {
		{ WRITE, 0x1000, TARGET_STOP_WATCH, 0x1000 },
		{ WRITE, 0x1003, TARGET_STOP_WATCH, 0x1003 },
		{ WRITE, 0xff8, TARGET_STOP_WATCH, 0x1000 },  /* a wide access from below */
		{ WRITE, 0x1004, TARGET_STOP_WATCH, 0x1000 }, /* beyond: the nearest */
		{ READ, 0x1000, TARGET_STOP_RWATCH, 0x2000 }, /* a write slot cannot hit */
		{ READ, 0x2007, TARGET_STOP_RWATCH, 0x2007 },
		{ WRITE, UINT64_C(0xffff000000003010), TARGET_STOP_AWATCH,
			UINT64_C(0xffff000000003010) },
		{ READ, UINT64_C(0xffff00000000303f), TARGET_STOP_AWATCH,
			UINT64_C(0xffff00000000303f) },
		/* A tag in FAR is not part of the address. */
		{ WRITE, UINT64_C(0xb400000000001002), TARGET_STOP_WATCH, 0x1002 },
		{ READ, UINT64_C(0xb4ff000000003008), TARGET_STOP_AWATCH,
			UINT64_C(0xffff000000003008) },
		{ WRITE, GUEST_WRITE, -1, 0 },
		{ WRITE, GUEST_WRITE - 8, -1, 0 },
		{ READ, GUEST_READ + 7, -1, 0 },
		/*
		 * Only a store hits this one; the nearest pair that loads hit is the guest's other.
		 */
		{ READ, GUEST_WRITE, -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		uint32_t hsr = HSR(EC_WATCHPOINT, rows[i].iss);
		struct scene scene;

		scene_init(&scene, 0x5, hsr, rows[i].far);
		fixture_guest_watchpoint(&scene.cpu, 0, GUEST_WRITE, 2);
		scene_plan(&scene, points, ENTRIES(points));
		fixture_guest_watchpoint(&scene.cpu, 3, GUEST_READ, 1);
		scene_decide(&scene);
		if (rows[i].reason < 0) {
			assert_false(scene.decision.report);
			assert_injected(&scene.decision, hsr);
			assert_true(scene.decision.inject.has_far);
			assert_true(scene.decision.inject.far == rows[i].far);
			continue;
		}
		if (scene.decision.address != rows[i].address)
			fail_msg("row %zu: %llx", i, (unsigned long long)scene.decision.address);
		assert_reported(&scene.decision, (enum target_stop_reason)rows[i].reason);
		assert_int_equal(scene.decision.inject.kind, INJECT_NONE);
	}
}

static void test_guest_watchpoint_filter(void **state)
{
	static const struct {
		uint64_t pstate, mdscr, oslsr;
		bool deliver;
	} rows[] = {
		{ 0x5, MDSCR_MDE | MDSCR_KDE, 0, true },
		{ 0x5, MDSCR_MDE, 0, false },
		{ 0x5 | PSTATE_D, MDSCR_MDE | MDSCR_KDE, 0, false },
		{ 0x0, MDSCR_MDE, 0, true },
		{ 0x0, MDSCR_MDE, OSLSR_OSLK, false },
		{ 0x0, MDSCR_KDE, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct scene scene;

		scene_init(&scene, rows[i].pstate, HSR(EC_WATCHPOINT, WRITE), 0x5004);
		fixture_guest_watchpoint(&scene.cpu, 0, 0x5000, 2);
		scene.cpu.arm64.debugregs.mdscr_el1 = rows[i].mdscr;
		scene.cpu.arm64.debugregs.oslsr_el1 = rows[i].oslsr;
		scene_decide(&scene);
		assert_int_equal(scene.decision.inject.kind == INJECT_SYNC, rows[i].deliver);
		assert_int_equal(scene.decision.step_silently, !rows[i].deliver);
		assert_false(scene.decision.report);
	}
}

/* Both watch the same bytes. */
static void test_host_and_guest_watchpoint(void **state)
{
	struct hardware_point one = { TARGET_WATCH_WRITE, 0x5004, 4 };
	struct debug_request past = { .points = &one,
		.point_count = 1,
		.step = true,
		.skip_at_pc = true,
		.skip_watch = true };
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x5, HSR(EC_WATCHPOINT, WRITE), 0x5004);
	fixture_guest_watchpoint(&scene.cpu, 0, 0x5000, 2);
	scene_plan(&scene, &one, 1);
	assert_reported(scene_decide(&scene), TARGET_STOP_WATCH);
	assert_int_equal(scene.decision.address, 0x5004);
	assert_int_equal(scene.decision.inject.kind, INJECT_NONE);
	arch_arm64.plan(&scene.cpu, &past, &scene.plan);
	assert_injected(scene_decide(&scene), HSR(EC_WATCHPOINT, WRITE));
	assert_true(scene.decision.inject.has_far);
}

static void test_watchpoint_of_nobody(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x5, HSR(EC_WATCHPOINT, WRITE), 0x5004);
	scene_decide(&scene);
	assert_false(scene.decision.report);
	assert_true(scene.decision.step_silently);
}

/* The bytes that a guest's pair watches: by BAS, and by MASK. */
static void test_guest_watchpoint_ranges(void **state)
{
	static const struct {
		uint64_t wcr, wvr;
		gva_t gva;
		uint64_t length;
	} rows[] = {
		{ 0x1ff7, 0x5000, 0x5000, 8 }, { 0x37, 0x5000, 0x5000, 1 },
		{ 0x1e17, 0x5000, 0x5004, 4 }, { 0x1ff7 | 3 << 24, 0x5000, 0x5000, 8 },
		{ 0x1ff7 | 12 << 24, 0x5abc, 0x5000, 4096 },
		{ 0x17, 0x5000, 0x5000, 0 }, /* no byte at all */
	};
	struct slot slot;

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu = fixture_cpu(0x5);

		cpu.arm64.debugregs.wcr[2] = rows[i].wcr;
		cpu.arm64.debugregs.wvr[2] = rows[i].wvr;
		assert_true(plan_arm64_guest_slot(&cpu.arm64.debugregs, 18, &slot));
		assert_int_equal(slot.gva, rows[i].gva);
		assert_int_equal(slot.length, rows[i].length);
		assert_int_equal(slot.type, TARGET_WATCH_WRITE);
	}
}

/* Rows 39 and 40. */
static void test_step(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x5, HSR(EC_STEP, 0x22), 0);
	scene_step(&scene, true);
	assert_step_done(scene_decide(&scene));
	assert_int_equal(scene.decision.inject.kind, INJECT_NONE);
	scene.cpu.arm64.regs.pc = FIXTURE_VBAR + 0x400; /* an SVC: shown as it is */
	assert_step_done(scene_decide(&scene));
	scene.event.step = NULL; /* given up before */
	assert_nothing(scene_decide(&scene));
}

/* Row 41: the guest was stepping as well. */
static void test_guest_step(void **state)
{
	static const struct {
		uint64_t old, new, mdscr, oslsr;
		bool deliver;
	} rows[] = {
		{ 0x5 | PSTATE_SS, 0x5 | PSTATE_SS, MDSCR_SS | MDSCR_KDE, 0, true },
		{ 0x5, 0x5, MDSCR_SS | MDSCR_KDE, 0, false },
		{ 0x5 | PSTATE_SS, 0x5, MDSCR_KDE, 0, false },
		{ 0x5 | PSTATE_SS, 0x5, MDSCR_SS, 0, false },
		{ 0x5 | PSTATE_SS, 0x205, MDSCR_SS | MDSCR_KDE, 0, false },
		{ 0x5 | PSTATE_SS, 0x5, MDSCR_SS | MDSCR_KDE, OSLSR_OSLK, false },
		{ PSTATE_SS, 0, MDSCR_SS, 0, true },
		{ PSTATE_SS, 0x3c5, MDSCR_SS | MDSCR_KDE, 0, false }, /* an SVC */
		{ 0x5 | PSTATE_SS, 0x0, MDSCR_SS | MDSCR_KDE, 0,
			false }, /* an ERET has set SS anew */
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct scene scene;

		scene_init(&scene, rows[i].new, HSR(EC_STEP, 0x1000022), 0);
		scene_step(&scene, true);
		scene.step.private[0] = rows[i].old;
		scene.cpu.arm64.debugregs.mdscr_el1 = rows[i].mdscr;
		scene.cpu.arm64.debugregs.oslsr_el1 = rows[i].oslsr;
		scene_decide(&scene);
		assert_step_done(&scene.decision);
		if ((scene.decision.inject.kind == INJECT_SYNC) != rows[i].deliver)
			fail_msg("row %zu", i);
		if (rows[i].deliver)
			assert_int_equal(scene.decision.inject.esr, HSR(EC_STEP, 0x1000022));
	}
}

/* Row 44: what cannot be delivered is shown, and why. */
static void test_wrong_world(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, 0x9, HSR(EC_BRK, 4), 0);
	assert_reported(scene_decide(&scene), TARGET_STOP_SWBREAK);
	assert_int_equal(scene.decision.limitations, LIMITATION_WRONG_WORLD);
	assert_int_equal(scene.decision.inject.kind, INJECT_NONE);
}

#define LDXR 0x885f7c20u
#define STXR 0x88047c20u
#define CBNZ 0x35000044u

/* A stop between LDXR and STXR makes the store fail: the user is told. */
static void test_inside_an_exclusive_sequence(void **state)
{
	static const struct {
		uint32_t words[4];
		uint64_t pstate;
		uint32_t limitations;
	} rows[] = {
		{ { 0x91000421, STXR, CBNZ, 0xd503201f }, 0x5, LIMITATION_EXCLUSIVE },
		{ { STXR }, 0x0, LIMITATION_EXCLUSIVE },
		{ { 0x91000421, CBNZ, 0x91000421, STXR }, 0x5, LIMITATION_EXCLUSIVE },
		{ { LDXR, 0x91000421, STXR, CBNZ }, 0x5, 0 },
		{ { 0xd65f03c0, STXR }, 0x5, 0 }, /* ret */
		{ { 0x91000421, 0x91000421, 0x91000421, 0x91000421 }, 0x5, 0 },
		{ { STXR }, 0x10, 0 }, /* not A64 */
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct scene scene;

		scene_init(&scene, rows[i].pstate, OURS, 0);
		scene.event.planted = true;
		scene_code(&scene, rows[i].words, 4);
		assert_reported(scene_decide(&scene), TARGET_STOP_SWBREAK);
		if (scene.decision.limitations != rows[i].limitations)
			fail_msg("row %zu", i);
	}
}

/* A class that KVM does not give: nothing happens. */
static void test_unknown_class(void **state)
{
	struct scene scene;

	(void)state;
	for (unsigned class = 0; class < 64; class ++) {
		if (class == EC_BRK || class == EC_BKPT_32 || class == EC_BREAKPOINT ||
			class == EC_WATCHPOINT || class == EC_STEP)
			continue;
		scene_init(&scene, 0x5, HSR(class, 0), 0);
		assert_nothing(scene_decide(&scene));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_brk),
		cmocka_unit_test(test_guest_brk_is_always_delivered),
		cmocka_unit_test(test_guest_brk_while_stepping),
		cmocka_unit_test(test_planted_while_stepping),
		cmocka_unit_test(test_bkpt_of_aarch32),
		cmocka_unit_test(test_host_breakpoint),
		cmocka_unit_test(test_guest_breakpoint),
		cmocka_unit_test(test_host_and_guest_breakpoint),
		cmocka_unit_test(test_breakpoint_of_nobody),
		cmocka_unit_test(test_guest_context_breakpoint),
		cmocka_unit_test(test_guest_breakpoint_while_stepping),
		cmocka_unit_test(test_end_of_a_sequence),
		cmocka_unit_test(test_watchpoint),
		cmocka_unit_test(test_guest_watchpoint_filter),
		cmocka_unit_test(test_host_and_guest_watchpoint),
		cmocka_unit_test(test_watchpoint_of_nobody),
		cmocka_unit_test(test_guest_watchpoint_ranges),
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_guest_step),
		cmocka_unit_test(test_wrong_world),
		cmocka_unit_test(test_inside_an_exclusive_sequence),
		cmocka_unit_test(test_unknown_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
