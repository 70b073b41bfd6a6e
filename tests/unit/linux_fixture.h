/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's memory with the image of a made-up kernel in it, for the tests of the search for one:
 * page tables of either architecture, text, read-only data with a banner, a hole, data with a pointer
 * to vmcoreinfo.
 */
#ifndef TESTS_UNIT_LINUX_FIXTURE_H
#define TESTS_UNIT_LINUX_FIXTURE_H

#include "kvm/linux_kernel.h"
#include "tests/unit/paging_arena.h"

#define KIB(n)          ((n)*UINT64_C(1024))
#define MIB(n)          ((n)*UINT64_C(1048576))
#define FIXTURE_BYTES   MIB(32)
#define FIXTURE_RELEASE "6.1.0-50-test"
#define FIXTURE_BANNER  "Linux version " FIXTURE_RELEASE " (somebody@somewhere) #1 SMP"

/* Guest-physical, from the base of the memory. */
enum {
	FIXTURE_TABLES = 0x10000, /* the first root; the tables behind it grow up from there */
	FIXTURE_USER_ROOT = 0x8000,
	FIXTURE_INFO = 0x1800000,
	FIXTURE_IMAGE = 0x1000000,
};

/* The image, from its start. */
enum {
	FIXTURE_RODATA = 0x400000,
	FIXTURE_BANNER_AT = FIXTURE_RODATA + 16384 - 20, /* over the end of what is read at once */
	FIXTURE_HOLE = 0x480000,
	FIXTURE_DATA = 0x580000,
	FIXTURE_END = 0x600000,
};

struct linux_fixture {
	struct arena arena;
	struct linux_kernel_region region;
	struct linux_kernel_reader reader;
	struct cpu cpu;
	gpa_t root, next_table;
	unsigned levels;
	gva_t image;  /* where it runs */
	gva_t direct; /* where physical memory is mapped */
	unsigned reads;
	uint64_t bytes;
};

static inline int fixture_read(void *context, gpa_t gpa, void *buf, size_t length)
{
	struct linux_fixture *fixture = context;

	fixture->reads++;
	fixture->bytes += length;
	return arena_read(&fixture->arena, gpa, buf, length);
}

static inline void fixture_init(struct linux_fixture *fixture, const struct arch *arch, gpa_t base)
{
	memset(fixture, 0, sizeof(*fixture));
	arena_init(&fixture->arena, base, FIXTURE_BYTES);
	fixture->region = (struct linux_kernel_region){ .gpa = base, .size = FIXTURE_BYTES };
	fixture->reader = (struct linux_kernel_reader){
		.arch = arch,
		.memory = { .read = fixture_read, .context = fixture },
		.regions = &fixture->region,
		.region_count = 1,
	};
	fixture->root = base + FIXTURE_TABLES;
	fixture->next_table = fixture->root + 4 * 4096;
	fixture->cpu.valid = CPU_STOP;
}

static inline gpa_t fixture_gpa(const struct linux_fixture *fixture, uint64_t offset)
{
	return fixture->arena.base + offset;
}

static inline bool fixture_is_x86(const struct linux_fixture *fixture)
{
	return fixture->reader.arch == &arch_x86_64;
}

static inline uint64_t fixture_leaf(
	const struct linux_fixture *fixture, gpa_t gpa, unsigned level, bool executable)
{
	if (fixture_is_x86(fixture))
		return gpa | 1 | (level > 1 ? 1u << 7 : 0) | (executable ? 0 : UINT64_C(1) << 63);
	return gpa | 0x701 | (level > 1 ? 0 : 2) | (executable ? 0 : UINT64_C(1) << 53);
}

static inline gpa_t fixture_entry(
	const struct linux_fixture *fixture, gpa_t table, gva_t gva, unsigned level)
{
	(void)fixture;
	return table + (gva >> (12 + 9 * (level - 1)) & 511) * 8;
}

/* The table that the entry leads to; a new one if it leads nowhere. */
static inline gpa_t fixture_next(struct linux_fixture *fixture, gpa_t entry_gpa)
{
	uint64_t entry;

	memcpy(&entry, arena_at(&fixture->arena, entry_gpa, 8), 8);
	if (!entry) {
		entry = fixture->next_table | 3;
		fixture->next_table += 4096;
		assert_true(fixture->next_table < fixture_gpa(fixture, FIXTURE_IMAGE));
		arena_put(&fixture->arena, entry_gpa, entry, 8);
	}
	return entry & ~UINT64_C(4095);
}

/* size bytes in pages of one size, 4 KiB or 2 MiB. */
static inline void fixture_map(struct linux_fixture *fixture, gpa_t root, gva_t gva, gpa_t gpa,
	uint64_t size, uint64_t page, bool executable)
{
	unsigned leaf = page == 4096 ? 1 : 2;

	for (uint64_t at = 0; at < size; at += page) {
		gpa_t table = root;

		for (unsigned level = fixture->levels; level > leaf; level--)
			table = fixture_next(
				fixture, fixture_entry(fixture, table, gva + at, level));
		arena_put(&fixture->arena, fixture_entry(fixture, table, gva + at, leaf),
			fixture_leaf(fixture, gpa + at, leaf, executable), 8);
	}
}

static inline void fixture_put_text(
	struct linux_fixture *fixture, uint64_t offset, const char *text)
{
	memcpy(arena_at(&fixture->arena, fixture_gpa(fixture, offset), strlen(text) + 1), text,
		strlen(text) + 1);
}

/*
 * The image as the kernel's tables map it, but for its first `unmapped` bytes; what is in it; and the
 * page of vmcoreinfo, by its text.
 */
static inline void fixture_add_image(
	struct linux_fixture *fixture, uint64_t unmapped, const char *info)
{
	gpa_t image = fixture_gpa(fixture, FIXTURE_IMAGE);
	gpa_t page = fixture_gpa(fixture, FIXTURE_INFO);
	gva_t gva = fixture->image;

	fixture_map(fixture, fixture->root, gva + unmapped, image + unmapped, MIB(2) - unmapped,
		4096, true);
	fixture_map(fixture, fixture->root, gva + MIB(2), image + MIB(2), MIB(2), MIB(2), true);
	fixture_map(fixture, fixture->root, gva + FIXTURE_RODATA, image + FIXTURE_RODATA,
		FIXTURE_HOLE - FIXTURE_RODATA, 4096, false);
	fixture_map(fixture, fixture->root, gva + FIXTURE_DATA, image + FIXTURE_DATA,
		FIXTURE_END - FIXTURE_DATA, 4096, false);
	fixture_map(
		fixture, fixture->root, fixture->direct + FIXTURE_INFO, page, 4096, 4096, false);
	fixture_put_text(fixture, FIXTURE_IMAGE + 0x3000, "Linux version %s (%s)");
	fixture_put_text(fixture, FIXTURE_IMAGE + FIXTURE_BANNER_AT, FIXTURE_BANNER "\n");
	arena_put(&fixture->arena, image + FIXTURE_DATA + 0x1008, 0xdead000000000000, 8);
	arena_put(
		&fixture->arena, image + FIXTURE_DATA + 0x1010, fixture->direct + FIXTURE_INFO, 8);
	fixture_put_text(fixture, FIXTURE_INFO, info);
}

static inline int fixture_find(struct linux_fixture *fixture, struct linux_kernel *out)
{
	const struct cpu *cpu = &fixture->cpu;
	int rc;

	fixture->reads = 0;
	fixture->bytes = 0;
	memset(out, 0xa5, sizeof(*out));
	rc = linux_kernel_find(&fixture->reader, &cpu, 1, out);
	assert_true(fixture->reads <= LINUX_KERNEL_MAX_READS);
	assert_true(fixture->bytes <= LINUX_KERNEL_MAX_BYTES);
	return rc;
}

static inline void fixture_expect(struct linux_fixture *fixture, enum linux_kernel_clue clue,
	bool has_vmcoreinfo, uint64_t slide)
{
	struct linux_kernel kernel;

	assert_int_equal(fixture_find(fixture, &kernel), 0);
	assert_int_equal(kernel.clue, clue);
	assert_int_equal(kernel.has_vmcoreinfo, has_vmcoreinfo);
	assert_true(kernel.has_slide);
	assert_int_equal(kernel.slide, slide);
	assert_int_equal(kernel.base, fixture->image);
	assert_int_equal(kernel.physical, fixture_gpa(fixture, FIXTURE_IMAGE));
	assert_string_equal(kernel.banner, FIXTURE_BANNER);
}

static inline void fixture_expect_none(struct linux_fixture *fixture)
{
	struct linux_kernel kernel;

	assert_int_equal(fixture_find(fixture, &kernel), -ENOENT);
}

static inline void fixture_fini(struct linux_fixture *fixture)
{
	arena_fini(&fixture->arena);
}

#endif
