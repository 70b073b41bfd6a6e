/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page tables for people: one walk with all its steps, and everything that is mapped as QEMU's
 * "info tlb" and "info mem" print it, which tools for kernels read.
 */
#include <errno.h>
#include <string.h>
#include "kvm/mappings.h"
#include "kvm/monitor_table.h"
#include "kvm/monitor_words.h"

enum { TLB_MAX_LINES = 8192, MEM_MAX_LINES = 8192 };

/* ---- one address ------------------------------------------------------------------------- */

static void monitor_put_step(struct monitor *monitor, const struct translation_step *step)
{
	const struct arch *arch = monitor->vm->arch;
	char text[256];

	arch->entry_describe(step, text, sizeof(text));
	monitor_put(monitor, "%-8s table 0x%llx, entry 0x%llx = 0x%016llx  %s\n",
		arch->entry_name(step), (unsigned long long)step->table_gpa,
		(unsigned long long)step->entry_gpa, (unsigned long long)step->entry, text);
}

/* "4 KiB", "2 MiB": the largest unit that leaves a whole number. */
static void monitor_put_size(struct monitor *monitor, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	unsigned unit = 0;

	while (unit < 4 && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	monitor_put(monitor, "%llu %s", (unsigned long long)bytes, units[unit]);
}

static void monitor_put_end(
	struct monitor *monitor, gva_t gva, const struct translation *translation)
{
	monitor_put(monitor, "0x%llx is guest-physical 0x%llx, in ", (unsigned long long)gva,
		(unsigned long long)translation->gpa);
	if (!translation->nsteps) {
		monitor_put(monitor, "an address space without paging\n");
		return;
	}
	monitor_put(monitor, "a page of ");
	monitor_put_size(monitor, translation->page_bytes);
	monitor_put(monitor, ", r%c%c for the kernel%s%s\n", translation->writable ? 'w' : '-',
		translation->executable ? 'x' : '-', translation->user ? ", open to user mode" : "",
		memory_find(&monitor->vm->memory, translation->gpa) ? "" : ", not guest memory");
}

/* 1, 0 or -errno, told in a line. */
static int monitor_walk(struct monitor *monitor, gva_t gva, struct translation *translation)
{
	int rc;

	memset(translation, 0, sizeof(*translation));
	rc = view_translate(&monitor->view, gva, translation);
	if (rc == -EINVAL)
		return monitor_fail(monitor, rc,
			"vCPU %u's registers describe no paging mode that there is",
			monitor->view.vcpu->index);
	if (rc < 0 && rc != -EFAULT)
		return monitor_fail(
			monitor, -EBUSY, "vCPU %u cannot be asked now", monitor->view.vcpu->index);
	return rc;
}

int monitor_page_walk(struct monitor *monitor, const char *arguments)
{
	struct translation translation;
	gva_t gva;
	int rc = monitor_take_number(monitor, &arguments, "the address", &gva);

	if (rc == 0)
		rc = monitor_take_end(monitor, arguments);
	if (rc < 0)
		return rc;
	rc = monitor_walk(monitor, gva, &translation);
	if (rc < 0 && rc != -EFAULT)
		return rc;
	for (unsigned i = 0; i < translation.nsteps; i++)
		monitor_put_step(monitor, &translation.steps[i]);
	if (rc == 1)
		monitor_put_end(monitor, gva, &translation);
	else if (rc == -EFAULT)
		monitor_put(monitor,
			"0x%llx is not mapped: the next table is not in guest memory\n",
			(unsigned long long)gva);
	else if (!translation.nsteps)
		monitor_put(
			monitor, "0x%llx is no address of this mode\n", (unsigned long long)gva);
	else
		monitor_put(monitor, "0x%llx is not mapped\n", (unsigned long long)gva);
	return 0;
}

int monitor_gva2gpa(struct monitor *monitor, const char *arguments)
{
	struct translation translation;
	gva_t gva;
	int rc = monitor_take_number(monitor, &arguments, "the address", &gva);

	if (rc == 0)
		rc = monitor_take_end(monitor, arguments);
	if (rc < 0)
		return rc;
	rc = monitor_walk(monitor, gva, &translation);
	if (rc < 0 && rc != -EFAULT)
		return rc;
	if (rc == 1)
		monitor_put(monitor, "gpa: 0x%llx\n", (unsigned long long)translation.gpa);
	else
		monitor_put(monitor, "Unmapped\n");
	return 0;
}

/* ---- all addresses ----------------------------------------------------------------------- */

/* A range of one kind, still growing. */
struct monitor_range {
	struct monitor *monitor;
	unsigned lines, max_lines;
	gva_t start, end; /* the end may be 0: the top */
	bool open, user, writable;
};

static int monitor_each_page(struct monitor *monitor, const char *arguments,
	const struct mappings_user *user, gva_t *next)
{
	struct vm *vm = monitor->vm;
	struct physical physical = memory_physical(&vm->memory);
	gva_t from = 0;
	int rc = 0;

	if (*arguments)
		rc = monitor_take_number(monitor, &arguments, "the address", &from);
	if (rc == 0)
		rc = monitor_take_end(monitor, arguments);
	if (rc < 0)
		return rc;
	rc = vcpu_fetch(monitor->view.vcpu, CPU_STOP, vm->call_timeout_ms);
	if (rc < 0)
		return monitor_fail(
			monitor, -EBUSY, "vCPU %u cannot be asked now", monitor->view.vcpu->index);
	rc = mappings_walk(vm->arch, &monitor->view.vcpu->cpu, &physical, from, user, next);
	if (rc == -ENODATA) {
		monitor_put(monitor, "PG disabled\n"); /* the words that tools know */
		return 1;
	}
	return rc < 0 ? monitor_fail(monitor, rc,
				"vCPU %u's registers describe no paging mode that there is",
				monitor->view.vcpu->index)
		      : rc;
}

static int monitor_end_pages(struct monitor *monitor, int rc, const char *command, gva_t next)
{
	if (rc == 0)
		monitor_put(monitor, "(there is more: info %s 0x%llx)\n", command,
			(unsigned long long)next);
	return rc < 0 ? rc : 0;
}

static bool monitor_put_page(void *context, gva_t gva, const struct translation *translation)
{
	struct monitor_range *range = context;
	const struct translation_step *leaf = &translation->steps[translation->nsteps - 1];
	char letters[10];

	if (range->lines++ == range->max_lines)
		return false;
	range->monitor->vm->arch->entry_letters(leaf, letters);
	monitor_put(range->monitor, "%016llx: %016llx %s\n", (unsigned long long)gva,
		(unsigned long long)(translation->gpa & ~(translation->page_bytes - 1)), letters);
	return true;
}

int monitor_info_tlb(struct monitor *monitor, const char *arguments)
{
	struct monitor_range range = { .monitor = monitor, .max_lines = TLB_MAX_LINES };
	struct mappings_user user = { .found = monitor_put_page, .context = &range };
	gva_t next = 0;
	int rc = monitor_each_page(monitor, arguments, &user, &next);

	return monitor_end_pages(monitor, rc, "tlb", next);
}

static void monitor_put_range(struct monitor_range *range)
{
	if (!range->open)
		return;
	monitor_put(range->monitor, "%016llx-%016llx %016llx %cr%c\n",
		(unsigned long long)range->start, (unsigned long long)range->end,
		(unsigned long long)(range->end - range->start), range->user ? 'u' : '-',
		range->writable ? 'w' : '-');
	range->open = false;
	range->lines++;
}

static bool monitor_add_page(void *context, gva_t gva, const struct translation *translation)
{
	struct monitor_range *range = context;

	if (range->open && range->end == gva && range->user == translation->user &&
		range->writable == translation->writable) {
		range->end = gva + translation->page_bytes;
		return true;
	}
	monitor_put_range(range);
	if (range->lines == range->max_lines)
		return false;
	range->start = gva;
	range->end = gva + translation->page_bytes;
	range->user = translation->user;
	range->writable = translation->writable;
	range->open = true;
	return true;
}

int monitor_info_mem(struct monitor *monitor, const char *arguments)
{
	struct monitor_range range = { .monitor = monitor, .max_lines = MEM_MAX_LINES };
	struct mappings_user user = { .found = monitor_add_page, .context = &range };
	gva_t next = 0;
	int rc = monitor_each_page(monitor, arguments, &user, &next);

	monitor_put_range(&range);
	return monitor_end_pages(monitor, rc, "mem", next);
}
