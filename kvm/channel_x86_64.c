/* SPDX-License-Identifier: Apache-2.0 */
/* The vCPU ioctls a channel carries on x86-64.  Sizes: arch/x86/include/uapi/asm/kvm.h. */
#include <string.h>

#include "kvm/channel.h"
#include "kvm/channel_rules.h"

/* struct kvm_msrs: a header of 8 with the number of entries, then 16 bytes each. */
enum { MSRS_HEADER = 8, MSR_ENTRY = 16, MSRS_MAX = MSRS_HEADER + 64 * MSR_ENTRY };

static bool msrs_agree(const void *argument, uint32_t size)
{
	uint32_t nmsrs;

	memcpy(&nmsrs, argument, sizeof(nmsrs));
	return nmsrs == (size - MSRS_HEADER) / MSR_ENTRY;
}

/* struct kvm_cpuid2: the same header, then 40 bytes each, of which KVM has 256 at most. */
enum { CPUID_ENTRY = 40, CPUID_MAX = MSRS_HEADER + 256 * CPUID_ENTRY };

static bool cpuid_agrees(const void *argument, uint32_t size)
{
	uint32_t nent;

	memcpy(&nent, argument, sizeof(nent));
	return nent == (size - MSRS_HEADER) / CPUID_ENTRY;
}

enum { XSAVE = 4096, XSAVE2 = 12288 };

#define PLAIN(request, size)                                                                       \
	{                                                                                          \
		request(size), size, 0, 0, CHANNEL_PLAIN, NULL                                     \
	}
#define GET_REGS(size)        CHANNEL_READS(0x81, size)
#define SET_REGS(size)        CHANNEL_WRITES(0x82, size)
#define GET_SREGS(size)       CHANNEL_READS(0x83, size)
#define SET_SREGS(size)       CHANNEL_WRITES(0x84, size)
#define TRANSLATE(size)       CHANNEL_SWAPS(0x85, size)
#define GET_FPU(size)         CHANNEL_READS(0x8c, size)
#define SET_FPU(size)         CHANNEL_WRITES(0x8d, size)
#define GET_MP_STATE(size)    CHANNEL_READS(0x98, size)
#define SET_MP_STATE(size)    CHANNEL_WRITES(0x99, size)
#define GET_VCPU_EVENTS(size) CHANNEL_READS(0x9f, size)
#define SET_VCPU_EVENTS(size) CHANNEL_WRITES(0xa0, size)
#define GET_DEBUGREGS(size)   CHANNEL_READS(0xa1, size)
#define SET_DEBUGREGS(size)   CHANNEL_WRITES(0xa2, size)
#define GET_XSAVE(size)       CHANNEL_READS(0xa4, size)
#define GET_XCRS(size)        CHANNEL_READS(0xa6, size)
#define SET_XCRS(size)        CHANNEL_WRITES(0xa7, size)

static const struct channel_rule rules[] = {
	PLAIN(GET_REGS, 144),
	PLAIN(SET_REGS, 144),
	PLAIN(GET_SREGS, 312),
	PLAIN(SET_SREGS, 312),
	PLAIN(TRANSLATE, 24),
	PLAIN(GET_FPU, 416),
	PLAIN(SET_FPU, 416),
	PLAIN(GET_MP_STATE, 4),
	PLAIN(SET_MP_STATE, 4),
	PLAIN(GET_VCPU_EVENTS, 64),
	PLAIN(SET_VCPU_EVENTS, 64),
	PLAIN(GET_DEBUGREGS, 128),
	PLAIN(SET_DEBUGREGS, 128),
	PLAIN(GET_XSAVE, 4096),
	/* SET_XSAVE, as short as GET_XSAVE or as long as GET_XSAVE2: with room for AMX, which ends at 11008 */
	{ CHANNEL_WRITES(0xa5, XSAVE), XSAVE, XSAVE2 - XSAVE, XSAVE2, CHANNEL_PLAIN, NULL },
	{ CHANNEL_READS(0xcf, XSAVE), XSAVE2, XSAVE2, XSAVE2, CHANNEL_XSAVE2, NULL },
	PLAIN(GET_XCRS, 392),
	PLAIN(SET_XCRS, 392),
	/* GET_MSRS, SET_MSRS: 1 to 64 of them */
	{ CHANNEL_SWAPS(0x88, MSRS_HEADER), MSRS_HEADER + MSR_ENTRY, MSR_ENTRY, MSRS_MAX,
		CHANNEL_COUNTED, msrs_agree },
	{ CHANNEL_WRITES(0x89, MSRS_HEADER), MSRS_HEADER + MSR_ENTRY, MSR_ENTRY, MSRS_MAX,
		CHANNEL_COUNTED, msrs_agree },
	/* GET_CPUID2: up to 256 leaves */
	{ CHANNEL_SWAPS(0x91, MSRS_HEADER), MSRS_HEADER + CPUID_ENTRY, CPUID_ENTRY, CPUID_MAX,
		CHANNEL_PLAIN, cpuid_agrees },
	/* SET_GUEST_DEBUG */
	{ CHANNEL_WRITES(0x9b, 72), 72, 0, 0, CHANNEL_GUEST_DEBUG, NULL },
	{ CHANNEL_SYNC_CODE, 16, 0, 0, CHANNEL_CODE, NULL },
};

const struct channel_rules channel_rules = {
	.rule = rules,
	.count = sizeof(rules) / sizeof(rules[0]),
};
