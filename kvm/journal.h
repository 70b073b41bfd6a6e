/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of one VM: what the daemon has planted in guest memory, in a memfd that the daemon
 * shares with the lender, so that whoever is left alive can take it back.  Knows neither guest
 * memory nor breakpoints.  The layout is specified in protocol/HANDOVER.md.
 *
 * Only the daemon writes.  The order that makes it right at every instruction of the writer, which may
 * be killed at any of them:
 *
 *	plant:   fill a free slot; mark it live (release); plant the bytes in the guest
 *	unplant: restore the bytes in the guest; mark the slot free (release)
 *
 * So a live slot means "these bytes may be planted", never the other way round: bytes that are
 * planted are always in a live slot.  The reader compares before it restores, and a slot whose bytes were
 * not planted yet, or are restored already, does no harm.  A slot is filled only while it is free, and its
 * state is one aligned word, so no reader sees half a slot.
 */
#ifndef KVM_JOURNAL_H
#define KVM_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "kvm/address.h"

#define JOURNAL_MAGIC UINT64_C(0x4c4e524a50424447) /* "GDBPJRNL" in memory */

enum {
	JOURNAL_VERSION = 1,
	JOURNAL_SLOTS = 4096,
	JOURNAL_MAX_LENGTH = 4, /* of one planted instruction */
};

enum journal_state {
	JOURNAL_FREE = 0,
	JOURNAL_LIVE = 1,
};

/* As it lies in the memfd. */
struct journal_slot {
	uint64_t gpa;
	uint8_t original[JOURNAL_MAX_LENGTH];
	uint8_t planted[JOURNAL_MAX_LENGTH];
	uint32_t length; /* 1 to JOURNAL_MAX_LENGTH */
	uint32_t state;  /* enum journal_state; written last, read first */
};

struct journal_page {
	uint64_t magic;
	uint32_t version;
	uint32_t slot_count;
	uint8_t reserved[48];
	struct journal_slot slots[JOURNAL_SLOTS];
};

/* One process's mapping of it. */
struct journal {
	int fd;                    /* the maker's; -1 when opened */
	struct journal_page *page; /* NULL when closed */
};

#define JOURNAL_CLOSED ((struct journal){ .fd = -1 })

/* Makes an empty journal, sealed so that it keeps its size, and kept to oneself.  0 or -errno. */
int journal_create(struct journal *journal);

/*
 * Returns a new fd, the caller's, through which the journal can be read and not written: what a
 * lender gets.  Or -errno.
 */
int journal_share(const struct journal *journal);

/*
 * Maps a journal from its fd: for writing too if the fd is open for that (within the daemon), else for
 * reading (a lender).  fd stays the caller's and is not needed afterwards.  -EPROTO when it is not a
 * sealed memfd of the right size with the right header.
 */
int journal_open(int fd, struct journal *journal);

/*
 * A child forked from now on has no mapping of it, so page means nothing there: it opens what it is for by the fd.
 * 0 or -errno of madvise(2).
 */
int journal_keep_to_oneself(const struct journal *journal);

/* Unmaps and closes; safe on a closed one. */
void journal_close(struct journal *journal);

/*
 * Enters that length bytes at gpa are about to be replaced.  Returns the slot (>= 0), -ENOSPC,
 * or -EINVAL for a bad length.  Call before planting.
 */
int journal_add(struct journal *journal, gpa_t gpa, const void *original, const void *planted,
	unsigned length);

/* Frees a slot returned by journal_add().  Call after restoring. */
void journal_remove(struct journal *journal, int slot);

/* Number of live slots. */
unsigned journal_count(const struct journal *journal);

struct journal_entry {
	int slot;
	gpa_t gpa;
	unsigned length; /* checked: 1 to JOURNAL_MAX_LENGTH */
	uint8_t original[JOURNAL_MAX_LENGTH];
	uint8_t planted[JOURNAL_MAX_LENGTH];
};

/*
 * Copies the next live entry at or after slot *iterator (start with 0) and moves it on.  False when
 * there is no more.  The content is as trustworthy as whoever made the journal: gpa is unchecked.
 */
bool journal_next(const struct journal *journal, unsigned *iterator, struct journal_entry *entry);

#endif
