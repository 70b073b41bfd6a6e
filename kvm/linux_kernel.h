/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the Linux kernel of a guest: where its image runs, and how far KASLR has moved it.
 *
 *   linux_kernel.c         the search
 *   linux_kernel_*.c       what differs between the architectures (linux_arch.h)
 *   linux_image.c          the mapped image around an address in its text
 *   linux_probe.c          reads, counted
 *   vmcoreinfo.c           what the kernel says of itself
 *
 * The search begins at addresses that must be in the kernel's text: the target of SYSCALL (LSTAR) and
 * the interrupt gates on x86-64, the vectors (VBAR_EL1) on arm64, pc.  From there the image is
 * followed down to its first page and up to its last, and in it a pointer to vmcoreinfo is looked
 * for, which knows the offset best, and the banner "Linux version ...", without which nothing is
 * believed.  Where a user process runs on tables of its own (KPTI), the kernel's are derived from them
 * as the kernel derives them.  Last, vmcoreinfo is searched for in physical memory, page by page.
 *
 * Pure, and without trust in the guest: the work is bounded by LINUX_KERNEL_MAX_READS and
 * LINUX_KERNEL_MAX_BYTES whatever its memory holds, and a lie can only lead to a wrong answer.
 */
#ifndef KVM_LINUX_KERNEL_H
#define KVM_LINUX_KERNEL_H

#include "kvm/arch.h"

enum {
	LINUX_KERNEL_MAX_READS = 1 << 20, /* entries of page tables among them */
	LINUX_KERNEL_MAX_BYTES = 256 << 20,
	LINUX_KERNEL_BANNER_MAX = 255,
};

/* What there is to search: the guest's memory, and where it has some (by rising gpa). */
struct linux_kernel_region {
	gpa_t gpa;
	uint64_t size;
};

struct linux_kernel_reader {
	const struct arch *arch;
	struct physical memory;
	const struct linux_kernel_region *regions;
	unsigned region_count;
};

/* What led to the image. */
enum linux_kernel_clue {
	LINUX_KERNEL_LSTAR,
	LINUX_KERNEL_IDT,
	LINUX_KERNEL_VBAR,
	LINUX_KERNEL_PC,
	LINUX_KERNEL_PHYSICAL, /* vmcoreinfo, found in physical memory */
};

struct linux_kernel {
	enum linux_kernel_clue clue;
	bool has_vmcoreinfo; /* and it agrees with the image: the slide is from there */
	bool has_slide;
	uint64_t slide;                           /* run-time minus link-time addresses: gdb's -o */
	gva_t base;                               /* _text, where it runs */
	gpa_t physical;                           /* the same in guest-physical memory */
	char banner[LINUX_KERNEL_BANNER_MAX + 1]; /* "Linux version ...", one printable line */
};

/* Groups of registers that a search makes use of where they are valid, beyond CPU_STOP. */
uint32_t linux_kernel_groups(const struct arch *arch);

/*
 * Searches with the registers of these vCPUs in turn, CPU_STOP at least, then in the regions.  The bounds are for all of it.  0; -ENOENT no Linux kernel is found (it
 * may not have turned its paging on yet).
 */
int linux_kernel_find(const struct linux_kernel_reader *reader, const struct cpu *const *cpus,
	unsigned cpu_count, struct linux_kernel *out);

/* The method in words, such as "vmcoreinfo, by way of LSTAR". */
void linux_kernel_describe_method(const struct linux_kernel *kernel, char *text, size_t size);

#endif
