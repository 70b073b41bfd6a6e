/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that waits for its next debugger: see hold.h. */
#include <stddef.h>
#include "daemon/hold.h"
#include "daemon/log.h"

static void hold_on_time(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct hold *hold = (struct hold *)((char *)timer - offsetof(struct hold, timer));

	(void)loop;
	(void)events;
	if (!hold->vm->is_kept)
		return;
	log_info("no debugger has come for %u s: the guest runs on", hold->seconds);
	vm_let_go(hold->vm);
}

void hold_init(struct hold *hold, struct ev_loop *loop, struct vm *vm,
	const struct conf_disconnect *policy)
{
	*hold = (struct hold){ .loop = loop, .vm = vm, .seconds = policy->seconds };
	vm->keeps = policy->policy != CONF_ON_DISCONNECT_RESUME;
	vm->keep_s = policy->seconds;
	ev_timer_init(&hold->timer, hold_on_time, 0., 0.);
}

/* syscalls(worker): ev_timer_start */
static void hold_begin(struct hold *hold)
{
	if (!hold->seconds) {
		log_info("its debugger has vanished: what is stopped stays so, for the next one");
		return;
	}
	log_info("its debugger has vanished: what is stopped stays so for %u s, for the next one",
		hold->seconds);
	ev_timer_set(&hold->timer, hold->seconds, 0.);
	ev_timer_start(hold->loop, &hold->timer);
}

void hold_update(struct hold *hold)
{
	if (hold->vm->is_kept == hold->is_on)
		return;
	hold->is_on = hold->vm->is_kept;
	if (hold->is_on)
		hold_begin(hold);
	else
		ev_timer_stop(hold->loop, &hold->timer);
}

void hold_end(struct hold *hold)
{
	ev_timer_stop(hold->loop, &hold->timer);
	hold->is_on = hold->vm->keeps = false;
	vm_let_go(hold->vm);
}
