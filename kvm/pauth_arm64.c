/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bits of an address pointer authentication takes: a debugger needs to know to find its way
 * through return addresses that are signed on the stack.
 */
#include "kvm/arch_arm64.h"

#define TOP_BYTE UINT64_C(0xff00000000000000)
#define SELECTOR BIT(55) /* which half of the address space: never part of a signature */

enum { TNSZ_MIN = 12, TNSZ_MAX = 48 }; /* with every extension; others are out of use */

/* APA, API and APA3: three algorithms, of which a CPU has one. */
bool pauth_arm64_exists(const struct cpu_arm64 *cpu)
{
	return FIELD(arm64_sysreg(cpu, ARM64_ID_AA64ISAR1_EL1), 4, 8) ||
	       FIELD(arm64_sysreg(cpu, ARM64_ID_AA64ISAR2_EL1), 12, 4);
}

/* Bits of an address that are translated: 64 less TCR_EL1.T0SZ or T1SZ. */
static unsigned pauth_arm64_address_bits(uint64_t tcr, bool is_high)
{
	unsigned tnsz = (unsigned)FIELD(tcr, is_high ? 16 : 0, 6);

	if (tnsz < TNSZ_MIN)
		tnsz = TNSZ_MIN;
	if (tnsz > TNSZ_MAX)
		tnsz = TNSZ_MAX;
	return 64 - tnsz;
}

/* TCR_EL1.TBI0, TBI1: the top byte is software's; with TBID0, TBID1 only in addresses of data. */
static bool pauth_arm64_ignores_top_byte(uint64_t tcr, bool is_high, bool is_code)
{
	return FIELD(tcr, is_high ? 38 : 37, 1) && !(is_code && FIELD(tcr, is_high ? 52 : 51, 1));
}

uint64_t pauth_arm64_mask(uint64_t tcr_el1, bool is_high, bool is_code)
{
	uint64_t mask = ~(BIT(pauth_arm64_address_bits(tcr_el1, is_high)) - 1) & ~SELECTOR;

	return pauth_arm64_ignores_top_byte(tcr_el1, is_high, is_code) ? mask & ~TOP_BYTE : mask;
}
