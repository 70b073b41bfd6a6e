/* SPDX-License-Identifier: Apache-2.0 */
/* See reference_agent.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kvm/agent_printf.h"
#include "tests/unit/reference_agent.h"

struct evaluator {
	const uint8_t *code;
	const struct agent_host *host;
	uint64_t stack[AGENT_MAX_STACK];
	int depth;
	int error; /* the first one stays */
};

static void fail(struct evaluator *e, int error)
{
	if (!e->error)
		e->error = error;
}

static void push(struct evaluator *e, uint64_t value)
{
	if (e->depth == AGENT_MAX_STACK)
		fail(e, -EOVERFLOW);
	else
		e->stack[e->depth++] = value;
}

static uint64_t pop(struct evaluator *e)
{
	if (e->depth)
		return e->stack[--e->depth];
	fail(e, -ENODATA);
	return 0;
}

/* ---- arithmetic, the slow way ------------------------------------------------------------ */

static bool bit(uint64_t value, unsigned n)
{
	return value >> n & 1;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
	uint64_t product = 0;

	for (unsigned n = 0; n < 64; n++, a += a)
		if (bit(b, n))
			product += a;
	return product;
}

/* Long division, as on paper. */
static uint64_t divide(uint64_t a, uint64_t b, uint64_t *remainder)
{
	uint64_t quotient = 0, rest = 0;

	for (unsigned n = 64; n--;) {
		bool carry = bit(rest, 63);

		rest = rest * 2 + bit(a, n);
		quotient *= 2;
		if (carry || rest >= b) {
			rest -= b;
			quotient++;
		}
	}
	*remainder = rest;
	return quotient;
}

static uint64_t magnitude(uint64_t value)
{
	return bit(value, 63) ? 0 - value : value;
}

/* Truncates towards zero; the remainder has the sign of the dividend. */
static uint64_t divide_with_signs(uint64_t a, uint64_t b, uint64_t *remainder)
{
	uint64_t quotient = divide(magnitude(a), magnitude(b), remainder);

	if (bit(a, 63))
		*remainder = 0 - *remainder;
	return bit(a, 63) != bit(b, 63) ? 0 - quotient : quotient;
}

static uint64_t shift_left(uint64_t a, uint64_t count)
{
	for (uint64_t n = 0; n < count && n < 64; n++)
		a += a;
	return a;
}

static uint64_t shift_right(uint64_t a, uint64_t count, bool fill)
{
	for (uint64_t n = 0; n < count && n < 64; n++)
		a = a / 2 + (fill ? UINT64_C(1) << 63 : 0);
	return a;
}

static bool is_less(uint64_t a, uint64_t b)
{
	for (unsigned n = 64; n--;)
		if (bit(a, n) != bit(b, n))
			return bit(b, n);
	return false;
}

static bool is_less_signed(uint64_t a, uint64_t b)
{
	return bit(a, 63) != bit(b, 63) ? bit(a, 63) : is_less(a, b);
}

static uint64_t extend(uint64_t a, unsigned bits, bool fill)
{
	if (fill && !bits)
		return a;
	for (unsigned n = bits; n < 64; n++)
		if (fill && bit(a, bits - 1))
			a |= UINT64_C(1) << n;
		else
			a &= ~(UINT64_C(1) << n);
	return a;
}

static void binary(struct evaluator *e, uint8_t op)
{
	uint64_t b = pop(e), a = pop(e), quotient = 0, remainder = 0;

	if (e->error)
		return;
	if (op >= 0x05 && op <= 0x08) {
		if (!b)
			fail(e, -EDOM);
		else if (op == 0x05 || op == 0x07)
			quotient = divide_with_signs(a, b, &remainder);
		else
			quotient = divide(a, b, &remainder);
		push(e, op <= 0x06 ? quotient : remainder);
		return;
	}
	switch (op) {
	case 0x02:
		push(e, a - (0 - b));
		break;
	case 0x03:
		push(e, a + (~b + 1));
		break;
	case 0x04:
		push(e, multiply(a, b));
		break;
	case 0x09:
		push(e, shift_left(a, b));
		break;
	case 0x0a:
		push(e, shift_right(a, b, bit(a, 63)));
		break;
	case 0x0b:
		push(e, shift_right(a, b, false));
		break;
	case 0x0f:
		push(e, ~(~a | ~b));
		break;
	case 0x10:
		push(e, ~(~a & ~b));
		break;
	case 0x11:
		push(e, (a | b) - (a & b));
		break;
	case 0x13:
		push(e, a - b == 0);
		break;
	case 0x14:
		push(e, is_less_signed(a, b));
		break;
	case 0x15:
		push(e, is_less(a, b));
		break;
	}
}

/* ---- printf ------------------------------------------------------------------------------ */

struct line {
	char text[AGENT_MAX_OUTPUT];
	size_t length;
};

static void line_add(struct line *line, const char *text, size_t length)
{
	for (size_t i = 0; i < length && line->length < sizeof(line->text); i++)
		line->text[line->length++] = text[i];
}

static int string_argument(
	const struct agent_host *host, uint64_t address, int precision, char *text)
{
	int most = precision < 0 ? AGENT_MAX_STRING : precision, n = 0, rc;

	for (; n < most; n++) {
		rc = host->read_memory(host->context, address + (unsigned)n, text + n, 1);
		if (rc < 0 && !address) {
			memcpy(text, "(null)", 7);
			return 6;
		}
		if (rc < 0)
			return rc;
		if (!text[n])
			return n;
	}
	if (precision >= 0)
		return n;
	memcpy(text + n, "...", 4);
	return n + 3;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* spec is "%flags.precision" without size and letter; libc does the rest. */
static int number_argument(
	char *text, size_t size, const char *spec, char letter, bool wide, uint64_t value)
{
	char format[64];
	int length;

	snprintf(format, sizeof(format), "%s%s%c", spec, "ll", letter == 'p' ? 'x' : letter);
	if (letter == 'p') {
		/* libc has its own idea of a null pointer */
		snprintf(format, sizeof(format), "%%#%sllx", spec + 1);
		length = snprintf(text, size, format, (unsigned long long)(value ? value : 1));
		if (!value)
			*strrchr(text, '1') = '0';
		return length;
	}
	if (letter == 'd' || letter == 'i')
		return snprintf(text, size, format, wide ? (long long)value : (int)value);
	return snprintf(text, size, format,
		wide ? (unsigned long long)value : (unsigned long long)(unsigned)value);
}

#pragma GCC diagnostic pop

static void pad(struct line *line, bool left, int width, const char *text, int length)
{
	for (int n = length; !left && n < width; n++)
		line_add(line, " ", 1);
	line_add(line, text, (size_t)length);
	for (int n = length; left && n < width; n++)
		line_add(line, " ", 1);
}

static int one_argument(
	struct line *line, const struct agent_host *host, const char **format, uint64_t value)
{
	char spec[48] = "%", text[2048];
	const char *end = *format + strcspn(*format, "diuxXocsp");
	bool wide = memchr(*format, 'l', (size_t)(end - *format)) ||
		    memchr(*format, 'z', (size_t)(end - *format));
	const char *dot = memchr(*format, '.', (size_t)(end - *format));
	size_t flags = strspn(*format, "-+ #0");
	bool left = memchr(*format, '-', flags);
	int width = atoi(*format + flags), length;

	memcpy(spec + 1, *format, strcspn(*format, "lzdiuxXocsp"));
	*format = end + 1;
	if (*end == 's') {
		length = string_argument(host, value, dot ? atoi(dot + 1) : -1, text);
		if (length < 0)
			return length;
		pad(line, left, width, text, length);
	} else if (*end == 'c') {
		text[0] = (char)value;
		pad(line, left, width, text, 1);
	} else {
		length = number_argument(text, sizeof(text), spec, *end, wide, value);
		line_add(line, text, (size_t)length);
	}
	return 0;
}

static char unescaped(char letter)
{
	switch (letter) {
	case 'a':
		return 7;
	case 'b':
		return 8;
	case 't':
		return 9;
	case 'n':
		return 10;
	case 'v':
		return 11;
	case 'f':
		return 12;
	case 'r':
		return 13;
	case 'e':
		return 27;
	default:
		return letter;
	}
}

static void print(struct evaluator *e, const char *format)
{
	struct line line = { .length = 0 };

	while (*format && !e->error) {
		if (*format == '\\') {
			char letter = unescaped(format[1]);

			line_add(&line, &letter, 1);
			format += 2;
		} else if (*format == '%' && format[1] == '%') {
			line_add(&line, "%", 1);
			format += 2;
		} else if (*format == '%') {
			uint64_t argument = pop(e);
			int rc;

			format++;
			rc = one_argument(&line, e->host, &format, argument);
			if (rc < 0)
				fail(e, rc);
		} else {
			line_add(&line, format++, 1);
		}
	}
	if (!e->error && line.length)
		e->host->print(e->host->context, line.text, line.length);
}

/* ---- the machine ------------------------------------------------------------------------- */

static uint64_t operand(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value * 256 + at[i];
	return value;
}

static void reference_memory(struct evaluator *e, unsigned bytes)
{
	uint64_t address = pop(e), value = 0;
	uint8_t byte = 0;
	int rc;

	for (unsigned i = bytes; i-- && !e->error;) {
		rc = e->host->read_memory(e->host->context, address + i, &byte, 1);
		if (rc < 0)
			fail(e, rc);
		value = value * 256 + byte;
	}
	push(e, value);
}

static void register_value(struct evaluator *e, unsigned number)
{
	uint64_t value = 0;
	int rc = 0;

	if (e->depth < AGENT_MAX_STACK)
		rc = e->host->read_register(e->host->context, number, &value);
	if (rc < 0)
		fail(e, rc);
	push(e, value);
}

static void pick(struct evaluator *e, int n)
{
	uint64_t value = 0;

	if (e->depth == AGENT_MAX_STACK)
		fail(e, -EOVERFLOW);
	else if (n >= e->depth)
		fail(e, -ENODATA);
	else
		value = e->stack[e->depth - n - 1];
	push(e, value);
}

static void call_printf(struct evaluator *e, const uint8_t *at)
{
	uint64_t function, channel;

	if (e->depth < at[1] + 2) {
		fail(e, -ENODATA);
		return;
	}
	function = pop(e);
	channel = pop(e);
	if (function || channel)
		fail(e, -ENOTSUP);
	else
		print(e, (const char *)at + 4);
}

static void variable(struct evaluator *e, uint8_t op)
{
	if (op == 0x2c && e->depth == AGENT_MAX_STACK)
		fail(e, -EOVERFLOW);
	else if (op == 0x2d && !e->depth)
		fail(e, -ENODATA);
	fail(e, -ENOENT);
}

/* Executes the instruction at e->code + at: where to go on, -1 at the end. */
static long execute(struct evaluator *e, long at)
{
	static const unsigned char operands[0x35] = { [0x0d] = 1,
		[0x16] = 1,
		[0x20] = 2,
		[0x21] = 2,
		[0x22] = 1,
		[0x23] = 2,
		[0x24] = 4,
		[0x25] = 8,
		[0x26] = 2,
		[0x2a] = 1,
		[0x2c] = 2,
		[0x2d] = 2,
		[0x2e] = 2,
		[0x30] = 2,
		[0x32] = 1 };
	uint8_t op = e->code[at];
	uint64_t n = operand(e->code + at + 1, operands[op]), a, b, c;
	long next = at + 1 + operands[op];

	switch (op) {
	case 0x0c:
	case 0x2f:
		pop(e);
		pop(e);
		break;
	case 0x0d:
	case 0x30:
		push(e, pop(e));
		break;
	case 0x0e:
		push(e, pop(e) ? 0 : 1);
		break;
	case 0x12:
		push(e, UINT64_MAX - pop(e));
		break;
	case 0x16:
		push(e, extend(pop(e), (unsigned)n, true));
		break;
	case 0x2a:
		push(e, extend(pop(e), (unsigned)n, false));
		break;
	case 0x17:
	case 0x18:
	case 0x19:
	case 0x1a:
		reference_memory(e, 1u << (op - 0x17));
		break;
	case 0x20:
		return pop(e) ? (long)n : next;
	case 0x21:
		return (long)n;
	case 0x22:
	case 0x23:
	case 0x24:
	case 0x25:
		push(e, n);
		break;
	case 0x26:
		register_value(e, (unsigned)n);
		break;
	case 0x27:
		return -1;
	case 0x28:
		a = pop(e);
		push(e, a);
		push(e, a);
		break;
	case 0x29:
		pop(e);
		break;
	case 0x2b:
		b = pop(e);
		a = pop(e);
		push(e, b);
		push(e, a);
		break;
	case 0x2c:
	case 0x2d:
	case 0x2e:
		variable(e, op);
		break;
	case 0x32:
		pick(e, (int)n);
		break;
	case 0x33:
		c = pop(e);
		b = pop(e);
		a = pop(e);
		push(e, c);
		push(e, a);
		push(e, b);
		break;
	case 0x34:
		call_printf(e, e->code + at);
		return at + 4 + (long)operand(e->code + at + 2, 2);
	default:
		binary(e, op);
		break;
	}
	return next;
}

int reference_agent_run(
	const struct agent_code *code, const struct agent_host *host, int64_t *result)
{
	struct evaluator e = { .code = code->bytes, .host = host };
	int budget = AGENT_MAX_STEPS;

	for (long at = 0; at >= 0 && !e.error;) {
		if (budget <= 0)
			return -ELOOP;
		budget -= e.code[at] == 0x34 ? 1 + AGENT_PRINTF_STEPS : 1;
		at = execute(&e, at);
	}
	if (result && !e.error)
		*result = (int64_t)pop(&e);
	return e.error;
}
