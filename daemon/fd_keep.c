/* SPDX-License-Identifier: Apache-2.0 */
/* See fd_keep.h. */
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>
#include "daemon/fd_keep.h"

/* The lowest of them from first on; INT_MAX: there is none. */
static int fd_next(const int *fds, unsigned count, int first)
{
	int next = INT_MAX;

	for (unsigned i = 0; i < count; i++)
		if (fds[i] >= first && fds[i] < next)
			next = fds[i];
	return next;
}

/* From first up to, not including, end.  A kernel before 5.9 knows no such call. */
/* syscalls(main): getrlimit */
static void fd_close_gap(int first, int end)
{
	struct rlimit limit;

	if (first >= end || close_range((unsigned)first, (unsigned)end - 1, 0) == 0)
		return;
	if (end == INT_MAX && getrlimit(RLIMIT_NOFILE, &limit) == 0)
		end = (int)limit.rlim_cur;
	for (int fd = first; fd < end; fd++)
		close(fd);
}

void fd_keep(const int *fds, unsigned count)
{
	int first = STDERR_FILENO + 1, next;

	while ((next = fd_next(fds, count, first)) != INT_MAX) {
		fd_close_gap(first, next);
		first = next + 1;
	}
	fd_close_gap(first, INT_MAX);
}
