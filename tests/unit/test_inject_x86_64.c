/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's own #BP and #DB: what goes into the registers, and what is left for the last ioctl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kvm/arch_x86_64.h"

static struct cpu long_cpu(bool payload)
{
	struct cpu cpu = { .valid = CPU_STOP | CPU_DEBUG | CPU_EVENTS };

	cpu.x86_64.regs.rip = 0x1000;
	cpu.x86_64.regs.rflags = X86_FLAGS_FIXED | X86_FLAGS_RF;
	cpu.x86_64.sregs.efer = X86_EFER_LMA;
	cpu.x86_64.sregs.cs.l = 1;
	cpu.x86_64.debugregs.dr6 = X86_DR6_ACTIVE_LOW;
	/* KVM_GET_VCPU_EVENTS always says NMI_PENDING, SHADOW and SMM. */
	cpu.x86_64.events.flags = 0xd | (payload ? X86_EVENT_VALID_PAYLOAD : 0);
	cpu.x86_64.events.interrupt.shadow = 1;
	return cpu;
}

/* ---- #BP --------------------------------------------------------------------------------- */

static void test_is_breakpoint(void **context)
{
	static const uint8_t int3[] = { 0xcc, 0x90 }, prefixed[] = { 0x66, 0xcc };
	static const uint8_t int_3[] = { 0xcd, 0x03 };

	(void)context;
	assert_true(arch_x86_64.is_breakpoint(int3, 1));
	assert_false(arch_x86_64.is_breakpoint(int3, 0));
	assert_false(arch_x86_64.is_breakpoint(prefixed, 2));
	assert_false(arch_x86_64.is_breakpoint(int_3, 2));
}

/* Row 2 and 3: RIP stays, nothing is dirty, the flag is left to be given to KVM last. */
static void test_breakpoint(void **context)
{
	static const uint8_t code[] = { 0xcc };
	struct cpu cpu = long_cpu(true), before = cpu;
	struct injection injection;

	(void)context;
	memset(&injection, 0xa5, sizeof(injection));
	arch_x86_64.own_breakpoint(&cpu, code, sizeof(code), &injection);
	assert_int_equal(injection.kind, INJECT_BREAKPOINT);
	assert_int_equal(injection.skip, 0);
	assert_int_equal(arch_x86_64.injection_groups(&injection), 0);
	arch_x86_64.inject(&cpu, &injection);
	assert_int_equal(injection.kind, INJECT_BREAKPOINT);
	assert_memory_equal(&cpu, &before, sizeof(cpu));
}

/* ---- #DB --------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint64_t old, causes, expected;
} dr6s[] = {
	{ "B2 replaces B0", 0xffff0ff1, 0x4, 0xffff0ff4 },
	{ "BS is kept", 0xffff4ff0, 0x1, 0xffff4ff1 },
	{ "BS is set", 0xffff0ff0, 0x4000, 0xffff4ff0 },
	{ "BD", 0xffff0ff0, 0x2000, 0xffff2ff0 },
	{ "int1", 0xffff0ff8, 0, 0xffff0ff0 },
	{ "bus lock is active low", 0xffff0ff0, 0x800, 0xffff07f0 },
	{ "RTM is active low", 0xffff0ff0, 0x10000, 0xfffe0ff0 },
	{ "a bus lock before is over", 0xffff07f0, 0x1, 0xffff0ff1 },
	{ "cleared by the guest", 0, 0x4001, 0xffff4ff1 },
};

/* kvm_deliver_exception_payload() with the payload, against what we make of DR6 without. */
static uint64_t kernel_dr6(uint64_t dr6, uint64_t payload)
{
	dr6 &= ~UINT64_C(0xf);
	dr6 |= UINT64_C(0xffff0ff0);
	dr6 |= payload;
	return dr6 ^ (payload & UINT64_C(0xffff0ff0));
}

static void test_debug_without_payload(void **context)
{
	(void)context;
	for (unsigned i = 0; i < sizeof(dr6s) / sizeof(dr6s[0]); i++) {
		struct injection injection = { .kind = INJECT_DEBUG, .dr6 = dr6s[i].causes };
		struct cpu cpu = long_cpu(false);

		cpu.x86_64.debugregs.dr6 = dr6s[i].old;
		assert_true(arch_x86_64.injection_groups(&injection) & CPU_EVENTS);
		assert_true(arch_x86_64.injection_groups(&injection) & CPU_DEBUG);
		arch_x86_64.inject(&cpu, &injection);
		if (cpu.x86_64.debugregs.dr6 != dr6s[i].expected)
			fail_msg("%s: 0x%llx", dr6s[i].name,
				(unsigned long long)cpu.x86_64.debugregs.dr6);
		assert_true(kernel_dr6(dr6s[i].old, dr6s[i].causes) == dr6s[i].expected);
		assert_int_equal(injection.kind, INJECT_DEBUG);
		assert_int_equal(cpu.dirty, CPU_DEBUG);
		/* noted for step_begin(), and for it alone: CPU_EVENTS is clean */
		assert_int_equal(cpu.x86_64.events.exception.pending, 1);
		assert_int_equal(cpu.x86_64.events.exception.nr, X86_DB);
	}
}

static void test_debug_with_payload(void **context)
{
	struct injection injection = { .kind = INJECT_DEBUG, .dr6 = 0x4801 };
	struct cpu cpu = long_cpu(true);

	(void)context;
	cpu.x86_64.events.exception.injected = 1;
	cpu.x86_64.events.exception.nr = 14;
	cpu.x86_64.events.exception.has_error_code = 1;
	cpu.x86_64.events.exception.error_code = 2;
	arch_x86_64.inject(&cpu, &injection);
	assert_int_equal(injection.kind, INJECT_NONE);
	assert_int_equal(cpu.dirty, CPU_EVENTS);
	assert_int_equal(cpu.x86_64.events.exception.pending, 1);
	assert_int_equal(cpu.x86_64.events.exception.injected, 0);
	assert_int_equal(cpu.x86_64.events.exception.nr, 1);
	assert_int_equal(cpu.x86_64.events.exception.has_error_code, 0);
	assert_int_equal(cpu.x86_64.events.exception_has_payload, 1);
	assert_int_equal(cpu.x86_64.events.exception_payload, 0x4801);
	assert_int_equal(cpu.x86_64.debugregs.dr6, X86_DR6_ACTIVE_LOW);
	assert_int_equal(cpu.x86_64.regs.rip, 0x1000);
}

static void test_debug_twice(void **context)
{
	struct injection first = { .kind = INJECT_DEBUG, .dr6 = 0x4000 };
	struct injection second = { .kind = INJECT_DEBUG, .dr6 = 0x2 };
	struct cpu cpu = long_cpu(true);

	(void)context;
	arch_x86_64.inject(&cpu, &first);
	arch_x86_64.inject(&cpu, &second);
	assert_int_equal(cpu.x86_64.events.exception_payload, 0x4002);
}

/* Row 18: past INT1, as the hardware goes, and out of its shadows. */
static void test_int1(void **context)
{
	(void)context;
	for (unsigned payload = 0; payload < 2; payload++) {
		struct injection injection = { .kind = INJECT_DEBUG, .skip = 3 };
		struct cpu cpu = long_cpu(payload);

		arch_x86_64.inject(&cpu, &injection);
		assert_int_equal(cpu.x86_64.regs.rip, 0x1003);
		assert_int_equal(cpu.x86_64.regs.rflags, X86_FLAGS_FIXED);
		assert_int_equal(cpu.x86_64.events.interrupt.shadow, 0);
		assert_int_equal(cpu.dirty & (CPU_GENERAL | CPU_EVENTS), CPU_GENERAL | CPU_EVENTS);
		arch_x86_64.inject(&cpu, &injection);
		assert_int_equal(cpu.x86_64.regs.rip, 0x1003);
	}
}

/* A VMM that gives no events: what can be done is done. */
static void test_without_groups(void **context)
{
	struct injection injection = { .kind = INJECT_DEBUG, .dr6 = 1 };
	struct cpu cpu = long_cpu(true);

	(void)context;
	cpu.valid = CPU_STOP;
	arch_x86_64.inject(&cpu, &injection);
	assert_int_equal(injection.kind, INJECT_DEBUG);
	assert_int_equal(cpu.dirty, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_breakpoint),
		cmocka_unit_test(test_breakpoint),
		cmocka_unit_test(test_debug_without_payload),
		cmocka_unit_test(test_debug_with_payload),
		cmocka_unit_test(test_debug_twice),
		cmocka_unit_test(test_int1),
		cmocka_unit_test(test_without_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
