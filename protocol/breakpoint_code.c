/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions and commands of breakpoint packets; see breakpoint_code.h. */
#include <errno.h>
#include "protocol/breakpoint_code.h"

/* One "Xlen,hex".  Where the next bytes go, or NULL. */
static uint8_t *take_expression(struct cursor *text, struct target_code *code, uint8_t *room)
{
	uint64_t length;

	if (!cursor_take_byte(text, 'X') || cursor_take_number(text, &length) || !length ||
		!cursor_take_byte(text, ',') || cursor_take_hex(text, room, length))
		return NULL;
	*code = (struct target_code){ .bytes = room, .length = length };
	return room + length;
}

/* One expression or more, up to the next ';' or the end. */
static int take_list(struct cursor *text, struct target_code *list, unsigned *count, uint8_t **room)
{
	do {
		if (*count == BREAKPOINT_CODE_MAX)
			return -E2BIG;
		*room = take_expression(text, &list[*count], *room);
		if (!*room)
			return -EINVAL;
		++*count;
	} while (cursor_peek(text) == 'X');
	return 0;
}

/* The list of commands, which is the last. */
static int take_commands(struct cursor *text, struct breakpoint_code *code, uint8_t *room)
{
	uint64_t persist;
	int result;

	if (!cursor_take_text(text, "cmds:") || cursor_take_number(text, &persist) || persist > 1 ||
		!cursor_take_byte(text, ','))
		return -EINVAL;
	code->commands_persist = persist;
	result = take_list(text, code->commands, &code->command_count, &room);
	return !result && cursor_left(text) ? -EINVAL : result;
}

int breakpoint_code_parse(struct breakpoint_code *code, struct cursor text, uint8_t *room)
{
	int result;

	*code = (struct breakpoint_code){ .condition_count = 0 };
	if (!cursor_left(&text))
		return 0;
	if (!cursor_take_byte(&text, ';'))
		return -EINVAL;
	if (cursor_peek(&text) != 'X')
		return take_commands(&text, code, room);
	result = take_list(&text, code->conditions, &code->condition_count, &room);
	if (result || !cursor_left(&text))
		return result;
	return cursor_take_byte(&text, ';') ? take_commands(&text, code, room) : -EINVAL;
}

void breakpoint_code_attach(const struct breakpoint_code *code, struct target_breakpoint_spec *spec)
{
	spec->conditions = code->conditions;
	spec->condition_count = code->condition_count;
	spec->commands = code->commands;
	spec->command_count = code->command_count;
	spec->commands_persist = code->commands_persist;
}
