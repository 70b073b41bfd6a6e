/* SPDX-License-Identifier: Apache-2.0 */
/* All-stop run control: see run_control.h. */
#include <errno.h>
#include <string.h>
#include "kvm/run_control.h"
#include "kvm/view.h"

/* So many steps of a range at most before the owner's loop has its turn, and hears an interrupt. */
enum { RUN_POLL_BURST = 128 };

static void run_go(struct vm *vm);
static void run_settle(struct vm *vm);
static void run_over_end(struct vm *vm);

/* ---- small questions --------------------------------------------------------------------- */

static gva_t run_pc(struct vm *vm, struct vcpu *vcpu)
{
	if (vcpu_fetch(vcpu, CPU_STOP, vm->call_timeout_ms) < 0)
		return 0;
	return vm->arch->pc(&vcpu->cpu);
}

/* The plant on the instruction that vcpu is about to execute, or NULL. */
static struct plant *run_plant_at(struct vm *vm, struct vcpu *vcpu, gva_t pc)
{
	struct view view = { .vm = vm, .vcpu = vcpu };
	struct translation translation;

	if (!vm->plants.count || view_translate(&view, pc, &translation) != 1)
		return NULL;
	return plant_find(&vm->plants, translation.gpa);
}

/* By single instructions, one or many. */
static bool run_steps(const struct vcpu *vcpu)
{
	return vcpu->wish.action == TARGET_STEP || vcpu->wish.action == TARGET_STEP_RANGE;
}

static bool run_is_running(const struct vcpu *vcpu)
{
	return vcpu->state == VCPU_RUNNING;
}

/*
 * Our instruction, reached by an address that nobody set a breakpoint at (another mapping of the
 * page): ours all the same, so it is passed in silence.
 */
static bool run_is_alias(struct vm *vm, struct vcpu *vcpu, gva_t pc)
{
	struct view view = { .vm = vm, .vcpu = vcpu };
	struct translation translation;

	return view_translate(&view, pc, &translation) == 1 &&
	       !breakpoint_exists(&vm->table, pc, translation.gpa);
}

static bool run_all_parked(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (run_is_running(&vm->vcpus[i]))
			return false;
	return true;
}

static bool run_passes(const struct vcpu *vcpu, gva_t pc)
{
	return vcpu->pass && vcpu->pass_pc == pc;
}

/* True when a debug register of ours would stop vcpu again before it has executed anything. */
static bool run_passes_point(struct vm *vm, const struct vcpu *vcpu, gva_t pc)
{
	return run_passes(vcpu, pc) &&
	       (vcpu->pass_watch ? vm->table.point_count > 0 : breakpoint_point_at(&vm->table, pc));
}

static void run_timer(struct vm *vm, int ms)
{
	vm->hooks->timer(vm->hooks->context, ms);
}

/* ---- reporting --------------------------------------------------------------------------- */

static void run_report(struct vm *vm, const struct target_stop *stop)
{
	vm->report = *stop;
	vm->deferred = true;
	if (stop->thread)
		vm->last_thread = stop->thread;
}

void run_deliver(struct vm *vm)
{
	struct target_stop stop = vm->report;

	if (!vm->deferred)
		return;
	vm->deferred = false;
	vm->stop_wanted = false;
	if (vm->target.listener)
		vm->target.listener->ops->on_stop(vm->target.listener, &stop);
}

/* The VMM is gone: the end of everything but the news of it. */
static void run_gone(struct vm *vm)
{
	struct target_stop stop = { .reason = TARGET_STOP_GONE };
	bool owed = vm->state == VM_RUNNING || vm->state == VM_STOPPING || vm->deferred;

	if (vm->state == VM_GONE)
		return;
	run_timer(vm, 0);
	vm->state = VM_GONE;
	vm->over = NULL;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vm->vcpus[i].state = VCPU_LOST;
	breakpoint_clear(&vm->table);
	plant_clear(&vm->plants); /* the memory may outlive the VMM */
	if (owed && !vm->release_wanted)
		run_report(vm, &stop);
}

/* ---- stopping ---------------------------------------------------------------------------- */

static void run_kick_all(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vcpu_kick(&vm->vcpus[i]) < 0) {
			run_gone(vm);
			return;
		}
}

static void run_begin_stop(struct vm *vm)
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

int run_stop(struct vm *vm)
{
	if (vm->state == VM_GONE)
		return -ENODEV;
	if (vm->state == VM_STOPPED)
		return -EALREADY;
	vm->stop_wanted = true;
	run_begin_stop(vm);
	return 0;
}

void run_release(struct vm *vm)
{
	run_begin_stop(vm);
}

/* Keeps what happened to a vCPU, and stops the others so that it can be told. */
static void run_hit(
	struct vm *vm, struct vcpu *vcpu, enum target_stop_reason reason, uint64_t address)
{
	vcpu->has_hit = true;
	vcpu->hit = (struct target_stop){
		.thread = vcpu->index + 1, .reason = reason, .address = address
	};
	vcpu->hit_pc = run_pc(vm, vcpu);
	run_begin_stop(vm);
}

/*
 * The hit to tell of first: anything that happened comes before the mere end of a step.  A vCPU
 * that was not resumed keeps its hit: a debugger that let one thread go expects news of that one.
 */
static struct vcpu *run_choose_hit(struct vm *vm)
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
static void run_report_hit(struct vm *vm, struct vcpu *vcpu)
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
		vcpu->pass_trap = reason == TARGET_STOP_SWBREAK;
	}
	run_report(vm, &vcpu->hit);
}

unsigned run_first_parked(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i].state == VCPU_PARKED)
			return i + 1;
	return 1;
}

/* The thread to show when nothing happened but the wish to stop. */
static void run_report_quiet(struct vm *vm)
{
	struct target_stop stop = { .reason = TARGET_STOP_INTERRUPT, .thread = vm->last_thread };

	if (!stop.thread || vm->vcpus[stop.thread - 1].state != VCPU_PARKED)
		stop.thread = run_first_parked(vm);
	run_report(vm, &stop);
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
	} else if (vm->has_end) {
		vm->state = VM_STOPPED;
		vm->has_end = false;
		run_report(vm, &vm->end);
	} else if (hit) {
		vm->state = VM_STOPPED;
		run_report_hit(vm, hit);
	} else if (vm->stop_wanted) {
		vm->state = VM_STOPPED;
		run_report_quiet(vm);
	} else {
		run_go(vm); /* an internal stop: nobody asked, nobody is told */
	}
}

/* ---- running ----------------------------------------------------------------------------- */

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
	vm->arch->step_begin(&vcpu->cpu, &memory, code, have, &vcpu->step);
	vcpu->step.from = pc;
	vcpu->stepping = true;
}

/* What was lifted for the vCPU that ran alone comes back. */
static void run_over_end(struct vm *vm)
{
	struct plant *plant = plant_find(&vm->plants, vm->over_gpa);

	vm->over = NULL;
	if (plant && plant_restore(&vm->plants, plant) < 0)
		vm_say(vm, "the memory under a breakpoint at guest-physical 0x%llx is gone",
			(unsigned long long)vm->over_gpa);
}

/* What a step has left behind in registers and memory is taken back. */
static void run_step_clean(struct vm *vm, struct vcpu *vcpu)
{
	struct view view = { .vm = vm, .vcpu = vcpu };
	struct guest_memory memory = view_memory(&view);

	if (!vcpu->stepping)
		return;
	vcpu->stepping = false;
	vcpu_fetch(vcpu, CPU_STOP, vm->call_timeout_ms);
	vm->arch->step_end(&vcpu->cpu, &memory, &vcpu->step);
}

/* The step is over, or given up. */
static void run_step_end(struct vm *vm, struct vcpu *vcpu)
{
	run_step_clean(vm, vcpu);
	vcpu->errand = VCPU_FREE;
	if (vm->over == vcpu)
		run_over_end(vm);
}

static struct debug_request run_request(struct vm *vm, const struct vcpu *vcpu)
{
	struct debug_request request = { .software = vm->plants.count > 0 };

	if (vm->state == VM_FREE)
		return (struct debug_request){ 0 };
	if (vcpu->errand != VCPU_SILENT) {
		request.points = vm->table.points;
		request.point_count = vm->table.point_count;
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

static void run_inject(struct vm *vm, struct vcpu *vcpu)
{
	const struct arch *arch = vm->arch;

	if (vcpu->inject.kind == INJECT_NONE)
		return;
	vcpu_fetch(vcpu, arch->injection_groups(&vcpu->inject), vm->call_timeout_ms);
	arch->inject(&vcpu->cpu, &vcpu->inject);
}

static void run_launch(struct vm *vm, struct vcpu *vcpu, enum vcpu_errand errand)
{
	const struct arch *arch = vm->arch;
	struct debug_request request;
	uint32_t groups;
	int rc = vcpu_fetch(vcpu, CPU_STOP, vm->call_timeout_ms);

	if (rc == 0) {
		run_inject(vm, vcpu);
		vcpu->errand = errand;
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

/*
 * True when vcpu cannot go on without the original instruction under our breakpoint being put back for
 * it.
 */
static bool run_needs_lift(struct vm *vm, struct vcpu *vcpu, struct plant **plant)
{
	gva_t pc = run_pc(vm, vcpu);

	*plant = run_plant_at(vm, vcpu, pc);
	if (run_owes_breakpoint(vm, vcpu, pc))
		return false;
	return *plant && (run_steps(vcpu) || run_passes(vcpu, pc));
}

/* Alone: every other vCPU is parked while the breakpoint is out of memory. */
static void run_alone(struct vm *vm, struct vcpu *vcpu, struct plant *plant)
{
	vm->over = vcpu;
	vm->over_gpa = plant->gpa;
	if (plant_lift(&vm->plants, plant) < 0)
		vm_say(vm, "the memory under a breakpoint at guest-physical 0x%llx is gone",
			(unsigned long long)plant->gpa);
	if (!run_steps(vcpu))
		run_timer(vm, vm->stop_timeout_ms);
	run_launch(vm, vcpu, run_steps(vcpu) ? VCPU_STEP : VCPU_OVER);
}

static void run_start(struct vm *vm, struct vcpu *vcpu)
{
	enum vcpu_errand errand = VCPU_FREE;

	if (run_steps(vcpu))
		errand = VCPU_STEP;
	else if (vcpu->inject.kind == INJECT_NONE && run_passes_point(vm, vcpu, run_pc(vm, vcpu)))
		errand = VCPU_OVER;
	run_launch(vm, vcpu, errand);
}

/* Lets go whom the actions in force let go; first, one at a time, those that must go alone. */
static void run_go(struct vm *vm)
{
	struct plant *plant;

	vm->state = VM_RUNNING;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		if (vcpu->state == VCPU_PARKED && vcpu->wish.action != TARGET_STAY &&
			run_needs_lift(vm, vcpu, &plant)) {
			run_alone(vm, vcpu, plant);
			return;
		}
	}
	for (unsigned i = 0; i < vm->vcpu_count && vm->state == VM_RUNNING; i++)
		if (vm->vcpus[i].state == VCPU_PARKED && vm->vcpus[i].wish.action != TARGET_STAY)
			run_start(vm, &vm->vcpus[i]);
}

/* A vCPU that came out for something that concerns nobody goes on. */
static void run_again(struct vm *vm, struct vcpu *vcpu)
{
	struct plant *plant;

	if (vm->state != VM_RUNNING || vm->over || vcpu->wish.action == TARGET_STAY)
		return; /* its turn comes with run_go() */
	if (!run_needs_lift(vm, vcpu, &plant))
		run_start(vm, vcpu);
	else
		run_begin_stop(vm); /* internal: run_settle() finds nothing to tell, and goes on */
}

/* ---- resuming ---------------------------------------------------------------------------- */

/* A kept hit counts only while what it hit is still asked for. */
static bool run_hit_stands(struct vm *vm, struct vcpu *vcpu)
{
	struct view view = { .vm = vm, .vcpu = vcpu };
	struct translation translation;
	gva_t pc = run_pc(vm, vcpu);

	if (!vcpu->has_hit || vcpu->hit_pc != pc)
		return false;
	switch (vcpu->hit.reason) {
	case TARGET_STOP_SWBREAK:
		return view_translate(&view, pc, &translation) == 1 &&
		       breakpoint_exists(&vm->table, pc, translation.gpa);
	case TARGET_STOP_HWBREAK:
		return breakpoint_point_at(&vm->table, pc);
	case TARGET_STOP_WATCH:
	case TARGET_STOP_RWATCH:
	case TARGET_STOP_AWATCH:
		return breakpoint_watches(&vm->table, vcpu->hit.address);
	case TARGET_STOP_CRASHED:
		return true;
	default:
		return false;
	}
}

/* The debugger moved pc: what was due at the old one is not due any more. */
static void run_forget_moved(struct vm *vm, struct vcpu *vcpu)
{
	gva_t pc = run_pc(vm, vcpu);

	if (vcpu->pass_pc != pc)
		vcpu->pass = false;
	if (vcpu->inject_pc != pc)
		vcpu->inject.kind = INJECT_NONE;
}

int run_resume(struct vm *vm, const struct target_resume *threads)
{
	bool any = false;
	int rc;

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		any = any || threads[i].action != TARGET_STAY;
	if (!any)
		return -EINVAL;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		vcpu->wish = threads[i];
		if (vcpu->state != VCPU_PARKED || vcpu->wish.action == TARGET_STAY)
			continue;
		if (run_hit_stands(vm, vcpu)) {
			run_report_hit(vm, vcpu);
			return 0;
		}
		vcpu->has_hit = false;
		run_forget_moved(vm, vcpu);
	}
	rc = plant_sync(&vm->plants, &vm->table);
	if (rc < 0)
		vm_say(vm, "not every breakpoint could be planted: %s", strerror(-rc));
	run_go(vm);
	return 0;
}

void run_free(struct vm *vm)
{
	vm->release_wanted = false;
	vm->has_end = false;
	breakpoint_clear(&vm->table);
	plant_clear(&vm->plants);
	run_timer(vm, 0);
	vm->over = NULL; /* its plant went with the others */
	vm->state = VM_FREE;
	for (unsigned i = 0; i < vm->vcpu_count && vm->state == VM_FREE; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		vcpu->has_hit = vcpu->pass = false;
		vcpu->wish = (struct target_resume){ .action = TARGET_CONTINUE };
		if (vcpu->state != VCPU_PARKED)
			continue;
		run_forget_moved(vm, vcpu);
		run_launch(vm, vcpu, VCPU_FREE);
	}
}

/* ---- what a vCPU came out with ----------------------------------------------------------- */

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

static void run_pass_alias(struct vm *vm, struct vcpu *vcpu, gva_t pc)
{
	vcpu->pass = true;
	vcpu->pass_pc = pc;
	vcpu->pass_watch = false;
	vcpu->pass_trap = true;
	run_again(vm, vcpu);
}

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
	else if (run_plant_at(vm, vcpu, pc) && !run_is_alias(vm, vcpu, pc))
		run_hit(vm, vcpu, TARGET_STOP_SWBREAK, 0);
	else if (breakpoint_point_at(&vm->table, pc))
		run_hit(vm, vcpu, TARGET_STOP_HWBREAK, 0);
	else if (vm->state == VM_RUNNING && alone)
		run_go(vm);
	else
		run_again(vm, vcpu);
}

/* The step in progress has ended; errand is what it was for. */
static void run_on_step_done(struct vm *vm, struct vcpu *vcpu, enum vcpu_errand errand)
{
	bool alone = vm->over == vcpu;

	run_step_end(vm, vcpu);
	if ((errand == VCPU_STEP || errand == VCPU_SILENT) && run_steps(vcpu))
		run_on_stepped(vm, vcpu, alone);
	else if (vm->state == VM_RUNNING && alone)
		run_go(vm);
	else if (vm->state == VM_RUNNING)
		run_again(vm, vcpu);
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
	if (alone && vm->state == VM_RUNNING)
		run_go(vm);
	else
		run_again(vm, vcpu);
}

/* The instruction at pc has not been executed, and is to be without the debug registers. */
static bool run_goes_silently(
	const struct vm *vm, const struct vcpu *vcpu, const struct decision *decision)
{
	return vm->state == VM_RUNNING && (!vm->over || vm->over == vcpu) && !decision->report &&
	       (decision->guest_debug_registers || decision->step_silently);
}

static void run_act(struct vm *vm, struct vcpu *vcpu, const struct decision *decision, gva_t pc)
{
	if (decision->inject.kind != INJECT_NONE) {
		vcpu->inject = decision->inject;
		vcpu->inject_pc = pc;
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
	run_step_end(vm, vcpu);
	if (decision->reason == TARGET_STOP_SWBREAK && run_is_alias(vm, vcpu, pc))
		run_pass_alias(vm, vcpu, pc);
	else
		run_hit(vm, vcpu, decision->reason, decision->address);
}

static void run_on_debug(struct vm *vm, struct vcpu *vcpu)
{
	struct debug_event event;
	struct decision decision = { 0 };
	struct debug_request request = run_request(vm, vcpu);
	uint32_t groups = CPU_STOP | vm->arch->debug_groups(&request);
	gva_t pc;

	if (vcpu_fetch(vcpu, groups, vm->call_timeout_ms) < 0 && vcpu->state == VCPU_LOST)
		return;
	pc = vm->arch->pc(&vcpu->cpu);
	run_describe_event(vm, vcpu, &event, pc);
	vm->arch->decide(&event, &decision);
	vm_say_limitations(vm, decision.limitations);
	run_act(vm, vcpu, &decision, pc);
}

/* A step that left for the VMM: KVM may raise no debug exit for it, so pc tells. */
static void run_on_vmm_exit(struct vm *vm, struct vcpu *vcpu)
{
	if (vcpu->stepping && run_pc(vm, vcpu) != vcpu->step.from) {
		run_on_step_done(vm, vcpu, vcpu->errand);
		return;
	}
	run_step_abandon(vm, vcpu);
}

static void run_on_asked(struct vm *vm, struct vcpu *vcpu)
{
	gva_t pc = run_pc(vm, vcpu);
	bool moved = vcpu->stepping && pc != vcpu->step.from;

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

static void run_on_parked(struct vm *vm, struct vcpu *vcpu)
{
	switch (vcpu->port.report.head.reason) {
	case CHANNEL_DEBUG:
		run_on_debug(vm, vcpu);
		vcpu->late = false;
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

void run_look_for_lost(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i].state == VCPU_LOST)
			run_gone(vm);
}

/* Was asked to park, maybe to step, before it was set free. */
static void run_free_late(struct vm *vm, struct vcpu *vcpu)
{
	run_step_end(vm, vcpu);
	run_launch(vm, vcpu, VCPU_FREE);
}

void run_on_readable(struct vm *vm, struct vcpu *vcpu)
{
	int rc;

	if (vcpu->state == VCPU_LOST)
		return;
	rc = vcpu_collect(vcpu);
	if (rc > 0 && vm->state == VM_FREE)
		run_free_late(vm, vcpu);
	else if (rc > 0)
		run_on_parked(vm, vcpu);
	run_look_for_lost(vm);
	if (vm->state == VM_STOPPING && run_all_parked(vm))
		run_settle(vm);
}

/* ---- time -------------------------------------------------------------------------------- */

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
	} else if (vm->state == VM_RUNNING && vm->over) {
		vm_say(vm, "vCPU %u: one instruction past a breakpoint takes more than %d ms",
			vm->over->index, vm->stop_timeout_ms);
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
