/* SPDX-License-Identifier: Apache-2.0 */
/* Entries to and exits from the kernel: exceptions, interrupts, SYSCALL, calls of user code. */
#include "tests/guest/layout_x86_64.h"

	.cfi_sections .debug_frame

/* Offsets in struct trap_frame. */
#define FRAME_VECTOR 120
#define FRAME_RIP    136
#define FRAME_CS     144

	.text

/*
 * 256 entries of 16 bytes.  Each leaves an error code (a zero where the CPU has none) and its vector
 * on the stack.
 */
	.globl trap_entries
	.balign 16
trap_entries:
	.set vector, 0
	.rept 256
	.balign 16
	.if !((1 << (vector & 31)) & 0x60227d00) || vector > 31
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
	.set vector, vector + 1
	.endr

	.macro save_registers
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rbx
	pushq	%rbp
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	cld
	.endm

	.macro restore_registers
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rbp
	popq	%rbx
	popq	%rdx
	popq	%rcx
	popq	%rax
	.endm

/* Tells unwinders where a struct trap_frame at the stack pointer has what was interrupted. */
	.macro frame_cfi
	.cfi_signal_frame
	.cfi_def_cfa rsp, 0
	.cfi_offset r15, 0
	.cfi_offset r14, 8
	.cfi_offset r13, 16
	.cfi_offset r12, 24
	.cfi_offset r11, 32
	.cfi_offset r10, 40
	.cfi_offset r9, 48
	.cfi_offset r8, 56
	.cfi_offset rdi, 64
	.cfi_offset rsi, 72
	.cfi_offset rbp, 80
	.cfi_offset rbx, 88
	.cfi_offset rdx, 96
	.cfi_offset rcx, 104
	.cfi_offset rax, 112
	.cfi_offset rip, 136
	.cfi_offset rsp, 160
	.endm

	.globl trap_common
	.type trap_common, @function
trap_common:
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa rsp, 0
	.cfi_offset rip, 16
	.cfi_offset rsp, 40
	testb	$3, 24(%rsp)
	jz	1f
	swapgs
1:	save_registers
	frame_cfi
	movq	%rsp, %rdi
	movq	%rsp, %rbx
	.cfi_def_cfa_register rbx
	andq	$-16, %rsp
	call	trap_handle
	movq	%rbx, %rsp
	.cfi_def_cfa_register rsp
	testb	$3, FRAME_CS(%rsp)
	jz	2f
	swapgs
2:	restore_registers
	addq	$16, %rsp
	iretq
	.cfi_endproc
	.size trap_common, . - trap_common

/* SYSCALL: rcx = user rip, r11 = user rflags; interrupts are off (FMASK). */
	.globl syscall_entry
	.type syscall_entry, @function
syscall_entry:
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa rsp, 0
	.cfi_undefined rip
	swapgs
	movq	%rsp, %gs:CPU_USER_STACK
	movq	%gs:CPU_KERNEL_STACK, %rsp
	pushq	$USER_DS
	pushq	%gs:CPU_USER_STACK
	pushq	%r11
	pushq	$USER_CS
	pushq	%rcx
	pushq	$0
	pushq	$0
	save_registers
	frame_cfi
	movq	%rsp, %rdi
	movq	%rsp, %rbx
	.cfi_def_cfa_register rbx
	andq	$-16, %rsp
	call	trap_handle_syscall
	movq	%rbx, %rsp
	.cfi_def_cfa_register rsp
	restore_registers
	movq	16(%rsp), %rcx
	movq	32(%rsp), %r11
	movq	40(%rsp), %rsp
	swapgs
	sysretq
	.cfi_endproc
	.size syscall_entry, . - syscall_entry

/*
 * uint64_t trap_enter_user(entry, user_stack, argument, interrupt_stack): see arch_call_user().
 * Entries from user mode, through the TSS (interrupt_stack is its rsp0) or by SYSCALL, start on the
 * kernel's stack where this function left it.
 */
	.globl trap_enter_user
	.type trap_enter_user, @function
trap_enter_user:
	.cfi_startproc
	pushfq
	.cfi_adjust_cfa_offset 8
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	cli
	movq	%rsp, %gs:CPU_KERNEL_STACK
	movq	%rsp, (%rcx)
	pushq	$USER_DS
	.cfi_adjust_cfa_offset 8
	pushq	%rsi
	.cfi_adjust_cfa_offset 8
	pushq	$0x202
	.cfi_adjust_cfa_offset 8
	pushq	$USER_CS
	.cfi_adjust_cfa_offset 8
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	movq	%rdx, %rdi
	xorl	%eax, %eax
	xorl	%ebx, %ebx
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%ebp, %ebp
	swapgs
	iretq
	.cfi_endproc
	.size trap_enter_user, . - trap_enter_user

/* uint64_t trap_leave_user(result): returns from the trap_enter_user() of this CPU. */
	.globl trap_leave_user
	.type trap_leave_user, @function
trap_leave_user:
	.cfi_startproc
	.cfi_undefined rip
	movq	%rdi, %rax
	movq	%gs:CPU_KERNEL_STACK, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	popfq
	ret
	.cfi_endproc
	.size trap_leave_user, . - trap_leave_user

	.section .note.GNU-stack, "", @progbits
