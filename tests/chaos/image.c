/* SPDX-License-Identifier: Apache-2.0 */
/* Reading ELF: the guests are our own, so what is wrong with a file is only told, not guarded against. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/chaos/image.h"

static int image_map(struct image *image, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *bytes;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || status.st_size < (off_t)sizeof(Elf64_Ehdr)) {
		close(fd);
		return -ENOEXEC;
	}
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return -errno;
	image->bytes = bytes;
	image->size = (size_t)status.st_size;
	return 0;
}

static const void *image_at(const struct image *image, uint64_t offset)
{
	return image->bytes + offset;
}

static void image_take_symbols(
	struct image *image, const Elf64_Shdr *sections, const Elf64_Shdr *table)
{
	const Elf64_Shdr *names = &sections[table->sh_link];

	image->symbols = image_at(image, table->sh_offset);
	image->symbol_count = (unsigned)(table->sh_size / sizeof(Elf64_Sym));
	image->names = image_at(image, names->sh_offset);
	image->names_size = names->sh_size;
}

int image_open(struct image *image, const char *path)
{
	const Elf64_Shdr *sections;
	const Elf64_Ehdr *header;
	int rc = image_map(image, path);

	if (rc < 0)
		return rc;
	header = image_at(image, 0);
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || !header->e_shoff || !header->e_phoff)
		return -ENOEXEC;
	image->segments = image_at(image, header->e_phoff);
	image->segment_count = header->e_phnum;
	sections = image_at(image, header->e_shoff);
	for (unsigned i = 0; i < header->e_shnum; i++)
		if (sections[i].sh_type == SHT_SYMTAB)
			image_take_symbols(image, sections, &sections[i]);
	return image->symbols ? 0 : -ENOEXEC;
}

bool image_find(const struct image *image, const char *name, uint64_t *gva, uint64_t *size)
{
	for (unsigned i = 0; i < image->symbol_count; i++) {
		const Elf64_Sym *symbol = &image->symbols[i];

		if (symbol->st_shndx == SHN_UNDEF || strcmp(image->names + symbol->st_name, name))
			continue;
		*gva = symbol->st_value;
		*size = symbol->st_size;
		return true;
	}
	return false;
}

static const Elf64_Phdr *image_segment(const struct image *image, uint64_t gva)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD && gva >= segment->p_vaddr &&
			gva - segment->p_vaddr < segment->p_memsz)
			return segment;
	}
	return NULL;
}

bool image_gpa(const struct image *image, uint64_t gva, uint64_t *gpa)
{
	const Elf64_Phdr *segment = image_segment(image, gva);

	if (segment)
		*gpa = segment->p_paddr + (gva - segment->p_vaddr);
	return segment;
}

/* The last symbol at or before gpa; an assembler's constants are no places. */
static const Elf64_Sym *image_nearest(const struct image *image, uint64_t gpa, uint64_t *distance)
{
	const Elf64_Sym *nearest = NULL;
	uint64_t at;

	for (unsigned i = 0; i < image->symbol_count; i++) {
		const Elf64_Sym *symbol = &image->symbols[i];
		unsigned type = ELF64_ST_TYPE(symbol->st_info);

		if (type == STT_FILE || type == STT_SECTION || symbol->st_shndx == SHN_ABS ||
			symbol->st_shndx == SHN_UNDEF || image->names[symbol->st_name] == '$' ||
			!image_gpa(image, symbol->st_value, &at) || at > gpa)
			continue;
		if (nearest && gpa - at >= *distance)
			continue;
		nearest = symbol;
		*distance = gpa - at;
	}
	return nearest;
}

void image_name(const struct image *image, uint64_t gpa, char *text, size_t size)
{
	uint64_t distance = 0;
	const Elf64_Sym *symbol = image_nearest(image, gpa, &distance);

	if (symbol)
		snprintf(text, size, "%s+0x%llx", image->names + symbol->st_name,
			(unsigned long long)distance);
	else
		snprintf(text, size, "?");
}
