/* SPDX-License-Identifier: Apache-2.0 */
/* Fds that a process inherits, and which of them it keeps. */
#ifndef DAEMON_FD_KEEP_H
#define DAEMON_FD_KEEP_H

/*
 * Closes every fd but standard input, output and error and the count in fds, in any order; -1 is none.  By
 * close_range(2), as many calls as there are gaps; however many fds are open.
 */
void fd_keep(const int *fds, unsigned count);

#endif
