/* SPDX-License-Identifier: Apache-2.0 */
/* The printf of agent code: see agent_printf.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "kvm/agent_printf.h"

enum { STRING_CHUNK = 64 }; /* never crosses a page: what is read is on a page the string is on */

/* One conversion: %[flags][width][.precision][l|ll|z]letter. */
struct conversion {
	char letter;
	bool left, plus, space, alternate, zero;
	bool wide; /* of 64 bits, else 32 */
	bool has_precision;
	unsigned width, precision;
};

/* ---- reading the format ------------------------------------------------------------------ */

/* The character that a backslash and letter stand for, or -EINVAL (GDB manual, "Output"). */
static int escape_value(uint8_t letter)
{
	static const char letters[] = "\\\"'?abefnrtv";
	static const char values[] = "\\\"'?\a\b\033\f\n\r\t\v";
	const char *found = letter ? strchr(letters, letter) : NULL;

	return found ? values[found - letters] : -EINVAL;
}

static bool *conversion_flag(struct conversion *conversion, uint8_t letter)
{
	switch (letter) {
	case '-':
		return &conversion->left;
	case '+':
		return &conversion->plus;
	case ' ':
		return &conversion->space;
	case '#':
		return &conversion->alternate;
	case '0':
		return &conversion->zero;
	default:
		return NULL;
	}
}

static const uint8_t *take_flags(const uint8_t *at, struct conversion *conversion)
{
	for (bool *flag; (flag = conversion_flag(conversion, *at)); at++)
		*flag = true;
	return at;
}

/* A number that is not there is 0; one that is too large stays too large. */
static const uint8_t *take_number(const uint8_t *at, unsigned *number)
{
	for (*number = 0; *at >= '0' && *at <= '9'; at++)
		if (*number <= AGENT_MAX_WIDTH)
			*number = *number * 10 + (*at - '0');
	return at;
}

static const uint8_t *take_size(const uint8_t *at, struct conversion *conversion)
{
	conversion->wide = *at == 'l' || *at == 'z';
	if (at[0] == 'l' && at[1] == 'l')
		return at + 2;
	return conversion->wide ? at + 1 : at;
}

/* at is behind the '%'.  Where the conversion ends, or NULL. */
static const uint8_t *take_conversion(const uint8_t *at, struct conversion *conversion)
{
	*conversion = (struct conversion){ .letter = 0 };
	at = take_flags(at, conversion);
	at = take_number(at, &conversion->width);
	conversion->has_precision = *at == '.';
	if (conversion->has_precision)
		at = take_number(at + 1, &conversion->precision);
	at = take_size(at, conversion);
	if (!*at || !strchr("diuxXocsp", *at) || conversion->width > AGENT_MAX_WIDTH ||
		conversion->precision > AGENT_MAX_WIDTH)
		return NULL;
	if ((conversion->wide && strchr("csp", *at)) ||
		(conversion->has_precision && strchr("cp", *at)))
		return NULL; /* wide characters, and what means nothing */
	conversion->letter = (char)*at;
	return at + 1;
}

int agent_printf_check(const uint8_t *format, size_t length, unsigned count)
{
	const uint8_t *at = format, *end = memchr(format, 0, length);
	struct conversion conversion;
	unsigned found = 0;

	if (!end || end != format + length - 1)
		return -EINVAL;
	while (at < end) {
		if (*at == '\\' && escape_value(at[1]) < 0)
			return -EINVAL;
		if (*at == '\\' || (at[0] == '%' && at[1] == '%')) {
			at += 2;
		} else if (*at != '%') {
			at++;
		} else {
			at = take_conversion(at + 1, &conversion);
			if (!at)
				return -EINVAL;
			found++;
		}
	}
	return found == count ? 0 : -EINVAL;
}

/* ---- output ------------------------------------------------------------------------------ */

struct output {
	size_t length;
	char text[AGENT_MAX_OUTPUT];
};

static void output_put(struct output *output, const char *text, size_t length)
{
	size_t room = sizeof(output->text) - output->length;

	if (length > room)
		length = room;
	memcpy(output->text + output->length, text, length);
	output->length += length;
}

static void output_fill(struct output *output, char with, size_t count)
{
	while (count--)
		output_put(output, &with, 1);
}

/* text in a field of the conversion's width. */
static void output_put_field(
	struct output *output, const struct conversion *conversion, const char *text, size_t length)
{
	size_t fill = conversion->width > length ? conversion->width - length : 0;

	if (!conversion->left)
		output_fill(output, ' ', fill);
	output_put(output, text, length);
	if (conversion->left)
		output_fill(output, ' ', fill);
}

/* ---- numbers ----------------------------------------------------------------------------- */

struct number {
	const char *sign; /* or prefix */
	char digits[24];
	size_t length;
};

static unsigned number_base(char letter)
{
	switch (letter) {
	case 'x':
	case 'X':
	case 'p':
		return 16;
	case 'o':
		return 8;
	default:
		return 10;
	}
}

static bool conversion_is_signed(const struct conversion *conversion)
{
	return conversion->letter == 'd' || conversion->letter == 'i';
}

/* What a C compiler would have made of the argument: an int is the low half. */
static uint64_t argument_value(const struct conversion *conversion, uint64_t value)
{
	if (conversion->wide || conversion->letter == 'p')
		return value;
	value &= UINT32_MAX;
	if (conversion_is_signed(conversion) && value >> 31)
		value |= ~(uint64_t)UINT32_MAX;
	return value;
}

static const char *number_sign(
	const struct conversion *conversion, uint64_t value, bool is_negative)
{
	if (conversion->letter == 'p')
		return "0x";
	if (conversion_is_signed(conversion)) {
		if (is_negative)
			return "-";
		if (conversion->plus)
			return "+";
		return conversion->space ? " " : "";
	}
	if (!conversion->alternate || !value)
		return "";
	if (conversion->letter == 'x')
		return "0x";
	return conversion->letter == 'X' ? "0X" : "";
}

/* Zero with a precision of 0 has no digit at all, as in C. */
static void number_make(
	struct number *number, const struct conversion *conversion, uint64_t argument)
{
	const char *letters = conversion->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	uint64_t value = argument_value(conversion, argument);
	bool is_negative = conversion_is_signed(conversion) && value >> 63;
	unsigned base = number_base(conversion->letter);
	size_t at = sizeof(number->digits);

	number->sign = number_sign(conversion, value, is_negative);
	if (is_negative)
		value = -value;
	if (!value && !(conversion->has_precision && !conversion->precision))
		number->digits[--at] = '0';
	for (; value; value /= base)
		number->digits[--at] = letters[value % base];
	number->length = sizeof(number->digits) - at;
	memmove(number->digits, number->digits + at, number->length);
}

/* How many zeros stand before the digits. */
static size_t number_zeros(const struct number *number, const struct conversion *conversion)
{
	size_t length = number->length, wanted = conversion->precision;

	if (!conversion->has_precision && conversion->zero && !conversion->left)
		wanted = conversion->width > strlen(number->sign)
				 ? conversion->width - strlen(number->sign)
				 : 0;
	if (conversion->letter == 'o' && conversion->alternate && wanted <= length &&
		!(length && number->digits[0] == '0'))
		wanted = length + 1;
	return wanted > length ? wanted - length : 0;
}

static void put_number(
	struct output *output, const struct conversion *conversion, uint64_t argument)
{
	char text[2 + AGENT_MAX_WIDTH + sizeof(((struct number *)0)->digits)];
	struct number number;
	size_t zeros, sign;

	number_make(&number, conversion, argument);
	zeros = number_zeros(&number, conversion);
	sign = strlen(number.sign);
	memcpy(text, number.sign, sign);
	memset(text + sign, '0', zeros);
	memcpy(text + sign + zeros, number.digits, number.length);
	output_put_field(output, conversion, text, sign + zeros + number.length);
}

/* ---- strings ----------------------------------------------------------------------------- */

/* Reads at most most bytes of the string at address: its length, or what the host returned. */
static int64_t string_read(const struct agent_host *host, uint64_t address, char *text, size_t most)
{
	for (size_t done = 0, run; done < most; done += run) {
		const char *end;
		int rc;

		run = STRING_CHUNK - ((address + done) & (STRING_CHUNK - 1));
		if (run > most - done)
			run = most - done;
		rc = host->read_memory(host->context, address + done, text + done, run);
		if (rc < 0)
			return rc;
		end = memchr(text + done, 0, run);
		if (end)
			return end - text;
	}
	return (int64_t)most;
}

static int put_string(struct output *output, const struct conversion *conversion, uint64_t address,
	const struct agent_host *host)
{
	static const char more[] = "...", null[] = "(null)";
	char text[AGENT_MAX_STRING + sizeof(more)];
	bool cut = !conversion->has_precision;
	int64_t length =
		string_read(host, address, text, cut ? AGENT_MAX_STRING : conversion->precision);

	if (length < 0 && !address) {
		output_put_field(output, conversion, null, sizeof(null) - 1);
		return 0;
	}
	if (length < 0)
		return (int)length;
	if (cut && length == AGENT_MAX_STRING) {
		memcpy(text + length, more, sizeof(more) - 1);
		length += sizeof(more) - 1;
	}
	output_put_field(output, conversion, text, (size_t)length);
	return 0;
}

/* ---- all of it --------------------------------------------------------------------------- */

static int put_argument(struct output *output, const struct conversion *conversion,
	uint64_t argument, const struct agent_host *host)
{
	char character = (char)argument;

	if (conversion->letter == 's')
		return put_string(output, conversion, argument, host);
	if (conversion->letter == 'c')
		output_put_field(output, conversion, &character, 1);
	else
		put_number(output, conversion, argument);
	return 0;
}

int agent_printf(const uint8_t *format, const uint64_t *args, const struct agent_host *host)
{
	struct output output = { .length = 0 };
	struct conversion conversion;
	int rc = 0;

	for (const uint8_t *at = format; *at && rc == 0;) {
		char character = (char)*at;

		if (*at == '%' && at[1] != '%') {
			at = take_conversion(at + 1, &conversion);
			rc = put_argument(&output, &conversion, *args++, host);
			continue;
		}
		if (*at == '\\')
			character = (char)escape_value(at[1]);
		output_put(&output, &character, 1);
		at += *at == '\\' || *at == '%' ? 2 : 1;
	}
	if (rc == 0 && output.length)
		host->print(host->context, output.text, output.length);
	return rc;
}
