/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of struct cpu_arm64 as KVM's ioctls: KVM_GET_ONE_REG and KVM_SET_ONE_REG for
 * all but the run state.  The only arm64 file that reads the kernel's headers; what the others
 * repeat of them is asserted here.
 */
#include <elf.h>
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include "kvm/arch_arm64.h"
#include "kvm/transfer.h"

_Static_assert(sizeof(struct arm64_guest_debug) == sizeof(struct kvm_guest_debug), "size");
_Static_assert(
	offsetof(struct arm64_guest_debug, bcr) == offsetof(struct kvm_guest_debug, arch.dbg_bcr),
	"dbg_bcr");
_Static_assert(
	offsetof(struct arm64_guest_debug, bvr) == offsetof(struct kvm_guest_debug, arch.dbg_bvr),
	"dbg_bvr");
_Static_assert(
	offsetof(struct arm64_guest_debug, wcr) == offsetof(struct kvm_guest_debug, arch.dbg_wcr),
	"dbg_wcr");
_Static_assert(
	offsetof(struct arm64_guest_debug, wvr) == offsetof(struct kvm_guest_debug, arch.dbg_wvr),
	"dbg_wvr");
_Static_assert(sizeof(struct arm64_debug_exit) == sizeof(struct kvm_debug_exit_arch), "size");
_Static_assert(
	offsetof(struct arm64_debug_exit, far) == offsetof(struct kvm_debug_exit_arch, far), "far");
_Static_assert(ARM64_MAX_SLOTS == KVM_ARM_MAX_DBG_REGS, "slots");
_Static_assert(GUESTDBG_ENABLE == KVM_GUESTDBG_ENABLE, "ENABLE");
_Static_assert(GUESTDBG_SINGLESTEP == KVM_GUESTDBG_SINGLESTEP, "SINGLESTEP");
_Static_assert(GUESTDBG_USE_SW_BP == KVM_GUESTDBG_USE_SW_BP, "USE_SW_BP");
_Static_assert(GUESTDBG_USE_HW == KVM_GUESTDBG_USE_HW, "USE_HW");

#define SYSREG_ID(encoding)                                                                        \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | (uint64_t)(encoding))

/* cpu_arm64.c packs the five numbers as the kernel does. */
#define ASSERT_ENCODING(name, op0, op1, crn, crm, op2, how)                                        \
	_Static_assert(SYSREG_ID((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)) ==   \
			       ARM64_SYS_REG(op0, op1, crn, crm, op2),                             \
		#name);
ARM64_SYSREGS_STOP(ASSERT_ENCODING)
ARM64_SYSREGS_COMMON(ASSERT_ENCODING)
ARM64_SYSREGS_RARE(ASSERT_ENCODING)

#define CORE_ID(size, offset)                                                                      \
	(KVM_REG_ARM64 | (size) | KVM_REG_ARM_CORE | (uint64_t)((offset) / sizeof(uint32_t)))
#define CORE_OFFSET(member) offsetof(struct kvm_regs, member)

/* What an item brings, and so what its failure means. */
enum item_kind {
	ITEM_WHOLE,  /* a part of its group: the group is valid when all have come */
	ITEM_SYSREG, /* valid by itself */
	ITEM_V,
	ITEM_SVE, /* there when the vector registers come as ARM64_FP_Z */
	ITEM_VLS, /* the same, and constant */
	ITEM_MP,
};

/* One register on its way. */
struct item {
	enum item_kind kind;
	uint32_t group;
	uint64_t id;     /* of ONE_REG */
	uint16_t size;   /* of its value */
	uint16_t index;  /* ITEM_SYSREG */
	uint16_t offset; /* the others, but for ITEM_VLS: in struct cpu_arm64 */
};

enum { ITEMS_MAX = CHANNEL_MAX_STEPS, VLS_BYTES = 64, ONE_REG_ID_BYTES = 8 };

struct item_list {
	unsigned count;
	struct item items[ITEMS_MAX];
};

static void list_add(struct item_list *list, struct item item)
{
	list->items[list->count++] = item;
}

static void list_add_whole(
	struct item_list *list, uint32_t group, uint64_t id, size_t size, size_t offset)
{
	list_add(list, (struct item){ .kind = ITEM_WHOLE,
			       .group = group,
			       .id = id,
			       .size = (uint16_t)size,
			       .offset = (uint16_t)offset });
}

/* A register of struct arm64_regs and its place in struct kvm_regs. */
struct core_register {
	uint16_t ours, kernels;
};

#define CORE(ours, kernels)                                                                        \
	{                                                                                          \
		offsetof(struct arm64_regs, ours), CORE_OFFSET(kernels)                            \
	}

/*
 * In the order of storing, x0..x30 before them: KVM cuts the general registers down when PSTATE
 * becomes an AArch32 one, and pc comes last.
 */
static const struct core_register core_registers[] = {
	CORE(sp_el0, regs.sp),
	CORE(sp_el1, sp_el1),
	CORE(elr_el1, elr_el1),
	CORE(spsr_el1, spsr[KVM_SPSR_EL1]),
	CORE(pstate, regs.pstate),
	CORE(pc, regs.pc),
};

enum {
	X_COUNT = 31,
	CORE_COUNT = X_COUNT + sizeof(core_registers) / sizeof(core_registers[0]),
	CORE_LATE = CORE_COUNT - 2, /* pstate and pc */
};

static struct core_register core_register(unsigned n)
{
	if (n >= X_COUNT)
		return core_registers[n - X_COUNT];
	return (struct core_register){
		(uint16_t)(offsetof(struct arm64_regs, x) + n * sizeof(uint64_t)),
		(uint16_t)(CORE_OFFSET(regs.regs) + n * sizeof(uint64_t)),
	};
}

static void list_general(struct item_list *list)
{
	for (unsigned n = 0; n < CORE_COUNT; n++) {
		struct core_register core = core_register(n);

		list_add_whole(list, CPU_GENERAL, CORE_ID(KVM_REG_SIZE_U64, core.kernels),
			sizeof(uint64_t), offsetof(struct cpu_arm64, regs) + core.ours);
	}
}

/* All groups at once are one program: core, system registers, vectors in both forms, debug, MP. */
_Static_assert(CORE_COUNT + ARM64_SYSREG_COUNT + (32 + 32 + 16 + 1 + 1 + 2) +
			       (4 * ARM64_MAX_SLOTS + 2) + 1 <=
		       ITEMS_MAX,
	"steps of a program");

/* What never changes is asked for once, what KVM does not have not again. */
static void list_sysregs(
	struct item_list *list, const struct cpu_arm64 *cpu, unsigned first, unsigned end)
{
	for (unsigned n = first; n < end; n++) {
		bool known = arm64_sysregs[n].access == ARM64_CONSTANT &&
			     bitmap_has(cpu->sysregs_valid, n);

		if (known || bitmap_has(cpu->sysregs_absent, n))
			continue;
		list_add(list, (struct item){ .kind = ITEM_SYSREG,
				       .group = n < ARM64_SYSREG_STOP ? CPU_SYSTEM : CPU_MSRS,
				       .id = SYSREG_ID(arm64_sysregs[n].encoding),
				       .size = sizeof(uint64_t),
				       .index = (uint16_t)n });
	}
}

static uint64_t float_v_id(unsigned n)
{
	return CORE_ID(KVM_REG_SIZE_U128, CORE_OFFSET(fp_regs.vregs) + n * 16);
}

/* A register of SVE and its place in struct cpu_arm64, numbered as in fp_dirty. */
static struct item sve_item(unsigned n)
{
	struct item item = { .kind = ITEM_SVE, .group = CPU_FLOAT, .size = ARM64_P_BYTES };
	size_t offset;

	if (n < 32) {
		item.id = KVM_REG_ARM64_SVE_ZREG((uint64_t)n, UINT64_C(0));
		item.size = ARM64_Z_BYTES;
		offset = offsetof(struct cpu_arm64, fp.z) + (size_t)n * ARM64_Z_BYTES;
	} else if (n < ARM64_FP_FFR) {
		n -= ARM64_FP_P;
		item.id = KVM_REG_ARM64_SVE_PREG((uint64_t)n, UINT64_C(0));
		offset = offsetof(struct cpu_arm64, fp.p) + (size_t)n * ARM64_P_BYTES;
	} else {
		item.id = KVM_REG_ARM64_SVE_FFR(UINT64_C(0));
		offset = offsetof(struct cpu_arm64, fp.ffr);
	}
	item.offset = (uint16_t)offset;
	return item;
}

/* The part of z[n] that a vCPU without SVE has. */
static struct item float_v_item(unsigned n)
{
	struct item item = sve_item(n);

	item.kind = ITEM_V;
	item.id = float_v_id(n);
	item.size = 16;
	return item;
}

static void list_sve(struct item_list *list, const struct cpu_arm64 *cpu)
{
	for (unsigned n = 0; n < 32; n++)
		list_add(list, sve_item(n));
	for (unsigned n = ARM64_FP_P; n <= ARM64_FP_FFR; n++)
		list_add(list, sve_item(n));
	if (!cpu->vg)
		list_add(list, (struct item){ .kind = ITEM_VLS,
				       .group = CPU_FLOAT,
				       .id = KVM_REG_ARM64_SVE_VLS,
				       .size = VLS_BYTES });
}

static void list_float(struct item_list *list, const struct cpu_arm64 *cpu)
{
	for (unsigned n = 0; n < 32 && cpu->fp_form != ARM64_FP_Z; n++)
		list_add(list, float_v_item(n));
	if (cpu->fp_form != ARM64_FP_V)
		list_sve(list, cpu);
	list_add_whole(list, CPU_FLOAT, CORE_ID(KVM_REG_SIZE_U32, CORE_OFFSET(fp_regs.fpsr)),
		sizeof(uint32_t), offsetof(struct cpu_arm64, fp.fpsr));
	list_add_whole(list, CPU_FLOAT, CORE_ID(KVM_REG_SIZE_U32, CORE_OFFSET(fp_regs.fpcr)),
		sizeof(uint32_t), offsetof(struct cpu_arm64, fp.fpcr));
}

static void list_debug_pairs(
	struct item_list *list, unsigned count, unsigned op2, size_t values, size_t controls)
{
	for (unsigned n = 0; n < count; n++) {
		size_t at = n * sizeof(uint64_t);

		list_add_whole(list, CPU_DEBUG, ARM64_SYS_REG(2, 0, 0, (uint64_t)n, op2),
			sizeof(uint64_t), values + at);
		list_add_whole(list, CPU_DEBUG, ARM64_SYS_REG(2, 0, 0, (uint64_t)n, op2 + 1),
			sizeof(uint64_t), controls + at);
	}
}

#define MDSCR_EL1_ID ARM64_SYS_REG(2, 0, 0, 2, 2)
#define OSLSR_EL1_ID ARM64_SYS_REG(2, 0, 1, 1, 4)

/* KVM knows all sixteen of each; those beyond the hardware's are of no use. */
static void list_debug(struct item_list *list, const struct cpu_arm64 *cpu)
{
	bool known = bitmap_has(cpu->sysregs_valid, ARM64_ID_AA64DFR0_EL1);

	list_debug_pairs(list, known ? cpu->breakpoint_slots : ARM64_MAX_SLOTS, 4,
		offsetof(struct cpu_arm64, debugregs.bvr),
		offsetof(struct cpu_arm64, debugregs.bcr));
	list_debug_pairs(list, known ? cpu->watchpoint_slots : ARM64_MAX_SLOTS, 6,
		offsetof(struct cpu_arm64, debugregs.wvr),
		offsetof(struct cpu_arm64, debugregs.wcr));
	list_add_whole(list, CPU_DEBUG, MDSCR_EL1_ID, sizeof(uint64_t),
		offsetof(struct cpu_arm64, debugregs.mdscr_el1));
	list_add_whole(list, CPU_DEBUG, OSLSR_EL1_ID, sizeof(uint64_t),
		offsetof(struct cpu_arm64, debugregs.oslsr_el1));
}

/* The items of these groups; the same for fetch, count and take as long as cpu has not taken. */
static void list_groups(struct item_list *list, const struct cpu *cpu, uint32_t groups)
{
	const struct cpu_arm64 *arm64 = &cpu->arm64;

	list->count = 0;
	if (groups & CPU_GENERAL)
		list_general(list);
	if (groups & CPU_SYSTEM)
		list_sysregs(list, arm64, 0, ARM64_SYSREG_STOP);
	if (groups & CPU_MSRS)
		list_sysregs(list, arm64, ARM64_SYSREG_STOP, ARM64_SYSREG_COUNT);
	if (groups & CPU_FLOAT)
		list_float(list, arm64);
	if (groups & CPU_DEBUG)
		list_debug(list, arm64);
	if (groups & CPU_MP)
		list_add(list, (struct item){ .kind = ITEM_MP,
				       .group = CPU_MP,
				       .size = sizeof(struct kvm_mp_state),
				       .offset = offsetof(struct cpu_arm64, mp_state) });
}

const struct arch *transfer_arch(void)
{
	return &arch_arm64;
}

uint32_t transfer_machine(void)
{
	return EM_AARCH64;
}

/* ---- fetching ---------------------------------------------------------------------------- */

void transfer_fetch(struct program *program, const struct cpu *cpu, uint32_t groups)
{
	struct item_list list;

	list_groups(&list, cpu, groups);
	for (unsigned i = 0; i < list.count; i++) {
		const struct item *item = &list.items[i];
		uint8_t arg[ONE_REG_ID_BYTES + ARM64_Z_BYTES] = { 0 };

		memcpy(arg, &item->id, sizeof(item->id));
		if (item->kind == ITEM_MP)
			program_after(program, KVM_GET_MP_STATE, NULL, item->size);
		else
			program_after(program, KVM_GET_ONE_REG, arg,
				(size_t)ONE_REG_ID_BYTES + item->size);
	}
}

unsigned transfer_count(const struct cpu *cpu, uint32_t groups)
{
	struct item_list list;

	list_groups(&list, cpu, groups);
	return list.count;
}

/* What has gone wrong so far in one transfer_take(). */
struct taking {
	uint32_t failed_groups;
	bool no_v, no_sve;
};

/*
 * The next result as the value of item, in *value; NULL when KVM did not give it, with its reason
 * in *rc.  -EPROTO when it is not the answer to this item.
 */
static int take_value(
	struct results *results, const struct item *item, const uint8_t **value, int *rc)
{
	size_t head = item->kind == ITEM_MP ? 0 : ONE_REG_ID_BYTES, size;
	unsigned left = results->left;
	const void *bytes;

	*value = NULL;
	*rc = results_next(results, &bytes, &size);
	if (results->left == left)
		return -EPROTO;
	if (*rc < 0)
		return 0;
	if (size != head + item->size || memcmp(bytes, &item->id, head))
		return -EPROTO;
	*value = (const uint8_t *)bytes + head;
	return 0;
}

static void take_sysreg(struct cpu_arm64 *cpu, unsigned n, const uint8_t *value, int rc)
{
	if (value) {
		memcpy(&cpu->sysregs[n], value, sizeof(cpu->sysregs[n]));
		bitmap_add(cpu->sysregs_valid, n);
		return;
	}
	bitmap_remove(cpu->sysregs_valid, n);
	if (rc == -ENOENT)
		bitmap_add(cpu->sysregs_absent, n);
}

/* Bit n: vectors of n + 1 times 16 bytes are possible. */
static void take_vector_lengths(struct cpu_arm64 *cpu, const uint8_t *value)
{
	uint64_t lengths;

	memcpy(&lengths, value, sizeof(lengths));
	for (unsigned n = 0; n < ARM64_Z_BYTES / 16; n++)
		if (lengths & BIT(n))
			cpu->vg = 2 * (n + 1);
}

static void take_failure(const struct item *item, struct taking *taking)
{
	if (item->kind == ITEM_V)
		taking->no_v = true;
	else if (item->kind == ITEM_SVE || item->kind == ITEM_VLS)
		taking->no_sve = true;
	else
		taking->failed_groups |= item->group;
}

static void take_item(struct cpu_arm64 *cpu, const struct item *item, const uint8_t *value, int rc,
	struct taking *taking)
{
	if (item->kind == ITEM_SYSREG)
		take_sysreg(cpu, item->index, value, rc);
	else if (!value)
		take_failure(item, taking);
	else if (item->kind == ITEM_VLS)
		take_vector_lengths(cpu, value);
	else
		memcpy((uint8_t *)cpu + item->offset, value, item->size);
}

/* Which form the vector registers have come in; both were asked for as long as it was unknown. */
static void take_float_form(struct cpu_arm64 *cpu, struct taking *taking)
{
	if (cpu->fp_form != ARM64_FP_Z && !taking->no_v)
		cpu->fp_form = ARM64_FP_V;
	else if (cpu->fp_form != ARM64_FP_V && !taking->no_sve && cpu->vg)
		cpu->fp_form = ARM64_FP_Z;
	else
		taking->failed_groups |= CPU_FLOAT;
	cpu->fp_dirty = 0;
}

static void take_slot_counts(struct cpu_arm64 *cpu)
{
	uint64_t dfr0 = cpu->sysregs[ARM64_ID_AA64DFR0_EL1];

	if (!bitmap_has(cpu->sysregs_valid, ARM64_ID_AA64DFR0_EL1))
		return;
	cpu->breakpoint_slots = (uint8_t)(FIELD(dfr0, 12, 4) + 1);
	cpu->watchpoint_slots = (uint8_t)(FIELD(dfr0, 20, 4) + 1);
}

int transfer_take(struct results *results, struct cpu *cpu, uint32_t groups)
{
	struct taking taking = { 0 };
	struct item_list list;

	list_groups(&list, cpu, groups);
	for (unsigned i = 0; i < list.count; i++) {
		const uint8_t *value;
		int error, rc = take_value(results, &list.items[i], &value, &error);

		if (rc < 0)
			return rc;
		take_item(&cpu->arm64, &list.items[i], value, error, &taking);
	}
	if (groups & CPU_GENERAL)
		cpu->arm64.stored = cpu->arm64.regs;
	if (groups & CPU_DEBUG)
		cpu->arm64.stored_debugregs = cpu->arm64.debugregs;
	if (groups & CPU_FLOAT)
		take_float_form(&cpu->arm64, &taking);
	take_slot_counts(&cpu->arm64);
	cpu->valid = (cpu->valid & ~groups) | (groups & ~taking.failed_groups);
	return 0;
}

/* ---- storing ----------------------------------------------------------------------------- */

static void store_one(struct program *program, uint64_t id, const void *value, size_t size)
{
	uint8_t arg[ONE_REG_ID_BYTES + ARM64_Z_BYTES];

	memcpy(arg, &id, sizeof(id));
	memcpy(arg + sizeof(id), value, size);
	program_before(program, KVM_SET_ONE_REG, arg, sizeof(id) + size);
}

/* Registers first to end of the core, where they differ from what the vCPU has. */
static void store_core(struct program *program, struct cpu_arm64 *cpu, unsigned first, unsigned end)
{
	for (unsigned n = first; n < end; n++) {
		struct core_register core = core_register(n);
		uint8_t *stored = (uint8_t *)&cpu->stored + core.ours;
		const uint8_t *value = (const uint8_t *)&cpu->regs + core.ours;

		if (!memcmp(stored, value, sizeof(uint64_t)))
			continue;
		store_one(
			program, CORE_ID(KVM_REG_SIZE_U64, core.kernels), value, sizeof(uint64_t));
		memcpy(stored, value, sizeof(uint64_t));
	}
}

static void store_item(
	struct program *program, const struct cpu_arm64 *cpu, const struct item *item)
{
	store_one(program, item->id, (const uint8_t *)cpu + item->offset, item->size);
}

static void store_vectors(struct program *program, const struct cpu_arm64 *cpu)
{
	for (unsigned n = 0; n < 32; n++) {
		struct item item = cpu->fp_form == ARM64_FP_Z ? sve_item(n) : float_v_item(n);

		if (cpu->fp_dirty & BIT(n))
			store_item(program, cpu, &item);
	}
	for (unsigned n = ARM64_FP_P; n <= ARM64_FP_FFR; n++) {
		struct item item = sve_item(n);

		if (cpu->fp_dirty & BIT(n))
			store_item(program, cpu, &item);
	}
}

static void store_float(struct program *program, struct cpu_arm64 *cpu)
{
	store_vectors(program, cpu);
	if (cpu->fp_dirty & BIT(ARM64_FP_FPSR))
		store_one(program, CORE_ID(KVM_REG_SIZE_U32, CORE_OFFSET(fp_regs.fpsr)),
			&cpu->fp.fpsr, sizeof(cpu->fp.fpsr));
	if (cpu->fp_dirty & BIT(ARM64_FP_FPCR))
		store_one(program, CORE_ID(KVM_REG_SIZE_U32, CORE_OFFSET(fp_regs.fpcr)),
			&cpu->fp.fpcr, sizeof(cpu->fp.fpcr));
	cpu->fp_dirty = 0;
}

static void store_sysregs(struct program *program, struct cpu_arm64 *cpu)
{
	for (unsigned n = 0; n < ARM64_SYSREG_COUNT; n++) {
		if (!bitmap_has(cpu->sysregs_dirty, n))
			continue;
		store_one(program, SYSREG_ID(arm64_sysregs[n].encoding), &cpu->sysregs[n],
			sizeof(cpu->sysregs[n]));
		bitmap_remove(cpu->sysregs_dirty, n);
	}
}

/* The guest's debug registers, where they differ from what the vCPU has. */
static void store_debug(struct program *program, struct cpu_arm64 *cpu)
{
	struct item_list list = { .count = 0 };

	list_debug(&list, cpu);
	for (unsigned i = 0; i < list.count; i++) {
		const struct item *item = &list.items[i];
		size_t at = item->offset - offsetof(struct cpu_arm64, debugregs);
		uint8_t *stored = (uint8_t *)&cpu->stored_debugregs + at;
		const uint8_t *value = (const uint8_t *)&cpu->debugregs + at;

		if (!memcmp(stored, value, item->size))
			continue;
		store_item(program, cpu, item);
		memcpy(stored, value, item->size);
	}
}

void transfer_store(struct program *program, struct cpu *cpu)
{
	struct cpu_arm64 *arm64 = &cpu->arm64;
	uint32_t dirty = cpu->dirty;

	if (dirty & CPU_GENERAL)
		store_core(program, arm64, 0, CORE_LATE);
	if (dirty & CPU_FLOAT)
		store_float(program, arm64);
	if (dirty & (CPU_SYSTEM | CPU_MSRS))
		store_sysregs(program, arm64);
	if (dirty & CPU_DEBUG)
		store_debug(program, arm64);
	if (dirty & CPU_GENERAL)
		store_core(program, arm64, CORE_LATE, CORE_COUNT);
	cpu->dirty = 0;
}

void transfer_guest_debug(struct program *program, const void *arg, size_t size)
{
	program_before(program, KVM_SET_GUEST_DEBUG, arg, size);
}

/* PSTATE.SS is saved and shown as the guest's own all the time (arch/arm64/kvm/debug.c). */
void transfer_disarm(struct program *program, const void *arg, size_t size)
{
	(void)program;
	(void)arg;
	(void)size;
}

/* ---- system registers by number ---------------------------------------------------------- */

void transfer_get_numbered(struct program *program, uint32_t number)
{
	uint64_t arg[2] = { SYSREG_ID(number) };

	program_after(program, KVM_GET_ONE_REG, arg, sizeof(arg));
}

void transfer_set_numbered(struct program *program, uint32_t number, uint64_t value)
{
	uint64_t arg[2] = { SYSREG_ID(number), value };

	program_after(program, KVM_SET_ONE_REG, arg, sizeof(arg));
}

int transfer_take_numbered(struct results *results, uint64_t *value)
{
	uint64_t arg[2] = { 0 };
	const void *bytes;
	size_t size;
	int rc = results_next(results, &bytes, &size);

	if (rc < 0)
		return -ENODATA;
	if (size == sizeof(arg))
		memcpy(arg, bytes, sizeof(arg));
	*value = arg[1];
	return 0;
}
