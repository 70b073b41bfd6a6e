/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest whose debugger has vanished, and which is to stay as that one has left it: what is stopped
 * stays stopped, what runs goes on, and nothing of ours is in it.  See vm.h (keeps), run_private.h.
 */
#include "kvm/run_private.h"

/* A thread that was asked to halt will do so, but nobody is to be told. */
static bool run_comes_to_rest(const struct vcpu *vcpu)
{
	return vcpu->wish.action == TARGET_HALT || run_is_at_rest(vcpu);
}

static bool run_any(const struct vm *vm, bool (*is)(const struct vcpu *vcpu))
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (is(&vm->vcpus[i]))
			return true;
	return false;
}

static bool run_has_hit(const struct vcpu *vcpu)
{
	return vcpu->has_hit;
}

static bool run_is_parked(const struct vcpu *vcpu)
{
	return vcpu->state == VCPU_PARKED;
}

static bool run_wants_to_go_on(const struct vcpu *vcpu)
{
	return vcpu->wish.action != TARGET_STAY;
}

/* For the debugger, or about to.  After a power-off it is a stop in name only: nothing is parked. */
static bool run_has_stopped(const struct vm *vm)
{
	if (vm->state == VM_FREE || vm->state == VM_GONE)
		return false;
	if (vm->non_stop)
		return run_any(vm, run_comes_to_rest);
	if (vm->state == VM_STOPPING)
		return vm->stop_wanted || vm->has_end || run_any(vm, run_has_hit);
	return vm->state == VM_STOPPED && run_any(vm, run_is_parked);
}

/* What the debugger had asked for, and what there was to tell it. */
static void run_forget_debugger(struct vm *vm)
{
	vm->deferred = vm->stop_wanted = vm->has_end = false;
	vm->stops_at_guests = vm->stop_at_reset = false;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vm->vcpus[i].has_hit = vm->vcpus[i].has_news = false;
}

void run_keep_settle(struct vm *vm)
{
	run_forget_debugger(vm);
	plant_clear(&vm->plants);
	vm->stale = true;
	if (run_any(vm, run_wants_to_go_on))
		run_go(vm);
	else
		vm->state = VM_STOPPED;
}

bool run_keep(struct vm *vm)
{
	if (!run_has_stopped(vm))
		return false;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];
		bool stays = !vm->non_stop || run_comes_to_rest(vcpu);

		vcpu->wish.action = stays ? TARGET_STAY : TARGET_CONTINUE;
	}
	vm->is_kept = true;
	vm->non_stop = false; /* the next debugger chooses */
	run_forget_debugger(vm);
	if (vm->state == VM_STOPPED)
		run_keep_settle(vm);
	else
		run_refresh(vm);
	return true;
}

void run_end_keep(struct vm *vm)
{
	vm->is_kept = false;
	run_let_all_go(vm);
}
