/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of an x86-64 CPU as a debugger of 32-bit or 16-bit code wants them: gdb's layouts for
 * i386 and i8086, which differ in nothing but what the debugger makes of instructions.  Names and order
 * are those that gdb insists on (GDB manual, G.5.5 "i386 Features").  The bases of FS and GS are in a
 * feature of ours: with the standard one under i386, gdb 13 ends with an internal error.
 */
#include "kvm/arch_x86_64.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */

/* name, bits, kind, the number in description_x86_64 */
#define VIEW_CORE(X) \
	X("eax",    32, GENERAL, X86_REG_RAX) \
	X("ecx",    32, GENERAL, X86_REG_RAX + 2) \
	X("edx",    32, GENERAL, X86_REG_RAX + 3) \
	X("ebx",    32, GENERAL, X86_REG_RAX + 1) \
	X("esp",    32, STACK,   X86_REG_RSP) \
	X("ebp",    32, STACK,   X86_REG_RBP) \
	X("esi",    32, GENERAL, X86_REG_RAX + 4) \
	X("edi",    32, GENERAL, X86_REG_RAX + 5) \
	X("eip",    32, CODE,    X86_REG_RIP) \
	X("eflags", 32, EFLAGS,  X86_REG_EFLAGS) \
	X("cs",     32, GENERAL, X86_REG_CS) \
	X("ss",     32, GENERAL, X86_REG_CS + 1) \
	X("ds",     32, GENERAL, X86_REG_CS + 2) \
	X("es",     32, GENERAL, X86_REG_CS + 3) \
	X("fs",     32, GENERAL, X86_REG_CS + 4) \
	X("gs",     32, GENERAL, X86_REG_CS + 5) \
	X("st0",    80, X87,     X86_REG_ST0) \
	X("st1",    80, X87,     X86_REG_ST0 + 1) \
	X("st2",    80, X87,     X86_REG_ST0 + 2) \
	X("st3",    80, X87,     X86_REG_ST0 + 3) \
	X("st4",    80, X87,     X86_REG_ST0 + 4) \
	X("st5",    80, X87,     X86_REG_ST0 + 5) \
	X("st6",    80, X87,     X86_REG_ST0 + 6) \
	X("st7",    80, X87,     X86_REG_ST0 + 7) \
	X("fctrl",  32, CONTROL, X86_REG_FCTRL) \
	X("fstat",  32, CONTROL, X86_REG_FCTRL + 1) \
	X("ftag",   32, CONTROL, X86_REG_FCTRL + 2) \
	X("fiseg",  32, CONTROL, X86_REG_FCTRL + 3) \
	X("fioff",  32, CONTROL, X86_REG_FCTRL + 4) \
	X("foseg",  32, CONTROL, X86_REG_FCTRL + 5) \
	X("fooff",  32, CONTROL, X86_REG_FCTRL + 6) \
	X("fop",    32, CONTROL, X86_REG_FCTRL + 7)

#define VIEW_SSE(X) \
	X("xmm0",  128, XMM,     X86_REG_XMM0) \
	X("xmm1",  128, XMM,     X86_REG_XMM0 + 1) \
	X("xmm2",  128, XMM,     X86_REG_XMM0 + 2) \
	X("xmm3",  128, XMM,     X86_REG_XMM0 + 3) \
	X("xmm4",  128, XMM,     X86_REG_XMM0 + 4) \
	X("xmm5",  128, XMM,     X86_REG_XMM0 + 5) \
	X("xmm6",  128, XMM,     X86_REG_XMM0 + 6) \
	X("xmm7",  128, XMM,     X86_REG_XMM0 + 7) \
	X("mxcsr",  32, MXCSR,   X86_REG_MXCSR)

#define VIEW_BASES(X) \
	X("fs_base", 32, GENERAL, X86_REG_FS_BASE) \
	X("gs_base", 32, GENERAL, X86_REG_GS_BASE)

/* The members of struct target_register that each kind has; none of them has a comma in it. */
#define TYPE_GENERAL  TARGET_TYPE_INT
#define TYPE_STACK    TARGET_TYPE_DATA_PTR
#define TYPE_CODE     TARGET_TYPE_CODE_PTR
#define TYPE_X87      TARGET_TYPE_X87
#define TYPE_CONTROL  TARGET_TYPE_INT
#define TYPE_XMM      TARGET_TYPE_VECTOR
#define TYPE_EFLAGS   TARGET_TYPE_FLAGS
#define TYPE_MXCSR    TARGET_TYPE_FLAGS

#define GROUP_GENERAL NULL
#define GROUP_STACK   NULL
#define GROUP_CODE    NULL
#define GROUP_X87     NULL
#define GROUP_CONTROL "float"
#define GROUP_XMM     NULL
#define GROUP_EFLAGS  NULL
#define GROUP_MXCSR   "vector"

#define FLAGS_GENERAL NULL
#define FLAGS_STACK   NULL
#define FLAGS_CODE    NULL
#define FLAGS_X87     NULL
#define FLAGS_CONTROL NULL
#define FLAGS_XMM     NULL
#define FLAGS_EFLAGS  &x86_flags_eflags
#define FLAGS_MXCSR   &x86_flags_mxcsr

#define REGISTER(reg, size, kind, own) \
	{ .name = reg, .bits = size, .type = TYPE_##kind, .group = GROUP_##kind, .flags = FLAGS_##kind },
#define OWN(reg, size, kind, own)      own,

static const struct target_register core[] = { VIEW_CORE(REGISTER) };
static const struct target_register sse[] = { VIEW_SSE(REGISTER) };
static const struct target_register bases[] = { VIEW_BASES(REGISTER) };

static const uint16_t own[] = { VIEW_CORE(OWN) VIEW_SSE(OWN) VIEW_BASES(OWN) };

static const struct target_feature features[] = {
	{ "org.gnu.gdb.i386.core", core, COUNT(core) },
	{ "org.gnu.gdb.i386.sse", sse, COUNT(sse) },
	{ "org.gdbproxy.x86.bases", bases, COUNT(bases) },
};

/* clang-format on */

#define VIEW(of)                                                                                   \
	{                                                                                          \
		.name = of, .architecture = of, .features = features,                              \
		.feature_count = COUNT(features), .own = own, .replaces = X86_FEATURE_PKEYS + 1    \
	}

const struct arch_view views_x86_64[X86_VIEW_COUNT] = {
	[X86_VIEW_I386] = VIEW("i386"),
	[X86_VIEW_I8086] = VIEW("i8086"),
};

int views_x86_64_fitting(const struct cpu *cpu)
{
	switch (arch_x86_64_code_bits(cpu)) {
	case 16:
		return X86_VIEW_I8086;
	case 32:
		return X86_VIEW_I386;
	default:
		return -1;
	}
}
