/* SPDX-License-Identifier: Apache-2.0 */
/* The words for what cannot be had; knows nothing of how it is found out. */
#include <stddef.h>
#include "kvm/arch.h"

static const struct {
	enum limitation limitation;
	const char *text;
} limitations[] = {
	{ LIMITATION_GUEST_BREAKPOINT_LOST,
		"the debugger's hardware breakpoints leave no debug register free for one of the "
		"guest's own, which will not trigger meanwhile" },
	{ LIMITATION_GUEST_STEP, "single-stepping by the guest itself is suspended while a "
				 "debugger has breakpoints" },
	{ LIMITATION_GUEST_LINKED,
		"the guest's linked and context-matching breakpoints will not trigger while the "
		"debugger uses hardware breakpoints" },
	{ LIMITATION_EXCLUSIVE, "a breakpoint between a load-exclusive and its store-exclusive "
				"makes the store fail "
				"each time: put it before or after the loop" },
	{ LIMITATION_IO_BREAKPOINT,
		"the guest's I/O breakpoints will not trigger while the debugger uses hardware "
		"breakpoints" },
	{ LIMITATION_OS_LOCK,
		"the guest holds the OS lock: its own hardware breakpoints, watchpoints and "
		"stepping are off" },
	{ LIMITATION_WRONG_WORLD,
		"this vCPU is in a state that cannot be debugged (virtual EL2, AArch32 EL1 or a "
		"protected guest): exceptions cannot be handed back to it" },
};

const char *limitation_text(enum limitation limitation)
{
	for (size_t i = 0; i < sizeof(limitations) / sizeof(limitations[0]); i++)
		if (limitations[i].limitation == limitation)
			return limitations[i].text;
	return "an unnamed limitation";
}
