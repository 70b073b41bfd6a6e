/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the search for a Linux kernel (linux_kernel.c) asks of an architecture.
 */
#ifndef KVM_LINUX_ARCH_H
#define KVM_LINUX_ARCH_H

#include "kvm/linux_image.h"

/* An address that should be in the kernel's text. */
struct linux_anchor {
	enum linux_kernel_clue clue;
	gva_t gva;
};

enum { LINUX_MAX_ANCHORS = 16 };

struct linux_arch {
	const struct arch *arch;
	uint32_t more_groups; /* of registers, beyond CPU_STOP */
	/*
	 * Turns a copy of the vCPU's registers into the n-th that are worth a try: first those with
	 * the tables that the kernel would have if these were a user process's, last its own.  False
	 * when there are no more.
	 */
	bool (*tables)(struct cpu *cpu, unsigned n);
	/* Fills anchors[LINUX_MAX_ANCHORS], the best first; returns how many. */
	unsigned (*anchors)(struct linux_probe *probe, struct linux_anchor *anchors);
	/*
	 * From an image with its banner to base, physical and slide.  False: no kernel of Linux lies
	 * so.
	 */
	bool (*place)(struct linux_probe *probe, const struct linux_image *image,
		struct linux_kernel *out);
	/* Where the image that this vmcoreinfo is about begins; false when it does not tell. */
	bool (*locate)(const struct vmcoreinfo *info, struct linux_image *image);
};

extern const struct linux_arch linux_arch_x86_64, linux_arch_arm64;

#endif
