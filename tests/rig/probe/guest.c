/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest is on every architecture. Knows no register.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>

static void *map(int fd, int flags, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);

	if (at == MAP_FAILED)
		exit(EXIT_FAILURE);
	return at;
}

static int must(int result)
{
	if (result < 0)
		exit(EXIT_FAILURE);
	return result;
}

void guest_create(struct guest *guest, uint64_t addr, size_t size)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = addr,
		.memory_size = size,
	};

	guest->kvm_fd = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	guest->vm_fd = must(ioctl(guest->kvm_fd, KVM_CREATE_VM, 0));
	guest->memory = map(-1, MAP_ANONYMOUS, size);
	region.userspace_addr = (uintptr_t)guest->memory;
	must(ioctl(guest->vm_fd, KVM_SET_USER_MEMORY_REGION, &region));
	guest->vcpu_fd = must(ioctl(guest->vm_fd, KVM_CREATE_VCPU, 0));
	guest->run = map(guest->vcpu_fd, 0, must(ioctl(guest->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0)));
}

int guest_extension(struct guest *guest, int extension)
{
	return must(ioctl(guest->vm_fd, KVM_CHECK_EXTENSION, extension));
}

void guest_ioctl(struct guest *guest, unsigned long request, void *argument)
{
	must(ioctl(guest->vcpu_fd, request, argument));
}

void guest_set_debug(struct guest *guest, uint32_t control)
{
	guest->debug.control = control == 0 ? 0 : control | KVM_GUESTDBG_ENABLE;
	guest_ioctl(guest, KVM_SET_GUEST_DEBUG, &guest->debug);
}

int guest_run(struct guest *guest)
{
	if (ioctl(guest->vcpu_fd, KVM_RUN, 0) < 0)
		return -errno;
	return guest->run->exit_reason;
}

bool guest_leaves_at_once(struct guest *guest)
{
	if (!guest_extension(guest, KVM_CAP_IMMEDIATE_EXIT))
		return false;
	guest->run->immediate_exit = 1;
	return guest_run(guest) == -EINTR;
}

static void on_alarm(int number)
{
	(void)number;
}

bool guest_leaves_on_signal(struct guest *guest)
{
	struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	struct sigaction action = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	return guest_run(guest) == -EINTR;
}
