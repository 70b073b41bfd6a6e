/* SPDX-License-Identifier: Apache-2.0 */
/* Formatting for a guest that has no libc. */
#include <stdbool.h>
#include <stdint.h>

#include "tests/guest/arch.h"
#include "tests/guest/console.h"
#include "tests/guest/lock.h"

static uint32_t console_lock;

static void line_put(struct line *line, char c)
{
	if (line->length < LINE_MAX - 2)
		line->text[line->length++] = c;
	else
		line->text[LINE_MAX - 3] = '!';
}

static void line_put_text(struct line *line, const char *text)
{
	while (*text)
		line_put(line, *text++);
}

static void line_put_number(struct line *line, uint64_t value, unsigned base)
{
	char digits[20];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (count)
		line_put(line, digits[--count]);
}

/* One conversion, after its '%'; returns what follows it. */
static const char *line_put_conversion(struct line *line, const char *format, va_list *args)
{
	bool is_long = false;
	uint64_t value;

	if (*format == '#') {
		line_put_text(line, "0x");
		format++;
	}
	if (*format == 'l') {
		is_long = true;
		format++;
	}
	switch (*format) {
	case 's':
		line_put_text(line, va_arg(*args, const char *));
		break;
	case 'c':
		line_put(line, (char)va_arg(*args, int));
		break;
	case 'u':
	case 'x':
		value = is_long ? va_arg(*args, unsigned long) : va_arg(*args, unsigned);
		line_put_number(line, value, *format == 'x' ? 16 : 10);
		break;
	default:
		line_put(line, *format);
		break;
	}
	return format + 1;
}

static void line_add_list(struct line *line, const char *format, va_list *args)
{
	while (*format) {
		if (*format == '%')
			format = line_put_conversion(line, format + 1, args);
		else
			line_put(line, *format++);
	}
}

void line_add(struct line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line_add_list(line, format, &args);
	va_end(args);
}

void line_write(struct line *line)
{
	line->text[line->length++] = '\n';
	lock_acquire(&console_lock);
	arch_write_uart(line->text, line->length);
	lock_release(&console_lock);
	line->length = 0;
}

void console_print(const char *format, ...)
{
	struct line line = { .length = 0 };
	va_list args;

	va_start(args, format);
	line_add_list(&line, format, &args);
	va_end(args);
	line_write(&line);
}
