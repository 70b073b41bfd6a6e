/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a debugger is shown, for people to choose: which kind of CPU, how pc is meant, how many registers are
 * listed.
 */
#include <errno.h>
#include <string.h>
#include "kvm/monitor_table.h"
#include "kvm/monitor_words.h"
#include "kvm/seat.h"

/* A choice for everybody who debugs this guest; nothing said: it stays as it is. */
static int monitor_choose(struct monitor *monitor, const char *arguments, const char *on,
	const char *off, bool *is_on)
{
	int rc = monitor_take_choice(monitor, arguments, on, off, is_on);

	if (rc == -ENODATA)
		return 0;
	return rc < 0 ? rc : monitor_may_change(monitor);
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

/* The view of that name, in *view. */
static bool monitor_find_view(const struct arch *arch, const char *name, int *view)
{
	bool is_auto = !strcmp(name, "auto");

	*view = is_auto ? SEAT_FITTING_VIEW : SEAT_OWN_VIEW;
	if (is_auto || !strcmp(name, arch->view_name))
		return true;
	for (*view = 0; *view < (int)arch->view_count; ++*view)
		if (!strcmp(name, arch->views[*view].name))
			return true;
	return false;
}

static const char *monitor_view_name(const struct arch *arch, int view)
{
	if (view == SEAT_FITTING_VIEW)
		return "what fits the mode";
	return view == SEAT_OWN_VIEW ? arch->view_name : arch->views[view].name;
}

int monitor_arch(struct monitor *monitor, const char *arguments)
{
	const struct arch *arch = monitor->vm->arch;
	struct seat *seat = monitor->seat;
	int view = seat->wanted_view;

	if (!arch->view_count)
		return monitor_fail(monitor, -ENOTSUP, "registers have one layout here");
	if (*arguments && !monitor_find_view(arch, arguments, &view))
		return monitor_fail(monitor, -EINVAL, "there are auto, %s, %s and %s",
			arch->view_name, arch->views[0].name, arch->views[1].name);
	if (view != seat->wanted_view)
		monitor_put(monitor,
			"gdb has to be told: unset tdesc filename (before that 'file', if "
			"it has symbols of another CPU)\n");
	seat->wanted_view = view;
	monitor_put(monitor, "the next description is of %s\n", monitor_view_name(arch, view));
	return 0;
}

int monitor_stop_at_reset(struct monitor *monitor, const char *arguments)
{
	bool on = monitor->vm->stop_at_reset;
	int rc = monitor_choose(monitor, arguments, "on", "off", &on);

	if (rc < 0)
		return rc;
	monitor->vm->stop_at_reset = on;
	monitor_put(
		monitor, on ? "it stops when the guest asks for a reset, where KVM tells of it\n"
			    : "the guest may reset itself\n");
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
