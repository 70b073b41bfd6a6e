/* SPDX-License-Identifier: Apache-2.0 */
/* ioctl() with words. */
#include <err.h>
#include <errno.h>
#include <sys/ioctl.h>

#include "tests/vmm/kvm_call.h"

int kvm_call(int fd, unsigned long request, unsigned long argument, const char *name)
{
	int result = ioctl(fd, request, argument);

	if (result >= 0)
		return result;
	result = -errno;
	warn("%s", name);
	return result;
}
