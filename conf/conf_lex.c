/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts the bytes of a configuration file into settings. Pure; see conf_lex.h for the syntax. */
#include "conf/conf_lex.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* A piece of the bytes: [start, end). */
struct slice {
	const char *start;
	const char *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static bool is_key_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static struct slice slice_trim(struct slice slice)
{
	while (slice.start < slice.end && is_blank(slice.start[0]))
		slice.start++;
	while (slice.start < slice.end && is_blank(slice.end[-1]))
		slice.end--;
	return slice;
}

static size_t slice_length(struct slice slice)
{
	return (size_t)(slice.end - slice.start);
}

/* Copies a slice that is known to fit. */
static void slice_copy(struct slice slice, char *text)
{
	memcpy(text, slice.start, slice_length(slice));
	text[slice_length(slice)] = '\0';
}

/* SLICE starts after the `=`, so a comment may start right there. */
static struct slice slice_without_comment(struct slice slice)
{
	const char *c;

	for (c = slice.start; c < slice.end; c++) {
		if (c[0] == '#' && (c == slice.start || is_blank(c[-1]))) {
			slice.end = c;
			break;
		}
	}
	return slice;
}

static const char *slice_check_bytes(struct slice slice)
{
	const char *c;

	for (c = slice.start; c < slice.end; c++) {
		if (c[0] == '\0')
			return "the line has a NUL byte";
		if (is_control(c[0]))
			return "the line has a control character";
	}
	return NULL;
}

static const char *slice_check_key(struct slice slice)
{
	const char *c;

	if (slice.start == slice.end)
		return "there is no key before the '='";
	if (slice_length(slice) >= CONF_LEX_KEY_SIZE)
		return "unknown key";
	for (c = slice.start; c < slice.end; c++) {
		if (!is_key_letter(c[0]))
			return "unknown key: keys are made of a-z, 0-9 and '-'";
	}
	return NULL;
}

static const char *slice_check_value(struct slice slice)
{
	if (slice.start == slice.end)
		return "the value is missing";
	if (slice_length(slice) >= CONF_LEX_VALUE_SIZE)
		return "the value is longer than 1023 bytes";
	if (slice.start[0] == '"' || slice.start[0] == '\'')
		return "values are written without quotes";
	return NULL;
}

void conf_lex_init(struct conf_lex *lex, const char *bytes, size_t length)
{
	lex->next = bytes;
	lex->end = bytes + length;
	lex->line = 0;
}

/* Takes one line, without its end, from bytes that are not at their end. */
static struct slice lex_take_line(struct conf_lex *lex)
{
	const char *newline = memchr(lex->next, '\n', (size_t)(lex->end - lex->next));
	struct slice line = { lex->next, newline ? newline : lex->end };

	lex->next = newline ? newline + 1 : lex->end;
	lex->line++;
	if (line.start < line.end && line.end[-1] == '\r')
		line.end--;
	return line;
}

static const char *lex_split(struct slice line, struct conf_setting *setting)
{
	const char *equals = memchr(line.start, '=', slice_length(line));
	struct slice key, value;
	const char *wrong;

	if (!equals)
		return "expected 'key = value'";
	key = slice_trim((struct slice){ line.start, equals });
	wrong = slice_check_key(key);
	if (wrong)
		return wrong;
	slice_copy(key, setting->key);

	value = slice_trim(slice_without_comment((struct slice){ equals + 1, line.end }));
	wrong = slice_check_value(value);
	if (!wrong)
		slice_copy(value, setting->value);
	return wrong;
}

int conf_lex_next(struct conf_lex *lex, struct conf_setting *setting, const char **wrong)
{
	setting->key[0] = '\0';
	setting->value[0] = '\0';
	while (lex->next < lex->end) {
		struct slice line = lex_take_line(lex);

		*wrong = slice_check_bytes(line);
		if (*wrong)
			return -EINVAL;
		line = slice_trim(line);
		if (line.start == line.end || line.start[0] == '#')
			continue;
		*wrong = lex_split(line, setting);
		return *wrong ? -EINVAL : 1;
	}
	return 0;
}

const char *conf_lex_check_value(const char *text)
{
	struct slice whole = { text, text + strlen(text) };
	struct slice value = slice_trim(slice_without_comment(whole));

	if (slice_check_bytes(whole))
		return "the value has a control character";
	if (slice_length(value) != slice_length(whole))
		return "the value may not have blanks at its ends, nor a '#' after a blank";
	return slice_check_value(value);
}
