/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little decoder of A64: as much of an instruction as stepping has to know (Arm ARM, C4.1).
 * Not a disassembler; T32 and A32 are not looked at.
 */
#ifndef KVM_INSTRUCTION_ARM64_H
#define KVM_INSTRUCTION_ARM64_H

#include <stdint.h>
#include "kvm/address.h"

enum instruction_arm64_kind {
	INSTRUCTION_OTHER, /* falls through to the next, touches no interrupt mask */
	INSTRUCTION_BRK,
	INSTRUCTION_EXCEPTION,       /* SVC, HVC, SMC, HLT, DCPS */
	INSTRUCTION_BRANCH,          /* to target, always: B, BL */
	INSTRUCTION_BRANCH_MAYBE,    /* to target or on: B.cond, CBZ, TBZ and their like */
	INSTRUCTION_BRANCH_INDIRECT, /* BR, BLR, RET */
	INSTRUCTION_ERET,
	INSTRUCTION_LOAD_EXCLUSIVE,
	INSTRUCTION_STORE_EXCLUSIVE,
	INSTRUCTION_CLEAR_EXCLUSIVE,
	INSTRUCTION_READ_DAIF,  /* MRS Xt, DAIF */
	INSTRUCTION_WRITE_DAIF, /* MSR DAIF, Xt */
	INSTRUCTION_SET_DAIF,   /* MSR DAIFSet, #immediate */
};

struct instruction_arm64 {
	enum instruction_arm64_kind kind;
	uint8_t rt;         /* READ_DAIF, WRITE_DAIF: 31 is XZR */
	uint16_t immediate; /* BRK: 16 bits; SET_DAIF: 4, D A I F */
	int64_t offset;     /* BRANCH, BRANCH_MAYBE: bytes from the instruction itself */
};

void instruction_arm64_decode(struct instruction_arm64 *instruction, uint32_t word);

/* The first instruction of length bytes of code: 0, or -EINVAL when they are fewer than four. */
int instruction_arm64_decode_bytes(
	struct instruction_arm64 *instruction, const uint8_t *code, unsigned length);

#endif
