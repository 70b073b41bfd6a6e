/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/linux_guest.c: whose registers are used, and which memory. */
#include "tests/unit/linux_fixture.h"
#include <sys/mman.h>
#include <unistd.h>
#include "kvm/arch_x86_64.h"
#include "kvm/linux_guest.h"

#define IMAGE UINT64_C(0xffffffffb8e00000)
#define SLIDE UINT64_C(0x37e00000)
#define INFO                                                                                       \
	"OSRELEASE=6.1\nSYMBOL(_stext)=ffffffffb8e00000\nNUMBER(phys_base)=-937426944\n"           \
	"KERNELOFFSET=37e00000\n"

enum { VCPUS = 3 };

static void add_memory(struct vm *vm, const struct linux_fixture *fixture)
{
	int fd = memfd_create("test-linux-guest", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, fixture->arena.bytes, FIXTURE_BYTES), FIXTURE_BYTES);
	assert_int_equal(memory_add_file(&vm->memory, 0, FIXTURE_BYTES, fd, 0, true, 0), 0);
	close(fd);
}

static struct vm *build(void)
{
	static const struct vm_hooks hooks;
	struct vm *vm = calloc(1, sizeof(*vm));
	struct linux_fixture fixture;
	struct journal journal;

	assert_non_null(vm);
	assert_int_equal(journal_create(&journal), 0);
	assert_int_equal(vm_init(vm, &arch_x86_64, &hooks, journal.fd, VCPUS, 100), 0);
	fixture_init(&fixture, &arch_x86_64, 0);
	fixture.levels = 4;
	fixture.image = IMAGE;
	fixture.direct = 0xffff888000000000;
	fixture_add_image(&fixture, 0, INFO);
	add_memory(vm, &fixture);
	fixture_fini(&fixture);
	return vm;
}

/* Its registers are all known, so that nobody is asked for them. */
static void park(struct vcpu *vcpu)
{
	vcpu->state = VCPU_PARKED;
	vcpu->cpu.valid = CPU_STOP | CPU_MSRS;
}

static void enter_kernel(struct cpu *cpu)
{
	cpu->x86_64.sregs.cr0 = 0x80050033;
	cpu->x86_64.sregs.cr3 = FIXTURE_TABLES;
	cpu->x86_64.sregs.cr4 = 0xa0;
	cpu->x86_64.sregs.efer = 0xd01;
	cpu->x86_64.msrs[X86_MSR_LSTAR] = IMAGE + 0x201080;
}

static void test_vcpus(void **state)
{
	struct vm *vm = build();
	struct linux_kernel kernel;

	(void)state;
	assert_int_equal(linux_guest_find(vm, &kernel), -EBUSY);
	assert_int_equal(linux_guest_find_mapped(vm, &kernel), -EBUSY);
	/* One that waits to be started knows nothing: only the search of memory is left. */
	park(&vm->vcpus[1]);
	assert_int_equal(linux_guest_find_mapped(vm, &kernel), -ENOENT);
	assert_int_equal(linux_guest_find(vm, &kernel), 0);
	assert_int_equal(kernel.clue, LINUX_KERNEL_PHYSICAL);
	assert_int_equal(kernel.slide, SLIDE);
	/* The last one knows. */
	park(&vm->vcpus[2]);
	enter_kernel(&vm->vcpus[2].cpu);
	assert_int_equal(linux_guest_find_mapped(vm, &kernel), 0);
	assert_int_equal(kernel.clue, LINUX_KERNEL_LSTAR);
	assert_int_equal(linux_guest_find(vm, &kernel), 0);
	assert_int_equal(kernel.clue, LINUX_KERNEL_LSTAR);
	assert_int_equal(kernel.slide, SLIDE);
	assert_int_equal(kernel.base, IMAGE);
	/* No kernel. */
	assert_int_equal(memory_remove(&vm->memory, 0), 0);
	assert_int_equal(linux_guest_find(vm, &kernel), -ENOENT);
	vm_fini(vm);
	free(vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vcpus),
	};

	return cmocka_run_group_tests_name("linux_guest", tests, NULL, NULL);
}
