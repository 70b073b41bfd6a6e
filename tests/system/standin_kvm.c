/* SPDX-License-Identifier: Apache-2.0 */
/* No KVM: see standin_kvm.h. */
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "tests/system/standin_fd.h"
#include "tests/system/standin_kvm.h"

enum {
	STANDIN_BURST = 16, /* instructions a millisecond */
	STANDIN_DB = 1,
	STANDIN_BP = 3,
	STANDIN_DR6 = 0x0ff0, /* what reads as 1, below the bits that always do */
	STANDIN_DR6_BS = 0x4000,
};

struct standin_vcpu {
	const struct standin_memory *memory;
	bool has_exits, is_unfinished;
	struct kvm_run *run;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp_state;
	atomic_uint control, early;
	atomic_ulong steps;
};

int __wrap_ioctl(int fd, unsigned long request, ...);

/* By their descriptors: ioctl() has no other argument to find them by. */
static struct standin_vcpu *standin_vcpus[STANDIN_FDS];

/* ---- the guest --------------------------------------------------------------------------- */

static uint8_t vcpu_byte(const struct standin_vcpu *vcpu, uint64_t offset)
{
	uint64_t at = vcpu->regs.rip + offset;

	if (at >= vcpu->memory->size)
		return 0;
	return __atomic_load_n(&vcpu->memory->bytes[at], __ATOMIC_ACQUIRE);
}

static void vcpu_exit_debug(struct standin_vcpu *vcpu, uint32_t exception, uint64_t dr6)
{
	vcpu->run->exit_reason = KVM_EXIT_DEBUG;
	vcpu->run->debug.arch = (struct kvm_debug_exit_arch){
		.exception = exception,
		.pc = vcpu->regs.rip,
		.dr6 = 0xffff0000 | STANDIN_DR6 | dr6,
		.dr7 = 0x400,
	};
}

static bool vcpu_debugs(const struct standin_vcpu *vcpu, uint32_t what)
{
	uint32_t control = atomic_load(&vcpu->control);

	return (control & KVM_GUESTDBG_ENABLE) && (control & what);
}

/* One instruction; false: with an exit. */
static bool vcpu_step(struct standin_vcpu *vcpu)
{
	switch (vcpu_byte(vcpu, 0)) {
	case 0x90:
		vcpu->regs.rip++;
		break;
	case 0xeb:
		vcpu->regs.rip += 2 + (uint64_t)(int8_t)vcpu_byte(vcpu, 1);
		break;
	case 0xcc:
		if (vcpu_debugs(vcpu, KVM_GUESTDBG_USE_SW_BP)) {
			vcpu_exit_debug(vcpu, STANDIN_BP, 0);
			return false;
		} /* fall through */
	default:
		vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
		return false;
	}
	atomic_fetch_add(&vcpu->steps, 1);
	if (!vcpu_debugs(vcpu, KVM_GUESTDBG_SINGLESTEP))
		return true;
	vcpu_exit_debug(vcpu, STANDIN_DB, STANDIN_DR6_BS);
	return false;
}

static bool vcpu_is_halted(const struct standin_vcpu *vcpu)
{
	return vcpu_byte(vcpu, 0) == 0xf4;
}

static bool vcpu_burst(struct standin_vcpu *vcpu)
{
	for (unsigned i = 0; i < STANDIN_BURST && !vcpu_is_halted(vcpu); i++)
		if (!vcpu_step(vcpu))
			return false;
	return true;
}

/* A signal that comes just before the sleep costs as long as that is: its handler has set immediate_exit. */
static int vcpu_run(struct standin_vcpu *vcpu)
{
	const struct timespec millisecond = { .tv_nsec = 1000000 }, second = { .tv_sec = 1 };

	vcpu->is_unfinished = false;
	while (!__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_SEQ_CST)) {
		if (!vcpu_burst(vcpu))
			return 0;
		if (nanosleep(vcpu_is_halted(vcpu) ? &second : &millisecond, NULL) < 0)
			break;
		vcpu->run->exit_reason = KVM_EXIT_IO;
		vcpu->is_unfinished = vcpu->has_exits;
		if (vcpu->has_exits)
			return 0;
	}
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	errno = EINTR;
	return -1;
}

/* ---- the calls --------------------------------------------------------------------------- */

#define STANDIN_CALL(get, set, member)                                                             \
	{                                                                                          \
		get, set, offsetof(struct standin_vcpu, member),                                   \
			sizeof(((struct standin_vcpu *)0)->member)                                 \
	}

static const struct standin_call {
	unsigned long get, set;
	size_t place, size;
} standin_calls[] = {
	STANDIN_CALL(KVM_GET_REGS, KVM_SET_REGS, regs),
	STANDIN_CALL(KVM_GET_SREGS, KVM_SET_SREGS, sregs),
	STANDIN_CALL(KVM_GET_FPU, KVM_SET_FPU, fpu),
	STANDIN_CALL(KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, debugregs),
	STANDIN_CALL(KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, events),
	STANDIN_CALL(KVM_GET_MP_STATE, KVM_SET_MP_STATE, mp_state),
};

/* False: it is none of those that copy. */
static bool vcpu_copy(struct standin_vcpu *vcpu, unsigned long request, void *argument)
{
	for (size_t i = 0; i < sizeof(standin_calls) / sizeof(standin_calls[0]); i++) {
		const struct standin_call *call = &standin_calls[i];
		uint8_t *member = (uint8_t *)vcpu + call->place;

		if (request != call->get && request != call->set)
			continue;
		if (request == call->get)
			memcpy(argument, member, call->size);
		else
			memcpy(member, argument, call->size);
		return true;
	}
	return false;
}

static int vcpu_call(struct standin_vcpu *vcpu, unsigned long request, void *argument)
{
	if (request != KVM_RUN && vcpu->is_unfinished)
		atomic_fetch_add(&vcpu->early, 1);
	switch (request) {
	case KVM_RUN:
		return vcpu_run(vcpu);
	case KVM_SET_GUEST_DEBUG:
		atomic_store(&vcpu->control, ((const struct kvm_guest_debug *)argument)->control);
		return 0;
	case KVM_GET_MSRS: /* each is 0, and may be set */
	case KVM_SET_MSRS:
		return (int)((const struct kvm_msrs *)argument)->nmsrs;
	default:
		break;
	}
	if (vcpu_copy(vcpu, request, argument))
		return 0;
	errno = EINVAL;
	return -1;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (fd >= 0 && fd < STANDIN_FDS && standin_vcpus[fd])
		return vcpu_call(standin_vcpus[fd], request, argument);
	errno = ENOTTY;
	return -1;
}

/* ---- vCPUs ------------------------------------------------------------------------------- */

int standin_kvm_create_vcpu(
	unsigned index, const struct standin_memory *memory, uint64_t rip, struct kvm_run **run)
{
	const struct kvm_segment flat = {
		.limit = UINT32_MAX, .db = 1, .s = 1, .g = 1, .present = 1
	};
	int fd = standin_fd_make(index);
	struct standin_vcpu *vcpu = calloc(1, sizeof(*vcpu));
	struct kvm_sregs *sregs = &vcpu->sregs;
	void *page = mmap(
		NULL, sizeof(**run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (fd < 0 || fd >= STANDIN_FDS || !vcpu || page == MAP_FAILED)
		err(1, "vCPU %u", index);
	vcpu->memory = memory;
	vcpu->has_exits = index == 0;
	sregs->cs = sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = flat;
	sregs->cs.type = 11;
	sregs->ds.type = sregs->es.type = sregs->fs.type = sregs->gs.type = sregs->ss.type = 3;
	sregs->cr0 = 1;
	vcpu->regs.rip = rip;
	vcpu->regs.rflags = 2;
	vcpu->debugregs.dr6 = 0xffff0000 | STANDIN_DR6;
	vcpu->debugregs.dr7 = 0x400;
	*run = vcpu->run = page;
	standin_vcpus[fd] = vcpu;
	return fd;
}

unsigned long standin_kvm_steps(int fd)
{
	return atomic_load(&standin_vcpus[fd]->steps);
}

uint32_t standin_kvm_control(int fd)
{
	return atomic_load(&standin_vcpus[fd]->control);
}

unsigned standin_kvm_early(int fd)
{
	return atomic_load(&standin_vcpus[fd]->early);
}
