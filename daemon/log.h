/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's log: one line to stderr for each call, written with one write(2), so lines of
 * main and of its workers never mix. A line reads `gdbproxyd: text`, in a worker
 * `gdbproxyd[VM]: text`. When stderr is the journal's (JOURNAL_STREAM names it, systemd.exec(5))
 * it starts with the priority as `<N>`, see sd-daemon(3), and the rest is `text` or `VM: text`: the
 * journal adds the program itself.
 *
 * With LOG_FORM_JSON it is one JSON object instead (json.h), with the members time (UTC, RFC 3339), level
 * (error, warning, info, debug), pid, vm (what log_set_subject() said, if anything) and event, the text.
 *
 * Every byte that is not printable ASCII is written as \xHH and a backslash as \\, in JSON by JSON's rules, so what
 * peers and guests say can neither forge lines nor reach a terminal. What does not fit into
 * LOG_LINE_MAX bytes is cut and ends in "...". A line that cannot be written is lost. errno is
 * the same after each call as before. The daemon ignores SIGPIPE; this file relies on it.
 *
 * One failure, one line, where its cause is known.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdbool.h>

enum { LOG_LINE_MAX = 4096 }; /* at most PIPE_BUF, up to which a write to a pipe is atomic */

/* Each level includes those before it. */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines for people, or for programs. */
enum log_form { LOG_FORM_TEXT, LOG_FORM_JSON };

/* Starts logging at LEVEL and looks whether stderr is the journal's. Before it: level info, no
 * priorities. May be called again. */
void log_init(enum log_level level);

/* What lines look like from now on; before it they are text. */
void log_set_form(enum log_form form);

/* Names what this process works for, such as its VM; NULL for nothing. Copied, cut to 63 bytes. */
void log_set_subject(const char *subject);

/* Whether lines of LEVEL are written: for callers whose text is costly to make. */
bool log_wants(enum log_level level);

#define LOG_FORMAT __attribute__((format(printf, 1, 2)))

void log_debug(const char *format, ...) LOG_FORMAT;
void log_info(const char *format, ...) LOG_FORMAT;

/* Something is wrong and the daemon goes on. log_warn() appends what errno says. */
void log_warn(const char *format, ...) LOG_FORMAT;
void log_warnx(const char *format, ...) LOG_FORMAT;

/* Something is wrong and cannot be worked around. log_error() appends what errno says. */
void log_error(const char *format, ...) LOG_FORMAT;
void log_errorx(const char *format, ...) LOG_FORMAT;

#endif
