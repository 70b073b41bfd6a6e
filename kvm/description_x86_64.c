/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers an x86-64 thread shows.  Names, order and widths of the standard features are those
 * gdb insists on (GDB manual, G.5.5 "i386 Features"; it rejects a description that lacks one);
 * names in our own feature are those that QEMU's stub made known.
 */
#include "kvm/arch_x86_64.h"

#define COUNT(array)     (sizeof(array) / sizeof((array)[0]))

#define FIELD(name, bit) name, bit, bit

#define FLAGS(variable, type_id, type_bytes, type_fields)                                          \
	static const struct target_flags variable = {                                              \
		.id = type_id,                                                                     \
		.bytes = type_bytes,                                                               \
		.count = COUNT(type_fields),                                                       \
		.fields = type_fields,                                                             \
	}

static const struct target_flag eflags_fields[] = {
	{ FIELD("CF", 0) },
	{ FIELD("PF", 2) },
	{ FIELD("AF", 4) },
	{ FIELD("ZF", 6) },
	{ FIELD("SF", 7) },
	{ FIELD("TF", 8) },
	{ FIELD("IF", 9) },
	{ FIELD("DF", 10) },
	{ FIELD("OF", 11) },
	{ FIELD("NT", 14) },
	{ FIELD("RF", 16) },
	{ FIELD("VM", 17) },
	{ FIELD("AC", 18) },
	{ FIELD("VIF", 19) },
	{ FIELD("VIP", 20) },
	{ FIELD("ID", 21) },
};

static const struct target_flag mxcsr_fields[] = {
	{ FIELD("IE", 0) },
	{ FIELD("DE", 1) },
	{ FIELD("ZE", 2) },
	{ FIELD("OE", 3) },
	{ FIELD("UE", 4) },
	{ FIELD("PE", 5) },
	{ FIELD("DAZ", 6) },
	{ FIELD("IM", 7) },
	{ FIELD("DM", 8) },
	{ FIELD("ZM", 9) },
	{ FIELD("OM", 10) },
	{ FIELD("UM", 11) },
	{ FIELD("PM", 12) },
	{ FIELD("FZ", 15) },
};

static const struct target_flag cr0_fields[] = {
	{ FIELD("PE", 0) },
	{ FIELD("MP", 1) },
	{ FIELD("EM", 2) },
	{ FIELD("TS", 3) },
	{ FIELD("ET", 4) },
	{ FIELD("NE", 5) },
	{ FIELD("WP", 16) },
	{ FIELD("AM", 18) },
	{ FIELD("NW", 29) },
	{ FIELD("CD", 30) },
	{ FIELD("PG", 31) },
};

static const struct target_flag cr4_fields[] = {
	{ FIELD("VME", 0) },
	{ FIELD("PVI", 1) },
	{ FIELD("TSD", 2) },
	{ FIELD("DE", 3) },
	{ FIELD("PSE", 4) },
	{ FIELD("PAE", 5) },
	{ FIELD("MCE", 6) },
	{ FIELD("PGE", 7) },
	{ FIELD("PCE", 8) },
	{ FIELD("OSFXSR", 9) },
	{ FIELD("OSXMMEXCPT", 10) },
	{ FIELD("UMIP", 11) },
	{ FIELD("LA57", 12) },
	{ FIELD("VMXE", 13) },
	{ FIELD("SMXE", 14) },
	{ FIELD("FSGSBASE", 16) },
	{ FIELD("PCIDE", 17) },
	{ FIELD("OSXSAVE", 18) },
	{ FIELD("KL", 19) },
	{ FIELD("SMEP", 20) },
	{ FIELD("SMAP", 21) },
	{ FIELD("PKE", 22) },
	{ FIELD("CET", 23) },
	{ FIELD("PKS", 24) },
	{ FIELD("UINTR", 25) },
};

static const struct target_flag efer_fields[] = {
	{ FIELD("SCE", 0) },
	{ FIELD("LME", 8) },
	{ FIELD("LMA", 10) },
	{ FIELD("NXE", 11) },
	{ FIELD("SVME", 12) },
	{ FIELD("LMSLE", 13) },
	{ FIELD("FFXSR", 14) },
	{ FIELD("TCE", 15) },
	{ FIELD("AIBRSE", 21) },
};

FLAGS(eflags, "i386_eflags", 4, eflags_fields);
FLAGS(mxcsr, "i386_mxcsr", 4, mxcsr_fields);
FLAGS(cr0, "x86_cr0", 8, cr0_fields);
FLAGS(cr4, "x86_cr4", 8, cr4_fields);
FLAGS(efer, "x86_efer", 8, efer_fields);

/* The members of struct target_register, one macro for each kind of register. */
#define GENERAL(reg)       .name = reg, .bits = 64, .type = TARGET_TYPE_INT
#define POINTER(reg, kind) .name = reg, .bits = 64, .type = kind
#define SELECTOR(reg)      .name = reg, .bits = 32, .type = TARGET_TYPE_INT
#define STACK(reg)         .name = reg, .bits = 80, .type = TARGET_TYPE_X87
#define CONTROL(reg)       .name = reg, .bits = 32, .type = TARGET_TYPE_INT, .group = "float"
#define VECTOR(reg)        .name = reg, .bits = 128, .type = TARGET_TYPE_VECTOR
#define FLAGS_32(reg, set) .name = reg, .bits = 32, .type = TARGET_TYPE_FLAGS, .flags = set
#define FLAGS_64(reg, set) .name = reg, .bits = 64, .type = TARGET_TYPE_FLAGS, .flags = set
#define SYSTEM             .group = "system", .no_save = true

static const struct target_register core[] = {
	{ GENERAL("rax") },
	{ GENERAL("rbx") },
	{ GENERAL("rcx") },
	{ GENERAL("rdx") },
	{ GENERAL("rsi") },
	{ GENERAL("rdi") },
	{ POINTER("rbp", TARGET_TYPE_DATA_PTR) },
	{ POINTER("rsp", TARGET_TYPE_DATA_PTR) },
	{ GENERAL("r8") },
	{ GENERAL("r9") },
	{ GENERAL("r10") },
	{ GENERAL("r11") },
	{ GENERAL("r12") },
	{ GENERAL("r13") },
	{ GENERAL("r14") },
	{ GENERAL("r15") },
	{ POINTER("rip", TARGET_TYPE_CODE_PTR) },
	{ FLAGS_32("eflags", &eflags) },
	{ SELECTOR("cs") },
	{ SELECTOR("ss") },
	{ SELECTOR("ds") },
	{ SELECTOR("es") },
	{ SELECTOR("fs") },
	{ SELECTOR("gs") },
	{ STACK("st0") },
	{ STACK("st1") },
	{ STACK("st2") },
	{ STACK("st3") },
	{ STACK("st4") },
	{ STACK("st5") },
	{ STACK("st6") },
	{ STACK("st7") },
	{ CONTROL("fctrl") },
	{ CONTROL("fstat") },
	{ CONTROL("ftag") },
	{ CONTROL("fiseg") },
	{ CONTROL("fioff") },
	{ CONTROL("foseg") },
	{ CONTROL("fooff") },
	{ CONTROL("fop") },
};

static const struct target_register sse[] = {
	{ VECTOR("xmm0") },
	{ VECTOR("xmm1") },
	{ VECTOR("xmm2") },
	{ VECTOR("xmm3") },
	{ VECTOR("xmm4") },
	{ VECTOR("xmm5") },
	{ VECTOR("xmm6") },
	{ VECTOR("xmm7") },
	{ VECTOR("xmm8") },
	{ VECTOR("xmm9") },
	{ VECTOR("xmm10") },
	{ VECTOR("xmm11") },
	{ VECTOR("xmm12") },
	{ VECTOR("xmm13") },
	{ VECTOR("xmm14") },
	{ VECTOR("xmm15") },
	{ FLAGS_32("mxcsr", &mxcsr), .group = "vector" },
};

static const struct target_register segments[] = {
	{ GENERAL("fs_base") },
	{ GENERAL("gs_base") },
};

static const struct target_register control[] = {
	{ GENERAL("k_gs_base"), SYSTEM },
	{ FLAGS_64("cr0", &cr0), SYSTEM },
	{ GENERAL("cr2"), SYSTEM },
	{ GENERAL("cr3"), SYSTEM },
	{ FLAGS_64("cr4", &cr4), SYSTEM },
	{ GENERAL("cr8"), SYSTEM },
	{ FLAGS_64("efer", &efer), SYSTEM },
};

static const struct target_feature features[] = {
	{ "org.gnu.gdb.i386.core", core, COUNT(core) },
	{ "org.gnu.gdb.i386.sse", sse, COUNT(sse) },
	{ "org.gnu.gdb.i386.segments", segments, COUNT(segments) },
	{ "org.gdbproxy.x86.system", control, COUNT(control) },
};

static const uint8_t expedited[] = { X86_REG_RBP, X86_REG_RSP, X86_REG_RIP };

_Static_assert(COUNT(core) == X86_REG_XMM0, "numbers of the core");
_Static_assert(COUNT(core) + COUNT(sse) == X86_REG_FS_BASE, "numbers of SSE");
_Static_assert(COUNT(core) + COUNT(sse) + COUNT(segments) == X86_REG_K_GS_BASE, "segments");
_Static_assert(COUNT(core) + COUNT(sse) + COUNT(segments) + COUNT(control) == X86_REG_COUNT, "all");

const struct target_description description_x86_64 = {
	.architecture = "i386:x86-64",
	.features = features,
	.feature_count = COUNT(features),
	.register_count = X86_REG_COUNT,
	.bulk_count = X86_REG_K_GS_BASE,
	.expedited = expedited,
	.expedited_count = COUNT(expedited),
	.pc = X86_REG_RIP,
	.aliases = dwarf_x86_64,
};
