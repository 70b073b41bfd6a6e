/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both checks of a channel.  A program that passes is walked as the lender walks it: within the
 * message, with rules for every step, and with room for its report.
 */
#include <stdlib.h>
#include <string.h>

#include "kvm/channel.h"
#include "kvm/channel_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_program(const uint8_t *data, size_t size)
{
	struct channel_program head;
	struct channel_step step;
	size_t at = sizeof(head), report = sizeof(struct channel_report);

	memcpy(&head, data, sizeof(head));
	for (unsigned i = 0; i < (unsigned)head.before_count + head.after_count; i++) {
		memcpy(&step, data + at, sizeof(step));
		at += sizeof(step) + channel_padded(step.size);
		report += sizeof(struct channel_result) + channel_padded(step.size);
		if (at > size || !channel_rule_find(step.request, step.size))
			abort();
	}
	if (at != size || (head.type == CHANNEL_PROGRAM && report > CHANNEL_MAX_BYTES))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (channel_check_program(data, size) == 0)
		walk_program(data, size);
	channel_check_report(data, size);
	return 0;
}
