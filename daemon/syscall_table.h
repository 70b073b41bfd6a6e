/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call of this architecture, and which of our processes may make it.  The table is
 * made by daemon/syscalls.awk of the annotations in the code; its head says what they look like.
 */
#ifndef DAEMON_SYSCALL_TABLE_H
#define DAEMON_SYSCALL_TABLE_H

/* The roles of our processes; a bit each. */
enum syscall_role {
	SYSCALL_MAIN = 1,   /* main; its children until they have a role of their own */
	SYSCALL_WORKER = 2, /* daemon/worker.c at its work */
	SYSCALL_LOBBY = 4,  /* daemon/lobby.c at its work */
	SYSCALL_EVERY = 7,
};

/* A filter is inherited and adds to the next: what a child does, main's must allow as well. */
struct syscall_row {
	int number;
	unsigned roles; /* who may: bits of enum syscall_role */
	const char *name;
	const char *place; /* FILE:LINE of an annotation that wants it, or "" */
};

/* In no order. */
extern const struct syscall_row syscall_table[];
extern const unsigned syscall_table_size;

/* The row of a number, or NULL: newer than the kernel headers that this was built with. */
const struct syscall_row *syscall_table_find(int number);

#endif
