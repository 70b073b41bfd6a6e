/* SPDX-License-Identifier: Apache-2.0 */
/* What the bits of a page table's entry say, in words: for people, never for decisions. */
#ifndef KVM_TABLE_ENTRY_H
#define KVM_TABLE_ENTRY_H

#include <stddef.h>
#include "kvm/paging.h"

/* One bit and its word: what it says when it is set, or (clear) when it is not; either may be NULL. */
struct table_entry_bit {
	uint8_t bit;
	const char *set, *clear;
};

/* Appends the words of the bits to text, each after a space. */
void table_entry_put_bits(uint64_t entry, const struct table_entry_bit *bits, unsigned count,
	char *text, size_t size);

/* As the members of struct arch. */
const char *table_entry_x86_64_name(const struct translation_step *step);
void table_entry_x86_64_describe(const struct translation_step *step, char *text, size_t size);
void table_entry_x86_64_letters(const struct translation_step *step, char letters[10]);
const char *table_entry_arm64_name(const struct translation_step *step);
void table_entry_arm64_describe(const struct translation_step *step, char *text, size_t size);
void table_entry_arm64_letters(const struct translation_step *step, char letters[10]);

#endif
