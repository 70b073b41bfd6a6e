/* SPDX-License-Identifier: Apache-2.0 */
/* A guest as a debug target: its life, and the target's operations.  See vm.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "kvm/monitor.h"
#include "kvm/run_control.h"
#include "kvm/view.h"

static struct vm *vm_of(struct target *target)
{
	return (struct vm *)((char *)target - offsetof(struct vm, target));
}

struct vcpu *vm_thread(struct vm *vm, unsigned thread)
{
	return thread >= 1 && thread <= vm->vcpu_count ? &vm->vcpus[thread - 1] : NULL;
}

void vm_say(struct vm *vm, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (vm->target.listener)
		vm->target.listener->ops->on_message(vm->target.listener, text);
}

void vm_say_limitations(struct vm *vm, uint32_t limitations)
{
	uint32_t fresh = limitations & ~vm->limitations;

	vm->limitations |= fresh;
	for (unsigned bit = 0; fresh >> bit; bit++)
		if (fresh >> bit & 1)
			vm_say(vm, "%s", limitation_text(1u << bit));
}

/* ---- target operations ------------------------------------------------------------------- */

/* All vCPUs of a guest have the same registers: the first one that is parked tells which. */
static bool vm_learn_registers(struct vm *vm)
{
	struct vcpu *vcpu = vm_thread(vm, run_first_parked(vm));

	if (vm->knows_registers || !vcpu || vcpu->state != VCPU_PARKED)
		return vm->knows_registers;
	if (vcpu_fetch(vcpu, vm->arch->probe_groups, vm->call_timeout_ms) < 0 &&
		vcpu->state != VCPU_PARKED)
		return false;
	register_set_init(&vm->registers, vm->arch, &vcpu->cpu);
	register_set_list_all(&vm->registers, vm->lists_all);
	vm->knows_registers = true;
	return true;
}

static const struct target_description *vm_description(struct target *target)
{
	struct vm *vm = vm_of(target);

	return vm_learn_registers(vm) ? &vm->registers.description : NULL;
}

static unsigned vm_thread_count(struct target *target)
{
	return vm_of(target)->vcpu_count;
}

static bool vm_is_stopped(struct target *target)
{
	struct vm *vm = vm_of(target);

	return vm->state == VM_STOPPED && !vm->deferred;
}

/* 0 and the parked vCPU behind a thread, or why not. */
static int vm_stopped_thread(struct target *target, unsigned thread, struct view *view)
{
	struct vm *vm = vm_of(target);

	if (vm->state == VM_GONE)
		return -ENODEV;
	if (!vm_is_stopped(target))
		return -EBUSY;
	*view = (struct view){ .vm = vm, .vcpu = vm_thread(vm, thread) };
	return view->vcpu ? 0 : -ESRCH;
}

static void vm_thread_describe(struct target *target, unsigned thread, char *text, size_t size)
{
	struct vm *vm = vm_of(target);
	struct vcpu *vcpu = vm_thread(vm, thread);
	char state[128] = "running";

	if (!vcpu || !size)
		return;
	if (vcpu->state == VCPU_LOST)
		snprintf(state, sizeof(state), "gone");
	else if (vcpu->state == VCPU_RUNNING && vm->state == VM_STOPPED)
		snprintf(state, sizeof(state), "busy in the VMM, not stopped");
	else if (vcpu->state == VCPU_PARKED) {
		vcpu_fetch(vcpu, CPU_STOP | CPU_MP, vm->call_timeout_ms);
		vm->arch->describe(&vcpu->cpu, state, sizeof(state));
	}
	snprintf(text, size, "vCPU %u, %s", vcpu->index, state);
}

static int vm_stop(struct target *target)
{
	return run_stop(vm_of(target));
}

static int vm_resume(struct target *target, const struct target_resume *threads)
{
	struct vm *vm = vm_of(target);

	if (vm->state == VM_GONE)
		return -ENODEV;
	if (!vm_is_stopped(target))
		return -EBUSY;
	return run_resume(vm, threads);
}

/* The architecture's number of a register, or -ENOENT; -ENODATA while nobody knows. */
static int vm_own_register(struct vm *vm, unsigned number)
{
	return vm_learn_registers(vm) ? register_set_find(&vm->registers, number) : -ENODATA;
}

int vm_read_register(struct vm *vm, struct vcpu *vcpu, unsigned number, void *value)
{
	int own = vm_own_register(vm, number);

	if (own < 0)
		return own;
	if (vcpu->state != VCPU_PARKED)
		return -ENODATA;
	vcpu_fetch(vcpu, vm->arch->register_groups((unsigned)own), vm->call_timeout_ms);
	return vm->arch->register_read(&vcpu->cpu, (unsigned)own, value);
}

static int vm_register_read(struct target *target, unsigned thread, unsigned number, void *value)
{
	struct view view;
	int rc = vm_stopped_thread(target, thread, &view);

	return rc < 0 ? rc : vm_read_register(view.vm, view.vcpu, number, value);
}

static int vm_register_write(
	struct target *target, unsigned thread, unsigned number, const void *value)
{
	struct view view;
	int own, rc = vm_stopped_thread(target, thread, &view);

	if (rc < 0)
		return rc;
	own = vm_own_register(view.vm, number);
	if (own < 0)
		return own;
	rc = vcpu_fetch(
		view.vcpu, view.vm->arch->register_groups((unsigned)own), view.vm->call_timeout_ms);
	if (rc == 0)
		rc = view.vm->arch->register_write(&view.vcpu->cpu, (unsigned)own, value);
	return rc < 0 ? rc : vcpu_store(view.vcpu, view.vm->call_timeout_ms);
}

static ssize_t vm_memory_read(
	struct target *target, unsigned thread, uint64_t address, void *buf, size_t length)
{
	struct view view;
	int rc = vm_stopped_thread(target, thread, &view);

	return rc < 0 ? rc : view_read(&view, address, buf, length);
}

static int vm_memory_write(
	struct target *target, unsigned thread, uint64_t address, const void *buf, size_t length)
{
	struct view view;
	int rc = vm_stopped_thread(target, thread, &view);

	return rc < 0 ? rc : view_write(&view, address, buf, length);
}

/* Any thread will do: physical memory is the same for all. */
static ssize_t vm_physical_read(struct target *target, uint64_t address, void *buf, size_t length)
{
	struct view view;
	int rc = vm_stopped_thread(target, 1, &view);

	return rc < 0 ? rc : view_read_physical(view.vm, address, buf, length);
}

static int vm_physical_write(
	struct target *target, uint64_t address, const void *buf, size_t length)
{
	struct view view;
	int rc = vm_stopped_thread(target, 1, &view);

	return rc < 0 ? rc : view_write_physical(view.vm, address, buf, length);
}

static int vm_memory_region(
	struct target *target, unsigned thread, uint64_t address, struct target_region *region)
{
	struct view view;
	int rc = vm_stopped_thread(target, thread, &view);

	return rc < 0 ? rc : view_region(&view, address, region);
}

/*
 * Both leave in *condition where that of the breakpoint is kept.  An instruction that crosses into the
 * next page could not be planted with one store.
 */
static int vm_insert_software(
	struct view *view, gva_t gva, uint64_t length, struct condition ***condition)
{
	struct breakpoint_table *table = &view->vm->table;
	const struct arch *arch = view->vm->arch;
	struct translation translation;
	uint8_t code[4];
	int rc;

	if (length != arch->breakpoint_length || gva & (arch->breakpoint_alignment - 1u))
		return -EINVAL;
	if (view_translate(view, gva, &translation) != 1 ||
		memory_read(&view->vm->memory, translation.gpa, code, arch->breakpoint_length) < 0)
		return -EFAULT;
	rc = breakpoint_add(table, gva, translation.gpa);
	*condition = breakpoint_condition(table, gva, translation.gpa);
	return rc;
}

static int vm_insert_point(
	struct view *view, const struct hardware_point *point, struct condition ***condition)
{
	struct breakpoint_table *table = &view->vm->table;
	struct vcpu *vcpu = view->vcpu;
	int rc;

	*condition = breakpoint_point_condition(table, point);
	if (*condition)
		return 0;
	rc = vcpu_fetch(vcpu, CPU_STOP | CPU_DEBUG, view->vm->call_timeout_ms);
	if (rc == 0)
		rc = view->vm->arch->check_point(
			&vcpu->cpu, table->points, table->point_count, point);
	if (rc == 0)
		rc = breakpoint_add_point(table, point);
	*condition = breakpoint_point_condition(table, point);
	return rc;
}

static int vm_breakpoint_insert(
	struct target *target, unsigned thread, const struct target_breakpoint_spec *spec)
{
	struct hardware_point point = {
		.type = spec->type, .gva = spec->address, .length = spec->length
	};
	struct condition *condition = NULL, **kept = NULL;
	struct view view;
	int rc = vm_stopped_thread(target, thread, &view);

	if (rc == 0)
		rc = condition_create(spec, &condition);
	if (rc < 0)
		return rc;
	if (view.vcpu->state != VCPU_PARKED)
		view.vcpu = vm_thread(view.vm, run_first_parked(view.vm)); /* it is for all */
	if (spec->type == TARGET_BREAK_SOFTWARE)
		rc = vm_insert_software(&view, spec->address, spec->length, &kept);
	else
		rc = vm_insert_point(&view, &point, &kept);
	if (rc < 0)
		condition_destroy(condition);
	else
		condition_replace(kept, condition);
	return rc;
}

static int vm_breakpoint_remove(struct target *target, unsigned thread, enum target_breakpoint type,
	uint64_t address, uint64_t length)
{
	struct hardware_point point = { .type = type, .gva = address, .length = length };
	struct view view;
	int rc = vm_stopped_thread(target, thread, &view);

	if (rc < 0)
		return rc;
	if (type == TARGET_BREAK_SOFTWARE)
		breakpoint_remove(&view.vm->table, address);
	else
		breakpoint_remove_point(&view.vm->table, &point);
	return 0;
}

static int vm_monitor(
	struct target *target, unsigned thread, const char *line, struct target_text *out)
{
	struct view view;
	int rc = vm_stopped_thread(target, thread, &view);

	return rc < 0 ? rc : monitor_execute(view.vm, target, thread, line, out);
}

static int vm_detach(struct target *target)
{
	struct vm *vm = vm_of(target);

	if (vm->state == VM_GONE)
		return -ENODEV;
	vm_release(vm);
	return 0;
}

static const struct target_ops vm_target_ops = {
	.description = vm_description,
	.thread_count = vm_thread_count,
	.thread_describe = vm_thread_describe,
	.is_stopped = vm_is_stopped,
	.stop = vm_stop,
	.resume = vm_resume,
	.register_read = vm_register_read,
	.register_write = vm_register_write,
	.memory_read = vm_memory_read,
	.memory_write = vm_memory_write,
	.physical_read = vm_physical_read,
	.physical_write = vm_physical_write,
	.memory_region = vm_memory_region,
	.breakpoint_insert = vm_breakpoint_insert,
	.breakpoint_remove = vm_breakpoint_remove,
	.monitor = vm_monitor,
	.detach = vm_detach,
};

/* ---- life -------------------------------------------------------------------------------- */

int vm_init(struct vm *vm, const struct arch *arch, const struct vm_hooks *hooks, int journal_fd,
	unsigned vcpu_count, int stop_timeout_ms)
{
	int rc;

	*vm = (struct vm){
		.target = { .ops = &vm_target_ops },
		.arch = arch,
		.hooks = hooks,
		.stop_timeout_ms = stop_timeout_ms,
		.call_timeout_ms = VM_CALL_TIMEOUT_MS,
		.linear_pc = true,
		.vcpu_count = vcpu_count,
		.state = VM_FREE,
	};
	vm->vcpus = calloc(vcpu_count, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return -ENOMEM;
	for (unsigned i = 0; i < vcpu_count; i++)
		vm->vcpus[i].port.fd = -1;
	rc = journal_open(journal_fd, &vm->journal);
	if (rc < 0)
		goto free_vcpus;
	rc = memory_init(&vm->memory);
	if (rc < 0)
		goto close_journal;
	plant_init(&vm->plants, arch, &vm->memory, &vm->journal);
	return 0;
close_journal:
	journal_close(&vm->journal);
free_vcpus:
	free(vm->vcpus);
	return rc;
}

void vm_fini(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_fini(&vm->vcpus[i]);
	free(vm->vcpus);
	breakpoint_clear(&vm->table);
	memory_fini(&vm->memory);
	journal_close(&vm->journal);
}

void vm_add_vcpu(struct vm *vm, unsigned index, int channel_fd)
{
	vcpu_init(&vm->vcpus[index], index, channel_fd);
	vm->vcpus[index].cpu.linear_pc = vm->linear_pc;
}

void vm_set_linear_pc(struct vm *vm, bool on)
{
	vm->linear_pc = on;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vm->vcpus[i].cpu.linear_pc = on;
}

void vm_list_all_registers(struct vm *vm, bool all)
{
	vm->lists_all = all;
	register_set_list_all(&vm->registers, all);
}

int vm_vcpu_fd(const struct vm *vm, unsigned index)
{
	return vm->vcpus[index].state == VCPU_LOST ? -1 : vm->vcpus[index].port.fd;
}

void vm_pump(struct vm *vm)
{
	run_look_for_lost(vm);
	run_deliver(vm);
	run_poll(vm);
	run_deliver(vm);
}

void vm_on_readable(struct vm *vm, unsigned index)
{
	run_on_readable(vm, &vm->vcpus[index]);
	vm_pump(vm);
}

void vm_on_deadline(struct vm *vm)
{
	run_on_deadline(vm);
	vm_pump(vm);
}

int vm_remove_memory(struct vm *vm, gpa_t gpa)
{
	const struct memory_region *region = memory_find(&vm->memory, gpa);

	if (!region || region->gpa != gpa)
		return -ENOENT;
	plant_yield(&vm->plants, gpa, region->size);
	return memory_remove(&vm->memory, gpa);
}

void vm_on_reset(struct vm *vm)
{
	vm_say(vm, "the guest is being reset");
}

void vm_on_end(struct vm *vm, enum target_stop_reason reason, int code)
{
	if (vm->state != VM_RUNNING && vm->state != VM_STOPPING)
		return;
	vm->end = (struct target_stop){ .reason = reason, .code = code };
	if (reason == TARGET_STOP_CRASHED)
		vm->end.thread = vm->last_thread ? vm->last_thread : 1;
	run_end(vm);
	vm_pump(vm);
}

void vm_release(struct vm *vm)
{
	switch (vm->state) {
	case VM_STOPPED:
		run_free(vm);
		break;
	case VM_RUNNING:
	case VM_STOPPING:
		vm->release_wanted = true;
		vm->stop_wanted = false;
		run_release(vm);
		break;
	case VM_FREE:
	case VM_GONE:
		break;
	}
	vm->deferred = false;
}

bool vm_is_released(const struct vm *vm)
{
	if (vm->state == VM_GONE)
		return true;
	if (vm->state != VM_FREE)
		return false;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i].state != VCPU_RUNNING || vm->vcpus[i].kicked)
			return false;
	return true;
}
