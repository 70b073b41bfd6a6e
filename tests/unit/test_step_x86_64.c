/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One instruction: how it is to be stepped, and that nothing of KVM's TF is left afterwards.  The
 * tests play the CPU: they change registers and a small memory as the instruction would.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kvm/arch_x86_64.h"
#include "kvm/loss.h"

enum {
	TF = 0x100,
	NT = 0x4000,
	IF = 0x200,
	PC = 0x1000,
	STACK = 0x3000,
	IDT = 0x4000,
	GDT = 0x5000,
	MEMORY = 0x8000,
	KERNEL_CS = 0x10,
	USER_CS = 0x33,
};

#define KERNEL UINT64_C(0xffffffff81000000)

struct machine {
	struct cpu cpu;
	struct guest_memory memory;
	uint8_t bytes[MEMORY];
	unsigned writes;
	struct step_plan step;
};

static int machine_read(void *context, gva_t gva, void *buf, size_t length)
{
	struct machine *machine = context;

	if (gva >= MEMORY || length > MEMORY - gva)
		return -EFAULT;
	memcpy(buf, machine->bytes + gva, length);
	return 0;
}

static int machine_write(void *context, gva_t gva, const void *buf, size_t length)
{
	struct machine *machine = context;

	if (gva >= MEMORY || length > MEMORY - gva)
		return -EFAULT;
	memcpy(machine->bytes + gva, buf, length);
	machine->writes++;
	return 0;
}

static void poke(struct machine *machine, gva_t gva, uint64_t number, unsigned bytes)
{
	memcpy(machine->bytes + gva, &number, bytes);
}

static uint64_t peek(const struct machine *machine, gva_t gva, unsigned bytes)
{
	uint64_t number = 0;

	memcpy(&number, machine->bytes + gva, bytes);
	return number;
}

/* A gate of long mode to KERNEL + 0x100 * vector. */
static void gate_long(struct machine *machine, unsigned vector, unsigned dpl)
{
	uint64_t entry = KERNEL + 0x100 * vector;
	uint64_t low = (entry & 0xffff) | (uint64_t)KERNEL_CS << 16 | UINT64_C(0x8e) << 40 |
		       (uint64_t)dpl << 45 | ((entry >> 16) & 0xffff) << 48;

	poke(machine, IDT + 16 * vector, low, 8);
	poke(machine, IDT + 16 * vector + 8, entry >> 32, 4);
}

static void machine_init(struct machine *machine, uint64_t tf)
{
	struct x86_sregs *sregs = &machine->cpu.x86_64.sregs;

	memset(machine, 0, sizeof(*machine));
	machine->memory = (struct guest_memory){ machine_read, machine_write, machine };
	machine->cpu.valid = CPU_STOP | CPU_MSRS | CPU_EVENTS;
	machine->cpu.x86_64.regs.rip = PC;
	machine->cpu.x86_64.regs.rsp = STACK;
	machine->cpu.x86_64.regs.rflags = 0x202 | tf;
	machine->cpu.x86_64.msrs[X86_MSR_LSTAR] = KERNEL + 0x80;
	machine->cpu.x86_64.msrs[X86_MSR_FMASK] = 0x47700;
	sregs->cr0 = X86_CR0_PE | X86_CR0_PG;
	sregs->cr4 = X86_CR4_PAE;
	sregs->efer = X86_EFER_LMA | X86_EFER_LME | X86_EFER_SCE;
	sregs->cs.l = 1;
	sregs->cs.selector = KERNEL_CS;
	sregs->idt.base = IDT;
	sregs->idt.limit = 0xfff;
	sregs->gdt.base = GDT;
	for (unsigned vector = 0; vector < 32; vector++)
		gate_long(machine, vector, vector == 3 || vector == 4 ? 3 : 0);
	gate_long(machine, 0x80, 3);
}

static void machine_user(struct machine *machine)
{
	machine->cpu.x86_64.sregs.cs.selector = USER_CS;
	machine->cpu.x86_64.sregs.ss.dpl = 3;
}

static void begin_at(struct machine *machine, const char *code, unsigned length)
{
	uint8_t bytes[16];

	memset(bytes, 0x90, sizeof(bytes));
	memcpy(bytes, code, length);
	memset(&machine->step, 0xa5, sizeof(machine->step));
	arch_x86_64.step_begin(
		&machine->cpu, &machine->memory, bytes, sizeof(bytes), false, &machine->step);
	assert_true(machine->step.from == arch_x86_64.pc(&machine->cpu));
	machine->cpu.dirty = 0;
	machine->writes = 0;
}

#define begin(machine, code) begin_at(machine, code, sizeof(code) - 1)

/* KVM hides TF until the step is over, whatever the instruction made of it. */
static void end(struct machine *machine, uint64_t rip)
{
	machine->cpu.x86_64.regs.rip = rip;
	machine->cpu.x86_64.regs.rflags &= ~(uint64_t)TF;
	arch_x86_64.step_end(&machine->cpu, &machine->memory, &machine->step);
}

static uint64_t tf_of(const struct machine *machine)
{
	return machine->cpu.x86_64.regs.rflags & TF;
}

/* ---- how: by TF, or to an address -------------------------------------------------------- */

static void set_compatible(struct machine *machine)
{
	machine->cpu.x86_64.sregs.cs.l = 0;
	machine->cpu.x86_64.sregs.cs.db = 1;
}

static void set_overflow(struct machine *machine)
{
	set_compatible(machine);
	machine->cpu.x86_64.regs.rflags |= 0x800;
}

static void set_no_sce(struct machine *machine)
{
	machine->cpu.x86_64.sregs.efer &= ~X86_EFER_SCE;
}

static void set_no_msrs(struct machine *machine)
{
	machine->cpu.valid &= ~(uint32_t)CPU_MSRS;
}

static void set_short_idt(struct machine *machine)
{
	machine->cpu.x86_64.sregs.idt.limit = 16 * 3 + 14;
}

static void set_no_idt(struct machine *machine)
{
	machine->cpu.x86_64.sregs.idt.base = MEMORY;
}

static void set_absent(struct machine *machine)
{
	machine->bytes[IDT + 16 * 0x80 + 5] &= 0x7f;
}

static void set_task_gate(struct machine *machine)
{
	machine->bytes[IDT + 16 * 0x80 + 5] = 0xe5;
}

static void set_fred(struct machine *machine)
{
	machine->cpu.x86_64.sregs.cr4 |= UINT64_C(1) << 32;
}

static void set_pending(struct machine *machine)
{
	machine->cpu.x86_64.events.exception.pending = 1;
	machine->cpu.x86_64.events.exception.nr = 6;
}

static void set_injected_interrupt(struct machine *machine)
{
	machine->cpu.x86_64.events.interrupt.injected = 1;
	machine->cpu.x86_64.events.interrupt.nr = 0x80;
}

static void set_injected_nmi(struct machine *machine)
{
	machine->cpu.x86_64.events.nmi.injected = 1;
}

static void set_at_handler(struct machine *machine)
{
	machine->cpu.x86_64.regs.rip = KERNEL + 0x300;
}

static void test_run_to(void **context)
{
	static const struct {
		const char *name, *code;
		unsigned length;
		void (*prepare)(struct machine *machine);
		uint64_t entry; /* 0: by TF */
	} cases[] = {
		{ "nop", "\x90", 1, NULL, 0 },
		{ "int 0x80", "\xcd\x80", 2, NULL, KERNEL + 0x8000 },
		{ "int 0x80, user", "\xcd\x80", 2, machine_user, KERNEL + 0x8000 },
		{ "int 5, user: not allowed by its gate", "\xcd\x05", 2, machine_user,
			KERNEL + 0xd00 },
		{ "int 5, kernel", "\xcd\x05", 2, NULL, KERNEL + 0x500 },
		{ "int3, user", "\xcc", 1, machine_user, KERNEL + 0x300 },
		{ "int1, user: no DPL is asked for", "\xf1", 1, machine_user, KERNEL + 0x100 },
		{ "ud2, user", "\x0f\x0b", 2, machine_user, KERNEL + 0x600 },
		{ "into that does nothing", "\xce", 1, set_compatible, 0 },
		{ "into", "\xce", 1, set_overflow, KERNEL + 0x400 },
		{ "syscall", "\x0f\x05", 2, machine_user, KERNEL + 0x80 },
		{ "syscall, disabled", "\x0f\x05", 2, set_no_sce, 0 },
		{ "syscall, LSTAR unknown", "\x0f\x05", 2, set_no_msrs, 0 },
		{ "syscall, compatibility mode", "\x0f\x05", 2, set_compatible, 0 },
		{ "sysenter", "\x0f\x34", 2, machine_user, 0 },
		{ "short IDT", "\xcc", 1, set_short_idt, 0 },
		{ "IDT not mapped", "\xcc", 1, set_no_idt, 0 },
		{ "gate not present", "\xcd\x80", 2, set_absent, 0 },
		{ "task gate", "\xcd\x80", 2, set_task_gate, 0 },
		{ "FRED", "\xcd\x80", 2, set_fred, 0 },
		{ "exception waits", "\x90", 1, set_pending, KERNEL + 0x600 },
		{ "interrupt half-way", "\x90", 1, set_injected_interrupt, KERNEL + 0x8000 },
		{ "NMI half-way", "\x90", 1, set_injected_nmi, KERNEL + 0x200 },
		{ "handler that is here", "\xcc", 1, set_at_handler, 0 },
		{ "mov ss; int3", "\x8e\xd0\xcc", 3, NULL, KERNEL + 0x300 },
		{ "mov ss; syscall", "\x8e\xd0\x0f\x05", 4, machine_user, KERNEL + 0x80 },
		{ "hlt", "\xf4", 1, NULL, 0 },
		{ "sti", "\xfb", 1, NULL, 0 },
		{ "rep movsb", "\xf3\xa4", 2, NULL, 0 },
	};
	static struct machine machine;

	(void)context;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool by_tf = cases[i].entry == 0;

		machine_init(&machine, 0);
		if (cases[i].prepare)
			cases[i].prepare(&machine);
		begin_at(&machine, cases[i].code, cases[i].length);
		if (machine.step.trap != by_tf)
			fail_msg("%s: trap %d", cases[i].name, machine.step.trap);
		if (!by_tf && (machine.step.run_to_count != 1 ||
				      machine.step.run_to[0] != cases[i].entry))
			fail_msg("%s: to 0x%llx", cases[i].name,
				(unsigned long long)machine.step.run_to[0]);
	}
}

/* The guest's own #DB goes first, whoever brings it into KVM: never is TF in its frame. */
static void test_run_to_injected_debug(void **context)
{
	static struct machine machine;

	(void)context;
	for (unsigned payload = 0; payload < 2; payload++) {
		struct injection injection = { .kind = INJECT_DEBUG, .dr6 = X86_DR6_BD };

		machine_init(&machine, 0);
		machine.cpu.valid |= CPU_DEBUG;
		machine.cpu.x86_64.events.flags = payload ? X86_EVENT_VALID_PAYLOAD : 0;
		arch_x86_64.inject(&machine.cpu, &injection);
		begin(&machine, "\x90");
		assert_false(machine.step.trap);
		assert_int_equal(machine.step.run_to_count, 1);
		assert_true(machine.step.run_to[0] == KERNEL + 0x100);
	}
}

/* Without a debug register: what waits is stepped into, and a lender knows of the guest's own TF. */
static void test_trap_only(void **context)
{
	static struct machine machine;
	struct injection injection = { .kind = INJECT_DEBUG, .dr6 = X86_DR6_BD };

	(void)context;
	machine_init(&machine, TF);
	machine.cpu.valid |= CPU_DEBUG;
	arch_x86_64.inject(&machine.cpu, &injection);
	arch_x86_64.step_begin(&machine.cpu, &machine.memory, (const uint8_t *)"\x0f\x23\xf8", 3,
		true, &machine.step);
	assert_true(machine.step.trap);
	assert_int_equal(machine.step.run_to_count, 0);
	assert_int_equal(machine.step.on_loss, LOSS_X86_TF);
}

/* LSTAR is fetched only for SYSCALL. */
static void test_groups(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, 0);
	assert_int_equal(
		arch_x86_64.step_groups(&machine.cpu, (const uint8_t *)"\x0f\x05", 2), CPU_MSRS);
	assert_int_equal(
		arch_x86_64.step_groups(&machine.cpu, (const uint8_t *)"\x8e\xd0\x0f\x05", 4),
		CPU_MSRS);
	assert_int_equal(arch_x86_64.step_groups(&machine.cpu, (const uint8_t *)"\x0f", 1), 0);
	assert_int_equal(arch_x86_64.step_groups(&machine.cpu, NULL, 0), 0);
}

/* #PF, #GP, #UD and #DE are in the way of what is stepped by TF; not where the step begins at one. */
static void test_faults_are_caught(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, 0);
	begin(&machine, "\x90");
	assert_int_equal(machine.step.run_to_count, 4);
	assert_true(machine.step.run_to[0] == KERNEL + 0xe00);
	assert_true(machine.step.run_to[1] == KERNEL + 0xd00);
	assert_true(machine.step.run_to[2] == KERNEL + 0x600);
	assert_true(machine.step.run_to[3] == KERNEL);
	begin(&machine, "\xf7\xf1"); /* DIV: where debug registers are few its own fault is there */
	assert_int_equal(machine.step.run_to_count, 4);
	assert_true(machine.step.run_to[0] == KERNEL && machine.step.run_to[1] == KERNEL + 0xe00);
	machine.cpu.x86_64.regs.rip = KERNEL + 0xe00;
	begin(&machine, "\x90");
	assert_int_equal(machine.step.run_to_count, 3);
	assert_true(machine.step.run_to[0] == KERNEL + 0xd00);
	set_no_idt(&machine);
	begin(&machine, "\x90");
	assert_int_equal(machine.step.run_to_count, 0);
}

static void test_real_mode_vector(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, 0);
	machine.cpu.x86_64.sregs.cr0 = 0x10;
	machine.cpu.x86_64.sregs.efer = 0;
	machine.cpu.x86_64.sregs.cs.l = 0;
	machine.cpu.x86_64.sregs.idt.base = 0;
	poke(&machine, 4 * 0x21, 0x12340056, 4);
	begin(&machine, "\xcd\x21");
	assert_false(machine.step.trap);
	assert_true(machine.step.run_to[0] == 0x12396);
	begin(&machine, "\x90");
	assert_true(machine.step.trap);
	assert_int_equal(machine.step.run_to_count, 0);
}

/* 8-byte gates, and the base of the segment that they name; virtual-8086 mode is left to TF. */
static void test_protected_vector(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, 0);
	machine.cpu.x86_64.sregs.efer = 0;
	machine.cpu.x86_64.sregs.cs.l = 0;
	machine.cpu.x86_64.sregs.cs.db = 1;
	poke(&machine, IDT + 8 * 0x30, UINT64_C(0xc0108f0000085678), 8);
	poke(&machine, GDT + 8, UINT64_C(0x12cf9a345678ffff), 8);
	begin(&machine, "\xcd\x30");
	assert_false(machine.step.trap);
	assert_true(machine.step.run_to[0] == 0xc0105678 + 0x12345678u);
	machine.cpu.x86_64.regs.rflags |= X86_FLAGS_VM;
	begin(&machine, "\xcd\x30");
	assert_true(machine.step.trap);
}

/* ---- the guest's TF ---------------------------------------------------------------------- */

static void test_tf_is_given_back(void **context)
{
	static struct machine machine;

	(void)context;
	for (unsigned tf = 0; tf <= TF; tf += TF) {
		machine_init(&machine, tf);
		begin(&machine, "\x90");
		assert_true(step_x86_64_guest_tf(&machine.step) == (tf != 0));
		end(&machine, PC + 1);
		assert_int_equal(tf_of(&machine), tf);
		assert_int_equal(machine.cpu.dirty, tf ? CPU_GENERAL : 0);
		assert_int_equal(machine.writes, 0);
	}
}

/* Given up before anything was executed, or one turn of a REP: RIP is where it was. */
static void test_tf_when_not_moved(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, TF);
	begin(&machine, "\xf3\xa4");
	end(&machine, PC);
	assert_int_equal(tf_of(&machine), TF);
	machine_init(&machine, 0);
	poke(&machine, STACK, 0x302, 8);
	begin(&machine, "\x9d");
	end(&machine, PC);
	assert_int_equal(tf_of(&machine), 0);
}

static void test_run_to_leaves_all_alone(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, TF);
	begin(&machine, "\xcd\x80");
	machine.cpu.x86_64.regs.rflags = 0x2;
	machine.cpu.x86_64.regs.rip = KERNEL + 0x8000;
	arch_x86_64.step_end(&machine.cpu, &machine.memory, &machine.step);
	assert_int_equal(machine.cpu.x86_64.regs.rflags, 2);
	assert_int_equal(machine.cpu.dirty, 0);
}

static void test_end_without_registers(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, TF);
	begin(&machine, "\x90");
	machine.cpu.valid = CPU_GENERAL;
	end(&machine, PC + 1);
	assert_int_equal(machine.cpu.dirty, 0);
}

/* ---- PUSHF, POPF, IRET, SYSRET ----------------------------------------------------------- */

static void test_pushf(void **context)
{
	static const struct {
		const char *code;
		unsigned length, bytes;
		uint64_t tf, expected;
		unsigned writes;
		uint64_t pushed;
	} cases[] = {
		{ "\x9c", 1, 8, 0, 0x202, 1, 0x302 },
		{ "\x66\x9c", 2, 2, 0, 0x202, 1, 0x302 },
		{ "\x9c", 1, 8, TF, 0x302, 0, 0x302 },
		{ "\x9c", 1, 8, 0, 0x202, 0, 0x202 }, /* by KVM's emulator: nothing leaks */
		{ "\x8e\xd0\x9c", 3, 8, 0, 0x202, 1, 0x302 },
	};
	static struct machine machine;

	(void)context;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		gva_t top = STACK - cases[i].bytes;

		machine_init(&machine, cases[i].tf);
		poke(&machine, STACK - 8, UINT64_C(0x1111111111111111), 8);
		poke(&machine, STACK, UINT64_C(0x2222222222222222), 8);
		begin_at(&machine, cases[i].code, cases[i].length);
		assert_int_equal(
			machine.step.on_loss >> LOSS_X86_PUSHES & 3, cases[i].bytes == 8 ? 3 : 1);
		poke(&machine, top, cases[i].pushed, cases[i].bytes);
		machine.cpu.x86_64.regs.rsp = top;
		end(&machine, PC + cases[i].length);
		assert_true(peek(&machine, top, cases[i].bytes) == cases[i].expected);
		assert_true(peek(&machine, STACK, 8) == UINT64_C(0x2222222222222222));
		assert_int_equal(machine.writes, cases[i].writes);
		assert_int_equal(tf_of(&machine), cases[i].tf);
	}
}

static void test_pushf_of_16_bits(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, 0);
	machine.cpu.x86_64.sregs.cr0 = 0x10;
	machine.cpu.x86_64.sregs.efer = 0;
	machine.cpu.x86_64.sregs.cs.l = 0;
	machine.cpu.x86_64.sregs.ss.base = 0x2000;
	machine.cpu.x86_64.regs.rsp = 0xabcd0100;
	begin(&machine, "\x9c");
	machine.cpu.x86_64.regs.rsp = 0xabcd00fe;
	poke(&machine, 0x20fe, 0x0302, 2);
	end(&machine, PC + 1);
	assert_int_equal(peek(&machine, 0x20fe, 2), 0x0202);
}

/* What a lender makes of a step that was done when it lost its daemon. */
static uint64_t lenders_tf(const struct machine *machine)
{
	const struct loss_x86_64 loss = { .control = X86_GUESTDBG_ENABLE | X86_GUESTDBG_SINGLESTEP,
		.word = machine->step.on_loss,
		.exited = true,
		.is_db = true,
		.dr6 = X86_DR6_BS };

	return loss_x86_64_tf(&loss) ? TF : 0;
}

static void test_popf(void **context)
{
	static struct machine machine;

	(void)context;
	for (unsigned before = 0; before <= TF; before += TF) {
		for (unsigned image = 0; image <= TF; image += TF) {
			machine_init(&machine, before);
			poke(&machine, STACK, 0x202 | image, 8);
			begin(&machine, "\x9d");
			machine.cpu.x86_64.regs.rsp += 8;
			end(&machine, PC + 1);
			assert_int_equal(tf_of(&machine), image);
			assert_int_equal(lenders_tf(&machine), image);
		}
	}
	machine_init(&machine, TF); /* #GP of the stack: not executed, in the handler */
	machine.cpu.x86_64.regs.rsp = MEMORY;
	begin(&machine, "\x9d");
	end(&machine, PC + 1);
	assert_int_equal(tf_of(&machine), TF);
}

static void test_iret(void **context)
{
	static const struct {
		const char *code;
		unsigned length, bytes;
	} cases[] = { { "\x48\xcf", 2, 8 }, { "\xcf", 1, 4 }, { "\x66\xcf", 2, 2 } };
	static struct machine machine;

	(void)context;
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned tf = 0; tf <= TF; tf += TF) {
			unsigned word = cases[i].bytes;

			machine_init(&machine, TF - tf);
			poke(&machine, STACK, 0x6000, word);
			poke(&machine, STACK + word, USER_CS, word);
			poke(&machine, STACK + 2 * word, 0x202 | tf, word);
			begin_at(&machine, cases[i].code, cases[i].length);
			machine_user(&machine);
			machine.cpu.x86_64.regs.rsp = STACK + 5 * word;
			end(&machine, 0x6000);
			assert_int_equal(tf_of(&machine), tf);
		}
	}
}

/* IRET to itself, and IRET that did not come to anything. */
static void test_iret_edges(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, 0);
	poke(&machine, STACK, PC, 8);
	poke(&machine, STACK + 16, 0x302, 8);
	begin(&machine, "\x48\xcf");
	end(&machine, PC);
	assert_int_equal(tf_of(&machine), TF);
	machine_init(&machine, 0);
	poke(&machine, STACK, 0x6000, 8);
	poke(&machine, STACK + 16, 0x302, 8);
	begin(&machine, "\x48\xcf");
	end(&machine, KERNEL + 0xd00);
	assert_int_equal(tf_of(&machine), 0);
	machine_init(&machine, NT); /* a task's return: nothing known, so nothing changed */
	machine.cpu.x86_64.sregs.efer = 0;
	set_compatible(&machine);
	poke(&machine, STACK, 0x6000, 4);
	poke(&machine, STACK + 8, 0x302, 4);
	begin(&machine, "\xcf");
	end(&machine, 0x6000);
	assert_int_equal(tf_of(&machine), 0);
}

static void test_sysret(void **context)
{
	static struct machine machine;

	(void)context;
	for (unsigned tf = 0; tf <= TF; tf += TF) {
		machine_init(&machine, 0);
		machine.cpu.x86_64.regs.rcx = UINT64_C(0x7f0000006000);
		machine.cpu.x86_64.regs.r11 = 0x202 | tf;
		begin(&machine, "\x48\x0f\x07");
		machine_user(&machine);
		end(&machine, UINT64_C(0x7f0000006000));
		assert_int_equal(tf_of(&machine), tf);
	}
}

/* ---- SYSCALL by TF, SYSENTER ------------------------------------------------------------- */

static void test_syscall_by_tf(void **context)
{
	static struct machine machine;

	(void)context;
	for (unsigned tf = 0; tf <= TF; tf += TF) {
		machine_init(&machine, tf);
		machine_user(&machine);
		set_no_msrs(&machine);
		begin(&machine, "\x0f\x05");
		assert_true(machine.step.trap);
		machine.cpu.x86_64.regs.r11 = 0x302;
		machine.cpu.x86_64.regs.rcx = PC + 2;
		machine.cpu.x86_64.sregs.ss.dpl = 0;
		end(&machine, KERNEL + 0x80);
		assert_int_equal(machine.cpu.x86_64.regs.r11, 0x202 | tf);
		assert_int_equal(tf_of(&machine), 0);
	}
}

/* The step went over the whole call: user code sees no TF in R11. */
static void test_syscall_and_back(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, 0);
	machine_user(&machine);
	set_no_msrs(&machine);
	begin(&machine, "\x0f\x05");
	machine.cpu.x86_64.regs.r11 = 0x302;
	end(&machine, PC + 2);
	assert_int_equal(machine.cpu.x86_64.regs.r11, 0x202);
	assert_int_equal(tf_of(&machine), 0);
	assert_int_equal(machine.cpu.dirty, CPU_GENERAL);
}

static void test_sysenter_keeps_tf(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, TF);
	machine_user(&machine);
	begin(&machine, "\x0f\x34");
	machine.cpu.x86_64.sregs.ss.dpl = 0;
	end(&machine, KERNEL + 0x90);
	assert_int_equal(tf_of(&machine), TF);
}

/* ---- faults ------------------------------------------------------------------------------ */

/* A frame as the CPU pushes it, error code first. */
static void push_frame(struct machine *machine, bool error_code, uint64_t rip, uint64_t flags)
{
	gva_t at = STACK - 0x100;

	machine->cpu.x86_64.regs.rsp = at;
	if (error_code) {
		poke(machine, at, 6, 8);
		at += 8;
	}
	poke(machine, at, rip, 8);
	poke(machine, at + 8, machine->cpu.x86_64.sregs.cs.selector, 8);
	poke(machine, at + 16, flags, 8);
}

static void test_fault_frame(void **context)
{
	static const struct {
		const char *name, *code;
		unsigned length;
		uint64_t tf, rip, flags;
		bool cleaned;
	} cases[] = {
		{ "fault", "\x90", 1, 0, PC, 0x10302, true },
		{ "status flags changed on the way", "\xf3\xae", 2, 0, PC, 0x10397, true },
		{ "behind mov ss", "\x8e\xd0\x90", 3, 0, PC + 2, 0x302, true },
		{ "the guest's own TF", "\x90", 1, TF, PC, 0x302, false },
		{ "no TF", "\x90", 1, 0, PC, 0x202, false },
		{ "another instruction's", "\x90", 1, 0, PC + 16, 0x302, false },
		{ "other flags", "\x90", 1, 0, PC, 0x702, false },
	};
	static struct machine machine;

	(void)context;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned error_code = 0; error_code < 2; error_code++) {
			gva_t image = STACK - 0x100 + 16 + 8 * error_code;
			uint64_t expected = cases[i].flags;

			machine_init(&machine, cases[i].tf);
			begin_at(&machine, cases[i].code, cases[i].length);
			push_frame(&machine, error_code, cases[i].rip, cases[i].flags);
			end(&machine, KERNEL + 0xe00);
			if (cases[i].cleaned)
				expected &= ~(uint64_t)TF;
			if (peek(&machine, image, 8) != expected)
				fail_msg("%s: 0x%llx", cases[i].name,
					(unsigned long long)peek(&machine, image, 8));
			assert_int_equal(machine.writes, cases[i].cleaned);
		}
	}
}

/* In the handler the guest's TF is off, and is in the frame. */
static void test_fault_clears_tf(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, TF);
	begin(&machine, "\x90");
	push_frame(&machine, true, PC, 0x10302);
	end(&machine, KERNEL + 0xe00);
	assert_int_equal(tf_of(&machine), 0);
	machine_init(&machine, TF); /* deep in the handler, where no frame is on top */
	machine_user(&machine);
	begin(&machine, "\x90");
	machine.cpu.x86_64.sregs.ss.dpl = 0;
	end(&machine, KERNEL + 0xe55);
	assert_int_equal(tf_of(&machine), 0);
}

/* Frames of 16 and 32 bits. */
static void test_fault_frame_of_old_modes(void **context)
{
	static struct machine machine;

	(void)context;
	machine_init(&machine, 0);
	machine.cpu.x86_64.sregs.efer = 0;
	set_compatible(&machine);
	machine.cpu.x86_64.sregs.ss.db = 1;
	begin(&machine, "\x90");
	machine.cpu.x86_64.regs.rsp = STACK - 16;
	poke(&machine, STACK - 16, 0, 4);
	poke(&machine, STACK - 12, PC, 4);
	poke(&machine, STACK - 8, KERNEL_CS, 4);
	poke(&machine, STACK - 4, 0x10302, 4);
	end(&machine, 0x6000);
	assert_int_equal(peek(&machine, STACK - 4, 4), 0x10202);
	machine_init(&machine, 0);
	machine.cpu.x86_64.sregs.cr0 = 0x10;
	machine.cpu.x86_64.sregs.efer = 0;
	machine.cpu.x86_64.sregs.cs.l = 0;
	begin(&machine, "\x90");
	machine.cpu.x86_64.regs.rsp = STACK - 6;
	poke(&machine, STACK - 6, PC, 2);
	poke(&machine, STACK - 4, KERNEL_CS, 2);
	poke(&machine, STACK - 2, 0x302, 2);
	end(&machine, 0x6000);
	assert_int_equal(peek(&machine, STACK - 2, 2), 0x202);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_to),
		cmocka_unit_test(test_run_to_injected_debug),
		cmocka_unit_test(test_trap_only),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_faults_are_caught),
		cmocka_unit_test(test_real_mode_vector),
		cmocka_unit_test(test_protected_vector),
		cmocka_unit_test(test_tf_is_given_back),
		cmocka_unit_test(test_tf_when_not_moved),
		cmocka_unit_test(test_run_to_leaves_all_alone),
		cmocka_unit_test(test_end_without_registers),
		cmocka_unit_test(test_pushf),
		cmocka_unit_test(test_pushf_of_16_bits),
		cmocka_unit_test(test_popf),
		cmocka_unit_test(test_iret),
		cmocka_unit_test(test_iret_edges),
		cmocka_unit_test(test_sysret),
		cmocka_unit_test(test_syscall_by_tf),
		cmocka_unit_test(test_syscall_and_back),
		cmocka_unit_test(test_sysenter_keeps_tf),
		cmocka_unit_test(test_fault_frame),
		cmocka_unit_test(test_fault_clears_tf),
		cmocka_unit_test(test_fault_frame_of_old_modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
