/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes log lines to stderr. The one file with mutable globals: whoever fails, however deep,
 * must be able to say so. Knows nothing of what it logs.
 */
#include "daemon/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/json.h"

static struct {
	enum log_level level;
	enum log_form form;
	bool is_journal;
	char subject[64];
} log_state = { .level = LOG_LEVEL_INFO };

/* The line being made. What does not fit is dropped and remembered. */
struct log_line {
	char bytes[LOG_LINE_MAX];
	size_t length;
	bool is_cut;
};

/* Keeps free what ends a line that is cut. */
static size_t log_line_room(void)
{
	const char *longest = log_state.form == LOG_FORM_JSON ? "...\"}\n" : "...\n";

	return LOG_LINE_MAX - strlen(longest);
}

/* syslog(3) priorities, as sd-daemon(3) has them before a line. */
static const char *const log_priority[] = {
	[LOG_LEVEL_ERROR] = "<3>",
	[LOG_LEVEL_WARNING] = "<4>",
	[LOG_LEVEL_INFO] = "<6>",
	[LOG_LEVEL_DEBUG] = "<7>",
};

static const char *const log_level_name[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* Whole or not at all, so that a cut never leaves half an escape. */
static void line_add(struct log_line *line, const char *text)
{
	size_t length = strlen(text);

	if (line->is_cut || line->length + length > log_line_room()) {
		line->is_cut = true;
		return;
	}
	memcpy(line->bytes + line->length, text, length);
	line->length += length;
}

static void line_add_escaped(struct log_line *line, const char *text)
{
	for (; text[0] && !line->is_cut; text++) {
		unsigned char c = (unsigned char)text[0];
		char shown[8];

		if (c == '\\')
			snprintf(shown, sizeof(shown), "\\\\");
		else if (c >= 0x20 && c <= 0x7e)
			snprintf(shown, sizeof(shown), "%c", c);
		else
			snprintf(shown, sizeof(shown), "\\x%02x", c);
		line_add(line, shown);
	}
}

static void line_begin(struct log_line *line, enum log_level level)
{
	line->length = 0;
	line->is_cut = false;
	if (log_state.is_journal)
		line_add(line, log_priority[level]);
	else
		line_add(line, "gdbproxyd");
	if (log_state.subject[0]) {
		line_add(line, log_state.is_journal ? "" : "[");
		line_add_escaped(line, log_state.subject);
		line_add(line, log_state.is_journal ? ": " : "]");
	}
	line_add(line, log_state.is_journal ? "" : ": ");
}

/* In UTC, to the microsecond (RFC 3339). */
/* syscalls(main, worker, lobby): clock_gettime */
static void line_add_time(struct log_line *line)
{
	char day[32] = "", rest[32];
	struct timespec now;
	struct tm parts;

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &parts))
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(rest, sizeof(rest), ".%06ldZ", now.tv_nsec / 1000);
	line_add(line, day);
	line_add(line, rest);
}

static void line_add_json_string(struct log_line *line, const char *text)
{
	char shown[JSON_ESCAPED_SIZE];

	for (; text[0] && !line->is_cut; text++) {
		json_escape((unsigned char)text[0], shown);
		line_add(line, shown);
	}
}

/* As far as the event: what follows is its text. */
/* syscalls(main, worker, lobby): getpid */
static void line_begin_json(struct log_line *line, enum log_level level)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "\",\"pid\":%ld", (long)getpid());
	line->length = 0;
	line->is_cut = false;
	if (log_state.is_journal)
		line_add(line, log_priority[level]);
	line_add(line, "{\"time\":\"");
	line_add_time(line);
	line_add(line, "\",\"level\":\"");
	line_add(line, log_level_name[level]);
	line_add(line, pid);
	if (log_state.subject[0]) {
		line_add(line, ",\"vm\":\"");
		line_add_json_string(line, log_state.subject);
		line_add(line, "\"");
	}
	line_add(line, ",\"event\":\"");
}

static void line_add_value(struct log_line *line, const char *text)
{
	if (log_state.form == LOG_FORM_JSON)
		line_add_json_string(line, text);
	else
		line_add_escaped(line, text);
}

static const char *line_end(const struct log_line *line)
{
	if (log_state.form == LOG_FORM_JSON)
		return line->is_cut ? "...\"}\n" : "\"}\n";
	return line->is_cut ? "...\n" : "\n";
}

/* syscalls(main, worker, lobby): write */
static void line_write(struct log_line *line)
{
	const char *end = line_end(line);
	ssize_t written;

	memcpy(line->bytes + line->length, end, strlen(end));
	line->length += strlen(end);
	do
		written = write(STDERR_FILENO, line->bytes, line->length);
	while (written < 0 && errno == EINTR);
}

static void log_write(enum log_level level, int number, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

/* NUMBER is the errno to explain after the text, or 0. */
static void log_write(enum log_level level, int number, const char *format, va_list arguments)
{
	char text[LOG_LINE_MAX];
	struct log_line line;
	int saved = errno;

	if (!log_wants(level))
		return;
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		snprintf(text, sizeof(text), "(a text that could not be composed)");
	if (log_state.form == LOG_FORM_JSON)
		line_begin_json(&line, level);
	else
		line_begin(&line, level);
	line_add_value(&line, text);
	if (number) {
		line_add(&line, ": ");
		line_add_value(&line, strerror(number));
	}
	line_write(&line);
	errno = saved;
}

/* syscalls(start): fstat */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;
	char end;

	if (!stream || sscanf(stream, "%llu:%llu%c", &device, &inode, &end) != 2)
		return false;
	return fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
	       status.st_ino == inode;
}

/* syscalls(start): tzset */
void log_init(enum log_level level)
{
	int saved = errno;

	log_state.level = level;
	log_state.is_journal = stderr_is_journal();
	tzset(); /* else the first line with a time would, where no file may be opened any more */
	errno = saved;
}

void log_set_form(enum log_form form)
{
	log_state.form = form;
}

void log_set_subject(const char *subject)
{
	snprintf(log_state.subject, sizeof(log_state.subject), "%s", subject ? subject : "");
}

bool log_wants(enum log_level level)
{
	return level <= log_state.level;
}

void log_debug(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_write(LOG_LEVEL_DEBUG, 0, format, arguments);
	va_end(arguments);
}

void log_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_write(LOG_LEVEL_INFO, 0, format, arguments);
	va_end(arguments);
}

void log_warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_write(LOG_LEVEL_WARNING, errno, format, arguments);
	va_end(arguments);
}

void log_warnx(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_write(LOG_LEVEL_WARNING, 0, format, arguments);
	va_end(arguments);
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_write(LOG_LEVEL_ERROR, errno, format, arguments);
	va_end(arguments);
}

void log_errorx(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_write(LOG_LEVEL_ERROR, 0, format, arguments);
	va_end(arguments);
}
