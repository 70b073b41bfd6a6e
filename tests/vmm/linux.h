/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Linux kernel as the guest: linux_arm64.c; linux_x86_64.c only says that there is none.
 */
#ifndef LINUX_H
#define LINUX_H

#include <stdint.h>

struct vm;

struct linux_options {
	const char *kernel_path;  /* NULL: the guest is an ELF file */
	const char *initrd_path;  /* NULL: none */
	const char *command_line; /* NULL: empty */
};

/*
 * Loads kernel, initial RAM disk and device tree into the VM's memory, and stores where vCPU 0 enters
 * and what it is told there.  -errno after a line on stderr.
 */
int linux_load(
	struct vm *vm, const struct linux_options *options, uint64_t *entry, uint64_t *argument);

#endif
