/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person has said of an address, beyond the debugger's own breakpoints there: which address
 * space or privilege level counts, how many hits to ignore; and how often it was hit.  It outlives
 * the breakpoint, which gdb takes away and sets anew at every stop.
 */
#ifndef KVM_RULE_H
#define KVM_RULE_H

#include "kvm/arch.h"

enum { RULE_MAX = 1024 };

enum rule_level { RULE_ANY_LEVEL, RULE_KERNEL, RULE_USER };

struct rule {
	gva_t gva;
	bool has_space;
	uint64_t space; /* of user code, as arch->address_space() gives it for address 0 */
	enum rule_level level;
	uint64_t ignore; /* so many hits more do not stop */
	uint64_t hits;   /* that its conditions let through, ignored ones too */
};

struct rules {
	unsigned count;
	struct rule entries[RULE_MAX];
};

/* The rule for gva, or NULL. */
struct rule *rule_find(struct rules *rules, gva_t gva);

/* The same, made if need be; NULL when there are too many that say something. */
struct rule *rule_get(struct rules *rules, gva_t gva);

/* True when what happens to this vCPU there counts.  CPU_STOP. */
bool rule_admits(const struct rule *rule, const struct arch *arch, const struct cpu *cpu);

/* One more hit: true when it is to stop. */
bool rule_count(struct rule *rule);

#endif
