/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between the architectures: interrupt controllers, the devices' places, and a vCPU's
 * first state.  machine_x86_64.c and machine_arm64.c; one of them is built.  All return 0, or
 * -errno after a line on stderr.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

struct vcpu;
struct vm;

/* After the VM has its memory, before it has vCPUs. */
int machine_create(struct vm *vm);

/* Right after KVM_CREATE_VCPU. */
int machine_init_vcpu(struct vcpu *vcpu);

/* After the last vCPU. */
int machine_finish(struct vm *vm);

/* Puts vCPU 0 before its first instruction, argument in ebx or x0; see board.h for the state. */
int machine_enter(struct vcpu *vcpu, uint64_t entry, uint64_t argument);

/* Where the vCPU is in the guest's code, for an error message; 0 when KVM does not tell. */
uint64_t machine_pc(struct vcpu *vcpu);

#endif
