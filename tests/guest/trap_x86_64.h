/* SPDX-License-Identifier: Apache-2.0 */
/* What an exception or interrupt leaves on the kernel's stack, and who gets to see it. */
#ifndef TRAP_X86_64_H
#define TRAP_X86_64_H

#include <stdint.h>

/* Laid out by trap_x86_64.S. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector;
	uint64_t error;
	uint64_t rip, cs, rflags, rsp, ss;
};

#define RFLAGS_TF 0x100ull
#define RFLAGS_IF 0x200ull
#define RFLAGS_RF 0x10000ull

#define DR6_QUIET 0xffff0ff0ull /* no cause */

enum {
	VECTOR_DE = 0,
	VECTOR_DB = 1,
	VECTOR_BP = 3,
	VECTOR_UD = 6,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
};

void trap_handle(struct trap_frame *frame);
void trap_handle_syscall(struct trap_frame *frame);

#endif
