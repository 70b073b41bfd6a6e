/* SPDX-License-Identifier: Apache-2.0 */
/* The user program's start, its system call, and CPU-private stacks. */
#include "tests/guest/layout_x86_64.h"

	.cfi_sections .debug_frame

	.section .user.start, "a"
	.globl user_image
user_image:
	.quad	user_main
	.quad	user_exit_return
	.quad	user_counter
	.quad	user_stacks + 4096

	.section .user.text, "ax"

/* uint64_t user_call(uint64_t number, uint64_t argument) */
	.globl user_call
	.type user_call, @function
user_call:
	.cfi_startproc
	movq	%rdi, %rax
	movq	%rsi, %rdi
	syscall
	ret
	.cfi_endproc
	.size user_call, . - user_call

/* What the kernel calls returns to user_exit_return, with its result in rax. */
	.globl user_exit
	.type user_exit, @function
user_exit:
	.cfi_startproc
	.cfi_undefined rip
	nop			/* a return address is looked up by the byte before it */
user_exit_return:
	movq	%rax, %rdi
	xorl	%eax, %eax
	syscall
	ud2
	.cfi_endproc
	.size user_exit, . - user_exit

	.section .user.bss, "aw", @nobits
	.balign 4096
user_stacks:
	.skip	32 * 4096

	.data
	.balign 8
	.globl user_image_address
user_image_address:
	.quad	user_image

	.section .note.GNU-stack, "", @progbits
