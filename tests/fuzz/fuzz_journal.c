/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal that somebody else has made: a byte of what the file is like, a header's worth of changes,
 * then rows of {slot, its content}; opened, read through, and written on.  Whatever is in it, an entry is
 * whole, the walk ends, and what is added is found again until it is removed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TRUE_HEADER = 1, SEALED = 2, SHORT = 4, LONG = 8, READ_ONLY = 16, HEADER = 16 };

struct row {
	uint16_t slot;
	struct journal_slot content;
};

static struct journal_page page;

static void page_make(unsigned kind, const uint8_t *data, size_t size)
{
	struct row row;

	memset(&page, 0, sizeof(page));
	page.magic = JOURNAL_MAGIC;
	page.version = JOURNAL_VERSION;
	page.slot_count = JOURNAL_SLOTS;
	if (!(kind & TRUE_HEADER) && size >= HEADER)
		memcpy(&page, data, HEADER);
	for (size_t at = HEADER; at + sizeof(row) <= size; at += sizeof(row)) {
		memcpy(&row, data + at, sizeof(row));
		page.slots[row.slot % JOURNAL_SLOTS] = row.content;
	}
}

static int file_make(unsigned kind)
{
	int fd = memfd_create("fuzz", MFD_ALLOW_SEALING), read_fd = -1;
	char path[32];

	if (fd < 0 || write(fd, &page, sizeof(page)) != (ssize_t)sizeof(page) ||
		ftruncate(fd, (off_t)sizeof(page) + (kind & LONG ? 4096 : 0) - !!(kind & SHORT)) <
			0)
		abort();
	if (kind & SEALED)
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (kind & READ_ONLY) {
		read_fd = open(path, O_RDONLY);
		close(fd);
	}
	return kind & READ_ONLY ? read_fd : fd;
}

static unsigned walk(const struct journal *journal)
{
	struct journal_entry entry;
	unsigned iterator = 0, count = 0;
	int last = -1;

	while (journal_next(journal, &iterator, &entry)) {
		if (entry.slot <= last || entry.slot >= JOURNAL_SLOTS || entry.length == 0 ||
			entry.length > JOURNAL_MAX_LENGTH)
			abort();
		last = entry.slot;
		count++;
	}
	return count;
}

static void write_on(struct journal *journal, const uint8_t *data, size_t size)
{
	unsigned before = walk(journal);
	int slot = journal_add(journal, size, "abcd", "efgh", size > 1 ? data[1] : 1);

	if (slot < 0)
		return;
	if (walk(journal) != before + 1)
		abort();
	journal_remove(journal, slot);
	if (walk(journal) != before)
		abort();
	journal_remove(journal, size > 2 ? (int)data[2] << 24 : -1); /* no slot: nothing happens */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = size ? data[0] : 0;
	struct journal journal;
	int fd, rc;

	page_make(kind, data, size);
	fd = file_make(kind);
	rc = journal_open(fd, &journal);
	if (rc == 0 && (!(kind & SEALED) || (kind & (SHORT | LONG)) == SHORT ||
			       journal.page->magic != JOURNAL_MAGIC))
		abort();
	if (rc == 0 && !(kind & READ_ONLY))
		write_on(&journal, data, size);
	if (rc == 0 && walk(&journal) != journal_count(&journal))
		abort();
	journal_close(&journal);
	close(fd);
	return 0;
}
