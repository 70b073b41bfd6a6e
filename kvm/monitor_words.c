/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of a command for people; see monitor_words.h. */
#include "kvm/monitor_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "kvm/monitor_registers.h"

enum { EXPRESSION_MAX_DEPTH = 16 };

/* A number in the making: recursive descent, one function a level of precedence. */
struct expression {
	struct monitor *monitor;
	const char *at;
	const char *what;
	unsigned depth;
};

static int expression_sum(struct expression *expression, uint64_t *value);

static void skip_spaces(const char **at)
{
	*at += strspn(*at, " ");
}

static bool expression_takes(struct expression *expression, char character)
{
	if (*expression->at != character)
		return false;
	expression->at++;
	skip_spaces(&expression->at);
	return true;
}

static int expression_digits(struct expression *expression, uint64_t *value)
{
	bool is_hex = !strncasecmp(expression->at, "0x", 2) && isxdigit((uint8_t)expression->at[2]);
	char *end;

	errno = 0;
	*value = strtoull(expression->at, &end, is_hex ? 16 : 10);
	if (errno)
		return monitor_fail(
			expression->monitor, -EINVAL, "%s has more than 64 bits", expression->what);
	if (isalnum((uint8_t)*end) || *end == '_')
		return monitor_fail(
			expression->monitor, -EINVAL, "'%.20s' is no number", expression->at);
	expression->at = end;
	return 0;
}

static int expression_register(struct expression *expression, uint64_t *value)
{
	char name[MONITOR_REGISTER_NAME];
	size_t length = 0;

	while (isalnum((uint8_t)expression->at[length]) || expression->at[length] == '_')
		length++;
	if (length >= sizeof(name))
		length = sizeof(name) - 1;
	memcpy(name, expression->at, length);
	name[length] = '\0';
	expression->at += length;
	return monitor_register_value(expression->monitor, name, value);
}

static int expression_brackets(struct expression *expression, uint64_t *value)
{
	int rc;

	if (++expression->depth > EXPRESSION_MAX_DEPTH)
		return monitor_fail(expression->monitor, -EINVAL, "too many brackets");
	rc = expression_sum(expression, value);
	expression->depth--;
	if (rc == 0 && !expression_takes(expression, ')'))
		rc = monitor_fail(expression->monitor, -EINVAL, "a ')' is missing");
	return rc;
}

static int expression_atom(struct expression *expression, uint64_t *value)
{
	int rc;

	if (expression_takes(expression, '('))
		return expression_brackets(expression, value);
	if (expression_takes(expression, '$'))
		rc = expression_register(expression, value);
	else if (isdigit((uint8_t)*expression->at))
		rc = expression_digits(expression, value);
	else
		rc = monitor_fail(
			expression->monitor, -EINVAL, "%s is missing: a number", expression->what);
	skip_spaces(&expression->at);
	return rc;
}

static int expression_product(struct expression *expression, uint64_t *value)
{
	int rc = expression_atom(expression, value);
	uint64_t factor;

	while (rc == 0 && expression_takes(expression, '*')) {
		rc = expression_atom(expression, &factor);
		if (rc == 0)
			*value *= factor;
	}
	return rc;
}

static int expression_sum(struct expression *expression, uint64_t *value)
{
	bool negative = expression_takes(expression, '-');
	int rc = expression_product(expression, value);
	uint64_t term;

	if (rc == 0 && negative)
		*value = -*value;
	while (rc == 0 && (*expression->at == '+' || *expression->at == '-')) {
		negative = *expression->at == '-';
		expression_takes(expression, *expression->at);
		rc = expression_product(expression, &term);
		if (rc == 0)
			*value += negative ? -term : term;
	}
	return rc;
}

int monitor_take_number(
	struct monitor *monitor, const char **at, const char *what, uint64_t *number)
{
	struct expression expression = { .monitor = monitor, .at = *at, .what = what };
	int rc = expression_sum(&expression, number);

	*at = expression.at;
	return rc;
}

bool monitor_take_word(const char **at, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*at, word, length) != 0 || ((*at)[length] && (*at)[length] != ' '))
		return false;
	*at += length;
	skip_spaces(at);
	return true;
}

int monitor_take_end(struct monitor *monitor, const char *at)
{
	return *at ? monitor_fail(monitor, -EINVAL, "what is '%s' here?", at) : 0;
}

int monitor_take_choice(
	struct monitor *monitor, const char *at, const char *on, const char *off, bool *is_on)
{
	bool is_one = !strcmp(at, on);

	if (!*at)
		return -ENODATA;
	if (!is_one && strcmp(at, off) != 0)
		return monitor_fail(monitor, -EINVAL, "say %s or %s", on, off);
	*is_on = is_one;
	return 0;
}
