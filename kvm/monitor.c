/* SPDX-License-Identifier: Apache-2.0 */
/* Commands for people: finding them, and help; see monitor.h. */
#include "kvm/monitor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "kvm/monitor_table.h"

enum { MONITOR_PUT = 1024 };

__attribute__((format(printf, 2, 0))) static void monitor_put_list(
	struct monitor *monitor, const char *format, va_list args)
{
	char text[MONITOR_PUT];
	int length = vsnprintf(text, sizeof(text), format, args);

	if (length >= (int)sizeof(text))
		length = sizeof(text) - 1;
	if (length > 0)
		monitor->out->put(monitor->out, text, (size_t)length);
}

void monitor_put(struct monitor *monitor, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	monitor_put_list(monitor, format, args);
	va_end(args);
}

int monitor_fail(struct monitor *monitor, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	monitor_put_list(monitor, format, args);
	va_end(args);
	monitor_put(monitor, "\n");
	return error;
}

int monitor_may_change(struct monitor *monitor)
{
	if (seat_may_drive(monitor->seat))
		return 0;
	return monitor_fail(monitor, -EPERM,
		"another debugger drives this guest: 'monitor drive' takes the wheel");
}

/* ---- help -------------------------------------------------------------------------------- */

static void monitor_put_help(
	struct monitor *monitor, const struct monitor_command *row, const char *before)
{
	char usage[80];

	snprintf(usage, sizeof(usage), "%s%s%s%s", before, row->name, *row->arguments ? " " : "",
		row->arguments);
	monitor_put(monitor, "  %-36s %s\n", usage, row->help);
}

static int monitor_help_all(struct monitor *monitor)
{
	for (unsigned i = 0; i < monitor_table.count; i++)
		if (strcmp(monitor_table.rows[i].name, "help") != 0)
			monitor_put_help(monitor, &monitor_table.rows[i], "");
	return 0;
}

int monitor_help(struct monitor *monitor, const char *arguments)
{
	const struct monitor_command *row;
	bool ambiguous;

	if (!*arguments)
		return monitor_help_all(monitor);
	row = monitor_table_find(&monitor_table, arguments, strlen(arguments), &ambiguous);
	if (!row)
		return -ENOENT;
	monitor_put_help(monitor, row, "");
	for (unsigned i = 0; i < monitor_info_table.count && !strcmp(row->name, "info"); i++)
		monitor_put_help(monitor, &monitor_info_table.rows[i], "info ");
	return 0;
}

/* ---- a line ------------------------------------------------------------------------------ */

static int monitor_say_ambiguous(
	struct monitor *monitor, const struct monitor_table *table, const char *word, size_t length)
{
	monitor_put(monitor, "'%.*s' may be", (int)length, word);
	for (unsigned i = 0; i < table->count; i++)
		if (!strncmp(table->rows[i].name, word, length))
			monitor_put(monitor, " %s", table->rows[i].name);
	return monitor_fail(monitor, -EINVAL, ": say more of it");
}

/* QEMU takes the format right behind the name too: "xp/4xg". */
static int monitor_look_up(
	struct monitor *monitor, const struct monitor_table *table, const char *line)
{
	size_t length = strcspn(line, " /");
	const char *arguments = line + length + strspn(line + length, " ");
	bool ambiguous;
	const struct monitor_command *row = monitor_table_find(table, line, length, &ambiguous);

	if (row)
		return row->handler(monitor, arguments);
	return ambiguous ? monitor_say_ambiguous(monitor, table, line, length) : -ENOENT;
}

int monitor_dispatch(struct monitor *monitor, const char *line)
{
	return monitor_look_up(monitor, &monitor_table, line);
}

int monitor_info(struct monitor *monitor, const char *arguments)
{
	int rc = monitor_look_up(monitor, &monitor_info_table, arguments);

	if (rc != -ENOENT)
		return rc;
	return monitor_fail(monitor, -EINVAL, "info of what? see monitor help info");
}

int monitor_execute(struct seat *seat, unsigned thread, const char *line, struct target_text *out)
{
	struct monitor monitor = {
		.vm = seat->vm,
		.seat = seat,
		.view = { .vm = seat->vm, .vcpu = vm_thread(seat->vm, thread) },
		.thread = thread,
		.out = out,
	};

	return monitor.view.vcpu ? monitor_dispatch(&monitor, line) : -ESRCH;
}
