/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's page tables (Intel SDM volume 3, 4.5):
 *
 *	KERNEL_OFFSET	1 GiB of physical memory, 2 MiB pages, global
 *	WINDOW_OFFSET	the same by one 1 GiB page where the CPU has them, else by 2 MiB pages
 *	APIC_ADDRESS	the local APIC, one 4 KiB page, not cached
 *	USER_ADDRESS	the user program, 4 KiB pages; its code cannot be written, its data not executed
 */
#include <stdbool.h>
#include <stdint.h>

#include "tests/guest/insn_x86_64.h"
#include "tests/guest/layout_x86_64.h"
#include "tests/guest/paging_x86_64.h"

#define PAGE_PRESENT  0x1ull
#define PAGE_WRITE    0x2ull
#define PAGE_USER     0x4ull
#define PAGE_NOCACHE  0x18ull
#define PAGE_LARGE    0x80ull
#define PAGE_GLOBAL   0x100ull
#define PAGE_NX       0x8000000000000000ull

#define PAGE_TABLE    (PAGE_PRESENT | PAGE_WRITE)
#define PAGE_KERNEL   (PAGE_PRESENT | PAGE_WRITE | PAGE_GLOBAL)

#define TABLE_ENTRIES 512
#define LARGE_BYTES   0x200000ull
#define SMALL_BYTES   0x1000ull

struct page_table {
	uint64_t entries[TABLE_ENTRIES];
} __attribute__((aligned(4096)));

static struct page_table pml4, pdpt_kernel, pdpt_window, pdpt_user;
static struct page_table pd_kernel, pd_apic, pd_user;
static struct page_table pt_apic, pt_user;

extern char kernel_end_gpa[], user_data_start[], user_end[];

static uint64_t paging_gpa(const struct page_table *table)
{
	return (uintptr_t)table - KERNEL_OFFSET;
}

static unsigned paging_index(uint64_t address, unsigned level)
{
	return address >> (12 + 9 * (level - 1)) & (TABLE_ENTRIES - 1);
}

static bool paging_has_1g(void)
{
	uint32_t regs[4];

	read_cpuid(0x80000001, regs);
	return regs[3] >> 26 & 1;
}

static void paging_init_kernel(void)
{
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		pd_kernel.entries[i] = i * LARGE_BYTES | PAGE_KERNEL | PAGE_LARGE;
	pml4.entries[paging_index(KERNEL_OFFSET, 4)] = paging_gpa(&pdpt_kernel) | PAGE_TABLE;
	pdpt_kernel.entries[paging_index(KERNEL_OFFSET, 3)] = paging_gpa(&pd_kernel) | PAGE_TABLE;

	pdpt_kernel.entries[paging_index(APIC_ADDRESS, 3)] = paging_gpa(&pd_apic) | PAGE_TABLE;
	pd_apic.entries[paging_index(APIC_ADDRESS, 2)] = paging_gpa(&pt_apic) | PAGE_TABLE;
	pt_apic.entries[paging_index(APIC_ADDRESS, 1)] =
		APIC_GPA | PAGE_KERNEL | PAGE_NOCACHE | PAGE_NX;
}

static void paging_init_window(void)
{
	uint64_t entry = PAGE_KERNEL | PAGE_LARGE | PAGE_NX;

	if (!paging_has_1g())
		entry = paging_gpa(&pd_kernel) | PAGE_TABLE | PAGE_NX;
	pml4.entries[paging_index(WINDOW_OFFSET, 4)] = paging_gpa(&pdpt_window) | PAGE_TABLE;
	pdpt_window.entries[paging_index(WINDOW_OFFSET, 3)] = entry;
}

static void paging_init_user(void)
{
	uint64_t gpa = (uintptr_t)kernel_end_gpa;

	pml4.entries[paging_index(USER_ADDRESS, 4)] =
		paging_gpa(&pdpt_user) | PAGE_TABLE | PAGE_USER;
	pdpt_user.entries[paging_index(USER_ADDRESS, 3)] =
		paging_gpa(&pd_user) | PAGE_TABLE | PAGE_USER;
	pd_user.entries[paging_index(USER_ADDRESS, 2)] =
		paging_gpa(&pt_user) | PAGE_TABLE | PAGE_USER;
	for (uint64_t address = USER_ADDRESS; address < (uintptr_t)user_end;
		address += SMALL_BYTES, gpa += SMALL_BYTES) {
		uint64_t rights = address < (uintptr_t)user_data_start ? 0 : PAGE_WRITE | PAGE_NX;

		pt_user.entries[paging_index(address, 1)] = gpa | PAGE_PRESENT | PAGE_USER | rights;
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
	write_cr3(paging_gpa(&pml4));
}
