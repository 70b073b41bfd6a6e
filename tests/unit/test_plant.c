/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/plant.c: breakpoint instructions in memory that guest and VMM write too, of both
 * architectures; after plant_clear() memory and journal are as if nothing had been.
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
#include "kvm/plant.h"

enum { SIZE = 4 * 4096, INT3 = 0xcc };

struct rig {
	const struct arch *arch;
	int fd;
	uint8_t *bytes;    /* the guest's memory, as it is */
	uint8_t *expected; /* as it must be when nothing is planted */
	struct memory memory;
	struct journal journal;
	struct breakpoint_table table;
	struct plants plants;
};

static int setup_arch(void **state, const struct arch *arch)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->arch = arch;
	rig->fd = memfd_create("test-plant", MFD_CLOEXEC);
	assert_true(rig->fd >= 0);
	assert_int_equal(ftruncate(rig->fd, SIZE), 0);
	rig->bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, rig->fd, 0);
	assert_ptr_not_equal(rig->bytes, MAP_FAILED);
	rig->expected = malloc(SIZE);
	assert_non_null(rig->expected);
	for (unsigned i = 0; i < SIZE; i++)
		rig->bytes[i] = (uint8_t)(i * 37 % 199); /* never INT3 */
	memcpy(rig->expected, rig->bytes, SIZE);
	assert_int_equal(memory_init(&rig->memory), 0);
	assert_int_equal(memory_add_file(&rig->memory, 0, SIZE, rig->fd, 0, true, 0), 0);
	assert_int_equal(journal_create(&rig->journal), 0);
	plant_init(&rig->plants, arch, &rig->memory, &rig->journal);
	*state = rig;
	return 0;
}

static int setup_x86(void **state)
{
	return setup_arch(state, &arch_x86_64);
}

static int setup_arm64(void **state)
{
	return setup_arch(state, &arch_arm64);
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	breakpoint_clear(&rig->table);
	munmap(rig->bytes, SIZE);
	memory_fini(&rig->memory);
	journal_close(&rig->journal);
	close(rig->fd);
	free(rig->expected);
	free(rig);
	return 0;
}

/* The guest, or a device, writes what it means to be there. */
static void guest_write(struct rig *rig, gpa_t gpa, const void *bytes, size_t length)
{
	memcpy(rig->bytes + gpa, bytes, length);
	memcpy(rig->expected + gpa, bytes, length);
}

static bool is_planted(const struct rig *rig, gpa_t gpa)
{
	return !memcmp(rig->bytes + gpa, rig->arch->breakpoint_bytes, rig->arch->breakpoint_length);
}

static int add_breakpoint(struct breakpoint_table *table, gva_t gva, gpa_t gpa)
{
	const struct target_breakpoint_spec spec = { .address = gva, .length = 1 };

	return breakpoint_add(table, 0, &spec, gpa);
}

static void want(struct rig *rig, gpa_t gpa)
{
	assert_int_equal(add_breakpoint(&rig->table, 0xffff0000 + gpa, gpa), 0);
}

static void unwant(struct rig *rig, gpa_t gpa)
{
	breakpoint_remove(&rig->table, 0, 0xffff0000 + gpa);
}

static void sync_plants(struct rig *rig)
{
	assert_int_equal(plant_sync(&rig->plants, &rig->table), 0);
	assert_int_equal(rig->plants.count, journal_count(&rig->journal));
}

static void assert_clean(struct rig *rig)
{
	assert_memory_equal(rig->bytes, rig->expected, SIZE);
	assert_int_equal(rig->plants.count, 0);
	assert_int_equal(journal_count(&rig->journal), 0);
}

static void assert_clears(struct rig *rig)
{
	plant_clear(&rig->plants);
	assert_clean(rig);
}

/* A reader sees the guest's own bytes, wherever it begins and ends. */
static void assert_hidden(struct rig *rig)
{
	uint8_t buf[24];

	for (gpa_t gpa = 0; gpa < 0x200; gpa++)
		for (size_t length = 0; length <= sizeof(buf); length++) {
			memcpy(buf, rig->bytes + gpa, sizeof(buf));
			plant_hide(&rig->plants, gpa, buf, length);
			assert_memory_equal(buf, rig->expected + gpa, length);
			assert_memory_equal(
				buf + length, rig->bytes + gpa + length, sizeof(buf) - length);
		}
}

/* ---- the table and memory ------------------------------------------------------------------ */

static void test_sync(void **state)
{
	struct rig *rig = *state;

	sync_plants(rig);
	assert_clean(rig);
	want(rig, 0x100);
	want(rig, 0x104);
	want(rig, SIZE - 4);
	sync_plants(rig);
	assert_int_equal(rig->plants.count, 3);
	assert_true(is_planted(rig, 0x100) && is_planted(rig, 0x104) && is_planted(rig, SIZE - 4));
	assert_hidden(rig);
	sync_plants(rig); /* changes nothing */
	assert_int_equal(rig->plants.count, 3);
	assert_hidden(rig);
	unwant(rig, 0x100);
	sync_plants(rig);
	assert_int_equal(rig->plants.count, 2);
	assert_memory_equal(rig->bytes + 0x100, rig->expected + 0x100, 4);
	assert_true(is_planted(rig, 0x104) && is_planted(rig, SIZE - 4));
	assert_null(plant_find(&rig->plants, 0x100));
	assert_int_equal(plant_find(&rig->plants, 0x104)->gpa, 0x104);
	assert_clears(rig);
	assert_clears(rig);
}

static void test_sync_takes_back_all(void **state)
{
	struct rig *rig = *state;

	for (gpa_t gpa = 0; gpa < 0x100; gpa += 4)
		want(rig, gpa);
	sync_plants(rig);
	assert_int_equal(rig->plants.count, 64);
	breakpoint_clear(&rig->table);
	sync_plants(rig);
	assert_clean(rig);
}

/* Two virtual addresses of one instruction: one plant, until the last of them is gone. */
static void test_two_on_one_gpa(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(add_breakpoint(&rig->table, 0x1000, 0x100), 0);
	assert_int_equal(add_breakpoint(&rig->table, 0x2000, 0x100), 0);
	sync_plants(rig);
	assert_int_equal(rig->plants.count, 1);
	breakpoint_remove(&rig->table, 0, 0x1000);
	sync_plants(rig);
	assert_true(is_planted(rig, 0x100));
	assert_hidden(rig);
	breakpoint_remove(&rig->table, 0, 0x2000);
	sync_plants(rig);
	assert_clean(rig);
}

/* Where the guest has such an instruction itself, it stays. */
static void test_on_the_guests_own(void **state)
{
	struct rig *rig = *state;

	guest_write(rig, 0x100, rig->arch->breakpoint_bytes, rig->arch->breakpoint_length);
	want(rig, 0x100);
	sync_plants(rig);
	assert_hidden(rig);
	assert_clears(rig);
	assert_true(is_planted(rig, 0x100));
}

static void test_no_memory_there(void **state)
{
	struct rig *rig = *state;

	want(rig, SIZE);
	want(rig, 0x100);
	want(rig, UINT64_MAX - 3);
	want(rig, 0x108);
	assert_int_equal(plant_sync(&rig->plants, &rig->table), -EFAULT);
	assert_int_equal(rig->plants.count, 2);
	assert_true(is_planted(rig, 0x100) && is_planted(rig, 0x108));
	assert_int_equal(journal_count(&rig->journal), 2);
	assert_clears(rig);
}

/* Readable, so that it comes as far as the journal. */
static void test_read_only_memory(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(memory_remove(&rig->memory, 0), 0);
	assert_int_equal(memory_add_file(&rig->memory, 0, SIZE, rig->fd, 0, false, 0), 0);
	want(rig, 0x100);
	assert_int_equal(plant_sync(&rig->plants, &rig->table), -EFAULT);
	assert_clean(rig);
}

static void test_memory_goes(void **state)
{
	struct rig *rig = *state;

	want(rig, 0x100);
	want(rig, 0x2000);
	sync_plants(rig);
	assert_int_equal(ftruncate(rig->fd, 0x1000), 0);
	assert_int_equal(plant_lift(&rig->plants, plant_find(&rig->plants, 0x2000)), -EFAULT);
	assert_int_equal(plant_sync(&rig->plants, &rig->table), -EFAULT);
	assert_int_equal(rig->plants.count, 1);
	assert_true(is_planted(rig, 0x100));
	plant_clear(&rig->plants);
	assert_int_equal(journal_count(&rig->journal), 0);
	assert_memory_equal(rig->bytes, rig->expected, 0x1000);
}

/* ---- the journal --------------------------------------------------------------------------- */

static void test_journal_says_it_first(void **state)
{
	struct rig *rig = *state;
	struct journal_entry entry;
	unsigned iterator = 0;

	want(rig, 0x100);
	sync_plants(rig);
	assert_true(journal_next(&rig->journal, &iterator, &entry));
	assert_int_equal(entry.gpa, 0x100);
	assert_int_equal(entry.length, rig->arch->breakpoint_length);
	assert_memory_equal(entry.original, rig->expected + 0x100, entry.length);
	assert_memory_equal(entry.planted, rig->bytes + 0x100, entry.length);
	assert_clears(rig);
}

static void test_journal_full(void **state)
{
	struct rig *rig = *state;
	int slots[JOURNAL_SLOTS];

	for (int i = 0; i < JOURNAL_SLOTS; i++)
		slots[i] = journal_add(&rig->journal, SIZE, "aaaa", "bbbb", 4);
	want(rig, 0x100);
	want(rig, 0x200);
	assert_int_equal(plant_sync(&rig->plants, &rig->table), -ENOSPC);
	assert_int_equal(rig->plants.count, 0);
	assert_memory_equal(rig->bytes, rig->expected, SIZE);
	journal_remove(&rig->journal, slots[77]);
	assert_int_equal(plant_sync(&rig->plants, &rig->table), -ENOSPC);
	assert_true(is_planted(rig, 0x100));
	assert_memory_equal(rig->bytes + 0x200, rig->expected + 0x200, 4);
	for (int i = 0; i < JOURNAL_SLOTS; i++)
		if (i != 77)
			journal_remove(&rig->journal, slots[i]);
	sync_plants(rig);
	assert_true(is_planted(rig, 0x200));
	assert_clears(rig);
}

/* As many as can be; one more finds no room and disturbs nothing. */
static void test_as_many_as_can_be(void **state)
{
	struct rig *rig = *state;
	gpa_t step = rig->arch->breakpoint_alignment;

	for (gpa_t i = 0; i < PLANT_MAX && (i + 1) * step <= SIZE; i++)
		want(rig, i * step);
	sync_plants(rig);
	assert_int_equal(rig->plants.count, PLANT_MAX);
	breakpoint_remove(&rig->table, 0, 0xffff0000);
	want(rig, SIZE); /* no memory: the slot of the first is free again */
	assert_int_equal(plant_sync(&rig->plants, &rig->table), -EFAULT);
	assert_int_equal(rig->plants.count, PLANT_MAX - 1);
	assert_clears(rig);
}

/* Another process has planted, and died. */
static void test_adopt(void **state)
{
	struct rig *rig = *state;

	want(rig, 0x100);
	want(rig, 0x108);
	want(rig, 0x110);
	sync_plants(rig);
	/* Killed between journal and memory, and again between memory and journal. */
	journal_add(&rig->journal, 0x120, rig->expected + 0x120, rig->arch->breakpoint_bytes,
		rig->arch->breakpoint_length);
	memcpy(rig->bytes + 0x110, rig->expected + 0x110, 4);
	guest_write(rig, 0x108, "wxyz", 4); /* by the guest meanwhile */
	plant_init(&rig->plants, rig->arch, &rig->memory, &rig->journal);
	plant_adopt(&rig->plants);
	assert_int_equal(rig->plants.count, 4);
	assert_hidden(rig);
	assert_clears(rig);
}

/* The new owner wants one of them, and others. */
static void test_adopt_and_sync(void **state)
{
	struct rig *rig = *state;

	want(rig, 0x100);
	want(rig, 0x108);
	sync_plants(rig);
	plant_init(&rig->plants, rig->arch, &rig->memory, &rig->journal);
	plant_adopt(&rig->plants);
	unwant(rig, 0x108);
	want(rig, 0x120);
	sync_plants(rig);
	assert_int_equal(rig->plants.count, 2);
	assert_true(is_planted(rig, 0x100) && is_planted(rig, 0x120));
	assert_hidden(rig);
	assert_clears(rig);
}

static void test_adopt_nonsense(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < JOURNAL_SLOTS; i++)
		journal_add(&rig->journal, i & 1 ? SIZE - 1 + (gpa_t)i * 4 : UINT64_MAX - (gpa_t)i,
			"aaaa", "bbbb", 4);
	plant_adopt(&rig->plants);
	assert_int_equal(rig->plants.count, PLANT_MAX);
	plant_adopt(&rig->plants); /* no more than there is room for */
	assert_int_equal(rig->plants.count, PLANT_MAX);
	assert_hidden(rig);
	assert_clears(rig);
}

/* ---- others write where we have planted ------------------------------------------------------ */

static void test_guest_overwrites(void **state)
{
	struct rig *rig = *state;

	want(rig, 0x100);
	want(rig, 0x108);
	sync_plants(rig);
	guest_write(rig, 0x100, "wxyz", 4);
	assert_hidden(rig);
	sync_plants(rig);
	assert_true(is_planted(rig, 0x100)); /* again, over the new */
	assert_hidden(rig);
	guest_write(rig, 0x108, "abcd", 4);
	unwant(rig, 0x108);
	sync_plants(rig);
	assert_memory_equal(rig->bytes + 0x108, "abcd", 4);
	guest_write(rig, 0x100, "ABCD", 4);
	assert_clears(rig);
}

/* A new instruction that has bytes in common with ours is shown, and kept, as it is. */
static void test_guest_overwrites_with_similar(void **state)
{
	struct rig *rig = *state;
	uint8_t similar[4];

	for (unsigned i = 0; i < 4; i++) {
		memcpy(similar, rig->arch->breakpoint_bytes, 4);
		similar[i] ^= 0x55;
		breakpoint_clear(&rig->table);
		want(rig, 0x100);
		sync_plants(rig);
		guest_write(rig, 0x100, similar, 4);
		if (rig->arch->breakpoint_length == 4) {
			uint8_t buf[8];

			memcpy(buf, rig->bytes + 0xfe, sizeof(buf));
			plant_hide(&rig->plants, 0xfe, buf, sizeof(buf));
			assert_memory_equal(buf, rig->expected + 0xfe, sizeof(buf));
			assert_clears(rig);
		} else {
			/* Too short to be told from ours when it is the same. */
			plant_clear(&rig->plants);
			guest_write(rig, 0x100, similar, 4);
			assert_clean(rig);
		}
	}
}

static void test_lift_and_restore(void **state)
{
	struct rig *rig = *state;
	struct plant *plant;

	want(rig, 0x100);
	sync_plants(rig);
	plant = plant_find(&rig->plants, 0x100);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(plant_lift(&rig->plants, plant), 0);
		assert_memory_equal(rig->bytes, rig->expected, SIZE);
		assert_int_equal(journal_count(&rig->journal), 1); /* it may be undone twice */
		assert_hidden(rig);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(plant_restore(&rig->plants, plant), 0);
		assert_true(is_planted(rig, 0x100));
		assert_int_equal(rig->plants.count, 1);
		assert_hidden(rig);
	}
	assert_clears(rig);
}

static void test_clear_while_lifted(void **state)
{
	struct rig *rig = *state;

	want(rig, 0x100);
	want(rig, 0x108);
	sync_plants(rig);
	assert_int_equal(plant_lift(&rig->plants, plant_find(&rig->plants, 0x100)), 0);
	assert_clears(rig);
}

/* Guest code that happens to be our instruction is not taken for ours while ours is lifted. */
static void test_lifted_and_guest_writes_the_same(void **state)
{
	struct rig *rig = *state;

	want(rig, 0x100);
	sync_plants(rig);
	assert_int_equal(plant_lift(&rig->plants, plant_find(&rig->plants, 0x100)), 0);
	guest_write(rig, 0x100, rig->arch->breakpoint_bytes, rig->arch->breakpoint_length);
	assert_hidden(rig);
	assert_int_equal(plant_restore(&rig->plants, plant_find(&rig->plants, 0x100)), 0);
	assert_hidden(rig);
	assert_clears(rig);
	assert_true(is_planted(rig, 0x100));
}

/* The stepped instruction wrote over itself: what it wrote is the original from now on. */
static void test_restore_after_guest_wrote(void **state)
{
	struct rig *rig = *state;

	want(rig, 0x100);
	want(rig, 0x108);
	sync_plants(rig);
	assert_int_equal(plant_lift(&rig->plants, plant_find(&rig->plants, 0x100)), 0);
	guest_write(rig, 0x100, "wxyz", 4);
	assert_int_equal(plant_restore(&rig->plants, plant_find(&rig->plants, 0x100)), 0);
	assert_true(is_planted(rig, 0x100) && is_planted(rig, 0x108));
	assert_int_equal(rig->plants.count, 2);
	assert_int_equal(journal_count(&rig->journal), 2);
	assert_hidden(rig);
	assert_clears(rig);
}

static void test_restore_without_memory(void **state)
{
	struct rig *rig = *state;

	want(rig, 0x2000);
	sync_plants(rig);
	assert_int_equal(plant_lift(&rig->plants, plant_find(&rig->plants, 0x2000)), 0);
	assert_int_equal(ftruncate(rig->fd, 0x1000), 0);
	assert_int_equal(plant_restore(&rig->plants, plant_find(&rig->plants, 0x2000)), -EFAULT);
	plant_clear(&rig->plants);
	assert_int_equal(journal_count(&rig->journal), 0);
}

/* ---- a debugger writes -------------------------------------------------------------------- */

static void test_yield(void **state)
{
	struct rig *rig = *state;
	unsigned width = rig->arch->breakpoint_length;

	for (gpa_t gpa = 0x100; gpa < 0x140; gpa += 8)
		want(rig, gpa);
	sync_plants(rig);
	plant_yield(&rig->plants, 0, 0x100);
	plant_yield(&rig->plants, 0x108, 0);
	plant_yield(&rig->plants, 0x100 + width, 8 - width);
	plant_yield(&rig->plants, 0x140, SIZE);
	assert_int_equal(rig->plants.count, 8);
	plant_yield(&rig->plants, 0x108 + width - 1, 1); /* its last byte */
	assert_int_equal(rig->plants.count, 7);
	assert_null(plant_find(&rig->plants, 0x108));
	assert_memory_equal(rig->bytes + 0x108, rig->expected + 0x108, 4);
	plant_yield(&rig->plants, 0x10c, 0x114 - 0x10c + 5); /* two of them */
	assert_int_equal(rig->plants.count, 5);
	assert_hidden(rig);
	guest_write(rig, 0x108, "wxyz", 4);
	sync_plants(rig);
	assert_int_equal(rig->plants.count, 8);
	assert_hidden(rig);
	plant_yield(&rig->plants, 0, SIZE);
	assert_clean(rig);
}

/* The end of the range is 0 when it is computed. */
static void test_yield_at_the_end(void **state)
{
	struct rig *rig = *state;
	const gpa_t last = UINT64_MAX - 4095;

	assert_int_equal(memory_add_file(&rig->memory, last, 4096, rig->fd, 0x3000, true, 0), 0);
	want(rig, UINT64_MAX - 3);
	want(rig, 0x100);
	sync_plants(rig);
	assert_int_equal(rig->plants.count, 2);
	plant_yield(&rig->plants, last, 4096);
	assert_int_equal(rig->plants.count, 1);
	assert_memory_equal(rig->bytes + SIZE - 4, rig->expected + SIZE - 4, 4);
	assert_clears(rig);
}

#define TEST(function)                                                                             \
	{ #function ", x86-64", function, setup_x86, teardown, NULL },                             \
	{                                                                                          \
#function ", arm64", function, setup_arm64, teardown, NULL                         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sync),
		TEST(test_sync_takes_back_all),
		TEST(test_two_on_one_gpa),
		TEST(test_on_the_guests_own),
		TEST(test_no_memory_there),
		TEST(test_read_only_memory),
		TEST(test_memory_goes),
		TEST(test_journal_says_it_first),
		TEST(test_journal_full),
		TEST(test_as_many_as_can_be),
		TEST(test_adopt),
		TEST(test_adopt_and_sync),
		TEST(test_adopt_nonsense),
		TEST(test_guest_overwrites),
		TEST(test_guest_overwrites_with_similar),
		TEST(test_lift_and_restore),
		TEST(test_clear_while_lifted),
		TEST(test_lifted_and_guest_writes_the_same),
		TEST(test_restore_after_guest_wrote),
		TEST(test_restore_without_memory),
		TEST(test_yield),
		TEST(test_yield_at_the_end),
	};

	return cmocka_run_group_tests_name("plant", tests, NULL, NULL);
}
