/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/notify.c: what a service manager hears, and one that does not listen. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/notify.h"

struct manager {
	struct notify notify;
	int fd;
	char path[64];
};

/* Listens at a path, or in the abstract namespace. */
static int manager_open(struct manager *manager, const char *prefix)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = offsetof(struct sockaddr_un, sun_path);

	snprintf(manager->path, sizeof(manager->path), "%s-%d", prefix, (int)getpid());
	memcpy(address.sun_path, manager->path, strlen(manager->path) + 1);
	length += strlen(manager->path) + (manager->path[0] == '/');
	if (manager->path[0] == '@')
		address.sun_path[0] = '\0';
	manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return bind(manager->fd, (struct sockaddr *)&address, (socklen_t)length);
}

static int setup(void **state)
{
	static struct manager manager;

	*state = &manager;
	if (manager_open(&manager, "@gdbproxy-test-notify") < 0)
		return -1;
	return notify_open(&manager.notify, manager.path);
}

static int teardown(void **state)
{
	struct manager *manager = *state;

	notify_close(&manager->notify);
	close(manager->fd);
	return 0;
}

/* The next message, and how many descriptors came with it, which are closed. */
static unsigned assert_heard(const struct manager *manager, const char *expected)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(253 * sizeof(int))];
	} control;
	char text[512];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr header = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf) };
	ssize_t length = recvmsg(manager->fd, &header, MSG_CMSG_CLOEXEC);
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
	unsigned count = 0;

	assert_true(length > 0);
	text[length] = '\0';
	assert_string_equal(text, expected);
	if (!cmsg)
		return 0;
	for (; CMSG_LEN(count * sizeof(int)) < cmsg->cmsg_len; count++) {
		int fd;

		memcpy(&fd, CMSG_DATA(cmsg) + count * sizeof(int), sizeof(fd));
		close(fd);
	}
	return count;
}

static void test_states(void **state)
{
	struct manager *manager = *state;

	assert_int_equal(notify_ready(&manager->notify), 0);
	assert_heard(manager, "READY=1");
	assert_int_equal(notify_stopping(&manager->notify), 0);
	assert_heard(manager, "STOPPING=1");
	assert_int_equal(notify_status(&manager->notify, "%d VMs", 3), 0);
	assert_heard(manager, "STATUS=3 VMs");
}

static void test_reloading_has_the_time(void **state)
{
	struct manager *manager = *state;
	unsigned long long told, now;
	struct timespec time;
	char text[128] = "";

	assert_int_equal(notify_reloading(&manager->notify), 0);
	clock_gettime(CLOCK_MONOTONIC, &time);
	now = (unsigned long long)time.tv_sec * 1000000 + (unsigned long long)time.tv_nsec / 1000;
	assert_true(recv(manager->fd, text, sizeof(text) - 1, 0) > 0);
	assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu", &told), 1);
	assert_true(told <= now && now - told < 10000000);
}

static void test_store(void **state)
{
	struct manager *manager = *state;
	int fds[NOTIFY_FDS_MAX + 2] = { 0 };

	assert_int_equal(notify_store(&manager->notify, "c.1f", fds, 2), 0);
	assert_int_equal(assert_heard(manager, "FDSTORE=1\nFDPOLL=0\nFDNAME=c.1f"), 2);
	assert_int_equal(notify_store(&manager->notify, "p.1", fds, NOTIFY_FDS_MAX + 2), 0);
	assert_int_equal(assert_heard(manager, "FDSTORE=1\nFDPOLL=0\nFDNAME=p.1"), NOTIFY_FDS_MAX);
	assert_int_equal(assert_heard(manager, "FDSTORE=1\nFDPOLL=0\nFDNAME=p.1"), 2);
	assert_int_equal(notify_unstore(&manager->notify, "c.1f"), 0);
	assert_heard(manager, "FDSTOREREMOVE=1\nFDNAME=c.1f");
}

static void test_path(void **state)
{
	struct manager manager;

	(void)state;
	assert_int_equal(manager_open(&manager, "/tmp/gdbproxy-test-notify"), 0);
	assert_int_equal(notify_open(&manager.notify, manager.path), 0);
	assert_int_equal(notify_ready(&manager.notify), 0);
	assert_heard(&manager, "READY=1");
	notify_close(&manager.notify);
	close(manager.fd);
	unlink(manager.path);
}

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A manager that does not read costs its patience once, then nothing, and is heard again later. */
static void test_deaf(void **state)
{
	struct manager *manager = *state;
	double start = seconds(), waited;
	char text[512];
	int rc = 0;

	for (int i = 0; rc == 0 && i < 100000; i++)
		rc = notify_ready(&manager->notify);
	assert_int_equal(rc, -EAGAIN);
	start = seconds();
	for (int i = 0; i < 10; i++)
		assert_int_equal(notify_ready(&manager->notify), -EAGAIN);
	waited = seconds() - start;
	assert_true(waited < 5 * NOTIFY_PATIENCE_MS / 1000.);
	while (recv(manager->fd, text, sizeof(text), 0) > 0)
		;
	assert_int_equal(notify_ready(&manager->notify), 0);
	assert_false(manager->notify.is_deaf);
}

static void test_nobody(void **state)
{
	struct notify notify;

	(void)state;
	assert_int_equal(notify_open(&notify, NULL), 0);
	assert_false(notify_is_open(&notify));
	assert_int_equal(notify_ready(&notify), 0);
	assert_int_equal(notify_open(&notify, "vsock:2:1234"), -EPROTONOSUPPORT);
	assert_int_equal(notify_open(&notify, "/"), -EPROTONOSUPPORT);
	assert_int_equal(notify_open(&notify, ""), -EPROTONOSUPPORT);
	assert_int_equal(notify_open(&notify, "/nonexistent/socket"), -ENOENT);
	assert_false(notify_is_open(&notify));
	assert_int_equal(notify_unstore(&notify, "x"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reloading_has_the_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store, setup, teardown),
		cmocka_unit_test(test_path),
		cmocka_unit_test_setup_teardown(test_deaf, setup, teardown),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
