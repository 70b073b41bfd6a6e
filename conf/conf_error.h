/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error that ends the reading of a configuration, ready to be shown to a person:
 * `file:line: key: what is wrong`. The parts that know the place fill the place in before they
 * call the parts that know what is wrong.
 */
#ifndef CONF_CONF_ERROR_H
#define CONF_CONF_ERROR_H

enum { CONF_ERROR_SIZE = 1024 };

struct conf_error {
	const char *file;  /* NULL: no file, the command line */
	unsigned int line; /* 0: the file as a whole */
	const char *key;   /* NULL: no key; an option's name on the command line */
	char text[CONF_ERROR_SIZE];
};

/* Says where the next error would be. FILE and KEY must last until conf_error_set(). */
void conf_error_at(struct conf_error *error, const char *file, unsigned int line, const char *key);

/* Writes place and reason into error->text, cut to its size, and forgets the place. Returns
 * -EINVAL. */
int conf_error_set(struct conf_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
