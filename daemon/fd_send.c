/* SPDX-License-Identifier: Apache-2.0 */
/* Fds for another process: see fd_send.h. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include "daemon/fd_send.h"

/* Room for them, aligned as CMSG_FIRSTHDR() wants it. */
union fd_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FD_SEND_MAX * sizeof(int))];
};

static void fd_attach(
	struct msghdr *header, union fd_control *control, const int *fds, unsigned count)
{
	memset(control, 0, CMSG_SPACE(count * sizeof(int)));
	control->align.cmsg_level = SOL_SOCKET;
	control->align.cmsg_type = SCM_RIGHTS;
	control->align.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&control->align), fds, count * sizeof(int));
	header->msg_control = control;
	header->msg_controllen = CMSG_SPACE(count * sizeof(int));
}

/* syscalls(main, worker, lobby): sendmsg */
int fd_send(
	int socket_fd, const void *bytes, size_t length, const int *fds, unsigned count, int flags)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	union fd_control control;
	ssize_t sent;

	if (count)
		fd_attach(&header, &control, fds, count);
	do
		sent = sendmsg(socket_fd, &header, MSG_NOSIGNAL | flags);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}
