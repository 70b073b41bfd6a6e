/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From EL1 with the MMU off to cpu_main() at its high address.
 *
 * .boot is linked at its physical addresses: a debugger can follow before the MMU is on.  Its page
 * tables show RAM where it is, and all the kernel's, until the kernel has built its own; and again
 * for each CPU that starts.
 */
#include "tests/guest/layout_arm64.h"

	.cfi_sections .debug_frame

#define DESC_BLOCK_RAM    0x701		/* block, AF, inner shareable, AttrIndx 0 */
#define DESC_BLOCK_DEVICE 0x60000000000405	/* block, AF, AttrIndx 1, UXN, PXN */
#define DESC_TABLE        0x3

#define ZCR_EL1           s3_0_c1_c2_0
#define APIAKEYLO_EL1     s3_0_c2_c1_0
#define APIAKEYHI_EL1     s3_0_c2_c1_1

	.section .boot.text, "ax"
	.globl boot_start
	.type boot_start, %function
/* x0: gpa of struct board_info. */
boot_start:
	mov	x20, x0
	mov	x19, #0
	b	boot_mmu
	.size boot_start, . - boot_start

/* Where PSCI's CPU_ON sends a CPU; x0: its index. */
	.globl boot_secondary
	.type boot_secondary, %function
boot_secondary:
	mov	x19, x0
	mov	x20, #0
	.size boot_secondary, . - boot_secondary

/* x19: the CPU's index, x20: passed on. */
	.globl boot_mmu
	.type boot_mmu, %function
boot_mmu:
	ldr	x0, =0x04ff		/* attribute 0: normal, write-back; 1: device nGnRE */
	msr	mair_el1, x0
	ldr	x0, =0x1b5103510	/* 48 bits each way, 4 KiB granules, cacheable, 36-bit PA */
	msr	tcr_el1, x0
	adrp	x0, boot_l0
	msr	ttbr0_el1, x0
	msr	ttbr1_el1, x0
	mov	x0, #(3 << 20)
	msr	cpacr_el1, x0		/* FP and SIMD do not trap */
	isb
	mrs	x0, id_aa64pfr0_el1
	ubfx	x0, x0, #32, #4
	cbz	x0, 1f
	mov	x0, #(3 << 20 | 3 << 16)
	msr	cpacr_el1, x0		/* nor does SVE */
	isb
	mov	x0, #15
	msr	ZCR_EL1, x0		/* vectors as long as they can be */
1:
	mrs	x0, id_aa64isar1_el1
	ubfx	x0, x0, #4, #8
	mov	x2, #0
	cbz	x0, 2f
	add	x0, x19, #1		/* a key of each CPU's own */
	msr	APIAKEYLO_EL1, x0
	msr	APIAKEYHI_EL1, x0
	mov	x2, #(1 << 31)		/* EnIA: return addresses are signed */
2:
	tlbi	vmalle1
	dsb	nsh
	mrs	x0, sctlr_el1
	ldr	x1, =0x801005		/* SPAN, I, C, M */
	orr	x0, x0, x1
	orr	x0, x0, x2
	msr	sctlr_el1, x0
	isb
	ldr	x0, =boot_high
	br	x0
	.size boot_mmu, . - boot_mmu
	.ltorg

	.section .boot.data, "aw"
	.balign 4096
boot_l0:
	.quad	boot_l1 + DESC_TABLE
	.fill	511, 8, 0
boot_l1:
	.quad	DESC_BLOCK_DEVICE
	.quad	RAM_GPA + DESC_BLOCK_RAM
	.fill	510, 8, 0

	.text
	.type boot_high, %function
boot_high:
	.cfi_startproc
	.cfi_undefined x30
	ldr	x0, =kernel_stacks
	add	x1, x19, #1
	mov	x2, #KERNEL_STACK_BYTES
	madd	x0, x1, x2, x0
	msr	spsel, #1
	mov	sp, x0
	mov	x29, #0
	mov	x30, #0
	mov	x0, x19
	mov	x1, x20
	bl	cpu_main
	brk	#0
	.cfi_endproc
	.size boot_high, . - boot_high
	.ltorg

	.section .note.GNU-stack, "", %progbits
