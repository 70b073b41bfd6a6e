/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the debugger has asked to stop at: the table of breakpoints and watchpoints, by virtual
 * address.  Pure bookkeeping; what of it stands in guest memory is plant.h's business, what is loaded
 * into debug registers the architecture's.
 */
#ifndef KVM_BREAKPOINT_H
#define KVM_BREAKPOINT_H

#include "kvm/arch.h"

enum { BREAKPOINT_MAX = 4096, BREAKPOINT_MAX_POINTS = ARCH_MAX_SLOTS };

struct breakpoint {
	gva_t gva;
	gpa_t gpa; /* of the instruction, when it was set (software) */
};

struct breakpoint_table {
	unsigned count; /* software breakpoints, in the order they were set */
	struct breakpoint entries[BREAKPOINT_MAX];
	unsigned point_count; /* hardware breakpoints and watchpoints */
	struct hardware_point points[BREAKPOINT_MAX_POINTS];
};

/* Adds a software breakpoint; one that is there already is kept (idempotent).  -ENOSPC. */
int breakpoint_add(struct breakpoint_table *table, gva_t gva, gpa_t gpa);

/* Removes every software breakpoint at gva; none is fine. */
void breakpoint_remove(struct breakpoint_table *table, gva_t gva);

/* True if one at gva stands in the page at gpa. */
bool breakpoint_exists(const struct breakpoint_table *table, gva_t gva, gpa_t gpa);

/* True if any software breakpoint stands on the instruction at gpa, by whatever address. */
bool breakpoint_wants(const struct breakpoint_table *table, gpa_t gpa);

/* The same for hardware points, known by type, address and length. -ENOSPC. */
int breakpoint_add_point(struct breakpoint_table *table, const struct hardware_point *point);
void breakpoint_remove_point(struct breakpoint_table *table, const struct hardware_point *point);
bool breakpoint_has_point(const struct breakpoint_table *table, const struct hardware_point *point);

/* True if an execution breakpoint in hardware stands at gva. */
bool breakpoint_point_at(const struct breakpoint_table *table, gva_t gva);

/* True if address lies in a watched range. */
bool breakpoint_watches(const struct breakpoint_table *table, gva_t address);

void breakpoint_clear(struct breakpoint_table *table);

#endif
