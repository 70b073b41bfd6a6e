/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy on-disconnect, as a worker follows it: whether a guest that is stopped stays so when its
 * debugger has vanished, and for how long.  Knows no debugger; the state is kvm/vm.h's.
 */
#ifndef DAEMON_HOLD_H
#define DAEMON_HOLD_H

#include <ev.h>
#include "conf/conf.h"
#include "kvm/vm.h"

struct hold {
	struct ev_loop *loop;
	struct vm *vm;
	unsigned seconds; /* 0: without an end */
	bool is_on;       /* it has been said that the guest is held */
	struct ev_timer timer;
};

/* Both loop and vm must outlive it. */
void hold_init(struct hold *hold, struct ev_loop *loop, struct vm *vm,
	const struct conf_disconnect *policy);

/* After every event: says what has changed, and begins or ends the time. */
void hold_update(struct hold *hold);

/* The daemon is ending: from now on nothing is held, and what was goes on. */
void hold_end(struct hold *hold);

#endif
