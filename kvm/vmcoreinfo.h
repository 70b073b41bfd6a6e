/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Linux kernel writes of itself for crash dumps: a page of lines KEY=VALUE, first OSRELEASE=
 * (Linux, Documentation/admin-guide/kdump/vmcoreinfo.rst).  Pure: bytes in, numbers out.
 */
#ifndef KVM_VMCOREINFO_H
#define KVM_VMCOREINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	VMCOREINFO_BYTES = 4096,    /* the most that a kernel writes */
	VMCOREINFO_HEAD_BYTES = 40, /* of a page: enough for vmcoreinfo_text() */
	VMCOREINFO_RELEASE_MAX = 64,
};

struct vmcoreinfo {
	char release[VMCOREINFO_RELEASE_MAX + 1]; /* OSRELEASE=, as uname -r; printable */
	uint64_t stext;                           /* SYMBOL(_stext)=, where it runs */
	uint64_t slide;                           /* KERNELOFFSET= */
	bool has_phys_base, has_kimage_voffset;
	uint64_t phys_base;      /* x86-64: NUMBER(phys_base)=, may be negative */
	uint64_t kimage_voffset; /* arm64: NUMBER(kimage_voffset)= */
};

/*
 * Where the text begins in a page that begins with these VMCOREINFO_HEAD_BYTES: 0 for the kernel's
 * own copy, 24 for the ELF note of it; -ENOENT for any other page.
 */
int vmcoreinfo_text(const void *head);

/*
 * Reads length bytes, up to the first NUL: 0, or -EINVAL when OSRELEASE= is not first, when _stext or
 * KERNELOFFSET are not there, or when a value that is needed is malformed.
 */
int vmcoreinfo_parse(const void *text, size_t length, struct vmcoreinfo *out);

#endif
