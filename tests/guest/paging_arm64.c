/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's page tables (Arm ARM D8.3):
 *
 *	KERNEL_OFFSET	devices by a 1 GiB block, the first GiB of RAM by 2 MiB blocks
 *	WINDOW_OFFSET	RAM by a 1 GiB block, not executable
 *	SMALL_ADDRESS	the first 2 MiB of RAM by 4 KiB pages, not executable
 *	USER_ADDRESS	TTBR0: the user program by 4 KiB pages; its code cannot be written, its data
 *			not executed
 */
#include <stdint.h>

#include "tests/guest/insn_arm64.h"
#include "tests/guest/layout_arm64.h"
#include "tests/guest/paging_arm64.h"

#define DESC_BLOCK    0x1ull
#define DESC_TABLE    0x3ull
#define DESC_PAGE     0x3ull
#define DESC_DEVICE   0x4ull /* AttrIndx 1 */
#define DESC_USER     0x40ull
#define DESC_RDONLY   0x80ull
#define DESC_SHARED   0x300ull
#define DESC_AF       0x400ull
#define DESC_NG       0x800ull
#define DESC_PXN      (1ull << 53)
#define DESC_UXN      (1ull << 54)

#define DESC_RAM      (DESC_AF | DESC_SHARED | DESC_UXN)

#define TABLE_ENTRIES 512
#define BLOCK_BYTES   0x200000ull
#define PAGE_BYTES    0x1000ull

struct page_table {
	uint64_t entries[TABLE_ENTRIES];
} __attribute__((aligned(4096)));

static struct page_table l0_kernel, l1_kernel, l2_kernel;
static struct page_table l1_window, l2_small, l3_small;
static struct page_table l0_user, l1_user, l2_user, l3_user;

extern const uint64_t paging_user_gpa, paging_user_data, paging_user_end;

static uint64_t paging_gpa(const struct page_table *table)
{
	return (uintptr_t)table - KERNEL_OFFSET;
}

static unsigned paging_index(uint64_t address, unsigned level)
{
	return address >> (12 + 9 * (3 - level)) & (TABLE_ENTRIES - 1);
}

static void paging_link(
	struct page_table *table, uint64_t address, unsigned level, const struct page_table *next)
{
	table->entries[paging_index(address, level)] = paging_gpa(next) | DESC_TABLE;
}

static void paging_init_kernel(void)
{
	paging_link(&l0_kernel, KERNEL_OFFSET, 0, &l1_kernel);
	l1_kernel.entries[0] = DESC_BLOCK | DESC_AF | DESC_DEVICE | DESC_PXN | DESC_UXN;
	paging_link(&l1_kernel, KERNEL_OFFSET + RAM_GPA, 1, &l2_kernel);
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		l2_kernel.entries[i] = (RAM_GPA + i * BLOCK_BYTES) | DESC_BLOCK | DESC_RAM;
}

static void paging_init_window(void)
{
	uint64_t window = WINDOW_OFFSET + RAM_GPA;

	paging_link(&l0_kernel, window, 0, &l1_window);
	l1_window.entries[paging_index(window, 1)] = RAM_GPA | DESC_BLOCK | DESC_RAM | DESC_PXN;
	paging_link(&l1_window, SMALL_ADDRESS, 1, &l2_small);
	paging_link(&l2_small, SMALL_ADDRESS, 2, &l3_small);
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		l3_small.entries[i] = (RAM_GPA + i * PAGE_BYTES) | DESC_PAGE | DESC_RAM | DESC_PXN;
}

static void paging_init_user(void)
{
	uint64_t page = DESC_PAGE | DESC_AF | DESC_SHARED | DESC_NG | DESC_USER | DESC_PXN;
	uint64_t gpa = paging_user_gpa;

	paging_link(&l0_user, USER_ADDRESS, 0, &l1_user);
	paging_link(&l1_user, USER_ADDRESS, 1, &l2_user);
	paging_link(&l2_user, USER_ADDRESS, 2, &l3_user);
	for (uint64_t address = USER_ADDRESS; address < paging_user_end;
		address += PAGE_BYTES, gpa += PAGE_BYTES) {
		uint64_t rights = address < paging_user_data ? DESC_RDONLY : DESC_UXN;

		l3_user.entries[paging_index(address, 3)] = gpa | page | rights;
	}
}

void paging_init(void)
{
	paging_init_kernel();
	paging_init_window();
	paging_init_user();
}

void paging_load(void)
{
	__asm__ volatile("dsb ish" : : : "memory");
	write_sysreg(ttbr1_el1, paging_gpa(&l0_kernel));
	write_sysreg(ttbr0_el1, paging_gpa(&l0_user));
	__asm__ volatile("tlbi vmalle1; dsb nsh; isb" : : : "memory");
}
