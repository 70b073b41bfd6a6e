/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files *_arm64.c share, and nobody else needs: the bits of PSTATE, of syndromes and of
 * debug registers, and the functions behind the table arch_arm64.  Bit names are those of the Arm
 * ARM (C5.2 PSTATE, D19.2 ESR_EL1, D19.3 debug registers).
 */
#ifndef KVM_ARCH_ARM64_H
#define KVM_ARCH_ARM64_H

#include "kvm/arch.h"

#define BIT(n)                  (UINT64_C(1) << (n))
#define FIELD(value, low, bits) (((value) >> (low)) & (BIT(bits) - 1))

/* PSTATE, laid out as in SPSR_EL1. */
#define PSTATE_N      BIT(31)
#define PSTATE_Z      BIT(30)
#define PSTATE_C      BIT(29)
#define PSTATE_V      BIT(28)
#define PSTATE_TCO    BIT(25)
#define PSTATE_DIT    BIT(24)
#define PSTATE_PAN    BIT(22)
#define PSTATE_SS     BIT(21)
#define PSTATE_ALLINT BIT(13)
#define PSTATE_SSBS   BIT(12)
#define PSTATE_D      BIT(9)
#define PSTATE_A      BIT(8)
#define PSTATE_I      BIT(7)
#define PSTATE_F      BIT(6)
#define PSTATE_DAIF   (PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F)
#define PSTATE_NRW    BIT(4)
#define PSTATE_SP     BIT(0)
#define PSTATE_MODE   UINT64_C(0x1f) /* with nRW */

enum {
	MODE_EL0T = 0x00,
	MODE_EL1T = 0x04,
	MODE_EL1H = 0x05,
	MODE_USER_32 = 0x10,
};

/* Where the vCPU is, as far as exceptions and the stack pointer care. */
enum arm64_world {
	ARM64_EL0,
	ARM64_EL0_32,
	ARM64_EL1T, /* EL1 on SP_EL0 */
	ARM64_EL1H,
	ARM64_ELSEWHERE, /* EL2 of a nested guest, EL1 in AArch32: not ours to enter */
};

enum arm64_world arm64_world(uint64_t pstate);

/* ESR_ELx.  KVM gives debug exceptions in the form "from a lower EL". */
#define ESR_EC_SHIFT  26
#define ESR_EC(class) ((uint32_t)(class) << ESR_EC_SHIFT)
#define ESR_IL        BIT(25)
#define ESR_ISS       (BIT(25) - 1)
#define ESR_ISS_WNR   BIT(6)
#define ESR_IMMEDIATE UINT64_C(0xffff)

enum {
	EC_BREAKPOINT = 0x30, /* + 1: from the same EL, for these three */
	EC_STEP = 0x32,
	EC_WATCHPOINT = 0x34,
	EC_BKPT_32 = 0x38,
	EC_BRK = 0x3c,
};

/* VBAR_EL1: bits 10:0 are not part of the address. */
#define VBAR_TABLE(vbar) ((vbar) & ~UINT64_C(0x7ff))

/* The guest's debug registers. */
#define MDSCR_SS   BIT(0)
#define MDSCR_KDE  BIT(13)
#define MDSCR_MDE  BIT(15)
#define OSLSR_OSLK BIT(1)

/* EL2's, of a guest that has it. */
#define HCR_EL2_TGE  BIT(27)
#define MDCR_EL2_TDE BIT(8)

/* struct kvm_guest_debug.control (uapi: linux/kvm.h, asm/kvm.h). */
enum {
	GUESTDBG_ENABLE = 1 << 0,
	GUESTDBG_SINGLESTEP = 1 << 1,
	GUESTDBG_USE_SW_BP = 1 << 16,
	GUESTDBG_USE_HW = 1 << 17,
};

/* struct kvm_guest_debug and struct kvm_debug_exit_arch of arm64. */
struct arm64_guest_debug {
	uint32_t control, pad;
	uint64_t bcr[ARM64_MAX_SLOTS], bvr[ARM64_MAX_SLOTS];
	uint64_t wcr[ARM64_MAX_SLOTS], wvr[ARM64_MAX_SLOTS];
};

struct arm64_debug_exit {
	uint32_t hsr, hsr_high;
	uint64_t far; /* only of a watchpoint */
};

/*
 * The immediate of the BRK that we plant.  Taken elsewhere: 0, 1, 0x3e8 (compilers' traps and other
 * debuggers), 4 to 7, 0x100, 0x400, 0x401, 0x800, 0x900 and on, 0x5500 and on, 0x8000 to 0x83ff
 * (Linux: asm/brk-imm.h), 0xf000 and on (other systems).
 */
enum { ARM64_PLANTED_IMMEDIATE = 0xdb60 };

/* ---- description_arm64.c ----------------------------------------------------------------- */

/* Register numbers of the description. */
enum {
	ARM64_NUMBER_X = 0,
	ARM64_NUMBER_SP = 31,
	ARM64_NUMBER_PC,
	ARM64_NUMBER_CPSR,
	ARM64_NUMBER_V,
	ARM64_NUMBER_FPSR = ARM64_NUMBER_V + 32,
	ARM64_NUMBER_FPCR,
	ARM64_NUMBER_Z, /* with SVE, in place of V */
	ARM64_NUMBER_SVE_FPSR = ARM64_NUMBER_Z + 32,
	ARM64_NUMBER_SVE_FPCR,
	ARM64_NUMBER_P,
	ARM64_NUMBER_FFR = ARM64_NUMBER_P + 16,
	ARM64_NUMBER_VG,
	ARM64_NUMBER_TPIDR,
	ARM64_NUMBER_TPIDR2,
	ARM64_NUMBER_PAUTH_DMASK,
	ARM64_NUMBER_PAUTH_CMASK,
	ARM64_NUMBER_PAUTH_DMASK_HIGH,
	ARM64_NUMBER_PAUTH_CMASK_HIGH,
	ARM64_NUMBER_SYSTEM, /* the first of org.gdbproxy.arm64.system */
	ARM64_NUMBER_ELR_EL1 = ARM64_NUMBER_SYSTEM,
	ARM64_NUMBER_SPSR_EL1,
	ARM64_NUMBER_SP_EL0,
	ARM64_NUMBER_SP_EL1,
	ARM64_NUMBER_MDSCR_EL1,
	ARM64_NUMBER_OSLSR_EL1,
	ARM64_NUMBER_SYSREGS, /* arm64_sysregs[] in its order */
	ARM64_NUMBER_MORE =
		ARM64_NUMBER_SYSREGS + ARM64_SYSREG_COMMON, /* org.gdbproxy.arm64.more */
	ARM64_NUMBER_DBGBVR = ARM64_NUMBER_SYSREGS + ARM64_SYSREG_COUNT,
	ARM64_NUMBER_DBGBCR = ARM64_NUMBER_DBGBVR + ARM64_MAX_SLOTS,
	ARM64_NUMBER_DBGWVR = ARM64_NUMBER_DBGBCR + ARM64_MAX_SLOTS,
	ARM64_NUMBER_DBGWCR = ARM64_NUMBER_DBGWVR + ARM64_MAX_SLOTS,
	ARM64_NUMBER_COUNT = ARM64_NUMBER_DBGWCR + ARM64_MAX_SLOTS,
};

extern const struct target_description description_arm64;

/* As the members of struct arch; both want what ARM64_PROBE_GROUPS says. */
enum { ARM64_PROBE_GROUPS = CPU_STOP | CPU_MSRS | CPU_FLOAT };
const struct target_feature *description_arm64_feature(const struct cpu *cpu, unsigned index);
bool description_arm64_has(const struct cpu *cpu, unsigned number, struct target_register *reg);

/* dwarf_arm64.c: what lldb wants to know of them */
extern const struct target_alias dwarf_arm64[];

/* ---- registers_arm64.c: as the members of struct arch ------------------------------------ */

uint32_t registers_arm64_groups(unsigned number);
int registers_arm64_read(const struct cpu *cpu, unsigned number, void *value);
int registers_arm64_parse_numbered(const char *text, uint32_t *number);
int registers_arm64_write(struct cpu *cpu, unsigned number, const void *value);

/* ---- pauth_arm64.c ----------------------------------------------------------------------- */

/* True if the vCPU can sign addresses. */
bool pauth_arm64_exists(const struct cpu_arm64 *cpu);

/*
 * The bits of an address that a signature takes, in the lower or the upper half of the address space
 * (bit 55), of data or of code: AddPAC() and CalculateBottomPACBit() of the Arm ARM.
 */
uint64_t pauth_arm64_mask(uint64_t tcr_el1, bool is_high, bool is_code);

/* ---- plan_arm64.c ------------------------------------------------------------------------ */

int plan_arm64_check(const struct cpu *cpu, const struct hardware_point *points,
	unsigned point_count, const struct hardware_point *wanted);
uint32_t plan_arm64_groups(const struct debug_request *request);
void plan_arm64_compute(
	const struct cpu *cpu, const struct debug_request *request, struct debug_plan *plan);
size_t plan_arm64_encode(
	const struct debug_plan *plan, const struct injection *injection, void *arg);

/*
 * What pair n of the guest's own (numbered as in struct debug_plan) can raise: fills *slot and
 * returns true if it is enabled.  A context breakpoint has length 0: it is not bound to an address.
 */
bool plan_arm64_guest_slot(const struct arm64_debugregs *debugregs, unsigned n, struct slot *slot);

/* True if the guest has switched its breakpoints and watchpoints on at all. */
bool plan_arm64_guest_armed(const struct arm64_debugregs *debugregs);

/*
 * True if hardware would raise the guest's own breakpoint, watchpoint or step where the vCPU is
 * now, as far as exception level, MDSCR_EL1.KDE, PSTATE.D and the OS lock go (Arm ARM, D2.3).
 */
bool plan_arm64_guest_enabled(const struct cpu_arm64 *cpu);

/* ---- decide_arm64.c, inject_arm64.c, step_arm64.c: as the members of struct arch --------- */

void decide_arm64(const struct debug_event *event, struct decision *decision);

/* True if inject_arm64() can deliver a debug exception that is taken where the vCPU is now. */
bool inject_arm64_possible(const struct cpu *cpu);
bool inject_arm64_is_breakpoint(const uint8_t *code, unsigned length);
void inject_arm64_own_breakpoint(
	const struct cpu *cpu, const uint8_t *code, unsigned length, struct injection *injection);
uint32_t inject_arm64_groups(const struct injection *injection);
void inject_arm64(struct cpu *cpu, struct injection *injection);

uint32_t step_arm64_groups(const struct cpu *cpu, const uint8_t *code, unsigned length);
void step_arm64_begin(struct cpu *cpu, const struct guest_memory *memory, const uint8_t *code,
	unsigned length, bool trap_only, struct step_plan *step);
void step_arm64_end(
	struct cpu *cpu, const struct guest_memory *memory, const struct step_plan *step);

/* PSTATE as it was when the step began. */
uint64_t step_arm64_old_pstate(const struct step_plan *step);

#endif
