/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page walks of the last moment: handling one report of one vCPU asks for the same few pages again and
 * again (its code, its stack), and each walk is several reads of guest memory.  Remembers only between
 * open and close, which is within one such handling: another vCPU may change the tables at any time.
 */
#ifndef KVM_WALK_MEMO_H
#define KVM_WALK_MEMO_H

#include "kvm/paging.h"

enum { WALK_MEMO_SIZE = 8, WALK_MEMO_PAGE = 4096 };

struct walk_memo_entry {
	unsigned vcpu;
	struct translation translation; /* of the first byte of the page at gva */
	gva_t gva;
};

struct walk_memo {
	bool is_open;
	unsigned count; /* written since it was opened: the newest overwrite the oldest */
	struct walk_memo_entry entries[WALK_MEMO_SIZE];
};

void walk_memo_open(struct walk_memo *memo);
void walk_memo_close(struct walk_memo *memo);

/* Somebody has written to memory: it may have been a table. */
void walk_memo_forget(struct walk_memo *memo);

/* What is known of gva on that vCPU: true and *translation, as a walk would have it. */
bool walk_memo_find(
	const struct walk_memo *memo, unsigned vcpu, gva_t gva, struct translation *translation);

/* A walk has found gva to be mapped. */
void walk_memo_add(
	struct walk_memo *memo, unsigned vcpu, gva_t gva, const struct translation *translation);

#endif
