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

static bool nothing_thread_is_stopped(struct target *target, unsigned thread)
{
	(void)target;
	(void)thread;
	return false;
}

static bool nothing_thread_take_stop(
	struct target *target, unsigned thread, struct target_stop *stop)
{
	(void)target;
	(void)thread;
	(void)stop;
	return false;
}

/* A wish for the guest that is to come: nothing is stopped, and nothing runs. */
static int nothing_set_non_stop(struct target *target, bool on)
{
	(void)target;
	(void)on;
	return 0;
}

static int nothing_hold(struct target *target, unsigned thread)
{
	(void)target;
	(void)thread;
	return 0;
}

static void nothing_unhold(struct target *target)
{
	(void)target;
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
	.thread_is_stopped = nothing_thread_is_stopped,
	.thread_take_stop = nothing_thread_take_stop,
	.set_non_stop = nothing_set_non_stop,
	.hold = nothing_hold,
	.unhold = nothing_unhold,
	.stop = nothing_stop,
	.monitor = nothing_monitor,
};

void nothing_init(struct target *target)
{
	*target = (struct target){ .ops = &nothing_ops };
}
