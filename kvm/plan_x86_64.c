/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an x86-64 vCPU is run with: who gets which of the four debug registers, and the bytes of
 * KVM_SET_GUEST_DEBUG.  Pure, and computed from scratch each time.
 *
 * With KVM_GUESTDBG_USE_HW_BP the debug registers given replace the guest's in the hardware
 * (kvm_arch_vcpu_ioctl_set_guest_debug()), silently.  So the guest's own enabled ones are merged into
 * what the debugger leaves free, and DR7.GD makes every access of the guest to its debug registers
 * come out, so that the merge can follow.
 */
#include <errno.h>
#include <string.h>
#include "kvm/arch_x86_64.h"
#include "kvm/instruction_x86_64.h"
#include "kvm/loss.h"

/* ---- a watched range in aligned pieces --------------------------------------------------- */

/* The longest power of two that starts at gva, aligned, and is not longer than length. */
static uint64_t piece_length(gva_t gva, uint64_t length)
{
	uint64_t piece = 8;

	while (piece > length || (gva & (piece - 1)))
		piece /= 2;
	return piece;
}

/* How many debug registers a point takes; more than X86_SLOTS: too many, however long it is. */
static unsigned point_pieces(const struct hardware_point *point)
{
	gva_t gva = point->gva;
	uint64_t left = point->length;
	unsigned count = 0;

	if (point->type == TARGET_BREAK_HARDWARE)
		return 1;
	while (left && count <= X86_SLOTS) {
		uint64_t piece = piece_length(gva, left);

		gva += piece;
		left -= piece;
		count++;
	}
	return count;
}

int plan_x86_64_check_point(const struct cpu *cpu, const struct hardware_point *points,
	unsigned point_count, const struct hardware_point *wanted)
{
	unsigned used = point_pieces(wanted);

	(void)cpu;
	if (wanted->type == TARGET_WATCH_READ || wanted->type == TARGET_BREAK_SOFTWARE)
		return -ENOTSUP;
	if (wanted->length == 0 || wanted->gva + (wanted->length - 1) < wanted->gva)
		return -EINVAL;
	if (wanted->type == TARGET_BREAK_HARDWARE && wanted->length != 1)
		return -EINVAL;
	for (unsigned i = 0; i < point_count && used <= X86_SLOTS; i++)
		used += point_pieces(&points[i]);
	return used <= X86_SLOTS ? 0 : -ENOSPC;
}

/* ---- giving out the slots ---------------------------------------------------------------- */

static struct slot *slot_take(struct debug_plan *plan)
{
	for (unsigned i = 0; i < X86_SLOTS; i++)
		if (plan->slots[i].owner == SLOT_FREE)
			return &plan->slots[i];
	return NULL;
}

static bool slot_put(struct debug_plan *plan, const struct slot *content)
{
	struct slot *slot = slot_take(plan);

	if (slot)
		*slot = *content;
	return slot != NULL;
}

static void slots_add_point(struct debug_plan *plan, const struct hardware_point *point)
{
	struct slot slot = {
		.owner = SLOT_HOST, .type = point->type, .gva = point->gva, .length = 1
	};
	uint64_t left = point->length;

	if (point->type == TARGET_BREAK_HARDWARE) {
		slot_put(plan, &slot);
		return;
	}
	while (left) {
		slot.length = piece_length(slot.gva, left);
		if (!slot_put(plan, &slot))
			return;
		left -= slot.length;
		slot.gva += slot.length;
	}
}

/* Which of the points, and of the guest's own registers. */
enum choice {
	CHOOSE_ALL,
	CHOOSE_NEAR, /* those that the one instruction at pc can hit: watchpoints, and a breakpoint there */
	CHOOSE_FAR, /* the others */
};

static bool is_chosen(enum choice choice, bool is_near)
{
	return choice == CHOOSE_ALL || (choice == CHOOSE_NEAR) == is_near;
}

static void slots_add_points(const struct cpu *cpu, const struct debug_request *request,
	enum choice choice, struct debug_plan *plan)
{
	gva_t pc = arch_x86_64_pc(cpu);

	for (unsigned i = 0; i < request->point_count; i++) {
		const struct hardware_point *point = &request->points[i];
		bool is_breakpoint = point->type == TARGET_BREAK_HARDWARE;
		bool is_here = is_breakpoint && point->gva == pc;

		if (is_chosen(choice, is_here || !is_breakpoint) &&
			!(is_here && request->skip_at_pc))
			slots_add_point(plan, point);
	}
}

/* How many of them found a place. */
static unsigned slots_add_ends(const struct debug_request *request, struct debug_plan *plan)
{
	unsigned count = 0;

	for (unsigned i = 0; i < request->run_to_count; i++) {
		struct slot slot = { .owner = SLOT_INTERNAL,
			.type = TARGET_BREAK_HARDWARE,
			.gva = request->run_to[i],
			.length = 1 };

		if (slot_put(plan, &slot))
			count++;
	}
	return count;
}

/* ---- the guest's own --------------------------------------------------------------------- */

static unsigned dr7_rw(uint64_t dr7, unsigned index)
{
	return (dr7 >> (16 + 4 * index)) & 3;
}

static unsigned dr7_length(uint64_t dr7, unsigned index)
{
	static const uint8_t lengths[] = { 1, 2, 8, 4 };

	return lengths[(dr7 >> (18 + 4 * index)) & 3];
}

static bool dr7_is_enabled(uint64_t dr7, unsigned index)
{
	return (dr7 >> (2 * index)) & 3;
}

/* Its own number if that is free (then DR6 needs no mapping, and people no explanation). */
static struct slot *slot_take_for_guest(struct debug_plan *plan, unsigned index)
{
	return plan->slots[index].owner == SLOT_FREE ? &plan->slots[index] : slot_take(plan);
}

static void slots_merge_one(
	const struct x86_debugregs *own, unsigned index, struct debug_plan *plan)
{
	static const enum target_breakpoint types[] = {
		[X86_RW_EXECUTE] = TARGET_BREAK_HARDWARE,
		[X86_RW_WRITE] = TARGET_WATCH_WRITE,
		[X86_RW_ACCESS] = TARGET_WATCH_ACCESS,
	};
	unsigned rw = dr7_rw(own->dr7, index);
	struct slot *slot;

	if (rw == X86_RW_IO) {
		plan->limitations |= LIMITATION_IO_BREAKPOINT;
		return;
	}
	slot = slot_take_for_guest(plan, index);
	if (!slot) {
		plan->limitations |= LIMITATION_GUEST_BREAKPOINT_LOST;
		return;
	}
	*slot = (struct slot){ .owner = SLOT_GUEST,
		.type = types[rw],
		.guest_index = (uint8_t)index,
		.gva = own->db[index],
		.length = rw == X86_RW_EXECUTE ? 1 : dr7_length(own->dr7, index) };
}

static bool guest_slot_is_near(const struct cpu *cpu, unsigned index)
{
	const struct x86_debugregs *own = &cpu->x86_64.debugregs;

	return dr7_rw(own->dr7, index) != X86_RW_EXECUTE || own->db[index] == arch_x86_64_pc(cpu);
}

static void slots_merge_guest(const struct cpu *cpu, enum choice choice, struct debug_plan *plan)
{
	const struct x86_debugregs *own = &cpu->x86_64.debugregs;

	if (!(cpu->valid & CPU_DEBUG))
		return;
	for (unsigned i = 0; i < X86_SLOTS; i++)
		if (dr7_is_enabled(own->dr7, i) && is_chosen(choice, guest_slot_is_near(cpu, i)))
			slots_merge_one(own, i, plan);
}

/* ---- the plan ---------------------------------------------------------------------------- */

uint32_t plan_x86_64_groups(const struct debug_request *request)
{
	return request->step || request->point_count || request->run_to_count ? CPU_DEBUG : 0;
}

/*
 * GD off while stepping, so that a MOV DR can be stepped over; but not the guest's own GD, whose
 * #DB is due to the guest.
 */
static bool plan_watches(const struct cpu *cpu, const struct debug_request *request)
{
	bool guest = (cpu->valid & CPU_DEBUG) && (cpu->x86_64.debugregs.dr7 & X86_DR7_GD);

	return !request->step || guest;
}

static bool plan_uses_slots(const struct debug_plan *plan)
{
	return plan->slots[0].owner != SLOT_FREE;
}

/* A step that only runs to an address would run away without it, so that comes before the debugger's points. */
static void plan_run_slots(
	const struct cpu *cpu, const struct debug_request *request, struct debug_plan *plan)
{
	bool is_step = request->run_to_count;

	slots_add_ends(request, plan);
	slots_add_points(cpu, request, CHOOSE_ALL, plan);
	if (plan_uses_slots(plan))
		slots_merge_guest(cpu, is_step ? CHOOSE_NEAR : CHOOSE_ALL, plan);
}

/* The handlers of faults, which end a step by KVM, are taken along only if that costs nobody anything. */
static void plan_take_ends(
	const struct cpu *cpu, const struct debug_request *request, struct debug_plan *plan)
{
	struct debug_plan with_ends = *plan;

	if (!plan_uses_slots(plan))
		slots_merge_guest(cpu, CHOOSE_NEAR, &with_ends);
	if (slots_add_ends(request, &with_ends) > 0 && with_ends.limitations == plan->limitations)
		*plan = with_ends;
}

/*
 * KVM's single step: first what its one instruction can hit, then where a fault of it leads.  Breakpoints elsewhere have
 * what is left, for the handlers that nobody catches.
 */
static void plan_step_slots(
	const struct cpu *cpu, const struct debug_request *request, struct debug_plan *plan)
{
	uint32_t limitations;
	bool is_merged;

	slots_add_points(cpu, request, CHOOSE_NEAR, plan);
	if (plan_uses_slots(plan))
		slots_merge_guest(cpu, CHOOSE_NEAR, plan);
	if (request->run_to_count)
		plan_take_ends(cpu, request, plan);
	is_merged = plan_uses_slots(plan);
	slots_add_points(cpu, request, CHOOSE_FAR, plan);
	if (!plan_uses_slots(plan))
		return;
	if (!is_merged)
		slots_merge_guest(cpu, CHOOSE_NEAR, plan);
	limitations = plan->limitations; /* those elsewhere are not missed by one instruction */
	slots_merge_guest(cpu, CHOOSE_FAR, plan);
	plan->limitations = limitations;
}

static uint32_t plan_control(const struct debug_request *request, bool slots)
{
	uint32_t control = 0;

	if (request->software)
		control |= X86_GUESTDBG_USE_SW_BP;
	if (slots)
		control |= X86_GUESTDBG_USE_HW_BP;
	if (request->step)
		control |= X86_GUESTDBG_SINGLESTEP;
	/* An interrupt would end a step elsewhere, or show TF to its handler. */
	if (request->step || request->run_to_count)
		control |= X86_GUESTDBG_BLOCKIRQ;
	return control ? control | X86_GUESTDBG_ENABLE : 0;
}

void plan_x86_64_make(
	const struct cpu *cpu, const struct debug_request *request, struct debug_plan *plan)
{
	bool slots;

	memset(plan, 0, sizeof(*plan));
	if (request->step)
		plan_step_slots(cpu, request, plan);
	else
		plan_run_slots(cpu, request, plan);
	slots = plan_uses_slots(plan);
	plan->control = plan_control(request, slots);
	plan->watch_guest_debug_registers = slots && plan_watches(cpu, request);
}

bool plan_x86_64_lends(const struct cpu *cpu, const uint8_t *code, unsigned length)
{
	struct instruction_x86_64 instruction;

	instruction_x86_64_decode(code, length, arch_x86_64_code_bits(cpu), &instruction);
	return instruction.kind == INSTRUCTION_MOV_DR && arch_x86_64_cpl(cpu) == 0;
}

/* ---- the ioctl's argument ---------------------------------------------------------------- */

/* R/W, LEN and G of one slot in DR7. */
static uint64_t slot_dr7(const struct slot *slot, unsigned index)
{
	static const uint8_t lengths[16] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
	uint64_t rw = X86_RW_EXECUTE, length = 0;

	if (slot->type != TARGET_BREAK_HARDWARE) {
		rw = slot->type == TARGET_WATCH_WRITE ? X86_RW_WRITE : X86_RW_ACCESS;
		length = lengths[slot->length & 15];
	}
	return (rw | length << 2) << (16 + 4 * index) | UINT64_C(2) << (2 * index);
}

/* DR7 goes to the hardware as it is: reserved bits that are wrong make VM entry fail. */
static uint64_t plan_dr7(const struct debug_plan *plan)
{
	uint64_t dr7 = X86_DR7_FIXED | X86_DR7_GE;

	for (unsigned i = 0; i < X86_SLOTS; i++)
		if (plan->slots[i].owner != SLOT_FREE)
			dr7 |= slot_dr7(&plan->slots[i], i);
	return plan->watch_guest_debug_registers ? dr7 | X86_DR7_GD : dr7;
}

/* Which slots are the guest's own, and which end a step by KVM at the handler of its fault. */
static uint32_t plan_loss(const struct debug_plan *plan)
{
	uint32_t word = 0;

	for (unsigned i = 0; i < X86_SLOTS; i++) {
		const struct slot *slot = &plan->slots[i];
		uint32_t owner = 0;

		if (slot->owner == SLOT_GUEST)
			owner = slot->guest_index + 1u;
		else if (slot->owner == SLOT_INTERNAL && (plan->control & X86_GUESTDBG_SINGLESTEP))
			owner = LOSS_X86_HANDLER;
		word |= owner << (LOSS_X86_SLOT + 4 * i);
	}
	return word;
}

static uint32_t injection_control(const struct injection *injection)
{
	if (!injection)
		return 0;
	if (injection->kind == INJECT_BREAKPOINT)
		return X86_GUESTDBG_INJECT_BP;
	return injection->kind == INJECT_DEBUG ? X86_GUESTDBG_INJECT_DB : 0;
}

size_t plan_x86_64_encode(
	const struct debug_plan *plan, const struct injection *injection, void *arg)
{
	struct x86_guest_debug debug = { .control = plan->control | injection_control(injection) };

	if (plan->control & X86_GUESTDBG_USE_HW_BP) {
		debug.pad = plan_loss(plan);
		for (unsigned i = 0; i < X86_SLOTS; i++)
			debug.debugreg[i] = plan->slots[i].gva;
		debug.debugreg[7] = plan_dr7(plan);
	}
	memcpy(arg, &debug, sizeof(debug));
	return sizeof(debug);
}
