/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/view.c: virtual memory of a parked vCPU through real x86-64 page tables, with our breakpoints
 * in it and with holes behind it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "kvm/view.h"

enum { PAGE = 4096, SIZE = 16 * PAGE, INT3 = 0xcc };

/* Guest-physical. */
enum {
	PML4 = 0x1000,
	PDPT = 0x2000,
	DIRECTORY = 0x3000,
	TABLE = 0x4000,
	ROM = 0x200000,
	HALF = 0x300000,
	DEVICE = 0x400000
};

/* Guest-virtual: neighbours, whose pages are anywhere. */
enum {
	FIRST = 0x10000,  /* 0x8000 */
	SECOND = 0x11000, /* 0x6000 */
	UNMAPPED = 0x12000,
	THIRD = 0x13000,    /* 0x9000 */
	MMIO = 0x14000,     /* DEVICE: no memory */
	FOURTH = 0x15000,   /* 0xa000 */
	READONLY = 0x16000, /* ROM */
	FIFTH = 0x17000,    /* 0xb000 */
	HALVED = 0x18000,   /* HALF: memory in its first half only */
	ALIAS = 0x19000,    /* 0x8000 as well */
};

#define LAST  UINT64_C(0xfffffffffffff000) /* 0xd000 */
#define STRAY UINT64_C(0x8000000000)       /* its table is in no memory */
#define HIGH  UINT64_C(0xffffff8000000000) /* as from 0 */

struct rig {
	struct vm *vm;
	struct view view;
	struct journal journal;
	int fd;
	uint8_t *bytes; /* guest-physical memory from 0, as it is */
	uint8_t *before;
};

static void put_entry(struct rig *rig, gpa_t table, unsigned index, gpa_t gpa)
{
	uint64_t entry = gpa | 3;

	memcpy(rig->bytes + table + index * 8, &entry, sizeof(entry));
}

static void put_page(struct rig *rig, gva_t gva, gpa_t gpa)
{
	put_entry(rig, TABLE, gva / PAGE % 512, gpa);
}

static void build_tables(struct rig *rig)
{
	static const unsigned indexes[] = { 0, 511 };

	for (unsigned i = 0; i < 2; i++) {
		put_entry(rig, PML4, indexes[i], PDPT);
		put_entry(rig, PDPT, indexes[i], DIRECTORY);
		put_entry(rig, DIRECTORY, indexes[i], TABLE);
	}
	put_entry(rig, PML4, 1, 0x7000000);
	put_page(rig, FIRST, 0x8000);
	put_page(rig, SECOND, 0x6000);
	put_page(rig, THIRD, 0x9000);
	put_page(rig, MMIO, DEVICE);
	put_page(rig, FOURTH, 0xa000);
	put_page(rig, READONLY, ROM);
	put_page(rig, FIFTH, 0xb000);
	put_page(rig, HALVED, HALF);
	put_page(rig, ALIAS, 0x8000);
	put_page(rig, LAST, 0xd000);
}

/* Long mode with four levels. */
static void build_vcpu(struct vcpu *vcpu)
{
	struct x86_sregs *sregs = &vcpu->cpu.x86_64.sregs;

	sregs->cr0 = 0x80000001;
	sregs->cr3 = PML4;
	sregs->cr4 = 0x20;
	sregs->efer = 0x500;
	vcpu->state = VCPU_PARKED;
	vcpu->cpu.valid = CPU_STOP;
}

static void add_memory(struct rig *rig, gpa_t gpa, uint64_t size, gpa_t offset, bool writable)
{
	assert_int_equal(
		memory_add_file(&rig->vm->memory, gpa, size, rig->fd, offset, writable, 0), 0);
}

static int setup(void **state)
{
	static const struct vm_hooks hooks;
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->vm = calloc(1, sizeof(*rig->vm));
	rig->before = malloc(SIZE);
	assert_true(rig->vm && rig->before);
	rig->fd = memfd_create("test-view", MFD_CLOEXEC);
	assert_true(rig->fd >= 0 && ftruncate(rig->fd, SIZE) == 0);
	rig->bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, rig->fd, 0);
	assert_ptr_not_equal(rig->bytes, MAP_FAILED);
	for (unsigned i = 0x5000; i < SIZE; i++)
		rig->bytes[i] = (uint8_t)(i / PAGE * 16 + i % 13);
	build_tables(rig);
	assert_int_equal(journal_create(&rig->journal), 0);
	assert_int_equal(vm_init(rig->vm, &arch_x86_64, &hooks, rig->journal.fd, 1, 100), 0);
	add_memory(rig, 0, SIZE, 0, true);
	add_memory(rig, ROM, PAGE, 0xc000, false);
	add_memory(rig, HALF, PAGE / 2, 0xe000, true);
	build_vcpu(&rig->vm->vcpus[0]);
	rig->view = (struct view){ .vm = rig->vm, .vcpu = &rig->vm->vcpus[0] };
	memcpy(rig->before, rig->bytes, SIZE);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	vm_fini(rig->vm);
	journal_close(&rig->journal);
	munmap(rig->bytes, SIZE);
	close(rig->fd);
	free(rig->before);
	free(rig->vm);
	free(rig);
	return 0;
}

static void assert_unchanged(const struct rig *rig)
{
	assert_memory_equal(rig->bytes, rig->before, SIZE);
}

static int add_breakpoint(struct breakpoint_table *table, gva_t gva, gpa_t gpa)
{
	const struct target_breakpoint_spec spec = { .address = gva, .length = 1 };

	return breakpoint_add(table, 0, &spec, gpa);
}

static void plant(struct rig *rig, gva_t gva, gpa_t gpa)
{
	assert_int_equal(add_breakpoint(&rig->vm->table, gva, gpa), 0);
	assert_int_equal(plant_sync(&rig->vm->plants, &rig->vm->table), 0);
	assert_int_equal(rig->bytes[gpa], INT3);
}

/* ---- reading ----------------------------------------------------------------------------- */

static void test_translate(void **state)
{
	struct rig *rig = *state;
	struct translation translation;

	assert_int_equal(view_translate(&rig->view, SECOND + 0x123, &translation), 1);
	assert_int_equal(translation.gpa, 0x6123);
	assert_int_equal(view_translate(&rig->view, MMIO, &translation), 1);
	assert_int_equal(translation.gpa, DEVICE);
	assert_int_equal(view_translate(&rig->view, UNMAPPED, &translation), 0);
	assert_int_equal(view_translate(&rig->view, UINT64_C(1) << 62, &translation), 0);
	assert_int_equal(view_translate(&rig->view, STRAY, &translation), -EFAULT);
	rig->view.vcpu->cpu.valid = 0;
	rig->view.vcpu->state = VCPU_RUNNING;
	assert_int_equal(view_translate(&rig->view, FIRST, &translation), -EBUSY);
}

static void test_read_across_pages(void **state)
{
	struct rig *rig = *state;
	uint8_t buf[2 * PAGE];

	assert_int_equal(view_read(&rig->view, FIRST, buf, sizeof(buf)), sizeof(buf));
	assert_memory_equal(buf, rig->bytes + 0x8000, PAGE);
	assert_memory_equal(buf + PAGE, rig->bytes + 0x6000, PAGE);
	assert_int_equal(view_read(&rig->view, SECOND - 3, buf, 7), 7);
	assert_memory_equal(buf, rig->bytes + 0x8ffd, 3);
	assert_memory_equal(buf + 3, rig->bytes + 0x6000, 4);
}

static void test_read_prefix(void **state)
{
	static const struct {
		gva_t gva;
		ssize_t there;
		gpa_t gpa;
	} cases[] = {
		{ UNMAPPED - 5, 5, 0x6ffb },
		{ MMIO - 5, 5, 0x9ffb },
		{ HALVED + PAGE / 2 - 5, 5, 0xe7fb },
		{ UINT64_MAX - 4, 5, 0xdffb }, /* the end of the address space */
		{ UNMAPPED, -EFAULT, 0 },
		{ MMIO, -ENXIO, 0 },
		{ MMIO + PAGE - 1, -ENXIO, 0 },
		{ HALVED + PAGE / 2, -ENXIO, 0 },
		{ STRAY, -EFAULT, 0 },
	};
	struct rig *rig = *state;
	uint8_t buf[64];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			view_read(&rig->view, cases[i].gva, buf, sizeof(buf)), cases[i].there);
		if (cases[i].there > 0)
			assert_memory_equal(buf, rig->bytes + cases[i].gpa, 5);
	}
}

static void test_read_nothing(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(view_read(&rig->view, FIRST, NULL, 0), 0);
	assert_int_equal(view_read(&rig->view, UNMAPPED, NULL, 0), -EFAULT);
}

/* Registers that cannot be had: no memory either. */
static void test_running_vcpu(void **state)
{
	struct rig *rig = *state;
	uint8_t byte = 0;

	rig->view.vcpu->cpu.valid = 0;
	rig->view.vcpu->state = VCPU_RUNNING;
	assert_int_equal(view_read(&rig->view, FIRST, &byte, 1), -EFAULT);
	assert_int_equal(view_write(&rig->view, FIRST, &byte, 1), -EFAULT);
	assert_unchanged(rig);
}

static void test_plants_are_hidden(void **state)
{
	struct rig *rig = *state;
	uint8_t buf[2 * PAGE];

	plant(rig, FIRST, 0x8000);
	plant(rig, FIRST + PAGE - 1, 0x8fff);
	plant(rig, SECOND, 0x6000);
	assert_int_equal(view_read(&rig->view, FIRST, buf, sizeof(buf)), sizeof(buf));
	assert_memory_equal(buf, rig->before + 0x8000, PAGE);
	assert_memory_equal(buf + PAGE, rig->before + 0x6000, PAGE);
	assert_int_equal(view_read(&rig->view, ALIAS, buf, 1), 1);
	assert_int_equal(buf[0], rig->before[0x8000]);
	assert_int_equal(view_read(&rig->view, SECOND, buf, 2 * PAGE), PAGE);
	assert_memory_equal(buf, rig->before + 0x6000, PAGE);
}

/* The region ends behind it: what is there is read byte by byte. */
static void test_plant_at_the_end_of_a_region(void **state)
{
	struct rig *rig = *state;
	const gpa_t end = HALF + PAGE / 2;
	uint8_t buf[8];

	assert_int_equal(add_breakpoint(&rig->vm->table, HALVED + PAGE / 2 - 1, end - 1), 0);
	assert_int_equal(plant_sync(&rig->vm->plants, &rig->vm->table), 0);
	assert_int_equal(rig->bytes[0xe7ff], INT3);
	assert_int_equal(view_read(&rig->view, HALVED + PAGE / 2 - 4, buf, sizeof(buf)), 4);
	assert_memory_equal(buf, rig->before + 0xe7fc, 4);
}

/* ---- large pages ------------------------------------------------------------------------- */

enum { LARGE = 0x400000, LARGE_PAGE = 0x200000 }; /* onto ROM, HALF and the holes between them */

/* A run of a large page ends where memory does, and is not written when it has a hole in it. */
static void test_large_page(void **state)
{
	struct rig *rig = *state;
	const gva_t half = LARGE + (HALF - ROM);
	uint8_t buf[2 * PAGE];

	put_entry(rig, DIRECTORY, LARGE / LARGE_PAGE, ROM | 0x80);
	memcpy(rig->before, rig->bytes, SIZE);
	assert_int_equal(view_read(&rig->view, LARGE + 3, buf, sizeof(buf)), PAGE - 3);
	assert_memory_equal(buf, rig->before + 0xc003, PAGE - 3);
	assert_int_equal(view_read(&rig->view, LARGE + PAGE, buf, 1), -ENXIO);
	assert_int_equal(view_read(&rig->view, half, buf, sizeof(buf)), PAGE / 2);
	assert_int_equal(view_write(&rig->view, half + PAGE / 2 - 1, "xy", 2), -ENXIO);
	assert_int_equal(view_write(&rig->view, half - 1, "xy", 2), -ENXIO);
	assert_int_equal(view_write(&rig->view, LARGE, "x", 1), -EROFS);
	assert_unchanged(rig);
	assert_int_equal(view_write(&rig->view, half + PAGE / 2 - 2, "xy", 2), 0);
	assert_memory_equal(rig->bytes + 0xe7fe, "xy", 2);
}

/* ---- guest-physical ---------------------------------------------------------------------- */

static void test_physical(void **state)
{
	struct rig *rig = *state;
	uint8_t buf[2 * PAGE];

	plant(rig, FIRST + 4, 0x8004);
	assert_int_equal(view_read_physical(rig->vm, 0x7ffe, buf, sizeof(buf)), sizeof(buf));
	assert_memory_equal(buf, rig->before + 0x7ffe, sizeof(buf));
	assert_int_equal(view_read_physical(rig->vm, SIZE - 5, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, rig->before + SIZE - 5, 5);
	assert_int_equal(view_read_physical(rig->vm, ROM, buf, sizeof(buf)), PAGE);
	assert_int_equal(view_read_physical(rig->vm, DEVICE, buf, 1), -ENXIO);
	assert_int_equal(view_read_physical(rig->vm, SIZE, buf, 1), -ENXIO);
	assert_int_equal(view_read_physical(rig->vm, UINT64_MAX, buf, sizeof(buf)), -ENXIO);
	assert_int_equal(view_read_physical(rig->vm, 0, NULL, 0), 0);
	assert_int_equal(view_read_physical(rig->vm, DEVICE, NULL, 0), -ENXIO);
}

static void test_physical_write(void **state)
{
	struct rig *rig = *state;
	uint8_t buf[2 * PAGE] = { 0 };

	assert_int_equal(view_write_physical(rig->vm, DEVICE, buf, 1), -ENXIO);
	assert_int_equal(view_write_physical(rig->vm, ROM, buf, 1), -EROFS);
	assert_int_equal(view_write_physical(rig->vm, SIZE - 1, buf, 2), -ENXIO);
	assert_int_equal(view_write_physical(rig->vm, HALF, buf, PAGE), -ENXIO);
	assert_int_equal(view_write_physical(rig->vm, UINT64_MAX, buf, 2), -ENXIO);
	assert_unchanged(rig);
	plant(rig, FIRST + 4, 0x8004);
	assert_int_equal(view_write_physical(rig->vm, 0x8003, "abc", 3), 0);
	assert_int_equal(rig->vm->plants.count, 0);
	memcpy(rig->before + 0x8003, "abc", 3);
	assert_unchanged(rig);
}

/* ---- writing ----------------------------------------------------------------------------- */

static void test_write_across_pages(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(view_write(&rig->view, SECOND - 3, "abcdefg", 7), 0);
	memcpy(rig->before + 0x8ffd, "abc", 3);
	memcpy(rig->before + 0x6000, "defg", 4);
	assert_unchanged(rig);
	assert_int_equal(view_write(&rig->view, FIRST, NULL, 0), 0);
	assert_int_equal(view_write(&rig->view, UNMAPPED, NULL, 0), -EFAULT);
	assert_int_equal(view_write(&rig->view, UINT64_MAX, "x", 1), 0);
	assert_int_equal(rig->bytes[0xdfff], 'x');
}

static void test_write_all_or_nothing(void **state)
{
	static const struct {
		gva_t start;
		int result;
	} cases[] = {
		{ UNMAPPED - 5, -EFAULT },
		{ UNMAPPED, -EFAULT },
		{ MMIO - 5, -ENXIO },
		{ MMIO, -ENXIO },
		{ MMIO + PAGE - 5, -ENXIO },
		{ READONLY - 5, -EROFS },
		{ READONLY, -EROFS },
		{ READONLY + PAGE - 5, -EROFS },
		{ HALVED + PAGE / 2 - 5, -ENXIO },
		{ UINT64_MAX - 4, -EFAULT },
		{ STRAY, -EFAULT },
		{ STRAY - 5, -EFAULT },
	};
	struct rig *rig = *state;
	uint8_t buf[64];

	memset(buf, 0x99, sizeof(buf));
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			view_write(&rig->view, cases[i].start, buf, sizeof(buf)), cases[i].result);
		assert_unchanged(rig);
	}
}

/* What is refused leaves our breakpoints where they are, too. */
static void test_refused_write_keeps_plants(void **state)
{
	struct rig *rig = *state;

	plant(rig, UNMAPPED - 2, 0x6ffe);
	assert_int_equal(view_write(&rig->view, UNMAPPED - 4, "abcdefgh", 8), -EFAULT);
	assert_int_equal(rig->vm->plants.count, 1);
	assert_int_equal(rig->bytes[0x6ffe], INT3);
	plant_clear(&rig->vm->plants);
	assert_unchanged(rig);
}

static void test_written_plants_yield(void **state)
{
	struct rig *rig = *state;
	uint8_t buf[4];

	plant(rig, SECOND - 1, 0x8fff);
	plant(rig, SECOND, 0x6000);
	plant(rig, SECOND + 2, 0x6002);
	assert_int_equal(view_write(&rig->view, SECOND - 2, "abcd", 4), 0);
	assert_int_equal(rig->vm->plants.count, 1); /* the one that was not written over */
	assert_int_equal(journal_count(&rig->journal), 1);
	assert_memory_equal(rig->bytes + 0x8ffe, "ab", 2);
	assert_memory_equal(rig->bytes + 0x6000, "cd", 2);
	assert_int_equal(plant_sync(&rig->vm->plants, &rig->vm->table), 0);
	assert_int_equal(rig->bytes[0x8fff], INT3);
	assert_int_equal(rig->bytes[0x6000], INT3);
	assert_int_equal(view_read(&rig->view, SECOND - 2, buf, 4), 4);
	assert_memory_equal(buf, "abcd", 4);
	plant_clear(&rig->vm->plants);
	memcpy(rig->before + 0x8ffe, "ab", 2);
	memcpy(rig->before + 0x6000, "cd", 2);
	assert_unchanged(rig);
	assert_int_equal(journal_count(&rig->journal), 0);
}

/* A debugger's own INT3 is content, not one of ours. */
static void test_write_int3(void **state)
{
	struct rig *rig = *state;
	uint8_t byte = INT3;

	plant(rig, FIRST, 0x8000);
	assert_int_equal(view_write(&rig->view, ALIAS, &byte, 1), 0);
	assert_int_equal(plant_sync(&rig->vm->plants, &rig->vm->table), 0);
	assert_int_equal(view_read(&rig->view, FIRST, &byte, 1), 1);
	assert_int_equal(byte, INT3);
	plant_clear(&rig->vm->plants);
	assert_int_equal(rig->bytes[0x8000], INT3);
}

/* ---- regions ------------------------------------------------------------------------------- */

static void expect_region(
	const struct rig *rig, gva_t gva, gva_t start, gva_t last, const char *rights)
{
	struct target_region region;

	assert_int_equal(view_region(&rig->view, gva, &region), 0);
	assert_int_equal(region.start, start);
	assert_int_equal(region.last, last);
	assert_int_equal(region.mapped, rights[0] == 'r');
	assert_int_equal(region.writable, rights[1] == 'w');
	assert_int_equal(region.executable, rights[2] == 'x');
}

static void test_regions(void **state)
{
	struct rig *rig = *state;
	uint64_t entry = 0x8000 | 1 | UINT64_C(1) << 63;

	rig->vm->vcpus->cpu.x86_64.sregs.efer |= 0x800;
	memcpy(rig->bytes + TABLE + ALIAS / PAGE * 8, &entry, 8);
	expect_region(rig, 0, 0, FIRST - 1, "---");
	expect_region(rig, FIRST, FIRST, UNMAPPED - 1, "rwx");
	expect_region(rig, SECOND + 5, SECOND, UNMAPPED - 1, "rwx");
	expect_region(rig, UNMAPPED, UNMAPPED, THIRD - 1, "---");
	expect_region(rig, MMIO + 0x123, MMIO, FOURTH - 1, "---"); /* a device is no memory */
	expect_region(rig, FOURTH, FOURTH, HALVED + PAGE / 2 - 1, "rwx");
	expect_region(rig, HALVED + PAGE - 1, HALVED + PAGE / 2, ALIAS - 1, "---");
	expect_region(rig, ALIAS, ALIAS, ALIAS + PAGE - 1, "r--");
	/* A hole of whole tables, one whose table is nowhere, and one that is no address at all. */
	expect_region(rig, 0x456789, 0x400000, 0x3fe00000 + FIRST - 1, "---");
	expect_region(rig, STRAY, STRAY, HIGH + FIRST - 1, "---");
	expect_region(rig, UINT64_C(5) << 50, UINT64_C(1) << 52, HIGH + FIRST - 1, "---");
	expect_region(rig, LAST + 1, LAST, UINT64_MAX, "rwx");
}

/* From 0 to the end, in few steps, each address in one region. */
static void test_regions_make_progress(void **state)
{
	struct rig *rig = *state;
	struct target_region region = { .last = UINT64_MAX };
	unsigned count = 0, mapped = 0;

	do {
		gva_t next = region.last + 1;

		assert_int_equal(view_region(&rig->view, next, &region), 0);
		assert_int_equal(region.start, next);
		assert_true(region.last >= region.start);
		mapped += region.mapped;
		assert_true(++count < 100);
	} while (region.last != UINT64_MAX);
	assert_int_equal(mapped, 8 * 5); /* each level but the last has two ways down */
}

/* Paging off, and a mode that cannot be. */
static void test_regions_without_tables(void **state)
{
	struct rig *rig = *state;
	struct x86_sregs *sregs = &rig->vm->vcpus->cpu.x86_64.sregs;
	struct target_region region;

	*sregs = (struct x86_sregs){ .cr0 = 1 };
	expect_region(rig, 0x1234, 0, SIZE - 1, "rwx");
	expect_region(rig, SIZE + 1, SIZE, ROM - 1, "---");
	expect_region(rig, 0xffffffff, HALF + PAGE / 2, UINT64_MAX, "---");
	*sregs = (struct x86_sregs){ .cr0 = 1, .efer = 0x400 };
	assert_int_equal(view_region(&rig->view, 0, &region), -EINVAL);
}

/* ---- as the architectures see it ----------------------------------------------------------- */

static void test_guest_memory(void **state)
{
	struct rig *rig = *state;
	struct guest_memory memory = view_memory(&rig->view);
	uint8_t buf[8];

	plant(rig, FIRST, 0x8000);
	assert_int_equal(memory.read(memory.context, FIRST, buf, 8), 0);
	assert_memory_equal(buf, rig->before + 0x8000, 8);
	assert_int_equal(memory.read(memory.context, UNMAPPED - 4, buf, 8), -EFAULT);
	assert_int_equal(memory.write(memory.context, UNMAPPED - 4, buf, 8), -EFAULT);
	assert_int_equal(memory.write(memory.context, FIRST, "12345678", 8), 0);
	assert_memory_equal(rig->bytes + 0x8000, "12345678", 8);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_translate),
		TEST(test_read_across_pages),
		TEST(test_read_prefix),
		TEST(test_read_nothing),
		TEST(test_running_vcpu),
		TEST(test_plants_are_hidden),
		TEST(test_plant_at_the_end_of_a_region),
		TEST(test_large_page),
		TEST(test_physical),
		TEST(test_physical_write),
		TEST(test_write_across_pages),
		TEST(test_write_all_or_nothing),
		TEST(test_refused_write_keeps_plants),
		TEST(test_written_plants_yield),
		TEST(test_write_int3),
		TEST(test_regions),
		TEST(test_regions_make_progress),
		TEST(test_regions_without_tables),
		TEST(test_guest_memory),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
