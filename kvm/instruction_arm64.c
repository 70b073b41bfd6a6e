/* SPDX-License-Identifier: Apache-2.0 */
/* The little decoder of A64: one table of masks, then the operands.  See instruction_arm64.h. */
#include <errno.h>
#include <stddef.h>
#include "kvm/instruction_arm64.h"

/* Where the branch offset is, in words. */
enum operand { NO_OPERAND, OFFSET_26, OFFSET_19, OFFSET_14, IMMEDIATE_16, IMMEDIATE_4, REGISTER };

struct pattern {
	uint32_t mask, value;
	enum instruction_arm64_kind kind;
	enum operand operand;
};

/* The first that fits counts. */
static const struct pattern patterns[] = {
	{ 0xffe0001f, 0xd4200000, INSTRUCTION_BRK, IMMEDIATE_16 },
	{ 0xff000000, 0xd4000000, INSTRUCTION_EXCEPTION, NO_OPERAND },
	{ 0x7c000000, 0x14000000, INSTRUCTION_BRANCH, OFFSET_26 },
	{ 0xff000000, 0x54000000, INSTRUCTION_BRANCH_MAYBE, OFFSET_19 }, /* B.cond, BC.cond */
	{ 0x7e000000, 0x34000000, INSTRUCTION_BRANCH_MAYBE, OFFSET_19 }, /* CBZ, CBNZ */
	{ 0x7e000000, 0x36000000, INSTRUCTION_BRANCH_MAYBE, OFFSET_14 }, /* TBZ, TBNZ */
	{ 0xffffffff, 0xd69f03e0, INSTRUCTION_ERET, NO_OPERAND },        /* ERET */
	{ 0xfffffbff, 0xd69f0bff, INSTRUCTION_ERET, NO_OPERAND },        /* ERETAA, ERETAB */
	{ 0xfe000000, 0xd6000000, INSTRUCTION_BRANCH_INDIRECT, NO_OPERAND },
	/* LDXR, LDAXR, STXR, STLXR of all sizes; then the pairs, of 4 and 8 bytes. */
	{ 0x3fe00000, 0x08400000, INSTRUCTION_LOAD_EXCLUSIVE, NO_OPERAND },
	{ 0x3fe00000, 0x08000000, INSTRUCTION_STORE_EXCLUSIVE, NO_OPERAND },
	{ 0xbfe00000, 0x88600000, INSTRUCTION_LOAD_EXCLUSIVE, NO_OPERAND },
	{ 0xbfe00000, 0x88200000, INSTRUCTION_STORE_EXCLUSIVE, NO_OPERAND },
	{ 0xfffff0ff, 0xd503305f, INSTRUCTION_CLEAR_EXCLUSIVE, NO_OPERAND },
	{ 0xffffffe0, 0xd53b4220, INSTRUCTION_READ_DAIF, REGISTER },
	{ 0xffffffe0, 0xd51b4220, INSTRUCTION_WRITE_DAIF, REGISTER },
	{ 0xfffff0ff, 0xd50340df, INSTRUCTION_SET_DAIF, IMMEDIATE_4 },
	{ 0, 0, INSTRUCTION_OTHER, NO_OPERAND },
};

/* A signed field of words, as bytes. */
static int64_t offset_decode(uint32_t word, unsigned low, unsigned bits)
{
	uint32_t field = word >> low & ((UINT32_C(1) << bits) - 1);
	int64_t sign = INT64_C(1) << (bits - 1);

	return (((int64_t)field ^ sign) - sign) * 4;
}

static void operand_decode(
	struct instruction_arm64 *instruction, enum operand operand, uint32_t word)
{
	switch (operand) {
	case OFFSET_26:
		instruction->offset = offset_decode(word, 0, 26);
		break;
	case OFFSET_19:
		instruction->offset = offset_decode(word, 5, 19);
		break;
	case OFFSET_14:
		instruction->offset = offset_decode(word, 5, 14);
		break;
	case IMMEDIATE_16:
		instruction->immediate = word >> 5 & 0xffff;
		break;
	case IMMEDIATE_4:
		instruction->immediate = word >> 8 & 15;
		break;
	case REGISTER:
		instruction->rt = word & 31;
		break;
	case NO_OPERAND:
		break;
	}
}

void instruction_arm64_decode(struct instruction_arm64 *instruction, uint32_t word)
{
	const struct pattern *pattern = patterns;

	while ((word & pattern->mask) != pattern->value)
		pattern++;
	*instruction = (struct instruction_arm64){ .kind = pattern->kind };
	operand_decode(instruction, pattern->operand, word);
}

int instruction_arm64_decode_bytes(
	struct instruction_arm64 *instruction, const uint8_t *code, unsigned length)
{
	if (length < 4)
		return -EINVAL;
	instruction_arm64_decode(instruction, code[0] | (uint32_t)code[1] << 8 |
						      (uint32_t)code[2] << 16 |
						      (uint32_t)code[3] << 24);
	return 0;
}
