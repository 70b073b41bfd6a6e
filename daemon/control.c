/* SPDX-License-Identifier: Apache-2.0 */
/* Between main and a worker: see control.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "daemon/control.h"
#include "daemon/fd_receive.h"

/* syscalls(main, worker, lobby): sendmsg */
int control_send(
	int socket_fd, const struct control_message *message, const int *fds, unsigned count)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(HANDOVER_MAX_FDS * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)message, .iov_len = sizeof(*message) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (count) {
		header.msg_control = space;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	return sendmsg(socket_fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int control_receive(int socket_fd, struct control_message *message, int *fds, unsigned *count)
{
	ssize_t n = fd_receive(socket_fd, message, sizeof(*message), fds, HANDOVER_MAX_FDS, count);

	if (n <= 0)
		return (int)n;
	if ((size_t)n != sizeof(*message)) {
		fd_close_all(fds, *count);
		return -EPROTO;
	}
	return 1;
}
