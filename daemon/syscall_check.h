/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the arguments of allowed system calls must be, where that matters and can be seen in a
 * register.  A call with rules for a role is allowed where one of them holds.
 */
#ifndef DAEMON_SYSCALL_CHECK_H
#define DAEMON_SYSCALL_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include "daemon/syscall_table.h"

/* (argument & mask) == value, of its low 32 bits. */
struct syscall_check {
	unsigned roles;
	int number;
	unsigned argument; /* from 0 */
	uint32_t mask, value;
	bool is_pid; /* value: the process's own number */
};

/* The rule after `check` (NULL: the first) that is about this call in this role, or NULL. */
const struct syscall_check *syscall_check_next(
	const struct syscall_check *check, int number, enum syscall_role role);

#endif
