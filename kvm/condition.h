/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a breakpoint counts, and what is done then: the debugger's conditions and commands, kept in a
 * copy of our own and evaluated on a parked vCPU, before anything is told to anybody.  When that is due
 * the run control knows; what the code does, agent.h.
 */
#ifndef KVM_CONDITION_H
#define KVM_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include "kvm/agent.h"
#include "protocol/target.h"

struct condition {
	unsigned condition_count, command_count;
	bool commands_persist;
	size_t size;              /* in bytes, of all this */
	struct agent_code *codes; /* conditions, then commands; all in one piece of memory */
};

/*
 * A checked copy of what spec brings; *condition is NULL where it brings nothing, for a breakpoint that
 * always counts.  0, -EINVAL (agent_check()), -ENOMEM.
 */
int condition_create(const struct target_breakpoint_spec *spec, struct condition **condition);
void condition_destroy(struct condition *condition); /* NULL is fine */

/* *slot becomes condition, which is taken; what was there is destroyed. */
void condition_replace(struct condition **slot, struct condition *condition);

/*
 * Whether the breakpoint counts: 1, when it has no condition or one of them is not 0; 0, when none is;
 * -errno of agent_run() when one cannot be evaluated and none is known to hold.  NULL always counts.
 */
int condition_holds(const struct condition *condition, const struct agent_host *host);

/* Runs the commands in order, up to the first that fails: 0 or -errno of agent_run(). */
int condition_run_commands(const struct condition *condition, const struct agent_host *host);

/* In words, what one of the two failed with. */
const char *condition_error_text(int error);

#endif
