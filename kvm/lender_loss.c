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
	vcpu->next_debug = *debug;
}

void lender_loss_begin(struct gdbproxy_vcpu *vcpu)
{
	vcpu->loss_exited = false;
	vcpu->loss_debug = vcpu->next_debug;
}

#if defined(__x86_64__)

#define FLAGS_TF UINT64_C(0x100)

/* ---- where the vCPU is ------------------------------------------------------------------- */

struct loss_place {
	struct gdbproxy_vcpu *vcpu;
	struct kvm_regs regs;
	uint64_t pc;         /* linear */
	uint64_t base, mask; /* of the stack: its segment's, and of offsets there */
	unsigned word;       /* bytes of one in an exception's frame */
};

static bool loss_find_place(struct gdbproxy_vcpu *vcpu, struct loss_place *place)
{
	struct kvm_sregs sregs;
	bool is_long;

	*place = (struct loss_place){ .vcpu = vcpu, .mask = UINT64_MAX };
	if (ioctl(vcpu->vcpu_fd, KVM_GET_REGS, &place->regs) < 0 ||
		ioctl(vcpu->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return false;
	is_long = sregs.efer & 0x400; /* LMA */
	place->word = is_long ? 8 : 4;
	place->pc = place->regs.rip;
	if (!is_long || !sregs.cs.l) {
		place->pc = (uint32_t)(sregs.cs.base + place->regs.rip);
		place->base = sregs.ss.base;
		place->mask = sregs.ss.db ? UINT32_MAX : UINT16_MAX;
	}
	return true;
}

/* ---- the guest's stack ------------------------------------------------------------------- */

/* One byte so far above the top, in the VMM's memory; NULL when nothing that can be written is there. */
static uint8_t *loss_find(const struct loss_place *place, unsigned offset)
{
	uint64_t linear = place->base + ((place->regs.rsp + offset) & place->mask);
	struct kvm_translation translation = {
		.linear_address = place->mask == UINT64_MAX ? linear : (uint32_t)linear,
	};

	if (ioctl(place->vcpu->vcpu_fd, KVM_TRANSLATE, &translation) < 0 || !translation.valid)
		return NULL;
	return lender_memory_at(place->vcpu->proxy, translation.physical_address);
}

static bool loss_read(
	const struct loss_place *place, unsigned offset, unsigned bytes, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < bytes; i++) {
		const uint8_t *byte = loss_find(place, offset + i);

		if (!byte)
			return false;
		*value |= (uint64_t)*byte << (8 * i);
	}
	return true;
}

/* offset: of flags on the stack. TF is bit 0 of their second byte. */
static void loss_clear_tf(const struct loss_place *place, unsigned offset)
{
	uint8_t *byte = loss_find(place, offset + 1);

	if (byte)
		__atomic_fetch_and(byte, (uint8_t) ~(FLAGS_TF >> 8), __ATOMIC_RELEASE);
}

static void loss_clean_frame(const struct loss_place *place)
{
	uint64_t frame[LOSS_X86_FRAME];
	unsigned flags;

	for (unsigned i = 0; i < LOSS_X86_FRAME; i++)
		if (!loss_read(place, i * place->word, place->word, &frame[i]))
			return;
	flags = loss_x86_64_frame_flags(frame);
	if (flags)
		loss_clear_tf(place, flags * place->word);
}

static void loss_clean_pushed(const struct loss_place *place, unsigned bytes)
{
	uint64_t flags;

	if (loss_read(place, 0, bytes, &flags) && loss_x86_64_are_flags(flags))
		loss_clear_tf(place, 0);
}

/* What the step has had saved with TF set, which was KVM's. */
static void loss_clean_stack(const struct loss_place *place, const struct loss_x86_64 *loss)
{
	pthread_mutex_t *lock = &place->vcpu->proxy->table_lock;

	pthread_mutex_lock(lock); /* no memory goes meanwhile */
	if (loss_x86_64_faulted(loss))
		loss_clean_frame(place);
	else if (loss_x86_64_pushed(loss))
		loss_clean_pushed(place, loss_x86_64_pushed(loss));
	pthread_mutex_unlock(lock);
}

/* ---- registers, exceptions --------------------------------------------------------------- */

/* Not amid an exit, where KVM_SET_REGS loses what an MMIO read has read. */
static void loss_clean_registers(struct loss_place *place, const struct loss_x86_64 *loss)
{
	bool tf = loss_x86_64_tf(loss), saved = loss_x86_64_saved(loss);

	if (tf)
		place->regs.rflags |= FLAGS_TF;
	if (saved && loss_x86_64_are_flags(place->regs.r11))
		place->regs.r11 &= ~FLAGS_TF;
	if ((tf || saved) && place->vcpu->whole)
		ioctl(place->vcpu->vcpu_fd, KVM_SET_REGS, &place->regs);
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
		.control = vcpu->loss_debug.control,
		.word = vcpu->loss_debug.pad,
		.exited = vcpu->loss_exited,
		.is_db = debug->exception == 1,
		.dr6 = debug->dr6,
	};
	struct kvm_debugregs own;
	struct loss_place place;
	uint64_t causes;

	if (!(loss.control & KVM_GUESTDBG_ENABLE) ||
		ioctl(vcpu->vcpu_fd, KVM_GET_DEBUGREGS, &own) < 0 || !loss_find_place(vcpu, &place))
		return;
	loss.dr7 = own.dr7;
	loss.pc = place.pc;
	for (unsigned i = 0; i < LOSS_X86_SLOTS; i++)
		loss.addresses[i] = vcpu->loss_debug.arch.debugreg[i];
	loss_clean_stack(&place, &loss);
	loss_clean_registers(&place, &loss);
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
	uint32_t word = vcpu->loss_debug.pad;
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
