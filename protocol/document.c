/* SPDX-License-Identifier: Apache-2.0 */
/* A text that grows up to a bound; see document.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "protocol/document.h"

void document_fini(struct document *document)
{
	free(document->text);
	*document = (struct document){ .text = NULL };
}

void document_reset(struct document *document)
{
	document->length = 0;
	document->error = 0;
}

int document_status(const struct document *document)
{
	return document->error;
}

/* Makes room for length more bytes and vsnprintf's terminator. */
static int document_reserve(struct document *document, size_t length)
{
	size_t wanted = document->length + length + 1;
	size_t capacity = document->capacity ? document->capacity : 4096;
	char *text;

	if (wanted <= document->capacity)
		return 0;
	if (wanted > DOCUMENT_MAX_SIZE)
		return -EFBIG;
	while (capacity < wanted)
		capacity *= 2;
	text = realloc(document->text, capacity);
	if (!text)
		return -ENOMEM;
	document->text = text;
	document->capacity = capacity;
	return 0;
}

void document_put(struct document *document, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (document->error)
		return;
	document->error = length < 0 ? -EINVAL : document_reserve(document, (size_t)length);
	if (document->error)
		return;
	va_start(arguments, format);
	vsnprintf(document->text + document->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	document->length += (size_t)length;
}

static void document_put_character(struct document *document, char character)
{
	switch (character) {
	case '<':
		document_put(document, "&lt;");
		break;
	case '>':
		document_put(document, "&gt;");
		break;
	case '&':
		document_put(document, "&amp;");
		break;
	case '"':
		document_put(document, "&quot;");
		break;
	default:
		document_put(
			document, "%c", character >= ' ' && character <= '~' ? character : '?');
	}
}

void document_put_escaped(struct document *document, const char *text)
{
	for (; *text; text++)
		document_put_character(document, *text);
}
