/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/vm.c, run_control.c, vcpu.c, view.c: a whole guest under debug, through protocol/target.h only,
 * against the VMM of fake_lender.h.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/kvm.h>
#include "tests/unit/vm_rig.h"
#include "kvm/arch_x86_64.h"
#include "kvm/transfer.h"
#include "kvm/vm.h"
/* ---- stopping and resuming --------------------------------------------------------------- */

/* Ten NOPs and back. */
#define LOOP "\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\xeb\xf4"

static struct rig *rig_looping(unsigned vcpus)
{
	struct rig *rig = rig_make(vcpus);

	for (unsigned i = 0; i < vcpus; i++)
		CODE(rig, i, LOOP);
	rig_attach(rig);
	return rig;
}

static void test_attach_stops_all(void **state)
{
	struct rig *rig = rig_looping(4);
	uint64_t executed[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		executed[i] = atomic_load(&rig->lender.vcpus[i].executed);
		assert_in_range(
			rig_pc(rig, i + 1), FAKE_CODE + 0x1000 * i, FAKE_CODE + 0x1000 * i + 11);
	}
	rig_assert_quiet(rig);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(atomic_load(&rig->lender.vcpus[i].executed), executed[i]);
	assert_int_equal(rig_stop(rig), -EALREADY);
	assert_int_equal(rig->stops, 1);
	rig_finish(rig);
}

static void test_resume_and_stop(void **state)
{
	struct rig *rig = rig_looping(3);
	uint8_t byte;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		rig_continue(rig);
		assert_false(rig->seat.target.ops->is_stopped(&rig->seat.target));
		assert_int_equal(
			rig->seat.target.ops->memory_read(&rig->seat.target, 1, 0, &byte, 1),
			-EBUSY);
		assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), -EBUSY);
		rig_idle(rig, (int)i % 3);
		assert_true(rig->owed);
		assert_int_equal(rig_stop(rig), 0);
		assert_int_equal(rig_stop(rig), 0);
		rig_await_stop(rig);
		assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	}
	assert_int_equal(rig->stops, 21);
	assert_int_equal(rig_resume(rig, 1, TARGET_STAY, TARGET_STAY), -EINVAL);
	assert_true(rig->seat.target.ops->is_stopped(&rig->seat.target));
	rig_finish(rig);
}

static void test_step(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_set_pc(rig, 1, FAKE_CODE);
	for (unsigned i = 1; i <= 10; i++) {
		uint64_t others = atomic_load(&rig->lender.vcpus[1].executed);

		assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), 0);
		rig_expect(rig, 1, TARGET_STOP_STEP);
		assert_int_equal(rig_pc(rig, 1), FAKE_CODE + i);
		assert_int_equal(atomic_load(&rig->lender.vcpus[1].executed), others);
	}
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_CONTINUE), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE);
	rig_finish(rig);
}

/* The step ends, and is told in the interrupt's place. */
static void test_step_interrupted(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_set_pc(rig, 1, FAKE_CODE);
	for (unsigned i = 1; i <= 3; i++) {
		atomic_store(&rig->lender.vcpus[0].stuck, true);
		assert_int_equal(
			rig_resume(rig, 1, TARGET_STEP, i % 2 ? TARGET_STAY : TARGET_CONTINUE), 0);
		assert_int_equal(rig_stop(rig), 0);
		atomic_store(&rig->lender.vcpus[0].stuck, false);
		rig_expect(rig, 1, TARGET_STOP_STEP);
		assert_int_equal(rig_pc(rig, 1), FAKE_CODE + i);
	}
	rig_finish(rig);
}

/* A halted vCPU does not get to its next instruction: so the step is given up. */
static void test_halting_step_interrupted(void **state)
{
	struct rig *rig = rig_make(2);
	char code[102];

	(void)state;
	memset(code, 0x90, sizeof(code));
	code[sizeof(code) - 1] = '\xf4';
	rig_code(rig, 0, code, sizeof(code));
	CODE(rig, 1, LOOP);
	fake_lender_start(&rig->lender);
	rig_await_progress(&rig->lender.vcpus[0], 2);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_CONTINUE), 0);
	rig_idle(rig, 20);
	assert_true(rig->owed);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	rig_finish(rig);
}

static int rig_range(struct rig *rig, uint64_t start, uint64_t end, enum target_action others)
{
	struct target_resume threads[FAKE_VCPUS];

	for (unsigned i = 0; i < FAKE_VCPUS; i++)
		threads[i] = (struct target_resume){ .action = others };
	threads[0] =
		(struct target_resume){ .action = TARGET_STEP_RANGE, .start = start, .end = end };
	return rig_resume_threads(rig, threads);
}

/* One stop for the whole range, at the first instruction outside; the others stay or go. */
static void test_range(void **state)
{
	struct rig *rig = rig_looping(2);
	uint64_t executed, others;

	(void)state;
	rig_set_pc(rig, 1, FAKE_CODE);
	executed = atomic_load(&rig->lender.vcpus[0].executed);
	others = atomic_load(&rig->lender.vcpus[1].executed);
	assert_int_equal(rig_range(rig, FAKE_CODE, FAKE_CODE + 7, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 7);
	assert_int_equal(atomic_load(&rig->lender.vcpus[0].executed), executed + 7);
	assert_int_equal(atomic_load(&rig->lender.vcpus[1].executed), others);
	assert_int_equal(rig_range(rig, FAKE_CODE, FAKE_CODE, TARGET_CONTINUE), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 8);
	rig_finish(rig);
}

/* A loop inside the range goes on for ever, and can be interrupted. */
static void test_range_interrupted(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_set_pc(rig, 1, FAKE_CODE);
	assert_int_equal(rig_range(rig, FAKE_CODE, FAKE_CODE + 0x100, TARGET_CONTINUE), 0);
	rig_idle(rig, 20);
	assert_true(rig->owed);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	assert_in_range(rig_pc(rig, 1), FAKE_CODE, FAKE_CODE + 0x100);
	rig_finish(rig);
}

/* From one breakpoint to the next, both in the range: the first is passed, the second stops. */
static void test_range_meets_breakpoint(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_insert(rig, FAKE_CODE);
	rig_insert(rig, FAKE_CODE + 3);
	rig_set_pc(rig, 1, FAKE_CODE);
	assert_int_equal(rig_range(rig, FAKE_CODE, FAKE_CODE + 0x100, TARGET_CONTINUE), 0);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 3);
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 5, 1), 0);
	assert_int_equal(rig_range(rig, FAKE_CODE, FAKE_CODE + 0x100, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_HWBREAK);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 5);
	assert_int_equal(rig_range(rig, FAKE_CODE + 5, FAKE_CODE + 6, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 6);
	rig_finish(rig);
}

/* The VMM serves the exit; the step is over all the same, and exactly one instruction long. */
static void test_step_over_vmm_exit(void **state)
{
	struct rig *rig = rig_make(1);

	(void)state;
	CODE(rig, 0, "\xe6\x80\x90\x90\xeb\xfa");
	rig_attach(rig);
	rig_set_pc(rig, 1, FAKE_CODE);
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 2);
	rig_finish(rig);
}

static void test_step_into_halt_can_be_stopped(void **state)
{
	struct rig *rig = rig_make(2);

	(void)state;
	CODE(rig, 0, "\xf4\x90\xeb\xfc");
	CODE(rig, 1, LOOP);
	rig_attach(rig);
	rig_set_pc(rig, 1, FAKE_CODE);
	assert_int_equal(rig_resume(rig, 1, TARGET_CONTINUE, TARGET_STAY), 0);
	rig_idle(rig, 20);
	assert_true(rig->owed);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	rig_finish(rig);
}

/* ---- software breakpoints ---------------------------------------------------------------- */

static void test_breakpoint(void **state)
{
	struct rig *rig = rig_looping(2);
	uint64_t there = FAKE_CODE + 4;

	(void)state;
	rig_insert(rig, there);
	rig_insert(rig, there);
	assert_int_equal(rig->lender.memory[there], 0x90);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t executed = atomic_load(&rig->lender.vcpus[0].executed);

		fake_lender_guard(&rig->lender, 0);
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
		assert_int_equal(rig_pc(rig, 1), there);
		assert_int_equal(rig->lender.memory[there], 0xcc);
		rig_assert_hidden(rig);
		if (i)
			assert_int_equal(
				atomic_load(&rig->lender.vcpus[0].executed) - executed, 11);
	}
	rig_remove(rig, there);
	rig_continue(rig);
	assert_int_equal(rig->lender.memory[there], 0x90);
	rig_idle(rig, 20);
	assert_true(rig->owed);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_finish(rig);
}

/* All in one loop: whoever gets there passes alone, and everybody gets on. */
static void test_no_other_runs_while_lifted(void **state)
{
	struct rig *rig = rig_make(4);
	uint64_t there = FAKE_CODE + 4;
	bool reported[4] = { false };

	(void)state;
	CODE(rig, 0, LOOP);
	for (unsigned i = 0; i < 4; i++)
		rig->lender.vcpus[i].regs.rip = FAKE_CODE + i;
	rig_attach(rig);
	rig_insert(rig, there);
	fake_lender_guard(&rig->lender, 0);
	rig_continue(rig);
	rig_await_stop(rig);
	fake_lender_guard(&rig->lender, there);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(rig->stop.reason, TARGET_STOP_SWBREAK);
		assert_int_equal(rig_pc(rig, rig->stop.thread), there);
		reported[rig->stop.thread - 1] = true;
		rig_continue(rig);
		rig_await_stop(rig);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_true(reported[i]);
	fake_lender_unguard(&rig->lender, there);
	rig_finish(rig);
}

/* ---- conditions and commands ------------------------------------------------------------- */

enum { FLAG = FAKE_CODE + 0x800 }; /* a byte that conditions look at */

#define CODE_OF(bytes)                                                                             \
	{                                                                                          \
		(const uint8_t *)(bytes), sizeof(bytes) - 1                                        \
	}

static const struct target_code never = CODE_OF("\x22\0\x27"), always = CODE_OF("\x22\1\x27");
static const struct target_code if_flag = CODE_OF("\x24\0\1\x08\0\x17\x27");
static const struct target_code if_pc_is_4 = CODE_OF("\x26\0\x10\x24\0\1\0\4\x13\x27");
static const struct target_code divides_by_zero = CODE_OF("\x22\1\x22\0\5\x27");
static const struct target_code reads_nothing = CODE_OF("\x24\xee\0\0\0\x17\x27");
static const struct target_code prints_flag =
	CODE_OF("\x24\0\1\x08\0\x17\x22\0\x22\0\x34\1\0\5[%d]\0\x27");

_Static_assert(FLAG == 0x10800 && X86_REG_RIP == 0x10, "the codes above have the numbers in them");

static int rig_try_code(struct rig *rig, enum target_breakpoint type, uint64_t address,
	const struct target_code *condition, const struct target_code *command)
{
	struct target_breakpoint_spec spec = { .type = type,
		.address = address,
		.length = 1,
		.conditions = condition,
		.condition_count = condition != NULL,
		.commands = command,
		.command_count = command != NULL };

	return leave(rig, rig->seat.target.ops->breakpoint_insert(enter(rig), 1, &spec));
}

static void rig_insert_code(struct rig *rig, enum target_breakpoint type, uint64_t address,
	const struct target_code *condition, const struct target_code *command)
{
	assert_int_equal(rig_try_code(rig, type, address, condition, command), 0);
}

static void rig_set_flag(struct rig *rig, char value)
{
	fake_lender_write(&rig->lender, FLAG, &value, 1);
}

/* Runs on, past the breakpoint and round again, until every vCPU has executed so much more. */
static void rig_run_on(struct rig *rig, unsigned steps)
{
	for (unsigned i = 0; i < rig->lender.count; i++) {
		uint64_t executed = atomic_load(&rig->lender.vcpus[i].executed);
		int64_t end = now_ms() + PATIENCE_MS;

		while (atomic_load(&rig->lender.vcpus[i].executed) < executed + steps) {
			rig_turn(rig, 2);
			assert_true(now_ms() < end);
		}
	}
}

/* No debug register is free for what is asked for next. */
static void rig_crowd(struct rig *rig)
{
	for (unsigned i = 0; i < 4; i++) {
		int rc = rig_insert_kind(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 0x900 + i, 1);

		assert_int_equal(rc, 0);
	}
}

static void check_condition(
	enum target_breakpoint type, enum target_stop_reason reason, bool is_crowded)
{
	struct rig *rig = rig_looping(2);
	unsigned kicks;

	if (is_crowded)
		rig_crowd(rig);
	rig_set_flag(rig, 0);
	rig_insert_code(rig, type, FAKE_CODE + 4, &if_flag, NULL);
	rig_insert_code(rig, type, FAKE_CODE + 0x1000 + 4, &never, NULL);
	rig_continue(rig);
	kicks = atomic_load(&rig->lender.vcpus[0].kicks);
	rig_run_on(rig, 50);
	assert_true(rig->owed);
	/* Nobody waits for the other, but where it is planted. */
	assert_int_equal(rig->vm->plants.count, is_crowded ? 2 : 0);
	if (!is_crowded)
		assert_int_equal(atomic_load(&rig->lender.vcpus[0].kicks), kicks);
	assert_int_equal(rig->messages, 0);
	rig_set_flag(rig, 1);
	rig_expect(rig, 1, reason);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 4);
	rig_set_flag(rig, 0);
	rig_continue(rig);
	rig_run_on(rig, 50);
	assert_true(rig->owed);
	assert_int_equal(rig_stop(rig), 0);
	rig_expect(rig, 1, TARGET_STOP_INTERRUPT);
	rig_insert_kind(rig, type, FAKE_CODE + 4, 1);
	rig_continue(rig);
	rig_expect(rig, 1, reason);
	rig_finish(rig);
}

static void test_condition_of_a_software_breakpoint(void **state)
{
	(void)state;
	check_condition(TARGET_BREAK_SOFTWARE, TARGET_STOP_SWBREAK, false);
	check_condition(TARGET_BREAK_SOFTWARE, TARGET_STOP_SWBREAK, true);
}

static void test_condition_of_a_hardware_breakpoint(void **state)
{
	(void)state;
	check_condition(TARGET_BREAK_HARDWARE, TARGET_STOP_HWBREAK, false);
}

/* By the debugger's number of the register, on the vCPU that has come there. */
static void test_condition_on_a_register(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 3, &if_pc_is_4, NULL);
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 4, &if_pc_is_4, NULL);
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 0x1000 + 4, &if_pc_is_4, NULL);
	for (unsigned i = 0; i < 5; i++) {
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
		assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 4);
	}
	rig_finish(rig);
}

static void test_condition_that_fails(void **state)
{
	struct rig *rig = rig_looping(1);

	(void)state;
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 4, &divides_by_zero, NULL);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_non_null(strstr(rig->message, "division by zero"));
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 4, &reads_nothing, NULL);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_non_null(strstr(rig->message, "memory that is not there"));
	rig_finish(rig);
}

/* What could never run is refused, and what was there before stays. */
static void test_code_is_checked(void **state)
{
	static const struct target_code invalid = CODE_OF("\x31\x27");
	struct rig *rig = rig_looping(1);

	(void)state;
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 4, &always, NULL);
	assert_int_equal(
		rig_try_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 4, &invalid, NULL), -EINVAL);
	assert_int_equal(
		rig_try_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 4, NULL, &invalid), -EINVAL);
	assert_int_equal(
		rig_try_code(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 5, &invalid, NULL), -EINVAL);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 4);
	rig_finish(rig);
}

/* Each time round it prints, and nothing stops; in their turn, a condition, a command that fails. */
static void test_commands(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_set_flag(rig, 7);
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 4, NULL, &prints_flag);
	rig_continue(rig);
	rig_run_on(rig, 50);
	assert_true(rig->owed);
	assert_int_equal(strncmp(rig->output, "[7][7][7][7]", 12), 0);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);

	rig->output[0] = 0;
	rig_set_flag(rig, 0);
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 4, &if_flag, &prints_flag);
	rig_continue(rig);
	rig_run_on(rig, 50);
	assert_string_equal(rig->output, "");
	rig_set_flag(rig, 1);
	rig_run_on(rig, 50);
	assert_int_equal(strncmp(rig->output, "[1][1]", 6), 0);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);

	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 4, NULL, &divides_by_zero);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_non_null(strstr(rig->message, "a command of the breakpoint at 0x10004 failed"));
	rig_finish(rig);
}

/* A hit that is ignored prints nothing either. */
static void test_commands_ignored(void **state)
{
	struct rig *rig = rig_looping(1);

	(void)state;
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 4, NULL, &prints_flag);
	rule_get(&rig->vm->rules, FAKE_CODE + 4)->ignore = UINT64_MAX;
	rig_continue(rig);
	rig_run_on(rig, 50);
	assert_string_equal(rig->output, "");
	assert_true(rule_get(&rig->vm->rules, FAKE_CODE + 4)->hits > 2);
	rule_get(&rig->vm->rules, FAKE_CODE + 4)->ignore = 0;
	rig_run_on(rig, 50);
	assert_string_not_equal(rig->output, "");
	assert_true(rig->owed);
	rig_finish(rig);
}

/* A range goes on past one whose condition does not hold, also where it stood from the start. */
static void test_range_past_a_false_condition(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE, &never, NULL);
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 3, &never, NULL);
	rig_insert_code(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 5, &never, NULL);
	rig_set_pc(rig, 1, FAKE_CODE);
	assert_int_equal(rig_range(rig, FAKE_CODE, FAKE_CODE + 8, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 8);
	rig_set_pc(rig, 1, FAKE_CODE);
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 3, &always, NULL);
	assert_int_equal(rig_range(rig, FAKE_CODE, FAKE_CODE + 8, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 3);
	rig_finish(rig);
}

/* ---- two hits ---------------------------------------------------------------------------- */

/* Both vCPUs are held in front of the same breakpoint until both have hit it. */
static struct rig *rig_two_at_once(uint64_t *first, uint64_t *second)
{
	struct rig *rig = rig_looping(2);
	unsigned runs[2];

	*first = FAKE_CODE + 4;
	*second = FAKE_CODE + 0x1000 + 4;
	rig_insert(rig, *first);
	rig_insert(rig, *second);
	for (unsigned i = 0; i < 2; i++)
		runs[i] = atomic_load(&rig->lender.vcpus[i].runs);
	rig_continue(rig);
	for (unsigned i = 0; i < 2; i++)
		while (atomic_load(&rig->lender.vcpus[i].runs) == runs[i] ||
			!atomic_load(&rig->lender.vcpus[i].parked))
			usleep(100);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_SWBREAK);
	return rig;
}

static void test_two_hits_are_told_one_by_one(void **state)
{
	uint64_t first, second;
	struct rig *rig = rig_two_at_once(&first, &second);
	unsigned told = rig->stop.thread;
	uint64_t executed[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		executed[i] = atomic_load(&rig->lender.vcpus[i].executed);
	rig_continue(rig);
	rig_expect(rig, 3 - told, TARGET_STOP_SWBREAK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(atomic_load(&rig->lender.vcpus[i].executed), executed[i]);
	assert_int_equal(rig_pc(rig, 1), first);
	assert_int_equal(rig_pc(rig, 2), second);
	rig_continue(rig);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_SWBREAK);
	rig_finish(rig);
}

static bool rig_take_stop(struct rig *rig, unsigned thread, struct target_stop *stop)
{
	return leave(rig, rig->seat.target.ops->thread_take_stop(enter(rig), thread, stop));
}

/* lldb asks for all that has happened: then it is not news any more, and is passed as if it had been. */
static void test_kept_hit_is_asked_for(void **state)
{
	uint64_t first, second;
	struct rig *rig = rig_two_at_once(&first, &second);
	unsigned told = rig->stop.thread, kept = 3 - told;
	uint64_t executed = atomic_load(&rig->lender.vcpus[kept - 1].executed);
	struct target_stop stop;

	(void)state;
	assert_false(rig_take_stop(rig, told, &stop));
	assert_false(rig_take_stop(rig, 3, &stop));
	for (unsigned i = 0; i < 2; i++) {
		assert_true(rig_take_stop(rig, kept, &stop));
		assert_int_equal(stop.thread, kept);
		assert_int_equal(stop.reason, TARGET_STOP_SWBREAK);
	}
	rig_remove(rig, told == 1 ? first : second);
	rig_continue(rig);
	rig_expect(rig, kept, TARGET_STOP_SWBREAK);
	assert_true(atomic_load(&rig->lender.vcpus[kept - 1].executed) > executed);
	assert_false(rig_take_stop(rig, told, &stop));
	rig_finish(rig);
}

static void test_kept_hit_is_dropped_with_its_breakpoint(void **state)
{
	uint64_t first, second;
	struct rig *rig = rig_two_at_once(&first, &second);
	unsigned told = rig->stop.thread;

	(void)state;
	rig_remove(rig, told == 1 ? second : first);
	rig_continue(rig);
	for (unsigned i = 0; i < 5; i++) {
		rig_expect(rig, told, TARGET_STOP_SWBREAK);
		rig_continue(rig);
	}
	rig_await_stop(rig);
	assert_int_equal(atomic_load(&rig->lender.vcpus[0].guest_bp), 0);
	assert_int_equal(atomic_load(&rig->lender.vcpus[1].guest_bp), 0);
	rig_finish(rig);
}

/* gdb takes all breakpoints out at a stop and puts them in again before it goes on. */
static void test_kept_hit_survives_remove_and_insert(void **state)
{
	uint64_t first, second;
	struct rig *rig = rig_two_at_once(&first, &second);
	unsigned told = rig->stop.thread;

	(void)state;
	rig_remove(rig, first);
	rig_remove(rig, second);
	rig_insert(rig, first);
	rig_insert(rig, second);
	rig_continue(rig);
	rig_expect(rig, 3 - told, TARGET_STOP_SWBREAK);
	rig_finish(rig);
}

/* What it had hit depends on a condition, which is another one by now. */
static void test_kept_hit_of_a_changed_condition(void **state)
{
	uint64_t first, second;
	struct rig *rig = rig_two_at_once(&first, &second);
	unsigned told = rig->stop.thread;
	uint64_t executed = atomic_load(&rig->lender.vcpus[2 - told].executed);

	(void)state;
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, told == 1 ? second : first, &never, NULL);
	rig_continue(rig);
	rig_expect(rig, told, TARGET_STOP_SWBREAK);
	while (atomic_load(&rig->lender.vcpus[2 - told].executed) == executed) {
		rig_continue(rig);
		rig_expect(rig, told, TARGET_STOP_SWBREAK);
	}
	rig_insert_code(rig, TARGET_BREAK_SOFTWARE, told == 1 ? second : first, &always, NULL);
	rig_remove(rig, told == 1 ? first : second);
	rig_continue(rig);
	rig_expect(rig, 3 - told, TARGET_STOP_SWBREAK);
	rig_finish(rig);
}

/* The debugger steps one thread and keeps the other: what the other has hit must wait. */
static void test_kept_hit_of_a_thread_that_stays(void **state)
{
	uint64_t first, second;
	struct rig *rig = rig_two_at_once(&first, &second);
	unsigned told = rig->stop.thread;

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(rig_resume(rig, told, TARGET_STEP, TARGET_STAY), 0);
		rig_expect(rig, told, TARGET_STOP_STEP);
		assert_int_equal(rig_pc(rig, told), (told == 1 ? first : second) + i);
	}
	rig_continue(rig);
	rig_expect(rig, 3 - told, TARGET_STOP_SWBREAK);
	rig_finish(rig);
}

static void test_kept_hit_is_dropped_when_pc_moves(void **state)
{
	uint64_t first, second;
	struct rig *rig = rig_two_at_once(&first, &second);
	unsigned told = rig->stop.thread;

	(void)state;
	rig_set_pc(rig, 3 - told, FAKE_CODE + 0x3000);
	assert_int_equal(rig_resume(rig, 3 - told, TARGET_CONTINUE, TARGET_STAY), 0);
	rig_idle(rig, 20);
	assert_true(rig->owed);
	rig_finish(rig);
}

/* pc is moved onto the breakpoint from elsewhere: it has not been reported there, so it hits. */
static void test_breakpoint_at_a_new_pc_hits(void **state)
{
	struct rig *rig = rig_looping(1);

	(void)state;
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_insert(rig, FAKE_CODE + 7);
	rig_set_pc(rig, 1, FAKE_CODE + 7);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 7);
	rig_finish(rig);
}

static void test_step_from_a_breakpoint(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_set_pc(rig, 1, FAKE_CODE);
	rig_insert(rig, FAKE_CODE + 4);
	rig_insert(rig, FAKE_CODE + 6);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	fake_lender_guard(&rig->lender, FAKE_CODE + 4);
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_CONTINUE), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 5);
	/* Onto a breakpoint: the step ends there, and going on hits it. */
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 6);
	fake_lender_unguard(&rig->lender, FAKE_CODE + 4);
	rig_finish(rig);
}

/* Two threads step at once, both from breakpoints; one end is told, none is lost to the other. */
static void test_two_step_from_breakpoints(void **state)
{
	uint64_t first, second;
	struct rig *rig = rig_two_at_once(&first, &second);
	unsigned told = rig->stop.thread;

	(void)state;
	rig_continue(rig);
	rig_expect(rig, 3 - told, TARGET_STOP_SWBREAK);
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STEP), 0);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_STEP);
	assert_in_range(rig_pc(rig, 1), first, first + 1);
	assert_in_range(rig_pc(rig, 2), second, second + 1);
	rig_finish(rig);
}

/* With the step-over of one, the others that were to go on do go on, whatever the step ran into. */
static void test_others_go_on_after_step_over(void **state)
{
	static const struct {
		const char *code;
		size_t length;
	} cases[] = {
		{ "\x90\x90\x90\x90\x90\x90\xeb\xf8", 8 },     /* NOP */
		{ "\x90\x90\x90\x90\xe6\x80\x90\xeb\xf7", 9 }, /* an exit of the VMM's */
		{ "\x90\x90\x90\x90\xf4\x90\xeb\xf8", 8 },     /* HLT */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig *rig = rig_make(3);
		uint64_t executed[3];

		for (unsigned j = 0; j < 3; j++)
			CODE(rig, j, LOOP);
		rig_attach(rig);
		rig_code(rig, 0, cases[i].code, cases[i].length);
		rig_set_pc(rig, 1, FAKE_CODE);
		rig_insert(rig, FAKE_CODE + 4);
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
		for (unsigned j = 1; j < 3; j++)
			executed[j] = atomic_load(&rig->lender.vcpus[j].executed);
		fake_lender_guard(&rig->lender, FAKE_CODE + 4);
		rig_continue(rig);
		if (i == 2)
			rig_idle(rig, 20);
		/* The first one comes round again in no time; the others need a few turns. */
		for (unsigned turn = 0; i != 2 && turn < 200; turn++) {
			rig_expect(rig, 1, TARGET_STOP_SWBREAK);
			rig_continue(rig);
		}
		for (unsigned j = 1; j < 3; j++)
			assert_true(atomic_load(&rig->lender.vcpus[j].executed) > executed[j]);
		fake_lender_unguard(&rig->lender, FAKE_CODE + 4);
		rig_finish(rig);
	}
}

/* One page at two addresses: only the address it was set at is the breakpoint. */
static void test_alias_passes(void **state)
{
	struct rig *rig = rig_make(2);

	(void)state;
	CODE(rig, 0, LOOP);
	rig->lender.vcpus[1].regs.rip = FAKE_ALIAS + FAKE_CODE;
	rig_attach(rig);
	rig_insert(rig, FAKE_CODE + 4);
	for (unsigned i = 0; i < 20; i++) {
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
		assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 4);
	}
	assert_int_equal(rig_resume(rig, 2, TARGET_CONTINUE, TARGET_STAY), 0);
	rig_idle(rig, 50);
	assert_true(rig->owed);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	rig_insert(rig, FAKE_ALIAS + FAKE_CODE + 4);
	if (rig_pc(rig, 2) == FAKE_ALIAS + FAKE_CODE + 4)
		rig_set_pc(rig, 2, FAKE_ALIAS + FAKE_CODE);
	assert_int_equal(rig_resume(rig, 2, TARGET_CONTINUE, TARGET_STAY), 0);
	rig_expect(rig, 2, TARGET_STOP_SWBREAK);
	assert_int_equal(rig_pc(rig, 2), FAKE_ALIAS + FAKE_CODE + 4);
	/* The one taken away, the other stays. */
	rig_remove(rig, FAKE_CODE + 4);
	assert_int_equal(rig_resume(rig, 2, TARGET_CONTINUE, TARGET_STAY), 0);
	rig_expect(rig, 2, TARGET_STOP_SWBREAK);
	rig_finish(rig);
}

/* What is not mapped yet waits in a debug register, as long as there is one that nobody asked for. */
static void test_pending_breakpoints(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		rig_insert(rig, 0x900000 + i);
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_SOFTWARE, 0x900004, 1), -EFAULT);
	assert_non_null(strstr(rig->message, "no debug register is free"));
	rig_insert(rig, 0x900000);
	rig_remove(rig, 0x900003);
	rig_insert(rig, 0x900004);
	rig_continue(rig);
	rig_idle(rig, 5);
	assert_int_equal(rig->vm->point_count, 4);
	assert_int_equal(rig->vm->plants.count, 0);
	for (unsigned i = 0; i < 2; i++)
		assert_true(
			atomic_load(&rig->lender.vcpus[i].debug_control) & KVM_GUESTDBG_USE_HW_BP);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	/* Who asks for a debug register has it; the one that is left without is told of. */
	assert_int_equal(rig_insert_kind(rig, TARGET_WATCH_WRITE, FAKE_CODE, 1), 0);
	rig->message[0] = 0;
	rig_continue(rig);
	assert_non_null(strstr(rig->message, "0x900004 is not in force yet"));
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_finish(rig);
}

/* One that may be overwritten has a debug register too, and is told as what was asked for. */
static void test_fragile_breakpoint(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_insert(rig, FAKE_CODE + 4);
	rig->vm->table.entries[0].is_fragile = true;
	for (unsigned turn = 0; turn < 5; turn++) {
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
		assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 4);
	}
	assert_int_equal(rig->vm->point_count, 1);
	assert_int_equal(rig->vm->plants.count, 1);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	fake_lender_write(
		&rig->lender, FAKE_CODE + 4, "\x90", 1); /* the guest loads something there */
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_finish(rig);
}

/* Nobody stops, and it is there again in a moment. */
static void test_overwritten_breakpoint(void **state)
{
	struct rig *rig = rig_looping(2);
	const uint8_t *there = rig->lender.memory + FAKE_CODE + 0x100;

	(void)state;
	rig_insert(rig, FAKE_CODE + 0x100);
	rig_continue(rig);
	rig_idle(rig, 20);
	assert_int_equal(*there, 0xcc);
	fake_lender_write(&rig->lender, FAKE_CODE + 0x100, "\x90", 1);
	for (int turn = 0; turn < 500 && *there != 0xcc; turn++)
		rig_turn(rig, 10);
	assert_int_equal(*there, 0xcc);
	assert_non_null(strstr(rig->message, "has overwritten the breakpoint"));
	assert_true(rig->owed);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	rig_finish(rig);
}

/* What is planted is looked at less and less often, and often again when the guest begins anew. */
static void test_watch_gets_rare(void **state)
{
	struct rig *rig = rig_looping(1);

	(void)state;
	rig_insert(rig, FAKE_CODE + 0x100);
	rig_continue(rig);
	assert_int_equal(rig->watch_period_ms, 100);
	for (int turn = 0; turn < 1000 && rig->watch_period_ms < 1600; turn++)
		rig_idle(rig, 10);
	assert_int_equal(rig->watch_period_ms, 1600);
	vm_on_reset(rig->vm);
	assert_int_equal(rig->watch_period_ms, 100);
	while (rig->watch_period_ms == 100)
		rig_idle(rig, 10);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_continue(rig);
	assert_int_equal(rig->watch_period_ms, 100);
	rig_finish(rig);
}

static void test_bad_breakpoints(void **state)
{
	struct rig *rig = rig_looping(1);

	(void)state;
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE, 2), -EINVAL);
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE, 0), -EINVAL);
	assert_int_equal(rig_insert_kind(rig, TARGET_WATCH_READ, FAKE_CODE, 1), -ENOTSUP);
	assert_int_equal(rig_remove_kind(rig, TARGET_BREAK_SOFTWARE, 0x900000, 1), 0);
	assert_int_equal(rig_remove_kind(rig, TARGET_WATCH_WRITE, 0x900000, 1), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_HARDWARE, 0x100 * i, 1), 0);
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_HARDWARE, 0x100, 1), 0);
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_HARDWARE, 0x1000, 1), -ENOSPC);
	rig_finish(rig);
}

/* Two at once, one told of; then nobody wants to be told any more, and the guest gets both. */
static void test_kept_trap_is_dropped(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		CODE(rig, i, "\xcc\xeb\xfd");
		rig_set_pc(rig, i + 1, FAKE_CODE + 0x1000 * i);
	}
	rig->vm->stops_at_guests = true;
	for (unsigned turn = 0; turn < 20; turn++) {
		rig_continue(rig);
		rig_await_stop(rig);
		assert_int_equal(rig->stop.reason, TARGET_STOP_TRAP);
	}
	rig->vm->stops_at_guests = false;
	rig_continue(rig);
	rig_idle(rig, 20);
	assert_true(rig->owed);
	for (unsigned i = 0; i < 2; i++)
		assert_true(atomic_load(&rig->lender.vcpus[i].guest_bp) > 0);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_finish(rig);
}

/* ---- the guest's end --------------------------------------------------------------------- */

/* Told while its registers are whole, and once: what its VMM says of it later is no news. */
static void test_crash_is_seen(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_continue(rig);
	atomic_store(&rig->lender.vcpus[1].ending, CHANNEL_CRASH);
	rig_expect(rig, 2, TARGET_STOP_CRASHED);
	assert_non_null(strstr(rig->message, "vCPU 1: the guest has crashed"));
	assert_in_range(rig_pc(rig, 2), FAKE_CODE + 0x1000, FAKE_CODE + 0x1000 + 11);
	rig_continue(rig);
	vm_on_end(rig->vm, TARGET_STOP_CRASHED, 0);
	rig_idle(rig, 20);
	assert_true(rig->owed);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_finish(rig);
}

/* Only who asks for it is stopped by a reset; a power-off is the VMM's. */
static void test_reset_is_seen(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_continue(rig);
	for (int ending = CHANNEL_RESET; ending <= CHANNEL_POWER_OFF + 1; ending++) {
		atomic_store(&rig->lender.vcpus[0].ending, ending);
		for (int turn = 0; turn < 500 && atomic_load(&rig->lender.vcpus[0].ending); turn++)
			rig_turn(rig, 10);
		rig_idle(rig, 10);
		assert_true(rig->owed);
	}
	rig->vm->stop_at_reset = true;
	atomic_store(&rig->lender.vcpus[0].ending, CHANNEL_RESET);
	rig_expect(rig, 1, TARGET_STOP_TRAP);
	assert_non_null(strstr(rig->message, "asks for its reset"));
	rig_finish(rig);
}

/* A guest that nobody debugs has its end to itself. */
static void test_end_of_a_free_guest(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_release(rig);
	atomic_store(&rig->lender.vcpus[0].ending, CHANNEL_CRASH);
	rig_idle(rig, 30);
	assert_int_equal(atomic_load(&rig->lender.vcpus[0].ending), CHANNEL_CRASH);
	atomic_store(&rig->lender.vcpus[0].ending, 0);
	rig_assert_free(rig);
	rig_free(rig);
}

/* ---- the guest's own breakpoints --------------------------------------------------------- */

#define OWN "\x90\x90\xcc\x90\x90\x90\xeb\xf8" /* INT3 at 2 */

static void test_own_int3_is_the_guests(void **state)
{
	struct rig *rig = rig_make(2);
	unsigned before;

	(void)state;
	CODE(rig, 0, OWN);
	CODE(rig, 1, LOOP);
	rig_attach(rig);
	rig_insert(rig, FAKE_CODE + 0x800); /* so that INT3 comes out */
	before = atomic_load(&rig->lender.vcpus[0].guest_bp);
	rig_continue(rig);
	rig_idle(rig, 50);
	assert_true(rig->owed);
	assert_true(atomic_load(&rig->lender.vcpus[0].guest_bp) > before + 2);
	rig_finish(rig);
}

static void test_own_int3_under_ours(void **state)
{
	struct rig *rig = rig_make(2);
	struct fake_vcpu *own = &rig->lender.vcpus[0];
	unsigned before;

	(void)state;
	CODE(rig, 0, OWN);
	CODE(rig, 1, LOOP);
	rig_attach(rig);
	rig_insert(rig, FAKE_CODE + 2);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	before = atomic_load(&own->guest_bp);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 2);
		assert_int_equal(atomic_load(&own->guest_bp), before + i);
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	}
	/* Stepped, it leads into the handler. */
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), FAKE_BP_HANDLER);
	assert_int_equal(atomic_load(&own->guest_bp), before + 6);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	/* Taken away, it is the guest's alone; but it has been executed, and is not a second time. */
	rig_remove(rig, FAKE_CODE + 2);
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), FAKE_BP_HANDLER);
	assert_true(atomic_load(&own->debug_control) & KVM_GUESTDBG_INJECT_BP);
	assert_int_equal(atomic_load(&own->guest_bp), before + 7);
	rig_continue(rig);
	rig_idle(rig, 20);
	assert_true(rig->owed);
	assert_true(atomic_load(&own->guest_bp) > before + 7);
	rig_finish(rig);
}

/* A hardware breakpoint stops before the guest's INT3, ours on it or not: that is still to be executed. */
static void test_own_int3_under_hardware_breakpoint(void **state)
{
	(void)state;
	for (unsigned both = 0; both < 2; both++) {
		struct rig *rig = rig_make(1);
		struct fake_vcpu *own = &rig->lender.vcpus[0];
		unsigned before;

		CODE(rig, 0, OWN);
		rig_attach(rig);
		rig_insert(rig, FAKE_CODE + (both ? 2 : 0x800));
		assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 2, 1), 0);
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_HWBREAK);
		before = atomic_load(&own->guest_bp);
		for (unsigned i = 1; i < 5; i++) {
			rig_continue(rig);
			rig_expect(rig, 1, TARGET_STOP_HWBREAK);
			assert_int_equal(atomic_load(&own->guest_bp), before + i);
		}
		assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), 0);
		rig_expect(rig, 1, TARGET_STOP_STEP);
		assert_int_equal(rig_pc(rig, 1), FAKE_BP_HANDLER);
		assert_int_equal(atomic_load(&own->guest_bp), before + 5);
		rig_finish(rig);
	}
}

/* The debugger leaves, or moves pc, while the guest's own exception is due. */
static void test_own_int3_under_ours_and_pc_moves(void **state)
{
	struct rig *rig = rig_make(1);
	unsigned before;

	(void)state;
	CODE(rig, 0, OWN);
	rig_attach(rig);
	rig_insert(rig, FAKE_CODE + 2);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	before = atomic_load(&rig->lender.vcpus[0].guest_bp);
	rig_set_pc(rig, 1, FAKE_CODE + 4);
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 5);
	assert_int_equal(atomic_load(&rig->lender.vcpus[0].guest_bp), before);
	rig_finish(rig);
}

/*
 * A vCPU comes out with its own INT3 while a stop is on its way: the exception is due when it goes on,
 * unless the debugger has moved pc away from it by then.
 */
static void own_int3_during_stop(bool move)
{
	struct rig *rig = rig_make(2);
	struct fake_vcpu *own = &rig->lender.vcpus[1];
	unsigned before, runs;

	CODE(rig, 0, LOOP);
	CODE(rig, 1, "\x90\x90\xcc\x90\xeb\xfe");
	own->regs.rip = FAKE_CODE + 0x1000 + 4;
	rig_attach(rig);
	rig_insert(rig, FAKE_CODE + 0x800);
	rig_set_pc(rig, 2, FAKE_CODE + 0x1000);
	before = atomic_load(&own->guest_bp);
	runs = atomic_load(&own->runs);
	atomic_store(&own->mute, true);
	rig_continue(rig);
	while (atomic_load(&own->runs) == runs || !atomic_load(&own->parked))
		usleep(100);
	assert_int_equal(rig_stop(rig), 0);
	atomic_store(&own->mute, false);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	assert_int_equal(rig_pc(rig, 2), FAKE_CODE + 0x1002);
	if (move)
		rig_set_pc(rig, 2, FAKE_CODE + 0x1004);
	rig_continue(rig);
	rig_idle(rig, 20);
	assert_true(rig->owed);
	assert_int_equal(atomic_load(&own->guest_bp), before + (move ? 0 : 1));
	rig_finish(rig);
}

static void test_own_int3_during_stop(void **state)
{
	(void)state;
	own_int3_during_stop(false);
}

static void test_own_int3_during_stop_and_pc_moves(void **state)
{
	(void)state;
	own_int3_during_stop(true);
}

/* An alias with the guest's own INT3 under ours, hit while a stop is on its way: must stay parked. */
static void test_alias_of_own_int3_during_stop(void **state)
{
	struct rig *rig = rig_make(2);
	struct fake_vcpu *other = &rig->lender.vcpus[1];
	unsigned before, runs;

	(void)state;
	CODE(rig, 0, "\xeb\xfe\xcc\x90\xeb\xfe");
	rig->lender.vcpus[1].regs.rip = FAKE_ALIAS + FAKE_CODE + 4;
	rig_attach(rig);
	rig_insert(rig, FAKE_CODE + 2);
	rig_set_pc(rig, 2, FAKE_ALIAS + FAKE_CODE + 2);
	before = atomic_load(&other->guest_bp);
	runs = atomic_load(&other->runs);
	atomic_store(&other->mute, true);
	rig_continue(rig);
	while (atomic_load(&other->runs) == runs || !atomic_load(&other->parked))
		usleep(100);
	assert_int_equal(rig_stop(rig), 0);
	atomic_store(&other->mute, false);
	rig_await_stop(rig);
	assert_int_equal(rig->messages, 0);
	assert_true(atomic_load(&other->parked));
	rig_continue(rig);
	rig_idle(rig, 20);
	assert_int_equal(atomic_load(&other->guest_bp), before + 1);
	rig_finish(rig);
}

/* Code that writes over our breakpoint: the guest's new byte wins, and is broken at again. */
static void test_guest_overwrites_ours(void **state)
{
	struct rig *rig = rig_make(1);

	(void)state;
	/* 0: MOV [20], 90; 8: NOP; 9: JMP 9; 20: NOP; 21: NOP; JMP 20 */
	CODE(rig, 0, "\xc6\x04\x25\x20\x00\x01\x00\x90\x90\xeb\xfe");
	fake_lender_write(&rig->lender, FAKE_CODE + 0x20, "\xf4\x90\xeb\xfc", 4);
	rig->lender.vcpus[0].regs.rip = FAKE_CODE + 9;
	rig_attach(rig);
	rig_insert(rig, FAKE_CODE + 0x20);
	rig_set_pc(rig, 1, FAKE_CODE);
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig->lender.memory[FAKE_CODE + 0x20], 0x90);
	rig_assert_hidden(rig);
	rig_set_pc(rig, 1, FAKE_CODE + 0x21);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_finish(rig);
}

/* The stepped instruction writes over itself. */
static void test_guest_overwrites_what_is_lifted(void **state)
{
	struct rig *rig = rig_make(1);

	(void)state;
	/* 0: MOV byte [0], 0xfe: becomes INC, whose operand is the same; 8: JMP 8 */
	CODE(rig, 0, "\xc6\x04\x25\x00\x00\x01\x00\xfe\xeb\xfe");
	rig->lender.vcpus[0].regs.rip = FAKE_CODE + 8;
	rig_attach(rig);
	rig_insert(rig, FAKE_CODE);
	rig_set_pc(rig, 1, FAKE_CODE);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_continue(rig);
	rig_idle(rig, 20);
	assert_int_equal(rig->lender.memory[FAKE_CODE], 0xcc);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_assert_hidden(rig);
	rig_finish(rig);
}

/* ---- memory under the debugger's hands --------------------------------------------------- */

static void test_debugger_writes_over_ours(void **state)
{
	struct rig *rig = rig_looping(1);
	const struct target_ops *ops = rig->seat.target.ops;
	uint8_t byte = 0;

	(void)state;
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	/* INT3 by the debugger's own hand, through the alias: the guest's own from now on. */
	rig->lender.original[FAKE_CODE + 4] = 0xcc;
	assert_int_equal(
		ops->memory_write(&rig->seat.target, 1, FAKE_ALIAS + FAKE_CODE + 4, "\xcc", 1), 0);
	rig_assert_hidden(rig);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_int_equal(atomic_load(&rig->lender.vcpus[0].guest_bp), 1);
	assert_int_equal(ops->memory_write(&rig->seat.target, 1, FAKE_CODE + 4, "\x90", 1), 0);
	rig->lender.original[FAKE_CODE + 4] = 0x90;
	assert_int_equal(ops->memory_read(&rig->seat.target, 1, FAKE_CODE + 4, &byte, 1), 1);
	assert_int_equal(byte, 0x90);
	rig_finish(rig);
}

/* ---- debug exits that are nobody's -------------------------------------------------------- */

/* x86-64 but for what an architecture may decide on: one instruction without debug registers. */
static void decide_stray(const struct debug_event *event, struct decision *decision)
{
	struct x86_debug_exit debug_exit;

	memcpy(&debug_exit, event->exit, sizeof(debug_exit));
	arch_x86_64.decide(event, decision);
	if (debug_exit.exception == X86_DB && debug_exit.dr6 == FAKE_STRAY_DR6)
		*decision = (struct decision){ .step_silently = true };
}

static struct rig *rig_with_stray(struct arch *arch)
{
	struct rig *rig = rig_looping(3);

	*arch = arch_x86_64;
	arch->decide = decide_stray;
	rig->vm->arch = arch;
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	return rig;
}

/* In the middle of a step-over: still past the breakpoint, still alone, and the others go on. */
static void test_stray_exit_during_step_over(void **state)
{
	struct arch arch;
	struct rig *rig = rig_with_stray(&arch);
	uint64_t executed = atomic_load(&rig->lender.vcpus[0].executed);
	uint64_t others = atomic_load(&rig->lender.vcpus[1].executed);

	(void)state;
	fake_lender_guard(&rig->lender, FAKE_CODE + 4);
	atomic_store(&rig->lender.vcpus[0].stray, true);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_false(atomic_load(&rig->lender.vcpus[0].stray));
	assert_int_equal(atomic_load(&rig->lender.vcpus[0].executed) - executed, 11);
	/* On a busy machine the first is back before another has been scheduled. */
	for (unsigned i = 0; i < 1000 && atomic_load(&rig->lender.vcpus[1].executed) == others;
		i++) {
		atomic_store(&rig->lender.vcpus[0].stray, true);
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	}
	assert_true(atomic_load(&rig->lender.vcpus[1].executed) > others);
	fake_lender_unguard(&rig->lender, FAKE_CODE + 4);
	rig_finish(rig);
}

/* The same, and a stop is on its way: the breakpoint is still to be passed. */
static void test_stray_exit_during_step_over_and_stop(void **state)
{
	struct arch arch;
	struct rig *rig = rig_with_stray(&arch);
	struct fake_vcpu *over = &rig->lender.vcpus[0];
	uint64_t executed = atomic_load(&over->executed);

	(void)state;
	atomic_store(&over->stray, true);
	atomic_store(&over->stuck, true);
	rig_continue(rig);
	atomic_store(&over->mute, true);
	atomic_store(&over->stuck, false);
	while (!atomic_load(&over->parked))
		usleep(100);
	assert_int_equal(rig_stop(rig), 0);
	atomic_store(&over->mute, false);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	assert_int_equal(atomic_load(&over->executed), executed);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_int_equal(atomic_load(&over->executed) - executed, 11);
	rig_finish(rig);
}

/* In the middle of the debugger's step, from a breakpoint and from elsewhere: one instruction. */
static void test_stray_exit_during_step(void **state)
{
	struct arch arch;
	struct rig *rig = rig_with_stray(&arch);

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		atomic_store(&rig->lender.vcpus[0].stray, true);
		assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), 0);
		rig_expect(rig, 1, TARGET_STOP_STEP);
		assert_false(atomic_load(&rig->lender.vcpus[0].stray));
		assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 4 + i);
		assert_int_equal(rig->lender.memory[FAKE_CODE + 4], 0xcc);
	}
	rig_finish(rig);
}

static void test_stray_exit_while_running(void **state)
{
	struct arch arch;
	struct rig *rig = rig_with_stray(&arch);

	(void)state;
	rig_continue(rig);
	for (unsigned i = 0; i < 20; i++) {
		atomic_store(&rig->lender.vcpus[1].stray, true);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
		rig_continue(rig);
	}
	assert_int_equal(atomic_load(&rig->lender.vcpus[1].guest_db), 0);
	rig_finish(rig);
}

/* ---- hardware ---------------------------------------------------------------------------- */

static void test_hardware_breakpoint_on_every_vcpu(void **state)
{
	struct rig *rig = rig_make(3);
	bool hit[3] = { false };

	(void)state;
	CODE(rig, 0, LOOP);
	for (unsigned i = 0; i < 3; i++)
		rig->lender.vcpus[i].regs.rip = FAKE_CODE + i;
	rig_attach(rig);
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 5, 1), 0);
	for (unsigned i = 0; i < 60; i++) {
		rig_continue(rig);
		rig_await_stop(rig);
		assert_int_equal(rig->stop.reason, TARGET_STOP_HWBREAK);
		assert_int_equal(rig_pc(rig, rig->stop.thread), FAKE_CODE + 5);
		hit[rig->stop.thread - 1] = true;
	}
	assert_true(hit[0] && hit[1] && hit[2]);
	rig_remove_kind(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 5, 1);
	rig_continue(rig);
	rig_idle(rig, 20);
	assert_true(rig->owed);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(atomic_load(&rig->lender.vcpus[i].debug_control), 0);
	rig_finish(rig);
}

static void test_watchpoint(void **state)
{
	struct rig *rig = rig_make(2);
	uint64_t data = FAKE_CODE + 0x800;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		CODE(rig, i, "\x90\xfe\x04\x25\x00\x08\x01\x00\x90\xeb\xf5");
	rig_attach(rig);
	assert_int_equal(rig_insert_kind(rig, TARGET_WATCH_WRITE, data, 1), 0);
	for (unsigned i = 0; i < 20; i++) {
		uint8_t was = rig->lender.memory[data];
		bool kept = rig->vm->vcpus[0].has_hit || rig->vm->vcpus[1].has_hit;

		rig_continue(rig);
		rig_await_stop(rig);
		assert_int_equal(rig->stop.reason, TARGET_STOP_WATCH);
		assert_int_equal(rig->stop.address, data);
		assert_int_equal(rig_pc(rig, rig->stop.thread) & 0xfff, 8);
		if (kept)
			assert_int_equal(rig->lender.memory[data], was);
	}
	rig_remove_kind(rig, TARGET_WATCH_WRITE, data, 1);
	rig_continue(rig);
	rig_idle(rig, 20);
	assert_true(rig->owed);
	rig_finish(rig);
}

/* ---- late vCPUs -------------------------------------------------------------------------- */

static struct rig *rig_with_late(struct fake_vcpu **late)
{
	struct rig *rig = rig_looping(3);

	rig->vm->stop_timeout_ms = 60;
	*late = &rig->lender.vcpus[1];
	rig_insert(rig, FAKE_CODE + 4);
	atomic_store(&(*late)->stuck, true);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	return rig;
}

static void test_late_vcpu_is_named(void **state)
{
	struct fake_vcpu *late;
	struct rig *rig = rig_with_late(&late);
	char text[64];
	uint8_t value[TARGET_REGISTER_MAX_BYTES], byte;

	(void)state;
	assert_int_equal(rig->messages, 1);
	assert_non_null(strstr(rig->message, "vCPU 1 did not stop"));
	assert_true(rig->seat.target.ops->is_stopped(&rig->seat.target));
	assert_int_equal(
		rig->seat.target.ops->register_read(&rig->seat.target, 2, X86_REG_RIP, value),
		-ENODATA);
	assert_true(
		rig->seat.target.ops->register_write(&rig->seat.target, 2, X86_REG_RIP, value) < 0);
	assert_int_equal(
		rig->seat.target.ops->memory_read(&rig->seat.target, 2, FAKE_CODE, &byte, 1),
		-EFAULT);
	rig->seat.target.ops->thread_describe(&rig->seat.target, 2, text, sizeof(text));
	assert_non_null(strstr(text, "not stopped"));
	/* It parks in its own time, in silence. */
	atomic_store(&late->stuck, false);
	for (int64_t end = now_ms() + PATIENCE_MS;
		rig->vm->vcpus[1].state != VCPU_PARKED && now_ms() < end;)
		rig_idle(rig, 5);
	assert_int_equal(rig->stops, 2);
	assert_int_equal(rig->messages, 1);
	assert_in_range(rig_pc(rig, 2), FAKE_CODE + 0x1000, FAKE_CODE + 0x100b);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_finish(rig);
}

/* The others go on without it, past the breakpoint too; it joins them when it can. */
static void test_resume_without_late_vcpu(void **state)
{
	struct fake_vcpu *late;
	struct rig *rig = rig_with_late(&late);
	uint64_t executed;

	(void)state;
	fake_lender_guard(&rig->lender, FAKE_CODE + 4);
	for (unsigned i = 0; i < 3; i++) {
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	}
	executed = atomic_load(&late->executed);
	atomic_store(&late->stuck, false);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_turns(rig, 200);
	assert_true(atomic_load(&late->executed) > executed);
	fake_lender_unguard(&rig->lender, FAKE_CODE + 4);
	rig_finish(rig);
}

/* The late one parks in the middle of another's step-over: it must not run then. */
static void test_late_vcpu_parks_during_step_over(void **state)
{
	struct fake_vcpu *late;
	struct rig *rig = rig_with_late(&late);
	uint64_t executed = atomic_load(&late->executed);

	(void)state;
	rig->vm->stop_timeout_ms =
		STOP_TIMEOUT_MS; /* what takes long on a busy machine is not late */
	fake_lender_guard(&rig->lender, FAKE_CODE + 4);
	atomic_store(&rig->lender.vcpus[0].stuck, true); /* the step takes long */
	rig_continue(rig);
	atomic_store(&late->stuck, false);
	rig_idle(rig, 20);
	assert_int_equal(atomic_load(&late->executed), executed);
	atomic_store(&rig->lender.vcpus[0].stuck, false);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_turns(rig, 200);
	assert_true(atomic_load(&late->executed) > executed);
	fake_lender_unguard(&rig->lender, FAKE_CODE + 4);
	rig_finish(rig);
}

/*
 * It had run into a breakpoint already, and its thread did not get to say so until the breakpoint
 * was gone: no exception of the guest's.
 */
static void test_stale_hit_of_late_vcpu(void **state)
{
	struct rig *rig = rig_looping(2);
	struct fake_vcpu *late = &rig->lender.vcpus[1];
	unsigned runs;

	(void)state;
	rig->vm->stop_timeout_ms = 60;
	rig_insert(rig, FAKE_CODE + 0x1004);
	rig_insert(rig, FAKE_CODE + 0x800);
	runs = atomic_load(&late->runs);
	atomic_store(&late->mute, true);
	rig_continue(rig);
	while (atomic_load(&late->runs) == runs || !atomic_load(&late->parked))
		usleep(100);
	assert_int_equal(rig_stop(rig), 0);
	rig_expect(rig, 1, TARGET_STOP_INTERRUPT);
	assert_non_null(strstr(rig->message, "vCPU 1"));
	rig_remove(rig, FAKE_CODE + 0x1004);
	rig_continue(rig);
	atomic_store(&late->mute, false);
	rig_idle(rig, 30);
	assert_true(rig->owed);
	assert_int_equal(atomic_load(&late->guest_bp), 0);
	rig_await_unparked(rig, 1);
	rig_finish(rig);
}

/* The step-over itself hangs: the debugger gets its stop, and what is planted stays right. */
static void test_step_over_that_hangs(void **state)
{
	struct rig *rig = rig_looping(2);
	struct fake_vcpu *over = &rig->lender.vcpus[0];

	(void)state;
	rig->vm->stop_timeout_ms = 60;
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	atomic_store(&over->stuck, true);
	rig_continue(rig);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	assert_int_equal(rig->stop.thread, 2);
	rig_assert_hidden(rig);
	rig_continue(rig);
	rig_idle(rig, 10);
	assert_int_equal(rig->lender.memory[FAKE_CODE + 4], 0xcc);
	atomic_store(&over->stuck, false);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_assert_hidden(rig);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_finish(rig);
}

static void test_step_over_that_hangs_and_detach(void **state)
{
	struct rig *rig = rig_looping(2);
	struct fake_vcpu *over = &rig->lender.vcpus[0];

	(void)state;
	rig->vm->stop_timeout_ms = 60;
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	atomic_store(&over->stuck, true);
	rig_continue(rig);
	rig_await_stop(rig);
	seat_fini(&rig->seat);
	rig_idle(rig, 20);
	assert_false(vm_is_released(rig->vm));
	rig_assert_undone(rig);
	atomic_store(&over->stuck, false);
	rig_await_release(rig);
	rig_assert_free(rig);
	rig_free(rig);
}

/*
 * Set free while its step is still to come: it runs on as any other, also when we are gone and
 * nobody is there to answer a report.
 */
static void test_late_step_is_given_up_by_detach(void **state)
{
	struct rig *rig = rig_make(2);
	struct fake_vcpu *late = &rig->lender.vcpus[0];

	(void)state;
	CODE(rig, 0, "\x90\x90\xe6\x80\xeb\xfa");
	CODE(rig, 1, LOOP);
	rig_attach(rig);
	rig->vm->stop_timeout_ms = 60;
	atomic_store(&late->stuck, true);
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), 0);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	seat_fini(&rig->seat);
	atomic_store(&late->stuck, false);
	rig_await_release(rig);
	rig_assert_free(rig);
	rig_drop_vm(rig);
	rig_await_progress(late, atomic_load(&late->executed));
	rig_free(rig);
}

/* Stopped by hand in the middle of a step-over: it is passed next time, not hit again. */
static void test_stop_during_step_over(void **state)
{
	struct rig *rig = rig_looping(2);
	struct fake_vcpu *over = &rig->lender.vcpus[0];
	uint64_t executed;

	(void)state;
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	atomic_store(&over->stuck, true);
	rig_continue(rig);
	assert_int_equal(rig_stop(rig), 0);
	atomic_store(&over->stuck, false);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	rig_assert_hidden(rig);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 4);
	executed = atomic_load(&over->executed);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_int_equal(atomic_load(&over->executed) - executed, 11);
	rig_finish(rig);
}

/* ---- what KVM refuses -------------------------------------------------------------------- */

static void test_injection_refused_once(void **state)
{
	struct rig *rig = rig_make(2);
	struct fake_vcpu *own = &rig->lender.vcpus[0];
	unsigned before;

	(void)state;
	CODE(rig, 0, OWN);
	CODE(rig, 1, LOOP);
	rig_attach(rig);
	rig_insert(rig, FAKE_CODE + 2);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	before = atomic_load(&own->guest_bp);
	atomic_store(&own->fail_errno, EBUSY);
	atomic_store(&own->fail_request, (unsigned)KVM_SET_GUEST_DEBUG);
	atomic_store(&own->fail_times, 1);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	/* Nothing was lost on the way: at the latest with the next resume the guest has it. */
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_in_range(atomic_load(&own->guest_bp), before + 1, before + 2);
	rig_finish(rig);
}

/* Refused in the middle of a step-over: still passed, and the others still go on. */
static void test_step_over_refused_once(void **state)
{
	struct rig *rig = rig_looping(2);
	struct fake_vcpu *over = &rig->lender.vcpus[0];
	uint64_t executed = 0, others = 0;

	(void)state;
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	fake_lender_guard(&rig->lender, FAKE_CODE + 4);
	executed = atomic_load(&over->executed);
	others = atomic_load(&rig->lender.vcpus[1].executed);
	atomic_store(&over->fail_errno, EBUSY);
	atomic_store(&over->fail_request, (unsigned)KVM_SET_GUEST_DEBUG);
	atomic_store(&over->fail_times, 1);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_int_equal(atomic_load(&over->executed) - executed, 11);
	assert_int_equal(rig->messages, 0);
	rig_turns(rig, 200);
	assert_true(atomic_load(&rig->lender.vcpus[1].executed) > others);
	fake_lender_unguard(&rig->lender, FAKE_CODE + 4);
	rig_finish(rig);
}

static void test_run_refused_for_good(void **state)
{
	struct rig *rig = rig_looping(2);
	struct fake_vcpu *vcpu = &rig->lender.vcpus[0];

	(void)state;
	rig_insert(rig, FAKE_CODE + 4);
	atomic_store(&vcpu->fail_errno, EINVAL);
	atomic_store(&vcpu->fail_request, (unsigned)KVM_SET_GUEST_DEBUG);
	atomic_store(&vcpu->fail_times, 1);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_CRASHED);
	assert_non_null(strstr(rig->message, "refused"));
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_finish(rig);
}

static void test_register_refused(void **state)
{
	struct rig *rig = rig_looping(1);
	struct fake_vcpu *vcpu = &rig->lender.vcpus[0];
	uint8_t value[TARGET_REGISTER_MAX_BYTES] = { 1 };
	uint64_t pc = rig_pc(rig, 1);

	(void)state;
	atomic_store(&vcpu->fail_errno, EINVAL);
	atomic_store(&vcpu->fail_request, (unsigned)KVM_SET_REGS);
	atomic_store(&vcpu->fail_times, 1);
	assert_int_equal(
		rig->seat.target.ops->register_write(&rig->seat.target, 1, X86_REG_RIP, value),
		-EINVAL);
	assert_int_equal(rig_pc(rig, 1), pc);
	rig_continue(rig);
	assert_int_equal(rig_stop(rig), 0);
	rig_expect(rig, 1, TARGET_STOP_INTERRUPT);
	atomic_store(&vcpu->fail_request, (unsigned)KVM_GET_FPU);
	atomic_store(&vcpu->fail_times, 1);
	assert_int_equal(
		rig->seat.target.ops->register_read(&rig->seat.target, 1, X86_REG_ST0, value),
		-ENODATA);
	assert_int_equal(
		rig->seat.target.ops->register_read(&rig->seat.target, 1, X86_REG_ST0, value), 0);
	rig_finish(rig);
}

static void test_run_failed(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_continue(rig);
	atomic_store(&rig->lender.vcpus[1].fail_run, EFAULT);
	rig_expect(rig, 2, TARGET_STOP_CRASHED);
	assert_non_null(strstr(rig->message, "vCPU 1: KVM_RUN failed"));
	rig_continue(rig);
	rig_idle(rig, 10);
	assert_true(rig->owed);
	rig_finish(rig);
}

/* ---- the VMM's notices ------------------------------------------------------------------- */

static void test_end_of_the_guest(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	vm_on_end(rig->vm, TARGET_STOP_EXITED, 3); /* stopped: nobody waits for it */
	assert_int_equal(rig->stops, 1);
	rig_continue(rig);
	vm_on_end(rig->vm, TARGET_STOP_CRASHED, 0);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_CRASHED);
	/* Said once: what comes after it is told as what it is. */
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_remove(rig, FAKE_CODE + 4);
	rig_continue(rig);
	vm_on_end(rig->vm, TARGET_STOP_EXITED, 3);
	rig_expect(rig, 0, TARGET_STOP_EXITED);
	assert_int_equal(rig->stop.code, 3);
	rig_finish(rig);
}

/* It says that the guest has shut down, and exits: the debugger hears of the first. */
static void test_end_of_the_guest_and_the_vmm(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_continue(rig);
	atomic_store(&rig->lender.vcpus[0].stuck, true);
	vm_on_end(rig->vm, TARGET_STOP_EXITED, 7);
	atomic_store(&rig->lender.vcpus[0].die, true);
	atomic_store(&rig->lender.vcpus[1].die, true);
	rig_expect(rig, 0, TARGET_STOP_EXITED);
	assert_int_equal(rig->stop.code, 7);
	rig_free(rig);
}

/* ---- the VMM dies ------------------------------------------------------------------------ */

static void rig_kill(struct rig *rig)
{
	for (unsigned i = 0; i < rig->lender.count; i++)
		atomic_store(&rig->lender.vcpus[i].die, true);
	for (unsigned i = 0; i < rig->lender.count; i++)
		while (!atomic_load(&rig->lender.vcpus[i].dead))
			usleep(100);
}

/* Told once; everything is refused afterwards; nothing of us is left in its memory. */
static void rig_assert_gone(struct rig *rig)
{
	const struct target_ops *ops = rig->seat.target.ops;
	uint8_t value[TARGET_REGISTER_MAX_BYTES];
	unsigned stops;

	rig_await_stop(rig);
	stops = rig->stops;
	rig_assert_quiet(rig);
	assert_int_equal(rig->vm->state, VM_GONE);
	assert_int_equal(rig_stop(rig), -ENODEV);
	assert_int_equal(rig_resume(rig, 1, TARGET_CONTINUE, TARGET_CONTINUE), -ENODEV);
	assert_int_equal(ops->register_read(&rig->seat.target, 1, 0, value), -ENODEV);
	assert_int_equal(ops->memory_read(&rig->seat.target, 1, 0, value, 1), -ENODEV);
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_SOFTWARE, 0, 1), -ENODEV);
	assert_true(vm_is_released(rig->vm));
	assert_int_equal(rig->stops, stops);
	rig_assert_undone(rig);
	rig_free(rig);
}

static void test_vmm_dies_free(void **state)
{
	struct rig *rig = rig_make(2);

	(void)state;
	fake_lender_start(&rig->lender);
	rig_kill(rig);
	rig_idle(rig, 10);
	rig_assert_gone(rig);
}

static void test_vmm_dies_running(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_insert(rig, FAKE_CODE + 0x800);
	rig_continue(rig);
	rig_kill(rig);
	rig_expect(rig, 0, TARGET_STOP_GONE);
	rig_assert_gone(rig);
}

static void test_vmm_dies_stopping(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_insert(rig, FAKE_CODE + 0x800);
	rig_continue(rig);
	atomic_store(&rig->lender.vcpus[0].stuck, true);
	assert_int_equal(rig_stop(rig), 0);
	rig_idle(rig, 10);
	rig_kill(rig);
	rig_expect(rig, 0, TARGET_STOP_GONE);
	rig_assert_gone(rig);
}

static void test_vmm_dies_stopped(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	rig_kill(rig);
	rig_idle(rig, 10);
	assert_int_equal(rig->stops, 2);
	rig_assert_gone(rig);
}

/* Found out by the first call: the debugger reads a register of a VMM that has just died. */
static void test_vmm_dies_stopped_and_nobody_looked(void **state)
{
	struct rig *rig = rig_looping(2);
	uint8_t value[TARGET_REGISTER_MAX_BYTES];

	(void)state;
	rig_continue(rig);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_kill(rig);
	assert_true(
		rig->seat.target.ops->register_read(&rig->seat.target, 1, X86_REG_ST0, value) < 0);
	if (rig_resume(rig, 2, TARGET_CONTINUE, TARGET_STAY) == 0)
		rig_expect(rig, 0, TARGET_STOP_GONE);
	rig_idle(rig, 10);
	rig_assert_gone(rig);
}

static void test_vmm_dies_during_step_over(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	atomic_store(&rig->lender.vcpus[0].stuck, true);
	rig_continue(rig);
	rig_kill(rig);
	rig_expect(rig, 0, TARGET_STOP_GONE);
	rig_assert_gone(rig);
}

static void test_vmm_dies_at_every_message(void **state)
{
	(void)state;
	for (int messages = 1; messages < 12; messages++) {
		struct rig *rig = rig_looping(2);
		uint8_t value[TARGET_REGISTER_MAX_BYTES];

		rig_insert(rig, FAKE_CODE + 4);
		atomic_store(&rig->lender.vcpus[0].die_in, messages);
		for (unsigned i = 0; i < 8 && rig->vm->state != VM_GONE; i++) {
			if (rig_resume(rig, 1, i % 3 == 2 ? TARGET_STEP : TARGET_CONTINUE,
				    TARGET_CONTINUE) == 0)
				rig_await_stop(rig);
			rig->seat.target.ops->register_read(
				&rig->seat.target, 1, X86_REG_ST0, value);
		}
		rig_kill(rig);
		rig_idle(rig, 5);
		rig_assert_gone(rig);
	}
}

static void test_vmm_dies_while_released(void **state)
{
	struct rig *rig = rig_looping(2);
	unsigned stops;

	(void)state;
	rig_insert(rig, FAKE_CODE + 0x800);
	rig_continue(rig);
	atomic_store(&rig->lender.vcpus[0].stuck, true);
	stops = rig->stops;
	rig->owed = false;
	seat_fini(&rig->seat);
	rig_idle(rig, 10);
	rig_kill(rig);
	rig_idle(rig, 10);
	assert_int_equal(rig->stops, stops);
	rig_assert_gone(rig);
}

/* ---- the VMM lies ------------------------------------------------------------------------ */

static void test_spoilt_reports(void **state)
{
	(void)state;
	for (int garble = FAKE_WRONG_SEQ; garble <= FAKE_TOO_LONG; garble++)
		for (unsigned running = 0; running < 2; running++) {
			struct rig *rig = rig_looping(2);
			uint8_t value[TARGET_REGISTER_MAX_BYTES];

			rig_insert(rig, FAKE_CODE + 4);
			if (!running) {
				atomic_store(&rig->lender.vcpus[0].garble, garble);
				rig->seat.target.ops->register_read(
					&rig->seat.target, 1, X86_REG_ST0, value);
			}
			if (running)
				atomic_store(&rig->lender.vcpus[0].garble, garble);
			if (rig_resume(rig, 1, TARGET_CONTINUE, TARGET_CONTINUE) == 0)
				rig_expect(rig, 0, TARGET_STOP_GONE);
			rig_idle(rig, 10);
			rig_assert_gone(rig);
		}
}

/* Without a report there is no end of a call but the deadline. */
static void test_vmm_goes_silent(void **state)
{
	struct rig *rig = rig_looping(2);
	uint8_t value[TARGET_REGISTER_MAX_BYTES];
	int64_t start = now_ms();

	(void)state;
	rig->vm->stop_timeout_ms = 60;
	rig->vm->call_timeout_ms = 60;
	atomic_store(&rig->lender.vcpus[0].mute, true);
	assert_true(
		rig->seat.target.ops->register_read(&rig->seat.target, 1, X86_REG_ST0, value) < 0);
	assert_in_range(now_ms() - start, 50, 1000);
	if (rig_resume(rig, 1, TARGET_CONTINUE, TARGET_CONTINUE) == 0)
		rig_expect(rig, 0, TARGET_STOP_GONE);
	rig_idle(rig, 5);
	rig_assert_gone(rig);
}

/* ---- leaving ----------------------------------------------------------------------------- */

static void test_detach_stopped(void **state)
{
	struct rig *rig = rig_looping(3);

	(void)state;
	rig_insert(rig, FAKE_CODE + 4);
	rig_insert(rig, FAKE_CODE + 0x1004);
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 0x2004, 1), 0);
	rig_continue(rig);
	rig_await_stop(rig);
	assert_int_equal(rig->seat.target.ops->detach(&rig->seat.target), 0);
	rig_await_release(rig);
	rig_assert_free(rig);
	/* And once more. */
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_assert_hidden(rig);
	rig_continue(rig);
	rig_idle(rig, 10);
	assert_true(rig->owed);
	rig_finish(rig);
}

static void test_release_running(void **state)
{
	struct rig *rig = rig_looping(3);

	(void)state;
	rig_insert(rig, FAKE_CODE + 0x800);
	rig_continue(rig);
	rig_finish(rig);
}

static void test_release_stopping(void **state)
{
	struct rig *rig = rig_looping(3);
	unsigned stops;

	(void)state;
	rig_insert(rig, FAKE_CODE + 0x800);
	rig_continue(rig);
	atomic_store(&rig->lender.vcpus[2].stuck, true);
	assert_int_equal(rig_stop(rig), 0);
	rig_idle(rig, 5);
	stops = rig->stops;
	rig->owed = false;
	seat_fini(&rig->seat);
	rig_idle(rig, 5);
	assert_false(vm_is_released(rig->vm));
	atomic_store(&rig->lender.vcpus[2].stuck, false);
	rig_await_release(rig);
	assert_int_equal(rig->stops, stops);
	rig_assert_free(rig);
	rig_free(rig);
}

static void test_release_during_step_over(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	atomic_store(&rig->lender.vcpus[0].stuck, true);
	rig_continue(rig);
	rig->owed = false;
	seat_fini(&rig->seat);
	rig_idle(rig, 5);
	atomic_store(&rig->lender.vcpus[0].stuck, false);
	rig_await_release(rig);
	rig_assert_free(rig);
	rig_free(rig);
}

static void test_release_with_late_vcpu(void **state)
{
	struct fake_vcpu *late;
	struct rig *rig = rig_with_late(&late);

	(void)state;
	seat_fini(&rig->seat);
	rig_idle(rig, 5);
	rig_assert_undone(rig);
	assert_false(vm_is_released(rig->vm));
	atomic_store(&late->stuck, false);
	rig_await_release(rig);
	rig_assert_free(rig);
	rig_free(rig);
}

/* Powered off, the debugger leaves, and the VMM begins anew with the same vCPUs: nothing of ours is in them. */
static void test_release_after_power_off(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 0x1005, 1), 0);
	for (unsigned i = 0; i < 2; i++)
		atomic_store(&rig->lender.vcpus[i].stuck, true);
	rig_continue(rig);
	rig_idle(rig, 20);
	vm_on_end(rig->vm, TARGET_STOP_EXITED, 0);
	rig_expect(rig, 0, TARGET_STOP_EXITED);
	rig->owed = false;
	seat_fini(&rig->seat);
	rig_idle(rig, 5);
	for (unsigned i = 0; i < 2; i++)
		atomic_store(&rig->lender.vcpus[i].stuck, false);
	rig_await_release(rig);
	rig_assert_free(rig);
	rig_free(rig);
}

/* The guest steps itself; the #DB has come out when its debugger leaves, and is reported after that. */
static void test_own_step_is_not_lost_by_a_late_release(void **state)
{
	struct rig *rig = rig_make(2);
	struct fake_vcpu *late = &rig->lender.vcpus[1];
	uint8_t value[TARGET_REGISTER_MAX_BYTES] = { 0 };
	uint64_t frame[5] = { FAKE_CODE + 0x1000, 8, 0x102, 0, 0x10 };
	uint64_t rsp;
	unsigned runs;

	(void)state;
	CODE(rig, 0, LOOP);
	CODE(rig, 1, LOOP);
	rig_attach(rig);
	rig->vm->stop_timeout_ms = 60;
	rsp = late->regs.rsp - 64;
	frame[3] = rsp + sizeof(frame);
	fake_lender_write(&rig->lender, rsp, frame, sizeof(frame));
	fake_lender_write(&rig->lender, FAKE_CODE + 0x1100, "\xcf", 1); /* IRET sets TF */
	memcpy(value, &rsp, sizeof(rsp));
	assert_int_equal(
		rig->seat.target.ops->register_write(&rig->seat.target, 2, X86_REG_RSP, value), 0);
	rig_set_pc(rig, 2, FAKE_CODE + 0x1100);
	rig_insert_kind(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 0x900, 1);
	assert_int_equal(vcpu_fetch(&rig->vm->vcpus[1], CPU_STOP | CPU_DEBUG | CPU_MP, 1000), 0);
	runs = atomic_load(&late->runs);
	atomic_store(&late->mute, true);
	rig_continue(rig);
	while (atomic_load(&late->runs) == runs || !atomic_load(&late->parked))
		rig_idle(rig, 1);
	rig->owed = false;
	seat_fini(&rig->seat);
	rig_idle(rig, 150);
	assert_int_equal(atomic_load(&late->guest_db), 0);
	atomic_store(&late->mute, false);
	for (int i = 0; i < 500 && !atomic_load(&late->guest_db); i++)
		rig_idle(rig, 5);
	assert_true(atomic_load(&late->guest_db) > 0);
	rig_await_release(rig);
	rig_free(rig);
}

/* The same memory is at two guest-physical addresses, and the guest runs it by the one where nobody set anything. */
static void test_memory_at_two_addresses(void **state)
{
	struct rig *rig = rig_looping(1);
	uint64_t entries[64];

	(void)state;
	assert_int_equal(memory_add_file(&rig->vm->memory, 0x100000, FAKE_MEMORY,
				 rig->lender.memory_fd, 0, true, 0x8000000),
		0);
	memcpy(entries, rig->lender.memory + 0x5000, sizeof(entries));
	for (unsigned i = 0; i < FAKE_MEMORY / 4096; i++)
		entries[i] += 0x100000;
	fake_lender_write(&rig->lender, 0x5000, entries, FAKE_MEMORY / 4096 * 8);
	rig_insert(rig, FAKE_CODE + 4);
	rig_set_pc(rig, 1, FAKE_ALIAS + FAKE_CODE);
	rig_continue(rig);
	rig_idle(rig, 50);
	assert_true(rig->owed);
	assert_int_equal(atomic_load(&rig->lender.vcpus[0].guest_bp), 0);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	assert_int_equal(rig->lender.memory[FAKE_CODE + 4], 0xcc); /* out only while it is passed */
	/* And it may be set there, too. */
	rig_insert(rig, FAKE_ALIAS + FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_int_equal(rig_pc(rig, 1), FAKE_ALIAS + FAKE_CODE + 4);
	rig_finish(rig);
}

/*
 * Stopped where KVM is about to let the guest have the debug registers: ours must not be loaded before it has run on,
 * or KVM would take them for the guest's (fake_lender.c complains).
 */
static void test_registers_under_way_to_the_guest(void **state)
{
	struct rig *rig = rig_make(2);
	unsigned met = 0;

	(void)state;
	CODE(rig, 0, "\x0f\x23\xf8\xeb\xfb"); /* MOV DR7, RAX; JMP back */
	CODE(rig, 1, LOOP);
	rig->lender.vcpus[0].regs.rax = X86_DR7_FIXED;
	rig_attach(rig);
	for (unsigned i = 0; i < 60; i++) {
		atomic_store(
			&rig->lender.vcpus[0].busy, i >= 30); /* and something to be delivered */
		rig_continue(rig);
		rig_idle(rig, 1);
		assert_int_equal(rig_stop(rig), 0);
		rig_await_stop(rig);
		met += rig->vm->vcpus[0].lends;
		rig_insert_kind(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 0x1004, 1);
		if (i % 2)
			rig_resume(rig, 1, TARGET_STEP, TARGET_STAY);
		else
			rig_continue(rig);
		rig_await_stop(rig);
		assert_true(i % 2 || rig->stop.thread == 2);
		rig_remove_kind(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 0x1004, 1);
	}
	assert_true(met > 0); /* or it has proved nothing */
	rig_finish(rig);
}

/* The same when the second address comes later, and is the one that stands for both from then on. */
static void test_second_address_comes_later(void **state)
{
	struct rig *rig = rig_looping(1);
	struct memory *memory = &rig->vm->memory;

	(void)state;
	assert_int_equal(memory_add_file(memory, 0x100000, FAKE_MEMORY, rig->lender.memory_fd, 0,
				 true, 0x8000000),
		0);
	memory->regions[0].writable = false; /* as if it were not there yet */
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	memory->regions[0].writable = true;
	vm_on_memory(rig->vm);
	for (unsigned i = 0; i < 3; i++) {
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
		assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 4);
	}
	assert_int_equal(atomic_load(&rig->lender.vcpus[0].guest_bp), 0);
	rig_finish(rig);
}

/* A debugger attaches again while the vCPUs are being let go: it gets its stop. */
static void test_attach_during_release(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	rig_insert(rig, FAKE_CODE + 0x800);
	rig_continue(rig);
	atomic_store(&rig->lender.vcpus[1].stuck, true);
	rig->owed = false;
	seat_fini(&rig->seat);
	rig_idle(rig, 5);
	assert_int_equal(rig_stop(rig), 0);
	atomic_store(&rig->lender.vcpus[1].stuck, false);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	assert_true(rig->seat.target.ops->is_stopped(&rig->seat.target));
	rig_assert_undone(rig);
	assert_int_equal(rig->vm->table.count, 0);
	rig_continue(rig);
	rig_finish(rig);
}

static void test_release_untouched(void **state)
{
	struct rig *rig = rig_make(2);

	(void)state;
	CODE(rig, 0, LOOP);
	CODE(rig, 1, LOOP);
	fake_lender_start(&rig->lender);
	rig_idle(rig, 5);
	rig_finish(rig);
}

/* ---- the next worker -------------------------------------------------------------------- */

/* The channels stay open in main, the journal too. */
static void rig_abandon(struct rig *rig)
{
	rig_drop_vm(rig);
	rig_open_vm(rig, 200);
}

/* A clean end leaves the channels to the next worker. */
static void test_next_worker(void **state)
{
	struct rig *rig = rig_looping(2);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		rig_insert(rig, FAKE_CODE + 4);
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
		rig_release(rig);
		rig_abandon(rig);
		assert_int_equal(rig_stop(rig), 0);
		rig_await_stop(rig);
	}
	rig_finish(rig);
}

/* ---- stress ------------------------------------------------------------------------------ */

/*
 * All vCPUs in one loop, some by its alias:
 * 0 NOP; 1 NOP; 2 OUT; 4 NOP; 5 INC [0x3f000]; 12 NOP; 13 INT3; 14 NOP; 15 MOV [0x3f001], 5;
 * 23 NOP; 24 NOP; 25 JMP 0
 */
#define STRESS                                                                                     \
	"\x90\x90\xe6\x80\x90\xfe\x04\x25\x00\xf0\x03\x00\x90\xcc\x90"                             \
	"\xc6\x04\x25\x01\xf0\x03\x00\x05\x90\x90\xeb\xe5"

static const uint8_t stress_offsets[] = { 0, 1, 2, 4, 5, 12, 13, 14, 15, 23, 24, 25 };

enum { STRESS_OFFSETS = sizeof(stress_offsets), STRESS_ROUNDS = 3000 };

struct stress {
	struct rig *rig;
	unsigned seed;
	bool wanted[2][STRESS_OFFSETS]; /* software, by identity and by alias */
	enum target_action actions[FAKE_VCPUS];
	uint64_t executed[FAKE_VCPUS];
};

static unsigned stress_random(struct stress *stress, unsigned below)
{
	return (unsigned)rand_r(&stress->seed) % below;
}

static uint64_t stress_address(unsigned alias, unsigned index)
{
	return (alias ? FAKE_ALIAS : 0) + FAKE_CODE + stress_offsets[index];
}

static bool stress_is_handler(uint64_t pc)
{
	return (pc >= FAKE_BP_HANDLER && pc <= FAKE_BP_HANDLER + 1);
}

static bool stress_is_boundary(uint64_t pc)
{
	for (unsigned i = 0; i < 2 * STRESS_OFFSETS; i++)
		if (pc == stress_address(i & 1, i / 2))
			return true;
	return stress_is_handler(pc);
}

static bool stress_wants(const struct stress *stress, uint64_t pc)
{
	for (unsigned i = 0; i < 2 * STRESS_OFFSETS; i++)
		if (pc == stress_address(i & 1, i / 2))
			return stress->wanted[i & 1][i / 2];
	return false;
}

static bool stress_has_parked(const struct stress *stress)
{
	for (unsigned i = 0; i < stress->rig->lender.count; i++)
		if (stress->rig->vm->vcpus[i].state == VCPU_PARKED)
			return true;
	return false;
}

/* Where a breakpoint is, a parked vCPU's page tables must tell. */
static void stress_change_breakpoints(struct stress *stress)
{
	if (!stress_has_parked(stress))
		return;
	for (unsigned changes = stress_random(stress, 4); changes; changes--) {
		unsigned alias = stress_random(stress, 2);
		unsigned index = stress_random(stress, STRESS_OFFSETS);
		bool *wanted = &stress->wanted[alias][index];

		if (*wanted)
			rig_remove(stress->rig, stress_address(alias, index));
		else
			rig_insert(stress->rig, stress_address(alias, index));
		*wanted = !*wanted;
	}
	if (stress_random(stress, 6) == 0) {
		for (unsigned i = 0; i < 2 * STRESS_OFFSETS; i++)
			if (stress->wanted[i & 1][i / 2])
				rig_remove(stress->rig, stress_address(i & 1, i / 2));
		memset(stress->wanted, 0, sizeof(stress->wanted));
	}
}

static void stress_guard(struct stress *stress)
{
	struct fake_lender *lender = &stress->rig->lender;

	for (unsigned i = 0; i < STRESS_OFFSETS; i++) {
		fake_lender_unguard(lender, stress_address(0, i));
		if ((stress->wanted[0][i] || stress->wanted[1][i]) && stress_offsets[i] != 13)
			fake_lender_guard(lender, stress_address(0, i));
	}
}

/* Everything in memory is the guest's, but INT3 where a breakpoint is wanted. */
static void stress_check_planted(struct stress *stress)
{
	struct rig *rig = stress->rig;

	for (unsigned i = 0; i < sizeof(STRESS) - 1; i++) {
		uint8_t byte = rig->lender.memory[FAKE_CODE + i];
		bool wanted = stress_wants(stress, FAKE_CODE + i) ||
			      stress_wants(stress, FAKE_ALIAS + FAKE_CODE + i);
		bool lifted = rig->vm->over && rig->vm->over_gpa == FAKE_CODE + i;

		if (byte != (wanted && !lifted ? 0xcc : (uint8_t)STRESS[i]))
			fail_msg("seed lost: byte %u is %02x, wanted %d, lifted %d", i, byte,
				wanted, lifted);
	}
}

static void stress_resume(struct stress *stress)
{
	struct rig *rig = stress->rig;
	bool any = false;

	for (unsigned i = 0; i < rig->lender.count; i++) {
		unsigned choice = stress_random(stress, 8);

		stress->actions[i] = choice < 1   ? TARGET_STAY
				     : choice < 3 ? TARGET_STEP
						  : TARGET_CONTINUE;
		any = any || stress->actions[i] != TARGET_STAY;
		stress->executed[i] = atomic_load(&rig->lender.vcpus[i].executed);
	}
	stress_guard(stress);
	if (!any)
		stress->actions[0] = TARGET_CONTINUE;
	assert_int_equal(rig_resume_each(rig, stress->actions), 0);
	if (rig->vm->state == VM_RUNNING)
		stress_check_planted(stress);
}

static void stress_disturb(struct stress *stress)
{
	struct rig *rig = stress->rig;
	struct fake_vcpu *vcpu = &rig->lender.vcpus[stress_random(stress, rig->lender.count)];

	switch (stress_random(stress, 12)) {
	case 0:
		atomic_store(&vcpu->stuck, true);
		break;
	case 1:
		port_kick(&rig->vm->vcpus[vcpu->index].port);
		break;
	case 2:
		atomic_store(&vcpu->fail_errno, EBUSY);
		atomic_store(&vcpu->fail_request, (unsigned)KVM_SET_GUEST_DEBUG);
		atomic_store(&vcpu->fail_times, 1);
		break;
	default:
		break;
	}
}

static void stress_calm(struct stress *stress)
{
	for (unsigned i = 0; i < stress->rig->lender.count; i++) {
		atomic_store(&stress->rig->lender.vcpus[i].stuck, false);
		atomic_store(&stress->rig->lender.vcpus[i].mute, false);
		atomic_store(&stress->rig->lender.vcpus[i].fail_times, 0);
	}
}

static void stress_check_stop(struct stress *stress)
{
	struct rig *rig = stress->rig;
	uint64_t pc;

	assert_true(rig->seat.target.ops->is_stopped(&rig->seat.target));
	for (unsigned i = 0; i < rig->lender.count; i++) {
		if (rig->vm->vcpus[i].state != VCPU_PARKED)
			continue;
		if (!stress_is_boundary(rig_pc(rig, i + 1)))
			fail_msg("thread %u is at 0x%llx", i + 1,
				(unsigned long long)rig_pc(rig, i + 1));
		if (stress->actions[i] == TARGET_STAY)
			assert_int_equal(
				atomic_load(&rig->lender.vcpus[i].executed), stress->executed[i]);
	}
	if (rig->vm->vcpus[0].state == VCPU_PARKED)
		rig_assert_hidden(rig);
	if (rig->vm->vcpus[rig->stop.thread - 1].state != VCPU_PARKED) {
		assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
		return;
	}
	pc = rig_pc(rig, rig->stop.thread);
	if (rig->stop.reason == TARGET_STOP_SWBREAK)
		assert_true(stress_wants(stress, pc));
	else if (rig->stop.reason == TARGET_STOP_STEP)
		assert_int_equal(stress->actions[rig->stop.thread - 1], TARGET_STEP);
	else
		assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
}

/* Nobody was forgotten: with nothing in the way every thread gets on. */
static void stress_check_progress(struct stress *stress)
{
	struct rig *rig = stress->rig;
	int64_t end = now_ms() + PATIENCE_MS;
	bool all = false;

	stress_calm(stress);
	for (unsigned i = 0; i < 2 * STRESS_OFFSETS; i++)
		if (stress->wanted[i & 1][i / 2])
			rig_remove(rig, stress_address(i & 1, i / 2));
	memset(stress->wanted, 0, sizeof(stress->wanted));
	stress_guard(stress);
	for (unsigned i = 0; i < rig->lender.count; i++)
		stress->executed[i] = atomic_load(&rig->lender.vcpus[i].executed);
	rig_continue(rig);
	while (!all && now_ms() < end) {
		rig_turn(rig, 1);
		all = true;
		for (unsigned i = 0; i < rig->lender.count; i++)
			all = all && atomic_load(&rig->lender.vcpus[i].executed) >
					     stress->executed[i] + 20;
	}
	assert_true(all);
	assert_true(rig->owed);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_assert_undone(rig);
}

static void stress_round(struct stress *stress, unsigned round)
{
	struct rig *rig = stress->rig;

	stress_change_breakpoints(stress);
	stress_disturb(stress);
	stress_resume(stress);
	stress_disturb(stress);
	rig_idle(rig, (int)stress_random(stress, 3));
	if (rig->owed && stress_random(stress, 2))
		assert_int_equal(rig_stop(rig), 0);
	if (stress_random(stress, 3))
		stress_calm(stress);
	for (unsigned i = 0; rig->owed && i < 10; i++)
		rig_turn(rig, 1);
	if (rig->owed)
		assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	stress_check_stop(stress);
	if (round % 100 == 99)
		stress_check_progress(stress);
}

static void test_stress(void **state)
{
	struct stress stress = { .seed = (unsigned)time(NULL) };
	const char *seed = getenv("SEED");

	(void)state;
	if (seed)
		stress.seed = (unsigned)strtoul(seed, NULL, 0);
	for (unsigned vcpus = 1; vcpus <= FAKE_VCPUS; vcpus++) {
		print_message("# %u vCPUs, SEED=%u\n", vcpus, stress.seed);
		stress.rig = rig_make(vcpus);
		memset(stress.wanted, 0, sizeof(stress.wanted));
		CODE(stress.rig, 0, STRESS);
		for (unsigned i = 0; i < vcpus; i++)
			stress.rig->lender.vcpus[i].regs.rip =
				stress_address(i & 1, stress_random(&stress, STRESS_OFFSETS));
		rig_attach(stress.rig);
		stress.rig->vm->stop_timeout_ms = 8;
		for (unsigned round = 0; round < STRESS_ROUNDS / FAKE_VCPUS; round++)
			stress_round(&stress, round);
		stress_calm(&stress);
		stress_guard(&(struct stress){ .rig = stress.rig });
		rig_finish(stress.rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach_stops_all),
		cmocka_unit_test(test_resume_and_stop),
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_step_interrupted),
		cmocka_unit_test(test_halting_step_interrupted),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_range_interrupted),
		cmocka_unit_test(test_range_meets_breakpoint),
		cmocka_unit_test(test_step_over_vmm_exit),
		cmocka_unit_test(test_step_into_halt_can_be_stopped),
		cmocka_unit_test(test_breakpoint),
		cmocka_unit_test(test_no_other_runs_while_lifted),
		cmocka_unit_test(test_condition_of_a_software_breakpoint),
		cmocka_unit_test(test_condition_of_a_hardware_breakpoint),
		cmocka_unit_test(test_condition_on_a_register),
		cmocka_unit_test(test_condition_that_fails),
		cmocka_unit_test(test_code_is_checked),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_commands_ignored),
		cmocka_unit_test(test_range_past_a_false_condition),
		cmocka_unit_test(test_two_hits_are_told_one_by_one),
		cmocka_unit_test(test_kept_hit_is_asked_for),
		cmocka_unit_test(test_kept_hit_is_dropped_with_its_breakpoint),
		cmocka_unit_test(test_kept_hit_survives_remove_and_insert),
		cmocka_unit_test(test_kept_hit_of_a_changed_condition),
		cmocka_unit_test(test_kept_hit_of_a_thread_that_stays),
		cmocka_unit_test(test_kept_hit_is_dropped_when_pc_moves),
		cmocka_unit_test(test_breakpoint_at_a_new_pc_hits),
		cmocka_unit_test(test_step_from_a_breakpoint),
		cmocka_unit_test(test_two_step_from_breakpoints),
		cmocka_unit_test(test_others_go_on_after_step_over),
		cmocka_unit_test(test_alias_passes),
		cmocka_unit_test(test_pending_breakpoints),
		cmocka_unit_test(test_fragile_breakpoint),
		cmocka_unit_test(test_overwritten_breakpoint),
		cmocka_unit_test(test_watch_gets_rare),
		cmocka_unit_test(test_bad_breakpoints),
		cmocka_unit_test(test_kept_trap_is_dropped),
		cmocka_unit_test(test_crash_is_seen),
		cmocka_unit_test(test_reset_is_seen),
		cmocka_unit_test(test_end_of_a_free_guest),
		cmocka_unit_test(test_own_int3_is_the_guests),
		cmocka_unit_test(test_own_int3_under_ours),
		cmocka_unit_test(test_own_int3_under_hardware_breakpoint),
		cmocka_unit_test(test_own_int3_under_ours_and_pc_moves),
		cmocka_unit_test(test_own_int3_during_stop),
		cmocka_unit_test(test_own_int3_during_stop_and_pc_moves),
		cmocka_unit_test(test_alias_of_own_int3_during_stop),
		cmocka_unit_test(test_guest_overwrites_ours),
		cmocka_unit_test(test_guest_overwrites_what_is_lifted),
		cmocka_unit_test(test_debugger_writes_over_ours),
		cmocka_unit_test(test_stray_exit_during_step_over),
		cmocka_unit_test(test_stray_exit_during_step_over_and_stop),
		cmocka_unit_test(test_stray_exit_during_step),
		cmocka_unit_test(test_stray_exit_while_running),
		cmocka_unit_test(test_hardware_breakpoint_on_every_vcpu),
		cmocka_unit_test(test_watchpoint),
		cmocka_unit_test(test_late_vcpu_is_named),
		cmocka_unit_test(test_resume_without_late_vcpu),
		cmocka_unit_test(test_late_vcpu_parks_during_step_over),
		cmocka_unit_test(test_stale_hit_of_late_vcpu),
		cmocka_unit_test(test_step_over_that_hangs),
		cmocka_unit_test(test_step_over_that_hangs_and_detach),
		cmocka_unit_test(test_late_step_is_given_up_by_detach),
		cmocka_unit_test(test_stop_during_step_over),
		cmocka_unit_test(test_injection_refused_once),
		cmocka_unit_test(test_step_over_refused_once),
		cmocka_unit_test(test_run_refused_for_good),
		cmocka_unit_test(test_register_refused),
		cmocka_unit_test(test_run_failed),
		cmocka_unit_test(test_end_of_the_guest),
		cmocka_unit_test(test_end_of_the_guest_and_the_vmm),
		cmocka_unit_test(test_vmm_dies_free),
		cmocka_unit_test(test_vmm_dies_running),
		cmocka_unit_test(test_vmm_dies_stopping),
		cmocka_unit_test(test_vmm_dies_stopped),
		cmocka_unit_test(test_vmm_dies_stopped_and_nobody_looked),
		cmocka_unit_test(test_vmm_dies_during_step_over),
		cmocka_unit_test(test_vmm_dies_at_every_message),
		cmocka_unit_test(test_vmm_dies_while_released),
		cmocka_unit_test(test_spoilt_reports),
		cmocka_unit_test(test_vmm_goes_silent),
		cmocka_unit_test(test_detach_stopped),
		cmocka_unit_test(test_release_running),
		cmocka_unit_test(test_release_stopping),
		cmocka_unit_test(test_release_during_step_over),
		cmocka_unit_test(test_release_with_late_vcpu),
		cmocka_unit_test(test_release_after_power_off),
		cmocka_unit_test(test_own_step_is_not_lost_by_a_late_release),
		cmocka_unit_test(test_memory_at_two_addresses),
		cmocka_unit_test(test_second_address_comes_later),
		cmocka_unit_test(test_registers_under_way_to_the_guest),
		cmocka_unit_test(test_attach_during_release),
		cmocka_unit_test(test_release_untouched),
		cmocka_unit_test(test_next_worker),
		cmocka_unit_test(test_stress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
