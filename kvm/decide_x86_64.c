/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose exception is it?  From what KVM reported and what the vCPU was run with, to what is told to
 * the debugger and what is owed to the guest; one event may hold parts for both.  Pure.
 *
 * #BP (INT3 only: INT 3 as CD 03 and other INT n never exit) is the debugger's if one of its
 * breakpoints is planted there, else the guest's.  #DB comes here only while KVM single-steps or
 * uses our debug registers, and is taken apart by its causes in DR6 (17.2.3):
 *
 *   B0-B3  the owner of the slot; without slots of ours the guest's own register of that number
 *   BS     the debugger's if it steps, and the guest's as well if its own TF was set
 *   BD     ours if we watch the guest's debug registers, the guest's if its own DR7.GD is set
 *   others the guest's; no cause at all is INT1 (F1)
 */
#include <string.h>
#include "kvm/arch_x86_64.h"
#include "kvm/instruction_x86_64.h"

/* One #DB, taken apart. */
struct causes {
	uint64_t dr6;             /* as pending debug exceptions: 1 is a cause */
	const struct slot *watch; /* the debugger's watchpoint that was hit */
	bool breakpoint;          /* the debugger's instruction breakpoint */
	bool arrived;             /* the address a step runs to */
	bool step;                /* the debugger's step by TF */
	bool moves_dr;            /* a MOV DR that we watch for */
	bool guest;               /* there is a part for the guest, maybe without any bit in: */
	uint64_t guest_dr6;
};

/* ---- B0-B3 ------------------------------------------------------------------------------- */

static void causes_add_slot(const struct slot *slot, struct causes *causes)
{
	switch (slot->owner) {
	case SLOT_HOST:
		if (slot->type == TARGET_BREAK_HARDWARE)
			causes->breakpoint = true;
		else if (!causes->watch)
			causes->watch = slot;
		break;
	case SLOT_INTERNAL:
		causes->arrived = true;
		break;
	case SLOT_GUEST:
		causes->guest = true;
		causes->guest_dr6 |= UINT64_C(1) << slot->guest_index;
		break;
	case SLOT_FREE: /* VMX may set Bn for a register that matches but is not enabled */
		break;
	}
}

/* The hardware has the guest's debug registers: their bits are the guest's, if enabled. */
static void causes_add_own(const struct debug_event *event, unsigned index, struct causes *causes)
{
	const struct cpu *cpu = event->cpu;
	uint64_t enable = UINT64_C(3) << (2 * index);

	if ((cpu->valid & CPU_DEBUG) && !(cpu->x86_64.debugregs.dr7 & enable))
		return;
	causes->guest = true;
	causes->guest_dr6 |= UINT64_C(1) << index;
}

static void causes_add_breakpoints(const struct debug_event *event, struct causes *causes)
{
	bool ours = event->plan->control & X86_GUESTDBG_USE_HW_BP;

	for (unsigned i = 0; i < X86_SLOTS; i++) {
		if (!(causes->dr6 & (UINT64_C(1) << i)))
			continue;
		if (ours)
			causes_add_slot(&event->plan->slots[i], causes);
		else
			causes_add_own(event, i, causes);
	}
}

/* ---- the other causes -------------------------------------------------------------------- */

static void causes_add_guest(struct causes *causes, uint64_t bits)
{
	bits &= causes->dr6;
	if (!bits)
		return;
	causes->guest = true;
	causes->guest_dr6 |= bits;
}

/* With KVM's single step RFLAGS.TF is hidden, and the guest's own is what was saved. */
static bool event_guest_tf(const struct debug_event *event)
{
	if (event->step && event->step->trap)
		return step_x86_64_guest_tf(event->step);
	return !(event->plan->control & X86_GUESTDBG_SINGLESTEP);
}

static void causes_add_step(const struct debug_event *event, struct causes *causes)
{
	if (!(causes->dr6 & X86_DR6_BS))
		return;
	causes->step = event->plan->control & X86_GUESTDBG_SINGLESTEP;
	if (event_guest_tf(event))
		causes_add_guest(causes, X86_DR6_BS);
}

/*
 * With GD of both, the guest gets its #DB now; it clears the guest's GD, so the MOV DR that the
 * handler, or the return from it, then makes is seen again.
 */
static void causes_add_access(const struct debug_event *event, struct causes *causes)
{
	const struct cpu *cpu = event->cpu;
	bool own = (cpu->valid & CPU_DEBUG) && (cpu->x86_64.debugregs.dr7 & X86_DR7_GD);

	if (!(causes->dr6 & X86_DR6_BD))
		return;
	if (own || !event->plan->watch_guest_debug_registers)
		causes_add_guest(causes, X86_DR6_BD);
	else
		causes->moves_dr = true;
}

static void event_take_apart(const struct debug_event *event, uint64_t dr6, struct causes *causes)
{
	memset(causes, 0, sizeof(*causes));
	causes->dr6 = (dr6 ^ X86_DR6_ACTIVE_LOW) & (X86_DR6_B | X86_DR6_BUS_LOCK | X86_DR6_BD |
							   X86_DR6_BS | X86_DR6_BT | X86_DR6_RTM);
	causes_add_breakpoints(event, causes);
	causes_add_step(event, causes);
	causes_add_access(event, causes);
	causes_add_guest(causes, X86_DR6_BUS_LOCK | X86_DR6_BT | X86_DR6_RTM);
}

/* ---- INT1 -------------------------------------------------------------------------------- */

/*
 * Bytes to go past INT1: its exit leaves RIP at it on VMX, where the CPU that delivers the exception
 * itself would have gone past; on SVM RIP is past it already.
 */
static uint8_t event_int1_length(const struct debug_event *event)
{
	struct instruction_x86_64 instruction;
	unsigned length = event->code_length;

	if (length > sizeof(event->code))
		length = sizeof(event->code);
	instruction_x86_64_decode(
		event->code, length, arch_x86_64_code_bits(event->cpu), &instruction);
	return instruction.kind == INSTRUCTION_INT1 ? instruction.length : 0;
}

/* ---- decisions --------------------------------------------------------------------------- */

static enum target_stop_reason watch_reason(const struct slot *slot)
{
	return slot->type == TARGET_WATCH_ACCESS ? TARGET_STOP_AWATCH : TARGET_STOP_WATCH;
}

/*
 * The one reason that a stop can have.  A watchpoint comes first: the debugger cannot find out by
 * itself that data changed, while breakpoints and a step's end show in the program counter.
 * The mere end of a step is no report: whom the step was for is known to the caller.
 */
static void decide_reason(const struct causes *causes, struct decision *decision)
{
	decision->report = causes->watch || causes->breakpoint;
	if (causes->watch) {
		decision->reason = watch_reason(causes->watch);
		decision->address = causes->watch->gva;
	} else if (causes->breakpoint) {
		decision->reason = TARGET_STOP_HWBREAK;
	} else {
		decision->reason = TARGET_STOP_STEP;
	}
}

/*
 * The guest's part.  What is nobody's is INT1, which has no cause, or, where VMX shows a register
 * that matches without being enabled, looks as if it had one.
 */
static void decide_injection(
	const struct debug_event *event, const struct causes *causes, struct injection *inject)
{
	bool ours = causes->watch || causes->breakpoint || causes->arrived || causes->step ||
		    causes->moves_dr;
	uint8_t length;

	if (causes->guest) {
		inject->kind = INJECT_DEBUG;
		inject->dr6 = causes->guest_dr6;
		return;
	}
	if (ours)
		return;
	length = event_int1_length(event);
	if (length || causes->dr6 == 0) {
		inject->kind = INJECT_DEBUG;
		inject->skip = length;
	}
}

static void decide_debug(const struct debug_event *event, uint64_t dr6, struct decision *decision)
{
	struct causes causes;

	event_take_apart(event, dr6, &causes);
	decide_reason(&causes, decision);
	decide_injection(event, &causes, &decision->inject);
	decision->step_done = event->step && (causes.step || causes.arrived);
	decision->guest_debug_registers = causes.moves_dr;
	decision->step_silently = causes.moves_dr && !decision->report;
}

/* A step is over as well: INT3 is the second instruction of one that began at MOV SS. */
static void decide_breakpoint(const struct debug_event *event, struct decision *decision)
{
	if (event->planted) {
		decision->report = true;
		decision->reason = TARGET_STOP_SWBREAK;
		decision->step_done = event->step != NULL;
	} else if (!event->stale) {
		decision->inject.kind = INJECT_BREAKPOINT;
	}
}

void decide_x86_64(const struct debug_event *event, struct decision *decision)
{
	struct x86_debug_exit debug_exit;

	memset(decision, 0, sizeof(*decision));
	memcpy(&debug_exit, event->exit, sizeof(debug_exit));
	if (debug_exit.exception == X86_BP)
		decide_breakpoint(event, decision);
	else if (debug_exit.exception == X86_DB)
		decide_debug(event, debug_exit.dr6, decision);
}
