/* SPDX-License-Identifier: Apache-2.0 */
/* x86 page table entries in words (SDM volume 3, 4.3 to 4.5). */
#include <stdio.h>
#include "kvm/table_entry.h"

#define BIT(n)          (UINT64_C(1) << (n))
#define ENTRIES(array)  (sizeof(array) / sizeof((array)[0]))

#define ENTRY_PRESENT   BIT(0)
#define ENTRY_PAGE_SIZE BIT(7)

enum { LEVEL_PTE = 1, LEVEL_PDPTE = 3 };

static const struct table_entry_bit every_bits[] = {
	{ 1, "writable", "read-only" },
	{ 2, "user", "supervisor" },
	{ 3, "PWT", NULL },
	{ 4, "PCD", NULL },
	{ 5, "accessed", NULL },
	{ 63, "NX", NULL },
};

static const struct table_entry_bit page_bits[] = {
	{ 6, "dirty", NULL },
	{ 8, "global", NULL },
};

static bool is_page(const struct translation_step *step)
{
	if (step->level == LEVEL_PTE)
		return true;
	return step->level <= LEVEL_PDPTE && (step->entry & ENTRY_PAGE_SIZE);
}

const char *table_entry_x86_64_name(const struct translation_step *step)
{
	static const char *const names[] = { "PTE", "PDE", "PDPTE", "PML4E", "PML5E" };

	return step->level >= 1 && step->level <= ENTRIES(names) ? names[step->level - 1] : "entry";
}

void table_entry_x86_64_describe(const struct translation_step *step, char *text, size_t size)
{
	if (!(step->entry & ENTRY_PRESENT)) {
		snprintf(text, size, "not present");
		return;
	}
	snprintf(text, size, "present%s",
		is_page(step) && step->level > LEVEL_PTE ? ", a page" : "");
	table_entry_put_bits(step->entry, every_bits, ENTRIES(every_bits), text, size);
	if (is_page(step))
		table_entry_put_bits(step->entry, page_bits, ENTRIES(page_bits), text, size);
}

/* QEMU's own order and letters (print_pte() of its x86 monitor): bit 63 down to bit 1. */
void table_entry_x86_64_letters(const struct translation_step *step, char letters[10])
{
	static const uint8_t bits[] = { 63, 8, 7, 6, 5, 4, 3, 2, 1 };

	for (unsigned i = 0; i < ENTRIES(bits); i++)
		letters[i] = step->entry >> bits[i] & 1 ? "XGPDACTUW"[i] : '-';
	letters[ENTRIES(bits)] = '\0';
	if (step->level == LEVEL_PTE)
		letters[2] = '-'; /* bit 7 is PAT here */
}
