/* SPDX-License-Identifier: Apache-2.0 */
/* The search with a guest's own vCPUs and memory: see linux_guest.h. */
#include <errno.h>
#include "kvm/linux_guest.h"

static unsigned guest_regions(const struct memory *memory, struct linux_kernel_region *regions)
{
	for (unsigned i = 0; i < memory->count; i++)
		regions[i] = (struct linux_kernel_region){ .gpa = memory->regions[i].gpa,
			.size = memory->regions[i].size };
	return memory->count;
}

/* Its registers, the model-specific ones only where KVM gives them. */
static const struct cpu *guest_cpu(struct vm *vm, struct vcpu *vcpu)
{
	if (vcpu->state != VCPU_PARKED || vcpu_fetch(vcpu, CPU_STOP, vm->call_timeout_ms) < 0)
		return NULL;
	vcpu_fetch(vcpu, CPU_MSRS, vm->call_timeout_ms);
	return vcpu->state == VCPU_PARKED ? &vcpu->cpu : NULL;
}

int linux_guest_find(struct vm *vm, struct linux_kernel *out)
{
	struct linux_kernel_region regions[MEMORY_MAX_REGIONS];
	struct linux_kernel_reader reader = {
		.arch = vm->arch, .memory = memory_physical(&vm->memory), .regions = regions
	};
	const struct cpu *last = NULL;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		const struct cpu *cpu = guest_cpu(vm, &vm->vcpus[i]);

		if (cpu && linux_kernel_find(&reader, cpu, out) == 0)
			return 0;
		last = cpu ? cpu : last;
	}
	reader.region_count = guest_regions(&vm->memory, regions);
	return last ? linux_kernel_find(&reader, last, out) : -EBUSY;
}
