/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for people: which regions there are, and what is in them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "kvm/monitor_table.h"
#include "kvm/monitor_words.h"

enum { XP_MAX_BYTES = 64 << 10, XP_LINE = 16 };

static int monitor_mem_map(struct monitor *monitor)
{
	const struct memory *memory = &monitor->vm->memory;
	uint64_t total = 0;

	for (unsigned i = 0; i < memory->count; i++) {
		const struct memory_region *region = &memory->regions[i];

		monitor_put(monitor, "%016llx-%016llx %016llx %s %s, VMM address 0x%llx\n",
			(unsigned long long)region->gpa,
			(unsigned long long)(region->gpa + region->size),
			(unsigned long long)region->size, region->writable ? "rw" : "r-",
			region->mapping ? "file" : "the VMM's memory",
			(unsigned long long)region->vmm_hva);
		total += region->size;
	}
	monitor_put(monitor, "%u regions, %llu KiB\n", memory->count,
		(unsigned long long)(total >> 10));
	return 0;
}

int monitor_info_mtree(struct monitor *monitor, const char *arguments)
{
	int rc = monitor_take_end(monitor, arguments);

	return rc < 0 ? rc : monitor_mem_map(monitor);
}

/* What the VMM itself would look at; for scripts that read its memory beside us. */
int monitor_gpa2hva(struct monitor *monitor, const char *arguments)
{
	const struct memory_region *region;
	uint64_t gpa;
	int rc = monitor_take_number(monitor, &arguments, "the address", &gpa);

	if (rc == 0)
		rc = monitor_take_end(monitor, arguments);
	if (rc < 0)
		return rc;
	region = memory_find(&monitor->vm->memory, gpa);
	if (!region || !region->vmm_hva)
		return monitor_fail(monitor, -EFAULT,
			"no guest memory that the VMM told its address of at guest-physical 0x%llx",
			(unsigned long long)gpa);
	monitor_put(monitor, "Host virtual address for 0x%llx is 0x%llx\n", (unsigned long long)gpa,
		(unsigned long long)(region->vmm_hva + (gpa - region->gpa)));
	return 0;
}

/* ---- x and xp: as QEMU has them ---------------------------------------------------------- */

struct xp_format {
	uint64_t count;
	char letter;   /* x d u o c */
	unsigned size; /* of a unit: 1 2 4 8 */
};

static unsigned xp_unit(char letter)
{
	switch (letter) {
	case 'b':
		return 1;
	case 'h':
		return 2;
	case 'w':
		return 4;
	case 'g':
		return 8;
	default:
		return 0;
	}
}

/* "/4xg": a count, then letters in any order. */
static int xp_parse_format(struct monitor *monitor, const char **at, struct xp_format *format)
{
	bool has_size = false;

	*format = (struct xp_format){ .count = 1, .letter = 'x', .size = 4 };
	if (**at != '/')
		return 0;
	++*at;
	if (isdigit((uint8_t) * *at))
		for (format->count = 0; isdigit((uint8_t) * *at) && format->count < XP_MAX_BYTES;
			++*at)
			format->count = 10 * format->count + (unsigned)(**at - '0');
	for (; **at && **at != ' '; ++*at) {
		if (xp_unit(**at)) {
			format->size = xp_unit(**at);
			has_size = true;
		} else if (strchr("xduoc", **at)) {
			format->letter = **at;
		} else {
			return monitor_fail(monitor, -EINVAL,
				"'%c' is no format (x d u o c) and no size (b h w g)", **at);
		}
	}
	if (format->letter == 'c' && !has_size)
		format->size = 1;
	*at += strspn(*at, " ");
	if (!format->count || format->count * format->size > XP_MAX_BYTES)
		return monitor_fail(monitor, -EINVAL, "1 to %d bytes at a time", XP_MAX_BYTES);
	return 0;
}

static int64_t xp_signed(uint64_t value, unsigned size)
{
	unsigned shift = 64 - 8 * size;

	return (int64_t)(value << shift) >> shift;
}

static void xp_put_unit(
	struct monitor *monitor, const struct xp_format *format, const uint8_t *bytes)
{
	int digits = (int)(2 * format->size);
	unsigned long long value = 0;

	for (unsigned i = format->size; i--;)
		value = value << 8 | bytes[i];
	switch (format->letter) {
	case 'd':
		monitor_put(monitor, " %*lld", digits + digits / 2,
			(long long)xp_signed(value, format->size));
		break;
	case 'u':
		monitor_put(monitor, " %*llu", digits + digits / 2, value);
		break;
	case 'o':
		monitor_put(monitor, " 0%llo", value);
		break;
	case 'c':
		monitor_put(monitor, " '%c'", value >= ' ' && value <= '~' ? (int)value : '.');
		break;
	default:
		monitor_put(monitor, " 0x%0*llx", digits, value);
	}
}

/* Whole, or -EFAULT, told in a line. */
static int xp_read_physical(struct monitor *monitor, uint64_t gpa, uint8_t *bytes, unsigned size)
{
	struct vm *vm = monitor->vm;

	if (gpa + size < gpa || memory_read(&vm->memory, gpa, bytes, size) < 0)
		return monitor_fail(monitor, -EFAULT, "no guest memory at guest-physical 0x%llx",
			(unsigned long long)gpa);
	plant_hide(&vm->plants, gpa, bytes, size);
	return 0;
}

static int xp_read_virtual(struct monitor *monitor, uint64_t gva, uint8_t *bytes, unsigned size)
{
	if (view_read(&monitor->view, gva, bytes, size) != (ssize_t)size)
		return monitor_fail(
			monitor, -EFAULT, "nothing to be read at 0x%llx", (unsigned long long)gva);
	return 0;
}

typedef int (*xp_read)(struct monitor *monitor, uint64_t address, uint8_t *bytes, unsigned size);

static int xp_put_line(struct monitor *monitor, const struct xp_format *format, xp_read read,
	uint64_t address, unsigned size)
{
	uint8_t line[XP_LINE];
	int rc = read(monitor, address, line, size);

	if (rc < 0)
		return rc;
	monitor_put(monitor, "%016llx:", (unsigned long long)address);
	for (unsigned i = 0; i < size; i += format->size)
		xp_put_unit(monitor, format, line + i);
	monitor_put(monitor, "\n");
	return 0;
}

static int monitor_examine(struct monitor *monitor, const char *arguments, xp_read read)
{
	struct xp_format format;
	uint64_t address, left;
	unsigned line;
	int rc = xp_parse_format(monitor, &arguments, &format);

	if (rc == 0)
		rc = monitor_take_number(monitor, &arguments, "the address", &address);
	if (rc == 0)
		rc = monitor_take_end(monitor, arguments);
	if (rc < 0)
		return rc;
	line = format.size == 1 ? XP_LINE / 2 : XP_LINE;
	for (left = format.count * format.size; rc == 0 && left; left -= line, address += line) {
		if (line > left)
			line = (unsigned)left;
		rc = xp_put_line(monitor, &format, read, address, line);
	}
	return rc;
}

int monitor_x(struct monitor *monitor, const char *arguments)
{
	return monitor_examine(monitor, arguments, xp_read_virtual);
}

int monitor_xp(struct monitor *monitor, const char *arguments)
{
	return monitor_examine(monitor, arguments, xp_read_physical);
}

int monitor_mem(struct monitor *monitor, const char *arguments)
{
	if (monitor_take_word(&arguments, "map")) {
		int rc = monitor_take_end(monitor, arguments);

		return rc < 0 ? rc : monitor_mem_map(monitor);
	}
	if (!strncmp(arguments, "xp", 2) && strchr(" /", arguments[2]) && arguments[2])
		return monitor_xp(monitor, arguments + 2 + strspn(arguments + 2, " "));
	return monitor_fail(monitor, -EINVAL, "say mem map, or mem xp/NFMT ADDRESS");
}
