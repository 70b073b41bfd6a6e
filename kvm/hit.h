/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether what a vCPU has run into is for a debugger to hear of: the rule for its address, then the
 * conditions and commands that the debuggers have attached, evaluated where the vCPU is.  So a false
 * condition costs the guest microseconds and the debugger nothing (GDB manual E.2, "Z0").
 */
#ifndef KVM_HIT_H
#define KVM_HIT_H

#include "kvm/vm.h"

/*
 * vcpu is parked at a breakpoint at gva that is wanted by these terms, in front of or behind a watched
 * access to gva.  True when it is to stop: for one of them it counts, and there are no commands to be
 * run in place of a stop.  What cannot be evaluated stops too, and a line says why.
 */
bool hit_counts(struct vm *vm, struct vcpu *vcpu, const struct terms *terms, gva_t gva);

/* The same for an access to address, by all watchpoints there. */
bool hit_watch_counts(struct vm *vm, struct vcpu *vcpu, gva_t address);

#endif
