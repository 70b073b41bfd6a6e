/* SPDX-License-Identifier: Apache-2.0 */
/* See loss.h.  In the daemon's place decide_x86_64.c and step_*.c know it all; this is what is left to know. */
#include "kvm/loss.h"

/* ---- x86-64 (Intel SDM volume 3, 17.2) --------------------------------------------------- */

enum {
	SINGLESTEP = 0x2, /* KVM_GUESTDBG_... */
	USE_HW_BP = 0x20000,
};

#define DR6_BS       UINT64_C(0x4000)
#define FLAGS_TF     UINT64_C(0x100)
#define FLAGS_ALWAYS UINT64_C(0x2)
#define FLAGS_NEVER  UINT64_C(0xffffffffffc08028)

static unsigned loss_x86_64_owner(const struct loss_x86_64 *loss, unsigned n)
{
	return (loss->word >> (LOSS_X86_SLOT + 4 * n)) & 15;
}

/* Bn is the guest's when its own register is there, or, with none of the debugger's, when it is enabled. */
static uint64_t loss_x86_64_slot(const struct loss_x86_64 *loss, unsigned n)
{
	unsigned own = loss_x86_64_owner(loss, n);

	if (!(loss->dr6 >> n & 1))
		return 0;
	if (loss->control & USE_HW_BP)
		return own >= 1 && own <= LOSS_X86_SLOTS ? UINT64_C(1) << (own - 1) : 0;
	return loss->dr7 >> (2 * n) & 3 ? UINT64_C(1) << n : 0;
}

uint64_t loss_x86_64_causes(const struct loss_x86_64 *loss)
{
	uint64_t causes = 0;

	if (!loss->exited || !loss->is_db)
		return 0;
	for (unsigned n = 0; n < LOSS_X86_SLOTS; n++)
		causes |= loss_x86_64_slot(loss, n);
	if (!(loss->control & SINGLESTEP) || (loss->word & LOSS_X86_TF))
		causes |= loss->dr6 & DR6_BS;
	return causes;
}

static bool loss_x86_64_done(const struct loss_x86_64 *loss)
{
	return (loss->control & SINGLESTEP) && loss->exited && loss->is_db && (loss->dr6 & DR6_BS);
}

/* By its debug register, or by something that came before it. */
static bool loss_x86_64_at_handler(const struct loss_x86_64 *loss)
{
	if (!(loss->control & SINGLESTEP) || !(loss->control & USE_HW_BP))
		return false;
	for (unsigned n = 0; n < LOSS_X86_SLOTS; n++) {
		bool is_here = loss->exited ? loss->is_db && (loss->dr6 >> n & 1)
					    : loss->pc == loss->addresses[n];

		if (is_here && loss_x86_64_owner(loss, n) == LOSS_X86_HANDLER)
			return !loss_x86_64_done(loss);
	}
	return false;
}

/* A step that came out without BS is at the handler of a fault, where TF is clear. */
bool loss_x86_64_tf(const struct loss_x86_64 *loss)
{
	bool done = loss_x86_64_done(loss);

	if (!(loss->control & SINGLESTEP) || (loss->exited && !done) ||
		loss_x86_64_at_handler(loss))
		return false;
	if (done && (loss->word & LOSS_X86_TF_LOADED))
		return loss->word & LOSS_X86_TF_AFTER;
	return loss->word & LOSS_X86_TF;
}

unsigned loss_x86_64_pushed(const struct loss_x86_64 *loss)
{
	static const uint8_t bytes[] = { 0, 2, 4, 8 };

	if (!loss_x86_64_done(loss) || (loss->word & LOSS_X86_TF))
		return 0;
	return bytes[(loss->word >> LOSS_X86_PUSHES) & 3];
}

bool loss_x86_64_saved(const struct loss_x86_64 *loss)
{
	return loss_x86_64_done(loss) && (loss->word & LOSS_X86_SAVES) &&
	       !(loss->word & LOSS_X86_TF);
}

bool loss_x86_64_faulted(const struct loss_x86_64 *loss)
{
	return !(loss->word & LOSS_X86_TF) && loss_x86_64_at_handler(loss);
}

bool loss_x86_64_are_flags(uint64_t word)
{
	return (word & FLAGS_ALWAYS) && !(word & FLAGS_NEVER);
}

/*
 * RIP, CS, flags; or an error code before them, and then CS is where the flags would be: a selector has bit 3 or 5, or
 * not bit 1.  Clean flags are not looked behind: what lies there is the guest's.
 */
unsigned loss_x86_64_frame_flags(const uint64_t *frame)
{
	for (unsigned i = 2; i < LOSS_X86_FRAME; i++)
		if (loss_x86_64_are_flags(frame[i]))
			return frame[i] & FLAGS_TF ? i : 0;
	return 0;
}

/* ---- arm64 (Arm ARM, D1.3) --------------------------------------------------------------- */

#define PSTATE_DAIF UINT64_C(0x3c0)
#define PSTATE_SS   UINT64_C(0x200000)
#define PSTATE_MODE UINT64_C(0x1f)
#define MODE_EL1H   UINT64_C(0x5)

enum { VECTOR_TABLE = 0x800, VECTOR_BYTES = 0x80 };

/* At the first instruction of an exception's handler, and the state that it interrupted has the bits. */
static bool loss_arm64_entered(uint64_t added, const struct loss_arm64 *regs)
{
	uint64_t offset = regs->pc - (regs->vbar_el1 & ~UINT64_C(0x7ff));

	return offset < VECTOR_TABLE && offset % VECTOR_BYTES == 0 &&
	       (regs->pstate & PSTATE_MODE) == MODE_EL1H &&
	       (regs->pstate & PSTATE_DAIF) == PSTATE_DAIF && (regs->spsr_el1 & added) == added;
}

void loss_arm64_clean(uint32_t word, struct loss_arm64 *regs)
{
	uint64_t added = word & LOSS_ARM64_MASKS;
	uint64_t ss = word & LOSS_ARM64_SS ? PSTATE_SS : 0;

	regs->pstate &= ~ss;
	if (loss_arm64_entered(added, regs)) {
		regs->spsr_el1 &= ~(added | ss);
		return;
	}
	if (word & LOSS_ARM64_SETS)
		return;
	regs->pstate &= ~added;
	if (regs->exited && (word & LOSS_ARM64_READ))
		regs->read &= ~added;
}
