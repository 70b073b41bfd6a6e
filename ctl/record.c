/* SPDX-License-Identifier: Apache-2.0 */
/* One line of an answer: see record.h. */
#include "ctl/record.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What is left to be read. */
struct record_cursor {
	const char *at, *end;
};

static bool cursor_take(struct record_cursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

static bool cursor_take_word(struct record_cursor *cursor, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length))
		return false;
	cursor->at += length;
	return true;
}

/* ---- values: 0 or -EINVAL ----------------------------------------------------------------- */

static int record_store(struct record *record, char c)
{
	if (record->used == sizeof(record->storage))
		return -EINVAL;
	record->storage[record->used++] = c;
	return 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -EINVAL;
}

/* The four digits after \u: a byte that is not NUL. */
static int read_unicode(struct record_cursor *cursor)
{
	int value = 0;

	for (int i = 0; i < 4; i++, cursor->at++) {
		int digit = cursor->at < cursor->end ? hex_value(*cursor->at) : -EINVAL;

		if (digit < 0)
			return -EINVAL;
		value = value * 16 + digit;
	}
	return value >= 1 && value <= 0xff ? value : -EINVAL;
}

static int read_escape(struct record_cursor *cursor)
{
	static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	if (cursor->at == cursor->end || !*cursor->at)
		return -EINVAL;
	if (cursor_take(cursor, 'u'))
		return read_unicode(cursor);
	letter = strchr(letters, *cursor->at++);
	return letter ? bytes[letter - letters] : -EINVAL;
}

/* One byte of a string, decoded. */
static int read_byte(struct record_cursor *cursor)
{
	unsigned char c = (unsigned char)*cursor->at++;

	if (c == '\\')
		return read_escape(cursor);
	return c >= 0x20 && c <= 0x7e ? c : -EINVAL;
}

static int read_string(struct record *record, struct record_cursor *cursor, const char **text)
{
	*text = record->storage + record->used;
	if (!cursor_take(cursor, '"'))
		return -EINVAL;
	while (!cursor_take(cursor, '"')) {
		int c = cursor->at < cursor->end ? read_byte(cursor) : -EINVAL;

		if (c < 0 || record_store(record, (char)c) < 0)
			return -EINVAL;
	}
	return record_store(record, '\0');
}

/* At most 20 digits, no leading zero. */
static int read_number(struct record *record, struct record_cursor *cursor, const char **text)
{
	const char *start = cursor->at;

	*text = record->storage + record->used;
	while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')
		if (record_store(record, *cursor->at++) < 0)
			return -EINVAL;
	if (cursor->at == start || cursor->at - start > 20 ||
		(*start == '0' && cursor->at - start > 1))
		return -EINVAL;
	return record_store(record, '\0');
}

static int read_value(
	struct record *record, struct record_cursor *cursor, struct record_member *member)
{
	if (cursor->at < cursor->end && *cursor->at == '"') {
		member->kind = RECORD_STRING;
		return read_string(record, cursor, &member->text);
	}
	member->kind = RECORD_BOOL;
	member->text = "true";
	if (cursor_take_word(cursor, "true"))
		return 0;
	member->text = "false";
	if (cursor_take_word(cursor, "false"))
		return 0;
	member->kind = RECORD_NUMBER;
	return read_number(record, cursor, &member->text);
}

/* ---- the object --------------------------------------------------------------------------- */

static const struct record_member *record_find(const struct record *record, const char *key)
{
	for (unsigned i = 0; i < record->count; i++)
		if (!strcmp(record->members[i].key, key))
			return &record->members[i];
	return NULL;
}

static int read_member(struct record *record, struct record_cursor *cursor)
{
	struct record_member *member = &record->members[record->count];
	int rc = record->count == RECORD_MEMBERS_MAX ? -EINVAL
						     : read_string(record, cursor, &member->key);

	if (rc == 0 && (record_find(record, member->key) || !cursor_take(cursor, ':')))
		rc = -EINVAL;
	if (rc == 0)
		rc = read_value(record, cursor, member);
	record->count += rc == 0;
	return rc;
}

int record_parse(struct record *record, const char *line, size_t length)
{
	struct record_cursor cursor = { line, line + length };
	int rc = 0;

	record->count = 0;
	record->used = 0;
	if (!cursor_take(&cursor, '{'))
		return -EINVAL;
	do
		rc = read_member(record, &cursor);
	while (rc == 0 && cursor_take(&cursor, ','));
	if (rc == 0 && (!cursor_take(&cursor, '}') || cursor.at != cursor.end))
		rc = -EINVAL;
	return rc;
}

const char *record_text(const struct record *record, const char *key)
{
	const struct record_member *member = record_find(record, key);

	return member ? member->text : "";
}

uint64_t record_number(const struct record *record, const char *key)
{
	return strtoull(record_text(record, key), NULL, 10);
}

int record_has(const struct record *record, const char *key)
{
	return record_find(record, key) != NULL;
}

/* ---- writing it --------------------------------------------------------------------------- */

static void print_string(const char *text, FILE *out)
{
	putc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c >= 0x20 && c <= 0x7e)
			putc(c, out);
		else
			fprintf(out, "\\u%04x", c);
	}
	putc('"', out);
}

void record_print(const struct record *record, FILE *out)
{
	const char *before = "";

	putc('{', out);
	for (unsigned i = 0; i < record->count; i++) {
		const struct record_member *member = &record->members[i];

		if (!strcmp(member->key, "type"))
			continue;
		fputs(before, out);
		print_string(member->key, out);
		putc(':', out);
		if (member->kind == RECORD_STRING)
			print_string(member->text, out);
		else
			fputs(member->text, out);
		before = ",";
	}
	putc('}', out);
}

void record_print_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c <= 0x7e)
			putc(c, out);
		else
			fprintf(out, "\\x%02x", c);
	}
}
