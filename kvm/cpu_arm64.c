/* SPDX-License-Identifier: Apache-2.0 */
/* The table of system registers: the lists of sysregs_arm64.h. */
#include "kvm/cpu_arm64.h"

#define ARM64_SYSREG_INFO(name, op0, op1, crn, crm, op2, how)                                      \
	{ #name, (op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2), ARM64_##how },

/* clang-format off */
const struct arm64_sysreg_info arm64_sysregs[ARM64_SYSREG_COUNT] = {
	ARM64_SYSREGS_STOP(ARM64_SYSREG_INFO)
	ARM64_SYSREGS_COMMON(ARM64_SYSREG_INFO)
	ARM64_SYSREGS_RARE(ARM64_SYSREG_INFO)
};
/* clang-format on */
