/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text that grows up to a bound and fails sticky: the XML documents a debugger reads in pages.
 * Knows no element of any of them.
 */
#ifndef PROTOCOL_DOCUMENT_H
#define PROTOCOL_DOCUMENT_H

#include <stddef.h>

enum { DOCUMENT_MAX_SIZE = 1 << 20 };

/* Zeroed it is empty. */
struct document {
	char *text;
	size_t length, capacity;
	int error; /* -ENOMEM or -EFBIG once something did not fit */
};

void document_fini(struct document *document);

/* Empty again; keeps its memory. */
void document_reset(struct document *document);

/* 0, or what went wrong since the last reset. */
int document_status(const struct document *document);

void document_put(struct document *document, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Text as XML character data: markup is escaped and what XML forbids becomes '?'. */
void document_put_escaped(struct document *document, const char *text);

#endif
