/* SPDX-License-Identifier: Apache-2.0 */
/* The user program's start, its system call, and CPU-private stacks. */
	.cfi_sections .debug_frame

	.section .user.start, "a"
	.balign 8
	.globl user_image
user_image:
	.quad	user_main
	.quad	user_exit_return
	.quad	user_counter
	.quad	user_stacks + 4096

	.section .user.text, "ax"

/* uint64_t user_call(uint64_t number, uint64_t argument) */
	.globl user_call
	.type user_call, %function
user_call:
	.cfi_startproc
	mov	x8, x0
	mov	x0, x1
	svc	#0
	ret
	.cfi_endproc
	.size user_call, . - user_call

/* What the kernel calls returns to user_exit_return, with its result in x0. */
	.globl user_exit
	.type user_exit, %function
user_exit:
	.cfi_startproc
	.cfi_undefined x30
	nop			/* a return address is looked up by the instruction before it */
user_exit_return:
	mov	x8, #0
	svc	#0
	brk	#0
	.cfi_endproc
	.size user_exit, . - user_exit

	.section .user.bss, "aw", %nobits
	.balign 4096
user_stacks:
	.skip	32 * 4096

	.data
	.balign 8
	.globl user_image_address
user_image_address:
	.quad	user_image

/* Low addresses that the kernel's C cannot name by itself. */
	.globl paging_user_gpa, paging_user_data, paging_user_end, boot_secondary_gpa
paging_user_gpa:
	.quad	kernel_end_gpa
paging_user_data:
	.quad	user_data_start
paging_user_end:
	.quad	user_end
boot_secondary_gpa:
	.quad	boot_secondary

	.section .note.GNU-stack, "", %progbits
