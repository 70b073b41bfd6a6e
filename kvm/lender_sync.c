/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers that KVM leaves in kvm_run when KVM_RUN returns (api.rst, KVM_CAP_SYNC_REGS): who looks at
 * them then needs no call for it.  That is most of what a stop costs, the more so where KVM itself runs in
 * a guest.
 *
 * The library has nothing to ask KVM_CHECK_EXTENSION of.  So it is tried once for each vCPU, and what is there
 * compared with what KVM_GET_REGS says.  A VMM that uses these fields of kvm_run itself keeps them.
 */
#include "kvm/lender.h"

#include <string.h>

#if defined(__x86_64__)

#define SYNC_FIELDS (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS)

void lender_sync_begin(struct gdbproxy_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (vcpu->sync != LENDER_SYNC_UNKNOWN)
		return;
	if (run->kvm_valid_regs || run->kvm_dirty_regs) {
		vcpu->sync = LENDER_SYNC_NEVER;
		return;
	}
	memset(&run->s.regs.regs, 0x5a, sizeof(run->s.regs.regs));
	run->kvm_valid_regs = SYNC_FIELDS;
	vcpu->sync = LENDER_SYNC_TRIED;
}

void lender_sync_end(struct gdbproxy_vcpu *vcpu)
{
	if (vcpu->sync == LENDER_SYNC_TRIED || vcpu->sync == LENDER_SYNC_WORKS)
		vcpu->run->kvm_valid_regs = 0;
	if (vcpu->sync != LENDER_SYNC_NEVER)
		vcpu->sync = LENDER_SYNC_UNKNOWN;
}

bool lender_sync_take(const struct gdbproxy_vcpu *vcpu, uint32_t request, void *argument)
{
	const struct kvm_sync_regs *held = &vcpu->run->s.regs;

	if (!vcpu->fresh || vcpu->sync != LENDER_SYNC_WORKS)
		return false;
	if (request == KVM_GET_REGS)
		memcpy(argument, &held->regs, sizeof(held->regs));
	else if (request == KVM_GET_SREGS)
		memcpy(argument, &held->sregs, sizeof(held->sregs));
	else if (request == KVM_GET_VCPU_EVENTS)
		memcpy(argument, &held->events, sizeof(held->events));
	else
		return false;
	return true;
}

void lender_sync_learn(struct gdbproxy_vcpu *vcpu, uint32_t request, const void *argument)
{
	struct kvm_run *run = vcpu->run;

	if (!vcpu->fresh || vcpu->sync != LENDER_SYNC_TRIED || request != KVM_GET_REGS)
		return;
	vcpu->sync = LENDER_SYNC_WORKS;
	if (!memcmp(argument, &run->s.regs.regs, sizeof(run->s.regs.regs)))
		return;
	run->kvm_valid_regs = 0;
	vcpu->sync = LENDER_SYNC_NEVER;
}

#else /* nothing of what a debugger wants is among the fields of other architectures */

void lender_sync_begin(struct gdbproxy_vcpu *vcpu)
{
	(void)vcpu;
}

void lender_sync_end(struct gdbproxy_vcpu *vcpu)
{
	(void)vcpu;
}

bool lender_sync_take(const struct gdbproxy_vcpu *vcpu, uint32_t request, void *argument)
{
	(void)vcpu;
	(void)request;
	(void)argument;
	return false;
}

void lender_sync_learn(struct gdbproxy_vcpu *vcpu, uint32_t request, const void *argument)
{
	(void)vcpu;
	(void)request;
	(void)argument;
}

#endif
