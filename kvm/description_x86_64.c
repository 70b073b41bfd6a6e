/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers an x86-64 thread shows.  Names, order and widths of the standard features are those
 * gdb insists on (GDB manual, G.5.5 "i386 Features"; it rejects a description that lacks one);
 * names in our own features are those that QEMU's stub made known, and the manuals'.
 *
 * On x86 gdb goes by its own numbers when it sorts registers (i386_register_reggroup_p()): whatever is
 * no register of a standard feature is in "info registers", of any type and in any group, and "info
 * registers system" is empty.  Tried with gdb 13: integers, flags, structures, unions, vectors, floats.  So
 * what is looked at often is listed, and the rest is there for who asks for it: "monitor reg", and
 * "monitor list-registers all".
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

static const struct target_flag access_fields[] = {
	{ "TYPE", 0, 3 },
	{ FIELD("S", 4) },
	{ "DPL", 5, 6 },
	{ FIELD("P", 7) },
	{ FIELD("AVL", 12) },
	{ FIELD("L", 13) },
	{ FIELD("DB", 14) },
	{ FIELD("G", 15) },
	{ FIELD("UNUSABLE", 16) },
};

static const struct target_flag xcr0_fields[] = {
	{ FIELD("X87", 0) },
	{ FIELD("SSE", 1) },
	{ FIELD("AVX", 2) },
	{ FIELD("BNDREGS", 3) },
	{ FIELD("BNDCSR", 4) },
	{ FIELD("OPMASK", 5) },
	{ FIELD("ZMM_HI256", 6) },
	{ FIELD("HI16_ZMM", 7) },
	{ FIELD("PKRU", 9) },
	{ FIELD("TILECFG", 17) },
	{ FIELD("TILEDATA", 18) },
};

const struct target_flags x86_flags_eflags = {
	.id = "i386_eflags",
	.bytes = 4,
	.count = COUNT(eflags_fields),
	.fields = eflags_fields,
};

const struct target_flags x86_flags_mxcsr = {
	.id = "i386_mxcsr",
	.bytes = 4,
	.count = COUNT(mxcsr_fields),
	.fields = mxcsr_fields,
};

FLAGS(cr0, "x86_cr0", 8, cr0_fields);
FLAGS(cr4, "x86_cr4", 8, cr4_fields);
FLAGS(efer, "x86_efer", 8, efer_fields);
FLAGS(xcr0, "x86_xcr0", 8, xcr0_fields);
FLAGS(access_rights, "x86_access", 4, access_fields);

/* The members of struct target_register, one macro for each kind of register. */
#define GENERAL(reg)       .name = reg, .bits = 64, .type = TARGET_TYPE_INT
#define POINTER(reg, kind) .name = reg, .bits = 64, .type = kind
#define SELECTOR(reg)      .name = reg, .bits = 32, .type = TARGET_TYPE_INT
#define STACK(reg)         .name = reg, .bits = 80, .type = TARGET_TYPE_X87
#define CONTROL(reg)       .name = reg, .bits = 32, .type = TARGET_TYPE_INT, .group = "float"
#define VECTOR(reg)        .name = reg, .bits = 128, .type = TARGET_TYPE_VECTOR
#define UPPER(reg, width)  .name = reg, .bits = width, .type = TARGET_TYPE_WIDE
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
	{ FLAGS_32("eflags", &x86_flags_eflags) },
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
	{ FLAGS_32("mxcsr", &x86_flags_mxcsr), .group = "vector" },
};

static const struct target_register segments[] = {
	{ GENERAL("fs_base") },
	{ GENERAL("gs_base") },
};

/* The same for each n of a run, in order. */
#define FIRST_16(x)                                                                                \
	x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15)
#define LAST_16(x)                                                                                 \
	x(16) x(17) x(18) x(19) x(20) x(21) x(22) x(23) x(24) x(25) x(26) x(27) x(28) x(29) x(30)  \
		x(31)

#define YMM_UPPER(n) { UPPER("ymm" #n "h", 128) },
#define ZMM_UPPER(n) { UPPER("zmm" #n "h", 256) },
#define XMM_MORE(n)  { VECTOR("xmm" #n) },

/* clang-format off */
static const struct target_register avx[] = { FIRST_16(YMM_UPPER) };

static const struct target_register avx512[] = {
	LAST_16(XMM_MORE)
	LAST_16(YMM_UPPER)
	{ GENERAL("k0") },
	{ GENERAL("k1") },
	{ GENERAL("k2") },
	{ GENERAL("k3") },
	{ GENERAL("k4") },
	{ GENERAL("k5") },
	{ GENERAL("k6") },
	{ GENERAL("k7") },
	FIRST_16(ZMM_UPPER)
	LAST_16(ZMM_UPPER)
};
/* clang-format on */

static const struct target_register pkeys[] = { { SELECTOR("pkru") } };

/*
 * With it gdb takes the guest for a Linux process, as far as it can: it writes cores, and no longer lists
 * fs_base and gs_base.  So it is not listed.
 */
static const struct target_register linux_own[] = { { GENERAL("orig_rax"), SYSTEM } };

static const struct target_register control[] = {
	{ GENERAL("k_gs_base"), SYSTEM },
	{ FLAGS_64("cr0", &cr0), SYSTEM },
	{ GENERAL("cr2"), SYSTEM },
	{ GENERAL("cr3"), SYSTEM },
	{ FLAGS_64("cr4", &cr4), SYSTEM },
	{ GENERAL("cr8"), SYSTEM },
	{ FLAGS_64("efer", &efer), SYSTEM },
	{ FLAGS_64("xcr0", &xcr0), SYSTEM },
	{ GENERAL("gdtr_base"), SYSTEM },
	{ SELECTOR("gdtr_limit"), SYSTEM },
	{ GENERAL("idtr_base"), SYSTEM },
	{ SELECTOR("idtr_limit"), SYSTEM },
	{ SELECTOR("ldtr"), SYSTEM },
	{ SELECTOR("tr"), SYSTEM },
	{ GENERAL("tr_base"), SYSTEM },
};

static const struct target_register syscall_msrs[] = {
	{ GENERAL("lstar"), SYSTEM },
	{ GENERAL("star"), SYSTEM },
	{ GENERAL("fmask"), SYSTEM },
};

static const struct target_register hidden[] = {
	{ GENERAL("cs_base"), SYSTEM },
	{ GENERAL("ss_base"), SYSTEM },
	{ GENERAL("ds_base"), SYSTEM },
	{ GENERAL("es_base"), SYSTEM },
	{ GENERAL("ldtr_base"), SYSTEM },
	{ SELECTOR("cs_limit"), SYSTEM },
	{ SELECTOR("ss_limit"), SYSTEM },
	{ SELECTOR("ds_limit"), SYSTEM },
	{ SELECTOR("es_limit"), SYSTEM },
	{ SELECTOR("fs_limit"), SYSTEM },
	{ SELECTOR("gs_limit"), SYSTEM },
	{ SELECTOR("ldtr_limit"), SYSTEM },
	{ SELECTOR("tr_limit"), SYSTEM },
	{ FLAGS_32("cs_access", &access_rights), SYSTEM },
	{ FLAGS_32("ss_access", &access_rights), SYSTEM },
	{ FLAGS_32("ds_access", &access_rights), SYSTEM },
	{ FLAGS_32("es_access", &access_rights), SYSTEM },
	{ FLAGS_32("fs_access", &access_rights), SYSTEM },
	{ FLAGS_32("gs_access", &access_rights), SYSTEM },
	{ FLAGS_32("ldtr_access", &access_rights), SYSTEM },
	{ FLAGS_32("tr_access", &access_rights), SYSTEM },
};

static const struct target_register debug[] = {
	{ GENERAL("dr0"), SYSTEM },
	{ GENERAL("dr1"), SYSTEM },
	{ GENERAL("dr2"), SYSTEM },
	{ GENERAL("dr3"), SYSTEM },
	{ GENERAL("dr6"), SYSTEM },
	{ GENERAL("dr7"), SYSTEM },
};

#define MSR(id, reg, ...) { GENERAL(#reg), SYSTEM },

static const struct target_register msrs[] = { X86_MSRS_MORE(MSR) };

static const struct target_feature features[] = {
	{ "org.gnu.gdb.i386.core", core, COUNT(core) },
	{ "org.gnu.gdb.i386.sse", sse, COUNT(sse) },
	{ "org.gnu.gdb.i386.segments", segments, COUNT(segments) },
	[X86_FEATURE_AVX] = { "org.gnu.gdb.i386.avx", avx, COUNT(avx) },
	[X86_FEATURE_AVX512] = { "org.gnu.gdb.i386.avx512", avx512, COUNT(avx512) },
	[X86_FEATURE_PKEYS] = { "org.gnu.gdb.i386.pkeys", pkeys, COUNT(pkeys) },
	{ "org.gdbproxy.x86.system", control, COUNT(control) },
	{ "org.gdbproxy.x86.syscall.msr", syscall_msrs, COUNT(syscall_msrs) },
	{ "org.gdbproxy.x86.segments", hidden, COUNT(hidden) },
	{ "org.gdbproxy.x86.debug", debug, COUNT(debug) },
	{ "org.gnu.gdb.i386.linux", linux_own, COUNT(linux_own) },
	{ "org.gdbproxy.x86.msr", msrs, COUNT(msrs) },
};

static const uint8_t expedited[] = { X86_REG_RBP, X86_REG_RSP, X86_REG_RIP };

_Static_assert(COUNT(core) == X86_REG_XMM0, "numbers of the core");
_Static_assert(COUNT(core) + COUNT(sse) == X86_REG_FS_BASE, "numbers of SSE");
_Static_assert(COUNT(segments) == X86_REG_YMM0H - X86_REG_FS_BASE, "segments");
_Static_assert(COUNT(avx) == X86_REG_XMM16 - X86_REG_YMM0H, "AVX");
_Static_assert(COUNT(avx512) == X86_REG_PKRU - X86_REG_XMM16, "AVX-512");
_Static_assert(COUNT(pkeys) == X86_REG_K_GS_BASE - X86_REG_PKRU, "PKRU");
_Static_assert(COUNT(control) == X86_REG_LSTAR - X86_REG_K_GS_BASE, "system");
_Static_assert(COUNT(syscall_msrs) == X86_REG_CS_BASE - X86_REG_LSTAR, "MSRs of SYSCALL");
_Static_assert(COUNT(hidden) == X86_REG_DR0 - X86_REG_CS_BASE, "hidden parts of segments");
_Static_assert(COUNT(debug) == X86_REG_ORIG_RAX - X86_REG_DR0, "debug registers");
_Static_assert(COUNT(linux_own) == X86_REG_MSRS_MORE - X86_REG_ORIG_RAX, "Linux");
_Static_assert(COUNT(msrs) == X86_REG_COUNT - X86_REG_MSRS_MORE, "MSRs");

const struct target_description description_x86_64 = {
	.architecture = "i386:x86-64",
	.features = features,
	.feature_count = COUNT(features),
	.register_count = X86_REG_COUNT,
	.bulk_count = X86_REG_YMM0H,
	.listed_count = X86_REG_CS_BASE,
	.expedited = expedited,
	.expedited_count = COUNT(expedited),
	.pc = X86_REG_RIP,
	.aliases = dwarf_x86_64,
};
