/* SPDX-License-Identifier: Apache-2.0 */
/* Letting one vCPU go: see run_private.h. */
#include <errno.h>
#include <string.h>
#include "kvm/run_private.h"

/* ---- small questions ------------------------------------------------------------------------- */

gva_t run_pc(struct vm *vm, struct vcpu *vcpu)
{
	if (vcpu_fetch(vcpu, CPU_STOP, vm->call_timeout_ms) < 0)
		return 0;
	return vm->arch->pc(&vcpu->cpu);
}

struct plant *run_plant_at(struct vm *vm, struct vcpu *vcpu, gva_t pc)
{
	struct view view = { .vm = vm, .vcpu = vcpu };
	struct translation translation;

	if (!vm->plants.count || view_translate(&view, pc, &translation) != 1)
		return NULL;
	return plant_find(&vm->plants, translation.gpa);
}

struct breakpoint *run_breakpoint_at(struct vm *vm, struct vcpu *vcpu, gva_t pc)
{
	struct view view = { .vm = vm, .vcpu = vcpu };
	struct translation translation;

	if (view_translate(&view, pc, &translation) != 1)
		return NULL;
	return breakpoint_find(&vm->table, pc, memory_home(&vm->memory, translation.gpa));
}

bool run_steps(const struct vcpu *vcpu)
{
	return vcpu->wish.action == TARGET_STEP || vcpu->wish.action == TARGET_STEP_RANGE;
}

bool run_point_at(const struct vm *vm, gva_t pc)
{
	for (unsigned i = 0; i < vm->point_count; i++)
		if (vm->points[i].type == TARGET_BREAK_HARDWARE && vm->points[i].gva == pc)
			return true;
	return false;
}

static bool run_passes(const struct vcpu *vcpu, gva_t pc)
{
	return vcpu->pass && vcpu->pass_pc == pc;
}

/* True when a debug register of ours would stop vcpu again before it has executed anything. */
static bool run_passes_point(struct vm *vm, const struct vcpu *vcpu, gva_t pc)
{
	return run_passes(vcpu, pc) &&
	       (vcpu->pass_watch ? vm->point_count > 0 : run_point_at(vm, pc));
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void run_step_begin(struct vm *vm, struct vcpu *vcpu)
{
	struct view view = { .vm = vm, .vcpu = vcpu };
	struct guest_memory memory = view_memory(&view);
	uint8_t code[64];
	gva_t pc = run_pc(vm, vcpu);
	ssize_t length = view_read(&view, pc, code, sizeof(code));
	unsigned have = length > 0 ? (unsigned)length : 0;

	vcpu_fetch(vcpu, vm->arch->step_groups(&vcpu->cpu, code, have), vm->call_timeout_ms);
	memset(&vcpu->step, 0, sizeof(vcpu->step));
	vm->arch->step_begin(&vcpu->cpu, &memory, code, have, vcpu->lends, &vcpu->step);
	vcpu->step.from = pc;
	vcpu->stepping = true;
	vm->counts.steps++;
}

void run_over_end(struct vm *vm)
{
	struct plant *plant = plant_find(&vm->plants, vm->over_gpa);

	vm->over = NULL;
	if (plant && plant_restore(&vm->plants, plant) < 0)
		vm_say(vm, "the memory under a breakpoint at guest-physical 0x%llx is gone",
			(unsigned long long)vm->over_gpa);
}

void run_step_clean(struct vm *vm, struct vcpu *vcpu)
{
	struct view view = { .vm = vm, .vcpu = vcpu };
	struct guest_memory memory = view_memory(&view);

	if (!vcpu->stepping)
		return;
	vcpu->stepping = false;
	vcpu_fetch(vcpu, CPU_STOP, vm->call_timeout_ms);
	vm->arch->step_end(&vcpu->cpu, &memory, &vcpu->step);
}

void run_step_end(struct vm *vm, struct vcpu *vcpu)
{
	run_step_clean(vm, vcpu);
	vcpu->errand = VCPU_FREE;
	if (vm->over == vcpu)
		run_over_end(vm);
}

/* ---- one run --------------------------------------------------------------------------------- */

struct debug_request run_request(struct vm *vm, const struct vcpu *vcpu)
{
	struct debug_request request = {
		.software = vm->plants.count > 0 || vm->stops_at_guests,
	};

	if (vm->state == VM_FREE)
		return (struct debug_request){ 0 };
	if (vcpu->errand != VCPU_SILENT && !vcpu->lends) {
		request.points = vm->points;
		request.point_count = vm->point_count;
	}
	request.skip_at_pc = vcpu->errand != VCPU_FREE;
	request.skip_watch = request.skip_at_pc && vcpu->pass && vcpu->pass_watch;
	if (vcpu->stepping) {
		request.step = vcpu->step.trap;
		request.run_to_count = vcpu->step.run_to_count;
		memcpy(request.run_to, vcpu->step.run_to, sizeof(request.run_to));
	}
	return request;
}

void run_inject(struct vm *vm, struct vcpu *vcpu)
{
	const struct arch *arch = vm->arch;

	if (vcpu->inject.kind == INJECT_NONE)
		return;
	exception_log_add(&vm->exceptions, &vcpu->inject, vcpu->index, vcpu->inject_pc);
	vcpu_fetch(vcpu, arch->injection_groups(&vcpu->inject), vm->call_timeout_ms);
	arch->inject(&vcpu->cpu, &vcpu->inject);
}

void run_launch(struct vm *vm, struct vcpu *vcpu, enum vcpu_errand errand)
{
	const struct arch *arch = vm->arch;
	struct debug_request request;
	uint32_t groups;
	int rc = vcpu_fetch(vcpu, CPU_STOP, vm->call_timeout_ms);

	vm->counts.runs++;
	if (rc == 0) {
		vcpu->lends_at = arch->pc(&vcpu->cpu);
		run_inject(vm, vcpu);
		vcpu->errand = errand;
		vcpu->ends = vm->state != VM_FREE && !vm->is_kept;
		if (errand != VCPU_FREE)
			run_step_begin(vm, vcpu);
		request = run_request(vm, vcpu);
		groups = arch->debug_groups(&request);
		vcpu_fetch(vcpu, groups, vm->call_timeout_ms);
		arch->plan(&vcpu->cpu, &request, &vcpu->plan);
		vm_say_limitations(vm, vcpu->plan.limitations);
		rc = vcpu_launch(vcpu, arch, CPU_STOP | groups);
	}
	if (rc < 0)
		run_gone(vm);
}

/*
 * The guest's own breakpoint instruction, executed as ours, needs no second time: it gets its exception.
 * That ours may have been taken away meanwhile makes no difference.  A second time would be one too
 * many for a debug register of the guest's: its handler has had the first told to pass (RF, x86).
 */
static bool run_owes_breakpoint(struct vm *vm, struct vcpu *vcpu, gva_t pc)
{
	const struct arch *arch = vm->arch;
	struct view view = { .vm = vm, .vcpu = vcpu };
	uint8_t code[4];

	if (!run_passes(vcpu, pc) || !vcpu->pass_trap ||
		view_read(&view, pc, code, arch->breakpoint_length) != arch->breakpoint_length ||
		!arch->is_breakpoint(code, arch->breakpoint_length))
		return false;
	if (vcpu->inject.kind == INJECT_NONE) {
		arch->own_breakpoint(&vcpu->cpu, code, arch->breakpoint_length, &vcpu->inject);
		vcpu->inject_pc = pc;
	}
	return true;
}

bool run_needs_lift(struct vm *vm, struct vcpu *vcpu, struct plant **plant)
{
	gva_t pc = run_pc(vm, vcpu);

	*plant = run_plant_at(vm, vcpu, pc);
	if (run_owes_breakpoint(vm, vcpu, pc))
		return false;
	return *plant && (run_steps(vcpu) || run_passes(vcpu, pc));
}

void run_alone(struct vm *vm, struct vcpu *vcpu, struct plant *plant)
{
	vm->over = vcpu;
	vm->over_gpa = plant->gpa;
	if (plant_lift(&vm->plants, plant) < 0)
		vm_say(vm, "the memory under a breakpoint at guest-physical 0x%llx is gone",
			(unsigned long long)plant->gpa);
	if (!run_steps(vcpu) || vm->non_stop)
		run_timer(vm, vm->stop_timeout_ms);
	run_launch(vm, vcpu, run_steps(vcpu) ? VCPU_STEP : VCPU_OVER);
}

void run_start(struct vm *vm, struct vcpu *vcpu)
{
	enum vcpu_errand errand = VCPU_FREE;

	if (run_steps(vcpu))
		errand = VCPU_STEP;
	else if (vcpu->inject.kind == INJECT_NONE && run_passes_point(vm, vcpu, run_pc(vm, vcpu)))
		errand = VCPU_OVER;
	else if (vcpu->lends && vm->point_count)
		errand = VCPU_SILENT;
	run_launch(vm, vcpu, errand);
}

void run_forget_moved(struct vm *vm, struct vcpu *vcpu)
{
	gva_t pc = run_pc(vm, vcpu);

	if (vcpu->pass_pc != pc)
		vcpu->pass = false;
	if (vcpu->inject_pc != pc)
		vcpu->inject.kind = INJECT_NONE;
}
