/* SPDX-License-Identifier: Apache-2.0 */
/* The search with a guest's own vCPUs and memory: see linux_guest.h. */
#include <errno.h>
#include "kvm/linux_guest.h"

enum { CPUS_MAX = 64 }; /* what these do not know, more would not */

static unsigned guest_regions(const struct memory *memory, struct linux_kernel_region *regions)
{
	for (unsigned i = 0; i < memory->count; i++)
		regions[i] = (struct linux_kernel_region){ .gpa = memory->regions[i].gpa,
			.size = memory->regions[i].size };
	return memory->count;
}

/* Its registers; what is beyond CPU_STOP, only where KVM gives it. */
static const struct cpu *guest_cpu(struct vm *vm, struct vcpu *vcpu)
{
	if (vcpu->state != VCPU_PARKED || vcpu_fetch(vcpu, CPU_STOP, vm->call_timeout_ms) < 0)
		return NULL;
	vcpu_fetch(vcpu, linux_kernel_groups(vm->arch), vm->call_timeout_ms);
	return vcpu->state == VCPU_PARKED ? &vcpu->cpu : NULL;
}

static unsigned guest_cpus(struct vm *vm, const struct cpu **cpus)
{
	unsigned count = 0;

	for (unsigned i = 0; i < vm->vcpu_count && count < CPUS_MAX; i++) {
		cpus[count] = guest_cpu(vm, &vm->vcpus[i]);
		if (cpus[count])
			count++;
	}
	return count;
}

static int guest_search(struct vm *vm, const struct linux_kernel_region *regions,
	unsigned region_count, struct linux_kernel *out)
{
	struct linux_kernel_reader reader = {
		.arch = vm->arch,
		.memory = memory_physical(&vm->memory),
		.regions = regions,
		.region_count = region_count,
	};
	const struct cpu *cpus[CPUS_MAX];
	unsigned count = guest_cpus(vm, cpus);

	return count ? linux_kernel_find(&reader, cpus, count, out) : -EBUSY;
}

int linux_guest_find_mapped(struct vm *vm, struct linux_kernel *out)
{
	return guest_search(vm, NULL, 0, out);
}

int linux_guest_find(struct vm *vm, struct linux_kernel *out)
{
	struct linux_kernel_region regions[MEMORY_MAX_REGIONS];
	unsigned count = guest_regions(&vm->memory, regions);

	return guest_search(vm, regions, count, out);
}
