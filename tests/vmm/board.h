/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board that demo-vmm shows its guest: where the memory and the few devices are, and what the
 * guest is told at its entry.  Read by both sides, so it needs nothing but the compiler.
 *
 * The guest is an ELF file loaded by its physical addresses, or on arm64 a Linux kernel, which is
 * told the same in a device tree (fdt_arm64.c).  vCPU 0 enters the ELF file at e_entry, a physical
 * address, in the simplest state the architecture has:
 *
 *	x86-64	32-bit protected mode, flat segments, no paging, interrupts off, ebx = gpa of
 *		struct board_info; no GDT, IDT or stack.  The other vCPUs wait for INIT and SIPI.
 *	arm64	EL1h, MMU and caches off, everything masked, x0 = gpa of struct board_info.
 *		The other vCPUs wait for PSCI CPU_ON.
 *
 * Interrupts and timers are the ones inside KVM: local APICs on x86-64, GICv3 and the generic
 * timer's virtual counter (PPI 27) on arm64.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define BOARD_INFO_MAGIC 0x6f666e6964726f62ull /* "bordinfo" in memory */
#define BOARD_VCPUS_MAX  32u

struct board_info {
	uint64_t magic;
	uint64_t ram_gpa;
	uint64_t ram_bytes;
	uint64_t nr_vcpus;
	uint64_t argument; /* demo-vmm --arg N, for the guest to make of what it likes */
	/*
	 * x86-64: CPUID.1:ECX, as KVM means it.  The instruction may say more: a KVM in software emulates
	 * kernel code, without all the instructions of the machine, but cannot keep CPUID from executing.
	 */
	uint64_t cpu_features;
};

#if defined(__x86_64__)

#define BOARD_RAM_GPA      0x0ull
#define BOARD_RAM_MAX      0xc0000000ull /* what is above belongs to devices */
#define BOARD_INFO_GPA     0x1000ull     /* where no guest is loaded to */
#define BOARD_UART_ADDRESS 0x3f8u        /* I/O port; a 16550 */
#define BOARD_EXIT_ADDRESS 0xf4u         /* I/O port; a 32-bit write ends the VM with that status */

#elif defined(__aarch64__)

#define BOARD_GICD_ADDRESS 0x08000000ull
#define BOARD_GICR_ADDRESS 0x080a0000ull /* 128 KiB for each vCPU */
#define BOARD_UART_ADDRESS 0x09000000ull /* a PL011 */
#define BOARD_EXIT_ADDRESS 0x09010000ull /* a 32-bit write ends the VM with that status */
#define BOARD_RAM_GPA      0x40000000ull
#define BOARD_RAM_MAX      0x4000000000ull
#define BOARD_INFO_GPA     (BOARD_RAM_GPA + 0x1000) /* where no guest is loaded to */
#define BOARD_TIMER_INTID  27u

#else
#error "no board for this architecture"
#endif

#endif
