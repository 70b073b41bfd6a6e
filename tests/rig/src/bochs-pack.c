/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a disk that bochs-boot.S boots Linux from.
 *
 *	bochs-pack payload BZIMAGE > FILE
 *		take the compressed vmlinux out of a bzImage
 *	bochs-pack disk BOOTSECTOR BZIMAGE VMLINUX INITRD MEGS CMDLINE > FILE
 *		lay out boot sector, boot parameters, the kernel's segments and the initramfs for a
 *		machine with that much memory; the command line goes into the boot parameters
 *
 * Where things are in memory: boot parameters at 2 MiB (with the command line at + 0x1000 and page
 * tables that map the first 4 GiB to themselves at + 0x2000), the kernel at 16 MiB, the initramfs at
 * the top.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECTOR = 512,
	CYLINDER = 16 * 63 * SECTOR, /* Bochs wants whole ones */
	PARAMS_ADDR = 0x200000,
	KERNEL_ADDR = 0x1000000,
	PARAMS_SIZE = 0x8000,
	CMDLINE_OFFSET = 0x1000,
	CMDLINE_MAX = 0x1000,
	TABLES_OFFSET = 0x2000,
	HEADER_OFFSET = 0x1f1, /* of struct setup_header in a bzImage */
	HEADER_MAGIC = 0x53726448,
	TABLE_OFFSET = 0x1c0, /* in the boot sector, see bochs-boot.S */
	TABLE_ROWS = 4,
	ENTRY_OFFSET = 0x1f8,
};

struct bytes {
	unsigned char *at;
	size_t size;
};

/* The disk as it grows, and the boot sector's table of what to load where. */
struct disk {
	struct bytes image;
	uint32_t table[TABLE_ROWS][3];
	int rows;
};

static void die(const char *what)
{
	fprintf(stderr, "bochs-pack: %s\n", what);
	exit(1);
}

static void *must_alloc(void *old, size_t size)
{
	void *new = realloc(old, size);

	if (new == NULL)
		die("out of memory");
	return new;
}

static struct bytes file_read(const char *path)
{
	struct bytes file = { NULL, 0 };
	FILE *in = fopen(path, "rb");
	size_t room = 0, got;

	if (in == NULL)
		die(path);
	do {
		if (file.size == room)
			file.at = must_alloc(file.at, room += 1 << 24);
		got = fread(file.at + file.size, 1, room - file.size, in);
		file.size += got;
	} while (got > 0);
	if (ferror(in))
		die(path);
	fclose(in);
	return file;
}

static void file_write(const void *at, size_t size)
{
	if (fwrite(at, 1, size, stdout) != size || fflush(stdout) != 0)
		die("cannot write");
}

static const struct setup_header *bzimage_header(struct bytes bzimage)
{
	const void *at = bzimage.at + HEADER_OFFSET;
	const struct setup_header *header = at;

	if (bzimage.size < HEADER_OFFSET + sizeof(*header) || header->header != HEADER_MAGIC)
		die("not a bzImage");
	if (!(header->xloadflags & XLF_KERNEL_64))
		die("the kernel has no 64-bit entry point");
	return header;
}

static int payload_write(char **argv)
{
	struct bytes bzimage = file_read(argv[0]);
	const struct setup_header *header = bzimage_header(bzimage);
	size_t start = (header->setup_sects + 1) * (size_t)SECTOR + header->payload_offset;

	if (header->payload_length < 4 || start > bzimage.size ||
		header->payload_length > bzimage.size - start)
		die("the bzImage is cut short");
	/* the last 4 bytes are the size when unpacked, which a decompressor would not expect */
	file_write(bzimage.at + start, header->payload_length - 4);
	return 0;
}

static void disk_append(struct disk *disk, struct bytes piece, size_t granule)
{
	size_t size = disk->image.size + piece.size;
	size_t padded = (size + granule - 1) / granule * granule;

	disk->image.at = must_alloc(disk->image.at, padded);
	if (piece.size > 0)
		memcpy(disk->image.at + disk->image.size, piece.at, piece.size);
	memset(disk->image.at + size, 0, padded - size);
	disk->image.size = padded;
}

static void disk_append_loaded(struct disk *disk, struct bytes piece, uint64_t addr)
{
	uint32_t *row = disk->table[disk->rows++];
	size_t start = disk->image.size;

	disk_append(disk, piece, SECTOR);
	row[0] = start / SECTOR;
	row[1] = (disk->image.size - start) / SECTOR;
	row[2] = addr;
}

/* The loadable segments of a vmlinux as they lie in memory from KERNEL_ADDR. */
static struct bytes kernel_flatten(struct bytes vmlinux, uint32_t *entry)
{
	const void *at = vmlinux.at;
	const Elf64_Ehdr *elf = at;
	struct bytes flat = { NULL, 0 };

	if (vmlinux.size < sizeof(*elf) || memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0)
		die("the kernel is not an ELF file");
	if (elf->e_phoff > vmlinux.size ||
		elf->e_phnum > (vmlinux.size - elf->e_phoff) / sizeof(Elf64_Phdr))
		die("the kernel is cut short");
	at = vmlinux.at + elf->e_phoff;
	for (const Elf64_Phdr *seg = at; seg < (const Elf64_Phdr *)at + elf->e_phnum; seg++) {
		size_t start = seg->p_paddr - KERNEL_ADDR;

		if (seg->p_type != PT_LOAD)
			continue;
		if (seg->p_paddr < KERNEL_ADDR || start > 1 << 30 || seg->p_offset > vmlinux.size ||
			seg->p_filesz > vmlinux.size - seg->p_offset)
			die("a segment of the kernel is out of range");
		if (start + seg->p_filesz > flat.size) {
			flat.at = must_alloc(flat.at, start + seg->p_filesz);
			memset(flat.at + flat.size, 0, start + seg->p_filesz - flat.size);
			flat.size = start + seg->p_filesz;
		}
		memcpy(flat.at + start, vmlinux.at + seg->p_offset, seg->p_filesz);
	}
	*entry = elf->e_entry;
	return flat;
}

/* Page tables that map the first 4 GiB to themselves, in 2 MiB pages. */
static void tables_fill(uint64_t *tables)
{
	const uint64_t present = 3, large = 0x83;
	const uint64_t here = PARAMS_ADDR + TABLES_OFFSET;

	tables[0] = (here + 0x1000) | present;
	for (uint64_t i = 0; i < 4; i++)
		tables[512 + i] = (here + 0x2000 + 0x1000 * i) | present;
	for (uint64_t i = 0; i < 2048; i++)
		tables[1024 + i] = i << 21 | large;
}

static void params_fill(void *at, const struct setup_header *header, const char *cmdline,
	uint64_t mem, uint64_t initrd_addr, uint64_t initrd_size)
{
	struct boot_params *params = at;
	char *bytes = at;

	params->hdr = *header;
	params->hdr.type_of_loader = 0xff;
	params->hdr.loadflags = (params->hdr.loadflags | LOADED_HIGH) & ~CAN_USE_HEAP;
	params->hdr.ramdisk_image = initrd_addr;
	params->hdr.ramdisk_size = initrd_size;
	params->hdr.cmd_line_ptr = PARAMS_ADDR + CMDLINE_OFFSET;
	params->e820_entries = 2;
	params->e820_table[0] = (struct boot_e820_entry){ 0, 0x9fc00, 1 };
	params->e820_table[1] = (struct boot_e820_entry){ 0x100000, mem - 0x110000, 1 };
	if (strlen(cmdline) >= CMDLINE_MAX)
		die("the command line is too long");
	strcpy(bytes + CMDLINE_OFFSET, cmdline);
	at = bytes + TABLES_OFFSET;
	tables_fill(at);
}

static int disk_write(char **argv)
{
	static _Alignas(4096) unsigned char params[PARAMS_SIZE];
	struct bytes boot = file_read(argv[0]);
	struct bytes bzimage = file_read(argv[1]);
	struct bytes initrd = file_read(argv[3]);
	uint64_t mem = strtoull(argv[4], NULL, 0) << 20;
	uint64_t initrd_addr = (mem - initrd.size - (2 << 20)) & ~0x1fffffull;
	struct disk disk = { 0 };
	uint32_t entry;
	struct bytes kernel = kernel_flatten(file_read(argv[2]), &entry);

	if (boot.size != SECTOR || boot.at[510] != 0x55 || boot.at[511] != 0xaa)
		die("not a boot sector");
	/* the kernel needs room behind it for its bss and while it unpacks */
	if (mem < initrd.size + KERNEL_ADDR + 2 * kernel.size)
		die("too little memory for the kernel and the initramfs");
	params_fill(params, bzimage_header(bzimage), argv[5], mem, initrd_addr, initrd.size);
	disk_append(&disk, boot, SECTOR);
	disk_append_loaded(&disk, (struct bytes){ params, sizeof(params) }, PARAMS_ADDR);
	disk_append_loaded(&disk, kernel, KERNEL_ADDR);
	disk_append_loaded(&disk, initrd, initrd_addr);
	memcpy(disk.image.at + TABLE_OFFSET, disk.table, sizeof(disk.table));
	memcpy(disk.image.at + ENTRY_OFFSET, &entry, sizeof(entry));
	disk_append(&disk, (struct bytes){ NULL, 0 }, CYLINDER);
	file_write(disk.image.at, disk.image.size);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "payload") == 0)
		return payload_write(argv + 2);
	if (argc == 8 && strcmp(argv[1], "disk") == 0)
		return disk_write(argv + 2);
	die("usage: bochs-pack payload BZIMAGE\n"
	    "       bochs-pack disk BOOTSECTOR BZIMAGE VMLINUX INITRD MEGS CMDLINE");
	return 2;
}
