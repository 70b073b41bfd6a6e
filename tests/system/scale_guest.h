/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest of `scale vmm`: one vCPU, which sleeps, and 64 KiB of memory.  scale_kvm.c makes it by KVM, scale_standin.c where
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
	int memory_fd, vcpu_fd;
	struct kvm_run *run;
};

/* It is there until the process ends, which it does when that fails. */
void scale_guest_make(struct scale_guest *guest);

#endif
