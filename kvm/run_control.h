/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs, who steps, who is parked: the all-stop state machine of a VM.
 *
 *            run_resume                 a hit, run_stop
 *   STOPPED ------------> RUNNING ------------------------> STOPPING --all parked--> STOPPED
 *                            ^  |                               |
 *                            |  +-- past a planted breakpoint --+   (internal: nobody is told,
 *                            +---------- one vCPU alone --------+    the actions stay in force)
 *
 * Two vCPUs may hit at once: one is reported, the other's hit is kept and looked at again at the
 * next resume; if its breakpoint is gone by then, so is the hit.
 */
#ifndef KVM_RUN_CONTROL_H
#define KVM_RUN_CONTROL_H

#include "kvm/vm.h"

/* As target_ops.stop and .resume. */
int run_stop(struct vm *vm);
int run_resume(struct vm *vm, const struct target_resume *threads);

/* A vCPU's port became readable, or broke. */
void run_on_readable(struct vm *vm, struct vcpu *vcpu);

/* A call may have found out that a port is broken: then that is the end. */
void run_look_for_lost(struct vm *vm);

/* The time for parking, or for one internal step, is over. */
void run_on_deadline(struct vm *vm);

/* The first thread whose vCPU is parked; 1 when none is. */
unsigned run_first_parked(const struct vm *vm);

/* Stops everybody, to let everybody go for good (vm->release_wanted is set). */
void run_release(struct vm *vm);

/* With all parked that will park: takes everything back and lets every vCPU go for good. */
void run_free(struct vm *vm);

/*
 * While a vCPU steps: looks for its report for some microseconds before the owner goes to sleep in
 * its loop. A wake-up costs several times what a step does.
 */
void run_poll(struct vm *vm);

/* Reports vm->end: a crash as soon as the vCPUs are parked, a power-off at once. */
void run_end(struct vm *vm);

/* Reports what was put off; see vm_pump(). */
void run_deliver(struct vm *vm);

#endif
