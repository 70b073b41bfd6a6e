/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON lines: see json.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "daemon/json.h"

/* Whole or not at all; what ends the line has its place. */
static void json_put(struct json *json, const char *text, size_t length)
{
	if (json->is_full || json->length + length + sizeof("}\n") > json->size) {
		json->is_full = true;
		return;
	}
	memcpy(json->text + json->length, text, length);
	json->length += length;
}

static void json_put_text(struct json *json, const char *text)
{
	json_put(json, text, strlen(text));
}

size_t json_escape(unsigned char c, char *shown)
{
	if (c == '"' || c == '\\')
		return (size_t)snprintf(shown, JSON_ESCAPED_SIZE, "\\%c", c);
	if (c >= 0x20 && c <= 0x7e)
		return (size_t)snprintf(shown, JSON_ESCAPED_SIZE, "%c", c);
	return (size_t)snprintf(shown, JSON_ESCAPED_SIZE, "\\u%04x", c);
}

void json_begin(struct json *json, char *text, size_t size)
{
	*json = (struct json){ .text = text, .size = size };
	json_put_text(json, "{");
}

static void json_put_key(struct json *json, const char *key)
{
	json_put_text(json, json->has_members ? ",\"" : "\"");
	json_put_text(json, key);
	json_put_text(json, "\":");
	json->has_members = true;
}

void json_add_string(struct json *json, const char *key, const char *value)
{
	char shown[JSON_ESCAPED_SIZE];

	if (!value)
		return;
	json_put_key(json, key);
	json_put_text(json, "\"");
	for (; *value; value++)
		json_put(json, shown, json_escape((unsigned char)*value, shown));
	json_put_text(json, "\"");
}

void json_add_number(struct json *json, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	json_put_key(json, key);
	json_put_text(json, digits);
}

void json_add_bool(struct json *json, const char *key, bool value)
{
	json_put_key(json, key);
	json_put_text(json, value ? "true" : "false");
}

void json_add_address(struct json *json, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "0x%" PRIx64, value);
	json_add_string(json, key, digits);
}

int json_end(struct json *json)
{
	if (json->is_full)
		return -ENOBUFS;
	memcpy(json->text + json->length, "}\n", sizeof("}\n"));
	json->length += 2;
	return (int)json->length;
}
