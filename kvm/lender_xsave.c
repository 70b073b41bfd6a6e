/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM_GET_XSAVE2 writes as much as this guest's extended state takes, and is not told how much room
 * there is.  It cannot be more than the machine has.
 */
#include "kvm/lender.h"

#if defined(__x86_64__)

#include <cpuid.h>

/* Of all components that XCR0 can have here: Intel SDM volume 2, CPUID, leaf 0xD, ECX. */
uint32_t lender_xsave_bytes(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(0xd, 0, &a, &b, &c, &d) ? c : 0;
}

#else

uint32_t lender_xsave_bytes(void)
{
	return 0;
}

#endif
