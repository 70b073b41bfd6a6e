/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stepping arm64: that the interrupt masks which a step borrows are taken back wherever the
 * instruction has left them, and that exclusive sequences are run, not stepped.
 */
#include "kvm/loss.h"
#include "tests/unit/arm64_fixture.h"

#define NOP           0xd503201fu
#define READ_DAIF_X7  0xd53b4227u
#define READ_DAIF_XZR 0xd53b423fu
#define WRITE_DAIF_X9 0xd51b4229u
#define SET_DAIF_I    0xd50342dfu
#define SET_DAIF_ALL  0xd5034fdfu
#define CLEAR_DAIF_I  0xd50342ffu
#define ERET          0xd69f03e0u
#define SVC           0xd4000001u
#define HVC           0xd4000022u
#define BRANCH_BACK   0x17fffff9u
#define RET           0xd65f03c0u

static int no_memory(void *context, gva_t gva, void *buf, size_t length)
{
	(void)context, (void)gva, (void)buf, (void)length;
	return -EFAULT;
}

static const struct guest_memory nowhere = { .read = no_memory };

static void begin(struct cpu *cpu, uint32_t word, struct step_plan *step)
{
	uint8_t code[16] = { 0 };

	memcpy(code, &word, sizeof(word));
	assert_int_equal(arch_arm64.step_groups(cpu, code, 4), CPU_STOP);
	memset(step, 0xaa, sizeof(*step));
	arch_arm64.step_begin(cpu, &nowhere, code, 4, false, step);
}

struct row {
	const char *name;
	uint32_t word;
	uint64_t old;            /* PSTATE before the step */
	uint64_t pc, pstate, x7; /* after the instruction, as KVM shows them */
	uint64_t want_pstate, want_x7;
};

#define AIF  UINT64_C(0x1c0)
#define NEXT (FIXTURE_PC + 4)

/* No exception was entered. */
static const struct row rows[] = {
	{ "plain", NOP, 0x5, NEXT, 0x1c5, 0, 0x5, 0 },
	{ "plain, flags change", NOP, 0x60000005, NEXT, 0x900001c5, 0, 0x90000005, 0 },
	{ "plain at EL0", NOP, 0x0, NEXT, 0x1c0, 0, 0x0, 0 },
	{ "I was set", NOP, 0x85, NEXT, 0x1c5, 0, 0x85, 0 },
	{ "all were set", NOP, 0x1c5, NEXT, 0x1c5, 0, 0x1c5, 0 },
	{ "D is not ours", NOP, 0x205, NEXT, 0x3c5, 0, 0x205, 0 },
	{ "not executed", NOP, 0x5, FIXTURE_PC, 0x1c5, 0, 0x5, 0 },
	{ "not executed, SS", NOP, 0x5, FIXTURE_PC, 0x2001c5, 0, 0x5, 0 },
	{ "not executed, SS is the guest's too", NOP, 0x200005, FIXTURE_PC, 0x2001c5, 0, 0x200005,
		0 },
	{ "executed, and entered again", NOP, 0x5, NEXT, 0x2001c5, 0, 0x5, 0 },
	{ "branch", BRANCH_BACK, 0x5, FIXTURE_PC - 0x1c, 0x1c5, 0, 0x5, 0 },
	{ "ret", RET, 0x5, 0x1234, 0x1c5, 0, 0x5, 0 },
	{ "AArch32 user mode", 0xe1a00000, 0x10, NEXT, 0x1d0, 0, 0x10, 0 },

	{ "mrs x7, daif", READ_DAIF_X7, 0x5, NEXT, 0x1c5, 0x1c0, 0x5, 0 },
	{ "mrs x7, daif with I set", READ_DAIF_X7, 0x85, NEXT, 0x1c5, 0x1c0, 0x85, 0x80 },
	{ "mrs x7, daif with D set", READ_DAIF_X7, 0x205, NEXT, 0x3c5, 0x3c0, 0x205, 0x200 },
	{ "mrs x7, daif not executed", READ_DAIF_X7, 0x5, FIXTURE_PC, 0x1c5, 0xfff, 0x5, 0xfff },
	{ "mrs xzr, daif", READ_DAIF_XZR, 0x5, NEXT, 0x1c5, 0xfff, 0x5, 0xfff },

	{ "msr daif sets", WRITE_DAIF_X9, 0x5, NEXT, 0x3c5, 0, 0x3c5, 0 },
	{ "msr daif clears", WRITE_DAIF_X9, 0x5, NEXT, 0x5, 0, 0x5, 0 },
	{ "msr daif sets I", WRITE_DAIF_X9, 0x5, NEXT, 0x85, 0, 0x85, 0 },
	{ "msr daif not executed", WRITE_DAIF_X9, 0x5, FIXTURE_PC, 0x1c5, 0, 0x5, 0 },

	{ "msr daifset, #2", SET_DAIF_I, 0x5, NEXT, 0x1c5, 0, 0x85, 0 },
	{ "msr daifset, #15", SET_DAIF_ALL, 0x5, NEXT, 0x3c5, 0, 0x3c5, 0 },
	{ "msr daifset, #2 with F set", SET_DAIF_I, 0x45, NEXT, 0x1c5, 0, 0xc5, 0 },
	{ "msr daifset not executed", SET_DAIF_ALL, 0x5, FIXTURE_PC, 0x1c5, 0, 0x5, 0 },
	{ "msr daifclr, #2", CLEAR_DAIF_I, 0x85, NEXT, 0x145, 0, 0x5, 0 },
	{ "msr daifclr, #2 with F set", CLEAR_DAIF_I, 0xc5, NEXT, 0x145, 0, 0x45, 0 },

	{ "eret to EL0", ERET, 0x5, 0x40001000, 0x60000000, 0, 0x60000000, 0 },
	{ "eret to masked EL1", ERET, 0x5, 0x1000, 0x1c5, 0, 0x1c5, 0 },
	{ "eret not executed", ERET, 0x5, FIXTURE_PC, 0x1c5, 0, 0x5, 0 },

	{ "hvc served", HVC, 0x5, NEXT, 0x1c5, 0, 0x5, 0 },
	{ "hvc has reset the vCPU", HVC, 0x5, 0x40000000, 0x3c5, 0, 0x3c5, 0 },
};

static void test_masks_in_pstate(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		const struct row *row = &rows[i];
		struct cpu cpu = fixture_cpu(row->old);
		struct step_plan step;

		begin(&cpu, row->word, &step);
		assert_true(step.trap);
		assert_int_equal(step.run_to_count, 0);
		assert_true(step.from == FIXTURE_PC);
		assert_true(cpu.arm64.regs.pstate == (row->old | AIF));
		assert_int_equal(cpu.dirty, (row->old & AIF) == AIF ? 0 : CPU_GENERAL);
		assert_true(step_arm64_old_pstate(&step) == row->old);
		cpu.arm64.regs.pc = row->pc;
		cpu.arm64.regs.pstate = row->pstate;
		cpu.arm64.regs.x[7] = row->x7;
		cpu.arm64.regs.sp_el0 = 0xfff; /* where an x31 would be */
		arch_arm64.step_end(&cpu, &nowhere, &step);
		if (cpu.arm64.regs.pstate != row->want_pstate ||
			cpu.arm64.regs.x[7] != row->want_x7)
			fail_msg("%s: pstate %llx x7 %llx", row->name,
				(unsigned long long)cpu.arm64.regs.pstate,
				(unsigned long long)cpu.arm64.regs.x[7]);
		assert_int_equal(cpu.arm64.regs.spsr_el1, 0x2222);
		assert_int_equal(cpu.arm64.regs.sp_el0, 0xfff);
	}
}

/*
 * A lender that has lost its daemon comes to the same, but for an instruction that sets the masks and was not
 * executed, and for a vCPU that was reset.
 */
static void test_a_lender_takes_masks_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		const struct row *row = &rows[i];
		struct cpu cpu = fixture_cpu(row->old);
		struct loss_arm64 regs = { .exited = row->pc != FIXTURE_PC,
			.pc = row->pc,
			.pstate = row->pstate,
			.vbar_el1 = FIXTURE_VBAR,
			.read = row->x7 };
		struct step_plan step;

		begin(&cpu, row->word, &step);
		loss_arm64_clean(step.on_loss, &regs);
		if (strstr(row->name, "reset") ||
			(!regs.exited && row->word != NOP && row->word != READ_DAIF_X7))
			continue;
		if (regs.pstate != row->want_pstate || regs.read != row->want_x7)
			fail_msg("%s: pstate %llx x7 %llx", row->name,
				(unsigned long long)regs.pstate, (unsigned long long)regs.read);
	}
}

/* Row 40: the step ended at a vector, and SPSR_EL1 tells of the state that we had made. */
static void test_masks_in_spsr(void **state)
{
	static const struct {
		const char *name;
		uint32_t word;
		uint64_t old, offset, elr, spsr, want_spsr;
	} entries[] = {
		{ "svc from EL0", SVC, 0x0, 0x400, NEXT, 0x1c0, 0x0 },
		{ "svc from EL0, flags", SVC, 0x60000000, 0x400, NEXT, 0x600001c0, 0x60000000 },
		{ "svc from EL0, I set", SVC, 0x80, 0x400, NEXT, 0x1c0, 0x80 },
		{ "svc from EL1h", SVC, 0x5, 0x200, NEXT, 0x1c5, 0x5 },
		{ "svc from EL1t", SVC, 0x4, 0x000, NEXT, 0x1c4, 0x4 },
		{ "svc from AArch32", 0xef000000, 0x10, 0x600, NEXT, 0x1d0, 0x10 },
		{ "data abort", NOP, 0x5, 0x200, FIXTURE_PC, 0x1c5, 0x5 },
		{ "abort at mrs daif", READ_DAIF_X7, 0x0, 0x400, FIXTURE_PC, 0x1c0, 0x0 },
		{ "trap of msr daif", WRITE_DAIF_X9, 0x0, 0x400, FIXTURE_PC, 0x1c0, 0x0 },
		{ "abort of eret", ERET, 0x5, 0x200, FIXTURE_PC, 0x1c5, 0x5 },
		{ "SError after a branch", BRANCH_BACK, 0x0, 0x580, 0x7777, 0x1c0, 0x0 },
		/* KVM's own SS, which an instruction that was not executed has not used up. */
		{ "undefined, SS", NOP, 0x5, 0x200, FIXTURE_PC, 0x2001c5, 0x5 },
		{ "undefined, all masked, SS", NOP, 0x3c5, 0x200, FIXTURE_PC, 0x2003c5, 0x3c5 },
		{ "undefined, SS is the guest's too", NOP, 0x200005, 0x200, FIXTURE_PC, 0x2001c5,
			0x200005 },
		{ "svc, SS of the guest's used up", SVC, 0x200000, 0x400, NEXT, 0x1c0, 0x0 },
	};

	(void)state;
	for (size_t i = 0; i < ENTRIES(entries); i++) {
		struct cpu cpu = fixture_cpu(entries[i].old);
		struct loss_arm64 entered;
		struct step_plan step;

		begin(&cpu, entries[i].word, &step);
		cpu.arm64.regs.pc = FIXTURE_VBAR + entries[i].offset;
		cpu.arm64.regs.pstate = 0x3c5;
		cpu.arm64.regs.elr_el1 = entries[i].elr;
		cpu.arm64.regs.spsr_el1 = entries[i].spsr;
		cpu.arm64.regs.x[7] = 0xfff;
		cpu.dirty = 0;
		arch_arm64.step_end(&cpu, &nowhere, &step);
		entered = (struct loss_arm64){ .pc = FIXTURE_VBAR + entries[i].offset,
			.pstate = 0x3c5,
			.spsr_el1 = entries[i].spsr,
			.vbar_el1 = FIXTURE_VBAR };
		loss_arm64_clean(step.on_loss, &entered);
		if (entered.spsr_el1 != entries[i].want_spsr)
			fail_msg("%s, lost: %llx", entries[i].name,
				(unsigned long long)entered.spsr_el1);
		if (cpu.arm64.regs.spsr_el1 != entries[i].want_spsr)
			fail_msg("%s: %llx", entries[i].name,
				(unsigned long long)cpu.arm64.regs.spsr_el1);
		assert_int_equal(cpu.arm64.regs.pstate, 0x3c5);
		assert_int_equal(cpu.arm64.regs.x[7], 0xfff);
		assert_int_equal(cpu.dirty, CPU_GENERAL);
	}
}

/* A handler's code that merely runs into the next vector has entered nothing. */
static void test_a_branch_to_a_vector_is_no_exception(void **state)
{
	struct cpu cpu = fixture_cpu(0x205);
	struct step_plan step;

	(void)state;
	cpu.arm64.regs.spsr_el1 = 0x1c5; /* of a masked state, long ago */
	begin(&cpu, BRANCH_BACK, &step);
	cpu.arm64.regs.pc = FIXTURE_VBAR + 0x280;
	cpu.arm64.regs.pstate = 0x3c5;
	arch_arm64.step_end(&cpu, &nowhere, &step);
	assert_int_equal(cpu.arm64.regs.spsr_el1, 0x1c5);
	assert_int_equal(cpu.arm64.regs.pstate, 0x205);
}

/* ---- exclusive sequences ----------------------------------------------------------------- */

/* Guest code at FIXTURE_PC. */
struct code {
	const uint32_t *words;
	unsigned count;
};

static int code_read(void *context, gva_t gva, void *buf, size_t length)
{
	const struct code *code = context;

	if (gva < FIXTURE_PC || gva + length > FIXTURE_PC + code->count * 4)
		return -EFAULT;
	memcpy(buf, (const uint8_t *)code->words + (gva - FIXTURE_PC), length);
	return 0;
}

#define LDXR        0x885f7c20u
#define LDAXP       0x887f8820u
#define STXR        0x88047c20u
#define STLXP       0x88248820u
#define CLREX       0xd5033f5fu
#define ADD         0x91000421u
#define CBNZ(words) (0x35000004u | ((words)&0x7ffffu) << 5)
#define BNE(words)  (0x54000001u | ((words)&0x7ffffu) << 5)
#define JUMP(words) (0x14000000u | ((words)&0x3ffffffu))

enum { TRAP = -1 };

static const struct {
	const char *name;
	uint32_t words[24];
	int ends;      /* how many of run_to[], or TRAP */
	int run_to[4]; /* words from the first */
	unsigned at;   /* word that pc is at */
} sequences[] = {
	{ "add", { LDXR, ADD, STXR, CBNZ(-3u) }, 1, { 3 }, 0 },
	{ "pair", { LDAXP, STLXP, NOP }, 1, { 2 }, 0 },
	{ "compare and swap", { LDXR, ADD, BNE(3), STXR, CBNZ(-4u), NOP }, 2, { 4, 5 }, 0 },
	{ "branch inside", { LDXR, BNE(2), ADD, STXR }, 1, { 4 }, 0 },
	{ "waits in place", { LDXR, CBNZ(-1u), STXR }, 1, { 3 }, 0 },
	{ "waits further back", { LDXR, CBNZ(-2u), STXR }, 2, { 3, -1 }, 0 },
	{ "same exit twice", { LDXR, BNE(8), ADD, CBNZ(6), STXR }, 2, { 5, 9 }, 0 },
	{ "four ends", { LDXR, BNE(20), BNE(20), BNE(20), STXR }, 4, { 5, 21, 22, 23 }, 0 },
	{ "five ends", { LDXR, BNE(20), BNE(20), BNE(20), BNE(20), STXR }, TRAP, { 0 }, 0 },
	{ "jump out", { LDXR, BNE(2), JUMP(9), STXR }, 2, { 4, 11 }, 0 },
	{ "given up", { LDXR, CLREX, NOP }, 1, { 2 }, 0 },
	{ "no store", { LDXR, ADD, ADD }, TRAP, { 0 }, 0 },
	{ "return", { LDXR, 0xd65f03c0, STXR }, TRAP, { 0 }, 0 },
	{ "call", { LDXR, 0xd4000001, STXR }, TRAP, { 0 }, 0 },
	{ "brk", { LDXR, 0xd4200000, STXR }, TRAP, { 0 }, 0 },
	{ "eret", { LDXR, 0xd69f03e0, STXR }, TRAP, { 0 }, 0 },
	{ "sixteen after the load",
		{ LDXR, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD,
			STXR },
		1, { 17 }, 0 },
	{ "seventeen",
		{ LDXR, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD, ADD,
			ADD, STXR },
		TRAP, { 0 }, 0 },
	{ "store alone", { STXR, ADD }, TRAP, { 0 }, 0 },
	{ "at the store", { LDXR, ADD, STXR, CBNZ(-3u), NOP }, 1, { 4 }, 2 },
	{ "at the store, another exit", { LDXR, BNE(8), STXR, CBNZ(-3u) }, 2, { 4, 9 }, 2 },
	{ "at the store, no retry", { LDXR, ADD, STXR, CBNZ(2), NOP }, TRAP, { 0 }, 2 },
	{ "at the store, back to another", { STXR, ADD, STXR, CBNZ(-3u) }, TRAP, { 0 }, 2 },
	{ "not exclusive", { 0xc8dffc20, STXR }, TRAP, { 0 }, 0 },
};

static unsigned sequence_length(const uint32_t *words)
{
	unsigned count = 0;

	while (count < 24 && words[count])
		count++;
	return count;
}

static void begin_sequence(struct cpu *cpu, size_t i, struct step_plan *step)
{
	struct code code = { sequences[i].words, sequence_length(sequences[i].words) };
	struct guest_memory memory = { .read = code_read, .context = &code };

	cpu->arm64.regs.pc += sequences[i].at * UINT64_C(4);
	memset(step, 0xaa, sizeof(*step));
	arch_arm64.step_begin(
		cpu, &memory, (const uint8_t *)(code.words + sequences[i].at), 16, false, step);
}

/* Row 42. */
static void test_sequences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENTRIES(sequences); i++) {
		struct cpu cpu = fixture_cpu(0x5);
		struct step_plan step;

		begin_sequence(&cpu, i, &step);
		if (step.trap != (sequences[i].ends == TRAP))
			fail_msg("%s: trap %d", sequences[i].name, step.trap);
		assert_int_equal(step.run_to_count, step.trap ? 0 : sequences[i].ends);
		for (unsigned n = 0; n < step.run_to_count; n++) {
			if (step.run_to[n] !=
				FIXTURE_PC + (uint64_t)(int64_t)sequences[i].run_to[n] * 4)
				fail_msg("%s: run_to[%u] is %llx", sequences[i].name, n,
					(unsigned long long)step.run_to[n]);
		}
		assert_true(step.from == FIXTURE_PC + sequences[i].at * UINT64_C(4));
		/* No mask may get into a frame that a page fault on the way saves. */
		assert_int_equal(cpu.arm64.regs.pstate, step.trap ? 0x1c5 : 0x5);
	}
}

/* Its end leaves everything as it is, whatever DAIF may be by then. */
static void test_end_of_a_sequence(void **state)
{
	struct cpu cpu = fixture_cpu(0x5);
	struct step_plan step;

	(void)state;
	begin_sequence(&cpu, 0, &step);
	cpu.arm64.regs.pc = FIXTURE_PC + 12;
	cpu.arm64.regs.pstate = 0x1c5;
	arch_arm64.step_end(&cpu, &nowhere, &step);
	assert_int_equal(cpu.arm64.regs.pstate, 0x1c5);
	assert_int_equal(cpu.dirty, 0);
}

static void test_sequence_needs_pairs(void **state)
{
	struct cpu cpu = fixture_cpu(0x5);
	struct step_plan step;

	(void)state;
	cpu.arm64.breakpoint_slots = 1;
	begin_sequence(&cpu, 0, &step);
	assert_false(step.trap);
	cpu = fixture_cpu(0x5);
	cpu.arm64.breakpoint_slots = 1;
	begin_sequence(&cpu, 2, &step);
	assert_true(step.trap);
	assert_int_equal(step.run_to_count, 0);
}

/* The same word means something else in A32. */
static void test_aarch32_is_not_decoded(void **state)
{
	struct cpu cpu = fixture_cpu(0x10);
	struct step_plan step;

	(void)state;
	begin_sequence(&cpu, 0, &step);
	assert_true(step.trap);
}

/* Code that cannot be read is stepped as it is. */
static void test_unreadable(void **state)
{
	struct cpu cpu = fixture_cpu(0x5);
	struct step_plan step;

	(void)state;
	arch_arm64.step_begin(&cpu, &nowhere, NULL, 0, false, &step);
	assert_true(step.trap);
	cpu.arm64.regs.pc = 0x9999;
	arch_arm64.step_end(&cpu, &nowhere, &step);
	assert_int_equal(cpu.arm64.regs.pstate, 0x5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_masks_in_pstate),
		cmocka_unit_test(test_a_lender_takes_masks_back),
		cmocka_unit_test(test_masks_in_spsr),
		cmocka_unit_test(test_a_branch_to_a_vector_is_no_exception),
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_end_of_a_sequence),
		cmocka_unit_test(test_sequence_needs_pairs),
		cmocka_unit_test(test_aarch32_is_not_decoded),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
