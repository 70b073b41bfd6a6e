/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VMM whose reports (kvm/channel.h) are wrong in every field, cut, too long, left out, repeated or
 * late, one of them in each conversation with a debugger.  What is allowed: that the debugger's calls fail,
 * and that the VM is lost.  What is not: a crash, a wait without end, a byte left in the guest, a busy loop.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/vm_rig.h"

#define LOOP "\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\xeb\xf4"

enum { REPORTS = 14, SURELY_READ = 6, CALL_MS = 100, STOP_MS = 100, ALL_MS = 3000 };

/* ---- the table --------------------------------------------------------------------------- */

struct field {
	const char *name;
	unsigned offset, size;
};

#define HEAD(member)                                                                               \
	{                                                                                          \
#member, offsetof(struct channel_report, member),                                  \
			sizeof(((struct channel_report *)NULL)->member)                            \
	}
#define RESULT(member)                                                                             \
	{                                                                                          \
		"result." #member,                                                                 \
			sizeof(struct channel_report) + offsetof(struct channel_result, member),   \
			sizeof(((struct channel_result *)NULL)->member)                            \
	}

static const struct field fields[] = { HEAD(type), HEAD(seq), HEAD(reason), HEAD(run_errno),
	HEAD(exit_reason), HEAD(result_count), HEAD(failed), HEAD(debug), RESULT(rc), RESULT(size),
	{ "payload", sizeof(struct channel_report) + sizeof(struct channel_result), 8 } };

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static const uint64_t evil[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 144, 511, 512, 513, 0xffff, 0x7fffffff,
	0x80000000, 0xffffffff, 0xfffffff4, UINT64_MAX, UINT64_C(1) << 63 };

enum { EVIL = sizeof(evil) / sizeof(evil[0]) };

static void test_every_field_is_in_the_table(void **state)
{
	unsigned times[sizeof(struct channel_report) + sizeof(struct channel_result) + 8] = { 0 };

	(void)state;
	for (unsigned i = 0; i < FIELDS; i++)
		for (unsigned at = 0; at < fields[i].size; at++)
			times[fields[i].offset + at]++;
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] != 1)
			fail_msg("byte %u of a report is %u times in fields[]", i, times[i]);
}

/* ---- a debugger that takes failures ------------------------------------------------------ */

static bool comes_to_rest(struct rig *rig, int ms)
{
	int64_t end = now_ms() + ms;

	while (rig->owed && now_ms() < end)
		rig_turn(rig, 5);
	return !rig->owed;
}

/* Where a lie has led it past its breakpoint it is interrupted. */
static void wait_for_stop(struct rig *rig)
{
	if (comes_to_rest(rig, 100))
		return;
	leave(rig, rig->seat.target.ops->stop(enter(rig)));
	vm_pump(rig->vm);
	if (!comes_to_rest(rig, ALL_MS))
		fail_msg("no stop is told (vm state %d)", rig->vm->state);
}

static int attempt_stop(struct rig *rig)
{
	int rc = leave(rig, rig->seat.target.ops->stop(enter(rig)));

	rig->owed = rc == 0;
	vm_pump(rig->vm);
	wait_for_stop(rig);
	return rc;
}

static void attempt_resume(struct rig *rig, enum target_action action)
{
	const enum target_action actions[FAKE_VCPUS] = { action, action, action, action };

	if (rig_resume_each(rig, actions) == 0)
		wait_for_stop(rig);
}

static void attempt_looks(struct rig *rig)
{
	const struct target_ops *ops = rig->seat.target.ops;
	uint8_t value[TARGET_REGISTER_MAX_BYTES];
	char text[128];

	for (unsigned number = 0; number < 20; number += 8)
		leave(rig, ops->register_read(enter(rig), 1, number, value));
	leave(rig, (int)ops->memory_read(enter(rig), 1, FAKE_CODE, value, 8));
	ops->thread_describe(enter(rig), 1, text, sizeof(text));
	leave(rig, 0);
	vm_pump(rig->vm);
}

static void converse(struct rig *rig)
{
	attempt_stop(rig);
	attempt_looks(rig);
	rig_insert_kind(rig, TARGET_BREAK_SOFTWARE, FAKE_CODE + 4, 1);
	attempt_resume(rig, TARGET_CONTINUE);
	attempt_looks(rig);
	attempt_resume(rig, TARGET_STEP);
	rig_insert_kind(rig, TARGET_BREAK_HARDWARE, FAKE_CODE + 6, 1);
	attempt_resume(rig, TARGET_CONTINUE);
	attempt_resume(rig, TARGET_CONTINUE);
	attempt_looks(rig);
	rig->owed = false;
	seat_fini(&rig->seat);
	vm_pump(rig->vm);
}

/* A vCPU whose report never comes is waited for, by nobody else, as long as there is a VMM. */
static void part(struct rig *rig)
{
	int64_t end = now_ms() + ALL_MS;

	while (!vm_is_released(rig->vm) && now_ms() < end && rig->lender.vcpus[0].spoilt.times)
		rig_turn(rig, 20);
	for (unsigned i = 0; i < 2 && !rig->lender.vcpus[0].spoilt.times; i++)
		atomic_store(&rig->lender.vcpus[i].die, true);
	rig_await_release(rig);
}

/* ---- one conversation -------------------------------------------------------------------- */

/* fatal: no right report can look so, and one VM less is the answer. */
static void try_one(const struct fake_spoilt *spoilt, int report, const char *what, bool fatal)
{
	struct rig *rig = rig_make(2);
	int64_t begin = now_ms();

	for (unsigned i = 0; i < 2; i++)
		CODE(rig, i, LOOP);
	rig->vm->call_timeout_ms = CALL_MS;
	rig->vm->stop_timeout_ms = STOP_MS;
	rig->lender.vcpus[0].spoilt = *spoilt;
	atomic_store(&rig->lender.vcpus[0].spoil_in, report);
	fake_lender_start(&rig->lender);
	converse(rig);
	part(rig);
	if (fatal && report <= SURELY_READ && rig->vm->state != VM_GONE)
		fail_msg("%s of report %d, 0x%llx: it passes for a report", what, report,
			(unsigned long long)spoilt->value);
	if (!fake_lender_is_clean(&rig->lender) || journal_count(&rig->journal))
		fail_msg("%s of report %d: the guest is not clean", what, report);
	rig_assert_quiet(rig);
	if (now_ms() - begin > 4 * ALL_MS)
		fail_msg("%s of report %d: it took long", what, report);
	rig_drop_vm(rig);
	fake_lender_fini(&rig->lender);
	journal_close(&rig->journal);
	free(rig);
}

static bool is_fatal(const struct field *field, uint64_t value)
{
	if (!strcmp(field->name, "type"))
		return (uint32_t)value != CHANNEL_REPORT;
	if (!strcmp(field->name, "seq"))
		return (uint32_t)value > 1000;
	if (!strcmp(field->name, "reason"))
		return (uint32_t)value > CHANNEL_ENDING;
	if (!strcmp(field->name, "run_errno"))
		return (int32_t)value < 0;
	if (!strcmp(field->name, "result_count"))
		return (uint16_t)value > CHANNEL_MAX_STEPS;
	if (!strcmp(field->name, "failed"))
		return (uint16_t)value > 1;
	return false;
}

static void test_wrong_fields(void **state)
{
	int report = 0;

	(void)state;
	for (unsigned i = 0; i < FIELDS; i++)
		for (unsigned n = 0; n < EVIL; n++) {
			struct fake_spoilt spoilt = { .offset = fields[i].offset,
				.size = fields[i].size < 8 ? fields[i].size : 8,
				.value = evil[n],
				.times = 1 };

			try_one(&spoilt, 1 + report++ % REPORTS, fields[i].name,
				is_fatal(&fields[i], evil[n]));
		}
}

static void test_wrong_lengths_and_times(void **state)
{
	static const struct fake_spoilt ways[] = {
		{ .times = 0 },
		{ .times = 2 },
		{ .times = 3 },
		{ .times = 1, .delay_ms = 2 * CALL_MS },
		{ .times = 1, .longer = 1 },
		{ .times = 1, .longer = 8 },
		{ .times = 1, .longer = 1 << 20 },
		{ .times = 1, .longer = -1 },
		{ .times = 1, .longer = -8 },
		{ .times = 1, .longer = -(1 << 20) },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		for (int report = 1; report <= REPORTS; report += 3)
			try_one(&ways[i], report, "length or times",
				ways[i].times > 1 || ways[i].longer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_field_is_in_the_table),
		cmocka_unit_test(test_wrong_fields),
		cmocka_unit_test(test_wrong_lengths_and_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
