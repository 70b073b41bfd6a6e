/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that the arm64 guest's C, assembly and linker script must agree on. */
#ifndef LAYOUT_ARM64_H
#define LAYOUT_ARM64_H

/*
 * Physical memory from 0 on, twice: where the kernel is linked (devices by a 1 GiB block, RAM by
 * 2 MiB blocks), and a window of RAM by a 1 GiB block.
 */
#define KERNEL_OFFSET      0xffff000000000000
#define WINDOW_OFFSET      0xffff008000000000
#define SMALL_ADDRESS      0xffff00c000000000 /* the first 4 KiB pages of RAM, one by one */
#define RAM_GPA            0x40000000
#define LOAD_GPA           0x40100000
#define USER_ADDRESS       0x10000000
#define USER_BYTES         0x200000

#define KERNEL_STACK_BYTES 0x4000

/* struct cpu */
#define CPU_SELF         0
#define CPU_KERNEL_STACK 8

/* struct trap_frame */
#define FRAME_X30   240
#define FRAME_SP    248
#define FRAME_ELR   256
#define FRAME_SPSR  264
#define FRAME_ESR   272
#define FRAME_FAR   280
#define FRAME_BYTES 288

#endif
