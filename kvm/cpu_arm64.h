/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of one parked arm64 vCPU, as the daemon holds them between two runs.
 */
#ifndef KVM_CPU_ARM64_H
#define KVM_CPU_ARM64_H

#include <stdbool.h>
#include <stdint.h>

/*
 * System registers that are fetched: X(name, op0, op1, CRn, CRm, op2, access), the numbers of MRS
 * and MSR (Arm ARM, D19).  The first list is needed at every stop (translation, exception entry,
 * the number of debug registers) and belongs to CPU_SYSTEM, the second to CPU_MSRS.  EL2's exist in
 * a guest that may itself be a hypervisor.
 */
#define ARM64_SYSREGS_STOP(X)                                                                      \
	X(SCTLR_EL1, 3, 0, 1, 0, 0, READ_WRITE)                                                    \
	X(TCR_EL1, 3, 0, 2, 0, 2, READ_WRITE)                                                      \
	X(TTBR0_EL1, 3, 0, 2, 0, 0, READ_WRITE)                                                    \
	X(TTBR1_EL1, 3, 0, 2, 0, 1, READ_WRITE)                                                    \
	X(VBAR_EL1, 3, 0, 12, 0, 0, READ_WRITE)                                                    \
	X(ESR_EL1, 3, 0, 5, 2, 0, READ_WRITE)                                                      \
	X(FAR_EL1, 3, 0, 6, 0, 0, READ_WRITE)                                                      \
	X(HCR_EL2, 3, 4, 1, 1, 0, READ_ONLY)                                                       \
	X(MDCR_EL2, 3, 4, 1, 1, 1, READ_ONLY)                                                      \
	X(ID_AA64PFR1_EL1, 3, 0, 0, 4, 1, CONSTANT)                                                \
	X(ID_AA64DFR0_EL1, 3, 0, 0, 5, 0, CONSTANT)                                                \
	X(ID_AA64MMFR0_EL1, 3, 0, 0, 7, 0, CONSTANT)                                               \
	X(ID_AA64MMFR2_EL1, 3, 0, 0, 7, 2, CONSTANT)

#define ARM64_SYSREGS_MORE(X)                                                                      \
	X(MAIR_EL1, 3, 0, 10, 2, 0, READ_WRITE)                                                    \
	X(AMAIR_EL1, 3, 0, 10, 3, 0, READ_WRITE)                                                   \
	X(CONTEXTIDR_EL1, 3, 0, 13, 0, 1, READ_WRITE)                                              \
	X(TPIDR_EL0, 3, 3, 13, 0, 2, READ_WRITE)                                                   \
	X(TPIDRRO_EL0, 3, 3, 13, 0, 3, READ_WRITE)                                                 \
	X(TPIDR_EL1, 3, 0, 13, 0, 4, READ_WRITE)                                                   \
	X(AFSR0_EL1, 3, 0, 5, 1, 0, READ_WRITE)                                                    \
	X(AFSR1_EL1, 3, 0, 5, 1, 1, READ_WRITE)                                                    \
	X(CPACR_EL1, 3, 0, 1, 0, 2, READ_WRITE)                                                    \
	X(CNTKCTL_EL1, 3, 0, 14, 1, 0, READ_WRITE)                                                 \
	X(PAR_EL1, 3, 0, 7, 4, 0, READ_WRITE)                                                      \
	X(MIDR_EL1, 3, 0, 0, 0, 0, CONSTANT)                                                       \
	X(MPIDR_EL1, 3, 0, 0, 0, 5, CONSTANT)                                                      \
	X(CTR_EL0, 3, 3, 0, 0, 1, CONSTANT)                                                        \
	X(ID_AA64PFR0_EL1, 3, 0, 0, 4, 0, CONSTANT)                                                \
	X(ID_AA64ISAR0_EL1, 3, 0, 0, 6, 0, CONSTANT)                                               \
	X(ID_AA64ISAR1_EL1, 3, 0, 0, 6, 1, CONSTANT)                                               \
	X(ID_AA64MMFR1_EL1, 3, 0, 0, 7, 1, CONSTANT)

#define ARM64_SYSREG_INDEX(name, ...) ARM64_##name,

/* clang-format off */
enum arm64_sysreg {
	ARM64_SYSREGS_STOP(ARM64_SYSREG_INDEX)
	ARM64_SYSREG_STOP, /* how many CPU_SYSTEM has */
	ARM64_SYSREG_LAST_STOP = ARM64_SYSREG_STOP - 1,
	ARM64_SYSREGS_MORE(ARM64_SYSREG_INDEX)
	ARM64_SYSREG_COUNT,
};
/* clang-format on */

enum arm64_access {
	ARM64_READ_WRITE,
	ARM64_READ_ONLY, /* to the debugger */
	ARM64_CONSTANT,  /* and never changes while the vCPU lives: fetched once */
};

struct arm64_sysreg_info {
	const char *name;
	uint16_t encoding; /* the five numbers as the low 16 bits of a ONE_REG id have them */
	enum arm64_access access;
};

extern const struct arm64_sysreg_info arm64_sysregs[ARM64_SYSREG_COUNT];

struct arm64_regs {
	uint64_t x[31], sp_el0, pc, pstate; /* pstate in SPSR layout */
	uint64_t sp_el1, elr_el1, spsr_el1;
};

/* A vCPU with SVE gives its vector registers whole, and no other way. */
enum arm64_fp_form { ARM64_FP_UNKNOWN, ARM64_FP_V, ARM64_FP_Z };

struct arm64_fp {
	uint8_t v[32][16];
	uint8_t z_rest[32][240]; /* ARM64_FP_Z: what is above v, kept for the store */
	uint32_t fpsr, fpcr;
};

enum { ARM64_FP_FPSR = 32, ARM64_FP_FPCR = 33, ARM64_FP_COUNT = 34 };

enum { ARM64_MAX_SLOTS = 16 };

struct arm64_debugregs { /* always the guest's own */
	uint64_t bcr[ARM64_MAX_SLOTS], bvr[ARM64_MAX_SLOTS];
	uint64_t wcr[ARM64_MAX_SLOTS], wvr[ARM64_MAX_SLOTS];
	uint64_t mdscr_el1, oslsr_el1;
};

struct cpu_arm64 {
	struct arm64_regs regs;               /* CPU_GENERAL */
	struct arm64_regs stored;             /* what the vCPU has: only differences are stored */
	uint64_t sysregs[ARM64_SYSREG_COUNT]; /* CPU_SYSTEM and CPU_MSRS */
	uint64_t sysregs_valid;               /* bit n: KVM gave sysregs[n] */
	uint64_t sysregs_absent;              /* KVM does not know it: not asked again */
	uint64_t sysregs_dirty;
	struct arm64_fp fp; /* CPU_FLOAT */
	enum arm64_fp_form fp_form;
	uint64_t fp_dirty;                /* bit n: v[n], or ARM64_FP_FPSR and _FPCR */
	struct arm64_debugregs debugregs; /* CPU_DEBUG; of it only mdscr_el1 is ever written */
	uint8_t breakpoint_slots, watchpoint_slots; /* from ID_AA64DFR0_EL1; 0 until it is known */
	uint32_t mp_state;                          /* CPU_MP: KVM_MP_STATE_... */
};

#endif
