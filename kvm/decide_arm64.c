/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose is a debug exception?  KVM's exit information, what the vCPU was run with, and the guest's
 * own debug registers in; one decision out.  What the debugger planted or armed is the debugger's;
 * everything else the guest gets, if hardware would have given it to the guest.
 *
 * With guest debug on, KVM has all debug exceptions routed to EL2, and there MDSCR_EL1.KDE and
 * PSTATE.D do not count; so a guest's own breakpoint may come here that must be passed over in
 * silence.
 */
#include <string.h>
#include "kvm/arch_arm64.h"
#include "kvm/instruction_arm64.h"

/* What decide_arm64() looks at, unpacked. */
struct inquiry {
	const struct debug_event *event;
	const struct cpu_arm64 *cpu;
	struct arm64_debug_exit exit;
	struct decision *decision;
};

/* ---- answers ----------------------------------------------------------------------------- */

static void decide_report(struct inquiry *inquiry, enum target_stop_reason reason, uint64_t address)
{
	inquiry->decision->report = true;
	inquiry->decision->reason = reason;
	inquiry->decision->address = address;
	inquiry->decision->step_done = inquiry->event->step != NULL;
}

/*
 * The guest's exception, unless it goes where we cannot deliver it: then the debugger's user has to
 * know, for the guest cannot go on.
 */
static void decide_deliver(struct inquiry *inquiry, bool has_far)
{
	struct injection *inject = &inquiry->decision->inject;

	if (!inject_arm64_possible(inquiry->event->cpu)) {
		inquiry->decision->limitations |= LIMITATION_WRONG_WORLD;
		decide_report(inquiry, TARGET_STOP_SWBREAK, 0);
		return;
	}
	inject->kind = INJECT_SYNC;
	inject->esr = inquiry->exit.hsr;
	inject->far = inquiry->exit.far;
	inject->has_far = has_far;
	/* A step into the guest's exception ends at its first instruction. */
	inquiry->decision->step_done = inquiry->event->step != NULL;
}

static bool decide_is_armed(const struct inquiry *inquiry)
{
	return plan_arm64_guest_armed(&inquiry->cpu->debugregs) &&
	       plan_arm64_guest_enabled(inquiry->cpu);
}

/* True when the next instructions end an exclusive sequence: what a stop here makes fail. */
static bool decide_inside_exclusive(const struct debug_event *event)
{
	struct instruction_arm64 instruction;

	for (unsigned at = 0; at + 4 <= event->code_length; at += 4) {
		instruction_arm64_decode_bytes(
			&instruction, event->code + at, event->code_length - at);
		if (instruction.kind == INSTRUCTION_STORE_EXCLUSIVE)
			return true;
		if (instruction.kind != INSTRUCTION_OTHER &&
			instruction.kind != INSTRUCTION_BRANCH_MAYBE)
			return false;
	}
	return false;
}

/* A stop at something the debugger has put there. */
static void decide_hit(struct inquiry *inquiry, enum target_stop_reason reason, uint64_t address)
{
	decide_report(inquiry, reason, address);
	if (arm64_world(inquiry->cpu->regs.pstate) != ARM64_EL0_32 &&
		decide_inside_exclusive(inquiry->event))
		inquiry->decision->limitations |= LIMITATION_EXCLUSIVE;
}

/* ---- BRK --------------------------------------------------------------------------------- */

/* The instruction that guest memory really has at pc is the BRK that was executed. */
static bool decide_brk_is_in_memory(const struct inquiry *inquiry)
{
	struct instruction_arm64 instruction;

	return instruction_arm64_decode_bytes(
		       &instruction, inquiry->event->code, inquiry->event->code_length) == 0 &&
	       instruction.kind == INSTRUCTION_BRK &&
	       instruction.immediate == (inquiry->exit.hsr & ESR_IMMEDIATE);
}

static void decide_brk(struct inquiry *inquiry)
{
	bool ours = (inquiry->exit.hsr & ESR_IMMEDIATE) == ARM64_PLANTED_IMMEDIATE;

	if (ours && inquiry->event->planted)
		decide_hit(inquiry, TARGET_STOP_SWBREAK, 0);
	else if (!ours || !inquiry->event->stale || decide_brk_is_in_memory(inquiry))
		decide_deliver(inquiry, false);
}

/* ---- breakpoints in hardware ------------------------------------------------------------- */

static const struct slot *decide_find_execute(const struct inquiry *inquiry, enum slot_owner owner)
{
	uint64_t pc = inquiry->cpu->regs.pc & ~UINT64_C(3);

	for (unsigned n = 0; n < ARM64_MAX_SLOTS; n++) {
		const struct slot *slot = &inquiry->event->plan->slots[n];

		if (slot->owner == owner && (slot->gva & ~UINT64_C(3)) == pc)
			return slot;
	}
	return NULL;
}

/* By what the guest's registers hold now: up to 6.13 KVM has them armed behind our back. */
static bool decide_is_guest_breakpoint(const struct inquiry *inquiry)
{
	struct slot slot;

	for (unsigned n = 0; n < ARM64_MAX_SLOTS; n++) {
		if (!plan_arm64_guest_slot(&inquiry->cpu->debugregs, n, &slot))
			continue;
		if (!slot.length ||
			(slot.gva & ~UINT64_C(3)) == (inquiry->cpu->regs.pc & ~UINT64_C(3)))
			return true;
	}
	return false;
}

/*
 * The debugger's comes first; the guest's at the same place stays armed when the vCPU goes on, and
 * raises its own exception then.
 */
static void decide_breakpoint(struct inquiry *inquiry)
{
	if (inquiry->event->step && decide_find_execute(inquiry, SLOT_INTERNAL))
		inquiry->decision->step_done = true;
	else if (decide_find_execute(inquiry, SLOT_HOST))
		decide_hit(inquiry, TARGET_STOP_HWBREAK, 0);
	else if (decide_is_guest_breakpoint(inquiry) && decide_is_armed(inquiry))
		decide_deliver(inquiry, false);
	else
		inquiry->decision->step_silently = true;
}

/* ---- watchpoints ------------------------------------------------------------------------- */

/* Without the tag that the top byte of a pointer may carry. */
static uint64_t decide_untag(uint64_t address)
{
	return (address & BIT(55)) ? address | ~(BIT(56) - 1) : address & (BIT(56) - 1);
}

/* How far an address is from the watched bytes; 0: among them. */
static uint64_t decide_distance(const struct slot *slot, uint64_t far)
{
	uint64_t first = decide_untag(slot->gva), last = first + slot->length - 1;

	far = decide_untag(far);
	if (far < first)
		return first - far;
	return far > last ? far - last : 0;
}

/* Can an access of this direction have hit a slot of this type?  Cache maintenance is a write. */
static bool decide_fits(const struct slot *slot, bool write)
{
	return slot->length && slot->type != (write ? TARGET_WATCH_READ : TARGET_WATCH_WRITE) &&
	       slot->type != TARGET_BREAK_HARDWARE && slot->type != TARGET_BREAK_SOFTWARE;
}

/*
 * FAR may lie outside the watched bytes (any address of the access, down to the start of its
 * block), so of the slots that can have hit the nearest is taken.
 */
static const struct slot *decide_find_watch(const struct inquiry *inquiry, uint64_t *distance)
{
	bool write = inquiry->exit.hsr & ESR_ISS_WNR;
	const struct slot *found = NULL;

	for (unsigned n = ARM64_MAX_SLOTS; n < ARCH_MAX_SLOTS; n++) {
		const struct slot *slot = &inquiry->event->plan->slots[n];
		uint64_t away = decide_distance(slot, inquiry->exit.far);

		if (slot->owner != SLOT_HOST || !decide_fits(slot, write) ||
			(found && away >= *distance))
			continue;
		found = slot;
		*distance = away;
	}
	return found;
}

static bool decide_find_guest_watch(const struct inquiry *inquiry, uint64_t *distance)
{
	bool write = inquiry->exit.hsr & ESR_ISS_WNR, found = false;
	struct slot slot;

	for (unsigned n = ARM64_MAX_SLOTS; n < ARCH_MAX_SLOTS; n++) {
		uint64_t away;

		if (!plan_arm64_guest_slot(&inquiry->cpu->debugregs, n, &slot) ||
			!decide_fits(&slot, write))
			continue;
		away = decide_distance(&slot, inquiry->exit.far);
		if (found && away >= *distance)
			continue;
		found = true;
		*distance = away;
	}
	return found;
}

/* In the debugger's spelling of the address: with the tag, if it set the watchpoint with one. */
static uint64_t decide_watched_address(const struct slot *slot, uint64_t far)
{
	uint64_t offset = decide_untag(far) - decide_untag(slot->gva);

	return decide_distance(slot, far) ? slot->gva : slot->gva + offset;
}

static enum target_stop_reason decide_watch_reason(const struct slot *slot)
{
	switch (slot->type) {
	case TARGET_WATCH_WRITE:
		return TARGET_STOP_WATCH;
	case TARGET_WATCH_READ:
		return TARGET_STOP_RWATCH;
	default:
		return TARGET_STOP_AWATCH;
	}
}

static void decide_watchpoint(struct inquiry *inquiry)
{
	uint64_t host_away = UINT64_MAX, guest_away = UINT64_MAX;
	const struct slot *host = decide_find_watch(inquiry, &host_away);
	bool guest = decide_find_guest_watch(inquiry, &guest_away);

	if (host && (!guest || host_away <= guest_away))
		decide_hit(inquiry, decide_watch_reason(host),
			decide_watched_address(host, inquiry->exit.far));
	else if (guest && decide_is_armed(inquiry))
		decide_deliver(inquiry, true);
	else
		inquiry->decision->step_silently = true;
}

/* ---- steps ------------------------------------------------------------------------------- */

/*
 * The guest was stepping itself as well: its PSTATE.SS allowed the instruction that ours made it
 * execute.  When that one entered an exception, the rest is in SPSR_EL1 and comes on its return.
 */
static bool decide_is_guest_step(const struct inquiry *inquiry)
{
	uint64_t old = step_arm64_old_pstate(inquiry->event->step);

	return inquiry->cpu->debugregs.mdscr_el1 & MDSCR_SS && old & PSTATE_SS &&
	       arm64_world(old) == arm64_world(inquiry->cpu->regs.pstate) &&
	       plan_arm64_guest_enabled(inquiry->cpu);
}

static void decide_step(struct inquiry *inquiry)
{
	if (!inquiry->event->step)
		return; /* left over from one that was given up */
	inquiry->decision->step_done = true;
	if (decide_is_guest_step(inquiry))
		decide_deliver(inquiry, false);
}

void decide_arm64(const struct debug_event *event, struct decision *decision)
{
	struct inquiry inquiry = {
		.event = event, .cpu = &event->cpu->arm64, .decision = decision
	};

	memset(decision, 0, sizeof(*decision));
	memcpy(&inquiry.exit, event->exit, sizeof(inquiry.exit));
	switch (inquiry.exit.hsr >> ESR_EC_SHIFT) {
	case EC_BRK:
		decide_brk(&inquiry);
		break;
	case EC_BKPT_32:
		decide_deliver(&inquiry, false);
		break;
	case EC_BREAKPOINT:
		decide_breakpoint(&inquiry);
		break;
	case EC_WATCHPOINT:
		decide_watchpoint(&inquiry);
		break;
	case EC_STEP:
		decide_step(&inquiry);
		break;
	}
}
