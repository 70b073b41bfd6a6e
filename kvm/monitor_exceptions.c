/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's own debug exceptions for people: which it was given, and whether they stop first. */
#include <errno.h>
#include "kvm/monitor_table.h"
#include "kvm/monitor_words.h"
#include "kvm/run_control.h"

int monitor_exceptions(struct monitor *monitor, const char *arguments)
{
	const struct exception_log *log = &monitor->vm->exceptions;
	int rc = monitor_take_end(monitor, arguments);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < log->count; i++) {
		const struct exception_log_entry *entry = &log->entries[i];

		monitor_put(monitor, "%-24s %8llu, the last on vCPU %u at 0x%llx\n",
			exception_log_name(entry), (unsigned long long)entry->count,
			entry->last_vcpu, (unsigned long long)entry->last_pc);
	}
	if (log->others)
		monitor_put(monitor, "%-24s %8llu\n", "others", (unsigned long long)log->others);
	if (!log->count)
		monitor_put(monitor, "none so far\n");
	return 0;
}

int monitor_guest_breakpoints(struct monitor *monitor, const char *arguments)
{
	struct vm *vm = monitor->vm;
	bool stops = vm->stops_at_guests;
	int rc = monitor_take_choice(monitor, arguments, "stop", "pass", &stops);

	if (rc == 0)
		rc = monitor_may_change(monitor);
	if (rc < 0 && rc != -ENODATA)
		return rc;
	if (stops != vm->stops_at_guests) {
		vm->stops_at_guests = stops;
		run_refresh(vm);
	}
	monitor_put(monitor,
		stops ? "the guest's own stop the debugger, and go to the guest when it goes on\n"
		      : "the guest's own go to the guest\n");
	return 0;
}
