/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arm64 stage 1 walker: tables made by hand, whose answers were worked out from the manual's
 * figures, and random tables of every granule, half and address size, judged by the reference walk.
 */
#include "tests/unit/paging_arena.h"
#include "tests/unit/reference_walk_arm64.h"

#define BIT(n)    (UINT64_C(1) << (n))
#define UPPER(va) (~UINT64_C(0xffffffffffffff) | (va))

/* 1 MiB of memory from 1 MiB on, in frames of 64 KiB; TTBR0 at frame 1, TTBR1 at frame 5. */
enum { BASE = 0x100000, SIZE = 0x100000, ROOT0 = 0x110000, ROOT1 = 0x150000 };

/* TG0 and TG1 of each granule, in place. */
#define TG_4K     (UINT64_C(0) << 14 | UINT64_C(2) << 30)
#define TG_16K    (UINT64_C(2) << 14 | UINT64_C(1) << 30)
#define TG_64K    (UINT64_C(1) << 14 | UINT64_C(3) << 30)

#define TCR_EPD0  BIT(7)
#define TCR_EPD1  BIT(23)
#define TCR_TBI0  BIT(37)
#define TCR_TBI1  BIT(38)
#define TCR_HA    BIT(39)
#define TCR_HD    BIT(40)
#define TCR_HPD0  BIT(41)
#define TCR_HPD1  BIT(42)
#define TCR_E0PD0 BIT(55)
#define TCR_E0PD1 BIT(56)
#define TCR_DS    BIT(59)

enum { SCTLR_M = 1, SCTLR_WXN = 1 << 19, SCTLR_EE = 1 << 25 };

enum {
	MMFR0_48 = 0x00100005, /* 48-bit PA; all granules, none with LPA2 */
	MMFR0_52 = 0x10200006, /* 52-bit PA; LPA2 with 4K and 16K */
	MMFR2_LVA = 0x00010000,
	MMFR2_TTST = 0x10000000,
};

/* Both halves alike, output size by IPS. */
static struct paging_arm64 paging_of(unsigned tnsz, uint64_t granules, unsigned ips)
{
	return (struct paging_arm64){
		.sctlr_el1 = SCTLR_M,
		.tcr_el1 = tnsz | (uint64_t)tnsz << 16 | granules | (uint64_t)ips << 32,
		.ttbr0_el1 = ROOT0,
		.ttbr1_el1 = ROOT1,
		.id_aa64mmfr0_el1 = ips == 6 ? MMFR0_52 : MMFR0_48,
	};
}

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

static void put64(struct arena *arena, gpa_t gpa, uint64_t value)
{
	arena_put(arena, gpa, value, 8);
}

static int walk(
	struct arena *arena, const struct paging_arm64 *paging, gva_t gva, struct translation *out)
{
	struct physical memory = { arena_read, arena };

	memset(out, 0xa5, sizeof(*out));
	return paging_arm64_walk(paging, &memory, gva, out);
}

static void check_mapped(struct arena *arena, const struct paging_arm64 *paging, gva_t gva,
	gpa_t gpa, uint64_t page_bytes)
{
	struct translation t;

	assert_int_equal(walk(arena, paging, gva, &t), 1);
	assert_int_equal(t.gpa, gpa);
	assert_int_equal(t.page_bytes, page_bytes);
}

/* Anything but 1: the steps must be right, the answer must be empty. */
static void check_refused(
	struct arena *arena, const struct paging_arm64 *paging, gva_t gva, int rc, unsigned nsteps)
{
	struct translation t;

	assert_int_equal(walk(arena, paging, gva, &t), rc);
	assert_int_equal(t.nsteps, nsteps);
	assert_int_equal(t.gpa, 0);
	assert_int_equal(t.page_bytes, 0);
	assert_false(t.writable || t.user || t.executable);
}

/* The reads of a walk: entry addresses in order, the first with its level as stored. */
static void check_steps(struct arena *arena, const struct paging_arm64 *paging, gva_t gva,
	unsigned level, const gpa_t *entries, unsigned nsteps)
{
	struct translation t;

	walk(arena, paging, gva, &t);
	assert_int_equal(t.nsteps, nsteps);
	for (unsigned i = 0; i < nsteps; i++) {
		assert_int_equal(t.steps[i].entry_gpa, entries[i]);
		assert_int_equal(t.steps[i].level, level + i);
	}
}

static void test_off_is_identity(void **state)
{
	struct paging_arm64 p = { .id_aa64mmfr0_el1 = 0x00100002, .ttbr0_el1 = ROOT0 };
	struct translation t;

	assert_int_equal(walk(*state, &p, 0x80001234, &t), 1);
	assert_int_equal(t.gpa, 0x80001234);
	assert_int_equal(t.nsteps, 0);
	assert_true(t.writable && t.user && t.executable);
	check_mapped(*state, &p, 0xffffffffff, 0xffffffffff, BIT(40));
	check_refused(*state, &p, BIT(40), 0, 0);
	p.id_aa64mmfr0_el1 = 0;
	check_mapped(*state, &p, 0xffffffffffff, 0xffffffffffff, BIT(48));
	check_refused(*state, &p, BIT(48), 0, 0);
	p.id_aa64mmfr0_el1 = MMFR0_52;
	check_mapped(*state, &p, 0xfffffffffffff, 0xfffffffffffff, BIT(52));
	check_refused(*state, &p, BIT(52), 0, 0);
	check_refused(*state, &p, BIT(55), 0, 0);
	check_refused(*state, &p, UPPER(0xffff000000000000), 0, 0);
}

static void test_off_ignores_the_top_byte_if_told_to(void **state)
{
	struct paging_arm64 p = { .tcr_el1 = TCR_TBI1 };

	check_refused(*state, &p, 0x5a00000080000000, 0, 0);
	p.tcr_el1 = TCR_TBI0;
	check_mapped(*state, &p, 0x5a00000080000000, 0x80000000, BIT(48));
	check_refused(*state, &p, 0x5a80000080000000, 0, 0);
	check_refused(*state, &p, 0x5a01000080000000, 0, 0);
}

/* 0x0000123456789abc: indices 0x024, 0x0d1, 0x0b3, 0x189; the same in either half. */
static void put_4k_walk(struct arena *arena, gpa_t root)
{
	put64(arena, root + 0x120, 0x120003);
	put64(arena, 0x120688, 0x130003);
	put64(arena, 0x130598, 0x140003);
	put64(arena, 0x140c48, 0x0000fffffffff703);
}

static void test_4k(void **state)
{
	static const gpa_t entries[] = { 0x110120, 0x120688, 0x130598, 0x140c48 };
	static const gpa_t entries_upper[] = { 0x150120, 0x120688, 0x130598, 0x140c48 };
	struct paging_arm64 p = paging_of(16, TG_4K, 5);

	put_4k_walk(*state, ROOT0);
	check_mapped(*state, &p, 0x0000123456789abc, 0xfffffffffabc, 0x1000);
	check_steps(*state, &p, 0x0000123456789abc, 1, entries, 4);
	check_mapped(*state, &p, 0x0000123456789000, 0xfffffffff000, 0x1000);
	check_mapped(*state, &p, 0x0000123456789fff, 0xffffffffffff, 0x1000);
	check_refused(*state, &p, 0x000012345678a000, 0, 4);
	check_refused(*state, &p, 0x0000123456788fff, 0, 4);
	check_refused(*state, &p, 0x0000123456800000, 0, 3);
	check_refused(*state, &p, 0x0000123480000000, 0, 2);
	check_refused(*state, &p, 0x0000923456789abc, 0, 1);
	check_refused(*state, &p, 0xffff123456789abc, 0, 1);
	put_4k_walk(*state, ROOT1);
	check_mapped(*state, &p, 0xffff123456789abc, 0xfffffffffabc, 0x1000);
	check_steps(*state, &p, 0xffff123456789abc, 1, entries_upper, 4);
}

static void test_4k_blocks(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 5);

	put64(*state, ROOT0, 0x120003);
	put64(*state, ROOT0 + 8, 0x701);
	put64(*state, 0x120000, 0x0000fedc7fffff01);
	put64(*state, 0x120008, 0x130003);
	put64(*state, 0x130ff8, 0x0000123457ffff01);
	check_mapped(*state, &p, 0, 0xfedc40000000, BIT(30));
	check_mapped(*state, &p, 0x3fffffff, 0xfedc7fffffff, BIT(30));
	check_refused(*state, &p, 0x40000000, 0, 3);
	check_mapped(*state, &p, 0x7fe00000, 0x123457e00000, BIT(21));
	check_mapped(*state, &p, 0x7fffffff, 0x123457ffffff, BIT(21));
	check_refused(*state, &p, 0x80000000, 0, 2);
	check_refused(*state, &p, BIT(39), 0, 1);
}

/* Bit 0 clear is invalid whatever the rest; at the last level 0b01 is reserved. */
static void test_invalid_descriptors(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 5);

	put_4k_walk(*state, ROOT0);
	put64(*state, 0x140c48, 0x0000fffffffff701);
	check_refused(*state, &p, 0x0000123456789abc, 0, 4);
	put64(*state, 0x140c48, 0x0000fffffffff702);
	check_refused(*state, &p, 0x0000123456789abc, 0, 4);
	put64(*state, 0x130598, 0xfffffffffffffffe);
	check_refused(*state, &p, 0x0000123456789abc, 0, 3);
	put64(*state, 0x130598, 0x140000);
	check_refused(*state, &p, 0x0000123456789abc, 0, 3);
}

/* A debugger reads what the guest would get after its access flag fault. */
static void test_access_flag_is_not_needed(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 5);

	put_4k_walk(*state, ROOT0);
	put64(*state, 0x140c48, 0x0000fffffffff303);
	check_mapped(*state, &p, 0x0000123456789abc, 0xfffffffffabc, 0x1000);
	put64(*state, 0x130598, 0x40000301);
	check_mapped(*state, &p, 0x0000123456789abc, 0x40189abc, BIT(21));
}

/* ASID and CnP are no address; nor is what a descriptor of 48 bits has above bit 47. */
static void test_bits_that_are_no_address(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 5);

	p.ttbr0_el1 |= 0xffff000000000fff;
	put64(*state, ROOT0, 0x000f000000120fff);
	put64(*state, 0x120000, 0xffff0000c0000ffd);
	check_mapped(*state, &p, 0x1234, 0xc0001234, BIT(30));
}

static void test_big_endian_tables(void **state)
{
	struct paging_arm64 p = paging_of(25, TG_4K, 5);

	p.sctlr_el1 |= SCTLR_EE;
	put64(*state, ROOT0, __builtin_bswap64(0x0000443200000f01));
	check_mapped(*state, &p, 0x12345678, 0x443212345678, BIT(30));
	p.sctlr_el1 &= ~(uint64_t)SCTLR_EE;
	check_refused(*state, &p, 0x12345678, 0, 1);
}

/* Every TnSZ begins at the highest level that has a bit left to index. */
static void test_first_level_by_size(void **state)
{
	struct paging_arm64 p = paging_of(25, TG_4K, 5);

	put64(*state, ROOT0 + 0xff8, 0x40000701);
	check_mapped(*state, &p, 0x7fffffffff, 0x7fffffff, BIT(30));
	check_steps(*state, &p, 0x7fffffffff, 2, (gpa_t[]){ ROOT0 + 0xff8 }, 1);
	check_refused(*state, &p, 0x8000000000, 0, 0);
	p = paging_of(34, TG_4K, 5);
	put64(*state, ROOT0, 0x80000701);
	check_mapped(*state, &p, 0x3fe00123 & 0x1fffff, 0x80000123, BIT(21));
	check_steps(*state, &p, 0, 3, (gpa_t[]){ ROOT0 }, 1);
	p = paging_of(33, TG_4K, 5);
	check_mapped(*state, &p, 0x3fffffff, 0xbfffffff, BIT(30));
	check_steps(*state, &p, 0, 2, (gpa_t[]){ ROOT0 }, 1);
}

/* 25 bits: 16 entries, so a table of 128 bytes, at any multiple of that. */
static void test_small_first_table(void **state)
{
	struct paging_arm64 p = paging_of(39, TG_4K, 5);

	p.ttbr0_el1 = ROOT0 + 0xff;
	p.ttbr1_el1 = ROOT0 + 0x100;
	put64(*state, ROOT0 + 0xf8, 0x00200701);
	put64(*state, ROOT0 + 0x100, 0x00600701);
	check_mapped(*state, &p, 0x1ffffff, 0x3fffff, BIT(21));
	check_refused(*state, &p, 0x2000000, 0, 0);
	check_mapped(*state, &p, 0xfffffffffe000000, 0x600000, BIT(21));
	check_refused(*state, &p, 0xfffffffffdffffff, 0, 0);
}

static void test_small_first_table_with_ttst(void **state)
{
	struct paging_arm64 p = paging_of(48, TG_4K, 5);

	p.id_aa64mmfr2_el1 = MMFR2_TTST;
	p.ttbr0_el1 = ROOT0 + 0x80;
	put64(*state, ROOT0 + 0xf8, 0x7777703);
	check_mapped(*state, &p, 0xffff, 0x7777fff, 0x1000);
	check_steps(*state, &p, 0xffff, 4, (gpa_t[]){ ROOT0 + 0xf8 }, 1);
	check_refused(*state, &p, 0x10000, 0, 0);
	p = paging_of(47, TG_64K, 5);
	p.id_aa64mmfr2_el1 = MMFR2_TTST;
	p.ttbr0_el1 = ROOT0 + 0x1f;
	put64(*state, ROOT0 + 0x18, 0x7770703);
	check_mapped(*state, &p, 0x1ffff, 0x777ffff, 0x10000);
}

/* 48 bits of 16K: one index bit at level 0, then 11 each; a block only at level 2. */
static void test_16k(void **state)
{
	static const gpa_t entries[] = { 0x110ff8, 0x123ff8, 0x130008, 0x140010 };
	static const gpa_t entries_upper[] = { 0x150008, 0x123ff8, 0x130008, 0x140010 };
	gva_t gva = BIT(47) | UINT64_C(0x7ff) << 36 | 1 << 25 | 2 << 14 | 0x2345;
	struct paging_arm64 p = paging_of(16, TG_16K, 5);

	p.ttbr0_el1 = ROOT0 + 0xfff;
	put64(*state, ROOT0 + 0xff8, 0x120003);
	put64(*state, ROOT1 + 8, 0x120003);
	put64(*state, 0x123ff8, 0x133003);
	put64(*state, 0x130008, 0x140003);
	put64(*state, 0x140010, 0x0000fffffffff703);
	put64(*state, 0x130010, 0x0000abcdffffc701);
	check_mapped(*state, &p, gva, 0xffffffffe345, 0x4000);
	check_steps(*state, &p, gva, 1, entries, 4);
	check_mapped(*state, &p, gva | 0xffff000000000000, 0xffffffffe345, 0x4000);
	check_steps(*state, &p, gva | 0xffff000000000000, 1, entries_upper, 4);
	check_mapped(*state, &p, (gva & ~UINT64_C(0x3fff)) | 0x3fff, 0xffffffffffff, 0x4000);
	check_refused(*state, &p, (gva | 0x3fff) + 1, 0, 4);
	check_mapped(*state, &p, gva + (1 << 25), 0xabcdfe00a345, BIT(25));
	put64(*state, 0x123ff8, 0x133001);
	check_refused(*state, &p, gva, 0, 2);
	put64(*state, ROOT0 + 0xff8, 0x120001);
	check_refused(*state, &p, gva, 0, 1);
}

/* 42 bits of 64K begin at level 2, 48 bits at level 1 with 64 entries; a block only at level 2. */
static void test_64k(void **state)
{
	static const gpa_t entries[] = { 0x1101f8, 0x12fff8, 0x130008 };
	gva_t gva = UINT64_C(0x3f) << 42 | UINT64_C(0x1fff) << 29 | 1 << 16 | 0xabcd;
	struct paging_arm64 p = paging_of(16, TG_64K, 5);

	put64(*state, ROOT0 + 0x1f8, 0x12f003);
	put64(*state, 0x12fff8, 0x13f003);
	put64(*state, 0x130008, 0x0000ffffffffff03);
	check_mapped(*state, &p, gva, 0xffffffffabcd, 0x10000);
	check_steps(*state, &p, gva, 2, entries, 3);
	check_refused(*state, &p, gva + 0x10000, 0, 3);
	p.ttbr1_el1 = 0x120000;
	p.tcr_el1 = (p.tcr_el1 & ~(UINT64_C(0x3f) << 16)) | 22 << 16;
	check_mapped(*state, &p, ~UINT64_C(0) << 42 | gva, 0xffffffffabcd, 0x10000);
	check_steps(*state, &p, ~UINT64_C(0) << 42 | gva, 3, entries + 1, 2);
	put64(*state, 0x12fff8, 0x0000fffffffff701);
	check_mapped(*state, &p, gva, 0xffffe001abcd, BIT(29));
	put64(*state, ROOT0 + 0x1f8, 0x701);
	check_refused(*state, &p, gva, 0, 1);
}

/* FEAT_LPA: bits 51:48 in 15:12 of a descriptor and in 5:2 of TTBR, when IPS says 52 bits. */
static void test_64k_with_52_bits(void **state)
{
	struct arena *arena = *state;
	gva_t gva = UINT64_C(0x3ff) << 42 | UINT64_C(0x1fff) << 29 | 1 << 16 | 0xabcd;
	struct paging_arm64 p = paging_of(12, TG_64K, 6);

	arena->mirror = UINT64_C(0xf000000100000);
	p.id_aa64mmfr2_el1 = MMFR2_LVA;
	p.ttbr0_el1 = ROOT0 | 0x3d;
	put64(arena, ROOT0 + 0x1ff8, 0x12f003);
	put64(arena, 0x12fff8, 0x13f003);
	put64(arena, 0x130008, 0x000012345678a703);
	check_mapped(arena, &p, gva, 0xa12345678abcd, 0x10000);
	check_steps(arena, &p, gva, 2,
		(gpa_t[]){ 0xf000000111ff8, 0xf00000012fff8, 0xf000000130008 }, 3);
	put64(arena, 0x12fff8, 0x000012347fff5701);
	check_mapped(arena, &p, gva, 0x5123460000000 | 0x1abcd, BIT(29));
	put64(arena, ROOT0 + 0x1ff8, 0x0000fffffffff701);
	check_mapped(arena, &p, gva, UINT64_C(0xffc00) << 32 | (gva & (BIT(42) - 1)), BIT(42));
}

/* With IPS or PARange below 52 bits the same bits are nothing; a 4 TiB block goes by PARange. */
static void test_64k_with_52_bits_not_in_use(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_64K, 6);

	p.tcr_el1 ^= UINT64_C(3) << 32;
	p.ttbr0_el1 = ROOT0 | 0x3d;
	put64(*state, ROOT0, 0x12f003);
	put64(*state, 0x120000, 0x00005678a000f701);
	check_mapped(*state, &p, 0, 0x5678a0000000, BIT(29));
	put64(*state, ROOT0, 0x0000fffffffff701);
	check_mapped(*state, &p, 0, UINT64_C(0xfc00) << 32, BIT(42));
	p = paging_of(16, TG_64K, 6);
	p.id_aa64mmfr0_el1 = MMFR0_48;
	check_refused(*state, &p, 0, 0, 1);
	put64(*state, ROOT0, 0x12f003);
	check_mapped(*state, &p, 0, 0x5678a0000000, BIT(29));
}

/* FEAT_LPA2: a level -1, bits 51:50 in 9:8, 49:48 in place, blocks of 512 GiB. */
static void test_4k_lpa2(void **state)
{
	struct arena *arena = *state;
	struct paging_arm64 p = paging_of(12, TG_4K, 6);
	gva_t gva = UINT64_C(0xf123456789abc);

	arena->mirror = UINT64_C(0xd000000100000);
	p.tcr_el1 |= TCR_DS;
	p.ttbr0_el1 = ROOT0 | 0xd << 2;
	p.ttbr1_el1 = ROOT0 + 0x47;
	put64(arena, ROOT0 + 0x78, 0x0001000000150303);
	put_4k_walk(arena, ROOT1);
	put64(arena, 0x140c48, 0x0003111111111203);
	check_mapped(arena, &p, gva, 0xb111111111abc, 0x1000);
	check_steps(arena, &p, gva, 0,
		(gpa_t[]){ 0xd000000110078, 0xd000000150120, 0x120688, 0x130598, 0x140c48 }, 5);
	put64(arena, 0x150120, 0x0002fffffffff101);
	check_mapped(arena, &p, gva, 0x6ff8000000000 | (gva & (BIT(39) - 1)), BIT(39));
	put64(arena, ROOT0 + 0x78, 0x0003ffffffffff01);
	check_refused(arena, &p, gva, 0, 1);
}

/* One index bit makes a first table of 16 bytes, yet it is aligned to 64: bits 5:2 are 51:48. */
static void test_4k_lpa2_first_table(void **state)
{
	struct arena *arena = *state;
	struct paging_arm64 p = paging_of(15, TG_4K, 6);

	arena->mirror = UINT64_C(0xc000000100000);
	p.tcr_el1 |= TCR_DS;
	p.ttbr0_el1 = ROOT0 + 0x40 + 0x30;
	put64(*state, ROOT0 + 0x48, 0x150003);
	put_4k_walk(*state, ROOT1);
	check_mapped(*state, &p, 0x0001123456789abc, 0xfffffffffabc | UINT64_C(3) << 50, 0x1000);
	check_refused(*state, &p, 0x0002123456789abc, 0, 0);
	p.tcr_el1 &= ~TCR_DS;
	check_refused(*state, &p, 0x0001123456789abc, -EINVAL, 0);
}

static void test_16k_lpa2(void **state)
{
	gva_t gva = UINT64_C(0x1f) << 47 | UINT64_C(0x7ff) << 36 | 1 << 25 | 2 << 14 | 0x2345;
	struct paging_arm64 p = paging_of(12, TG_16K, 6);

	p.tcr_el1 |= TCR_DS;
	put64(*state, ROOT1 + 0xf8, 0x123c03);
	put64(*state, 0x123ff8, 0x130003);
	put64(*state, 0x120000 + 0x3ff8, 0x130003);
	put64(*state, 0x130008, 0x140003);
	put64(*state, 0x140010, 0x0002555555554103);
	check_mapped(*state, &p, gva | UPPER(0xf0000000000000), 0x6555555556345, 0x4000);
	check_steps(*state, &p, gva | UPPER(0xf0000000000000), 1,
		(gpa_t[]){ 0x1500f8, 0x123ff8, 0x130008, 0x140010 }, 4);
	put64(*state, 0x123ff8, 0x0001234fffffc201);
	check_mapped(*state, &p, gva | UPPER(0xf0000000000000),
		UINT64_C(0x9234) << 36 | (gva & (BIT(36) - 1)), BIT(36));
	p.id_aa64mmfr0_el1 = 0x00100006;
	check_refused(*state, &p, gva | UPPER(0xf0000000000000), -EINVAL, 0);
}

/* TCR_EL1.DS without FEAT_LPA2 is not there; with 64K it has no meaning. */
static void test_ds_out_of_place(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 5);

	p.tcr_el1 |= TCR_DS;
	put_4k_walk(*state, ROOT0);
	check_mapped(*state, &p, 0x0000123456789abc, 0xfffffffffabc, 0x1000);
	p.id_aa64mmfr0_el1 = 0;
	check_mapped(*state, &p, 0x0000123456789abc, 0xfffffffffabc, 0x1000);
	p = paging_of(22, TG_64K, 6);
	p.tcr_el1 |= TCR_DS;
	put64(*state, ROOT0, 0x0003fffff000f301 & ~UINT64_C(0x3000000000000));
	check_mapped(*state, &p, 0, UINT64_C(0xfffffe0000000), BIT(29));
}

static void test_each_half_has_its_own_fields(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 5);

	p.tcr_el1 = 16 | 22 << 16 | UINT64_C(3) << 30 | UINT64_C(5) << 32;
	put_4k_walk(*state, ROOT0);
	put64(*state, ROOT1, 0x20000701);
	check_mapped(*state, &p, 0x0000123456789abc, 0xfffffffffabc, 0x1000);
	check_mapped(*state, &p, 0xfffffc0000001234, 0x20001234, BIT(29));
	check_refused(*state, &p, 0xfffffbffffffffff, 0, 0);
	p.tcr_el1 |= TCR_EPD0;
	check_refused(*state, &p, 0x0000123456789abc, 0, 0);
	check_mapped(*state, &p, 0xfffffc0000001234, 0x20001234, BIT(29));
	p.tcr_el1 ^= TCR_EPD0 | TCR_EPD1;
	check_mapped(*state, &p, 0x0000123456789abc, 0xfffffffffabc, 0x1000);
	check_refused(*state, &p, 0xfffffc0000001234, 0, 0);
}

static void test_range_and_top_byte(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 5);

	put_4k_walk(*state, ROOT0);
	put_4k_walk(*state, ROOT1);
	check_refused(*state, &p, 0x5a00123456789abc, 0, 0);
	check_refused(*state, &p, 0x0001123456789abc, 0, 0);
	check_refused(*state, &p, 0x0040123456789abc, 0, 0);
	check_refused(*state, &p, 0x0080123456789abc, 0, 0);
	check_refused(*state, &p, 0xa5ff123456789abc, 0, 0);
	check_refused(*state, &p, 0xfffe123456789abc, 0, 0);
	p.tcr_el1 |= TCR_TBI0;
	check_mapped(*state, &p, 0x5a00123456789abc, 0xfffffffffabc, 0x1000);
	check_mapped(*state, &p, 0xff00123456789abc, 0xfffffffffabc, 0x1000);
	check_refused(*state, &p, 0x5a01123456789abc, 0, 0);
	check_refused(*state, &p, 0xa5ff123456789abc, 0, 0);
	p.tcr_el1 ^= TCR_TBI0 | TCR_TBI1;
	check_refused(*state, &p, 0x5a00123456789abc, 0, 0);
	check_mapped(*state, &p, 0xa5ff123456789abc, 0xfffffffffabc, 0x1000);
	check_refused(*state, &p, 0xa5fe123456789abc, 0, 0);
	check_steps(*state, &p, 0x00ff123456789abc, 1,
		(gpa_t[]){ 0x150120, 0x120688, 0x130598, 0x140c48 }, 4);
}

static void test_reserved_granules(void **state)
{
	struct paging_arm64 p = paging_of(16, UINT64_C(3) << 14, 5);

	check_refused(*state, &p, 0, -EINVAL, 0);
	check_refused(*state, &p, UINT64_MAX, -EINVAL, 0);
	p.tcr_el1 |= TCR_EPD0;
	check_refused(*state, &p, 0, 0, 0);
	p = paging_of(16, TG_4K, 5);
	p.id_aa64mmfr0_el1 = 0xf0100005;
	check_refused(*state, &p, 0, -EINVAL, 0);
	p = paging_of(16, TG_16K, 5);
	check_refused(*state, &p, 0, 0, 1);
	p.id_aa64mmfr0_el1 = 0x00000005;
	check_refused(*state, &p, 0, -EINVAL, 0);
	p.id_aa64mmfr0_el1 = 0;
	check_refused(*state, &p, 0, 0, 1);
	p = paging_of(16, TG_64K, 5);
	p.id_aa64mmfr0_el1 = 0x0f100005;
	check_refused(*state, &p, 0, -EINVAL, 0);
}

struct size_case {
	unsigned tnsz;
	uint64_t granules, tcr, mmfr0, mmfr2;
	int rc;
	unsigned nsteps;
};

/* Tables are empty, so a sound size gives one step.  FEAT_LVA and FEAT_TTST make misfits fault. */
static const struct size_case size_cases[] = {
	{ 16, TG_4K, 0, 0, 0, 0, 1 },
	{ 15, TG_4K, 0, 0, 0, -EINVAL, 0 },
	{ 15, TG_4K, 0, MMFR0_52, MMFR2_LVA, 0, 0 },
	{ 15, TG_4K, TCR_DS, MMFR0_52, 0, 0, 1 },
	{ 12, TG_4K, TCR_DS, MMFR0_52, 0, 0, 1 },
	{ 11, TG_4K, TCR_DS, MMFR0_52, 0, -EINVAL, 0 },
	{ 11, TG_4K, TCR_DS, MMFR0_52, MMFR2_LVA, 0, 0 },
	{ 12, TG_4K, TCR_DS, MMFR0_48, 0, -EINVAL, 0 },
	{ 12, TG_16K, TCR_DS, MMFR0_52, 0, 0, 1 },
	{ 12, TG_16K, TCR_DS, 0x10100006, 0, -EINVAL, 0 },
	{ 12, TG_64K, 0, MMFR0_52, MMFR2_LVA, 0, 1 },
	{ 12, TG_64K, 0, MMFR0_48, MMFR2_LVA, 0, 1 },
	{ 11, TG_64K, 0, MMFR0_52, MMFR2_LVA, 0, 0 },
	{ 15, TG_64K, TCR_DS, MMFR0_52, 0, -EINVAL, 0 },
	{ 0, TG_4K, 0, 0, 0, -EINVAL, 0 },
	{ 39, TG_4K, 0, 0, 0, 0, 1 },
	{ 39, TG_16K, 0, 0, 0, 0, 1 },
	{ 39, TG_64K, 0, 0, 0, 0, 1 },
	{ 40, TG_4K, 0, 0, 0, -EINVAL, 0 },
	{ 40, TG_64K, 0, 0, 0, -EINVAL, 0 },
	{ 48, TG_4K, 0, 0, MMFR2_TTST, 0, 1 },
	{ 48, TG_16K, 0, 0, MMFR2_TTST, 0, 1 },
	{ 47, TG_64K, 0, 0, MMFR2_TTST, 0, 1 },
	{ 48, TG_64K, 0, 0, MMFR2_TTST, 0, 0 },
	{ 49, TG_4K, 0, 0, MMFR2_TTST, 0, 0 },
	{ 63, TG_16K, 0, 0, MMFR2_TTST, 0, 0 },
	{ 63, TG_16K, 0, 0, 0, -EINVAL, 0 },
};

static void test_sizes(void **state)
{
	for (size_t i = 0; i < sizeof(size_cases) / sizeof(size_cases[0]); i++) {
		const struct size_case *c = &size_cases[i];
		struct paging_arm64 p = paging_of(c->tnsz, c->granules, 5);

		p.tcr_el1 |= c->tcr;
		p.id_aa64mmfr0_el1 = c->mmfr0;
		p.id_aa64mmfr2_el1 = c->mmfr2;
		check_refused(*state, &p, 0, c->rc, c->nsteps);
		check_refused(*state, &p, UINT64_MAX, c->rc, c->nsteps);
	}
}

/* An address wider than IPS or PARange is a fault: of the root, of a table, of a page. */
static void test_output_size(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 0);

	put_4k_walk(*state, ROOT0);
	check_refused(*state, &p, 0x0000123456789abc, 0, 4);
	put64(*state, 0x140c48, 0xfffff703);
	check_mapped(*state, &p, 0x0000123456789abc, 0xfffffabc, 0x1000);
	put64(*state, 0x140c48, BIT(32) | 0x703);
	check_refused(*state, &p, 0x0000123456789abc, 0, 4);
	p.tcr_el1 |= UINT64_C(5) << 32;
	check_mapped(*state, &p, 0x0000123456789abc, BIT(32) | 0xabc, 0x1000);
	p.id_aa64mmfr0_el1 = 0x00100000;
	check_refused(*state, &p, 0x0000123456789abc, 0, 4);
	put64(*state, 0x130598, BIT(32) | 0x140003);
	check_refused(*state, &p, 0x0000123456789abc, 0, 3);
	put64(*state, 0x130598, BIT(32) | 0x701);
	check_refused(*state, &p, 0x0000123456789abc, 0, 3);
	p.ttbr0_el1 = BIT(32) | ROOT0;
	check_refused(*state, &p, 0x0000123456789abc, 0, 0);
}

/* IPS 0b111 is as wide as there is; with 4K and no LPA2 that is 48 bits. */
static void test_output_size_reserved(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 7);

	p.id_aa64mmfr0_el1 = MMFR0_52;
	put_4k_walk(*state, ROOT0);
	check_mapped(*state, &p, 0x0000123456789abc, 0xfffffffffabc, 0x1000);
}

struct rights_case {
	uint64_t sctlr, tcr, table, leaf;
	const char *rights; /* w, u, x, and x from EL0; or - */
};

#define TABLE_PXN  BIT(59)
#define TABLE_UXN  BIT(60)
#define TABLE_EL0  BIT(61)
#define TABLE_RO   BIT(62)
#define LEAF_EL0   BIT(6)
#define LEAF_RO    BIT(7)
#define LEAF_DBM   BIT(51)
#define LEAF_PXN   BIT(53)
#define LEAF_UXN   BIT(54)
#define HARDWARE   (TCR_HA | TCR_HD)
#define BOTH_HPD   (TCR_HPD0 | TCR_HPD1)
#define BOTH_E0PD  (TCR_E0PD0 | TCR_E0PD1)
#define ALL_LIMITS (TABLE_PXN | TABLE_UXN | TABLE_EL0 | TABLE_RO)

static const struct rights_case rights_cases[] = {
	{ 0, 0, 0, 0, "w-xx" },
	{ 0, 0, 0, LEAF_UXN, "w-x-" },
	{ 0, 0, 0, LEAF_PXN, "w--x" },
	{ 0, 0, 0, LEAF_RO, "--xx" },
	{ 0, 0, 0, LEAF_RO | LEAF_EL0, "-uxx" },
	{ 0, 0, 0, LEAF_EL0, "wu-x" },
	{ 0, 0, 0, LEAF_EL0 | LEAF_PXN, "wu-x" },
	{ SCTLR_WXN, 0, 0, 0, "w--x" },
	{ SCTLR_WXN, 0, 0, LEAF_RO, "--xx" },
	{ SCTLR_WXN, 0, TABLE_RO, 0, "--xx" },
	{ 0, 0, TABLE_PXN, 0, "w--x" },
	{ 0, 0, TABLE_UXN, 0, "w-x-" },
	{ 0, 0, TABLE_EL0, LEAF_EL0, "w-xx" },
	{ 0, 0, TABLE_RO, LEAF_EL0, "-uxx" },
	{ 0, 0, TABLE_RO | TABLE_EL0, LEAF_EL0, "--xx" },
	{ 0, 0, ALL_LIMITS, LEAF_EL0, "----" },
	{ 0, BOTH_HPD, ALL_LIMITS, LEAF_EL0 | LEAF_RO, "-uxx" },
	{ 0, BOTH_HPD, ALL_LIMITS, 0, "w-xx" },
	{ 0, HARDWARE, 0, LEAF_RO, "--xx" },
	{ 0, 0, 0, LEAF_RO | LEAF_DBM, "--xx" },
	{ 0, TCR_HD, 0, LEAF_RO | LEAF_DBM, "--xx" },
	{ 0, TCR_HA, 0, LEAF_RO | LEAF_DBM, "--xx" },
	{ 0, HARDWARE, 0, LEAF_RO | LEAF_DBM, "w-xx" },
	{ 0, HARDWARE, TABLE_RO, LEAF_RO | LEAF_DBM, "--xx" },
	{ 0, BOTH_E0PD, 0, LEAF_RO | LEAF_EL0, "--x-" },
	{ 0, BOTH_E0PD, 0, LEAF_EL0, "w---" },
	{ SCTLR_WXN, 0, 0, LEAF_EL0, "wu--" },
	{ SCTLR_WXN, 0, TABLE_EL0, LEAF_EL0, "w--x" },
	{ 0, BOTH_HPD, ALL_LIMITS, LEAF_UXN, "w-x-" },
};

static void check_rights(
	struct arena *arena, const struct rights_case *c, unsigned limited, gva_t gva)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 5);
	struct translation t;

	p.sctlr_el1 |= c->sctlr;
	p.tcr_el1 |= c->tcr;
	p.ttbr1_el1 = ROOT0;
	for (unsigned i = 0; i < 3; i++)
		put64(arena, ROOT0 + i * 0x10000,
			(ROOT0 + (i + 1) * 0x10000) | 3 | (i == limited ? c->table : 0));
	put64(arena, ROOT0 + 0x30000, 0x7777000 | 3 | c->leaf);
	assert_int_equal(walk(arena, &p, gva, &t), 1);
	assert_int_equal(t.writable, c->rights[0] == 'w');
	assert_int_equal(t.user, c->rights[1] == 'u');
	assert_int_equal(t.executable, c->rights[2] == 'x');
	assert_int_equal(t.user_executable, c->rights[3] == 'x');
}

static void test_rights(void **state)
{
	for (size_t i = 0; i < sizeof(rights_cases) / sizeof(rights_cases[0]); i++)
		for (unsigned limited = 0; limited < 3; limited++) {
			check_rights(*state, &rights_cases[i], limited, 0);
			check_rights(*state, &rights_cases[i], limited, 0xffff000000000000);
		}
}

/* HPD, E0PD of one half say nothing of the other. */
static void test_rights_of_the_other_half(void **state)
{
	static const struct rights_case plain = { 0, 0, TABLE_RO, LEAF_EL0, "-uxx" };
	struct rights_case lower = plain, upper = plain;

	lower.tcr = TCR_HPD1 | TCR_E0PD1;
	upper.tcr = TCR_HPD0 | TCR_E0PD0;
	check_rights(*state, &lower, 1, 0);
	check_rights(*state, &upper, 1, 0xffff000000000000);
}

static void test_tables_outside_memory(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 5);

	put_4k_walk(*state, ROOT0);
	put64(*state, 0x130598, BASE + SIZE + 3);
	check_refused(*state, &p, 0x0000123456789abc, -EFAULT, 3);
	put64(*state, 0x130598, BASE - 0x1000 + 3);
	check_refused(*state, &p, 0x0000123456789abc, -EFAULT, 3);
	put64(*state, 0x120688, 0x0000fffffffff003);
	check_refused(*state, &p, 0x0000123456789abc, -EFAULT, 2);
	p.ttbr0_el1 = 0;
	check_refused(*state, &p, 0x0000123456789abc, -EFAULT, 0);
	p.ttbr0_el1 = 0xfffffffff000;
	check_refused(*state, &p, 0x0000ffffffffffff, -EFAULT, 0);
}

static void test_entry_half_outside_memory(void **state)
{
	struct arena *arena = *state;
	struct paging_arm64 p = paging_of(16, TG_4K, 5);

	arena->size = 0x10ffc;
	check_refused(arena, &p, 0x0000ff8000000000 - 1, 0, 1);
	check_refused(arena, &p, 0x0000ffffffffffff, -EFAULT, 0);
}

/* A table whose last entry is itself, at all levels of each granule. */
static void test_table_that_points_at_itself(void **state)
{
	struct paging_arm64 p = paging_of(16, TG_4K, 5);

	p.ttbr1_el1 = ROOT0;
	put64(*state, ROOT0 + 0xff8, ROOT0 | 0x703);
	check_mapped(*state, &p, 0xffffffffffffffff, ROOT0 + 0xfff, 0x1000);
	check_mapped(*state, &p, 0x0000ffffffffffff, ROOT0 + 0xfff, 0x1000);
	check_refused(*state, &p, 0xffffffffffffefff, 0, 4);
	p = paging_of(17, TG_16K, 5);
	p.ttbr1_el1 = ROOT0;
	put64(*state, ROOT0 + 0x3ff8, ROOT0 | 0x703);
	check_mapped(*state, &p, 0xffffffffffffffff, ROOT0 + 0x3fff, 0x4000);
	p = paging_of(22, TG_64K, 5);
	p.ttbr1_el1 = ROOT0;
	put64(*state, ROOT0 + 0xfff8, ROOT0 | 0x703);
	check_mapped(*state, &p, 0xffffffffffffffff, ROOT0 + 0xffff, 0x10000);
}

/*
 * Random tables.  The reference walk says where the next entry is read, something is planted there,
 * and so on to the end of the walk; then both walk that address and others near it.
 */
struct generator {
	const char *name;
	uint64_t seed;
	unsigned granule_bits; /* 0: the MMU is off */
	bool wide;             /* LPA2, or LPA with 64K */
	bool upper;
	unsigned min_pages; /* shares that the walks must reach, in percent */
	unsigned min_blocks;
	unsigned min_unmapped;
};

enum { TABLES = 10000, WALKS = 8, FRAMES = 8, FRAME_BYTES = 0x10000 };

static const struct generator generators[] = {
	{ "off", 0x2001, 0, false, false, 10, 0, 10 },
	{ "4K TTBR0", 0x2002, 12, false, false, 10, 10, 10 },
	{ "4K TTBR1", 0x2003, 12, false, true, 10, 10, 10 },
	{ "16K TTBR0", 0x2004, 14, false, false, 10, 10, 10 },
	{ "16K TTBR1", 0x2005, 14, false, true, 10, 10, 10 },
	{ "64K TTBR0", 0x2006, 16, false, false, 10, 10, 10 },
	{ "64K TTBR1", 0x2007, 16, false, true, 10, 10, 10 },
	{ "4K LPA2 TTBR0", 0x2008, 12, true, false, 10, 10, 10 },
	{ "4K LPA2 TTBR1", 0x2009, 12, true, true, 10, 10, 10 },
	{ "16K LPA2 TTBR0", 0x200a, 14, true, false, 10, 10, 10 },
	{ "16K LPA2 TTBR1", 0x200b, 14, true, true, 10, 10, 10 },
	{ "64K LPA TTBR0", 0x200c, 16, true, false, 10, 10, 10 },
	{ "64K LPA TTBR1", 0x200d, 16, true, true, 10, 10, 10 },
};

struct run {
	const struct generator *generator;
	uint64_t random;
	struct paging_arm64 paging;
	unsigned input_bits, output_bits;
	struct arena arena;
	struct physical memory;
	struct tally tally;
};

static void set_field(uint64_t *reg, unsigned low, unsigned width, uint64_t value)
{
	*reg &= ~((BIT(width) - 1) << low);
	*reg |= value << low;
}

/* ID registers under which the generator's format is in use, and the sizes that follow. */
static void randomize_id_registers(struct run *run)
{
	const struct generator *g = run->generator;
	uint64_t *r = &run->random;
	struct paging_arm64 *p = &run->paging;
	unsigned parange = g->wide ? 6 : random_below(r, g->granule_bits == 16 ? 6 : 7);

	p->id_aa64mmfr0_el1 = random_next(r);
	set_field(&p->id_aa64mmfr0_el1, 0, 4, parange);
	set_field(&p->id_aa64mmfr0_el1, 20, 4, g->wide ? 2 : 1);
	set_field(&p->id_aa64mmfr0_el1, 24, 4, 0);
	set_field(&p->id_aa64mmfr0_el1, 28, 4, g->wide ? 1 : 0);
	if (!g->wide && random_percent(r, 20))
		p->id_aa64mmfr0_el1 = 0;
	else if (random_percent(r, 1))
		p->id_aa64mmfr0_el1 = random_next(r);
	p->id_aa64mmfr2_el1 = random_next(r);
	set_field(&p->id_aa64mmfr2_el1, 16, 4, random_percent(r, 60));
	set_field(&p->id_aa64mmfr2_el1, 28, 4, random_percent(r, 30));
}

static unsigned random_tnsz(struct run *run)
{
	const struct generator *g = run->generator;
	bool lva = run->paging.id_aa64mmfr2_el1 >> 16 & 1;
	bool ttst = run->paging.id_aa64mmfr2_el1 >> 28 & 1;
	unsigned least = (g->granule_bits == 16 ? lva : g->wide) ? 12 : 16;
	unsigned most = !ttst ? 39 : g->granule_bits == 16 ? 47 : 48;

	if (random_percent(&run->random, 2))
		return random_below(&run->random, 64);
	return least + random_below(&run->random, most - least + 1);
}

static void randomize_tcr(struct run *run)
{
	static const uint8_t tg0[] = { 0, 2, 1 }, tg1[] = { 2, 1, 3 };
	static const uint8_t sizes[] = { 32, 36, 40, 42, 44, 48, 52, 52 };
	const struct generator *g = run->generator;
	uint64_t *r = &run->random, *tcr = &run->paging.tcr_el1;
	unsigned row = g->granule_bits ? (g->granule_bits - 12) / 2 : random_below(r, 3);
	unsigned tnsz = random_tnsz(run);
	unsigned ips = random_below(r, 8);

	if (g->wide && (g->granule_bits == 16 || random_percent(r, 60)))
		ips |= 6;
	*tcr = random_next(r);
	set_field(tcr, g->upper ? 16 : 0, 6, tnsz);
	set_field(tcr, g->upper ? 23 : 7, 1, random_percent(r, 1));
	set_field(tcr, g->upper ? 30 : 14, 2, g->upper ? tg1[row] : tg0[row]);
	set_field(tcr, g->upper ? 42 : 41, 1, random_percent(r, 30));
	set_field(tcr, 32, 3, ips);
	if (g->granule_bits != 16)
		set_field(tcr, 59, 1, g->wide);
	if (random_percent(r, 2))
		set_field(tcr, g->upper ? 30 : 14, 2, random_below(r, 4));
	run->input_bits = tnsz < 12 ? 52 : tnsz > 48 ? 16 : 64 - tnsz;
	run->output_bits = sizes[run->paging.id_aa64mmfr0_el1 & 7];
	if (run->paging.id_aa64mmfr0_el1 == 0)
		run->output_bits = 48;
	if (sizes[ips] < run->output_bits)
		run->output_bits = sizes[ips];
	if (!g->wide && run->output_bits > 48)
		run->output_bits = 48;
}

static uint64_t random_address(struct run *run, uint64_t align)
{
	return random_next(&run->random) & (BIT(run->output_bits) - 1) & ~(align - 1);
}

static uint64_t random_frame(struct run *run)
{
	bool mirror = random_percent(&run->random, 50);

	return (mirror ? run->arena.mirror : run->arena.base) +
	       random_below(&run->random, FRAMES) * (uint64_t)FRAME_BYTES;
}

/* Where a descriptor of the generator's format has its address. */
static uint64_t address_encode(const struct generator *g, uint64_t address)
{
	if (!g->wide)
		return address;
	if (g->granule_bits == 16)
		return (address & (BIT(48) - 1)) | (address >> 48 & 0xf) << 12;
	return (address & (BIT(50) - 1)) | (address >> 50 & 3) << 8;
}

static void randomize_arena(struct run *run)
{
	uint64_t *r = &run->random;
	struct paging_arm64 *p = &run->paging;
	uint64_t root, noise = random_next(r) & 0xffff000000000fc3;

	arena_clear(&run->arena);
	run->arena.base = random_address(run, BIT(20)) | BIT(20);
	run->arena.mirror = random_address(run, BIT(20)) | BIT(20);
	root = random_frame(run);
	if (random_percent(r, 1))
		root ^= BIT(12 + random_below(r, 36));
	if (run->generator->wide)
		root = (root & (BIT(48) - 1)) | (root >> 48 & 0xf) << 2;
	p->ttbr0_el1 = p->ttbr1_el1 = random_next(r);
	*(run->generator->upper ? &p->ttbr1_el1 : &p->ttbr0_el1) = root | noise;
}

static gva_t random_gva(struct run *run)
{
	uint64_t *r = &run->random;
	bool upper = run->generator->upper != random_percent(r, 1);
	bool tbi = run->paging.tcr_el1 >> (upper ? 38 : 37) & 1;
	uint64_t gva = random_next(r) & (BIT(run->input_bits) - 1);

	if (random_percent(r, 2))
		return random_next(r);
	if (upper)
		gva |= ~(BIT(run->input_bits) - 1);
	if (tbi && random_percent(r, 50))
		set_field(&gva, 56, 8, random_below(r, 256));
	return gva;
}

static bool may_be_block(const struct run *run, unsigned level)
{
	const struct generator *g = run->generator;
	bool pa_52 = (run->paging.id_aa64mmfr0_el1 & 0xf) >= 6;

	if (g->granule_bits == 16)
		return level == 3 || (level == 2 && pa_52);
	return level < 4 && level >= (g->granule_bits == 12 ? 2u : 3u) - g->wide;
}

/* level: as in the steps, 4 is the last.  Every bit that may be anything is. */
static uint64_t random_sound_entry(struct run *run, unsigned level)
{
	const struct generator *g = run->generator;
	uint64_t *r = &run->random;
	uint64_t noise = random_next(r) & 0xffff000000000ffc;
	uint64_t limits = random_next(r) & random_next(r) & 0x7800000000000000;
	uint64_t granule = BIT(g->granule_bits);

	if (!(g->wide && g->granule_bits == 16))
		noise |= random_next(r) & (granule - 1) & ~UINT64_C(0xfff);
	if (g->wide && g->granule_bits != 16)
		noise &= ~UINT64_C(0x0003000000000300);
	if (level == 4)
		return 3 | noise | address_encode(g, random_address(run, granule));
	if (random_percent(r, may_be_block(run, level) ? 35 : 2))
		return 1 | noise | address_encode(g, random_address(run, granule));
	return 3 | (noise & ~UINT64_C(0x7800000000000000)) | limits |
	       address_encode(g, random_frame(run));
}

static uint64_t random_entry(struct run *run, unsigned level)
{
	uint64_t *r = &run->random;
	uint64_t entry = random_sound_entry(run, level);
	unsigned roll = random_below(r, 100);

	if (roll < 2)
		return random_next(r);
	if (roll < 4)
		return 3 | address_encode(run->generator, random_address(run, 0x10000));
	if (roll < 10)
		return entry ^ BIT(random_below(r, 64));
	return entry;
}

static void plant_tables(struct run *run, gva_t gva)
{
	struct translation t;

	for (unsigned depth = 0; depth < 5; depth++) {
		const struct translation_step *last;
		int rc = reference_walk_arm64(&run->paging, &run->memory, gva, &t);
		uint64_t entry;

		if (rc != 0 || t.nsteps == 0 || random_percent(&run->random, 3))
			return;
		last = &t.steps[t.nsteps - 1];
		if (last->entry != 0)
			return;
		entry = random_entry(run, last->level);
		if (run->paging.sctlr_el1 & SCTLR_EE)
			entry = __builtin_bswap64(entry);
		arena_plant(&run->arena, last->entry_gpa, entry, 8);
	}
}

static bool is_block(const struct translation *t)
{
	return t->nsteps > 0 && t->steps[t->nsteps - 1].level < 4;
}

/* Nothing is mapped anywhere in the block that is said to be a hole. */
static void check_hole(struct run *run, gva_t gva, int rc, const struct translation *t)
{
	struct translation other;

	assert_int_equal(rc == 1, t->hole_bytes == 0);
	assert_int_equal(t->hole_bytes & (t->hole_bytes - 1), 0);
	if (rc == 1)
		return;
	assert_true(t->hole_bytes >= 0x1000);
	for (unsigned i = 0; i < 4; i++) {
		gva_t at = gva ^ (random_next(&run->random) & (t->hole_bytes - 1));

		assert_int_not_equal(
			reference_walk_arm64(&run->paging, &run->memory, at, &other), 1);
	}
}

static void compare_walks(struct run *run, gva_t gva, unsigned table)
{
	const struct paging_arm64 *p = &run->paging;
	struct translation got, want;
	int got_rc, want_rc;

	memset(&got, 0xa5, sizeof(got));
	got_rc = paging_arm64_walk(p, &run->memory, gva, &got);
	want_rc = reference_walk_arm64(p, &run->memory, gva, &want);
	tally_add(&run->tally, want_rc, is_block(&want));
	if (got_rc == want_rc && translations_are_equal(&got, &want)) {
		check_hole(run, gva, got_rc, &got);
		return;
	}
	printf("# %s, table %u: gva %#" PRIx64 " sctlr %#" PRIx64 " tcr %#" PRIx64
	       " ttbr0 %#" PRIx64 " ttbr1 %#" PRIx64 " mmfr0 %#" PRIx64 " mmfr2 %#" PRIx64 "\n",
		run->generator->name, table, gva, p->sctlr_el1, p->tcr_el1, p->ttbr0_el1,
		p->ttbr1_el1, p->id_aa64mmfr0_el1, p->id_aa64mmfr2_el1);
	translation_print("walk", got_rc, &got);
	translation_print("reference", want_rc, &want);
	fail_msg("the walks differ");
}

static gva_t near(struct run *run, gva_t gva, unsigned which)
{
	unsigned granule_bits = run->generator->granule_bits;
	uint64_t page_mask = BIT(granule_bits) - 1;

	switch (which) {
	case 0:
		return gva;
	case 1:
		return gva | page_mask;
	case 2:
		return (gva | page_mask) + 1;
	case 3:
		return random_gva(run);
	case 4:
	case 5:
		return gva ^ (random_next(&run->random) & page_mask);
	default:
		return gva ^ BIT(random_below(&run->random, which == 6 ? run->input_bits : 64));
	}
}

static void random_tables_run(const struct generator *generator)
{
	struct run run = { .generator = generator, .random = generator->seed };
	unsigned total;

	arena_init(&run.arena, 0, FRAMES * FRAME_BYTES);
	run.memory = (struct physical){ arena_read, &run.arena };
	for (unsigned table = 0; table < TABLES; table++) {
		gva_t gva;

		run.paging.sctlr_el1 = random_next(&run.random) & ~(uint64_t)SCTLR_M;
		run.paging.sctlr_el1 |= generator->granule_bits ? SCTLR_M : 0;
		randomize_id_registers(&run);
		randomize_tcr(&run);
		randomize_arena(&run);
		gva = random_gva(&run);
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
	if (generator->granule_bits) {
		assert_true(run.tally.invalid > 0);
		assert_true(run.tally.outside > 0);
	}
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
		HAND_MADE(test_off_is_identity),
		HAND_MADE(test_off_ignores_the_top_byte_if_told_to),
		HAND_MADE(test_4k),
		HAND_MADE(test_4k_blocks),
		HAND_MADE(test_invalid_descriptors),
		HAND_MADE(test_access_flag_is_not_needed),
		HAND_MADE(test_bits_that_are_no_address),
		HAND_MADE(test_big_endian_tables),
		HAND_MADE(test_first_level_by_size),
		HAND_MADE(test_small_first_table),
		HAND_MADE(test_small_first_table_with_ttst),
		HAND_MADE(test_16k),
		HAND_MADE(test_64k),
		HAND_MADE(test_64k_with_52_bits),
		HAND_MADE(test_64k_with_52_bits_not_in_use),
		HAND_MADE(test_4k_lpa2),
		HAND_MADE(test_4k_lpa2_first_table),
		HAND_MADE(test_16k_lpa2),
		HAND_MADE(test_ds_out_of_place),
		HAND_MADE(test_each_half_has_its_own_fields),
		HAND_MADE(test_range_and_top_byte),
		HAND_MADE(test_reserved_granules),
		HAND_MADE(test_sizes),
		HAND_MADE(test_output_size),
		HAND_MADE(test_output_size_reserved),
		HAND_MADE(test_rights),
		HAND_MADE(test_rights_of_the_other_half),
		HAND_MADE(test_tables_outside_memory),
		HAND_MADE(test_entry_half_outside_memory),
		HAND_MADE(test_table_that_points_at_itself),
		RANDOM("off", 0),
		RANDOM("4K TTBR0", 1),
		RANDOM("4K TTBR1", 2),
		RANDOM("16K TTBR0", 3),
		RANDOM("16K TTBR1", 4),
		RANDOM("64K TTBR0", 5),
		RANDOM("64K TTBR1", 6),
		RANDOM("4K LPA2 TTBR0", 7),
		RANDOM("4K LPA2 TTBR1", 8),
		RANDOM("16K LPA2 TTBR0", 9),
		RANDOM("16K LPA2 TTBR1", 10),
		RANDOM("64K LPA TTBR0", 11),
		RANDOM("64K LPA TTBR1", 12),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
