/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code under test, once in the kernel and once in the user program: argument in x0, result in
 * x0.
 */
	.cfi_sections .debug_frame

	.macro snippet_half name, where
	.globl \where\()_\name
	.type \where\()_\name, %function
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

/* As many BRK as the argument says, the instruction itself at the start. */
	.macro body_breakpoints
1:	brk	#7
	subs	x0, x0, #1
	b.ne	1b
	ret
	.endm
	snippet breakpoints

	.macro body_immediates
	brk	#0
	brk	#1
	brk	#0x3e8
	brk	#0xf000
	brk	#0xffff
	ret
	.endm
	snippet immediates

	.macro body_svc
	svc	#5
	svc	#0xffff
	ret
	.endm
	snippet svc

	.macro body_undefined
	udf	#0
	.inst	0xd4403ee0	/* HLT #0x1f7, which nobody enables */
	ret
	.endm
	snippet undefined

	.macro body_read
	ldr	x1, [x0]
	ret
	.endm
	snippet read

	.macro body_write
	str	x1, [x0]
	ret
	.endm
	snippet write

/* A call of the argument. */
	.macro body_jump
	mov	x9, x30
	blr	x0
	ret	x9
	.endm
	snippet jump

	.macro body_nops
	nop
	nop
	nop
	nop
	ret
	.endm
	snippet nops

/* A read, a write, a read of the second byte. */
	.macro body_access
	ldr	w1, [x0]
	str	w1, [x0]
	ldrb	w1, [x0, #1]
	nop
	ret
	.endm
	snippet access

/* Steps of EL0 begin with the first instruction; a system call is one of them. */
	.macro body_step
	nop
	mov	x1, #1
	cbnz	x1, 1f
	nop
1:	mov	x8, #1
	svc	#0
	mov	x0, #0
	nop
	nop
	ret
	.endm
	snippet step

/* Steps of EL1 need D to be clear; the first is due as soon as it is. */
	.macro body_step_masked
	nop
	msr	daifclr, #8
	nop
	mov	x1, #1
	cbnz	x1, 1f
	nop
1:	nop
	msr	daifset, #8
	nop
	ret
	.endm
	snippet step_masked

/* Result: the masks; what KVM's single step needs of them must not be seen. The kernel's alone. */
	.macro body_masks
	mrs	x0, daif
	nop
	mrs	x1, daif
	orr	x0, x0, x1
	ret
	.endm
	snippet masks

/* Result: a sum of what the registers hold, a few instructions after they were loaded. */
	.macro body_registers
	.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	mov	x\n, #(0x101 * \n)
	movk	x\n, #(0x202 * \n), lsl #32
	.endr
	nop
	nop
	nop
	.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	ror	x0, x0, #57
	add	x0, x0, x\n
	.endr
	ret
	.endm
	snippet registers

	.section .note.GNU-stack, "", %progbits
