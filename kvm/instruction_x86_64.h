/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of x86 instructions as a single step has to know: those that read, write or clear RFLAGS.TF
 * other than by the step itself, and those that raise an exception by being executed.  Everything
 * else is OTHER, of unknown length.  Knows no CPU and no memory.
 */
#ifndef KVM_INSTRUCTION_X86_64_H
#define KVM_INSTRUCTION_X86_64_H

#include <stdint.h>

enum instruction_x86_64_kind {
	INSTRUCTION_OTHER,
	INSTRUCTION_PUSHF,
	INSTRUCTION_POPF,
	INSTRUCTION_IRET,
	INSTRUCTION_SYSCALL,
	INSTRUCTION_SYSRET,
	INSTRUCTION_SYSENTER,
	INSTRUCTION_INT,  /* CD n */
	INSTRUCTION_INT1, /* F1 */
	INSTRUCTION_INT3, /* CC */
	INSTRUCTION_INTO,
	INSTRUCTION_UD2,
	INSTRUCTION_MOV_DR,  /* from or to a debug register */
	INSTRUCTION_DIVIDE,  /* DIV, IDIV */
	INSTRUCTION_LOAD_SS, /* MOV SS, POP SS: no #DB between it and the next instruction */
};

struct instruction_x86_64 {
	enum instruction_x86_64_kind kind;
	uint8_t length;  /* with prefixes; of OTHER: 0 */
	uint8_t operand; /* bytes of the operand size: 2, 4, 8 */
	uint8_t vector;  /* of the exception that the five that raise one do raise */
	uint8_t popped;  /* LOAD_SS: bytes it takes from the stack */
};

/*
 * Decodes code, of which length bytes are known, as code of bits 16, 32 or 64 (SDM volume 2,
 * chapter 2 and appendix A).  What is cut short, or longer than 15 bytes, is OTHER.
 */
void instruction_x86_64_decode(const uint8_t *code, unsigned length, unsigned bits,
	struct instruction_x86_64 *instruction);

#endif
