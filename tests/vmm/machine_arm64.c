/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arm64 board: GICv3 and generic timer inside KVM, a PL011 and the exit register.  vCPU 0 starts
 * at EL1 with the MMU off, the others wait for PSCI CPU_ON.
 */
#include <linux/kvm.h>
#include <stddef.h>

#include "tests/vmm/board.h"
#include "tests/vmm/kvm_call.h"
#include "tests/vmm/machine.h"
#include "tests/vmm/vcpu.h"
#include "tests/vmm/vm.h"

#define MACHINE_CORE_REGISTER(field)                                                               \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(regs.field))

static int machine_set_gic(struct vm *vm, uint32_t group, uint64_t attribute, uint64_t *value)
{
	struct kvm_device_attr attr = {
		.group = group, .attr = attribute, .addr = (uintptr_t)value
	};

	return KVM_CALL(vm->gic_fd, KVM_SET_DEVICE_ATTR, &attr);
}

static int machine_create_gic(struct vm *vm)
{
	struct kvm_create_device create = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	uint64_t distributor = BOARD_GICD_ADDRESS, redistributors = BOARD_GICR_ADDRESS;
	int result = KVM_CALL(vm->vm_fd, KVM_CREATE_DEVICE, &create);

	if (result < 0)
		return result;
	vm->gic_fd = (int)create.fd;
	result = machine_set_gic(
		vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &distributor);
	if (result < 0)
		return result;
	return machine_set_gic(
		vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redistributors);
}

int machine_create(struct vm *vm)
{
	int result = machine_create_gic(vm);

	if (result < 0)
		return result;
	uart_init_pl011(&vm->uart, BOARD_UART_ADDRESS, stdout);
	result = bus_add_device(&vm->mmio, &vm->uart.device);
	return result ? result : bus_add_device(&vm->mmio, &vm->power.device);
}

static bool machine_has(const struct vm *vm, unsigned long capability)
{
	return KVM_CALL(vm->kvm_fd, KVM_CHECK_EXTENSION, capability) > 0;
}

/* What KVM has of the optional parts of a CPU that a guest's programs use. */
static uint32_t machine_features(const struct vm *vm)
{
	uint32_t features = 0;

	if (machine_has(vm, KVM_CAP_ARM_SVE))
		features |= 1u << KVM_ARM_VCPU_SVE;
	/* KVM wants both or neither. */
	if (vm->pauth && machine_has(vm, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
		machine_has(vm, KVM_CAP_ARM_PTRAUTH_GENERIC))
		features |= 1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
	return features;
}

/* SVE's vectors are as long as they can be, until somebody shortens them before this. */
static int machine_finish_vcpu(struct vcpu *vcpu, uint32_t features)
{
	int what = KVM_ARM_VCPU_SVE;

	return features & 1u << KVM_ARM_VCPU_SVE ? KVM_CALL(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &what)
						 : 0;
}

int machine_init_vcpu(struct vcpu *vcpu)
{
	uint32_t features = machine_features(vcpu->vm);
	struct kvm_vcpu_init init;
	int result = KVM_CALL(vcpu->vm->vm_fd, KVM_ARM_PREFERRED_TARGET, &init);

	if (result < 0)
		return result;
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2 | features;
	if (vcpu->index)
		init.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
	result = KVM_CALL(vcpu->fd, KVM_ARM_VCPU_INIT, &init);
	return result < 0 ? result : machine_finish_vcpu(vcpu, features);
}

int machine_finish(struct vm *vm)
{
	return machine_set_gic(vm, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

static int machine_set_register(struct vcpu *vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	return KVM_CALL(vcpu->fd, KVM_SET_ONE_REG, &reg);
}

int machine_enter(struct vcpu *vcpu, uint64_t entry, uint64_t argument)
{
	int result = machine_set_register(vcpu, MACHINE_CORE_REGISTER(regs[0]), argument);

	if (result < 0)
		return result;
	return machine_set_register(vcpu, MACHINE_CORE_REGISTER(pc), entry);
}

uint64_t machine_pc(struct vcpu *vcpu)
{
	uint64_t pc = 0;
	struct kvm_one_reg reg = { .id = MACHINE_CORE_REGISTER(pc), .addr = (uintptr_t)&pc };

	return KVM_CALL(vcpu->fd, KVM_GET_ONE_REG, &reg) < 0 ? 0 : pc;
}
