/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vCPU is run with: KVM's control bits and the 16 + 16 pairs of debug registers, computed
 * afresh from the debugger's points and from the guest's own registers.
 *
 * While guest debug is on at all, KVM either loads our pairs in place of the guest's (USE_HW) or,
 * since 6.14, loads none.  So whenever it is on and the guest has breakpoints of its own armed,
 * they are put among ours, each in the pair of the same number, which keeps links between them
 * whole.  Ours take what is free first, and a pair of the guest's only when nothing is free.
 */
#include <errno.h>
#include <string.h>
#include "kvm/arch_arm64.h"

/* DBGBCR and DBGWCR (Arm ARM, D19.3). */
#define CR_ENABLE      BIT(0)
#define CR_EL1_EL0     (UINT64_C(3) << 1)
#define CR_HMC         BIT(13)
#define CR_SSC         (UINT64_C(3) << 14)
#define CR_BAS(bytes)  ((uint64_t)(bytes) << 5)
#define WCR_LOAD       BIT(3)
#define WCR_STORE      BIT(4)
#define WCR_MASK_SHIFT 24
#define WCR_MASK_MAX   31
#define BCR_TYPE(bcr)  FIELD(bcr, 21, 3) /* 0: address match */
#define CR_LINK(cr)    FIELD(cr, 16, 4)
#define CR_LINKED      BIT(20)

enum { FIRST_WATCH = ARM64_MAX_SLOTS };

/* DBGBVR and DBGWVR hold address bits 52:2, sign-extended. */
static uint64_t plan_arm64_extend(uint64_t gva)
{
	return (gva & (BIT(53) - 1)) | (gva & BIT(52) ? ~(BIT(53) - 1) : 0);
}

/* ---- a point of the debugger as pairs ---------------------------------------------------- */

static uint64_t plan_arm64_access(enum target_breakpoint type)
{
	switch (type) {
	case TARGET_WATCH_WRITE:
		return WCR_STORE;
	case TARGET_WATCH_READ:
		return WCR_LOAD;
	default:
		return WCR_LOAD | WCR_STORE;
	}
}

static bool plan_arm64_is_execute(enum target_breakpoint type)
{
	return type == TARGET_BREAK_SOFTWARE || type == TARGET_BREAK_HARDWARE;
}

static void plan_arm64_fill_execute(struct slot *slot, gva_t gva, uint64_t length)
{
	unsigned bytes = length == 2 ? 3u << (gva & 2) : 15;

	slot->type = TARGET_BREAK_HARDWARE;
	slot->gva = gva;
	slot->length = length;
	slot->control = CR_ENABLE | CR_EL1_EL0 | CR_BAS(bytes);
	slot->value = plan_arm64_extend(gva & ~UINT64_C(3));
}

/* How much of [gva, gva + length) one pair can watch: bytes of one doubleword, or 2^n aligned. */
static uint64_t plan_arm64_piece(gva_t gva, uint64_t length)
{
	uint64_t piece = 8;

	if (gva & 7 || length < 8)
		return length < 8 - (gva & 7) ? length : 8 - (gva & 7);
	while (piece * 2 <= length && !(gva & (piece * 2 - 1)) && piece < BIT(WCR_MASK_MAX))
		piece *= 2;
	return piece;
}

static void plan_arm64_fill_watch(
	struct slot *slot, enum target_breakpoint type, gva_t gva, uint64_t piece)
{
	unsigned bytes = piece < 8 ? ((1u << piece) - 1) << (gva & 7) : 0xff;

	slot->type = type;
	slot->gva = gva;
	slot->length = piece;
	slot->control = CR_ENABLE | CR_EL1_EL0 | plan_arm64_access(type) | CR_BAS(bytes);
	if (piece > 8)
		slot->control |= (uint64_t)__builtin_ctzll(piece) << WCR_MASK_SHIFT;
	slot->value = plan_arm64_extend(gva & ~UINT64_C(7));
}

/*
 * Cuts the first piece off *gva and *length into slot (NULL: only to count).  False at the end of
 * the point.
 */
static bool plan_arm64_next_piece(
	struct slot *slot, enum target_breakpoint type, gva_t *gva, uint64_t *length)
{
	uint64_t piece = *length;

	if (!piece)
		return false;
	if (!plan_arm64_is_execute(type))
		piece = plan_arm64_piece(*gva, *length);
	if (slot && plan_arm64_is_execute(type))
		plan_arm64_fill_execute(slot, *gva, piece);
	else if (slot)
		plan_arm64_fill_watch(slot, type, *gva, piece);
	*gva += piece;
	*length -= piece;
	return true;
}

/* ---- may the debugger have it? ----------------------------------------------------------- */

static int plan_arm64_check_shape(const struct hardware_point *point)
{
	switch (point->type) {
	case TARGET_BREAK_SOFTWARE:
		return -ENOTSUP;
	case TARGET_BREAK_HARDWARE:
		if (point->length == 2) /* an instruction of T32 */
			return point->gva & 1 ? -EINVAL : 0;
		return point->length == 4 && !(point->gva & 3) ? 0 : -EINVAL;
	default:
		return point->length && point->gva + point->length - 1 >= point->gva ? 0 : -EINVAL;
	}
}

/* A point too long for all the pairs there can be counts as one more than those. */
static unsigned plan_arm64_count(const struct hardware_point *point)
{
	uint64_t length = point->length;
	gva_t gva = point->gva;
	unsigned count = 0;

	while (count <= ARM64_MAX_SLOTS && plan_arm64_next_piece(NULL, point->type, &gva, &length))
		count++;
	return count;
}

int plan_arm64_check(const struct cpu *cpu, const struct hardware_point *points,
	unsigned point_count, const struct hardware_point *wanted)
{
	bool execute = plan_arm64_is_execute(wanted->type);
	unsigned have = execute ? cpu->arm64.breakpoint_slots : cpu->arm64.watchpoint_slots;
	unsigned need = plan_arm64_count(wanted);
	int rc = plan_arm64_check_shape(wanted);

	if (rc < 0)
		return rc;
	if (!have)
		return -ENOTSUP;
	for (unsigned i = 0; i < point_count; i++) {
		if (plan_arm64_is_execute(points[i].type) == execute)
			need += plan_arm64_count(&points[i]);
	}
	return need <= have ? 0 : -ENOSPC;
}

/* ---- the guest's own --------------------------------------------------------------------- */

bool plan_arm64_guest_enabled(const struct cpu_arm64 *cpu)
{
	uint64_t pstate = cpu->regs.pstate;
	enum arm64_world world = arm64_world(pstate);

	if (cpu->debugregs.oslsr_el1 & OSLSR_OSLK)
		return false;
	if (world == ARM64_EL0 || world == ARM64_EL0_32)
		return true;
	return cpu->debugregs.mdscr_el1 & MDSCR_KDE && !(pstate & PSTATE_D);
}

bool plan_arm64_guest_armed(const struct arm64_debugregs *debugregs)
{
	return debugregs->mdscr_el1 & MDSCR_MDE && !(debugregs->oslsr_el1 & OSLSR_OSLK);
}

/* The bytes of a word or doubleword that BAS selects. */
static void plan_arm64_guest_bytes(struct slot *slot, uint64_t base, unsigned bytes)
{
	slot->gva = base;
	slot->length = 0;
	if (!bytes)
		return;
	slot->gva += (unsigned)__builtin_ctz(bytes);
	slot->length = 32 - (unsigned)__builtin_clz(bytes) - (unsigned)__builtin_ctz(bytes);
}

static bool plan_arm64_guest_breakpoint(
	const struct arm64_debugregs *debugregs, unsigned n, struct slot *slot)
{
	uint64_t bcr = debugregs->bcr[n];

	slot->type = TARGET_BREAK_HARDWARE;
	slot->control = bcr;
	slot->value = debugregs->bvr[n];
	if (BCR_TYPE(bcr) == 0)
		plan_arm64_guest_bytes(slot, plan_arm64_extend(slot->value) & ~UINT64_C(3),
			(unsigned)FIELD(bcr, 5, 4));
	return bcr & CR_ENABLE;
}

static enum target_breakpoint plan_arm64_guest_type(uint64_t wcr)
{
	if (!(wcr & WCR_LOAD))
		return TARGET_WATCH_WRITE;
	return wcr & WCR_STORE ? TARGET_WATCH_ACCESS : TARGET_WATCH_READ;
}

static bool plan_arm64_guest_watchpoint(
	const struct arm64_debugregs *debugregs, unsigned n, struct slot *slot)
{
	uint64_t wcr = debugregs->wcr[n], base = plan_arm64_extend(debugregs->wvr[n]);
	unsigned mask = (unsigned)FIELD(wcr, WCR_MASK_SHIFT, 5);

	slot->type = plan_arm64_guest_type(wcr);
	slot->control = wcr;
	slot->value = debugregs->wvr[n];
	if (mask >= 3) {
		slot->gva = base & ~(BIT(mask) - 1);
		slot->length = BIT(mask);
	} else {
		plan_arm64_guest_bytes(slot, base & ~UINT64_C(7), (unsigned)FIELD(wcr, 5, 8));
	}
	return wcr & CR_ENABLE && wcr & (WCR_LOAD | WCR_STORE);
}

bool plan_arm64_guest_slot(const struct arm64_debugregs *debugregs, unsigned n, struct slot *slot)
{
	memset(slot, 0, sizeof(*slot));
	slot->owner = SLOT_GUEST;
	slot->guest_index = n % ARM64_MAX_SLOTS;
	if (n < FIRST_WATCH)
		return plan_arm64_guest_breakpoint(debugregs, n, slot);
	return plan_arm64_guest_watchpoint(debugregs, n - FIRST_WATCH, slot);
}

/* ---- the plan ---------------------------------------------------------------------------- */

/* A plan in the making: what it is made from, and which pairs exist. */
struct draft {
	const struct cpu_arm64 *cpu;
	const struct debug_request *request;
	struct debug_plan *plan;
};

static bool plan_arm64_exists(const struct draft *draft, unsigned n)
{
	return n < FIRST_WATCH ? n < draft->cpu->breakpoint_slots
			       : n - FIRST_WATCH < draft->cpu->watchpoint_slots;
}

/* Would it hit before the instruction at pc has been executed?  See debug_request. */
static bool plan_arm64_skips(const struct draft *draft, const struct hardware_point *point)
{
	if (!plan_arm64_is_execute(point->type))
		return draft->request->skip_watch;
	return draft->request->skip_at_pc &&
	       plan_arm64_extend(draft->cpu->regs.pc & ~UINT64_C(3)) ==
		       plan_arm64_extend(point->gva & ~UINT64_C(3));
}

/*
 * The pair as EL1 and EL0 mean it: what a guest says about higher levels must not reach the host's.
 * False when it is about those only.
 */
static bool plan_arm64_confine(struct slot *slot)
{
	bool higher = slot->control & CR_HMC;

	slot->control &= ~(CR_HMC | CR_SSC);
	return !higher || slot->control & CR_EL1_EL0;
}

/*
 * The guest's own pairs.  For one step they are left out if hardware would not raise them in
 * the state that the vCPU is in; USE_HW is set all the same, or KVM might load them itself.
 */
static void plan_arm64_merge_guest(struct draft *draft)
{
	const struct arm64_debugregs *debugregs = &draft->cpu->debugregs;
	bool stepping = draft->request->step || draft->request->run_to_count;
	bool wanted = !stepping || plan_arm64_guest_enabled(draft->cpu);
	struct slot slot;

	for (unsigned n = 0; n < ARCH_MAX_SLOTS; n++) {
		if (!plan_arm64_exists(draft, n) || !plan_arm64_guest_slot(debugregs, n, &slot))
			continue;
		draft->plan->control |= GUESTDBG_USE_HW;
		if (plan_arm64_confine(&slot) && wanted)
			draft->plan->slots[n] = slot;
	}
}

/* A pair for ours: a free one, else the guest's first.  NULL when all are ours already. */
static struct slot *plan_arm64_find(struct draft *draft, bool execute)
{
	unsigned first = execute ? 0 : FIRST_WATCH;
	struct slot *guest = NULL;

	for (unsigned n = first; n < first + ARM64_MAX_SLOTS; n++) {
		struct slot *slot = &draft->plan->slots[n];

		if (!plan_arm64_exists(draft, n))
			break;
		if (slot->owner == SLOT_FREE)
			return slot;
		if (slot->owner == SLOT_GUEST && !guest)
			guest = slot;
	}
	if (guest)
		draft->plan->limitations |= LIMITATION_GUEST_BREAKPOINT_LOST;
	return guest;
}

/*
 * One point of the debugger's into as many pairs as it takes.  There are enough of them, as
 * plan_arm64_check() has seen, but for the few instructions of a step that runs to an address.
 */
static void plan_arm64_place(struct draft *draft, const struct hardware_point *point)
{
	uint64_t length = point->length;
	gva_t gva = point->gva;
	struct slot piece = { .owner = SLOT_HOST };

	while (plan_arm64_next_piece(&piece, point->type, &gva, &length)) {
		struct slot *slot = plan_arm64_find(draft, plan_arm64_is_execute(point->type));

		if (!slot)
			return;
		*slot = piece;
		draft->plan->control |= GUESTDBG_USE_HW;
	}
}

/*
 * The end of a step that runs to an address.  It is looked at before anything is left out at pc,
 * and when there is no pair for it KVM's single step must do.
 */
static void plan_arm64_place_ends(struct draft *draft)
{
	const struct debug_request *request = draft->request;

	for (unsigned i = 0; i < request->run_to_count; i++) {
		struct slot *slot = plan_arm64_find(draft, true);

		if (!slot) {
			draft->plan->control |= GUESTDBG_SINGLESTEP;
			draft->plan->limitations |= LIMITATION_EXCLUSIVE;
			return;
		}
		slot->owner = SLOT_INTERNAL;
		plan_arm64_fill_execute(slot, request->run_to[i], 4);
		draft->plan->control |= GUESTDBG_USE_HW;
	}
}

/* A link whose other end had to give way would match what it should not. */
static void plan_arm64_drop_broken_links(struct debug_plan *plan)
{
	for (unsigned n = 0; n < ARCH_MAX_SLOTS; n++) {
		struct slot *slot = &plan->slots[n];

		if (slot->owner != SLOT_GUEST || !(slot->control & CR_LINKED) ||
			(n < FIRST_WATCH && BCR_TYPE(slot->control)))
			continue;
		if (plan->slots[CR_LINK(slot->control)].owner == SLOT_GUEST)
			continue;
		memset(slot, 0, sizeof(*slot));
		plan->limitations |= LIMITATION_GUEST_LINKED;
	}
}

static void plan_arm64_fill(struct draft *draft)
{
	const struct debug_request *request = draft->request;
	const struct arm64_debugregs *debugregs = &draft->cpu->debugregs;

	if (plan_arm64_guest_armed(debugregs))
		plan_arm64_merge_guest(draft);
	if (debugregs->mdscr_el1 & MDSCR_SS && !(debugregs->oslsr_el1 & OSLSR_OSLK))
		draft->plan->limitations |= LIMITATION_GUEST_STEP;
	plan_arm64_place_ends(draft);
	for (unsigned i = 0; i < request->point_count; i++) {
		if (!plan_arm64_skips(draft, &request->points[i]))
			plan_arm64_place(draft, &request->points[i]);
	}
	plan_arm64_drop_broken_links(draft->plan);
}

static bool plan_arm64_is_idle(const struct debug_request *request)
{
	return !request->software && !request->step && !request->point_count &&
	       !request->run_to_count;
}

uint32_t plan_arm64_groups(const struct debug_request *request)
{
	return plan_arm64_is_idle(request) ? 0 : CPU_DEBUG;
}

void plan_arm64_compute(
	const struct cpu *cpu, const struct debug_request *request, struct debug_plan *plan)
{
	struct draft draft = { &cpu->arm64, request, plan };

	memset(plan, 0, sizeof(*plan));
	if (plan_arm64_is_idle(request))
		return;
	plan->control = GUESTDBG_ENABLE;
	if (request->software)
		plan->control |= GUESTDBG_USE_SW_BP;
	if (request->step)
		plan->control |= GUESTDBG_SINGLESTEP;
	plan_arm64_fill(&draft);
	if (arm64_world(cpu->arm64.regs.pstate) == ARM64_ELSEWHERE)
		plan->limitations |= LIMITATION_WRONG_WORLD;
}

/* ---- for KVM ----------------------------------------------------------------------------- */

size_t plan_arm64_encode(
	const struct debug_plan *plan, const struct injection *injection, void *arg)
{
	struct arm64_guest_debug debug = { .control = plan->control };

	(void)injection; /* was put into the registers */
	for (unsigned n = 0; n < ARM64_MAX_SLOTS; n++) {
		debug.bcr[n] = plan->slots[n].control;
		debug.bvr[n] = plan->slots[n].value;
		debug.wcr[n] = plan->slots[FIRST_WATCH + n].control;
		debug.wvr[n] = plan->slots[FIRST_WATCH + n].value;
	}
	memcpy(arg, &debug, sizeof(debug));
	return sizeof(debug);
}
