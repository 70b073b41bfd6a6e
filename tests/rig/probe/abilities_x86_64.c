/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The abilities of KVM on x86-64. The guest runs NOPs, which are the same in every mode, and ends
 * with OUT to DONE_PORT; its exception handlers report their vector by OUT to VECTOR_PORT.
 */
#include "guest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
	CODE = 0x1000,
	GDT = 0x2000,
	IDT = 0x3000,
	TSS = 0x4000,
	HANDLERS = 0x5000,
	STACK = 0x7000,
	USER_STACK = 0x8000,
	DATA = 0x9000,
	PAGE_TABLES = 0x10000,
	MEMORY_SIZE = 1 << 21,

	HANDLER_SIZE = 16,
	DONE_PORT = 0x10,
	VECTOR_PORT = 0xe0,
	VECTOR_DB = 1,
	VECTOR_NMI = 2,
	VECTOR_BP = 3,

	CODE_SEGMENT = 11, /* descriptor types: execute and read, read and write, busy TSS */
	DATA_SEGMENT = 3,
	TASK_SEGMENT = 11,

	RFLAGS_IF_IOPL3 = 0x3202,
	RFLAGS_RF = 0x10000,
	DR6_BS = 0x4000,
	WATCH_WRITE = 1,
	WATCH_ACCESS = 3,
	INT3 = 0xcc,
};

enum mode { MODE_REAL, MODE_PROTECTED, MODE_LONG, MODE_USER };

static const unsigned char nops[] = { 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xe6, DONE_PORT, 0xf4 };

/* 0: mov %rax,(%rdi)  3: nop  4: mov (%rdi),%rbx  7: nop */
static const unsigned char stores[] = { 0x48, 0x89, 0x07, 0x90, 0x48, 0x8b, 0x1f, 0x90, 0xe6,
	DONE_PORT, 0xf4 };

static const unsigned char loop[] = { 0xeb, 0xfe };

static struct kvm_segment segment(uint16_t selector, uint8_t type, enum mode mode)
{
	uint8_t dpl = mode == MODE_USER ? 3 : 0;
	bool is_long = mode >= MODE_LONG && type == CODE_SEGMENT;

	return (struct kvm_segment){
		.limit = UINT32_MAX,
		.selector = selector | dpl,
		.type = type,
		.present = 1,
		.dpl = dpl,
		.s = 1,
		.l = is_long,
		.db = !is_long,
		.g = 1,
	};
}

static void *memory_at(struct guest *guest, uint32_t addr)
{
	return guest->memory + addr;
}

static void handler_fill(struct guest *guest, uint32_t vector)
{
	uint64_t addr = HANDLERS + vector * HANDLER_SIZE;
	const unsigned char code[] = { 0xb0, vector, 0xe6, VECTOR_PORT, 0xf4 };
	uint64_t *gate = memory_at(guest, IDT + vector * 16);

	memcpy(memory_at(guest, addr), code, sizeof(code));
	gate[0] = addr | 0x08 << 16 | 0xeeull << 40; /* interrupt gate, DPL 3 */
}

static void tables_fill(struct guest *guest)
{
	uint64_t *pages = memory_at(guest, PAGE_TABLES);
	uint64_t *gdt = memory_at(guest, GDT);
	uint64_t ring0_stack = STACK;

	pages[0] = (PAGE_TABLES + 0x1000) | 7;
	pages[512] = (PAGE_TABLES + 0x2000) | 7;
	pages[1024] = 0x87; /* the first 2 MiB, for all */
	gdt[1] = 0x00af9b000000ffff;
	gdt[2] = 0x00cf93000000ffff;
	gdt[3] = 0x00affb000000ffff;
	gdt[4] = 0x00cff3000000ffff;
	gdt[5] = 0x0000890000000067 | (uint64_t)TSS << 16;
	memcpy(memory_at(guest, TSS + 4), &ring0_stack, sizeof(ring0_stack));
	for (uint32_t vector = 0; vector < 32; vector++)
		handler_fill(guest, vector);
}

static void mode_enter_long(struct kvm_sregs *sregs)
{
	sregs->cr0 = 0x80050033; /* PG AM WP NE ET MP PE */
	sregs->cr3 = PAGE_TABLES;
	sregs->cr4 = 0x620;  /* OSXMMEXCPT OSFXSR PAE */
	sregs->efer = 0x500; /* LMA LME */
	sregs->gdt.base = GDT;
	sregs->gdt.limit = 7 * 8 - 1;
	sregs->idt.base = IDT;
	sregs->idt.limit = 4095;
	sregs->tr = (struct kvm_segment){
		.base = TSS,
		.limit = 0x67,
		.selector = 0x28,
		.type = TASK_SEGMENT,
		.present = 1,
	};
}

static void mode_enter(struct guest *guest, enum mode mode)
{
	bool user = mode == MODE_USER;
	struct kvm_sregs sregs;

	guest_ioctl(guest, KVM_GET_SREGS, &sregs);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (mode != MODE_REAL) {
		sregs.cr0 |= 1;
		sregs.cs = segment(user ? 0x18 : 0x08, CODE_SEGMENT, mode);
		sregs.ss = segment(user ? 0x20 : 0x10, DATA_SEGMENT, mode);
		sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss;
	}
	if (mode >= MODE_LONG) {
		tables_fill(guest);
		mode_enter_long(&sregs);
	}
	guest_ioctl(guest, KVM_SET_SREGS, &sregs);
}

static void cpuid_set(struct guest *guest)
{
	enum { ENTRIES = 256 };
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + ENTRIES * sizeof(cpuid->entries[0]));

	if (cpuid == NULL)
		exit(EXIT_FAILURE);
	cpuid->nent = ENTRIES;
	if (ioctl(guest->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0)
		exit(EXIT_FAILURE);
	guest_ioctl(guest, KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

static void start(struct guest *guest, enum mode mode, const unsigned char *code, size_t size)
{
	struct kvm_regs regs = {
		.rip = CODE,
		.rsp = mode == MODE_USER ? USER_STACK : STACK,
		.rdi = DATA,
		.rflags = RFLAGS_IF_IOPL3,
	};

	guest_create(guest, 0, MEMORY_SIZE);
	cpuid_set(guest);
	memcpy(memory_at(guest, CODE), code, size);
	mode_enter(guest, mode);
	guest_ioctl(guest, KVM_SET_REGS, &regs);
}

static void start_nops(struct guest *guest, enum mode mode)
{
	start(guest, mode, nops, sizeof(nops));
}

static bool wrote_port(struct guest *guest, uint16_t port, unsigned char value)
{
	const struct kvm_run *run = guest->run;

	if (guest_run(guest) != KVM_EXIT_IO || run->io.port != port)
		return false;
	return port != VECTOR_PORT || *((const unsigned char *)run + run->io.data_offset) == value;
}

static bool finishes(struct guest *guest)
{
	return wrote_port(guest, DONE_PORT, 0);
}

/* Does an exception with this vector reach the guest, with this address saved on its stack? */
static bool delivers(struct guest *guest, unsigned char vector, uint64_t saved_rip)
{
	struct kvm_regs regs;
	uint64_t saved;

	if (!wrote_port(guest, VECTOR_PORT, vector))
		return false;
	guest_ioctl(guest, KVM_GET_REGS, &regs);
	memcpy(&saved, memory_at(guest, regs.rsp & (MEMORY_SIZE - 8)), sizeof(saved));
	return saved == saved_rip;
}

static bool exits_for_debug(struct guest *guest, uint32_t vector, uint64_t pc, uint64_t dr6_bits)
{
	const struct kvm_debug_exit_arch *debug = &guest->run->debug.arch;

	return guest_run(guest) == KVM_EXIT_DEBUG && debug->exception == vector &&
	       debug->pc == pc && (debug->dr6 & dr6_bits) == dr6_bits;
}

static void arm(struct guest *guest, int slot, uint64_t addr, uint64_t type, uint64_t length)
{
	uint64_t *dr = (uint64_t *)guest->debug.arch.debugreg;

	dr[slot] = addr;
	dr[7] = 0x400 | 2u << 2 * slot | (type | (length - 1) << 2) << (16 + 4 * slot);
	guest_set_debug(guest, KVM_GUESTDBG_USE_HW_BP);
}

static void inject(struct guest *guest, uint8_t vector)
{
	struct kvm_vcpu_events events;

	guest_ioctl(guest, KVM_GET_VCPU_EVENTS, &events);
	events.exception.injected = 1;
	events.exception.nr = vector;
	events.exception.has_error_code = 0;
	guest_ioctl(guest, KVM_SET_VCPU_EVENTS, &events);
}

static bool has_kvm(struct guest *guest)
{
	start_nops(guest, MODE_LONG);
	return ioctl(guest->kvm_fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION && finishes(guest);
}

static bool has_guest_debug(struct guest *guest)
{
	start_nops(guest, MODE_LONG);
	guest_set_debug(guest, KVM_GUESTDBG_USE_SW_BP);
	return guest_extension(guest, KVM_CAP_SET_GUEST_DEBUG) > 0;
}

static bool has_immediate_exit(struct guest *guest)
{
	start(guest, MODE_LONG, loop, sizeof(loop));
	return guest_leaves_at_once(guest);
}

static bool has_kick(struct guest *guest)
{
	start(guest, MODE_LONG, loop, sizeof(loop));
	return guest_leaves_on_signal(guest);
}

static bool has_sync_regs(struct guest *guest)
{
	struct kvm_regs *regs;

	start_nops(guest, MODE_LONG);
	regs = &guest->run->s.regs.regs;
	if (!(guest_extension(guest, KVM_CAP_SYNC_REGS) & KVM_SYNC_X86_REGS))
		return false;
	guest_set_debug(guest, KVM_GUESTDBG_SINGLESTEP);
	guest->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	if (!exits_for_debug(guest, VECTOR_DB, CODE + 1, 0) || regs->rip != CODE + 1)
		return false;
	guest_set_debug(guest, 0);
	regs->rbx = 42;
	guest->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	return finishes(guest) && regs->rbx == 42;
}

static bool int3_exits(struct guest *guest, enum mode mode)
{
	start_nops(guest, mode);
	guest->memory[CODE + 2] = INT3;
	guest_set_debug(guest, KVM_GUESTDBG_USE_SW_BP);
	return exits_for_debug(guest, VECTOR_BP, CODE + 2, 0);
}

static bool has_int3_exits(struct guest *guest)
{
	return int3_exits(guest, MODE_LONG);
}

static bool has_int3_exits_user(struct guest *guest)
{
	return int3_exits(guest, MODE_USER);
}

static bool has_int3_exits_protected(struct guest *guest)
{
	return int3_exits(guest, MODE_PROTECTED);
}

static bool has_int3_exits_real(struct guest *guest)
{
	return int3_exits(guest, MODE_REAL);
}

static bool has_int3_own(struct guest *guest)
{
	start_nops(guest, MODE_LONG);
	guest->memory[CODE + 2] = INT3;
	return delivers(guest, VECTOR_BP, CODE + 3);
}

/* Given back to the guest, an INT3 that exited must look like any other: the next address saved. */
static bool has_int3_reinject(struct guest *guest)
{
	if (!int3_exits(guest, MODE_LONG))
		return false;
	inject(guest, VECTOR_BP);
	return delivers(guest, VECTOR_BP, CODE + 3);
}

static bool has_inject_db(struct guest *guest)
{
	start_nops(guest, MODE_LONG);
	guest_set_debug(guest, KVM_GUESTDBG_USE_SW_BP);
	inject(guest, VECTOR_DB);
	return delivers(guest, VECTOR_DB, CODE);
}

static bool has_inject_bp(struct guest *guest)
{
	start_nops(guest, MODE_LONG);
	guest_set_debug(guest, KVM_GUESTDBG_USE_SW_BP);
	inject(guest, VECTOR_BP);
	return wrote_port(guest, VECTOR_PORT, VECTOR_BP);
}

static bool has_nmi(struct guest *guest)
{
	start_nops(guest, MODE_LONG);
	guest_ioctl(guest, KVM_NMI, NULL);
	return delivers(guest, VECTOR_NMI, CODE);
}

static bool hw_exec(struct guest *guest, enum mode mode)
{
	start_nops(guest, mode);
	arm(guest, 0, CODE + 3, 0, 1);
	return exits_for_debug(guest, VECTOR_DB, CODE + 3, 1);
}

static bool has_hw_exec(struct guest *guest)
{
	return hw_exec(guest, MODE_LONG);
}

static bool has_hw_exec_user(struct guest *guest)
{
	return hw_exec(guest, MODE_USER);
}

static bool has_hw_exec_real(struct guest *guest)
{
	return hw_exec(guest, MODE_REAL);
}

/* With RFLAGS.RF set the instruction runs although a breakpoint is armed on it. */
static bool has_rf(struct guest *guest)
{
	struct kvm_regs regs;

	if (!hw_exec(guest, MODE_LONG))
		return false;
	guest_ioctl(guest, KVM_GET_REGS, &regs);
	regs.rflags |= RFLAGS_RF;
	guest_ioctl(guest, KVM_SET_REGS, &regs);
	return finishes(guest);
}

static bool has_hw_watch(struct guest *guest)
{
	start(guest, MODE_LONG, stores, sizeof(stores));
	arm(guest, 1, DATA, WATCH_WRITE, 4);
	return exits_for_debug(guest, VECTOR_DB, CODE + 3, 2) && finishes(guest);
}

static bool has_hw_watch_rw(struct guest *guest)
{
	start(guest, MODE_LONG, stores, sizeof(stores));
	arm(guest, 2, DATA, WATCH_ACCESS, 4);
	return exits_for_debug(guest, VECTOR_DB, CODE + 3, 4) &&
	       exits_for_debug(guest, VECTOR_DB, CODE + 7, 4) && finishes(guest);
}

static bool has_hw_watch_user(struct guest *guest)
{
	start(guest, MODE_USER, stores, sizeof(stores));
	arm(guest, 1, DATA, WATCH_WRITE, 4);
	return exits_for_debug(guest, VECTOR_DB, CODE + 3, 2);
}

/* The guest's own debug registers work while nobody debugs it. */
static bool has_hw_own(struct guest *guest)
{
	struct kvm_debugregs regs;

	start_nops(guest, MODE_LONG);
	guest_ioctl(guest, KVM_GET_DEBUGREGS, &regs);
	regs.db[0] = CODE + 3;
	regs.dr7 = 0x402;
	guest_ioctl(guest, KVM_SET_DEBUGREGS, &regs);
	return delivers(guest, VECTOR_DB, CODE + 3);
}

static bool steps(struct guest *guest, enum mode mode)
{
	start_nops(guest, mode);
	guest_set_debug(guest, KVM_GUESTDBG_SINGLESTEP);
	for (uint64_t pc = CODE + 1; pc <= CODE + 4; pc++) {
		if (!exits_for_debug(guest, VECTOR_DB, pc, DR6_BS))
			return false;
	}
	guest_set_debug(guest, KVM_GUESTDBG_USE_SW_BP);
	return finishes(guest);
}

static bool has_step(struct guest *guest)
{
	return steps(guest, MODE_LONG);
}

static bool has_step_user(struct guest *guest)
{
	return steps(guest, MODE_USER);
}

static bool has_step_real(struct guest *guest)
{
	return steps(guest, MODE_REAL);
}

/* KVM_GUESTDBG_BLOCKIRQ keeps a step from ending up in an interrupt handler. */
static bool has_block_irq(struct guest *guest)
{
	start_nops(guest, MODE_LONG);
	if (!(guest_extension(guest, KVM_CAP_SET_GUEST_DEBUG2) & KVM_GUESTDBG_BLOCKIRQ))
		return false;
	guest_set_debug(guest, KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_BLOCKIRQ);
	guest_ioctl(guest, KVM_NMI, NULL);
	if (!exits_for_debug(guest, VECTOR_DB, CODE + 1, DR6_BS))
		return false;
	guest_set_debug(guest, 0);
	return wrote_port(guest, VECTOR_PORT, VECTOR_NMI);
}

static bool has_translate(struct guest *guest)
{
	struct kvm_translation found = { .linear_address = CODE };
	struct kvm_translation absent = { .linear_address = 1ull << 40 };

	start_nops(guest, MODE_LONG);
	guest_ioctl(guest, KVM_TRANSLATE, &found);
	guest_ioctl(guest, KVM_TRANSLATE, &absent);
	return found.valid && found.physical_address == CODE && !absent.valid;
}

const struct ability abilities[] = {
	{ "kvm", has_kvm },
	{ "guest-debug", has_guest_debug },
	{ "immediate-exit", has_immediate_exit },
	{ "kick", has_kick },
	{ "sync-regs", has_sync_regs },
	{ "translate", has_translate },
	{ "int3-exits", has_int3_exits },
	{ "int3-exits-user", has_int3_exits_user },
	{ "int3-exits-protected", has_int3_exits_protected },
	{ "int3-exits-real", has_int3_exits_real },
	{ "int3-own", has_int3_own },
	{ "int3-reinject", has_int3_reinject },
	{ "inject-bp", has_inject_bp },
	{ "inject-db", has_inject_db },
	{ "nmi", has_nmi },
	{ "hw-exec", has_hw_exec },
	{ "hw-exec-user", has_hw_exec_user },
	{ "hw-exec-real", has_hw_exec_real },
	{ "rf", has_rf },
	{ "hw-watch", has_hw_watch },
	{ "hw-watch-rw", has_hw_watch_rw },
	{ "hw-watch-user", has_hw_watch_user },
	{ "hw-own", has_hw_own },
	{ "step", has_step },
	{ "step-user", has_step_user },
	{ "step-real", has_step_real },
	{ "block-irq", has_block_irq },
	{ NULL, NULL },
};
