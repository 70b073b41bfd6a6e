/* SPDX-License-Identifier: Apache-2.0 */
/* The board of board.h as a device tree, for Linux. */
#ifndef FDT_ARM64_H
#define FDT_ARM64_H

#include <stddef.h>
#include <stdint.h>

struct fdt_board {
	uint64_t ram_gpa, ram_bytes;
	uint64_t initrd_gpa, initrd_bytes; /* 0 bytes: none */
	unsigned nr_vcpus;
	const char *command_line;
};

/*
 * Writes the tree into size bytes at blob, with seeds for the kernel's address-space randomization and
 * for its random numbers.  -errno after a line on stderr.
 */
int fdt_write(const struct fdt_board *board, void *blob, size_t size);

#endif
