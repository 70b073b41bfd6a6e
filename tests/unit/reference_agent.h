/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agent expressions once more, written for nothing but to be obviously what the manual says
 * (appendix F.2): digit by digit arithmetic, libc's printf.  Same contract as agent_run().
 */
#ifndef TESTS_REFERENCE_AGENT_H
#define TESTS_REFERENCE_AGENT_H

#include "kvm/agent.h"

int reference_agent_run(
	const struct agent_code *code, const struct agent_host *host, int64_t *result);

#endif
