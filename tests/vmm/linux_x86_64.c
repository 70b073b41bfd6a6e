/* SPDX-License-Identifier: Apache-2.0 */
/* There is no board here that Linux would boot on. */
#include <err.h>
#include <errno.h>

#include "tests/vmm/linux.h"

int linux_load(
	struct vm *vm, const struct linux_options *options, uint64_t *entry, uint64_t *argument)
{
	(void)vm;
	(void)entry;
	(void)argument;
	warnx("%s: --kernel is for arm64; on x86-64 the guest must be an ELF file",
		options->kernel_path);
	return -ENOTSUP;
}
