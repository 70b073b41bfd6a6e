/* SPDX-License-Identifier: Apache-2.0 */
/* Between main and a worker: see control.h. */
#include <errno.h>
#include <sys/socket.h>
#include "daemon/control.h"
#include "daemon/fd_receive.h"
#include "daemon/fd_send.h"

int control_send(
	int socket_fd, const struct control_message *message, const int *fds, unsigned count)
{
	return fd_send(socket_fd, message, sizeof(*message), fds, count, MSG_DONTWAIT);
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
