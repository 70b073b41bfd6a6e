/* SPDX-License-Identifier: Apache-2.0 */
/* vCPUs for people: what they are, what they do, and a command about another one. */
#include <errno.h>
#include <stdio.h>
#include "kvm/monitor_table.h"
#include "kvm/monitor_words.h"
#include "kvm/run_control.h"

/* Parked for the moment of this very command. */
static bool monitor_is_held(const struct vm *vm, const struct vcpu *vcpu)
{
	return vm->non_stop ? !run_is_at_rest(vcpu) : vm->state == VM_HELD;
}

static const char *monitor_state(const struct vm *vm, const struct vcpu *vcpu)
{
	switch (vcpu->state) {
	case VCPU_PARKED:
		return monitor_is_held(vm, vcpu) ? "running" : "stopped";
	case VCPU_LOST:
		return "gone";
	default:
		return vm->state == VM_STOPPED ? "late, busy in the VMM" : "running";
	}
}

/* What the debugger has asked it to do, at the last resume. */
static void monitor_put_wish(struct monitor *monitor, const struct target_resume *wish)
{
	switch (wish->action) {
	case TARGET_STAY:
		monitor_put(monitor, "stay");
		break;
	case TARGET_CONTINUE:
		monitor_put(monitor, "continue");
		break;
	case TARGET_STEP:
		monitor_put(monitor, "step");
		break;
	case TARGET_HALT:
		monitor_put(monitor, "halt");
		break;
	case TARGET_STEP_RANGE:
		monitor_put(monitor, "step in 0x%llx-0x%llx", (unsigned long long)wish->start,
			(unsigned long long)wish->end);
		break;
	}
}

/* What waits for its next run. */
static void monitor_put_dues(struct monitor *monitor, const struct vcpu *vcpu)
{
	if (vcpu->inject.kind != INJECT_NONE)
		monitor_put(monitor, ", an exception is due");
	if (vcpu->has_hit)
		monitor_put(monitor, ", a stop is yet to be told");
	if (vcpu->kicked && vcpu->state == VCPU_RUNNING)
		monitor_put(monitor, ", asked to stop");
}

static void monitor_put_vcpu(struct monitor *monitor, struct vcpu *vcpu)
{
	struct vm *vm = monitor->vm;
	char mode[128] = "";

	monitor_put(monitor, "%c vCPU %-3u thread %-3u %s", vcpu == monitor->view.vcpu ? '*' : ' ',
		vcpu->index, vcpu->index + 1, monitor_state(vm, vcpu));
	if (vcpu->state == VCPU_PARKED) {
		vcpu_fetch(vcpu, CPU_STOP | CPU_MP, vm->call_timeout_ms);
		vm->arch->describe(&vcpu->cpu, mode, sizeof(mode));
		monitor_put(monitor, ", %s, pc 0x%llx, space 0x%llx", mode,
			(unsigned long long)vm->arch->pc(&vcpu->cpu),
			(unsigned long long)vm->arch->address_space(&vcpu->cpu, 0));
	}
	monitor_put(monitor, ", last: ");
	monitor_put_wish(monitor, &vcpu->wish);
	monitor_put_dues(monitor, vcpu);
	monitor_put(monitor, "\n");
}

int monitor_vcpus(struct monitor *monitor, const char *arguments)
{
	int rc = monitor_take_end(monitor, arguments);

	for (unsigned i = 0; rc == 0 && i < monitor->vm->vcpu_count; i++)
		monitor_put_vcpu(monitor, &monitor->vm->vcpus[i]);
	return rc;
}

int monitor_vcpu(struct monitor *monitor, const char *arguments)
{
	struct monitor other = *monitor;
	uint64_t index;
	int rc = monitor_take_number(monitor, &arguments, "the vCPU", &index);

	if (rc < 0)
		return rc;
	if (index >= monitor->vm->vcpu_count)
		return monitor_fail(
			monitor, -EINVAL, "there are vCPUs 0 to %u", monitor->vm->vcpu_count - 1);
	if (!*arguments)
		return monitor_fail(monitor, -EINVAL, "and which command?");
	other.thread = (unsigned)index + 1;
	other.view.vcpu = &monitor->vm->vcpus[index];
	rc = monitor_dispatch(&other, arguments);
	return rc == -ENOENT ? monitor_fail(monitor, -EINVAL,
				       "there is no command '%s': see monitor help", arguments)
			     : rc;
}

/* As QEMU writes it, but for the thread: a VMM's thread ids are not ours to know. */
int monitor_info_cpus(struct monitor *monitor, const char *arguments)
{
	int rc = monitor_take_end(monitor, arguments);

	for (unsigned i = 0; rc == 0 && i < monitor->vm->vcpu_count; i++)
		monitor_put(monitor, "%c CPU #%u: %s\n", i + 1 == monitor->thread ? '*' : ' ', i,
			monitor_state(monitor->vm, &monitor->vm->vcpus[i]));
	return rc;
}
