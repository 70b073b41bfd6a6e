/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which KVM ioctl carries which group of x86-64 registers: one table, read in both directions.  The
 * one x86-64 file that knows the kernel's headers; it makes no call itself.
 *
 * KVM_SET_REGS drops an exception that waits to be delivered (__set_regs()).  So the events are
 * fetched along with the general registers, and stored again after them when one waits.
 *
 * x87 and SSE come twice, by KVM_GET_XSAVE and, for a KVM without it, by KVM_GET_FPU; the former
 * counts.  KVM_GET_XSAVE fails for a guest whose state is larger than its 4096 bytes, and KVM_GET_XSAVE2
 * in a KVM that does not know it: when one has failed, it is the other's turn.  The MSRs that only a debugger wants are fetched one by one, as KVM_GET_MSRS stops at the first
 * that it does not know.
 */
#include "kvm/transfer.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include "kvm/arch_x86_64.h"
#include "kvm/xsave_x86_64.h"

/* ---- our layouts are the kernel's -------------------------------------------------------- */

#define SAME_SIZE(ours, theirs)                                                                    \
	_Static_assert(sizeof(struct ours) == sizeof(struct theirs), "size of " #theirs)
#define SAME_PLACE(ours, our_member, theirs, their_member)                                         \
	_Static_assert(offsetof(struct ours, our_member) == offsetof(struct theirs, their_member), \
		"place of " #theirs "." #their_member)

SAME_SIZE(x86_regs, kvm_regs);
SAME_PLACE(x86_regs, rsp, kvm_regs, rsp);
SAME_PLACE(x86_regs, rbp, kvm_regs, rbp);
SAME_PLACE(x86_regs, r8, kvm_regs, r8);
SAME_PLACE(x86_regs, rip, kvm_regs, rip);
SAME_PLACE(x86_regs, rflags, kvm_regs, rflags);
SAME_SIZE(x86_segment, kvm_segment);
SAME_PLACE(x86_segment, selector, kvm_segment, selector);
SAME_PLACE(x86_segment, type, kvm_segment, type);
SAME_PLACE(x86_segment, dpl, kvm_segment, dpl);
SAME_PLACE(x86_segment, db, kvm_segment, db);
SAME_PLACE(x86_segment, l, kvm_segment, l);
SAME_SIZE(x86_table, kvm_dtable);
SAME_PLACE(x86_table, limit, kvm_dtable, limit);
SAME_SIZE(x86_sregs, kvm_sregs);
SAME_PLACE(x86_sregs, ss, kvm_sregs, ss);
SAME_PLACE(x86_sregs, ldt, kvm_sregs, ldt);
SAME_PLACE(x86_sregs, gdt, kvm_sregs, gdt);
SAME_PLACE(x86_sregs, idt, kvm_sregs, idt);
SAME_PLACE(x86_sregs, cr0, kvm_sregs, cr0);
SAME_PLACE(x86_sregs, efer, kvm_sregs, efer);
SAME_PLACE(x86_sregs, interrupt_bitmap, kvm_sregs, interrupt_bitmap);
SAME_SIZE(x86_fpu, kvm_fpu);
SAME_PLACE(x86_fpu, ftwx, kvm_fpu, ftwx);
SAME_PLACE(x86_fpu, last_opcode, kvm_fpu, last_opcode);
SAME_PLACE(x86_fpu, last_ip, kvm_fpu, last_ip);
SAME_PLACE(x86_fpu, xmm, kvm_fpu, xmm);
SAME_PLACE(x86_fpu, mxcsr, kvm_fpu, mxcsr);
SAME_SIZE(x86_debugregs, kvm_debugregs);
SAME_PLACE(x86_debugregs, dr6, kvm_debugregs, dr6);
SAME_PLACE(x86_debugregs, dr7, kvm_debugregs, dr7);
SAME_SIZE(x86_events, kvm_vcpu_events);
SAME_PLACE(x86_events, exception.pending, kvm_vcpu_events, exception.pending);
SAME_PLACE(x86_events, interrupt, kvm_vcpu_events, interrupt);
SAME_PLACE(x86_events, interrupt.shadow, kvm_vcpu_events, interrupt.shadow);
SAME_PLACE(x86_events, nmi, kvm_vcpu_events, nmi);
SAME_PLACE(x86_events, flags, kvm_vcpu_events, flags);
SAME_PLACE(x86_events, exception_has_payload, kvm_vcpu_events, exception_has_payload);
SAME_PLACE(x86_events, exception_payload, kvm_vcpu_events, exception_payload);
SAME_SIZE(x86_debug_exit, kvm_debug_exit_arch);
SAME_PLACE(x86_debug_exit, dr6, kvm_debug_exit_arch, dr6);
SAME_SIZE(x86_guest_debug, kvm_guest_debug);
SAME_PLACE(x86_guest_debug, debugreg, kvm_guest_debug, arch.debugreg);

#define SAME_VALUE(ours, theirs) _Static_assert((ours) == (theirs), #theirs)

SAME_VALUE(X86_GUESTDBG_ENABLE, KVM_GUESTDBG_ENABLE);
SAME_VALUE(X86_GUESTDBG_SINGLESTEP, KVM_GUESTDBG_SINGLESTEP);
SAME_VALUE(X86_GUESTDBG_USE_SW_BP, KVM_GUESTDBG_USE_SW_BP);
SAME_VALUE(X86_GUESTDBG_USE_HW_BP, KVM_GUESTDBG_USE_HW_BP);
SAME_VALUE(X86_GUESTDBG_INJECT_DB, KVM_GUESTDBG_INJECT_DB);
SAME_VALUE(X86_GUESTDBG_INJECT_BP, KVM_GUESTDBG_INJECT_BP);
SAME_VALUE(X86_GUESTDBG_BLOCKIRQ, KVM_GUESTDBG_BLOCKIRQ);
SAME_VALUE(X86_EVENT_VALID_SHADOW, KVM_VCPUEVENT_VALID_SHADOW);
SAME_VALUE(X86_EVENT_VALID_PAYLOAD, KVM_VCPUEVENT_VALID_PAYLOAD);
SAME_VALUE(X86_MP_RUNNABLE, KVM_MP_STATE_RUNNABLE);
SAME_VALUE(X86_MP_UNINITIALIZED, KVM_MP_STATE_UNINITIALIZED);
SAME_VALUE(X86_MP_INIT_RECEIVED, KVM_MP_STATE_INIT_RECEIVED);
SAME_VALUE(X86_MP_HALTED, KVM_MP_STATE_HALTED);
SAME_VALUE(X86_MP_SIPI_RECEIVED, KVM_MP_STATE_SIPI_RECEIVED);

SAME_SIZE(x86_xcrs, kvm_xcrs);
SAME_PLACE(x86_xcrs, xcrs[0].value, kvm_xcrs, xcrs[0].value);
SAME_SIZE(x86_cpuid_entry, kvm_cpuid_entry2);
SAME_PLACE(x86_cpuid_entry, eax, kvm_cpuid_entry2, eax);
_Static_assert(sizeof(struct kvm_xsave) == X86_XSAVE_BYTES, "struct kvm_xsave");

/* ---- MSRs -------------------------------------------------------------------------------- */

struct msr { /* struct kvm_msr_entry */
	uint32_t index, reserved;
	uint64_t data;
};

struct msr_one { /* struct kvm_msrs with one entry */
	uint32_t count, pad;
	struct msr entry;
};

struct msr_list { /* with those of SYSCALL */
	uint32_t count, pad;
	struct msr entries[X86_MSR_SYSCALL_COUNT];
};

_Static_assert(offsetof(struct msr_list, entries) == sizeof(struct kvm_msrs), "struct kvm_msrs");
_Static_assert(sizeof(struct msr) == sizeof(struct kvm_msr_entry), "struct kvm_msr_entry");

#define MSR_INDEX(id, name, index, is_address) [X86_MSR_##id] = index,

static const uint32_t msr_indexes[X86_MSR_COUNT] = { X86_MSRS_SYSCALL(MSR_INDEX)
		X86_MSRS_MORE(MSR_INDEX) };

static void msr_list_fill(struct msr_list *list)
{
	*list = (struct msr_list){ .count = X86_MSR_SYSCALL_COUNT };
	for (unsigned i = 0; i < X86_MSR_SYSCALL_COUNT; i++)
		list->entries[i].index = msr_indexes[i];
}

static struct msr_one msr_one(unsigned msr, uint64_t data)
{
	return (struct msr_one){ .count = 1, .entry = { .index = msr_indexes[msr], .data = data } };
}

/* ---- CPUID ------------------------------------------------------------------------------- */

enum { CPUID_MAX_ENTRIES = 256 }; /* KVM_MAX_CPUID_ENTRIES */

struct cpuid_list { /* struct kvm_cpuid2 with its entries */
	uint32_t count, pad;
	struct x86_cpuid_entry entries[CPUID_MAX_ENTRIES];
};

_Static_assert(offsetof(struct cpuid_list, entries) == sizeof(struct kvm_cpuid2), "kvm_cpuid2");

static const struct cpuid_list cpuid_request = { .count = CPUID_MAX_ENTRIES };

/* How this machine's XSAVE lays out its standard format: SDM volume 2, CPUID, leaf 0xD. */
static void xsave_learn_layout(struct x86_xsave *xsave)
{
	for (unsigned i = X86_COMPONENT_AVX; i < X86_COMPONENTS; i++) {
		unsigned size, offset, flags, unused;

		if (__get_cpuid_count(0xd, i, &size, &offset, &flags, &unused) && size &&
			offset <= UINT16_MAX)
			xsave->offset[i] = (uint16_t)offset;
	}
}

/* ---- the table, in the order that is safe for storing ------------------------------------ */

struct carrier {
	uint32_t group;
	uint32_t get, set;   /* ioctls; set 0: never stored */
	const void *request; /* what the argument of get begins as; NULL: zeroes */
	size_t place, size;  /* in struct cpu; place 0: in no one place there */
};

#define MEMBER(member) offsetof(struct cpu, x86_64.member), sizeof(((struct cpu *)0)->x86_64.member)

static const struct carrier carriers[] = {
	{ CPU_GENERAL, KVM_GET_REGS, KVM_SET_REGS, NULL, MEMBER(regs) },
	{ CPU_SYSTEM, KVM_GET_SREGS, KVM_SET_SREGS, NULL, MEMBER(sregs) },
	{ CPU_XCRS, KVM_GET_XCRS, KVM_SET_XCRS, NULL, MEMBER(xcrs) },
	{ CPU_XSAVE, KVM_GET_XSAVE, 0, NULL, offsetof(struct cpu, x86_64.xsave.area),
		X86_XSAVE_BYTES },
	{ CPU_FLOAT, KVM_GET_FPU, KVM_SET_FPU, NULL, MEMBER(fpu) },
	{ CPU_MSRS, KVM_GET_MSRS, KVM_SET_MSRS, NULL, 0, sizeof(struct msr_list) },
	{ CPU_DEBUG, KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, NULL, MEMBER(debugregs) },
	{ CPU_EVENTS, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, NULL, MEMBER(events) },
	{ CPU_MP, KVM_GET_MP_STATE, 0, NULL, MEMBER(mp_state) },
	{ CPU_CPUID, KVM_GET_CPUID2, 0, &cpuid_request, 0, sizeof(struct cpuid_list) },
};

enum { CARRIERS = sizeof(carriers) / sizeof(carriers[0]) };

const struct arch *transfer_arch(void)
{
	return &arch_x86_64;
}

uint32_t transfer_machine(void)
{
	return EM_X86_64;
}

/* ---- fetching ---------------------------------------------------------------------------- */

static uint32_t groups_fetched(uint32_t groups)
{
	if (groups & CPU_GENERAL)
		groups |= CPU_EVENTS;
	if (groups & (CPU_FLOAT | CPU_XSAVE))
		groups |= CPU_FLOAT | CPU_XSAVE;
	return groups;
}

/* Of its argument, for this vCPU. */
static size_t carrier_size(const struct carrier *carrier, const struct cpu *cpu)
{
	bool is_large = carrier->group == CPU_XSAVE && cpu->x86_64.xsave.is_large;

	return is_large ? X86_XSAVE2_BYTES : carrier->size;
}

static void fetch_carrier(
	struct program *program, const struct carrier *carrier, const struct cpu *cpu)
{
	struct msr_list list;

	if (carrier->group == CPU_XSAVE && cpu->x86_64.xsave.is_large) {
		program_after(program, KVM_GET_XSAVE2, NULL, X86_XSAVE2_BYTES);
		return;
	}
	msr_list_fill(&list);
	program_after(program, carrier->get, carrier->group == CPU_MSRS ? &list : carrier->request,
		carrier->size);
}

static void fetch_msrs_more(struct program *program)
{
	for (unsigned i = X86_MSR_SYSCALL_COUNT; i < X86_MSR_COUNT; i++) {
		struct msr_one one = msr_one(i, 0);

		program_after(program, KVM_GET_MSRS, &one, sizeof(one));
	}
}

void transfer_fetch(struct program *program, const struct cpu *cpu, uint32_t groups)
{
	groups = groups_fetched(groups);
	for (unsigned i = 0; i < CARRIERS; i++)
		if (groups & carriers[i].group)
			fetch_carrier(program, &carriers[i], cpu);
	if (groups & CPU_MSRS_MORE)
		fetch_msrs_more(program);
}

unsigned transfer_count(const struct cpu *cpu, uint32_t groups)
{
	unsigned count = groups & CPU_MSRS_MORE ? X86_MSR_MORE_COUNT : 0;

	(void)cpu;
	groups = groups_fetched(groups);
	for (unsigned i = 0; i < CARRIERS; i++)
		if (groups & carriers[i].group)
			count++;
	return count;
}

/* KVM_GET_MSRS returns how many it has read; it stops at the first that it does not know. */
static bool msr_list_take(const void *bytes, int rc, struct cpu *cpu)
{
	struct msr_list list;

	if (rc != X86_MSR_SYSCALL_COUNT)
		return false;
	memcpy(&list, bytes, sizeof(list));
	for (unsigned i = 0; i < X86_MSR_SYSCALL_COUNT; i++)
		cpu->x86_64.msrs[i] = list.entries[i].data;
	return true;
}

static void cpuid_take(const void *bytes, struct cpu *cpu)
{
	struct cpuid_list list;

	memcpy(&list, bytes, sizeof(list));
	cpu->x86_64.components = xsave_x86_64_components(
		list.entries, list.count < CPUID_MAX_ENTRIES ? list.count : CPUID_MAX_ENTRIES);
}

static bool carrier_take(const struct carrier *carrier, const void *bytes, int rc, struct cpu *cpu)
{
	struct x86_xsave *xsave = &cpu->x86_64.xsave;

	if (carrier->group == CPU_MSRS)
		return msr_list_take(bytes, rc, cpu);
	if (carrier->group == CPU_CPUID)
		cpuid_take(bytes, cpu);
	else if (carrier->group == CPU_FLOAT && cpu->valid & CPU_XSAVE)
		xsave_x86_64_to_fpu(xsave, &cpu->x86_64.fpu);
	else
		memcpy((uint8_t *)cpu + carrier->place, bytes, carrier_size(carrier, cpu));
	if (carrier->group == CPU_XSAVE && !xsave->offset[X86_COMPONENT_AVX])
		xsave_learn_layout(xsave);
	return true;
}

static int carriers_take(struct results *results, struct cpu *cpu, uint32_t groups)
{
	for (unsigned i = 0; i < CARRIERS; i++) {
		const void *bytes;
		size_t size;
		int rc;

		if (!(groups & carriers[i].group))
			continue;
		if (!results->left)
			return -EPROTO;
		cpu->valid &= ~carriers[i].group;
		rc = results_next(results, &bytes, &size);
		if (rc < 0 && carriers[i].group == CPU_XSAVE)
			cpu->x86_64.xsave.is_large = !cpu->x86_64.xsave.is_large;
		if (rc < 0)
			continue;
		if (size != carrier_size(&carriers[i], cpu))
			return -EPROTO;
		if (carrier_take(&carriers[i], bytes, rc, cpu))
			cpu->valid |= carriers[i].group;
	}
	return 0;
}

static int msrs_more_take(struct results *results, struct cpu *cpu)
{
	cpu->x86_64.msrs_known = 0;
	for (unsigned i = X86_MSR_SYSCALL_COUNT; i < X86_MSR_COUNT; i++) {
		struct msr_one one;
		const void *bytes;
		size_t size;
		int rc;

		if (!results->left)
			return -EPROTO;
		rc = results_next(results, &bytes, &size);
		if (rc >= 0 && size != sizeof(one))
			return -EPROTO;
		if (rc != 1)
			continue;
		memcpy(&one, bytes, sizeof(one));
		cpu->x86_64.msrs[i] = one.entry.data;
		cpu->x86_64.msrs_known |= UINT64_C(1) << i;
	}
	cpu->valid |= CPU_MSRS_MORE;
	return 0;
}

int transfer_take(struct results *results, struct cpu *cpu, uint32_t groups)
{
	int rc = carriers_take(results, cpu, groups_fetched(groups));

	return rc < 0 || !(groups & CPU_MSRS_MORE) ? rc : msrs_more_take(results, cpu);
}

/* ---- storing ----------------------------------------------------------------------------- */

/*
 * Only the exception and the interrupt shadow count.  What else the struct could set, an NMI or an
 * SMI, may have come in since it was read and must not be taken back.
 */
static void store_events(struct program *program, const struct cpu *cpu)
{
	struct x86_events events = cpu->x86_64.events;

	events.flags &= X86_EVENT_VALID_SHADOW | X86_EVENT_VALID_PAYLOAD;
	program_before(program, KVM_SET_VCPU_EVENTS, &events, sizeof(events));
}

/*
 * Those that were written to, and no others: to set the TSC to what it was would turn time back.
 * What they have become is to be asked anew, as KVM may take of a value what it wants.
 */
static void store_msrs(struct program *program, struct cpu *cpu)
{
	for (unsigned i = 0; i < X86_MSR_COUNT; i++) {
		struct msr_one one = msr_one(i, cpu->x86_64.msrs[i]);

		if (cpu->x86_64.msrs_dirty >> i & 1)
			program_before(program, KVM_SET_MSRS, &one, sizeof(one));
	}
	cpu->x86_64.msrs_dirty = 0;
	cpu->valid &= ~(uint32_t)(cpu->dirty & (CPU_MSRS | CPU_MSRS_MORE));
}

static void store_float(struct program *program, struct cpu *cpu)
{
	struct x86_xsave *xsave = &cpu->x86_64.xsave;

	if (cpu->valid & CPU_XSAVE) {
		xsave_x86_64_from_fpu(xsave, &cpu->x86_64.fpu);
		program_before(program, KVM_SET_XSAVE, xsave->area,
			xsave->is_large ? X86_XSAVE2_BYTES : X86_XSAVE_BYTES);
	} else {
		program_before(program, KVM_SET_FPU, &cpu->x86_64.fpu, sizeof(cpu->x86_64.fpu));
	}
}

static void store_carrier(struct program *program, const struct carrier *carrier, struct cpu *cpu)
{
	if (carrier->group == CPU_EVENTS)
		store_events(program, cpu);
	else if (carrier->group == CPU_FLOAT)
		store_float(program, cpu);
	else if (carrier->set && carrier->place)
		program_before(program, carrier->set, (const uint8_t *)cpu + carrier->place,
			carrier->size);
}

void transfer_store(struct program *program, struct cpu *cpu)
{
	uint32_t dirty = cpu->dirty;

	if ((dirty & CPU_GENERAL) && (cpu->valid & CPU_EVENTS) &&
		cpu->x86_64.events.exception.pending)
		dirty |= CPU_EVENTS;
	for (unsigned i = 0; i < CARRIERS; i++)
		if (dirty & carriers[i].group)
			store_carrier(program, &carriers[i], cpu);
	store_msrs(program, cpu);
	cpu->dirty = 0;
}

void transfer_guest_debug(struct program *program, const void *arg, size_t size)
{
	program_before(program, KVM_SET_GUEST_DEBUG, arg, size);
}

void transfer_disarm(struct program *program, const void *arg, size_t size)
{
	struct x86_guest_debug debug;

	memcpy(&debug, arg, sizeof(debug));
	debug.control &= ~(uint32_t)(X86_GUESTDBG_SINGLESTEP | X86_GUESTDBG_INJECT_DB |
				     X86_GUESTDBG_INJECT_BP);
	program_after(program, KVM_SET_GUEST_DEBUG, &debug, size);
}

/* ---- MSRs by number ---------------------------------------------------------------------- */

void transfer_get_numbered(struct program *program, uint32_t number)
{
	struct msr_one one = { .count = 1, .entry.index = number };

	program_after(program, KVM_GET_MSRS, &one, sizeof(one));
}

void transfer_set_numbered(struct program *program, uint32_t number, uint64_t value)
{
	struct msr_one one = { .count = 1, .entry = { .index = number, .data = value } };

	program_after(program, KVM_SET_MSRS, &one, sizeof(one));
}

/* 1 when it has been read or written: KVM does not fail for an MSR that it does not know. */
int transfer_take_numbered(struct results *results, uint64_t *value)
{
	struct msr_one one = { .count = 0 };
	const void *bytes;
	size_t size;
	int rc = results_next(results, &bytes, &size);

	if (rc != 1)
		return -ENODATA;
	if (size == sizeof(one))
		memcpy(&one, bytes, sizeof(one));
	*value = one.entry.data;
	return 0;
}
