/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/lender_loss.c: what it does to a vCPU by KVM's calls, which are answered here. x86-64. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "kvm/lender.h"
#include "kvm/loss.h"

enum {
	ENABLE = 1,
	STEP = 2,
	HARDWARE = 0x20000,
	TF = 0x100,
	BS = 0x4000,
	LMA = 0x400,
	MEMORY = 0x3000, /* guest-physical FAR_GPA on; guest-virtual 0 on */
	FAR_GPA = 0x100000,
	TOP = 0x2000, /* of the stack */
};

struct scene {
	struct gdbproxy proxy;
	struct gdbproxy_vcpu vcpu;
	struct kvm_run run;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	_Alignas(4096) uint8_t memory[MEMORY];
};

static struct scene scene; /* ioctl() has no argument for it */

static int scene_translate(struct kvm_translation *translation)
{
	translation->valid = translation->linear_address < MEMORY;
	translation->physical_address = FAR_GPA + translation->linear_address;
	return 0;
}

/* In place of libc's. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	(void)fd;
	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	switch (request) {
	case KVM_GET_REGS:
		memcpy(argument, &scene.regs, sizeof(scene.regs));
		return 0;
	case KVM_SET_REGS:
		memcpy(&scene.regs, argument, sizeof(scene.regs));
		return 0;
	case KVM_GET_SREGS:
		memcpy(argument, &scene.sregs, sizeof(scene.sregs));
		return 0;
	case KVM_GET_DEBUGREGS:
		memset(argument, 0, sizeof(struct kvm_debugregs));
		return 0;
	case KVM_TRANSLATE:
		return scene_translate(argument);
	default:
		errno = EINVAL;
		return -1;
	}
}

/* 64-bit code that has been stepped, and come out with dr6. */
static void scene_make(uint32_t word, uint64_t dr6)
{
	memset(&scene, 0, sizeof(scene));
	scene.proxy.table_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	scene.proxy.regions[1] = (struct lender_region){ .told = LENDER_TOLD,
		.gpa = FAR_GPA,
		.size = MEMORY,
		.hva = (uintptr_t)scene.memory,
		.fd = -1 };
	scene.vcpu = (struct gdbproxy_vcpu){ .proxy = &scene.proxy,
		.run = &scene.run,
		.loss_debug = { .control = ENABLE | STEP | HARDWARE, .pad = word },
		.loss_exited = true,
		.whole = true };
	scene.run.debug.arch = (struct kvm_debug_exit_arch){ .exception = 1, .dr6 = dr6 };
	scene.regs.rsp = TOP;
	scene.regs.rflags = 2;
	scene.sregs.efer = LMA;
	scene.sregs.cs.l = 1;
}

static void put(uint64_t at, uint64_t value, unsigned bytes)
{
	memcpy(scene.memory + at, &value, bytes);
}

static uint64_t take(uint64_t at, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, scene.memory + at, bytes);
	return value;
}

static void test_pushed(void **state)
{
	static const struct {
		uint32_t word;
		uint64_t dr6, flags, expected;
	} cases[] = {
		{ 3 << LOSS_X86_PUSHES, BS, 0x302, 0x202 },
		{ 1 << LOSS_X86_PUSHES, BS, 0x302, 0x202 },
		{ 3 << LOSS_X86_PUSHES, 0, 0x302, 0x302 }, /* not executed: it is something else */
		{ 3 << LOSS_X86_PUSHES | LOSS_X86_TF, BS, 0x302, 0x302 }, /* the guest's own */
		{ 0, BS, 0x302, 0x302 }, { 3 << LOSS_X86_PUSHES, BS, 0x202, 0x202 },
		{ 3 << LOSS_X86_PUSHES, BS, 0x7ffd302, 0x7ffd302 }, /* no flags */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scene_make(cases[i].word, cases[i].dr6);
		put(TOP, cases[i].flags, 8);
		lender_loss_mend(&scene.vcpu);
		assert_int_equal(take(TOP, 8), cases[i].expected);
	}
}

/* A stack of 16 bits, at a base of its own, that wraps around; and where nothing is lent. */
static void test_pushed_elsewhere(void **state)
{
	(void)state;
	scene_make(1 << LOSS_X86_PUSHES, BS);
	scene.sregs.efer = scene.sregs.cs.l = 0;
	scene.sregs.ss.base = 0x1000;
	scene.regs.rsp = 0xabcd0100;
	put(0x1100, 0x302, 2);
	lender_loss_mend(&scene.vcpu);
	assert_int_equal(take(0x1100, 2), 0x202);
	scene_make(3 << LOSS_X86_PUSHES, BS);
	scene.regs.rsp = MEMORY;
	lender_loss_mend(&scene.vcpu);
	scene_make(3 << LOSS_X86_PUSHES, BS);
	scene.proxy.regions[1].flags = HANDOVER_MEMORY_READONLY;
	put(TOP, 0x302, 8);
	lender_loss_mend(&scene.vcpu);
	assert_int_equal(take(TOP, 8), 0x302);
}

static void test_frame(void **state)
{
	static const struct {
		unsigned word, slot;
		uint64_t frame[5], dr6;
		unsigned cleaned; /* word of the frame; 0: none */
	} cases[] = {
		{ 8, LOSS_X86_HANDLER, { 0x401000, 0x33, 0x10302, 0x7000, 0x2b }, 4, 2 },
		{ 8, LOSS_X86_HANDLER, { 6, 0x401000, 0x33, 0x302, 0x7000 }, 4, 3 },
		{ 4, LOSS_X86_HANDLER, { 0x401000, 0x23, 0x302, 0x7000, 0x2b }, 4, 2 },
		{ 4, LOSS_X86_HANDLER, { 0, 0x401000, 0x23, 0x302, 0x7000 }, 4, 3 },
		{ 8, LOSS_X86_HANDLER, { 0x401000, 0x33, 0x302, 0x7000, 0x2b }, 1,
			0 }, /* another one's */
		{ 8, 0, { 0x401000, 0x33, 0x302, 0x7000, 0x2b }, 4, 0 },
		{ 8, 4, { 0x401000, 0x33, 0x302, 0x7000, 0x2b }, 4, 0 },
		{ 8, LOSS_X86_HANDLER, { 0x401000, 0x33, 0x302, 0x7000, 0x2b }, BS | 4, 0 },
		{ 8, LOSS_X86_HANDLER, { 0x401000, 0x33, 0x202, 0x7000, 0x2b }, 4, 0 },
		/* clean already, and what lies behind looks like flags */
		{ 4, LOSS_X86_HANDLER, { 0x401000, 0x08, 0x202, 0x1306, 0x2b }, 4, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned word = cases[i].word;

		scene_make(cases[i].slot << (LOSS_X86_SLOT + 8), cases[i].dr6);
		if (word == 4)
			scene.sregs = (struct kvm_sregs){ .ss.db = 1 };
		for (unsigned j = 0; j < 5; j++)
			put(TOP + j * word, cases[i].frame[j], word);
		lender_loss_mend(&scene.vcpu);
		for (unsigned j = 0; j < 5; j++) {
			uint64_t expected = cases[i].frame[j];

			if (j == cases[i].cleaned && j)
				expected &= ~(uint64_t)TF;
			if (take(TOP + j * word, word) != expected)
				fail_msg("case %u, word %u", i, j);
		}
	}
}

/* Out by a signal at the first instruction of the handler, before the debug register there; and elsewhere. */
static void test_frame_before_the_handler(void **state)
{
	const uint32_t word = (uint32_t)LOSS_X86_HANDLER << (LOSS_X86_SLOT + 4);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		bool is_there = i != 1, is_own = i == 2, is_long = i != 3;

		scene_make(word | (is_own ? LOSS_X86_TF : 0), BS);
		scene.vcpu.loss_exited = false;
		if (!is_long)
			scene.sregs = (struct kvm_sregs){ .ss.db = 1, .cs.base = 0x100000 };
		scene.regs.rip = is_there ? 0x500000 : 0x500001;
		scene.vcpu.loss_debug.arch.debugreg[1] = is_long ? 0x500000 : 0x600000;
		put(TOP + 2 * (is_long ? 8 : 4), 0x302, 4);
		lender_loss_mend(&scene.vcpu);
		assert_int_equal(
			take(TOP + 2 * (is_long ? 8 : 4), 4), is_there && !is_own ? 0x202 : 0x302);
		assert_int_equal(scene.regs.rflags, 2);
	}
}

static void test_r11(void **state)
{
	(void)state;
	scene_make(LOSS_X86_SAVES, BS);
	scene.regs.r11 = 0x302;
	lender_loss_mend(&scene.vcpu);
	assert_int_equal(scene.regs.r11, 0x202);
	scene_make(LOSS_X86_SAVES, BS);
	scene.regs.r11 = 0x7ffd302; /* no flags */
	lender_loss_mend(&scene.vcpu);
	assert_int_equal(scene.regs.r11, 0x7ffd302);
	scene_make(LOSS_X86_SAVES | LOSS_X86_TF, BS);
	scene.regs.r11 = 0x302;
	lender_loss_mend(&scene.vcpu);
	assert_int_equal(scene.regs.r11, 0x302);
	assert_int_equal(scene.regs.rflags, 2 | TF);
}

/* Amid an exit registers are left alone, and memory is not. */
static void test_amid_an_exit(void **state)
{
	(void)state;
	scene_make(LOSS_X86_TF, 0);
	scene.vcpu.loss_exited = scene.vcpu.whole = false;
	lender_loss_mend(&scene.vcpu);
	assert_int_equal(scene.regs.rflags, 2);
	scene.vcpu.whole = true;
	lender_loss_mend(&scene.vcpu);
	assert_int_equal(scene.regs.rflags, 2 | TF);
	scene_make(3 << LOSS_X86_PUSHES, BS);
	scene.vcpu.whole = false;
	put(TOP, 0x302, 8);
	lender_loss_mend(&scene.vcpu);
	assert_int_equal(take(TOP, 8), 0x202);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pushed),
		cmocka_unit_test(test_pushed_elsewhere),
		cmocka_unit_test(test_frame),
		cmocka_unit_test(test_frame_before_the_handler),
		cmocka_unit_test(test_r11),
		cmocka_unit_test(test_amid_an_exit),
	};

	return cmocka_run_group_tests_name("lender_loss", tests, NULL, NULL);
}
