/* SPDX-License-Identifier: Apache-2.0 */
/* A guest under debug: its life, and its registers.  See vm.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "kvm/run_control.h"
#include "kvm/seat.h"

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
	for (unsigned i = 0; i < VM_MAX_SEATS; i++)
		if (vm->seats[i])
			seat_on_message(vm->seats[i], text);
}

void vm_say_limitations(struct vm *vm, uint32_t limitations)
{
	uint32_t fresh = limitations & ~vm->limitations;

	vm->limitations |= fresh;
	for (unsigned bit = 0; fresh >> bit; bit++)
		if (fresh >> bit & 1)
			vm_say(vm, "%s", limitation_text(1u << bit));
}

/* ---- registers --------------------------------------------------------------------------- */

/* All vCPUs of a guest have the same registers: the first one that is parked tells which. */
bool vm_learn_registers(struct vm *vm)
{
	struct vcpu *vcpu = vm_thread(vm, run_first_parked(vm));

	if (vm->knows_registers || !vcpu || vcpu->state != VCPU_PARKED)
		return vm->knows_registers;
	/* What KVM gives in two ways may come at the second asking. */
	for (unsigned tries = 0; tries < 2; tries++)
		vcpu_fetch(vcpu, vm->arch->probe_groups, vm->call_timeout_ms);
	if (vcpu->state != VCPU_PARKED)
		return false;
	register_set_init(&vm->registers, vm->arch, &vcpu->cpu);
	for (unsigned i = 0; i < vm->arch->view_count; i++)
		register_set_init_view(&vm->views[i], vm->arch, &vm->arch->views[i], &vcpu->cpu);
	vm_list_all_registers(vm, vm->lists_all);
	vm->knows_registers = true;
	return true;
}

int vm_read_own_register(struct vm *vm, struct vcpu *vcpu, unsigned own, void *value)
{
	if (vcpu->state != VCPU_PARKED)
		return -ENODATA;
	vcpu_fetch(vcpu, vm->arch->register_groups(own), vm->call_timeout_ms);
	return vm->arch->register_read(&vcpu->cpu, own, value);
}

int vm_write_own_register(struct vm *vm, struct vcpu *vcpu, unsigned own, const void *value)
{
	int rc = vcpu_fetch(vcpu, vm->arch->register_groups(own), vm->call_timeout_ms);

	if (rc == 0)
		rc = vm->arch->register_write(&vcpu->cpu, own, value);
	return rc < 0 ? rc : vcpu_store(vcpu, vm->call_timeout_ms);
}

int vm_read_register(struct vm *vm, struct vcpu *vcpu, unsigned number, void *value)
{
	int own = vm_learn_registers(vm) ? register_set_find(&vm->registers, number) : -ENODATA;

	return own < 0 ? own : vm_read_own_register(vm, vcpu, (unsigned)own, value);
}

/* ---- life -------------------------------------------------------------------------------- */

int vm_init(struct vm *vm, const struct arch *arch, const struct vm_hooks *hooks, int journal_fd,
	unsigned vcpu_count, int stop_timeout_ms)
{
	int rc;

	vm->arch = arch;
	vm->hooks = hooks;
	vm->stop_timeout_ms = stop_timeout_ms;
	vm->call_timeout_ms = VM_CALL_TIMEOUT_MS;
	vm->linear_pc = true;
	vm->vcpu_count = vcpu_count;
	vm->state = VM_FREE;
	vm->vcpus = calloc(vcpu_count, sizeof(*vm->vcpus));
	vm->views = calloc(arch->view_count + 1u, sizeof(*vm->views));
	rc = -ENOMEM;
	if (!vm->vcpus || !vm->views)
		goto free_vcpus;
	for (unsigned i = 0; i < vcpu_count; i++)
		vm->vcpus[i].port.fd = -1;
	rc = journal_open(journal_fd, &vm->journal);
	if (rc < 0)
		goto free_vcpus;
	rc = memory_init(&vm->memory);
	if (rc < 0)
		goto close_journal;
	vm->memory.pages = &vm->pages;
	plant_init(&vm->plants, arch, &vm->memory, &vm->journal);
	return 0;
close_journal:
	journal_close(&vm->journal);
free_vcpus:
	free(vm->views);
	free(vm->vcpus);
	return rc;
}

void vm_fini(struct vm *vm)
{
	breakpoint_clear(&vm->table);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_fini(&vm->vcpus[i]);
	free(vm->views);
	free(vm->vcpus);
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
	for (unsigned i = 0; i < vm->arch->view_count; i++)
		register_set_list_all(&vm->views[i], all);
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

void vm_on_watch(struct vm *vm)
{
	run_on_watch(vm);
	vm_pump(vm);
}

int vm_remove_memory(struct vm *vm, gpa_t gpa)
{
	const struct memory_region *region = memory_find(&vm->memory, gpa);
	int rc;

	if (!region || region->gpa != gpa)
		return -ENOENT;
	plant_yield(&vm->plants, gpa, region->size);
	rc = memory_remove(&vm->memory, gpa);
	if (vm->memory.has_aliases)
		run_refresh(vm); /* it may be there at another address still */
	return rc;
}

/* What is kept by an address is kept by the one that stands for that memory now. */
static void vm_rehome(struct vm *vm)
{
	for (unsigned i = 0; i < vm->table.count; i++) {
		struct breakpoint *breakpoint = &vm->table.entries[i];

		if (breakpoint->gpa != BREAKPOINT_PENDING)
			breakpoint->gpa = memory_home(&vm->memory, breakpoint->gpa);
	}
	plant_rehome(&vm->plants);
}

void vm_on_memory(struct vm *vm)
{
	vm_rehome(vm);
	if (vm->plants.count < vm->table.count)
		run_refresh(vm);
	vm_pump(vm);
}

void vm_on_reset(struct vm *vm)
{
	vm_say(vm, "the guest is being reset");
	run_watch_closely(vm);
}

void vm_on_end(struct vm *vm, enum target_stop_reason reason, int code)
{
	if (vm->state != VM_RUNNING && vm->state != VM_STOPPING)
		return;
	if (reason == TARGET_STOP_CRASHED && vm->crash_told)
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
	case VM_HELD:
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
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vm->vcpus[i].has_news = false;
}

void vm_let_go(struct vm *vm)
{
	bool has_seats = false;

	if (!vm->is_kept)
		return;
	for (unsigned i = 0; i < VM_MAX_SEATS; i++)
		has_seats = has_seats || vm->seats[i];
	if (has_seats)
		run_end_keep(vm);
	else
		vm_release(vm);
	vm_pump(vm);
}

bool vm_is_lost(const struct vm *vm)
{
	return vm->state == VM_GONE;
}

bool vm_is_released(const struct vm *vm)
{
	if (vm_is_lost(vm))
		return true;
	if (vm->state != VM_FREE)
		return false;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i].state != VCPU_RUNNING || vm->vcpus[i].kicked)
			return false;
	return true;
}
