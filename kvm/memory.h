/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest-physical memory: the regions that a VMM has handed over, and the one checked way into them.
 *
 * Every access goes through a /proc/PID/mem file, ours for memory that we have mapped, the VMM's for
 * memory that only it has.  So a VMM that truncates, punches or unmaps what it lent costs an
 * error (EIO or EFAULT), never a SIGBUS; and on arm64 the kernel keeps instruction fetch coherent
 * with a write into an executable mapping (copy_to_user_page(), flush_ptrace_access() in
 * arch/arm64/mm/flush.c).
 */
#ifndef KVM_MEMORY_H
#define KVM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include "kvm/address.h"
#include "kvm/page_memo.h"
#include "kvm/paging.h"

enum { MEMORY_MAX_REGIONS = 128, MEMORY_PAGE = 4096 };

struct memory_region {
	gpa_t gpa;
	uint64_t size;
	uint64_t hva;  /* where it begins in the address space behind mem_fd */
	int mem_fd;    /* borrowed from struct memory for our own mappings, else owned */
	void *mapping; /* ours, or NULL */
	bool writable; /* by us; a guess where there is no mapping of ours */
	uint64_t
		vmm_hva; /* where the VMM has it, 0: unknown; for CHANNEL_SYNC_CODE, and it tells aliases */

	/* What it is backed by, which tells aliases too; inode 0: not by a file. */
	uint64_t device, inode, offset;
};

struct memory {
	int self_fd;             /* /proc/self/mem */
	struct page_memo *pages; /* what memory_recall() may know of; borrowed, or NULL */
	bool has_aliases;        /* a VMM has lent the same memory at two addresses */
	unsigned count;
	struct memory_region regions[MEMORY_MAX_REGIONS]; /* by rising gpa */
};

/* 0 or -errno of opening /proc/self/mem.  To be called in the process that will use it. */
int memory_init(struct memory *memory);
void memory_fini(struct memory *memory);

/*
 * Adds a region backed by fd (which stays the caller's) from offset on, writable or not.  -EEXIST it
 * overlaps, -ENOSPC too many, -EINVAL it is empty or passes the end of the address space, -errno of
 * mmap().
 */
int memory_add_file(struct memory *memory, gpa_t gpa, uint64_t size, int fd, uint64_t offset,
	bool writable, uint64_t vmm_hva);

/* The same for memory that only the VMM can reach, at vmm_hva; takes mem_fd (/proc/PID/mem). */
int memory_add_process(
	struct memory *memory, gpa_t gpa, uint64_t size, int mem_fd, uint64_t vmm_hva);

/* Removes the region that begins at gpa.  -ENOENT. */
int memory_remove(struct memory *memory, gpa_t gpa);

/*
 * length bytes at gpa, whole: 0, or -EFAULT (a hole, a device, read-only, taken away by the VMM, past
 * the end of the address space).  What a write that failed has written before stays.
 */
int memory_read(const struct memory *memory, gpa_t gpa, void *buf, size_t length);
int memory_write(const struct memory *memory, gpa_t gpa, const void *buf, size_t length);

/* Reads as much of it as is there in one piece from gpa on: how much that is. */
size_t memory_read_prefix(const struct memory *memory, gpa_t gpa, void *buf, size_t length);

/* The same, of what was read a moment ago where the memo of pages is open. */
size_t memory_recall(const struct memory *memory, gpa_t gpa, void *buf, size_t length);

/*
 * Whether memory_write() would succeed: 0; -ENXIO a hole or a device is in it; -EROFS the VMM gave it
 * for reading only; -EFAULT it was taken away.
 */
int memory_check_write(const struct memory *memory, gpa_t gpa, size_t length);

/* The region around gpa, or NULL. */
const struct memory_region *memory_find(const struct memory *memory, gpa_t gpa);

/*
 * The same memory may be there at several addresses: firmware below 1 MiB and below 4 GiB, say.  Every one of a
 * byte, gpa among them, one after the other: *iterator begins at 0.  False: that was all.
 */
bool memory_next_alias(const struct memory *memory, gpa_t gpa, unsigned *iterator, gpa_t *alias);

/* The one of them that stands for all: the lowest that can be written, else the lowest.  gpa where nothing is. */
gpa_t memory_home(const struct memory *memory, gpa_t gpa);

/* memory_recall() as the page walkers want it; memory must outlive the result. */
struct physical memory_physical(struct memory *memory);

#endif
