/* SPDX-License-Identifier: Apache-2.0 */
/* The target of nobody; see nothing.h. */
#include <errno.h>
#include "protocol/nothing.h"

static const struct target_description *nothing_description(struct target *target)
{
	(void)target;
	return NULL;
}

static unsigned nothing_thread_count(struct target *target)
{
	(void)target;
	return 0;
}

static bool nothing_is_stopped(struct target *target)
{
	(void)target;
	return true;
}

static int nothing_stop(struct target *target)
{
	(void)target;
	return -EALREADY;
}

static int nothing_monitor(
	struct target *target, unsigned thread, const char *line, struct target_text *out)
{
	(void)target;
	(void)thread;
	(void)line;
	(void)out;
	return -ENOENT;
}

static const struct target_ops nothing_ops = {
	.description = nothing_description,
	.thread_count = nothing_thread_count,
	.is_stopped = nothing_is_stopped,
	.stop = nothing_stop,
	.monitor = nothing_monitor,
};

void nothing_init(struct target *target)
{
	*target = (struct target){ .ops = &nothing_ops };
}
