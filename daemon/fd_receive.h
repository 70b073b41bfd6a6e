/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where fds come in from another process, and where they are looked at before
 * anything is done with them.  Knows no message.
 */
#ifndef DAEMON_FD_RECEIVE_H
#define DAEMON_FD_RECEIVE_H

#include <stddef.h>
#include <sys/types.h>

#include "protocol/handover.h"

enum { FD_RECEIVE_MAX = 16 };

/*
 * Takes one packet of up to size bytes, and up to max_fds fds (at most FD_RECEIVE_MAX) with it,
 * without waiting.  Returns its length with *count fds in fds[], close-on-exec and the caller's; 0 when
 * the peer has closed (or sent an empty packet, which no protocol here has); -EAGAIN
 * when there is none; -EPROTO when it was longer than size, brought more fds than max_fds, or
 * control data that is not SCM_RIGHTS; other -errno of recvmsg(2).  Unless the result is positive no fd
 * is left open, *count is 0.  See unix(7), cmsg(3).
 */
ssize_t fd_receive(
	int socket_fd, void *buf, size_t size, int *fds, unsigned max_fds, unsigned *count);

/*
 * Finds out what fd really is: by /proc/self/fd, statx(2), fcntl(2) and SO_DOMAIN, SO_TYPE, none of
 * which waits for anybody.  What cannot be found out is HANDOVER_FD_OTHER.  KVM names its vCPU fds in virt/kvm/kvm_main.c,
 * create_vcpu_fd(); no user space program can make a file with such a link target.
 */
void fd_inspect(int fd, struct handover_fd *facts);

/* fd_inspect() for count fds (at most HANDOVER_MAX_FDS). */
void fd_inspect_all(const int *fds, unsigned count, struct handover_fds *facts);

/* Closes count fds, also sockets that linger, without waiting; leaves -1 in their places.  Keeps errno. */
void fd_close_all(int *fds, unsigned count);

#endif
