/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/memory.c: regions and their neighbours, and a VMM that takes away what it has lent. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "kvm/memory.h"

enum { PAGE = 4096, PAGES = 4 };

/* One memfd of PAGES pages, each byte of page i being i + 1. */
struct rig {
	struct memory memory;
	int fd;
};

static int setup(void **state)
{
	static struct rig rig;

	rig.fd = memfd_create("test-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(rig.fd >= 0);
	assert_int_equal(ftruncate(rig.fd, PAGES * PAGE), 0);
	for (int i = 0; i < PAGES; i++) {
		uint8_t page[PAGE];

		memset(page, i + 1, sizeof(page));
		assert_int_equal(pwrite(rig.fd, page, PAGE, (off_t)i * PAGE), PAGE);
	}
	*state = &rig;
	return memory_init(&rig.memory);
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	memory_fini(&rig->memory);
	memory_fini(&rig->memory); /* at any stage */
	close(rig->fd);
	return 0;
}

/* Page number `page` of the memfd at gpa. */
static int add_page(struct rig *rig, gpa_t gpa, unsigned page)
{
	return memory_add_file(
		&rig->memory, gpa, PAGE, rig->fd, (uint64_t)page * PAGE, true, 0x7000 + gpa);
}

static uint8_t file_byte(const struct rig *rig, off_t offset)
{
	uint8_t byte = 0xee;

	assert_int_equal(pread(rig->fd, &byte, 1, offset), 1);
	return byte;
}

/* The end of it is not there, or the middle. */
static void assert_not_whole(struct rig *rig, gpa_t gpa, size_t length)
{
	uint8_t buf[2 * PAGE];

	assert_int_equal(memory_read(&rig->memory, gpa, buf, length), -EFAULT);
}

/* Not even its beginning is there. */
static void assert_unreadable(struct rig *rig, gpa_t gpa, size_t length)
{
	uint8_t buf[2 * PAGE];

	assert_int_equal(memory_read(&rig->memory, gpa, buf, length), -EFAULT);
	memset(buf, 0x99, sizeof(buf));
	assert_int_equal(memory_write(&rig->memory, gpa, buf, length), -EFAULT);
}

static void assert_byte(struct rig *rig, gpa_t gpa, uint8_t expected)
{
	uint8_t byte = 0xee;

	assert_int_equal(memory_read(&rig->memory, gpa, &byte, 1), 0);
	assert_int_equal(byte, expected);
}

/* ---- regions ----------------------------------------------------------------------------- */

/* Neighbours in guest memory, in the wrong order in the file. */
static void test_adjacent_regions(void **state)
{
	struct rig *rig = *state;
	uint8_t buf[2 * PAGE + 2], expected[2 * PAGE + 2];

	assert_int_equal(add_page(rig, 0x10000 + PAGE, 0), 0);
	assert_int_equal(add_page(rig, 0x10000 + 2 * PAGE, 3), 0);
	assert_int_equal(add_page(rig, 0x10000, 2), 0);
	memset(expected, 1, sizeof(expected));
	expected[0] = 3;
	memset(expected + 1 + PAGE, 4, PAGE + 1);
	assert_int_equal(memory_read(&rig->memory, 0x10000 + PAGE - 1, buf, 2 + PAGE), 0);
	assert_memory_equal(buf, expected, 2 + PAGE);
	memset(buf, 0x77, sizeof(buf));
	assert_int_equal(memory_write(&rig->memory, 0x10000 + PAGE - 1, buf, 2 + PAGE), 0);
	assert_int_equal(file_byte(rig, 3 * PAGE - 2), 3);
	assert_int_equal(file_byte(rig, 3 * PAGE - 1), 0x77);
	assert_int_equal(file_byte(rig, 0), 0x77);
	assert_int_equal(file_byte(rig, PAGE - 1), 0x77);
	assert_int_equal(file_byte(rig, 3 * PAGE), 0x77);
	assert_int_equal(file_byte(rig, 3 * PAGE + 1), 4);
	assert_int_equal(file_byte(rig, PAGE), 2); /* mapped nowhere */
}

static void test_holes(void **state)
{
	struct rig *rig = *state;

	assert_unreadable(rig, 0, 1);
	assert_int_equal(add_page(rig, 0x1000, 0), 0);
	assert_int_equal(add_page(rig, 0x3000, 1), 0);
	assert_unreadable(rig, 0xfff, 1);
	assert_unreadable(rig, 0xfff, 2);
	assert_unreadable(rig, 0x2000, 1);
	assert_not_whole(rig, 0x1fff, 2);
	assert_not_whole(rig, 0x1800, 2 * PAGE);
	assert_unreadable(rig, 0x4000, 1);
	assert_unreadable(rig, UINT64_MAX, 1);
	assert_byte(rig, 0x1800, 1);
	assert_byte(rig, 0x3000, 2);
	assert_byte(rig, 0x3fff, 2);
	assert_int_equal(memory_read(&rig->memory, 0x2000, NULL, 0), 0);
}

static void test_find(void **state)
{
	struct rig *rig = *state;
	const struct memory_region *region;

	assert_null(memory_find(&rig->memory, 0));
	assert_int_equal(add_page(rig, 0x3000, 1), 0);
	assert_int_equal(add_page(rig, 0x1000, 0), 0);
	assert_null(memory_find(&rig->memory, 0xfff));
	assert_null(memory_find(&rig->memory, 0x2000));
	assert_null(memory_find(&rig->memory, 0x4000));
	region = memory_find(&rig->memory, 0x1fff);
	assert_non_null(region);
	assert_int_equal(region->gpa, 0x1000);
	assert_int_equal(region->vmm_hva, 0x8000);
	assert_true(region->writable);
	assert_int_equal(memory_find(&rig->memory, 0x3000)->gpa, 0x3000);
}

static void test_overlap(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(memory_add_file(&rig->memory, 0x2000, 2 * PAGE, rig->fd, 0, true, 0), 0);
	assert_int_equal(add_page(rig, 0x2000, 0), -EEXIST);
	assert_int_equal(add_page(rig, 0x3000, 0), -EEXIST);
	assert_int_equal(add_page(rig, 0x1001, 0), -EEXIST);
	assert_int_equal(add_page(rig, 0x3fff, 0), -EEXIST);
	assert_int_equal(memory_add_file(&rig->memory, 0, 4 * PAGE, rig->fd, 0, true, 0), -EEXIST);
	assert_int_equal(rig->memory.count, 1);
	assert_int_equal(add_page(rig, 0x1000, 0), 0);
	assert_int_equal(add_page(rig, 0x4000, 0), 0);
	assert_int_equal(rig->memory.count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(i == 0 || rig->memory.regions[i - 1].gpa < rig->memory.regions[i].gpa);
}

static void test_bad_regions(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(memory_add_file(&rig->memory, 0, 0, rig->fd, 0, true, 0), -EINVAL);
	assert_int_equal(add_page(rig, UINT64_MAX - PAGE + 2, 0), -EINVAL);
	assert_int_equal(
		memory_add_file(&rig->memory, PAGE, UINT64_MAX, rig->fd, 0, true, 0), -EINVAL);
	assert_true(memory_add_file(&rig->memory, 0, UINT64_MAX, rig->fd, 0, true, 0) < 0);
	assert_true(memory_add_file(&rig->memory, 0, PAGE, -1, 0, true, 0) < 0);
	assert_true(memory_add_file(&rig->memory, 0, PAGE, rig->fd, 1, true, 0) < 0);
	assert_true(memory_add_file(
			    &rig->memory, 0, PAGE, rig->fd, UINT64_MAX - PAGE + 1, true, 0) < 0);
	assert_int_equal(rig->memory.count, 0);
}

/* The last page there can be: nothing wraps around into the first. */
static void test_end_of_address_space(void **state)
{
	struct rig *rig = *state;
	const gpa_t last = UINT64_MAX - PAGE + 1;
	uint8_t buf[16], before = 1;

	assert_int_equal(add_page(rig, 0, 0), 0);
	assert_int_equal(add_page(rig, last, 1), 0);
	assert_byte(rig, last, 2);
	assert_byte(rig, UINT64_MAX, 2);
	assert_int_equal(memory_read(&rig->memory, UINT64_MAX - 15, buf, 16), 0);
	assert_unreadable(rig, UINT64_MAX - 15, 17);
	assert_unreadable(rig, UINT64_MAX, 2);
	assert_byte(rig, UINT64_MAX, 2);
	assert_byte(rig, 0, before);
	assert_non_null(memory_find(&rig->memory, UINT64_MAX));
	assert_int_equal(add_page(rig, last, 1), -EEXIST);
	assert_int_equal(memory_remove(&rig->memory, last), 0);
	assert_unreadable(rig, UINT64_MAX, 1);
}

static void test_limit(void **state)
{
	struct rig *rig = *state;

	for (unsigned i = MEMORY_MAX_REGIONS; i-- > 0;)
		assert_int_equal(add_page(rig, (gpa_t)i * 2 * PAGE, i % PAGES), 0);
	assert_int_equal(add_page(rig, PAGE, 0), -ENOSPC);
	assert_int_equal(add_page(rig, 0, 0), -EEXIST);
	for (unsigned i = 0; i < MEMORY_MAX_REGIONS; i++) {
		assert_byte(rig, (gpa_t)i * 2 * PAGE, (uint8_t)(i % PAGES + 1));
		assert_unreadable(rig, ((gpa_t)i * 2 + 1) * PAGE, 1);
	}
	assert_int_equal(memory_remove(&rig->memory, 0), 0);
	assert_int_equal(add_page(rig, PAGE, 3), 0);
	assert_byte(rig, PAGE, 4);
}

static void test_remove(void **state)
{
	struct rig *rig = *state;

	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(add_page(rig, (gpa_t)i * PAGE, i), 0);
	assert_int_equal(memory_remove(&rig->memory, PAGE + 1), -ENOENT);
	assert_int_equal(memory_remove(&rig->memory, PAGES * PAGE), -ENOENT);
	assert_int_equal(memory_remove(&rig->memory, PAGE), 0);
	assert_int_equal(memory_remove(&rig->memory, PAGE), -ENOENT);
	assert_int_equal(rig->memory.count, PAGES - 1);
	assert_unreadable(rig, PAGE, 1);
	assert_not_whole(rig, PAGE - 1, 2);
	assert_byte(rig, PAGE - 1, 1);
	assert_byte(rig, 2 * PAGE, 3);
	assert_int_equal(add_page(rig, PAGE, 3), 0);
	assert_byte(rig, PAGE, 4);
}

static void test_physical(void **state)
{
	struct rig *rig = *state;
	struct physical physical = memory_physical(&rig->memory);
	uint8_t buf[2];

	assert_int_equal(add_page(rig, 0, 2), 0);
	assert_int_equal(physical.read(physical.context, PAGE - 2, buf, 2), 0);
	assert_memory_equal(buf, "\3\3", 2);
	assert_int_equal(physical.read(physical.context, PAGE - 1, buf, 2), -EFAULT);
}

/* ---- what the VMM may do to a file --------------------------------------------------------- */

static void test_truncated(void **state)
{
	struct rig *rig = *state;
	uint8_t buf[2 * PAGE] = { 0 };

	assert_int_equal(memory_add_file(&rig->memory, 0, PAGES * PAGE, rig->fd, 0, true, 0), 0);
	assert_byte(rig, 3 * PAGE, 4);
	assert_int_equal(ftruncate(rig->fd, PAGE), 0);
	assert_unreadable(rig, PAGE, 1);
	assert_unreadable(rig, 3 * PAGE, PAGE);
	assert_int_equal(memory_read(&rig->memory, 0, buf, 2 * PAGE), -EFAULT);
	assert_byte(rig, PAGE - 1, 1);
	assert_int_equal(ftruncate(rig->fd, 0), 0);
	assert_unreadable(rig, 0, 1);
	assert_int_equal(ftruncate(rig->fd, PAGES * PAGE), 0);
	assert_byte(rig, 0, 0);
	assert_byte(rig, 3 * PAGE, 0);
}

struct thief {
	int fd;
	atomic_bool stop;
};

static void *take_and_give_back(void *context)
{
	struct thief *thief = context;

	while (!atomic_load(&thief->stop))
		if (ftruncate(thief->fd, 0) < 0 || ftruncate(thief->fd, PAGES * PAGE) < 0 ||
			fallocate(thief->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				PAGES * PAGE) < 0)
			return NULL;
	return NULL;
}

/* In the midst of a read or write: it fails, or not, and that is all. */
static void test_taken_meanwhile(void **state)
{
	struct rig *rig = *state;
	struct thief thief = { .fd = rig->fd };
	unsigned failed = 0, done = 0;
	uint8_t buf[PAGES * PAGE];
	pthread_t thread;

	assert_int_equal(memory_add_file(&rig->memory, 0, PAGES * PAGE, rig->fd, 0, true, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, take_and_give_back, &thief), 0);
	for (unsigned i = 0; i < 100000 && (!failed || !done || i < 2000); i++) {
		int rc = i % 2 ? memory_write(&rig->memory, 0, buf, sizeof(buf))
			       : memory_read(&rig->memory, 0, buf, sizeof(buf));

		assert_true(rc == 0 || rc == -EFAULT);
		failed += rc != 0;
		done += rc == 0;
	}
	atomic_store(&thief.stop, true);
	pthread_join(thread, NULL);
	assert_true(failed && done);
}

/* A file that never was as long as was said. */
static void test_shorter_than_said(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(memory_add_file(&rig->memory, 0, 1024 * PAGE, rig->fd, 0, true, 0), 0);
	assert_byte(rig, PAGES * PAGE - 1, PAGES);
	assert_unreadable(rig, PAGES * PAGE, 1);
	assert_not_whole(rig, PAGES * PAGE - 1, 2);
	assert_unreadable(rig, 1024 * PAGE - 1, 1);
}

static void test_punched(void **state)
{
	struct rig *rig = *state;
	const uint8_t byte = 0x42;

	assert_int_equal(memory_add_file(&rig->memory, 0, PAGES * PAGE, rig->fd, 0, true, 0), 0);
	assert_int_equal(
		fallocate(rig->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE), 0);
	assert_byte(rig, PAGE, 0);
	assert_byte(rig, 2 * PAGE - 1, 0);
	assert_byte(rig, 2 * PAGE, 3);
	assert_int_equal(memory_write(&rig->memory, PAGE, &byte, 1), 0);
	assert_int_equal(file_byte(rig, PAGE), 0x42);
}

static void assert_read_only(struct rig *rig)
{
	const uint8_t byte = 0x99;

	assert_byte(rig, 0, 1);
	assert_int_equal(memory_write(&rig->memory, 0, &byte, 1), -EFAULT);
	assert_int_equal(file_byte(rig, 0), 1);
	assert_false(memory_find(&rig->memory, 0)->writable);
}

static void test_read_only_fd(void **state)
{
	struct rig *rig = *state;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", rig->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(memory_add_file(&rig->memory, 0, PAGE, fd, 0, true, 0), -EACCES);
	assert_int_equal(memory_add_file(&rig->memory, 0, PAGE, fd, 0, false, 0), 0);
	close(fd); /* stays the caller's, and is not needed */
	assert_read_only(rig);
}

static void test_sealed_fd(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(fcntl(rig->fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	assert_int_equal(add_page(rig, 0, 0), -EPERM);
	assert_int_equal(memory_add_file(&rig->memory, 0, PAGE, rig->fd, 0, false, 0), 0);
	assert_read_only(rig);
}

/* Asked for as read-only through a descriptor that could write. */
static void test_read_only_by_wish(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(memory_add_file(&rig->memory, 0, PAGE, rig->fd, 0, false, 0), 0);
	assert_read_only(rig);
}

/* ---- memory of another process -------------------------------------------------------------- */

struct child {
	pid_t pid;
	int mem_fd;
	uint8_t *shared;     /* PAGES pages, each byte of page i being i + 1; ours too */
	uint8_t *guard_page; /* no access in the child */
};

static void child_start(struct child *child)
{
	char path[32];

	child->shared = mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(child->shared, MAP_FAILED);
	for (int i = 0; i < PAGES; i++)
		memset(child->shared + (size_t)i * PAGE, i + 1, PAGE);
	child->guard_page = child->shared + (size_t)PAGES * PAGE;
	munmap(child->guard_page, PAGE);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)child->pid);
	child->mem_fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(child->mem_fd >= 0);
}

static void child_end(struct child *child)
{
	int status;

	assert_int_equal(kill(child->pid, SIGKILL), 0);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	child->pid = 0;
}

static void child_fini(struct child *child)
{
	if (child->pid)
		child_end(child);
	munmap(child->shared, PAGES * PAGE);
}

static bool fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_process(void **state)
{
	struct rig *rig = *state;
	struct child child;
	uint8_t buf[2] = { 0x55, 0x66 };
	uint64_t hva;

	child_start(&child);
	hva = (uintptr_t)child.shared;
	assert_int_equal(memory_add_process(&rig->memory, 0, PAGES * PAGE, child.mem_fd, hva), 0);
	assert_int_equal(memory_find(&rig->memory, 0)->vmm_hva, hva);
	assert_byte(rig, 0, 1);
	assert_byte(rig, PAGES * PAGE - 1, PAGES);
	assert_not_whole(rig, PAGES * PAGE - 1, 2);
	assert_int_equal(memory_write(&rig->memory, PAGE - 1, buf, 2), 0);
	assert_int_equal(child.shared[PAGE - 2], 1);
	assert_int_equal(child.shared[PAGE - 1], 0x55);
	assert_int_equal(child.shared[PAGE], 0x66);
	child_end(&child);
	assert_unreadable(rig, 0, 1);
	assert_int_equal(child.shared[0], 1);
	assert_int_equal(memory_remove(&rig->memory, 0), 0);
	assert_false(fd_is_open(child.mem_fd));
	child_fini(&child);
}

/* The child's page and one of ours side by side. */
static void test_process_beside_file(void **state)
{
	struct rig *rig = *state;
	struct child child;
	uint8_t buf[2];

	child_start(&child);
	assert_int_equal(memory_add_process(&rig->memory, 0, PAGE, child.mem_fd,
				 (uintptr_t)child.shared + PAGE),
		0);
	assert_int_equal(add_page(rig, PAGE, 3), 0);
	assert_int_equal(memory_read(&rig->memory, PAGE - 1, buf, 2), 0);
	assert_memory_equal(buf, "\2\4", 2);
	child_end(&child);
	assert_not_whole(rig, PAGE - 1, 2);
	assert_byte(rig, PAGE, 4);
	child_fini(&child);
}

/* Where the child has nothing, and where nobody can have anything. */
static void test_process_lies(void **state)
{
	static const uint64_t nowhere[] = { 0, UINT64_MAX - PAGE + 1, UINT64_MAX - 1,
		UINT64_C(1) << 63, INT64_MAX };
	struct rig *rig = *state;
	struct child child;

	child_start(&child);
	for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		assert_int_equal(memory_add_process(
					 &rig->memory, 0, 2 * PAGE, dup(child.mem_fd), nowhere[i]),
			0);
		assert_unreadable(rig, 0, 8);
		assert_int_equal(memory_remove(&rig->memory, 0), 0);
	}
	assert_int_equal(memory_add_process(&rig->memory, 0, (PAGES + 1) * PAGE, child.mem_fd,
				 (uintptr_t)child.shared),
		0);
	assert_byte(rig, PAGES * PAGE - 1, PAGES);
	child_fini(&child);
}

/* It takes the descriptor, also when it fails. */
static void test_process_fd(void **state)
{
	struct rig *rig = *state;
	int first = open("/proc/self/mem", O_RDWR | O_CLOEXEC), second = dup(first),
	    third = dup(first), others = dup(first);

	assert_int_equal(memory_add_process(&rig->memory, 0, PAGE, first, 0), 0);
	assert_int_equal(memory_add_process(&rig->memory, 0, PAGE, second, 0), -EEXIST);
	assert_int_equal(memory_add_process(&rig->memory, PAGE, 0, third, 0), -EINVAL);
	assert_true(fd_is_open(first));
	assert_false(fd_is_open(second));
	assert_false(fd_is_open(third));
	memory_fini(&rig->memory);
	assert_false(fd_is_open(first));
	assert_true(fd_is_open(others));
	close(others);
}

/* What the memo of pages knows is told until we write, or it is closed; the rest is read. */
static void test_recall(void **state)
{
	static struct page_memo pages;
	struct rig *rig = *state;
	uint8_t bytes[3 * PAGE], other = 0x99;

	assert_int_equal(add_page(rig, 0, 0), 0);
	assert_int_equal(add_page(rig, PAGE, 1), 0);
	assert_int_equal(memory_recall(&rig->memory, PAGE - 8, bytes, 16), 16);
	rig->memory.pages = &pages;
	page_memo_open(&pages);
	assert_int_equal(memory_recall(&rig->memory, PAGE - 8, bytes, 16), 16);
	assert_int_equal(bytes[0], file_byte(rig, PAGE - 8));
	assert_int_equal(bytes[15], file_byte(rig, PAGE + 7));
	assert_int_equal(pages.count, 2);
	assert_int_equal(pwrite(rig->fd, &other, 1, PAGE), 1);
	assert_int_equal(memory_recall(&rig->memory, PAGE, bytes, 1), 1);
	assert_int_not_equal(bytes[0], other);
	assert_int_equal(memory_write(&rig->memory, 0, &other, 1), 0);
	assert_int_equal(memory_recall(&rig->memory, 0, bytes, PAGE + 1), PAGE + 1);
	assert_true(bytes[0] == other && bytes[PAGE] == other);
	assert_int_equal(memory_recall(&rig->memory, PAGE, bytes, sizeof(bytes)), PAGE);
	assert_int_equal(memory_recall(&rig->memory, 2 * PAGE, bytes, 1), 0);
	assert_int_equal(memory_recall(&rig->memory, UINT64_MAX, bytes, 2), 0);
	page_memo_close(&pages);
	assert_int_equal(pwrite(rig->fd, bytes + 1, 1, PAGE), 1);
	assert_int_equal(memory_recall(&rig->memory, PAGE, bytes, 1), 1);
	assert_int_not_equal(bytes[0], other);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* ---- aliases ----------------------------------------------------------------------------- */

static unsigned aliases_of(struct rig *rig, gpa_t gpa, gpa_t *found)
{
	unsigned iterator = 0, count = 0;

	while (memory_next_alias(&rig->memory, gpa, &iterator, &found[count]))
		count++;
	return count;
}

static void test_aliases(void **state)
{
	struct rig *rig = *state;
	gpa_t found[8];

	assert_int_equal(
		memory_add_file(&rig->memory, 0x10000, 4 * PAGE, rig->fd, 0, true, 0x700000), 0);
	assert_false(rig->memory.has_aliases);
	assert_int_equal(aliases_of(rig, 0x10010, found), 1);
	assert_int_equal(found[0], 0x10010);
	/* By what the VMM says of its own address space, and by the file. */
	assert_int_equal(
		memory_add_process(&rig->memory, 0x40000, PAGE, dup(rig->fd), 0x700000 + PAGE), 0);
	assert_int_equal(memory_add_file(&rig->memory, 0, PAGE, rig->fd, PAGE, false, 0x900000), 0);
	assert_int_equal(
		memory_add_process(&rig->memory, 0x50000, PAGE, dup(rig->fd), 0xa00000), 0);
	assert_true(rig->memory.has_aliases);
	assert_int_equal(aliases_of(rig, 0x10000 + PAGE + 5, found), 3);
	assert_int_equal(found[0], 5);
	assert_int_equal(found[1], 0x10000 + PAGE + 5);
	assert_int_equal(found[2], 0x40005);
	/* The lowest that can be written stands for all. */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(memory_home(&rig->memory, found[i]), 0x10000 + PAGE + 5);
	assert_int_equal(aliases_of(rig, 0x10005, found), 1);
	assert_int_equal(aliases_of(rig, 0x50005, found), 1);
	assert_int_equal(memory_home(&rig->memory, 0x90000), 0x90000);
	assert_int_equal(aliases_of(rig, 0x90000, found), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_adjacent_regions),
		TEST(test_holes),
		TEST(test_find),
		TEST(test_overlap),
		TEST(test_bad_regions),
		TEST(test_end_of_address_space),
		TEST(test_limit),
		TEST(test_remove),
		TEST(test_physical),
		TEST(test_recall),
		TEST(test_truncated),
		TEST(test_taken_meanwhile),
		TEST(test_shorter_than_said),
		TEST(test_punched),
		TEST(test_read_only_fd),
		TEST(test_sealed_fd),
		TEST(test_read_only_by_wish),
		TEST(test_process),
		TEST(test_process_beside_file),
		TEST(test_process_lies),
		TEST(test_process_fd),
		TEST(test_aliases),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
