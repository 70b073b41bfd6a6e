/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VMs there are, by number, where every process of the daemon can read it and main alone writes:
 * a table in memory that forked children share.  Who debugs what is decided elsewhere; this is
 * what `info os processes` shows.
 *
 * A number is the lowest free one, so that the only VM is number 1 also after it has come back.
 */
#ifndef DAEMON_DIRECTORY_H
#define DAEMON_DIRECTORY_H

#include <stdbool.h>
#include "protocol/process.h"

struct directory_entry;

struct directory {
	struct directory_entry *entries; /* of number i + 1; NULL: not open */
	unsigned size;
};

/* A table for so many VMs.  0 or -errno. */
int directory_open(struct directory *directory, unsigned size);
void directory_close(struct directory *directory);

/* In a forked child: from now on it can only be read. */
void directory_seal(struct directory *directory);

/* Enters a VM, which is shown from now on: its number, 0 when the table is full. */
unsigned directory_add(struct directory *directory, const char *name, unsigned vcpus);

/* The same with a certain number, where that is free; 0: any. */
unsigned directory_add_at(
	struct directory *directory, unsigned number, const char *name, unsigned vcpus);

void directory_set_debugged(struct directory *directory, unsigned number, bool is_debugged);

/* Shows it no more; the number stays taken until directory_remove(). */
void directory_hide(struct directory *directory, unsigned number);
void directory_remove(struct directory *directory, unsigned number);

/* As process_next. */
bool directory_next(const struct directory *directory, unsigned after, struct process *process);

#endif
