/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of vmcoreinfo: see vmcoreinfo.h. */
#include <errno.h>
#include <string.h>
#include "kvm/vmcoreinfo.h"

#define FIRST_KEY "OSRELEASE="

/* struct elf64_note and its name, padded to 4 (Linux, kernel/crash_core.c). */
enum { NOTE_NAME_AT = 12, NOTE_TEXT_AT = 24 };
#define NOTE_NAME "VMCOREINFO"

/* One line, without its newline. */
struct line {
	const char *at;
	size_t length;
};

int vmcoreinfo_text(const void *head)
{
	const char *bytes = head;

	if (!memcmp(bytes, FIRST_KEY, strlen(FIRST_KEY)))
		return 0;
	if (!memcmp(bytes + NOTE_NAME_AT, NOTE_NAME, sizeof(NOTE_NAME)) &&
		!memcmp(bytes + NOTE_TEXT_AT, FIRST_KEY, strlen(FIRST_KEY)))
		return NOTE_TEXT_AT;
	return -ENOENT;
}

/* Takes the next whole line off [*at, end); false at the end. */
static bool line_next(const char **at, const char *end, struct line *line)
{
	const char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

	if (!newline)
		return false;
	*line = (struct line){ .at = *at, .length = (size_t)(newline - *at) };
	*at = newline + 1;
	return true;
}

/* If the line begins with key, leaves what follows it. */
static bool line_strip(struct line *line, const char *key)
{
	size_t length = strlen(key);

	if (line->length < length || memcmp(line->at, key, length) != 0)
		return false;
	line->at += length;
	line->length -= length;
	return true;
}

static int digit_value(char c, unsigned base)
{
	int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;

	return value < (int)base ? value : -EINVAL;
}

static int number_parse(struct line digits, unsigned base, uint64_t *out)
{
	uint64_t value = 0;

	if (!digits.length)
		return -EINVAL;
	for (size_t i = 0; i < digits.length; i++) {
		int digit = digit_value(digits.at[i], base);

		if (digit < 0 || value > (UINT64_MAX - (unsigned)digit) / base)
			return -EINVAL;
		value = value * base + (unsigned)digit;
	}
	*out = value;
	return 0;
}

static int parse_hex(struct line value, uint64_t *out)
{
	line_strip(&value, "0x");
	return number_parse(value, 16, out);
}

static int parse_signed(struct line value, uint64_t *out)
{
	bool negative = line_strip(&value, "-");
	int rc = number_parse(value, 10, out);

	if (!rc && negative)
		*out = -*out;
	return rc;
}

static int parse_release(struct line value, char *release)
{
	if (!value.length || value.length > VMCOREINFO_RELEASE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < value.length; i++)
		if (value.at[i] <= ' ' || value.at[i] > '~')
			return -EINVAL;
	memcpy(release, value.at, value.length);
	release[value.length] = '\0';
	return 0;
}

/* The lines that must be there; bits of `seen`. */
enum { SEEN_STEXT = 1, SEEN_SLIDE = 2, SEEN_ALL = 3 };

static int line_take(struct line line, struct vmcoreinfo *out, unsigned *seen)
{
	if (line_strip(&line, "SYMBOL(_stext)=")) {
		*seen |= SEEN_STEXT;
		return parse_hex(line, &out->stext);
	}
	if (line_strip(&line, "KERNELOFFSET=")) {
		*seen |= SEEN_SLIDE;
		return parse_hex(line, &out->slide);
	}
	if (line_strip(&line, "NUMBER(phys_base)=")) {
		out->has_phys_base = true;
		return parse_signed(line, &out->phys_base);
	}
	if (line_strip(&line, "NUMBER(kimage_voffset)=")) {
		out->has_kimage_voffset = true;
		return parse_hex(line, &out->kimage_voffset);
	}
	return 0;
}

int vmcoreinfo_parse(const void *text, size_t length, struct vmcoreinfo *out)
{
	const char *at = text, *end = at + strnlen(text, length);
	unsigned seen = 0;
	struct line line;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (!line_next(&at, end, &line) || !line_strip(&line, FIRST_KEY) ||
		parse_release(line, out->release) < 0)
		return -EINVAL;
	while (!rc && line_next(&at, end, &line))
		rc = line_take(line, out, &seen);
	return rc || seen != SEEN_ALL ? -EINVAL : 0;
}
