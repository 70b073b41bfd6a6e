/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/agent.c and kvm/agent_printf.c: by hand where the manual or gdb gives an example, against the
 * reference machine everywhere else.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kvm/agent_printf.h"
#include "protocol/hex.h"
#include "tests/unit/fake_agent_host.h"
#include "tests/unit/reference_agent.h"

enum { NUMBERS = 21 };

/* Where arithmetic goes wrong, if it does. */
static const uint64_t numbers[NUMBERS] = { 0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff,
	INT32_MAX, UINT64_C(0x80000000), UINT32_MAX, INT64_MAX, UINT64_C(0x8000000000000000),
	UINT64_MAX - 1, UINT64_MAX };

/* Code under construction; a copy of exact size is run, so that the sanitizer sees a byte too many. */
struct draft {
	uint8_t bytes[AGENT_MAX_CODE + 8];
	size_t length;
};

static void draft_put(struct draft *draft, uint64_t value, unsigned count)
{
	while (count--)
		draft->bytes[draft->length++] = (uint8_t)(value >> 8 * count);
}

static void draft_put_number(struct draft *draft, uint64_t number)
{
	draft_put(draft, 0x25, 1);
	draft_put(draft, number, 8);
}

static void draft_put_printf(struct draft *draft, unsigned count, const char *format)
{
	size_t length = strlen(format) + 1;

	draft_put(draft, 0x34, 1);
	draft_put(draft, count, 1);
	draft_put(draft, length, 2);
	memcpy(draft->bytes + draft->length, format, length);
	draft->length += length;
}

static struct draft draft_of_hex(const char *digits)
{
	struct draft draft = { .length = strlen(digits) / 2 };

	assert_int_equal(hex_decode(draft.bytes, (const uint8_t *)digits, draft.length), 0);
	return draft;
}

static int draft_check(const struct draft *draft)
{
	uint8_t *exact = test_malloc(draft->length ? draft->length : 1);
	struct agent_code code = { exact, draft->length };
	int rc;

	memcpy(exact, draft->bytes, draft->length);
	rc = agent_check(&code);
	test_free(exact);
	return rc;
}

struct outcome {
	int rc;
	int64_t result;
	struct fake_agent_host *fake;
};

static struct fake_agent_host first_host, second_host;

/* Runs a draft that must be sane on the machine and on the reference: they must agree. */
static struct outcome draft_run(const struct draft *draft)
{
	uint8_t *exact = test_malloc(draft->length);
	struct agent_code code = { exact, draft->length };
	struct outcome outcome = { .fake = &first_host };
	int64_t expected = 0;

	memcpy(exact, draft->bytes, draft->length);
	first_host.length = second_host.length = 0;
	assert_int_equal(agent_check(&code), 0);
	outcome.rc = agent_run(&code, &first_host.host, &outcome.result);
	assert_int_equal(reference_agent_run(&code, &second_host.host, &expected), outcome.rc);
	assert_true(expected == outcome.result);
	assert_int_equal(first_host.length, second_host.length);
	assert_memory_equal(first_host.paper, second_host.paper, second_host.length);
	test_free(exact);
	return outcome;
}

static int set_up(void **state)
{
	(void)state;
	fake_agent_host_init(&first_host);
	fake_agent_host_init(&second_host);
	return 0;
}

/* ---- examples ---------------------------------------------------------------------------- */

/* As gdb compiles them: manual F.2's words, gdb 13's and 16's order. */
static void test_examples(void **state)
{
	static const struct {
		const char *code;
		int64_t result;
	} cases[] = {
		{ "260000164022051327", 0 }, /* $rax == 5, with rax 0 */
		{ "260000164022001327", 1 }, /* $rax == 0 */
		{ "2600031640220213"
		  "27",
			0 },                   /* $rdx == 2 */
		{ "23110019162022071327", 0 }, /* *(int *)0x1100 == 7; there is "a string" */
		{ "2311001916202473207461"
		  "13"
		  "27",
			0 }, /* the other byte order */
		{ "231100191620247473206113"
		  "27",
			1 },
		{ "23110017160822611327", 1 }, /* *(char *)0x1100 == 'a' */
		{ "2200"
		  "200008"
		  "2201"
		  "27"
		  "2263"
		  "27",
			1 },
		{ "2201"
		  "200008"
		  "2263"
		  "27"
		  "222a"
		  "27",
			0x2a },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct draft draft = draft_of_hex(cases[i].code);
		struct outcome outcome;

		if (draft_check(&draft))
			fail_msg("case %zu is refused", i);
		outcome = draft_run(&draft);
		if (outcome.rc || outcome.result != cases[i].result)
			fail_msg("case %zu: %d, %lld", i, outcome.rc, (long long)outcome.result);
	}
}

/* gdb 13's dprintf "hello %d %ld \n" with two variables: no value is left, and none is asked for. */
static void test_command(void **state)
{
	struct draft draft = draft_of_hex("2600011640"
					  "2311001a1640"
					  "1620"
					  "2200"
					  "2200"
					  "34020010"
					  "68656c6c6f20256420256c64205c6e00"
					  "27");
	struct agent_code code = { draft.bytes, draft.length };

	(void)state;
	first_host.length = 0;
	assert_int_equal(agent_check(&code), 0);
	assert_int_equal(agent_run(&code, &first_host.host, NULL), 0);
	assert_int_equal(first_host.length, strlen("hello 1953701985 81985529216486895 \n"));
	assert_memory_equal(
		first_host.paper, "hello 1953701985 81985529216486895 \n", first_host.length);
}

/* ---- every instruction ------------------------------------------------------------------- */

static void run_binary(uint8_t op, uint64_t a, uint64_t b)
{
	struct draft draft = { .length = 0 };

	draft_put_number(&draft, a);
	draft_put_number(&draft, b);
	draft_put(&draft, op, 1);
	draft_put(&draft, 0x27, 1);
	draft_run(&draft);
}

static void test_binary_operations(void **state)
{
	(void)state;
	for (uint8_t op = 0x02; op <= 0x15; op++)
		for (unsigned i = 0; i < NUMBERS * NUMBERS; i++)
			if (op != 0x0d && op != 0x0e && op != 0x12)
				run_binary(op, numbers[i / NUMBERS], numbers[i % NUMBERS]);
}

/* With every operand, for those that have one. */
static void test_unary_operations(void **state)
{
	static const uint8_t ops[] = { 0x0e, 0x12, 0x16, 0x2a };

	(void)state;
	for (unsigned i = 0; i < sizeof(ops) * 256 * NUMBERS; i++) {
		uint8_t op = ops[i / NUMBERS / 256];
		struct draft draft = { .length = 0 };

		draft_put_number(&draft, numbers[i % NUMBERS]);
		draft_put(&draft, op, 1);
		if (op == 0x16 || op == 0x2a)
			draft_put(&draft, i / NUMBERS % 256, 1);
		draft_put(&draft, 0x27, 1);
		draft_run(&draft);
	}
}

static int64_t result_of(const char *digits)
{
	struct draft draft = draft_of_hex(digits);
	struct outcome outcome = draft_run(&draft);

	assert_int_equal(outcome.rc, 0);
	return outcome.result;
}

static int error_of(const char *digits)
{
	struct draft draft = draft_of_hex(digits);

	return draft_run(&draft).rc;
}

/* By hand: the reference could share a misunderstanding with the machine. */
static void test_operands_by_hand(void **state)
{
	(void)state;
	assert_int_equal(result_of("2205220303"
				   "27"),
		2);
	assert_int_equal(result_of("2207"
				   "2202"
				   "05"
				   "27"),
		3);
	assert_int_equal(result_of("22f9"
				   "1608"
				   "2202"
				   "05"
				   "27"),
		-3);
	assert_int_equal(result_of("22f9"
				   "1608"
				   "2202"
				   "07"
				   "27"),
		-1);
	assert_int_equal(result_of("258000000000000000"
				   "22ff1608"
				   "05"
				   "27"),
		INT64_MIN);
	assert_int_equal(result_of("258000000000000000"
				   "22ff1608"
				   "07"
				   "27"),
		0);
	assert_int_equal(result_of("2201"
				   "223f"
				   "09"
				   "27"),
		INT64_MIN);
	assert_int_equal(result_of("2201"
				   "2240"
				   "09"
				   "27"),
		0);
	assert_int_equal(result_of("22ff1608"
				   "2240"
				   "0a"
				   "27"),
		-1);
	assert_int_equal(result_of("22ff1608"
				   "2240"
				   "0b"
				   "27"),
		0);
	assert_int_equal(result_of("22ff1608"
				   "2201"
				   "14"
				   "27"),
		1);
	assert_int_equal(result_of("22ff1608"
				   "2201"
				   "15"
				   "27"),
		0);
	assert_int_equal(result_of("2303ff"
				   "1609"
				   "27"),
		-1);
	assert_int_equal(result_of("2303ff"
				   "2a09"
				   "27"),
		0x1ff);
	assert_int_equal(result_of("22ff"
				   "1600"
				   "27"),
		0xff);
	assert_int_equal(result_of("2201"
				   "1601"
				   "27"),
		-1);
	assert_int_equal(result_of("22ff"
				   "27"),
		0xff);
	assert_int_equal(result_of("240000ffff"
				   "27"),
		0xffff);
	assert_int_equal(result_of("2201"
				   "2202"
				   "2b"
				   "29"
				   "27"),
		2);
	assert_int_equal(result_of("2201"
				   "2202"
				   "3200"
				   "27"),
		2);
	assert_int_equal(result_of("2201"
				   "2202"
				   "3201"
				   "27"),
		1);
	assert_int_equal(result_of("2201"
				   "2202"
				   "2203"
				   "33"
				   "27"),
		2);
	assert_int_equal(result_of("2201"
				   "2202"
				   "2203"
				   "33"
				   "29"
				   "27"),
		1);
	assert_int_equal(result_of("2201"
				   "2202"
				   "2203"
				   "33"
				   "29"
				   "29"
				   "27"),
		3);
	assert_int_equal(result_of("2207"
				   "28"
				   "04"
				   "27"),
		49);
	assert_int_equal(result_of("231100"
				   "1a"
				   "27"),
		0x676e697274732061);
	assert_int_equal(result_of("231100"
				   "18"
				   "27"),
		0x2061);
	assert_int_equal(result_of("2207"
				   "2201"
				   "2202"
				   "2f"
				   "27"),
		7);
	assert_int_equal(result_of("2207"
				   "2201"
				   "2202"
				   "0c"
				   "27"),
		7);
	assert_int_equal(result_of("2207"
				   "0d04"
				   "300400"
				   "27"),
		7);
}

static void test_errors(void **state)
{
	(void)state;
	for (unsigned op = 0x05; op <= 0x08; op++) {
		char code[16];

		snprintf(code, sizeof(code), "22012200%02x27", op);
		assert_int_equal(error_of(code), -EDOM);
	}
	assert_int_equal(error_of("27"), -ENODATA);
	assert_int_equal(error_of("220102"
				  "27"),
		-ENODATA);
	assert_int_equal(error_of("29"
				  "27"),
		-ENODATA);
	assert_int_equal(error_of("2201"
				  "3201"
				  "27"),
		-ENODATA);
	assert_int_equal(error_of("2201"
				  "2202"
				  "33"
				  "27"),
		-ENODATA);
	assert_int_equal(error_of("2201"
				  "2200"
				  "34010003256400"
				  "27"),
		-ENODATA);
	assert_int_equal(error_of("2200"
				  "17"
				  "27"),
		-EFAULT);
	assert_int_equal(error_of("233ffd"
				  "1a"
				  "27"),
		-EFAULT);
	assert_int_equal(error_of("22ff1608"
				  "1a"
				  "27"),
		-EFAULT);
	assert_int_equal(error_of("260100"
				  "27"),
		-ENXIO);
	assert_int_equal(error_of("2c0001"
				  "27"),
		-ENOENT);
	assert_int_equal(error_of("2201"
				  "2d0001"
				  "27"),
		-ENOENT);
	assert_int_equal(error_of("2e0001"
				  "2201"
				  "27"),
		-ENOENT);
	assert_int_equal(error_of("2200"
				  "2201"
				  "340000026100"
				  "27"),
		-ENOTSUP);
	assert_int_equal(error_of("2201"
				  "2200"
				  "340000026100"
				  "27"),
		-ENOTSUP);
}

/* ---- limits ------------------------------------------------------------------------------ */

static void test_limits(void **state)
{
	struct draft draft = { .length = 0 };

	(void)state;
	assert_int_equal(error_of("210000"), -ELOOP);
	assert_int_equal(error_of("2201"
				  "28"
				  "200002"
				  "27"),
		-ELOOP);
	assert_int_equal(error_of("2201"
				  "210000"),
		-EOVERFLOW);
	for (unsigned i = 0; i < AGENT_MAX_STACK; i++)
		draft_put(&draft, 0x2205, 2);
	draft_put(&draft, 0x27, 1);
	assert_int_equal(draft_run(&draft).result, 5);
	draft.bytes[draft.length - 1] = 0x28;
	draft_put(&draft, 0x27, 1);
	assert_int_equal(draft_run(&draft).rc, -EOVERFLOW);

	draft.length = 0;
	while (draft.length < AGENT_MAX_CODE - 3)
		draft_put(&draft, 0x220129, 3);
	draft_put(&draft, 0x220127, 3);
	assert_int_equal(draft.length, AGENT_MAX_CODE + 2);
	assert_int_equal(draft_check(&draft), -EINVAL);
	memmove(draft.bytes, draft.bytes + 3, draft.length -= 3);
	assert_int_equal(draft_run(&draft).result, 1);
}

/* A loop around a printf is no flood. */
static void test_printf_loop(void **state)
{
	struct draft draft = { .length = 0 };

	(void)state;
	draft_put(&draft, 0x22002200, 4);
	draft_put_printf(&draft, 0, "line\\n");
	draft_put(&draft, 0x210000, 3);
	assert_int_equal(draft_run(&draft).rc, -ELOOP);
	assert_in_range(first_host.length, 5 * 50, 5 * AGENT_MAX_STEPS / AGENT_PRINTF_STEPS);
}

static void test_refused(void **state)
{
	static const char *const codes[] = {
		"", "00", "0027", "0127", "1b27", "1c27", "1d27", "1e27", "1f27", "3127", "3527",
		"ff27", "2201",         /* runs past its end */
		"220117", "2201200000", /* so do these */
		"22", "2227", "2301", "230127", "2401020327", "2501020304050607", /* cut off */
		"16", "26", "2600", "21", "2100", "2c00", "32", "0d", "3001", "210002", "210001",
		"210004270000", "2100ff27", "21ffff27", /* nowhere */
		"2201200001"
		"27",
		"22012000022701", /* into the middle of an instruction */
		"34", "3400", "340000", "34000000", "3400000027", /* no format at all */
		"3400000161"
		"27", /* no NUL */
		"340000056100"
		"27", /* longer than the code */
		"34ff000100"
		"27",
		"34010002"
		"6100"
		"27", /* the wrong number of arguments */
		"34000003"
		"256400"
		"27",
		"34020003"
		"256400"
		"27",
		"34000003"
		"610061"
		"27",
		"34000003"
		"006100"
		"27", /* NUL inside */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		struct draft draft = draft_of_hex(codes[i]);

		if (draft_check(&draft) != -EINVAL)
			fail_msg("%s is let through", codes[i]);
	}
}

/* Whole instructions, cut everywhere. */
static void test_truncated(void **state)
{
	struct draft draft = draft_of_hex("260000"
					  "1640"
					  "2205"
					  "13"
					  "20000b"
					  "2200"
					  "2200"
					  "340000026100"
					  "2201"
					  "27");

	(void)state;
	draft.bytes[10] = 0x0c;
	assert_int_equal(draft_check(&draft), -EINVAL);
	draft.bytes[10] = 0x0b;
	assert_int_equal(draft_check(&draft), 0);
	for (; draft.length; draft.length--)
		if (draft.bytes[draft.length - 1] != 0x27)
			assert_int_equal(draft_check(&draft), -EINVAL);
}

/* ---- printf ------------------------------------------------------------------------------ */

enum { MOST_ARGUMENTS = 3 };

/* As gdb lays it out: the last argument first, channel and function last. */
static struct draft draft_of_printf(const char *format, unsigned count, const uint64_t *arguments)
{
	struct draft draft = { .length = 0 };

	for (unsigned i = count; i--;)
		draft_put_number(&draft, arguments[i]);
	draft_put(&draft, 0x22002200, 4);
	draft_put_printf(&draft, count, format);
	draft_put(&draft, 0x220127, 3);
	return draft;
}

static void expect_text(
	const char *format, unsigned count, const uint64_t *arguments, const char *text)
{
	struct draft draft = draft_of_printf(format, count, arguments);

	if (draft_check(&draft))
		fail_msg("\"%s\" is refused", format);
	assert_int_equal(draft_run(&draft).rc, 0);
	if (first_host.length != strlen(text) || memcmp(first_host.paper, text, first_host.length))
		fail_msg("\"%s\" gives \"%.*s\", not \"%s\"", format, (int)first_host.length,
			first_host.paper, text);
}

static void test_printf(void **state)
{
	static const struct {
		const char *format;
		unsigned count;
		uint64_t arguments[MOST_ARGUMENTS];
		const char *text;
	} cases[] = {
		{ "", 0, { 0 }, "" },
		{ "plain", 0, { 0 }, "plain" },
		{ "100%%\\n", 0, { 0 }, "100%\n" },
		{ "\\\\\\\"\\a\\b\\e\\f\\n\\r\\t\\v\\'\\?", 0, { 0 }, "\\\"\a\b\033\f\n\r\t\v'?" },
		{ "%d", 1, { UINT32_MAX }, "-1" },
		{ "%d", 1, { UINT64_C(0x100000005) }, "5" },
		{ "%i", 1, { 7 }, "7" },
		{ "%u", 1, { UINT64_MAX }, "4294967295" },
		{ "%ld", 1, { UINT64_MAX }, "-1" },
		{ "%lld", 1, { INT64_MIN }, "-9223372036854775808" },
		{ "%lu", 1, { UINT64_MAX }, "18446744073709551615" },
		{ "%zu", 1, { UINT64_MAX }, "18446744073709551615" },
		{ "%x %X %o", 3, { 0xabc, 0xabc, 8 }, "abc ABC 10" },
		{ "%lx", 1, { UINT64_C(0xffffffff81000000) }, "ffffffff81000000" },
		{ "%#x %#X %#o", 3, { 0xabc, 0xabc, 8 }, "0xabc 0XABC 010" },
		{ "%#x %#o", 2, { 0, 0 }, "0 0" },
		{ "%p", 1, { UINT64_C(0xffffffff81000000) }, "0xffffffff81000000" },
		{ "%p", 1, { 0 }, "0x0" },
		{ "[%5d][%-5d][%05d]", 3, { 42, 42, UINT64_MAX - 41 }, "[   42][42   ][-0042]" },
		{ "[%+d][% d][%.3d]", 3, { 42, 42, 42 }, "[+42][ 42][042]" },
		{ "[%.0d][%5.3x][%-6.4x]", 3, { 0, 10, 10 }, "[][  00a][000a  ]" },
		{ "[%016lx]", 1, { 0xabc }, "[0000000000000abc]" },
		{ "[%#010x][%010p]", 2, { 0xabc, 0xabc }, "[0x00000abc][0x00000abc]" },
		{ "%c%c%3c", 3, { 'a', 0x162, 'c' }, "ab  c" },
		{ "%s", 1, { 0x1100 }, "a string" },
		{ "[%10s][%-10s][%.3s]", 3, { 0x1100, 0x1100, 0x1100 },
			"[  a string][a string  ][a s]" },
		{ "[%5.1s]", 1, { 0x1100 }, "[    a]" },
		{ "%s", 1, { 0 }, "(null)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect_text(cases[i].format, cases[i].count, cases[i].arguments, cases[i].text);
}

/* Every combination of flags, width, precision and size, against libc. */
static void test_printf_numbers(void **state)
{
	static const char *const widths[] = { "", "1", "9", "30" };
	static const char *const precisions[] = { "", ".", ".0", ".1", ".8", ".25" };
	static const char *const conversions[] = { "d", "i", "u", "x", "X", "o", "ld", "llu", "zx",
		"lX", "llo", "p" };
	const unsigned count = 32 * 4 * 6 * 12;

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		const char *conversion = conversions[i / 32 / 4 / 6];
		unsigned precision = i / 32 / 4 % 6;
		char format[32] = "%";

		for (unsigned flag = 0; flag < 5; flag++)
			if (i >> flag & 1)
				strncat(format, "-+ #0" + flag, 1);
		if (*conversion == 'p' && precision)
			continue;
		strcat(format, widths[i / 32 % 4]);
		strcat(format, precisions[precision]);
		strcat(format, conversion);
		for (unsigned n = 0; n < NUMBERS; n++) {
			struct draft draft = draft_of_printf(format, 1, &numbers[n]);

			assert_int_equal(draft_run(&draft).rc, 0);
		}
	}
}

static void test_printf_strings(void **state)
{
	static const uint64_t endless = 0x3000, last = 0x3ffd, nowhere = 0x5000;
	struct draft draft;

	(void)state;
	draft = draft_of_printf("%s", 1, &endless);
	assert_int_equal(draft_run(&draft).rc, 0);
	assert_int_equal(first_host.length, AGENT_MAX_STRING + 3);
	expect_text("%.3s", 1, &last, "nop");
	draft = draft_of_printf("before %s", 1, &last); /* runs off the end of memory */
	assert_int_equal(draft_run(&draft).rc, -EFAULT);
	assert_int_equal(first_host.length, 0);
	draft = draft_of_printf("%s", 1, &nowhere);
	assert_int_equal(draft_run(&draft).rc, -EFAULT);
	expect_text("[%.0s]", 1, &nowhere, "[]");
}

/* More than a printf may put out is cut off. */
static void test_printf_output(void **state)
{
	uint64_t arguments[20] = { 0 };
	char format[128] = "";
	struct draft draft;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		strcat(format, "%256d");
	draft = draft_of_printf(format, 20, arguments);
	assert_int_equal(draft_run(&draft).rc, 0);
	assert_int_equal(first_host.length, AGENT_MAX_OUTPUT);
}

static void test_printf_refused(void **state)
{
	static const char *const formats[] = { "%", "%l", "%5", "%.", "%-", "%n", "%hd", "%hhd",
		"%jd", "%td", "%Lf", "%f", "%e", "%g", "%a", "%ls", "%lc", "%lp", "%zs", "%llld",
		"%lzd", "%*d", "%.*d", "%257d", "%.257d", "%99999999999999999999d",
		"%.99999999999999999999s", "%5-d", "%1$d", "%y", "%D", "%.2p", "%.2c", "\\", "\\q",
		"\\0", "\\x41", "\\101" };
	static const uint64_t argument;

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		struct draft draft = draft_of_printf(formats[i], 1, &argument);

		if (draft_check(&draft) != -EINVAL)
			fail_msg("\"%s\" is let through", formats[i]);
		draft = draft_of_printf(formats[i], 0, NULL);
		if (draft_check(&draft) != -EINVAL)
			fail_msg("\"%s\" is let through without arguments", formats[i]);
	}
}

/* ---- random ------------------------------------------------------------------------------ */

static uint64_t random_next(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned random_below(uint64_t *seed, unsigned bound)
{
	return (unsigned)(random_next(seed) % bound);
}

/* Mostly values that are good for something: small, at an edge, an address of the fake memory. */
static uint64_t random_value(uint64_t *seed)
{
	switch (random_below(seed, 4)) {
	case 0:
		return random_below(seed, 70);
	case 1:
		return numbers[random_below(seed, NUMBERS)];
	case 2:
		return FAKE_AGENT_MEMORY + random_below(seed, FAKE_AGENT_MEMORY_SIZE);
	default:
		return random_next(seed);
	}
}

static void draft_put_random_printf(struct draft *draft, uint64_t *seed)
{
	static const char *const formats[] = { "%d", "[%5x] %ld", "%s\\n", "%-8llu|%c%%", "hm %p" };
	static const unsigned counts[] = { 1, 2, 1, 2, 1 };
	unsigned i = random_below(seed, 5);

	draft_put(draft, 0x22002200, 4);
	draft_put_printf(draft, counts[i], formats[i]);
}

static void draft_put_random(struct draft *draft, uint64_t *seed)
{
	static const uint8_t plain[] = { 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
		0x0c, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x17, 0x18, 0x19, 0x1a, 0x28,
		0x29, 0x2b, 0x2f, 0x33 };
	static const uint8_t with_byte[] = { 0x0d, 0x16, 0x22, 0x2a, 0x32 };
	unsigned kind = random_below(seed, 100);

	if (kind < 40) {
		draft_put(draft, plain[random_below(seed, sizeof(plain))], 1);
	} else if (kind < 72) {
		draft_put_number(draft, random_value(seed));
	} else if (kind < 84) {
		draft_put(draft, with_byte[random_below(seed, sizeof(with_byte))], 1);
		draft_put(draft, random_below(seed, 68), 1);
	} else if (kind < 89) {
		draft_put(draft, 0x26, 1);
		draft_put(draft, random_below(seed, FAKE_AGENT_REGISTERS + 1), 2);
	} else if (kind < 96) {
		draft_put(draft, 0x20 + random_below(seed, 2), 1);
		draft_put(draft, 0, 2); /* where to is seen to later */
	} else if (kind < 99) {
		draft_put_random_printf(draft, seed);
	} else {
		draft_put(draft, 0x27, 1);
	}
}

/* A program with something on the stack, whose jumps lead to instructions. */
static struct draft draft_of_chance(uint64_t *seed)
{
	unsigned count = 1 + random_below(seed, 40), starts[48], i;
	struct draft draft = { .length = 0 };

	for (i = 0; i < 3; i++) {
		starts[i] = (unsigned)draft.length;
		draft_put_number(&draft, random_value(seed));
	}
	for (; i < count + 3; i++) {
		starts[i] = (unsigned)draft.length;
		draft_put_random(&draft, seed);
	}
	starts[i++] = (unsigned)draft.length;
	draft_put(&draft, 0x27, 1);
	for (unsigned j = 0; j < i; j++) {
		uint8_t *at = draft.bytes + starts[j];
		unsigned target = starts[random_below(seed, i)];

		if (*at != 0x20 && *at != 0x21)
			continue;
		at[1] = (uint8_t)(target >> 8);
		at[2] = (uint8_t)target;
	}
	return draft;
}

static void test_random_programs(void **state)
{
	unsigned outcomes[3] = { 0 };
	uint64_t seed = 3;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct draft draft = draft_of_chance(&seed);
		int rc = draft_run(&draft).rc;

		outcomes[rc == 0 ? 0 : rc == -ELOOP ? 1 : 2]++;
	}
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(outcomes[i], 100, 19000);
}

/* Sane programs with a byte changed, cut off or doubled: refused, or run like any other. */
static void test_random_bytes(void **state)
{
	unsigned refused = 0;
	uint64_t seed = 4;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct draft draft = draft_of_chance(&seed);

		draft.bytes[random_below(&seed, (unsigned)draft.length)] =
			(uint8_t)random_next(&seed);
		if (i & 1)
			draft.length = 1 + random_below(&seed, (unsigned)draft.length);
		if (draft_check(&draft))
			refused++;
		else
			draft_run(&draft);
	}
	assert_in_range(refused, 1000, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_binary_operations),
		cmocka_unit_test(test_unary_operations),
		cmocka_unit_test(test_operands_by_hand),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_printf_loop),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_printf_numbers),
		cmocka_unit_test(test_printf_strings),
		cmocka_unit_test(test_printf_output),
		cmocka_unit_test(test_printf_refused),
		cmocka_unit_test(test_random_programs),
		cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
