/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/channel.c with the allow-list of one architecture, and, where the host is of that architecture,
 * the numbers in the list against the kernel's own header.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/kvm.h>

#include <cmocka.h>

#include "kvm/channel.h"
#include "kvm/channel_rules.h"

/* Numbers that both lists have. */
enum { SET_MP_STATE_SIZE = 4 };
static const uint32_t set_mp_state = CHANNEL_WRITES(0x99, 4);

/* ---- building messages ------------------------------------------------------------------- */

static _Alignas(8) uint8_t bytes[CHANNEL_MAX_BYTES + 4096];
static size_t length;

static void begin(uint32_t type, uint32_t flags, uint16_t before, uint16_t after)
{
	struct channel_program head = { type, 5, flags, before, after };

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &head, sizeof(head));
	length = sizeof(head);
}

static void add(uint32_t first, uint32_t size, const void *payload)
{
	uint32_t head[2] = { first, size };

	memcpy(bytes + length, head, sizeof(head));
	if (payload)
		memcpy(bytes + length + sizeof(head), payload, size);
	length += sizeof(head) + channel_padded(size);
}

static void begin_report(uint32_t reason, uint16_t count, uint16_t failed)
{
	struct channel_report head = {
		.type = CHANNEL_REPORT, .reason = reason, .result_count = count, .failed = failed
	};

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &head, sizeof(head));
	length = sizeof(head);
}

static int check(void)
{
	return channel_check_program(bytes, length);
}

static int check_report(void)
{
	return channel_check_report(bytes, length);
}

/* ---- programs ---------------------------------------------------------------------------- */

static void test_kick(void **state)
{
	(void)state;
	begin(CHANNEL_KICK, 0, 0, 0);
	assert_int_equal(check(), 0);
	begin(CHANNEL_KICK, CHANNEL_RUN, 0, 0);
	assert_int_equal(check(), -EPROTO);
	begin(CHANNEL_KICK, 0, 1, 0);
	assert_int_equal(check(), -EPROTO);
	begin(CHANNEL_KICK, 0, 0, 0);
	length += 8;
	assert_int_equal(check(), -EPROTO);
}

static void test_empty_and_short(void **state)
{
	(void)state;
	begin(CHANNEL_PROGRAM, CHANNEL_RUN, 0, 0);
	assert_int_equal(check(), 0);
	for (length = 0; length < sizeof(struct channel_program); length++)
		assert_int_equal(check(), -EPROTO);
}

static void test_types(void **state)
{
	(void)state;
	begin(CHANNEL_REPORT, 0, 0, 0);
	assert_int_equal(check(), -EPROTO);
	begin(0, 0, 0, 0);
	assert_int_equal(check(), -EPROTO);
	begin(99, 0, 0, 0);
	assert_int_equal(check(), -EPROTO);
}

static void test_flags(void **state)
{
	(void)state;
	begin(CHANNEL_PROGRAM, CHANNEL_RUN | CHANNEL_ONCE, 0, 0);
	assert_int_equal(check(), 0);
	begin(CHANNEL_PROGRAM, CHANNEL_ONCE, 0, 0); /* once what? */
	assert_int_equal(check(), -EPROTO);
	begin(CHANNEL_PROGRAM, 4, 0, 0);
	assert_int_equal(check(), -EPROTO);
	begin(CHANNEL_PROGRAM, 0, 0, 1); /* looks, and stays parked */
	add(set_mp_state, SET_MP_STATE_SIZE, NULL);
	assert_int_equal(check(), 0);
}

static void test_steps(void **state)
{
	(void)state;
	begin(CHANNEL_PROGRAM, CHANNEL_RUN, 1, 1);
	add(set_mp_state, SET_MP_STATE_SIZE, NULL);
	add(CHANNEL_SYNC_CODE, 16, NULL);
	assert_int_equal(check(), 0);
	for (size_t whole = length; length > 0; length--) /* every cut is noticed */
		if (length < whole)
			assert_int_equal(check(), -EPROTO);
}

static void test_surplus_bytes(void **state)
{
	(void)state;
	begin(CHANNEL_PROGRAM, 0, 1, 0);
	add(set_mp_state, SET_MP_STATE_SIZE, NULL);
	length += 8;
	assert_int_equal(check(), -EPROTO);
}

static void test_counts_beyond_steps(void **state)
{
	(void)state;
	begin(CHANNEL_PROGRAM, CHANNEL_RUN, 65535, 65535);
	add(set_mp_state, SET_MP_STATE_SIZE, NULL);
	assert_int_equal(check(), -EPROTO);
	begin(CHANNEL_PROGRAM, CHANNEL_RUN, 1, 1);
	add(set_mp_state, SET_MP_STATE_SIZE, NULL);
	assert_int_equal(check(), -EPROTO);
}

static void test_most_steps(void **state)
{
	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		begin(CHANNEL_PROGRAM, 0, (uint16_t)(CHANNEL_MAX_STEPS + extra), 0);
		for (int i = 0; i < CHANNEL_MAX_STEPS + extra; i++)
			add(set_mp_state, SET_MP_STATE_SIZE, NULL);
		assert_int_equal(check(), extra ? -EPROTO : 0);
	}
}

/* A program whose report would not fit is refused. */
static void test_report_fits(void **state)
{
	const size_t room = CHANNEL_MAX_BYTES - sizeof(struct channel_report);
	struct channel_rule big = { 0 };
	unsigned count;
	size_t each;

	(void)state;
	for (size_t i = 0; i < channel_rules.count; i++)
		if (!channel_rules.rule[i].unit && channel_rules.rule[i].size > big.size)
			big = channel_rules.rule[i];
	each = sizeof(struct channel_step) + channel_padded(big.size);
	for (count = (unsigned)(room / each); count <= room / each + 1; count++) {
		begin(CHANNEL_PROGRAM, 0, (uint16_t)count, 0);
		for (unsigned i = 0; i < count; i++)
			add(big.request, big.size, NULL);
		assert_int_equal(check(), count * each <= room ? 0 : -EPROTO);
	}
}

static void test_step_size_lies(void **state)
{
	(void)state;
	begin(CHANNEL_PROGRAM, 0, 1, 0);
	add(set_mp_state, 8, NULL);
	assert_int_equal(check(), -EPROTO);
	begin(CHANNEL_PROGRAM, 0, 1, 0);
	add(set_mp_state, 4, NULL);
	bytes[sizeof(struct channel_program) + 4 + 3] = 0xff; /* size 0xff000004 */
	assert_int_equal(check(), -EPROTO);
}

/* ---- the allow-list ---------------------------------------------------------------------- */

/* Whatever is not one vCPU's state is refused: running, interrupts, VM and device ioctls. */
static void test_not_allowed(void **state)
{
	static const uint32_t others[] = {
		CHANNEL_READS(0x80, 0),
		0xae80 /* RUN */,
		0xae9a /* NMI */,
		0xae01,
		0xae41,
		CHANNEL_WRITES(0x86, 4) /* INTERRUPT */,
		CHANNEL_WRITES(0x8b, 4) /* SIGNAL_MASK */,
		CHANNEL_WRITES(0x46, 32) /* memory */,
		0xaeb7,
		CHANNEL_SWAPS(0xa3, 104),
		0,
		2,
		0x5401 /* TCGETS */,
		UINT32_MAX,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		for (uint32_t size = 0; size < 128; size++)
			assert_false(channel_allows(others[i], size));
}

/* Each rule allows its own sizes, which an ioctl number states too, and no others. */
static void test_exact_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < channel_rules.count; i++) {
		const struct channel_rule *rule = &channel_rules.rule[i];

		for (uint32_t size = 0; size < 5000; size++) {
			bool fits = rule->unit ? size >= rule->size && size <= rule->max &&
							 (size - rule->size) % rule->unit == 0
					       : size == rule->size;

			assert_int_equal(channel_allows(rule->request, size), fits);
		}
		if (!rule->unit && rule->quirk != CHANNEL_CODE)
			assert_int_equal(rule->request >> 16 & 0x3fff, rule->size);
	}
}

static bool list_is_x86(void)
{
	return channel_allows(CHANNEL_READS(0x81, 144), 144);
}

static void test_msrs_count(void **state)
{
	uint32_t get_msrs = CHANNEL_SWAPS(0x88, 8), payload[2 + 4 * 65] = { 2 };

	(void)state;
	if (!list_is_x86()) {
		assert_false(channel_allows(get_msrs, 8 + 2 * 16));
		return;
	}
	begin(CHANNEL_PROGRAM, 0, 1, 0);
	add(get_msrs, 8 + 2 * 16, payload);
	assert_int_equal(check(), 0);
	payload[0] = 3; /* KVM would write past the end */
	begin(CHANNEL_PROGRAM, 0, 1, 0);
	add(get_msrs, 8 + 2 * 16, payload);
	assert_int_equal(check(), -EPROTO);
	assert_true(channel_allows(get_msrs, 8 + 64 * 16));
	assert_false(channel_allows(get_msrs, 8 + 65 * 16));
	assert_false(channel_allows(get_msrs, 8));
}

static void test_cpuid_count(void **state)
{
	uint32_t get_cpuid = CHANNEL_SWAPS(0x91, 8), payload[2 + 10 * 2] = { 2 };

	(void)state;
	if (!list_is_x86()) {
		assert_false(channel_allows(get_cpuid, 8 + 2 * 40));
		return;
	}
	begin(CHANNEL_PROGRAM, 0, 1, 0);
	add(get_cpuid, 8 + 2 * 40, payload);
	assert_int_equal(check(), 0);
	payload[0] = 3; /* KVM would write past the end */
	begin(CHANNEL_PROGRAM, 0, 1, 0);
	add(get_cpuid, 8 + 2 * 40, payload);
	assert_int_equal(check(), -EPROTO);
	assert_true(channel_allows(get_cpuid, 8 + 256 * 40));
	assert_false(channel_allows(get_cpuid, 8 + 257 * 40));
	assert_false(channel_allows(CHANNEL_WRITES(0x90, 8), 8 + 40) /* SET_CPUID2 */);
}

static void test_one_reg_size(void **state)
{
	uint32_t get_one_reg = CHANNEL_WRITES(0xab, 16);
	uint64_t payload[2] = { UINT64_C(0x6030000000100040) }; /* 8 bytes of value */

	(void)state;
	if (list_is_x86()) {
		assert_false(channel_allows(get_one_reg, 16));
		return;
	}
	begin(CHANNEL_PROGRAM, 0, 1, 0);
	add(get_one_reg, 16, payload);
	assert_int_equal(check(), 0);
	for (uint64_t power = 0; power < 16; power++) { /* KVM would write past the end */
		payload[0] = UINT64_C(0x6000000000100040) | power << 52;
		begin(CHANNEL_PROGRAM, 0, 1, 0);
		add(get_one_reg, 16, payload);
		assert_int_equal(check(), power == 3 ? 0 : -EPROTO);
	}
	assert_false(channel_allows(get_one_reg, 8));
	assert_true(channel_allows(get_one_reg, 8 + 256));
	assert_false(channel_allows(get_one_reg, 8 + 257));
}

/* The numbers are written out in the tables: here they meet the kernel's. */
static void test_kernel_numbers(void **state)
{
#if defined(__x86_64__)
	static const struct {
		unsigned long request;
		uint32_t size;
	} known[] = {
		{ KVM_GET_REGS, sizeof(struct kvm_regs) },
		{ KVM_SET_REGS, sizeof(struct kvm_regs) },
		{ KVM_GET_SREGS, sizeof(struct kvm_sregs) },
		{ KVM_SET_SREGS, sizeof(struct kvm_sregs) },
		{ KVM_GET_FPU, sizeof(struct kvm_fpu) },
		{ KVM_SET_FPU, sizeof(struct kvm_fpu) },
		{ KVM_GET_XSAVE, 4096 },
		{ KVM_SET_XSAVE, 4096 },
		{ KVM_GET_XSAVE2, 12288 },
		{ KVM_GET_XCRS, sizeof(struct kvm_xcrs) },
		{ KVM_SET_XCRS, sizeof(struct kvm_xcrs) },
		{ KVM_GET_DEBUGREGS, sizeof(struct kvm_debugregs) },
		{ KVM_SET_DEBUGREGS, sizeof(struct kvm_debugregs) },
		{ KVM_GET_MSRS, 8 + 16 },
		{ KVM_SET_MSRS, 8 + 16 },
		{ KVM_GET_CPUID2, 8 + 40 },
		{ KVM_TRANSLATE, sizeof(struct kvm_translation) },
#elif defined(__aarch64__)
	static const struct {
		unsigned long request;
		uint32_t size;
	} known[] = {
		{ KVM_GET_ONE_REG, 16 },
		{ KVM_SET_ONE_REG, 16 },
#endif
		{ KVM_GET_MP_STATE, sizeof(struct kvm_mp_state) },
		{ KVM_SET_MP_STATE, sizeof(struct kvm_mp_state) },
		{ KVM_GET_VCPU_EVENTS, sizeof(struct kvm_vcpu_events) },
		{ KVM_SET_VCPU_EVENTS, sizeof(struct kvm_vcpu_events) },
		{ KVM_SET_GUEST_DEBUG, sizeof(struct kvm_guest_debug) },
		{ CHANNEL_SYNC_CODE, 16 },
	};
	size_t count = sizeof(known) / sizeof(known[0]);

	(void)state;
#if defined(__x86_64__)
	if (!list_is_x86())
		return; /* the other list, on this host: nothing to meet */
#endif
	assert_int_equal(channel_rules.count, count);
	for (size_t i = 0; i < count; i++)
		assert_true(channel_allows((uint32_t)known[i].request, known[i].size));
}

/* ---- reports ----------------------------------------------------------------------------- */

static void test_report_results(void **state)
{
	(void)state;
	begin_report(CHANNEL_DEBUG, 2, 0);
	add(0, 144, NULL);
	add(1, 3, NULL); /* GET_MSRS returns a count */
	assert_int_equal(check_report(), 0);
	for (size_t whole = length; length > 0; length--)
		if (length < whole)
			assert_int_equal(check_report(), -EPROTO);
}

static void test_report_failed(void **state)
{
	(void)state;
	begin_report(CHANNEL_PARKED, 2, 1);
	add(0, 8, NULL);
	add((uint32_t)-EINVAL, 0, NULL);
	assert_int_equal(check_report(), 0);
	begin_report(CHANNEL_PARKED, 2, 0); /* of an `after` list: a result like others */
	add((uint32_t)-EINVAL, 0, NULL);
	add(0, 8, NULL);
	assert_int_equal(check_report(), 0);
	begin_report(CHANNEL_PARKED, 1, 1); /* says so without having failed */
	add(0, 8, NULL);
	assert_int_equal(check_report(), -EPROTO);
	begin_report(CHANNEL_PARKED, 1, 1); /* failed, with a payload */
	add((uint32_t)-EINVAL, 8, NULL);
	assert_int_equal(check_report(), -EPROTO);
	begin_report(CHANNEL_PARKED, 0, 1);
	assert_int_equal(check_report(), -EPROTO);
}

static void test_report_lies(void **state)
{
	struct channel_report head;

	(void)state;
	begin_report(CHANNEL_ENDING + 1, 0, 0);
	assert_int_equal(check_report(), -EPROTO);
	begin_report(CHANNEL_ASKED, 0, 2);
	assert_int_equal(check_report(), -EPROTO);
	begin_report(CHANNEL_ASKED, 2, 2);
	add((uint32_t)-EINVAL, 0, NULL);
	add((uint32_t)-EINVAL, 0, NULL);
	assert_int_equal(check_report(), -EPROTO);
	begin_report(CHANNEL_ASKED, 0, 0);
	memcpy(&head, bytes, sizeof(head));
	head.run_errno = -1;
	memcpy(bytes, &head, sizeof(head));
	assert_int_equal(check_report(), -EPROTO);
	begin_report(CHANNEL_ASKED, CHANNEL_MAX_STEPS + 1, 0);
	for (unsigned i = 0; i <= CHANNEL_MAX_STEPS; i++)
		add((uint32_t)-EINVAL, 0, NULL);
	assert_int_equal(check_report(), -EPROTO);
	begin_report(CHANNEL_ASKED, 0, 0);
	bytes[0] = CHANNEL_PROGRAM;
	assert_int_equal(check_report(), -EPROTO);
	begin_report(CHANNEL_ASKED, 1, 0); /* a size that wraps when padded */
	add(0, 0, NULL);
	memset(bytes + sizeof(head) + 4, 0xff, 4);
	assert_int_equal(check_report(), -EPROTO);
	begin_report(CHANNEL_ASKED, 2, 0); /* a size that leads to where nothing is mapped */
	add(0, 0, NULL);
	add(0, 0, NULL);
	memset(bytes + sizeof(head) + 4, 0x7f, 4);
	assert_int_equal(check_report(), -EPROTO);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kick),
		cmocka_unit_test(test_empty_and_short),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_surplus_bytes),
		cmocka_unit_test(test_counts_beyond_steps),
		cmocka_unit_test(test_most_steps),
		cmocka_unit_test(test_report_fits),
		cmocka_unit_test(test_step_size_lies),
		cmocka_unit_test(test_not_allowed),
		cmocka_unit_test(test_exact_sizes),
		cmocka_unit_test(test_msrs_count),
		cmocka_unit_test(test_cpuid_count),
		cmocka_unit_test(test_one_reg_size),
		cmocka_unit_test(test_kernel_numbers),
		cmocka_unit_test(test_report_results),
		cmocka_unit_test(test_report_failed),
		cmocka_unit_test(test_report_lies),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
