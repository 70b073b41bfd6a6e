/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One instruction, seen by the guest as if nobody had stepped it.
 *
 * A trapped step (KVM's single step) masks interrupts by PSTATE.{A,I,F}, for otherwise a pending
 * one turns it into a step to the first instruction of its handler.  step_arm64_end() takes back
 * exactly the bits that were added, wherever the instruction has left them: in PSTATE; in SPSR_EL1,
 * when it entered EL1 by an exception (pc is the vector then, and the debugger is shown that); in
 * Xt after MRS Xt, DAIF; nowhere after MSR DAIF and ERET, which have set PSTATE anew.  PSTATE.D is
 * left alone: the step exception goes to EL2, where it does not count.  PSTATE.SS is KVM's to set
 * and an instruction's to use up; one that was not executed leaves it, or takes it along to SPSR_EL1.
 *
 * A load-exclusive cannot be stepped by itself, for every exception return clears the monitor and
 * the store would fail for ever.  It runs to the instruction after its store, or to where a branch
 * leaves the sequence, whichever comes first, with interrupts as they are: the guest may take a
 * page fault on the way, and must not save our mask in a frame where we cannot find it.  A sequence
 * that waits in place for another CPU ends when that CPU runs, or by stopping the vCPU.
 *
 * WFI needs nothing: it ends when an interrupt is pending, masked or not; until then the vCPU sits
 * in the kernel and can be stopped.
 */
#include <string.h>
#include "kvm/arch_arm64.h"
#include "kvm/instruction_arm64.h"
#include "kvm/loss.h"

#define STEP_MASK (PSTATE_A | PSTATE_I | PSTATE_F)

/* step_plan.private[]. */
enum {
	OLD_PSTATE,
	ADDED,   /* bits of STEP_MASK that were not set before; their place is that of DAIF */
	OLD_ELR, /* ELR_EL1 before */
	WORD,    /* the instruction; 0 (UDF) when it could not be read or is not A64 */
};

enum {
	EXCLUSIVE_MAX = 16, /* instructions that a sequence may have (Arm ARM, B2.9.5) */
	VECTOR_TABLE = 0x800,
	VECTOR_SIZE = 0x80,
};

uint64_t step_arm64_old_pstate(const struct step_plan *step)
{
	return step->private[OLD_PSTATE];
}

uint32_t step_arm64_groups(const struct cpu *cpu, const uint8_t *code, unsigned length)
{
	(void)cpu;
	(void)code;
	(void)length;
	return CPU_STOP;
}

/* ---- exclusive sequences ----------------------------------------------------------------- */

/* Where a sequence can be left. */
struct sequence {
	gva_t from, end; /* end: after the store; 0: not found yet */
	gva_t exits[EXCLUSIVE_MAX];
	unsigned exit_count;
};

/* Looks at one instruction of it.  False when this cannot be a sequence that we can run. */
static bool sequence_add(
	struct sequence *sequence, gva_t at, const struct instruction_arm64 *instruction)
{
	switch (instruction->kind) {
	case INSTRUCTION_STORE_EXCLUSIVE:
	case INSTRUCTION_CLEAR_EXCLUSIVE:
		sequence->end = at + 4;
		return true;
	case INSTRUCTION_BRANCH:
	case INSTRUCTION_BRANCH_MAYBE:
		sequence->exits[sequence->exit_count++] = at + (uint64_t)instruction->offset;
		return true;
	case INSTRUCTION_BRK:
	case INSTRUCTION_EXCEPTION:
	case INSTRUCTION_BRANCH_INDIRECT:
	case INSTRUCTION_ERET:
		return false;
	default:
		return true;
	}
}

/* Reads on from the load at `from`; false when no store is found. */
static bool sequence_scan(struct sequence *sequence, const struct guest_memory *memory, gva_t from)
{
	struct instruction_arm64 instruction;
	uint8_t code[4];

	*sequence = (struct sequence){ .from = from };
	for (unsigned i = 1; i <= EXCLUSIVE_MAX && !sequence->end; i++) {
		gva_t at = from + i * UINT64_C(4);

		if (memory->read(memory->context, at, code, sizeof(code)) < 0)
			return false;
		instruction_arm64_decode_bytes(&instruction, code, sizeof(code));
		if (!sequence_add(sequence, at, &instruction))
			return false;
	}
	return sequence->end != 0;
}

/* Adds an address once.  False when there is no room for it. */
static bool step_arm64_run_to(struct step_plan *step, gva_t gva)
{
	for (unsigned i = 0; i < step->run_to_count; i++) {
		if (step->run_to[i] == gva)
			return true;
	}
	if (step->run_to_count == sizeof(step->run_to) / sizeof(step->run_to[0]))
		return false;
	step->run_to[step->run_to_count++] = gva;
	return true;
}

/* Runs to end, or to wherever the sequence can be left from [from, end). */
static bool step_arm64_plan_exits(const struct cpu_arm64 *cpu, const struct sequence *sequence,
	gva_t from, gva_t end, struct step_plan *step)
{
	step_arm64_run_to(step, end);
	for (unsigned i = 0; i < sequence->exit_count; i++) {
		gva_t target = sequence->exits[i];

		if (target >= from && target < end)
			continue; /* stays inside */
		if (!step_arm64_run_to(step, target))
			return false;
	}
	return step->run_to_count <= cpu->breakpoint_slots;
}

/* Plans to run the sequence that begins at pc; false when it must be trapped after all. */
static bool step_arm64_plan_sequence(
	const struct cpu_arm64 *cpu, const struct guest_memory *memory, struct step_plan *step)
{
	struct sequence sequence;

	return sequence_scan(&sequence, memory, cpu->regs.pc) &&
	       step_arm64_plan_exits(cpu, &sequence, sequence.from, sequence.end, step);
}

/*
 * At the store of a sequence (a watchpoint stops there) the monitor is lost: the store will fail, and the
 * branch behind it goes back to the load.  Runs until a later try has succeeded.
 */
static bool step_arm64_plan_retry(
	const struct cpu_arm64 *cpu, const struct guest_memory *memory, struct step_plan *step)
{
	gva_t branch = cpu->regs.pc + 4, load;
	struct instruction_arm64 instruction;
	struct sequence sequence;
	uint8_t code[4];

	if (memory->read(memory->context, branch, code, sizeof(code)) < 0)
		return false;
	instruction_arm64_decode_bytes(&instruction, code, sizeof(code));
	load = branch + (uint64_t)instruction.offset;
	if (instruction.kind != INSTRUCTION_BRANCH_MAYBE || load >= branch ||
		!sequence_scan(&sequence, memory, load - 4) || sequence.end != branch)
		return false;
	return step_arm64_plan_exits(cpu, &sequence, load, branch + 4, step);
}

static bool step_arm64_plan_exclusive(const struct cpu_arm64 *cpu,
	const struct guest_memory *memory, enum instruction_arm64_kind kind, struct step_plan *step)
{
	if (kind == INSTRUCTION_LOAD_EXCLUSIVE)
		return step_arm64_plan_sequence(cpu, memory, step);
	if (kind == INSTRUCTION_STORE_EXCLUSIVE)
		return step_arm64_plan_retry(cpu, memory, step);
	return false;
}

/* ---- before ------------------------------------------------------------------------------ */

static uint32_t step_arm64_word(const struct cpu_arm64 *cpu, const uint8_t *code, unsigned length)
{
	uint32_t word = 0;

	if (arm64_world(cpu->regs.pstate) != ARM64_EL0_32 && length >= sizeof(word))
		memcpy(&word, code, sizeof(word));
	return word;
}

static void step_arm64_mask(struct cpu *cpu, struct step_plan *step)
{
	uint64_t added = STEP_MASK & ~cpu->arm64.regs.pstate;

	step->private[ADDED] = added;
	step->private[OLD_ELR] = cpu->arm64.regs.elr_el1;
	if (!added)
		return;
	cpu->arm64.regs.pstate |= added;
	cpu->dirty |= CPU_GENERAL;
}

/*
 * What sets the masks anew leaves nothing of ours, and where it was not executed it will be: no lender need touch
 * what it sets.
 */
static uint32_t step_arm64_loss_of_masks(
	uint32_t added, const struct instruction_arm64 *instruction)
{
	switch (instruction->kind) {
	case INSTRUCTION_WRITE_DAIF:
	case INSTRUCTION_ERET:
		return added ? added | LOSS_ARM64_SETS : 0;
	case INSTRUCTION_SET_DAIF:
		return added & ~((uint32_t)instruction->immediate << 6);
	case INSTRUCTION_READ_DAIF:
		return added && instruction->rt != 31 ? added | (instruction->rt + 1u) : added;
	default:
		return added;
	}
}

static uint32_t step_arm64_loss(
	const struct step_plan *step, const struct instruction_arm64 *instruction)
{
	uint32_t masks = step_arm64_loss_of_masks((uint32_t)step->private[ADDED], instruction);

	return step->private[OLD_PSTATE] & PSTATE_SS ? masks : masks | LOSS_ARM64_SS;
}

void step_arm64_begin(struct cpu *cpu, const struct guest_memory *memory, const uint8_t *code,
	unsigned length, bool trap_only, struct step_plan *step)
{
	struct instruction_arm64 instruction;
	uint32_t word = step_arm64_word(&cpu->arm64, code, length);

	(void)trap_only; /* it never runs to an address */
	memset(step, 0, sizeof(*step));
	step->from = cpu->arm64.regs.pc;
	step->private[OLD_PSTATE] = cpu->arm64.regs.pstate;
	step->private[WORD] = word;
	instruction_arm64_decode(&instruction, word);
	if (step_arm64_plan_exclusive(&cpu->arm64, memory, instruction.kind, step))
		return;
	step->trap = true;
	step->run_to_count = 0;
	step_arm64_mask(cpu, step);
	step->on_loss = step_arm64_loss(step, &instruction);
}

/* ---- after ------------------------------------------------------------------------------- */

/*
 * The step ended at the first instruction of an exception handler of EL1, and SPSR_EL1 tells of the
 * state that we had made.  A plain branch into the table does not change ELR_EL1; an exception that
 * leaves it as it was has come from the very same instruction.
 */
static bool step_arm64_entered_el1(const struct cpu_arm64 *cpu, const struct step_plan *step)
{
	const struct arm64_regs *regs = &cpu->regs;
	uint64_t offset = regs->pc - VBAR_TABLE(cpu->sysregs[ARM64_VBAR_EL1]);
	uint64_t added = step->private[ADDED];

	if (offset >= VECTOR_TABLE || offset % VECTOR_SIZE ||
		arm64_world(regs->pstate) != ARM64_EL1H || ~regs->pstate & PSTATE_DAIF)
		return false;
	if ((regs->spsr_el1 & added) != added ||
		(regs->spsr_el1 ^ step->private[OLD_PSTATE]) & PSTATE_MODE)
		return false;
	return regs->elr_el1 != step->private[OLD_ELR] || regs->elr_el1 == step->from ||
	       regs->elr_el1 == step->from + 4;
}

static bool step_arm64_has_read_daif(const struct cpu_arm64 *cpu, const struct step_plan *step,
	const struct instruction_arm64 *instruction)
{
	return instruction->kind == INSTRUCTION_READ_DAIF && instruction->rt != 31 &&
	       cpu->regs.pc == step->from + 4;
}

/* Which of the added bits are still ours to take out of PSTATE. */
static uint64_t step_arm64_left_in_pstate(const struct cpu_arm64 *cpu, const struct step_plan *step,
	const struct instruction_arm64 *instruction)
{
	uint64_t added = step->private[ADDED];

	if (cpu->regs.pc == step->from)
		return added; /* not executed */
	switch (instruction->kind) {
	case INSTRUCTION_WRITE_DAIF:
	case INSTRUCTION_ERET:
		return 0;
	case INSTRUCTION_SET_DAIF:
		return added & ~((uint64_t)instruction->immediate << 6);
	case INSTRUCTION_EXCEPTION:
		/* HVC and SMC come back, unless the call has reset or restarted the vCPU. */
		return cpu->regs.pc == step->from + 4 ? added : 0;
	default:
		return added;
	}
}

/*
 * KVM sets SS each time it enters the guest, so it is there where an interrupt came before the instruction, and
 * where one came between the instruction and the exception for it.  A guest's own that allowed it is used up.
 */
static uint64_t step_arm64_ss(const struct cpu_arm64 *cpu, const struct step_plan *step)
{
	return cpu->regs.pc == step->from ? PSTATE_SS & ~step->private[OLD_PSTATE] : PSTATE_SS;
}

void step_arm64_end(
	struct cpu *cpu, const struct guest_memory *memory, const struct step_plan *step)
{
	struct arm64_regs *regs = &cpu->arm64.regs;
	struct instruction_arm64 instruction;

	(void)memory;
	if (!step->trap)
		return;
	instruction_arm64_decode(&instruction, (uint32_t)step->private[WORD]);
	if (step_arm64_entered_el1(&cpu->arm64, step)) {
		regs->spsr_el1 &=
			~(step->private[ADDED] | (PSTATE_SS & ~step->private[OLD_PSTATE]));
	} else {
		if (step_arm64_has_read_daif(&cpu->arm64, step, &instruction))
			regs->x[instruction.rt] &= ~step->private[ADDED];
		regs->pstate &= ~step_arm64_left_in_pstate(&cpu->arm64, step, &instruction);
	}
	regs->pstate &= ~step_arm64_ss(&cpu->arm64, step);
	cpu->dirty |= CPU_GENERAL;
}
