/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in for KVM where there is none: vCPUs whose descriptors are others, which standin_fd.c has gdbproxyd take
 * for them, an ioctl() that answers for them, and an interpreter of three instructions: NOP, JMP rel8, INT3.  x86-64.
 *
 * As with KVM, a signal ends KVM_RUN, immediate_exit too, and INT3 and single steps are debug exits if guest debug
 * says so.  All else is a triple fault, an INT3 that a debugger has left behind for instance.  vCPU 0 has an exit
 * for its VMM each millisecond; the others have none.
 */
#ifndef TESTS_SYSTEM_STANDIN_KVM_H
#define TESTS_SYSTEM_STANDIN_KVM_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

enum { STANDIN_VCPUS = 2 };

/* What the guest runs is in memory, from guest-physical 0 on. */
void standin_kvm_open(const uint8_t *memory, size_t size);

/* A vCPU that begins at rip, in protected mode without paging: its descriptor, and its kvm_run in *run. */
int standin_kvm_create_vcpu(unsigned index, uint64_t rip, struct kvm_run **run);

/* How many instructions it has executed. */
unsigned long standin_kvm_steps(unsigned index);

/* kvm_guest_debug.control as it was set last. */
uint32_t standin_kvm_control(unsigned index);

#endif
