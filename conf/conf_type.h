/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of values a key can have: how each is read from text and written back. What one
 * writes the same one reads to the same value.
 */
#ifndef CONF_CONF_TYPE_H
#define CONF_CONF_TYPE_H

#include <stdbool.h>
#include <stddef.h>

struct conf_environment;
struct conf_error;
struct conf_key;

/* One value on its way into a field of struct conf. */
struct conf_input {
	const struct conf_key *key;
	const struct conf_environment *env;
	const char *text;  /* has passed conf_lex_check_value() */
	unsigned int line; /* where it is from, as in struct conf */
};

struct conf_type {
	/* Stores the value in FIELD. 0, or -EINVAL with ERROR filled and FIELD as it was. */
	int (*read)(const struct conf_input *input, void *field, struct conf_error *error);

	/*
	 * Writes the value numbered INDEX (always 0 but for repeating keys) of FIELD; a value
	 * takes at most CONF_LEX_VALUE_SIZE bytes. False if there is no such value.
	 */
	bool (*format)(const struct conf_key *key, const void *field, unsigned int index,
		char *text, size_t size);
};

extern const struct conf_type conf_type_text;   /* char[CONF_TEXT_SIZE], may be unset (empty) */
extern const struct conf_type conf_type_listen; /* struct conf_listen */
extern const struct conf_type conf_type_mode;   /* unsigned int: octal, at most 0777 */
extern const struct conf_type conf_type_switch; /* bool: yes, no */
extern const struct conf_type conf_type_choice; /* unsigned int: index in key->words */
extern const struct conf_type conf_type_number; /* unsigned int: key->min to key->max */
extern const struct conf_type conf_type_uids;   /* struct conf_uids */
extern const struct conf_type conf_type_gids;   /* struct conf_gids */
extern const struct conf_type conf_type_user;   /* struct conf_user, may be unset */
/* struct conf_disconnect: "resume", "hold", or "hold-for" and key->min to key->max */
extern const struct conf_type conf_type_disconnect;

#endif
