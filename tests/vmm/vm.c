/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a VM together, running it, taking it apart. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/vmm/board.h"
#include "tests/vmm/elf.h"
#include "tests/vmm/kvm_call.h"
#include "tests/vmm/machine.h"
#include "tests/vmm/vcpu.h"
#include "tests/vmm/vm.h"

#define VM_KVM_API_VERSION 12 /* the only one there will ever be (KVM api.rst) */

static int vm_open_kvm(struct vm *vm)
{
	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0) {
		int saved = errno;

		warn("/dev/kvm");
		return -saved;
	}
	if (KVM_CALL(vm->kvm_fd, KVM_GET_API_VERSION, 0) != VM_KVM_API_VERSION) {
		warnx("/dev/kvm speaks another version");
		return -EPROTO;
	}
	vm->vm_fd = KVM_CALL(vm->kvm_fd, KVM_CREATE_VM, 0);
	return vm->vm_fd < 0 ? vm->vm_fd : 0;
}

static int vm_add_memory(struct vm *vm, uint64_t size)
{
	struct kvm_userspace_memory_region region;
	int result = memory_create(&vm->memory, BOARD_RAM_GPA, size);

	if (result < 0) {
		warnx("guest memory: %s", strerror(-result));
		return result;
	}
	region = (struct kvm_userspace_memory_region){
		.guest_phys_addr = vm->memory.gpa,
		.memory_size = vm->memory.size,
		.userspace_addr = (uintptr_t)vm->memory.hva,
	};
	return KVM_CALL(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static int vm_add_vcpus(struct vm *vm, unsigned nr_vcpus)
{
	int result = 0;

	vm->vcpus = calloc(nr_vcpus, sizeof(*vm->vcpus));
	if (!vm->vcpus) {
		warn("vCPUs");
		return -ENOMEM;
	}
	for (unsigned i = 0; !result && i < nr_vcpus; i++) {
		vm->vcpus[i].fd = -1;
		vm->nr_vcpus++;
		result = vcpu_create(&vm->vcpus[i], vm, i);
	}
	return result;
}

static int vm_load_elf(struct vm *vm, const struct vm_options *options)
{
	struct board_info info = {
		.magic = BOARD_INFO_MAGIC,
		.ram_gpa = vm->memory.gpa,
		.ram_bytes = vm->memory.size,
		.nr_vcpus = vm->nr_vcpus,
		.argument = options->argument,
		.cpu_features = vm->cpu_features,
	};
	char error[256];
	uint64_t entry;
	int result = elf_load(options->guest_path, &vm->memory, &entry, error, sizeof(error));

	if (result < 0) {
		warnx("%s", error);
		return result;
	}
	memcpy(memory_at(&vm->memory, BOARD_INFO_GPA, sizeof(info)), &info, sizeof(info));
	return machine_enter(&vm->vcpus[0], entry, BOARD_INFO_GPA);
}

static int vm_load_linux(struct vm *vm, const struct linux_options *options)
{
	uint64_t entry, argument;
	int result = linux_load(vm, options, &entry, &argument);

	return result < 0 ? result : machine_enter(&vm->vcpus[0], entry, argument);
}

static int vm_load_guest(struct vm *vm, const struct vm_options *options)
{
	if (options->guest_path)
		return vm_load_elf(vm, options);
	return vm_load_linux(vm, &options->linux_guest);
}

/* Everything a VMM does to be debuggable, but for gdbproxy_run() in vcpu.c. */
static int vm_lend(struct vm *vm, const struct vm_options *options)
{
	struct memory *memory = &vm->memory;
	int result;

	result = gdbproxy_open(&vm->proxy, options->vcpu_socket, options->name, vm->nr_vcpus);
	if (result < 0)
		warnx("no debugging: %s",
			vm->proxy ? gdbproxy_error(vm->proxy) : strerror(-result));
	if (!vm->proxy)
		return result;
	result = gdbproxy_add_memory(
		vm->proxy, memory->gpa, memory->size, memory->hva, memory->fd, 0, 0);
	for (unsigned i = 0; !result && i < vm->nr_vcpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		result = gdbproxy_add_vcpu(vm->proxy, i, i, vcpu->fd, vcpu->run, &vcpu->lent);
	}
	if (!result)
		result = gdbproxy_ready(vm->proxy, options->hold ? GDBPROXY_HOLD : GDBPROXY_RUN);
	if (options->hold && !gdbproxy_is_attached(vm->proxy))
		warnx("--hold, but there is no gdbproxyd to wait for");
	if (result < 0 || *gdbproxy_error(vm->proxy))
		warnx("lending the guest to gdbproxyd: %s", gdbproxy_error(vm->proxy));
	return result;
}

static void vm_on_power_off(void *opaque, int status)
{
	vm_end(opaque, status);
}

int vm_create(struct vm *vm, const struct vm_options *options)
{
	int result;

	*vm = (struct vm){ .kvm_fd = -1, .vm_fd = -1, .gic_fd = -1, .memory.fd = -1 };
	vm->pauth = options->pauth;
	vm->exit_log = options->exit_log;
	vm->ended_fd = eventfd(0, EFD_CLOEXEC);
	power_init(&vm->power, BOARD_EXIT_ADDRESS, vm_on_power_off, vm);
	result = vm_open_kvm(vm);
	if (!result)
		result = vm_add_memory(vm, options->memory_bytes);
	if (!result)
		result = machine_create(vm);
	if (!result)
		result = vm_add_vcpus(vm, options->nr_vcpus);
	if (!result)
		result = machine_finish(vm);
	if (!result)
		result = vm_load_guest(vm, options);
	if (!result)
		result = vm_lend(vm, options);
	return result;
}

void vm_destroy(struct vm *vm)
{
	gdbproxy_close(vm->proxy);
	for (unsigned i = 0; i < vm->nr_vcpus; i++)
		vcpu_destroy(&vm->vcpus[i]);
	free(vm->vcpus);
	if (vm->gic_fd >= 0)
		close(vm->gic_fd);
	if (vm->vm_fd >= 0)
		close(vm->vm_fd);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	if (vm->ended_fd >= 0)
		close(vm->ended_fd);
	memory_destroy(&vm->memory);
}

int vm_run(struct vm *vm, int signal_fd)
{
	struct pollfd wait_for[] = {
		{ .fd = vm->ended_fd, .events = POLLIN },
		{ .fd = signal_fd, .events = POLLIN },
	};

	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		if (vcpu_start(&vm->vcpus[i]) < 0)
			vm_end(vm, VM_STATUS_FAILED);
	}
	while (poll(wait_for, 2, -1) < 0 && errno == EINTR)
		;
	vm_end(vm, 0);
	for (unsigned i = 0; i < vm->nr_vcpus; i++)
		vcpu_stop(&vm->vcpus[i]);
	return vm->status;
}

/* Of several that end the VM at once the first has its way. */
static bool vm_begin_end(struct vm *vm, int status)
{
	bool is_running = false;

	if (!atomic_compare_exchange_strong(&vm->ending, &is_running, true))
		return false;
	vm->status = status;
	eventfd_write(vm->ended_fd, 1);
	return true;
}

void vm_end(struct vm *vm, int status)
{
	if (vm_begin_end(vm, status))
		gdbproxy_notice(vm->proxy, GDBPROXY_SHUTDOWN, status);
}

void vm_end_crashed(struct vm *vm)
{
	if (vm_begin_end(vm, VM_STATUS_CRASHED))
		gdbproxy_notice(vm->proxy, GDBPROXY_CRASHED, VM_STATUS_CRASHED);
}
