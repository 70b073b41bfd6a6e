/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest of `scale vmm`: vCPUs that sleep, and 64 KiB of memory.  scale_kvm.c makes it by KVM, scale_standin.c where
 * there is none (standin_kvm.h).
 */
#ifndef TESTS_SYSTEM_SCALE_GUEST_H
#define TESTS_SYSTEM_SCALE_GUEST_H

#include <stddef.h>
#include <stdint.h>

struct kvm_run;

struct scale_guest {
	uint64_t gpa; /* of its memory */
	size_t size;
	void *memory;
	int memory_fd;
	int vm_fd; /* of KVM's */
};

/* It is there until the process ends, which it does when that fails; so are its vCPUs. */
void scale_guest_make(struct scale_guest *guest);

/* The descriptor of vCPU `index`, and its kvm_run in *run. */
int scale_guest_add_vcpu(struct scale_guest *guest, unsigned index, struct kvm_run **run);

#endif
