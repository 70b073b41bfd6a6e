/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register set that a debugger is told of: the two features which every aarch64 debugger knows,
 * and our own with the system registers, last so that a bulk transfer can end before them.
 * Names and numbers only; where a register's value lives is known to registers_arm64.c.
 */
#include "kvm/arch_arm64.h"

#define ENTRIES(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */
static const struct target_flag cpsr_fields[] = {
	{ "SP", 0, 0 },	     { "EL", 2, 3 },	{ "nRW", 4, 4 },  { "F", 6, 6 },     { "I", 7, 7 },
	{ "A", 8, 8 },	     { "D", 9, 9 },	{ "BTYPE", 10, 11 }, { "SSBS", 12, 12 },
	{ "ALLINT", 13, 13 }, { "IL", 20, 20 }, { "SS", 21, 21 }, { "PAN", 22, 22 },
	{ "UAO", 23, 23 },   { "DIT", 24, 24 }, { "TCO", 25, 25 }, { "V", 28, 28 },
	{ "C", 29, 29 },     { "Z", 30, 30 },	{ "N", 31, 31 },
};
/* clang-format on */

static const struct target_flags cpsr_flags = {
	.id = "cpsr_flags", .bytes = 4, .count = ENTRIES(cpsr_fields), .fields = cpsr_fields
};

/* clang-format off */
#define GENERAL(register_name)                                                                   \
	{ .name = register_name, .bits = 64, .type = TARGET_TYPE_INT, .group = "general" }

static const struct target_register core[] = {
	GENERAL("x0"),	GENERAL("x1"),	GENERAL("x2"),	GENERAL("x3"),	GENERAL("x4"),
	GENERAL("x5"),	GENERAL("x6"),	GENERAL("x7"),	GENERAL("x8"),	GENERAL("x9"),
	GENERAL("x10"), GENERAL("x11"), GENERAL("x12"), GENERAL("x13"), GENERAL("x14"),
	GENERAL("x15"), GENERAL("x16"), GENERAL("x17"), GENERAL("x18"), GENERAL("x19"),
	GENERAL("x20"), GENERAL("x21"), GENERAL("x22"), GENERAL("x23"), GENERAL("x24"),
	GENERAL("x25"), GENERAL("x26"), GENERAL("x27"), GENERAL("x28"), GENERAL("x29"),
	GENERAL("x30"),
	{ .name = "sp", .bits = 64, .type = TARGET_TYPE_DATA_PTR, .group = "general" },
	{ .name = "pc", .bits = 64, .type = TARGET_TYPE_CODE_PTR, .group = "general" },
	{ .name = "cpsr", .bits = 32, .type = TARGET_TYPE_FLAGS, .group = "general",
		.flags = &cpsr_flags },
};

#define VECTOR(register_name)                                                                    \
	{ .name = register_name, .bits = 128, .type = TARGET_TYPE_VECTOR, .group = "vector" }

static const struct target_register fpu[] = {
	VECTOR("v0"),  VECTOR("v1"),  VECTOR("v2"),  VECTOR("v3"),  VECTOR("v4"),  VECTOR("v5"),
	VECTOR("v6"),  VECTOR("v7"),  VECTOR("v8"),  VECTOR("v9"),  VECTOR("v10"), VECTOR("v11"),
	VECTOR("v12"), VECTOR("v13"), VECTOR("v14"), VECTOR("v15"), VECTOR("v16"), VECTOR("v17"),
	VECTOR("v18"), VECTOR("v19"), VECTOR("v20"), VECTOR("v21"), VECTOR("v22"), VECTOR("v23"),
	VECTOR("v24"), VECTOR("v25"), VECTOR("v26"), VECTOR("v27"), VECTOR("v28"), VECTOR("v29"),
	VECTOR("v30"), VECTOR("v31"),
	{ .name = "fpsr", .bits = 32, .type = TARGET_TYPE_INT, .group = "float" },
	{ .name = "fpcr", .bits = 32, .type = TARGET_TYPE_INT, .group = "float" },
};

#define SYSTEM(register_name)                                                                    \
	{ .name = register_name, .bits = 64, .type = TARGET_TYPE_INT, .group = "system",         \
		.no_save = true },
#define SYSTEM_REGISTER(name, ...) SYSTEM(#name)

static const struct target_register system_registers[] = {
	SYSTEM("ELR_EL1")
	SYSTEM("SPSR_EL1")
	SYSTEM("SP_EL0")
	SYSTEM("SP_EL1")
	SYSTEM("MDSCR_EL1")
	SYSTEM("OSLSR_EL1")
	ARM64_SYSREGS_STOP(SYSTEM_REGISTER)
	ARM64_SYSREGS_MORE(SYSTEM_REGISTER)
};
/* clang-format on */

static const struct target_feature features[] = {
	{ "org.gnu.gdb.aarch64.core", core, ENTRIES(core) },
	{ "org.gnu.gdb.aarch64.fpu", fpu, ENTRIES(fpu) },
	{ "org.gdbproxy.arm64.system", system_registers, ENTRIES(system_registers) },
};

_Static_assert(ENTRIES(core) == ARM64_NUMBER_V, "core and its numbers");
_Static_assert(ENTRIES(fpu) == ARM64_NUMBER_SYSTEM - ARM64_NUMBER_V, "fpu and its numbers");
_Static_assert(ENTRIES(system_registers) == ARM64_NUMBER_COUNT - ARM64_NUMBER_SYSTEM,
	"system registers and their numbers");

static const uint8_t expedited[] = { 29, ARM64_NUMBER_SP, ARM64_NUMBER_PC };

const struct target_description description_arm64 = {
	.architecture = "aarch64",
	.features = features,
	.feature_count = ENTRIES(features),
	.register_count = ARM64_NUMBER_COUNT,
	.bulk_count = ARM64_NUMBER_SYSTEM,
	.expedited = expedited,
	.expedited_count = ENTRIES(expedited),
	.pc = ARM64_NUMBER_PC,
	.aliases = dwarf_arm64,
};
