/* SPDX-License-Identifier: Apache-2.0 */
/* Breakpoint instructions in guest memory: see plant.h. */
#include <errno.h>
#include <string.h>
#include "kvm/plant.h"

void plant_init(struct plants *plants, const struct arch *arch, const struct memory *memory,
	struct journal *journal)
{
	plants->arch = arch;
	plants->memory = memory;
	plants->journal = journal;
	plants->count = 0;
}

void plant_adopt(struct plants *plants)
{
	struct journal_entry entry;
	unsigned iterator = 0;

	while (plants->count < PLANT_MAX && journal_next(plants->journal, &iterator, &entry)) {
		struct plant *plant = &plants->entries[plants->count++];

		*plant = (struct plant){ .gpa = entry.gpa, .journal_slot = entry.slot };
		memcpy(plant->original, entry.original, sizeof(plant->original));
	}
}

struct plant *plant_find(struct plants *plants, gpa_t gpa)
{
	gpa = memory_home(plants->memory, gpa);
	for (unsigned i = 0; i < plants->count; i++)
		if (plants->entries[i].gpa == gpa)
			return &plants->entries[i];
	return NULL;
}

void plant_rehome(struct plants *plants)
{
	for (unsigned i = 0; i < plants->count; i++)
		plants->entries[i].gpa = memory_home(plants->memory, plants->entries[i].gpa);
}

static bool plant_is_ours(const struct plants *plants, const uint8_t *bytes)
{
	return !memcmp(bytes, plants->arch->breakpoint_bytes, plants->arch->breakpoint_length);
}

/* Only if ours is still there: what the guest has written over it since is the guest's. */
static int plant_write_original(struct plants *plants, const struct plant *plant)
{
	unsigned length = plants->arch->breakpoint_length;
	uint8_t now[4];
	int rc = memory_read(plants->memory, plant->gpa, now, length);

	if (rc < 0 || !plant_is_ours(plants, now))
		return rc;
	return memory_write(plants->memory, plant->gpa, plant->original, length);
}

/* Takes one out of memory, journal and table; the last one takes its place. */
static void plant_remove(struct plants *plants, struct plant *plant)
{
	if (!plant->lifted)
		plant_write_original(plants, plant);
	journal_remove(plants->journal, plant->journal_slot);
	*plant = plants->entries[--plants->count];
}

static int plant_add(struct plants *plants, gpa_t gpa)
{
	const struct arch *arch = plants->arch;
	struct plant plant = { .gpa = gpa };
	int rc = memory_read(plants->memory, gpa, plant.original, arch->breakpoint_length);

	if (rc < 0)
		return rc;
	if (plants->count == PLANT_MAX)
		return -ENOSPC;
	plant.journal_slot = journal_add(plants->journal, gpa, plant.original,
		arch->breakpoint_bytes, arch->breakpoint_length);
	if (plant.journal_slot < 0)
		return plant.journal_slot;
	rc = memory_write(plants->memory, gpa, arch->breakpoint_bytes, arch->breakpoint_length);
	if (rc < 0) {
		journal_remove(plants->journal, plant.journal_slot);
		return rc;
	}
	plants->entries[plants->count++] = plant;
	return 0;
}

/*
 * Drops those that are not wanted any more, and those that the guest has written over: their
 * original is what stands there now.
 */
static void plant_drop_stale(struct plants *plants, const struct breakpoint_table *table)
{
	uint8_t now[4];

	for (unsigned i = plants->count; i-- > 0;) {
		struct plant *plant = &plants->entries[i];
		int rc = memory_read(
			plants->memory, plant->gpa, now, plants->arch->breakpoint_length);

		if (rc < 0 || !plant_is_ours(plants, now) || !breakpoint_wants(table, plant->gpa))
			plant_remove(plants, plant);
	}
}

int plant_sync(struct plants *plants, const struct breakpoint_table *table)
{
	int first = 0;

	plant_drop_stale(plants, table);
	for (unsigned i = 0; i < table->count; i++) {
		const struct breakpoint *entry = &table->entries[i];
		gpa_t gpa = entry->gpa;
		int rc = 0;

		if (gpa != BREAKPOINT_PENDING && !entry->in_register && !plant_find(plants, gpa))
			rc = plant_add(plants, gpa);
		if (rc < 0 && !first)
			first = rc;
	}
	return first;
}

const struct plant *plant_find_lost(const struct plants *plants)
{
	uint8_t now[4];

	for (unsigned i = 0; i < plants->count; i++) {
		const struct plant *plant = &plants->entries[i];
		int rc = memory_read(
			plants->memory, plant->gpa, now, plants->arch->breakpoint_length);

		if (!plant->lifted && (rc < 0 || !plant_is_ours(plants, now)))
			return plant;
	}
	return NULL;
}

void plant_clear(struct plants *plants)
{
	while (plants->count)
		plant_remove(plants, &plants->entries[plants->count - 1]);
}

int plant_lift(struct plants *plants, struct plant *plant)
{
	int rc = plant_write_original(plants, plant);

	if (rc == 0)
		plant->lifted = true;
	return rc;
}

int plant_restore(struct plants *plants, struct plant *plant)
{
	unsigned length = plants->arch->breakpoint_length;
	uint8_t now[4];
	int rc;

	if (!plant->lifted)
		return 0;
	plant->lifted = false;
	rc = memory_read(plants->memory, plant->gpa, now, length);
	if (rc < 0)
		return rc;
	/* The stepped instruction, or a device, may have written here: then this is the original. */
	if (memcmp(now, plant->original, length)) {
		gpa_t gpa = plant->gpa;

		plant->lifted = true;
		plant_remove(plants, plant);
		return plant_add(plants, gpa);
	}
	return memory_write(plants->memory, plant->gpa, plants->arch->breakpoint_bytes, length);
}

/* What of a plant at `at` lies in [gpa, gpa + length): [*from, *to) of its bytes. */
static bool plant_overlaps(const struct plants *plants, gpa_t at, gpa_t gpa, size_t length,
	unsigned *from, unsigned *to)
{
	unsigned width = plants->arch->breakpoint_length;

	*from = 0;
	while (*from < width && at + *from - gpa >= length)
		++*from;
	*to = *from;
	while (*to < width && at + *to - gpa < length)
		++*to;
	return *from < *to;
}

/* What was read from gpa on, where the plant is at `at`. */
static void plant_hide_at(const struct plants *plants, const struct plant *plant, gpa_t at,
	gpa_t gpa, void *buf, size_t length)
{
	const uint8_t *ours = plants->arch->breakpoint_bytes;
	unsigned from, to;
	uint8_t *bytes;

	if (!plant_overlaps(plants, at, gpa, length, &from, &to))
		return;
	/* All or nothing: what the guest has put there may share a byte with ours. */
	bytes = (uint8_t *)buf + (at + from - gpa);
	if (!memcmp(bytes, ours + from, to - from))
		memcpy(bytes, plant->original + from, to - from);
}

void plant_hide(const struct plants *plants, gpa_t gpa, void *buf, size_t length)
{
	for (unsigned i = 0; i < plants->count; i++) {
		const struct plant *plant = &plants->entries[i];
		unsigned iterator = 0;
		gpa_t at;

		while (!plant->lifted &&
			memory_next_alias(plants->memory, plant->gpa, &iterator, &at))
			plant_hide_at(plants, plant, at, gpa, buf, length);
	}
}

static bool plant_lies_in(
	const struct plants *plants, const struct plant *plant, gpa_t gpa, size_t length)
{
	unsigned from, to, iterator = 0;
	gpa_t at;

	while (memory_next_alias(plants->memory, plant->gpa, &iterator, &at))
		if (plant_overlaps(plants, at, gpa, length, &from, &to))
			return true;
	return false;
}

void plant_yield(struct plants *plants, gpa_t gpa, size_t length)
{
	for (unsigned i = plants->count; i-- > 0;)
		if (plant_lies_in(plants, &plants->entries[i], gpa, length))
			plant_remove(plants, &plants->entries[i]);
}
