/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where fds go out to another process. */
#ifndef DAEMON_FD_SEND_H
#define DAEMON_FD_SEND_H

#include <stddef.h>

enum { FD_SEND_MAX = 128 }; /* the kernel would take 253 (SCM_MAX_FD) */

/*
 * Sends one packet with count fds (at most FD_SEND_MAX), which stay the caller's.  flags: MSG_DONTWAIT or 0.
 * 0 or -errno of sendmsg(2); no SIGPIPE.
 */
int fd_send(
	int socket_fd, const void *bytes, size_t length, const int *fds, unsigned count, int flags);

#endif
