/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/linux_kernel.c on arm64: the head that is not mapped, the trampoline, the kernel's versions. */
#include "tests/unit/linux_fixture.h"
#include "kvm/arch_arm64.h"

#define RAM        UINT64_C(0x40000000)
#define SLIDE      UINT64_C(0x34db8c800000)
#define IMAGE      (UINT64_C(0xffff800008000000) + SLIDE)
#define HEAD       UINT64_C(0x10000)
#define VECTORS    (IMAGE + HEAD + 0x800)
#define TRAMPOLINE UINT64_C(0xfffffbfffdbf6000)
#define MAGIC      0x644d5241u

/* kimage_voffset: of IMAGE from RAM + FIXTURE_IMAGE */
#define INFO                                                                                       \
	"OSRELEASE=" FIXTURE_RELEASE "\nPAGESIZE=4096\nSYMBOL(_stext)=ffffb4db94810000\n"          \
	"NUMBER(kimage_voffset)=0xffffb4db53800000\nKERNELOFFSET=34db8c800000\n"

static void set(struct linux_fixture *fixture, enum arm64_sysreg sysreg, uint64_t value)
{
	fixture->cpu.arm64.sysregs[sysreg] = value;
	bitmap_add(fixture->cpu.arm64.sysregs_valid, sysreg);
}

static void build_cpu(struct linux_fixture *fixture)
{
	set(fixture, ARM64_SCTLR_EL1, 1);
	set(fixture, ARM64_TCR_EL1, UINT64_C(0x5b5503510)); /* 48 bits, 4 KiB */
	set(fixture, ARM64_TTBR0_EL1, 0);
	set(fixture, ARM64_TTBR1_EL1, fixture->root | 1);
	set(fixture, ARM64_VBAR_EL1, VECTORS);
	fixture->cpu.arm64.regs.pc = 0x401000;
}

static struct linux_fixture *build(uint64_t unmapped, const char *info)
{
	static struct linux_fixture fixture;

	fixture_init(&fixture, &arch_arm64, RAM);
	fixture.levels = 4;
	fixture.image = IMAGE;
	fixture.direct = 0xffff000000000000;
	fixture_add_image(&fixture, unmapped, info);
	build_cpu(&fixture);
	return &fixture;
}

static void put_header(struct linux_fixture *fixture)
{
	arena_put(&fixture->arena, RAM + FIXTURE_IMAGE + 56, MAGIC, 4);
}

/*
 * The vectors of user mode under KPTI, in tables that have nothing else; before the literal with the
 * address of the true ones as many addresses of data as there is room for.
 */
static void enter_user(struct linux_fixture *fixture, unsigned pages_before, uint64_t literal)
{
	gpa_t user = fixture->root, text = RAM + FIXTURE_IMAGE + MIB(1);

	fixture->root += pages_before * 4096;
	memcpy(arena_at(&fixture->arena, fixture->root, 4096),
		arena_at(&fixture->arena, user, 4096), 4096);
	memset(arena_at(&fixture->arena, user, 4096), 0, 4096);
	fixture_map(fixture, user, TRAMPOLINE, text, 0x4000, 4096, true);
	for (uint64_t at = 0; at < literal; at += 8)
		arena_put(&fixture->arena, text + at, IMAGE + FIXTURE_DATA + at / 8 * 2048, 8);
	arena_put(&fixture->arena, text + literal, VECTORS, 8);
	set(fixture, ARM64_VBAR_EL1, TRAMPOLINE + 0x1800);
}

static void test_clues(void **state)
{
	struct linux_fixture *fixture = build(HEAD, INFO);

	(void)state;
	fixture_expect(fixture, LINUX_KERNEL_VBAR, true, SLIDE);
	set(fixture, ARM64_VBAR_EL1, 0);
	fixture->cpu.arm64.regs.pc = IMAGE + 0x203004;
	fixture_expect(fixture, LINUX_KERNEL_PC, true, SLIDE);
	fixture->cpu.arm64.regs.pc = 0x401000;
	fixture_expect(fixture, LINUX_KERNEL_PHYSICAL, true, SLIDE);
	set(fixture, ARM64_SCTLR_EL1, 0);
	fixture_expect(fixture, LINUX_KERNEL_PHYSICAL, true, SLIDE);
	fixture->reader.region_count = 0;
	fixture_expect_none(fixture);
	fixture_fini(fixture);
}

/* The head may be mapped or not, there or given away; vmcoreinfo settles what is left open. */
static void test_head(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		bool is_mapped = i & 1, is_there = i & 2, has_info = i & 4;
		struct linux_fixture *fixture = build(is_mapped ? 0 : HEAD, has_info ? INFO : "");

		if (is_there)
			put_header(fixture);
		if (!is_mapped || is_there || has_info)
			fixture_expect(fixture, LINUX_KERNEL_VBAR, has_info, SLIDE);
		fixture_fini(fixture);
	}
}

static void test_user_tables(void **state)
{
	static const uint64_t literals[] = { 0x8, 0x1080, 0x3ff8 };

	(void)state;
	for (unsigned pages = 1; pages <= 2; pages++) {
		for (unsigned i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
			struct linux_fixture *fixture = build(HEAD, INFO);

			enter_user(fixture, pages, literals[i]);
			fixture->reader.region_count = 0;
			fixture_expect_none(fixture); /* nor has the kernel the trampoline */
			fixture_map(fixture, fixture->root, TRAMPOLINE,
				RAM + FIXTURE_IMAGE + MIB(1), 0x4000, 4096, true);
			fixture_expect(fixture, LINUX_KERNEL_VBAR, true, SLIDE);
			fixture_fini(fixture);
		}
	}
}

static void put_banner(struct linux_fixture *fixture, const char *banner)
{
	fixture_put_text(fixture, FIXTURE_IMAGE + FIXTURE_BANNER_AT, banner);
}

/* Without vmcoreinfo the kernel's version tells where it was linked to run, if it is known. */
static void test_versions(void **state)
{
	static const struct {
		const char *banner;
		uint64_t link; /* 0: not known */
	} versions[] = {
		{ "Linux version 5.18.0", 0xffff800008000000 },
		{ "Linux version 6.4.16", 0xffff800008000000 },
		{ "Linux version 6.5.0", 0xffff800080000000 },
		{ "Linux version 7.0-rc1", 0xffff800080000000 },
		{ "Linux version 5.10.0", 0 },
		{ "Linux version 6", 0 },
		{ "Linux version 4294967302.5", 0 },
	};
	struct linux_fixture *fixture = build(HEAD, "");
	struct linux_kernel kernel;

	(void)state;
	for (unsigned i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		put_banner(fixture, versions[i].banner);
		assert_int_equal(fixture_find(fixture, &kernel), 0);
		assert_string_equal(kernel.banner, versions[i].banner);
		assert_int_equal(kernel.base, IMAGE);
		assert_int_equal(kernel.has_slide, versions[i].link != 0);
		assert_int_equal(kernel.slide, versions[i].link ? IMAGE - versions[i].link : 0);
	}
	fixture_fini(fixture);
}

/* And the size of its address space: a vmcoreinfo that lies leads here without tables. */
static void test_address_sizes(void **state)
{
	static const struct {
		uint64_t granule, tnsz; /* TG1, T1SZ */
		uint64_t link;
	} sizes[] = {
		{ 2, 16, 0xffff800008000000 },
		{ 2, 25, 0xffffffc008000000 },
		{ 2, 12, 0xffff800008000000 },
		{ 3, 12, 0xffff800008000000 },
		{ 1, 12, 0xffffc00008000000 },
		{ 1, 17, 0xffffc00008000000 },
	};
	struct linux_fixture *fixture =
		build(HEAD, "OSRELEASE=6.1\nSYMBOL(_stext)=ffffffffb4810000\nKERNELOFFSET=1\n"
			    "NUMBER(kimage_voffset)=0xffffffff73800000\n");
	struct linux_kernel kernel;

	(void)state;
	set(fixture, ARM64_SCTLR_EL1, 0);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		set(fixture, ARM64_TCR_EL1, sizes[i].granule << 30 | sizes[i].tnsz << 16);
		assert_int_equal(fixture_find(fixture, &kernel), 0);
		assert_int_equal(kernel.base, 0xffffffffb4800000);
		assert_false(kernel.has_vmcoreinfo);
		assert_true(kernel.has_slide);
		assert_int_equal(kernel.base - kernel.slide, sizes[i].link);
	}
	fixture_fini(fixture);
}

static void test_other_infos(void **state)
{
	static const char *const infos[] = {
		"OSRELEASE=6.1\nSYMBOL(_stext)=ffffb4db90000000\nKERNELOFFSET=34db8c800000\n",
		"OSRELEASE=6.1\nSYMBOL(_stext)=ffffb4db94810000\nKERNELOFFSET=34db8c810000\n",
		"OSRELEASE=6.1\nSYMBOL(_stext)=ffffb4db94810000\nKERNELOFFSET=ffffffffffe00000\n",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
		struct linux_fixture *fixture = build(HEAD, infos[i]);

		put_header(fixture);
		fixture_expect(fixture, LINUX_KERNEL_VBAR, false, SLIDE);
		fixture_fini(fixture);
	}
}

static void test_no_kernel(void **state)
{
	struct linux_fixture *fixture = build(HEAD, INFO);

	(void)state;
	put_banner(fixture, "");
	fixture_expect_none(fixture);
	put_banner(fixture, FIXTURE_BANNER);
	/* What KVM did not give is taken for nothing. */
	memset(fixture->cpu.arm64.sysregs_valid, 0, sizeof(fixture->cpu.arm64.sysregs_valid));
	fixture->reader.region_count = 0;
	fixture_expect_none(fixture);
	fixture_fini(fixture);
}

/* Tables that lead back to themselves, and a trampoline full of addresses in them. */
static void test_endless_tables(void **state)
{
	struct linux_fixture *fixture = build(HEAD, INFO);

	(void)state;
	for (unsigned i = 0; i < 512; i++)
		arena_put(&fixture->arena, fixture->root + i * 8, fixture->root | 0x703, 8);
	fixture->reader.region_count = 0;
	fixture_expect_none(fixture);
	fixture_fini(fixture);

	fixture = build(HEAD, "");
	put_banner(fixture, "");
	enter_user(fixture, 2, 0);
	fixture_map(fixture, fixture->root, TRAMPOLINE, RAM + FIXTURE_IMAGE + MIB(1), 0x4000, 4096,
		true);
	for (unsigned i = 0; i < 2048; i++)
		arena_put(&fixture->arena, RAM + FIXTURE_IMAGE + MIB(1) + i * 8, VECTORS, 8);
	fixture_expect_none(fixture);
	fixture_fini(fixture);
}

static void test_noise(void **state)
{
	struct linux_fixture *fixture = build(HEAD, INFO);
	uint64_t seed = 1;

	(void)state;
	enter_user(fixture, 2, 8);
	for (unsigned round = 0; round < 300; round++) {
		struct linux_kernel kernel;
		uint64_t at = random_next(&seed) % (fixture->next_table - fixture->root);

		arena_put(&fixture->arena, fixture->root + (at & ~UINT64_C(7)),
			RAM + random_next(&seed) % FIXTURE_BYTES, 8);
		fixture_find(fixture, &kernel);
	}
	fixture_fini(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clues),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_user_tables),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_address_sizes),
		cmocka_unit_test(test_other_infos),
		cmocka_unit_test(test_no_kernel),
		cmocka_unit_test(test_endless_tables),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests_name("linux_kernel_arm64", tests, NULL, NULL);
}
