/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/fd_receive.c: no fd is ever left over, and none is taken for what it is not. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/kvm.h>

#include <cmocka.h>

#include "daemon/fd_receive.h"

struct fixture {
	int socket[2];
	int open_fds;
};

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int setup(void **state)
{
	static struct fixture fixture;

	*state = &fixture;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fixture.socket) < 0)
		return -1;
	fixture.open_fds = count_fds();
	return 0;
}

/* Every test ends with as many fds as it began with. */
static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(count_fds(), f->open_fds);
	close(f->socket[0]);
	close(f->socket[1]);
	return 0;
}

/* Sends length bytes with count duplicates of fd 0. */
static void send_fds(struct fixture *f, size_t length, unsigned count)
{
	static char bytes[4096];
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(253 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { bytes, length };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[253] = { 0 };

	if (count) {
		struct cmsghdr *c = &control.align;

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
		header.msg_control = control.buf;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	assert_int_equal(sendmsg(f->socket[1], &header, 0), length);
}

static ssize_t receive(struct fixture *f, unsigned max, int *fds, unsigned *count)
{
	char buf[64];

	return fd_receive(f->socket[0], buf, sizeof(buf), fds, max, count);
}

static void test_takes(void **state)
{
	for (unsigned n = 0; n <= FD_RECEIVE_MAX; n++) {
		int fds[FD_RECEIVE_MAX];
		unsigned count;

		send_fds(*state, 10, n);
		assert_int_equal(receive(*state, n, fds, &count), 10);
		assert_int_equal(count, n);
		for (unsigned i = 0; i < n; i++)
			assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
		fd_close_all(fds, count);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(fds[i], -1);
	}
}

/* The odd maxima are those where the padding of the control buffer has room for one more. */
static void test_surplus(void **state)
{
	for (unsigned max = 0; max <= 5; max++)
		for (unsigned n = max + 1; n <= 253; n += n < 8 ? 1 : 49) {
			int fds[FD_RECEIVE_MAX];
			unsigned count = 99;

			send_fds(*state, 10, n);
			assert_int_equal(receive(*state, max, fds, &count), -EPROTO);
			assert_int_equal(count, 0);
			teardown(state);
			setup(state);
		}
}

static void test_too_long(void **state)
{
	int fds[2];
	unsigned count;

	send_fds(*state, 65, 2);
	assert_int_equal(receive(*state, 2, fds, &count), -EPROTO);
	assert_int_equal(count, 0);
	send_fds(*state, 64, 0);
	assert_int_equal(receive(*state, 2, fds, &count), 64);
}

static void test_nothing_there(void **state)
{
	int fds[2];
	unsigned count;

	assert_int_equal(receive(*state, 2, fds, &count), -EAGAIN);
	assert_int_equal(receive(*state, FD_RECEIVE_MAX + 1, fds, &count), -EINVAL);
	send_fds(*state, 0, 2);
	assert_int_equal(receive(*state, 2, fds, &count), 0);
}

static void test_closed(void **state)
{
	struct fixture *f = *state;
	int fds[2];
	unsigned count;

	shutdown(f->socket[1], SHUT_RDWR);
	assert_int_equal(receive(f, 2, fds, &count), 0);
}

static void test_foreign_control(void **state)
{
	struct fixture *f = *state;
	int on = 1, fds[FD_RECEIVE_MAX];
	unsigned count;

	assert_int_equal(setsockopt(f->socket[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	send_fds(f, 10, 1);
	assert_int_equal(receive(f, 2, fds, &count), -EPROTO);
	send_fds(f, 10, 0); /* there is room for it now */
	assert_int_equal(receive(f, FD_RECEIVE_MAX, fds, &count), -EPROTO);
}

/* A socket with bytes that nobody takes; its last close would wait for them. */
static int make_lingering(int *listen_fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct linger linger = { .l_onoff = 1, .l_linger = 5 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), size = 4096;
	static char bytes[1 << 20];
	socklen_t length = sizeof(address);

	*listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(*listen_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	assert_int_equal(bind(*listen_fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(*listen_fd, 1), 0);
	assert_int_equal(getsockname(*listen_fd, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return fd;
}

static void test_lingering(void **state)
{
	int listen_fd, fd = make_lingering(&listen_fd);
	time_t begin = time(NULL);

	(void)state;
	fd_close_all(&fd, 1);
	assert_true(time(NULL) - begin < 4);
	close(listen_fd);
}

/* ---- inspecting -------------------------------------------------------------------------- */

static struct handover_fd inspect(int fd)
{
	struct handover_fd facts;

	fd_inspect(fd, &facts);
	if (fd >= 0)
		close(fd);
	return facts;
}

static void test_inspect_memfd(void **state)
{
	int fd = memfd_create("anon_inode:kvm-vcpu:0", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct handover_fd facts;

	(void)state;
	assert_int_equal(ftruncate(fd, 0x3000), 0);
	fd_inspect(fd, &facts);
	assert_int_equal(facts.kind, HANDOVER_FD_FILE);
	assert_true(facts.readable && facts.writable && !facts.shrink_sealed);
	assert_int_equal(facts.size, 0x3000);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_true(inspect(fd).shrink_sealed);
}

static void test_inspect_modes(void **state)
{
	struct handover_fd facts = inspect(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));

	(void)state;
	assert_int_equal(facts.kind, HANDOVER_FD_FILE);
	assert_true(facts.readable && !facts.writable && facts.size > 1000);
	facts = inspect(open("/proc/self/exe", O_PATH | O_CLOEXEC));
	assert_int_equal(facts.kind, HANDOVER_FD_OTHER);
}

static void test_inspect_sockets(void **state)
{
	static const struct {
		int domain, type;
		enum handover_fd_kind kind;
	} cases[] = {
		{ AF_UNIX, SOCK_SEQPACKET, HANDOVER_FD_CHANNEL },
		{ AF_UNIX, SOCK_STREAM, HANDOVER_FD_OTHER },
		{ AF_UNIX, SOCK_DGRAM, HANDOVER_FD_OTHER },
		{ AF_INET, SOCK_STREAM, HANDOVER_FD_OTHER },
		{ AF_VSOCK, SOCK_SEQPACKET, HANDOVER_FD_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = socket(cases[i].domain, cases[i].type, 0);

		assert_true(fd >= 0 || cases[i].domain == AF_VSOCK); /* not every kernel has it */
		assert_int_equal(inspect(fd).kind, cases[i].kind);
	}
}

static void test_inspect_others(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(inspect(open("/dev/zero", O_RDWR)).kind, HANDOVER_FD_OTHER);
	assert_int_equal(inspect(open("/", O_RDONLY)).kind, HANDOVER_FD_OTHER);
	assert_int_equal(inspect(-1).kind, HANDOVER_FD_OTHER);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(inspect(ends[0]).kind, HANDOVER_FD_OTHER);
	assert_int_equal(inspect(ends[1]).kind, HANDOVER_FD_OTHER);
}

static void test_inspect_vcpu(void **state)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, facts_of[2];
	struct handover_fds facts;

	(void)state;
	if (kvm < 0) {
		print_message("SKIP: no /dev/kvm, so no real vCPU fd to look at\n");
		skip();
	}
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	facts_of[0] = ioctl(vm, KVM_CREATE_VCPU, 3);
	facts_of[1] = vm; /* anon_inode:kvm-vm is not a vCPU */
	fd_inspect_all(facts_of, 2, &facts);
	assert_int_equal(facts.count, 2);
	assert_int_equal(facts.fd[0].kind, HANDOVER_FD_VCPU);
	assert_int_equal(facts.fd[0].kvm_id, 3);
	assert_int_equal(facts.fd[1].kind, HANDOVER_FD_OTHER);
	fd_close_all(facts_of, 2);
	close(kvm);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(takes),
		T(surplus),
		T(too_long),
		T(nothing_there),
		T(closed),
		T(foreign_control),
		T(lingering),
		T(inspect_memfd),
		T(inspect_modes),
		T(inspect_sockets),
		T(inspect_others),
		T(inspect_vcpu),
	};

	return cmocka_run_group_tests_name("fd_receive", tests, NULL, NULL);
}
