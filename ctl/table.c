/* SPDX-License-Identifier: Apache-2.0 */
/* A table for people: see table.h. */
#include "ctl/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ctl/record.h"

void table_init(struct table *table, const char *const *head, unsigned columns)
{
	*table = (struct table){ .columns = columns };
	for (unsigned i = 0; i < columns; i++)
		table_add(table, head[i]);
}

void table_fini(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	table->cells = NULL;
	table->count = table->capacity = 0;
}

static char *cell_make(const char *text)
{
	char *cell = NULL;
	size_t size;
	FILE *out = open_memstream(&cell, &size);

	if (!out)
		return NULL;
	record_print_text(*text ? text : "-", out);
	if (fclose(out)) {
		free(cell);
		return NULL;
	}
	return cell;
}

static int table_grow(struct table *table)
{
	size_t capacity = table->capacity ? 2 * table->capacity : 64;
	char **cells = realloc(table->cells, capacity * sizeof(*cells));

	if (!cells)
		return -ENOMEM;
	table->cells = cells;
	table->capacity = capacity;
	return 0;
}

void table_add(struct table *table, const char *text)
{
	char *cell = NULL;

	if (table->count < table->capacity || table_grow(table) == 0)
		cell = cell_make(text);
	if (cell)
		table->cells[table->count++] = cell;
	else
		table->is_lost = 1;
}

static void table_measure(const struct table *table, int widths[TABLE_COLUMNS_MAX])
{
	memset(widths, 0, TABLE_COLUMNS_MAX * sizeof(*widths));
	for (size_t i = 0; i < table->count; i++) {
		int *width = &widths[i % table->columns], length = (int)strlen(table->cells[i]);

		*width = length > *width ? length : *width;
	}
}

int table_print(const struct table *table, const char *indent, FILE *out)
{
	int widths[TABLE_COLUMNS_MAX];

	if (table->is_lost)
		return -ENOMEM;
	if (table->count == table->columns)
		return 0;
	table_measure(table, widths);
	for (size_t i = 0; i < table->count; i++) {
		unsigned column = (unsigned)(i % table->columns);

		if (column == 0)
			fputs(indent, out);
		if (column + 1 < table->columns)
			fprintf(out, "%-*s  ", widths[column], table->cells[i]);
		else
			fprintf(out, "%s\n", table->cells[i]);
	}
	return 0;
}
