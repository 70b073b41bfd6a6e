/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One instruction, and nothing of it left to be seen.  Pure but for guest memory by callback.
 *
 * KVM single-steps with RFLAGS.TF, which instructions can see: they push it, pop it, save it in R11,
 * and every exception pushes it.  While KVM does so the guest's own TF is hidden and lost when it
 * ends (kvm_get_rflags(), kvm_set_rflags()).  So this file
 *
 * - remembers the guest's TF, or reads what the instruction will make of it (POPF, IRET, SYSRET),
 *   and writes it back afterwards;
 * - takes our TF out of what PUSHF and SYSCALL have saved;
 * - lets instructions that raise an exception (INT n, INT3, INTO, INT1, UD2), SYSCALL, and an
 *   exception that waits to be delivered run to the address they lead to, without TF;
 * - puts the handlers of #PF, #GP, #UD and #DE in the way of every other instruction, as far as there
 *   are debug registers left: a step that faults ends there, with our TF taken out of the frame, as
 *   it does on arm64.  Otherwise the handler would run whole, interrupts blocked and other vCPUs
 *   perhaps held, before the step ended.
 *
 * What remains: the other faults (their handlers run before the step ends, and see TF); a task switch
 * by hardware, 16-bit gates, and what waits to be delivered at a MOV DR (arch->lends_registers()), likewise.
 * One step goes over MOV SS or POP SS and the next instruction, since the CPU suppresses the trap between
 * them (6.8.3).
 */
#include <string.h>
#include "kvm/arch_x86_64.h"
#include "kvm/instruction_x86_64.h"
#include "kvm/loss.h"

#define FLAGS_OF     UINT64_C(0x800)
#define FLAGS_STATUS UINT64_C(0x8d5)
#define CR4_FRED     (UINT64_C(1) << 32)

/* What step_end() has to know, in step_plan.private[]. */
struct state {
	uint64_t rflags;     /* before, the guest's own */
	uint64_t rip_before; /* offsets in CS */
	uint64_t rip_after;  /* of PUSHF, POPF, IRET, SYSRET, when they were executed */
	uint16_t cs;
	uint8_t kind; /* enum instruction_x86_64_kind */
	uint8_t operand;
	uint8_t cpl;
	uint8_t loads_tf; /* has a known new value: tf_after */
	uint8_t tf_after;
	uint8_t unused;
};

_Static_assert(sizeof(struct state) <= sizeof(((struct step_plan *)0)->private), "private[]");

static struct state state_get(const struct step_plan *step)
{
	struct state state;

	memcpy(&state, step->private, sizeof(state));
	return state;
}

bool step_x86_64_guest_tf(const struct step_plan *step)
{
	return state_get(step).rflags & X86_FLAGS_TF;
}

/* ---- guest memory ------------------------------------------------------------------------ */

static bool read_number(
	const struct guest_memory *memory, gva_t gva, unsigned bytes, uint64_t *number)
{
	uint8_t raw[8];

	if (memory->read(memory->context, gva, raw, bytes) < 0)
		return false;
	*number = 0;
	for (unsigned i = 0; i < bytes; i++)
		*number |= (uint64_t)raw[i] << (8 * i);
	return true;
}

static void write_number(
	const struct guest_memory *memory, gva_t gva, unsigned bytes, uint64_t number)
{
	uint8_t raw[8];

	for (unsigned i = 0; i < bytes; i++)
		raw[i] = (uint8_t)(number >> (8 * i));
	memory->write(memory->context, gva, raw, bytes);
}

/* Linear address of what lies offset bytes above the stack pointer. */
static gva_t stack_address(const struct cpu *cpu, uint64_t offset)
{
	const struct x86_segment *ss = &cpu->x86_64.sregs.ss;
	uint64_t rsp = cpu->x86_64.regs.rsp + offset;

	if (arch_x86_64_is_64bit(cpu))
		return rsp;
	return (uint32_t)(ss->base + (ss->db ? (uint32_t)rsp : (uint16_t)rsp));
}

/* ---- where exceptions lead (6.10 to 6.14, 20.1.4) ---------------------------------------- */

static bool real_vector(
	const struct cpu *cpu, const struct guest_memory *memory, unsigned vector, gva_t *entry)
{
	uint64_t pointer;

	if (!read_number(memory, cpu->x86_64.sregs.idt.base + 4 * vector, 4, &pointer))
		return false;
	*entry = ((pointer >> 16) << 4) + (pointer & 0xffff);
	return true;
}

/* Base of a code segment, from its descriptor; a flat one in long mode. */
static bool segment_base(
	const struct cpu *cpu, const struct guest_memory *memory, unsigned selector, uint64_t *base)
{
	const struct x86_sregs *sregs = &cpu->x86_64.sregs;
	gva_t table = selector & 4 ? sregs->ldt.base : sregs->gdt.base;
	uint64_t descriptor;

	*base = 0;
	if (arch_x86_64_is_long(cpu))
		return true;
	if (!read_number(memory, table + (selector & 0xfff8u), 8, &descriptor))
		return false;
	*base = ((descriptor >> 16) & 0xffffff) | ((descriptor >> 56) << 24);
	return true;
}

enum { GATE_INTERRUPT = 0xe, GATE_TRAP = 0xf };

struct gate {
	uint64_t offset;
	unsigned selector, dpl;
};

/* Present 32-bit or 64-bit interrupt and trap gates; there is no telling where others lead. */
static bool gate_read(const struct cpu *cpu, const struct guest_memory *memory, unsigned vector,
	struct gate *gate)
{
	const struct x86_table *idt = &cpu->x86_64.sregs.idt;
	unsigned size = arch_x86_64_is_long(cpu) ? 16 : 8, type;
	uint64_t low, high = 0;

	if (size * (vector + 1) - 1 > idt->limit ||
		!read_number(memory, idt->base + size * vector, 8, &low))
		return false;
	if (size == 16 && !read_number(memory, idt->base + size * vector + 8, 4, &high))
		return false;
	type = (low >> 40) & 0x1f;
	if ((type != GATE_INTERRUPT && type != GATE_TRAP) || !((low >> 47) & 1))
		return false;
	gate->offset = (low & 0xffff) | ((low >> 48) << 16) | high << 32;
	gate->selector = (low >> 16) & 0xffff;
	gate->dpl = (low >> 45) & 3;
	return true;
}

/*
 * First instruction of the handler of vector.  cpl: of the INT n, INT3 or INTO that calls it,
 * whose gate must allow that much (the CPU raises #GP instead); 0 for exceptions.
 */
static bool handler_entry(const struct cpu *cpu, const struct guest_memory *memory, unsigned vector,
	unsigned cpl, gva_t *entry)
{
	struct gate gate;
	uint64_t base;

	if (!(cpu->x86_64.sregs.cr0 & X86_CR0_PE))
		return real_vector(cpu, memory, vector, entry);
	if (arch_x86_64_is_real(cpu) || (cpu->x86_64.sregs.cr4 & CR4_FRED))
		return false;
	if (!gate_read(cpu, memory, vector, &gate))
		return false;
	if (gate.dpl < cpl)
		return handler_entry(cpu, memory, X86_GP, 0, entry);
	if (!segment_base(cpu, memory, gate.selector, &base))
		return false;
	*entry = base + gate.offset;
	if (!arch_x86_64_is_long(cpu))
		*entry = (uint32_t)*entry;
	return true;
}

/* ---- before ------------------------------------------------------------------------------ */

/* Not to where the vCPU is already: that would end the step before it began. */
static bool step_run_to(struct step_plan *step, gva_t entry)
{
	if (entry == step->from)
		return false;
	step->run_to[step->run_to_count++] = entry;
	return true;
}

enum { FAULTS = 4 };

/* Ends a step at the handlers of the faults that the instruction may raise in earnest, the likeliest first. */
static void step_catch_faults(const struct cpu *cpu, const struct guest_memory *memory,
	enum instruction_x86_64_kind kind, struct step_plan *step)
{
	static const uint8_t any[FAULTS] = { X86_PF, X86_GP, X86_UD, X86_DE };
	static const uint8_t division[FAULTS] = { X86_DE, X86_PF, X86_GP, X86_UD };
	const uint8_t *faults = kind == INSTRUCTION_DIVIDE ? division : any;
	gva_t entry;

	_Static_assert(FAULTS <= sizeof(step->run_to) / sizeof(step->run_to[0]), "run_to[]");
	if (!(cpu->x86_64.sregs.cr0 & X86_CR0_PE))
		return;
	for (unsigned i = 0; i < FAULTS; i++)
		if (handler_entry(cpu, memory, faults[i], 0, &entry))
			step_run_to(step, entry);
}

static bool run_to_handler(const struct cpu *cpu, const struct guest_memory *memory,
	const struct instruction_x86_64 *instruction, struct step_plan *step)
{
	bool software = instruction->kind == INSTRUCTION_INT ||
			instruction->kind == INSTRUCTION_INT3 ||
			instruction->kind == INSTRUCTION_INTO;
	unsigned cpl = software ? arch_x86_64_cpl(cpu) : 0;
	gva_t entry;

	if (instruction->kind == INSTRUCTION_INTO && !(cpu->x86_64.regs.rflags & FLAGS_OF))
		return false;
	return handler_entry(cpu, memory, instruction->vector, cpl, &entry) &&
	       step_run_to(step, entry);
}

/* SYSCALL of 64-bit code; elsewhere it is AMD's alone and leads to CSTAR. */
static bool run_to_lstar(const struct cpu *cpu, struct step_plan *step)
{
	if (!(cpu->valid & CPU_MSRS) || !arch_x86_64_is_64bit(cpu) ||
		!(cpu->x86_64.sregs.efer & X86_EFER_SCE))
		return false;
	return step_run_to(step, cpu->x86_64.msrs[X86_MSR_LSTAR]);
}

/* The event that KVM delivers before the instruction at pc, BLOCKIRQ or not; or none. */
static bool events_vector(const struct x86_events *events, unsigned *vector)
{
	if (events->exception.pending || events->exception.injected)
		*vector = events->exception.nr;
	else if (events->nmi.injected)
		*vector = X86_NMI;
	else if (events->interrupt.injected)
		*vector = events->interrupt.nr;
	else
		return false;
	return true;
}

static bool run_to_pending(
	const struct cpu *cpu, const struct guest_memory *memory, struct step_plan *step)
{
	unsigned vector;
	gva_t entry;

	return (cpu->valid & CPU_EVENTS) && events_vector(&cpu->x86_64.events, &vector) &&
	       handler_entry(cpu, memory, vector, 0, &entry) && step_run_to(step, entry);
}

static bool step_runs_to(const struct cpu *cpu, const struct guest_memory *memory,
	const struct instruction_x86_64 *instruction, struct step_plan *step)
{
	switch (instruction->kind) {
	case INSTRUCTION_INT:
	case INSTRUCTION_INT1:
	case INSTRUCTION_INT3:
	case INSTRUCTION_INTO:
	case INSTRUCTION_UD2:
		return run_to_handler(cpu, memory, instruction, step);
	case INSTRUCTION_SYSCALL:
		return run_to_lstar(cpu, step);
	default:
		return false;
	}
}

/* What the instruction will load into RFLAGS and RIP from the stack; skip: bytes popped before. */
static void state_read_image(const struct cpu *cpu, const struct guest_memory *memory,
	uint64_t skip, struct state *state)
{
	uint64_t flags, at = skip, rip = state->rip_after;

	if (state->kind == INSTRUCTION_IRET) {
		at += 2u * state->operand;
		if (!read_number(memory, stack_address(cpu, skip), state->operand, &rip))
			return;
	}
	if (!read_number(memory, stack_address(cpu, at), state->operand, &flags))
		return;
	state->rip_after = rip;
	state->loads_tf = true;
	state->tf_after = (flags & X86_FLAGS_TF) != 0;
}

static void state_read_r11(const struct cpu *cpu, struct state *state)
{
	const struct x86_regs *regs = &cpu->x86_64.regs;

	state->rip_after = state->operand == 8 ? regs->rcx : (uint32_t)regs->rcx;
	state->loads_tf = true;
	state->tf_after = (regs->r11 & X86_FLAGS_TF) != 0;
}

/* IRET with NT is a task switch in 32-bit code: the new flags are in a TSS. */
static void state_foresee(const struct cpu *cpu, const struct guest_memory *memory, uint64_t skip,
	struct state *state)
{
	bool nested = (state->rflags & X86_FLAGS_NT) && !arch_x86_64_is_real(cpu) &&
		      !arch_x86_64_is_long(cpu);

	if (state->kind == INSTRUCTION_POPF || (state->kind == INSTRUCTION_IRET && !nested))
		state_read_image(cpu, memory, skip, state);
	else if (state->kind == INSTRUCTION_SYSRET)
		state_read_r11(cpu, state);
}

/* The instruction to be stepped; behind MOV SS it is the next one.  Returns the length of both. */
static unsigned decode(const struct cpu *cpu, const uint8_t *code, unsigned length,
	struct instruction_x86_64 *instruction, uint64_t *popped)
{
	unsigned bits = arch_x86_64_code_bits(cpu), at;

	*popped = 0;
	instruction_x86_64_decode(code, length, bits, instruction);
	if (instruction->kind != INSTRUCTION_LOAD_SS)
		return instruction->length;
	at = instruction->length;
	*popped = instruction->popped;
	instruction_x86_64_decode(code + at, length - at, bits, instruction);
	return at + instruction->length;
}

uint32_t step_x86_64_groups(const struct cpu *cpu, const uint8_t *code, unsigned length)
{
	struct instruction_x86_64 instruction;
	uint64_t popped;

	decode(cpu, code, length, &instruction, &popped);
	return instruction.kind == INSTRUCTION_SYSCALL ? CPU_MSRS : 0;
}

static uint32_t state_loss(const struct state *state)
{
	uint32_t word = state->rflags & X86_FLAGS_TF ? LOSS_X86_TF : 0;

	if (state->loads_tf)
		word |= LOSS_X86_TF_LOADED | (state->tf_after ? LOSS_X86_TF_AFTER : 0);
	if (state->kind == INSTRUCTION_PUSHF) /* 1, 2, 3 for 2, 4, 8 bytes */
		word |= (state->operand / 4u + 1u) << LOSS_X86_PUSHES;
	if (state->kind == INSTRUCTION_SYSCALL)
		word |= LOSS_X86_SAVES;
	return word;
}

void step_x86_64_begin(struct cpu *cpu, const struct guest_memory *memory, const uint8_t *code,
	unsigned length, bool trap_only, struct step_plan *step)
{
	const struct x86_regs *regs = &cpu->x86_64.regs;
	struct instruction_x86_64 instruction;
	struct state state = { .rflags = regs->rflags, .rip_before = regs->rip };
	uint64_t popped;

	memset(step, 0, sizeof(*step));
	step->from = arch_x86_64_pc(cpu);
	state.rip_after = regs->rip + decode(cpu, code, length, &instruction, &popped);
	state.cs = cpu->x86_64.sregs.cs.selector;
	state.cpl = (uint8_t)arch_x86_64_cpl(cpu);
	state.kind = (uint8_t)instruction.kind;
	state.operand = instruction.operand;
	if (trap_only || (!run_to_pending(cpu, memory, step) &&
				 !step_runs_to(cpu, memory, &instruction, step))) {
		step->trap = true;
		state_foresee(cpu, memory, popped, &state);
		if (!trap_only)
			step_catch_faults(cpu, memory, instruction.kind, step);
		step->on_loss = state_loss(&state);
	}
	memcpy(step->private, &state, sizeof(state));
}

/* ---- after ------------------------------------------------------------------------------- */

/* Words of an exception's frame, as far as all modes have it. */
enum { FRAME_RIP, FRAME_CS, FRAME_FLAGS, FRAME_WORDS };

/* RIP: of the instruction, or of the one behind it after MOV SS. */
static bool frame_is_ours(const struct state *state, const uint64_t *frame, unsigned word)
{
	uint64_t mask = UINT64_MAX >> (64 - 8 * word);
	uint64_t distance = (frame[FRAME_RIP] - state->rip_before) & mask;
	uint64_t change = (frame[FRAME_FLAGS] ^ state->rflags) & mask;

	return distance < 16 && (frame[FRAME_CS] & 0xffff) == state->cs &&
	       (frame[FRAME_FLAGS] & X86_FLAGS_TF) &&
	       !(change & ~(FLAGS_STATUS | X86_FLAGS_TF | X86_FLAGS_RF));
}

/* offset: of the frame above the stack pointer. */
static bool frame_clean(const struct cpu *cpu, const struct guest_memory *memory,
	const struct state *state, unsigned offset, unsigned word)
{
	uint64_t frame[FRAME_WORDS];

	for (unsigned i = 0; i < FRAME_WORDS; i++)
		if (!read_number(memory, stack_address(cpu, offset + i * word), word, &frame[i]))
			return false;
	if (!frame_is_ours(state, frame, word))
		return false;
	if (!(state->rflags & X86_FLAGS_TF))
		write_number(memory, stack_address(cpu, offset + FRAME_FLAGS * word), word,
			frame[FRAME_FLAGS] & ~X86_FLAGS_TF);
	return true;
}

/* True when the vCPU is at the start of an exception's handler: with or without error code. */
static bool step_clean_frame(
	const struct cpu *cpu, const struct guest_memory *memory, const struct state *state)
{
	unsigned word = 4;

	if (arch_x86_64_is_long(cpu))
		word = 8;
	else if (arch_x86_64_is_real(cpu))
		word = 2;
	return frame_clean(cpu, memory, state, 0, word) ||
	       (word != 2 && frame_clean(cpu, memory, state, word, word));
}

/* PUSHF has saved our TF: the top of the stack. */
static void step_clean_pushf(
	const struct cpu *cpu, const struct guest_memory *memory, const struct state *state)
{
	gva_t top = stack_address(cpu, 0);
	uint64_t flags;

	if ((state->rflags & X86_FLAGS_TF) || !read_number(memory, top, state->operand, &flags))
		return;
	if (flags & X86_FLAGS_TF)
		write_number(memory, top, state->operand, flags & ~X86_FLAGS_TF);
}

/*
 * SYSCALL has saved RFLAGS in R11, where it still is unless the kernel has got further; SYSRET
 * leaves it there.  True in the kernel, whose TF the mask has cleared.
 */
static bool step_clean_syscall(struct cpu *cpu, const struct state *state)
{
	uint64_t *r11 = &cpu->x86_64.regs.r11;

	if ((*r11 ^ state->rflags) & ~(X86_FLAGS_TF | X86_FLAGS_RF))
		return false;
	if ((*r11 & X86_FLAGS_TF) && !(state->rflags & X86_FLAGS_TF)) {
		*r11 &= ~X86_FLAGS_TF;
		cpu->dirty |= CPU_GENERAL;
	}
	return arch_x86_64_cpl(cpu) == 0;
}

/*
 * The guest's TF where the vCPU is now.  Entering a handler clears it, and so does SYSCALL if the
 * mask says so (Linux's does); SYSENTER lets it be.
 */
static bool step_tf_now(struct cpu *cpu, const struct guest_memory *memory,
	const struct step_plan *step, const struct state *state)
{
	bool before = state->rflags & X86_FLAGS_TF;
	bool done = cpu->x86_64.regs.rip == state->rip_after;

	if (arch_x86_64_pc(cpu) == step->from)
		return done && state->loads_tf ? state->tf_after : before;
	if (state->kind == INSTRUCTION_PUSHF && done)
		step_clean_pushf(cpu, memory, state);
	else if (state->loads_tf && done)
		return state->tf_after;
	else if (state->kind == INSTRUCTION_SYSCALL && step_clean_syscall(cpu, state))
		return false;
	else if (step_clean_frame(cpu, memory, state))
		return false;
	if (arch_x86_64_cpl(cpu) < state->cpl && state->kind != INSTRUCTION_SYSENTER)
		return false;
	return before;
}

void step_x86_64_end(
	struct cpu *cpu, const struct guest_memory *memory, const struct step_plan *step)
{
	struct state state = state_get(step);
	uint64_t rflags = cpu->x86_64.regs.rflags & ~X86_FLAGS_TF;

	if (!step->trap || (cpu->valid & CPU_STOP) != CPU_STOP)
		return;
	if (step_tf_now(cpu, memory, step, &state))
		rflags |= X86_FLAGS_TF;
	if (rflags == cpu->x86_64.regs.rflags)
		return;
	cpu->x86_64.regs.rflags = rflags;
	cpu->dirty |= CPU_GENERAL;
}
