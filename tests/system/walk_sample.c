/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing addresses: see walk_sample.h. */
#include "tests/system/walk_oracle.h"
#include "tests/system/walk_sample.h"

enum { NEAR_BYTES = 0x4000 };

/* xorshift64 (Marsaglia, "Xorshift RNGs"): the same numbers for the same seed, anywhere. */
static uint64_t sample_random(struct walk_sample *sample)
{
	sample->seed ^= sample->seed << 13;
	sample->seed ^= sample->seed >> 7;
	sample->seed ^= sample->seed << 17;
	return sample->seed;
}

static void sample_add(struct walk_sample *sample, gva_t gva)
{
	if (sample->count < WALK_SAMPLE_MAX)
		sample->gvas[sample->count++] = gva;
}

static void sample_add_edges(struct walk_sample *sample, gva_t gva, uint64_t bytes)
{
	sample_add(sample, gva - 1);
	sample_add(sample, gva);
	sample_add(sample, gva + sample_random(sample) % bytes);
	sample_add(sample, gva + bytes - 1);
	sample_add(sample, gva + bytes);
}

static void sample_add_page(struct walk_sample *sample, gva_t gva, uint64_t bytes)
{
	struct walk_range *last =
		sample->range_count ? &sample->ranges[sample->range_count - 1] : NULL;

	sample_add_edges(sample, gva, bytes);
	if (last && last->page_bytes == bytes && last->gva + last->bytes == gva)
		last->bytes += bytes;
	else if (sample->range_count < WALK_SAMPLE_RANGES)
		sample->ranges[sample->range_count++] = (struct walk_range){ gva, bytes, bytes };
}

/* How much of the address space the walk has just said something about; 0: all the rest of it. */
static uint64_t sample_span(const struct translation *translation, int rc)
{
	if (rc == 1)
		return translation->page_bytes;
	if (!translation->nsteps)
		return 0;
	return UINT64_C(1) << walk_hole_bits(translation->steps[translation->nsteps - 1].level);
}

static void sample_scan_half(
	struct walk_sample *sample, const struct view *view, const struct walk_half *half)
{
	struct translation translation;
	gva_t gva = half->first;

	sample_add(sample, half->first - 1);
	sample_add(sample, half->last + 1);
	for (;;) {
		int rc = view_translate(view, gva, &translation);
		uint64_t span = sample_span(&translation, rc);

		if (!span || rc < 0)
			return;
		if (rc == 1)
			sample_add_page(sample, gva, span);
		else
			sample_add_edges(sample, gva, span);
		if (span > half->last - gva)
			return;
		gva += span;
	}
}

void walk_sample_scan(struct walk_sample *sample, const struct view *view)
{
	sample->count = sample->range_count = 0;
	for (unsigned i = 0; i < 2; i++)
		sample_scan_half(sample, view, &walk_halves[i]);
}

/* Half of them around a range, a quarter in one but with a bit turned, a quarter anywhere. */
static gva_t sample_choose(struct walk_sample *sample)
{
	const struct walk_range *range =
		&sample->ranges[sample_random(sample) % sample->range_count];
	uint64_t random = sample_random(sample);

	switch (sample_random(sample) % 8) {
	case 0:
		return random;
	case 1:
		return walk_halves[random >> 63].first + (random & walk_halves[0].last);
	case 2:
	case 3:
		return (range->gva + random % range->bytes) ^ (UINT64_C(1) << (random >> 58));
	default:
		return range->gva - NEAR_BYTES + random % (range->bytes + 2 * NEAR_BYTES);
	}
}

void walk_sample_add_random(struct walk_sample *sample, unsigned count)
{
	for (unsigned i = 0; sample->range_count && i < count; i++)
		sample_add(sample, sample_choose(sample));
}
