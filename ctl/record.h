/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of an answer: a flat JSON object, read strictly.  Pure.  What it holds comes from a process that
 * may have been taken over by a guest's debugger: it is decoded here and encoded anew wherever it goes.
 */
#ifndef CTL_RECORD_H
#define CTL_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { RECORD_MEMBERS_MAX = 24, RECORD_LINE_MAX = 4096 };

enum record_kind { RECORD_STRING, RECORD_NUMBER, RECORD_BOOL };

struct record_member {
	const char *key;
	const char *text; /* decoded; of a number its digits, of a bool the word */
	enum record_kind kind;
};

struct record {
	unsigned count;
	struct record_member members[RECORD_MEMBERS_MAX];
	char storage[2 * RECORD_LINE_MAX];
	size_t used;
};

/*
 * Reads a line of length bytes, without its newline.  0, or -EINVAL: it is no flat object of strings, numbers
 * without sign or fraction, true and false; a key comes twice; it is too large.  \u0000 and what is above
 * \u00ff is refused, too.
 */
int record_parse(struct record *record, const char *line, size_t length);

/* The value of key, "" when there is none. */
const char *record_text(const struct record *record, const char *key);

/* The number at key, 0 when there is none. */
uint64_t record_number(const struct record *record, const char *key);

/* Whether there is such a member. */
int record_has(const struct record *record, const char *key);

/* The object as JSON again, without the member `type`. */
void record_print(const struct record *record, FILE *out);

/* Bytes for a terminal: what is not printable ASCII as \xHH. */
void record_print_text(const char *text, FILE *out);

#endif
