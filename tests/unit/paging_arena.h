/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both tests of page walkers need: a piece of synthetic guest memory to put tables in, numbers
 * from a fixed seed, a comparison of translations and a count of what the walks came to.
 * Must know no table format.
 */
#ifndef TESTS_UNIT_PAGING_ARENA_H
#define TESTS_UNIT_PAGING_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kvm/paging.h"

enum { ARENA_MAX_PLANTED = 32 };

/* The same bytes stand at base and, when it is not 0, at mirror.  Nothing else is memory. */
struct arena {
	gpa_t base, mirror;
	uint64_t size;
	uint8_t *bytes;
	size_t planted[ARENA_MAX_PLANTED];
	unsigned nplanted;
};

static inline void arena_init(struct arena *arena, gpa_t base, uint64_t size)
{
	*arena = (struct arena){ .base = base, .size = size, .bytes = calloc(1, size) };
	assert_non_null(arena->bytes);
}

static inline void arena_fini(struct arena *arena)
{
	free(arena->bytes);
	arena->bytes = NULL;
}

static inline uint8_t *arena_at(const struct arena *arena, gpa_t gpa, size_t len)
{
	if (gpa >= arena->base && len <= arena->size && gpa - arena->base <= arena->size - len)
		return arena->bytes + (gpa - arena->base);
	if (arena->mirror == 0)
		return NULL;
	if (gpa >= arena->mirror && len <= arena->size && gpa - arena->mirror <= arena->size - len)
		return arena->bytes + (gpa - arena->mirror);
	return NULL;
}

static inline int arena_read(void *context, gpa_t gpa, void *buf, size_t len)
{
	const uint8_t *bytes = arena_at(context, gpa, len);

	if (bytes == NULL)
		return -EFAULT;
	memcpy(buf, bytes, len);
	return 0;
}

/* Writes the low nbytes of value, lowest byte first. */
static inline void arena_put(struct arena *arena, gpa_t gpa, uint64_t value, unsigned nbytes)
{
	uint8_t *bytes = arena_at(arena, gpa, nbytes);

	assert_non_null(bytes);
	for (unsigned i = 0; i < nbytes; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

/* As arena_put(), to be undone by the next arena_clear(). */
static inline void arena_plant(struct arena *arena, gpa_t gpa, uint64_t value, unsigned nbytes)
{
	arena_put(arena, gpa, value, nbytes);
	assert_true(arena->nplanted < ARENA_MAX_PLANTED);
	arena->planted[arena->nplanted++] = (size_t)(arena_at(arena, gpa, nbytes) - arena->bytes);
}

static inline void arena_clear(struct arena *arena)
{
	while (arena->nplanted > 0) {
		size_t at = arena->planted[--arena->nplanted];

		memset(arena->bytes + at, 0, arena->size - at < 8 ? arena->size - at : 8);
	}
}

/* Splitmix64: any state will do, and the same one gives the same numbers everywhere. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline unsigned random_below(uint64_t *state, unsigned limit)
{
	return (unsigned)(random_next(state) % limit);
}

static inline bool random_percent(uint64_t *state, unsigned percent)
{
	return random_below(state, 100) < percent;
}

static inline bool steps_are_equal(const struct translation *a, const struct translation *b)
{
	if (a->nsteps != b->nsteps || a->nsteps > TRANSLATION_MAX_STEPS)
		return false;
	for (unsigned i = 0; i < a->nsteps; i++)
		if (a->steps[i].table_gpa != b->steps[i].table_gpa ||
			a->steps[i].entry_gpa != b->steps[i].entry_gpa ||
			a->steps[i].entry != b->steps[i].entry ||
			a->steps[i].level != b->steps[i].level)
			return false;
	return true;
}

static inline bool translations_are_equal(const struct translation *a, const struct translation *b)
{
	return a->gpa == b->gpa && a->page_bytes == b->page_bytes && a->writable == b->writable &&
	       a->user == b->user && a->executable == b->executable &&
	       a->user_executable == b->user_executable && steps_are_equal(a, b);
}

static inline void translation_print(const char *who, int rc, const struct translation *t)
{
	printf("# %s: %d gpa %#" PRIx64 " size %#" PRIx64 " %s%s%s%s\n", who, rc, t->gpa,
		t->page_bytes, t->writable ? "w" : "-", t->user ? "u" : "-",
		t->executable ? "x" : "-", t->user_executable ? "x" : "-");
	for (unsigned i = 0; i < t->nsteps && i < TRANSLATION_MAX_STEPS; i++)
		printf("#   level %u at %#" PRIx64 ": %#" PRIx64 "\n", t->steps[i].level,
			t->steps[i].entry_gpa, t->steps[i].entry);
}

/* What a set of walks came to. */
struct tally {
	unsigned pages, blocks, unmapped, outside, invalid;
};

static inline void tally_add(struct tally *tally, int rc, bool block)
{
	if (rc == 1)
		*(block ? &tally->blocks : &tally->pages) += 1;
	else if (rc == 0)
		tally->unmapped++;
	else if (rc == -EFAULT)
		tally->outside++;
	else
		tally->invalid++;
}

static inline unsigned tally_total(const struct tally *t)
{
	return t->pages + t->blocks + t->unmapped + t->outside + t->invalid;
}

static inline void tally_print(const struct tally *t, const char *name, uint64_t seed)
{
	double part = 100.0 / tally_total(t);

	printf("# %-14s seed %#" PRIx64 ": %u walks: page %.1f%%, block %.1f%%, not mapped %.1f%%, "
	       "table outside %.1f%%, invalid %.1f%%\n",
		name, seed, tally_total(t), t->pages * part, t->blocks * part, t->unmapped * part,
		t->outside * part, t->invalid * part);
}

#endif
