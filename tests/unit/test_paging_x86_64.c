/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The x86 page walker: tables made by hand, whose answers were worked out from the manual's
 * figures, and random tables of every format, judged by the reference walk.
 */
#include "tests/unit/paging_arena.h"
#include "tests/unit/reference_walk_x86_64.h"

#define BIT(n) (UINT64_C(1) << (n))

enum {
	CR0_PE = 0x1,
	CR4_PSE = 0x10,
	CR4_PAE = 0x20,
	CR4_LA57 = 0x1000,
	EFER_LME = 0x100,
	EFER_LMA = 0x400,
	EFER_NXE = 0x800,
};
#define CR0_ON    UINT64_C(0x80010001) /* PG, WP, PE */
#define EFER_LONG (EFER_LME | EFER_LMA)

/* 64 KiB of memory from 64 KiB on; CR3 at its second page. */
enum { BASE = 0x10000, SIZE = 0x10000, ROOT = 0x11000 };

static const struct paging_x86_64 paging_off = { .cr0 = 0x60000010 };
static const struct paging_x86_64 two_levels = { .cr0 = CR0_ON, .cr3 = ROOT };
static const struct paging_x86_64 two_levels_pse = { .cr0 = CR0_ON, .cr3 = ROOT, .cr4 = CR4_PSE };
static const struct paging_x86_64 pae = {
	.cr0 = CR0_ON, .cr3 = ROOT, .cr4 = CR4_PAE, .efer = EFER_NXE
};
static const struct paging_x86_64 four_levels = {
	.cr0 = CR0_ON, .cr3 = ROOT, .cr4 = CR4_PAE, .efer = EFER_LONG | EFER_NXE
};
static const struct paging_x86_64 five_levels = {
	.cr0 = CR0_ON, .cr3 = ROOT, .cr4 = CR4_PAE | CR4_LA57, .efer = EFER_LONG | EFER_NXE
};

static int arena_setup(void **state)
{
	struct arena *arena = malloc(sizeof(*arena));

	if (arena == NULL)
		return -1;
	arena_init(arena, BASE, SIZE);
	*state = arena;
	return 0;
}

static int arena_teardown(void **state)
{
	struct arena *arena = *state;

	arena_fini(arena);
	free(arena);
	return 0;
}

static void put32(struct arena *arena, gpa_t gpa, uint32_t value)
{
	arena_put(arena, gpa, value, 4);
}

static void put64(struct arena *arena, gpa_t gpa, uint64_t value)
{
	arena_put(arena, gpa, value, 8);
}

static int walk(
	struct arena *arena, const struct paging_x86_64 *paging, gva_t gva, struct translation *out)
{
	struct physical memory = { arena_read, arena };

	memset(out, 0xa5, sizeof(*out));
	return paging_x86_64_walk(paging, &memory, gva, out);
}

static void check_mapped(struct arena *arena, const struct paging_x86_64 *paging, gva_t gva,
	gpa_t gpa, uint64_t page_bytes)
{
	struct translation t;

	assert_int_equal(walk(arena, paging, gva, &t), 1);
	assert_int_equal(t.gpa, gpa);
	assert_int_equal(t.page_bytes, page_bytes);
}

/* Anything but 1: the steps must be right, the answer must be empty. */
static void check_refused(
	struct arena *arena, const struct paging_x86_64 *paging, gva_t gva, int rc, unsigned nsteps)
{
	struct translation t;

	assert_int_equal(walk(arena, paging, gva, &t), rc);
	assert_int_equal(t.nsteps, nsteps);
	assert_int_equal(t.gpa, 0);
	assert_int_equal(t.page_bytes, 0);
	assert_false(t.writable || t.user || t.executable);
}

static void test_off_is_identity_below_4g(void **state)
{
	struct translation t;

	assert_int_equal(walk(*state, &paging_off, 0xfffffff0, &t), 1);
	assert_int_equal(t.gpa, 0xfffffff0);
	assert_int_equal(t.page_bytes, UINT64_C(0x100000000));
	assert_true(t.writable && t.user && t.executable);
	assert_int_equal(t.nsteps, 0);
	check_mapped(*state, &paging_off, 0, 0, BIT(32));
	check_mapped(*state, &paging_off, 0xffffffff, 0xffffffff, BIT(32));
	check_refused(*state, &paging_off, BIT(32), 0, 0);
	check_refused(*state, &paging_off, UINT64_MAX, 0, 0);
}

/* Protected mode without paging, and everything that long mode needs but CR0.PG. */
static void test_off_is_cr0_pg_alone(void **state)
{
	struct paging_x86_64 p = four_levels;

	p.cr0 = CR0_PE;
	p.efer = EFER_LME | EFER_NXE;
	check_mapped(*state, &p, 0x12345678, 0x12345678, BIT(32));
}

static void test_modes_that_cannot_be(void **state)
{
	struct paging_x86_64 p = four_levels;

	p.cr0 = CR0_ON & ~(uint64_t)CR0_PE;
	check_refused(*state, &p, 0, -EINVAL, 0);
	p.cr0 = CR0_PE;
	check_refused(*state, &p, 0, -EINVAL, 0);
	p = four_levels;
	p.cr4 = 0;
	check_refused(*state, &p, 0, -EINVAL, 0);
	p = four_levels;
	p.efer = EFER_LME;
	check_refused(*state, &p, 0, -EINVAL, 0);
	p.efer = EFER_LMA;
	check_refused(*state, &p, 0, -EINVAL, 0);
	p.cr4 = CR4_PSE;
	p.efer = EFER_LME;
	check_refused(*state, &p, 0, -EINVAL, 0);
}

/* 0xc0101000 is entry 0x300 of the directory, 0x101 of its table. */
static void test_two_levels(void **state)
{
	struct translation t;

	put32(*state, 0x11c00, 0x00012027);
	put32(*state, 0x12404, 0x0badb067);
	put32(*state, 0x12408, 0x07777067);
	assert_int_equal(walk(*state, &two_levels, 0xc0101abc, &t), 1);
	assert_int_equal(t.gpa, 0x0badbabc);
	assert_int_equal(t.nsteps, 2);
	assert_int_equal(t.steps[0].level, 2);
	assert_int_equal(t.steps[0].entry_gpa, 0x11c00);
	assert_int_equal(t.steps[0].entry, 0x00012027);
	assert_int_equal(t.steps[1].level, 1);
	assert_int_equal(t.steps[1].entry_gpa, 0x12404);
	assert_int_equal(t.steps[1].entry, 0x0badb067);
	check_mapped(*state, &two_levels, 0xc0101000, 0x0badb000, 0x1000);
	check_mapped(*state, &two_levels, 0xc0101fff, 0x0badbfff, 0x1000);
	check_mapped(*state, &two_levels, 0xc0102000, 0x07777000, 0x1000);
	check_refused(*state, &two_levels, 0xc0103000, 0, 2);
	check_refused(*state, &two_levels, 0xc0100fff, 0, 2);
	check_refused(*state, &two_levels, 0xc0500000, 0, 1);
	check_refused(*state, &two_levels, UINT64_C(0x1c0101000), 0, 0);
	check_refused(*state, &two_levels, UINT64_C(0xffffffffc0101000), 0, 0);
}

/* Upper halves of registers and EFER.NXE mean nothing here, and an entry is 4 bytes and no more. */
static void test_two_levels_ignore_what_is_wider(void **state)
{
	struct paging_x86_64 p = two_levels;

	p.cr3 |= UINT64_C(0xffffffff00000fff);
	p.efer = EFER_NXE;
	p.cr4 = CR4_LA57;
	put32(*state, 0x11c00, 0x00012027);
	put32(*state, 0x11c04, 0xffffffff);
	put32(*state, 0x12404, 0xfffff067);
	put32(*state, 0x12408, 0xffffffff);
	check_mapped(*state, &p, 0xc0101abc, 0xfffffabc, 0x1000);
}

static void test_page_size_needs_pse(void **state)
{
	put32(*state, 0x11c00, 0x000120e7);
	put32(*state, 0x12404, 0x0badb0e7);
	check_mapped(*state, &two_levels, 0xc0101abc, 0x0badbabc, 0x1000);
	put32(*state, 0x11c00, 0x004010e7);
	check_mapped(*state, &two_levels_pse, 0xc0101abc, 0x00501abc, 0x400000);
}

/* Bits 20:13 are bits 39:32 of the address, bit 12 is PAT, bit 21 is reserved. */
static void test_pse36(void **state)
{
	struct paging_x86_64 p = two_levels_pse;

	put32(*state, 0x11c00, 0xffdff0e7);
	check_mapped(*state, &p, 0xc0000000, UINT64_C(0xffffc00000), 0x400000);
	check_mapped(*state, &p, 0xc03fffff, UINT64_C(0xffffffffff), 0x400000);
	check_refused(*state, &p, 0xc0400000, 0, 1);
	put32(*state, 0x11c00, 0xffe000e7);
	check_refused(*state, &p, 0xc0000000, 0, 1);
	p.phys_bits = 41;
	check_refused(*state, &p, 0xc0000000, 0, 1);
	p.phys_bits = 36;
	put32(*state, 0x11c00, 0x0041e0e7);
	check_mapped(*state, &p, 0xc0000001, UINT64_C(0xf00400001), 0x400000);
	put32(*state, 0x11c00, 0x004200e7);
	check_refused(*state, &p, 0xc0000001, 0, 1);
	p.phys_bits = 32;
	put32(*state, 0x11c00, 0x004020e7);
	check_refused(*state, &p, 0xc0000001, 0, 1);
}

/* The four pointers need only 32-byte alignment: here they stand at 0x11fe0. */
static void test_pae(void **state)
{
	struct paging_x86_64 p = pae;
	struct translation t;

	p.cr3 = UINT64_C(0xffffffff00011fff);
	put64(*state, 0x11ff8, 0x12e19);
	put64(*state, 0x12010, 0x13067);
	put64(*state, 0x13ff8, UINT64_C(0x000fedcba9876067));
	put64(*state, 0x12018, UINT64_C(0x000fedcba98010e7));
	assert_int_equal(walk(*state, &p, 0xc05ff123, &t), 1);
	assert_int_equal(t.gpa, UINT64_C(0x000fedcba9876123));
	assert_int_equal(t.nsteps, 3);
	assert_int_equal(t.steps[0].level, 3);
	assert_int_equal(t.steps[0].entry_gpa, 0x11ff8);
	assert_int_equal(t.steps[1].level, 2);
	assert_int_equal(t.steps[1].entry_gpa, 0x12010);
	assert_int_equal(t.steps[2].level, 1);
	assert_int_equal(t.steps[2].entry_gpa, 0x13ff8);
	check_mapped(*state, &p, 0xc0600000, UINT64_C(0x000fedcba9800000), 0x200000);
	check_mapped(*state, &p, 0xc07fffff, UINT64_C(0x000fedcba99fffff), 0x200000);
	check_refused(*state, &p, 0xc0800000, 0, 2);
	check_refused(*state, &p, 0x80600000, 0, 1);
	check_refused(*state, &p, UINT64_C(0x1c0600000), 0, 0);
}

static void test_pae_tables_above_4g(void **state)
{
	struct arena *arena = *state;

	arena->mirror = UINT64_C(0xf000000000);
	put64(arena, 0x11000, arena->mirror + 0x2001);
	put64(arena, 0x12000, arena->mirror + 0x3007);
	put64(arena, 0x13000, UINT64_C(0x5555007));
	check_mapped(arena, &pae, 0xabc, 0x5555abc, 0x1000);
}

/* One walk of each format with every bit in turn flipped at one level: which are fatal? */
struct reserved_case {
	const struct paging_x86_64 *paging;
	uint8_t level;
	bool large;
	uint64_t fatal;
};

#define HIGH_BITS(high, low) ((BIT(high) - BIT(low)) | BIT(high))

static const struct reserved_case reserved_cases[] = {
	{ &pae, 3, false, HIGH_BITS(63, 52) | 0x1e7 },
	{ &pae, 2, false, HIGH_BITS(62, 52) | 0x01 },
	{ &pae, 2, true, HIGH_BITS(62, 52) | 0x1fe001 },
	{ &pae, 1, false, HIGH_BITS(62, 52) | 0x01 },
	{ &four_levels, 4, false, 0x81 },
	{ &four_levels, 3, false, 0x01 },
	{ &four_levels, 3, true, 0x3fffe001 },
	{ &four_levels, 2, false, 0x01 },
	{ &four_levels, 2, true, 0x1fe001 },
	{ &four_levels, 1, false, 0x01 },
	{ &five_levels, 5, false, 0x81 },
	{ &five_levels, 4, false, 0x81 },
	{ &five_levels, 3, true, 0x3fffe001 },
};

/* The tables of level n stand in page n of the arena; what is walked is linear address 0. */
static uint64_t plain_entry(const struct reserved_case *c, uint8_t level)
{
	if (c->paging == &pae && level == 3)
		return BASE + 2 * 0x1000 + 1;
	if (level == c->level && c->large)
		return BIT(32) + 0x87;
	return level == 1 ? BIT(32) + 0x07 : BASE + (gpa_t)(level - 1) * 0x1000 + 0x07;
}

/* A flipped bit of an address, or one that turns a pointer into a page, may lead anywhere. */
static bool flip_leads_elsewhere(const struct reserved_case *c, unsigned bit)
{
	return (bit >= 12 && bit < 52) || (bit == 7 && c->level > 1);
}

static void check_reserved(struct arena *arena, const struct reserved_case *c, uint64_t more,
	const struct paging_x86_64 *paging)
{
	uint8_t top = c->paging == &pae ? 3 : c->paging == &four_levels ? 4 : 5;
	struct paging_x86_64 p = *paging;
	struct translation t;

	p.cr3 = BASE + top * 0x1000u;
	for (uint8_t level = top; level > 0; level--)
		put64(arena, BASE + level * 0x1000u, plain_entry(c, level));
	assert_int_equal(walk(arena, &p, 0, &t), 1);
	assert_int_equal(t.gpa, BIT(32));
	for (unsigned bit = 0; bit < 64; bit++) {
		bool fatal = (c->fatal | more) & BIT(bit);

		put64(arena, BASE + c->level * 0x1000u, plain_entry(c, c->level) ^ BIT(bit));
		if (fatal) {
			check_refused(arena, &p, 0, 0, top - c->level + 1u);
		} else {
			int rc = walk(arena, &p, 0, &t);

			assert_true(rc == 1 || flip_leads_elsewhere(c, bit));
		}
	}
}

static void test_reserved_bits(void **state)
{
	for (size_t i = 0; i < sizeof(reserved_cases) / sizeof(reserved_cases[0]); i++) {
		const struct reserved_case *c = &reserved_cases[i];
		struct paging_x86_64 p = *c->paging;

		check_reserved(*state, c, 0, &p);
		p.efer &= ~(uint64_t)EFER_NXE;
		check_reserved(*state, c, BIT(63), &p);
		p.phys_bits = 36;
		check_reserved(*state, c, BIT(63) | HIGH_BITS(51, 36), &p);
		p.phys_bits = 99;
		check_reserved(*state, c, BIT(63), &p);
	}
}

/* In 32-bit paging only bit 21 of a 4 MiB page is reserved, and bit 63 does not exist. */
static void test_two_levels_have_no_reserved_bits(void **state)
{
	put32(*state, 0x11000, 0x00012fff & ~0x80u);
	put32(*state, 0x12000, 0xffffffff);
	check_mapped(*state, &two_levels, 0, 0xfffff000, 0x1000);
	check_mapped(*state, &two_levels_pse, 0, 0xfffff000, 0x1000);
}

/* 0x0000123456789abc: indices 0x024, 0x0d1, 0x0b3, 0x189. */
static void test_four_levels(void **state)
{
	struct translation t;

	put64(*state, 0x11120, 0x12067);
	put64(*state, 0x12688, 0x13067);
	put64(*state, 0x13598, 0x14067);
	put64(*state, 0x14c48, UINT64_C(0x000ffffffffff067));
	assert_int_equal(walk(*state, &four_levels, 0x123456789abc, &t), 1);
	assert_int_equal(t.gpa, UINT64_C(0x000ffffffffffabc));
	assert_int_equal(t.page_bytes, 0x1000);
	assert_int_equal(t.nsteps, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(t.steps[i].level, 4 - i);
	assert_int_equal(t.steps[0].entry_gpa, 0x11120);
	assert_int_equal(t.steps[1].entry_gpa, 0x12688);
	assert_int_equal(t.steps[2].entry_gpa, 0x13598);
	assert_int_equal(t.steps[3].entry_gpa, 0x14c48);
	assert_int_equal(t.steps[3].entry, UINT64_C(0x000ffffffffff067));
	check_refused(*state, &four_levels, 0x12345678a000, 0, 4);
	check_refused(*state, &four_levels, 0x123456800000, 0, 3);
	check_refused(*state, &four_levels, 0x123480000000, 0, 2);
	check_refused(*state, &four_levels, 0x120000000000, 0, 2);
	check_refused(*state, &four_levels, 0x000056789abc, 0, 1);
}

static void test_large_pages(void **state)
{
	put64(*state, 0x11000, 0x12067);
	put64(*state, 0x12000, UINT64_C(0x000fedc0400010e7));
	put64(*state, 0x12008, 0x13067);
	put64(*state, 0x13ff8, UINT64_C(0x000123456fe010e7));
	check_mapped(*state, &four_levels, 0, UINT64_C(0xfedc040000000), BIT(30));
	check_mapped(*state, &four_levels, 0x3fffffff, UINT64_C(0xfedc07fffffff), BIT(30));
	check_refused(*state, &four_levels, 0x40000000, 0, 3);
	check_refused(*state, &four_levels, 0x7fdfffff, 0, 3);
	check_mapped(*state, &four_levels, 0x7fe00000, UINT64_C(0x123456fe00000), BIT(21));
	check_mapped(*state, &four_levels, 0x7fffffff, UINT64_C(0x123456fffffff), BIT(21));
	check_refused(*state, &four_levels, 0x80000000, 0, 2);
}

static void test_tables_at_the_end_of_52_bits(void **state)
{
	struct arena *arena = *state;
	struct paging_x86_64 p = five_levels;

	arena->mirror = UINT64_C(0xfffffffff0000);
	p.cr3 = arena->mirror + 0xf000;
	put64(arena, BASE + 0xf000, (arena->mirror + 0x1000) | 0x67);
	put64(arena, BASE + 0x1000, (arena->mirror + 0x2000) | 0x67);
	put64(arena, BASE + 0x2000, (arena->mirror + 0x3000) | 0x67);
	put64(arena, BASE + 0x3000, (arena->mirror + 0xf000) | 0x67);
	put64(arena, BASE + 0xfff8, 0x7777067);
	check_mapped(arena, &p, 0x1ffabc, 0x7777abc, 0x1000);
	p.phys_bits = 51;
	check_refused(arena, &p, 0x1ffabc, 0, 1);
}

/* CR3's PCID, LAM and unused bits are no address. */
static void test_cr3_beside_the_address(void **state)
{
	struct paging_x86_64 p = four_levels;

	p.cr3 |= UINT64_C(0xfff0000000000fff);
	put64(*state, 0x11000, 0x12067);
	put64(*state, 0x12000, 0xe7);
	check_mapped(*state, &p, 0x1234, 0x1234, BIT(30));
}

static void test_canonical_borders_of_48_bits(void **state)
{
	put64(*state, 0x11000 + 255 * 8, 0x12067);
	put64(*state, 0x11000 + 256 * 8, 0x12067);
	put64(*state, 0x12000, 0xe7);
	put64(*state, 0x12ff8, 0xe7);
	check_mapped(*state, &four_levels, 0x00007fffffffffff, 0x3fffffff, BIT(30));
	check_refused(*state, &four_levels, 0x0000800000000000, 0, 0);
	check_refused(*state, &four_levels, 0x0100000000000000, 0, 0);
	check_refused(*state, &four_levels, 0x7fffffffffffffff, 0, 0);
	check_refused(*state, &four_levels, 0x8000000000000000, 0, 0);
	check_refused(*state, &four_levels, 0xfffeffffffffffff, 0, 0);
	check_refused(*state, &four_levels, 0xffff7fffffffffff, 0, 0);
	check_mapped(*state, &four_levels, 0xffff800000000000, 0, BIT(30));
}

static void test_canonical_borders_of_57_bits(void **state)
{
	put64(*state, 0x11000 + 255 * 8, 0x12067);
	put64(*state, 0x11000 + 256 * 8, 0x12067);
	put64(*state, 0x12000, 0x13067);
	put64(*state, 0x12ff8, 0x13067);
	put64(*state, 0x13000, 0xe7);
	put64(*state, 0x13ff8, 0xe7);
	check_mapped(*state, &five_levels, 0x00ffffffffffffff, 0x3fffffff, BIT(30));
	check_refused(*state, &five_levels, 0x0100000000000000, 0, 0);
	check_refused(*state, &five_levels, 0xfeffffffffffffff, 0, 0);
	check_mapped(*state, &five_levels, 0xff00000000000000, 0, BIT(30));
	check_refused(*state, &four_levels, 0xff00000000000000, 0, 0);
}

/* 0x0012123456789abc: as test_four_levels, below entry 0x012 of a fifth level. */
static void test_five_levels(void **state)
{
	struct translation t;

	put64(*state, 0x11090, 0x15067);
	put64(*state, 0x15120, 0x12067);
	put64(*state, 0x12688, 0x13067);
	put64(*state, 0x13598, 0x14067);
	put64(*state, 0x14c48, 0x7777067);
	assert_int_equal(walk(*state, &five_levels, 0x0012123456789abc, &t), 1);
	assert_int_equal(t.gpa, 0x7777abc);
	assert_int_equal(t.nsteps, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(t.steps[i].level, 5 - i);
	assert_int_equal(t.steps[0].entry_gpa, 0x11090);
	check_refused(*state, &five_levels, 0x0013123456789abc, 0, 1);
}

struct rights_case {
	const struct paging_x86_64 *paging;
	unsigned levels;
	bool pdptes; /* level 3 knows no rights */
	bool nx;
};

/* Takes one right (the number of its bit) away at one level of the tables of linear address 0. */
static void check_rights(
	struct arena *arena, const struct rights_case *c, unsigned weak, unsigned right)
{
	bool lost = !(c->pdptes && weak == 3) && !(right == 63 && !c->nx);
	struct paging_x86_64 p = *c->paging;
	struct translation t;

	p.cr3 = BASE + c->levels * 0x1000;
	for (unsigned level = c->levels; level > 0; level--) {
		uint64_t entry = BASE + (level - 1) * 0x1000 + 7;

		if (c->pdptes && level == 3)
			entry &= ~UINT64_C(6);
		else if (level == weak)
			entry ^= BIT(right);
		arena_put(arena, BASE + level * 0x1000, entry, c->levels == 2 ? 4 : 8);
	}
	assert_int_equal(walk(arena, &p, 0, &t), 1);
	assert_int_equal(t.writable, !(lost && right == 1));
	assert_int_equal(t.user, !(lost && right == 2));
	assert_int_equal(t.executable, !(lost && right == 63));
}

static void test_rights_need_every_level(void **state)
{
	static const struct rights_case cases[] = {
		{ &two_levels, 2, false, false },
		{ &two_levels_pse, 2, false, false },
		{ &pae, 3, true, true },
		{ &four_levels, 4, false, true },
		{ &five_levels, 5, false, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned weak = 1; weak <= cases[i].levels; weak++) {
			check_rights(*state, &cases[i], weak, 1);
			check_rights(*state, &cases[i], weak, 2);
			check_rights(*state, &cases[i], weak, 63);
		}
}

static void test_tables_outside_memory(void **state)
{
	struct paging_x86_64 p = four_levels;

	put64(*state, 0x11000, 0x12067);
	put64(*state, 0x12000, BASE + SIZE + 0x67);
	check_refused(*state, &p, 0, -EFAULT, 2);
	put64(*state, 0x12000, UINT64_C(0x000ffffffffff067));
	check_refused(*state, &p, UINT64_C(0x3fffffff), -EFAULT, 2);
	put64(*state, 0x12000, BASE - 0x1000 + 0x67);
	check_refused(*state, &p, 0, -EFAULT, 2);
	p.cr3 = 0;
	check_refused(*state, &p, 0, -EFAULT, 0);
	p.cr3 = UINT64_C(0x000ffffffffff000);
	check_refused(*state, &p, UINT64_C(0xffffffffffffffff), -EFAULT, 0);
	p = pae;
	p.cr3 = 0xffffffe0;
	check_refused(*state, &p, 0xffffffff, -EFAULT, 0);
	p = two_levels;
	p.cr3 = 0xfffff000;
	check_refused(*state, &p, 0xffffffff, -EFAULT, 0);
}

/* Memory that ends in the middle of an entry. */
static void test_entry_half_outside_memory(void **state)
{
	struct arena *arena = *state;

	arena->size = 0x1ffc;
	put32(arena, 0x11ff8, 0x12067);
	check_refused(arena, &four_levels, UINT64_C(0xffffffffffffffff), -EFAULT, 0);
	check_refused(arena, &two_levels, 0xffbfffff, -EFAULT, 1);
	check_refused(arena, &two_levels, 0xffffffff, -EFAULT, 0);
}

/* A table that is its own last entry's table: the old trick to see tables through themselves. */
static void test_table_that_points_at_itself(void **state)
{
	put64(*state, 0x11ff8, 0x11067);
	check_mapped(*state, &four_levels, 0xffffffffffffffff, 0x11fff, 0x1000);
	check_mapped(*state, &four_levels, 0xfffffffffffff000, 0x11000, 0x1000);
	check_mapped(*state, &five_levels, 0xffffffffffffffff, 0x11fff, 0x1000);
	check_refused(*state, &four_levels, 0xffffffffffffefff, 0, 4);
	put64(*state, 0x11ff8, 0);
	put32(*state, 0x11ffc, 0x11067);
	check_mapped(*state, &two_levels, 0xfffffabc, 0x11abc, 0x1000);
	check_mapped(*state, &two_levels_pse, 0xfffffabc, 0x11abc, 0x1000);
}

/*
 * Random tables.  The reference walk says where the next entry is read, something is planted there,
 * and so on to the end of the walk; then both walk that address and others near it.
 */
struct generator {
	const char *name;
	uint64_t seed;
	unsigned levels;
	bool large;         /* large pages occur */
	unsigned min_pages; /* shares that the walks must reach, in percent */
	unsigned min_blocks;
	unsigned min_unmapped;
};

enum { TABLES = 10000, WALKS = 8, FRAMES = 8 };

static const struct generator generators[] = {
	{ "off", 0x1001, 0, false, 60, 0, 5 },
	{ "32-bit", 0x1002, 2, false, 30, 0, 10 },
	{ "32-bit PSE", 0x1003, 2, true, 20, 10, 10 },
	{ "PAE", 0x1004, 3, true, 20, 10, 10 },
	{ "4 levels", 0x1005, 4, true, 15, 10, 10 },
	{ "5 levels", 0x1006, 5, true, 10, 10, 10 },
};

struct run {
	const struct generator *generator;
	uint64_t random;
	struct paging_x86_64 paging;
	struct arena arena;
	struct physical memory;
	struct tally tally;
};

static unsigned run_phys_bits(const struct run *run)
{
	return run->paging.phys_bits ? run->paging.phys_bits : 52;
}

/* Everything that does not choose the mode is noise. */
static void randomize_registers(struct run *run)
{
	static const uint8_t phys_bits[] = { 0, 52, 46, 41, 40, 39, 36, 32 };
	unsigned levels = run->generator->levels;
	uint64_t *r = &run->random;
	struct paging_x86_64 *p = &run->paging;

	p->cr0 = random_next(r) & ~(BIT(31) | (levels ? 1 : 0));
	p->cr0 |= levels ? BIT(31) | CR0_PE : 0;
	p->cr4 = random_next(r);
	if (levels) {
		p->cr4 &= ~(uint64_t)CR4_PAE;
		p->cr4 |= levels > 2 ? CR4_PAE : 0;
	}
	if (levels == 2)
		p->cr4 = (p->cr4 & ~(uint64_t)CR4_PSE) | (run->generator->large ? CR4_PSE : 0);
	if (levels > 3)
		p->cr4 = (p->cr4 & ~(uint64_t)CR4_LA57) | (levels == 5 ? CR4_LA57 : 0);
	p->efer = random_next(r) & ~(uint64_t)(EFER_LMA | (levels ? EFER_LME : 0) | EFER_NXE);
	p->efer |= (levels > 3 ? EFER_LONG : 0) | (random_percent(r, 80) ? EFER_NXE : 0);
	p->phys_bits = phys_bits[random_below(r, sizeof(phys_bits))];
	if (random_percent(r, 2))
		p->efer ^= random_percent(r, 50) ? EFER_LMA : EFER_LME;
	if (levels && random_percent(r, 1))
		p->cr0 ^= CR0_PE;
}

/* One base that every root can have; for the tables below it, another up to the last bit. */
static void randomize_arena(struct run *run)
{
	unsigned levels = run->generator->levels;
	unsigned root_bits = levels > 3 ? run_phys_bits(run) : 32;
	uint64_t *r = &run->random;

	arena_clear(&run->arena);
	run->arena.base = (random_next(r) & (BIT(root_bits) - 1) & ~UINT64_C(0xfffff)) | BIT(20);
	run->arena.mirror = 0;
	if (levels > 2)
		run->arena.mirror =
			(random_next(r) & (BIT(run_phys_bits(run)) - 1) & ~UINT64_C(0xfffff)) |
			0x80000;
	run->paging.cr3 = run->arena.base + random_below(r, FRAMES) * UINT64_C(0x1000);
	if (levels == 3)
		run->paging.cr3 += random_below(r, 128) * UINT64_C(32);
	run->paging.cr3 |= random_next(r) & (levels == 3 ? 0x1f : 0xfff);
	run->paging.cr3 |= random_next(r) & (levels > 3 ? ~(BIT(52) - 1) : ~(BIT(32) - 1));
	if (random_percent(r, 1))
		run->paging.cr3 ^= BIT(12 + random_below(r, 20));
}

static gva_t random_gva(struct run *run)
{
	unsigned bits = run->generator->levels < 4 ? 32 : run->generator->levels == 4 ? 48 : 57;
	uint64_t gva = random_next(&run->random);

	if (random_percent(&run->random, 3))
		return gva;
	gva &= BIT(bits) - 1;
	if (bits > 32 && gva >> (bits - 1))
		gva |= ~(BIT(bits) - 1);
	return gva;
}

static uint64_t random_frame(struct run *run)
{
	bool mirror = run->arena.mirror && random_percent(&run->random, 50);

	return (mirror ? run->arena.mirror : run->arena.base) +
	       random_below(&run->random, FRAMES) * UINT64_C(0x1000);
}

static uint64_t random_large(struct run *run, unsigned level)
{
	uint64_t noise = random_next(&run->random);
	unsigned phys_bits = run_phys_bits(run);
	uint64_t page = noise & 0x1000;

	if (run->generator->levels > 2)
		return page | (noise & (BIT(phys_bits) - 1) & ~(BIT(level == 3 ? 30 : 21) - 1));
	if (phys_bits > 40)
		phys_bits = 40;
	return page | (noise & 0xffc00000) | (noise & (BIT(phys_bits - 19) - 1) & 0x1fe000);
}

/* A sound entry: every bit that may be anything is. */
static uint64_t random_sound_entry(struct run *run, unsigned level)
{
	const struct generator *g = run->generator;
	uint64_t *r = &run->random;
	uint64_t noise = random_next(r);
	uint64_t entry = 1;

	if (g->levels == 3 && level == 3)
		return 1 | (noise & 0xe18) | random_frame(run);
	entry |= (random_percent(r, 80) ? 2 : 0) | (random_percent(r, 80) ? 4 : 0);
	entry |= noise & 0xf78;
	if (g->levels > 3)
		entry |= noise & (BIT(63) - BIT(52));
	if (g->levels > 2 && (run->paging.efer & EFER_NXE) && random_percent(r, 20))
		entry |= BIT(63);
	if (level == 1)
		return entry | (noise & 0x80) |
		       (random_next(r) & (BIT(run_phys_bits(run)) - 1) & ~UINT64_C(0xfff));
	if (!g->large)
		return entry | (noise & 0x80) | random_frame(run);
	if (level <= (g->levels > 3 ? 3 : 2) && random_percent(r, level == 3 ? 15 : 25))
		return entry | 0x80 | random_large(run, level);
	return entry | random_frame(run);
}

static uint64_t random_entry(struct run *run, unsigned level)
{
	uint64_t *r = &run->random;
	uint64_t entry = random_sound_entry(run, level);
	unsigned roll = random_below(r, 100);

	if (roll < 2)
		return random_next(r);
	if (roll < 4)
		return (entry & 0xfff) | (random_next(r) & (BIT(run_phys_bits(run)) - 0x1000));
	if (roll < 10)
		return entry ^ BIT(random_below(r, 64));
	return entry;
}

static void plant_tables(struct run *run, gva_t gva)
{
	unsigned entry_bytes = run->generator->levels == 2 ? 4 : 8;
	struct translation t;

	for (unsigned depth = 0; depth < 5; depth++) {
		const struct translation_step *last;
		int rc = reference_walk_x86_64(&run->paging, &run->memory, gva, &t);

		if (rc != 0 || t.nsteps == 0 || random_percent(&run->random, 3))
			return;
		last = &t.steps[t.nsteps - 1];
		if (last->entry != 0)
			return;
		arena_plant(
			&run->arena, last->entry_gpa, random_entry(run, last->level), entry_bytes);
	}
}

/* Nothing is mapped anywhere in the block that is said to be a hole. */
static void check_hole(struct run *run, gva_t gva, int rc, const struct translation *t)
{
	struct translation other;

	assert_int_equal(rc == 1 || rc == -EINVAL, t->hole_bytes == 0);
	assert_int_equal(t->hole_bytes & (t->hole_bytes - 1), 0);
	for (unsigned i = 0; t->hole_bytes && i < 4; i++) {
		gva_t at = gva ^ (random_next(&run->random) & (t->hole_bytes - 1));

		assert_int_not_equal(
			reference_walk_x86_64(&run->paging, &run->memory, at, &other), 1);
	}
}

static void compare_walks(struct run *run, gva_t gva, unsigned table)
{
	struct translation got, want;
	int got_rc, want_rc;

	memset(&got, 0xa5, sizeof(got));
	got_rc = paging_x86_64_walk(&run->paging, &run->memory, gva, &got);
	want_rc = reference_walk_x86_64(&run->paging, &run->memory, gva, &want);
	tally_add(&run->tally, want_rc, want.nsteps > 0 && want.page_bytes != 0x1000);
	if (got_rc == want_rc && translations_are_equal(&got, &want)) {
		check_hole(run, gva, got_rc, &got);
		return;
	}
	printf("# %s, table %u: gva %#" PRIx64 " cr0 %#" PRIx64 " cr3 %#" PRIx64 " cr4 %#" PRIx64
	       " efer %#" PRIx64 " phys_bits %u\n",
		run->generator->name, table, gva, run->paging.cr0, run->paging.cr3, run->paging.cr4,
		run->paging.efer, run->paging.phys_bits);
	translation_print("walk", got_rc, &got);
	translation_print("reference", want_rc, &want);
	fail_msg("the walks differ");
}

static gva_t near(struct run *run, gva_t gva, unsigned which)
{
	switch (which) {
	case 0:
		return gva;
	case 1:
		return gva | 0xfff;
	case 2:
		return (gva | 0xfff) + 1;
	case 3:
		return random_gva(run);
	default:
		return gva ^ BIT(random_below(&run->random, which < 7 ? 32 : 64));
	}
}

static void random_tables_run(const struct generator *generator)
{
	struct run run = { .generator = generator, .random = generator->seed };
	unsigned total;

	arena_init(&run.arena, 0, FRAMES * 0x1000);
	run.memory = (struct physical){ arena_read, &run.arena };
	for (unsigned table = 0; table < TABLES; table++) {
		gva_t gva = random_gva(&run);

		randomize_registers(&run);
		randomize_arena(&run);
		plant_tables(&run, gva);
		for (unsigned i = 0; i < WALKS; i++)
			compare_walks(&run, near(&run, gva, i), table);
	}
	arena_fini(&run.arena);
	tally_print(&run.tally, generator->name, generator->seed);
	total = tally_total(&run.tally);
	assert_true(run.tally.pages * 100 >= generator->min_pages * total);
	assert_true(run.tally.blocks * 100 >= generator->min_blocks * total);
	assert_true(run.tally.unmapped * 100 >= generator->min_unmapped * total);
	assert_true(run.tally.invalid > 0);
	assert_true(generator->levels == 0 || run.tally.outside > 0);
}

static void test_random_tables(void **state)
{
	random_tables_run(*state);
}

#define HAND_MADE(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)
#define RANDOM(name, row)                                                                          \
	{                                                                                          \
		"test_random_tables " name, test_random_tables, NULL, NULL,                        \
			(void *)(uintptr_t)&generators[row]                                        \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HAND_MADE(test_off_is_identity_below_4g),
		HAND_MADE(test_off_is_cr0_pg_alone),
		HAND_MADE(test_modes_that_cannot_be),
		HAND_MADE(test_two_levels),
		HAND_MADE(test_two_levels_ignore_what_is_wider),
		HAND_MADE(test_page_size_needs_pse),
		HAND_MADE(test_pse36),
		HAND_MADE(test_pae),
		HAND_MADE(test_pae_tables_above_4g),
		HAND_MADE(test_reserved_bits),
		HAND_MADE(test_two_levels_have_no_reserved_bits),
		HAND_MADE(test_four_levels),
		HAND_MADE(test_large_pages),
		HAND_MADE(test_tables_at_the_end_of_52_bits),
		HAND_MADE(test_cr3_beside_the_address),
		HAND_MADE(test_canonical_borders_of_48_bits),
		HAND_MADE(test_canonical_borders_of_57_bits),
		HAND_MADE(test_five_levels),
		HAND_MADE(test_rights_need_every_level),
		HAND_MADE(test_tables_outside_memory),
		HAND_MADE(test_entry_half_outside_memory),
		HAND_MADE(test_table_that_points_at_itself),
		RANDOM("off", 0),
		RANDOM("32-bit", 1),
		RANDOM("32-bit PSE", 2),
		RANDOM("PAE", 3),
		RANDOM("4 levels", 4),
		RANDOM("5 levels", 5),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
