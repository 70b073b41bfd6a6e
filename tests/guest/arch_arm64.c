/* SPDX-License-Identifier: Apache-2.0 */
/* The arm64 side of arch.h. */
#include "tests/guest/arch.h"
#include "tests/guest/cpu.h"
#include "tests/guest/gic_arm64.h"
#include "tests/guest/insn_arm64.h"
#include "tests/guest/layout_arm64.h"
#include "tests/guest/paging_arm64.h"
#include "tests/guest/trap_arm64.h"
#include "tests/guest/user.h"
#include "tests/vmm/board.h"

#define PSCI_CPU_ON          0xc4000003ull /* Arm DEN 0022 */

#define UART_DR              0x00
#define UART_FR              0x18
#define UART_FR_EMPTY        0x80
#define UART_FIFO_BYTES      16

#define TIMER_TICKS_A_SECOND 100

_Static_assert(__builtin_offsetof(struct cpu, self) == CPU_SELF, "layout_arm64.h");
_Static_assert(__builtin_offsetof(struct cpu, kernel_stack) == CPU_KERNEL_STACK, "layout_arm64.h");

extern char kernel_stacks[CPU_MAX][KERNEL_STACK_BYTES];
char kernel_stacks[CPU_MAX][KERNEL_STACK_BYTES] __attribute__((aligned(4096)));

extern char trap_vectors[];
extern const uint64_t boot_secondary_gpa;
uint64_t trap_enter_user(uint64_t entry, uint64_t user_stack, uint64_t argument,
	uint64_t return_address, uint64_t spsr);

struct cpu *arch_cpu(void)
{
	return (struct cpu *)read_sysreg(tpidr_el1);
}

void arch_init(const struct board_info *info)
{
	(void)info;
	paging_init();
}

void arch_init_cpu(struct cpu *cpu)
{
	paging_load();
	write_sysreg(vbar_el1, (uintptr_t)trap_vectors);
	write_sysreg(tpidr_el1, (uintptr_t)cpu);
	write_sysreg(oslar_el1, 0);
	write_sysreg(mdscr_el1, 0);
	if (cpu->index == 0)
		gic_init();
	gic_init_cpu(cpu->index);
}

/* KVM numbers its CPUs 16 to a cluster (arch/arm64/kvm/sys_regs.c, reset_mpidr). */
void arch_start_cpu(struct cpu *cpu)
{
	register uint64_t x0 __asm__("x0") = PSCI_CPU_ON;
	register uint64_t x1 __asm__("x1") = (cpu->index & 15) | (uint64_t)(cpu->index >> 4) << 8;
	register uint64_t x2 __asm__("x2") = boot_secondary_gpa;
	register uint64_t x3 __asm__("x3") = cpu->index;

	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
}

void arch_start_timer(void)
{
	write_sysreg(cntv_tval_el0, read_sysreg(cntfrq_el0) / TIMER_TICKS_A_SECOND);
	write_sysreg(cntv_ctl_el0, 1);
}

/* WFI wakes for a masked interrupt too; it is taken where the mask is lifted. */
void arch_idle(void)
{
	__asm__ volatile("wfi; msr daifclr, #2; isb; msr daifset, #2" : : : "memory");
}

void arch_take_interrupts(void)
{
	__asm__ volatile("msr daifclr, #2; isb; msr daifset, #2" : : : "memory");
}

void arch_relax(void)
{
	__asm__ volatile("yield" : : : "memory");
}

static volatile uint32_t *arch_device(uint64_t gpa)
{
	return (volatile uint32_t *)(KERNEL_OFFSET + gpa);
}

void arch_write_uart(const char *text, unsigned length)
{
	for (unsigned i = 0; i < length; i++) {
		if (i % UART_FIFO_BYTES == 0)
			while (!(*arch_device(BOARD_UART_ADDRESS + UART_FR) & UART_FR_EMPTY))
				arch_relax();
		*arch_device(BOARD_UART_ADDRESS + UART_DR) = (uint8_t)text[i];
	}
}

_Noreturn void arch_exit(unsigned status)
{
	for (;;)
		*arch_device(BOARD_EXIT_ADDRESS) = status;
}

/* 16 bytes at a time, then one by one. */
void arch_copy(void *to, const void *from, uint64_t size)
{
	uint64_t first, second;

	for (; size >= 16; size -= 16)
		__asm__ volatile("ldp %0, %1, [%3], #16; stp %0, %1, [%2], #16"
				 : "=&r"(first), "=&r"(second), "+r"(to), "+r"(from)
				 :
				 : "memory");
	for (; size; size--)
		__asm__ volatile("ldrb %w0, [%2], #1; strb %w0, [%1], #1"
				 : "=&r"(first), "+r"(to), "+r"(from)
				 :
				 : "memory");
}

uint64_t arch_add(uint64_t *counter, uint64_t value)
{
	uint64_t sum;
	uint32_t failed;

	__asm__ volatile("1: ldxr %0, [%2]\n"
			 "add %0, %0, %3\n"
			 "stxr %w1, %0, [%2]\n"
			 "cbnz %w1, 1b"
			 : "=&r"(sum), "=&r"(failed)
			 : "r"(counter), "r"(value)
			 : "memory");
	return sum;
}

bool arch_try_lock(uint32_t *lock)
{
	uint32_t before, failed;

	__asm__ volatile("1: ldaxr %w0, [%2]\n"
			 "cbnz %w0, 2f\n"
			 "stxr %w1, %w3, [%2]\n"
			 "cbnz %w1, 1b\n"
			 "2:"
			 : "=&r"(before), "=&r"(failed)
			 : "r"(lock), "r"(1)
			 : "memory");
	return before == 0;
}

void arch_unlock(uint32_t *lock)
{
	__asm__ volatile("stlr wzr, [%0]" : : "r"(lock) : "memory");
}

uint64_t arch_identify(void)
{
	return read_sysreg(id_aa64pfr0_el1);
}

/* While the guest steps user code (MDSCR_EL1.SS), the first instruction is to be a step too. */
uint64_t arch_call_user(uint64_t entry, uint64_t argument)
{
	uint64_t stack = user_image_address->stack + (uint64_t)arch_cpu()->index * USER_STACK_BYTES;
	uint64_t spsr = read_sysreg(mdscr_el1) & MDSCR_SS ? SPSR_EL0T | SPSR_SS : SPSR_EL0T;

	return trap_enter_user(entry, stack, argument, user_image_address->exit, spsr);
}
