/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/monitor*.c: commands for people, on the guest of fake_lender.h, stopped: what they say, what
 * they change, and what they refuse.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/unit/fake_lender.h"
#include "kvm/monitor_table.h"
#include "kvm/seat.h"
#include "kvm/transfer.h"

/* ---- a guest, stopped -------------------------------------------------------------------- */

struct rig {
	struct fake_lender lender;
	struct journal journal;
	struct vm vm;
	struct seat seat;
	struct vm_hooks hooks;
	struct target_listener listener;
	unsigned stops;
	struct target_stop stop;
	struct target_text text;
	char said[1 << 16];
	size_t length;
};

static void rig_on_stop(struct target_listener *listener, const struct target_stop *stop)
{
	struct rig *rig = (struct rig *)(void *)((char *)listener - offsetof(struct rig, listener));

	rig->stop = *stop;
	rig->stops++;
}

static void rig_on_message(struct target_listener *listener, const char *text)
{
	(void)listener;
	print_message("# %s\n", text);
}

static const struct target_listener_ops rig_ops = { .on_stop = rig_on_stop,
	.on_message = rig_on_message };

static void rig_timer(void *context, int ms)
{
	(void)context;
	(void)ms;
}

static void rig_put(struct target_text *text, const char *bytes, size_t length)
{
	struct rig *rig = (struct rig *)(void *)((char *)text - offsetof(struct rig, text));

	if (length > sizeof(rig->said) - 1 - rig->length)
		length = sizeof(rig->said) - 1 - rig->length;
	memcpy(rig->said + rig->length, bytes, length);
	rig->length += length;
	rig->said[rig->length] = '\0';
}

static void rig_wait(struct rig *rig, unsigned stops)
{
	for (int turn = 0; turn < 1000 && rig->stops < stops; turn++) {
		struct pollfd fds[FAKE_VCPUS];

		for (unsigned i = 0; i < rig->lender.count; i++)
			fds[i] = (struct pollfd){ vm_vcpu_fd(&rig->vm, i), POLLIN, 0 };
		poll(fds, rig->lender.count, 10);
		for (unsigned i = 0; i < rig->lender.count; i++)
			if (fds[i].revents)
				vm_on_readable(&rig->vm, i);
		vm_pump(&rig->vm);
	}
	assert_int_equal(rig->stops, stops);
}

static void rig_resume(struct rig *rig)
{
	struct target_resume resumes[2] = { { .action = TARGET_CONTINUE },
		{ .action = TARGET_CONTINUE } };

	assert_int_equal(rig->seat.target.ops->resume(&rig->seat.target, resumes), 0);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	assert_int_equal(fake_lender_init(&rig->lender, 2), 0);
	assert_int_equal(journal_create(&rig->journal), 0);
	rig->hooks = (struct vm_hooks){ .timer = rig_timer };
	rig->listener.ops = &rig_ops;
	rig->text.put = rig_put;
	assert_int_equal(
		vm_init(&rig->vm, transfer_arch(), &rig->hooks, rig->journal.fd, 2, 1000), 0);
	assert_int_equal(seat_init(&rig->seat, &rig->vm), 0);
	rig->seat.target.listener = &rig->listener;
	assert_int_equal(memory_add_file(&rig->vm.memory, 0, FAKE_MEMORY, rig->lender.memory_fd, 0,
				 true, 0x7000000),
		0);
	for (unsigned i = 0; i < 2; i++)
		vm_add_vcpu(&rig->vm, i, dup(rig->lender.daemon_fd[i]));
	fake_lender_write(&rig->lender, FAKE_CODE, "\xeb\xfe", 2);
	fake_lender_write(&rig->lender, FAKE_CODE + 0x1000, "\xeb\xfe", 2);
	fake_lender_start(&rig->lender);
	assert_int_equal(rig->seat.target.ops->stop(&rig->seat.target), 0);
	rig_wait(rig, 1);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	seat_fini(&rig->seat);
	vm_fini(&rig->vm);
	fake_lender_fini(&rig->lender);
	journal_close(&rig->journal);
	free(rig);
	return 0;
}

static int rig_ask(struct rig *rig, const char *line)
{
	struct target *target = &rig->seat.target;

	rig->length = 0;
	rig->said[0] = '\0';
	return target->ops->monitor(target, 1, line, &rig->text);
}

static void expect_said(struct rig *rig, const char *line, const char *said)
{
	int rc = rig_ask(rig, line);

	if (rc || strcmp(rig->said, said) != 0)
		fail_msg("%s: %d\n%s", line, rc, rig->said);
}

/* It says this somewhere. */
static void expect_words(struct rig *rig, const char *line, const char *words)
{
	int rc = rig_ask(rig, line);

	if (rc || !strstr(rig->said, words))
		fail_msg("%s: %d\n%s", line, rc, rig->said);
}

/* It fails, and one line says why. */
static void expect_refused(struct rig *rig, const char *line, const char *words)
{
	int rc = rig_ask(rig, line);
	const char *newline = strchr(rig->said, '\n');

	if (rc >= 0 || rc == -ENOENT || !strstr(rig->said, words) || !newline || newline[1])
		fail_msg("%s: %d\n%s", line, rc, rig->said);
}

/* ---- finding a command ------------------------------------------------------------------- */

static void test_unknown(void **state)
{
	struct rig *rig = *state;
	static const char *const lines[] = { "frobnicate", "", "/", "regsx", "vcpusvcpus 1", "'",
		"help nothing", "Regs" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		assert_int_equal(rig_ask(rig, lines[i]), -ENOENT);
		assert_string_equal(rig->said, "");
	}
}

static void test_beginnings(void **state)
{
	struct rig *rig = *state;

	expect_words(rig, "vcpus", "vCPU 1");
	expect_words(rig, "br", "none");
	expect_words(rig, "reg rip", "rip");
	expect_refused(rig, "re", "'re' may be reg regs: say more of it");
	expect_words(rig, "info cp", "CPU #0");
	expect_refused(rig, "info", "info of what?");
	expect_refused(rig, "info x", "info of what?");
	expect_refused(rig, "info m", "mem mtree");
}

/* Each command of the table is in the help, with one line. */
static void test_help(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_ask(rig, "help"), 0);
	for (unsigned i = 0; i < monitor_table.count; i++) {
		char line[64];

		snprintf(line, sizeof(line), "\n  %s ", monitor_table.rows[i].name);
		if (i && strcmp(monitor_table.rows[i].name, "help") != 0)
			assert_non_null(strstr(rig->said, line));
		assert_true(i == 0 ||
			    strcmp(monitor_table.rows[i - 1].name, monitor_table.rows[i].name) < 0);
	}
	expect_words(rig, "help info", "info tlb");
	expect_words(rig, "help page-walk", "page-walk ADDRESS");
}

static void test_running(void **state)
{
	struct rig *rig = *state;
	struct target_resume resumes[2] = { { .action = TARGET_CONTINUE },
		{ .action = TARGET_CONTINUE } };

	assert_int_equal(rig->seat.target.ops->resume(&rig->seat.target, resumes), 0);
	assert_int_equal(rig_ask(rig, "vcpus"), -EBUSY);
	assert_int_equal(rig->seat.target.ops->stop(&rig->seat.target), 0);
	rig_wait(rig, 2);
}

/* ---- vCPUs ------------------------------------------------------------------------------- */

static void test_vcpus(void **state)
{
	struct rig *rig = *state;

	expect_words(rig, "vcpus", "* vCPU 0   thread 1   stopped, ");
	expect_words(
		rig, "vcpus", ", pc 0x10000, space 0x1000, last: continue\n  vCPU 1   thread 2 ");
	expect_words(rig, "vcpus", ", pc 0x11000, space 0x1000, last: continue\n");
	expect_words(rig, "vcpu 1 vcpus", "* vCPU 1");
	expect_said(rig, "vcpu 1 reg rip", "rip                0x11000\n");
	expect_said(rig, "vcpu 1 vcpu 0 reg rip", "rip                0x10000\n");
	expect_refused(rig, "vcpu 2 vcpus", "there are vCPUs 0 to 1");
	expect_refused(rig, "vcpu", "the vCPU is missing");
	expect_refused(rig, "vcpu 1", "which command");
	expect_refused(rig, "vcpu 1 nothing", "no command 'nothing'");
	expect_refused(rig, "vcpus 1", "what is '1' here?");
}

/* ---- settings ---------------------------------------------------------------------------- */

static void test_linear_pc(void **state)
{
	struct rig *rig = *state;

	expect_said(rig, "linear-pc", "pc is a linear address: the code segment's base is in it\n");
	assert_true(rig->vm.vcpus[1].cpu.linear_pc);
	expect_words(rig, "linear-pc off", "flush register-cache");
	assert_false(rig->vm.vcpus[0].cpu.linear_pc);
	assert_false(rig->vm.vcpus[1].cpu.linear_pc);
	expect_said(rig, "linear-pc", "pc is an offset in the code segment\n");
	expect_refused(rig, "linear-pc maybe", "say on or off");
	expect_words(rig, "linear-pc on", "flush register-cache");
	assert_true(rig->vm.vcpus[1].cpu.linear_pc);
}

/* What is not listed has a number, and is known by its name, all the same. */
static void test_list_registers(void **state)
{
	struct rig *rig = *state;
	struct target *target = &rig->seat.target;
	const struct target_description *description = target->ops->description(target);
	unsigned count = description->register_count, few = description->listed_count;

	expect_words(rig, "list-registers all", "unset tdesc filename");
	assert_int_equal(description->listed_count, 0);
	assert_int_equal(description->register_count, count);
	expect_said(rig, "list-registers", "the debugger lists all registers\n");
	expect_refused(rig, "list-registers some", "say all or short");
	expect_words(rig, "list-registers short", "few registers");
	assert_int_equal(description->listed_count, few);
	if (!strcmp(rig->vm.arch->name, "x86_64")) {
		assert_in_range(few, 1, count - 1);
		expect_words(rig, "reg dr7", "dr7");
	}
}

static const char *architecture(struct rig *rig)
{
	struct target *target = &rig->seat.target;

	return target->ops->description(target)->architecture;
}

/* A layout is changed by the debugger's next look at the description, and not before. */
static void test_arch(void **state)
{
	static const struct target_code never = { (const uint8_t *)"\x22\x00\x27", 3 };
	struct target_breakpoint_spec spec = {
		.address = FAKE_CODE, .length = 1, .conditions = &never, .condition_count = 1
	};
	struct rig *rig = *state;
	struct target *target = &rig->seat.target;
	uint8_t value[TARGET_REGISTER_MAX_BYTES] = { 0 };

	if (!rig->vm.arch->view_count) {
		expect_refused(rig, "arch", "one layout");
		return;
	}
	expect_said(rig, "arch", "the next description is of x86-64\n");
	expect_words(rig, "arch i386", "unset tdesc filename");
	expect_refused(rig, "arch arm", "auto, x86-64, i386 and i8086");
	assert_string_equal(architecture(rig), "i386:x86-64");
	target->ops->renew_description(target, 1);
	assert_string_equal(architecture(rig), "i386");
	assert_int_equal(target->ops->register_read(target, 1, 8, value), 0); /* eip */
	assert_memory_equal(value, "\x00\x00\x01\x00", 4);
	memcpy(value, "\x78\x56\x34\x12\0\0\0\0", 8);
	assert_int_equal(target->ops->register_write(target, 1, 1, value), 0);
	expect_said(rig, "reg ecx", "ecx                0x12345678\n");
	assert_int_equal(target->ops->breakpoint_insert(target, 1, &spec), -EINVAL);
	expect_words(rig, "arch auto", "what fits the mode");
	assert_string_equal(architecture(rig), "i386");
	target->ops->renew_description(target, 1); /* the vCPU is in 64-bit mode */
	assert_string_equal(architecture(rig), "i386:x86-64");
	expect_said(rig, "reg rcx", "rcx                0x12345678\n");
	assert_int_equal(target->ops->breakpoint_insert(target, 1, &spec), 0);
}

/* ---- registers --------------------------------------------------------------------------- */

static void test_registers(void **state)
{
	struct rig *rig = *state;

	expect_said(rig, "reg rbx = 0x1234", "rbx                0x1234\n");
	expect_said(rig, "reg RBX", "rbx                0x1234\n");
	expect_said(rig, "reg $rbx=$rip+2*(3 + 1)", "rbx                0x10008\n");
	expect_said(rig, "reg rbx = -1", "rbx                0xffffffffffffffff\n");
	expect_said(rig, "reg xmm3 = 0x0102030405060708090a0b0c0d0e0f10",
		"xmm3               0x102030405060708090a0b0c0d0e0f10\n");
	expect_words(rig, "reg eflags", "[");
	expect_words(rig, "regs", "rbx");
	expect_words(rig, "regs all", "xmm3");
	expect_words(rig, "regs vector", "xmm3");
	expect_words(rig, "sregs", "cr3");
	expect_words(rig, "sysregs", "efer");
	expect_words(rig, "info registers", "RBX=ffffffffffffffff\n");
	expect_words(rig, "info registers", "CR3=");
	assert_null(strstr(rig->said, "XMM"));
	expect_words(rig, "info registers", "\nGDT=     0000000000000000 00000000\n");
}

static void test_registers_refused(void **state)
{
	struct rig *rig = *state;

	expect_refused(rig, "reg", "which register?");
	expect_refused(rig, "reg nothing", "no register is called 'nothing'");
	expect_refused(rig, "reg rax rbx", "what is 'rbx' here?");
	expect_refused(rig, "reg rax =", "the value is missing");
	expect_refused(rig, "reg rax = 0x1ffffffffffffffff", "more than 64 bits");
	expect_refused(rig, "reg rax = 12q", "'12q' is no number");
	expect_refused(rig, "reg rax = (1", "a ')' is missing");
	expect_refused(rig, "reg rax = 1 2", "what is '2' here?");
	expect_refused(rig, "reg rax = $nothing", "no register is called");
	expect_refused(rig, "reg rax = $xmm0", "more than 64 bits");
	expect_refused(
		rig, "reg rax = ((((((((((((((((((((1))))))))))))))))))))", "too many brackets");
	expect_refused(rig, "reg xmm0 = 1", "0x and at most 32 digits");
	expect_refused(rig, "reg xmm0 = 0x", "0x and at most 32 digits");
	expect_refused(rig, "reg xmm0 = 0x1g", "0x and at most 32 digits");
	expect_refused(rig, "reg xmm0 = 0x102030405060708090a0b0c0d0e0f1011", "at most 32 digits");
	expect_refused(rig, "reg cs = 0x100000000", "cs has 32 bits");
	expect_refused(rig, "regs nothing", "no register is in 'nothing'");
	expect_refused(rig, "sregs 1", "what is '1' here?");
}

static void test_numbered(void **state)
{
	struct rig *rig = *state;

	expect_said(rig, "msr 0x1234 = 5 + 1", "0x1234             0x6\n");
	expect_said(rig, "msr 4660", "4660               0x6\n");
	expect_said(rig, "vcpu 1 msr 0x1234", "0x1234             0x0\n");
	expect_words(rig, "msr efer", "LMA");
	expect_words(rig, "reg rip", "0x10000");
	expect_refused(rig, "msr 0x1235", "KVM gives no 0x1235");
	expect_refused(rig, "msr 0x1235 = 1", "KVM does not take this for 0x1235");
	expect_refused(rig, "msr 0x1234 5", "what is '5' here?");
	expect_refused(rig, "msr 0x1234 =", "the value is missing");
	expect_refused(rig, "msr 0x100001234", "no register is called");
	expect_refused(rig, "msr", "which register?");
}

/* ---- memory ------------------------------------------------------------------------------ */

static void test_xp(void **state)
{
	struct rig *rig = *state;

	fake_lender_write(&rig->lender, 0x20000,
		"\x01\x02\x03\x04\x05\x06\x07\x88\xff"
		"ABCDEFGH",
		17);
	expect_said(rig, "xp 0x20000", "0000000000020000: 0x04030201\n");
	expect_said(rig, "xp/x 0x20000", "0000000000020000: 0x04030201\n");
	expect_said(rig, "xp /2gx 0x20000",
		"0000000000020000: 0x8807060504030201 0x47464544434241ff\n");
	expect_said(rig, "mem xp/3gx 0x20000",
		"0000000000020000: 0x8807060504030201 0x47464544434241ff\n"
		"0000000000020010: 0x9090909090909048\n");
	expect_said(rig, "xp/3xb 0x20000", "0000000000020000: 0x01 0x02 0x03\n");
	expect_said(rig, "xp/9xb 0x20000",
		"0000000000020000: 0x01 0x02 0x03 0x04 0x05 0x06 0x07 0x88\n"
		"0000000000020008: 0xff\n");
	expect_said(rig, "xp/2db 0x20007", "0000000000020007: -120  -1\n");
	expect_said(rig, "xp/1ub 0x20007", "0000000000020007: 136\n");
	expect_said(rig, "xp/1ob 0x20007", "0000000000020007: 0210\n");
	expect_said(rig, "xp/3c 0x20008", "0000000000020008: '.' 'A' 'B'\n");
	expect_said(
		rig, "x/2gx 0x220000", "0000000000220000: 0x8807060504030201 0x47464544434241ff\n");
	expect_said(rig, "x /1xb $rip + 0x10000", "0000000000020000: 0x01\n");
	expect_said(rig, "xp/1hx 0x10000 + 0x10000", "0000000000020000: 0x0201\n");
}

static void test_xp_refused(void **state)
{
	struct rig *rig = *state;

	expect_refused(rig, "xp", "the address is missing");
	expect_refused(rig, "xp/4i 0x1000", "'i' is no format");
	expect_refused(rig, "xp/0x 0x1000", "1 to 65536 bytes");
	expect_refused(rig, "xp/65537xb 0", "1 to 65536 bytes");
	expect_refused(rig, "xp/99999999999999999999xb 0", "is no format");
	expect_refused(rig, "xp 0x40000", "no guest memory");
	expect_refused(rig, "xp/xg 0xffffffffffffffff", "no guest memory");
	expect_refused(rig, "xp/xg 0x3fffc", "no guest memory");
	expect_refused(rig, "x/xg 0x7fffffffffff", "nothing to be read at 0x7fffffffffff");
	expect_refused(rig, "x", "the address is missing");
	expect_refused(rig, "gpa2hva 0x40000", "no guest memory");
	expect_refused(rig, "gpa2hva", "the address is missing");
	expect_refused(rig, "xp 1 2", "what is '2' here?");
	expect_refused(rig, "mem", "say mem map");
	expect_refused(rig, "mem xpx 1", "say mem map");
	expect_refused(rig, "mem map 1", "what is '1' here?");
}

/* What we have planted is not what is there, for people either. */
static void test_xp_hides(void **state)
{
	struct rig *rig = *state;
	struct target_breakpoint_spec spec = {
		.type = TARGET_BREAK_SOFTWARE, .address = FAKE_CODE + 0x800, .length = 1
	};
	struct target_resume resumes[2] = { { .action = TARGET_CONTINUE },
		{ .action = TARGET_CONTINUE } };
	const struct target_ops *ops = rig->seat.target.ops;

	assert_int_equal(ops->breakpoint_insert(&rig->seat.target, 1, &spec), 0);
	expect_words(rig, "breakpoints",
		"software 0x10800, guest-physical 0x10800, not planted yet, debugger 1, 0 hits\n");
	assert_int_equal(ops->resume(&rig->seat.target, resumes), 0);
	assert_int_equal(ops->stop(&rig->seat.target), 0);
	rig_wait(rig, 2);
	assert_int_equal(rig->lender.memory[0x10800], 0xcc);
	expect_said(rig, "xp/1xb 0x10800", "0000000000010800: 0x90\n");
	expect_words(rig, "breakpoints", "guest-physical 0x10800, planted, debugger 1, 0 hits\n");
	spec.type = TARGET_WATCH_WRITE;
	spec.length = 4;
	assert_int_equal(ops->breakpoint_insert(&rig->seat.target, 1, &spec), 0);
	expect_words(rig, "breakpoints", "watch    0x10800, 4 bytes, debugger 1, 0 hits\n");
}

/* One with a condition is not planted where a debug register is free. */
static void test_breakpoint_in_register(void **state)
{
	static const struct target_code never = { (const uint8_t *)"\x22\0\x27", 3 };
	struct rig *rig = *state;
	struct target_breakpoint_spec spec = { .type = TARGET_BREAK_SOFTWARE,
		.address = FAKE_CODE + 0x800,
		.length = 1,
		.conditions = &never,
		.condition_count = 1 };
	struct target_resume resumes[2] = { { .action = TARGET_CONTINUE },
		{ .action = TARGET_CONTINUE } };
	const struct target_ops *ops = rig->seat.target.ops;

	assert_int_equal(ops->breakpoint_insert(&rig->seat.target, 1, &spec), 0);
	assert_int_equal(ops->resume(&rig->seat.target, resumes), 0);
	assert_int_equal(ops->stop(&rig->seat.target), 0);
	rig_wait(rig, 2);
	assert_int_equal(rig->lender.memory[0x10800], 0x90);
	expect_words(rig, "breakpoints",
		"software 0x10800, guest-physical 0x10800, in a debug register, debugger 1, 1 "
		"conditions, 0 hits\n");
}

static void test_mem_map(void **state)
{
	expect_said(*state, "mem map",
		"0000000000000000-0000000000040000 0000000000040000 rw file, VMM address "
		"0x7000000\n"
		"1 regions, 256 KiB\n");
	expect_words(*state, "info mtree", "1 regions");
	expect_said(*state, "gpa2hva 0x123", "Host virtual address for 0x123 is 0x7000123\n");
}

/* ---- paging ------------------------------------------------------------------------------ */

static void test_page_walk(void **state)
{
	struct rig *rig = *state;
	const char *line;
	unsigned lines = 0;

	expect_words(rig, "page-walk 0x10123", "0x10123 is guest-physical 0x10123, in a page of ");
	for (line = rig->said; (line = strchr(line, '\n')); line++)
		lines++;
	assert_in_range(lines, 4, 5);
	assert_memory_equal(rig->said, "PML4E    table 0x", 17);
	expect_words(rig, "page-walk $rip", "0x10000 is guest-physical 0x10000");
	expect_words(rig, "page-walk 0x7fffffffffff", "0x7fffffffffff is not mapped\n");
	expect_words(rig, "page-walk 0x800000000000", "is no address of this mode\n");
	expect_said(rig, "gva2gpa 0x210123", "gpa: 0x10123\n");
	expect_said(rig, "gva2gpa 0x7fffffffffff", "Unmapped\n");
	expect_refused(rig, "page-walk", "the address is missing");
	expect_refused(rig, "gva2gpa 1 2", "what is '2' here?");
}

/* Every line of "info tlb" is what a walk says, and "info mem" is about the same addresses. */
static void test_all_pages(void **state)
{
	struct rig *rig = *state;
	unsigned long long gva, gpa, total = 0, start, end, size, mem = 0;
	char letters[16];
	static char said[sizeof(rig->said)];
	const char *line = said;

	assert_int_equal(rig_ask(rig, "info tlb"), 0);
	strcpy(said, rig->said);
	for (; sscanf(line, "%llx: %llx %15s\n", &gva, &gpa, letters) == 3;
		line = strchr(line, '\n') + 1) {
		char walk[64];

		snprintf(walk, sizeof(walk), "gva2gpa %llu", gva);
		assert_int_equal(rig_ask(rig, walk), 0);
		snprintf(walk, sizeof(walk), "gpa: 0x%llx\n", gpa);
		assert_string_equal(rig->said, walk);
		assert_int_equal(strlen(letters), 9);
		total += letters[2] == 'P' ? 0x200000 : 0x1000;
	}
	assert_string_equal(line, "");
	assert_true(total > 0);
	assert_int_equal(rig_ask(rig, "info mem"), 0);
	strcpy(said, rig->said);
	for (line = said; sscanf(line, "%llx-%llx %llx %15s\n", &start, &end, &size, letters) == 4;
		line = strchr(line, '\n') + 1) {
		assert_true(end - start == size);
		mem += size;
	}
	assert_string_equal(line, "");
	assert_true(mem == total);
	expect_refused(rig, "info mem x", "the address is missing");
	expect_refused(rig, "info tlb 1 2", "what is '2' here?");
}

static void test_paging_off(void **state)
{
	struct rig *rig = *state;

	expect_words(rig, "reg cr0", "PG");
	rig->vm.vcpus[0].cpu.x86_64.sregs.cr0 = 0x11;
	rig->vm.vcpus[0].cpu.x86_64.sregs.efer = 0;
	expect_said(rig, "info mem", "PG disabled\n");
	expect_said(rig, "info tlb", "PG disabled\n");
	expect_words(rig, "page-walk 0x10000", "an address space without paging\n");
}

/* ---- the guest's own --------------------------------------------------------------------- */

/* First the debugger, then the guest, each time; what is due is not lost by a look. */
static void test_guest_breakpoints_stop(void **state)
{
	struct rig *rig = *state;
	struct fake_vcpu *vcpu = &rig->lender.vcpus[0];

	expect_said(rig, "exceptions", "none so far\n");
	expect_said(rig, "guest-breakpoints", "the guest's own go to the guest\n");
	expect_words(rig, "guest-breakpoints stop", "stop the debugger");
	expect_words(rig, "policy", "debug exceptions stop the debugger first");
	fake_lender_write(&rig->lender, FAKE_CODE, "\x90\xcc\x90\xeb\xfb", 5);
	for (unsigned n = 0; n < 5; n++) {
		rig_resume(rig);
		rig_wait(rig, 2 + n);
		assert_int_equal(rig->stop.reason, TARGET_STOP_TRAP);
		assert_int_equal(rig->stop.thread, 1);
		expect_words(rig, "vcpus",
			"pc 0x10001, space 0x1000, last: continue, an exception is due\n");
		assert_int_equal(atomic_load(&vcpu->guest_bp), n);
	}
	expect_said(rig, "exceptions",
		"#BP (INT3)                      4, the last on vCPU 0 at 0x10001\n");
	expect_said(rig, "guest-breakpoints pass", "the guest's own go to the guest\n");
	rig_resume(rig);
	while (atomic_load(&vcpu->guest_bp) < 100)
		rig_wait(rig, rig->stops);
	assert_int_equal(rig->seat.target.ops->stop(&rig->seat.target), 0);
	rig_wait(rig, 7);
	expect_refused(rig, "guest-breakpoints maybe", "say stop or pass");
	expect_refused(rig, "exceptions 1", "what is '1' here?");
}

/* One that the debugger has moved away from is not due any more. */
static void test_guest_breakpoint_moved(void **state)
{
	struct rig *rig = *state;
	struct fake_vcpu *vcpu = &rig->lender.vcpus[0];

	expect_words(rig, "guest-breakpoints stop", "stop the debugger");
	fake_lender_write(&rig->lender, FAKE_CODE, "\x90\xcc\xeb\xfe", 4);
	rig_resume(rig);
	rig_wait(rig, 2);
	assert_int_equal(rig->stop.reason, TARGET_STOP_TRAP);
	expect_said(rig, "reg rip = $rip + 1", "rip                0x10002\n");
	rig_resume(rig);
	assert_int_equal(rig->seat.target.ops->stop(&rig->seat.target), 0);
	rig_wait(rig, 3);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	assert_int_equal(atomic_load(&vcpu->guest_bp), 0);
	expect_said(rig, "exceptions", "none so far\n");
}

/* ---- rules ------------------------------------------------------------------------------- */

static void test_filter(void **state)
{
	struct rig *rig = *state;

	expect_said(rig, "filter", "none\n");
	expect_said(rig, "filter 0x10800 space here level user",
		"0x10800: 0 hits, only in space 0x1000, only in user mode\n");
	expect_said(rig, "filter 0x10800 space any", "0x10800: 0 hits, only in user mode\n");
	expect_said(rig, "filter $rip + 0x800 space 0x5000 level kernel",
		"0x10800: 0 hits, only in space 0x5000, only in kernel mode\n");
	expect_said(rig, "ignore 0x10900 3", "0x10900: 0 hits, ignores 3\n");
	expect_said(rig, "filter",
		"0x10800: 0 hits, only in space 0x5000, only in kernel mode\n"
		"0x10900: 0 hits, ignores 3\n");
	expect_said(rig, "filter 0x10800 level any space any", "0x10800: 0 hits\n");
	expect_said(rig, "ignore 0x10900 0", "0x10900: 0 hits\n");
}

static void test_filter_refused(void **state)
{
	struct rig *rig = *state;

	expect_refused(rig, "filter x", "the address is missing");
	expect_refused(rig, "filter 1 spac", "what is 'spac' here?");
	expect_refused(rig, "filter 1 space", "the space is missing");
	expect_refused(rig, "filter 1 space 0x5000 level", "the level is kernel, user or any");
	expect_refused(rig, "filter 1 level users", "the level is kernel, user or any");
	expect_refused(rig, "ignore", "the address is missing");
	expect_refused(rig, "ignore 1", "the count is missing");
	expect_refused(rig, "ignore 1 2 3", "what is '3' here?");
	expect_said(rig, "filter", "none\n");
}

/* What the rules say is done. */
static void test_rules_at_work(void **state)
{
	struct rig *rig = *state;
	struct target *target = &rig->seat.target;
	struct target_breakpoint_spec spec = {
		.type = TARGET_BREAK_SOFTWARE, .address = FAKE_CODE, .length = 1
	};

	fake_lender_write(&rig->lender, FAKE_CODE, "\x90\x90\xeb\xfc", 4);
	assert_int_equal(target->ops->breakpoint_insert(target, 1, &spec), 0);
	expect_said(rig, "ignore 0x10000 5", "0x10000: 0 hits, ignores 5\n");
	rig_resume(rig);
	rig_wait(rig, 2);
	assert_int_equal(rig->stop.reason, TARGET_STOP_SWBREAK);
	expect_words(rig, "breakpoints", "debugger 1, 6 hits\n");
	expect_words(rig, "filter 0x10000 level user", "only in user mode\n");
	rig_resume(rig);
	assert_int_equal(target->ops->stop(target), 0);
	rig_wait(rig, 3);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
	expect_words(rig, "breakpoints", ", only in user mode\n");
	assert_int_equal(
		target->ops->breakpoint_remove(target, 1, TARGET_BREAK_SOFTWARE, FAKE_CODE, 1), 0);
	expect_said(rig, "breakpoints", "not set  0x10000, 6 hits, only in user mode\n");
}

/* ---- several debuggers ------------------------------------------------------------------- */

/* Who observes may look, and changes nothing until it takes the wheel. */
static void test_observer(void **state)
{
	struct rig *rig = *state;
	struct seat other;
	struct target *driver = &rig->seat.target, *observer = &other.target;
	struct target_text *text = &rig->text;
	static const char *const changes[] = { "reg rax = 1", "msr 0x1234 = 1",
		"guest-breakpoints stop", "filter 0x10000 level user", "ignore 0x10000 1",
		"linear-pc on", "stop-at-reset on", "list-registers all" };

	assert_int_equal(seat_init(&other, &rig->vm), 0);
	expect_words(rig, "policy", "2; this one is debugger 1, and drives\n");
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		rig->length = 0;
		assert_int_equal(observer->ops->monitor(observer, 1, changes[i], text), -EPERM);
		assert_non_null(strstr(rig->said, "'monitor drive' takes the wheel\n"));
	}
	rig->length = 0;
	assert_int_equal(observer->ops->monitor(observer, 1, "vcpus", text), 0);
	assert_int_equal(observer->ops->monitor(observer, 1, "drive", text), 0);
	assert_non_null(strstr(rig->said, "2; this one is debugger 2, and drives\n"));
	rig->length = 0;
	assert_int_equal(driver->ops->monitor(driver, 1, "reg rax = 1", text), -EPERM);
	assert_int_equal(driver->ops->monitor(driver, 1, "drive", text), 0);
	seat_fini(&other);
	expect_words(rig, "policy", "1; this one is debugger 1, and drives\n");
}

/* ---- the rest ---------------------------------------------------------------------------- */

static void test_policy(void **state)
{
	struct rig *rig = *state;

	expect_words(rig, "policy", "after 1000 ms");
	expect_words(rig, "policy", "the same when the debugger is lost");
	rig->vm.keeps = true;
	expect_words(rig, "policy", "stays so for the next debugger");
	rig->vm.keep_s = 30;
	expect_words(rig, "policy", "stays so for 30 s");
	rig->vm.keeps = false;
	expect_refused(*state, "policy x", "what is 'x' here?");
	expect_refused(*state, "drive x", "what is 'x' here?");
	expect_refused(*state, "kaslr", "no Linux kernel is found");
	expect_refused(*state, "kaslr x", "what is 'x' here?");
}

static void test_stats(void **state)
{
	struct rig *rig = *state;
	unsigned long long runs, steps, stops, walks;

	assert_int_equal(rig_ask(rig, "page-walk 0x10000"), 0);
	assert_int_equal(rig_ask(rig, "stats"), 0);
	assert_int_equal(sscanf(rig->said,
				 "vCPU runs %llu, of which %llu single instructions\n"
				 "guest's stops %llu\npage walks %llu\n",
				 &runs, &steps, &stops, &walks),
		4);
	assert_int_equal(stops, 1);
	assert_int_equal(steps, 0);
	assert_in_range(walks, 1, 100);
	expect_refused(rig, "stats x", "what is 'x' here?");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_unknown),
		TEST(test_beginnings),
		TEST(test_help),
		TEST(test_running),
		TEST(test_vcpus),
		TEST(test_linear_pc),
		TEST(test_list_registers),
		TEST(test_arch),
		TEST(test_registers),
		TEST(test_registers_refused),
		TEST(test_numbered),
		TEST(test_xp),
		TEST(test_xp_refused),
		TEST(test_xp_hides),
		TEST(test_breakpoint_in_register),
		TEST(test_mem_map),
		TEST(test_page_walk),
		TEST(test_all_pages),
		TEST(test_paging_off),
		TEST(test_guest_breakpoints_stop),
		TEST(test_guest_breakpoint_moved),
		TEST(test_filter),
		TEST(test_filter_refused),
		TEST(test_rules_at_work),
		TEST(test_observer),
		TEST(test_policy),
		TEST(test_stats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
