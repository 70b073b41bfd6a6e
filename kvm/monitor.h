/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands for people about the guest ("monitor" in gdb): a line in, lines out.  The table of them
 * is monitor_table.c; each group has a file of its own, monitor_*.c.  Words are in monitor_words.h.
 */
#ifndef KVM_MONITOR_H
#define KVM_MONITOR_H

#include "kvm/seat.h"
#include "kvm/view.h"

/* One command in the making. */
struct monitor {
	struct vm *vm;
	struct seat *seat; /* of the debugger that asks */
	struct view view;  /* of the vCPU that the command is about */
	unsigned thread;   /* the same */
	struct target_text *out;
};

/* As target_ops.monitor. */
int monitor_execute(struct seat *seat, unsigned thread, const char *line, struct target_text *out);

/* ---- for the handlers -------------------------------------------------------------------- */

/* Puts text; what is longer than a line of 1000 bytes is cut. */
__attribute__((format(printf, 2, 3))) void monitor_put(
	struct monitor *monitor, const char *format, ...);

/* Puts why the command fails, as a line, and returns error. */
__attribute__((format(printf, 3, 4))) int monitor_fail(
	struct monitor *monitor, int error, const char *format, ...);

/* 0 when this debugger may change the guest and what stops it, else -EPERM, told in a line. */
int monitor_may_change(struct monitor *monitor);

/* Executes a line; -ENOENT as above. */
int monitor_dispatch(struct monitor *monitor, const char *line);

#endif
