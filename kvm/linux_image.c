/* SPDX-License-Identifier: Apache-2.0 */
/* Following an image through the page tables, and what is worth finding in it: see linux_image.h. */
#include <errno.h>
#include <string.h>
#include "kvm/linux_image.h"

#define BANNER      "Linux version "
#define KERNEL_HALF (UINT64_C(1) << 63) /* set in every kernel address, on both architectures */

enum {
	PAGE = 4096,          /* the smallest, and what vmcoreinfo is aligned to */
	CHUNK = 16384,        /* read at once */
	TAIL = 512,           /* and what may have begun in it */
	TEXT_MAX = 64 << 20,  /* more than any kernel has */
	IMAGE_MAX = 96 << 20, /* the same */
	HOLE_MAX = 16 << 20,  /* the initial part, once it is freed */
	STEXT_MAX = 2 << 20,  /* from the first page to _stext, at most */
	INFO_TRIES = 1 << 16, /* pointers that are followed in one image */
};

/* ---- where it begins --------------------------------------------------------------------- */

static bool image_text_page(struct linux_probe *probe, gva_t gva, struct translation *page)
{
	return linux_probe_translate(probe, gva, page) && page->executable;
}

static bool image_extend_down(struct linux_probe *probe, struct linux_image *image)
{
	struct translation page;

	if (!image_text_page(probe, image->text - 1, &page) || page.gpa != image->physical - 1)
		return false;
	image->text -= page.page_bytes;
	image->physical -= page.page_bytes;
	return true;
}

int linux_image_locate(struct linux_probe *probe, gva_t anchor, struct linux_image *image)
{
	struct translation page;
	uint64_t inside;

	memset(image, 0, sizeof(*image));
	if (!image_text_page(probe, anchor, &page))
		return -ENOENT;
	inside = anchor & (page.page_bytes - 1);
	image->text = anchor - inside;
	image->physical = page.gpa - inside;
	do {
		if (anchor - image->text > TEXT_MAX)
			return -ENOENT;
	} while (image_extend_down(probe, image));
	return 0;
}

/* ---- what is in it ----------------------------------------------------------------------- */

/* The walk over one image. */
struct scan {
	struct linux_probe *probe;
	struct linux_image *image;
	bool follow; /* pointers, through the probe's tables */
	unsigned info_tries;
};

static bool scan_is_complete(const struct scan *scan)
{
	return scan->image->banner[0] && (scan->image->has_info || !scan->follow);
}

/* The line at bytes if it is a banner: the words, a number, then printable up to its end. */
static void banner_take(struct linux_image *image, const uint8_t *bytes, size_t length)
{
	size_t words = strlen(BANNER), end = words;

	if (length <= words || bytes[words] < '0' || bytes[words] > '9')
		return;
	while (end < length && end < LINUX_KERNEL_BANNER_MAX && bytes[end] >= ' ' &&
		bytes[end] <= '~')
		end++;
	memcpy(image->banner, bytes, end);
	image->banner[end] = '\0';
}

/* A banner that begins in the first length bytes of whole. */
static void scan_banner(struct scan *scan, const uint8_t *bytes, size_t length, size_t whole)
{
	const uint8_t *at = bytes, *end = bytes + whole;

	while (!scan->image->banner[0]) {
		at = memmem(at, (size_t)(end - at), BANNER, strlen(BANNER));
		if (!at || at >= bytes + length)
			return;
		banner_take(scan->image, at, (size_t)(end - at));
		at++;
	}
}

int linux_image_read_info(struct linux_probe *probe, gpa_t gpa, struct vmcoreinfo *info)
{
	uint8_t page[VMCOREINFO_BYTES];
	int text;

	if (linux_probe_read(probe, gpa, page, VMCOREINFO_HEAD_BYTES) < 0)
		return -ENOENT;
	text = vmcoreinfo_text(page);
	if (text < 0 || linux_probe_read(probe, gpa, page, sizeof(page)) < 0)
		return -ENOENT;
	return vmcoreinfo_parse(page + text, sizeof(page) - (size_t)text, info);
}

/* Follows a value that may be the kernel's pointer to vmcoreinfo.  A stale one is of another image. */
static void scan_pointer(struct scan *scan, uint64_t value)
{
	struct linux_image *image = scan->image;
	struct translation page;

	if (!(value & KERNEL_HALF) || value % PAGE || !scan->info_tries)
		return;
	scan->info_tries--;
	if (!linux_probe_translate(scan->probe, value, &page) ||
		linux_image_read_info(scan->probe, page.gpa, &image->info) < 0)
		return;
	image->has_info = image->info.stext - image->text < STEXT_MAX;
}

static void scan_pointers(struct scan *scan, const uint8_t *bytes, size_t length)
{
	uint64_t last = 0;

	for (size_t i = 0; i + 8 <= length && !scan->image->has_info; i += 8) {
		uint64_t value;

		memcpy(&value, bytes + i, sizeof(value));
		if (value != last)
			scan_pointer(scan, value);
		last = value;
	}
}

/* One chunk of length bytes; a banner in it may end beyond it. */
static void scan_chunk(struct scan *scan, gpa_t gpa, size_t length)
{
	uint8_t bytes[CHUNK + TAIL];
	size_t whole = length + TAIL;

	if (linux_probe_read(scan->probe, gpa, bytes, whole) < 0) {
		whole = length;
		if (linux_probe_read(scan->probe, gpa, bytes, whole) < 0)
			return;
	}
	scan_banner(scan, bytes, length, whole);
	if (scan->follow)
		scan_pointers(scan, bytes, length);
}

static void scan_run(struct scan *scan, gpa_t gpa, uint64_t length)
{
	while (length && !scan_is_complete(scan)) {
		size_t chunk = length < CHUNK ? (size_t)length : CHUNK;

		scan_chunk(scan, gpa, chunk);
		gpa += chunk;
		length -= chunk;
	}
}

/* How much is left, from gva on, of a block of so many bytes on such a boundary; 0: unknown. */
static uint64_t block_rest(gva_t gva, uint64_t bytes)
{
	return bytes ? bytes - (gva & (bytes - 1)) : PAGE;
}

void linux_image_scan(struct linux_probe *probe, struct linux_image *image)
{
	struct scan scan = {
		.probe = probe, .image = image, .follow = true, .info_tries = INFO_TRIES
	};
	struct translation page;
	uint64_t run, hole = 0;

	for (uint64_t at = 0; at < IMAGE_MAX && hole < HOLE_MAX; at += run) {
		gva_t gva = image->text + at;
		bool is_mapped = linux_probe_translate(probe, gva, &page);

		if (scan_is_complete(&scan) || gva < at)
			return;
		run = block_rest(gva, is_mapped ? page.page_bytes : page.hole_bytes);
		if (is_mapped && page.gpa == image->physical + at) {
			run = run < IMAGE_MAX - at ? run : IMAGE_MAX - at;
			scan_run(&scan, page.gpa, run);
			hole = 0;
		} else {
			hole += run;
		}
	}
}

void linux_image_scan_physical(struct linux_probe *probe, struct linux_image *image)
{
	struct scan scan = { .probe = probe, .image = image };

	scan_run(&scan, image->physical, IMAGE_MAX);
}
