/* SPDX-License-Identifier: Apache-2.0 */
/* Counted reads: see linux_probe.h. */
#include <errno.h>
#include "kvm/linux_probe.h"

int linux_probe_read(struct linux_probe *probe, gpa_t gpa, void *buf, size_t length)
{
	const struct physical *memory = &probe->reader->memory;

	if (!probe->reads_left || probe->bytes_left < length)
		return -EFAULT;
	probe->reads_left--;
	probe->bytes_left -= length;
	return memory->read(memory->context, gpa, buf, length) < 0 ? -EFAULT : 0;
}

static int linux_probe_read_table(void *context, gpa_t gpa, void *buf, size_t length)
{
	return linux_probe_read(context, gpa, buf, length);
}

bool linux_probe_translate(struct linux_probe *probe, gva_t gva, struct translation *out)
{
	struct physical tables = { .read = linux_probe_read_table, .context = probe };

	return probe->reader->arch->translate(&probe->cpu, &tables, gva, out) == 1;
}

int linux_probe_read_gva(struct linux_probe *probe, gva_t gva, void *buf, size_t length)
{
	struct translation translation;

	if (!linux_probe_translate(probe, gva, &translation))
		return -EFAULT;
	return linux_probe_read(probe, translation.gpa, buf, length);
}
