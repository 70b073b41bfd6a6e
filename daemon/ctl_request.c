/* SPDX-License-Identifier: Apache-2.0 */
/* What gdbproxyctl asks: see ctl_request.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "daemon/ctl_request.h"

enum { REQUEST_WORDS_MAX = 3 };

struct request_command {
	const char *name;
	enum ctl_command command;
	unsigned words_min, words_max; /* with the command itself */
};

static const struct request_command request_commands[] = {
	{ "list", CTL_LIST, 1, 2 },
	{ "show", CTL_SHOW, 2, 2 },
	{ "detach", CTL_DETACH, 2, 3 },
	{ "resume", CTL_RESUME, 2, 2 },
	{ "undo", CTL_UNDO, 2, 2 },
};

enum { REQUEST_COMMANDS = sizeof(request_commands) / sizeof(request_commands[0]) };

static int request_fail(char error[CTL_ERROR_SIZE], const char *text)
{
	snprintf(error, CTL_ERROR_SIZE, "%s", text);
	return -EINVAL;
}

static bool request_is_printable(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (line[i] < 0x20 || line[i] > 0x7e)
			return false;
	return true;
}

/* Splits line at its blanks, in place.  The number of words; 0 when there are too many, or an empty one. */
static unsigned request_split(char *line, char *words[REQUEST_WORDS_MAX])
{
	unsigned count = 0;

	for (char *word = line; word; count++) {
		char *end = strchr(word, ' ');

		if (end)
			*end = '\0';
		if (count == REQUEST_WORDS_MAX || !*word)
			return 0;
		words[count] = word;
		word = end ? end + 1 : NULL;
	}
	return count;
}

static const struct request_command *request_find(const char *name)
{
	for (unsigned i = 0; i < REQUEST_COMMANDS; i++)
		if (!strcmp(request_commands[i].name, name))
			return &request_commands[i];
	return NULL;
}

/* A debugger's number: 1 to 999, in decimal. */
static int request_number(const char *word, unsigned *number, char error[CTL_ERROR_SIZE])
{
	size_t length = strlen(word);

	*number = 0;
	if (length > 3 || strspn(word, "0123456789") != length)
		return request_fail(error, "a debugger is named by its number, as show has it");
	for (; *word; word++)
		*number = *number * 10 + (unsigned)(*word - '0');
	return *number ? 0 : request_fail(error, "debuggers are numbered from 1");
}

static int request_read(struct ctl_request *request, char *line, char error[CTL_ERROR_SIZE])
{
	char *words[REQUEST_WORDS_MAX];
	unsigned count = request_split(line, words);
	const struct request_command *command = count ? request_find(words[0]) : NULL;

	if (!command)
		return request_fail(
			error, "there is no such command: list, show, detach, resume, undo");
	if (count < command->words_min)
		return request_fail(error, "this command wants the name of a VM");
	if (count > command->words_max)
		return request_fail(error, "this command takes fewer arguments");
	request->command = command->command;
	if (count > 1 && strlen(words[1]) >= sizeof(request->name))
		return request_fail(error, "no VM has a name as long as that");
	if (count > 1)
		snprintf(request->name, sizeof(request->name), "%s", words[1]);
	return count > 2 ? request_number(words[2], &request->debugger, error) : 0;
}

int ctl_request_parse(
	struct ctl_request *request, const char *bytes, size_t length, char error[CTL_ERROR_SIZE])
{
	const char *end = memchr(bytes, '\n', length < CTL_REQUEST_MAX ? length : CTL_REQUEST_MAX);
	char line[CTL_REQUEST_MAX];
	int rc;

	*request = (struct ctl_request){ .command = CTL_LIST };
	if (!end && length < CTL_REQUEST_MAX)
		return 0;
	if (!end)
		return request_fail(error, "the request is too long");
	if (end + 1 != bytes + length)
		return request_fail(error, "a connection takes one request");
	if (!request_is_printable(bytes, (size_t)(end - bytes)))
		return request_fail(error, "the request has bytes that are no printable ASCII");
	memcpy(line, bytes, (size_t)(end - bytes));
	line[end - bytes] = '\0';
	rc = request_read(request, line, error);
	return rc < 0 ? rc : 1;
}
