/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving and inspecting fds: see the header.  The peer is hostile until shown otherwise. */
#include "daemon/fd_receive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- receiving --------------------------------------------------------------------------- */

/* Room for FD_RECEIVE_MAX fds, aligned as the kernel and CMSG_NXTHDR() want it. */
union fd_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(FD_RECEIVE_MAX * sizeof(int))];
};

/*
 * A socket that lingers (socket(7), SO_LINGER) would make its last close(2) wait for a peer that may
 * never read: for as long as whoever sent it to us likes.
 */
/* syscalls(main, worker, lobby): setsockopt */
static void fd_close(int fd)
{
	struct linger none = { .l_onoff = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(fd);
}

void fd_close_all(int *fds, unsigned count)
{
	int saved = errno;

	for (unsigned i = 0; i < count; i++) {
		fd_close(fds[i]);
		fds[i] = -1;
	}
	errno = saved;
}

/*
 * Moves the fds of all control messages to all[]: padding may let the kernel pass one more than was asked
 * for, so all[] has room for whatever fits into the buffer.  False: something else was in it.
 */
static bool fd_collect(struct msghdr *header, int *all, unsigned *count)
{
	bool clean = true;

	*count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			clean = false;
			continue;
		}
		memcpy(all + *count, CMSG_DATA(c), bytes);
		*count += bytes / sizeof(int);
	}
	return clean;
}

/* syscalls(main, worker, lobby): recvmsg */
ssize_t fd_receive(
	int socket_fd, void *buf, size_t size, int *fds, unsigned max_fds, unsigned *count)
{
	int all[sizeof(union fd_control) / sizeof(int)];
	union fd_control control;
	struct iovec bytes = { .iov_base = buf, .iov_len = size };
	struct msghdr header = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = max_fds ? control.buf : NULL,
		.msg_controllen = max_fds ? CMSG_SPACE(max_fds * sizeof(int)) : 0,
	};
	unsigned received;
	ssize_t length;

	*count = 0;
	if (max_fds > FD_RECEIVE_MAX)
		return -EINVAL;
	do
		length = recvmsg(socket_fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	if (!fd_collect(&header, all, &received) || received > max_fds ||
		(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		fd_close_all(all, received);
		return -EPROTO;
	}
	if (length == 0) {
		fd_close_all(all, received);
		return 0;
	}
	memcpy(fds, all, received * sizeof(int));
	*count = received;
	return length;
}

/* ---- inspecting -------------------------------------------------------------------------- */

/* syscalls(main): getsockopt */
static bool fd_is_channel(int fd)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
		return false;
	size = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return false;
	return domain == AF_UNIX && type == SOCK_SEQPACKET;
}

/* syscalls(main): readlink */
static bool fd_is_vcpu(int fd, uint32_t *kvm_id)
{
	char path[32], target[64];
	int end = 0;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return sscanf(target, "anon_inode:kvm-vcpu:%9u%n", kvm_id, &end) == 1 && end == length;
}

/* syscalls(main): fcntl */
static void fd_inspect_file(int fd, const struct statx *status, struct handover_fd *facts)
{
	int seals = fcntl(fd, F_GET_SEALS);

	facts->kind = HANDOVER_FD_FILE;
	facts->size = status->stx_size;
	facts->shrink_sealed = seals >= 0 && (seals & F_SEAL_SHRINK);
}

/* DONT_SYNC: a file system in user space would be asked otherwise, and might never answer. */
/* syscalls(main): fcntl statx */
void fd_inspect(int fd, struct handover_fd *facts)
{
	int flags = fcntl(fd, F_GETFL);
	struct statx status;

	*facts = (struct handover_fd){ .kind = HANDOVER_FD_OTHER };
	if (flags < 0 || (flags & O_PATH) ||
		statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_SIZE,
			&status) < 0)
		return;
	facts->readable = (flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR;
	facts->writable = (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR;
	if (S_ISREG(status.stx_mode))
		fd_inspect_file(fd, &status, facts);
	else if (S_ISSOCK(status.stx_mode) && fd_is_channel(fd))
		facts->kind = HANDOVER_FD_CHANNEL;
	else if (!S_ISSOCK(status.stx_mode) && fd_is_vcpu(fd, &facts->kvm_id))
		facts->kind = HANDOVER_FD_VCPU;
}

void fd_inspect_all(const int *fds, unsigned count, struct handover_fds *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->count = count;
	for (unsigned i = 0; i < count && i < HANDOVER_MAX_FDS; i++)
		fd_inspect(fds[i], &facts->fd[i]);
}
