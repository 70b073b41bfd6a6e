/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of SDM vol. 3, chapter 4, typed in as tables.  A walk turns each entry into an array
 * of 64 bits, looks for ones where the tables say zero, and copies addresses one bit at a time.
 */
#include <errno.h>
#include <string.h>
#include "tests/unit/reference_walk_x86_64.h"

/* Bit numbers that depend on the processor: M is MAXPHYADDR, P36 the end of PSE-36's address. */
enum { M = 100, P36_END = 101, P36_REST = 102 };

enum { NEVER = -1, ALWAYS = -2 };

/* Bits high..low of the entry become bits from 'to' upwards of the address. */
struct copy {
	int high, low, to;
};

struct range {
	int high, low;
};

struct level {
	uint8_t number;
	int index_high, index_low;
	int page_bit;           /* the entry's bit that makes it a page; or NEVER, ALWAYS */
	bool grants;            /* bits 1, 2 and 63 are rights */
	struct copy next[2];    /* address of the next table; a copy with low == high == 0 ends */
	struct copy page[2];    /* address of the page */
	struct range zero[4];   /* reserved in each present entry; 0,0 ends */
	struct range page_zero; /* and in one that maps a page */
	bool nx_needs_nxe;
};

struct format {
	int linear_bits;
	bool sign_extended;
	int entry_bits;
	struct copy root; /* from CR3 */
	struct level levels[6];
};

static const struct format two_levels = {
	.linear_bits = 32,
	.entry_bits = 32,
	.root = { 31, 12, 12 },
	.levels = {
		{ .number = 2, .index_high = 31, .index_low = 22, .page_bit = NEVER,
		  .grants = true, .next = { { 31, 12, 12 } } },
		{ .number = 1, .index_high = 21, .index_low = 12, .page_bit = ALWAYS,
		  .grants = true, .page = { { 31, 12, 12 } } },
	},
};

static const struct format two_levels_pse = {
	.linear_bits = 32,
	.entry_bits = 32,
	.root = { 31, 12, 12 },
	.levels = {
		{ .number = 2, .index_high = 31, .index_low = 22, .page_bit = 7, .grants = true,
		  .next = { { 31, 12, 12 } }, .page = { { 31, 22, 22 }, { P36_END, 13, 32 } },
		  .page_zero = { 21, P36_REST } },
		{ .number = 1, .index_high = 21, .index_low = 12, .page_bit = ALWAYS,
		  .grants = true, .page = { { 31, 12, 12 } } },
	},
};

static const struct format pae = {
	.linear_bits = 32,
	.entry_bits = 64,
	.root = { 31, 5, 5 },
	.levels = {
		{ .number = 3, .index_high = 31, .index_low = 30, .page_bit = NEVER,
		  .next = { { 51, 12, 12 } }, .zero = { { 63, M }, { 8, 5 }, { 2, 1 } } },
		{ .number = 2, .index_high = 29, .index_low = 21, .page_bit = 7, .grants = true,
		  .next = { { 51, 12, 12 } }, .page = { { 51, 21, 21 } },
		  .zero = { { 62, M } }, .page_zero = { 20, 13 }, .nx_needs_nxe = true },
		{ .number = 1, .index_high = 20, .index_low = 12, .page_bit = ALWAYS,
		  .grants = true, .page = { { 51, 12, 12 } },
		  .zero = { { 62, M } }, .nx_needs_nxe = true },
	},
};

#define LONG_LEVEL_4                                                                               \
	{                                                                                          \
		.number = 4, .index_high = 47, .index_low = 39, .page_bit = NEVER, .grants = true, \
		.next = { { 51, 12, 12 } }, .zero = { { 51, M }, { 7, 7 } }, .nx_needs_nxe = true  \
	}
#define LONG_LEVEL_3                                                                               \
	{                                                                                          \
		.number = 3, .index_high = 38, .index_low = 30, .page_bit = 7, .grants = true,     \
		.next = { { 51, 12, 12 } }, .page = { { 51, 30, 30 } }, .zero = { { 51, M } },     \
		.page_zero = { 29, 13 }, .nx_needs_nxe = true                                      \
	}
#define LONG_LEVEL_2                                                                               \
	{                                                                                          \
		.number = 2, .index_high = 29, .index_low = 21, .page_bit = 7, .grants = true,     \
		.next = { { 51, 12, 12 } }, .page = { { 51, 21, 21 } }, .zero = { { 51, M } },     \
		.page_zero = { 20, 13 }, .nx_needs_nxe = true                                      \
	}
#define LONG_LEVEL_1                                                                               \
	{                                                                                          \
		.number = 1, .index_high = 20, .index_low = 12, .page_bit = ALWAYS,                \
		.grants = true, .page = { { 51, 12, 12 } }, .zero = { { 51, M } },                 \
		.nx_needs_nxe = true                                                               \
	}

static const struct format four_levels = {
	.linear_bits = 48,
	.sign_extended = true,
	.entry_bits = 64,
	.root = { 51, 12, 12 },
	.levels = { LONG_LEVEL_4, LONG_LEVEL_3, LONG_LEVEL_2, LONG_LEVEL_1 },
};

static const struct format five_levels = {
	.linear_bits = 57,
	.sign_extended = true,
	.entry_bits = 64,
	.root = { 51, 12, 12 },
	.levels = {
		{ .number = 5, .index_high = 56, .index_low = 48, .page_bit = NEVER,
		  .grants = true, .next = { { 51, 12, 12 } }, .zero = { { 51, M }, { 7, 7 } },
		  .nx_needs_nxe = true },
		LONG_LEVEL_4, LONG_LEVEL_3, LONG_LEVEL_2, LONG_LEVEL_1,
	},
};

static const struct format off = { .linear_bits = 32 };

/*
 * Which format a combination of bits selects; '-' is either value.  Letters of the pattern: CR0.PG,
 * CR0.PE, CR4.PAE, EFER.LME, EFER.LMA, CR4.LA57, CR4.PSE.  What no row matches is not a mode.
 */
static const struct {
	const char *pattern;
	const struct format *format;
} choices[] = {
	{ "0---0--", &off },
	{ "11000-0", &two_levels },
	{ "11000-1", &two_levels_pse },
	{ "11100--", &pae },
	{ "111110-", &four_levels },
	{ "111111-", &five_levels },
};

static bool bit_of(uint64_t value, int n)
{
	return value >> n & 1;
}

static const struct format *choose_format(const struct paging_x86_64 *p)
{
	const bool bits[] = {
		bit_of(p->cr0, 31),
		bit_of(p->cr0, 0),
		bit_of(p->cr4, 5),
		bit_of(p->efer, 8),
		bit_of(p->efer, 10),
		bit_of(p->cr4, 12),
		bit_of(p->cr4, 4),
	};

	for (size_t row = 0; row < sizeof(choices) / sizeof(choices[0]); row++) {
		size_t i = 0;

		while (i < 7 && (choices[row].pattern[i] == '-' ||
					choices[row].pattern[i] == (bits[i] ? '1' : '0')))
			i++;
		if (i == 7)
			return choices[row].format;
	}
	return NULL;
}

static int resolve(int bit, int maxphyaddr)
{
	int pse36 = maxphyaddr < 40 ? maxphyaddr : 40;

	switch (bit) {
	case M:
		return maxphyaddr;
	case P36_END: /* bits 13..(pse36 - 20) hold address bits 32..(pse36 - 1) */
		return pse36 - 20;
	case P36_REST:
		return pse36 - 19;
	default:
		return bit;
	}
}

static gpa_t apply_copies(const struct copy *copies, const bool *bits, int maxphyaddr)
{
	gpa_t address = 0;

	for (int c = 0; c < 2 && copies[c].low != 0; c++)
		for (int i = copies[c].low; i <= resolve(copies[c].high, maxphyaddr); i++)
			if (bits[i])
				address += (gpa_t)1 << (copies[c].to + i - copies[c].low);
	return address;
}

static bool any_set(const bool *bits, struct range range, int maxphyaddr)
{
	if (range.high == 0)
		return false;
	for (int i = resolve(range.low, maxphyaddr); i <= range.high; i++)
		if (bits[i])
			return true;
	return false;
}

static bool entry_faults(
	const struct level *level, const bool *bits, bool is_page, bool nxe, int maxphyaddr)
{
	if (!bits[0])
		return true;
	if (level->nx_needs_nxe && bits[63] && !nxe)
		return true;
	for (int r = 0; r < 4; r++)
		if (any_set(bits, level->zero[r], maxphyaddr))
			return true;
	return is_page && any_set(bits, level->page_zero, maxphyaddr);
}

/* One byte of memory for each eight bits; the lowest byte has the lowest bits. */
static bool load_entry(const struct physical *memory, gpa_t gpa, int entry_bits, bool *bits)
{
	uint8_t byte;

	for (int i = 0; i < entry_bits; i++) {
		if (i % 8 == 0 && memory->read(memory->context, gpa + (gpa_t)(i / 8), &byte, 1))
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

static bool linear_exists(const struct format *format, gva_t gva)
{
	for (int i = format->linear_bits; i < 64; i++)
		if (bit_of(gva, i) !=
			(format->sign_extended && bit_of(gva, format->linear_bits - 1)))
			return false;
	return true;
}

static gpa_t index_of(const struct level *level, gva_t gva)
{
	gpa_t index = 0;

	for (int i = level->index_high; i >= level->index_low; i--)
		index = index * 2 + bit_of(gva, i);
	return index;
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

static void withdraw_rights(struct translation *out, const bool *bits)
{
	if (!bits[1])
		out->writable = false;
	if (!bits[2])
		out->user = false;
	if (bits[63])
		out->executable = false;
}

static int walk(const struct format *format, const struct paging_x86_64 *paging,
	const struct physical *memory, gva_t gva, struct translation *out)
{
	int maxphyaddr = paging->phys_bits == 0 ? 52 : (int)paging->phys_bits;
	bool cr3[64];
	gpa_t table;

	for (int i = 0; i < 64; i++)
		cr3[i] = bit_of(paging->cr3, i);
	table = apply_copies((const struct copy[]){ format->root, { 0, 0, 0 } }, cr3, maxphyaddr);
	for (const struct level *level = format->levels; level->number != 0; level++) {
		gpa_t at = table + index_of(level, gva) * (gpa_t)(format->entry_bits / 8);
		bool bits[64] = { false };
		bool is_page;

		if (!load_entry(memory, at, format->entry_bits, bits))
			return -EFAULT;
		out->steps[out->nsteps++] =
			(struct translation_step){ table, at, bits_value(bits), level->number };
		is_page = level->page_bit == ALWAYS ||
			  (level->page_bit >= 0 && bits[level->page_bit]);
		if (entry_faults(level, bits, is_page, bit_of(paging->efer, 11), maxphyaddr))
			return 0;
		if (level->grants)
			withdraw_rights(out, bits);
		if (is_page)
			return finish(out, apply_copies(level->page, bits, maxphyaddr), gva,
				level->index_low);
		table = apply_copies(level->next, bits, maxphyaddr);
	}
	return 0;
}

int reference_walk_x86_64(const struct paging_x86_64 *paging, const struct physical *memory,
	gva_t gva, struct translation *out)
{
	const struct format *format = choose_format(paging);
	int rc;

	memset(out, 0, sizeof(*out));
	if (format == NULL)
		return -EINVAL;
	if (!linear_exists(format, gva))
		return 0;
	out->writable = out->user = out->executable = true;
	out->user_executable = true;
	if (format == &off)
		return finish(out, 0, gva, 32);
	rc = walk(format, paging, memory, gva, out);
	if (rc != 1)
		out->writable = out->user = out->executable = false;
	out->user_executable = out->user && out->executable;
	return rc;
}
