/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the debugger has asked to stop at: the table of breakpoints and watchpoints, by virtual
 * address.  Pure bookkeeping; what of it stands in guest memory is plant.h's business, what is loaded
 * into debug registers the architecture's.
 */
#ifndef KVM_BREAKPOINT_H
#define KVM_BREAKPOINT_H

#include "kvm/arch.h"
#include "kvm/condition.h"

enum {
	BREAKPOINT_MAX = 4096,
	BREAKPOINT_MAX_POINTS = ARCH_MAX_SLOTS,
	BREAKPOINT_MAX_IGNORES = 64,
};

struct breakpoint {
	gva_t gva;
	gpa_t gpa;                   /* of the instruction, when it was set (software) */
	struct condition *condition; /* the table's; NULL: it always counts */
};

/*
 * So many hits at gva do not count.  By address and not by breakpoint: gdb takes all of them away at
 * each stop, and sets them again for the next resume.
 */
struct breakpoint_ignore {
	gva_t gva;
	uint64_t count;
};

struct breakpoint_table {
	unsigned count; /* software breakpoints, in the order they were set */
	struct breakpoint entries[BREAKPOINT_MAX];
	unsigned point_count; /* hardware breakpoints and watchpoints */
	struct hardware_point points[BREAKPOINT_MAX_POINTS];
	struct condition *point_conditions[BREAKPOINT_MAX_POINTS]; /* of each point; the table's */
	unsigned ignore_count;
	struct breakpoint_ignore ignores[BREAKPOINT_MAX_IGNORES];
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

/* Where the condition of one that is there is kept; NULL when it is not there. */
struct condition **breakpoint_condition(struct breakpoint_table *table, gva_t gva, gpa_t gpa);
struct condition **breakpoint_point_condition(
	struct breakpoint_table *table, const struct hardware_point *point);

/* The next count hits at gva do not count; 0: they do.  -ENOSPC: that many addresses are ignored. */
int breakpoint_ignore(struct breakpoint_table *table, gva_t gva, uint64_t count);

/* A hit at gva would count: true if it is one to be ignored, and then is one less. */
bool breakpoint_take_ignored(struct breakpoint_table *table, gva_t gva);

/* Forgets everything.  Also right on a zeroed table. */
void breakpoint_clear(struct breakpoint_table *table);

#endif
