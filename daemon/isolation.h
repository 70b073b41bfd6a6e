/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What our processes give up before they meet anybody who is not to be trusted.
 *
 * main meets VMMs: it has listened, and given up root's powers if it was to (user.h).  From then on it
 * makes only the system calls that the code is annotated with (syscall_filter.h) and, unless it has to
 * reach into VMMs' memory, sees no files but those of its runtime directory and configuration.
 *
 * A worker or the lobby parses what debuggers and guests say.  It is forked, opens what its work takes, and
 * then has no way to come by anything new: file descriptors come from main over the control socket
 * alone; no file, socket, program, process or signal is within its reach.  Its memory, which maps
 * the guest's, is in no core dump and shows to nobody of its own user.
 *
 * Stages are taken one after the other, each in a function of its own.  The configuration's `isolation = no`
 * takes none of them, for who debugs the daemon itself (valgrind, strace).
 */
#ifndef DAEMON_ISOLATION_H
#define DAEMON_ISOLATION_H

#include <stddef.h>
#include "daemon/options.h"
#include "daemon/syscall_table.h"

/* For main, once it listens.  0, or -errno after a log line: what was asked for is not to be had. */
int isolation_enter_main(const struct options *options);

/* For a child of main with that role, once it has opened everything.  0, or -errno after a log line. */
int isolation_enter_child(const struct conf *conf, enum syscall_role role);

enum { ISOLATION_DEATH_SIZE = 160 };

/* How a child ended, from its status of waitpid(2), for a log line: "signal 9".  Returns text. */
const char *isolation_describe_death(int status, char text[ISOLATION_DEATH_SIZE]);

#endif
