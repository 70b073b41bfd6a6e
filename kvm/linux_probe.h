/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory for a search that must end: every read is counted, and fails once the budget is
 * spent.
 */
#ifndef KVM_LINUX_PROBE_H
#define KVM_LINUX_PROBE_H

#include "kvm/linux_kernel.h"

struct linux_probe {
	const struct linux_kernel_reader *reader;
	struct cpu cpu; /* through whose tables; the search changes them */
	unsigned reads_left;
	uint64_t bytes_left;
};

/* 0 or -EFAULT: not all of it is there, or the budget is spent. */
int linux_probe_read(struct linux_probe *probe, gpa_t gpa, void *buf, size_t length);

/* True when gva is mapped. */
bool linux_probe_translate(struct linux_probe *probe, gva_t gva, struct translation *out);

/* As linux_probe_read(), for virtual memory within one page of 4 KiB. */
int linux_probe_read_gva(struct linux_probe *probe, gva_t gva, void *buf, size_t length);

#endif
