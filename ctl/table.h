/* SPDX-License-Identifier: Apache-2.0 */
/* A table for people: rows of words, columns as wide as their widest. */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 8 };

struct table {
	unsigned columns;
	size_t count, capacity; /* of cells */
	char **cells;           /* row by row; owned */
	int is_lost;            /* no memory: rows are missing */
};

/* Begins a table with these words at its head. */
void table_init(struct table *table, const char *const *head, unsigned columns);
void table_fini(struct table *table);

/* The next cell, copied, with everything that is not printable written as \xHH; "-" for an empty one. */
void table_add(struct table *table, const char *text);

/* Prints what has more than its head, each line behind indent.  0 or -ENOMEM. */
int table_print(const struct table *table, const char *indent, FILE *out);

#endif
