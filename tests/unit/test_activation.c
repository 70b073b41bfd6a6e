/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/activation.c, daemon/store_name.c: what comes with the start, and what it is. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/activation.h"
#include "daemon/notify.h"
#include "daemon/store_name.h"

enum { FIRST = 200, PID = 4711 };

static int open_given(const char *pid, const char *fds, const char *names,
	struct activation *activation, const char **wrong)
{
	struct activation_environment environment = { .listen_pid = pid,
		.listen_fds = fds,
		.listen_fdnames = names,
		.pid = PID,
		.first_fd = FIRST };

	return activation_open(activation, &environment, wrong);
}

/* Two descriptors, FIRST and the next. */
static int setup(void **state)
{
	(void)state;
	return dup2(0, FIRST) < 0 || dup2(0, FIRST + 1) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	close(FIRST);
	close(FIRST + 1);
	return 0;
}

static void test_none(void **state)
{
	struct activation activation;
	const char *wrong;

	(void)state;
	assert_int_equal(open_given(NULL, NULL, NULL, &activation, &wrong), 0);
	assert_int_equal(activation.count, 0);
	assert_int_equal(open_given("4711", NULL, NULL, &activation, &wrong), 0);
	assert_int_equal(activation.count, 0);
	assert_int_equal(open_given("4712", "2", NULL, &activation, &wrong), 0);
	assert_int_equal(activation.count, 0);
	assert_int_equal(open_given("4711", "0", NULL, &activation, &wrong), 0);
	assert_int_equal(activation.count, 0);
	assert_true(fcntl(FIRST, F_GETFD) >= 0);
}

static void test_taken(void **state)
{
	struct activation activation;
	const char *wrong;

	(void)state;
	assert_int_equal(open_given("4711", "2", "vcpu:", &activation, &wrong), 0);
	assert_int_equal(activation.count, 2);
	assert_int_equal(activation.fds[0].fd, FIRST);
	assert_string_equal(activation.fds[0].name, "vcpu");
	assert_int_equal(activation.fds[1].fd, FIRST + 1);
	assert_string_equal(activation.fds[1].name, "");
	assert_int_equal(fcntl(FIRST, F_GETFD), FD_CLOEXEC);
	activation.fds[0].fd = -1; /* somebody took it */
	activation_close(&activation);
	assert_true(fcntl(FIRST, F_GETFD) >= 0);
	assert_int_equal(fcntl(FIRST + 1, F_GETFD), -1);
}

static void test_without_names(void **state)
{
	struct activation activation;
	const char *wrong;

	(void)state;
	assert_int_equal(open_given("4711", "2", NULL, &activation, &wrong), 0);
	assert_string_equal(activation.fds[1].name, "");
	activation_close(&activation);
}

static void test_nonsense(void **state)
{
	static const char *const counts[] = { "", "x", "-1", "2x", "99999999999999999999", "70000",
		" 2" };
	struct activation activation;
	const char *wrong;

	(void)state;
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		assert_int_equal(open_given("4711", counts[i], NULL, &activation, &wrong), -EINVAL);
		assert_true(strlen(wrong) > 0);
	}
	assert_int_equal(open_given("0", "1", NULL, &activation, &wrong), -EINVAL);
	assert_int_equal(open_given("me", "1", NULL, &activation, &wrong), -EINVAL);
	assert_int_equal(open_given("4711", "2", "a:b:c", &activation, &wrong), -EINVAL);
	assert_int_equal(open_given("4711", "3", NULL, &activation, &wrong), -EBADF);
	assert_int_equal(activation.count, 0);
}

/* ---- what it is -------------------------------------------------------------------------- */

static int bound(int domain, int type, bool listens)
{
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
	} name = { .any.sa_family = (sa_family_t)domain };
	socklen_t length = domain == AF_UNIX ? sizeof(sa_family_t) : sizeof(name.in);
	int fd = socket(domain, type | SOCK_CLOEXEC, 0);

	if (domain == AF_INET)
		name.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, &name.any, length), 0); /* Unix: autobind, unix(7) */
	if (listens)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void assert_kind(int fd, const char *name, enum activation_kind expected, const char *word)
{
	struct activation_fd given = { .fd = fd, .name = name };
	const char *wrong;

	assert_int_equal(activation_inspect(&given, &wrong), expected);
	if (expected == ACTIVATION_UNFIT)
		assert_non_null(strstr(wrong, word));
	close(fd);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_kind(bound(AF_UNIX, SOCK_SEQPACKET, true), "vcpu", ACTIVATION_VCPU, "");
	assert_kind(bound(AF_UNIX, SOCK_SEQPACKET, true), "gdbproxyd.socket", ACTIVATION_VCPU, "");
	assert_kind(bound(AF_UNIX, SOCK_STREAM, true), "rsp", ACTIVATION_RSP, "");
	assert_kind(bound(AF_INET, SOCK_STREAM, true), "rsp", ACTIVATION_RSP, "");
	assert_kind(bound(AF_INET, SOCK_STREAM, true), "", ACTIVATION_RSP, "");
	assert_kind(memfd_create("m", MFD_CLOEXEC), "s.1", ACTIVATION_KEPT, "");
	assert_kind(memfd_create("m", MFD_CLOEXEC), "stored", ACTIVATION_KEPT, "");
	assert_kind(bound(AF_UNIX, SOCK_SEQPACKET, true), "l.1", ACTIVATION_KEPT, "");
}

static void test_unfit(void **state)
{
	(void)state;
	assert_kind(bound(AF_UNIX, SOCK_STREAM, true), "vcpu", ACTIVATION_UNFIT, "SEQPACKET");
	assert_kind(bound(AF_INET, SOCK_STREAM, true), "vcpu", ACTIVATION_UNFIT, "SEQPACKET");
	assert_kind(bound(AF_UNIX, SOCK_SEQPACKET, true), "rsp", ACTIVATION_UNFIT, "STREAM");
	assert_kind(bound(AF_UNIX, SOCK_DGRAM, false), "rsp", ACTIVATION_UNFIT, "STREAM");
	assert_kind(bound(AF_INET, SOCK_DGRAM, false), "", ACTIVATION_UNFIT, "STREAM");
	assert_kind(bound(AF_UNIX, SOCK_SEQPACKET, false), "vcpu", ACTIVATION_UNFIT, "listen");
	assert_kind(bound(AF_UNIX, SOCK_STREAM, false), "rsp", ACTIVATION_UNFIT, "listen");
}

/* ---- names ------------------------------------------------------------------------------- */

static void test_names(void **state)
{
	static const char *const none[] = { "", "s", "s.", "s.0", "s.01", "s.10000", "s.1x", "s1.1",
		"m.1", "m01.1", "m1000.1", "m1", "x.1", "vcpu", "gdbproxyd.socket", "c.G", "j.-1",
		"s.1.2" };
	struct store_name name = { .role = STORE_MEMORY, .number = 0x7f, .id = 0xffff };
	char text[NOTIFY_NAME_SIZE];

	(void)state;
	store_name_format(&name, text, sizeof(text));
	assert_string_equal(text, "m7f.ffff");
	assert_true(strlen(text) <= 9); /* as conf/gdbproxyd.service counts on */
	assert_true(store_name_parse("m0.1", &name));
	assert_int_equal(name.role, STORE_MEMORY);
	assert_int_equal(name.number, 0);
	assert_int_equal(name.id, 1);
	assert_true(store_name_parse("c.1f", &name));
	assert_int_equal(name.role, STORE_CHANNEL);
	assert_int_equal(name.id, 0x1f);
	store_name_format(&name, text, sizeof(text));
	assert_string_equal(text, "c.1f");
	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(store_name_parse(none[i], &name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_unfit),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
