/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what the debugger asked for: see breakpoint.h. */
#include <errno.h>
#include <string.h>
#include "kvm/breakpoint.h"

const char *breakpoint_type_name(enum target_breakpoint type)
{
	switch (type) {
	case TARGET_BREAK_HARDWARE:
		return "hardware";
	case TARGET_WATCH_WRITE:
		return "watch";
	case TARGET_WATCH_READ:
		return "rwatch";
	case TARGET_WATCH_ACCESS:
		return "awatch";
	default:
		return "software";
	}
}

bool breakpoint_wants(const struct breakpoint_table *table, gpa_t gpa)
{
	for (unsigned i = 0; i < table->count; i++)
		if (table->entries[i].gpa == gpa && !table->entries[i].in_register)
			return true;
	return false;
}

struct breakpoint *breakpoint_find(struct breakpoint_table *table, gva_t gva, gpa_t gpa)
{
	for (unsigned i = 0; i < table->count; i++) {
		struct breakpoint *entry = &table->entries[i];

		if (entry->gva == gva && (entry->gpa == gpa || entry->gpa == BREAKPOINT_PENDING))
			return entry;
	}
	return NULL;
}

int breakpoint_add(struct breakpoint_table *table, unsigned seat,
	const struct target_breakpoint_spec *spec, gpa_t gpa)
{
	struct breakpoint *entry = breakpoint_find(table, spec->address, gpa);
	int rc;

	if (entry)
		return terms_set(&entry->terms, seat, spec, &table->code_bytes);
	if (table->count == BREAKPOINT_MAX)
		return -ENOSPC;
	entry = &table->entries[table->count];
	*entry = (struct breakpoint){ .gva = spec->address, .gpa = gpa };
	rc = terms_set(&entry->terms, seat, spec, &table->code_bytes);
	if (rc == 0)
		table->count++;
	return rc;
}

/* Keeps those that somebody still wants, in their order. */
static void breakpoint_squeeze(struct breakpoint_table *table)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < table->count; i++)
		if (table->entries[i].terms)
			table->entries[kept++] = table->entries[i];
	table->count = kept;
}

void breakpoint_remove(struct breakpoint_table *table, unsigned seat, gva_t gva)
{
	for (unsigned i = 0; i < table->count; i++)
		if (table->entries[i].gva == gva)
			terms_drop(&table->entries[i].terms, seat, &table->code_bytes);
	breakpoint_squeeze(table);
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

int breakpoint_add_point(
	struct breakpoint_table *table, unsigned seat, const struct target_breakpoint_spec *spec)
{
	struct hardware_point point = {
		.type = spec->type, .gva = spec->address, .length = spec->length
	};
	unsigned i = breakpoint_find_point(table, &point);
	int rc;

	if (i == BREAKPOINT_MAX_POINTS)
		return -ENOSPC;
	rc = terms_set(&table->point_terms[i], seat, spec, &table->code_bytes);
	if (rc < 0 || i < table->point_count)
		return rc;
	table->points[table->point_count++] = point;
	return 0;
}

static void breakpoint_squeeze_points(struct breakpoint_table *table)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < table->point_count; i++) {
		struct terms *terms = table->point_terms[i];

		table->point_terms[i] = NULL;
		if (!terms)
			continue;
		table->point_terms[kept] = terms;
		table->points[kept++] = table->points[i];
	}
	table->point_count = kept;
}

void breakpoint_remove_point(
	struct breakpoint_table *table, unsigned seat, const struct hardware_point *point)
{
	unsigned i = breakpoint_find_point(table, point);

	if (i == table->point_count)
		return;
	terms_drop(&table->point_terms[i], seat, &table->code_bytes);
	breakpoint_squeeze_points(table);
}

const struct terms *breakpoint_point_terms(const struct breakpoint_table *table, gva_t gva)
{
	for (unsigned i = 0; i < table->point_count; i++)
		if (table->points[i].type == TARGET_BREAK_HARDWARE && table->points[i].gva == gva)
			return table->point_terms[i];
	return NULL;
}

bool breakpoint_point_at(const struct breakpoint_table *table, gva_t gva)
{
	return breakpoint_point_terms(table, gva) != NULL;
}

bool breakpoint_point_watches(const struct hardware_point *point, gva_t address)
{
	return point->type != TARGET_BREAK_HARDWARE && address - point->gva < point->length;
}

void breakpoint_leave(struct breakpoint_table *table, unsigned seat)
{
	for (unsigned i = 0; i < table->count; i++)
		terms_drop(&table->entries[i].terms, seat, &table->code_bytes);
	for (unsigned i = 0; i < table->point_count; i++)
		terms_drop(&table->point_terms[i], seat, &table->code_bytes);
	breakpoint_squeeze(table);
	breakpoint_squeeze_points(table);
}

void breakpoint_clear(struct breakpoint_table *table)
{
	for (unsigned i = 0; i < table->count; i++)
		terms_clear(&table->entries[i].terms, &table->code_bytes);
	for (unsigned i = 0; i < table->point_count; i++)
		terms_clear(&table->point_terms[i], &table->code_bytes);
	table->count = 0;
	table->point_count = 0;
}
