/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's ELF file: what is where, and by what name.  Knows of no process. */
#ifndef IMAGE_H
#define IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image {
	const uint8_t *bytes;
	size_t size;
	const Elf64_Phdr *segments;
	unsigned segment_count;
	const Elf64_Sym *symbols;
	unsigned symbol_count;
	const char *names;
	size_t names_size;
};

/* Maps the file; it stays mapped as long as the process lives.  0, or -errno; -ENOEXEC: not one of ours. */
int image_open(struct image *image, const char *path);

/* True when there is such a symbol: its address, and its size (0 where the file does not say). */
bool image_find(const struct image *image, const char *name, uint64_t *gva, uint64_t *size);

/* Where in guest-physical memory what is linked at gva was loaded to. */
bool image_gpa(const struct image *image, uint64_t gva, uint64_t *gpa);

/* "name+0x12" of what lies at gpa, or "?". */
void image_name(const struct image *image, uint64_t gpa, char *text, size_t size);

#endif
