/* SPDX-License-Identifier: Apache-2.0 */
/* The few instructions a single step has to know: see instruction_x86_64.h. */
#include "kvm/instruction_x86_64.h"

#include <stdbool.h>
#include <string.h>

enum { INSTRUCTION_MAX = 15, NOT_THERE = -1 };

struct cursor {
	const uint8_t *code;
	unsigned at, length, bits;
	bool operand_prefix, address_prefix, wide; /* 66, 67, REX.W */
};

static int cursor_peek(const struct cursor *cursor)
{
	return cursor->at < cursor->length ? cursor->code[cursor->at] : NOT_THERE;
}

static int cursor_take(struct cursor *cursor)
{
	int byte = cursor_peek(cursor);

	cursor->at++;
	return byte;
}

/* ---- prefixes ---------------------------------------------------------------------------- */

static bool is_legacy_prefix(int byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0x66:
	case 0x67:
	case 0xf0:
	case 0xf2:
	case 0xf3:
		return true;
	default:
		return false;
	}
}

/* A REX prefix that is not the last one counts for nothing. */
static void cursor_skip_prefixes(struct cursor *cursor)
{
	for (;;) {
		int byte = cursor_peek(cursor);

		if (cursor->bits == 64 && byte != NOT_THERE && (byte & 0xf0) == 0x40)
			cursor->wide = byte & 8;
		else if (is_legacy_prefix(byte))
			cursor->wide = false;
		else
			return;
		cursor->operand_prefix |= byte == 0x66;
		cursor->address_prefix |= byte == 0x67;
		cursor->at++;
	}
}

/* ---- sizes ------------------------------------------------------------------------------- */

static unsigned operand_bytes(const struct cursor *cursor)
{
	if (cursor->wide)
		return 8;
	return (cursor->bits == 16) != cursor->operand_prefix ? 2 : 4;
}

/* Of instructions that work on the stack: 64 bits without being told, in 64-bit code. */
static unsigned stack_bytes(const struct cursor *cursor)
{
	if (cursor->bits != 64)
		return operand_bytes(cursor);
	return cursor->operand_prefix && !cursor->wide ? 2 : 8;
}

/* Bytes of SIB and displacement behind a ModRM byte (volume 2, tables 2-1 to 2-3). */
static unsigned memory_bytes_16(unsigned mod, unsigned rm)
{
	if (mod == 0)
		return rm == 6 ? 2 : 0;
	return mod == 3 ? 0 : mod;
}

static unsigned memory_bytes_32(unsigned mod, unsigned rm, int sib)
{
	unsigned bytes = rm == 4 ? 1 : 0;
	unsigned base = rm == 4 ? (unsigned)sib & 7 : rm;

	if (mod == 0)
		return base == 5 ? bytes + 4 : bytes;
	return bytes + (mod == 1 ? 1 : 4);
}

static void cursor_skip_memory(struct cursor *cursor, unsigned modrm)
{
	unsigned mod = modrm >> 6, rm = modrm & 7;
	bool small = cursor->bits != 64 && (cursor->bits == 16) != cursor->address_prefix;

	if (mod == 3)
		return;
	cursor->at +=
		small ? memory_bytes_16(mod, rm) : memory_bytes_32(mod, rm, cursor_peek(cursor));
}

/* ---- opcodes ----------------------------------------------------------------------------- */

static void decode_two_bytes(struct cursor *cursor, struct instruction_x86_64 *out)
{
	switch (cursor_take(cursor)) {
	case 0x05:
		out->kind = INSTRUCTION_SYSCALL;
		break;
	case 0x07:
		out->kind = INSTRUCTION_SYSRET;
		break;
	case 0x0b:
		out->kind = INSTRUCTION_UD2;
		out->vector = 6;
		break;
	case 0x21:
	case 0x23:
		out->kind = INSTRUCTION_MOV_DR;
		cursor_take(cursor);
		break;
	case 0x34:
		out->kind = INSTRUCTION_SYSENTER;
		break;
	}
}

static void decode_raise(
	struct instruction_x86_64 *out, enum instruction_x86_64_kind kind, int vector)
{
	out->kind = kind;
	out->vector = (uint8_t)vector;
}

static void decode_load_ss(struct cursor *cursor, struct instruction_x86_64 *out)
{
	int modrm = cursor_take(cursor);

	if (modrm == NOT_THERE || ((modrm >> 3) & 7) != 2)
		return;
	out->kind = INSTRUCTION_LOAD_SS;
	cursor_skip_memory(cursor, (unsigned)modrm);
}

static void decode_divide(struct cursor *cursor, struct instruction_x86_64 *out)
{
	int modrm = cursor_take(cursor);

	if (modrm == NOT_THERE || ((modrm >> 3) & 7) < 6)
		return;
	out->kind = INSTRUCTION_DIVIDE;
	cursor_skip_memory(cursor, (unsigned)modrm);
}

static void decode_opcode(struct cursor *cursor, struct instruction_x86_64 *out)
{
	bool old = cursor->bits != 64; /* INTO and POP SS are invalid in 64-bit code */

	out->operand = (uint8_t)operand_bytes(cursor);
	switch (cursor_take(cursor)) {
	case 0x0f:
		decode_two_bytes(cursor, out);
		break;
	case 0x17:
		out->kind = old ? INSTRUCTION_LOAD_SS : INSTRUCTION_OTHER;
		out->popped = out->operand;
		break;
	case 0x8e:
		decode_load_ss(cursor, out);
		break;
	case 0x9c:
		out->kind = INSTRUCTION_PUSHF;
		out->operand = (uint8_t)stack_bytes(cursor);
		break;
	case 0x9d:
		out->kind = INSTRUCTION_POPF;
		out->operand = (uint8_t)stack_bytes(cursor);
		break;
	case 0xcc:
		decode_raise(out, INSTRUCTION_INT3, 3);
		break;
	case 0xcd:
		decode_raise(out, INSTRUCTION_INT, cursor_take(cursor));
		break;
	case 0xce:
		decode_raise(out, old ? INSTRUCTION_INTO : INSTRUCTION_OTHER, 4);
		break;
	case 0xcf:
		out->kind = INSTRUCTION_IRET;
		break;
	case 0xf1:
		decode_raise(out, INSTRUCTION_INT1, 1);
		break;
	case 0xf6:
	case 0xf7:
		decode_divide(cursor, out);
		break;
	}
}

void instruction_x86_64_decode(
	const uint8_t *code, unsigned length, unsigned bits, struct instruction_x86_64 *instruction)
{
	struct cursor cursor = { .code = code, .length = length, .bits = bits };

	if (cursor.length > INSTRUCTION_MAX)
		cursor.length = INSTRUCTION_MAX;
	memset(instruction, 0, sizeof(*instruction));
	cursor_skip_prefixes(&cursor);
	decode_opcode(&cursor, instruction);
	if (instruction->kind == INSTRUCTION_OTHER || cursor.at > cursor.length) {
		memset(instruction, 0, sizeof(*instruction));
		return;
	}
	instruction->length = (uint8_t)cursor.at;
}
