/* SPDX-License-Identifier: Apache-2.0 */
/* How the CPUs come up, and the tick they all have. */
#include "tests/guest/arch.h"
#include "tests/guest/console.h"
#include "tests/guest/cpu.h"
#include "tests/vmm/board.h"

struct cpu cpus[CPU_MAX];
unsigned nr_cpus;

void timer_tick(struct cpu *cpu)
{
	cpu->nr_ticks++;
}

/* One after the other: they share the few bytes through which a starting CPU learns who it is. */
static void cpu_start_others(void)
{
	for (unsigned i = 1; i < nr_cpus; i++) {
		cpus[i].index = i;
		arch_start_cpu(&cpus[i]);
		while (!cpus[i].is_online)
			arch_relax();
	}
}

_Noreturn void cpu_main(uint64_t index, uint64_t info_gpa)
{
	const struct board_info *info = (const struct board_info *)(uintptr_t)info_gpa;
	struct cpu *cpu = &cpus[index];
	uint64_t argument = 0;

	cpu->self = cpu;
	if (index == 0) {
		/* the boot tables still show physical memory; arch_init() takes them away */
		nr_cpus = info->nr_vcpus < CPU_MAX ? (unsigned)info->nr_vcpus : CPU_MAX;
		argument = info->argument;
		arch_init(info);
	}
	arch_init_cpu(cpu);
	arch_fill_vector_registers(cpu->index);
	arch_start_timer();
	cpu->is_online = 1;
	if (index != 0)
		guest_main_secondary(cpu);
	cpu_start_others();
	guest_main(cpu, argument);
}
