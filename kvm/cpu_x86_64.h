/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of one parked x86-64 vCPU, as the daemon holds them between two runs.  The layouts
 * are those of the kernel's structs (arch/x86/include/uapi/asm/kvm.h; transfer_x86_64.c asserts
 * it), repeated here so that everything but the transfer compiles on any host.
 */
#ifndef KVM_CPU_X86_64_H
#define KVM_CPU_X86_64_H

#include <stdbool.h>
#include <stdint.h>
#include "kvm/msr_x86_64.h"

struct x86_regs { /* struct kvm_regs */
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
};

struct x86_segment { /* struct kvm_segment */
	uint64_t base;
	uint32_t limit;
	uint16_t selector;
	uint8_t type, present, dpl, db, s, l, g, avl, unusable, padding;
};

struct x86_table { /* struct kvm_dtable */
	uint64_t base;
	uint16_t limit;
	uint16_t padding[3];
};

struct x86_sregs { /* struct kvm_sregs */
	struct x86_segment cs, ds, es, fs, gs, ss, tr, ldt;
	struct x86_table gdt, idt;
	uint64_t cr0, cr2, cr3, cr4, cr8, efer, apic_base;
	uint64_t interrupt_bitmap[4];
};

struct x86_fpu { /* struct kvm_fpu */
	uint8_t fpr[8][16];
	uint16_t fcw, fsw;
	uint8_t ftwx, pad1; /* ftwx: one bit a register, 1 = in use (FXSAVE) */
	uint16_t last_opcode;
	uint64_t last_ip, last_dp;
	uint8_t xmm[16][16];
	uint32_t mxcsr, pad2;
};

struct x86_debugregs { /* struct kvm_debugregs: always the guest's own */
	uint64_t db[4];
	uint64_t dr6, dr7, flags;
	uint64_t reserved[9];
};

struct x86_events { /* struct kvm_vcpu_events */
	struct {
		uint8_t injected, nr, has_error_code, pending;
		uint32_t error_code;
	} exception;
	struct {
		uint8_t injected, nr, soft, shadow;
	} interrupt;
	struct {
		uint8_t injected, pending, masked, pad;
	} nmi;
	uint32_t sipi_vector, flags;
	struct {
		uint8_t smm, pending, smm_inside_nmi, latched_init;
	} smi;
	uint8_t triple_fault_pending;
	uint8_t reserved[26];
	uint8_t exception_has_payload;
	uint64_t exception_payload;
};

struct x86_xcrs { /* struct kvm_xcrs */
	uint32_t nr_xcrs, flags;
	struct {
		uint32_t xcr, reserved;
		uint64_t value;
	} xcrs[16];
	uint64_t padding[16];
};

/* Parts of the extended state (Intel SDM volume 1, 13.1), by their bits in XCR0. */
enum x86_component {
	X86_COMPONENT_X87 = 0,
	X86_COMPONENT_SSE = 1,
	X86_COMPONENT_AVX = 2,
	X86_COMPONENT_OPMASK = 5,
	X86_COMPONENT_ZMM_HI256 = 6,
	X86_COMPONENT_HI16_ZMM = 7,
	X86_COMPONENT_PKRU = 9,
	X86_COMPONENTS,
};

enum { X86_XSAVE_BYTES = 4096, X86_XSAVE2_BYTES = 12288 };

struct x86_xsave {
	uint8_t area[X86_XSAVE2_BYTES];  /* struct kvm_xsave */
	bool is_large;                   /* it takes KVM_GET_XSAVE2: a guest with AMX */
	uint16_t offset[X86_COMPONENTS]; /* of each in area; 0: this machine does not have it */
};

struct cpu_x86_64 {
	struct x86_regs regs;           /* CPU_GENERAL */
	struct x86_sregs sregs;         /* CPU_SYSTEM */
	struct x86_fpu fpu;             /* CPU_FLOAT: what counts of x87 and SSE */
	struct x86_xsave xsave;         /* CPU_XSAVE: the rest, and what goes to KVM */
	uint64_t components;            /* CPU_CPUID: those that XCR0 may have */
	struct x86_xcrs xcrs;           /* CPU_XCRS */
	struct x86_debugregs debugregs; /* CPU_DEBUG */
	struct x86_events events;       /* CPU_EVENTS */
	uint64_t msrs[X86_MSR_COUNT];   /* the first ones CPU_MSRS, the others CPU_MSRS_MORE */
	uint64_t msrs_known;            /* CPU_MSRS_MORE: a bit for each that KVM gives */
	uint64_t msrs_dirty;            /* with CPU_MSRS or CPU_MSRS_MORE dirty: which */
	uint32_t mp_state;              /* CPU_MP: KVM_MP_STATE_... */
};

#endif
