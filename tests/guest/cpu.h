/* SPDX-License-Identifier: Apache-2.0 */
/* What each CPU of the guest has for itself. */
#ifndef CPU_H
#define CPU_H

#include <stdint.h>

#include "tests/guest/record.h"

#define CPU_MAX 32

/* The first three fields are known to the assembly by their offsets. */
struct cpu {
	struct cpu *self;
	uint64_t kernel_stack; /* while user code runs: where the kernel left off */
	uint64_t user_stack;   /* saved by SYSCALL's entry */
	uint32_t index;
	volatile uint32_t is_online;
	volatile uint64_t nr_ticks;
	uint64_t nr_syscalls;
	struct record record;
};

extern struct cpu cpus[CPU_MAX];
extern unsigned nr_cpus;

/* Where every CPU comes to once it runs on its own stack at its high address. */
_Noreturn void cpu_main(uint64_t index, uint64_t info_gpa);

/* The guest's program: one of demo.c, selftest.c.  For CPU 0 once all the others are online. */
_Noreturn void guest_main(struct cpu *cpu, uint64_t argument);

/* For every other CPU, from the time it is online. */
_Noreturn void guest_main_secondary(struct cpu *cpu);

/* Called by the interrupt handler. */
void timer_tick(struct cpu *cpu);

#endif
