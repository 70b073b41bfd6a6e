/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a vCPU and serving its exits.
 *
 * The one thing that differs from a VMM that cannot be debugged is gdbproxy_run() in the place of
 * ioctl(fd, KVM_RUN, 0).
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/vmm/exit_log.h"
#include "tests/vmm/kvm_call.h"
#include "tests/vmm/machine.h"
#include "tests/vmm/vcpu.h"
#include "tests/vmm/vm.h"

#define VCPU_KICK_SIGNAL   SIGUSR1
#define VCPU_KICK_AGAIN_NS 20000000

int vcpu_create(struct vcpu *vcpu, struct vm *vm, unsigned index)
{
	int size = KVM_CALL(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->fd = KVM_CALL(vm->vm_fd, KVM_CREATE_VCPU, index);
	if (size < 0 || vcpu->fd < 0)
		return size < 0 ? size : vcpu->fd;
	vcpu->run_size = (size_t)size;
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		int saved = errno;

		warn("mapping vCPU %u", index);
		vcpu->run = NULL;
		return -saved;
	}
	return machine_init_vcpu(vcpu);
}

void vcpu_destroy(struct vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_size);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	vcpu->run = NULL;
	vcpu->fd = -1;
}

/* The guest did something there is no answer to. */
__attribute__((format(printf, 2, 3))) static void vcpu_crash(
	struct vcpu *vcpu, const char *format, ...)
{
	char what[160];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	warnx("vCPU %u at %#" PRIx64 ": %s", vcpu->index, machine_pc(vcpu), what);
	vm_end_crashed(vcpu->vm);
}

static void vcpu_on_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	unsigned char *data = (unsigned char *)run + run->io.data_offset;
	const struct bus *ports = &vcpu->vm->ports;
	bool is_out = run->io.direction == KVM_EXIT_IO_OUT;
	int result = 0;

	for (uint32_t i = 0; !result && i < run->io.count; i++, data += run->io.size) {
		if (is_out)
			result = bus_write(ports, run->io.port, data, run->io.size);
		else
			result = bus_read(ports, run->io.port, data, run->io.size);
	}
	if (result)
		vcpu_crash(vcpu, "guest %s port %#x, where no device is",
			is_out ? "writes to" : "reads from", run->io.port);
}

static void vcpu_on_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	const struct bus *mmio = &vcpu->vm->mmio;
	uint64_t gpa = run->mmio.phys_addr;
	int result;

	if (run->mmio.is_write)
		result = bus_write(mmio, gpa, run->mmio.data, run->mmio.len);
	else
		result = bus_read(mmio, gpa, run->mmio.data, run->mmio.len);
	if (result)
		vcpu_crash(vcpu, "guest %s %u bytes at gpa %#" PRIx64 ", where nothing is",
			run->mmio.is_write ? "writes" : "reads", run->mmio.len, gpa);
}

static void vcpu_on_system_event(struct vcpu *vcpu)
{
	uint32_t type = vcpu->run->system_event.type;

	switch (type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_end(vcpu->vm, 0);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		warnx("vCPU %u: the guest asks for a reset, which ends this VM", vcpu->index);
		vm_end(vcpu->vm, 0);
		break;
	default:
		vcpu_crash(vcpu, "system event %u", type);
		break;
	}
}

static void vcpu_on_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		vcpu_on_io(vcpu);
		break;
	case KVM_EXIT_MMIO:
		vcpu_on_mmio(vcpu);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		vcpu_on_system_event(vcpu);
		break;
	case KVM_EXIT_HLT:
		vcpu_crash(vcpu, "halts where nothing can wake it");
		break;
	case KVM_EXIT_SHUTDOWN:
		vcpu_crash(vcpu, "triple fault");
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		vcpu_crash(vcpu, "KVM gave up: internal error %u", run->internal.suberror);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		vcpu_crash(vcpu, "KVM cannot enter the guest: hardware reason %#llx",
			(unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		break;
	default:
		vcpu_crash(vcpu, "exit reason %u, which nobody asked for", run->exit_reason);
		break;
	}
}

static void *vcpu_thread(void *opaque)
{
	struct vcpu *vcpu = opaque;
	struct vm *vm = vcpu->vm;

	while (!atomic_load(&vm->ending)) {
		int result = gdbproxy_run(vcpu->lent), saved = errno;

		if (atomic_load(&vm->ending))
			break;
		exit_log_write(
			vm->exit_log, vcpu->index, ++vcpu->nr_exits, vcpu->run, result, saved);
		if (result == 0)
			vcpu_on_exit(vcpu);
		else if (saved != EINTR && saved != EAGAIN)
			vcpu_crash(vcpu, "KVM_RUN: %s", strerror(saved));
	}
	return NULL;
}

static void vcpu_on_kick(int signal)
{
	(void)signal; /* it is there to make KVM_RUN return */
}

int vcpu_start(struct vcpu *vcpu)
{
	struct sigaction action = { .sa_handler = vcpu_on_kick };
	int result;

	sigaction(VCPU_KICK_SIGNAL, &action, NULL);
	result = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
	if (result) {
		warnx("starting vCPU %u: %s", vcpu->index, strerror(result));
		return -result;
	}
	vcpu->has_thread = true;
	return 0;
}

/*
 * immediate_exit closes the window between the thread's look at vm->ending and its KVM_RUN.  It is
 * not ours alone, so the kick is repeated until it has worked.
 */
void vcpu_stop(struct vcpu *vcpu)
{
	struct timespec deadline;

	if (!vcpu->has_thread)
		return;
	do {
		__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
		pthread_kill(vcpu->thread, VCPU_KICK_SIGNAL);
		clock_gettime(CLOCK_REALTIME, &deadline);
		deadline.tv_nsec += VCPU_KICK_AGAIN_NS;
		if (deadline.tv_nsec >= 1000000000) {
			deadline.tv_nsec -= 1000000000;
			deadline.tv_sec++;
		}
	} while (pthread_timedjoin_np(vcpu->thread, NULL, &deadline));
	vcpu->has_thread = false;
}
