/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory of the last moment: handling one report of one vCPU reads the same few pages over and over (the
 * upper tables of every walk, its code, its stack), a few bytes at a time, and each read is a system call.
 * Remembers only between open and close, which is within one such handling, and nothing that we have
 * written to since.
 */
#ifndef KVM_PAGE_MEMO_H
#define KVM_PAGE_MEMO_H

#include <stdbool.h>
#include <stdint.h>
#include "kvm/address.h"

enum { PAGE_MEMO_SIZE = 8, PAGE_MEMO_PAGE = 4096 };

struct page_memo_entry {
	gpa_t gpa;
	uint8_t bytes[PAGE_MEMO_PAGE];
};

struct page_memo {
	bool is_open;
	unsigned count; /* written since it was opened: the newest overwrite the oldest */
	struct page_memo_entry entries[PAGE_MEMO_SIZE];
};

void page_memo_open(struct page_memo *memo);
void page_memo_close(struct page_memo *memo);

/* Somebody has written to memory. */
void page_memo_forget(struct page_memo *memo);

/* The bytes of the page that begins at gpa, or NULL. */
const uint8_t *page_memo_find(const struct page_memo *memo, gpa_t gpa);

/* That page has been read. */
void page_memo_add(struct page_memo *memo, gpa_t gpa, const uint8_t *bytes);

#endif
