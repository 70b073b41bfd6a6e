/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a VMM's process: see peer_process.h. */
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "daemon/peer_process.h"

static void peer_process_on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct peer_process *process =
		(struct peer_process *)((char *)io - offsetof(struct peer_process, io));

	(void)loop;
	(void)events;
	peer_process_unwatch(process);
	process->on_end(process);
}

/* syscalls(main): pidfd_open */
void peer_process_watch(struct peer_process *process, struct ev_loop *loop, pid_t pid,
	void (*on_end)(struct peer_process *process))
{
	int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	*process = (struct peer_process){ .on_end = on_end };
	if (fd < 0)
		return;
	process->loop = loop;
	ev_io_init(&process->io, peer_process_on_readable, fd, EV_READ);
	ev_io_start(loop, &process->io);
}

void peer_process_unwatch(struct peer_process *process)
{
	if (!process->loop)
		return;
	ev_io_stop(process->loop, &process->io);
	close(process->io.fd);
	process->loop = NULL;
}
