/* SPDX-License-Identifier: Apache-2.0 */
/* The little decoder of A64, against words that GNU as has assembled. */
#include "kvm/instruction_arm64.h"
#include "tests/unit/arm64_fixture.h"

struct row {
	const char *text;
	uint32_t word;
	enum instruction_arm64_kind kind;
	int64_t operand; /* offset, immediate or rt, as the kind has it */
};

static const struct row rows[] = {
	{ "brk #0xdb60", 0xd43b6c00, INSTRUCTION_BRK, 0xdb60 },
	{ "brk #0", 0xd4200000, INSTRUCTION_BRK, 0 },
	{ "brk #0xffff", 0xd43fffe0, INSTRUCTION_BRK, 0xffff },
	{ "svc #0", 0xd4000001, INSTRUCTION_EXCEPTION, 0 },
	{ "hvc #1", 0xd4000022, INSTRUCTION_EXCEPTION, 0 },
	{ "smc #2", 0xd4000043, INSTRUCTION_EXCEPTION, 0 },
	{ "hlt #3", 0xd4400060, INSTRUCTION_EXCEPTION, 0 },
	{ "b .-0x1c", 0x17fffff9, INSTRUCTION_BRANCH, -0x1c },
	{ "bl .+16", 0x94000004, INSTRUCTION_BRANCH, 16 },
	{ "b, farthest back", 0x16000000, INSTRUCTION_BRANCH, -0x8000000 },
	{ "b, farthest on", 0x15ffffff, INSTRUCTION_BRANCH, 0x7fffffc },
	{ "b.ne .+8", 0x54000041, INSTRUCTION_BRANCH_MAYBE, 8 },
	{ "cbz x0, .-0x28", 0xb4fffec0, INSTRUCTION_BRANCH_MAYBE, -0x28 },
	{ "cbnz w3, .+64", 0x35000203, INSTRUCTION_BRANCH_MAYBE, 64 },
	{ "tbz x1, #33, .+4", 0xb6080021, INSTRUCTION_BRANCH_MAYBE, 4 },
	{ "tbnz w1, #3, .-0x34", 0x371ffe61, INSTRUCTION_BRANCH_MAYBE, -0x34 },
	{ "br x3", 0xd61f0060, INSTRUCTION_BRANCH_INDIRECT, 0 },
	{ "blr x30", 0xd63f03c0, INSTRUCTION_BRANCH_INDIRECT, 0 },
	{ "ret", 0xd65f03c0, INSTRUCTION_BRANCH_INDIRECT, 0 },
	{ "retaa", 0xd65f0bff, INSTRUCTION_BRANCH_INDIRECT, 0 },
	{ "braaz x3", 0xd61f087f, INSTRUCTION_BRANCH_INDIRECT, 0 },
	{ "eret", 0xd69f03e0, INSTRUCTION_ERET, 0 },
	{ "eretaa", 0xd69f0bff, INSTRUCTION_ERET, 0 },
	{ "eretab", 0xd69f0fff, INSTRUCTION_ERET, 0 },
	{ "ldxr w0, [x1]", 0x885f7c20, INSTRUCTION_LOAD_EXCLUSIVE, 0 },
	{ "ldaxr x0, [x1]", 0xc85ffc20, INSTRUCTION_LOAD_EXCLUSIVE, 0 },
	{ "ldxrb w0, [x1]", 0x085f7c20, INSTRUCTION_LOAD_EXCLUSIVE, 0 },
	{ "ldaxrh w0, [x1]", 0x485ffc20, INSTRUCTION_LOAD_EXCLUSIVE, 0 },
	{ "ldxp x0, x2, [x1]", 0xc87f0820, INSTRUCTION_LOAD_EXCLUSIVE, 0 },
	{ "ldaxp w0, w2, [x1]", 0x887f8820, INSTRUCTION_LOAD_EXCLUSIVE, 0 },
	{ "stxr w4, w0, [x1]", 0x88047c20, INSTRUCTION_STORE_EXCLUSIVE, 0 },
	{ "stlxr w4, x0, [x1]", 0xc804fc20, INSTRUCTION_STORE_EXCLUSIVE, 0 },
	{ "stxrb w4, w0, [x1]", 0x08047c20, INSTRUCTION_STORE_EXCLUSIVE, 0 },
	{ "stlxrh w4, w0, [x1]", 0x4804fc20, INSTRUCTION_STORE_EXCLUSIVE, 0 },
	{ "stxp w4, x0, x2, [x1]", 0xc8240820, INSTRUCTION_STORE_EXCLUSIVE, 0 },
	{ "stlxp w4, w0, w2, [x1]", 0x88248820, INSTRUCTION_STORE_EXCLUSIVE, 0 },
	{ "clrex", 0xd5033f5f, INSTRUCTION_CLEAR_EXCLUSIVE, 0 },
	{ "clrex #3", 0xd503335f, INSTRUCTION_CLEAR_EXCLUSIVE, 0 },
	{ "mrs x7, daif", 0xd53b4227, INSTRUCTION_READ_DAIF, 7 },
	{ "mrs xzr, daif", 0xd53b423f, INSTRUCTION_READ_DAIF, 31 },
	{ "msr daif, x9", 0xd51b4229, INSTRUCTION_WRITE_DAIF, 9 },
	{ "msr daifset, #2", 0xd50342df, INSTRUCTION_SET_DAIF, 2 },
	{ "msr daifset, #15", 0xd5034fdf, INSTRUCTION_SET_DAIF, 15 },
	{ "msr daifclr, #2", 0xd50342ff, INSTRUCTION_OTHER, 0 },
	{ "msr spsel, #0", 0xd50040bf, INSTRUCTION_OTHER, 0 },
	{ "msr pan, #1", 0xd500419f, INSTRUCTION_OTHER, 0 },
	{ "mrs x0, nzcv", 0xd53b4200, INSTRUCTION_OTHER, 0 },
	{ "ldar x0, [x1]", 0xc8dffc20, INSTRUCTION_OTHER, 0 },
	{ "stlr x0, [x1]", 0xc89ffc20, INSTRUCTION_OTHER, 0 },
	{ "ldlar x0, [x1]", 0xc8df7c20, INSTRUCTION_OTHER, 0 },
	{ "casp x0, x1, x2, x3, [x4]", 0x48207c82, INSTRUCTION_OTHER, 0 },
	{ "caspal w0, w1, w2, w3, [x4]", 0x0860fc82, INSTRUCTION_OTHER, 0 },
	{ "cas x0, x1, [x4]", 0xc8a07c81, INSTRUCTION_OTHER, 0 },
	{ "casb w0, w1, [x4]", 0x08a07c81, INSTRUCTION_OTHER, 0 },
	{ "ldadd x0, x1, [x2]", 0xf8200041, INSTRUCTION_OTHER, 0 },
	{ "swp x0, x1, [x2]", 0xf8208041, INSTRUCTION_OTHER, 0 },
	{ "wfi", 0xd503207f, INSTRUCTION_OTHER, 0 },
	{ "wfe", 0xd503205f, INSTRUCTION_OTHER, 0 },
	{ "nop", 0xd503201f, INSTRUCTION_OTHER, 0 },
	{ "ldr x0, [x1]", 0xf9400020, INSTRUCTION_OTHER, 0 },
	{ "ldp x0, x1, [x2]", 0xa9400440, INSTRUCTION_OTHER, 0 },
	{ "udf #0", 0x00000000, INSTRUCTION_OTHER, 0 },
};

static int64_t row_operand(const struct instruction_arm64 *instruction)
{
	switch (instruction->kind) {
	case INSTRUCTION_BRANCH:
	case INSTRUCTION_BRANCH_MAYBE:
		return instruction->offset;
	case INSTRUCTION_BRK:
	case INSTRUCTION_SET_DAIF:
		return instruction->immediate;
	case INSTRUCTION_READ_DAIF:
	case INSTRUCTION_WRITE_DAIF:
		return instruction->rt;
	default:
		return 0;
	}
}

static void test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct instruction_arm64 instruction;

		instruction_arm64_decode(&instruction, rows[i].word);
		if (instruction.kind != rows[i].kind ||
			row_operand(&instruction) != rows[i].operand)
			fail_msg("%s: kind %d, operand %lld", rows[i].text, instruction.kind,
				(long long)row_operand(&instruction));
	}
}

static void test_bytes(void **state)
{
	static const uint8_t code[] = { 0x00, 0x6c, 0x3b, 0xd4 };
	struct instruction_arm64 instruction;

	(void)state;
	assert_int_equal(instruction_arm64_decode_bytes(&instruction, code, 4), 0);
	assert_int_equal(instruction.kind, INSTRUCTION_BRK);
	assert_int_equal(instruction.immediate, 0xdb60);
	assert_int_equal(instruction_arm64_decode_bytes(&instruction, code, 3), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
