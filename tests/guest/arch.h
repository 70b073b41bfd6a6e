/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guests ask of the architecture.  One implementation each: *_x86_64.c and *_arm64.c with
 * their assembly.
 */
#ifndef ARCH_H
#define ARCH_H

#include <stdbool.h>
#include <stdint.h>

struct board_info;
struct cpu;

/* The CPU this runs on. */
struct cpu *arch_cpu(void);

/* Page tables, vectors, interrupt controller, timer: once for the machine, by CPU 0. */
void arch_init(const struct board_info *info);

/* The same for each CPU, by itself. */
void arch_init_cpu(struct cpu *cpu);

/* Starts another CPU, which comes to cpu_main(); does not wait for it. */
void arch_start_cpu(struct cpu *cpu);

/* A periodic interrupt on this CPU: timer_tick() about a hundred times a second. */
void arch_start_timer(void);

/* Sleeps until the next interrupt, which is taken. */
void arch_idle(void);

/* Takes the interrupts that are pending, if any. */
void arch_take_interrupts(void);

/* A hint in a loop that waits for another CPU. */
void arch_relax(void);

void arch_write_uart(const char *text, unsigned length);

/* Ends the VM with that status. */
_Noreturn void arch_exit(unsigned status);

/* Registers x87/SSE/SIMD with contents that differ for each CPU and are easy to tell. */
void arch_fill_vector_registers(unsigned cpu);

/* Whether they still hold those. */
bool arch_check_vector_registers(unsigned cpu);

/* Copies size bytes by the architecture's own means: REP MOVSB, LDP/STP. */
void arch_copy(void *to, const void *from, uint64_t size);

/* Adds to *counter and returns the sum, atomic by a LOCK prefix or an exclusive pair. */
uint64_t arch_add(uint64_t *counter, uint64_t value);

/* 0 to 1 if it was 0. */
bool arch_try_lock(uint32_t *lock);
void arch_unlock(uint32_t *lock);

/*
 * Calls the user program's function at entry with one argument, in user mode with interrupts on, on
 * a stack of this CPU's.  Returns what the function returned.
 */
uint64_t arch_call_user(uint64_t entry, uint64_t argument);

/* Asks the CPU something that a hypervisor answers: CPUID, a trapped register. */
uint64_t arch_identify(void);

/* Prints the state of the exception and the registers on the console; for the one that is fatal. */
struct trap_frame;
void arch_print_trap(const struct trap_frame *frame);

#endif
