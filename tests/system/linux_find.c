/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux_find FILE GPA
 *
 * The search for a Linux kernel (kvm/linux_kernel.h) in the memory of a running arm64 guest, which is
 * FILE from guest-physical address GPA on, without any registers.  Prints the offset and the banner.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "kvm/linux_kernel.h"

struct guest {
	int fd;
	struct linux_kernel_region region;
};

static int guest_read(void *context, gpa_t gpa, void *buf, size_t length)
{
	struct guest *guest = context;
	off_t at = (off_t)(gpa - guest->region.gpa);

	if (gpa < guest->region.gpa || pread(guest->fd, buf, length, at) != (ssize_t)length)
		return -EFAULT;
	return 0;
}

static void guest_open(struct guest *guest, const char *path, const char *gpa)
{
	struct stat st;

	guest->fd = open(path, O_RDONLY);
	if (guest->fd < 0 || fstat(guest->fd, &st) < 0)
		err(2, "%s", path);
	guest->region.gpa = strtoull(gpa, NULL, 0);
	guest->region.size = (uint64_t)st.st_size;
}

int main(int argc, char **argv)
{
	static const struct cpu cpu;
	struct guest guest;
	struct linux_kernel_reader reader = {
		.arch = &arch_arm64,
		.memory = { .read = guest_read, .context = &guest },
		.regions = &guest.region,
		.region_count = 1,
	};
	struct linux_kernel kernel;

	if (argc != 3)
		errx(2, "usage: linux_find FILE GPA");
	guest_open(&guest, argv[1], argv[2]);
	if (linux_kernel_find(&reader, &cpu, &kernel) < 0 || !kernel.has_slide)
		errx(1, "no Linux kernel is found");
	printf("%#" PRIx64 " %s\n", kernel.slide, kernel.banner);
	return 0;
}
