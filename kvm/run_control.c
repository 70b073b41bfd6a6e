/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs, who steps, who is parked: see run_control.h. */
#include <errno.h>
#include <string.h>
#include "kvm/run_private.h"
#include "kvm/seat.h"

/* So many steps of a range at most before the owner's loop has its turn, and hears an interrupt. */
enum { RUN_POLL_BURST = 128 };

/* So long a single step may go on after an interrupt: a thousand of them fit, no person notices it. */
enum { RUN_STEP_GRACE_MS = 50 };

static void run_settle(struct vm *vm);

/* ---- small questions ------------------------------------------------------------------------- */

static bool run_is_running(const struct vcpu *vcpu)
{
	return vcpu->state == VCPU_RUNNING;
}

static bool run_all_parked(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (run_is_running(&vm->vcpus[i]))
			return false;
	return true;
}

static bool run_hold_wanted(const struct vm *vm)
{
	for (unsigned i = 0; i < VM_MAX_SEATS; i++)
		if (vm->seats[i] && (vm->seats[i]->holds || vm->seats[i]->wants_hold))
			return true;
	return false;
}

void run_timer(struct vm *vm, int ms)
{
	vm->hooks->timer(vm->hooks->context, ms);
}

void run_gone(struct vm *vm)
{
	struct target_stop stop = { .reason = TARGET_STOP_GONE };
	bool owed = vm->state == VM_RUNNING || vm->state == VM_STOPPING || vm->deferred;

	if (vm->state == VM_GONE)
		return;
	run_timer(vm, 0);
	vm->state = VM_GONE;
	vm->is_kept = false;
	vm->over = NULL;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vm->vcpus[i].state = VCPU_LOST;
	breakpoint_clear(&vm->table);
	plant_clear(&vm->plants); /* the memory may outlive the VMM */
	if (owed && !vm->release_wanted)
		run_report(vm, &stop);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void run_kick_all(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vcpu_kick(&vm->vcpus[i]) < 0) {
			run_gone(vm);
			return;
		}
}

void run_begin_stop(struct vm *vm)
{
	if (vm->state == VM_STOPPED || vm->state == VM_GONE)
		return;
	if (vm->state != VM_STOPPING) {
		vm->state = VM_STOPPING;
		run_timer(vm, vm->stop_timeout_ms);
	}
	run_kick_all(vm);
	if (vm->state == VM_STOPPING && run_all_parked(vm))
		run_settle(vm);
}

static bool run_single_steps(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i].wish.action == TARGET_STEP)
			return vm->state == VM_RUNNING;
	return false;
}

/*
 * A single step comes to its end first, as it does under ptrace(2): lldb takes it for granted.  It
 * interrupts whatever runs when it wants to read memory, and after an answer with a signal goes on with
 * 'c' (GDBRemoteClientBase.cpp): of a step that was lost nothing would ever be heard again.
 */
int run_stop(struct vm *vm)
{
	bool waits = vm->stop_wanted;

	if (vm->state == VM_GONE)
		return -ENODEV;
	if (vm->state == VM_STOPPED)
		return -EALREADY;
	vm->stop_wanted = true;
	if (!run_single_steps(vm))
		run_begin_stop(vm);
	else if (!waits)
		run_timer(vm, RUN_STEP_GRACE_MS);
	return 0;
}

void run_release(struct vm *vm)
{
	run_begin_stop(vm);
}

static void run_keep_hit(struct vm *vm, struct vcpu *vcpu, enum target_stop_reason reason,
	uint64_t address, bool trapped)
{
	vcpu->has_hit = true;
	vcpu->hit_told = false;
	vcpu->hit = (struct target_stop){
		.thread = vcpu->index + 1, .reason = reason, .address = address
	};
	vcpu->hit_pc = run_pc(vm, vcpu);
	vcpu->hit_trap = trapped;
	if (vm->non_stop)
		run_report_hit(vm, vcpu);
	else
		run_begin_stop(vm);
}

void run_hit(struct vm *vm, struct vcpu *vcpu, enum target_stop_reason reason, uint64_t address)
{
	run_keep_hit(vm, vcpu, reason, address, false);
}

void run_hit_breakpoint(
	struct vm *vm, struct vcpu *vcpu, enum target_stop_reason reason, bool trapped)
{
	run_keep_hit(vm, vcpu, reason, 0, trapped);
}

/* The guest cannot go on.  Non-stop: so every thread has come to rest, and one knows why. */
static void run_settle_end(struct vm *vm)
{
	vm->has_end = false;
	vm->state = vm->non_stop ? VM_RUNNING : VM_STOPPED;
	for (unsigned i = 0; i < vm->vcpu_count && vm->non_stop; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (vcpu->wish.action == TARGET_STAY || i + 1 == vm->end.thread)
			continue;
		vcpu->halt_reason = TARGET_STOP_HALTED;
		run_report_halt(vm, vcpu);
	}
	if (vm->non_stop)
		vm->vcpus[vm->end.thread - 1].wish.action = TARGET_STAY;
	run_report(vm, &vm->end);
}

/* Every vCPU that will park has parked. */
static void run_settle(struct vm *vm)
{
	struct vcpu *hit = run_choose_hit(vm);

	run_timer(vm, 0);
	if (vm->over)
		run_over_end(vm); /* it is late: it will find the breakpoint in its place again */
	if (vm->release_wanted) {
		run_free(vm);
		if (vm->stop_wanted)
			run_begin_stop(vm); /* somebody has attached meanwhile */
	} else if (vm->is_kept) {
		run_keep_settle(vm);
	} else if (vm->has_end) {
		run_settle_end(vm);
	} else if (hit && !vm->non_stop) {
		vm->state = VM_STOPPED;
		run_report_hit(vm, hit);
	} else if (vm->stop_wanted) {
		vm->state = VM_STOPPED;
		run_report_quiet(vm);
	} else if (run_hold_wanted(vm)) {
		vm->state = VM_HELD;
	} else {
		run_go(vm); /* an internal stop: nobody asked, nobody is told */
	}
}

/* ---- holding --------------------------------------------------------------------------------- */

bool run_is_held(const struct vm *vm)
{
	return vm->state == VM_HELD || (vm->state == VM_STOPPED && !vm->deferred);
}

int run_hold(struct vm *vm)
{
	if (vm->state == VM_GONE)
		return -ENODEV;
	if (!run_is_held(vm))
		run_begin_stop(vm);
	return run_is_held(vm) ? 0 : vm->state == VM_GONE ? -ENODEV : -EINPROGRESS;
}

void run_unhold(struct vm *vm)
{
	if (vm->state == VM_HELD && !run_hold_wanted(vm))
		run_go(vm);
}

/* ---- running --------------------------------------------------------------------------------- */

static bool run_wants_to_go(const struct vcpu *vcpu)
{
	return vcpu->state == VCPU_PARKED && vcpu->wish.action != TARGET_STAY;
}

/* Those that are to halt have done so. */
static void run_halt_parked(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (run_wants_to_go(&vm->vcpus[i]) && vm->vcpus[i].wish.action == TARGET_HALT)
			run_report_halt(vm, &vm->vcpus[i]);
}

static bool run_crowds_any(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (run_wants_to_go(&vm->vcpus[i]) && run_crowds(vm, &vm->vcpus[i]))
			return true;
	return false;
}

void run_go(struct vm *vm)
{
	struct plant *plant;

	vm->state = VM_RUNNING;
	run_halt_parked(vm);
	if (vm->stale || run_crowds_any(vm))
		run_sync(vm);
	run_watch(vm);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (run_wants_to_go(vcpu) && run_needs_lift(vm, vcpu, &plant)) {
			run_alone(vm, vcpu, plant);
			return;
		}
	}
	for (unsigned i = 0; i < vm->vcpu_count && vm->state == VM_RUNNING; i++)
		if (run_wants_to_go(&vm->vcpus[i]))
			run_start(vm, &vm->vcpus[i]);
}

void run_again(struct vm *vm, struct vcpu *vcpu)
{
	struct plant *plant;

	if (vm->state != VM_RUNNING || vm->over || vcpu->wish.action == TARGET_STAY)
		return; /* its turn comes with run_go() */
	if (vcpu->wish.action == TARGET_HALT)
		run_report_halt(vm, vcpu);
	else if (run_crowds(vm, vcpu))
		run_refresh(vm);
	else if (!run_needs_lift(vm, vcpu, &plant))
		run_start(vm, vcpu);
	else
		run_begin_stop(vm); /* internal: run_settle() finds nothing to tell, and goes on */
}

/* Whoever waits without a reason goes on: the one that ran alone may have stopped for good. */
static void run_go_on(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->state == VM_RUNNING && !vm->over && run_wants_to_go(&vm->vcpus[i]))
			run_again(vm, &vm->vcpus[i]);
}

/* ---- resuming -------------------------------------------------------------------------------- */

/* All-stop.  A kept hit that still stands is told instead, and nothing runs. */
static int run_resume_all(struct vm *vm, const struct target_resume *threads)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		vcpu->wish = threads[i];
		if (vcpu->state != VCPU_PARKED || vcpu->wish.action == TARGET_STAY)
			continue;
		if (vcpu->has_hit && vcpu->hit_told) {
			run_end_hit(vm, vcpu);
		} else if (run_hit_stands(vm, vcpu)) {
			run_report_hit(vm, vcpu);
			return 0;
		}
		vcpu->has_hit = false;
		run_forget_moved(vm, vcpu);
	}
	vm->stale = true;
	run_go(vm);
	return 0;
}

bool run_is_at_rest(const struct vcpu *vcpu)
{
	return vcpu->state == VCPU_PARKED && vcpu->wish.action == TARGET_STAY;
}

void run_halt(struct vm *vm, struct vcpu *vcpu, enum target_stop_reason reason)
{
	if (vcpu->wish.action == TARGET_STAY || vcpu->wish.action == TARGET_HALT)
		return;
	vcpu->wish = (struct target_resume){ .action = TARGET_HALT };
	vcpu->halt_reason = reason;
	vcpu->halt_turn = vm->halt_turns;
	if (vm->state == VM_RUNNING && vcpu_kick(vcpu) < 0)
		run_gone(vm);
}

/* A thread that runs already goes on doing what it does. */
static void run_resume_thread(struct vm *vm, struct vcpu *vcpu, const struct target_resume *resume)
{
	if (resume->action == TARGET_HALT) {
		run_halt(vm, vcpu, TARGET_STOP_HALTED);
	} else if (resume->action != TARGET_STAY && run_is_at_rest(vcpu) && !vcpu->has_news) {
		vcpu->wish = *resume;
		vcpu->has_hit = false;
		run_forget_moved(vm, vcpu);
	}
}

/* Non-stop: nobody else is disturbed, unless memory or debug registers have to change first. */
static int run_resume_some(struct vm *vm, const struct target_resume *threads)
{
	vm->halt_turns++;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		run_resume_thread(vm, &vm->vcpus[i], &threads[i]);
	if (vm->stale && vm->state == VM_RUNNING)
		run_begin_stop(vm);
	else
		run_go_on(vm);
	return 0;
}

int run_resume(struct vm *vm, const struct target_resume *threads)
{
	bool any = false;

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		any = any || threads[i].action != TARGET_STAY;
	if (!any)
		return -EINVAL;
	return vm->non_stop ? run_resume_some(vm, threads) : run_resume_all(vm, threads);
}

void run_let_all_go(struct vm *vm)
{
	vm->deferred = vm->stop_wanted = false;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		vm->vcpus[i].has_hit = false;
		vm->vcpus[i].wish = (struct target_resume){ .action = TARGET_CONTINUE };
	}
	if (vm->state != VM_STOPPED) {
		run_refresh(vm);
		return;
	}
	vm->stale = true;
	run_go(vm);
}

void run_refresh(struct vm *vm)
{
	vm->stale = true;
	if (vm->state == VM_RUNNING)
		run_begin_stop(vm);
}

/* What has happened already, and what has not run yet, stays stopped; all else goes. */
void run_begin_non_stop(struct vm *vm)
{
	vm->non_stop = true;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];
		bool stays = vcpu->has_hit ||
			     (vcpu->state == VCPU_PARKED && vm->state == VM_STOPPED &&
				     vcpu->port.report.head.reason == CHANNEL_HELD) ||
			     (vm->is_kept && vcpu->wish.action == TARGET_STAY);

		vcpu->has_hit = false;
		vcpu->wish.action = stays ? TARGET_STAY : TARGET_CONTINUE;
	}
	vm->stale = true;
	if (vm->state == VM_FREE)
		vm->state = VM_RUNNING;
	else if (vm->state == VM_STOPPED)
		run_go(vm);
}

/* It is late, or its VMM has ended it and may begin anew: it must not come back with what it had from us. */
static void run_free_later(struct vm *vm, struct vcpu *vcpu)
{
	vcpu->late = true;
	if (vcpu_kick(vcpu) < 0)
		run_gone(vm);
}

void run_free(struct vm *vm)
{
	vm->release_wanted = vm->is_kept = false;
	vm->has_end = vm->crash_told = false;
	vm->stops_at_guests = false;
	vm->point_count = 0;
	breakpoint_clear(&vm->table);
	plant_clear(&vm->plants);
	run_timer(vm, 0);
	vm->over = NULL; /* its plant went with the others */
	vm->state = VM_FREE;
	for (unsigned i = 0; i < vm->vcpu_count && vm->state == VM_FREE; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		vcpu->has_hit = vcpu->has_news = vcpu->pass = false;
		vcpu->wish = (struct target_resume){ .action = TARGET_CONTINUE };
		if (vcpu->state == VCPU_PARKED) {
			run_forget_moved(vm, vcpu);
			run_launch(vm, vcpu, VCPU_FREE);
		} else {
			run_free_later(vm, vcpu);
		}
	}
}

/* ---- events ---------------------------------------------------------------------------------- */

void run_look_for_lost(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i].state == VCPU_LOST)
			run_gone(vm);
}

/* Was asked to park, maybe to step, before it was set free. */
static void run_free_late(struct vm *vm, struct vcpu *vcpu)
{
	run_take_own(vm, vcpu);
	vcpu->late = false;
	run_step_end(vm, vcpu);
	run_launch(vm, vcpu, VCPU_FREE);
}

void run_on_readable(struct vm *vm, struct vcpu *vcpu)
{
	int rc;

	if (vcpu->state == VCPU_LOST)
		return;
	walk_memo_open(&vm->walks);
	page_memo_open(&vm->pages);
	rc = vcpu_collect(vcpu);
	if (rc > 0 && vm->state == VM_FREE)
		run_free_late(vm, vcpu);
	else if (rc > 0)
		run_on_parked(vm, vcpu);
	run_look_for_lost(vm);
	if (vm->state == VM_STOPPING && run_all_parked(vm))
		run_settle(vm);
	run_go_on(vm);
	walk_memo_close(&vm->walks);
	page_memo_close(&vm->pages);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* A vCPU that is late is in the VMM's hands, and parks before it executes anything. */
static void run_say_late(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (run_is_running(&vm->vcpus[i])) {
			vm->vcpus[i].late = true;
			vm_say(vm,
				"vCPU %u did not stop within %d ms: its thread in the VMM is busy",
				i, vm->stop_timeout_ms);
		}
}

void run_on_deadline(struct vm *vm)
{
	if (vm->state == VM_STOPPING) {
		run_say_late(vm);
		run_settle(vm);
	} else if (vm->state == VM_RUNNING && vm->stop_wanted) {
		run_begin_stop(vm); /* the step has had its time */
	} else if (vm->state == VM_RUNNING && vm->over) {
		vm_say(vm, "vCPU %u: one instruction past a breakpoint takes more than %d ms",
			vm->over->index, vm->stop_timeout_ms);
		if (vm->non_stop)
			run_halt(vm, vm->over, TARGET_STOP_INTERRUPT);
		else
			run_stop(vm);
	}
}

static bool run_poll_once(struct vm *vm)
{
	struct vcpu *stepping = NULL;

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (run_is_running(&vm->vcpus[i]) && vm->vcpus[i].stepping)
			stepping = &vm->vcpus[i];
	if (!stepping || stepping->port.ops->wait(&stepping->port, 0) != 0)
		return false;
	run_on_readable(vm, stepping);
	return true;
}

void run_poll(struct vm *vm)
{
	for (unsigned i = 0; i < RUN_POLL_BURST && !vm->deferred && run_poll_once(vm); i++)
		;
}

void run_end(struct vm *vm)
{
	if (vm->end.reason == TARGET_STOP_CRASHED) {
		vm->has_end = true; /* its registers are worth a look */
		run_begin_stop(vm);
		return;
	}
	run_timer(vm, 0);
	vm->state = VM_STOPPED; /* powered off: nothing runs, and nothing will park */
	run_report(vm, &vm->end);
}
