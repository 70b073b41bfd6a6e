/* SPDX-License-Identifier: Apache-2.0 */
/* Register tables for tests; see fake_description.h. */
#include "tests/unit/fake_description.h"

/* clang-format off: tables of macros */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define INT(name, bits)                                                                            \
	{                                                                                          \
		name, bits, TARGET_TYPE_INT, NULL, NULL, false                                     \
	}
#define CODE(name)                                                                                 \
	{                                                                                          \
		name, 64, TARGET_TYPE_CODE_PTR, NULL, NULL, false                                  \
	}
#define DATA(name)                                                                                 \
	{                                                                                          \
		name, 64, TARGET_TYPE_DATA_PTR, NULL, NULL, false                                  \
	}
#define FLAGS(name, f)                                                                             \
	{                                                                                          \
		name, 32, TARGET_TYPE_FLAGS, NULL, &(f), false                                     \
	}
#define X87(name)                                                                                  \
	{                                                                                          \
		name, 80, TARGET_TYPE_X87, NULL, NULL, false                                       \
	}
#define FLOAT(name)                                                                                \
	{                                                                                          \
		name, 32, TARGET_TYPE_INT, "float", NULL, false                                    \
	}
#define VECTOR(name)                                                                               \
	{                                                                                          \
		name, 128, TARGET_TYPE_VECTOR, NULL, NULL, false                                   \
	}
#define SYSTEM(name, b)                                                                            \
	{                                                                                          \
		name, b, TARGET_TYPE_INT, "system", NULL, true                                     \
	}
#define EIGHT(of, p, s)                                                                            \
	of(p "0" s), of(p "1" s), of(p "2" s), of(p "3" s), of(p "4" s), of(p "5" s), of(p "6" s), \
		of(p "7" s)
#define LONG(name) INT(name, 64)

static const struct target_flag control_fields[] = { { "PE", 0, 0 }, { "LEVEL", 4, 7 },
	{ "PG", 31, 31 } };
static const struct target_flags control_flags = { "test_control", 8, COUNT_OF(control_fields),
	control_fields };

static const struct target_register odd_registers[FAKE_ODD_COUNT] = {
	[FAKE_HIDDEN] = SYSTEM("hidden", 64),
	[FAKE_FIXED] = SYSTEM("fixed", 32),
	[FAKE_PICKY] = SYSTEM("picky", 64),
	[FAKE_CONTROL] = { "control", 64, TARGET_TYPE_FLAGS, "system", &control_flags, true },
};

/* ---- x86-64 ------------------------------------------------------------------------------ */

static const struct target_flag eflags_fields[] = { { "CF", 0, 0 }, { "ZF", 6, 6 }, { "TF", 8, 8 },
	{ "IF", 9, 9 }, { "IOPL", 12, 13 } };
static const struct target_flags eflags = { "i386_eflags", 4, COUNT_OF(eflags_fields),
	eflags_fields };

static const struct target_register x86_core[] = {
	LONG("rax"),
	LONG("rbx"),
	LONG("rcx"),
	LONG("rdx"),
	LONG("rsi"),
	LONG("rdi"),
	DATA("rbp"),
	DATA("rsp"),
	LONG("r8"),
	LONG("r9"),
	LONG("r10"),
	LONG("r11"),
	LONG("r12"),
	LONG("r13"),
	LONG("r14"),
	LONG("r15"),
	CODE("rip"),
	FLAGS("eflags", eflags),
	INT("cs", 32),
	INT("ss", 32),
	INT("ds", 32),
	INT("es", 32),
	INT("fs", 32),
	INT("gs", 32),
	EIGHT(X87, "st", ""),
	FLOAT("fctrl"),
	FLOAT("fstat"),
	FLOAT("ftag"),
	FLOAT("fiseg"),
	FLOAT("fioff"),
	FLOAT("foseg"),
	FLOAT("fooff"),
	FLOAT("fop"),
};

static const struct target_register x86_sse[] = {
	EIGHT(VECTOR, "xmm", ""),
	VECTOR("xmm8"),
	VECTOR("xmm9"),
	VECTOR("xmm10"),
	VECTOR("xmm11"),
	VECTOR("xmm12"),
	VECTOR("xmm13"),
	VECTOR("xmm14"),
	VECTOR("xmm15"),
	INT("mxcsr", 32),
};

static const struct target_feature x86_features[] = {
	{ "org.gnu.gdb.i386.core", x86_core, COUNT_OF(x86_core) },
	{ "org.gnu.gdb.i386.sse", x86_sse, COUNT_OF(x86_sse) },
	{ "org.gdbproxy.test", odd_registers, FAKE_ODD_COUNT },
};

static const struct target_alias x86_aliases[] = { { "rip", "pc", "pc", 16 },
	{ "rsp", NULL, "sp", 7 }, { NULL, NULL, NULL, 0 } };

static const uint8_t x86_expedited[] = { 6, 7, 16 };

const struct target_description fake_description_x86_64 = {
	.architecture = "i386:x86-64",
	.features = x86_features,
	.feature_count = COUNT_OF(x86_features),
	.register_count = COUNT_OF(x86_core) + COUNT_OF(x86_sse) + FAKE_ODD_COUNT,
	.bulk_count = COUNT_OF(x86_core) + COUNT_OF(x86_sse) + FAKE_CONTROL,
	.expedited = x86_expedited,
	.expedited_count = COUNT_OF(x86_expedited),
	.pc = 16,
	.watchpoint_count = 4,
	.aliases = x86_aliases,
};

/* ---- arm64 ------------------------------------------------------------------------------- */

static const struct target_flag cpsr_fields[] = { { "SP", 0, 0 }, { "EL", 2, 3 }, { "SS", 21, 21 },
	{ "Z", 30, 30 }, { "N", 31, 31 } };
static const struct target_flags cpsr_flags = { "cpsr_flags", 4, COUNT_OF(cpsr_fields),
	cpsr_fields };

static const struct target_register arm64_core[] = {
	EIGHT(LONG, "x", ""),
	LONG("x8"),
	LONG("x9"),
	LONG("x10"),
	LONG("x11"),
	LONG("x12"),
	LONG("x13"),
	LONG("x14"),
	LONG("x15"),
	LONG("x16"),
	LONG("x17"),
	LONG("x18"),
	LONG("x19"),
	LONG("x20"),
	LONG("x21"),
	LONG("x22"),
	LONG("x23"),
	LONG("x24"),
	LONG("x25"),
	LONG("x26"),
	LONG("x27"),
	LONG("x28"),
	LONG("x29"),
	LONG("x30"),
	DATA("sp"),
	CODE("pc"),
	FLAGS("cpsr", cpsr_flags),
};

static const struct target_register arm64_fpu[] = {
	EIGHT(VECTOR, "v", ""),
	VECTOR("v8"),
	VECTOR("v9"),
	VECTOR("v10"),
	VECTOR("v11"),
	VECTOR("v12"),
	VECTOR("v13"),
	VECTOR("v14"),
	VECTOR("v15"),
	VECTOR("v16"),
	VECTOR("v17"),
	VECTOR("v18"),
	VECTOR("v19"),
	VECTOR("v20"),
	VECTOR("v21"),
	VECTOR("v22"),
	VECTOR("v23"),
	VECTOR("v24"),
	VECTOR("v25"),
	VECTOR("v26"),
	VECTOR("v27"),
	VECTOR("v28"),
	VECTOR("v29"),
	VECTOR("v30"),
	VECTOR("v31"),
	INT("fpsr", 32),
	INT("fpcr", 32),
};

static const struct target_feature arm64_features[] = {
	{ "org.gnu.gdb.aarch64.core", arm64_core, COUNT_OF(arm64_core) },
	{ "org.gnu.gdb.aarch64.fpu", arm64_fpu, COUNT_OF(arm64_fpu) },
	{ "org.gdbproxy.test", odd_registers, FAKE_ODD_COUNT },
};

static const uint8_t arm64_expedited[] = { 29, 31, 32 };

const struct target_description fake_description_arm64 = {
	.architecture = "aarch64",
	.features = arm64_features,
	.feature_count = COUNT_OF(arm64_features),
	.register_count = COUNT_OF(arm64_core) + COUNT_OF(arm64_fpu) + FAKE_ODD_COUNT,
	.bulk_count = COUNT_OF(arm64_core) + COUNT_OF(arm64_fpu) + FAKE_CONTROL,
	.expedited = arm64_expedited,
	.expedited_count = COUNT_OF(arm64_expedited),
	.pc = 32,
};

/* clang-format on */
unsigned fake_description_odd(
	const struct target_description *description, enum fake_odd_register odd)
{
	return description->register_count - FAKE_ODD_COUNT + odd;
}
