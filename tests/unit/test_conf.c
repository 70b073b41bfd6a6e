/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: syntax, every kind of value, errors by place and words, the way back to
 * text, and that example and manual name every key. Run from the root of the tree.
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
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/conf_lex.h"
#include "conf/conf_table.h"

static int find_group(const char *name, gid_t *gid)
{
	*gid = 77;
	return strcmp(name, "kvm") == 0 ? 0 : -ENOENT;
}

static int find_user(const char *name, uid_t *uid)
{
	if (strcmp(name, "root") == 0)
		*uid = 0;
	else if (strcmp(name, "vmm") == 0)
		*uid = 1234;
	else if (strcmp(name, "gdbproxyd") == 0)
		*uid = 1235;
	else
		return -ENOENT;
	return 0;
}

static const struct conf_environment root_env = { 0, "/run/user/0", "/none", find_user,
	find_group };
static const struct conf_environment user_env = { 1000, "/run/user/1000", "/none", find_user,
	find_group };
static const struct conf_environment bare_env = { 1000, NULL, "/none", find_user, find_group };

static int parse_bytes(
	struct conf *conf, const char *bytes, size_t length, struct conf_error *error)
{
	conf_init(conf);
	memset(error, 0x55, sizeof(*error));
	return conf_parse(conf, &root_env, "f", bytes, length, error);
}

static int parse(struct conf *conf, const char *text, struct conf_error *error)
{
	return parse_bytes(conf, text, strlen(text), error);
}

static void assert_accepted(struct conf *conf, const char *text)
{
	struct conf_error error;

	if (parse(conf, text, &error) != 0)
		fail_msg("'%s' was refused: %s", text, error.text);
}

static void assert_refused(const char *text, const char *message)
{
	struct conf_error error;
	struct conf conf;

	assert_int_equal(parse(&conf, text, &error), -EINVAL);
	assert_string_equal(error.text, message);
}

static void test_defaults(void **state)
{
	struct conf conf;

	(void)state;
	conf_init(&conf);
	assert_string_equal(conf.vcpu_socket, "");
	assert_int_equal(conf.vcpu_socket_mode, 0600);
	assert_int_equal(conf.listen.count, 0);
	assert_string_equal(conf.runtime_dir, "");
	assert_int_equal(conf.socket_mode, 0600);
	assert_false(conf.allow_remote);
	assert_int_equal(conf.log_level, CONF_LOG_INFO);
	assert_false(conf.packet_trace);
	assert_int_equal(conf.stop_timeout_ms, 2000);
	assert_int_equal(conf.max_vms, 1024);
	assert_int_equal(conf.log_format, CONF_LOG_TEXT);
	assert_string_equal(conf.control_socket, "");
	assert_int_equal(conf.control_socket_mode, 0600);
	assert_int_equal(conf.control_uid.count, 0);
	assert_string_equal(conf.metrics_socket, "none");
	assert_int_equal(conf.metrics_socket_mode, 0600);
	assert_int_equal(conf.max_vcpus, 256);
	assert_int_equal(conf.allow_uid.count, 0);
	assert_int_equal(conf.allow_gid.count, 0);
	assert_int_equal(conf.debug_uid.count, 0);
	assert_int_equal(conf.debug_gid.count, 0);
	assert_true(conf.memory_without_fd);
	assert_false(conf.user.is_set);
	assert_true(conf.isolation);
	assert_int_equal(conf.on_disconnect.policy, CONF_ON_DISCONNECT_RESUME);
	assert_int_equal(conf.on_disconnect.seconds, 0);
	assert_int_equal(conf.peer_timeout_s, 60);
}

/* conf_init() ignores errors on the ground that there are none. */
static void test_table_defaults_are_values(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < CONF_KEY_COUNT; i++) {
		const struct conf_key *key = conf_table_row(i);
		char text[256];
		struct conf conf;

		assert_ptr_equal(conf_table_find(key->name), key);
		assert_int_equal(conf_table_index(key), i);
		assert_true(strlen(key->name) < CONF_LEX_KEY_SIZE);
		assert_true(key->fallback || key->fallback_doc);
		if (!key->fallback)
			continue;
		snprintf(text, sizeof(text), "%s = %s", key->name, key->fallback);
		assert_accepted(&conf, text);
	}
	assert_null(conf_table_find("no-such-key"));
	assert_null(conf_table_find(""));
}

static void test_every_key_is_set(void **state)
{
	struct conf conf;

	(void)state;
	assert_accepted(&conf,
		"vcpu-socket = ./v.sock\nvcpu-socket-mode=0666\nlisten = :1\nlisten = /a b/c#d\n"
		"runtime-dir = run\nsocket-mode = 7\nallow-remote = yes\nlog-level = debug\n"
		"packet-trace = yes\nstop-timeout-ms = 10\nmax-vms = 4096\nmax-vcpus = 1024\n"
		"allow-uid = root, vmm 7,,8\non-disconnect = hold-for 30\nlog-format = json\n"
		"on-worker-death = hold\npeer-timeout-s = 0\n"
		"control-socket = none\ncontrol-socket-mode = 0660\ncontrol-uid = vmm\n"
		"metrics-socket = ./m\nmetrics-socket-mode = 0666\n");
	assert_int_equal(conf.on_disconnect.policy, CONF_ON_DISCONNECT_HOLD_FOR);
	assert_int_equal(conf.on_disconnect.seconds, 30);
	assert_int_equal(conf.peer_timeout_s, 0);
	assert_string_equal(conf.vcpu_socket, "./v.sock");
	assert_int_equal(conf.vcpu_socket_mode, 0666);
	assert_int_equal(conf.listen.count, 2);
	assert_string_equal(conf.listen.text[0], ":1");
	assert_string_equal(conf.listen.text[1], "/a b/c#d");
	assert_int_equal(conf.listen.line[0], 3);
	assert_int_equal(conf.listen.line[1], 4);
	assert_string_equal(conf.runtime_dir, "run");
	assert_int_equal(conf.socket_mode, 07);
	assert_true(conf.allow_remote);
	assert_int_equal(conf.log_level, CONF_LOG_DEBUG);
	assert_true(conf.packet_trace);
	assert_int_equal(conf.stop_timeout_ms, 10);
	assert_int_equal(conf.on_worker_death, CONF_ON_WORKER_DEATH_HOLD);
	assert_int_equal(conf.max_vms, 4096);
	assert_int_equal(conf.max_vcpus, 1024);
	assert_int_equal(conf.allow_uid.count, 4);
	assert_int_equal(conf.allow_uid.uid[0], 0);
	assert_int_equal(conf.allow_uid.uid[1], 1234);
	assert_int_equal(conf.allow_uid.uid[2], 7);
	assert_int_equal(conf.allow_uid.uid[3], 8);
	assert_int_equal(conf_line_of(&conf, "allow-uid"), 13);
	assert_int_equal(conf.log_format, CONF_LOG_JSON);
	assert_string_equal(conf.control_socket, "none");
	assert_int_equal(conf.control_socket_mode, 0660);
	assert_int_equal(conf.control_uid.count, 1);
	assert_int_equal(conf.control_uid.uid[0], 1234);
	assert_string_equal(conf.metrics_socket, "./m");
	assert_int_equal(conf.metrics_socket_mode, 0666);
}

static void test_syntax_accepted(void **state)
{
	static const char *const texts[] = {
		"max-vms=5",
		"max-vms = 5\n",
		"max-vms = 5\r\n",
		"\t max-vms\t=\t5 \t",
		"max-vms = 5 # five",
		"max-vms = 5\t#five",
		"\n\n# a comment = no setting\n  # another\n\r\nmax-vms = 5",
	};
	struct conf conf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_accepted(&conf, texts[i]);
		assert_int_equal(conf.max_vms, 5);
	}
	assert_accepted(&conf, "");
	assert_accepted(&conf, "runtime-dir = a=b #c");
	assert_string_equal(conf.runtime_dir, "a=b");
	assert_accepted(&conf, "runtime-dir = r\xc3\xa9p");
	assert_string_equal(conf.runtime_dir, "r\xc3\xa9p");
}

static void test_syntax_refused(void **state)
{
	(void)state;
	assert_refused("max-vms", "f:1: expected 'key = value'");
	assert_refused("\n[main]\n", "f:2: expected 'key = value'");
	assert_refused("= 5", "f:1: there is no key before the '='");
	assert_refused("max-vms =", "f:1: max-vms: the value is missing");
	assert_refused("max-vms = # 5", "f:1: max-vms: the value is missing");
	assert_refused("max-vms =#5", "f:1: max-vms: the value is missing");
	assert_refused("\n\nmax-wms = 5", "f:3: max-wms: unknown key");
	assert_refused("Max-vms = 5", "f:1: unknown key: keys are made of a-z, 0-9 and '-'");
	assert_refused("max vms = 5", "f:1: unknown key: keys are made of a-z, 0-9 and '-'");
	assert_refused(
		"\xef\xbb\xbfmax-vms = 5", "f:1: unknown key: keys are made of a-z, 0-9 and '-'");
	assert_refused("max-vms-is-what-this-key-is-not-b = 5", "f:1: unknown key");
	assert_refused(
		"runtime-dir = \"/run\"", "f:1: runtime-dir: values are written without quotes");
	assert_refused("max-vms = 5\rmax-vcpus = 5\r", "f:1: the line has a control character");
	assert_refused("# \033[2J", "f:1: the line has a control character");
	assert_refused("max-vms = 5\n\nmax-vcpus = 6\nmax-vms = 7\n",
		"f:4: max-vms: already set in line 1");
}

static void test_nul_bytes(void **state)
{
	static const char text[] = "max-vms = 5\nmax-vcpus = 6\0 # hidden\n";
	struct conf_error error;
	struct conf conf;

	(void)state;
	assert_int_equal(parse_bytes(&conf, text, sizeof(text) - 1, &error), -EINVAL);
	assert_string_equal(error.text, "f:2: the line has a NUL byte");
	assert_int_equal(parse_bytes(&conf, "\0", 1, &error), -EINVAL);
	assert_string_equal(error.text, "f:1: the line has a NUL byte");
}

static void test_huge_lines(void **state)
{
	enum { SIZE = 1 << 20 };
	char *text = malloc(SIZE + 1);
	struct conf_error error;
	struct conf conf;

	(void)state;
	assert_non_null(text);
	text[SIZE] = '\0';
	memset(text, 'a', SIZE);
	assert_int_equal(parse(&conf, text, &error), -EINVAL);
	assert_string_equal(error.text, "f:1: expected 'key = value'");

	memcpy(text, "runtime-dir = ", 14);
	assert_int_equal(parse(&conf, text, &error), -EINVAL);
	assert_string_equal(error.text, "f:1: runtime-dir: the value is longer than 1023 bytes");

	text[14 + 1023] = '\0';
	assert_int_equal(parse(&conf, text, &error), -EINVAL);
	assert_string_equal(error.text, "f:1: runtime-dir: longer than 255 bytes");

	text[14 + 255] = '\0';
	assert_int_equal(parse(&conf, text, &error), 0);
	assert_int_equal(strlen(conf.runtime_dir), 255);

	memset(text, '#', SIZE);
	assert_int_equal(parse(&conf, text, &error), 0);
	free(text);
}

static void test_values_refused(void **state)
{
	(void)state;
	assert_refused("vcpu-socket = :1234", "f:1: vcpu-socket: must be the path of a Unix socket "
					      "and contain a '/', not ':1234'");
	assert_refused("control-socket = no",
		"f:1: control-socket: must be 'none' or the path of a Unix socket and contain a "
		"'/', not 'no'");
	assert_refused("metrics-socket = :9100",
		"f:1: metrics-socket: must be 'none' or the path of a Unix socket and contain a "
		"'/', not ':9100'");
	assert_refused(
		"log-format = logfmt", "f:1: log-format: must be one of text, json, not 'logfmt'");
	assert_refused("socket-mode = 0680", "f:1: socket-mode: must be octal permissions from 0 "
					     "to 0777, such as 0660, not '0680'");
	assert_refused("socket-mode = 01777", "f:1: socket-mode: must be octal permissions from 0 "
					      "to 0777, such as 0660, not '01777'");
	assert_refused("socket-mode = rw", "f:1: socket-mode: must be octal permissions from 0 to "
					   "0777, such as 0660, not 'rw'");
	assert_refused("allow-remote = true", "f:1: allow-remote: must be yes or no, not 'true'");
	assert_refused("log-level = all",
		"f:1: log-level: must be one of error, warning, info, debug, not 'all'");
}

#define DISCONNECT_MUST                                                                            \
	"f:1: on-disconnect: must be resume, hold, or hold-for and a number of seconds from 1 "    \
	"to 86400, not "

static void test_disconnect(void **state)
{
	struct conf conf;

	(void)state;
	assert_accepted(&conf, "on-disconnect = resume");
	assert_int_equal(conf.on_disconnect.policy, CONF_ON_DISCONNECT_RESUME);
	assert_accepted(&conf, "on-disconnect = hold");
	assert_int_equal(conf.on_disconnect.policy, CONF_ON_DISCONNECT_HOLD);
	assert_int_equal(conf.on_disconnect.seconds, 0);
	assert_accepted(&conf, "on-disconnect = hold-for \t86400");
	assert_int_equal(conf.on_disconnect.policy, CONF_ON_DISCONNECT_HOLD_FOR);
	assert_int_equal(conf.on_disconnect.seconds, 86400);
	assert_refused("on-disconnect = stop", DISCONNECT_MUST "'stop'");
	assert_refused("on-disconnect = resume 5", DISCONNECT_MUST "'resume 5'");
	assert_refused("on-disconnect = hold 5", DISCONNECT_MUST "'hold 5'");
	assert_refused("on-disconnect = hold-for", DISCONNECT_MUST "'hold-for'");
	assert_refused("on-disconnect = hold-for 0", DISCONNECT_MUST "'hold-for 0'");
	assert_refused("on-disconnect = hold-for 86401", DISCONNECT_MUST "'hold-for 86401'");
	assert_refused("on-disconnect = hold-for 1 2", DISCONNECT_MUST "'hold-for 1 2'");
	assert_refused("on-disconnect = hold-for -1", DISCONNECT_MUST "'hold-for -1'");
}

static void test_numbers_refused(void **state)
{
	static const char *const numbers[] = { "9", "60001", "-10", "+10", "0x10", "10ms", "1 0",
		"10.", "4294967306", "18446744073709551626", "99999999999999999999999999" };
	char text[128], message[128];
	struct conf conf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(text, sizeof(text), "stop-timeout-ms = %s", numbers[i]);
		snprintf(message, sizeof(message),
			"f:1: stop-timeout-ms: must be a whole number from 10 to 60000, not '%s'",
			numbers[i]);
		assert_refused(text, message);
	}
	assert_accepted(&conf, "stop-timeout-ms = 60000");
	assert_int_equal(conf.stop_timeout_ms, 60000);
	assert_refused(
		"max-vms = 0", "f:1: max-vms: must be a whole number from 1 to 4096, not '0'");
	assert_refused("max-vcpus = 1025",
		"f:1: max-vcpus: must be a whole number from 1 to 1024, not '1025'");
}

static void test_users(void **state)
{
	struct conf conf;

	(void)state;
	assert_accepted(&conf, "allow-uid = 4294967294");
	assert_int_equal(conf.allow_uid.uid[0], 4294967294u);
	assert_accepted(&conf, "allow-uid = vmm 1234 vmm");
	assert_int_equal(conf.allow_uid.count, 1);
	assert_refused(
		"allow-uid = 4294967295", "f:1: allow-uid: '4294967295' is too large for a uid");
	assert_refused(
		"allow-uid = root nobody-here", "f:1: allow-uid: there is no user 'nobody-here'");
	assert_refused("allow-uid = -1", "f:1: allow-uid: there is no user '-1'");
	assert_refused("allow-uid = ,", "f:1: allow-uid: the list names nobody");
}

/* COUNT uids, one a word, or COUNT addresses, one a line. */
static void many(char *text, const char *start, const char *each, int count)
{
	int i;

	text += sprintf(text, "%s", start);
	for (i = 0; i < count; i++)
		text += snprintf(text, 32, "%s%d", each, i + 1);
}

static void test_too_many(void **state)
{
	struct conf conf;
	char text[2048];

	(void)state;
	many(text, "allow-uid =", " ", CONF_UID_MAX);
	assert_accepted(&conf, text);
	assert_int_equal(conf.allow_uid.uid[CONF_UID_MAX - 1], CONF_UID_MAX);
	many(text, "allow-uid =", " ", CONF_UID_MAX + 1);
	assert_refused(text, "f:1: allow-uid: more than 64 users");

	many(text, "", "\nlisten = :", CONF_LISTEN_MAX);
	assert_accepted(&conf, text);
	assert_int_equal(conf.listen.count, CONF_LISTEN_MAX);
	many(text, "", "\nlisten = :", CONF_LISTEN_MAX + 1);
	assert_refused(text, "f:18: listen: more than 16 addresses");
}

static void override(
	struct conf *conf, const char *key, const char *value, const char *expected_error)
{
	struct conf_error error;
	int result = conf_override(conf, &root_env, "--flag", key, value, &error);

	assert_int_equal(result, expected_error ? -EINVAL : 0);
	if (expected_error)
		assert_string_equal(error.text, expected_error);
}

static void test_override(void **state)
{
	struct conf conf;

	(void)state;
	assert_accepted(&conf, "max-vms = 5\nlisten = :1\nlisten = :2\n");
	override(&conf, "max-vms", "6", NULL);
	override(&conf, "max-vms", "7", NULL);
	assert_int_equal(conf.max_vms, 7);
	assert_int_equal(conf_line_of(&conf, "max-vms"), CONF_LINE_COMMAND);

	override(&conf, "listen", ":3", NULL);
	override(&conf, "listen", ":4", NULL);
	assert_int_equal(conf.listen.count, 2);
	assert_string_equal(conf.listen.text[0], ":3");
	assert_string_equal(conf.listen.text[1], ":4");
	assert_int_equal(conf.listen.line[1], CONF_LINE_COMMAND);

	override(&conf, "max-vms", "many",
		"--flag: must be a whole number from 1 to 4096, not 'many'");
	override(&conf, "listen", "", "--flag: the value is missing");
	override(&conf, "listen", "/a\nb", "--flag: the value has a control character");
	override(&conf, "listen", "/a #b",
		"--flag: the value may not have blanks at its ends, nor a '#' after a blank");
	override(&conf, "listen", " /a",
		"--flag: the value may not have blanks at its ends, nor a '#' after a blank");
	override(&conf, "no-such-key", "1", "--flag: there is no key 'no-such-key'");
}

static void settle(struct conf *conf, const char *text, const struct conf_environment *env)
{
	struct conf_error error;

	assert_accepted(conf, text);
	assert_int_equal(conf_settle(conf, env, &error), 0);
}

static void test_groups_and_user(void **state)
{
	struct conf conf;

	(void)state;
	assert_accepted(
		&conf, "allow-gid = kvm, 5 kvm\ndebug-uid = vmm\ndebug-gid = 0\nuser = vmm");
	assert_int_equal(conf.allow_gid.count, 2);
	assert_int_equal(conf.allow_gid.gid[0], 77);
	assert_int_equal(conf.allow_gid.gid[1], 5);
	assert_int_equal(conf.debug_uid.uid[0], 1234);
	assert_int_equal(conf.debug_gid.count, 1);
	assert_true(conf.user.is_set);
	assert_int_equal(conf.user.uid, 1234);
	assert_refused("allow-gid = nobodies", "f:1: allow-gid: there is no group 'nobodies'");
	assert_refused(
		"debug-gid = 4294967295", "f:1: debug-gid: '4294967295' is too large for a gid");
	assert_refused("debug-gid = ,", "f:1: debug-gid: the list names nobody");
	assert_refused("user = no one", "f:1: user: there is no user 'no one'");
	settle(&conf, "user = vmm", &root_env);
	assert_int_equal(conf.allow_uid.count, 2);
	assert_int_equal(conf.allow_uid.uid[1], 1234);
}

static void test_settle(void **state)
{
	struct conf conf;

	(void)state;
	settle(&conf, "", &root_env);
	assert_string_equal(conf.runtime_dir, "/run/gdbproxyd");
	assert_string_equal(conf.vcpu_socket, "/run/gdbproxyd/vcpu.sock");
	assert_int_equal(conf.allow_uid.count, 1);
	assert_int_equal(conf.allow_uid.uid[0], 0);

	settle(&conf, "", &user_env);
	assert_string_equal(conf.runtime_dir, "/run/user/1000/gdbproxyd");
	assert_string_equal(conf.vcpu_socket, "/run/user/1000/gdbproxyd/vcpu.sock");
	assert_int_equal(conf.allow_uid.count, 2);
	assert_int_equal(conf.allow_uid.uid[1], 1000);
	assert_string_equal(conf.control_socket, "/run/user/1000/gdbproxyd/control.sock");
	assert_int_equal(conf.control_uid.count, 2);
	assert_int_equal(conf.control_uid.uid[1], 1000);

	settle(&conf, "", &bare_env);
	assert_string_equal(conf.runtime_dir, "/run/gdbproxyd");

	settle(&conf, "runtime-dir = d\nallow-uid = 7", &user_env);
	assert_string_equal(conf.runtime_dir, "d");
	assert_string_equal(conf.vcpu_socket, "d/vcpu.sock");
	assert_int_equal(conf.allow_uid.count, 1);
	assert_int_equal(conf.allow_uid.uid[0], 7);
}

static void test_settle_refuses_odd_environment(void **state)
{
	struct conf_environment env = user_env;
	struct conf_error error;
	struct conf conf;

	(void)state;
	env.xdg_runtime_dir = "/run\n/x";
	conf_init(&conf);
	assert_int_equal(conf_settle(&conf, &env, &error), -EINVAL);
	assert_string_equal(error.text,
		"runtime-dir: no default can be made here: the value has a control character");
}

static void test_format_reads_back(void **state)
{
	static char text[CONF_FORMAT_SIZE];
	static char again[CONF_FORMAT_SIZE];
	struct conf_error error;
	struct conf conf, copy;
	int length;

	(void)state;
	many(again, "", "\nlisten = /path with a blank/", CONF_LISTEN_MAX);
	strcat(again, "\nallow-uid = 4294967294 1 2\nsocket-mode = 0\npacket-trace = yes\n"
		      "log-level = error\nmax-vms = 1\nruntime-dir = a#b\n");
	settle(&conf, again, &root_env);
	override(&conf, "max-vcpus", "3", NULL);
	length = conf_format(&conf, text, sizeof(text));
	assert_int_equal(length, strlen(text));
	assert_non_null(strstr(text, "max-vcpus = 3 # command line\n"));
	assert_non_null(strstr(text, "max-vms = 1 # file\n"));
	assert_non_null(strstr(text, "stop-timeout-ms = 2000 # default\n"));
	assert_non_null(strstr(text, "allow-uid = 4294967294, 1, 2 # file\n"));

	assert_int_equal(parse(&copy, text, &error), 0);
	memset(conf.line, 0, sizeof(conf.line));
	memset(copy.line, 0, sizeof(copy.line));
	memset(conf.listen.line, 0, sizeof(conf.listen.line));
	memset(copy.listen.line, 0, sizeof(copy.listen.line));
	assert_memory_equal(&conf, &copy, sizeof(conf));
}

static void test_format_without_room(void **state)
{
	char text[CONF_FORMAT_SIZE];
	struct conf conf;
	int length;
	int size;

	(void)state;
	settle(&conf, "listen = :1", &root_env);
	length = conf_format(&conf, text, sizeof(text));
	assert_true(length > 0);
	for (size = 1; size <= length; size++)
		assert_int_equal(conf_format(&conf, text, (size_t)size), -ENOBUFS);
	assert_int_equal(conf_format(&conf, text, (size_t)length + 1), length);
}

/* The largest configuration there can be. */
static void test_format_size_is_enough(void **state)
{
	static char text[CONF_FORMAT_SIZE];
	struct conf conf;
	unsigned int i;

	(void)state;
	settle(&conf, "", &root_env);
	memset(conf.vcpu_socket, 'a', CONF_TEXT_SIZE - 1);
	memset(conf.runtime_dir, 'a', CONF_TEXT_SIZE - 1);
	memset(conf.control_socket, 'a', CONF_TEXT_SIZE - 1);
	memset(conf.metrics_socket, 'a', CONF_TEXT_SIZE - 1);
	for (i = 0; i < CONF_LISTEN_MAX; i++)
		memset(conf.listen.text[i], 'a', CONF_TEXT_SIZE - 1);
	conf.listen.count = CONF_LISTEN_MAX;
	for (i = 0; i < CONF_UID_MAX; i++)
		conf.allow_uid.uid[i] = 4294967294u - i;
	conf.allow_uid.count = CONF_UID_MAX;
	conf.control_uid = conf.allow_uid;
	for (i = 0; i < CONF_KEY_COUNT; i++)
		conf.line[i] = CONF_LINE_COMMAND;
	assert_true(conf_format(&conf, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, ", 4294967231 #"));
}

static void write_file(char *path, const char *bytes, size_t length)
{
	int fd;

	strcpy(path, "/tmp/test_conf.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	close(fd);
}

static void test_read_file(void **state)
{
	char path[32], expected[128];
	struct conf_error error;
	struct conf conf;

	(void)state;
	write_file(path, "max-vms = 5\n", 12);
	conf_init(&conf);
	assert_int_equal(conf_read_file(&conf, &root_env, path, &error), 0);
	assert_int_equal(conf.max_vms, 5);
	unlink(path);

	assert_int_equal(conf_read_file(&conf, &root_env, path, &error), -ENOENT);
	snprintf(expected, sizeof(expected), "%s: No such file or directory", path);
	assert_string_equal(error.text, expected);

	assert_int_equal(conf_read_file(&conf, &root_env, "/tmp", &error), -EISDIR);
	assert_string_equal(error.text, "/tmp: Is a directory");
	assert_int_equal(conf_read_file(&conf, &root_env, "/dev/null", &error), 0);
	assert_int_equal(conf_read_file(&conf, &root_env, "/dev/zero", &error), -EFBIG);
}

/* What a reload may change, and what it leaves alone. */
static void test_keep_fixed(void **state)
{
	struct conf_environment env;
	struct conf old, conf;
	struct conf_error error;
	char text[CONF_KEPT_SIZE];
	static const char bytes[] = "runtime-dir = /b\nlog-level = debug\nmax-vms = 3\n"
				    "vcpu-socket-mode = 0666\nlisten = :1\nsocket-mode = 0660\n";

	(void)state;
	conf_environment_init(&env);
	conf_init(&old);
	assert_int_equal(conf_settle(&old, &env, &error), 0);
	conf = old;
	conf_keep_fixed(&conf, &old, text, sizeof(text));
	assert_string_equal(text, "");
	conf_init(&conf);
	assert_int_equal(conf_parse(&conf, &env, "f", bytes, strlen(bytes), &error), 0);
	assert_int_equal(conf_settle(&conf, &env, &error), 0);
	conf_keep_fixed(&conf, &old, text, sizeof(text));
	assert_string_equal(text, "vcpu-socket, vcpu-socket-mode, runtime-dir, control-socket");
	assert_string_equal(conf.runtime_dir, old.runtime_dir);
	assert_string_equal(conf.vcpu_socket, old.vcpu_socket);
	assert_int_equal(conf.vcpu_socket_mode, old.vcpu_socket_mode);
	assert_int_equal(conf_line_of(&conf, "runtime-dir"), conf_line_of(&old, "runtime-dir"));
	assert_int_equal(conf.log_level, CONF_LOG_DEBUG);
	assert_int_equal(conf.max_vms, 3);
	assert_int_equal(conf.socket_mode, 0660);
	assert_int_equal(conf.listen.count, 1);
	conf.max_vcpus = 1;
	conf_keep_fixed(&conf, &old, text, 8);
	assert_int_equal(conf.max_vcpus, 1);
}

static void test_read_file_limit(void **state)
{
	static char bytes[CONF_FILE_MAX + 1];
	struct conf_error error;
	struct conf conf;
	char path[32];

	(void)state;
	memset(bytes, '\n', sizeof(bytes));
	conf_init(&conf);
	write_file(path, bytes, CONF_FILE_MAX);
	assert_int_equal(conf_read_file(&conf, &root_env, path, &error), 0);
	unlink(path);
	write_file(path, bytes, CONF_FILE_MAX + 1);
	assert_int_equal(conf_read_file(&conf, &root_env, path, &error), -EFBIG);
	unlink(path);
}

static void test_environment(void **state)
{
	struct conf_environment env;
	uid_t uid = 1;

	(void)state;
	setenv("XDG_RUNTIME_DIR", "/x", 1);
	conf_environment_init(&env);
	assert_int_equal(env.uid, geteuid());
	assert_string_equal(env.xdg_runtime_dir, "/x");
	assert_string_equal(env.default_file, "/etc/gdbproxy/gdbproxy.conf");
	assert_int_equal(env.find_user("root", &uid), 0);
	assert_int_equal(uid, 0);
	assert_int_equal(env.find_user("no such user", &uid), -ENOENT);
}

static void test_error_is_cut(void **state)
{
	char file[2 * CONF_ERROR_SIZE];
	struct conf_error error;

	(void)state;
	memset(file, 'f', sizeof(file) - 1);
	file[sizeof(file) - 1] = '\0';
	conf_error_at(&error, file, 1, "key");
	assert_int_equal(conf_error_set(&error, "%s", "wrong"), -EINVAL);
	assert_int_equal(strlen(error.text), CONF_ERROR_SIZE - 1);
	conf_error_set(&error, "%s", "the place is forgotten");
	assert_string_equal(error.text, "the place is forgotten");
}

static void load(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t length;

	if (!file)
		fail_msg("%s: %s (run from the root of the tree)", path, strerror(errno));
	length = fread(text, 1, size - 1, file);
	assert_true(length > 0 && length < size - 1);
	text[length] = '\0';
	fclose(file);
}

/* Settings in the example are lines `#key = default`, prose has a blank after the '#'. */
static void uncomment(char *text)
{
	char *c;

	for (c = text; c[0]; c++) {
		if (c[0] == '#' && c[1] >= 'a' && c[1] <= 'z' && (c == text || c[-1] == '\n'))
			c[0] = ' ';
	}
}

static void test_example(void **state)
{
	static char text[CONF_FILE_MAX];
	struct conf conf, defaults;
	unsigned int i;

	(void)state;
	settle(&defaults, "", &root_env);
	load("gdbproxy.conf", text, sizeof(text));
	settle(&conf, text, &root_env);
	assert_memory_equal(&conf, &defaults, sizeof(conf));

	uncomment(text);
	assert_accepted(&conf, text);
	for (i = 0; i < CONF_KEY_COUNT; i++) {
		if (conf.line[i] == CONF_LINE_DEFAULT)
			fail_msg("gdbproxy.conf lacks '#%s = '", conf_table_row(i)->name);
	}
	assert_string_equal(conf.listen.text[0], ":1234"); /* those without a default */
	assert_int_equal(conf.allow_gid.gid[0], 77);
	assert_int_equal(conf.debug_uid.uid[0], 0);
	assert_int_equal(conf.debug_gid.gid[0], 77);
	assert_int_equal(conf.user.uid, 1235);
	memset(conf.line, 0, sizeof(conf.line));
	memset(&conf.listen, 0, sizeof(conf.listen));
	memset(&conf.allow_gid, 0, sizeof(conf.allow_gid));
	memset(&conf.debug_uid, 0, sizeof(conf.debug_uid));
	memset(&conf.debug_gid, 0, sizeof(conf.debug_gid));
	memset(&conf.user, 0, sizeof(conf.user));
	assert_memory_equal(&conf, &defaults, sizeof(conf));
}

static void test_manual(void **state)
{
	static char text[CONF_FILE_MAX];
	char item[64], range[64];
	unsigned int i;

	(void)state;
	load("conf/gdbproxy.conf.5", text, sizeof(text));
	for (i = 0; i < CONF_KEY_COUNT; i++) {
		const struct conf_key *key = conf_table_row(i);
		const char *found;

		snprintf(item, sizeof(item), "\n.It Ic %s No = ", key->name);
		found = strstr(text, item);
		if (!found)
			fail_msg("gdbproxy.conf(5) lacks '%s'", key->name);
		if (key->type != &conf_type_number)
			continue;
		snprintf(range, sizeof(range), ", %u to %u.\nThe default is %s.\n", key->min,
			key->max, key->fallback);
		if (!strstr(found, range))
			fail_msg("gdbproxy.conf(5) has another range for '%s'", key->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_table_defaults_are_values),
		cmocka_unit_test(test_every_key_is_set),
		cmocka_unit_test(test_syntax_accepted),
		cmocka_unit_test(test_syntax_refused),
		cmocka_unit_test(test_nul_bytes),
		cmocka_unit_test(test_huge_lines),
		cmocka_unit_test(test_values_refused),
		cmocka_unit_test(test_disconnect),
		cmocka_unit_test(test_numbers_refused),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_groups_and_user),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_settle_refuses_odd_environment),
		cmocka_unit_test(test_format_reads_back),
		cmocka_unit_test(test_format_without_room),
		cmocka_unit_test(test_format_size_is_enough),
		cmocka_unit_test(test_read_file),
		cmocka_unit_test(test_keep_fixed),
		cmocka_unit_test(test_read_file_limit),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_error_is_cut),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
