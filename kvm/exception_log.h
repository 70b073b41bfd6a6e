/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The debug exceptions that a guest was given by us because they were its own: how many of each kind,
 * and where the last one was.  Bookkeeping for people; nothing is decided by it.
 */
#ifndef KVM_EXCEPTION_LOG_H
#define KVM_EXCEPTION_LOG_H

#include "kvm/arch.h"

enum { EXCEPTION_LOG_KINDS = 16 };

struct exception_log_entry {
	enum injection_kind kind;
	uint8_t class; /* INJECT_SYNC: the class in ESR, as from a lower EL */
	uint64_t count;
	gva_t last_pc;
	unsigned last_vcpu;
};

/* Zeroed it is empty. */
struct exception_log {
	unsigned count;
	struct exception_log_entry
		entries[EXCEPTION_LOG_KINDS]; /* in the order of the first ones */
	uint64_t others;                      /* of kinds that found no entry */
};

/* One more, due to vcpu at pc; INJECT_NONE is none. */
void exception_log_add(
	struct exception_log *log, const struct injection *injection, unsigned vcpu, gva_t pc);

/* What an entry is about, in a few words. */
const char *exception_log_name(const struct exception_log_entry *entry);

#endif
