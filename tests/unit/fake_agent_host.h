/* SPDX-License-Identifier: Apache-2.0 */
/* What agent code runs against in tests: some registers, three pages of memory, a sheet of paper. */
#ifndef TESTS_FAKE_AGENT_HOST_H
#define TESTS_FAKE_AGENT_HOST_H

#include "kvm/agent.h"

enum {
	FAKE_AGENT_REGISTERS = 24, /* number n holds n * 0x0123456789abcdef */
	FAKE_AGENT_MEMORY = 0x1000,
	FAKE_AGENT_MEMORY_SIZE = 0x3000, /* the last page has no zero byte */
	FAKE_AGENT_PAPER = 1 << 19,
};

struct fake_agent_host {
	struct agent_host host;
	uint8_t memory[FAKE_AGENT_MEMORY_SIZE];
	size_t length; /* of what was printed */
	char paper[FAKE_AGENT_PAPER];
};

void fake_agent_host_init(struct fake_agent_host *fake);

#endif
