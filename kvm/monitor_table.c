/* SPDX-License-Identifier: Apache-2.0 */
/* The commands for people; see monitor_table.h. */
#include <string.h>
#include "kvm/monitor_table.h"

/* clang-format off */
static const struct monitor_command rows[] = {
	{ "arch", "[auto|x86-64|i386|i8086]", "the CPU that the debugger takes it for (x86)",
		monitor_arch },
	{ "breakpoints", "", "what is set, and where it stands",
		monitor_breakpoints },
	{ "drive", "", "take the wheel: of several debuggers, this one lets the guest stop and go",
		monitor_drive },
	{ "exceptions", "", "debug exceptions of the guest's own that it was given by us",
		monitor_exceptions },
	{ "filter", "[ADDRESS [space X|here|any] [level kernel|user|any]]",
		"whose hits at ADDRESS count", monitor_filter },
	{ "gpa2hva", "ADDRESS", "where the VMM has guest-physical ADDRESS, as QEMU writes it",
		monitor_gpa2hva },
	{ "guest-breakpoints", "[pass|stop]",
		"whether the guest's own stop the debugger, before the guest gets them",
		monitor_guest_breakpoints },
	{ "gva2gpa", "ADDRESS", "the guest-physical address of ADDRESS, as QEMU writes it",
		monitor_gva2gpa },
	{ "help", "[COMMAND]", "what there is, or what COMMAND does",
		monitor_help },
	{ "ignore", "ADDRESS COUNT", "so many hits more at ADDRESS do not stop",
		monitor_ignore },
	{ "info", "WHAT", "as in QEMU: cpus, mem, mtree, registers, tlb",
		monitor_info },
	{ "kaslr", "", "where the guest's Linux kernel is, for gdb's symbol-file -o",
		monitor_kaslr },
	{ "linear-pc", "[on|off]", "whether pc has the base of the code segment in it (x86)",
		monitor_linear_pc },
	{ "list-registers", "[all|short]", "which registers the debugger shows by itself",
		monitor_list_registers },
	{ "mem", "map | xp/NFMT ADDRESS", "the regions of guest memory; or as xp",
		monitor_mem },
	{ "msr", "NAME|NUMBER [= VALUE]", "shows or sets any MSR, also one that is not in msrs",
		monitor_msr },
	{ "msrs", "", "the model-specific registers",
		monitor_msrs },
	{ "page-walk", "ADDRESS", "every table entry on the way to ADDRESS",
		monitor_page_walk },
	{ "policy", "", "what is done when, and for how long we wait",
		monitor_policy },
	{ "reg", "NAME [= VALUE]", "shows or sets any register",
		monitor_reg },
	{ "regs", "[GROUP|all]", "the general registers, or those of GROUP",
		monitor_regs },
	{ "sregs", "", "the system registers",
		monitor_sregs },
	{ "stats", "", "what has been counted so far",
		monitor_stats },
	{ "stop-at-reset", "[on|off]", "whether to stop before the VMM resets the guest",
		monitor_stop_at_reset },
	{ "sysreg", "NAME|S3_0_Cn_Cm_0 [= VALUE]", "shows or sets any system register",
		monitor_msr },
	{ "sysregs", "", "as sregs",
		monitor_sregs },
	{ "vcpu", "N COMMAND", "COMMAND as vCPU N sees it",
		monitor_vcpu },
	{ "vcpus", "", "every vCPU: its state and mode, pc, what it is asked to do",
		monitor_vcpus },
	{ "x", "/NFMT ADDRESS", "the same as xp of virtual memory",
		monitor_x },
	{ "xp", "/NFMT ADDRESS", "N units of guest-physical memory: F of x d u o c, SIZE of b h w g",
		monitor_xp },
};

static const struct monitor_command info_rows[] = {
	{ "cpus", "", "the vCPUs", monitor_info_cpus },
	{ "mem", "[ADDRESS]", "the ranges that are mapped", monitor_info_mem },
	{ "mtree", "", "the regions of guest memory", monitor_info_mtree },
	{ "registers", "", "registers", monitor_info_registers },
	{ "tlb", "[ADDRESS]", "the pages that are mapped", monitor_info_tlb },
};
/* clang-format on */

const struct monitor_table monitor_table = { rows, sizeof(rows) / sizeof(rows[0]) };
const struct monitor_table monitor_info_table = { info_rows,
	sizeof(info_rows) / sizeof(info_rows[0]) };

const struct monitor_command *monitor_table_find(
	const struct monitor_table *table, const char *word, size_t length, bool *ambiguous)
{
	const struct monitor_command *found = NULL;
	unsigned count = 0;

	*ambiguous = false;
	for (unsigned i = 0; i < table->count; i++) {
		const struct monitor_command *row = &table->rows[i];

		if (strncmp(row->name, word, length) != 0)
			continue;
		if (strlen(row->name) == length)
			return row;
		found = row;
		count++;
	}
	*ambiguous = length && count > 1;
	return count == 1 && length ? found : NULL;
}
