/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agent code from anybody.  What passes the check is run, by the machine and by the reference: they
 * must come to the same end, value and text.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/fake_agent_host.h"
#include "tests/unit/reference_agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_agent_host first, second;
	struct agent_code code = { data, size };
	int64_t result = 0, expected = 0;

	if (!first.host.print) {
		fake_agent_host_init(&first);
		fake_agent_host_init(&second);
	}
	if (agent_check(&code) < 0)
		return 0;
	first.length = second.length = 0;
	if (agent_run(&code, &first.host, &result) !=
			reference_agent_run(&code, &second.host, &expected) ||
		result != expected || first.length != second.length ||
		memcmp(first.paper, second.paper, first.length))
		abort();
	return 0;
}
