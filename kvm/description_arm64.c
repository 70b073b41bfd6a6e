/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register set that a debugger is told of, and which of it a vCPU has: the features which every
 * aarch64 debugger knows, and our own with the system registers, last.  A bulk transfer ends before
 * what is large or seldom wanted; what is hardly ever wanted is not listed, for gdb takes all that is
 * neither vector nor float for a part of `info registers'.  Where a register's value lives is known to registers_arm64.c.
 *
 * gdb up to 13 knows the masks of pointer authentication by a feature without the _v2: gdb 9 to 12 die
 * of it when there are registers of ours too, and gdb 13 puts no kernel address right by it.
 *
 * Left out: org.gnu.gdb.aarch64.mte, whose one register is of Linux processes; and the tags of memory,
 * which KVM gives out by an ioctl of the VM (KVM_ARM_MTE_COPY_TAGS), not of a vCPU.
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

/*
 * Their sizes are the vCPU's: the longest vectors it can have.  Debuggers size the registers by vg, so it
 * stays the same; what the guest uses of that length is in ZCR_EL1.
 */
#define SCALABLE(register_name)                                                                  \
	{ .name = register_name, .type = TARGET_TYPE_SCALABLE, .group = "vector" }
#define PREDICATE(register_name)                                                                 \
	{ .name = register_name, .type = TARGET_TYPE_BYTES, .group = "vector" }

static const struct target_register sve[] = {
	SCALABLE("z0"),  SCALABLE("z1"),  SCALABLE("z2"),  SCALABLE("z3"),  SCALABLE("z4"),
	SCALABLE("z5"),  SCALABLE("z6"),  SCALABLE("z7"),  SCALABLE("z8"),  SCALABLE("z9"),
	SCALABLE("z10"), SCALABLE("z11"), SCALABLE("z12"), SCALABLE("z13"), SCALABLE("z14"),
	SCALABLE("z15"), SCALABLE("z16"), SCALABLE("z17"), SCALABLE("z18"), SCALABLE("z19"),
	SCALABLE("z20"), SCALABLE("z21"), SCALABLE("z22"), SCALABLE("z23"), SCALABLE("z24"),
	SCALABLE("z25"), SCALABLE("z26"), SCALABLE("z27"), SCALABLE("z28"), SCALABLE("z29"),
	SCALABLE("z30"), SCALABLE("z31"),
	{ .name = "fpsr", .bits = 32, .type = TARGET_TYPE_INT, .group = "float" },
	{ .name = "fpcr", .bits = 32, .type = TARGET_TYPE_INT, .group = "float" },
	PREDICATE("p0"),  PREDICATE("p1"),  PREDICATE("p2"),  PREDICATE("p3"),  PREDICATE("p4"),
	PREDICATE("p5"),  PREDICATE("p6"),  PREDICATE("p7"),  PREDICATE("p8"),  PREDICATE("p9"),
	PREDICATE("p10"), PREDICATE("p11"), PREDICATE("p12"), PREDICATE("p13"), PREDICATE("p14"),
	PREDICATE("p15"), PREDICATE("ffr"),
	{ .name = "vg", .bits = 64, .type = TARGET_TYPE_INT, .group = "vector", .no_save = true },
};

static const struct target_register tls[] = {
	{ .name = "tpidr", .bits = 64, .type = TARGET_TYPE_DATA_PTR, .group = "general" },
	{ .name = "tpidr2", .bits = 64, .type = TARGET_TYPE_DATA_PTR, .group = "general" },
};

#define MASK(register_name)                                                                      \
	{ .name = register_name, .bits = 64, .type = TARGET_TYPE_INT, .group = "system",         \
		.no_save = true }

static const struct target_register pauth[] = {
	MASK("pauth_dmask"),
	MASK("pauth_cmask"),
	MASK("pauth_dmask_high"),
	MASK("pauth_cmask_high"),
};

#define SYSTEM(register_name)                                                                    \
	{ .name = register_name, .bits = 64, .type = TARGET_TYPE_INT, .group = "system",         \
		.no_save = true },
#define SYSTEM_REGISTER(name, ...) SYSTEM(#name)
#define DEBUG_PAIRS(kind)                                                                        \
	SYSTEM(kind "0_EL1") SYSTEM(kind "1_EL1") SYSTEM(kind "2_EL1") SYSTEM(kind "3_EL1")      \
	SYSTEM(kind "4_EL1") SYSTEM(kind "5_EL1") SYSTEM(kind "6_EL1") SYSTEM(kind "7_EL1")      \
	SYSTEM(kind "8_EL1") SYSTEM(kind "9_EL1") SYSTEM(kind "10_EL1") SYSTEM(kind "11_EL1")    \
	SYSTEM(kind "12_EL1") SYSTEM(kind "13_EL1") SYSTEM(kind "14_EL1") SYSTEM(kind "15_EL1")

static const struct target_register system_registers[] = {
	SYSTEM("ELR_EL1")
	SYSTEM("SPSR_EL1")
	SYSTEM("SP_EL0")
	SYSTEM("SP_EL1")
	SYSTEM("MDSCR_EL1")
	SYSTEM("OSLSR_EL1")
	ARM64_SYSREGS_STOP(SYSTEM_REGISTER)
	ARM64_SYSREGS_COMMON(SYSTEM_REGISTER)
};

static const struct target_register more_registers[] = {
	ARM64_SYSREGS_RARE(SYSTEM_REGISTER)
	DEBUG_PAIRS("DBGBVR")
	DEBUG_PAIRS("DBGBCR")
	DEBUG_PAIRS("DBGWVR")
	DEBUG_PAIRS("DBGWCR")
};
/* clang-format on */

enum { FEATURE_CORE, FEATURE_FPU, FEATURE_SVE, FEATURE_TLS, FEATURE_PAUTH };

static const struct target_feature features[] = {
	[FEATURE_CORE] = { "org.gnu.gdb.aarch64.core", core, ENTRIES(core) },
	[FEATURE_FPU] = { "org.gnu.gdb.aarch64.fpu", fpu, ENTRIES(fpu) },
	[FEATURE_SVE] = { "org.gnu.gdb.aarch64.sve", sve, ENTRIES(sve) },
	[FEATURE_TLS] = { "org.gnu.gdb.aarch64.tls", tls, ENTRIES(tls) },
	[FEATURE_PAUTH] = { "org.gnu.gdb.aarch64.pauth_v2", pauth, ENTRIES(pauth) },
	{ "org.gdbproxy.arm64.system", system_registers, ENTRIES(system_registers) },
	{ "org.gdbproxy.arm64.more", more_registers, ENTRIES(more_registers) },
};

_Static_assert(ENTRIES(core) == ARM64_NUMBER_V, "core and its numbers");
_Static_assert(ENTRIES(fpu) == ARM64_NUMBER_Z - ARM64_NUMBER_V, "fpu and its numbers");
_Static_assert(ENTRIES(sve) == ARM64_NUMBER_TPIDR - ARM64_NUMBER_Z, "sve and its numbers");
_Static_assert(
	ENTRIES(tls) == ARM64_NUMBER_PAUTH_DMASK - ARM64_NUMBER_TPIDR, "tls and its numbers");
_Static_assert(
	ENTRIES(pauth) == ARM64_NUMBER_SYSTEM - ARM64_NUMBER_PAUTH_DMASK, "pauth and its numbers");
_Static_assert(ENTRIES(system_registers) == ARM64_NUMBER_MORE - ARM64_NUMBER_SYSTEM,
	"system registers and their numbers");
_Static_assert(ENTRIES(more_registers) == ARM64_NUMBER_COUNT - ARM64_NUMBER_MORE,
	"more registers and their numbers");

static const uint8_t expedited[] = { 29, ARM64_NUMBER_SP, ARM64_NUMBER_PC, ARM64_NUMBER_VG };

const struct target_description description_arm64 = {
	.architecture = "aarch64",
	.features = features,
	.feature_count = ENTRIES(features),
	.register_count = ARM64_NUMBER_COUNT,
	.bulk_count = ARM64_NUMBER_Z,
	.listed_count = ARM64_NUMBER_MORE,
	.expedited = expedited,
	.expedited_count = ENTRIES(expedited),
	.pc = ARM64_NUMBER_PC,
	.aliases = dwarf_arm64,
};

/* ---- what a vCPU has of it --------------------------------------------------------------- */

const struct target_feature *description_arm64_feature(const struct cpu *cpu, unsigned index)
{
	bool with_sve = cpu->arm64.fp_form == ARM64_FP_Z;
	bool missing = (index == FEATURE_FPU && with_sve) || (index == FEATURE_SVE && !with_sve) ||
		       (index == FEATURE_PAUTH && !pauth_arm64_exists(&cpu->arm64));

	return missing ? NULL : &features[index];
}

static bool description_arm64_has_pair(const struct cpu_arm64 *cpu, unsigned number)
{
	unsigned slots =
		number < ARM64_NUMBER_DBGWVR ? cpu->breakpoint_slots : cpu->watchpoint_slots;

	return (number - ARM64_NUMBER_DBGBVR) % ARM64_MAX_SLOTS < slots;
}

/* KVM knows all 31 event counters; the vCPU has as many as PMCR_EL0.N says. */
static bool description_arm64_has_sysreg(const struct cpu_arm64 *cpu, unsigned n)
{
	unsigned counters = (unsigned)FIELD(arm64_sysreg(cpu, ARM64_PMCR_EL0), 11, 5);

	if (n >= ARM64_PMEVCNTR0_EL0 && n <= ARM64_PMEVCNTR30_EL0 &&
		n - ARM64_PMEVCNTR0_EL0 >= counters)
		return false;
	if (n >= ARM64_PMEVTYPER0_EL0 && n <= ARM64_PMEVTYPER30_EL0 &&
		n - ARM64_PMEVTYPER0_EL0 >= counters)
		return false;
	return bitmap_has(cpu->sysregs_valid, n);
}

bool description_arm64_has(const struct cpu *cpu, unsigned number, struct target_register *reg)
{
	const struct cpu_arm64 *arm64 = &cpu->arm64;

	if (reg->type == TARGET_TYPE_SCALABLE)
		reg->bits = (uint16_t)(arm64->vg * 64);
	else if (reg->type == TARGET_TYPE_BYTES)
		reg->bits = (uint16_t)(arm64->vg * 8);
	if (number == ARM64_NUMBER_TPIDR)
		return bitmap_has(arm64->sysregs_valid, ARM64_TPIDR_EL0);
	if (number == ARM64_NUMBER_TPIDR2)
		return bitmap_has(arm64->sysregs_valid, ARM64_TPIDR2_EL0);
	if (number >= ARM64_NUMBER_DBGBVR)
		return description_arm64_has_pair(arm64, number);
	if (number >= ARM64_NUMBER_SYSREGS)
		return description_arm64_has_sysreg(arm64, number - ARM64_NUMBER_SYSREGS);
	return true;
}
