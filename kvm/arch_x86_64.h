/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the x86-64 files share among themselves: the bits of the architecture, the layouts of KVM's
 * debug interface, and the functions that arch_x86_64.c joins to struct arch.  Nobody else includes
 * it.  Chapters are those of the Intel SDM, volume 3, unless said otherwise.
 */
#ifndef KVM_ARCH_X86_64_H
#define KVM_ARCH_X86_64_H

#include "kvm/arch.h"

/* RFLAGS (volume 1, 3.4.3) */
#define X86_FLAGS_FIXED    UINT64_C(0x2)
#define X86_FLAGS_TF       UINT64_C(0x100)
#define X86_FLAGS_NT       UINT64_C(0x4000)
#define X86_FLAGS_RF       UINT64_C(0x10000)
#define X86_FLAGS_VM       UINT64_C(0x20000)
#define X86_FLAGS_WRITABLE UINT64_C(0x3f7fd7) /* what is no reserved bit */

/* Control registers (2.5) and EFER (2.2.1; AMD APM volume 2, 3.1.7) */
#define X86_CR0_PE   UINT64_C(0x1)
#define X86_CR0_NW   UINT64_C(0x20000000)
#define X86_CR0_CD   UINT64_C(0x40000000)
#define X86_CR0_PG   UINT64_C(0x80000000)
#define X86_CR4_DE   UINT64_C(0x8)
#define X86_CR4_PAE  UINT64_C(0x20)
#define X86_CR4_LA57 UINT64_C(0x1000)
#define X86_EFER_SCE UINT64_C(0x1)
#define X86_EFER_LME UINT64_C(0x100)
#define X86_EFER_LMA UINT64_C(0x400)

/*
 * DR6 (17.2.3).  Bus lock and RTM are active low and the reserved ones read as 1: XOR with
 * X86_DR6_ACTIVE_LOW gives the format of VMX's pending debug exceptions, in which every cause is
 * a 1.  struct injection and KVM's exception payload speak that format.
 */
#define X86_DR6_B          UINT64_C(0xf)
#define X86_DR6_BUS_LOCK   UINT64_C(0x800)
#define X86_DR6_BD         UINT64_C(0x2000)
#define X86_DR6_BS         UINT64_C(0x4000)
#define X86_DR6_BT         UINT64_C(0x8000)
#define X86_DR6_RTM        UINT64_C(0x10000)
#define X86_DR6_ACTIVE_LOW UINT64_C(0xffff0ff0)

/* DR7 (17.2.4) */
#define X86_DR7_GE    UINT64_C(0x200)
#define X86_DR7_FIXED UINT64_C(0x400)
#define X86_DR7_GD    UINT64_C(0x2000)

enum { X86_RW_EXECUTE, X86_RW_WRITE, X86_RW_IO, X86_RW_ACCESS }; /* DR7.R/Wn */

enum {
	X86_DE = 0, /* vectors */
	X86_DB = 1,
	X86_NMI = 2,
	X86_BP = 3,
	X86_UD = 6,
	X86_GP = 13,
	X86_PF = 14,
};

enum { X86_SLOTS = 4 };

/* KVM_GUESTDBG_... (include/uapi/linux/kvm.h; asserted in transfer_x86_64.c) */
enum {
	X86_GUESTDBG_ENABLE = 0x1,
	X86_GUESTDBG_SINGLESTEP = 0x2,
	X86_GUESTDBG_USE_SW_BP = 0x10000,
	X86_GUESTDBG_USE_HW_BP = 0x20000,
	X86_GUESTDBG_INJECT_DB = 0x40000,
	X86_GUESTDBG_INJECT_BP = 0x80000,
	X86_GUESTDBG_BLOCKIRQ = 0x100000,
};

/* KVM_VCPUEVENT_VALID_...: which parts of struct kvm_vcpu_events count */
enum {
	X86_EVENT_VALID_SHADOW = 0x4,
	X86_EVENT_VALID_PAYLOAD = 0x10, /* the VMM has enabled KVM_CAP_EXCEPTION_PAYLOAD */
};

enum {
	X86_MP_RUNNABLE,
	X86_MP_UNINITIALIZED,
	X86_MP_INIT_RECEIVED,
	X86_MP_HALTED,
	X86_MP_SIPI_RECEIVED,
};

struct x86_debug_exit { /* struct kvm_debug_exit_arch */
	uint32_t exception, pad;
	uint64_t pc, dr6, dr7;
};

struct x86_guest_debug { /* struct kvm_guest_debug */
	uint32_t control, pad;
	uint64_t debugreg[8];
};

/* ---- modes: arch_x86_64.c ---------------------------------------------------------------- */

/* Long mode is active, compatibility mode included: gates of 16 bytes, frames of 8-byte words. */
bool arch_x86_64_is_long(const struct cpu *cpu);
/* Instructions are 64-bit code: long mode and CS.L. */
bool arch_x86_64_is_64bit(const struct cpu *cpu);
/* Segments are selector * 16: real mode or virtual-8086 mode. */
bool arch_x86_64_is_real(const struct cpu *cpu);
/* 16, 32 or 64. */
unsigned arch_x86_64_code_bits(const struct cpu *cpu);
/* 0..3 */
unsigned arch_x86_64_cpl(const struct cpu *cpu);
/* An address that this CPU's width of linear addresses allows (3.3.7.1). */
bool arch_x86_64_is_canonical(const struct cpu *cpu, uint64_t address);

gva_t arch_x86_64_pc(const struct cpu *cpu);
void arch_x86_64_pc_set(struct cpu *cpu, gva_t pc);

/* ---- the members of struct arch ---------------------------------------------------------- */

extern const struct target_description description_x86_64;

extern const struct target_flags x86_flags_eflags, x86_flags_mxcsr;

/* views_x86_64.c */
enum { X86_VIEW_I386, X86_VIEW_I8086, X86_VIEW_COUNT };
extern const struct arch_view views_x86_64[X86_VIEW_COUNT];
int views_x86_64_fitting(const struct cpu *cpu);

/* dwarf_x86_64.c: what lldb wants to know of them */
extern const struct target_alias dwarf_x86_64[];

/* Features of description_x86_64 that a guest may lack, by their place in it. */
enum { X86_FEATURE_AVX = 3, X86_FEATURE_AVX512, X86_FEATURE_PKEYS };

/* Register numbers: the order of description_x86_64. */
enum {
	X86_REG_RAX = 0,
	X86_REG_RBP = 6,
	X86_REG_RSP = 7,
	X86_REG_R8 = 8,
	X86_REG_RIP = 16,
	X86_REG_EFLAGS = 17,
	X86_REG_CS = 18,
	X86_REG_ST0 = 24,
	X86_REG_FCTRL = 32,
	X86_REG_XMM0 = 40,
	X86_REG_MXCSR = 56,
	X86_REG_FS_BASE = 57,
	X86_REG_GS_BASE,
	X86_REG_YMM0H,
	X86_REG_XMM16 = X86_REG_YMM0H + 16,
	X86_REG_YMM16H = X86_REG_XMM16 + 16,
	X86_REG_K0 = X86_REG_YMM16H + 16,
	X86_REG_ZMM0H = X86_REG_K0 + 8,
	X86_REG_ZMM16H = X86_REG_ZMM0H + 16,
	X86_REG_PKRU = X86_REG_ZMM16H + 16,
	X86_REG_K_GS_BASE,
	X86_REG_CR0,
	X86_REG_CR2,
	X86_REG_CR3,
	X86_REG_CR4,
	X86_REG_CR8,
	X86_REG_EFER,
	X86_REG_XCR0,
	X86_REG_GDTR_BASE,
	X86_REG_GDTR_LIMIT,
	X86_REG_IDTR_BASE,
	X86_REG_IDTR_LIMIT,
	X86_REG_LDTR,
	X86_REG_TR,
	X86_REG_TR_BASE,
	X86_REG_LSTAR,
	X86_REG_STAR,
	X86_REG_FMASK,
	X86_REG_CS_BASE, /* from here on they are there, but not listed */
	X86_REG_LDTR_BASE = X86_REG_CS_BASE + 4,
	X86_REG_CS_LIMIT,
	X86_REG_CS_ACCESS = X86_REG_CS_LIMIT + 8,
	X86_REG_DR0 = X86_REG_CS_ACCESS + 8,
	X86_REG_DR6 = X86_REG_DR0 + 4,
	X86_REG_DR7,
	X86_REG_ORIG_RAX,
	X86_REG_MSRS_MORE, /* in the order of X86_MSRS_MORE() */
	X86_REG_COUNT = X86_REG_MSRS_MORE + X86_MSR_MORE_COUNT,
};

uint32_t registers_x86_64_groups(unsigned number);
/* Whether it can be read, with what is fetched. */
bool registers_x86_64_is_there(const struct cpu *cpu, unsigned number);
int registers_x86_64_read(const struct cpu *cpu, unsigned number, void *value);
int registers_x86_64_parse_numbered(const char *text, uint32_t *number);
int registers_x86_64_write(struct cpu *cpu, unsigned number, const void *value);

int plan_x86_64_check_point(const struct cpu *cpu, const struct hardware_point *points,
	unsigned point_count, const struct hardware_point *wanted);
uint32_t plan_x86_64_groups(const struct debug_request *request);
void plan_x86_64_make(
	const struct cpu *cpu, const struct debug_request *request, struct debug_plan *plan);
bool plan_x86_64_lends(const struct cpu *cpu, const uint8_t *code, unsigned length);
size_t plan_x86_64_encode(
	const struct debug_plan *plan, const struct injection *injection, void *arg);

void decide_x86_64(const struct debug_event *event, struct decision *decision);

bool inject_x86_64_is_breakpoint(const uint8_t *code, unsigned length);
void inject_x86_64_own_breakpoint(
	const struct cpu *cpu, const uint8_t *code, unsigned length, struct injection *injection);
uint32_t inject_x86_64_groups(const struct injection *injection);
void inject_x86_64(struct cpu *cpu, struct injection *injection);

uint32_t step_x86_64_groups(const struct cpu *cpu, const uint8_t *code, unsigned length);
void step_x86_64_begin(struct cpu *cpu, const struct guest_memory *memory, const uint8_t *code,
	unsigned length, bool trap_only, struct step_plan *step);
void step_x86_64_end(
	struct cpu *cpu, const struct guest_memory *memory, const struct step_plan *step);
/* The guest's own RFLAGS.TF before the step: KVM hides it as long as it single-steps. */
bool step_x86_64_guest_tf(const struct step_plan *step);

#endif
