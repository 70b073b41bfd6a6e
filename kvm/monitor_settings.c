/* SPDX-License-Identifier: Apache-2.0 */
/* What a debugger is shown, for people to choose: how pc is meant, and how many registers it lists. */
#include <errno.h>
#include <string.h>
#include "kvm/monitor_table.h"

/* Whether arguments is the one word or the other; nothing: it stays as it is. */
static int monitor_choose(struct monitor *monitor, const char *arguments, const char *yes,
	const char *no, bool *choice)
{
	if (!*arguments)
		return 0;
	if (strcmp(arguments, yes) != 0 && strcmp(arguments, no) != 0)
		return monitor_fail(monitor, -EINVAL, "it is '%s' or '%s'", yes, no);
	*choice = !strcmp(arguments, yes);
	return 0;
}

int monitor_linear_pc(struct monitor *monitor, const char *arguments)
{
	struct vm *vm = monitor->vm;
	bool on = vm->linear_pc;
	int rc = monitor_choose(monitor, arguments, "on", "off", &on);

	if (rc < 0)
		return rc;
	if (on != vm->linear_pc)
		monitor_put(monitor, "gdb has to be told: maintenance flush register-cache\n");
	vm_set_linear_pc(vm, on);
	monitor_put(monitor, on ? "pc is a linear address: the code segment's base is in it\n"
				: "pc is an offset in the code segment\n");
	return 0;
}

int monitor_list_registers(struct monitor *monitor, const char *arguments)
{
	struct vm *vm = monitor->vm;
	bool all = vm->lists_all;
	int rc = monitor_choose(monitor, arguments, "all", "short", &all);

	if (rc < 0)
		return rc;
	if (all != vm->lists_all)
		monitor_put(monitor, "gdb has to be told: unset tdesc filename\n");
	vm_list_all_registers(vm, all);
	monitor_put(monitor, all ? "the debugger lists all registers\n"
				 : "the debugger lists few registers; monitor reg knows all\n");
	return 0;
}
