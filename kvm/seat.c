/* SPDX-License-Identifier: Apache-2.0 */
/* One debugger's place at a guest: see seat.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "kvm/linux_guest.h"
#include "kvm/monitor.h"
#include "kvm/run_control.h"
#include "kvm/seat.h"
#include "kvm/view.h"

static struct seat *seat_of(struct target *target)
{
	return (struct seat *)((char *)target - offsetof(struct seat, target));
}

/* ---- who may what ------------------------------------------------------------------------ */

static bool seat_drives(const struct seat *seat)
{
	return seat->vm->driver == seat;
}

/* A guest that was kept for the next debugger has one again; what another has been told is news to this one. */
static void seat_drive(struct seat *seat)
{
	seat->vm->driver = seat;
	seat->vm->is_kept = false;
	for (unsigned i = 0; i < seat->vm->vcpu_count; i++)
		seat->vm->vcpus[i].hit_told = false;
}

bool seat_may_drive(struct seat *seat)
{
	if (!seat->vm->driver && !seat->vm->non_stop)
		seat_drive(seat);
	return seat->vm->non_stop || seat_drives(seat);
}

void seat_take_wheel(struct seat *seat)
{
	struct seat *before = seat->vm->driver;

	if (seat->vm->non_stop || before == seat)
		return;
	seat_drive(seat);
	if (before)
		seat_on_message(before, "another debugger drives this guest now: what you set no "
					"longer stops it ('monitor drive' takes it back)");
}

/* 0 and a view through a thread that may be looked at now, or why not. */
static int seat_look(struct seat *seat, unsigned thread, struct view *view)
{
	struct vm *vm = seat->vm;

	*view = (struct view){ .vm = vm, .vcpu = vm_thread(vm, thread) };
	if (vm->state == VM_GONE || seat->has_left)
		return -ENODEV;
	if (!view->vcpu)
		return run_is_held(vm) ? -ESRCH : -EBUSY;
	if (run_is_held(vm) || (vm->non_stop && run_is_at_rest(view->vcpu)))
		return 0;
	return -EBUSY;
}

/* The same for what changes the whole guest. */
static int seat_change(struct seat *seat, unsigned thread, struct view *view)
{
	int rc = seat_look(seat, thread, view);

	if (rc == 0 && !run_is_held(seat->vm))
		rc = -EBUSY;
	if (rc == 0 && !seat_may_drive(seat))
		rc = -EPERM;
	return rc;
}

/* ---- always legal ------------------------------------------------------------------------ */

/* As this debugger numbers them; NULL while nobody knows. */
static struct register_set *seat_registers(struct seat *seat)
{
	if (seat->registers)
		return seat->registers;
	return vm_learn_registers(seat->vm) ? &seat->vm->registers : NULL;
}

/* The architecture's number of a register, or -ENOENT; -ENODATA while nobody knows. */
static int seat_own_register(struct seat *seat, unsigned number)
{
	struct register_set *registers = seat_registers(seat);

	return registers ? register_set_find(registers, number) : -ENODATA;
}

static const struct target_description *seat_description(struct target *target)
{
	struct register_set *registers = seat_registers(seat_of(target));

	return registers ? &registers->description : NULL;
}

static void seat_renew_description(struct target *target, unsigned thread)
{
	struct seat *seat = seat_of(target);
	struct vm *vm = seat->vm;
	struct vcpu *vcpu = vm_thread(vm, thread);
	int wanted = seat->wanted_view;

	if (wanted == SEAT_FITTING_VIEW)
		wanted = vcpu && vcpu_fetch(vcpu, CPU_STOP, vm->call_timeout_ms) == 0
				 ? vm->arch->view_fitting(&vcpu->cpu)
				 : SEAT_OWN_VIEW;
	seat->registers = wanted >= 0 && vm_learn_registers(vm) ? &vm->views[wanted] : NULL;
}

static unsigned seat_thread_count(struct target *target)
{
	return seat_of(target)->vm->vcpu_count;
}

static void seat_thread_describe(struct target *target, unsigned thread, char *text, size_t size)
{
	struct vm *vm = seat_of(target)->vm;
	struct vcpu *vcpu = vm_thread(vm, thread);
	char state[128] = "running";

	if (!vcpu || !size)
		return;
	if (vcpu->state == VCPU_LOST)
		snprintf(state, sizeof(state), "gone");
	else if (vcpu->state == VCPU_RUNNING && vm->state == VM_STOPPED)
		snprintf(state, sizeof(state), "busy in the VMM, not stopped");
	else if (vcpu->state == VCPU_PARKED && (!vm->non_stop || run_is_at_rest(vcpu))) {
		vcpu_fetch(vcpu, CPU_STOP | CPU_MP, vm->call_timeout_ms);
		vm->arch->describe(&vcpu->cpu, state, sizeof(state));
	}
	snprintf(text, size, "vCPU %u, %s", vcpu->index, state);
}

static bool seat_is_stopped(struct target *target)
{
	const struct seat *seat = seat_of(target);

	if (seat->waits || seat->has_left)
		return false;
	return !seat_drives(seat) ? seat->vm->driver != NULL
				  : seat->vm->state == VM_STOPPED && !seat->vm->deferred;
}

static bool seat_thread_is_stopped(struct target *target, unsigned thread)
{
	struct vm *vm = seat_of(target)->vm;
	struct vcpu *vcpu = vm_thread(vm, thread);

	if (!vm->non_stop)
		return seat_is_stopped(target);
	return vcpu && run_is_at_rest(vcpu) && !vcpu->has_news;
}

static bool seat_thread_take_stop(struct target *target, unsigned thread, struct target_stop *stop)
{
	struct seat *seat = seat_of(target);
	struct vcpu *vcpu = vm_thread(seat->vm, thread);

	return vcpu && seat_drives(seat) && !seat->vm->non_stop &&
	       run_tell_hit(seat->vm, vcpu, stop);
}

static unsigned seat_count(const struct vm *vm)
{
	unsigned count = 0;

	for (unsigned i = 0; i < VM_MAX_SEATS; i++)
		count += vm->seats[i] != NULL;
	return count;
}

static int seat_set_non_stop(struct target *target, bool on)
{
	struct seat *seat = seat_of(target);
	struct vm *vm = seat->vm;

	if (vm->state == VM_GONE || seat->has_left)
		return -ENODEV;
	if (vm->non_stop == on)
		return 0;
	if (seat_count(vm) > 1)
		return -EBUSY;
	seat->waits = false;
	if (on)
		run_begin_non_stop(vm);
	else
		vm->non_stop = false;
	vm->driver = on ? NULL : seat;
	vm->is_kept = false;
	return 0;
}

/* ---- holding ----------------------------------------------------------------------------- */

static int seat_hold_all(struct seat *seat)
{
	int rc;

	if (seat->holds)
		return 0;
	seat->wants_hold = true;
	rc = run_hold(seat->vm);
	if (rc == -EINPROGRESS)
		return rc;
	seat->wants_hold = false;
	seat->holds = rc == 0;
	return rc;
}

static int seat_stop(struct target *target);

/* Who attaches first drives, and stops the guest. */
static int seat_hold(struct target *target, unsigned thread)
{
	struct seat *seat = seat_of(target);
	struct vm *vm = seat->vm;
	struct vcpu *vcpu = vm_thread(vm, thread);
	int rc;

	if (vm->state == VM_GONE || seat->has_left)
		return -ENODEV;
	if (vm->non_stop)
		return vcpu && run_is_at_rest(vcpu) ? 0 : seat_hold_all(seat);
	if (!vm->driver && (vm->state == VM_FREE || vm->is_kept))
		seat_drive(seat);
	if (!seat_drives(seat))
		return seat_hold_all(seat);
	if (run_is_held(vm))
		return 0;
	rc = seat_stop(target);
	return rc == 0 || rc == -EALREADY ? -EINPROGRESS : rc;
}

static void seat_unhold(struct target *target)
{
	struct seat *seat = seat_of(target);

	seat->holds = seat->wants_hold = false;
	run_unhold(seat->vm);
}

/* ---- running ----------------------------------------------------------------------------- */

/* One that runs; the one that spoke last, if it does. */
static int seat_stop_one(struct vm *vm)
{
	unsigned first = vm->last_thread ? vm->last_thread - 1 : 0;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = &vm->vcpus[(first + i) % vm->vcpu_count];

		if (vcpu->wish.action == TARGET_STAY || vcpu->wish.action == TARGET_HALT)
			continue;
		run_halt(vm, vcpu, TARGET_STOP_INTERRUPT);
		return 0;
	}
	return -EALREADY;
}

static int seat_stop(struct target *target)
{
	struct seat *seat = seat_of(target);
	int rc;

	if (seat->vm->state == VM_GONE || seat->has_left)
		return -ENODEV;
	if (seat->vm->non_stop)
		return seat_stop_one(seat->vm);
	if (!seat_may_drive(seat)) {
		seat->interrupted = seat->waits;
		return seat->waits ? 0 : -EALREADY;
	}
	rc = run_stop(seat->vm);
	if (rc == 0 || seat->vm->deferred)
		seat->waits = true;
	return rc;
}

/*
 * An observer may have let go of some threads alone; gdb 13 fails when it then hears of another one.  So
 * the stop is told as the first one's of those: 0 when all were let go.
 */
static unsigned seat_only_thread(const struct vm *vm, const struct target_resume *threads)
{
	unsigned only = 0;

	for (unsigned i = vm->vcpu_count; i--;)
		if (threads[i].action != TARGET_STAY)
			only = i + 1;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (threads[i].action == TARGET_STAY)
			return only;
	return 0;
}

static int seat_resume(struct target *target, const struct target_resume *threads)
{
	struct seat *seat = seat_of(target);
	struct vm *vm = seat->vm;
	int rc = 0;

	if (vm->state == VM_GONE || seat->has_left)
		return -ENODEV;
	if (vm->non_stop)
		return run_resume(vm, threads);
	if (seat->waits)
		return -EBUSY;
	if (seat_may_drive(seat) && vm->state == VM_STOPPED && !vm->deferred)
		rc = run_resume(vm, threads);
	else if (seat_drives(seat) && vm->state != VM_HELD && vm->state != VM_RUNNING)
		rc = -EBUSY;
	seat->waits = rc == 0;
	seat->waits_for = seat_drives(seat) ? 0 : seat_only_thread(vm, threads);
	return rc;
}

/* ---- registers and memory ---------------------------------------------------------------- */

static int seat_register_read(struct target *target, unsigned thread, unsigned number, void *value)
{
	struct view view;
	int own, rc = seat_look(seat_of(target), thread, &view);

	if (rc < 0)
		return rc;
	own = seat_own_register(seat_of(target), number);
	return own < 0 ? own : vm_read_own_register(view.vm, view.vcpu, (unsigned)own, value);
}

static int seat_register_write(
	struct target *target, unsigned thread, unsigned number, const void *value)
{
	struct seat *seat = seat_of(target);
	struct view view;
	int own, rc = seat_look(seat, thread, &view);

	if (rc == 0 && view.vm->non_stop && !run_is_at_rest(view.vcpu))
		rc = -EBUSY;
	if (rc == 0 && !seat_may_drive(seat))
		rc = -EPERM;
	if (rc < 0)
		return rc;
	own = seat_own_register(seat, number);
	return own < 0 ? own : vm_write_own_register(view.vm, view.vcpu, (unsigned)own, value);
}

static ssize_t seat_memory_read(
	struct target *target, unsigned thread, uint64_t address, void *buf, size_t length)
{
	struct view view;
	int rc = seat_look(seat_of(target), thread, &view);

	return rc < 0 ? rc : view_read(&view, address, buf, length);
}

static int seat_memory_write(
	struct target *target, unsigned thread, uint64_t address, const void *buf, size_t length)
{
	struct view view;
	int rc = seat_change(seat_of(target), thread, &view);

	if (rc < 0)
		return rc;
	view.vm->stale = true; /* what was planted there has been taken out */
	return view_write(&view, address, buf, length);
}

/* Any thread will do: physical memory is the same for all. */
static ssize_t seat_physical_read(struct target *target, uint64_t address, void *buf, size_t length)
{
	struct view view;
	int rc = seat_look(seat_of(target), 1, &view);

	return rc < 0 ? rc : view_read_physical(view.vm, address, buf, length);
}

static int seat_physical_write(
	struct target *target, uint64_t address, const void *buf, size_t length)
{
	struct view view;
	int rc = seat_change(seat_of(target), 1, &view);

	if (rc < 0)
		return rc;
	view.vm->stale = true;
	return view_write_physical(view.vm, address, buf, length);
}

static int seat_memory_region(
	struct target *target, unsigned thread, uint64_t address, struct target_region *region)
{
	struct view view;
	int rc = seat_look(seat_of(target), thread, &view);

	return rc < 0 ? rc : view_region(&view, address, region);
}

/* ---- breakpoints ------------------------------------------------------------------------- */

/* 1 and the instruction's place, 0 when nothing is there yet, -errno. */
static int seat_find_code(const struct view *view, gva_t gva, struct translation *translation)
{
	uint8_t code[4];
	int rc = view_translate(view, gva, translation);

	if (rc == 1 && memory_read(&view->vm->memory, translation->gpa, code,
			       view->vm->arch->breakpoint_length) == 0)
		return 1;
	return rc < 0 && rc != -EFAULT ? rc : 0;
}

/* What no page is there for yet can wait in a debug register, if one is left. */
static int seat_add_pending(struct seat *seat, const struct target_breakpoint_spec *spec)
{
	struct vm *vm = seat->vm;

	if (!breakpoint_find(&vm->table, spec->address, BREAKPOINT_PENDING) &&
		!run_could_promote(vm, spec->address)) {
		vm_say(vm,
			"nothing is mapped at 0x%llx, and no debug register is free to wait there",
			(unsigned long long)spec->address);
		return -EFAULT;
	}
	return breakpoint_add(&vm->table, seat->number, spec, BREAKPOINT_PENDING);
}

/* An instruction that crosses into the next page could not be planted with one store. */
static int seat_insert_software(
	struct seat *seat, struct view *view, const struct target_breakpoint_spec *spec)
{
	const struct arch *arch = view->vm->arch;
	struct translation translation;
	gpa_t home;
	int rc;

	if (spec->length != arch->breakpoint_length ||
		spec->address & (arch->breakpoint_alignment - 1u))
		return -EINVAL;
	rc = seat_find_code(view, spec->address, &translation);
	if (rc == 0)
		return seat_add_pending(seat, spec);
	if (rc < 0)
		return rc;
	home = memory_home(&view->vm->memory, translation.gpa);
	rc = breakpoint_add(&view->vm->table, seat->number, spec, home);
	if (rc == 0)
		breakpoint_find(&view->vm->table, spec->address, home)->is_fragile =
			translation.nsteps == 0;
	return rc;
}

static int seat_insert_point(
	struct seat *seat, struct view *view, const struct target_breakpoint_spec *spec)
{
	struct breakpoint_table *table = &view->vm->table;
	struct vcpu *vcpu = view->vcpu;
	struct hardware_point point = {
		.type = spec->type, .gva = spec->address, .length = spec->length
	};
	int rc = 0;

	if (!breakpoint_has_point(table, &point))
		rc = vcpu_fetch(vcpu, CPU_STOP | CPU_DEBUG, view->vm->call_timeout_ms);
	if (rc == 0 && !breakpoint_has_point(table, &point))
		rc = view->vm->arch->check_point(
			&vcpu->cpu, table->points, table->point_count, &point);
	return rc < 0 ? rc : breakpoint_add_point(table, seat->number, spec);
}

static int seat_breakpoint_insert(
	struct target *target, unsigned thread, const struct target_breakpoint_spec *spec)
{
	struct seat *seat = seat_of(target);
	struct view view;
	int rc = seat_change(seat, thread, &view);

	if (rc < 0)
		return rc;
	if (seat->registers && (spec->condition_count || spec->command_count))
		return -EINVAL; /* code names registers by numbers that are not vm's */
	if (view.vcpu->state != VCPU_PARKED)
		view.vcpu = vm_thread(view.vm, run_first_parked(view.vm)); /* it is for all */
	view.vm->stale = true;
	if (spec->type == TARGET_BREAK_SOFTWARE)
		return seat_insert_software(seat, &view, spec);
	return seat_insert_point(seat, &view, spec);
}

static int seat_breakpoint_remove(struct target *target, unsigned thread,
	enum target_breakpoint type, uint64_t address, uint64_t length)
{
	struct seat *seat = seat_of(target);
	struct hardware_point point = { .type = type, .gva = address, .length = length };
	struct view view;
	int rc = seat_change(seat, thread, &view);

	if (rc < 0)
		return rc;
	view.vm->stale = true;
	if (type == TARGET_BREAK_SOFTWARE)
		breakpoint_remove(&view.vm->table, seat->number, address);
	else
		breakpoint_remove_point(&view.vm->table, seat->number, &point);
	return 0;
}

static int seat_kernel_locate(struct target *target, struct target_kernel *out)
{
	struct linux_kernel kernel;
	struct view view;
	int rc = seat_look(seat_of(target), 1, &view);

	if (rc == 0)
		rc = linux_guest_find_mapped(view.vm, &kernel);
	if (rc == 0)
		*out = (struct target_kernel){
			.base = kernel.base, .has_slide = kernel.has_slide, .slide = kernel.slide
		};
	return rc;
}

static int seat_monitor(
	struct target *target, unsigned thread, const char *line, struct target_text *out)
{
	struct view view;
	int rc = seat_look(seat_of(target), thread, &view);

	return rc < 0 ? rc : monitor_execute(seat_of(target), thread, line, out);
}

/* ---- leaving ----------------------------------------------------------------------------- */

/* The others go on looking at a guest that runs. */
static void seat_leave_others(struct vm *vm, unsigned number, bool drove)
{
	breakpoint_leave(&vm->table, number);
	if (drove)
		run_let_all_go(vm);
	else
		run_refresh(vm);
	run_unhold(vm);
}

/* Vanished: true when what it had stopped stays so, or is kept already; then nothing else is to be done. */
static bool seat_keep(struct seat *seat, bool drove)
{
	struct vm *vm = seat->vm;
	bool is_last = seat_count(vm) == 0;

	if (!vm->keeps)
		return false;
	if (is_last)
		breakpoint_clear(&vm->table);
	else
		breakpoint_leave(&vm->table, seat->number);
	return vm->is_kept || ((drove || (vm->non_stop && is_last)) && run_keep(vm));
}

static void seat_leave(struct seat *seat, bool vanishes)
{
	struct vm *vm = seat->vm;
	bool drove;

	if (seat->has_left)
		return;
	drove = seat_drives(seat);
	seat->has_left = true;
	seat->waits = seat->holds = seat->wants_hold = seat->interrupted = false;
	vm->seats[seat->number] = NULL;
	if (drove)
		vm->driver = NULL;
	if (vanishes && seat_keep(seat, drove)) {
		run_unhold(vm);
	} else if (seat_count(vm) == 0) {
		vm->non_stop = false;
		vm_release(vm);
	} else {
		seat_leave_others(vm, seat->number, drove);
	}
}

static int seat_detach(struct target *target)
{
	struct seat *seat = seat_of(target);

	if (seat->vm->state == VM_GONE || seat->has_left)
		return -ENODEV;
	seat_leave(seat, false);
	return 0;
}

/* ---- what the guest has to tell ---------------------------------------------------------- */

/* As the observer can understand it. */
static struct target_stop seat_translate(const struct seat *seat, const struct target_stop *stop)
{
	if (!seat->waits_for || !stop->thread || stop->thread == seat->waits_for ||
		stop->reason == TARGET_STOP_CRASHED)
		return *stop;
	return (struct target_stop){ .reason = stop->reason == TARGET_STOP_INTERRUPT
						       ? TARGET_STOP_INTERRUPT
						       : TARGET_STOP_QUIET,
		.thread = seat->waits_for };
}

void seat_on_stop(struct seat *seat, const struct target_stop *stop)
{
	struct target_listener *listener = seat->target.listener;
	struct target_stop own = seat_translate(seat, stop);

	if (!seat->vm->non_stop && !seat->waits)
		return;
	seat->waits = seat->interrupted = false;
	seat->waits_for = 0;
	if (listener)
		listener->ops->on_stop(listener, &own);
}

void seat_on_hold(struct seat *seat)
{
	struct target_listener *listener = seat->target.listener;

	if (!seat->wants_hold)
		return;
	seat->wants_hold = false;
	seat->holds = true;
	if (listener)
		listener->ops->on_hold(listener);
	else
		seat_unhold(&seat->target);
}

void seat_on_interrupt(struct seat *seat)
{
	struct target_stop stop = { .reason = TARGET_STOP_INTERRUPT,
		.thread = seat->vm->last_thread ? seat->vm->last_thread : 1 };

	if (seat->interrupted)
		seat_on_stop(seat, &stop);
}

void seat_on_message(struct seat *seat, const char *text)
{
	struct target_listener *listener = seat->target.listener;

	if (listener)
		listener->ops->on_message(listener, text);
}

void seat_on_output(struct seat *seat, const char *text, size_t length)
{
	struct target_listener *listener = seat->target.listener;

	if (listener)
		listener->ops->on_output(listener, text, length);
}

/* ---- life -------------------------------------------------------------------------------- */

static const struct target_ops seat_target_ops = {
	.description = seat_description,
	.renew_description = seat_renew_description,
	.thread_count = seat_thread_count,
	.thread_describe = seat_thread_describe,
	.is_stopped = seat_is_stopped,
	.thread_is_stopped = seat_thread_is_stopped,
	.thread_take_stop = seat_thread_take_stop,
	.set_non_stop = seat_set_non_stop,
	.hold = seat_hold,
	.unhold = seat_unhold,
	.stop = seat_stop,
	.resume = seat_resume,
	.register_read = seat_register_read,
	.register_write = seat_register_write,
	.memory_read = seat_memory_read,
	.memory_write = seat_memory_write,
	.physical_read = seat_physical_read,
	.physical_write = seat_physical_write,
	.memory_region = seat_memory_region,
	.kernel_locate = seat_kernel_locate,
	.monitor = seat_monitor,
	.breakpoint_insert = seat_breakpoint_insert,
	.breakpoint_remove = seat_breakpoint_remove,
	.detach = seat_detach,
};

int seat_init(struct seat *seat, struct vm *vm)
{
	*seat = (struct seat){ .target = { .ops = &seat_target_ops },
		.vm = vm,
		.has_left = true,
		.wanted_view = SEAT_OWN_VIEW };
	if (vm->state == VM_GONE)
		return -ENODEV;
	for (unsigned i = 0; i < VM_MAX_SEATS; i++) {
		if (vm->seats[i])
			continue;
		seat->number = i;
		seat->has_left = false;
		vm->seats[i] = seat;
		return 0;
	}
	return -EBUSY;
}

void seat_fini(struct seat *seat)
{
	seat->target.listener = NULL;
	seat_leave(seat, true);
}
