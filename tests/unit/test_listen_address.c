/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listen addresses: their text, and real sockets in a directory of the test's own and on
 * loopback, stale, alive and foreign.
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

#include "daemon/address.h"

static char directory[] = "/tmp/test_listen_address.XXXXXX";

/* A path in the directory, good until the next call. */
static const char *path_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void parse(struct listen_address *address, const char *text)
{
	const char *wrong;

	if (listen_address_parse(address, text, &wrong) != 0)
		fail_msg("'%s' was refused: %s", text, wrong);
}

static void assert_parsed(const char *text, const char *formatted, bool is_loopback)
{
	struct listen_address address;
	char again[LISTEN_ADDRESS_TEXT_SIZE];

	parse(&address, text);
	listen_address_format(&address, again, sizeof(again));
	assert_string_equal(again, formatted);
	assert_int_equal(address.is_loopback, is_loopback);
}

static void test_parse(void **state)
{
	(void)state;
	assert_parsed("/run/x.sock", "/run/x.sock", true);
	assert_parsed("./x", "./x", true);
	assert_parsed("a/b:1", "a/b:1", true);
	assert_parsed(":1234", "127.0.0.1:1234", true);
	assert_parsed("localhost:1", "127.0.0.1:1", true);
	assert_parsed("127.0.0.1:0", "127.0.0.1:0", true);
	assert_parsed("127.255.0.9:65535", "127.255.0.9:65535", true);
	assert_parsed("0.0.0.0:1", "0.0.0.0:1", false);
	assert_parsed("128.0.0.1:1", "128.0.0.1:1", false);
	assert_parsed("[::1]:00001", "[::1]:1", true);
	assert_parsed("[::]:1", "[::]:1", false);
	assert_parsed("[2001:DB8::1]:9", "[2001:db8::1]:9", false);
}

static void assert_not_parsed(const char *text, const char *message)
{
	struct listen_address address;
	const char *wrong;

	assert_int_equal(listen_address_parse(&address, text, &wrong), -EINVAL);
	assert_string_equal(wrong, message);
}

static void test_parse_refuses_tcp(void **state)
{
	static const char *const ports[] = { ":", ":-1", ":+1", ": 1", ":65536", ":100000", ":1a",
		"127.0.0.1:gdb", "[::1]" };
	static const char *const hosts[] = { "host:1", "127.1:1", "256.0.0.1:1", "::1:1",
		"1.2.3.4.5:1", "[127.0.0.1:1", "*:1", " :1" };
	static const char *const hosts6[] = { "[]:1", "[:]:1", "[127.0.0.1]:1", "[::1%lo]:1" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		assert_not_parsed(
			ports[i], "expected a port number from 0 to 65535 after the last ':'");
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		assert_not_parsed(hosts[i], "expected a numeric IPv4 address, [IPv6 address] or "
					    "localhost before ':port'");
	for (i = 0; i < sizeof(hosts6) / sizeof(hosts6[0]); i++)
		assert_not_parsed(hosts6[i], "expected a numeric IPv6 address between '[' and ']'");
	assert_not_parsed("", "expected a Unix path (with a '/') or host:port");
	assert_not_parsed("1234", "expected a Unix path (with a '/') or host:port");
	assert_not_parsed("@abstract", "expected a Unix path (with a '/') or host:port");
	assert_not_parsed("tcp::1234", "a TCP address is written as host:port, without 'tcp:'");
	assert_not_parsed(
		"[::ffff:127.0.0.1]:1", "write an IPv4 address as such, not mapped into IPv6");
	assert_not_parsed("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:1",
		"the host is longer than any numeric address");
}

static void test_parse_refuses_unix(void **state)
{
	char path[109];

	(void)state;
	assert_not_parsed("/", "the path ends in '/'");
	assert_not_parsed("/run/", "the path ends in '/'");
	assert_not_parsed("unix:/run/x", "a Unix socket is written as its path, without 'unix:'");
	memset(path, '/', sizeof(path));
	path[107] = 'x';
	path[108] = '\0';
	assert_not_parsed(path, "the path of a Unix socket may have at most 107 bytes");
	path[106] = 'x';
	path[107] = '\0';
	assert_parsed(path, path, true);
}

static void test_equals(void **state)
{
	struct listen_address a, b;

	(void)state;
	parse(&a, ":1");
	parse(&b, "localhost:1");
	assert_true(listen_address_equals(&a, &b));
	parse(&b, ":2");
	assert_false(listen_address_equals(&a, &b));
	parse(&b, "[::1]:1");
	assert_false(listen_address_equals(&a, &b));
	parse(&a, "/a");
	parse(&b, "/ab");
	assert_false(listen_address_equals(&a, &b));
	parse(&b, "/a");
	assert_true(listen_address_equals(&a, &b));
}

static bool exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

static int connect_to(struct listen_address *address, int type)
{
	int fd = socket(address->name.any.sa_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, &address->name.any, address->length) < 0) {
		close(fd);
		return -errno;
	}
	return fd;
}

static void assert_listens(struct listen_address *address, int type, int fd)
{
	int client, server;
	char byte;

	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(accept(fd, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	client = connect_to(address, type);
	assert_true(client >= 0);
	server = accept(fd, NULL, NULL);
	assert_true(server >= 0);
	assert_int_equal(send(client, "x", 1, 0), 1);
	assert_int_equal(recv(server, &byte, 1, 0), 1);
	close(server); /* first: with TCP, its port is in TIME_WAIT now */
	close(client);
}

static void test_open_unix(void **state)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	struct listen_address address;
	size_t i;
	int fd;

	(void)state;
	parse(&address, path_of("open"));
	for (i = 0; i < 2; i++) {
		assert_int_equal(listen_address_open(&address, types[i], 0600, &fd), 0);
		assert_listens(&address, types[i], fd);
		errno = EXDEV;
		listen_address_close(&address, &fd);
		assert_int_equal(errno, EXDEV);
		assert_int_equal(fd, -1);
		assert_false(exists(address.name.un.sun_path));
		listen_address_close(&address, &fd); /* twice does no harm */
	}
}

static void test_open_sets_mode(void **state)
{
	static const mode_t modes[] = { 0600, 0660, 0666, 0777, 0 };
	struct listen_address address;
	struct stat status;
	size_t i;
	int fd;

	(void)state;
	parse(&address, path_of("mode"));
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		mode_t before = umask(027);

		assert_int_equal(listen_address_open(&address, SOCK_STREAM, modes[i], &fd), 0);
		assert_int_equal(umask(before), 027);
		assert_int_equal(lstat(address.name.un.sun_path, &status), 0);
		assert_int_equal(status.st_mode, S_IFSOCK | modes[i]);
		listen_address_close(&address, &fd);
	}
}

/* A socket file nobody is behind, as a killed process leaves it. */
static void leave_stale(struct listen_address *address, int type)
{
	int fd = socket(AF_UNIX, type, 0);

	assert_int_equal(bind(fd, &address->name.any, address->length), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd);
	assert_true(exists(address->name.un.sun_path));
}

static void test_stale_is_replaced(void **state)
{
	struct listen_address address;
	int fd;

	(void)state;
	parse(&address, path_of("stale"));
	leave_stale(&address, SOCK_STREAM);
	assert_int_equal(listen_address_open(&address, SOCK_STREAM, 0600, &fd), 0);
	assert_listens(&address, SOCK_STREAM, fd);
	listen_address_close(&address, &fd);

	leave_stale(&address, SOCK_STREAM); /* another type than ours */
	assert_int_equal(listen_address_open(&address, SOCK_SEQPACKET, 0600, &fd), 0);
	assert_listens(&address, SOCK_SEQPACKET, fd);
	listen_address_close(&address, &fd);
}

static void test_alive_is_left(void **state)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_STREAM };
	struct listen_address first, second;
	int fd, other, i;

	(void)state;
	parse(&first, path_of("alive"));
	second = first;
	for (i = 0; i < 2; i++) {
		assert_int_equal(listen_address_open(&first, types[i], 0600, &fd), 0);
		assert_int_equal(listen_address_open(&second, types[i], 0600, &other), -EADDRINUSE);
		assert_int_equal(other, -1);
		assert_int_equal(
			listen_address_open(&second, types[i + 1], 0600, &other), -EADDRINUSE);
		close(accept(fd, NULL, NULL)); /* the first question, of the right type */
		assert_listens(&first, types[i], fd);
		listen_address_close(&first, &fd);
	}
}

/* A server with a full queue is alive, although it does not accept. */
static void test_busy_is_left(void **state)
{
	struct listen_address address, second;
	int client[8], fd, other, i;

	(void)state;
	parse(&address, path_of("busy"));
	second = address;
	assert_int_equal(listen_address_open(&address, SOCK_STREAM, 0600, &fd), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (i = 0; i < 8; i++) {
		client[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(client[i], &address.name.any, address.length) < 0)
			break;
	}
	assert_true(i < 8 && errno == EAGAIN);
	assert_int_equal(listen_address_open(&second, SOCK_STREAM, 0600, &other), -EADDRINUSE);
	assert_true(exists(address.name.un.sun_path));
	for (; i >= 0; i--)
		close(client[i]);
	listen_address_close(&address, &fd);
}

static void test_foreign_is_left(void **state)
{
	struct listen_address address;
	int fd;

	(void)state;
	parse(&address, path_of("file"));
	close(open(address.name.un.sun_path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(listen_address_open(&address, SOCK_STREAM, 0600, &fd), -ENOTSOCK);
	assert_int_equal(fd, -1);
	assert_true(exists(address.name.un.sun_path));
	unlink(address.name.un.sun_path);

	assert_int_equal(mkdir(address.name.un.sun_path, 0700), 0);
	assert_int_equal(listen_address_open(&address, SOCK_STREAM, 0600, &fd), -ENOTSOCK);
	assert_int_equal(rmdir(address.name.un.sun_path), 0);

	assert_int_equal(symlink("nowhere", address.name.un.sun_path), 0);
	assert_int_equal(listen_address_open(&address, SOCK_STREAM, 0600, &fd), -ENOTSOCK);
	assert_true(exists(address.name.un.sun_path));
	unlink(address.name.un.sun_path);

	parse(&address, path_of("no/directory"));
	assert_int_equal(listen_address_open(&address, SOCK_STREAM, 0600, &fd), -ENOENT);
	assert_int_equal(fd, -1);
}

/* Somebody removed our socket and put another there: it is not ours to remove. */
static void test_close_leaves_others(void **state)
{
	struct listen_address first, second;
	int fd, other;

	(void)state;
	parse(&first, path_of("close"));
	second = first;
	assert_int_equal(listen_address_open(&first, SOCK_STREAM, 0600, &fd), 0);
	assert_int_equal(rename(first.name.un.sun_path, path_of("moved")), 0);
	assert_int_equal(listen_address_open(&second, SOCK_STREAM, 0600, &other), 0);
	listen_address_close(&first, &fd);
	assert_listens(&second, SOCK_STREAM, other);
	listen_address_close(&second, &other);
	assert_false(exists(second.name.un.sun_path));
	unlink(path_of("moved"));
}

static void test_open_tcp(void **state)
{
	struct listen_address address, second;
	char text[LISTEN_ADDRESS_TEXT_SIZE];
	int fd, other;

	(void)state;
	parse(&address, ":0");
	assert_int_equal(listen_address_open(&address, SOCK_STREAM, 0600, &fd), 0);
	assert_int_not_equal(ntohs(address.name.in.sin_port), 0);
	assert_listens(&address, SOCK_STREAM, fd);
	listen_address_format(&address, text, sizeof(text));
	parse(&second, text);
	assert_true(listen_address_equals(&address, &second));
	assert_int_equal(listen_address_open(&second, SOCK_STREAM, 0600, &other), -EADDRINUSE);
	assert_int_equal(other, -1);
	listen_address_close(&address, &fd);
	assert_int_equal(fd, -1);

	/* Works in spite of the TIME_WAIT that assert_listens() left. */
	assert_int_equal(listen_address_open(&second, SOCK_STREAM, 0600, &other), 0);
	listen_address_close(&second, &other);
}

static void test_open_tcp_v6(void **state)
{
	struct listen_address address, v4;
	char text[LISTEN_ADDRESS_TEXT_SIZE];
	int fd, other, result;

	(void)state;
	parse(&address, "[::]:0");
	result = listen_address_open(&address, SOCK_STREAM, 0600, &fd);
	if (result == -EAFNOSUPPORT || result == -EADDRNOTAVAIL) {
		print_message("no IPv6 here\n");
		skip();
	}
	assert_int_equal(result, 0);
	snprintf(text, sizeof(text), "0.0.0.0:%u", ntohs(address.name.in6.sin6_port));
	parse(&v4, text);
	assert_int_equal(listen_address_open(&v4, SOCK_STREAM, 0600, &other), 0);
	listen_address_close(&v4, &other);
	listen_address_close(&address, &fd);
}

static void test_seqpacket_needs_unix(void **state)
{
	struct listen_address address;
	int fd;

	(void)state;
	parse(&address, ":0");
	assert_int_equal(
		listen_address_open(&address, SOCK_SEQPACKET, 0600, &fd), -ESOCKTNOSUPPORT);
	assert_int_equal(fd, -1);
}

/* The lowest free fd is the same before and after a test: nothing leaked. */
static int lowest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static int setup(void **state)
{
	static int lowest;

	lowest = lowest_fd();
	*state = &lowest;
	return 0;
}

static int check_fds(void **state)
{
	const int *lowest = *state;

	return lowest_fd() == *lowest ? 0 : -1;
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

/* Fails if a test left a file behind. */
static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses_tcp),
		cmocka_unit_test(test_parse_refuses_unix),
		cmocka_unit_test(test_equals),
		cmocka_unit_test_setup_teardown(test_open_unix, setup, check_fds),
		cmocka_unit_test_setup_teardown(test_open_sets_mode, setup, check_fds),
		cmocka_unit_test_setup_teardown(test_stale_is_replaced, setup, check_fds),
		cmocka_unit_test_setup_teardown(test_alive_is_left, setup, check_fds),
		cmocka_unit_test_setup_teardown(test_busy_is_left, setup, check_fds),
		cmocka_unit_test_setup_teardown(test_foreign_is_left, setup, check_fds),
		cmocka_unit_test_setup_teardown(test_close_leaves_others, setup, check_fds),
		cmocka_unit_test_setup_teardown(test_open_tcp, setup, check_fds),
		cmocka_unit_test_setup_teardown(test_open_tcp_v6, setup, check_fds),
		cmocka_unit_test_setup_teardown(test_seqpacket_needs_unix, setup, check_fds),
	};

	return cmocka_run_group_tests_name(
		"listen_address", tests, make_directory, remove_directory);
}
