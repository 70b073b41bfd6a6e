/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who wants one breakpoint, and when it counts for each: a list with one entry for each debugger that
 * has asked, known by its seat's number (seat.h).  So it is the reference count too.
 */
#ifndef KVM_TERMS_H
#define KVM_TERMS_H

#include "kvm/condition.h"

/* Bytes of code that all breakpoints of a guest may hold together. */
enum { TERMS_MAX_BYTES = 4 << 20 };

struct terms {
	struct terms *next;
	unsigned seat;
	struct condition *condition; /* owned; NULL: it always counts */
};

/*
 * Replaces what seat has asked for, or adds it, by the conditions and commands of spec; *used counts
 * the bytes of all lists.  0, -EINVAL (condition_create()), -ENOMEM, or -ENOSPC over TERMS_MAX_BYTES;
 * nothing has changed then.
 */
int terms_set(struct terms **list, unsigned seat, const struct target_breakpoint_spec *spec,
	size_t *used);

/* Forgets what seat has asked for; nothing is fine. */
void terms_drop(struct terms **list, unsigned seat, size_t *used);

/* True if one of them wants it without conditions and commands: then it counts, whatever is so. */
bool terms_always(const struct terms *list);

/* Forgets everybody's. */
void terms_clear(struct terms **list, size_t *used);

#endif
