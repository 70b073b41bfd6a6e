/* SPDX-License-Identifier: Apache-2.0 */
/* Which commands for people there are, and their handlers. */
#ifndef KVM_MONITOR_TABLE_H
#define KVM_MONITOR_TABLE_H

#include "kvm/monitor.h"

struct monitor_command {
	const char *name, *arguments, *help;
	/* arguments: what follows the name, without spaces around it.  0 or -errno, told in a line. */
	int (*handler)(struct monitor *monitor, const char *arguments);
};

struct monitor_table {
	const struct monitor_command *rows;
	unsigned count;
};

extern const struct monitor_table monitor_table;      /* by name */
extern const struct monitor_table monitor_info_table; /* what may follow "info" */

/*
 * The row that a word names, by its whole name or by a beginning that no other has.  NULL: there is
 * none, or (*ambiguous) more than one.
 */
const struct monitor_command *monitor_table_find(
	const struct monitor_table *table, const char *word, size_t length, bool *ambiguous);

/* monitor.c */
int monitor_help(struct monitor *monitor, const char *arguments);
int monitor_info(struct monitor *monitor, const char *arguments);

/* monitor_vcpus.c */
int monitor_vcpus(struct monitor *monitor, const char *arguments);
int monitor_vcpu(struct monitor *monitor, const char *arguments);
int monitor_info_cpus(struct monitor *monitor, const char *arguments);

/* monitor_settings.c */
int monitor_arch(struct monitor *monitor, const char *arguments);
int monitor_linear_pc(struct monitor *monitor, const char *arguments);
int monitor_stop_at_reset(struct monitor *monitor, const char *arguments);
int monitor_list_registers(struct monitor *monitor, const char *arguments);

/* monitor_registers.c */
int monitor_regs(struct monitor *monitor, const char *arguments);
int monitor_sregs(struct monitor *monitor, const char *arguments);
int monitor_msrs(struct monitor *monitor, const char *arguments);
int monitor_msr(struct monitor *monitor, const char *arguments);
int monitor_reg(struct monitor *monitor, const char *arguments);
int monitor_info_registers(struct monitor *monitor, const char *arguments);

/* monitor_memory.c */
int monitor_mem(struct monitor *monitor, const char *arguments);
int monitor_gpa2hva(struct monitor *monitor, const char *arguments);
int monitor_x(struct monitor *monitor, const char *arguments);
int monitor_xp(struct monitor *monitor, const char *arguments);
int monitor_info_mtree(struct monitor *monitor, const char *arguments);

/* monitor_paging.c */
int monitor_page_walk(struct monitor *monitor, const char *arguments);
int monitor_gva2gpa(struct monitor *monitor, const char *arguments);
int monitor_info_mem(struct monitor *monitor, const char *arguments);
int monitor_info_tlb(struct monitor *monitor, const char *arguments);

/* monitor_linux.c */
int monitor_kaslr(struct monitor *monitor, const char *arguments);

/* monitor_breakpoints.c */
int monitor_breakpoints(struct monitor *monitor, const char *arguments);

/* monitor_exceptions.c */
int monitor_exceptions(struct monitor *monitor, const char *arguments);
int monitor_guest_breakpoints(struct monitor *monitor, const char *arguments);

/* monitor_rules.c */
int monitor_filter(struct monitor *monitor, const char *arguments);
int monitor_ignore(struct monitor *monitor, const char *arguments);

/* monitor_policy.c */
int monitor_drive(struct monitor *monitor, const char *arguments);
int monitor_policy(struct monitor *monitor, const char *arguments);
int monitor_stats(struct monitor *monitor, const char *arguments);

#endif
