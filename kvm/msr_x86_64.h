/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MSRs that are shown as registers, one row each: whoever misses one adds a row, and KVM says at
 * the first stop whether this guest has it.
 *
 *   X(ID, name, index, is_address)
 *
 * name is the debugger's, without "IA32_"; an address must be canonical to be written.  Indexes:
 * Intel SDM volume 4; AMD APM volume 2, appendix A; arch/x86/include/uapi/asm/kvm_para.h.
 */
#ifndef KVM_MSR_X86_64_H
#define KVM_MSR_X86_64_H

/* clang-format off */

/* Those of SYSCALL, which stepping asks for, too: fetched together, and in every KVM for x86-64. */
#define X86_MSRS_SYSCALL(X) \
	X(LSTAR,              lstar,                 0xc0000082, true) \
	X(STAR,               star,                  0xc0000081, false) \
	X(FMASK,              fmask,                 0xc0000084, false) \
	X(KERNEL_GS_BASE,     k_gs_base,             0xc0000102, true)

#define X86_MSRS_MORE(X) \
	X(CSTAR,              cstar,                 0xc0000083, true) \
	X(SYSENTER_CS,        sysenter_cs,           0x174,      false) \
	X(SYSENTER_ESP,       sysenter_esp,          0x175,      true) \
	X(SYSENTER_EIP,       sysenter_eip,          0x176,      true) \
	X(APIC_BASE,          apic_base,             0x1b,       false) \
	X(TSC,                tsc,                   0x10,       false) \
	X(TSC_ADJUST,         tsc_adjust,            0x3b,       false) \
	X(TSC_DEADLINE,       tsc_deadline,          0x6e0,      false) \
	X(TSC_AUX,            tsc_aux,               0xc0000103, false) \
	X(PAT,                pat,                   0x277,      false) \
	X(MTRRCAP,            mtrrcap,               0xfe,       false) \
	X(MTRR_DEF_TYPE,      mtrr_def_type,         0x2ff,      false) \
	X(MISC_ENABLE,        misc_enable,           0x1a0,      false) \
	X(FEATURE_CONTROL,    feature_control,       0x3a,       false) \
	X(SPEC_CTRL,          spec_ctrl,             0x48,       false) \
	X(ARCH_CAPABILITIES,  arch_capabilities,     0x10a,      false) \
	X(TSX_CTRL,           tsx_ctrl,              0x122,      false) \
	X(XSS,                xss,                   0xda0,      false) \
	X(XFD,                xfd,                   0x1c4,      false) \
	X(XFD_ERR,            xfd_err,               0x1c5,      false) \
	X(UMWAIT_CONTROL,     umwait_control,        0xe1,       false) \
	X(U_CET,              u_cet,                 0x6a0,      false) \
	X(S_CET,              s_cet,                 0x6a2,      false) \
	X(DEBUGCTL,           debugctl,              0x1d9,      false) \
	X(LAST_BRANCH_FROM,   last_branch_from,      0x1db,      false) \
	X(LAST_BRANCH_TO,     last_branch_to,        0x1dc,      false) \
	X(LAST_INT_FROM,      last_int_from,         0x1dd,      false) \
	X(LAST_INT_TO,        last_int_to,           0x1de,      false) \
	X(PERF_GLOBAL_CTRL,   perf_global_ctrl,      0x38f,      false) \
	X(MCG_CAP,            mcg_cap,               0x179,      false) \
	X(MCG_STATUS,         mcg_status,            0x17a,      false) \
	X(BIOS_SIGN_ID,       bios_sign_id,          0x8b,       false) \
	X(PLATFORM_INFO,      platform_info,         0xce,       false) \
	X(SMBASE,             smbase,                0x9e,       false) \
	X(SYSCFG,             syscfg,                0xc0010010, false) \
	X(HWCR,               hwcr,                  0xc0010015, false) \
	X(VM_CR,              vm_cr,                 0xc0010114, false) \
	X(VM_HSAVE_PA,        vm_hsave_pa,           0xc0010117, false) \
	X(KVM_WALL_CLOCK,     kvm_wall_clock,        0x4b564d00, false) \
	X(KVM_SYSTEM_TIME,    kvm_system_time,       0x4b564d01, false) \
	X(KVM_ASYNC_PF_EN,    kvm_async_pf_en,       0x4b564d02, false) \
	X(KVM_ASYNC_PF_INT,   kvm_async_pf_int,      0x4b564d06, false) \
	X(KVM_STEAL_TIME,     kvm_steal_time,        0x4b564d03, false) \
	X(KVM_PV_EOI_EN,      kvm_pv_eoi_en,         0x4b564d04, false) \
	X(KVM_POLL_CONTROL,   kvm_poll_control,      0x4b564d05, false)

/* clang-format on */

#define X86_MSR_ID(id, ...) X86_MSR_##id,

enum {
	X86_MSRS_SYSCALL(X86_MSR_ID) X86_MSR_SYSCALL_COUNT,
	X86_MSR_LAST_OF_SYSCALL = X86_MSR_SYSCALL_COUNT - 1,
	X86_MSRS_MORE(X86_MSR_ID) X86_MSR_COUNT,
	X86_MSR_MORE_COUNT = X86_MSR_COUNT - X86_MSR_SYSCALL_COUNT,
};

_Static_assert(X86_MSR_COUNT <= 64, "struct cpu_x86_64 has a bit for each");

#endif
