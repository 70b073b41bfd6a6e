/* SPDX-License-Identifier: Apache-2.0 */
/* Every page that is mapped: see mappings.h. */
#include "kvm/mappings.h"

#include <errno.h>
#include <string.h>

enum { PIECE = 4096, PIECES = 16 };

/* Pieces of tables as they were when they were first read. */
struct table_pieces {
	const struct physical *under;
	struct table_piece {
		bool valid;
		gpa_t gpa;
		uint8_t bytes[PIECE];
	} pieces[PIECES];
};

struct mappings {
	const struct arch *arch;
	const struct cpu *cpu;
	struct physical memory;
	const struct mappings_user *user;
	unsigned walks;
	gva_t next;
};

/* Tables of neighbouring levels are often neighbours in memory: their numbers spread well. */
static struct table_piece *piece_find(struct table_pieces *pieces, gpa_t gpa)
{
	return &pieces->pieces[(gpa / PIECE) % PIECES];
}

static int pieces_read(void *context, gpa_t gpa, void *buf, size_t length)
{
	struct table_pieces *pieces = context;
	struct table_piece *piece = piece_find(pieces, gpa);
	gpa_t start = gpa & ~(gpa_t)(PIECE - 1);

	if (!piece->valid || piece->gpa != start) {
		piece->valid = pieces->under->read(
				       pieces->under->context, start, piece->bytes, PIECE) == 0;
		piece->gpa = start;
	}
	if (!piece->valid || gpa - start + length > PIECE)
		return pieces->under->read(pieces->under->context, gpa, buf, length);
	memcpy(buf, piece->bytes + (gpa - start), length);
	return 0;
}

/* 1: through; 0: stopped, mappings->next is set; -errno. */
static int mappings_walk_half(struct mappings *mappings, gva_t from, gva_t last)
{
	for (gva_t gva = from;;) {
		struct translation translation;
		uint64_t span;
		int rc;

		mappings->next = gva;
		if (mappings->walks++ == MAPPINGS_MAX_WALKS)
			return 0;
		rc = mappings->arch->translate(mappings->cpu, &mappings->memory, gva, &translation);
		span = rc == 1 ? translation.page_bytes : translation.hole_bytes;
		if (rc == 1 && !mappings->user->found(
				       mappings->user->context, gva & ~(span - 1), &translation))
			return 0;
		if (rc < 0 && rc != -EFAULT)
			return rc;
		if (!span || (gva | (span - 1)) >= last)
			return 1;
		gva = (gva | (span - 1)) + 1;
	}
}

/* The size of the half around gva: its bits; 0: nothing of it is translated. */
static unsigned half_bits(const struct mappings *mappings, gva_t gva)
{
	struct translation translation = { .half_bits = 0 };

	mappings->arch->translate(mappings->cpu, &mappings->memory, gva, &translation);
	return translation.half_bits;
}

static bool paging_is_off(const struct mappings *mappings)
{
	struct translation translation;

	return mappings->arch->translate(mappings->cpu, &mappings->memory, 0, &translation) == 1 &&
	       !translation.nsteps;
}

static int mappings_walk_all(struct mappings *mappings, gva_t from)
{
	unsigned low = half_bits(mappings, 0);
	unsigned high = half_bits(mappings, ~(gva_t)0);
	gva_t low_last = low ? ~(gva_t)0 >> (64 - low) : 0;
	gva_t high_first = high ? ~(gva_t)0 << high : 0;
	int rc = 1;

	if (!low && !high)
		return -EINVAL;
	if (low && from <= low_last)
		rc = mappings_walk_half(mappings, from, low_last);
	if (rc == 1 && high)
		rc = mappings_walk_half(mappings, from > high_first ? from : high_first, ~(gva_t)0);
	return rc;
}

int mappings_walk(const struct arch *arch, const struct cpu *cpu, const struct physical *memory,
	gva_t from, const struct mappings_user *user, gva_t *next)
{
	struct table_pieces pieces = { .under = memory };
	struct mappings mappings = {
		.arch = arch,
		.cpu = cpu,
		.memory = { .read = pieces_read, .context = &pieces },
		.user = user,
	};
	int rc;

	if (paging_is_off(&mappings))
		return -ENODATA;
	rc = mappings_walk_all(&mappings, from);
	*next = mappings.next;
	return rc;
}
