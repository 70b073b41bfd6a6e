/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/linux_kernel.c on x86-64: kernels that are there, hidden, half there and not there at all. */
#include "tests/unit/linux_fixture.h"
#include "kvm/arch_x86_64.h"

#define SLIDE    UINT64_C(0x37e00000)
#define LINK     UINT64_C(0xffffffff81000000)
#define IMAGE    (LINK + SLIDE)
#define ENTRY    (IMAGE + 0x201080) /* of system calls */
#define GATE     (IMAGE + 0x202be0) /* of page faults */
#define IDT      UINT64_C(0xfffffe0000000000)
#define IDT_GPA  0x30000 /* from the base */
#define USER_BIT 0x1000  /* of CR3 */

/* phys_base = 0x1000000 - (image - __START_KERNEL_map) */
#define INFO                                                                                       \
	"OSRELEASE=" FIXTURE_RELEASE "\nPAGESIZE=4096\nSYMBOL(_stext)=ffffffffb8e00000\n"          \
	"NUMBER(phys_base)=-937426944\nKERNELOFFSET=37e00000\n"

static void put_gate(struct linux_fixture *fixture, unsigned vector, gva_t target)
{
	gpa_t gate = fixture_gpa(fixture, IDT_GPA) + vector * 16;

	arena_put(&fixture->arena, gate, target & 0xffff, 2);
	arena_put(&fixture->arena, gate + 6, target >> 16, 6);
}

static void build_cpu(struct linux_fixture *fixture)
{
	struct x86_sregs *sregs = &fixture->cpu.x86_64.sregs;

	sregs->cr0 = 0x80050033;
	sregs->cr3 = fixture->root;
	sregs->cr4 = fixture->levels == 5 ? 0x10a0 : 0xa0;
	sregs->efer = 0xd01;
	sregs->idt = (struct x86_table){ .base = IDT, .limit = 0xfff };
	fixture->cpu.x86_64.regs.rip = 0x401000;
}

static struct linux_fixture *build(unsigned levels, const char *info)
{
	static struct linux_fixture fixture;

	fixture_init(&fixture, &arch_x86_64, 0);
	fixture.levels = levels;
	fixture.image = IMAGE;
	fixture.direct = levels == 5 ? 0xff11000000000000 : 0xffff888000000000;
	fixture_add_image(&fixture, 0, info);
	fixture_map(&fixture, fixture.root, IDT, IDT_GPA, 4096, 4096, false);
	build_cpu(&fixture);
	return &fixture;
}

static void set_lstar(struct linux_fixture *fixture, gva_t lstar)
{
	fixture->cpu.x86_64.msrs[X86_MSR_LSTAR] = lstar;
	fixture->cpu.valid |= CPU_MSRS;
}

/* The tables of a user process under KPTI: the IDT and the text that is entered from user mode. */
static void enter_user(struct linux_fixture *fixture)
{
	gpa_t user = fixture->root + USER_BIT;

	fixture_map(fixture, user, IDT, IDT_GPA, 4096, 4096, false);
	fixture_map(fixture, user, IMAGE + MIB(2), FIXTURE_IMAGE + MIB(2), MIB(2), MIB(2), true);
	fixture->cpu.x86_64.sregs.cr3 = user | 0x807; /* with a PCID */
}

static void test_clues(void **state)
{
	(void)state;
	for (unsigned levels = 4; levels <= 5; levels++) {
		struct linux_fixture *fixture = build(levels, INFO);

		set_lstar(fixture, ENTRY);
		fixture_expect(fixture, LINUX_KERNEL_LSTAR, true, SLIDE);
		set_lstar(fixture, IDT); /* as kernels before 4.20 had it with KPTI */
		put_gate(fixture, 14, GATE);
		fixture_expect(fixture, LINUX_KERNEL_IDT, true, SLIDE);
		put_gate(fixture, 14, 0);
		put_gate(fixture, 0, GATE);
		fixture_expect(fixture, LINUX_KERNEL_IDT, true, SLIDE);
		fixture->cpu.x86_64.sregs.idt.limit = 14;
		fixture->cpu.x86_64.regs.rip = GATE;
		fixture_expect(fixture, LINUX_KERNEL_PC, true, SLIDE);
		fixture->cpu.x86_64.regs.rip = 0x401000;
		fixture_expect(fixture, LINUX_KERNEL_PHYSICAL, true, SLIDE);
		fixture->reader.region_count = 0;
		fixture_expect_none(fixture);
		fixture_fini(fixture);
	}
}

/* What was not fetched is not looked at. */
static void test_no_msrs(void **state)
{
	struct linux_fixture *fixture = build(4, INFO);

	(void)state;
	set_lstar(fixture, ENTRY);
	fixture->cpu.valid = CPU_STOP;
	fixture->reader.region_count = 0;
	fixture_expect_none(fixture);
	fixture_fini(fixture);
}

static void test_user_tables(void **state)
{
	(void)state;
	for (unsigned levels = 4; levels <= 5; levels++) {
		struct linux_fixture *fixture = build(levels, INFO);

		enter_user(fixture);
		set_lstar(fixture, ENTRY);
		fixture_expect(fixture, LINUX_KERNEL_LSTAR, true, SLIDE);
		set_lstar(fixture, 0);
		put_gate(fixture, 14, GATE);
		fixture_expect(fixture, LINUX_KERNEL_IDT, true, SLIDE);
		/* Without the kernel's own tables the entry text alone must not pass for an image. */
		memset(arena_at(&fixture->arena, fixture->root, 4096), 0, 4096);
		fixture_expect(fixture, LINUX_KERNEL_PHYSICAL, true, SLIDE);
		fixture_fini(fixture);
	}
}

/* vmcoreinfo that is not about this image, or that makes no sense, is passed over. */
static void test_other_infos(void **state)
{
	static const char *const infos[] = {
		"",
		"OSRELEASE=6.1\nKERNELOFFSET=37e00000\n",
		"OSRELEASE=6.1\nSYMBOL(_stext)=ffffffff90000000\nKERNELOFFSET=f000000\n",
		"OSRELEASE=6.1\nSYMBOL(_stext)=ffffffffb8e00000\nKERNELOFFSET=37e01000\n",
		"OSRELEASE=6.1\nSYMBOL(_stext)=ffffffffb8e00000\nKERNELOFFSET=40000000\n",
		"OSRELEASE=6.1\nSYMBOL(_stext)=ffffffffb8e00000\nKERNELOFFSET=3f000000\n",
		"OSRELEASE=6.1\nSYMBOL(_stext)=ffffffffb8e00000\nKERNELOFFSET=ffffffffffe00000\n",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
		struct linux_fixture *fixture = build(4, infos[i]);

		set_lstar(fixture, ENTRY);
		fixture_expect(fixture, LINUX_KERNEL_LSTAR, false, SLIDE);
		fixture_fini(fixture);
	}
}

/* A kernel that is linked elsewhere says so itself; without its word the usual address is taken. */
static void test_other_link_address(void **state)
{
	struct linux_fixture *fixture =
		build(4, "OSRELEASE=6.1\nSYMBOL(_stext)=ffffffffb8e00000\nKERNELOFFSET=36e00000\n");

	(void)state;
	set_lstar(fixture, ENTRY);
	fixture_expect(fixture, LINUX_KERNEL_LSTAR, true, 0x36e00000);
	fixture_fini(fixture);
}

static void test_no_kernel(void **state)
{
	struct linux_fixture *fixture = build(4, INFO);
	gpa_t banner = FIXTURE_IMAGE + FIXTURE_BANNER_AT;

	(void)state;
	set_lstar(fixture, ENTRY);
	/* Another system, for all its vmcoreinfo. */
	arena_put(&fixture->arena, banner, 'l', 1);
	fixture_expect_none(fixture);
	/* "Linux version ", but no number. */
	arena_put(&fixture->arena, banner, 'L', 1);
	arena_put(&fixture->arena, banner + 14, 'x', 1);
	fixture_expect_none(fixture);
	arena_put(&fixture->arena, banner + 14, '6', 1);
	fixture_expect(fixture, LINUX_KERNEL_LSTAR, true, SLIDE);
	/* Not executable. */
	set_lstar(fixture, IMAGE + FIXTURE_RODATA);
	fixture->reader.region_count = 0;
	fixture_expect_none(fixture);
	/* No paging. */
	set_lstar(fixture, ENTRY);
	fixture->cpu.x86_64.sregs.efer = 0;
	fixture_expect_none(fixture);
	fixture_fini(fixture);
}

static void test_unaligned_image(void **state)
{
	struct linux_fixture *fixture = build(4, INFO);

	(void)state;
	fixture_map(fixture, fixture->root, IMAGE - 4096, FIXTURE_IMAGE - 4096, 4096, 4096, true);
	set_lstar(fixture, ENTRY);
	fixture->reader.region_count = 0;
	fixture_expect_none(fixture);
	fixture_fini(fixture);
}

/* What is mapped beside the image or within it, but is elsewhere in memory, is not of it. */
static void test_neighbours(void **state)
{
	struct linux_fixture *fixture = build(4, INFO);
	gpa_t other = 0x1d00000;

	(void)state;
	fixture_put_text(fixture, other, "Linux version 9.9 of another");
	fixture_map(fixture, fixture->root, IMAGE - 4096, other, 4096, 4096, true);
	fixture_map(fixture, fixture->root, IMAGE + FIXTURE_RODATA, other, 4096, 4096, false);
	set_lstar(fixture, ENTRY);
	fixture_expect(fixture, LINUX_KERNEL_LSTAR, true, SLIDE);
	fixture_fini(fixture);
}

/* A banner that begins just behind one piece that is read is whole in the next. */
static void test_banner_between_reads(void **state)
{
	(void)state;
	for (unsigned before = 1; before < 600; before += 7) {
		struct linux_fixture *fixture = build(4, INFO);
		uint64_t at = FIXTURE_RODATA + 0x5000 + 512 - before;

		memset(arena_at(&fixture->arena, FIXTURE_IMAGE + FIXTURE_BANNER_AT, 8), 0, 8);
		fixture_put_text(fixture, FIXTURE_IMAGE + at, FIXTURE_BANNER "\n");
		set_lstar(fixture, ENTRY);
		fixture_expect(fixture, LINUX_KERNEL_LSTAR, true, SLIDE);
		fixture_fini(fixture);
	}
}

/* The note in place of the kernel's own copy; and one at the very end of memory. */
static void test_physical_notes(void **state)
{
	struct linux_fixture *fixture = build(4, "");

	(void)state;
	fixture_put_text(fixture, 0x1c00018, INFO);
	memcpy(arena_at(&fixture->arena, 0x1c00000 + 12, 10), "VMCOREINFO", 10);
	fixture_expect(fixture, LINUX_KERNEL_PHYSICAL, true, SLIDE);
	/* Memory ends within it. */
	fixture->arena.size = 0x1c00100;
	fixture_expect_none(fixture);
	/* A region that begins inside a page, and one that passes the end of everything. */
	fixture->arena.size = FIXTURE_BYTES;
	fixture->region = (struct linux_kernel_region){ .gpa = 0x1bffff0, .size = 0x100 };
	fixture_expect(fixture, LINUX_KERNEL_PHYSICAL, true, SLIDE);
	fixture->region = (struct linux_kernel_region){ .gpa = 0x1bffff0, .size = 0x10 };
	fixture_expect_none(fixture);
	fixture->region =
		(struct linux_kernel_region){ .gpa = -UINT64_C(4095), .size = UINT64_MAX };
	fixture->cpu.x86_64.sregs.efer = 0;
	fixture_expect(fixture, LINUX_KERNEL_PHYSICAL, true, SLIDE);
	fixture_fini(fixture);
}

/* Tables that lead back to themselves: every address is mapped, everything is text. */
static void test_endless_tables(void **state)
{
	struct linux_fixture *fixture = build(4, INFO);
	gpa_t root = fixture->root;

	(void)state;
	for (unsigned i = 0; i < 512; i++)
		arena_put(&fixture->arena, root + i * 8, root | 3, 8);
	set_lstar(fixture, ENTRY);
	put_gate(fixture, 14, GATE);
	fixture->reader.region_count = 0;
	fixture_expect_none(fixture);
	/* The same with 1 GiB pages of nothing. */
	for (unsigned i = 0; i < 256; i++)
		arena_put(&fixture->arena, root + 4096 + i * 16 + 8, 0x83, 8);
	fixture->cpu.x86_64.sregs.cr3 = root + 4096;
	fixture_expect_none(fixture);
	fixture_fini(fixture);
}

/* An image that is nothing but pointers, each to a page that begins like vmcoreinfo and lies. */
static void test_endless_pointers(void **state)
{
	struct linux_fixture *fixture =
		build(4, "OSRELEASE=6.1\nSYMBOL(_stext)=0\nKERNELOFFSET=0\n");

	(void)state;
	for (uint64_t at = FIXTURE_DATA; at < FIXTURE_END; at += 16)
		arena_put(&fixture->arena, FIXTURE_IMAGE + at, fixture->direct + FIXTURE_INFO, 8);
	set_lstar(fixture, ENTRY);
	fixture_expect(fixture, LINUX_KERNEL_LSTAR, false, SLIDE);
	arena_put(&fixture->arena, FIXTURE_IMAGE + FIXTURE_BANNER_AT, 0, 1);
	fixture->cpu.x86_64.regs.rip = ENTRY;
	put_gate(fixture, 14, GATE);
	fixture_expect_none(fixture);
	fixture_fini(fixture);
}

/* Physical memory in which every page claims to be vmcoreinfo of somewhere else. */
static void test_endless_infos(void **state)
{
	struct linux_fixture *fixture = build(4, INFO);

	(void)state;
	for (uint64_t at = 0; at < FIXTURE_BYTES; at += 4096)
		fixture_put_text(fixture, at, INFO);
	fixture->arena.bytes[FIXTURE_IMAGE + FIXTURE_BANNER_AT] = 0;
	fixture_expect_none(fixture);
	assert_true(fixture->bytes > LINUX_KERNEL_MAX_BYTES / 2);
	fixture_fini(fixture);
}

/* As many vCPUs as there may be, none of which knows: one search all the same. */
static void test_many_cpus(void **state)
{
	enum { CPUS = 1024 };
	struct linux_fixture *fixture = build(4, INFO);
	const struct cpu *cpus[CPUS];
	struct linux_kernel kernel;

	(void)state;
	fixture->arena.bytes[FIXTURE_IMAGE + FIXTURE_BANNER_AT] = 0;
	set_lstar(fixture, ENTRY);
	for (unsigned i = 0; i < CPUS; i++)
		cpus[i] = &fixture->cpu;
	assert_int_equal(linux_kernel_find(&fixture->reader, cpus, CPUS, &kernel), -ENOENT);
	assert_in_range(fixture->reads, LINUX_KERNEL_MAX_READS / 10, LINUX_KERNEL_MAX_READS);
	assert_in_range(fixture->bytes, LINUX_KERNEL_MAX_BYTES / 2, LINUX_KERNEL_MAX_BYTES);
	fixture_fini(fixture);
}

/* More memory than is searched. */
static void test_large_memory(void **state)
{
	struct linux_fixture *fixture = build(4, "");

	(void)state;
	fixture->region.size = UINT64_C(1) << 34;
	fixture_expect_none(fixture);
	assert_int_equal(fixture->reads, LINUX_KERNEL_MAX_READS);
	fixture_fini(fixture);
}

static void test_noise(void **state)
{
	struct linux_fixture *fixture = build(4, INFO);
	uint64_t seed = 1;

	(void)state;
	set_lstar(fixture, ENTRY);
	put_gate(fixture, 14, GATE);
	for (unsigned round = 0; round < 300; round++) {
		struct linux_kernel kernel;
		uint64_t at = random_next(&seed) % (fixture->next_table - fixture->root);

		arena_put(&fixture->arena, fixture->root + (at & ~UINT64_C(7)),
			random_next(&seed) % FIXTURE_BYTES, 8);
		fixture_find(fixture, &kernel);
		if (round % 50 == 0)
			fixture->cpu.x86_64.sregs.cr3 ^= 0x1000;
	}
	fixture_fini(fixture);
}

static void test_describe(void **state)
{
	struct linux_kernel kernel = { .clue = LINUX_KERNEL_LSTAR };
	char text[64];

	(void)state;
	linux_kernel_describe_method(&kernel, text, sizeof(text));
	assert_string_equal(text, "LSTAR");
	kernel.has_vmcoreinfo = true;
	linux_kernel_describe_method(&kernel, text, sizeof(text));
	assert_string_equal(text, "vmcoreinfo, by way of LSTAR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clues),
		cmocka_unit_test(test_no_msrs),
		cmocka_unit_test(test_user_tables),
		cmocka_unit_test(test_other_infos),
		cmocka_unit_test(test_other_link_address),
		cmocka_unit_test(test_no_kernel),
		cmocka_unit_test(test_unaligned_image),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_banner_between_reads),
		cmocka_unit_test(test_physical_notes),
		cmocka_unit_test(test_many_cpus),
		cmocka_unit_test(test_large_memory),
		cmocka_unit_test(test_endless_tables),
		cmocka_unit_test(test_endless_pointers),
		cmocka_unit_test(test_endless_infos),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests_name("linux_kernel_x86_64", tests, NULL, NULL);
}
