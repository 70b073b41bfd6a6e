/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An x86-64 board: local APICs, I/O APIC and PICs inside KVM, a 16550 and the exit port.  vCPU 0
 * starts in flat 32-bit protected mode, the others wait for INIT and SIPI.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdlib.h>

#include "tests/vmm/board.h"
#include "tests/vmm/kvm_call.h"
#include "tests/vmm/machine.h"
#include "tests/vmm/vcpu.h"
#include "tests/vmm/vm.h"

/* Four pages that Intel's KVM needs below 4 GiB where the guest has nothing (KVM api.rst). */
#define MACHINE_IDENTITY_MAP_GPA 0xfffbc000ul
#define MACHINE_TSS_GPA          0xfffbd000ul

#define MACHINE_CPUID_MAX        256

int machine_create(struct vm *vm)
{
	unsigned long identity_map = MACHINE_IDENTITY_MAP_GPA;
	int result;

	result = KVM_CALL(vm->vm_fd, KVM_SET_TSS_ADDR, MACHINE_TSS_GPA);
	if (result < 0)
		return result;
	result = KVM_CALL(vm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
	if (result < 0)
		return result;
	result = KVM_CALL(vm->vm_fd, KVM_CREATE_IRQCHIP, 0);
	if (result < 0)
		return result;
	uart_init_16550(&vm->uart, BOARD_UART_ADDRESS, stdout);
	result = bus_add_device(&vm->ports, &vm->uart.device);
	return result ? result : bus_add_device(&vm->ports, &vm->power.device);
}

/* Leaves that say which CPU they were asked on (Intel SDM volume 2, CPUID). */
static void machine_adapt_cpuid(struct vcpu *vcpu, struct kvm_cpuid_entry2 *entry)
{
	switch (entry->function) {
	case 0x01:
		entry->ebx = (entry->ebx & 0x00ffffff) | vcpu->index << 24;
		vcpu->vm->cpu_features = entry->ecx;
		break;
	case 0x0b:
	case 0x1f:
		entry->edx = vcpu->index;
		break;
	default:
		break;
	}
}

int machine_init_vcpu(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid;
	int result;

	cpuid = calloc(1, sizeof(*cpuid) + MACHINE_CPUID_MAX * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = MACHINE_CPUID_MAX;
	result = KVM_CALL(vcpu->vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid);
	for (unsigned i = 0; !result && i < cpuid->nent; i++)
		machine_adapt_cpuid(vcpu, &cpuid->entries[i]);
	if (!result)
		result = KVM_CALL(vcpu->fd, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return result;
}

int machine_finish(struct vm *vm)
{
	(void)vm;
	return 0;
}

static struct kvm_segment machine_flat_segment(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.db = 1,
		.g = 1,
	};
}

int machine_enter(struct vcpu *vcpu, uint64_t entry, uint64_t argument)
{
	struct kvm_regs regs = { .rip = entry, .rbx = argument, .rflags = 0x2 };
	struct kvm_sregs sregs;
	int result = KVM_CALL(vcpu->fd, KVM_GET_SREGS, &sregs);

	if (result < 0)
		return result;
	sregs.cr0 = 0x11; /* PE, ET */
	sregs.cs = machine_flat_segment(0x08, 11);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = machine_flat_segment(0x10, 3);
	result = KVM_CALL(vcpu->fd, KVM_SET_SREGS, &sregs);
	return result < 0 ? result : KVM_CALL(vcpu->fd, KVM_SET_REGS, &regs);
}

uint64_t machine_pc(struct vcpu *vcpu)
{
	struct kvm_regs regs;

	return KVM_CALL(vcpu->fd, KVM_GET_REGS, &regs) < 0 ? 0 : regs.rip;
}
