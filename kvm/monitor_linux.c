/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's Linux kernel for people: what gdb must be told to have its symbols at the right place. */
#include <errno.h>
#include "kvm/linux_guest.h"
#include "kvm/monitor_table.h"
#include "kvm/monitor_words.h"

static void monitor_put_kernel(struct monitor *monitor, const struct linux_kernel *kernel)
{
	char method[128];

	linux_kernel_describe_method(kernel, method, sizeof(method));
	monitor_put(monitor, "%s\n", kernel->banner);
	monitor_put(monitor, "text at 0x%llx, guest-physical 0x%llx; found by %s\n",
		(unsigned long long)kernel->base, (unsigned long long)kernel->physical, method);
	if (kernel->has_slide)
		monitor_put(monitor, "for gdb: symbol-file -o 0x%llx vmlinux\n",
			(unsigned long long)kernel->slide);
	else
		monitor_put(monitor,
			"how far that is from where it was linked is not known: compare "
			"with _text in vmlinux\n");
}

int monitor_kaslr(struct monitor *monitor, const char *arguments)
{
	struct linux_kernel kernel;
	int rc = monitor_take_end(monitor, arguments);

	if (rc < 0)
		return rc;
	rc = linux_guest_find(monitor->vm, &kernel);
	if (rc == -ENOENT)
		return monitor_fail(monitor, -EINVAL,
			"no Linux kernel is found: it may not have turned its paging on yet");
	if (rc < 0)
		return monitor_fail(monitor, rc, "no vCPU can be asked now");
	monitor_put_kernel(monitor, &kernel);
	return 0;
}
