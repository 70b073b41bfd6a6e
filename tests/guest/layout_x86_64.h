/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that the x86-64 guest's C, assembly and linker script must agree on. */
#ifndef LAYOUT_X86_64_H
#define LAYOUT_X86_64_H

/* The first GiB of physical memory, twice: where the kernel is linked, and a window of 1 GiB pages. */
#define KERNEL_OFFSET      0xffffffff80000000
#define WINDOW_OFFSET      0xffff888000000000
#define APIC_ADDRESS       0xffffffffc0000000
#define APIC_GPA           0xfee00000
#define USER_ADDRESS       0x10000000
#define USER_BYTES         0x200000

#define TRAMPOLINE_GPA     0x8000

#define KERNEL_STACK_BYTES 0x4000

/* Selectors; SYSCALL and SYSRET want them in this order (Intel SDM volume 3, 5.8.8). */
#define KERNEL_CS    0x10
#define KERNEL_DS    0x18
#define USER_STAR    0x23
#define USER_DS      0x2b
#define USER_CS      0x33
#define TSS_SELECTOR 0x40

/* Vectors of our own. */
#define VECTOR_TIMER    0x40
#define VECTOR_SPURIOUS 0xff

/* struct cpu */
#define CPU_SELF         0
#define CPU_KERNEL_STACK 8
#define CPU_USER_STACK   16

#endif
