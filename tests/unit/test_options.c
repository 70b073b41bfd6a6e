/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, how it joins with the configuration, and the log, which prints what they
 * say. Run from the root of the tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/version.h"

enum { ARGUMENTS_MAX = 64 };

static int find_group(const char *name, gid_t *gid)
{
	*gid = 77;
	return strcmp(name, "kvm") == 0 ? 0 : -ENOENT;
}

static int find_user(const char *name, uid_t *uid)
{
	(void)name;
	(void)uid;
	return -ENOENT;
}

static struct conf_environment test_env = { 0, NULL, "/nonexistent/gdbproxy.conf", find_user,
	find_group };

static char conf_path[] = "/tmp/test_options.XXXXXX";

/* One command line, written with single blanks between the words; `@` is conf_path. */
struct command {
	char text[4096];
	char *argv[ARGUMENTS_MAX + 1];
	int argc;
	struct options options;
	struct conf_error error;
};

static struct command command;

static int parse(const char *line)
{
	char *word = command.text;

	assert_true(strlen(line) < sizeof(command.text));
	strcpy(command.text, line);
	for (command.argc = 0; word; command.argc++) {
		assert_true(command.argc < ARGUMENTS_MAX);
		command.argv[command.argc] = strsep(&word, " ");
		if (strcmp(command.argv[command.argc], "@") == 0)
			command.argv[command.argc] = conf_path;
	}
	command.argv[command.argc] = NULL;
	return options_parse(&command.options, command.argc, command.argv, &command.error);
}

static void assert_usage_error(const char *line, const char *message)
{
	assert_int_equal(parse(line), -EINVAL);
	assert_string_equal(command.error.text, message);
}

static void load(const char *line)
{
	assert_int_equal(parse(line), 0);
	if (options_load(&command.options, &test_env, &command.error) != 0)
		fail_msg("'%s' was refused: %s", line, command.error.text);
}

static void assert_refused(const char *line, const char *message)
{
	assert_int_equal(parse(line), 0);
	assert_int_equal(options_load(&command.options, &test_env, &command.error), -EINVAL);
	assert_string_equal(command.error.text, message);
}

/* The error is in conf_path; MESSAGE begins with the line. */
static void assert_refused_in_file(const char *line, const char *message)
{
	char whole[CONF_ERROR_SIZE];

	snprintf(whole, sizeof(whole), "%s:%s", conf_path, message);
	assert_refused(line, whole);
}

static void write_conf(const char *text)
{
	FILE *file = fopen(conf_path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_defaults(void **state)
{
	(void)state;
	load("gdbproxyd");
	assert_int_equal(command.options.action, OPTIONS_RUN);
	assert_null(command.options.file);
	assert_int_equal(command.options.listen_count, 0);
	assert_string_equal(
		command.options.vcpu_socket.name.un.sun_path, "/run/gdbproxyd/vcpu.sock");
	assert_int_equal(command.options.conf.log_level, LOG_LEVEL_INFO);
	assert_false(command.options.conf.packet_trace);
}

static void test_every_option(void **state)
{
	const struct options *options = &command.options;

	(void)state;
	write_conf("max-vms = 5\n");
	load("gdbproxyd --vcpu-socket /v --listen :1 --listen=[::]:2 --listen ./l -n "
	     "--allow-remote "
	     "--runtime-dir d -f @ -d");
	assert_int_equal(options->action, OPTIONS_CHECK);
	assert_string_equal(options->conf.vcpu_socket, "/v");
	assert_string_equal(options->vcpu_socket.name.un.sun_path, "/v");
	assert_int_equal(options->listen_count, 3);
	assert_int_equal(options->listen[0].name.any.sa_family, AF_INET);
	assert_int_equal(options->listen[1].name.any.sa_family, AF_INET6);
	assert_string_equal(options->listen[2].name.un.sun_path, "./l");
	assert_true(options->conf.allow_remote);
	assert_string_equal(options->conf.runtime_dir, "d");
	assert_int_equal(options->conf.max_vms, 5);
	assert_int_equal(options->conf.log_level, LOG_LEVEL_DEBUG);
}

static void test_debug_repeats(void **state)
{
	(void)state;
	load("gdbproxyd -d");
	assert_int_equal(command.options.conf.log_level, LOG_LEVEL_DEBUG);
	assert_false(command.options.conf.packet_trace);
	load("gdbproxyd -dd");
	assert_int_equal(command.options.conf.log_level, LOG_LEVEL_DEBUG);
	assert_true(command.options.conf.packet_trace);
	load("gdbproxyd --debug -d --debug -ddd");
	assert_true(command.options.conf.packet_trace);
}

static void test_help_and_version(void **state)
{
	(void)state;
	assert_int_equal(parse("gdbproxyd --help --no-such-option"), 0);
	assert_int_equal(command.options.action, OPTIONS_HELP);
	assert_int_equal(parse("gdbproxyd -d --version word"), 0);
	assert_int_equal(command.options.action, OPTIONS_VERSION);
}

static void test_usage_errors(void **state)
{
	(void)state;
	assert_usage_error("gdbproxyd --no-such", "unknown option '--no-such' (try --help)");
	assert_usage_error("gdbproxyd --allow-remote -zn", "unknown option '-z' (try --help)");
	assert_usage_error("gdbproxyd -nz", "unknown option '-z' (try --help)");
	assert_usage_error("gdbproxyd --listen", "option '--listen' needs an argument");
	assert_usage_error("gdbproxyd -n -f", "option '-f' needs an argument");
	assert_usage_error("gdbproxyd --help=1", "option takes no argument: '--help=1'");
	assert_usage_error("gdbproxyd --debug=1", "option takes no argument: '--debug=1'");
	assert_usage_error("gdbproxyd -n word", "unexpected argument 'word' (try --help)");
	assert_usage_error("gdbproxyd -- -n", "unexpected argument '-n' (try --help)");
	assert_usage_error("gdbproxyd -", "unexpected argument '-' (try --help)");
	assert_usage_error("gdbproxyd ", "unexpected argument '' (try --help)");
}

static void test_parse_starts_over(void **state)
{
	(void)state;
	assert_int_equal(parse("gdbproxyd -n -d"), 0);
	assert_int_equal(parse("gdbproxyd -nz"), -EINVAL);
	assert_int_equal(parse("gdbproxyd"), 0);
	assert_int_equal(command.options.action, OPTIONS_RUN);
	assert_int_equal(command.options.override_count, 0);
	assert_int_equal(options_parse(&command.options, 0, command.argv, &command.error), 0);
}

static void test_too_many_settings(void **state)
{
	char line[1024] = "gdbproxyd";
	int i;

	(void)state;
	for (i = 0; i < OPTIONS_OVERRIDE_MAX; i++)
		strcat(line, " --allow-remote");
	assert_int_equal(parse(line), 0);
	strcat(line, " --allow-remote");
	assert_usage_error(line, "more than 32 settings on the command line");
}

static void test_command_line_wins(void **state)
{
	(void)state;
	write_conf(
		"vcpu-socket = /file\nlisten = :1\nlisten = :2\nlog-level = error\nmax-vms = 9\n");
	load("gdbproxyd -f @");
	assert_string_equal(command.options.conf.vcpu_socket, "/file");
	assert_int_equal(command.options.listen_count, 2);
	load("gdbproxyd --vcpu-socket /line --listen :3 -d -f @");
	assert_string_equal(command.options.conf.vcpu_socket, "/line");
	assert_int_equal(command.options.listen_count, 1);
	assert_int_equal(ntohs(command.options.listen[0].name.in.sin_port), 3);
	assert_int_equal(command.options.conf.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(command.options.conf.max_vms, 9);
}

static void test_missing_file(void **state)
{
	(void)state;
	load("gdbproxyd");
	assert_int_equal(parse("gdbproxyd -f /nonexistent/gdbproxy.conf"), 0);
	assert_int_equal(options_load(&command.options, &test_env, &command.error), -ENOENT);
	assert_string_equal(
		command.error.text, "/nonexistent/gdbproxy.conf: No such file or directory");
}

static void test_default_file(void **state)
{
	struct conf_environment env = test_env;

	(void)state;
	write_conf("max-vms = 5\n");
	env.default_file = conf_path;
	assert_int_equal(parse("gdbproxyd"), 0);
	assert_int_equal(options_load(&command.options, &env, &command.error), 0);
	assert_int_equal(command.options.conf.max_vms, 5);

	write_conf("\nmax-vms = 0\n");
	assert_int_equal(options_load(&command.options, &env, &command.error), -EINVAL);
	assert_memory_equal(command.error.text, conf_path, strlen(conf_path));
	assert_string_equal(command.error.text + strlen(conf_path),
		":2: max-vms: must be a whole number from 1 to 4096, not '0'");
	env.default_file = "/tmp"; /* there, but not readable: not passed over */
	assert_int_equal(options_load(&command.options, &env, &command.error), -EISDIR);
}

static void test_remote_is_refused(void **state)
{
	static const char reason[] =
		" is not a loopback address, and whoever can connect owns the guest; "
		"'allow-remote = yes' in the configuration (or --allow-remote) permits it";
	char message[512];

	(void)state;
	snprintf(message, sizeof(message), "--listen: '0.0.0.0:1'%s", reason);
	assert_refused("gdbproxyd --listen :1 --listen 0.0.0.0:1", message);
	load("gdbproxyd --listen 0.0.0.0:1 --allow-remote");

	write_conf("listen = :1\n\nlisten = [2001:db8::1]:1\n");
	snprintf(message, sizeof(message), "3: listen: '[2001:db8::1]:1'%s", reason);
	assert_refused_in_file("gdbproxyd -f @", message);
	write_conf("listen = [2001:db8::1]:1\nallow-remote = yes\n");
	load("gdbproxyd -f @");
}

static void test_addresses_are_checked(void **state)
{
	char line[256], path[160];

	(void)state;
	assert_refused("gdbproxyd --listen 1234",
		"--listen: expected a Unix path (with a '/') or host:port: '1234'");
	assert_refused("gdbproxyd --listen :1 --listen 127.0.0.1:1",
		"--listen: '127.0.0.1:1' is used twice");
	assert_refused(
		"gdbproxyd --listen /a/b --vcpu-socket /a/b", "--listen: '/a/b' is used twice");
	assert_refused("gdbproxyd --runtime-dir /a --listen /a/control.sock",
		"--listen: '/a/control.sock' is used twice");
	write_conf("runtime-dir = /a\nmetrics-socket = /a/control.sock\n");
	assert_refused_in_file(
		"gdbproxyd -f @", "2: metrics-socket: '/a/control.sock' is used twice");
	write_conf("runtime-dir = /a\ncontrol-socket = /a/vcpu.sock\n");
	assert_refused_in_file("gdbproxyd -f @", "2: control-socket: '/a/vcpu.sock' is used twice");
	write_conf("control-socket = none\nmetrics-socket = none\n");
	load("gdbproxyd -f @");
	assert_int_equal(command.options.control_socket.length, 0);
	assert_int_equal(command.options.metrics_socket.length, 0);
	write_conf("vcpu-socket = unix:/run/v\n");
	assert_refused_in_file("gdbproxyd -f @",
		"1: vcpu-socket: a Unix socket is written as its path, "
		"without 'unix:': 'unix:/run/v'");
	memset(path, 'a', 108);
	path[0] = '/';
	path[108] = '\0';
	snprintf(line, sizeof(line), "gdbproxyd --runtime-dir %s", path);
	assert_refused(line, "runtime-dir: no socket fits in there: "
			     "the path of a Unix socket may have at most 107 bytes");
	snprintf(line, sizeof(line), "gdbproxyd --vcpu-socket %s", path);
	assert_int_equal(parse(line), 0);
	assert_int_equal(options_load(&command.options, &test_env, &command.error), -EINVAL);
	assert_memory_equal(command.error.text,
		"vcpu-socket: the path of a Unix socket may have at most 107 bytes", 65);
	path[107] = '\0';
	snprintf(line, sizeof(line), "gdbproxyd --vcpu-socket %s", path);
	load(line);
}

/* What a print function writes, in a buffer that is good until the next call. */
static const char *printed(void (*print)(FILE *out))
{
	static char text[CONF_FORMAT_SIZE];
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	if (print)
		print(out);
	else
		options_print_conf(&command.options, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void test_print_conf(void **state)
{
	char first[CONF_FORMAT_SIZE];
	char *remark;

	(void)state;
	load("gdbproxyd -n --listen :7 --runtime-dir d");
	strcpy(first, printed(NULL));
	assert_non_null(strstr(first, "vcpu-socket = d/vcpu.sock # default\n"));
	assert_non_null(strstr(first, "listen = :7 # command line\n"));

	write_conf(first);
	load("gdbproxyd -n -f @");
	while ((remark = strstr(first, "# default")) ||
		(remark = strstr(first, "# command line"))) {
		size_t length = strcspn(remark, "\n");

		memmove(remark + 6, remark + length, strlen(remark + length) + 1);
		memcpy(remark, "# file", 6);
	}
	assert_string_equal(printed(NULL), first);
}

static void test_print_version(void **state)
{
	(void)state;
	assert_string_equal(printed(options_print_version), "gdbproxyd " GDBPROXYD_VERSION "\n");
}

static void test_help_and_manual_name_options(void **state)
{
	static const char *const options[] = { "vcpu-socket", "listen", "runtime-dir",
		"allow-remote", "debug", "help", "version" };
	static char manual[65536];
	FILE *file = fopen("conf/gdbproxyd.8", "r");
	char word[64];
	size_t i;

	(void)state;
	if (!file)
		fail_msg("conf/gdbproxyd.8: %s (run from the root of the tree)", strerror(errno));
	assert_true(fread(manual, 1, sizeof(manual) - 1, file) > 0);
	fclose(file);
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		snprintf(word, sizeof(word), "--%s", options[i]);
		assert_non_null(strstr(printed(options_print_help), word));
		snprintf(word, sizeof(word), "-%s", options[i]);
		assert_non_null(strstr(manual, word));
	}
	assert_non_null(strstr(manual, ".It Fl f Ar file\n"));
	assert_non_null(strstr(manual, ".It Fl n\n"));
	assert_non_null(strstr(printed(options_print_help), "  stop-timeout-ms  "));
}

/* Runs one log call with stderr a pipe and gives back what arrived. */
static const char *logged(void (*call)(void))
{
	static char text[2 * LOG_LINE_MAX];
	int saved = dup(STDERR_FILENO);
	ssize_t length;
	int pipe_fd[2];

	assert_int_equal(pipe2(pipe_fd, O_NONBLOCK), 0);
	assert_int_equal(dup2(pipe_fd[1], STDERR_FILENO), STDERR_FILENO);
	errno = EXDEV;
	call();
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	length = read(pipe_fd[0], text, sizeof(text) - 1);
	text[length < 0 ? 0 : length] = '\0';
	close(saved);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return text;
}

static void say_warn(void)
{
	log_warn("cannot %s", "move");
}

static void say_warnx(void)
{
	log_warnx("odd");
}

static void say_error(void)
{
	log_error("failed");
}

static void say_errorx(void)
{
	log_errorx("failed");
}

static void say_info(void)
{
	log_info("news");
}

static void say_debug(void)
{
	log_debug("detail");
}

static void say_foreign(void)
{
	log_info("%s", "a\nb\033[2J\\\t\x7f\xc3\xa9~");
}

static void say_long(void)
{
	char text[3 * LOG_LINE_MAX];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
}

static void say_long_foreign(void)
{
	char text[LOG_LINE_MAX];

	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
}

static void parse_wrong(void)
{
	parse("gdbproxyd --no-such");
}

/* getopt_long() has nothing to say to the user; the caller has. */
static void test_parse_prints_nothing(void **state)
{
	(void)state;
	assert_string_equal(logged(parse_wrong), "");
}

static void test_log_lines(void **state)
{
	(void)state;
	log_init(LOG_LEVEL_DEBUG);
	assert_string_equal(
		logged(say_warn), "gdbproxyd: cannot move: Invalid cross-device link\n");
	assert_string_equal(logged(say_warnx), "gdbproxyd: odd\n");
	assert_string_equal(logged(say_error), "gdbproxyd: failed: Invalid cross-device link\n");
	assert_string_equal(logged(say_errorx), "gdbproxyd: failed\n");
	assert_string_equal(logged(say_info), "gdbproxyd: news\n");
	assert_string_equal(logged(say_debug), "gdbproxyd: detail\n");
}

/* Also when the line cannot be written. */
static void test_log_keeps_errno(void **state)
{
	int saved = dup(STDERR_FILENO);
	int kept;

	(void)state;
	log_init(LOG_LEVEL_INFO);
	close(STDERR_FILENO);
	errno = EXDEV;
	say_warn();
	log_init(LOG_LEVEL_INFO);
	kept = errno;
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	assert_int_equal(kept, EXDEV);
}

static void test_log_levels(void **state)
{
	(void)state;
	log_init(LOG_LEVEL_ERROR);
	assert_true(log_wants(LOG_LEVEL_ERROR));
	assert_false(log_wants(LOG_LEVEL_WARNING));
	assert_string_equal(logged(say_warn), "");
	assert_string_equal(logged(say_errorx), "gdbproxyd: failed\n");
	log_init(LOG_LEVEL_WARNING);
	assert_string_equal(logged(say_info), "");
	assert_string_equal(logged(say_warnx), "gdbproxyd: odd\n");
	log_init(LOG_LEVEL_INFO);
	assert_string_equal(logged(say_debug), "");
	assert_string_equal(logged(say_info), "gdbproxyd: news\n");
}

static void test_log_subject(void **state)
{
	(void)state;
	log_set_subject("vm-1");
	assert_string_equal(logged(say_info), "gdbproxyd[vm-1]: news\n");
	log_set_subject("vm\n2");
	assert_string_equal(logged(say_info), "gdbproxyd[vm\\x0a2]: news\n");
	log_set_subject(NULL);
	assert_string_equal(logged(say_info), "gdbproxyd: news\n");
}

static void test_log_escapes(void **state)
{
	(void)state;
	assert_string_equal(
		logged(say_foreign), "gdbproxyd: a\\x0ab\\x1b[2J\\\\\\x09\\x7f\\xc3\\xa9~\n");
}

static void test_log_cuts(void **state)
{
	const char *text = logged(say_long);

	(void)state;
	assert_int_equal(strlen(text), LOG_LINE_MAX);
	assert_string_equal(text + LOG_LINE_MAX - 5, "a...\n");
	text = logged(say_long_foreign);
	assert_true(strlen(text) > LOG_LINE_MAX - 8 && strlen(text) <= LOG_LINE_MAX);
	assert_string_equal(text + strlen(text) - 8, "\\x0a...\n");
	assert_int_equal(strcspn(text, "\n"), strlen(text) - 1);
}

/* The members in their order; time and pid may be any. */
static void assert_json_line(const char *line, const char *rest)
{
	int year, month, day, hour, minute, second, micro, pid, length = 0;

	assert_int_equal(sscanf(line, "{\"time\":\"%4d-%2d-%2dT%2d:%2d:%2d.%6dZ\",\"level\":%n",
				 &year, &month, &day, &hour, &minute, &second, &micro, &length),
		7);
	line += length;
	assert_memory_equal(line, rest, strcspn(rest, "@"));
	line += strcspn(rest, "@");
	assert_int_equal(sscanf(line, "%d%n", &pid, &length), 1);
	assert_int_equal(pid, getpid());
	assert_string_equal(line + length, strchr(rest, '@') + 1);
}

static void test_log_json(void **state)
{
	const char *text;

	(void)state;
	log_set_form(LOG_FORM_JSON);
	assert_json_line(logged(say_info), "\"info\",\"pid\":@,\"event\":\"news\"}\n");
	assert_json_line(logged(say_warn), "\"warning\",\"pid\":@,\"event\":\"cannot move: "
					   "Invalid cross-device link\"}\n");
	log_set_subject("vm\"}\n2");
	assert_json_line(logged(say_errorx), "\"error\",\"pid\":@,\"vm\":\"vm\\\"}\\u000a2\","
					     "\"event\":\"failed\"}\n");
	log_set_subject(NULL);
	assert_json_line(logged(say_foreign),
		"\"info\",\"pid\":@,\"event\":\"a\\u000ab\\u001b[2J\\\\\\u0009\\u007f\\u00c3"
		"\\u00a9~\"}\n");
	text = logged(say_long);
	assert_int_equal(strlen(text), LOG_LINE_MAX);
	assert_string_equal(text + LOG_LINE_MAX - 7, "a...\"}\n");
	text = logged(say_long_foreign);
	assert_true(strlen(text) > LOG_LINE_MAX - 8 && strlen(text) <= LOG_LINE_MAX);
	assert_string_equal(text + strlen(text) - 12, "\\u000a...\"}\n");
	log_set_form(LOG_FORM_TEXT);
}

/* log_init() looks at stderr, so it is called with the pipe in place. */
static void say_to_journal(void)
{
	char stream[64];
	struct stat status;

	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
		(unsigned long long)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init(LOG_LEVEL_DEBUG);
	log_errorx("e");
	log_warnx("w");
	log_info("i");
	log_debug("d");
}

static void test_log_to_journal(void **state)
{
	static const char *const other[] = { "", "1", "1:", "1:2", "1:2:3", "x" };
	size_t i;

	(void)state;
	assert_string_equal(logged(say_to_journal), "<3>e\n<4>w\n<6>i\n<7>d\n");
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		setenv("JOURNAL_STREAM", other[i], 1);
		log_init(LOG_LEVEL_DEBUG);
		assert_string_equal(logged(say_info), "gdbproxyd: news\n");
	}
	unsetenv("JOURNAL_STREAM");
	log_init(LOG_LEVEL_INFO);
}

static int make_file(void **state)
{
	int fd = mkstemp(conf_path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(conf_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_debug_repeats),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_usage_errors),
		cmocka_unit_test(test_parse_starts_over),
		cmocka_unit_test(test_too_many_settings),
		cmocka_unit_test(test_command_line_wins),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_default_file),
		cmocka_unit_test(test_remote_is_refused),
		cmocka_unit_test(test_addresses_are_checked),
		cmocka_unit_test(test_print_conf),
		cmocka_unit_test(test_print_version),
		cmocka_unit_test(test_help_and_manual_name_options),
		cmocka_unit_test(test_parse_prints_nothing),
		cmocka_unit_test(test_log_lines),
		cmocka_unit_test(test_log_keeps_errno),
		cmocka_unit_test(test_log_levels),
		cmocka_unit_test(test_log_subject),
		cmocka_unit_test(test_log_escapes),
		cmocka_unit_test(test_log_cuts),
		cmocka_unit_test(test_log_json),
		cmocka_unit_test(test_log_to_journal),
	};

	return cmocka_run_group_tests_name("options", tests, make_file, remove_file);
}
