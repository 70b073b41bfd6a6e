/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code under test, once in the kernel and once in the user program: argument in rdi, result in
 * rax.  Code that faults says in r11 where it goes on.
 */
#include "tests/guest/layout_x86_64.h"

	.cfi_sections .debug_frame

	.macro snippet_half name, where
	.globl \where\()_\name
	.type \where\()_\name, @function
	.balign 16
\where\()_\name:
	.cfi_startproc
	body_\name
	.cfi_endproc
	.size \where\()_\name, . - \where\()_\name
	.endm

	.macro snippet name
	.text
	snippet_half \name, kernel
	.section .user.text, "ax"
	snippet_half \name, user
	.section .rodata
	.balign 8
	.globl snippet_\name
snippet_\name:
	.quad	kernel_\name, user_\name
	.endm

/* As many INT3 as the argument says, the instruction itself at +2. */
	.macro body_breakpoints
	movl	%edi, %ecx
1:	int3
	decl	%ecx
	jnz	1b
	xorl	%eax, %eax
	ret
	.endm
	snippet breakpoints

/* One INT3 of 12 bytes: 11 prefixes that do not matter to it. */
	.macro body_int3_prefixed
	.byte	0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x66
	int3
	ret
	.endm
	snippet int3_prefixed

/* The two-byte INT 3, which is a software interrupt like any other. */
	.macro body_int_3
	.byte	0xcd, 0x03
	ret
	.endm
	snippet int_3

	.macro begin_steps
	pushfq
	orq	$0x100, (%rsp)
	popfq
	.endm

	.macro end_steps
	pushfq
	andq	$~0x100, (%rsp)
	popfq
	.endm

/* Result: what TF was in the flags pushed while stepping. */
	.macro body_step
	pushq	%rbx
	begin_steps
	nop
	pushfq
	popq	%rsi
	xorl	%eax, %eax
	cpuid
	jmp	1f
	nop
1:	movl	$3, %eax
	end_steps
	popq	%rbx
	movq	%rsi, %rax
	shrq	$8, %rax
	andl	$1, %eax
	ret
	.endm
	snippet step

/* No interrupt, but a single-step trap, comes right after STI. */
	.macro body_step_sti
	begin_steps
	nop
	sti
	nop
	nop
	cli
	nop
	end_steps
	xorl	%eax, %eax
	ret
	.endm
	snippet step_sti

/* The trap after MOV SS is held back for one instruction. */
	.macro body_step_stack
	movl	%ss, %eax
	begin_steps
	nop
	movl	%eax, %ss
	nop
	nop
	end_steps
	xorl	%eax, %eax
	ret
	.endm
	snippet step_stack

/* One trap for each iteration. */
	.macro body_step_repeat
	subq	$64, %rsp
	movq	%rsp, %rdi
	leaq	32(%rsp), %rsi
	movl	$3, %ecx
	begin_steps
	rep movsb
	nop
	end_steps
	addq	$64, %rsp
	xorl	%eax, %eax
	ret
	.endm
	snippet step_repeat

	.macro body_nops
	nop
	nop
	nop
	nop
	xorl	%eax, %eax
	ret
	.endm
	snippet nops

/* A read, a write, and a change of the second byte. */
	.macro body_access
	movl	(%rdi), %eax
	movl	%eax, (%rdi)
	nop
	incb	1(%rdi)
	nop
	xorl	%eax, %eax
	ret
	.endm
	snippet access

/* With DR7 = argument. */
	.macro body_read_dr
	movq	%rdi, %db7
	movq	%db0, %rax
	ret
	.endm
	snippet read_dr

	.macro body_icebp
	nop
	.byte	0xf1
	nop
	xorl	%eax, %eax
	ret
	.endm
	snippet icebp

	.macro goes_on_at label
	leaq	\label(%rip), %r11
	.endm

	.macro body_undefined
	goes_on_at 1f
	ud2
1:	ret
	.endm
	snippet undefined

	.macro body_read
	goes_on_at 1f
	movq	(%rdi), %rax
1:	ret
	.endm
	snippet read

	.macro body_write
	goes_on_at 1f
	movq	%rax, (%rdi)
1:	ret
	.endm
	snippet write

	.macro body_jump
	goes_on_at 1f
	jmp	*%rdi
1:	ret
	.endm
	snippet jump

	.macro body_segment
	goes_on_at 1f
	movl	$0x1230, %eax
	movl	%eax, %es
1:	ret
	.endm
	snippet segment

	.macro body_cli
	goes_on_at 1f
	cli
1:	ret
	.endm
	snippet cli

	.macro body_divide
	goes_on_at 1f
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	movl	$1, %eax
	divl	%ecx
1:	ret
	.endm
	snippet divide

/* Result: TF in the flags pushed, first by themselves and then behind a POPF; nothing here sets it. */
	.macro body_flags
	pushfq
	popq	%rax
	pushfq
	popfq
	pushfq
	popq	%rcx
	orq	%rcx, %rax
	andl	$0x100, %eax
	ret
	.endm
	snippet flags

/* Result: TF in what SYSCALL has saved of the flags. User code's alone. */
	.macro body_syscall
	movl	$1, %eax	/* USER_CALL_COUNT */
	syscall
	movq	%r11, %rax
	andl	$0x100, %eax
	ret
	.endm
	snippet syscall

/* Result: a sum of what the registers hold, a few instructions after they were loaded. */
	.macro body_registers
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	.set number, 1
	.irp name, rax, rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	movq	$(0x0101010101010101 * number), %\name
	.set number, number + 1
	.endr
	nop
	nop
	nop
	.irp name, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	rolq	$7, %rax
	addq	%\name, %rax
	.endr
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.endm
	snippet registers

	.section .note.GNU-stack, "", @progbits
