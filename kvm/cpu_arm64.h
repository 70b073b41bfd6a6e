/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of one parked arm64 vCPU, as the daemon holds them between two runs.
 */
#ifndef KVM_CPU_ARM64_H
#define KVM_CPU_ARM64_H

#include <stdbool.h>
#include <stdint.h>
#include "kvm/bitmap.h"
#include "kvm/sysregs_arm64.h"

#define ARM64_SYSREG_INDEX(name, ...) ARM64_##name,

/* clang-format off */
enum arm64_sysreg {
	ARM64_SYSREGS_STOP(ARM64_SYSREG_INDEX)
	ARM64_SYSREG_STOP, /* how many CPU_SYSTEM has */
	ARM64_SYSREG_LAST_STOP = ARM64_SYSREG_STOP - 1,
	ARM64_SYSREGS_COMMON(ARM64_SYSREG_INDEX)
	ARM64_SYSREG_COMMON, /* how many a debugger lists by itself */
	ARM64_SYSREG_LAST_COMMON = ARM64_SYSREG_COMMON - 1,
	ARM64_SYSREGS_RARE(ARM64_SYSREG_INDEX)
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

/* The longest vector, and its predicate with one bit for each byte. */
enum { ARM64_Z_BYTES = 256, ARM64_P_BYTES = ARM64_Z_BYTES / 8 };

struct arm64_fp {
	uint8_t z[32][ARM64_Z_BYTES]; /* ARM64_FP_V: only the first 16 bytes of each, v */
	uint8_t p[16][ARM64_P_BYTES], ffr[ARM64_P_BYTES]; /* ARM64_FP_Z */
	uint32_t fpsr, fpcr;
};

/* What of struct arm64_fp the debugger has changed: bit n of fp_dirty, first z[0] to z[31]. */
enum {
	ARM64_FP_FPSR = 32,
	ARM64_FP_FPCR,
	ARM64_FP_P, /* 16 of them */
	ARM64_FP_FFR = ARM64_FP_P + 16,
};

enum { ARM64_MAX_SLOTS = 16 };

struct arm64_debugregs { /* always the guest's own */
	uint64_t bcr[ARM64_MAX_SLOTS], bvr[ARM64_MAX_SLOTS];
	uint64_t wcr[ARM64_MAX_SLOTS], wvr[ARM64_MAX_SLOTS];
	uint64_t mdscr_el1, oslsr_el1;
};

enum { ARM64_SYSREG_WORDS = BITMAP_WORDS(ARM64_SYSREG_COUNT) };

struct cpu_arm64 {
	struct arm64_regs regs;               /* CPU_GENERAL */
	struct arm64_regs stored;             /* what the vCPU has: only differences are stored */
	uint64_t sysregs[ARM64_SYSREG_COUNT]; /* CPU_SYSTEM and CPU_MSRS */
	uint64_t sysregs_valid[ARM64_SYSREG_WORDS];  /* KVM gave it */
	uint64_t sysregs_absent[ARM64_SYSREG_WORDS]; /* KVM does not know it: not asked again */
	uint64_t sysregs_dirty[ARM64_SYSREG_WORDS];
	struct arm64_fp fp; /* CPU_FLOAT */
	enum arm64_fp_form fp_form;
	uint64_t fp_dirty;
	uint64_t vg; /* ARM64_FP_Z: 64-bit words in the longest vector the vCPU can have */
	struct arm64_debugregs debugregs, stored_debugregs; /* CPU_DEBUG */
	uint8_t breakpoint_slots, watchpoint_slots; /* from ID_AA64DFR0_EL1; 0 until it is known */
	uint32_t mp_state;                          /* CPU_MP: KVM_MP_STATE_... */
};

/* The value of a system register; what KVM did not give is 0. */
static inline uint64_t arm64_sysreg(const struct cpu_arm64 *cpu, enum arm64_sysreg sysreg)
{
	return bitmap_has(cpu->sysregs_valid, sysreg) ? cpu->sysregs[sysreg] : 0;
}

#endif
