/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax of a configuration file: lines of `key = value`, blank lines, comments.
 *
 * A line ends with LF, CRLF or the end of the bytes. Blanks (space, tab) around key and value
 * do not count. `#` starts a comment at the beginning of a line and after a blank; elsewhere it
 * is a letter like others, as in a path. There is no quoting and no continuation. Control
 * characters are errors everywhere, comments included: a file that has them is not a
 * configuration. The lexer knows no key and reads no fd.
 */
#ifndef CONF_CONF_LEX_H
#define CONF_CONF_LEX_H

#include <stddef.h>

enum {
	CONF_LEX_KEY_SIZE = 32,     /* a key with its NUL */
	CONF_LEX_VALUE_SIZE = 1024, /* a value with its NUL */
};

struct conf_lex {
	const char *next;
	const char *end;
	unsigned int line; /* the line last looked at, from 1 */
};

struct conf_setting {
	char key[CONF_LEX_KEY_SIZE];
	char value[CONF_LEX_VALUE_SIZE];
};

/* BYTES must outlive the lexer. They need no NUL. */
void conf_lex_init(struct conf_lex *lex, const char *bytes, size_t length);

/*
 * Finds the next setting. 1: SETTING holds it; 0: the bytes are at their end; -EINVAL: *WRONG
 * says (a constant text) what is wrong with line lex->line. SETTING->key is empty if the error
 * came before a key was read.
 */
int conf_lex_next(struct conf_lex *lex, struct conf_setting *setting, const char **wrong);

/* What keeps TEXT from being the value of a line (a constant text), or NULL. */
const char *conf_lex_check_value(const char *text);

#endif
