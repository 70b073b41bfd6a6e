/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether what a vCPU has run into is for the debugger to hear of: the conditions, ignore counts and
 * commands of the breakpoints and watchpoints at that place, evaluated where the vCPU is.
 */
#ifndef KVM_HIT_H
#define KVM_HIT_H

#include "kvm/vm.h"

/*
 * vcpu is parked at what it hit: at a breakpoint, or in front of or behind an access to address.
 * True when one of the breakpoints there counts and has no commands, or is not to be found; then the
 * guest stops.  What cannot be evaluated stops too, and a line says why.
 */
bool hit_counts(struct vm *vm, struct vcpu *vcpu, enum target_stop_reason reason, uint64_t address);

#endif
