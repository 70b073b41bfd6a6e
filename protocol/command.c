/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and parsing commands; see command.h. */
#include <errno.h>
#include <string.h>
#include "protocol/command.h"

static bool command_matches(
	const struct command *command, const struct cursor *payload, struct cursor *arguments)
{
	int next;

	*arguments = *payload;
	if (!cursor_take_text(arguments, command->literal))
		return false;
	next = cursor_peek(arguments);
	switch (command->match) {
	case COMMAND_EXACT:
		return next < 0;
	case COMMAND_WORD:
		return next < 0 || next == ':' || next == ';' || next == ',';
	case COMMAND_PREFIX:
		break;
	}
	return true;
}

const struct command *command_find(
	const struct command_table *table, const struct cursor *payload, struct cursor *arguments)
{
	const struct command *found = NULL;
	size_t longest = 0;
	struct cursor rest;

	for (size_t i = 0; i < table->count; i++) {
		const struct command *row = &table->rows[i];
		size_t length = strlen(row->literal);

		if (length > longest && command_matches(row, payload, &rest)) {
			found = row;
			longest = length;
			*arguments = rest;
		}
	}
	return found;
}

static int parse_number(struct cursor *arguments, uint64_t most, struct command_args *args)
{
	uint64_t *number = &args->number[args->number_count];

	if (args->number_count == COMMAND_MAX_NUMBERS || cursor_take_number(arguments, number))
		return -EINVAL;
	args->number_count++;
	return *number <= most ? 0 : -EINVAL;
}

static int parse_decimal(struct cursor *arguments, struct command_args *args)
{
	uint64_t *number = &args->number[args->number_count];

	if (args->number_count == COMMAND_MAX_NUMBERS || cursor_take_decimal(arguments, number))
		return -EINVAL;
	args->number_count++;
	return 0;
}

static int parse_type(struct cursor *arguments, struct command_args *args)
{
	uint64_t type;

	if (cursor_take_number(arguments, &type))
		return -EINVAL;
	if (type > TARGET_WATCH_ACCESS)
		return -ENOTSUP;
	args->type = (enum target_breakpoint)type;
	return 0;
}

static int parse_literal(struct cursor *arguments, char literal)
{
	return cursor_take_byte(arguments, (uint8_t)literal) ? 0 : -EINVAL;
}

static struct cursor take_rest(struct cursor *arguments)
{
	struct cursor rest = *arguments;

	arguments->at = arguments->end;
	return rest;
}

/* The word's ':' is taken with it and must be there. */
static int parse_word(struct cursor *arguments, struct command_args *args)
{
	args->word = cursor_take_token(arguments, ':');
	return args->word.end < arguments->at ? 0 : -EINVAL;
}

static struct cursor take_data(struct cursor *arguments)
{
	struct cursor data = *arguments;

	while (cursor_left(arguments) && cursor_peek(arguments) != ';')
		arguments->at++;
	data.end = arguments->at;
	return data;
}

/* What the packet is for, when it says so; the last ';' may be missing. */
static int parse_suffix(struct cursor *arguments, bool multiprocess, struct command_args *args)
{
	if (!cursor_left(arguments))
		return 0;
	if (!cursor_take_text(arguments, ";thread:") ||
		thread_id_parse(arguments, multiprocess, &args->thread))
		return -EINVAL;
	cursor_take_byte(arguments, ';');
	args->has_thread = true;
	return 0;
}

static int parse_item(
	char item, struct cursor *arguments, bool multiprocess, struct command_args *args)
{
	switch (item) {
	case 'n':
		return parse_number(arguments, UINT64_MAX, args);
	case 'i':
		return parse_decimal(arguments, args);
	case 's':
		return parse_number(arguments, 0xff, args);
	case 't':
		return thread_id_parse(arguments, multiprocess, &args->thread);
	case 'z':
		return parse_type(arguments, args);
	case 'w':
		return parse_word(arguments, args);
	case 'r':
		args->rest = take_rest(arguments);
		return 0;
	case 'd':
		args->rest = take_data(arguments);
		return 0;
	case 'f':
		return parse_suffix(arguments, multiprocess, args);
	default:
		return parse_literal(arguments, item);
	}
}

int command_parse(
	const char *schema, struct cursor arguments, bool multiprocess, struct command_args *args)
{
	*args = (struct command_args){ .word = { arguments.end, arguments.end },
		.rest = { arguments.end, arguments.end } };
	for (; *schema; schema++) {
		int result;

		if (*schema == '?' && !cursor_left(&arguments))
			return 0;
		if (*schema == '?')
			continue;
		result = parse_item(*schema, &arguments, multiprocess, args);
		if (result)
			return result;
	}
	return cursor_left(&arguments) ? -EINVAL : 0;
}
