/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest-virtual memory as one parked vCPU sees it: translated by its own page tables, our planted
 * breakpoints hidden from reads and kept right under writes.
 */
#ifndef KVM_VIEW_H
#define KVM_VIEW_H

#include "kvm/vm.h"

struct view {
	struct vm *vm;
	struct vcpu *vcpu;
};

/* 1 mapped, 0 not, -EFAULT a table is not in memory, -EINVAL, or -errno of fetching registers. */
int view_translate(const struct view *view, gva_t gva, struct translation *out);

/*
 * Reads the longest prefix of [gva, gva + length) that is there: its length (0 for length 0), or, when
 * the first byte is not, -EFAULT (not mapped) or -ENXIO (mapped to what is not memory).
 */
ssize_t view_read(const struct view *view, gva_t gva, void *buf, size_t length);

/* Writes all or nothing: 0, -EFAULT, -ENXIO or -EROFS (memory that the VMM has not let us write). */
int view_write(const struct view *view, gva_t gva, const void *buf, size_t length);

/* The same two of guest-physical addresses, which need no vCPU. */
ssize_t view_read_physical(struct vm *vm, gpa_t gpa, void *buf, size_t length);
int view_write_physical(struct vm *vm, gpa_t gpa, const void *buf, size_t length);

/* As target_ops.memory_region. */
int view_region(const struct view *view, gva_t gva, struct target_region *region);

/* Reading and writing as the architectures want them; view must outlive the result. */
struct guest_memory view_memory(struct view *view);

#endif
