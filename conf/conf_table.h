/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the configuration's keys: the one list that the parser, the effective
 * configuration, the help text and the tests of example and manual all go by.
 */
#ifndef CONF_CONF_TABLE_H
#define CONF_CONF_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "conf/conf_type.h"

struct conf_key {
	const char *name;
	const struct conf_type *type;
	size_t offset;            /* of the field in struct conf */
	size_t size;              /* of the field */
	const char *fallback;     /* the default as text; NULL: none, or see conf_settle() */
	const char *fallback_doc; /* how the help text names the default; NULL: the fallback */
	unsigned int min, max;    /* of a number */
	const char *const *words; /* of a choice, NULL-terminated */
	bool repeats;             /* may be set more than once; values add up */
	bool at_start;            /* SIGHUP does not change it */

	/* A rule beyond the type's, asked first. 0 or -EINVAL with ERROR filled. May be NULL. */
	int (*check)(const char *text, struct conf_error *error);

	const char *doc; /* one line for the help text */
};

/* The row numbered INDEX, below CONF_KEY_COUNT. */
const struct conf_key *conf_table_row(unsigned int index);

/* The row of a key, or NULL. */
const struct conf_key *conf_table_find(const char *name);

/* The number of a row of the table, below CONF_KEY_COUNT. */
unsigned int conf_table_index(const struct conf_key *key);

#endif
