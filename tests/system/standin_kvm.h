/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in for KVM where there is none: vCPUs whose descriptors are others (standin_fd.h), which gdbproxyd is
 * made to take for them, an ioctl() that answers for them, and an interpreter of four instructions: NOP, JMP rel8,
 * INT3, and HLT, which nothing ends.  x86-64.
 *
 * As with KVM, a signal ends KVM_RUN, immediate_exit too, and INT3 and single steps are debug exits if guest debug
 * says so.  All else is a triple fault, an INT3 that a debugger has left behind for instance.  vCPU 0 has an exit
 * for its VMM each millisecond, or second when it is halted, the others have none.
 */
#ifndef TESTS_SYSTEM_STANDIN_KVM_H
#define TESTS_SYSTEM_STANDIN_KVM_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

enum { STANDIN_FDS = 65536 };

/* What a guest runs: guest-physical memory from 0 on. */
struct standin_memory {
	const uint8_t *bytes;
	size_t size;
};

/*
 * A vCPU of a guest, below STANDIN_VCPUS, which begins at rip, in protected mode without paging: its descriptor, and its kvm_run in *run.  The
 * memory stays the caller's, and where it is.
 */
int standin_kvm_create_vcpu(
	unsigned index, const struct standin_memory *memory, uint64_t rip, struct kvm_run **run);

/* How many instructions the vCPU of this descriptor has executed. */
unsigned long standin_kvm_steps(int fd);

/* kvm_guest_debug.control as it was set last. */
uint32_t standin_kvm_control(int fd);

/*
 * How many calls came between an exit for the VMM and the next KVM_RUN, which finishes the instruction: none is to (api.rst,
 * KVM_RUN).
 */
unsigned standin_kvm_early(int fd);

#endif
