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

/* One that has been asked for its registers is left in *last, or NULL. */
static int guest_search(struct vm *vm, const struct linux_kernel_reader *reader,
	const struct cpu **last, struct linux_kernel *out)
{
	*last = NULL;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		const struct cpu *cpu = guest_cpu(vm, &vm->vcpus[i]);

		if (cpu && linux_kernel_find(reader, cpu, out) == 0)
			return 0;
		*last = cpu ? cpu : *last;
	}
	return *last ? -ENOENT : -EBUSY;
}

int linux_guest_find_mapped(struct vm *vm, struct linux_kernel *out)
{
	struct linux_kernel_reader reader = { .arch = vm->arch,
		.memory = memory_physical(&vm->memory) };
	const struct cpu *last;

	return guest_search(vm, &reader, &last, out);
}

int linux_guest_find(struct vm *vm, struct linux_kernel *out)
{
	struct linux_kernel_region regions[MEMORY_MAX_REGIONS];
	struct linux_kernel_reader reader = {
		.arch = vm->arch, .memory = memory_physical(&vm->memory), .regions = regions
	};
	const struct cpu *last;
	int rc = guest_search(vm, &reader, &last, out);

	if (rc != -ENOENT)
		return rc;
	reader.region_count = guest_regions(&vm->memory, regions);
	return linux_kernel_find(&reader, last, out);
}
