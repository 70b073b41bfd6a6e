/* SPDX-License-Identifier: Apache-2.0 */
/* KVM's exits in words. */
#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <string.h>

#include "tests/vmm/exit_log.h"

static void exit_log_bytes(FILE *out, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fprintf(out, " %02x", bytes[i]);
}

static void exit_log_io(FILE *out, const struct kvm_run *run)
{
	const unsigned char *data = (const unsigned char *)run + run->io.data_offset;
	bool is_out = run->io.direction == KVM_EXIT_IO_OUT;

	fprintf(out, "%s port %#x %u x %u", is_out ? "out" : "in", run->io.port, run->io.size,
		run->io.count);
	if (is_out)
		exit_log_bytes(out, data, (size_t)run->io.size * run->io.count);
}

static void exit_log_mmio(FILE *out, const struct kvm_run *run)
{
	fprintf(out, "mmio %s %#" PRIx64 " %u", run->mmio.is_write ? "write" : "read",
		(uint64_t)run->mmio.phys_addr, run->mmio.len);
	if (run->mmio.is_write)
		exit_log_bytes(out, run->mmio.data, run->mmio.len);
}

static void exit_log_reason(FILE *out, const struct kvm_run *run)
{
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		exit_log_io(out, run);
		break;
	case KVM_EXIT_MMIO:
		exit_log_mmio(out, run);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		fprintf(out, "system event %u", run->system_event.type);
		break;
	default:
		fprintf(out, "reason %u", run->exit_reason);
		break;
	}
}

void exit_log_write(FILE *out, unsigned vcpu, unsigned long number, const struct kvm_run *run,
	int result, int saved_errno)
{
	if (!out)
		return;
	flockfile(out);
	fprintf(out, "vcpu %u exit %lu ", vcpu, number);
	if (result < 0)
		fprintf(out, "error %s", strerrorname_np(saved_errno));
	else
		exit_log_reason(out, run);
	putc('\n', out);
	funlockfile(out);
}
