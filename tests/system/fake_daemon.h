/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon for the lender's tests: takes a VM with the project's own handover, fd and journal code, and
 * then behaves, or misbehaves, after a script.  Runs as a process of its own.
 */
#ifndef TESTS_FAKE_DAEMON_H
#define TESTS_FAKE_DAEMON_H

/*
 * Listens at path and plays script (see fake_daemon.c).  Writes 'd' to standard output when it
 * is through with its part and goes on serving until it is killed.  Returns only upon failure, 1,
 * with the reason on standard error.
 */
int fake_daemon_main(const char *path, const char *script);

#endif
