/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a guest's ELF file into guest memory. */
#ifndef ELF_H
#define ELF_H

#include <stddef.h>
#include <stdint.h>

struct memory;

/*
 * Copies every PT_LOAD segment of the 64-bit little-endian executable at path, of this machine's
 * architecture, to its physical address and stores e_entry in *entry.  -errno; -ENOEXEC when the
 * file is not such an executable or does not fit the memory.  The cause in words is left in error.
 */
int elf_load(const char *path, const struct memory *memory, uint64_t *entry, char *error,
	size_t error_size);

#endif
