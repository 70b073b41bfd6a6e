/* SPDX-License-Identifier: Apache-2.0 */
/* See fd_keep.h. */
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "daemon/fd_keep.h"

static int fd_compare(const void *a, const void *b)
{
	int first = *(const int *)a, second = *(const int *)b;

	return (first > second) - (first < second);
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

void fd_keep(int *fds, unsigned count)
{
	int first = STDERR_FILENO + 1;

	qsort(fds, count, sizeof(fds[0]), fd_compare);
	for (unsigned i = 0; i < count; i++) {
		if (fds[i] < first)
			continue;
		fd_close_gap(first, fds[i]);
		first = fds[i] + 1;
	}
	fd_close_gap(first, INT_MAX);
}
