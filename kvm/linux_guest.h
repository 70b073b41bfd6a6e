/* SPDX-License-Identifier: Apache-2.0 */
/* The search for a Linux kernel (linux_kernel.h) in a guest under debug. */
#ifndef KVM_LINUX_GUEST_H
#define KVM_LINUX_GUEST_H

#include "kvm/linux_kernel.h"
#include "kvm/vm.h"

/*
 * Searches with the registers of each parked vCPU in turn, then in physical memory.  Registers are
 * fetched where they have to be.  0; -ENOENT no Linux kernel is found; -EBUSY no vCPU is parked.
 */
int linux_guest_find(struct vm *vm, struct linux_kernel *out);

/* The same without the search in physical memory, which costs most where there is no Linux kernel. */
int linux_guest_find_mapped(struct vm *vm, struct linux_kernel *out);

#endif
