/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qRcmd: commands for people, "monitor" in gdb (GDB manual E.4).  Those about the conversation are
 * answered here; all others are the target's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"

enum { MONITOR_LINE = 1024, MONITOR_TEXT_MAX = DOCUMENT_MAX_SIZE / 2 };

/* The target's answer on its way into the session's text, which has a bound. */
struct monitor_sink {
	struct target_text text;
	struct document *document;
	bool cut;
};

struct monitor_command {
	const char *name, *arguments, *help;
	int (*handler)(struct session *session, const char *arguments);
};

static void monitor_put_bytes(struct target_text *text, const char *bytes, size_t length)
{
	struct monitor_sink *sink = (struct monitor_sink *)text;

	if (sink->cut)
		return;
	sink->cut = sink->document->length + length > MONITOR_TEXT_MAX;
	if (sink->cut)
		document_put(sink->document, "\n(this is too long: the rest is left out)\n");
	else
		document_put(sink->document, "%.*s", (int)length, bytes);
}

static int monitor_ask_target(struct session *session, const char *line)
{
	struct monitor_sink sink = { .text = { .put = monitor_put_bytes },
		.document = &session->text };

	return session->target->ops->monitor(
		session->target, session->general_thread, line, &sink.text);
}

/* ---- the commands about the conversation ------------------------------------------------- */

static int monitor_help(struct session *session, const char *arguments);

/* on, off, or nothing: what it is. */
static int monitor_switch(struct session *session, const char *arguments, bool *is_on,
	const char *on, const char *off)
{
	bool wants_on = !strcmp(arguments, "on");

	if (*arguments && !wants_on && strcmp(arguments, "off") != 0) {
		document_put(&session->text, "say on or off\n");
		return -EINVAL;
	}
	if (*arguments)
		*is_on = wants_on;
	document_put(&session->text, "%s\n", *is_on ? on : off);
	return 0;
}

static int monitor_packets(struct session *session, const char *arguments)
{
	return monitor_switch(session, arguments, &session->hooks.is_tracing,
		"packets are written to the daemon's log",
		"packets are not written to the daemon's log");
}

/* The same switch as QEMU's Qqemu.PhyMemMode. */
static int monitor_phys(struct session *session, const char *arguments)
{
	return monitor_switch(session, arguments, &session->physical_memory,
		"addresses of memory are guest-physical", "addresses of memory are virtual");
}

static int monitor_stats(struct session *session, const char *arguments)
{
	const struct session_counts *counts = &session->counts;
	int result;

	document_put(&session->text, "packets        %llu in, %llu out\n",
		(unsigned long long)counts->packets_in, (unsigned long long)counts->packets_out);
	document_put(&session->text, "bytes          %llu in, %llu out\n",
		(unsigned long long)counts->bytes_in, (unsigned long long)counts->bytes_out);
	document_put(&session->text, "stops told     %llu\n", (unsigned long long)counts->stops);
	(void)arguments;
	result = monitor_ask_target(session, "stats");
	return result == -ENOENT ? 0 : result;
}

static const struct monitor_command monitor_commands[] = {
	{ "help", "[COMMAND]", "what there is, or what COMMAND does", monitor_help },
	{ "packets", "[on|off]", "whether every packet is written to the daemon's log",
		monitor_packets },
	{ "phys", "[on|off]", "whether addresses of memory are guest-physical", monitor_phys },
	{ "stats", "", "what has been counted so far", monitor_stats },
};

enum { MONITOR_COMMANDS = sizeof(monitor_commands) / sizeof(*monitor_commands) };

static void monitor_put_help(struct session *session, const struct monitor_command *command)
{
	char usage[64];

	snprintf(usage, sizeof(usage), "%s%s%s", command->name, *command->arguments ? " " : "",
		command->arguments);
	document_put(&session->text, "  %-36s %s\n", usage, command->help);
}

/* ---- finding one ------------------------------------------------------------------------- */

static bool monitor_is_named(const struct monitor_command *command, const char *word, size_t length)
{
	return strlen(command->name) == length && !memcmp(command->name, word, length);
}

static const struct monitor_command *monitor_find_exact(const char *word, size_t length)
{
	for (unsigned i = 0; i < MONITOR_COMMANDS; i++)
		if (monitor_is_named(&monitor_commands[i], word, length))
			return &monitor_commands[i];
	return NULL;
}

/* By a beginning that no other has. */
static const struct monitor_command *monitor_find_short(const char *word, size_t length)
{
	const struct monitor_command *found = NULL;

	for (unsigned i = 0; i < MONITOR_COMMANDS; i++) {
		if (strncmp(monitor_commands[i].name, word, length) != 0)
			continue;
		if (found)
			return NULL;
		found = &monitor_commands[i];
	}
	return found;
}

static int monitor_help(struct session *session, const char *arguments)
{
	const struct monitor_command *command = monitor_find_exact(arguments, strlen(arguments));
	char line[MONITOR_LINE + 8];
	int result;

	if (command) {
		monitor_put_help(session, command);
		return 0;
	}
	if (!*arguments) {
		document_put(&session->text, "Commands (a beginning that is clear will do):\n");
		for (unsigned i = 0; i < MONITOR_COMMANDS; i++)
			monitor_put_help(session, &monitor_commands[i]);
	}
	snprintf(line, sizeof(line), "help%s%s", *arguments ? " " : "", arguments);
	result = monitor_ask_target(session, line);
	if (result != -ENOENT || !*arguments)
		return result == -ENOENT ? 0 : result;
	document_put(&session->text, "there is no command '%s': see monitor help\n", arguments);
	return -ENOENT;
}

/* ---- a line ------------------------------------------------------------------------------ */

/* Ours by its whole name; then the target's; then ours by a beginning. */
static int monitor_execute(struct session *session, const char *line)
{
	size_t length = strcspn(line, " ");
	const char *arguments = line + length + strspn(line + length, " ");
	const struct monitor_command *command = monitor_find_exact(line, length);
	int result;

	if (command)
		return command->handler(session, arguments);
	result = monitor_ask_target(session, line);
	if (result != -ENOENT)
		return result;
	command = monitor_find_short(line, length);
	if (command)
		return command->handler(session, arguments);
	document_put(&session->text, "there is no command '%.*s': see monitor help\n", (int)length,
		line);
	return -ENOENT;
}

/* Without the spaces around it.  What is wrong goes into the text. */
static int monitor_decode(struct session *session, struct cursor hex, char *line)
{
	size_t length = cursor_left(&hex) / 2, start = 0;

	document_reset(&session->text);
	if (length >= MONITOR_LINE) {
		document_put(&session->text, "a command has less than %d bytes\n", MONITOR_LINE);
		return -EMSGSIZE;
	}
	if (cursor_left(&hex) % 2 || cursor_take_hex(&hex, line, length)) {
		document_put(&session->text, "the command is not hexadecimal text\n");
		return -EINVAL;
	}
	for (size_t i = 0; i < length; i++)
		if (line[i] < ' ' || line[i] > '~') {
			document_put(&session->text, "the command is not printable ASCII\n");
			return -EINVAL;
		}
	while (length && line[length - 1] == ' ')
		length--;
	line[length] = '\0';
	start = strspn(line, " ");
	memmove(line, line + start, length - start + 1);
	return 0;
}

int cmd_monitor(struct session *session, struct command_args *args)
{
	char line[MONITOR_LINE];
	int result = monitor_decode(session, args->rest, line);

	if (result)
		return result;
	if (!*line) {
		document_put(&session->text, "which command? see monitor help\n");
		return -EINVAL;
	}
	return monitor_execute(session, line);
}
