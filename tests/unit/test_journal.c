/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/journal.c: its entries, its sharing, and what a killed writer leaves behind. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm/journal.h"

static const uint8_t original[4] = { 0x90, 1, 2, 3 }, planted[4] = { 0xcc, 0xcc, 0xcc, 0xcc };

static int setup(void **state)
{
	static struct journal journal;

	*state = &journal;
	return journal_create(&journal);
}

static int teardown(void **state)
{
	journal_close(*state);
	return 0;
}

static void test_add_next_remove(void **state)
{
	struct journal *journal = *state;
	struct journal_entry entry;
	unsigned iterator = 0;
	int first = journal_add(journal, 0x1000, original, planted, 1);
	int second = journal_add(journal, 0x2000, original, planted, 4);

	assert_true(first >= 0 && second >= 0 && first != second);
	assert_int_equal(journal_count(journal), 2);
	journal_remove(journal, first);
	assert_true(journal_next(journal, &iterator, &entry));
	assert_int_equal(entry.slot, second);
	assert_int_equal(entry.gpa, 0x2000);
	assert_int_equal(entry.length, 4);
	assert_memory_equal(entry.original, original, 4);
	assert_memory_equal(entry.planted, planted, 4);
	assert_false(journal_next(journal, &iterator, &entry));
	journal_remove(journal, second);
	assert_int_equal(journal_count(journal), 0);
}

static void test_bad_length(void **state)
{
	assert_int_equal(journal_add(*state, 0, original, planted, 0), -EINVAL);
	assert_int_equal(journal_add(*state, 0, original, planted, 5), -EINVAL);
	journal_remove(*state, -1);
	journal_remove(*state, JOURNAL_SLOTS);
	assert_int_equal(journal_count(*state), 0);
}

static void test_full(void **state)
{
	for (int i = 0; i < JOURNAL_SLOTS; i++)
		assert_int_equal(journal_add(*state, (gpa_t)i, original, planted, 1), i);
	assert_int_equal(journal_add(*state, 0, original, planted, 1), -ENOSPC);
	journal_remove(*state, 77);
	assert_int_equal(journal_add(*state, 0, original, planted, 1), 77);
}

/* What the lender gets: it sees what the daemon writes, and can write nothing itself. */
static void test_shared(void **state)
{
	struct journal *journal = *state, reader;
	int fd = journal_share(journal);
	struct stat status;

	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(
		status.st_mode & 0777, S_IRUSR); /* another user cannot open it anew to write */
	assert_int_equal(journal_open(fd, &reader), 0);
	assert_int_equal(journal_count(&reader), 0);
	journal_add(journal, 0x1000, original, planted, 1);
	assert_int_equal(journal_count(&reader), 1);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(ftruncate(journal->fd, 0), -1);
	assert_int_equal(ftruncate(journal->fd, 1 << 20), -1);
	close(fd);
	assert_int_equal(journal_count(&reader), 1);
	journal_close(&reader);
	journal_close(&reader);
}

/* Another process of the daemon goes on writing. */
static void test_opened_for_writing(void **state)
{
	struct journal *journal = *state, writer;

	assert_int_equal(journal_open(journal->fd, &writer), 0);
	assert_true(journal_add(&writer, 0x1000, original, planted, 1) >= 0);
	assert_int_equal(journal_count(journal), 1);
	journal_close(&writer);
}

static int memfd(size_t size, unsigned seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void refuses(int fd)
{
	struct journal journal;

	assert_int_equal(journal_open(fd, &journal), -EPROTO);
	assert_null(journal.page);
	if (fd >= 0)
		close(fd);
}

static void test_open_lies(void **state)
{
	size_t size = sizeof(struct journal_page);
	unsigned seals = F_SEAL_SHRINK | F_SEAL_GROW;
	int wrong_version = memfd(size, seals), short_one = memfd(size - 1, seals);
	struct {
		uint64_t magic;
		uint32_t version, slots;
	} head = { JOURNAL_MAGIC, 2, 4096 };

	(void)state;
	assert_int_equal(pwrite(wrong_version, &head, sizeof(head), 0), sizeof(head));
	refuses(wrong_version);
	refuses(memfd(size, seals)); /* no magic */
	head.version = JOURNAL_VERSION;
	assert_int_equal(pwrite(short_one, &head, sizeof(head), 0), sizeof(head));
	refuses(short_one);
	refuses(memfd(size, F_SEAL_GROW)); /* could be truncated under us */
	refuses(open("/dev/null", O_RDONLY | O_CLOEXEC));
	refuses(-1);
}

/* An untrusted journal: lengths are checked at each reading. */
static void test_garbage_slots(void **state)
{
	struct journal *journal = *state;
	struct journal_entry entry;
	unsigned iterator = 0, found = 0;

	memset(journal->page->slots, 0xff, sizeof(journal->page->slots));
	assert_int_equal(journal_count(journal), 0); /* states that do not exist */
	for (uint32_t i = 0; i < JOURNAL_SLOTS; i++) {
		journal->page->slots[i].state = JOURNAL_LIVE;
		journal->page->slots[i].length = i;
	}
	while (journal_next(journal, &iterator, &entry))
		assert_true(entry.length >= 1 && entry.length <= 4 && ++found <= 4);
	assert_int_equal(found, 4);
}

/* A worker has no other VM's journal: main's mappings are not there. */
static void test_not_inherited(void **state)
{
	const struct journal *journal = *state;
	unsigned char resident;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(mincore(journal->page, 1, &resident) < 0 && errno == ENOMEM ? 0 : 1);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(mincore(journal->page, 1, &resident), 0);
}

/* ---- a writer killed at any instruction -------------------------------------------------- */

struct scene {
	uint8_t guest[256];
	volatile uint32_t rounds;
};

/* As a worker does: plants and takes back at every address in turn, for ever. */
static void write_until_killed(int fd, struct scene *scene)
{
	struct journal mapped, *journal = &mapped;

	if (journal_open(fd, journal) < 0)
		_exit(1);
	for (;;) {
		for (unsigned at = 0; at < sizeof(scene->guest); at++) {
			uint8_t own = (uint8_t)at;
			int slot = journal_add(journal, at, &own, planted, 1);

			__atomic_store_n(&scene->guest[at], 0xcc, __ATOMIC_SEQ_CST);
			__atomic_store_n(&scene->guest[at], own, __ATOMIC_SEQ_CST);
			journal_remove(journal, slot);
		}
		scene->rounds++;
	}
}

static unsigned undo(struct journal *journal, struct scene *scene)
{
	struct journal_entry entry;
	unsigned iterator = 0, count = 0;

	for (; journal_next(journal, &iterator, &entry); count++) {
		assert_true(entry.gpa < sizeof(scene->guest) && entry.length == 1);
		if (scene->guest[entry.gpa] == entry.planted[0])
			scene->guest[entry.gpa] = entry.original[0];
		journal_remove(journal, entry.slot);
	}
	return count;
}

static void test_killed_writer(void **state)
{
	struct scene *scene = mmap(
		NULL, sizeof(*scene), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned caught = 0;

	for (unsigned i = 0; i < sizeof(scene->guest); i++)
		scene->guest[i] = (uint8_t)i;
	for (unsigned i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (pid == 0)
			write_until_killed(((struct journal *)*state)->fd, scene);
		while (scene->rounds <= i)
			usleep(10);
		usleep((useconds_t)(rand() % 50));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		caught += undo(*state, scene);
		for (unsigned at = 0; at < sizeof(scene->guest); at++)
			assert_int_equal(scene->guest[at], at);
		scene->rounds = i + 1;
	}
	assert_true(caught > 0); /* or it has proved nothing */
	munmap(scene, sizeof(*scene));
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(add_next_remove),
		T(bad_length),
		T(full),
		T(shared),
		T(not_inherited),
		T(opened_for_writing),
		T(open_lies),
		T(garbage_slots),
		T(killed_writer),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
