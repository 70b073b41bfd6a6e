/* SPDX-License-Identifier: Apache-2.0 */
/* The x86-64 side of arch.h: descriptor tables, per-CPU state, and small things. */
#include "tests/guest/apic_x86_64.h"
#include "tests/guest/arch.h"
#include "tests/guest/cpu.h"
#include "tests/guest/insn_x86_64.h"
#include "tests/guest/layout_x86_64.h"
#include "tests/guest/paging_x86_64.h"
#include "tests/guest/user.h"
#include "tests/guest/vector_x86_64.h"
#include "tests/vmm/board.h"

#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_FMASK          0xc0000084
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define FMASK_BITS         0x700 /* TF, IF, DF */

#define UART_LSR           5
#define UART_LSR_EMPTY     0x20
#define UART_FIFO_BYTES    16

_Static_assert(__builtin_offsetof(struct cpu, self) == CPU_SELF, "layout_x86_64.h");
_Static_assert(__builtin_offsetof(struct cpu, kernel_stack) == CPU_KERNEL_STACK, "layout_x86_64.h");
_Static_assert(__builtin_offsetof(struct cpu, user_stack) == CPU_USER_STACK, "layout_x86_64.h");

/* Intel SDM volume 3, 8.7. */
struct tss {
	uint32_t reserved_0;
	uint64_t rsp[3];
	uint64_t reserved_1;
	uint64_t ist[7];
	uint64_t reserved_2;
	uint16_t reserved_3;
	uint16_t io_map;
} __attribute__((packed, aligned(8)));

struct gdt {
	uint64_t entries[10];
};

struct gate {
	uint64_t low;
	uint64_t high;
};

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

extern char kernel_stacks[CPU_MAX][KERNEL_STACK_BYTES];
char kernel_stacks[CPU_MAX][KERNEL_STACK_BYTES] __attribute__((aligned(4096)));
static struct tss tss[CPU_MAX];
static struct gdt gdt[CPU_MAX];
static struct gate idt[256];

extern char trap_entries[], syscall_entry[];
extern volatile uint32_t trampoline_cpu;
uint64_t trap_enter_user(
	uint64_t entry, uint64_t user_stack, uint64_t argument, void *interrupt_stack);

struct cpu *arch_cpu(void)
{
	struct cpu *cpu;

	__asm__ volatile("movq %%gs:%c1, %0" : "=r"(cpu) : "i"(CPU_SELF));
	return cpu;
}

/* Interrupt gates; INT n of user code may use those of #BP and #OF as hardware's own do. */
static void idt_init(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint64_t entry = (uintptr_t)trap_entries + i * 16;
		uint64_t dpl = i == 3 || i == 4 ? 3 : 0;

		idt[i].low = (entry & 0xffff) | (uint64_t)KERNEL_CS << 16 |
			     (0x8e00ull | dpl << 13) << 32 | (entry >> 16 & 0xffff) << 48;
		idt[i].high = entry >> 32;
	}
}

static void gdt_load(unsigned cpu)
{
	uint64_t base = (uintptr_t)&tss[cpu];
	struct gdt *own = &gdt[cpu];
	struct table_pointer pointer = { sizeof(*own) - 1, (uintptr_t)own };

	*own = (struct gdt){ {
		[KERNEL_CS / 8] = 0x00af9b000000ffff,
		[KERNEL_DS / 8] = 0x00cf93000000ffff,
		[USER_DS / 8] = 0x00cff3000000ffff,
		[USER_CS / 8] = 0x00affb000000ffff,
		[TSS_SELECTOR / 8] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 |
				     0x89ull << 40 | (base >> 24 & 0xff) << 56,
		[TSS_SELECTOR / 8 + 1] = base >> 32,
	} };
	tss[cpu].rsp[0] = (uintptr_t)kernel_stacks[cpu + 1];
	tss[cpu].io_map = sizeof(struct tss);
	__asm__ volatile("lgdt %0" : : "m"(pointer));
	__asm__ volatile("lldt %w0" : : "r"(0));
	__asm__ volatile("ltr %w0" : : "r"(TSS_SELECTOR));
}

static void idt_load(void)
{
	struct table_pointer pointer = { sizeof(idt) - 1, (uintptr_t)idt };

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

void arch_init(const struct board_info *info)
{
	vector_init(info);
	idt_init();
	paging_init();
}

void arch_init_cpu(struct cpu *cpu)
{
	gdt_load(cpu->index);
	idt_load();
	paging_load();
	write_msr(MSR_GS_BASE, (uintptr_t)cpu);
	write_msr(MSR_KERNEL_GS_BASE, 0);
	write_msr(MSR_STAR, (uint64_t)USER_STAR << 48 | (uint64_t)KERNEL_CS << 32);
	write_msr(MSR_LSTAR, (uintptr_t)syscall_entry);
	write_msr(MSR_FMASK, FMASK_BITS);
	apic_enable();
}

void arch_start_cpu(struct cpu *cpu)
{
	volatile uint32_t *mailbox =
		(volatile uint32_t *)((uintptr_t)&trampoline_cpu + KERNEL_OFFSET);

	*mailbox = cpu->index;
	apic_start_cpu(cpu->index);
}

void arch_start_timer(void)
{
	apic_start_timer();
}

/* Nothing can come between STI and HLT (Intel SDM volume 2, STI). */
void arch_idle(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

void arch_take_interrupts(void)
{
	__asm__ volatile("sti; nop; cli" : : : "memory");
}

void arch_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

void arch_write_uart(const char *text, unsigned length)
{
	for (unsigned i = 0; i < length; i++) {
		if (i % UART_FIFO_BYTES == 0)
			while (!(inb(BOARD_UART_ADDRESS + UART_LSR) & UART_LSR_EMPTY))
				arch_relax();
		outb(BOARD_UART_ADDRESS, (uint8_t)text[i]);
	}
}

_Noreturn void arch_exit(unsigned status)
{
	for (;;)
		outl(BOARD_EXIT_ADDRESS, status);
}

void arch_copy(void *to, const void *from, uint64_t size)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

uint64_t arch_add(uint64_t *counter, uint64_t value)
{
	uint64_t sum = value;

	__asm__ volatile("lock xaddq %0, %1" : "+r"(sum), "+m"(*counter) : : "memory");
	return sum + value;
}

bool arch_try_lock(uint32_t *lock)
{
	uint32_t expected = 0;

	__asm__ volatile("lock cmpxchgl %2, %1" : "+a"(expected), "+m"(*lock) : "r"(1) : "memory");
	return expected == 0;
}

void arch_unlock(uint32_t *lock)
{
	__asm__ volatile("movl $0, %0" : "=m"(*lock) : : "memory");
}

uint64_t arch_identify(void)
{
	uint32_t regs[4];

	read_cpuid(1, regs);
	return regs[0];
}

uint64_t arch_call_user(uint64_t entry, uint64_t argument)
{
	struct cpu *cpu = arch_cpu();
	uint64_t *stack =
		(uint64_t *)(user_image_address->stack + (uint64_t)cpu->index * USER_STACK_BYTES);

	*--stack = user_image_address->exit;
	return trap_enter_user(entry, (uintptr_t)stack, argument, tss[cpu->index].rsp);
}
