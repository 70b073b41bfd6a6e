/* SPDX-License-Identifier: Apache-2.0 */
/* The little decoder: kinds, lengths and sizes in the three widths of code, and cut-off bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kvm/instruction_x86_64.h"

struct row {
	const char *name;
	const char *code; /* then NOPs */
	uint8_t length;
	uint8_t bits;
	enum instruction_x86_64_kind kind;
	uint8_t operand, vector, popped;
};

static const struct row rows[] = {
	{ "pushfq", "\x9c", 1, 64, INSTRUCTION_PUSHF, 8, 0, 0 },
	{ "pushfw in 64-bit code", "\x66\x9c", 2, 64, INSTRUCTION_PUSHF, 2, 0, 0 },
	{ "REX.W beats 66", "\x66\x48\x9c", 3, 64, INSTRUCTION_PUSHF, 8, 0, 0 },
	{ "a REX before a prefix is none", "\x48\x66\x9c", 3, 64, INSTRUCTION_PUSHF, 2, 0, 0 },
	{ "pushfd", "\x9c", 1, 32, INSTRUCTION_PUSHF, 4, 0, 0 },
	{ "pushfw", "\x66\x9c", 2, 32, INSTRUCTION_PUSHF, 2, 0, 0 },
	{ "pushf of 16-bit code", "\x9c", 1, 16, INSTRUCTION_PUSHF, 2, 0, 0 },
	{ "pushfd of 16-bit code", "\x66\x9c", 2, 16, INSTRUCTION_PUSHF, 4, 0, 0 },
	{ "popfq", "\x9d", 1, 64, INSTRUCTION_POPF, 8, 0, 0 },
	{ "popfd", "\x9d", 1, 32, INSTRUCTION_POPF, 4, 0, 0 },
	{ "iretq", "\x48\xcf", 2, 64, INSTRUCTION_IRET, 8, 0, 0 },
	{ "iretd of 64-bit code", "\xcf", 1, 64, INSTRUCTION_IRET, 4, 0, 0 },
	{ "iretw", "\x66\xcf", 2, 32, INSTRUCTION_IRET, 2, 0, 0 },
	{ "iret of 16-bit code", "\xcf", 1, 16, INSTRUCTION_IRET, 2, 0, 0 },
	{ "syscall", "\x0f\x05", 2, 64, INSTRUCTION_SYSCALL, 4, 0, 0 },
	{ "sysretq", "\x48\x0f\x07", 3, 64, INSTRUCTION_SYSRET, 8, 0, 0 },
	{ "sysretl", "\x0f\x07", 2, 64, INSTRUCTION_SYSRET, 4, 0, 0 },
	{ "mov dr7, rax", "\x0f\x23\xf8", 3, 64, INSTRUCTION_MOV_DR, 4, 0, 0 },
	{ "mov r9, dr6", "\x41\x0f\x21\xf1", 4, 64, INSTRUCTION_MOV_DR, 4, 0, 0 },
	{ "div ecx", "\xf7\xf1", 2, 64, INSTRUCTION_DIVIDE, 4, 0, 0 },
	{ "idiv byte [rax+d8]", "\xf6\x78\1", 3, 64, INSTRUCTION_DIVIDE, 4, 0, 0 },
	{ "mul ecx", "\xf7\xe1", 2, 64, INSTRUCTION_OTHER, 0, 0, 0 },
	{ "sysenter", "\x0f\x34", 2, 32, INSTRUCTION_SYSENTER, 4, 0, 0 },
	{ "int 0x80", "\xcd\x80", 2, 32, INSTRUCTION_INT, 4, 0x80, 0 },
	{ "int 3, two bytes", "\xcd\x03", 2, 64, INSTRUCTION_INT, 4, 3, 0 },
	{ "int3", "\xcc", 1, 64, INSTRUCTION_INT3, 4, 3, 0 },
	{ "int3 with 11 prefixes", "\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\xcc", 12, 64,
		INSTRUCTION_INT3, 4, 3, 0 },
	{ "int1", "\xf1", 1, 64, INSTRUCTION_INT1, 4, 1, 0 },
	{ "int1 with prefixes", "\xf2\x2e\x48\xf1", 4, 64, INSTRUCTION_INT1, 8, 1, 0 },
	{ "dec eax; int1", "\x48\xf1", 2, 32, INSTRUCTION_OTHER, 0, 0, 0 },
	{ "into", "\xce", 1, 32, INSTRUCTION_INTO, 4, 4, 0 },
	{ "no into in 64-bit code", "\xce", 1, 64, INSTRUCTION_OTHER, 0, 0, 0 },
	{ "ud2", "\x0f\x0b", 2, 64, INSTRUCTION_UD2, 4, 6, 0 },
	{ "mov ss, ax", "\x8e\xd0", 2, 64, INSTRUCTION_LOAD_SS, 4, 0, 0 },
	{ "mov ss, [rax]", "\x8e\x10", 2, 64, INSTRUCTION_LOAD_SS, 4, 0, 0 },
	{ "mov ss, [rip+d]", "\x8e\x15\1\2\3\4", 6, 64, INSTRUCTION_LOAD_SS, 4, 0, 0 },
	{ "mov ss, [rax+d8]", "\x8e\x50\1", 3, 64, INSTRUCTION_LOAD_SS, 4, 0, 0 },
	{ "mov ss, [rax+d32]", "\x8e\x90\1\2\3\4", 6, 64, INSTRUCTION_LOAD_SS, 4, 0, 0 },
	{ "mov ss, [sib]", "\x8e\x14\x24", 3, 32, INSTRUCTION_LOAD_SS, 4, 0, 0 },
	{ "mov ss, [sib no base]", "\x8e\x14\x25\1\2\3\4", 7, 32, INSTRUCTION_LOAD_SS, 4, 0, 0 },
	{ "mov ss, [sib+d8]", "\x8e\x54\x24\1", 4, 32, INSTRUCTION_LOAD_SS, 4, 0, 0 },
	{ "mov ss, [d16]", "\x8e\x16\1\2", 4, 16, INSTRUCTION_LOAD_SS, 2, 0, 0 },
	{ "mov ss, [bx+d16]", "\x8e\x97\1\2", 4, 16, INSTRUCTION_LOAD_SS, 2, 0, 0 },
	{ "mov ss, [bx+si]", "\x8e\x10", 2, 16, INSTRUCTION_LOAD_SS, 2, 0, 0 },
	{ "16-bit form by 67", "\x67\x8e\x16\1\2", 5, 32, INSTRUCTION_LOAD_SS, 4, 0, 0 },
	{ "mov ds, ax", "\x8e\xd8", 2, 64, INSTRUCTION_OTHER, 0, 0, 0 },
	{ "pop ss", "\x17", 1, 32, INSTRUCTION_LOAD_SS, 4, 0, 4 },
	{ "pop ss of 16-bit code", "\x17", 1, 16, INSTRUCTION_LOAD_SS, 2, 0, 2 },
	{ "no pop ss in 64-bit code", "\x17", 1, 64, INSTRUCTION_OTHER, 0, 0, 0 },
	{ "nop", "\x90", 1, 64, INSTRUCTION_OTHER, 0, 0, 0 },
	{ "rep movsb", "\xf3\xa4", 2, 64, INSTRUCTION_OTHER, 0, 0, 0 },
	{ "15 bytes", "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\xcc", 15, 64,
		INSTRUCTION_INT3, 2, 3, 0 },
	{ "16 bytes are #GP", "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\xcc",
		16, 64, INSTRUCTION_OTHER, 0, 0, 0 },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void test_kinds(void **context)
{
	(void)context;
	for (unsigned i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];
		struct instruction_x86_64 got;
		uint8_t code[32];

		memset(code, 0x90, sizeof(code));
		memcpy(code, row->code, row->length);
		instruction_x86_64_decode(code, sizeof(code), row->bits, &got);
		if (got.kind != row->kind || got.operand != row->operand ||
			got.vector != row->vector || got.popped != row->popped)
			fail_msg("%s: kind %d operand %u vector %u popped %u", row->name, got.kind,
				got.operand, got.vector, got.popped);
		assert_int_equal(got.length, row->kind == INSTRUCTION_OTHER ? 0 : row->length);
	}
}

/* No instruction is known before its last byte is, and nothing is read behind the bytes. */
static void test_cut_off(void **context)
{
	(void)context;
	for (unsigned i = 0; i < ROWS; i++) {
		for (unsigned length = 0; length < rows[i].length; length++) {
			struct instruction_x86_64 got;
			uint8_t code[16];

			memset(code, 0xcc, sizeof(code));
			memcpy(code, rows[i].code, length);
			instruction_x86_64_decode(code, length, rows[i].bits, &got);
			if (got.kind != INSTRUCTION_OTHER || got.length != 0)
				fail_msg("%s cut to %u is kind %d", rows[i].name, length, got.kind);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
