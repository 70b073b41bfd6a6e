/* SPDX-License-Identifier: Apache-2.0 */
/* What a vCPU came out with, and what that means: see run_private.h. */
#include <errno.h>
#include <string.h>
#include "kvm/hit.h"
#include "kvm/run_private.h"

static void run_describe_event(
	struct vm *vm, struct vcpu *vcpu, struct debug_event *event, gva_t pc)
{
	struct view view = { .vm = vm, .vcpu = vcpu };
	struct plant *plant = run_plant_at(vm, vcpu, pc);
	ssize_t length;

	*event = (struct debug_event){
		.cpu = &vcpu->cpu,
		.exit = vcpu->port.report.head.debug,
		.plan = &vcpu->plan,
		.step = vcpu->stepping ? &vcpu->step : NULL,
		.planted = plant && !plant->lifted,
		.stale = vcpu->late,
	};
	length = view_read(&view, pc, event->code, sizeof(event->code));
	event->code_length = length > 0 ? (unsigned)length : 0;
}

/* ---- breakpoints ----------------------------------------------------------------------------- */

/* On; with the others, if they have waited for this one. */
static void run_on(struct vm *vm, struct vcpu *vcpu, bool alone)
{
	if (alone && vm->state == VM_RUNNING)
		run_go(vm);
	else
		run_again(vm, vcpu);
}

/* On, past what stands at pc. */
static void run_pass(struct vm *vm, struct vcpu *vcpu, gva_t pc, bool trapped, bool alone)
{
	vcpu->pass = true;
	vcpu->pass_pc = pc;
	vcpu->pass_watch = false;
	vcpu->pass_trap = trapped;
	run_on(vm, vcpu, alone);
}

/*
 * vcpu has come to a breakpoint of ours: by the instruction that we planted (trapped), by a debug
 * register, or by a step.  Ours, reached by an address that nobody set a breakpoint at (another
 * mapping of the page), is passed in silence, and so is one whose conditions say no.
 */
static void run_on_breakpoint(struct vm *vm, struct vcpu *vcpu, gva_t pc, bool trapped, bool alone)
{
	const struct terms *terms = trapped ? NULL : breakpoint_point_terms(&vm->table, pc);
	enum target_stop_reason reason = terms ? TARGET_STOP_HWBREAK : TARGET_STOP_SWBREAK;
	struct breakpoint *breakpoint = terms ? NULL : run_breakpoint_at(vm, vcpu, pc);

	if (breakpoint)
		terms = breakpoint->terms;
	if (!terms || !hit_counts(vm, vcpu, terms, pc)) {
		run_pass(vm, vcpu, pc, trapped, alone);
		return;
	}
	run_hit_breakpoint(vm, vcpu, reason, trapped);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/*
 * A step has led to the next instruction.  A breakpoint there ends a range as it would have stopped
 * a free run; after a single step it is only where the step ends.
 */
static void run_on_stepped(struct vm *vm, struct vcpu *vcpu, bool alone)
{
	const struct target_resume *wish = &vcpu->wish;
	gva_t pc = run_pc(vm, vcpu);

	if (wish->action == TARGET_STEP || pc < wish->start || pc >= wish->end)
		run_hit(vm, vcpu, TARGET_STOP_STEP, 0);
	else if (run_plant_at(vm, vcpu, pc) || run_point_at(vm, pc))
		run_on_breakpoint(vm, vcpu, pc, false, alone);
	else
		run_on(vm, vcpu, alone);
}

/* A watchpoint that does not count is passed as a breakpoint is; behind the access there is no need. */
static void run_on_watchpoint(
	struct vm *vm, struct vcpu *vcpu, const struct decision *decision, gva_t pc, bool alone)
{
	if (hit_watch_counts(vm, vcpu, decision->address)) {
		run_hit(vm, vcpu, decision->reason, decision->address);
		return;
	}
	if (vm->arch->watch_is_fault) {
		vcpu->pass = vcpu->pass_watch = true;
		vcpu->pass_pc = pc;
		vcpu->pass_trap = false;
	}
	if (decision->step_done && run_steps(vcpu))
		run_on_stepped(vm, vcpu, alone);
	else
		run_on(vm, vcpu, alone);
}

/* The step in progress has ended; errand is what it was for. */
static void run_on_step_done(struct vm *vm, struct vcpu *vcpu, enum vcpu_errand errand)
{
	bool alone = vm->over == vcpu;

	run_step_end(vm, vcpu);
	if ((errand == VCPU_STEP || errand == VCPU_SILENT) && run_steps(vcpu))
		run_on_stepped(vm, vcpu, alone);
	else
		run_on(vm, vcpu, alone);
}

/* Parked without a step having been made, if one was to be made: then it is still to be made. */
static void run_step_abandon(struct vm *vm, struct vcpu *vcpu)
{
	bool alone = vm->over == vcpu;

	if (vcpu->stepping && vcpu->errand == VCPU_OVER && vcpu->inject.kind == INJECT_NONE &&
		run_pc(vm, vcpu) == vcpu->step.from) {
		vcpu->pass = true;
		vcpu->pass_pc = vcpu->step.from;
		vcpu->pass_trap = false;
	}
	run_step_end(vm, vcpu);
	run_on(vm, vcpu, alone);
}

/* ---- debug exits ----------------------------------------------------------------------------- */

/* The instruction at pc has not been executed, and is to be without the debug registers. */
static bool run_goes_silently(
	const struct vm *vm, const struct vcpu *vcpu, const struct decision *decision)
{
	return vm->state == VM_RUNNING && (!vm->over || vm->over == vcpu) && !decision->report &&
	       (decision->guest_debug_registers || decision->step_silently);
}

/* The person at the debugger wants to hear of the guest's own before the guest does. */
static bool run_stops_at_guests(const struct vm *vm, const struct decision *decision)
{
	return vm->stops_at_guests && decision->inject.kind != INJECT_NONE && !decision->report;
}

static void run_act(struct vm *vm, struct vcpu *vcpu, const struct decision *decision, gva_t pc)
{
	bool alone;

	if (decision->inject.kind != INJECT_NONE) {
		vcpu->inject = decision->inject;
		vcpu->inject_pc = pc;
	}
	if (run_stops_at_guests(vm, decision)) {
		run_step_end(vm, vcpu);
		run_hit(vm, vcpu, TARGET_STOP_TRAP, 0);
		return;
	}
	if (decision->step_done && !decision->report) {
		if (vcpu->inject.kind == INJECT_SYNC)
			run_inject(vm, vcpu); /* the step ends where the exception leads */
		run_on_step_done(vm, vcpu, vcpu->errand);
		return;
	}
	if (run_goes_silently(vm, vcpu, decision)) {
		run_step_clean(vm, vcpu); /* what is lifted for it stays so */
		run_launch(vm, vcpu, VCPU_SILENT);
		return;
	}
	if (!decision->report) {
		run_step_abandon(vm, vcpu);
		return;
	}
	alone = vm->over == vcpu;
	run_step_end(vm, vcpu);
	if (decision->reason == TARGET_STOP_SWBREAK || decision->reason == TARGET_STOP_HWBREAK)
		run_on_breakpoint(vm, vcpu, pc, decision->reason == TARGET_STOP_SWBREAK, alone);
	else
		run_on_watchpoint(vm, vcpu, decision, pc, alone);
}

/* What the debug exit of vcpu means, and where it is; false: it is lost.  request: by what it came out. */
static bool run_decide(struct vm *vm, struct vcpu *vcpu, const struct debug_request *request,
	struct decision *decision, gva_t *pc)
{
	uint32_t groups = CPU_STOP | vm->arch->debug_groups(request);
	struct debug_event event;

	memset(decision, 0, sizeof(*decision));
	if (vcpu_fetch(vcpu, groups, vm->call_timeout_ms) < 0 && vcpu->state == VCPU_LOST)
		return false;
	*pc = vm->arch->pc(&vcpu->cpu);
	run_describe_event(vm, vcpu, &event, *pc);
	vm->arch->decide(&event, decision);
	return true;
}

static void run_on_debug(struct vm *vm, struct vcpu *vcpu)
{
	struct debug_request request = run_request(vm, vcpu);
	struct decision decision;
	gva_t pc;

	if (!run_decide(vm, vcpu, &request, &decision, &pc))
		return;
	vm_say_limitations(vm, decision.limitations);
	run_act(vm, vcpu, &decision, pc);
}

void run_take_own(struct vm *vm, struct vcpu *vcpu)
{
	static const struct debug_request any = { .software = true, .step = true };
	struct decision decision;
	gva_t pc;

	if (vcpu->port.report.head.reason != CHANNEL_DEBUG ||
		!run_decide(vm, vcpu, &any, &decision, &pc) || decision.inject.kind == INJECT_NONE)
		return;
	vcpu->inject = decision.inject;
	vcpu->inject_pc = pc;
}

/* ---- other exits ----------------------------------------------------------------------------- */

static bool run_is_at_lender(struct vm *vm, struct vcpu *vcpu, gva_t pc)
{
	struct view view = { .vm = vm, .vcpu = vcpu };
	uint8_t code[16];
	ssize_t length = view_read(&view, pc, code, sizeof(code));

	return length > 0 && vm->arch->lends_registers(&vcpu->cpu, code, (unsigned)length);
}

/* Has KVM the debug registers under way to the guest? With guest debug on only if it had before, and has not run since. */
static void run_note_lending(struct vm *vm, struct vcpu *vcpu, gva_t pc)
{
	if (!vm->arch->lends_registers)
		return;
	if (vcpu->plan.control)
		vcpu->lends = vcpu->lends && pc == vcpu->lends_at;
	else
		vcpu->lends = run_is_at_lender(vm, vcpu, pc);
}

/* A step that left for the VMM: KVM may raise no debug exit for it, so pc tells. */
static void run_on_vmm_exit(struct vm *vm, struct vcpu *vcpu)
{
	gva_t pc = run_pc(vm, vcpu);

	run_note_lending(vm, vcpu, pc);
	if (vcpu->stepping && pc != vcpu->step.from) {
		run_on_step_done(vm, vcpu, vcpu->errand);
		return;
	}
	run_step_abandon(vm, vcpu);
}

static void run_on_asked(struct vm *vm, struct vcpu *vcpu)
{
	gva_t pc = run_pc(vm, vcpu);
	bool moved = vcpu->stepping && pc != vcpu->step.from;

	run_note_lending(vm, vcpu, pc);
	if (moved && vcpu->step.trap) {
		run_on_step_done(vm, vcpu, vcpu->errand);
		return;
	}
	run_step_abandon(vm, vcpu);
}

/* KVM_RUN failed: the VMM will be told when the vCPU goes on; the debugger first. */
static void run_on_failed(struct vm *vm, struct vcpu *vcpu)
{
	run_step_end(vm, vcpu);
	vm_say(vm, "vCPU %u: KVM_RUN failed: %s", vcpu->index,
		strerror(vcpu->port.report.head.run_errno));
	run_hit(vm, vcpu, TARGET_STOP_CRASHED, 0);
}

/*
 * KVM refused what the vCPU was to run with.  An exception that waits in KVM goes first: the
 * instruction that owes the guest another one is executed again after it.
 */
static void run_on_refused(struct vm *vm, struct vcpu *vcpu)
{
	struct results results;
	const void *bytes;
	size_t size;
	int rc = 0;

	port_results(&vcpu->port, &results);
	while (results.left)
		rc = results_next(&results, &bytes, &size);
	if (rc == -EBUSY) {
		run_step_abandon(vm, vcpu);
		return;
	}
	run_step_end(vm, vcpu);
	vm_say(vm, "vCPU %u: KVM refused its registers: %s", vcpu->index, strerror(-rc));
	run_hit(vm, vcpu, TARGET_STOP_CRASHED, 0);
}

/*
 * The guest's end, or its reset, which its VMM has not heard of: it will when the vCPU goes on.  On SVM KVM
 * has reset the vCPU's registers by then (svm.c, shutdown_interception()); elsewhere they are as they were.
 */
static void run_on_ending(struct vm *vm, struct vcpu *vcpu)
{
	enum channel_ending ending = vcpu->port.report.head.debug[0];

	if (ending == CHANNEL_CRASH) {
		run_step_end(vm, vcpu);
		vm->crash_told = true;
		vm_say(vm,
			"vCPU %u: the guest has crashed (KVM exit %u); its VMM hears of it when it "
			"goes on",
			vcpu->index, vcpu->port.report.head.exit_reason);
		run_hit(vm, vcpu, TARGET_STOP_CRASHED, 0);
	} else if (ending == CHANNEL_RESET && vm->stop_at_reset) {
		run_step_end(vm, vcpu);
		vm_say(vm, "vCPU %u: the guest asks for its reset, which comes when it goes on",
			vcpu->index);
		run_hit(vm, vcpu, TARGET_STOP_TRAP, 0);
	} else {
		run_step_abandon(vm, vcpu);
	}
}

/* It has not run yet, and is to be looked at before it does. */
static void run_on_held(struct vm *vm, struct vcpu *vcpu)
{
	if (!vm->non_stop) {
		run_on_asked(vm, vcpu);
		return;
	}
	run_note_lending(vm, vcpu, run_pc(vm, vcpu));
	vcpu->halt_reason = TARGET_STOP_HALTED;
	run_report_halt(vm, vcpu);
}

void run_on_parked(struct vm *vm, struct vcpu *vcpu)
{
	switch (vcpu->port.report.head.reason) {
	case CHANNEL_DEBUG:
		vcpu->lends = false;
		run_on_debug(vm, vcpu);
		vcpu->late = false;
		break;
	case CHANNEL_ENDING:
		vcpu->lends = false;
		run_on_ending(vm, vcpu);
		break;
	case CHANNEL_HELD:
		run_on_held(vm, vcpu);
		break;
	case CHANNEL_VMM_EXIT:
		run_on_vmm_exit(vm, vcpu);
		break;
	case CHANNEL_FAILED:
		run_on_failed(vm, vcpu);
		break;
	case CHANNEL_PARKED:
		run_on_refused(vm, vcpu);
		break;
	default:
		run_on_asked(vm, vcpu);
		break;
	}
}
