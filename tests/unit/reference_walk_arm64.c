/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of Arm ARM D8 typed in: which address bits index which level, where each kind of
 * descriptor keeps its address, which bit of TCR_EL1 is whose.  A walk turns each descriptor into
 * an array of 64 bits and copies addresses one bit at a time.
 */
#include <errno.h>
#include <string.h>
#include "tests/unit/reference_walk_arm64.h"

struct copy {
	int high, low, to;
};

enum block { NO_BLOCK, BLOCK, BLOCK_WITH_52_BIT_PA };

struct level {
	int number;
	int index_high, index_low; /* index_high: for the widest input address */
	enum block block;
};

/* A row of levels ends with index_low 0. */
struct format {
	int output_most;
	int tnsz_least;
	struct copy root[2];
	struct copy address[2];
	int root_align; /* log2, at the least */
	struct level levels[6];
};

static const struct format format_4k = {
	.output_most = 48,
	.tnsz_least = 16,
	.root_align = 0,
	.root = { { 47, 1, 1 } },
	.address = { { 47, 12, 12 } },
	.levels = { { 0, 47, 39, NO_BLOCK }, { 1, 38, 30, BLOCK }, { 2, 29, 21, BLOCK },
		{ 3, 20, 12, NO_BLOCK } },
};

static const struct format format_4k_lpa2 = {
	.output_most = 52,
	.tnsz_least = 12,
	.root_align = 6,
	.root = { { 47, 6, 6 }, { 5, 2, 48 } },
	.address = { { 49, 12, 12 }, { 9, 8, 50 } },
	.levels = { { -1, 51, 48, NO_BLOCK }, { 0, 47, 39, BLOCK }, { 1, 38, 30, BLOCK },
		{ 2, 29, 21, BLOCK }, { 3, 20, 12, NO_BLOCK } },
};

static const struct format format_16k = {
	.output_most = 48,
	.tnsz_least = 16,
	.root_align = 0,
	.root = { { 47, 1, 1 } },
	.address = { { 47, 14, 14 } },
	.levels = { { 0, 47, 47, NO_BLOCK }, { 1, 46, 36, NO_BLOCK }, { 2, 35, 25, BLOCK },
		{ 3, 24, 14, NO_BLOCK } },
};

static const struct format format_16k_lpa2 = {
	.output_most = 52,
	.tnsz_least = 12,
	.root_align = 6,
	.root = { { 47, 6, 6 }, { 5, 2, 48 } },
	.address = { { 49, 14, 14 }, { 9, 8, 50 } },
	.levels = { { 0, 51, 47, NO_BLOCK }, { 1, 46, 36, BLOCK }, { 2, 35, 25, BLOCK },
		{ 3, 24, 14, NO_BLOCK } },
};

static const struct format format_64k = {
	.output_most = 48,
	.tnsz_least = 16,
	.root_align = 0,
	.root = { { 47, 1, 1 } },
	.address = { { 47, 16, 16 } },
	.levels = { { 1, 51, 42, BLOCK_WITH_52_BIT_PA }, { 2, 41, 29, BLOCK },
		{ 3, 28, 16, NO_BLOCK } },
};

static const struct format format_64k_lpa = {
	.output_most = 52,
	.tnsz_least = 16,
	.root_align = 6,
	.root = { { 47, 6, 6 }, { 5, 2, 48 } },
	.address = { { 47, 16, 16 }, { 15, 12, 48 } },
	.levels = { { 1, 51, 42, BLOCK_WITH_52_BIT_PA }, { 2, 41, 29, BLOCK },
		{ 3, 28, 16, NO_BLOCK } },
};

/* Where TCR_EL1 keeps the fields of each half, and what its granule numbers mean (in KiB). */
struct fields {
	int tnsz, epd, tg, tbi, hpd, e0pd; /* the lowest bit of each */
	int granule[4];
};

static const struct fields lower = { 0, 7, 14, 37, 41, 55, { 4, 64, 16, -1 } };
static const struct fields upper = { 16, 23, 30, 38, 42, 56, { -1, 16, 4, 64 } };

struct walk {
	const struct format *format;
	const struct fields *fields;
	int input, output, pa;
	bool no_el0, no_write, no_execute, no_el0_execute; /* by the tables passed */
};

static int field(uint64_t value, int low, int width)
{
	int result = 0;

	for (int i = width - 1; i >= 0; i--)
		result = result * 2 + (int)(value >> (low + i) & 1);
	return result;
}

static bool bit_of(uint64_t value, int n)
{
	return field(value, n, 1) == 1;
}

static int address_size(int code)
{
	switch (code) {
	case 0:
		return 32;
	case 1:
		return 36;
	case 2:
		return 40;
	case 3:
		return 42;
	case 4:
		return 44;
	case 5:
		return 48;
	default:
		return 52;
	}
}

static int pa_size(const struct paging_arm64 *p)
{
	return p->id_aa64mmfr0_el1 == 0 ? 48 : address_size(field(p->id_aa64mmfr0_el1, 0, 4));
}

/* NULL for a granule that is reserved or that the processor has not. */
static const struct format *choose_format(const struct paging_arm64 *p, int granule)
{
	int tgran16 = field(p->id_aa64mmfr0_el1, 20, 4);
	int tgran64 = field(p->id_aa64mmfr0_el1, 24, 4);
	int tgran4 = field(p->id_aa64mmfr0_el1, 28, 4);
	bool known = p->id_aa64mmfr0_el1 != 0;
	bool ds = bit_of(p->tcr_el1, 59);
	bool ips_52 = address_size(field(p->tcr_el1, 32, 3)) == 52;

	switch (granule) {
	case 4:
		if (known && tgran4 >= 8)
			return NULL;
		return ds && known && tgran4 > 0 ? &format_4k_lpa2 : &format_4k;
	case 16:
		if (known && tgran16 == 0)
			return NULL;
		return ds && known && tgran16 > 1 ? &format_16k_lpa2 : &format_16k;
	case 64:
		if (known && tgran64 >= 8)
			return NULL;
		return ips_52 && pa_size(p) == 52 ? &format_64k_lpa : &format_64k;
	default:
		return NULL;
	}
}

static bool is_64k(const struct format *format)
{
	return format == &format_64k || format == &format_64k_lpa;
}

/* 1, or what the walk returns: 0 for a certain fault, -EINVAL where implementations may differ. */
static int choose_input(struct walk *walk, const struct paging_arm64 *p)
{
	int tnsz = field(p->tcr_el1, walk->fields->tnsz, 6);
	bool has_lva = field(p->id_aa64mmfr2_el1, 16, 4) > 0;
	bool has_ttst = field(p->id_aa64mmfr2_el1, 28, 4) > 0;
	int least = is_64k(walk->format) && has_lva ? 12 : walk->format->tnsz_least;
	int most = 39;

	if (has_ttst)
		most = is_64k(walk->format) ? 47 : 48;
	walk->input = 64 - tnsz;
	if (tnsz < least)
		return has_lva ? 0 : -EINVAL;
	if (tnsz > most)
		return has_ttst ? 0 : -EINVAL;
	return 1;
}

static int choose(struct walk *walk, const struct paging_arm64 *p, bool high)
{
	int ips = address_size(field(p->tcr_el1, 32, 3));

	memset(walk, 0, sizeof(*walk));
	walk->fields = high ? &upper : &lower;
	if (bit_of(p->tcr_el1, walk->fields->epd))
		return 0;
	walk->format =
		choose_format(p, walk->fields->granule[field(p->tcr_el1, walk->fields->tg, 2)]);
	if (walk->format == NULL)
		return -EINVAL;
	walk->pa = pa_size(p);
	walk->output = ips < walk->pa ? ips : walk->pa;
	if (walk->output > walk->format->output_most)
		walk->output = walk->format->output_most;
	return choose_input(walk, p);
}

static bool in_range(const struct walk *walk, const struct paging_arm64 *p, gva_t gva)
{
	int top = bit_of(p->tcr_el1, walk->fields->tbi) ? 55 : 63;

	for (int i = top; i >= walk->input; i--)
		if (bit_of(gva, i) != bit_of(gva, 55))
			return false;
	return true;
}

static void to_bits(uint64_t value, bool *bits)
{
	for (int i = 0; i < 64; i++)
		bits[i] = bit_of(value, i);
}

static gpa_t apply_copies(const struct copy *copies, const bool *bits)
{
	gpa_t address = 0;

	for (int c = 0; c < 2 && copies[c].high != 0; c++)
		for (int i = copies[c].low; i <= copies[c].high; i++)
			if (bits[i])
				address += (gpa_t)1 << (copies[c].to + i - copies[c].low);
	return address;
}

static gpa_t clear_low(gpa_t address, int count)
{
	for (int i = 0; i < count; i++)
		if (bit_of(address, i))
			address -= (gpa_t)1 << i;
	return address;
}

static bool fits(gpa_t address, int size)
{
	for (int i = size; i < 64; i++)
		if (bit_of(address, i))
			return false;
	return true;
}

static bool load_entry(const struct physical *memory, gpa_t gpa, bool big_endian, bool *bits)
{
	uint8_t byte;

	for (int i = 0; i < 64; i++) {
		gpa_t at = gpa + (gpa_t)(big_endian ? 7 - i / 8 : i / 8);

		if (i % 8 == 0 && memory->read(memory->context, at, &byte, 1))
			return false;
		bits[i] = byte & (1 << i % 8);
	}
	return true;
}

static uint64_t bits_value(const bool *bits)
{
	uint64_t value = 0;

	for (int i = 0; i < 64; i++)
		value += bits[i] ? (uint64_t)1 << i : 0;
	return value;
}

static int index_high(const struct walk *walk, const struct level *level)
{
	return level->index_high < walk->input ? level->index_high : walk->input - 1;
}

static gpa_t index_of(const struct walk *walk, const struct level *level, gva_t gva)
{
	gpa_t index = 0;

	for (int i = index_high(walk, level); i >= level->index_low; i--)
		index = index * 2 + bit_of(gva, i);
	return index;
}

/* Table permissions as the walk passes them; each can only take away. */
static void pass_table(struct walk *walk, const struct paging_arm64 *p, const bool *bits)
{
	if (bit_of(p->tcr_el1, walk->fields->hpd))
		return;
	walk->no_el0 = walk->no_el0 || bits[61];
	walk->no_write = walk->no_write || bits[62];
	walk->no_execute = walk->no_execute || bits[59];
	walk->no_el0_execute = walk->no_el0_execute || bits[60];
}

/* Columns: may EL1 write, may EL0 read, may EL0 write; rows: AP[2:1]. */
static const bool access_rights[4][3] = {
	{ true, false, false },
	{ true, true, true },
	{ false, false, false },
	{ false, true, false },
};

static void set_rights(const struct walk *walk, const struct paging_arm64 *p, const bool *bits,
	struct translation *out)
{
	bool dirty_by_hardware = bit_of(p->tcr_el1, 39) && bit_of(p->tcr_el1, 40) && bits[51];
	int ap = (bits[7] && !dirty_by_hardware ? 2 : 0) + (bits[6] ? 1 : 0);
	bool el1_write = access_rights[ap][0] && !walk->no_write;
	bool el0_read = access_rights[ap][1] && !walk->no_el0;
	bool el0_write = access_rights[ap][2] && !walk->no_write && !walk->no_el0;

	out->writable = el1_write;
	out->user = el0_read;
	out->executable = true;
	if (bits[53] || walk->no_execute || el0_write)
		out->executable = false;
	if (bit_of(p->sctlr_el1, 19) && el1_write)
		out->executable = false;
	out->user_executable = !bits[54] && !walk->no_el0_execute;
	if (bit_of(p->sctlr_el1, 19) && el0_write)
		out->user_executable = false;
	if (bit_of(p->tcr_el1, walk->fields->e0pd))
		out->user = out->user_executable = false;
}

static int finish(struct translation *out, gpa_t page, gva_t gva, int page_log2)
{
	out->page_bytes = 1;
	out->gpa = page;
	for (int i = 0; i < page_log2; i++) {
		out->page_bytes *= 2;
		out->gpa += bit_of(gva, i) ? (gpa_t)1 << i : 0;
	}
	return 1;
}

enum kind { FAULT, TABLE, PAGE };

static enum kind classify(const struct walk *walk, const struct level *level, const bool *bits)
{
	if (!bits[0])
		return FAULT;
	if (level->number == 3)
		return bits[1] ? PAGE : FAULT;
	if (bits[1])
		return TABLE;
	if (level->block == BLOCK || (level->block == BLOCK_WITH_52_BIT_PA && walk->pa == 52))
		return PAGE;
	return FAULT;
}

static gpa_t root_of(const struct walk *walk, const struct level *first, uint64_t ttbr)
{
	int size = 3 + index_high(walk, first) - first->index_low + 1;
	bool bits[64];

	to_bits(ttbr, bits);
	if (size < walk->format->root_align)
		size = walk->format->root_align;
	return clear_low(apply_copies(walk->format->root, bits), size);
}

static int descend(struct walk *walk, const struct paging_arm64 *p, const struct physical *memory,
	gva_t gva, struct translation *out)
{
	const struct level *level = walk->format->levels;
	gpa_t table;

	while (level->index_low >= walk->input)
		level++;
	table = root_of(walk, level, walk->fields == &upper ? p->ttbr1_el1 : p->ttbr0_el1);
	for (; level->index_low != 0; level++) {
		gpa_t at = table + index_of(walk, level, gva) * 8;
		bool bits[64];
		enum kind kind;

		if (!fits(table, walk->output))
			return 0;
		if (!load_entry(memory, at, bit_of(p->sctlr_el1, 25), bits))
			return -EFAULT;
		out->steps[out->nsteps++] = (struct translation_step){ table, at, bits_value(bits),
			(uint8_t)(level->number + 1) };
		kind = classify(walk, level, bits);
		if (kind == FAULT)
			return 0;
		table = apply_copies(walk->format->address, bits);
		if (kind == PAGE) {
			table = clear_low(table, level->index_low);
			if (!fits(table, walk->output))
				return 0;
			set_rights(walk, p, bits, out);
			return finish(out, table, gva, level->index_low);
		}
		pass_table(walk, p, bits);
	}
	return 0;
}

static int stage_off(const struct paging_arm64 *p, gva_t gva, struct translation *out)
{
	const struct fields *fields = bit_of(gva, 55) ? &upper : &lower;
	int top = bit_of(p->tcr_el1, fields->tbi) ? 55 : 63;

	for (int i = pa_size(p); i <= top; i++)
		if (bit_of(gva, i))
			return 0;
	out->writable = out->user = out->executable = out->user_executable = true;
	return finish(out, 0, gva, pa_size(p));
}

int reference_walk_arm64(const struct paging_arm64 *paging, const struct physical *memory,
	gva_t gva, struct translation *out)
{
	struct walk walk;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!bit_of(paging->sctlr_el1, 0))
		return stage_off(paging, gva, out);
	rc = choose(&walk, paging, bit_of(gva, 55));
	if (rc != 1)
		return rc;
	if (!in_range(&walk, paging, gva))
		return 0;
	return descend(&walk, paging, memory, gva, out);
}
