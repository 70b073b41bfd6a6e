/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/handover.c: what is accepted, and every lie that is not, one test each. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/handover.h"

static const struct handover_limits limits = {
	.machine = HANDOVER_X86_64,
	.max_vcpus = 8,
	.features = HANDOVER_FEATURE_JOURNAL,
};

struct fixture {
	struct handover handover;
	struct handover_event event;
	struct handover_fds fds;
};

/* ---- valid messages, to be spoiled by the tests ------------------------------------------ */

static struct handover_hello hello(void)
{
	return (struct handover_hello){
		.header = { HANDOVER_HELLO, 7 },
		.magic = HANDOVER_MAGIC,
		.version = HANDOVER_VERSION,
		.machine = HANDOVER_X86_64,
		.nr_vcpus = 2,
		.features = HANDOVER_FEATURE_JOURNAL | UINT64_C(1) << 63,
		.name = "vm-1",
	};
}

static struct handover_memory_add memory(uint64_t gpa, uint64_t size)
{
	return (struct handover_memory_add){
		.header = { HANDOVER_MEMORY_ADD, 8 },
		.gpa = gpa,
		.size = size,
		.hva = 0x7f0000000000,
	};
}

static struct handover_vcpu vcpu(uint32_t index)
{
	return (struct handover_vcpu){
		.header = { HANDOVER_VCPU, 9 },
		.index = index,
		.kvm_id = index + 10,
	};
}

static struct handover_ready ready(void)
{
	return (struct handover_ready){ .header = { HANDOVER_READY, 10 } };
}

static struct handover_notice notice(uint32_t event)
{
	return (struct handover_notice){ { HANDOVER_NOTICE, 11 }, event, -1 };
}

static const struct handover_fds no_fds;

static struct handover_fds memfd(uint64_t size)
{
	return (struct handover_fds){
		.count = 1,
		.fd = { { .kind = HANDOVER_FD_FILE,
			.readable = true,
			.writable = true,
			.size = size } },
	};
}

static struct handover_fds vcpu_fds(uint32_t index)
{
	return (struct handover_fds){
		.count = 2,
		.fd = { { .kind = HANDOVER_FD_VCPU, .kvm_id = index + 10 },
			{ .kind = HANDOVER_FD_CHANNEL } },
	};
}

/* ---- sending and expecting --------------------------------------------------------------- */

#define SEND(f, message, facts)                                                                    \
	handover_receive(&(f)->handover, &(message), sizeof(message), facts, &(f)->event)

#define ACCEPTED(f, message, facts)                                                                \
	do {                                                                                       \
		assert_int_equal(SEND(f, message, facts), 0);                                      \
		assert_string_equal((f)->event.text, "");                                          \
		assert_int_equal((f)->event.error, HANDOVER_OK);                                   \
	} while (0)

/* Refused, with words, and without a change of state. */
#define REFUSED(f, message, facts, code)                                                           \
	do {                                                                                       \
		struct handover before_ = (f)->handover;                                           \
		assert_int_equal(SEND(f, message, facts), 0);                                      \
		assert_int_equal((f)->event.error, code);                                          \
		assert_true(strlen((f)->event.text) > 10);                                         \
		assert_memory_equal(&before_, &(f)->handover, sizeof(before_));                    \
	} while (0)

static void reach_greeted(struct fixture *f)
{
	struct handover_hello message = hello();

	ACCEPTED(f, message, &no_fds);
}

static void reach_ready(struct fixture *f)
{
	struct handover_ready message = ready();

	reach_greeted(f);
	for (uint32_t i = 0; i < 2; i++) {
		struct handover_vcpu told = vcpu(i);
		struct handover_fds fds = vcpu_fds(i);

		ACCEPTED(f, told, &fds);
	}
	ACCEPTED(f, message, &no_fds);
}

static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	handover_init(&fixture.handover, &limits);
	*state = &fixture;
	return 0;
}

/* ---- the good order ---------------------------------------------------------------------- */

static void test_whole_life(void **state)
{
	struct fixture *f = *state;
	struct handover_memory_add low = memory(0, 0x10000), hot = memory(0x100000, 0x1000);
	struct handover_memory_remove gone = { { HANDOVER_MEMORY_REMOVE, 3 }, 0 };
	struct handover_notice reset = notice(HANDOVER_RESET);
	struct handover_goodbye bye = { { HANDOVER_GOODBYE, 4 } };
	struct handover_fds fd = memfd(0x10000);

	reach_ready(f);
	assert_int_equal(f->handover.state, HANDOVER_STATE_READY);
	ACCEPTED(f, low, &fd);
	ACCEPTED(f, hot, &no_fds);
	assert_int_equal(f->event.message.memory_add.gpa, 0x100000);
	ACCEPTED(f, gone, &no_fds);
	ACCEPTED(f, low, &fd);
	ACCEPTED(f, reset, &no_fds);
	assert_int_equal(f->event.message.notice.detail, -1);
	ACCEPTED(f, bye, &no_fds);
	REFUSED(f, reset, &no_fds, HANDOVER_BAD_ORDER);
}

static void test_answer_to_hello(void **state)
{
	struct fixture *f = *state;
	struct handover_answer answer;

	reach_greeted(f);
	handover_answer_make(&f->handover, &f->event, &answer);
	assert_int_equal(answer.header.type, HANDOVER_ANSWER);
	assert_int_equal(answer.header.serial, 7);
	assert_int_equal(answer.error, HANDOVER_OK);
	assert_int_equal(answer.version, 1);
	assert_true(answer.features == HANDOVER_FEATURE_JOURNAL);
	assert_string_equal(answer.text, "");
}

static void test_answer_to_refused(void **state)
{
	struct fixture *f = *state;
	struct handover_ready early = ready();
	struct handover_answer answer;

	REFUSED(f, early, &no_fds, HANDOVER_BAD_ORDER);
	handover_answer_make(&f->handover, &f->event, &answer);
	assert_int_equal(answer.error, HANDOVER_BAD_ORDER);
	assert_int_equal(answer.header.serial, 10);
	assert_int_equal(answer.version, 0);
	assert_string_equal(answer.text, f->event.text);
}

/* The bytes printed in HANDOVER.md, section 5, mean what it says. */
static void test_worked_example(void **state)
{
	static const uint8_t greeting[104] = { 0x01, 0, 0, 0, 0x01, 0, 0, 0, 0x47, 0x44, 0x42, 0x50,
		0x52, 0x4f, 0x58, 0x59, 0x01, 0, 0, 0, 0x3e, 0, 0, 0, 0x01, 0, 0, 0, 0, 0, 0, 0,
		0x01, 0, 0, 0, 0, 0, 0, 0, 0x76, 0x6d };
	static const uint8_t answered[256] = { 0x80, 0, 0, 0, 0x01, 0, 0, 0, 0, 0, 0, 0, 0x01, 0, 0,
		0, 0x01, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t region[48] = { 0x02, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x3a, 0x7f, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t first[16] = { 0x04, 0, 0, 0, 0x03 }, run[16] = { 0x05, 0, 0, 0, 0x04 };
	struct handover_fds fd = memfd(128 << 20), both = vcpu_fds(0);
	struct fixture *f = *state;
	struct handover_answer answer;

	ACCEPTED(f, greeting, &no_fds);
	assert_string_equal(f->event.message.hello.name, "vm");
	handover_answer_make(&f->handover, &f->event, &answer);
	assert_memory_equal(&answer, answered, sizeof(answered));
	ACCEPTED(f, region, &fd);
	assert_int_equal(f->event.message.memory_add.size, 128 << 20);
	both.fd[0].kvm_id = 0;
	ACCEPTED(f, first, &both);
	ACCEPTED(f, run, &no_fds);
	assert_int_equal(f->handover.state, HANDOVER_STATE_READY);
}

/* ---- violations -------------------------------------------------------------------------- */

static void test_wrong_lengths(void **state)
{
	static const struct {
		uint32_t type;
		size_t size;
	} sizes[] = {
		{ HANDOVER_HELLO, 104 },
		{ HANDOVER_MEMORY_ADD, 48 },
		{ HANDOVER_MEMORY_REMOVE, 16 },
		{ HANDOVER_VCPU, 16 },
		{ HANDOVER_READY, 16 },
		{ HANDOVER_NOTICE, 16 },
		{ HANDOVER_GOODBYE, 8 },
	};
	struct fixture *f = *state;
	uint8_t bytes[HANDOVER_MAX_BYTES + 1] = { 0 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t length = 0; length <= sizeof(bytes); length++) {
			int rc;

			memcpy(bytes, &sizes[i].type, sizeof(uint32_t));
			rc = handover_receive(&f->handover, bytes, length, &no_fds, &f->event);
			if (length != sizes[i].size || sizes[i].type == HANDOVER_HELLO) {
				assert_int_equal(rc, -EPROTO);
				assert_int_equal(f->event.error, HANDOVER_BAD_MESSAGE);
			} else {
				assert_int_equal(rc, 0);
				setup(state);
			}
		}
}

/* Of a request that we do not know: a packet's bounds are those of all. */
static void test_wrong_lengths_of_unknown(void **state)
{
	struct fixture *f = *state;
	const struct handover_goodbye message = { { 99, 1 } };
	uint8_t bytes[HANDOVER_MAX_BYTES + 1] = { 0 };

	memcpy(bytes, &message, sizeof(message));
	for (size_t length = 0; length <= sizeof(bytes); length++)
		assert_int_equal(handover_receive(&f->handover, bytes, length, &no_fds, &f->event),
			length < sizeof(message) || length > HANDOVER_MAX_BYTES ? -EPROTO : 0);
}

static void test_wrong_magic(void **state)
{
	struct fixture *f = *state;
	struct handover_hello message = hello();

	message.magic ^= 1;
	assert_int_equal(SEND(f, message, &no_fds), -EPROTO);
	assert_int_equal(f->handover.state, HANDOVER_STATE_START);
}

static void test_unknown_type_lives(void **state)
{
	struct fixture *f = *state;
	struct handover_goodbye message = { { 99, 1 } };

	reach_greeted(f);
	REFUSED(f, message, &no_fds, HANDOVER_UNKNOWN);
	message.header.type = 0;
	REFUSED(f, message, &no_fds, HANDOVER_UNKNOWN);
	message.header.type = HANDOVER_ANSWER;
	REFUSED(f, message, &no_fds, HANDOVER_UNKNOWN);
	assert_int_equal(f->handover.state, HANDOVER_STATE_GREETED);
}

/* ---- lies in HELLO ----------------------------------------------------------------------- */

#define HELLO_LIE(name, spoil, code)                                                               \
	static void test_hello_##name(void **state)                                                \
	{                                                                                          \
		struct fixture *f = *state;                                                        \
		struct handover_hello message = hello();                                           \
		spoil;                                                                             \
		REFUSED(f, message, &no_fds, code);                                                \
	}

HELLO_LIE(version_zero, message.version = 0, HANDOVER_BAD_VERSION)
HELLO_LIE(other_machine, message.machine = HANDOVER_ARM64, HANDOVER_BAD_MACHINE)
HELLO_LIE(no_vcpus, message.nr_vcpus = 0, HANDOVER_BAD_VALUE)
HELLO_LIE(many_vcpus, message.nr_vcpus = 9, HANDOVER_TOO_MANY)
HELLO_LIE(huge_vcpus, message.nr_vcpus = UINT32_MAX, HANDOVER_TOO_MANY)
HELLO_LIE(reserved, message.reserved = 1, HANDOVER_BAD_VALUE)
HELLO_LIE(name_empty, memset(message.name, 0, 64), HANDOVER_BAD_NAME)
HELLO_LIE(name_dot, strcpy(message.name, ".hidden"), HANDOVER_BAD_NAME)
HELLO_LIE(name_slash, strcpy(message.name, "a/b"), HANDOVER_BAD_NAME)
HELLO_LIE(name_space, strcpy(message.name, "a b"), HANDOVER_BAD_NAME)
HELLO_LIE(name_newline, strcpy(message.name, "a\n"), HANDOVER_BAD_NAME)
HELLO_LIE(name_utf8, strcpy(message.name, "\xc3\xa4"), HANDOVER_BAD_NAME)
HELLO_LIE(name_unterminated, memset(message.name, 'a', 64), HANDOVER_BAD_NAME)
HELLO_LIE(name_tail, message.name[63] = 'x', HANDOVER_BAD_NAME)

static void test_hello_newer_version(void **state)
{
	struct fixture *f = *state;
	struct handover_hello message = hello();
	struct handover_answer answer;

	message.version = 1000;
	ACCEPTED(f, message, &no_fds);
	handover_answer_make(&f->handover, &f->event, &answer);
	assert_int_equal(answer.version, HANDOVER_VERSION);
}

static void test_hello_longest_name(void **state)
{
	struct fixture *f = *state;
	struct handover_hello message = hello();

	memset(message.name, 'Z', 63);
	ACCEPTED(f, message, &no_fds);
}

static void test_hello_with_fd(void **state)
{
	struct fixture *f = *state;
	struct handover_hello message = hello();
	struct handover_fds fd = memfd(0x1000);

	REFUSED(f, message, &fd, HANDOVER_BAD_FD);
}

static void test_hello_twice(void **state)
{
	struct fixture *f = *state;
	struct handover_hello message = hello();

	reach_greeted(f);
	REFUSED(f, message, &no_fds, HANDOVER_BAD_ORDER);
	setup(state);
	reach_ready(f);
	REFUSED(f, message, &no_fds, HANDOVER_BAD_ORDER);
}

/* ---- lies about memory ------------------------------------------------------------------- */

#define MEMORY_LIE(name, spoil, facts, code)                                                       \
	static void test_memory_##name(void **state)                                               \
	{                                                                                          \
		struct fixture *f = *state;                                                        \
		struct handover_memory_add message = memory(0x10000, 0x10000);                     \
		struct handover_fds fds = memfd(0x20000);                                          \
		reach_greeted(f);                                                                  \
		message.offset = 0x10000;                                                          \
		ACCEPTED(f, message, &fds);                                                        \
		message.gpa = 0x100000;                                                            \
		spoil;                                                                             \
		REFUSED(f, message, facts, code);                                                  \
	}

MEMORY_LIE(size_zero, message.size = 0, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(gpa_unaligned, message.gpa += 0x800, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(size_unaligned, message.size -= 1, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(offset_unaligned, message.offset = 8, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(hva_unaligned, message.hva += 1, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(hva_zero, message.hva = 0, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(gpa_wraps, message.gpa = UINT64_MAX - 0xfff, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(offset_wraps, message.offset = UINT64_MAX - 0xfff, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(hva_wraps, message.hva = UINT64_MAX - 0xfff, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(size_wraps, message.size = UINT64_MAX - 0xfff, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(flags, message.flags = 2, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(reserved, message.reserved = 1, &fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(offset_without_fd, (void)0, &no_fds, HANDOVER_BAD_VALUE)
MEMORY_LIE(fd_small, fds.fd[0].size = 0x1ffff, &fds, HANDOVER_BAD_FD)
MEMORY_LIE(fd_past_end, message.offset = 0x11000, &fds, HANDOVER_BAD_FD)
MEMORY_LIE(fd_readonly, fds.fd[0].writable = false, &fds, HANDOVER_BAD_FD)
MEMORY_LIE(fd_writeonly, fds.fd[0].readable = false, &fds, HANDOVER_BAD_FD)
MEMORY_LIE(fd_other, fds.fd[0].kind = HANDOVER_FD_OTHER, &fds, HANDOVER_BAD_FD)
MEMORY_LIE(fd_socket, fds.fd[0].kind = HANDOVER_FD_CHANNEL, &fds, HANDOVER_BAD_FD)
MEMORY_LIE(fd_vcpu, fds.fd[0].kind = HANDOVER_FD_VCPU, &fds, HANDOVER_BAD_FD)
MEMORY_LIE(two_fds, fds.count = 2, &fds, HANDOVER_BAD_FD)
MEMORY_LIE(same, message.gpa = 0x10000, &fds, HANDOVER_OVERLAP)
MEMORY_LIE(overlap_left, message.gpa = 0x1000, &fds, HANDOVER_OVERLAP)
MEMORY_LIE(overlap_right, message.gpa = 0x1f000, &fds, HANDOVER_OVERLAP)
MEMORY_LIE(inside, (message.gpa = 0x14000, message.size = 0x1000), &fds, HANDOVER_OVERLAP)
MEMORY_LIE(around, (message.gpa = 0, message.size = 0x40000, message.offset = 0), &no_fds,
	HANDOVER_OVERLAP)

static void test_memory_readonly_fd(void **state)
{
	struct fixture *f = *state;
	struct handover_memory_add message = memory(0, 0x1000);
	struct handover_fds fds = memfd(0x1000);

	reach_greeted(f);
	message.flags = HANDOVER_MEMORY_READONLY;
	fds.fd[0].writable = false;
	ACCEPTED(f, message, &fds);
}

static void test_memory_top_of_space(void **state)
{
	struct fixture *f = *state;
	struct handover_memory_add last = memory(UINT64_MAX - 0x1fff, 0x1000);
	struct handover_memory_add beside = memory(UINT64_MAX - 0x2fff, 0x1000);

	reach_greeted(f);
	ACCEPTED(f, last, &no_fds);
	ACCEPTED(f, beside, &no_fds);
}

static void test_memory_too_many(void **state)
{
	struct fixture *f = *state;
	struct handover_memory_add message = memory(0, 0x1000);

	reach_greeted(f);
	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++, message.gpa += 0x1000)
		ACCEPTED(f, message, &no_fds);
	REFUSED(f, message, &no_fds, HANDOVER_TOO_MANY);
}

static void test_memory_before_hello(void **state)
{
	struct fixture *f = *state;
	struct handover_memory_add message = memory(0, 0x1000);

	REFUSED(f, message, &no_fds, HANDOVER_BAD_ORDER);
}

static void test_memory_remove_unknown(void **state)
{
	struct fixture *f = *state;
	struct handover_memory_add message = memory(0x1000, 0x2000);
	struct handover_memory_remove middle = { { HANDOVER_MEMORY_REMOVE, 1 }, 0x2000 };

	reach_greeted(f);
	ACCEPTED(f, message, &no_fds);
	REFUSED(f, middle, &no_fds, HANDOVER_NOT_FOUND);
}

/* ---- lies about vCPUs -------------------------------------------------------------------- */

#define VCPU_LIE(name, spoil, code)                                                                \
	static void test_vcpu_##name(void **state)                                                 \
	{                                                                                          \
		struct fixture *f = *state;                                                        \
		struct handover_vcpu message = vcpu(0);                                            \
		struct handover_fds fds = vcpu_fds(0);                                             \
		reach_greeted(f);                                                                  \
		ACCEPTED(f, message, &fds);                                                        \
		message = vcpu(1);                                                                 \
		fds = vcpu_fds(1);                                                                 \
		spoil;                                                                             \
		REFUSED(f, message, &fds, code);                                                   \
	}

VCPU_LIE(index_high, message.index = 2, HANDOVER_BAD_VALUE)
VCPU_LIE(index_huge, message.index = UINT32_MAX, HANDOVER_BAD_VALUE)
VCPU_LIE(twice, message.index = 0, HANDOVER_OVERLAP)
VCPU_LIE(kvm_id_twice, (message.kvm_id = 10, fds.fd[0].kvm_id = 10), HANDOVER_OVERLAP)
VCPU_LIE(kvm_id_other, message.kvm_id = 12, HANDOVER_BAD_FD)
VCPU_LIE(fd_not_vcpu, fds.fd[0].kind = HANDOVER_FD_FILE, HANDOVER_BAD_FD)
VCPU_LIE(fd_not_channel, fds.fd[1].kind = HANDOVER_FD_OTHER, HANDOVER_BAD_FD)
VCPU_LIE(
	fds_swapped, (fds.fd[1] = fds.fd[0], fds.fd[0].kind = HANDOVER_FD_CHANNEL), HANDOVER_BAD_FD)
VCPU_LIE(no_fds, fds.count = 0, HANDOVER_BAD_FD)
VCPU_LIE(one_fd, fds.count = 1, HANDOVER_BAD_FD)

static void test_vcpu_before_hello(void **state)
{
	struct fixture *f = *state;
	struct handover_vcpu message = vcpu(0);
	struct handover_fds fds = vcpu_fds(0);

	REFUSED(f, message, &fds, HANDOVER_BAD_ORDER);
}

static void test_vcpu_after_ready(void **state)
{
	struct fixture *f = *state;
	struct handover_vcpu message = vcpu(1);
	struct handover_fds fds = vcpu_fds(1);

	reach_ready(f);
	REFUSED(f, message, &fds, HANDOVER_BAD_ORDER);
}

/* ---- lies about the rest ----------------------------------------------------------------- */

static void test_ready_early(void **state)
{
	struct fixture *f = *state;
	struct handover_ready message = ready();
	struct handover_vcpu told = vcpu(1);
	struct handover_fds fds = vcpu_fds(1);

	reach_greeted(f);
	ACCEPTED(f, told, &fds);
	REFUSED(f, message, &no_fds, HANDOVER_BAD_ORDER);
}

static void test_ready_twice(void **state)
{
	struct fixture *f = *state;
	struct handover_ready message = ready();

	reach_ready(f);
	REFUSED(f, message, &no_fds, HANDOVER_BAD_ORDER);
}

static void test_ready_flags(void **state)
{
	struct fixture *f = *state;
	struct handover_ready message = ready();

	reach_ready(f);
	f->handover.state = HANDOVER_STATE_GREETED;
	message.flags = 2;
	REFUSED(f, message, &no_fds, HANDOVER_BAD_VALUE);
	message.flags = 0;
	message.reserved = 1;
	REFUSED(f, message, &no_fds, HANDOVER_BAD_VALUE);
	message.reserved = 0;
	message.flags = HANDOVER_READY_HOLD;
	ACCEPTED(f, message, &no_fds);
}

static void test_notice_lies(void **state)
{
	struct fixture *f = *state;
	struct handover_notice early = notice(HANDOVER_RESET), unknown = notice(4);

	reach_greeted(f);
	REFUSED(f, early, &no_fds, HANDOVER_BAD_ORDER);
	setup(state);
	reach_ready(f);
	REFUSED(f, unknown, &no_fds, HANDOVER_BAD_VALUE);
	unknown.event = 0;
	REFUSED(f, unknown, &no_fds, HANDOVER_BAD_VALUE);
}

/* ---- what the daemon takes back ---------------------------------------------------------- */

static void test_refuse_hello(void **state)
{
	struct fixture *f = *state;

	reach_greeted(f);
	handover_refuse(&f->handover, &f->event, HANDOVER_NAME_TAKEN, "%s is taken", "vm-1");
	assert_int_equal(f->event.error, HANDOVER_NAME_TAKEN);
	assert_string_equal(f->event.text, "vm-1 is taken");
	reach_greeted(f);
}

static void test_refuse_memory_and_vcpu(void **state)
{
	struct fixture *f = *state;
	struct handover_memory_add region = memory(0, 0x1000);
	struct handover_vcpu told = vcpu(0);
	struct handover_fds fds = vcpu_fds(0);

	reach_greeted(f);
	for (int i = 0; i < 2; i++) {
		ACCEPTED(f, region, &no_fds);
		handover_refuse(&f->handover, &f->event, HANDOVER_INTERNAL, "no memory");
		ACCEPTED(f, told, &fds);
		handover_refuse(&f->handover, &f->event, HANDOVER_INTERNAL, "no memory");
	}
	assert_int_equal(f->handover.region_count, 0);
	assert_int_equal(f->handover.vcpu_count, 0);
}

static void test_refuse_refused_reverts_nothing(void **state)
{
	struct fixture *f = *state;
	struct handover_memory_add region = memory(0, 0x1000);

	reach_greeted(f);
	ACCEPTED(f, region, &no_fds);
	REFUSED(f, region, &no_fds, HANDOVER_OVERLAP);
	handover_refuse(&f->handover, &f->event, HANDOVER_INTERNAL, "again");
	assert_int_equal(f->handover.region_count, 1);
}

#define T(name) cmocka_unit_test_setup(test_##name, setup)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(whole_life),
		T(answer_to_hello),
		T(answer_to_refused),
		T(worked_example),
		T(wrong_lengths),
		T(wrong_lengths_of_unknown),
		T(wrong_magic),
		T(unknown_type_lives),
		T(hello_version_zero),
		T(hello_other_machine),
		T(hello_no_vcpus),
		T(hello_many_vcpus),
		T(hello_huge_vcpus),
		T(hello_reserved),
		T(hello_name_empty),
		T(hello_name_dot),
		T(hello_name_slash),
		T(hello_name_space),
		T(hello_name_newline),
		T(hello_name_utf8),
		T(hello_name_unterminated),
		T(hello_name_tail),
		T(hello_newer_version),
		T(hello_longest_name),
		T(hello_with_fd),
		T(hello_twice),
		T(memory_size_zero),
		T(memory_gpa_unaligned),
		T(memory_size_unaligned),
		T(memory_offset_unaligned),
		T(memory_hva_unaligned),
		T(memory_hva_zero),
		T(memory_gpa_wraps),
		T(memory_offset_wraps),
		T(memory_hva_wraps),
		T(memory_size_wraps),
		T(memory_flags),
		T(memory_reserved),
		T(memory_offset_without_fd),
		T(memory_fd_small),
		T(memory_fd_past_end),
		T(memory_fd_readonly),
		T(memory_fd_writeonly),
		T(memory_fd_other),
		T(memory_fd_socket),
		T(memory_fd_vcpu),
		T(memory_two_fds),
		T(memory_same),
		T(memory_overlap_left),
		T(memory_overlap_right),
		T(memory_inside),
		T(memory_around),
		T(memory_readonly_fd),
		T(memory_top_of_space),
		T(memory_too_many),
		T(memory_before_hello),
		T(memory_remove_unknown),
		T(vcpu_index_high),
		T(vcpu_index_huge),
		T(vcpu_twice),
		T(vcpu_kvm_id_twice),
		T(vcpu_kvm_id_other),
		T(vcpu_fd_not_vcpu),
		T(vcpu_fd_not_channel),
		T(vcpu_fds_swapped),
		T(vcpu_no_fds),
		T(vcpu_one_fd),
		T(vcpu_before_hello),
		T(vcpu_after_ready),
		T(ready_early),
		T(ready_twice),
		T(ready_flags),
		T(notice_lies),
		T(refuse_hello),
		T(refuse_memory_and_vcpu),
		T(refuse_refused_reverts_nothing),
	};

	return cmocka_run_group_tests_name("handover", tests, NULL, NULL);
}
