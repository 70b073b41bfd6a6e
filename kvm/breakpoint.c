/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what the debugger asked for: see breakpoint.h. */
#include <errno.h>
#include <string.h>
#include "kvm/breakpoint.h"

static unsigned breakpoint_find(const struct breakpoint_table *table, gva_t gva, gpa_t gpa)
{
	unsigned i = 0;

	while (i < table->count && (table->entries[i].gva != gva || table->entries[i].gpa != gpa))
		i++;
	return i;
}

bool breakpoint_exists(const struct breakpoint_table *table, gva_t gva, gpa_t gpa)
{
	return breakpoint_find(table, gva, gpa) < table->count;
}

bool breakpoint_wants(const struct breakpoint_table *table, gpa_t gpa)
{
	for (unsigned i = 0; i < table->count; i++)
		if (table->entries[i].gpa == gpa)
			return true;
	return false;
}

int breakpoint_add(struct breakpoint_table *table, gva_t gva, gpa_t gpa)
{
	if (breakpoint_exists(table, gva, gpa))
		return 0;
	if (table->count == BREAKPOINT_MAX)
		return -ENOSPC;
	table->entries[table->count++] = (struct breakpoint){ .gva = gva, .gpa = gpa };
	return 0;
}

void breakpoint_remove(struct breakpoint_table *table, gva_t gva)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < table->count; i++)
		if (table->entries[i].gva != gva)
			table->entries[kept++] = table->entries[i];
		else
			condition_destroy(table->entries[i].condition);
	table->count = kept;
}

static unsigned breakpoint_find_point(
	const struct breakpoint_table *table, const struct hardware_point *point)
{
	unsigned i = 0;

	while (i < table->point_count &&
		(table->points[i].type != point->type || table->points[i].gva != point->gva ||
			table->points[i].length != point->length))
		i++;
	return i;
}

bool breakpoint_has_point(const struct breakpoint_table *table, const struct hardware_point *point)
{
	return breakpoint_find_point(table, point) < table->point_count;
}

int breakpoint_add_point(struct breakpoint_table *table, const struct hardware_point *point)
{
	if (breakpoint_has_point(table, point))
		return 0;
	if (table->point_count == BREAKPOINT_MAX_POINTS)
		return -ENOSPC;
	table->points[table->point_count] = *point;
	table->point_conditions[table->point_count++] = NULL;
	return 0;
}

void breakpoint_remove_point(struct breakpoint_table *table, const struct hardware_point *point)
{
	unsigned i = breakpoint_find_point(table, point);

	if (i == table->point_count)
		return;
	condition_destroy(table->point_conditions[i]);
	table->point_count--;
	memmove(&table->points[i], &table->points[i + 1],
		(table->point_count - i) * sizeof(table->points[0]));
	memmove(&table->point_conditions[i], &table->point_conditions[i + 1],
		(table->point_count - i) * sizeof(table->point_conditions[0]));
}

bool breakpoint_point_at(const struct breakpoint_table *table, gva_t gva)
{
	for (unsigned i = 0; i < table->point_count; i++)
		if (table->points[i].type == TARGET_BREAK_HARDWARE && table->points[i].gva == gva)
			return true;
	return false;
}

bool breakpoint_watches(const struct breakpoint_table *table, gva_t address)
{
	for (unsigned i = 0; i < table->point_count; i++) {
		const struct hardware_point *point = &table->points[i];

		if (point->type != TARGET_BREAK_HARDWARE && address - point->gva < point->length)
			return true;
	}
	return false;
}

struct condition **breakpoint_condition(struct breakpoint_table *table, gva_t gva, gpa_t gpa)
{
	unsigned i = breakpoint_find(table, gva, gpa);

	return i < table->count ? &table->entries[i].condition : NULL;
}

struct condition **breakpoint_point_condition(
	struct breakpoint_table *table, const struct hardware_point *point)
{
	unsigned i = breakpoint_find_point(table, point);

	return i < table->point_count ? &table->point_conditions[i] : NULL;
}

static unsigned breakpoint_find_ignore(const struct breakpoint_table *table, gva_t gva)
{
	unsigned i = 0;

	while (i < table->ignore_count && table->ignores[i].gva != gva)
		i++;
	return i;
}

int breakpoint_ignore(struct breakpoint_table *table, gva_t gva, uint64_t count)
{
	unsigned i = breakpoint_find_ignore(table, gva);
	bool is_new = i == table->ignore_count;

	if (!count && is_new)
		return 0;
	if (!count) {
		table->ignores[i] = table->ignores[--table->ignore_count];
		return 0;
	}
	if (is_new && i == BREAKPOINT_MAX_IGNORES)
		return -ENOSPC;
	table->ignores[i] = (struct breakpoint_ignore){ .gva = gva, .count = count };
	table->ignore_count += is_new;
	return 0;
}

bool breakpoint_take_ignored(struct breakpoint_table *table, gva_t gva)
{
	unsigned i = breakpoint_find_ignore(table, gva);

	if (i == table->ignore_count)
		return false;
	breakpoint_ignore(table, gva, table->ignores[i].count - 1);
	return true;
}

void breakpoint_clear(struct breakpoint_table *table)
{
	for (unsigned i = 0; i < table->count; i++)
		condition_destroy(table->entries[i].condition);
	for (unsigned i = 0; i < table->point_count; i++)
		condition_destroy(table->point_conditions[i]);
	table->count = 0;
	table->point_count = 0;
	table->ignore_count = 0;
}
