/* SPDX-License-Identifier: Apache-2.0 */
/* Composes the text of a configuration error. Knows no key and no syntax. */
#include "conf/conf_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void conf_error_at(struct conf_error *error, const char *file, unsigned int line, const char *key)
{
	error->file = file;
	error->line = line;
	error->key = key;
}

/* The text so far is LENGTH bytes; what snprintf() wanted to add may not have fitted. */
static size_t error_advance(size_t length, int wanted)
{
	size_t room = CONF_ERROR_SIZE - length;

	if (wanted < 0)
		return length;
	return (size_t)wanted < room ? length + (size_t)wanted : CONF_ERROR_SIZE - 1;
}

static size_t error_place(struct conf_error *error)
{
	char *text = error->text;
	size_t length = 0;

	text[0] = '\0';
	if (error->file && error->line)
		length = error_advance(
			0, snprintf(text, CONF_ERROR_SIZE, "%s:%u: ", error->file, error->line));
	else if (error->file)
		length = error_advance(0, snprintf(text, CONF_ERROR_SIZE, "%s: ", error->file));
	if (error->key)
		length = error_advance(length,
			snprintf(text + length, CONF_ERROR_SIZE - length, "%s: ", error->key));
	return length;
}

int conf_error_set(struct conf_error *error, const char *format, ...)
{
	size_t length = error_place(error);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text + length, CONF_ERROR_SIZE - length, format, arguments);
	va_end(arguments);
	conf_error_at(error, NULL, 0, NULL);
	return -EINVAL;
}
