/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes one flat JSON object (RFC 8259) as one line: members are strings, numbers, true and false.
 * Any bytes may be a string's: what is not printable ASCII is written as \u00XX, a byte as the character of
 * that number, so the line is ASCII and can neither be broken nor reach a terminal.  Pure.
 */
#ifndef DAEMON_JSON_H
#define DAEMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_ESCAPED_SIZE = 8 }; /* of one byte, with its NUL */

struct json {
	char *text;
	size_t size, length;
	bool has_members;
	bool is_full; /* something did not fit: json_end() fails */
};

/* Begins an object in size bytes of text, which stay the caller's. */
void json_begin(struct json *json, char *text, size_t size);

/* Keys are ours: plain words.  A value of NULL adds nothing. */
void json_add_string(struct json *json, const char *key, const char *value);
void json_add_number(struct json *json, const char *key, uint64_t value);
void json_add_bool(struct json *json, const char *key, bool value);

/* A string "0x...": a number of 64 bits is more than many readers of JSON can hold. */
void json_add_address(struct json *json, const char *key, uint64_t value);

/* Ends the object and the line: its length with the newline, or -ENOBUFS.  NUL-terminated. */
int json_end(struct json *json);

/* How one byte is written inside of a string: the length. */
size_t json_escape(unsigned char c, char *shown);

#endif
