/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One debugger's place at a guest: the implementation of protocol/target.h.  A guest has a few of
 * them, and these rules keep them from wedging each other:
 *
 *   All-stop   One seat drives: the first to stop the guest, or to resume it while nobody drives.  It
 *              is told of every stop, and only its breakpoints stop.  The others observe: they
 *              look at a guest that runs by holding it for the moment of a look, their resume waits for the
 *              driver's next stop, their interrupt ends only that waiting, and what would change
 *              the guest is refused with -EPERM.  seat_take_wheel() makes a seat the driver, whoever
 *              was it before.  When the driver detaches, the guest goes on; when it vanishes, so it does,
 *              unless vm->keeps.
 *   Non-stop   All are equal: every seat is told of every stop, the first to resume a thread resumes
 *              it, a breakpoint is there until the last seat that asked for it has taken it back.
 *
 * The mode is the guest's: the first seat chooses it, and as long as there are others it stays.
 */
#ifndef KVM_SEAT_H
#define KVM_SEAT_H

#include "kvm/vm.h"

/* In place of the number of a view: the catalogue's own layout, and the one that fits the mode. */
enum { SEAT_OWN_VIEW = -1, SEAT_FITTING_VIEW = -2 };

struct seat {
	struct target target;
	struct vm *vm;
	unsigned number;    /* in vm->seats and in the breakpoint table */
	bool waits;         /* all-stop: on_stop is due */
	unsigned waits_for; /* 0: any thread's; of an observer: only this one was to go on */
	bool holds;         /* everybody is held for this one */
	bool wants_hold;    /* on_hold is due */
	bool interrupted;   /* on_stop is due without a stop */
	bool has_left;      /* detached: takes no part any more */
	int wanted_view; /* of arch's, for the next description; or SEAT_OWN_VIEW, SEAT_FITTING_VIEW */
	struct register_set *registers; /* as the debugger has read them; NULL: vm's */
};

/* A new place.  -EBUSY: all are taken; -ENODEV: the guest is gone.  vm must outlive it. */
int seat_init(struct seat *seat, struct vm *vm);

/*
 * Gives the place up, if that has not been done already by target_ops.detach: the debugger has vanished.
 * With the last one the guest is released (vm_release()), or kept as it is (vm->keeps).  A seat that
 * seat_init() refused is fine.
 */
void seat_fini(struct seat *seat);

/*
 * True when it may stop, resume and change the guest.  All-stop: a wheel that nobody has is taken for
 * it.
 */
bool seat_may_drive(struct seat *seat);

/* All-stop: this seat drives from now on; the one that did so far observes, and is told in words. */
void seat_take_wheel(struct seat *seat);

/* ---- what the guest has to tell ---------------------------------------------------------- */

void seat_on_stop(struct seat *seat, const struct target_stop *stop);
void seat_on_hold(struct seat *seat);
void seat_on_interrupt(struct seat *seat);
void seat_on_message(struct seat *seat, const char *text);
void seat_on_output(struct seat *seat, const char *text, size_t length);

#endif
