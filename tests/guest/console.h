/* SPDX-License-Identifier: Apache-2.0 */
/* Whole lines of text on the UART; those of several CPUs do not mix. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdarg.h>

#define LINE_MAX 1024

/* A line in the making.  What does not fit is cut off, marked by a '!' at the end. */
struct line {
	char text[LINE_MAX];
	unsigned length;
};

/* Knows %s %c %u %x %lu %lx %%, and # for the prefix 0x. */
__attribute__((format(printf, 2, 3))) void line_add(struct line *line, const char *format, ...);

/* Writes the line with its end and empties it. */
void line_write(struct line *line);

/* The whole line at once. */
__attribute__((format(printf, 1, 2))) void console_print(const char *format, ...);

#endif
