/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving a vCPU back to the guest whose daemon is gone: guest debug off, and what loss.h says put right.  From
 * the vCPU's own thread.  A call that KVM refuses leaves things as they are: there is nobody to tell.
 */
#include "kvm/lender.h"

#include <string.h>
#include <sys/ioctl.h>

#include "kvm/loss.h"

void lender_loss_note(struct gdbproxy_vcpu *vcpu, const struct kvm_guest_debug *debug)
{
	vcpu->next_control = debug->control;
	vcpu->next_word = debug->pad;
}

void lender_loss_begin(struct gdbproxy_vcpu *vcpu)
{
	vcpu->loss_exited = false;
	vcpu->loss_control = vcpu->next_control;
	vcpu->loss_word = vcpu->next_word;
}

#if defined(__x86_64__)

static void loss_set_tf(int fd)
{
	struct kvm_regs regs;

	if (ioctl(fd, KVM_GET_REGS, &regs) < 0)
		return;
	regs.rflags |= 0x100;
	ioctl(fd, KVM_SET_REGS, &regs);
}

/* As a CPU does when it delivers #DB: B0 to B3 are of this one, the others stay. The last call before KVM_RUN. */
static void loss_inject(int fd, struct kvm_debugregs *own, uint64_t causes)
{
	struct kvm_guest_debug inject = { .control = KVM_GUESTDBG_INJECT_DB };

	own->dr6 = (own->dr6 & ~UINT64_C(0xf)) | causes;
	if (ioctl(fd, KVM_SET_DEBUGREGS, own) == 0)
		ioctl(fd, KVM_SET_GUEST_DEBUG, &inject);
}

void lender_loss_mend(struct gdbproxy_vcpu *vcpu)
{
	const struct kvm_debug_exit_arch *debug = &vcpu->run->debug.arch;
	struct loss_x86_64 loss = {
		.control = vcpu->loss_control,
		.word = vcpu->loss_word,
		.exited = vcpu->loss_exited,
		.is_db = debug->exception == 1,
		.dr6 = debug->dr6,
	};
	struct kvm_debugregs own;
	uint64_t causes;

	if (!(loss.control & KVM_GUESTDBG_ENABLE) ||
		ioctl(vcpu->vcpu_fd, KVM_GET_DEBUGREGS, &own) < 0)
		return;
	loss.dr7 = own.dr7;
	if (loss_x86_64_tf(&loss))
		loss_set_tf(vcpu->vcpu_fd);
	causes = loss_x86_64_causes(&loss);
	if (causes)
		loss_inject(vcpu->vcpu_fd, &own, causes);
}

#else

#define LOSS_CORE(field)                                                                           \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))
#define LOSS_VBAR_EL1 ARM64_SYS_REG(3, 0, 12, 0, 0)

static int loss_register(int fd, unsigned long request, uint64_t id, uint64_t *value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)value };

	return ioctl(fd, request, &reg);
}

/* Those that the word is about; request: GET or SET. */
static int loss_each(int fd, unsigned long request, uint32_t word, struct loss_arm64 *regs)
{
	unsigned read = word & LOSS_ARM64_READ;
	int rc = loss_register(fd, request, LOSS_CORE(regs.pstate), &regs->pstate);

	if (rc == 0)
		rc = loss_register(fd, request, LOSS_CORE(spsr[0]), &regs->spsr_el1);
	if (rc == 0 && read)
		rc = loss_register(
			fd, request, LOSS_CORE(regs.regs[0]) + 2 * (read - 1), &regs->read);
	return rc;
}

void lender_loss_mend(struct gdbproxy_vcpu *vcpu)
{
	struct loss_arm64 regs = { .exited = vcpu->loss_exited };
	uint32_t word = vcpu->loss_word;
	int fd = vcpu->vcpu_fd;

	if (!word || (word & LOSS_ARM64_READ) > 31 ||
		loss_register(fd, KVM_GET_ONE_REG, LOSS_CORE(regs.pc), &regs.pc) < 0 ||
		loss_register(fd, KVM_GET_ONE_REG, LOSS_VBAR_EL1, &regs.vbar_el1) < 0 ||
		loss_each(fd, KVM_GET_ONE_REG, word, &regs) < 0)
		return;
	loss_arm64_clean(word, &regs);
	loss_each(fd, KVM_SET_ONE_REG, word, &regs);
}

#endif
