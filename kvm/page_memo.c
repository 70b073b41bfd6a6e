/* SPDX-License-Identifier: Apache-2.0 */
/* Guest memory of the last moment: see page_memo.h. */
#include <string.h>
#include "kvm/page_memo.h"

void page_memo_open(struct page_memo *memo)
{
	memo->is_open = true;
	memo->count = 0;
}

void page_memo_close(struct page_memo *memo)
{
	memo->is_open = false;
}

void page_memo_forget(struct page_memo *memo)
{
	memo->count = 0;
}

const uint8_t *page_memo_find(const struct page_memo *memo, gpa_t gpa)
{
	unsigned kept = memo->count < PAGE_MEMO_SIZE ? memo->count : PAGE_MEMO_SIZE;

	for (unsigned i = 0; i < kept && memo->is_open; i++)
		if (memo->entries[i].gpa == gpa)
			return memo->entries[i].bytes;
	return NULL;
}

void page_memo_add(struct page_memo *memo, gpa_t gpa, const uint8_t *bytes)
{
	struct page_memo_entry *entry = &memo->entries[memo->count % PAGE_MEMO_SIZE];

	if (!memo->is_open)
		return;
	entry->gpa = gpa;
	memcpy(entry->bytes, bytes, sizeof(entry->bytes));
	memo->count++;
}
