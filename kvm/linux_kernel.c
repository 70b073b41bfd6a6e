/* SPDX-License-Identifier: Apache-2.0 */
/* The search for a Linux kernel: see linux_kernel.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "kvm/linux_arch.h"

enum { PAGE = 4096 };

/* One search. */
struct search {
	const struct linux_arch *arch;
	struct linux_probe probe;
	struct linux_kernel *out;
};

static bool search_accept(
	struct search *search, enum linux_kernel_clue clue, const struct linux_image *image)
{
	struct linux_kernel *out = search->out;

	memset(out, 0, sizeof(*out));
	out->clue = clue;
	memcpy(out->banner, image->banner, sizeof(out->banner));
	return image->banner[0] && search->arch->place(&search->probe, image, out);
}

static bool search_anchor(struct search *search, const struct linux_anchor *anchor)
{
	struct linux_image image;

	if (linux_image_locate(&search->probe, anchor->gva, &image) < 0)
		return false;
	linux_image_scan(&search->probe, &image);
	return search_accept(search, anchor->clue, &image);
}

/* From the anchors, through the tables that the probe has. */
static bool search_anchors(struct search *search)
{
	struct linux_anchor anchors[LINUX_MAX_ANCHORS];
	unsigned count = search->arch->anchors(&search->probe, anchors);

	for (unsigned i = 0; i < count; i++)
		if (search_anchor(search, &anchors[i]))
			return true;
	return false;
}

/* Through each of the tables that these registers lead to. */
static bool search_virtual(struct search *search, const struct cpu *cpu)
{
	for (unsigned n = 0;; n++) {
		search->probe.cpu = *cpu;
		if (!search->arch->tables(&search->probe.cpu, n))
			return false;
		if (search_anchors(search))
			return true;
	}
}

/* vmcoreinfo at gpa, and a banner where it says that the kernel is. */
static bool search_page(struct search *search, gpa_t gpa)
{
	struct linux_image image = { 0 };

	if (linux_image_read_info(&search->probe, gpa, &image.info) < 0 ||
		!search->arch->locate(&image.info, &image))
		return false;
	image.has_info = true;
	linux_image_scan_physical(&search->probe, &image);
	return search_accept(search, LINUX_KERNEL_PHYSICAL, &image);
}

static bool search_region(struct search *search, const struct linux_kernel_region *region)
{
	uint64_t at = -region->gpa % PAGE;

	for (; at < region->size && search->probe.reads_left; at += PAGE)
		if (search_page(search, region->gpa + at))
			return true;
	return false;
}

static const struct linux_arch *search_arch(const struct arch *arch)
{
	static const struct linux_arch *const known[] = { &linux_arch_x86_64, &linux_arch_arm64 };

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i]->arch == arch)
			return known[i];
	return NULL;
}

uint32_t linux_kernel_groups(const struct arch *arch)
{
	const struct linux_arch *linux_arch = search_arch(arch);

	return linux_arch ? linux_arch->more_groups : 0;
}

int linux_kernel_find(const struct linux_kernel_reader *reader, const struct cpu *const *cpus,
	unsigned cpu_count, struct linux_kernel *out)
{
	struct search search = {
		.arch = search_arch(reader->arch),
		.probe = { .reader = reader,
			.reads_left = LINUX_KERNEL_MAX_READS,
			.bytes_left = LINUX_KERNEL_MAX_BYTES },
		.out = out,
	};

	if (!search.arch)
		return -ENOENT;
	for (unsigned i = 0; i < cpu_count; i++)
		if (search_virtual(&search, cpus[i]))
			return 0;
	for (unsigned i = 0; i < reader->region_count; i++)
		if (search_region(&search, &reader->regions[i]))
			return 0;
	return -ENOENT;
}

void linux_kernel_describe_method(const struct linux_kernel *kernel, char *text, size_t size)
{
	static const char *const clues[] = {
		[LINUX_KERNEL_LSTAR] = "LSTAR",
		[LINUX_KERNEL_IDT] = "the IDT",
		[LINUX_KERNEL_VBAR] = "VBAR_EL1",
		[LINUX_KERNEL_PC] = "pc",
		[LINUX_KERNEL_PHYSICAL] = "a search of physical memory",
	};

	snprintf(text, size, "%s%s", kernel->has_vmcoreinfo ? "vmcoreinfo, by way of " : "",
		clues[kernel->clue]);
}
