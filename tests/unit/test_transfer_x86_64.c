/* SPDX-License-Identifier: Apache-2.0 */
/* Which ioctls carry x86-64 registers, and what is made of KVM's answers: right, missing and malformed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/kvm.h>

#include "kvm/arch_x86_64.h"
#include "kvm/transfer.h"
#include "kvm/xsave_x86_64.h"

/* ---- programs and answers ---------------------------------------------------------------- */

static struct program program;
static struct cpu cpu;

/* Step n of the program; its argument in *bytes. */
static struct channel_step step_of(unsigned n, const uint8_t **bytes)
{
	const uint8_t *at = program.bytes + sizeof(struct channel_program);
	struct channel_step step;

	for (memcpy(&step, at, sizeof(step)); n > 0; n--) {
		at += sizeof(step) + channel_padded(step.size);
		memcpy(&step, at, sizeof(step));
	}
	*bytes = at + sizeof(step);
	return step;
}

static unsigned steps(void)
{
	struct channel_program header;

	memcpy(&header, program.bytes, sizeof(header));
	return header.before_count + header.after_count;
}

static void fetch(uint32_t groups)
{
	program_init(&program, 0);
	transfer_fetch(&program, &cpu, groups);
	assert_false(program.overflow);
	assert_int_equal(steps(), transfer_count(&cpu, groups));
	assert_int_equal(channel_check_program(program.bytes, program.length), 0);
}

static _Alignas(8) uint8_t report[CHANNEL_MAX_BYTES];
static size_t report_length;

static void answer(int rc, const void *bytes, size_t size)
{
	struct channel_result result = { .rc = rc, .size = (uint32_t)(rc < 0 ? 0 : size) };

	memcpy(report + report_length, &result, sizeof(result));
	if (result.size)
		memcpy(report + report_length + sizeof(result), bytes, size);
	report_length += sizeof(result) + channel_padded(result.size);
}

static int take(uint32_t groups, unsigned answers)
{
	struct results results = { report, report + report_length, answers };

	report_length = 0;
	return transfer_take(&results, &cpu, groups);
}

static void begin(void)
{
	cpu = (struct cpu){ .valid = 0 };
	report_length = 0;
}

/* ---- x87, SSE and what came later -------------------------------------------------------- */

static void test_float_by_xsave(void **state)
{
	uint8_t area[4096] = { [0] = 0x7f, [1] = 3, [160] = 0x11, [512] = 0x3 };
	struct x86_fpu fpu = { .xmm = { { 0x22 } } };

	(void)state;
	begin();
	fetch(CPU_FLOAT);
	assert_int_equal(steps(), 2);
	answer(0, area, sizeof(area));
	answer(0, &fpu, sizeof(fpu));
	assert_int_equal(take(CPU_FLOAT, 2), 0);
	assert_int_equal(cpu.valid, CPU_FLOAT | CPU_XSAVE);
	assert_int_equal(cpu.x86_64.fpu.xmm[0][0], 0x11);
	assert_int_equal(cpu.x86_64.fpu.fcw, 0x37f);
}

static void test_float_without_xsave(void **state)
{
	struct x86_fpu fpu = { .xmm = { { 0x22 } } };
	const uint8_t *bytes;

	(void)state;
	begin();
	cpu.valid = CPU_FLOAT | CPU_XSAVE;
	answer(-EINVAL, NULL, 0);
	answer(0, &fpu, sizeof(fpu));
	assert_int_equal(take(CPU_XSAVE, 2), 0);
	assert_int_equal(cpu.valid, CPU_FLOAT);
	assert_int_equal(cpu.x86_64.fpu.xmm[0][0], 0x22);
	program_init(&program, 0);
	cpu.dirty = CPU_FLOAT;
	transfer_store(&program, &cpu);
	assert_int_equal(steps(), 1);
	assert_int_equal(step_of(0, &bytes).request, (uint32_t)KVM_SET_FPU);
	assert_memory_equal(bytes, &fpu, sizeof(fpu));
}

/* A guest with AMX: its state does not fit KVM_GET_XSAVE, which fails, but KVM_GET_XSAVE2. */
static void test_float_by_xsave2(void **state)
{
	static uint8_t area[12288];
	struct x86_fpu fpu = { .xmm = { { 0x22 } } };
	const uint8_t *bytes;

	(void)state;
	begin();
	area[160] = 0x33;
	area[11007] = 0x44;
	fetch(CPU_FLOAT);
	assert_int_equal(step_of(0, &bytes).request, (uint32_t)KVM_GET_XSAVE);
	answer(-EINVAL, NULL, 0);
	answer(0, &fpu, sizeof(fpu));
	assert_int_equal(take(CPU_FLOAT, 2), 0);
	assert_int_equal(cpu.valid, CPU_FLOAT);
	fetch(arch_x86_64.probe_groups); /* all of it still fits a message */
	fetch(CPU_XSAVE);
	assert_int_equal(step_of(0, &bytes).request, (uint32_t)KVM_GET_XSAVE2);
	assert_int_equal(step_of(0, &bytes).size, sizeof(area));
	answer(0, area, 4096); /* too short for that */
	answer(0, &fpu, sizeof(fpu));
	assert_int_equal(take(CPU_XSAVE, 2), -EPROTO);
	answer(0, area, sizeof(area));
	answer(0, &fpu, sizeof(fpu));
	assert_int_equal(take(CPU_XSAVE, 2), 0);
	assert_int_equal(cpu.valid, CPU_FLOAT | CPU_XSAVE);
	assert_int_equal(cpu.x86_64.fpu.xmm[0][0], 0x33);
	cpu.dirty = CPU_FLOAT;
	program_init(&program, 0);
	transfer_store(&program, &cpu);
	assert_int_equal(step_of(0, &bytes).request, (uint32_t)KVM_SET_XSAVE);
	assert_int_equal(step_of(0, &bytes).size, sizeof(area));
	assert_int_equal(bytes[11007], 0x44);
	answer(-ENOTTY, NULL, 0); /* a KVM that has gone back in time */
	answer(0, &fpu, sizeof(fpu));
	assert_int_equal(take(CPU_XSAVE, 2), 0);
	fetch(CPU_XSAVE);
	assert_int_equal(step_of(0, &bytes).request, (uint32_t)KVM_GET_XSAVE);
}

/* A register of AVX is stored with all the rest as it was, and as in use. */
static void test_float_store(void **state)
{
	static const uint8_t value[16] = { 0xa1 };
	uint8_t area[4096] = { [160] = 0x11, [512] = 0x1, [4095] = 0x99 };
	struct x86_fpu fpu = { .fcw = 0 };
	const uint8_t *bytes;

	(void)state;
	begin();
	answer(0, area, sizeof(area));
	answer(0, &fpu, sizeof(fpu));
	assert_int_equal(take(CPU_FLOAT, 2), 0);
	cpu.x86_64.xsave.offset[X86_COMPONENT_AVX] = 576;
	assert_int_equal(registers_x86_64_write(&cpu, X86_REG_YMM0H + 2, value), 0);
	program_init(&program, 0);
	transfer_store(&program, &cpu);
	assert_int_equal(cpu.dirty, 0);
	assert_int_equal(steps(), 1);
	assert_int_equal(step_of(0, &bytes).request, (uint32_t)KVM_SET_XSAVE);
	area[512] = 0x7;
	area[576 + 32] = 0xa1;
	assert_memory_equal(bytes, area, sizeof(area));
	assert_int_equal(channel_check_program(program.bytes, program.length), 0);
}

/* ---- MSRs -------------------------------------------------------------------------------- */

static void answer_msr(int rc, uint64_t value)
{
	uint64_t one[3] = { 1, 0, value };

	answer(rc, one, sizeof(one));
}

/* Whether KVM refuses one it does not know with 0 or an error, the others come. */
static void test_msrs_one_by_one(void **state)
{
	(void)state;
	begin();
	fetch(CPU_MSRS_MORE);
	assert_int_equal(steps(), X86_MSR_MORE_COUNT);
	for (unsigned i = X86_MSR_SYSCALL_COUNT; i < X86_MSR_COUNT; i++)
		answer_msr(i == X86_MSR_SMBASE ? 0 : i == X86_MSR_XSS ? -EINVAL : 1, 1000 + i);
	assert_int_equal(take(CPU_MSRS_MORE, X86_MSR_MORE_COUNT), 0);
	assert_int_equal(cpu.valid, CPU_MSRS_MORE);
	for (unsigned i = X86_MSR_SYSCALL_COUNT; i < X86_MSR_COUNT; i++) {
		bool known = i != X86_MSR_SMBASE && i != X86_MSR_XSS;

		assert_int_equal(cpu.x86_64.msrs_known >> i & 1, known);
		if (known)
			assert_int_equal(cpu.x86_64.msrs[i], 1000 + i);
	}
}

static void test_msrs_malformed(void **state)
{
	(void)state;
	begin();
	answer_msr(1, 0);
	assert_int_equal(take(CPU_MSRS_MORE, 1), -EPROTO);
	begin();
	for (unsigned i = 0; i < X86_MSR_MORE_COUNT; i++)
		answer(1, "12345678", 8);
	assert_int_equal(take(CPU_MSRS_MORE, X86_MSR_MORE_COUNT), -EPROTO);
	begin();
	answer(3, "", 0); /* three of four */
	assert_int_equal(take(CPU_MSRS, 1), -EPROTO);
	assert_int_equal(cpu.valid, 0);
}

/* What was written to, alone: the TSC goes on. */
static void test_msrs_store(void **state)
{
	static const uint8_t value[8] = { 0x80, 0x10 };
	uint32_t index, count;
	const uint8_t *bytes;

	(void)state;
	begin();
	cpu.valid = CPU_STOP | CPU_MSRS | CPU_MSRS_MORE;
	cpu.x86_64.msrs_known = UINT64_MAX;
	assert_int_equal(registers_x86_64_write(&cpu, X86_REG_LSTAR, value), 0);
	assert_int_equal(registers_x86_64_write(&cpu, X86_REG_MSRS_MORE, value), 0);
	program_init(&program, 0);
	transfer_store(&program, &cpu);
	assert_int_equal(steps(), 2);
	assert_int_equal(step_of(0, &bytes).request, (uint32_t)KVM_SET_MSRS);
	memcpy(&count, bytes, sizeof(count));
	memcpy(&index, bytes + 8, sizeof(index));
	assert_int_equal(count, 1);
	assert_int_equal(index, 0xc0000082);
	assert_memory_equal(bytes + 16, value, sizeof(value));
	step_of(1, &bytes);
	memcpy(&index, bytes + 8, sizeof(index));
	assert_int_equal(index, 0xc0000083);
	assert_int_equal(cpu.valid, CPU_STOP); /* what KVM has made of it is to be asked */
	program_init(&program, 0);
	transfer_store(&program, &cpu);
	assert_int_equal(steps(), 0);
}

/* ---- CPUID and XCRs ---------------------------------------------------------------------- */

static void test_cpuid(void **state)
{
	static const struct x86_cpuid_entry leaf = { .function = 0xd, .eax = 0xe7 };
	uint8_t list[8 + 256 * 40] = { 1 };

	(void)state;
	begin();
	fetch(CPU_CPUID);
	memcpy(list + 8, &leaf, sizeof(leaf));
	answer(0, list, sizeof(list));
	assert_int_equal(take(CPU_CPUID, 1), 0);
	assert_int_equal(cpu.x86_64.components, 0xe7);
	memset(list, 0xff, 4); /* more than there are */
	memset(list + 8, 0, 40);
	memcpy(list + 8 + 255 * 40, &leaf, sizeof(leaf));
	answer(0, list, sizeof(list));
	assert_int_equal(take(CPU_CPUID, 1), 0);
	assert_int_equal(cpu.x86_64.components, 0xe7);
	answer(0, list, sizeof(list) - 40);
	assert_int_equal(take(CPU_CPUID, 1), -EPROTO);
	answer(-E2BIG, NULL, 0);
	assert_int_equal(take(CPU_CPUID, 1), 0);
	assert_int_equal(cpu.valid, 0);
}

/* All that is asked for at the first stop, in one message each way. */
static void test_probe_fits(void **state)
{
	(void)state;
	begin();
	fetch(arch_x86_64.probe_groups);
	assert_int_equal(steps(), 7 + X86_MSR_MORE_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_float_by_xsave),
		cmocka_unit_test(test_float_without_xsave),
		cmocka_unit_test(test_float_by_xsave2),
		cmocka_unit_test(test_float_store),
		cmocka_unit_test(test_msrs_one_by_one),
		cmocka_unit_test(test_msrs_malformed),
		cmocka_unit_test(test_msrs_store),
		cmocka_unit_test(test_cpuid),
		cmocka_unit_test(test_probe_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
