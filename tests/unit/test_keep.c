/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/run_keep.c: what its debugger had stopped stays so when that one has vanished. */
#include <errno.h>
#include <string.h>
#include "kvm/arch_x86_64.h"
#include "tests/unit/vm_rig.h"

/* Ten NOPs and back. */
#define LOOP "\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\xeb\xf4"

enum { THERE = FAKE_CODE + 4 };

static struct rig *looping(unsigned vcpus)
{
	struct rig *rig = rig_make(vcpus);

	for (unsigned i = 0; i < vcpus; i++)
		CODE(rig, i, LOOP);
	rig->vm->keeps = true;
	return rig;
}

static bool stands(struct rig *rig, unsigned vcpu)
{
	uint64_t before = atomic_load(&rig->lender.vcpus[vcpu].executed);

	rig_idle(rig, 10);
	return atomic_load(&rig->lender.vcpus[vcpu].executed) == before;
}

static bool moves(struct rig *rig, unsigned vcpu)
{
	for (unsigned i = 0; i < 500; i++)
		if (!stands(rig, vcpu))
			return true;
	return false;
}

/* Stopped at a breakpoint that stands in memory. */
static struct rig *at_breakpoint(unsigned vcpus)
{
	struct rig *rig = looping(vcpus);

	rig_attach(rig);
	rig_insert(rig, THERE);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_false(fake_lender_is_clean(&rig->lender));
	return rig;
}

static void vanish(struct rig *rig)
{
	rig->owed = false;
	seat_fini(&rig->seat);
	vm_pump(rig->vm);
}

/* The next debugger takes its place, and asks for the guest to hold still. */
static int arrive(struct rig *rig)
{
	int rc;

	assert_int_equal(seat_init(&rig->seat, rig->vm), 0);
	rig->seat.target.listener = &rig->listener;
	rc = leave(rig, rig->seat.target.ops->hold(enter(rig), 0));
	rig->owed = rc == -EINPROGRESS;
	vm_pump(rig->vm);
	return rc;
}

static void detach(struct rig *rig)
{
	assert_int_equal(leave(rig, rig->seat.target.ops->detach(enter(rig))), 0);
	rig_await_release(rig);
	rig_assert_free(rig);
}

static void assert_kept(struct rig *rig)
{
	assert_true(rig->vm->is_kept);
	assert_false(vm_is_released(rig->vm));
	rig_assert_undone(rig);
}

/* ---- all-stop ---------------------------------------------------------------------------- */

static void test_stopped_stays(void **state)
{
	struct rig *rig = at_breakpoint(2);

	(void)state;
	vanish(rig);
	assert_kept(rig);
	assert_true(stands(rig, 0) && stands(rig, 1));
	assert_int_equal(arrive(rig), 0);
	assert_false(rig->vm->is_kept);
	assert_int_equal(rig_pc(rig, 1), THERE);
	assert_int_equal(rig_resume(rig, 1, TARGET_STEP, TARGET_STAY), 0);
	rig_expect(rig, 1, TARGET_STOP_STEP);
	assert_int_equal(rig_pc(rig, 1), THERE + 1);
	rig_insert(rig, THERE);
	rig_continue(rig);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	detach(rig);
	rig_free(rig);
}

static void test_without_the_policy_it_runs(void **state)
{
	struct rig *rig = at_breakpoint(2);

	(void)state;
	rig->vm->keeps = false;
	vanish(rig);
	assert_false(rig->vm->is_kept);
	rig_await_release(rig);
	rig_assert_free(rig);
	rig_free(rig);
}

static void test_detached_runs(void **state)
{
	struct rig *rig = at_breakpoint(2);

	(void)state;
	detach(rig);
	rig_free(rig);
}

static void test_running_runs(void **state)
{
	struct rig *rig = at_breakpoint(2);

	(void)state;
	rig_remove(rig, THERE);
	rig_insert(rig, FAKE_CODE + 0x800);
	rig_continue(rig);
	assert_true(moves(rig, 0));
	vanish(rig);
	assert_false(rig->vm->is_kept);
	rig_await_release(rig);
	rig_assert_free(rig);
	rig_free(rig);
}

/* Asked to stop, and one vCPU is still in the VMM's hands when the debugger vanishes. */
static void test_stopping_stops(void **state)
{
	struct rig *rig = at_breakpoint(2);

	(void)state;
	rig_remove(rig, THERE);
	rig_insert(rig, THERE + 1);
	atomic_store(&rig->lender.vcpus[1].stuck, true);
	rig_continue(rig);
	rig_idle(rig, 50); /* vCPU 0 has come to its breakpoint */
	assert_int_equal(rig->vm->state, VM_STOPPING);
	vanish(rig);
	assert_true(rig->vm->is_kept);
	atomic_store(&rig->lender.vcpus[1].stuck, false);
	for (unsigned i = 0; i < 500 && rig->vm->state != VM_STOPPED; i++)
		rig_idle(rig, 10);
	assert_kept(rig);
	assert_true(stands(rig, 0) && stands(rig, 1));
	assert_int_equal(arrive(rig), 0);
	assert_int_equal(rig_pc(rig, 1), THERE + 1);
	detach(rig);
	rig_free(rig);
}

static void test_let_go(void **state)
{
	struct rig *rig = at_breakpoint(2);

	(void)state;
	vm_let_go(rig->vm); /* nothing is kept */
	assert_true(stands(rig, 0));
	vanish(rig);
	assert_kept(rig);
	vm_let_go(rig->vm);
	rig_await_release(rig);
	assert_false(rig->vm->is_kept);
	rig_assert_free(rig);
	rig_free(rig);
}

/* One that connects, asks nothing of the guest and goes has no part in it. */
static void test_visitor(void **state)
{
	struct rig *rig = at_breakpoint(1);
	struct seat visitor;

	(void)state;
	vanish(rig);
	assert_int_equal(seat_init(&visitor, rig->vm), 0);
	seat_fini(&visitor);
	assert_kept(rig);
	assert_true(stands(rig, 0));
	/* One that is there meanwhile changes nothing either. */
	assert_int_equal(arrive(rig), 0);
	assert_int_equal(seat_init(&visitor, rig->vm), 0);
	vanish(rig);
	assert_kept(rig);
	assert_true(stands(rig, 0));
	vm_let_go(rig->vm);
	assert_true(moves(rig, 0));
	seat_fini(&visitor);
	rig_await_release(rig);
	rig_assert_free(rig);
	rig_free(rig);
}

static void test_vmm_ends(void **state)
{
	struct rig *rig = at_breakpoint(2);

	(void)state;
	vanish(rig);
	assert_kept(rig);
	atomic_store(&rig->lender.vcpus[1].die, true);
	rig_await_release(rig);
	assert_false(rig->vm->is_kept);
	assert_int_equal(rig->vm->state, VM_GONE);
	rig_assert_undone(rig);
	rig_free(rig);
}

/* Memory may go and come; another debugger finds it as it is then. */
static void test_hot_plug(void **state)
{
	struct rig *rig = at_breakpoint(1);
	uint8_t byte;

	(void)state;
	vanish(rig);
	assert_int_equal(vm_remove_memory(rig->vm, 0), 0);
	assert_kept(rig);
	assert_int_equal(memory_add_file(&rig->vm->memory, 0, FAKE_MEMORY, rig->lender.memory_fd, 0,
				 true, 0x7000000),
		0);
	assert_int_equal(arrive(rig), 0);
	assert_int_equal(
		leave(rig, (int)rig->seat.target.ops->memory_read(enter(rig), 1, THERE, &byte, 1)),
		1);
	assert_int_equal(byte, 0x90);
	detach(rig);
	rig_free(rig);
}

/* ---- non-stop ---------------------------------------------------------------------------- */

static int set_non_stop(struct rig *rig, bool on)
{
	int rc = leave(rig, rig->seat.target.ops->set_non_stop(enter(rig), on));

	vm_pump(rig->vm);
	return rc;
}

/* Thread 1 at its breakpoint, thread 2 runs; the debugger has vanished. */
static struct rig *half_stopped(void)
{
	struct rig *rig = looping(2);

	rig_attach(rig);
	assert_int_equal(set_non_stop(rig, true), 0);
	rig_resume(rig, 1, TARGET_CONTINUE, TARGET_CONTINUE);
	rig->owed = false;
	for (unsigned i = 0; i < 500 && leave(rig, rig->seat.target.ops->hold(enter(rig), 0)); i++)
		rig_idle(rig, 5);
	rig_insert(rig, THERE);
	rig->owed = true;
	rig->seat.target.ops->unhold(&rig->seat.target);
	rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	assert_true(stands(rig, 0) && moves(rig, 1));
	vanish(rig);
	for (unsigned i = 0; i < 500 && !fake_lender_is_clean(&rig->lender); i++)
		rig_idle(rig, 5);
	assert_kept(rig);
	return rig;
}

static void test_each_as_it_was(void **state)
{
	struct rig *rig = half_stopped();

	(void)state;
	assert_true(stands(rig, 0) && moves(rig, 1) && stands(rig, 0));
	/* The next one is in all-stop: it stops the other, too. */
	assert_int_equal(arrive(rig), -EINPROGRESS);
	rig_await_stop(rig);
	assert_true(stands(rig, 0) && stands(rig, 1));
	assert_int_equal(rig_pc(rig, 1), THERE);
	rig_continue(rig);
	assert_true(moves(rig, 0) && moves(rig, 1));
	rig_release(rig);
	rig_assert_free(rig);
	rig_free(rig);
}

static void test_each_for_the_next_in_non_stop(void **state)
{
	struct rig *rig = half_stopped();
	const struct target_ops *ops = rig->seat.target.ops;

	(void)state;
	assert_int_equal(seat_init(&rig->seat, rig->vm), 0);
	rig->seat.target.listener = &rig->listener;
	assert_int_equal(set_non_stop(rig, true), 0);
	assert_true(ops->thread_is_stopped(&rig->seat.target, 1));
	assert_false(ops->thread_is_stopped(&rig->seat.target, 2));
	assert_true(stands(rig, 0) && moves(rig, 1));
	assert_int_equal(rig_pc(rig, 1), THERE);
	detach(rig);
	rig_free(rig);
}

static void test_each_let_go(void **state)
{
	struct rig *rig = half_stopped();

	(void)state;
	vm_let_go(rig->vm);
	rig_await_release(rig);
	rig_assert_free(rig);
	rig_free(rig);
}

/* Nobody would hear of it: the VMM does, at once. */
static void test_end_while_kept(void **state)
{
	struct rig *rig = half_stopped();
	struct fake_vcpu *vcpu = &rig->lender.vcpus[1];
	unsigned exits = atomic_load(&vcpu->vmm_exits);

	(void)state;
	atomic_store(&vcpu->ending, CHANNEL_CRASH);
	rig_idle(rig, 50);
	assert_int_equal(atomic_load(&vcpu->vmm_exits), exits);
	assert_false(atomic_load(&vcpu->parked));
	assert_int_equal(atomic_load(&vcpu->ending), CHANNEL_CRASH);
	assert_kept(rig);
	atomic_store(&vcpu->ending, 0);
	vm_let_go(rig->vm);
	rig_await_release(rig);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stopped_stays),
		cmocka_unit_test(test_without_the_policy_it_runs),
		cmocka_unit_test(test_detached_runs),
		cmocka_unit_test(test_running_runs),
		cmocka_unit_test(test_stopping_stops),
		cmocka_unit_test(test_let_go),
		cmocka_unit_test(test_visitor),
		cmocka_unit_test(test_vmm_ends),
		cmocka_unit_test(test_hot_plug),
		cmocka_unit_test(test_each_as_it_was),
		cmocka_unit_test(test_each_for_the_next_in_non_stop),
		cmocka_unit_test(test_each_let_go),
		cmocka_unit_test(test_end_while_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
