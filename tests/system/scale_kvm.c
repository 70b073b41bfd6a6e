/* SPDX-License-Identifier: Apache-2.0 */
/* See scale_guest.h: vCPUs of KVM that sleep in WFI or HLT. */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/system/scale_guest.h"

enum { SCALE_MEMORY = 65536 };

#if defined(__x86_64__)
#define SCALE_BASE 0x1000
static const uint8_t scale_code[] = { 0xf4, 0xeb, 0xfd, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 };
#else
#define SCALE_BASE 0x40000000
static const uint32_t scale_code[] = { 0xd503207f, 0x17ffffff, 0xd503201f }; /* wfi; b .-4; nop */
#endif

static int kvm_call(int fd, unsigned long request, uintptr_t argument, const char *what)
{
	int rc = ioctl(fd, request, argument);

	if (rc < 0)
		err(1, "%s", what);
	return rc;
}

#if defined(__x86_64__)
static void machine_init(int vm_fd)
{
	kvm_call(vm_fd, KVM_SET_TSS_ADDR, 0xfffbd000, "KVM_SET_TSS_ADDR");
	kvm_call(vm_fd, KVM_CREATE_IRQCHIP, 0, "KVM_CREATE_IRQCHIP"); /* else HLT would exit */
}

static void machine_init_vcpu(int vm_fd, int vcpu_fd)
{
	struct kvm_regs regs = { .rip = SCALE_BASE, .rflags = 2 };
	struct kvm_sregs sregs;

	(void)vm_fd;
	kvm_call(vcpu_fd, KVM_GET_SREGS, (uintptr_t)&sregs, "KVM_GET_SREGS");
	sregs.cs.base = sregs.cs.selector = 0;
	kvm_call(vcpu_fd, KVM_SET_SREGS, (uintptr_t)&sregs, "KVM_SET_SREGS");
	kvm_call(vcpu_fd, KVM_SET_REGS, (uintptr_t)&regs, "KVM_SET_REGS");
}
#else
static void machine_init(int vm_fd)
{
	(void)vm_fd;
}

static void machine_init_vcpu(int vm_fd, int vcpu_fd)
{
	uint64_t pc = SCALE_BASE;
	struct kvm_one_reg reg = {
		.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
		      KVM_REG_ARM_CORE_REG(regs.pc),
		.addr = (uintptr_t)&pc,
	};
	struct kvm_vcpu_init init;

	kvm_call(vm_fd, KVM_ARM_PREFERRED_TARGET, (uintptr_t)&init, "KVM_ARM_PREFERRED_TARGET");
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	kvm_call(vcpu_fd, KVM_ARM_VCPU_INIT, (uintptr_t)&init, "KVM_ARM_VCPU_INIT");
	kvm_call(vcpu_fd, KVM_SET_ONE_REG, (uintptr_t)&reg, "KVM_SET_ONE_REG");
}
#endif

static void *make_memory(int vm_fd, int *memory_fd)
{
	struct kvm_userspace_memory_region region = { .guest_phys_addr = SCALE_BASE,
		.memory_size = SCALE_MEMORY };
	void *memory;

	*memory_fd = memfd_create("scale", MFD_CLOEXEC);
	if (*memory_fd < 0 || ftruncate(*memory_fd, SCALE_MEMORY) < 0)
		err(1, "memory");
	memory = mmap(NULL, SCALE_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, *memory_fd, 0);
	if (memory == MAP_FAILED)
		err(1, "memory");
	memcpy(memory, scale_code, sizeof(scale_code));
	region.userspace_addr = (uintptr_t)memory;
	kvm_call(vm_fd, KVM_SET_USER_MEMORY_REGION, (uintptr_t)&region, "memory region");
	return memory;
}

static int open_device(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "/dev/kvm");
	return fd;
}

void scale_guest_make(struct scale_guest *guest)
{
	int kvm_fd = open_device();

	*guest = (struct scale_guest){ .gpa = SCALE_BASE, .size = SCALE_MEMORY };
	guest->vm_fd = kvm_call(kvm_fd, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
	close(kvm_fd);
	machine_init(guest->vm_fd);
	guest->memory = make_memory(guest->vm_fd, &guest->memory_fd);
}

int scale_guest_add_vcpu(struct scale_guest *guest, unsigned index, struct kvm_run **run)
{
	int kvm_fd = open_device(), vcpu_fd;
	int size = kvm_call(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");
	void *page;

	close(kvm_fd);
	vcpu_fd = kvm_call(guest->vm_fd, KVM_CREATE_VCPU, index, "KVM_CREATE_VCPU");
	machine_init_vcpu(guest->vm_fd, vcpu_fd);
	page = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd, 0);
	if (page == MAP_FAILED)
		err(1, "kvm_run");
	*run = page;
	return vcpu_fd;
}
