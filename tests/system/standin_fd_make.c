/* SPDX-License-Identifier: Apache-2.0 */
/* See standin_fd.h: the side that makes them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/system/standin_fd.h"

static int make_kind(unsigned kind)
{
	sigset_t none;

	switch (kind) {
	case 0:
		return eventfd(0, EFD_CLOEXEC);
	case 1:
		return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	case 2:
		sigemptyset(&none);
		return signalfd(-1, &none, SFD_CLOEXEC);
	case 3:
		return epoll_create1(EPOLL_CLOEXEC);
	default:
		errno = EINVAL;
		return -1;
	}
}

int standin_fd_make(unsigned index)
{
	int fd = make_kind(index / STANDIN_SIGNALS);

	if (fd < 0 || fcntl(fd, F_SETSIG, (int)(index % STANDIN_SIGNALS)) == 0)
		return fd;
	close(fd);
	return -1;
}
