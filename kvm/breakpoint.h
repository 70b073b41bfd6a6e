/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the debuggers have asked to stop at: one table of breakpoints and watchpoints, by virtual
 * address, for all of them.  A debugger is known by its seat's number (seat.h).  Pure bookkeeping;
 * what of it stands in guest memory is plant.h's business, what is loaded into debug registers the
 * architecture's.
 */
#ifndef KVM_BREAKPOINT_H
#define KVM_BREAKPOINT_H

#include "kvm/arch.h"
#include "kvm/terms.h"

enum { BREAKPOINT_MAX = 4096, BREAKPOINT_MAX_POINTS = ARCH_MAX_SLOTS };

/* In place of a gpa: nothing is mapped there yet, so it waits in a debug register. */
#define BREAKPOINT_PENDING (~(gpa_t)0)

struct breakpoint {
	gva_t gva;
	gpa_t gpa; /* of the instruction, when it was set (software): memory_home() */
	/* The guest may load something over it, or map it elsewhere (it was set with paging off). */
	bool is_fragile;
	bool is_told;     /* the person knows that it is not in force yet */
	bool in_register; /* a debug register of every vCPU stands for it: it is not to be planted */
	struct terms *terms; /* never empty */
};

struct breakpoint_table {
	unsigned count; /* software breakpoints, in the order they were set */
	struct breakpoint entries[BREAKPOINT_MAX];
	unsigned point_count; /* hardware breakpoints and watchpoints */
	struct hardware_point points[BREAKPOINT_MAX_POINTS];
	struct terms *point_terms[BREAKPOINT_MAX_POINTS]; /* of the point with this index */
	size_t code_bytes;                                /* as terms.h counts them */
};

/*
 * Seat wants the software breakpoint at spec->address, by the terms of spec; one that is there
 * already gets the new terms.  0 or an errno of terms_set(); nothing has changed then.
 */
int breakpoint_add(struct breakpoint_table *table, unsigned seat,
	const struct target_breakpoint_spec *spec, gpa_t gpa);

/* Seat wants no software breakpoint at gva any more; none is fine. */
void breakpoint_remove(struct breakpoint_table *table, unsigned seat, gva_t gva);

/* The one at gva that stands in the page at gpa, or is pending; NULL. */
struct breakpoint *breakpoint_find(struct breakpoint_table *table, gva_t gva, gpa_t gpa);

/* True if any software breakpoint is to stand on the instruction at gpa, by whatever address. */
bool breakpoint_wants(const struct breakpoint_table *table, gpa_t gpa);

/* The same for hardware points, known by type, address and length. -ENOSPC. */
int breakpoint_add_point(
	struct breakpoint_table *table, unsigned seat, const struct target_breakpoint_spec *spec);
void breakpoint_remove_point(
	struct breakpoint_table *table, unsigned seat, const struct hardware_point *point);
bool breakpoint_has_point(const struct breakpoint_table *table, const struct hardware_point *point);

/* The terms of the execution breakpoint in hardware at gva; NULL when there is none. */
const struct terms *breakpoint_point_terms(const struct breakpoint_table *table, gva_t gva);

/* True if an execution breakpoint in hardware stands at gva. */
bool breakpoint_point_at(const struct breakpoint_table *table, gva_t gva);

/* True if it is a watchpoint and address is in its range. */
bool breakpoint_point_watches(const struct hardware_point *point, gva_t address);

/* Takes back all that seat has asked for. */
void breakpoint_leave(struct breakpoint_table *table, unsigned seat);

void breakpoint_clear(struct breakpoint_table *table);

/* "software", "hardware", "watch", "rwatch", "awatch": for people, and for gdbproxyctl --json. */
const char *breakpoint_type_name(enum target_breakpoint type);

#endif
