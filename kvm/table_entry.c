/* SPDX-License-Identifier: Apache-2.0 */
/* The words for bits: see table_entry.h. */
#include "kvm/table_entry.h"

#include <stdio.h>
#include <string.h>

void table_entry_put_bits(
	uint64_t entry, const struct table_entry_bit *bits, unsigned count, char *text, size_t size)
{
	for (unsigned i = 0; i < count; i++) {
		const char *word = entry >> bits[i].bit & 1 ? bits[i].set : bits[i].clear;
		size_t length = strlen(text);

		if (word)
			snprintf(text + length, size - length, " %s", word);
	}
}
