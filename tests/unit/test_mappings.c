/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/mappings.c: everything that is mapped, in order, in every mode of either architecture; tables
 * that lead into themselves or out of memory come to an end.
 */
#include "tests/unit/paging_arena.h"
#include "kvm/arch.h"
#include "kvm/mappings.h"

#define BIT(n) (UINT64_C(1) << (n))

enum { BASE = 0x100000, SIZE = 0x40000, ROOT = BASE, SECOND = BASE + 0x10000 };
enum { P = 1, W = 2, U = 4, PS = 0x80 };

struct page {
	gva_t gva;
	gpa_t gpa;
	uint64_t bytes;
};

/* What was found, and when it is enough. */
struct found {
	struct page pages[1100];
	unsigned count, most;
};

static bool on_found(void *context, gva_t gva, const struct translation *translation)
{
	struct found *found = context;

	if (found->count == found->most)
		return false;
	if (found->count < 1100)
		found->pages[found->count] =
			(struct page){ gva, translation->gpa & ~(translation->page_bytes - 1),
				translation->page_bytes };
	found->count++;
	return true;
}

static int walk_from(struct arena *arena, const struct arch *arch, const struct cpu *cpu,
	gva_t from, struct found *found, gva_t *next)
{
	struct physical memory = { arena_read, arena };
	struct mappings_user user = { .found = on_found, .context = found };

	if (!found->most)
		found->most = UINT32_MAX;
	return mappings_walk(arch, cpu, &memory, from, &user, next);
}

static void check_pages(struct arena *arena, const struct arch *arch, const struct cpu *cpu,
	const struct page *pages, unsigned count)
{
	struct found found = { .count = 0 };
	gva_t next;

	assert_int_equal(walk_from(arena, arch, cpu, 0, &found, &next), 1);
	assert_int_equal(found.count, count);
	assert_memory_equal(found.pages, pages, count * sizeof(*pages));
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct arena));
	arena_init(*state, BASE, SIZE);
	return 0;
}

static int teardown(void **state)
{
	arena_fini(*state);
	free(*state);
	return 0;
}

/* ---- x86-64 ------------------------------------------------------------------------------ */

static struct cpu long_mode(void)
{
	struct cpu cpu = { .valid = CPU_STOP };

	cpu.x86_64.sregs.cr0 = BIT(31) | 1;
	cpu.x86_64.sregs.cr3 = ROOT;
	cpu.x86_64.sregs.cr4 = BIT(5);
	cpu.x86_64.sregs.efer = BIT(8) | BIT(10);
	return cpu;
}

/* First and last page of both halves, a 2 MiB page, and entries that are not used. */
static void test_four_levels(void **state)
{
	struct cpu cpu = long_mode();
	const struct page pages[] = {
		{ 0, 0x5000, 0x1000 },
		{ 0x200000, 0x400000, 0x200000 },
		{ 0x7ffffffff000, 0x6000, 0x1000 },
		{ UINT64_C(0xffff800000000000), 0x5000, 0x1000 },
		{ UINT64_C(0xffff800000200000), 0x400000, 0x200000 },
		{ UINT64_C(0xfffffffffffff000), 0x6000, 0x1000 },
	};

	arena_put(*state, ROOT, (BASE + 0x1000) | P | W, 8);
	arena_put(*state, ROOT + 255 * 8, (BASE + 0x4000) | P | W, 8);
	arena_put(*state, ROOT + 256 * 8, (BASE + 0x1000) | P | W, 8);
	arena_put(*state, ROOT + 511 * 8, (BASE + 0x4000) | P | W, 8);
	arena_put(*state, BASE + 0x1000, (BASE + 0x2000) | P | W, 8);
	arena_put(*state, BASE + 0x2000, (BASE + 0x3000) | P | W, 8);
	arena_put(*state, BASE + 0x2008, 0x400000 | P | W | PS, 8);
	arena_put(*state, BASE + 0x2010, 0x400000 | W, 8); /* not present */
	arena_put(*state, BASE + 0x3000, 0x5000 | P | W, 8);
	arena_put(*state, BASE + 0x4000 + 511 * 8, (BASE + 0x5000) | P | W, 8);
	arena_put(*state, BASE + 0x5000 + 511 * 8, (BASE + 0x6000) | P | W, 8);
	arena_put(*state, BASE + 0x6000 + 511 * 8, 0x6000 | P | W, 8);
	check_pages(*state, &arch_x86_64, &cpu, pages, 6);
	cpu.x86_64.sregs.cr3 |= 0xfff; /* PCID is no part of it */
	check_pages(*state, &arch_x86_64, &cpu, pages, 6);
}

/* 32-bit paging ends at 4 GiB, and its last page counts. */
static void test_two_levels(void **state)
{
	struct cpu cpu = { .valid = CPU_STOP };
	const struct page pages[] = {
		{ 0x400000, 0x800000, 0x400000 },
		{ 0xfffff000, 0x7000, 0x1000 },
	};

	cpu.x86_64.sregs.cr0 = BIT(31) | 1;
	cpu.x86_64.sregs.cr3 = ROOT;
	cpu.x86_64.sregs.cr4 = BIT(4);
	arena_put(*state, ROOT + 4, 0x800000 | P | PS, 4);
	arena_put(*state, ROOT + 1023 * 4, (BASE + 0x1000) | P, 4);
	arena_put(*state, BASE + 0x1000 + 1023 * 4, 0x7000 | P, 4);
	check_pages(*state, &arch_x86_64, &cpu, pages, 2);
}

static void test_five_levels(void **state)
{
	struct cpu cpu = long_mode();
	const struct page pages[] = { { BIT(56) - BIT(30), 0x40000000, BIT(30) },
		{ ~UINT64_C(0) << 56, 0x40000000, BIT(30) } };

	cpu.x86_64.sregs.cr4 |= BIT(12);
	arena_put(*state, ROOT + 255 * 8, (BASE + 0x1000) | P, 8);
	arena_put(*state, ROOT + 256 * 8, (BASE + 0x3000) | P, 8);
	arena_put(*state, BASE + 0x1000 + 511 * 8, (BASE + 0x2000) | P, 8);
	arena_put(*state, BASE + 0x2000 + 511 * 8, 0x40000000 | P | PS, 8);
	arena_put(*state, BASE + 0x3000, (BASE + 0x4000) | P, 8);
	arena_put(*state, BASE + 0x4000, 0x40000000 | P | PS, 8);
	check_pages(*state, &arch_x86_64, &cpu, pages, 2);
}

/* Where it was enough, it goes on from there. */
static void test_goes_on(void **state)
{
	struct cpu cpu = long_mode();
	struct found some = { .most = 300 }, rest = { .count = 0 };
	gva_t next;

	arena_put(*state, ROOT, (BASE + 0x1000) | P, 8);
	arena_put(*state, BASE + 0x1000, (BASE + 0x2000) | P, 8);
	arena_put(*state, BASE + 0x2000, (BASE + 0x3000) | P, 8);
	for (unsigned i = 0; i < 512; i++)
		arena_put(*state, BASE + 0x3000 + i * 8, i * 0x1000 | P, 8);
	assert_int_equal(walk_from(*state, &arch_x86_64, &cpu, 0, &some, &next), 0);
	assert_int_equal(next, 300 * 0x1000);
	assert_int_equal(walk_from(*state, &arch_x86_64, &cpu, next + 0x123, &rest, &next), 1);
	assert_int_equal(rest.count, 212);
	assert_int_equal(rest.pages[0].gva, 300 * 0x1000);
	assert_int_equal(rest.pages[211].gpa, 511 * 0x1000);
}

/* A root all of whose entries are the root: 512 to the 4th pages, of which some are enough. */
static void test_into_itself(void **state)
{
	struct cpu cpu = long_mode();
	struct found found = { .count = 0 };
	gva_t next;

	for (unsigned i = 0; i < 512; i++)
		arena_put(*state, ROOT + i * 8, ROOT | P, 8);
	assert_int_equal(walk_from(*state, &arch_x86_64, &cpu, 0, &found, &next), 0);
	assert_int_equal(found.count, MAPPINGS_MAX_WALKS);
	assert_int_equal(next, (gva_t)MAPPINGS_MAX_WALKS * 0x1000);
}

/* Tables that are not in memory hold nothing, at whatever level. */
static void test_out_of_memory(void **state)
{
	struct cpu cpu = long_mode();
	const struct page pages[] = { { BIT(39), 0x5000, 0x1000 } };

	arena_put(*state, ROOT, BIT(40) | P, 8);
	arena_put(*state, ROOT + 8, (BASE + 0x1000) | P, 8);
	arena_put(*state, BASE + 0x1000, (BASE + 0x2000) | P, 8);
	arena_put(*state, BASE + 0x1008, BIT(41) | P, 8);
	arena_put(*state, BASE + 0x2000, (BASE + 0x3000) | P, 8);
	arena_put(*state, BASE + 0x2008, BIT(42) | P, 8);
	arena_put(*state, BASE + 0x3000, 0x5000 | P, 8);
	check_pages(*state, &arch_x86_64, &cpu, pages, 1);
	cpu.x86_64.sregs.cr3 = BIT(40);
	check_pages(*state, &arch_x86_64, &cpu, pages, 0);
}

static void test_refused(void **state)
{
	struct cpu cpu = long_mode();
	struct found found = { .count = 0 };
	gva_t next;

	cpu.x86_64.sregs.efer = BIT(10); /* LMA without LME */
	assert_int_equal(walk_from(*state, &arch_x86_64, &cpu, 0, &found, &next), -EINVAL);
	cpu.x86_64.sregs.cr0 = 1;
	cpu.x86_64.sregs.efer = 0;
	assert_int_equal(walk_from(*state, &arch_x86_64, &cpu, 0, &found, &next), -ENODATA);
	assert_int_equal(found.count, 0);
}

/* ---- arm64 ------------------------------------------------------------------------------- */

static struct cpu arm64(uint64_t tcr)
{
	struct cpu cpu = { .valid = CPU_STOP };
	struct cpu_arm64 *arm = &cpu.arm64;

	arm->sysregs[ARM64_SCTLR_EL1] = 1;
	arm->sysregs[ARM64_TCR_EL1] = tcr;
	arm->sysregs[ARM64_TTBR0_EL1] = ROOT;
	arm->sysregs[ARM64_TTBR1_EL1] = SECOND;
	bitmap_add(arm->sysregs_valid, ARM64_SCTLR_EL1);
	bitmap_add(arm->sysregs_valid, ARM64_TCR_EL1);
	bitmap_add(arm->sysregs_valid, ARM64_TTBR0_EL1);
	bitmap_add(arm->sysregs_valid, ARM64_TTBR1_EL1);
	return cpu;
}

/* 39 bits below, 48 above, both of 4 KiB; the top byte is ignored below, and comes once. */
static void test_arm64(void **state)
{
	struct cpu cpu =
		arm64(25 | UINT64_C(16) << 16 | UINT64_C(2) << 30 | BIT(37) | UINT64_C(5) << 32);
	const struct page pages[] = {
		{ 0x40000000, 0x80000000, BIT(30) },
		{ 0x7ffffff000, 0x9000, 0x1000 },
		{ ~UINT64_C(0) << 48, 0xa000, 0x1000 },
		{ ~UINT64_C(0x1fffff), 0x200000, 0x200000 },
	};

	arena_put(*state, ROOT + 8, 0x80000000 | 0x401, 8);
	arena_put(*state, ROOT + 511 * 8, (BASE + 0x1000) | 3, 8);
	arena_put(*state, BASE + 0x1000 + 511 * 8, (BASE + 0x2000) | 3, 8);
	arena_put(*state, BASE + 0x2000 + 511 * 8, 0x9000 | 0x403, 8);
	arena_put(*state, SECOND, (BASE + 0x3000) | 3, 8);
	arena_put(*state, BASE + 0x3000, (BASE + 0x4000) | 3, 8);
	arena_put(*state, BASE + 0x4000, (BASE + 0x5000) | 3, 8);
	arena_put(*state, BASE + 0x5000, 0xa000 | 0x403, 8);
	arena_put(*state, SECOND + 511 * 8, (BASE + 0x6000) | 3, 8);
	arena_put(*state, BASE + 0x6000 + 511 * 8, (BASE + 0x7000) | 3, 8);
	arena_put(*state, BASE + 0x7000 + 511 * 8, 0x200000 | 0x401, 8);
	check_pages(*state, &arch_arm64, &cpu, pages, 4);
	cpu.arm64.sysregs[ARM64_TCR_EL1] |= BIT(7); /* EPD0: nothing below */
	check_pages(*state, &arch_arm64, &cpu, pages + 2, 2);
	cpu.arm64.sysregs[ARM64_TCR_EL1] ^= BIT(7) | BIT(23);
	check_pages(*state, &arch_arm64, &cpu, pages, 2);
}

/* 64 KiB: entries of one table lie further apart than a piece that is kept. */
static void test_arm64_64k(void **state)
{
	struct cpu cpu = arm64(22 | BIT(14) | UINT64_C(22) << 16 | UINT64_C(3) << 30 | BIT(23));
	const struct page pages[] = {
		{ 0, 0x10000, 0x10000 },
		{ 0x1fff0000, 0x20000, 0x10000 },
	};

	arena_put(*state, ROOT, (BASE + 0x20000) | 3, 8);
	arena_put(*state, BASE + 0x20000, 0x10000 | 0x403, 8);
	arena_put(*state, BASE + 0x20000 + 8191 * 8, 0x20000 | 0x403, 8);
	check_pages(*state, &arch_arm64, &cpu, pages, 2);
}

static void test_arm64_refused(void **state)
{
	struct cpu cpu = arm64(25 | BIT(7) | BIT(23));
	struct found found = { .count = 0 };
	gva_t next;

	assert_int_equal(walk_from(*state, &arch_arm64, &cpu, 0, &found, &next), -EINVAL);
	cpu.arm64.sysregs[ARM64_SCTLR_EL1] = 0;
	assert_int_equal(walk_from(*state, &arch_arm64, &cpu, 0, &found, &next), -ENODATA);
	memset(cpu.arm64.sysregs_valid, 0, sizeof(cpu.arm64.sysregs_valid));
	assert_int_equal(walk_from(*state, &arch_arm64, &cpu, 0, &found, &next), -EINVAL);
	assert_int_equal(found.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_four_levels),
		TEST(test_two_levels),
		TEST(test_five_levels),
		TEST(test_goes_on),
		TEST(test_into_itself),
		TEST(test_out_of_memory),
		TEST(test_refused),
		TEST(test_arm64),
		TEST(test_arm64_64k),
		TEST(test_arm64_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
