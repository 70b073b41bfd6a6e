/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot protocol of arm64 (Linux, Documentation/arch/arm64/booting.rst).  The memory:
 *
 *	BOARD_RAM_GPA + 0	the device tree
 *	+ 2 MiB + text_offset	the kernel, as much as its header says that it needs
 *	behind it		the initial RAM disk
 */
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/vmm/board.h"
#include "tests/vmm/fdt_arm64.h"
#include "tests/vmm/linux.h"
#include "tests/vmm/vm.h"

#define LINUX_KERNEL_ALIGN 0x200000ull
#define LINUX_MAGIC        0x644d5241u /* "ARM\x64" */
#define LINUX_PAGE         0x10000ull  /* the largest that a kernel may have */

struct linux_header {
	uint32_t code[2];
	uint64_t text_offset, image_size, flags, reserved[3];
	uint32_t magic, pe_offset;
};

_Static_assert(sizeof(struct linux_header) == 64, "the header of an arm64 Image");

/* Where a file of the guest's is in its memory. */
struct linux_file {
	uint64_t gpa, size;
};

static int linux_read_all(int fd, char *to, uint64_t size)
{
	while (size) {
		ssize_t n = read(fd, to, size);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		to += n;
		size -= (uint64_t)n;
	}
	return 0;
}

/* Loads the file to file->gpa.  -ENOSPC: the guest's memory ends before it does. */
static int linux_load_fd(const struct memory *memory, int fd, struct linux_file *file)
{
	struct stat st;
	char *to;

	if (fstat(fd, &st) < 0)
		return -errno;
	file->size = (uint64_t)st.st_size;
	to = memory_at(memory, file->gpa, file->size);
	return to ? linux_read_all(fd, to, file->size) : -ENOSPC;
}

static int linux_load_file(const struct memory *memory, const char *path, struct linux_file *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result = fd < 0 ? -errno : linux_load_fd(memory, fd, file);

	if (fd >= 0)
		close(fd);
	if (result < 0)
		warnx("%s: %s", path,
			result == -ENOSPC ? "does not fit the guest's memory" : strerror(-result));
	return result;
}

static int linux_read_header(const char *path, struct linux_header *header)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		int saved = errno;

		warn("%s", path);
		return -saved;
	}
	n = read(fd, header, sizeof(*header));
	close(fd);
	if (n == sizeof(*header) && le32toh(header->magic) == LINUX_MAGIC &&
		le64toh(header->text_offset) < LINUX_KERNEL_ALIGN &&
		le64toh(header->image_size) < BOARD_RAM_MAX)
		return 0;
	warnx("%s: not an uncompressed arm64 Image", path);
	return -ENOEXEC;
}

/* What the kernel takes beyond its file, it is not to share with anything. */
static int linux_load_kernel(
	const struct memory *memory, const char *path, struct linux_file *kernel)
{
	struct linux_header header;
	int result = linux_read_header(path, &header);

	if (result < 0)
		return result;
	kernel->gpa = memory->gpa + LINUX_KERNEL_ALIGN + le64toh(header.text_offset);
	result = linux_load_file(memory, path, kernel);
	if (kernel->size < le64toh(header.image_size))
		kernel->size = le64toh(header.image_size);
	return result;
}

int linux_load(
	struct vm *vm, const struct linux_options *options, uint64_t *entry, uint64_t *argument)
{
	struct linux_file kernel, initrd = { 0 };
	struct fdt_board board = {
		.ram_gpa = vm->memory.gpa,
		.ram_bytes = vm->memory.size,
		.nr_vcpus = vm->nr_vcpus,
		.command_line = options->command_line ? options->command_line : "",
	};
	int result = linux_load_kernel(&vm->memory, options->kernel_path, &kernel);

	if (!result && options->initrd_path) {
		initrd.gpa = (kernel.gpa + kernel.size + LINUX_PAGE - 1) & -LINUX_PAGE;
		result = linux_load_file(&vm->memory, options->initrd_path, &initrd);
	}
	if (result < 0)
		return result;
	board.initrd_gpa = initrd.gpa;
	board.initrd_bytes = initrd.size;
	*entry = kernel.gpa;
	*argument = vm->memory.gpa;
	return fdt_write(&board, vm->memory.hva, LINUX_KERNEL_ALIGN);
}
