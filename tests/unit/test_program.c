/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/program.c: programs up to their bounds, and results of reports that lie about their sizes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kvm/program.h"

enum { REQUEST = CHANNEL_SYNC_CODE, ARGUMENT = 16 }; /* the one step that every lender allows */

static struct channel_program header_of(const struct program *program)
{
	struct channel_program header;

	memcpy(&header, program->bytes, sizeof(header));
	return header;
}

static void assert_legal(const struct program *program)
{
	assert_false(program->overflow);
	assert_int_equal(channel_check_program(program->bytes, program->length), 0);
}

/* ---- building ---------------------------------------------------------------------------- */

static void test_empty(void **state)
{
	struct program program;

	(void)state;
	memset(&program, 0xa5, sizeof(program));
	program_init(&program, CHANNEL_RUN | CHANNEL_ONCE);
	assert_int_equal(program.length, sizeof(struct channel_program));
	assert_int_equal(header_of(&program).type, CHANNEL_PROGRAM);
	assert_int_equal(header_of(&program).flags, CHANNEL_RUN | CHANNEL_ONCE);
	assert_int_equal(header_of(&program).before_count, 0);
	assert_int_equal(header_of(&program).after_count, 0);
	assert_legal(&program);
}

static void test_layout(void **state)
{
	static const uint8_t argument[ARGUMENT] = { 1, 2, 3, [15] = 16 };
	static const uint8_t zeroes[ARGUMENT];
	struct channel_step step;
	struct program program;
	const uint8_t *at;

	(void)state;
	memset(&program, 0xa5, sizeof(program));
	program_init(&program, 0);
	program_before(&program, REQUEST, argument, sizeof(argument));
	program_after(&program, REQUEST, NULL, ARGUMENT);
	assert_legal(&program);
	assert_int_equal(header_of(&program).before_count, 1);
	assert_int_equal(header_of(&program).after_count, 1);
	at = program.bytes + sizeof(struct channel_program);
	for (int i = 0; i < 2; i++) {
		memcpy(&step, at, sizeof(step));
		assert_int_equal(step.request, REQUEST);
		assert_int_equal(step.size, ARGUMENT);
		assert_memory_equal(at + sizeof(step), i ? zeroes : argument, ARGUMENT);
		at += sizeof(step) + ARGUMENT;
	}
	assert_ptr_equal(at, program.bytes + program.length);
}

/* What was in the buffer before must not go to the VMM. */
static void test_padding_is_zero(void **state)
{
	static const uint8_t zeroes[7];
	struct program program;

	(void)state;
	for (size_t size = 1; size <= 8; size++) {
		size_t end = sizeof(struct channel_program) + sizeof(struct channel_step) + size;

		memset(&program, 0xa5, sizeof(program));
		program_init(&program, 0);
		program_after(&program, REQUEST, "12345678", size);
		assert_int_equal(program.length % 8, 0);
		assert_int_equal(program.length, end + (8 - size));
		assert_memory_equal(program.bytes + end, zeroes, 8 - size);
	}
}

static void test_overflow_by_steps(void **state)
{
	struct program program;
	size_t full;

	(void)state;
	program_init(&program, 0);
	for (unsigned i = 0; i < CHANNEL_MAX_STEPS; i++)
		(i < 100 ? program_before : program_after)(&program, REQUEST, NULL, ARGUMENT);
	assert_legal(&program);
	assert_int_equal(header_of(&program).before_count, 100);
	assert_int_equal(header_of(&program).after_count, CHANNEL_MAX_STEPS - 100);
	full = program.length;
	program_after(&program, REQUEST, NULL, ARGUMENT);
	assert_true(program.overflow);
	assert_int_equal(program.length, full);
	assert_int_equal(header_of(&program).after_count, CHANNEL_MAX_STEPS - 100);
}

/* The largest program that is not refused here must not be refused by the lender. */
static void test_overflow_by_bytes(void **state)
{
	const size_t room =
		CHANNEL_MAX_BYTES - sizeof(struct channel_report) - sizeof(struct channel_step);
	struct program program;

	(void)state;
	program_init(&program, 0);
	program_after(&program, REQUEST, NULL, room);
	assert_false(program.overflow);
	assert_int_equal(program.length,
		sizeof(struct channel_program) + CHANNEL_MAX_BYTES - sizeof(struct channel_report));
	program_after(&program, REQUEST, NULL, 0);
	assert_true(program.overflow);

	program_init(&program, 0);
	program_after(&program, REQUEST, NULL, room + 1);
	assert_true(program.overflow);
	assert_int_equal(program.length, sizeof(struct channel_program));
	assert_int_equal(header_of(&program).after_count, 0);
}

/* Their sum with header and padding wraps. */
static void test_absurd_sizes(void **state)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 8, SIZE_MAX - 15,
		UINT64_C(1) << 32, UINT64_C(1) << 63, CHANNEL_MAX_BYTES };
	struct program program;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		program_init(&program, 0);
		program_before(&program, REQUEST, NULL, sizes[i]);
		assert_true(program.overflow);
		program_init(&program, 0);
		program_after(&program, REQUEST, NULL, sizes[i]);
		assert_true(program.overflow);
		assert_int_equal(program.length, sizeof(struct channel_program));
	}
}

static void test_overflow_is_sticky(void **state)
{
	struct program program;

	(void)state;
	program_init(&program, 0);
	program_after(&program, REQUEST, NULL, CHANNEL_MAX_BYTES);
	program_after(&program, REQUEST, NULL, ARGUMENT);
	program_before(&program, REQUEST, NULL, ARGUMENT);
	assert_true(program.overflow);
	assert_int_equal(header_of(&program).before_count, 0);
	assert_int_equal(header_of(&program).after_count, 0);
	program_init(&program, 0);
	assert_false(program.overflow);
}

static void test_before_after_after(void **state)
{
	struct program program;

	(void)state;
	program_init(&program, 0);
	program_before(&program, REQUEST, NULL, ARGUMENT);
	program_after(&program, REQUEST, NULL, ARGUMENT);
	assert_false(program.overflow);
	program_before(&program, REQUEST, NULL, ARGUMENT);
	assert_true(program.overflow);
	assert_int_equal(header_of(&program).before_count, 1);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* A report of exactly so many bytes on the heap, so that a sanitizer sees who reads past it. */
struct reader {
	uint8_t *bytes;
	size_t length;
	struct results results;
};

static void reader_init(struct reader *reader, unsigned count, const void *rest, size_t size)
{
	struct channel_report report = { .type = CHANNEL_REPORT, .result_count = (uint16_t)count };

	reader->length = sizeof(report) + size;
	reader->bytes = test_malloc(reader->length);
	memcpy(reader->bytes, &report, sizeof(report));
	if (size)
		memcpy(reader->bytes + sizeof(report), rest, size);
	results_init(&reader->results, (const struct channel_report *)(void *)reader->bytes,
		reader->length);
}

static int reader_next(struct reader *reader, const void **bytes, size_t *size)
{
	*bytes = reader;
	*size = 77;
	return results_next(&reader->results, bytes, size);
}

static void assert_ended(struct reader *reader)
{
	const void *bytes;
	size_t size;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(reader_next(reader, &bytes, &size), -ENODATA);
		assert_null(bytes);
		assert_int_equal(size, 0);
	}
	test_free(reader->bytes);
}

static void test_results(void **state)
{
	static const uint8_t good[] = {
		3,
		0,
		0,
		0,
		5,
		0,
		0,
		0,
		'h',
		'e',
		'l',
		'l',
		'o',
		0,
		0,
		0, /* 5 bytes */
		0xfb,
		0xff,
		0xff,
		0xff,
		0,
		0,
		0,
		0, /* -EIO */
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0, /* no argument */
		0,
		0,
		0,
		0,
		8,
		0,
		0,
		0,
		'1',
		'2',
		'3',
		'4',
		'5',
		'6',
		'7',
		'8',
	};
	struct reader reader;
	const void *bytes;
	size_t size;

	(void)state;
	reader_init(&reader, 4, good, sizeof(good));
	assert_int_equal(reader_next(&reader, &bytes, &size), 3);
	assert_int_equal(size, 5);
	assert_memory_equal(bytes, "hello", 5);
	assert_int_equal(reader_next(&reader, &bytes, &size), -EIO);
	assert_null(bytes);
	assert_int_equal(size, 0);
	assert_int_equal(reader_next(&reader, &bytes, &size), 0);
	assert_null(bytes);
	assert_int_equal(size, 0);
	assert_int_equal(reader_next(&reader, &bytes, &size), 0);
	assert_int_equal(size, 8);
	assert_memory_equal(bytes, "12345678", 8);
	assert_ended(&reader);
}

/* The check of the channel comes before; the cursor does not trust it. */
static void test_results_malformed(void **state)
{
	static const uint8_t sizes[][4] = { { 9 }, { 16 }, { 0xff, 0xff, 0xff, 0xff },
		{ 0xf9, 0xff, 0xff, 0xff }, { 0, 0, 0, 0x80 } };
	uint8_t bytes[16] = { 0 };
	struct reader reader;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memcpy(bytes + 4, sizes[i], 4);
		reader_init(&reader, 1, bytes, sizeof(bytes));
		assert_ended(&reader);
	}
}

static void test_results_count_is_not_believed(void **state)
{
	static const uint8_t one[8] = { 7 };
	struct reader reader;
	const void *bytes;
	size_t size;

	(void)state;
	reader_init(&reader, 65535, one, sizeof(one));
	assert_int_equal(reader_next(&reader, &bytes, &size), 7);
	assert_ended(&reader);
	reader_init(&reader, 1, one, 7);
	assert_ended(&reader);
	reader_init(&reader, 0, one, sizeof(one));
	assert_ended(&reader);
	reader_init(&reader, 1, NULL, 0);
	assert_ended(&reader);
}

/* A failure that carries bytes shows none of them, and the next one is still found. */
static void test_failed_result_with_bytes(void **state)
{
	static const uint8_t two[] = { 0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0, 'a', 'b', 'c', 0, 0, 0,
		0, 0, 9, 0, 0, 0, 0, 0, 0, 0 };
	struct reader reader;
	const void *bytes;
	size_t size;

	(void)state;
	reader_init(&reader, 2, two, sizeof(two));
	assert_int_equal(reader_next(&reader, &bytes, &size), -EPERM);
	assert_null(bytes);
	assert_int_equal(reader_next(&reader, &bytes, &size), 9);
	assert_ended(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_padding_is_zero),
		cmocka_unit_test(test_overflow_by_steps),
		cmocka_unit_test(test_overflow_by_bytes),
		cmocka_unit_test(test_absurd_sizes),
		cmocka_unit_test(test_overflow_is_sticky),
		cmocka_unit_test(test_before_after_after),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_results_malformed),
		cmocka_unit_test(test_results_count_is_not_believed),
		cmocka_unit_test(test_failed_result_with_bytes),
	};

	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
