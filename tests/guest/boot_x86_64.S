/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From flat 32-bit protected mode without paging (CPU 0) or real mode (the others, by SIPI) to
 * cpu_main() at its high address.
 *
 * .boot is linked at its physical addresses: a debugger can follow before paging is on.  The page
 * tables here serve until the kernel has built its own, and again for each CPU that starts.
 */
#include "tests/guest/layout_x86_64.h"

	.cfi_sections .debug_frame

	.section .boot.text, "ax"
	.code32
	.globl boot_start
	.type boot_start, @function
boot_start:
	cli
	cld
	movl	%ebx, %esi		/* gpa of struct board_info */
	xorl	%edi, %edi		/* CPU 0 */
	.size boot_start, . - boot_start

/* edi: the CPU's index, esi: passed on.  Flat segments, paging off. */
	.globl boot_protected
	.type boot_protected, @function
boot_protected:
	movl	%cr4, %eax
	orl	$0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	movl	%eax, %cr4
	movl	$boot_pml4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	orl	$0x901, %eax		/* NXE, LME, SCE */
	wrmsr
	movl	$0x80010033, %eax	/* PG, WP, NE, ET, MP, PE */
	movl	%eax, %cr0
	lgdt	boot_gdt_pointer
	ljmp	$KERNEL_CS, $boot_long
	.size boot_protected, . - boot_protected

	.code64
	.type boot_long, @function
boot_long:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movabs	$boot_high, %rax
	jmp	*%rax
	.size boot_long, . - boot_long

	.section .boot.data, "aw"
	.balign 8
boot_gdt:
	.quad	0, 0
	.quad	0x00af9b000000ffff	/* KERNEL_CS */
	.quad	0x00cf93000000ffff	/* KERNEL_DS */
boot_gdt_32:
	.quad	0, 0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
boot_gdt_pointer:
	.word	4 * 8 - 1
	.long	boot_gdt

	.balign 4096
boot_pml4:
	.quad	boot_pdpt_low + 3
	.fill	510, 8, 0
	.quad	boot_pdpt_high + 3
boot_pdpt_low:
	.quad	boot_pd + 3
	.fill	511, 8, 0
boot_pdpt_high:
	.fill	510, 8, 0
	.quad	boot_pd + 3
	.quad	0
boot_pd:
	.set page, 0
	.rept 512
	.quad	page + 0x83
	.set page, page + 0x200000
	.endr

/* Where SIPI sends a CPU: real mode, cs = TRAMPOLINE_GPA >> 4. */
	.section .trampoline, "awx"
	.code16
	.globl trampoline
	.type trampoline, @function
trampoline:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	movl	trampoline_cpu, %edi
	xorl	%esi, %esi
	lgdtl	trampoline_gdt_pointer
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$KERNEL_CS, $trampoline_32
	.code32
trampoline_32:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	ljmp	$KERNEL_CS, $boot_protected
	.size trampoline, . - trampoline
	.balign 8
trampoline_gdt_pointer:
	.word	4 * 8 - 1
	.long	boot_gdt_32
	.balign 4
	.globl trampoline_cpu
trampoline_cpu:
	.long	0

	.text
	.code64
	.type boot_high, @function
boot_high:
	.cfi_startproc
	.cfi_undefined rip
	movl	%edi, %edi
	movl	%esi, %esi
	leaq	1(%rdi), %rax
	imulq	$KERNEL_STACK_BYTES, %rax
	leaq	kernel_stacks(%rax), %rsp
	xorl	%ebp, %ebp
	call	cpu_main
	ud2
	.cfi_endproc
	.size boot_high, . - boot_high

	.section .note.GNU-stack, "", @progbits
