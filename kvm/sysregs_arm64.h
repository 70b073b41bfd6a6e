/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system registers that KVM's arm64 has shown in any version, as X(name, op0, op1, CRn, CRm, op2,
 * access): the names and numbers of MRS and MSR (Arm ARM, D24).  Which of them a vCPU has is for KVM
 * to say.  Left out: what KVM keeps with the general registers (ELR_EL1, SPSR_EL1, SP_EL0, SP_EL1),
 * the debug registers, which come in pairs; CCSIDR_EL1, of which there is one for each CSSELR_EL1; and
 * MDCCINT_EL1, in whose place Linux 6.1 shows, and takes, an address of its own.
 */
#ifndef KVM_SYSREGS_ARM64_H
#define KVM_SYSREGS_ARM64_H

/* What every stop needs (translation, exception entry, the number of debug registers): CPU_SYSTEM. */
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

/* Control and state of EL1 and EL0. */
#define ARM64_SYSREGS_CONTROL(X)                                                                   \
	X(ACTLR_EL1, 3, 0, 1, 0, 1, READ_WRITE)                                                    \
	X(CPACR_EL1, 3, 0, 1, 0, 2, READ_WRITE)                                                    \
	X(SCTLR2_EL1, 3, 0, 1, 0, 3, READ_WRITE)                                                   \
	X(RGSR_EL1, 3, 0, 1, 0, 5, READ_WRITE)                                                     \
	X(GCR_EL1, 3, 0, 1, 0, 6, READ_WRITE)                                                      \
	X(ZCR_EL1, 3, 0, 1, 2, 0, READ_WRITE)                                                      \
	X(TRFCR_EL1, 3, 0, 1, 2, 1, READ_WRITE)                                                    \
	X(SMPRI_EL1, 3, 0, 1, 2, 4, READ_WRITE)                                                    \
	X(SMCR_EL1, 3, 0, 1, 2, 6, READ_WRITE)                                                     \
	X(TCR2_EL1, 3, 0, 2, 0, 3, READ_WRITE)                                                     \
	X(GCSCR_EL1, 3, 0, 2, 5, 0, READ_WRITE)                                                    \
	X(GCSPR_EL1, 3, 0, 2, 5, 1, READ_WRITE)                                                    \
	X(GCSCRE0_EL1, 3, 0, 2, 5, 2, READ_WRITE)                                                  \
	X(AFSR0_EL1, 3, 0, 5, 1, 0, READ_WRITE)                                                    \
	X(AFSR1_EL1, 3, 0, 5, 1, 1, READ_WRITE)                                                    \
	X(TFSR_EL1, 3, 0, 5, 6, 0, READ_WRITE)                                                     \
	X(TFSRE0_EL1, 3, 0, 5, 6, 1, READ_WRITE)                                                   \
	X(PAR_EL1, 3, 0, 7, 4, 0, READ_WRITE)                                                      \
	X(MAIR_EL1, 3, 0, 10, 2, 0, READ_WRITE)                                                    \
	X(MAIR2_EL1, 3, 0, 10, 2, 1, READ_WRITE)                                                   \
	X(PIRE0_EL1, 3, 0, 10, 2, 2, READ_WRITE)                                                   \
	X(PIR_EL1, 3, 0, 10, 2, 3, READ_WRITE)                                                     \
	X(POR_EL1, 3, 0, 10, 2, 4, READ_WRITE)                                                     \
	X(S2POR_EL1, 3, 0, 10, 2, 5, READ_WRITE)                                                   \
	X(AMAIR_EL1, 3, 0, 10, 3, 0, READ_WRITE)                                                   \
	X(AMAIR2_EL1, 3, 0, 10, 3, 1, READ_WRITE)                                                  \
	X(DISR_EL1, 3, 0, 12, 1, 1, READ_WRITE)                                                    \
	X(CONTEXTIDR_EL1, 3, 0, 13, 0, 1, READ_WRITE)                                              \
	X(TPIDR_EL1, 3, 0, 13, 0, 4, READ_WRITE)                                                   \
	X(SCXTNUM_EL1, 3, 0, 13, 0, 7, READ_WRITE)                                                 \
	X(CNTKCTL_EL1, 3, 0, 14, 1, 0, READ_WRITE)                                                 \
	X(CSSELR_EL1, 3, 2, 0, 0, 0, READ_WRITE)                                                   \
	X(GCSPR_EL0, 3, 3, 2, 5, 1, READ_WRITE)                                                    \
	X(FPMR, 3, 3, 4, 4, 2, READ_WRITE)                                                         \
	X(POR_EL0, 3, 3, 10, 2, 4, READ_WRITE)                                                     \
	X(TPIDR_EL0, 3, 3, 13, 0, 2, READ_WRITE)                                                   \
	X(TPIDRRO_EL0, 3, 3, 13, 0, 3, READ_WRITE)                                                 \
	X(TPIDR2_EL0, 3, 3, 13, 0, 5, READ_WRITE)                                                  \
	X(SCXTNUM_EL0, 3, 3, 13, 0, 7, READ_WRITE)

/* The keys of pointer authentication. */
#define ARM64_SYSREGS_KEYS(X)                                                                      \
	X(APIAKeyLo_EL1, 3, 0, 2, 1, 0, READ_WRITE)                                                \
	X(APIAKeyHi_EL1, 3, 0, 2, 1, 1, READ_WRITE)                                                \
	X(APIBKeyLo_EL1, 3, 0, 2, 1, 2, READ_WRITE)                                                \
	X(APIBKeyHi_EL1, 3, 0, 2, 1, 3, READ_WRITE)                                                \
	X(APDAKeyLo_EL1, 3, 0, 2, 2, 0, READ_WRITE)                                                \
	X(APDAKeyHi_EL1, 3, 0, 2, 2, 1, READ_WRITE)                                                \
	X(APDBKeyLo_EL1, 3, 0, 2, 2, 2, READ_WRITE)                                                \
	X(APDBKeyHi_EL1, 3, 0, 2, 2, 3, READ_WRITE)                                                \
	X(APGAKeyLo_EL1, 3, 0, 2, 3, 0, READ_WRITE)                                                \
	X(APGAKeyHi_EL1, 3, 0, 2, 3, 1, READ_WRITE)

/*
 * The generic timer.  In KVM's numbering CNTV_CVAL_EL0 and CNTVCT_EL0 have changed places (uapi: asm/kvm.h,
 * KVM_REG_ARM_TIMER_CVAL).
 */
#define ARM64_SYSREGS_TIMER(X)                                                                     \
	X(CNTPCT_EL0, 3, 3, 14, 0, 1, READ_ONLY)                                                   \
	X(CNTP_CTL_EL0, 3, 3, 14, 2, 1, READ_WRITE)                                                \
	X(CNTP_CVAL_EL0, 3, 3, 14, 2, 2, READ_WRITE)                                               \
	X(CNTV_CVAL_EL0, 3, 3, 14, 0, 2, READ_WRITE)                                               \
	X(CNTV_CTL_EL0, 3, 3, 14, 3, 1, READ_WRITE)                                                \
	X(CNTVCT_EL0, 3, 3, 14, 3, 2, READ_ONLY)

/*
 * The performance monitors.  A set of counters goes by two names, one that adds and one that removes:
 * both read the same, and KVM stores it whole by the one that adds.
 */
#define ARM64_SYSREGS_MONITOR(X)                                                                   \
	X(PMINTENSET_EL1, 3, 0, 9, 14, 1, READ_WRITE)                                              \
	X(PMINTENCLR_EL1, 3, 0, 9, 14, 2, READ_ONLY)                                               \
	X(PMMIR_EL1, 3, 0, 9, 14, 6, READ_ONLY)                                                    \
	X(PMCR_EL0, 3, 3, 9, 12, 0, READ_WRITE)                                                    \
	X(PMCNTENSET_EL0, 3, 3, 9, 12, 1, READ_WRITE)                                              \
	X(PMCNTENCLR_EL0, 3, 3, 9, 12, 2, READ_ONLY)                                               \
	X(PMOVSCLR_EL0, 3, 3, 9, 12, 3, READ_ONLY)                                                 \
	X(PMSELR_EL0, 3, 3, 9, 12, 5, READ_WRITE)                                                  \
	X(PMCCNTR_EL0, 3, 3, 9, 13, 0, READ_WRITE)                                                 \
	X(PMUSERENR_EL0, 3, 3, 9, 14, 0, READ_WRITE)                                               \
	X(PMOVSSET_EL0, 3, 3, 9, 14, 3, READ_WRITE)                                                \
	X(PMCCFILTR_EL0, 3, 3, 14, 15, 7, READ_WRITE)

#define ARM64_SYSREGS_COUNTERS(X)                                                                  \
	X(PMEVCNTR0_EL0, 3, 3, 14, 8, 0, READ_WRITE)                                               \
	X(PMEVCNTR1_EL0, 3, 3, 14, 8, 1, READ_WRITE)                                               \
	X(PMEVCNTR2_EL0, 3, 3, 14, 8, 2, READ_WRITE)                                               \
	X(PMEVCNTR3_EL0, 3, 3, 14, 8, 3, READ_WRITE)                                               \
	X(PMEVCNTR4_EL0, 3, 3, 14, 8, 4, READ_WRITE)                                               \
	X(PMEVCNTR5_EL0, 3, 3, 14, 8, 5, READ_WRITE)                                               \
	X(PMEVCNTR6_EL0, 3, 3, 14, 8, 6, READ_WRITE)                                               \
	X(PMEVCNTR7_EL0, 3, 3, 14, 8, 7, READ_WRITE)                                               \
	X(PMEVCNTR8_EL0, 3, 3, 14, 9, 0, READ_WRITE)                                               \
	X(PMEVCNTR9_EL0, 3, 3, 14, 9, 1, READ_WRITE)                                               \
	X(PMEVCNTR10_EL0, 3, 3, 14, 9, 2, READ_WRITE)                                              \
	X(PMEVCNTR11_EL0, 3, 3, 14, 9, 3, READ_WRITE)                                              \
	X(PMEVCNTR12_EL0, 3, 3, 14, 9, 4, READ_WRITE)                                              \
	X(PMEVCNTR13_EL0, 3, 3, 14, 9, 5, READ_WRITE)                                              \
	X(PMEVCNTR14_EL0, 3, 3, 14, 9, 6, READ_WRITE)                                              \
	X(PMEVCNTR15_EL0, 3, 3, 14, 9, 7, READ_WRITE)                                              \
	X(PMEVCNTR16_EL0, 3, 3, 14, 10, 0, READ_WRITE)                                             \
	X(PMEVCNTR17_EL0, 3, 3, 14, 10, 1, READ_WRITE)                                             \
	X(PMEVCNTR18_EL0, 3, 3, 14, 10, 2, READ_WRITE)                                             \
	X(PMEVCNTR19_EL0, 3, 3, 14, 10, 3, READ_WRITE)                                             \
	X(PMEVCNTR20_EL0, 3, 3, 14, 10, 4, READ_WRITE)                                             \
	X(PMEVCNTR21_EL0, 3, 3, 14, 10, 5, READ_WRITE)                                             \
	X(PMEVCNTR22_EL0, 3, 3, 14, 10, 6, READ_WRITE)                                             \
	X(PMEVCNTR23_EL0, 3, 3, 14, 10, 7, READ_WRITE)                                             \
	X(PMEVCNTR24_EL0, 3, 3, 14, 11, 0, READ_WRITE)                                             \
	X(PMEVCNTR25_EL0, 3, 3, 14, 11, 1, READ_WRITE)                                             \
	X(PMEVCNTR26_EL0, 3, 3, 14, 11, 2, READ_WRITE)                                             \
	X(PMEVCNTR27_EL0, 3, 3, 14, 11, 3, READ_WRITE)                                             \
	X(PMEVCNTR28_EL0, 3, 3, 14, 11, 4, READ_WRITE)                                             \
	X(PMEVCNTR29_EL0, 3, 3, 14, 11, 5, READ_WRITE)                                             \
	X(PMEVCNTR30_EL0, 3, 3, 14, 11, 6, READ_WRITE)                                             \
	X(PMEVTYPER0_EL0, 3, 3, 14, 12, 0, READ_WRITE)                                             \
	X(PMEVTYPER1_EL0, 3, 3, 14, 12, 1, READ_WRITE)                                             \
	X(PMEVTYPER2_EL0, 3, 3, 14, 12, 2, READ_WRITE)                                             \
	X(PMEVTYPER3_EL0, 3, 3, 14, 12, 3, READ_WRITE)                                             \
	X(PMEVTYPER4_EL0, 3, 3, 14, 12, 4, READ_WRITE)                                             \
	X(PMEVTYPER5_EL0, 3, 3, 14, 12, 5, READ_WRITE)                                             \
	X(PMEVTYPER6_EL0, 3, 3, 14, 12, 6, READ_WRITE)                                             \
	X(PMEVTYPER7_EL0, 3, 3, 14, 12, 7, READ_WRITE)                                             \
	X(PMEVTYPER8_EL0, 3, 3, 14, 13, 0, READ_WRITE)                                             \
	X(PMEVTYPER9_EL0, 3, 3, 14, 13, 1, READ_WRITE)                                             \
	X(PMEVTYPER10_EL0, 3, 3, 14, 13, 2, READ_WRITE)                                            \
	X(PMEVTYPER11_EL0, 3, 3, 14, 13, 3, READ_WRITE)                                            \
	X(PMEVTYPER12_EL0, 3, 3, 14, 13, 4, READ_WRITE)                                            \
	X(PMEVTYPER13_EL0, 3, 3, 14, 13, 5, READ_WRITE)                                            \
	X(PMEVTYPER14_EL0, 3, 3, 14, 13, 6, READ_WRITE)                                            \
	X(PMEVTYPER15_EL0, 3, 3, 14, 13, 7, READ_WRITE)                                            \
	X(PMEVTYPER16_EL0, 3, 3, 14, 14, 0, READ_WRITE)                                            \
	X(PMEVTYPER17_EL0, 3, 3, 14, 14, 1, READ_WRITE)                                            \
	X(PMEVTYPER18_EL0, 3, 3, 14, 14, 2, READ_WRITE)                                            \
	X(PMEVTYPER19_EL0, 3, 3, 14, 14, 3, READ_WRITE)                                            \
	X(PMEVTYPER20_EL0, 3, 3, 14, 14, 4, READ_WRITE)                                            \
	X(PMEVTYPER21_EL0, 3, 3, 14, 14, 5, READ_WRITE)                                            \
	X(PMEVTYPER22_EL0, 3, 3, 14, 14, 6, READ_WRITE)                                            \
	X(PMEVTYPER23_EL0, 3, 3, 14, 14, 7, READ_WRITE)                                            \
	X(PMEVTYPER24_EL0, 3, 3, 14, 15, 0, READ_WRITE)                                            \
	X(PMEVTYPER25_EL0, 3, 3, 14, 15, 1, READ_WRITE)                                            \
	X(PMEVTYPER26_EL0, 3, 3, 14, 15, 2, READ_WRITE)                                            \
	X(PMEVTYPER27_EL0, 3, 3, 14, 15, 3, READ_WRITE)                                            \
	X(PMEVTYPER28_EL0, 3, 3, 14, 15, 4, READ_WRITE)                                            \
	X(PMEVTYPER29_EL0, 3, 3, 14, 15, 5, READ_WRITE)                                            \
	X(PMEVTYPER30_EL0, 3, 3, 14, 15, 6, READ_WRITE)

/* What the vCPU says of itself. */
#define ARM64_SYSREGS_IDENTITY(X)                                                                  \
	X(MIDR_EL1, 3, 0, 0, 0, 0, CONSTANT)                                                       \
	X(MPIDR_EL1, 3, 0, 0, 0, 5, CONSTANT)                                                      \
	X(REVIDR_EL1, 3, 0, 0, 0, 6, CONSTANT)                                                     \
	X(ID_PFR0_EL1, 3, 0, 0, 1, 0, CONSTANT)                                                    \
	X(ID_PFR1_EL1, 3, 0, 0, 1, 1, CONSTANT)                                                    \
	X(ID_DFR0_EL1, 3, 0, 0, 1, 2, CONSTANT)                                                    \
	X(ID_AFR0_EL1, 3, 0, 0, 1, 3, CONSTANT)                                                    \
	X(ID_MMFR0_EL1, 3, 0, 0, 1, 4, CONSTANT)                                                   \
	X(ID_MMFR1_EL1, 3, 0, 0, 1, 5, CONSTANT)                                                   \
	X(ID_MMFR2_EL1, 3, 0, 0, 1, 6, CONSTANT)                                                   \
	X(ID_MMFR3_EL1, 3, 0, 0, 1, 7, CONSTANT)                                                   \
	X(ID_ISAR0_EL1, 3, 0, 0, 2, 0, CONSTANT)                                                   \
	X(ID_ISAR1_EL1, 3, 0, 0, 2, 1, CONSTANT)                                                   \
	X(ID_ISAR2_EL1, 3, 0, 0, 2, 2, CONSTANT)                                                   \
	X(ID_ISAR3_EL1, 3, 0, 0, 2, 3, CONSTANT)                                                   \
	X(ID_ISAR4_EL1, 3, 0, 0, 2, 4, CONSTANT)                                                   \
	X(ID_ISAR5_EL1, 3, 0, 0, 2, 5, CONSTANT)                                                   \
	X(ID_MMFR4_EL1, 3, 0, 0, 2, 6, CONSTANT)                                                   \
	X(ID_ISAR6_EL1, 3, 0, 0, 2, 7, CONSTANT)                                                   \
	X(MVFR0_EL1, 3, 0, 0, 3, 0, CONSTANT)                                                      \
	X(MVFR1_EL1, 3, 0, 0, 3, 1, CONSTANT)                                                      \
	X(MVFR2_EL1, 3, 0, 0, 3, 2, CONSTANT)                                                      \
	X(ID_PFR2_EL1, 3, 0, 0, 3, 4, CONSTANT)                                                    \
	X(ID_DFR1_EL1, 3, 0, 0, 3, 5, CONSTANT)                                                    \
	X(ID_MMFR5_EL1, 3, 0, 0, 3, 6, CONSTANT)                                                   \
	X(ID_AA64PFR0_EL1, 3, 0, 0, 4, 0, CONSTANT)                                                \
	X(ID_AA64PFR2_EL1, 3, 0, 0, 4, 2, CONSTANT)                                                \
	X(ID_AA64ZFR0_EL1, 3, 0, 0, 4, 4, CONSTANT)                                                \
	X(ID_AA64SMFR0_EL1, 3, 0, 0, 4, 5, CONSTANT)                                               \
	X(ID_AA64FPFR0_EL1, 3, 0, 0, 4, 7, CONSTANT)                                               \
	X(ID_AA64DFR1_EL1, 3, 0, 0, 5, 1, CONSTANT)                                                \
	X(ID_AA64DFR2_EL1, 3, 0, 0, 5, 2, CONSTANT)                                                \
	X(ID_AA64AFR0_EL1, 3, 0, 0, 5, 4, CONSTANT)                                                \
	X(ID_AA64AFR1_EL1, 3, 0, 0, 5, 5, CONSTANT)                                                \
	X(ID_AA64ISAR0_EL1, 3, 0, 0, 6, 0, CONSTANT)                                               \
	X(ID_AA64ISAR1_EL1, 3, 0, 0, 6, 1, CONSTANT)                                               \
	X(ID_AA64ISAR2_EL1, 3, 0, 0, 6, 2, CONSTANT)                                               \
	X(ID_AA64ISAR3_EL1, 3, 0, 0, 6, 3, CONSTANT)                                               \
	X(ID_AA64MMFR1_EL1, 3, 0, 0, 7, 1, CONSTANT)                                               \
	X(ID_AA64MMFR3_EL1, 3, 0, 0, 7, 3, CONSTANT)                                               \
	X(ID_AA64MMFR4_EL1, 3, 0, 0, 7, 4, CONSTANT)                                               \
	X(CLIDR_EL1, 3, 1, 0, 0, 1, CONSTANT)                                                      \
	X(CCSIDR2_EL1, 3, 1, 0, 0, 2, READ_ONLY)                                                   \
	X(GMID_EL1, 3, 1, 0, 0, 4, CONSTANT)                                                       \
	X(SMIDR_EL1, 3, 1, 0, 0, 6, CONSTANT)                                                      \
	X(AIDR_EL1, 3, 1, 0, 0, 7, CONSTANT)                                                       \
	X(CTR_EL0, 3, 3, 0, 0, 1, CONSTANT)

/* Of a guest that may itself be a hypervisor; the last ones also tell of AArch32 at EL1. */
#define ARM64_SYSREGS_EL2(X)                                                                       \
	X(VPIDR_EL2, 3, 4, 0, 0, 0, READ_WRITE)                                                    \
	X(VMPIDR_EL2, 3, 4, 0, 0, 5, READ_WRITE)                                                   \
	X(SCTLR_EL2, 3, 4, 1, 0, 0, READ_WRITE)                                                    \
	X(ACTLR_EL2, 3, 4, 1, 0, 1, READ_WRITE)                                                    \
	X(SCTLR2_EL2, 3, 4, 1, 0, 3, READ_WRITE)                                                   \
	X(CPTR_EL2, 3, 4, 1, 1, 2, READ_WRITE)                                                     \
	X(HSTR_EL2, 3, 4, 1, 1, 3, READ_WRITE)                                                     \
	X(HFGRTR_EL2, 3, 4, 1, 1, 4, READ_WRITE)                                                   \
	X(HFGWTR_EL2, 3, 4, 1, 1, 5, READ_WRITE)                                                   \
	X(HFGITR_EL2, 3, 4, 1, 1, 6, READ_WRITE)                                                   \
	X(HACR_EL2, 3, 4, 1, 1, 7, READ_WRITE)                                                     \
	X(ZCR_EL2, 3, 4, 1, 2, 0, READ_WRITE)                                                      \
	X(TRFCR_EL2, 3, 4, 1, 2, 1, READ_WRITE)                                                    \
	X(HCRX_EL2, 3, 4, 1, 2, 2, READ_WRITE)                                                     \
	X(SMCR_EL2, 3, 4, 1, 2, 6, READ_WRITE)                                                     \
	X(TTBR0_EL2, 3, 4, 2, 0, 0, READ_WRITE)                                                    \
	X(TTBR1_EL2, 3, 4, 2, 0, 1, READ_WRITE)                                                    \
	X(TCR_EL2, 3, 4, 2, 0, 2, READ_WRITE)                                                      \
	X(TCR2_EL2, 3, 4, 2, 0, 3, READ_WRITE)                                                     \
	X(VTTBR_EL2, 3, 4, 2, 1, 0, READ_WRITE)                                                    \
	X(VTCR_EL2, 3, 4, 2, 1, 2, READ_WRITE)                                                     \
	X(VNCR_EL2, 3, 4, 2, 2, 0, READ_WRITE)                                                     \
	X(HDFGRTR2_EL2, 3, 4, 3, 1, 0, READ_WRITE)                                                 \
	X(HDFGWTR2_EL2, 3, 4, 3, 1, 1, READ_WRITE)                                                 \
	X(HFGRTR2_EL2, 3, 4, 3, 1, 2, READ_WRITE)                                                  \
	X(HFGWTR2_EL2, 3, 4, 3, 1, 3, READ_WRITE)                                                  \
	X(HDFGRTR_EL2, 3, 4, 3, 1, 4, READ_WRITE)                                                  \
	X(HDFGWTR_EL2, 3, 4, 3, 1, 5, READ_WRITE)                                                  \
	X(HAFGRTR_EL2, 3, 4, 3, 1, 6, READ_WRITE)                                                  \
	X(HFGITR2_EL2, 3, 4, 3, 1, 7, READ_WRITE)                                                  \
	X(SPSR_EL2, 3, 4, 4, 0, 0, READ_WRITE)                                                     \
	X(ELR_EL2, 3, 4, 4, 0, 1, READ_WRITE)                                                      \
	X(AFSR0_EL2, 3, 4, 5, 1, 0, READ_WRITE)                                                    \
	X(AFSR1_EL2, 3, 4, 5, 1, 1, READ_WRITE)                                                    \
	X(ESR_EL2, 3, 4, 5, 2, 0, READ_WRITE)                                                      \
	X(VSESR_EL2, 3, 4, 5, 2, 3, READ_WRITE)                                                    \
	X(FAR_EL2, 3, 4, 6, 0, 0, READ_WRITE)                                                      \
	X(HPFAR_EL2, 3, 4, 6, 0, 4, READ_WRITE)                                                    \
	X(MAIR_EL2, 3, 4, 10, 2, 0, READ_WRITE)                                                    \
	X(PIRE0_EL2, 3, 4, 10, 2, 2, READ_WRITE)                                                   \
	X(PIR_EL2, 3, 4, 10, 2, 3, READ_WRITE)                                                     \
	X(POR_EL2, 3, 4, 10, 2, 4, READ_WRITE)                                                     \
	X(AMAIR_EL2, 3, 4, 10, 3, 0, READ_WRITE)                                                   \
	X(VBAR_EL2, 3, 4, 12, 0, 0, READ_WRITE)                                                    \
	X(RVBAR_EL2, 3, 4, 12, 0, 1, READ_WRITE)                                                   \
	X(VDISR_EL2, 3, 4, 12, 1, 1, READ_WRITE)                                                   \
	X(ICH_HCR_EL2, 3, 4, 12, 11, 0, READ_WRITE)                                                \
	X(ICH_VTR_EL2, 3, 4, 12, 11, 1, READ_ONLY)                                                 \
	X(ICH_VMCR_EL2, 3, 4, 12, 11, 7, READ_WRITE)                                               \
	X(CONTEXTIDR_EL2, 3, 4, 13, 0, 1, READ_WRITE)                                              \
	X(TPIDR_EL2, 3, 4, 13, 0, 2, READ_WRITE)                                                   \
	X(CNTVOFF_EL2, 3, 4, 14, 0, 3, READ_WRITE)                                                 \
	X(CNTHCTL_EL2, 3, 4, 14, 1, 0, READ_WRITE)                                                 \
	X(CNTHP_CTL_EL2, 3, 4, 14, 2, 1, READ_WRITE)                                               \
	X(CNTHP_CVAL_EL2, 3, 4, 14, 2, 2, READ_WRITE)                                              \
	X(CNTHV_CTL_EL2, 3, 4, 14, 3, 1, READ_WRITE)                                               \
	X(CNTHV_CVAL_EL2, 3, 4, 14, 3, 2, READ_WRITE)                                              \
	X(SP_EL2, 3, 6, 4, 1, 0, READ_WRITE)                                                       \
	X(DACR32_EL2, 3, 4, 3, 0, 0, READ_WRITE)                                                   \
	X(IFSR32_EL2, 3, 4, 5, 0, 1, READ_WRITE)                                                   \
	X(FPEXC32_EL2, 3, 4, 5, 3, 0, READ_WRITE)                                                  \
	X(DBGVCR32_EL2, 2, 4, 0, 7, 0, READ_WRITE)

/* Fetched only when the debugger asks, CPU_MSRS: what a debugger lists by itself, and the rest. */
#define ARM64_SYSREGS_COMMON(X)                                                                    \
	ARM64_SYSREGS_CONTROL(X)                                                                   \
	ARM64_SYSREGS_TIMER(X)

#define ARM64_SYSREGS_RARE(X)                                                                      \
	ARM64_SYSREGS_KEYS(X)                                                                      \
	ARM64_SYSREGS_MONITOR(X)                                                                   \
	ARM64_SYSREGS_COUNTERS(X)                                                                  \
	ARM64_SYSREGS_IDENTITY(X)                                                                  \
	ARM64_SYSREGS_EL2(X)

#endif
