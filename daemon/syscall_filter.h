/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seccomp(2) filter of a role: what syscall_table.h allows it, with the arguments that
 * syscall_check.h allows.  Anything else ends the process (SECCOMP_RET_KILL_PROCESS), and so do another
 * architecture's calls.  Calls newer than the kernel headers that this was built with are not there
 * (ENOSYS), as on an older kernel: a newer libc tries them and goes another way.
 */
#ifndef DAEMON_SYSCALL_FILTER_H
#define DAEMON_SYSCALL_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "daemon/syscall_table.h"

enum { SYSCALL_FILTER_MAX = 1024 };

struct syscall_filter {
	unsigned length;
	bool is_cut; /* it did not fit */
	struct sock_filter code[SYSCALL_FILTER_MAX];
};

/*
 * Assembles the filter of role for the process pid.  is_telling: a forbidden call is not made, but
 * tells syscall_filter_name_forbidden()'s handler, which ends the process.  0, or -ENOSPC.
 */
int syscall_filter_assemble(
	struct syscall_filter *filter, enum syscall_role role, pid_t pid, bool is_telling);

/*
 * Puts it on this process for ever, its future children included; the process has given up gaining
 * privileges (PR_SET_NO_NEW_PRIVS).  0 or -errno of seccomp(2).
 */
int syscall_filter_apply(const struct syscall_filter *filter);

/* A handler that logs a forbidden call's name and where to allow it, then ends the process by SIGSYS. */
void syscall_filter_name_forbidden(void);

#endif
