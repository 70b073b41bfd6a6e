/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of planted bytes: see the header for the order of writes that everything rests on. */
#include "kvm/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct journal_slot) == 24, "journal slot");
_Static_assert(sizeof(struct journal_page) == 64 + JOURNAL_SLOTS * 24, "journal page");

enum { KEEPS_SIZE = F_SEAL_SHRINK | F_SEAL_GROW };

/* ---- life -------------------------------------------------------------------------------- */

/* syscalls(main, worker): mmap */
static int journal_map(struct journal *journal, int fd, int protection)
{
	void *page = mmap(NULL, sizeof(*journal->page), protection, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	journal->page = page;
	return 0;
}

/* Of a fixed size, and not to be opened for writing by another user through /proc. */
/* syscalls(main): fcntl fchmod */
static int journal_protect(int fd)
{
	if (fcntl(fd, F_ADD_SEALS, KEEPS_SIZE | F_SEAL_SEAL) < 0 || fchmod(fd, S_IRUSR) < 0)
		return -errno;
	return 0;
}

static void page_init(struct journal_page *page)
{
	page->version = JOURNAL_VERSION;
	page->slot_count = JOURNAL_SLOTS;
	page->magic = JOURNAL_MAGIC;
}

/* syscalls(main): madvise */
int journal_keep_to_oneself(const struct journal *journal)
{
	return madvise(journal->page, sizeof(*journal->page), MADV_DONTFORK) < 0 ? -errno : 0;
}

/* syscalls(main): memfd_create ftruncate */
int journal_create(struct journal *journal)
{
	int rc;

	*journal = JOURNAL_CLOSED;
	journal->fd = memfd_create("gdbproxy-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (journal->fd < 0)
		return -errno;
	rc = ftruncate(journal->fd, sizeof(*journal->page)) < 0 ? -errno : 0;
	if (rc == 0)
		rc = journal_map(journal, journal->fd, PROT_READ | PROT_WRITE);
	if (rc == 0)
		rc = journal_keep_to_oneself(journal);
	if (rc == 0)
		rc = journal_protect(journal->fd);
	if (rc < 0)
		journal_close(journal);
	else
		page_init(journal->page);
	return rc;
}

/* syscalls(main): open */
int journal_share(const struct journal *journal)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", journal->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool page_valid(const struct journal_page *page)
{
	return page->magic == JOURNAL_MAGIC && page->version == JOURNAL_VERSION &&
	       page->slot_count == JOURNAL_SLOTS;
}

/* syscalls(main): fcntl fstat */
int journal_open(int fd, struct journal *journal)
{
	int seals = fcntl(fd, F_GET_SEALS), flags = fcntl(fd, F_GETFL);
	bool writable = (flags & O_ACCMODE) == O_RDWR;
	struct stat st;
	int rc;

	*journal = JOURNAL_CLOSED;
	if (seals < 0 || flags < 0 || (seals & KEEPS_SIZE) != KEEPS_SIZE || fstat(fd, &st) < 0 ||
		st.st_size < (off_t)sizeof(*journal->page))
		return -EPROTO;
	rc = journal_map(journal, fd, writable ? PROT_READ | PROT_WRITE : PROT_READ);
	if (rc == 0 && !page_valid(journal->page)) {
		journal_close(journal);
		rc = -EPROTO;
	}
	return rc;
}

/* syscalls(main, worker): munmap */
void journal_close(struct journal *journal)
{
	if (journal->page)
		munmap(journal->page, sizeof(*journal->page));
	if (journal->fd >= 0)
		close(journal->fd);
	*journal = JOURNAL_CLOSED;
}

/* ---- writing ----------------------------------------------------------------------------- */

static uint32_t slot_state(const struct journal_slot *slot)
{
	return __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
}

static void slot_set_state(struct journal_slot *slot, enum journal_state state)
{
	__atomic_store_n(&slot->state, (uint32_t)state, __ATOMIC_RELEASE);
	/* The guest's bytes are written next: they too must not come before the state. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int journal_add(struct journal *journal, gpa_t gpa, const void *original, const void *planted,
	unsigned length)
{
	if (length == 0 || length > JOURNAL_MAX_LENGTH)
		return -EINVAL;
	for (int i = 0; i < JOURNAL_SLOTS; i++) {
		struct journal_slot *slot = &journal->page->slots[i];

		if (slot_state(slot) != JOURNAL_FREE)
			continue;
		slot->gpa = gpa;
		slot->length = length;
		memcpy(slot->original, original, length);
		memcpy(slot->planted, planted, length);
		slot_set_state(slot, JOURNAL_LIVE);
		return i;
	}
	return -ENOSPC;
}

void journal_remove(struct journal *journal, int slot)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (slot >= 0 && slot < JOURNAL_SLOTS)
		slot_set_state(&journal->page->slots[slot], JOURNAL_FREE);
}

/* ---- reading ----------------------------------------------------------------------------- */

bool journal_next(const struct journal *journal, unsigned *iterator, struct journal_entry *entry)
{
	while (*iterator < JOURNAL_SLOTS) {
		const struct journal_slot *slot = &journal->page->slots[*iterator];

		entry->slot = (int)(*iterator)++;
		if (slot_state(slot) != JOURNAL_LIVE)
			continue;
		entry->length = __atomic_load_n(&slot->length, __ATOMIC_RELAXED);
		if (entry->length == 0 || entry->length > JOURNAL_MAX_LENGTH)
			continue;
		entry->gpa = slot->gpa;
		memcpy(entry->original, slot->original, sizeof(entry->original));
		memcpy(entry->planted, slot->planted, sizeof(entry->planted));
		return true;
	}
	return false;
}

unsigned journal_count(const struct journal *journal)
{
	struct journal_entry entry;
	unsigned iterator = 0, count = 0;

	while (journal_next(journal, &iterator, &entry))
		count++;
	return count;
}
