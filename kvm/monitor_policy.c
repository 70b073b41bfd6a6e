/* SPDX-License-Identifier: Apache-2.0 */
/* How a guest is debugged, for people: what is done when, who may do it, what has been done. */
#include "kvm/monitor_table.h"
#include "kvm/monitor_words.h"

static unsigned monitor_debuggers(const struct vm *vm)
{
	unsigned count = 0;

	for (unsigned i = 0; i < VM_MAX_SEATS; i++)
		count += vm->seats[i] != NULL;
	return count;
}

/* "this one is debugger 2" as breakpoints has the numbers. */
static void monitor_put_debuggers(struct monitor *monitor)
{
	const struct vm *vm = monitor->vm;

	monitor_put(monitor, "debuggers       %u; this one is debugger %u", monitor_debuggers(vm),
		monitor->seat->number + 1);
	if (vm->non_stop)
		monitor_put(monitor, ", and all are equal\n");
	else if (vm->driver == monitor->seat)
		monitor_put(monitor, ", and drives\n");
	else if (vm->driver)
		monitor_put(monitor, ", and observes debugger %u\n", vm->driver->number + 1);
	else
		monitor_put(monitor, ", and nobody drives\n");
}

static void monitor_put_vanishing(struct monitor *monitor)
{
	const struct vm *vm = monitor->vm;

	monitor_put(monitor, "vanished        ");
	if (!vm->keeps)
		monitor_put(
			monitor, "the same when the debugger is lost without having detached\n");
	else if (!vm->keep_s)
		monitor_put(monitor, "a guest that is stopped stays so for the next debugger\n");
	else
		monitor_put(monitor,
			"a guest that is stopped stays so for %u s, for the next debugger\n",
			vm->keep_s);
}

int monitor_policy(struct monitor *monitor, const char *arguments)
{
	const struct vm *vm = monitor->vm;
	int rc = monitor_take_end(monitor, arguments);

	if (rc < 0)
		return rc;
	monitor_put_debuggers(monitor);
	monitor_put(monitor, "stop            %s\n",
		vm->non_stop ? "each vCPU by itself (non-stop)"
			     : "all vCPUs, when one has something to tell (all-stop)");
	monitor_put(monitor, "resume          as the debugger says, vCPU by vCPU\n");
	monitor_put(monitor, "guest's own     %s\n",
		vm->stops_at_guests ? "debug exceptions stop the debugger first"
				    : "debug exceptions go to the guest");
	monitor_put(monitor, "late            a vCPU that has not stopped after %d ms\n",
		vm->stop_timeout_ms);
	monitor_put(monitor, "lost            a VMM whose stopped vCPU does not answer for %d ms\n",
		vm->call_timeout_ms);
	monitor_put(monitor, "at the end      everything is taken back, and the guest runs\n");
	monitor_put_vanishing(monitor);
	return 0;
}

int monitor_drive(struct monitor *monitor, const char *arguments)
{
	int rc = monitor_take_end(monitor, arguments);

	if (rc < 0)
		return rc;
	seat_take_wheel(monitor->seat);
	monitor_put_debuggers(monitor);
	return 0;
}

int monitor_stats(struct monitor *monitor, const char *arguments)
{
	const struct vm_counts *counts = &monitor->vm->counts;
	int rc = monitor_take_end(monitor, arguments);

	if (rc < 0)
		return rc;
	monitor_put(monitor, "vCPU runs      %llu, of which %llu single instructions\n",
		(unsigned long long)counts->runs, (unsigned long long)counts->steps);
	monitor_put(monitor, "guest's stops  %llu\n", (unsigned long long)counts->stops);
	monitor_put(monitor, "page walks     %llu\n", (unsigned long long)counts->walks);
	return 0;
}
