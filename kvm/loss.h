/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a lender must put right in a vCPU when its daemon is gone in the midst of it: what a single step has
 * changed in the registers, and the guest's own debug exceptions that came out because a debugger was there.
 *
 * The daemon says so beforehand, in the word of struct kvm_guest_debug that KVM does not look at (pad), which goes
 * along with each KVM_SET_GUEST_DEBUG.  Both ends of it are here.  Pure; HANDOVER.md has the layout.
 */
#ifndef KVM_LOSS_H
#define KVM_LOSS_H

#include <stdbool.h>
#include <stdint.h>

/* ---- x86-64 ------------------------------------------------------------------------------ */

enum {
	LOSS_X86_TF =
		1 << 0, /* a step by KVM: the guest's own RFLAGS.TF, which KVM hides, is set */
	LOSS_X86_TF_LOADED =
		1 << 1,             /* and the instruction loads another TF (POPF, IRET, SYSRET): */
	LOSS_X86_TF_AFTER = 1 << 2, /* this one */
	LOSS_X86_PUSHES =
		3, /* 2 bits from here: the instruction pushes RFLAGS, as 2 << (n - 1) bytes */
	LOSS_X86_SAVES = 1 << 5, /* it saves RFLAGS in R11 (SYSCALL) */
	LOSS_X86_SLOT =
		8, /* 4 bits from here for each of DR0-3: 0, or 1 + the guest's own number of it, or: */
	LOSS_X86_HANDLER = 15, /* the first instruction of a handler, where a step of KVM's ends */
	LOSS_X86_SLOTS = 4,
};

/* How a vCPU was run, and how it came out. */
struct loss_x86_64 {
	uint32_t control; /* KVM_SET_GUEST_DEBUG's */
	uint32_t word;
	bool exited;  /* by KVM_EXIT_DEBUG, and nobody has decided about it: */
	bool is_db;   /* #DB, else #BP, which is executed again */
	uint64_t dr6; /* as KVM has it */
	uint64_t dr7; /* the guest's own */
	uint64_t pc;  /* linear */
	uint64_t addresses[LOSS_X86_SLOTS]; /* what KVM_SET_GUEST_DEBUG had for DR0-3 */
};

/* The causes of #DB that are the guest's, as bits of DR6; 0: none. */
uint64_t loss_x86_64_causes(const struct loss_x86_64 *loss);

/* Whether RFLAGS.TF is to be set: the guest's own. */
bool loss_x86_64_tf(const struct loss_x86_64 *loss);

/* The instruction was executed, and has pushed flags with a TF that is not the guest's: so many bytes; else 0. */
unsigned loss_x86_64_pushed(const struct loss_x86_64 *loss);

/* The same for R11. */
bool loss_x86_64_saved(const struct loss_x86_64 *loss);

/*
 * It has faulted instead: the exception's frame, at the top of the stack, has that TF.  The vCPU is at the handler's first
 * instruction, and may have come out before the debug register there had its turn.
 */
bool loss_x86_64_faulted(const struct loss_x86_64 *loss);

/* Whether the word can be RFLAGS: what is always set is, what never is is not. */
bool loss_x86_64_are_flags(uint64_t word);

enum { LOSS_X86_FRAME = 4 }; /* words of a frame that are enough to find its flags in */

/* Which of them are the flags, with TF set; 0: none is.  The error code, or RIP, comes first. */
unsigned loss_x86_64_frame_flags(const uint64_t *frame);

/* ---- arm64 ------------------------------------------------------------------------------- */

/*
 * Bits 6, 7, 8: F, I and A of PSTATE that a step has set, but for those that the instruction sets anew.  Bits 0 to 5: 0, or
 * 1 + the number of the register that the instruction reads them into.  Bit 9: it sets all of PSTATE's anew, so that they are
 * ours only where an exception came instead.  Bit 10: KVM has set PSTATE.SS, which the guest had not; it is used
 * up by an instruction that comes to its end, else it is still there, or in SPSR_EL1.
 */
enum {
	LOSS_ARM64_MASKS = 0x1c0,
	LOSS_ARM64_READ = 0x3f,
	LOSS_ARM64_SETS = 0x200,
	LOSS_ARM64_SS = 0x400
};

struct loss_arm64 {
	bool exited; /* by KVM_EXIT_DEBUG: the instruction was executed */
	uint64_t pc, pstate, spsr_el1, vbar_el1;
	uint64_t read; /* the register that it reads into, if it does */
};

/* Takes the bits out of where they are. */
void loss_arm64_clean(uint32_t word, struct loss_arm64 *regs);

#endif
