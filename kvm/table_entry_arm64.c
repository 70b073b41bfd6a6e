/* SPDX-License-Identifier: Apache-2.0 */
/* arm64 stage 1 descriptors in words (Arm ARM, D8.3). */
#include <stdio.h>
#include <string.h>
#include "kvm/table_entry.h"

#define BIT(n)           (UINT64_C(1) << (n))
#define ENTRIES(array)   (sizeof(array) / sizeof((array)[0]))

#define ENTRY_VALID      BIT(0)
#define ENTRY_TABLE      BIT(1)
#define ENTRY_EL0        BIT(6)
#define ENTRY_READ_ONLY  BIT(7)
#define ENTRY_ACCESSED   BIT(10)
#define ENTRY_NOT_GLOBAL BIT(11)
#define ENTRY_DBM        BIT(51)
#define ENTRY_CONTIGUOUS BIT(52)
#define ENTRY_PXN        BIT(53)

enum { LAST_LEVEL = 4 }; /* level 3, as a step stores it */

static const struct table_entry_bit page_bits[] = {
	{ 7, "read-only", "writable" },
	{ 6, "EL0", "EL1-only" },
	{ 10, "accessed", NULL },
	{ 11, "nG", "global" },
	{ 51, "DBM", NULL },
	{ 52, "contiguous", NULL },
	{ 53, "PXN", NULL },
	{ 54, "UXN", NULL },
	{ 5, "NS", NULL },
};

static const struct table_entry_bit table_bits[] = {
	{ 59, "PXNTable", NULL },
	{ 60, "UXNTable", NULL },
	{ 61, "EL1-only", NULL },
	{ 62, "read-only", NULL },
	{ 63, "NSTable", NULL },
};

static bool is_block(const struct translation_step *step)
{
	return step->level < LAST_LEVEL && !(step->entry & ENTRY_TABLE);
}

const char *table_entry_arm64_name(const struct translation_step *step)
{
	static const char *const names[] = { "level -1", "level 0", "level 1", "level 2",
		"level 3" };

	return step->level < ENTRIES(names) ? names[step->level] : "entry";
}

static void describe_page(const struct translation_step *step, char *text, size_t size)
{
	static const char *const shareability[] = { "non-shareable", "SH=1", "outer-shareable",
		"inner-shareable" };
	size_t length;

	table_entry_put_bits(step->entry, page_bits, ENTRIES(page_bits), text, size);
	length = strlen(text);
	snprintf(text + length, size - length, " %s AttrIndx=%u",
		shareability[step->entry >> 8 & 3], (unsigned)(step->entry >> 2 & 7));
}

void table_entry_arm64_describe(const struct translation_step *step, char *text, size_t size)
{
	if (!(step->entry & ENTRY_VALID)) {
		snprintf(text, size, "not valid");
	} else if (step->level == LAST_LEVEL && !(step->entry & ENTRY_TABLE)) {
		snprintf(text, size, "reserved");
	} else if (step->level < LAST_LEVEL && !is_block(step)) {
		snprintf(text, size, "table");
		table_entry_put_bits(step->entry, table_bits, ENTRIES(table_bits), text, size);
	} else {
		snprintf(text, size, "%s", is_block(step) ? "block" : "page");
		describe_page(step, text, size);
	}
}

/* QEMU has none for arm64: the nearest that there is to x86's. */
void table_entry_arm64_letters(const struct translation_step *step, char letters[10])
{
	uint64_t entry = step->entry;
	const bool set[] = {
		entry & ENTRY_PXN,
		!(entry & ENTRY_NOT_GLOBAL),
		is_block(step),
		entry & ENTRY_DBM,
		entry & ENTRY_ACCESSED,
		entry & ENTRY_CONTIGUOUS,
		false,
		entry & ENTRY_EL0,
		!(entry & ENTRY_READ_ONLY),
	};

	for (unsigned i = 0; i < ENTRIES(set); i++)
		letters[i] = set[i] ? "XGPDACTUW"[i] : '-';
	letters[ENTRIES(set)] = '\0';
}
