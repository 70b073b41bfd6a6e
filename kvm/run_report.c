/* SPDX-License-Identifier: Apache-2.0 */
/* What there is to tell, and telling it: see run_private.h. */
#include "kvm/hit.h"
#include "kvm/run_private.h"
#include "kvm/seat.h"

void run_report(struct vm *vm, const struct target_stop *stop)
{
	vm->report = *stop;
	vm->deferred = true;
	if (stop->thread)
		vm->last_thread = stop->thread;
}

/* Non-stop: one thread has come to rest. */
static void run_report_thread(struct vm *vm, struct vcpu *vcpu, const struct target_stop *stop)
{
	vcpu->wish = (struct target_resume){ .action = TARGET_STAY };
	vcpu->news = *stop;
	vcpu->has_news = true;
	vm->last_thread = vcpu->index + 1;
}

void run_report_halt(struct vm *vm, struct vcpu *vcpu)
{
	struct target_stop stop = { .thread = vcpu->index + 1, .reason = vcpu->halt_reason };

	run_report_thread(vm, vcpu, &stop);
}

struct vcpu *run_choose_hit(struct vm *vm)
{
	struct vcpu *step = NULL;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (!vcpu->has_hit || vcpu->wish.action == TARGET_STAY)
			continue;
		if (vcpu->hit.reason != TARGET_STOP_STEP)
			return vcpu;
		if (!step)
			step = vcpu;
	}
	return step;
}

/*
 * A stop before the instruction (every breakpoint; arm64's watchpoints) would come again at once: the next
 * resume passes it.
 */
void run_end_hit(struct vm *vm, struct vcpu *vcpu)
{
	enum target_stop_reason reason = vcpu->hit.reason;
	bool watch = reason == TARGET_STOP_WATCH || reason == TARGET_STOP_RWATCH ||
		     reason == TARGET_STOP_AWATCH;

	vcpu->has_hit = false;
	if (reason == TARGET_STOP_SWBREAK || reason == TARGET_STOP_HWBREAK ||
		(watch && vm->arch->watch_is_fault)) {
		vcpu->pass = true;
		vcpu->pass_pc = vcpu->hit_pc;
		vcpu->pass_watch = watch;
		vcpu->pass_trap = vcpu->hit_trap;
	}
}

void run_report_hit(struct vm *vm, struct vcpu *vcpu)
{
	run_end_hit(vm, vcpu);
	if (vm->non_stop)
		run_report_thread(vm, vcpu, &vcpu->hit);
	else
		run_report(vm, &vcpu->hit);
}

unsigned run_first_parked(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i].state == VCPU_PARKED)
			return i + 1;
	return 1;
}

void run_report_quiet(struct vm *vm)
{
	struct target_stop stop = { .reason = TARGET_STOP_INTERRUPT, .thread = vm->last_thread };

	if (!stop.thread || vm->vcpus[stop.thread - 1].state != VCPU_PARKED)
		stop.thread = run_first_parked(vm);
	run_report(vm, &stop);
}

/* The person may have said since that hits of this kind do not count. */
static bool run_rule_admits(struct vm *vm, const struct vcpu *vcpu, gva_t pc)
{
	const struct rule *rule = rule_find(&vm->rules, pc);

	return !rule || rule_admits(rule, vm->arch, &vcpu->cpu);
}

/* Where a condition decides, the vCPU comes to it again, and it is decided by the condition of then. */
static bool run_breakpoint_stands(struct vm *vm, struct vcpu *vcpu, gva_t pc)
{
	const struct breakpoint *breakpoint = run_breakpoint_at(vm, vcpu, pc);

	return breakpoint && terms_always(breakpoint->terms);
}

/* The guest's own, or its reset: as long as somebody wants to be told first. */
static bool run_trap_stands(const struct vm *vm, const struct vcpu *vcpu)
{
	if (vcpu->port.report.head.reason == CHANNEL_ENDING)
		return vm->stop_at_reset;
	return vm->stops_at_guests && vcpu->inject.kind != INJECT_NONE;
}

bool run_hit_stands(struct vm *vm, struct vcpu *vcpu)
{
	gva_t pc = run_pc(vm, vcpu);

	if (!vcpu->has_hit || vcpu->hit_pc != pc)
		return false;
	switch (vcpu->hit.reason) {
	case TARGET_STOP_SWBREAK:
		return run_rule_admits(vm, vcpu, pc) && run_breakpoint_stands(vm, vcpu, pc);
	case TARGET_STOP_HWBREAK:
		return run_rule_admits(vm, vcpu, pc) &&
		       terms_always(breakpoint_point_terms(&vm->table, pc));
	case TARGET_STOP_WATCH:
	case TARGET_STOP_RWATCH:
	case TARGET_STOP_AWATCH:
		return hit_watch_counts(vm, vcpu, vcpu->hit.address);
	case TARGET_STOP_TRAP:
		return run_trap_stands(vm, vcpu);
	case TARGET_STOP_CRASHED:
		return true;
	default:
		return false;
	}
}

bool run_tell_hit(struct vm *vm, struct vcpu *vcpu, struct target_stop *stop)
{
	if (vm->state != VM_STOPPED || vm->deferred || vcpu->state != VCPU_PARKED ||
		!(vcpu->hit_told || run_hit_stands(vm, vcpu)))
		return false;
	vcpu->hit_told = true;
	*stop = vcpu->hit;
	return vcpu->has_hit;
}

/* ---- delivery -------------------------------------------------------------------------------- */

static void run_tell_stop(struct vm *vm, const struct target_stop *stop)
{
	vm->counts.stops++;
	for (unsigned i = 0; i < VM_MAX_SEATS; i++)
		if (vm->seats[i])
			seat_on_stop(vm->seats[i], stop);
}

static void run_deliver_report(struct vm *vm)
{
	struct target_stop stop = vm->report;

	if (!vm->deferred)
		return;
	vm->deferred = false;
	vm->stop_wanted = false;
	run_tell_stop(vm, &stop);
}

/* A thread that was asked to halt before this one has not got to it, or has not been told of, yet. */
static bool run_must_wait(const struct vm *vm, const struct vcpu *vcpu)
{
	if (vcpu->news.reason != TARGET_STOP_HALTED)
		return false;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		const struct vcpu *other = &vm->vcpus[i];
		bool halts = other->wish.action == TARGET_HALT ||
			     (other->has_news && other->news.reason == TARGET_STOP_HALTED);

		if (halts && other->halt_turn < vcpu->halt_turn)
			return true;
	}
	return false;
}

/* One, and there may be more. */
static bool run_deliver_thread(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct target_stop stop = vm->vcpus[i].news;

		if (!vm->vcpus[i].has_news || run_must_wait(vm, &vm->vcpus[i]))
			continue;
		vm->vcpus[i].has_news = false;
		run_tell_stop(vm, &stop);
		return true;
	}
	return false;
}

/*
 * Halts are told in the order in which they were asked for: gdb, when it connects, halts one thread,
 * and takes the first stop that it hears of for that one's.
 */
static void run_deliver_threads(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count && run_deliver_thread(vm); i++)
		;
}

static void run_deliver_holds(struct vm *vm)
{
	for (unsigned i = 0; i < VM_MAX_SEATS; i++)
		if (vm->seats[i] && run_is_held(vm))
			seat_on_hold(vm->seats[i]);
}

static void run_deliver_interrupts(struct vm *vm)
{
	for (unsigned i = 0; i < VM_MAX_SEATS; i++)
		if (vm->seats[i])
			seat_on_interrupt(vm->seats[i]);
}

void run_deliver(struct vm *vm)
{
	run_deliver_report(vm);
	run_deliver_threads(vm);
	run_deliver_interrupts(vm);
	run_deliver_holds(vm);
}
