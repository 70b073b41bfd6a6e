/* SPDX-License-Identifier: Apache-2.0 */
/* Page walks of the last moment: see walk_memo.h. */
#include "kvm/walk_memo.h"

enum { OFFSET = WALK_MEMO_PAGE - 1 };

void walk_memo_open(struct walk_memo *memo)
{
	memo->is_open = true;
	memo->count = 0;
}

void walk_memo_close(struct walk_memo *memo)
{
	memo->is_open = false;
}

void walk_memo_forget(struct walk_memo *memo)
{
	memo->count = 0;
}

bool walk_memo_find(
	const struct walk_memo *memo, unsigned vcpu, gva_t gva, struct translation *translation)
{
	unsigned kept = memo->count < WALK_MEMO_SIZE ? memo->count : WALK_MEMO_SIZE;

	for (unsigned i = 0; i < kept && memo->is_open; i++) {
		const struct walk_memo_entry *entry = &memo->entries[i];

		if (entry->vcpu != vcpu || entry->gva != (gva & ~(gva_t)OFFSET))
			continue;
		*translation = entry->translation;
		translation->gpa += gva & OFFSET;
		return true;
	}
	return false;
}

void walk_memo_add(
	struct walk_memo *memo, unsigned vcpu, gva_t gva, const struct translation *translation)
{
	struct walk_memo_entry *entry = &memo->entries[memo->count % WALK_MEMO_SIZE];

	if (!memo->is_open)
		return;
	*entry = (struct walk_memo_entry){
		.vcpu = vcpu, .gva = gva & ~(gva_t)OFFSET, .translation = *translation
	};
	entry->translation.gpa -= gva & OFFSET;
	memo->count++;
}
