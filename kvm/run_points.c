/* SPDX-License-Identifier: Apache-2.0 */
/* What of the breakpoints stands in memory, and what in debug registers: see run_private.h. */
#include <string.h>
#include "kvm/run_private.h"

/* So often what is planted is looked at: at first, and at last. */
enum { RUN_WATCH_MS = 100, RUN_WATCH_MAX_MS = 1600 };

/* True when the guest's own debug registers have their places beside these points. */
static bool run_leaves_the_guest_its_own(struct vm *vm, struct vcpu *vcpu, unsigned point_count)
{
	struct debug_request request = { .points = vm->points, .point_count = point_count };
	struct debug_plan plan;

	vcpu_fetch(vcpu, CPU_STOP | vm->arch->debug_groups(&request), vm->call_timeout_ms);
	vm->arch->plan(&vcpu->cpu, &request, &plan);
	return !(plan.limitations & LIMITATION_GUEST_BREAKPOINT_LOST);
}

/* What a software breakpoint at gva has in place of its plant. */
static struct hardware_point run_promoted(const struct vm *vm, gva_t gva)
{
	return (struct hardware_point){
		.type = TARGET_BREAK_HARDWARE, .gva = gva, .length = vm->arch->breakpoint_length
	};
}

/* True when a debug register of every vCPU is free for one more, whoever's the others are. */
static bool run_fits(struct vm *vm, const struct hardware_point *point)
{
	struct vcpu *first = &vm->vcpus[run_first_parked(vm) - 1];

	if (vm->point_count == BREAKPOINT_MAX_POINTS)
		return false;
	vcpu_fetch(first, CPU_STOP | CPU_DEBUG, vm->call_timeout_ms);
	if (vm->arch->check_point(&first->cpu, vm->points, vm->point_count, point) != 0)
		return false;
	vm->points[vm->point_count] = *point;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i].state == VCPU_PARKED &&
			!run_leaves_the_guest_its_own(vm, &vm->vcpus[i], vm->point_count + 1))
			return false;
	return true;
}

/* The page that a breakpoint waits for may be there by now, in some vCPU's tables. */
static bool run_find_page(struct vm *vm, struct breakpoint *breakpoint)
{
	uint8_t code[4];

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct view view = { .vm = vm, .vcpu = &vm->vcpus[i] };
		struct translation translation;

		if (vm->vcpus[i].state != VCPU_PARKED ||
			view_translate(&view, breakpoint->gva, &translation) != 1 ||
			memory_read(&vm->memory, translation.gpa, code,
				vm->arch->breakpoint_length) < 0)
			continue;
		breakpoint->gpa = memory_home(&vm->memory, translation.gpa);
		return true;
	}
	return false;
}

/*
 * A software breakpoint that cannot stand in memory yet, or may not stand there long, has one of the
 * debug registers that nobody asked for; without one it is planted if that is possible.
 *
 * One with conditions, which is passed often, has as long as there are any, and in non-stop every one has.
 * Past an instruction that we have planted a vCPU gets only alone, while all others are parked, for it is
 * out of memory then; past a debug register it gets by itself (the register is left out of its own for one
 * step), and nobody else stops.
 */
static void run_promote(struct vm *vm, struct breakpoint *breakpoint)
{
	struct hardware_point point = run_promoted(vm, breakpoint->gva);
	bool is_passed = vm->non_stop || !terms_always(breakpoint->terms);

	breakpoint->in_register = false;
	if (breakpoint->gpa != BREAKPOINT_PENDING && !breakpoint->is_fragile && !is_passed)
		return;
	if (run_fits(vm, &point)) {
		vm->point_count++;
		breakpoint->in_register = is_passed;
	} else if (breakpoint->gpa == BREAKPOINT_PENDING && !run_find_page(vm, breakpoint) &&
		   !breakpoint->is_told) {
		breakpoint->is_told = true;
		vm_say(vm,
			"the breakpoint at 0x%llx is not in force yet: nothing is mapped there, "
			"and no debug register is free",
			(unsigned long long)breakpoint->gva);
	}
}

/* What is to be loaded into debug registers: computed anew, never edited. */
static void run_choose_points(struct vm *vm)
{
	vm->point_count = vm->table.point_count;
	memcpy(vm->points, vm->table.points, vm->point_count * sizeof(vm->points[0]));
	for (unsigned i = 0; i < vm->table.count; i++)
		run_promote(vm, &vm->table.entries[i]);
}

bool run_could_promote(struct vm *vm, gva_t gva)
{
	struct hardware_point point = run_promoted(vm, gva);

	run_choose_points(vm); /* for now: a breakpoint that comes makes them anew */
	return run_fits(vm, &point);
}

bool run_crowds(struct vm *vm, struct vcpu *vcpu)
{
	return vm->point_count > vm->table.point_count &&
	       !run_leaves_the_guest_its_own(vm, vcpu, vm->point_count);
}

void run_sync(struct vm *vm)
{
	int rc;

	vm->stale = false;
	run_choose_points(vm);
	rc = plant_sync(&vm->plants, &vm->table);
	if (rc < 0)
		vm_say(vm, "not every breakpoint could be planted: %s", strerror(-rc));
	run_watch_closely(vm);
}

/* Waits neither in memory nor in a debug register: for a page that may have come meanwhile. */
static bool run_is_waiting(const struct vm *vm, const struct breakpoint *breakpoint)
{
	return breakpoint->gpa == BREAKPOINT_PENDING && !run_point_at(vm, breakpoint->gva);
}

static bool run_has_waiting(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->table.count; i++)
		if (run_is_waiting(vm, &vm->table.entries[i]))
			return true;
	return false;
}

void run_watch(struct vm *vm)
{
	bool needed = vm->plants.count || run_has_waiting(vm);

	if (!vm->hooks->watch || (needed && vm->is_watched))
		return;
	vm->is_watched = needed;
	vm->hooks->watch(vm->hooks->context, needed ? vm->watch_ms : 0);
}

void run_watch_closely(struct vm *vm)
{
	vm->watch_ms = RUN_WATCH_MS;
	vm->is_watched = false;
	if (vm->state == VM_RUNNING)
		run_watch(vm);
}

static void run_watch_less(struct vm *vm)
{
	if (vm->watch_ms < RUN_WATCH_MAX_MS)
		vm->watch_ms *= 2;
	run_watch(vm);
}

void run_on_watch(struct vm *vm)
{
	const struct plant *lost;

	vm->is_watched = false;
	if (vm->state != VM_RUNNING)
		return; /* the next resume looks after everything */
	lost = plant_find_lost(&vm->plants);
	if (lost)
		vm_say(vm,
			"the guest has overwritten the breakpoint at guest-physical 0x%llx: it is "
			"set anew",
			(unsigned long long)lost->gpa);
	if (!vm->over && (lost || run_has_waiting(vm)))
		run_refresh(vm);
	else
		run_watch_less(vm);
}
