/* SPDX-License-Identifier: Apache-2.0 */
/* Between a VMM and ioctl(): see kvm_watch.h. */
#include <linux/kvm.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/vmm/kvm_watch.h"

int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_ioctl(int fd, unsigned long request, ...);

/* ioctl() has no argument to carry them. */
static pthread_once_t kvm_watch_opened = PTHREAD_ONCE_INIT;
static struct kvm_watch *kvm_watch_page;

static void kvm_watch_open(void)
{
	int fd = memfd_create(KVM_WATCH_NAME, MFD_CLOEXEC);
	void *page;

	if (fd < 0 || ftruncate(fd, sizeof(*kvm_watch_page)) < 0)
		_exit(125);
	page = mmap(NULL, sizeof(*kvm_watch_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		_exit(125);
	kvm_watch_page = page;
}

static void kvm_watch_note(struct kvm_watch_vcpu *vcpu, uint32_t control)
{
	__atomic_store_n(&vcpu->control, control, __ATOMIC_RELEASE);
	__atomic_fetch_add(&vcpu->nr_calls, 1, __ATOMIC_RELEASE);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	const struct kvm_guest_debug *debug;
	va_list arguments;
	void *argument;
	int result;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	pthread_once(&kvm_watch_opened, kvm_watch_open);
	result = __real_ioctl(fd, request, argument);
	if (result < 0 || request != KVM_SET_GUEST_DEBUG || fd >= KVM_WATCH_FDS_MAX)
		return result;
	debug = argument;
	kvm_watch_note(&kvm_watch_page->vcpus[fd],
		debug->control & KVM_GUESTDBG_ENABLE ? debug->control : 0);
	return result;
}
