/* SPDX-License-Identifier: Apache-2.0 */
/* Entries to and exits from the kernel: the vector table, calls of user code. */
#include "tests/guest/layout_arm64.h"

	.cfi_sections .debug_frame
	.text

/*
 * Tells unwinders where a struct trap_frame at the stack pointer has what was interrupted.  For gdb
 * a frame's pc is always its callee's x30, so that is where ELR goes; the interrupted function's own
 * x30 is on its stack (all of the kernel has frames).
 */
	.macro frame_cfi
	.cfi_def_cfa sp, 0
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
	.cfi_offset x\n, 8 * \n
	.endr
	.cfi_offset x30, FRAME_ELR
	.endm

	.macro save_registers
	sub	sp, sp, #FRAME_BYTES
	stp	x0, x1, [sp]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	.endm

/* \user: 1 for an entry from EL0, whose stack pointer is not the one in use here. */
	.macro save_state, user
	.if \user
	mrs	x20, sp_el0
	.else
	add	x20, sp, #FRAME_BYTES
	.endif
	stp	x30, x20, [sp, #FRAME_X30]
	mrs	x21, elr_el1
	mrs	x22, spsr_el1
	stp	x21, x22, [sp, #FRAME_ELR]
	mrs	x23, esr_el1
	mrs	x24, far_el1
	stp	x23, x24, [sp, #FRAME_ESR]
	.endm

	.macro restore_and_return, user
	ldp	x30, x20, [sp, #FRAME_X30]
	.if \user
	msr	sp_el0, x20
	.endif
	ldp	x21, x22, [sp, #FRAME_ELR]
	msr	elr_el1, x21
	msr	spsr_el1, x22
	ldp	x0, x1, [sp]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	add	sp, sp, #FRAME_BYTES
	eret
	.endm

	.macro entry, name, handler, user
	.type \name, %function
\name:
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa sp, 0
	.cfi_undefined x30
	save_registers
	save_state \user
	frame_cfi
	.if \user
	.cfi_offset 31, FRAME_SP
	.else
	.cfi_val_offset 31, FRAME_BYTES
	.endif
	mov	x0, sp
	bl	\handler
	restore_and_return \user
	.cfi_endproc
	.size \name, . - \name
	.endm

	entry	entry_kernel_sync, trap_handle_sync, 0
	entry	entry_kernel_irq, trap_handle_irq, 0
	entry	entry_user_sync, trap_handle_sync, 1
	entry	entry_user_irq, trap_handle_irq, 1
	entry	entry_bad, trap_handle_bad, 0

/* Arm ARM D1.3.1.  What comes from EL1t or AArch32 is none of ours. */
	.macro vector, target
	.balign 128
	b	\target
	.endm

	.globl trap_vectors
	.type trap_vectors, %function
	.balign 2048
trap_vectors:
	.rept 4
	vector	entry_bad
	.endr
	vector	entry_kernel_sync
	vector	entry_kernel_irq
	vector	entry_bad
	vector	entry_bad
	vector	entry_user_sync
	vector	entry_user_irq
	vector	entry_bad
	vector	entry_bad
	.rept 4
	vector	entry_bad
	.endr
	.balign 128
	.size trap_vectors, . - trap_vectors

/*
 * uint64_t trap_enter_user(entry, user_stack, argument, return_address, spsr): see arch_call_user().
 * Entries from EL0 start on the kernel's stack where this function left it.
 */
	.globl trap_enter_user
	.type trap_enter_user, %function
trap_enter_user:
	.cfi_startproc
	stp	x29, x30, [sp, #-112]!
	.cfi_def_cfa_offset 112
	.cfi_offset 29, -112
	.cfi_offset 30, -104
	mov	x29, sp
	stp	x19, x20, [sp, #16]
	.cfi_offset 19, -96
	.cfi_offset 20, -88
	stp	x21, x22, [sp, #32]
	.cfi_offset 21, -80
	.cfi_offset 22, -72
	stp	x23, x24, [sp, #48]
	.cfi_offset 23, -64
	.cfi_offset 24, -56
	stp	x25, x26, [sp, #64]
	.cfi_offset 25, -48
	.cfi_offset 26, -40
	stp	x27, x28, [sp, #80]
	.cfi_offset 27, -32
	.cfi_offset 28, -24
	mrs	x9, daif
	str	x9, [sp, #96]
	msr	daifset, #15
	mrs	x9, tpidr_el1
	mov	x10, sp
	str	x10, [x9, #CPU_KERNEL_STACK]
	msr	elr_el1, x0
	msr	sp_el0, x1
	msr	spsr_el1, x4
	mov	x0, x2
	mov	x30, x3
	mov	x29, #0
	eret
	.cfi_endproc
	.size trap_enter_user, . - trap_enter_user

/* uint64_t trap_leave_user(result): returns from the trap_enter_user() of this CPU. */
	.globl trap_leave_user
	.type trap_leave_user, %function
trap_leave_user:
	.cfi_startproc
	.cfi_undefined x30
	mrs	x9, tpidr_el1
	ldr	x10, [x9, #CPU_KERNEL_STACK]
	mov	sp, x10
	ldr	x9, [sp, #96]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #112
	msr	daif, x9
	ret
	.cfi_endproc
	.size trap_leave_user, . - trap_leave_user

	.section .note.GNU-stack, "", %progbits
