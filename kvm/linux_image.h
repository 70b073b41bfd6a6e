/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image of a Linux kernel in a guest: one run of virtual addresses that map one run of physical
 * ones, text first, holes where what was needed only at boot has been freed.
 */
#ifndef KVM_LINUX_IMAGE_H
#define KVM_LINUX_IMAGE_H

#include "kvm/linux_probe.h"
#include "kvm/vmcoreinfo.h"

struct linux_image {
	gva_t text; /* the first page that is mapped */
	gpa_t physical;
	char banner[LINUX_KERNEL_BANNER_MAX + 1]; /* empty until it is found */
	bool has_info;
	struct vmcoreinfo info;
};

/*
 * Finds the first page of the text that anchor lies in: *image with text and physical, or -ENOENT when
 * anchor is no executable page, or when there is more text below it than any kernel has.
 */
int linux_image_locate(struct linux_probe *probe, gva_t anchor, struct linux_image *image);

/* Looks in the mapped image for the banner and for a pointer to vmcoreinfo that is about it. */
void linux_image_scan(struct linux_probe *probe, struct linux_image *image);

/* Looks for the banner in physical memory, for an image that the tables at hand do not map. */
void linux_image_scan_physical(struct linux_probe *probe, struct linux_image *image);

/* Reads vmcoreinfo if the page at gpa has it: 0, -ENOENT (it has not), -EINVAL (malformed). */
int linux_image_read_info(struct linux_probe *probe, gpa_t gpa, struct vmcoreinfo *info);

#endif
