/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/seat.c: several debuggers at one guest; non-stop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/vm_rig.h"
#include "kvm/arch_x86_64.h"

/* Ten NOPs and back. */
#define LOOP "\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\xeb\xf4"

/* ---- another debugger -------------------------------------------------------------------- */

struct other {
	struct seat seat;
	struct target_listener listener;
	unsigned stops, holds;
	struct target_stop stop;
	char message[256];
};

static struct other *other_of(struct target_listener *listener)
{
	return (struct other *)((char *)listener - offsetof(struct other, listener));
}

static void other_on_stop(struct target_listener *listener, const struct target_stop *stop)
{
	other_of(listener)->stops++;
	other_of(listener)->stop = *stop;
}

static void other_on_hold(struct target_listener *listener)
{
	other_of(listener)->holds++;
}

static void other_on_message(struct target_listener *listener, const char *text)
{
	struct other *other = other_of(listener);

	snprintf(other->message, sizeof(other->message), "%s", text);
}

static void other_on_output(struct target_listener *listener, const char *text, size_t length)
{
	(void)listener;
	(void)text;
	(void)length;
}

static const struct target_listener_ops other_ops = { .on_stop = other_on_stop,
	.on_hold = other_on_hold,
	.on_message = other_on_message,
	.on_output = other_on_output };

static void other_sit(struct other *other, struct rig *rig)
{
	*other = (struct other){ .listener.ops = &other_ops };
	assert_int_equal(seat_init(&other->seat, rig->vm), 0);
	other->seat.target.listener = &other->listener;
}

#define DO(other, op, ...) ((other)->seat.target.ops->op(&(other)->seat.target, ##__VA_ARGS__))

/* Turns the loop until *what has reached count. */
static void await(struct rig *rig, const unsigned *what, unsigned count)
{
	vm_pump(rig->vm);
	for (int turn = 0; turn < 500 && *what < count; turn++)
		rig_turn(rig, 10);
	assert_int_equal(*what, count);
}

/* Asked again and again: the driver's hold is a stop, and other threads' stops come in between. */
static void other_hold(struct rig *rig, struct other *other)
{
	int rc = DO(other, hold, 0);

	vm_pump(rig->vm);
	for (int turn = 0; turn < 500 && rc == -EINPROGRESS; turn++) {
		rig_turn(rig, 10);
		rc = DO(other, hold, 0);
	}
	assert_int_equal(rc, 0);
}

static int other_resume(struct other *other, enum target_action first, enum target_action others)
{
	struct target_resume threads[FAKE_VCPUS];

	for (unsigned i = 0; i < FAKE_VCPUS; i++)
		threads[i].action = i ? others : first;
	return DO(other, resume, threads);
}

static int other_insert(struct other *other, uint64_t address)
{
	const struct target_breakpoint_spec spec = { .address = address, .length = 1 };

	return DO(other, breakpoint_insert, 1, &spec);
}

/* A kept hit that one debugger has been told of is news to the next one, whose breakpoint it is too. */
static void test_kept_hit_under_a_new_driver(void **state)
{
	struct rig *rig = rig_make(2);
	struct target_stop stop;
	struct other other;

	(void)state;
	CODE(rig, 0, LOOP);
	CODE(rig, 1, LOOP);
	rig_attach(rig);
	other_sit(&other, rig);
	rig_insert(rig, FAKE_CODE + 4);
	rig_insert(rig, FAKE_CODE + 0x1004);
	do {
		rig_continue(rig);
		rig_await_stop(rig);
	} while (rig->stop.thread != 1 || !rig->vm->vcpus[1].has_hit);
	assert_true(rig->seat.target.ops->thread_take_stop(&rig->seat.target, 2, &stop));
	seat_take_wheel(&other.seat);
	assert_int_equal(other_insert(&other, FAKE_CODE + 0x1004), 0);
	assert_int_equal(other_resume(&other, TARGET_CONTINUE, TARGET_CONTINUE), 0);
	vm_pump(rig->vm);
	assert_int_equal(other.stops, 1);
	assert_int_equal(other.stop.thread, 2);
	seat_fini(&other.seat);
	rig_finish(rig);
}

static uint64_t executed(struct rig *rig, unsigned vcpu)
{
	return atomic_load(&rig->lender.vcpus[vcpu].executed);
}

/* Executes nothing, for a moment. */
static bool stands(struct rig *rig, unsigned vcpu)
{
	uint64_t before = executed(rig, vcpu);

	rig_idle(rig, 10);
	return executed(rig, vcpu) == before;
}

/* Executes something, soon: its thread may have to wait for a busy machine. */
static bool moves(struct rig *rig, unsigned vcpu)
{
	for (unsigned i = 0; i < 500; i++)
		if (!stands(rig, vcpu))
			return true;
	return false;
}

static struct rig *looping(unsigned vcpus)
{
	struct rig *rig = rig_make(vcpus);

	for (unsigned i = 0; i < vcpus; i++)
		CODE(rig, i, LOOP);
	return rig;
}

/* ---- all-stop: one drives ---------------------------------------------------------------- */

/* A look at a guest that runs stops it for that moment and is told to nobody. */
static void test_observer_looks(void **state)
{
	struct rig *rig = looping(2);
	struct other other;
	uint8_t code[4], value[TARGET_REGISTER_MAX_BYTES];

	(void)state;
	rig_attach(rig);
	other_sit(&other, rig);
	rig_continue(rig);
	for (unsigned i = 0; i < 20; i++) {
		other_hold(rig, &other);
		assert_int_equal(DO(&other, memory_read, 1, FAKE_CODE, code, 4), 4);
		assert_memory_equal(code, LOOP, 4);
		assert_int_equal(DO(&other, register_read, 2, X86_REG_RIP, value), 0);
		assert_true(stands(rig, 0));
		DO(&other, unhold);
		assert_true(moves(rig, 0) && moves(rig, 1));
	}
	assert_true(rig->owed);
	assert_int_equal(other.stops, 0);
	assert_int_equal(DO(&other, memory_read, 1, FAKE_CODE, code, 4), -EBUSY);
	seat_fini(&other.seat);
	assert_true(moves(rig, 0));
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_finish(rig);
}

static void test_observer_changes_nothing(void **state)
{
	struct rig *rig = looping(2);
	uint8_t value[TARGET_REGISTER_MAX_BYTES] = { 0 };
	struct other other;

	(void)state;
	rig_attach(rig);
	other_sit(&other, rig);
	for (unsigned round = 0; round < 2; round++) {
		other_hold(rig, &other);
		assert_int_equal(DO(&other, memory_write, 1, FAKE_CODE, "\xcc", 1), -EPERM);
		assert_int_equal(DO(&other, register_write, 1, X86_REG_RIP, value), -EPERM);
		assert_int_equal(other_insert(&other, FAKE_CODE + 3), -EPERM);
		assert_int_equal(
			DO(&other, breakpoint_remove, 1, TARGET_BREAK_SOFTWARE, FAKE_CODE, 1),
			-EPERM);
		DO(&other, unhold);
		if (!round)
			rig_continue(rig);
	}
	assert_int_equal(DO(&other, set_non_stop, true), -EBUSY);
	assert_int_equal(rig->vm->table.count, 0);
	seat_fini(&other.seat);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_finish(rig);
}

/* Its resume waits for the driver's next stop, its interrupt ends only that. */
static void test_observer_waits(void **state)
{
	struct rig *rig = looping(2);
	struct other other;

	(void)state;
	rig_attach(rig);
	other_sit(&other, rig);
	rig_insert(rig, FAKE_CODE + 4);
	assert_int_equal(other_resume(&other, TARGET_CONTINUE, TARGET_CONTINUE), 0);
	assert_int_equal(other_resume(&other, TARGET_CONTINUE, TARGET_CONTINUE), -EBUSY);
	assert_true(stands(rig, 0));
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_int_equal(other.stops, 1);
	assert_int_equal(other.stop.reason, TARGET_STOP_SWBREAK);
	rig_remove(rig, FAKE_CODE + 4);
	assert_int_equal(DO(&other, stop), -EALREADY);
	assert_int_equal(other_resume(&other, TARGET_STEP, TARGET_STAY), 0);
	rig_continue(rig);
	assert_int_equal(DO(&other, stop), 0);
	await(rig, &other.stops, 2);
	assert_int_equal(other.stop.reason, TARGET_STOP_INTERRUPT);
	assert_true(rig->owed && moves(rig, 0));
	seat_fini(&other.seat);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	rig_finish(rig);
}

/* Who has let one thread go alone hears of that one, whichever it was; who has let all go, of the one. */
static void test_observer_hears_of_its_thread(void **state)
{
	struct rig *rig = looping(2);
	struct other other;

	(void)state;
	rig_attach(rig);
	other_sit(&other, rig);
	rig_insert(rig, FAKE_CODE + 4);
	assert_int_equal(other_resume(&other, TARGET_STAY, TARGET_STEP), 0);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	await(rig, &other.stops, 1);
	assert_int_equal(other.stop.thread, 2);
	assert_int_equal(other.stop.reason, TARGET_STOP_QUIET);
	assert_int_equal(other_resume(&other, TARGET_STEP, TARGET_STAY), 0);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	await(rig, &other.stops, 2);
	assert_int_equal(other.stop.thread, 1);
	assert_int_equal(other.stop.reason, TARGET_STOP_SWBREAK);
	assert_int_equal(other_resume(&other, TARGET_STAY, TARGET_CONTINUE), 0);
	assert_int_equal(DO(&other, stop), 0);
	await(rig, &other.stops, 3);
	assert_int_equal(other.stop.thread, 2);
	assert_int_equal(other.stop.reason, TARGET_STOP_INTERRUPT);
	seat_fini(&other.seat);
	rig_finish(rig);
}

/* The driver leaves a guest that it has stopped: it goes on without what was the driver's. */
static void test_driver_leaves(void **state)
{
	struct rig *rig = looping(2);
	struct other other;

	(void)state;
	rig_attach(rig);
	other_sit(&other, rig);
	rig_insert(rig, FAKE_CODE + 4);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	seat_fini(&rig->seat);
	assert_true(moves(rig, 0) && moves(rig, 1));
	assert_int_equal(rig->vm->table.count, 0);
	rig_assert_undone(rig);
	other_hold(rig, &other);
	DO(&other, unhold);
	assert_true(moves(rig, 0));
	/* Who stops it next drives. */
	assert_int_equal(DO(&other, stop), 0);
	await(rig, &other.stops, 1);
	assert_true(stands(rig, 0));
	assert_int_equal(other_insert(&other, FAKE_CODE + 6), 0);
	assert_int_equal(other_resume(&other, TARGET_CONTINUE, TARGET_CONTINUE), 0);
	await(rig, &other.stops, 2);
	assert_int_equal(other.stop.reason, TARGET_STOP_SWBREAK);
	seat_fini(&other.seat);
	rig_finish(rig);
}

/* What the one before has set stays his, and stops nobody until he drives again. */
static void test_wheel(void **state)
{
	struct rig *rig = looping(1);
	struct other other;

	(void)state;
	rig_attach(rig);
	other_sit(&other, rig);
	rig_insert(rig, FAKE_CODE + 4);
	seat_take_wheel(&other.seat);
	assert_non_null(strstr(rig->message, "another debugger drives"));
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE, 1), -EPERM);
	assert_int_equal(other_resume(&other, TARGET_CONTINUE, TARGET_STAY), 0);
	assert_true(moves(rig, 0));
	assert_int_equal(other.stops, 0);
	assert_int_equal(DO(&other, stop), 0);
	await(rig, &other.stops, 1);
	assert_int_equal(other_insert(&other, FAKE_CODE + 8), 0);
	assert_int_equal(other_resume(&other, TARGET_CONTINUE, TARGET_STAY), 0);
	await(rig, &other.stops, 2);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 8);
	seat_take_wheel(&rig->seat);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_int_equal(rig_pc(rig, 1), FAKE_CODE + 4);
	seat_fini(&other.seat);
	rig_finish(rig);
}

static void test_places(void **state)
{
	struct rig *rig = looping(1);
	struct other others[VM_MAX_SEATS];

	(void)state;
	rig_attach(rig);
	for (unsigned i = 1; i < VM_MAX_SEATS; i++)
		other_sit(&others[i], rig);
	assert_int_equal(seat_init(&others[0].seat, rig->vm), -EBUSY);
	seat_fini(&others[0].seat);
	seat_fini(&others[3].seat);
	assert_int_equal(seat_init(&others[0].seat, rig->vm), 0);
	assert_int_equal(others[0].seat.number, others[3].seat.number);
	for (unsigned i = 0; i < VM_MAX_SEATS; i++)
		seat_fini(&others[i].seat);
	rig_finish(rig);
}

/* It was stepping one thread, and maybe had interrupted that: the guest goes on, the threads that stood too. */
static void test_driver_leaves_in_a_step(void **state)
{
	(void)state;
	for (unsigned interrupts = 0; interrupts < 2; interrupts++) {
		struct rig *rig = looping(2);
		struct other driver;

		rig_attach(rig);
		other_sit(&driver, rig);
		seat_take_wheel(&driver.seat);
		atomic_store(&rig->lender.vcpus[0].stuck, true);
		assert_int_equal(other_resume(&driver, TARGET_STEP, TARGET_STAY), 0);
		if (interrupts)
			assert_int_equal(DO(&driver, stop), 0);
		seat_fini(&driver.seat);
		vm_pump(rig->vm);
		atomic_store(&rig->lender.vcpus[0].stuck, false);
		assert_true(moves(rig, 0) && moves(rig, 1));
		assert_int_equal(driver.stops, 0);
		assert_int_equal(rig_stop(rig), 0);
		rig_await_stop(rig);
		rig_finish(rig);
	}
}

/* ---- non-stop ---------------------------------------------------------------------------- */

/* Over to it from before the first stop: nothing has been disturbed. */
static void non_stop_begin(struct rig *rig, struct other *other)
{
	seat_fini(&rig->seat);
	fake_lender_start(&rig->lender);
	other_sit(other, rig);
	assert_int_equal(DO(other, set_non_stop, true), 0);
}

static struct rig *non_stop(unsigned vcpus, struct other *other)
{
	struct rig *rig = looping(vcpus);

	non_stop_begin(rig, other);
	for (unsigned i = 0; i < vcpus; i++)
		assert_true(moves(rig, i));
	return rig;
}

static void non_stop_finish(struct rig *rig, struct other *other)
{
	seat_fini(&other->seat);
	rig_finish(rig);
}

static void halt(struct rig *rig, struct other *other, unsigned thread)
{
	struct target_resume threads[FAKE_VCPUS] = { 0 };
	unsigned stops = other->stops;

	threads[thread - 1].action = TARGET_HALT;
	assert_int_equal(DO(other, resume, threads), 0);
	await(rig, &other->stops, stops + 1);
	assert_int_equal(other->stop.thread, thread);
	assert_int_equal(other->stop.reason, TARGET_STOP_HALTED);
}

static int resume_one(struct other *other, unsigned thread, enum target_action action)
{
	struct target_resume threads[FAKE_VCPUS] = { 0 };

	threads[thread - 1].action = action;
	return DO(other, resume, threads);
}

static void other_set_register(struct other *other, unsigned thread, unsigned number, uint64_t to)
{
	uint8_t value[TARGET_REGISTER_MAX_BYTES] = { 0 };

	memcpy(value, &to, sizeof(to));
	assert_int_equal(DO(other, register_write, thread, number, value), 0);
}

static void test_one_by_one(void **state)
{
	struct other other;
	struct rig *rig = non_stop(3, &other);
	uint8_t value[TARGET_REGISTER_MAX_BYTES];

	(void)state;
	halt(rig, &other, 2);
	assert_true(DO(&other, thread_is_stopped, 2));
	assert_false(DO(&other, thread_is_stopped, 1));
	assert_true(moves(rig, 0) && stands(rig, 1) && moves(rig, 2));
	assert_int_equal(DO(&other, hold, 2), 0); /* it stands still by itself */
	assert_int_equal(DO(&other, register_read, 2, X86_REG_RIP, value), 0);
	assert_int_equal(DO(&other, register_read, 1, X86_REG_RIP, value), -EBUSY);
	DO(&other, unhold);
	assert_true(moves(rig, 0));
	assert_int_equal(resume_one(&other, 2, TARGET_STEP), 0);
	await(rig, &other.stops, 2);
	assert_int_equal(other.stop.reason, TARGET_STOP_STEP);
	assert_int_equal(resume_one(&other, 2, TARGET_CONTINUE), 0);
	assert_true(moves(rig, 1));
	assert_int_equal(DO(&other, stop), 0);
	await(rig, &other.stops, 3);
	assert_int_equal(other.stop.reason, TARGET_STOP_INTERRUPT);
	non_stop_finish(rig, &other);
}

/* With debug registers enough for all, nothing is planted and nobody waits for anybody. */
static void non_stop_hits(struct rig *rig, struct other *other, unsigned breakpoints)
{
	unsigned kicks, stops;

	other_hold(rig, other);
	for (unsigned i = 0; i < breakpoints; i++)
		assert_int_equal(other_insert(other, FAKE_CODE + 4 + 0x1000 * (i / 5) + i % 5), 0);
	DO(other, unhold);
	stops = other->stops;
	await(rig, &other->stops, stops + 1);
	assert_int_equal(other->stop.thread, 1);
	assert_int_equal(other->stop.reason, TARGET_STOP_SWBREAK);
	kicks = atomic_load(&rig->lender.vcpus[1].kicks);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(moves(rig, 1));
		assert_int_equal(resume_one(other, 1, TARGET_CONTINUE), 0);
		await(rig, &other->stops, stops + 2 + i);
		assert_int_equal(other->stop.reason, TARGET_STOP_SWBREAK);
	}
	if (breakpoints <= 4)
		assert_int_equal(atomic_load(&rig->lender.vcpus[1].kicks), kicks);
	else
		assert_true(rig->vm->plants.count > 0);
}

static void test_hits_in_registers(void **state)
{
	struct other other;
	struct rig *rig = non_stop(2, &other);

	(void)state;
	non_stop_hits(rig, &other, 1);
	assert_int_equal(rig->vm->plants.count, 0);
	non_stop_finish(rig, &other);
}

/* More than there are: those that are planted are passed alone, and all the others come out of it. */
static void test_hits_planted(void **state)
{
	struct other other;
	struct rig *rig = non_stop(2, &other);

	(void)state;
	non_stop_hits(rig, &other, 5);
	non_stop_finish(rig, &other);
}

/* Watches, itself, a byte that it writes, and then does not: MOV DR7, RAX; INC byte [FAKE_CODE + 0x800]; JMP back. */
#define WATCHES "\x0f\x23\xf8\xfe\x04\x25\x00\x08\x01\x00\xeb\xf4"

/*
 * Four breakpoints have all the debug registers, which nobody asked for: they give way when the guest, which did
 * not use its own until then, does.
 */
static void test_registers_give_way(void **state)
{
	struct rig *rig = rig_make(2);
	struct fake_vcpu *vcpu = &rig->lender.vcpus[0];
	struct other other;
	unsigned traps;

	(void)state;
	CODE(rig, 0, WATCHES);
	CODE(rig, 1, LOOP);
	vcpu->debugregs.db[1] = FAKE_CODE + 0x800;
	vcpu->regs.rax = X86_DR7_FIXED;
	non_stop_begin(rig, &other);
	other_hold(rig, &other);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(other_insert(&other, FAKE_CODE + 0x1100 + 4 * i), 0);
	DO(&other, unhold);
	assert_true(moves(rig, 0) && moves(rig, 1));
	assert_int_equal(rig->vm->plants.count, 0);
	halt(rig, &other, 1);
	other_set_register(&other, 1, X86_REG_RAX,
		X86_DR7_FIXED | X86_RW_WRITE << 20 | 2 << 2); /* G1, one byte */
	assert_int_equal(resume_one(&other, 1, TARGET_CONTINUE), 0);
	for (int turn = 0; turn < 500 && atomic_load(&vcpu->guest_db) < 3; turn++)
		rig_turn(rig, 10);
	traps = atomic_load(&vcpu->guest_db);
	assert_true(traps >= 3);
	assert_int_equal(rig->vm->plants.count, 1);
	assert_string_equal(other.message, "");
	assert_true(moves(rig, 1));
	non_stop_finish(rig, &other);
}

/* Alone over what is planted, onto an INT3 of the guest's that the person wants to hear of: the others go on. */
static void test_own_int3_met_alone(void **state)
{
	struct other other;
	struct rig *rig = non_stop(2, &other);

	(void)state;
	other_hold(rig, &other);
	fake_lender_write(
		&rig->lender, FAKE_CODE + 4, "\xcc", 1); /* of LOOP: it is anywhere in it */
	rig->vm->stops_at_guests = true;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(other_insert(&other, FAKE_CODE + 0x800 + i), 0);
	assert_int_equal(other_insert(&other, FAKE_CODE + 4), 0);
	DO(&other, unhold);
	await(rig, &other.stops, 1);
	assert_int_equal(other.stop.thread, 1);
	assert_int_equal(other.stop.reason, TARGET_STOP_SWBREAK);
	assert_int_equal(rig->vm->plants.count, 1);
	other_set_register(&other, 1, X86_REG_RIP, FAKE_CODE + 3);
	assert_int_equal(resume_one(&other, 1, TARGET_STEP), 0);
	await(rig, &other.stops, 2);
	assert_int_equal(other.stop.reason, TARGET_STOP_STEP);
	assert_int_equal(resume_one(&other, 1, TARGET_STEP), 0);
	await(rig, &other.stops, 3);
	assert_int_equal(other.stop.reason, TARGET_STOP_TRAP);
	assert_null(rig->vm->over);
	assert_true(moves(rig, 1) && stands(rig, 0));
	non_stop_finish(rig, &other);
}

/* The one that was asked first is told first, however long it takes; nobody waits for who was asked later. */
static void test_halts_in_order(void **state)
{
	struct other other;
	struct rig *rig = non_stop(3, &other);
	struct target_resume all[FAKE_VCPUS] = { { .action = TARGET_HALT },
		{ .action = TARGET_HALT }, { .action = TARGET_HALT } };

	(void)state;
	halt(rig, &other, 3);
	atomic_store(&rig->lender.vcpus[1].stuck, true);
	rig_idle(rig, 5);
	assert_int_equal(resume_one(&other, 2, TARGET_HALT), 0);
	assert_int_equal(DO(&other, resume, all), 0);
	rig_idle(rig, 30);
	assert_int_equal(other.stops, 1);
	assert_false(DO(&other, thread_is_stopped, 1));
	atomic_store(&rig->lender.vcpus[1].stuck, false);
	await(rig, &other.stops, 3);
	assert_int_equal(other.stop.thread, 1);
	assert_int_equal(resume_one(&other, 1, TARGET_CONTINUE), 0);
	assert_int_equal(resume_one(&other, 2, TARGET_CONTINUE), 0);
	assert_true(moves(rig, 1));
	atomic_store(&rig->lender.vcpus[1].stuck, true);
	rig_idle(rig, 5);
	assert_int_equal(DO(&other, resume, all), 0); /* in one breath: no order */
	await(rig, &other.stops, 4);
	assert_int_equal(other.stop.thread, 1);
	atomic_store(&rig->lender.vcpus[1].stuck, false);
	await(rig, &other.stops, 5);
	non_stop_finish(rig, &other);
}

static void test_both_seats_are_told(void **state)
{
	struct other first, second;
	struct rig *rig = non_stop(2, &first);

	(void)state;
	other_sit(&second, rig);
	assert_int_equal(DO(&second, set_non_stop, true), 0);
	assert_int_equal(DO(&second, set_non_stop, false), -EBUSY);
	other_hold(rig, &first);
	assert_int_equal(other_insert(&first, FAKE_CODE + 4), 0);
	other_hold(rig, &second);
	assert_int_equal(other_insert(&second, FAKE_CODE + 4), 0);
	DO(&first, unhold);
	assert_true(stands(rig, 1)); /* the second one holds still */
	DO(&second, unhold);
	await(rig, &first.stops, 1);
	assert_int_equal(second.stops, 1);
	seat_fini(&first.seat); /* with his own: the second's is still there */
	assert_int_equal(resume_one(&second, 1, TARGET_CONTINUE), 0);
	await(rig, &second.stops, 2);
	assert_int_equal(second.stop.reason, TARGET_STOP_SWBREAK);
	non_stop_finish(rig, &second);
}

/* Back to all-stop: the next look stops everybody. */
static void test_back_to_all_stop(void **state)
{
	struct other other;
	struct rig *rig = non_stop(2, &other);

	(void)state;
	halt(rig, &other, 1);
	assert_int_equal(DO(&other, set_non_stop, false), 0);
	assert_int_equal(DO(&other, hold, 0), -EINPROGRESS);
	await(rig, &other.stops, 2);
	assert_true(stands(rig, 0) && stands(rig, 1));
	other_set_register(&other, 1, X86_REG_RIP, FAKE_CODE);
	assert_int_equal(other_resume(&other, TARGET_CONTINUE, TARGET_CONTINUE), 0);
	assert_true(moves(rig, 0) && moves(rig, 1));
	non_stop_finish(rig, &other);
}

static void test_crash_in_non_stop(void **state)
{
	struct other other;
	struct rig *rig = non_stop(2, &other);

	(void)state;
	vm_on_end(rig->vm, TARGET_STOP_CRASHED, 0);
	await(rig, &other.stops, 2);
	assert_true(DO(&other, thread_is_stopped, 1) && DO(&other, thread_is_stopped, 2));
	assert_true(stands(rig, 0) && stands(rig, 1));
	non_stop_finish(rig, &other);
}

/* ---- both at random ---------------------------------------------------------------------- */

static unsigned dice(unsigned *seed, unsigned sides)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % sides;
}

static void random_resume(struct other *other, unsigned *seed, unsigned vcpus)
{
	struct target_resume threads[FAKE_VCPUS] = { 0 };

	for (unsigned i = 0; i < vcpus; i++) {
		threads[i].action = dice(seed, 5);
		threads[i].start = FAKE_CODE + 0x1000 * i;
		threads[i].end = threads[i].start + dice(seed, 12);
	}
	DO(other, resume, threads);
}

/* A look, and maybe a change: of this debugger's breakpoints, or of a byte that is not executed. */
static void random_look(struct rig *rig, struct other *other, unsigned *seed)
{
	uint64_t at = FAKE_CODE + 0x1000 * dice(seed, 3) + dice(seed, 10);
	uint8_t byte;
	int rc;

	other_hold(rig, other);
	assert_int_equal(DO(other, memory_read, 1, at, &byte, 1), 1);
	assert_int_equal(byte, 0x90);
	switch (dice(seed, 4)) {
	case 0:
		rc = other_insert(other, at);
		assert_true(rc == 0 || rc == -EPERM);
		break;
	case 1:
		rc = DO(other, breakpoint_remove, 1, TARGET_BREAK_SOFTWARE, at, 1);
		assert_true(rc == 0 || rc == -EPERM);
		break;
	case 2:
		rc = DO(other, memory_write, 1, at, "\x90", 1);
		assert_true(rc == 0 || rc == -EPERM);
		break;
	}
	DO(other, unhold);
}

static void random_act(struct rig *rig, struct other *other, unsigned *seed)
{
	switch (dice(seed, 6)) {
	case 0:
	case 1:
		random_resume(other, seed, rig->lender.count);
		break;
	case 2:
		DO(other, stop);
		break;
	case 3:
		random_look(rig, other, seed);
		break;
	case 4:
		if (dice(seed, 8) == 0) {
			seat_fini(&other->seat);
			other_sit(other, rig);
			DO(other, set_non_stop, rig->vm->non_stop);
		}
		break;
	case 5:
		rig_idle(rig, (int)dice(seed, 3));
		break;
	}
	vm_pump(rig->vm);
}

/* Two debuggers that care for nothing: the guest survives both, and nothing of them is left. */
static void at_random(bool is_non_stop, unsigned seed)
{
	struct rig *rig = looping(3);
	struct other others[2];

	print_message("seed %u\n", seed);
	seat_fini(&rig->seat);
	fake_lender_start(&rig->lender);
	for (unsigned i = 0; i < 2; i++) {
		other_sit(&others[i], rig);
		assert_int_equal(DO(&others[i], set_non_stop, is_non_stop), 0);
	}
	for (unsigned round = 0; round < 600; round++)
		random_act(rig, &others[dice(&seed, 2)], &seed);
	for (unsigned i = 0; i < 2; i++)
		seat_fini(&others[i].seat);
	rig_finish(rig);
}

static void test_random_all_stop(void **state)
{
	(void)state;
	at_random(false, (unsigned)now_ms());
}

static void test_random_non_stop(void **state)
{
	(void)state;
	at_random(true, (unsigned)now_ms());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_observer_looks),
		cmocka_unit_test(test_observer_changes_nothing),
		cmocka_unit_test(test_observer_waits),
		cmocka_unit_test(test_observer_hears_of_its_thread),
		cmocka_unit_test(test_driver_leaves),
		cmocka_unit_test(test_wheel),
		cmocka_unit_test(test_kept_hit_under_a_new_driver),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_hits_in_registers),
		cmocka_unit_test(test_driver_leaves_in_a_step),
		cmocka_unit_test(test_hits_planted),
		cmocka_unit_test(test_registers_give_way),
		cmocka_unit_test(test_own_int3_met_alone),
		cmocka_unit_test(test_halts_in_order),
		cmocka_unit_test(test_both_seats_are_told),
		cmocka_unit_test(test_back_to_all_stop),
		cmocka_unit_test(test_crash_in_non_stop),
		cmocka_unit_test(test_random_all_stop),
		cmocka_unit_test(test_random_non_stop),
	};

	return cmocka_run_group_tests_name("seat", tests, NULL, NULL);
}
