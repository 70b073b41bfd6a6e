/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF loading.  The file is not trusted: every offset and size is checked before it is used.
 * Knows nothing of KVM.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/vmm/elf.h"
#include "tests/vmm/memory.h"

#if defined(__x86_64__)
#define ELF_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define ELF_MACHINE EM_AARCH64
#endif

struct elf_image {
	const unsigned char *bytes;
	size_t size;
};

static int elf_image_map(struct elf_image *image, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		result = -errno;
	} else if (st.st_size < (off_t)sizeof(Elf64_Ehdr)) {
		result = -ENOEXEC;
	} else {
		void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (map == MAP_FAILED)
			result = -errno;
		image->bytes = map;
		image->size = (size_t)st.st_size;
	}
	close(fd);
	return result;
}

static void elf_image_unmap(struct elf_image *image)
{
	munmap((void *)(uintptr_t)image->bytes, image->size);
}

static bool elf_image_has(const struct elf_image *image, uint64_t offset, uint64_t size)
{
	return size <= image->size && offset <= image->size - size;
}

static const char *elf_check_header(const struct elf_image *image, const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_ident[EI_CLASS] != ELFCLASS64 ||
		header->e_ident[EI_DATA] != ELFDATA2LSB)
		return "not a 64-bit little-endian ELF file";
	if (header->e_type != ET_EXEC || header->e_machine != ELF_MACHINE)
		return "not an executable for this architecture";
	if (header->e_phentsize != sizeof(Elf64_Phdr) ||
		!elf_image_has(image, header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr)))
		return "its program headers are outside the file";
	return NULL;
}

static const char *elf_load_segment(
	const struct elf_image *image, const Elf64_Phdr *segment, const struct memory *memory)
{
	char *to;

	if (segment->p_type != PT_LOAD || !segment->p_memsz)
		return NULL;
	if (segment->p_filesz > segment->p_memsz ||
		!elf_image_has(image, segment->p_offset, segment->p_filesz))
		return "a segment is outside the file";
	to = memory_at(memory, segment->p_paddr, segment->p_memsz);
	if (!to)
		return "a segment is outside the guest's memory";
	memcpy(to, image->bytes + segment->p_offset, segment->p_filesz);
	memset(to + segment->p_filesz, 0, segment->p_memsz - segment->p_filesz);
	return NULL;
}

static const char *elf_load_image(
	const struct elf_image *image, const struct memory *memory, uint64_t *entry)
{
	const char *wrong;
	Elf64_Phdr segment;
	Elf64_Ehdr header;

	memcpy(&header, image->bytes, sizeof(header));
	wrong = elf_check_header(image, &header);
	for (unsigned i = 0; !wrong && i < header.e_phnum; i++) {
		memcpy(&segment, image->bytes + header.e_phoff + i * sizeof(segment),
			sizeof(segment));
		wrong = elf_load_segment(image, &segment, memory);
	}
	*entry = header.e_entry;
	return wrong;
}

int elf_load(const char *path, const struct memory *memory, uint64_t *entry, char *error,
	size_t error_size)
{
	struct elf_image image = { 0 };
	const char *wrong;
	int result = elf_image_map(&image, path);

	if (result < 0) {
		snprintf(error, error_size, "%s: %s", path, strerror(-result));
		return result;
	}
	wrong = elf_load_image(&image, memory, entry);
	if (wrong)
		snprintf(error, error_size, "%s: %s", path, wrong);
	elf_image_unmap(&image);
	return wrong ? -ENOEXEC : 0;
}
