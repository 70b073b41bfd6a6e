/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs, who steps, who is parked: the state machine of a VM.
 *
 *            run_resume                 a hit, run_stop
 *   STOPPED ------------> RUNNING ------------------------> STOPPING --all parked--> STOPPED
 *                          ^  |                               |  |
 *                          |  +-- past a planted breakpoint --+  +--run_hold--> HELD
 *                          |      or to change the tables     |                  |
 *                          +---------- internal: nobody is told, the wishes -----+
 *                                      in force go on
 *
 * All-stop: two vCPUs may hit at once: one is reported, the other's hit is kept and looked at again
 * at the next resume; if its breakpoint is gone by then, so is the hit.
 *
 * Non-stop: the VM is RUNNING all the time, and each vCPU is at rest (its wish is TARGET_STAY) or
 * not.  What happens to one stops that one and is told at once; the others are disturbed only as
 * above, for moments.  With a breakpoint in a debug register not even then (run_points.c).
 */
#ifndef KVM_RUN_CONTROL_H
#define KVM_RUN_CONTROL_H

#include "kvm/vm.h"

/* All-stop: stops everybody.  0 and a report will come; -EALREADY, -ENODEV. */
int run_stop(struct vm *vm);

/* As target_ops.resume. */
int run_resume(struct vm *vm, const struct target_resume *threads);

/* Non-stop: one vCPU is to come to rest, which is told with this reason. */
void run_halt(struct vm *vm, struct vcpu *vcpu, enum target_stop_reason reason);

/* Non-stop: the vCPU stays where it is until it is resumed. */
bool run_is_at_rest(const struct vcpu *vcpu);

/* Goes over to non-stop, from before the first stop or from a stop that nobody has been told of. */
void run_begin_non_stop(struct vm *vm);

/*
 * Everybody is parked for the time of one look or change, and nobody is told: 0, or -EINPROGRESS and
 * seat_on_hold() will come.  As long as a seat holds it stays so.
 */
int run_hold(struct vm *vm);
void run_unhold(struct vm *vm);
bool run_is_held(const struct vm *vm);

/* True when a breakpoint at gva that cannot be planted yet would find a debug register. */
bool run_could_promote(struct vm *vm, gva_t gva);

/*
 * All-stop, and nobody drives any more: everybody goes on, whoever was told to stay, to step, or to stop,
 * and of what there was to tell nothing is told.
 */
void run_let_all_go(struct vm *vm);

/* The table has changed: what runs is to follow it, without being told. */
void run_refresh(struct vm *vm);

/* A vCPU's port became readable, or broke. */
void run_on_readable(struct vm *vm, struct vcpu *vcpu);

/* A call may have found out that a port is broken: then that is the end. */
void run_look_for_lost(struct vm *vm);

/* The time for parking, or for one internal step, is over. */
void run_on_deadline(struct vm *vm);

/*
 * A guest that runs may overwrite what is planted in it (it unpacks a kernel, patches its code), and map
 * what a breakpoint waits for.  Neither makes an exit, so it is looked at from time to time, which costs the guest nothing
 * until there is something to mend: often at first and while a breakpoint waits, seldom when nothing has changed for long.
 */
void run_on_watch(struct vm *vm);

/* Often again: the guest begins anew. */
void run_watch_closely(struct vm *vm);

/* The first thread whose vCPU is parked; 1 when none is. */
unsigned run_first_parked(const struct vm *vm);

/* Stops everybody, to let everybody go for good (vm->release_wanted is set). */
void run_release(struct vm *vm);

/*
 * The debugger has vanished.  True, and vm->is_kept: what it had stopped stays stopped, without anything
 * planted; non-stop: vCPU by vCPU, and the guest is in no mode any more.  False: nothing was stopped, and
 * nothing is changed.  The breakpoint table is the caller's.
 */
bool run_keep(struct vm *vm);

/* Ends that: what was kept goes on. */
void run_end_keep(struct vm *vm);

/* With all parked that will park: takes everything back and lets every vCPU go for good. */
void run_free(struct vm *vm);

/*
 * While a vCPU steps: looks for its report for some microseconds before the owner goes to sleep in
 * its loop. A wake-up costs several times what a step does.
 */
void run_poll(struct vm *vm);

/* Reports vm->end: a crash as soon as the vCPUs are parked, a power-off at once. */
void run_end(struct vm *vm);

/* As target_ops.thread_take_stop. */
bool run_tell_hit(struct vm *vm, struct vcpu *vcpu, struct target_stop *stop);

/* Tells what was put off; see vm_pump(). */
void run_deliver(struct vm *vm);

#endif
