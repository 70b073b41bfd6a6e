/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The abilities of KVM on arm64. The guest runs with its MMU off and ends with a store to DONE; its
 * exception vectors store to VECTORED. Both addresses have no memory, so that KVM exits with MMIO.
 */
#include "guest.h"

#include <string.h>
#include <sys/ioctl.h>

enum {
	BASE = 0x40000000,
	CODE = BASE,
	VECTORS = BASE + 0x1000,
	DATA = BASE + 0x80000,
	MEMORY_SIZE = 1 << 20,

	AT_LOAD = 0x10,
	AT_DONE = 0x18,

	PSTATE_EL0 = 0x3c0, /* DAIF masked */
	PSTATE_EL1 = 0x3c5,
	PSTATE_D = 0x200,
	MDSCR_KDE_MDE = 0xa000,

	EC_BREAKPOINT = 0x30,
	EC_STEP = 0x32,
	EC_WATCHPOINT = 0x34,
	EC_BRK = 0x3c,

	BREAK_ANY_EL = 0x1e7, /* BAS: 4 bytes, PAC: EL1 and EL0, E */
	WATCH_LOAD = 0x1fef,  /* BAS: 8 bytes, LSC, PAC: EL1 and EL0, E */
	WATCH_STORE = 0x1ff7,
	WATCH_ACCESS = 0x1fff,
};

static const uint64_t done = 0x90000000;
static const uint64_t vectored = 0x90001000;

static const uint32_t brk = 0xd4200000;
static const uint32_t loop = 0x14000000;

static const uint32_t code[] = {
	0xd503201f, /* 00 nop */
	0xd503201f, /* 04 nop */
	0xd503201f, /* 08 nop */
	0xf9000041, /* 0c str x1, [x2] */
	0xf9400043, /* 10 ldr x3, [x2] */
	0xd503201f, /* 14 nop */
	0xf90000a1, /* 18 str x1, [x5] */
	0xd503201f, /* 1c nop */
};

static const uint32_t vector_code[] = { 0xf90000df /* str xzr, [x6] */ };

#define CORE_REG(field)                                                                            \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |                                     \
		(offsetof(struct kvm_regs, field) / sizeof(uint32_t)))

static const uint64_t reg_pc = CORE_REG(regs.pc);
static const uint64_t reg_pstate = CORE_REG(regs.pstate);
static const uint64_t reg_elr_el1 = CORE_REG(elr_el1);
static const uint64_t reg_x2 = CORE_REG(regs.regs[2]);
static const uint64_t reg_x5 = CORE_REG(regs.regs[5]);
static const uint64_t reg_x6 = CORE_REG(regs.regs[6]);
static const uint64_t reg_vbar_el1 = ARM64_SYS_REG(3, 0, 12, 0, 0);
static const uint64_t reg_mdscr_el1 = ARM64_SYS_REG(2, 0, 0, 2, 2);
static const uint64_t reg_dbgbvr0_el1 = ARM64_SYS_REG(2, 0, 0, 0, 4);
static const uint64_t reg_dbgbcr0_el1 = ARM64_SYS_REG(2, 0, 0, 0, 5);

static void reg_set(struct guest *guest, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	guest_ioctl(guest, KVM_SET_ONE_REG, &reg);
}

static uint64_t reg_get(struct guest *guest, uint64_t id)
{
	uint64_t value = 0;
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	guest_ioctl(guest, KVM_GET_ONE_REG, &reg);
	return value;
}

static void word_put(struct guest *guest, uint64_t addr, uint32_t word)
{
	memcpy(guest->memory + (addr - BASE), &word, sizeof(word));
}

static void vcpu_init(struct guest *guest)
{
	struct kvm_vcpu_init init = { 0 };

	if (ioctl(guest->vm_fd, KVM_ARM_PREFERRED_TARGET, &init) == 0)
		guest_ioctl(guest, KVM_ARM_VCPU_INIT, &init);
}

static void start(struct guest *guest, uint64_t pstate)
{
	guest_create(guest, BASE, MEMORY_SIZE);
	vcpu_init(guest);
	memcpy(guest->memory, code, sizeof(code));
	for (uint64_t vector = 0; vector < 16; vector++)
		word_put(guest, VECTORS + vector * 0x80, vector_code[0]);
	reg_set(guest, reg_pc, CODE);
	reg_set(guest, reg_pstate, pstate);
	reg_set(guest, reg_vbar_el1, VECTORS);
	reg_set(guest, reg_x2, DATA);
	reg_set(guest, reg_x5, done);
	reg_set(guest, reg_x6, vectored);
}

static bool stores_to(struct guest *guest, uint64_t addr)
{
	return guest_run(guest) == KVM_EXIT_MMIO && guest->run->mmio.phys_addr == addr;
}

static bool finishes(struct guest *guest)
{
	return stores_to(guest, done);
}

/* Does an exception reach the guest, with this return address? */
static bool delivers(struct guest *guest, uint64_t elr)
{
	return stores_to(guest, vectored) && reg_get(guest, reg_elr_el1) == elr;
}

static bool exits_for_debug(struct guest *guest, uint32_t class, uint64_t pc)
{
	return guest_run(guest) == KVM_EXIT_DEBUG && guest->run->debug.arch.hsr >> 26 == class &&
	       reg_get(guest, reg_pc) == pc;
}

static bool has_kvm(struct guest *guest)
{
	start(guest, PSTATE_EL1);
	return ioctl(guest->kvm_fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION && finishes(guest);
}

static bool has_guest_debug(struct guest *guest)
{
	start(guest, PSTATE_EL1);
	guest_set_debug(guest, KVM_GUESTDBG_USE_SW_BP);
	return guest_extension(guest, KVM_CAP_SET_GUEST_DEBUG) > 0;
}

static bool has_immediate_exit(struct guest *guest)
{
	start(guest, PSTATE_EL1);
	word_put(guest, CODE, loop);
	return guest_leaves_at_once(guest);
}

static bool has_kick(struct guest *guest)
{
	start(guest, PSTATE_EL1);
	word_put(guest, CODE, loop);
	return guest_leaves_on_signal(guest);
}

static bool brk_exits(struct guest *guest, uint64_t pstate)
{
	start(guest, pstate);
	word_put(guest, CODE + 8, brk);
	guest_set_debug(guest, KVM_GUESTDBG_USE_SW_BP);
	return exits_for_debug(guest, EC_BRK, CODE + 8);
}

static bool has_brk_exits(struct guest *guest)
{
	return brk_exits(guest, PSTATE_EL1);
}

static bool has_brk_exits_user(struct guest *guest)
{
	return brk_exits(guest, PSTATE_EL0);
}

static bool has_brk_own(struct guest *guest)
{
	start(guest, PSTATE_EL1);
	word_put(guest, CODE + 8, brk);
	return delivers(guest, CODE + 8);
}

static bool hw_exec(struct guest *guest, uint64_t pstate)
{
	start(guest, pstate);
	guest->debug.arch.dbg_bvr[0] = CODE + 8;
	guest->debug.arch.dbg_bcr[0] = BREAK_ANY_EL;
	guest_set_debug(guest, KVM_GUESTDBG_USE_HW);
	return guest_extension(guest, KVM_CAP_GUEST_DEBUG_HW_BPS) > 0 &&
	       exits_for_debug(guest, EC_BREAKPOINT, CODE + 8);
}

static bool has_hw_exec(struct guest *guest)
{
	return hw_exec(guest, PSTATE_EL1);
}

static bool has_hw_exec_user(struct guest *guest)
{
	return hw_exec(guest, PSTATE_EL0);
}

static bool watches(struct guest *guest, uint64_t pstate, uint64_t kind, uint64_t pc)
{
	start(guest, pstate);
	guest->debug.arch.dbg_wvr[0] = DATA;
	guest->debug.arch.dbg_wcr[0] = kind;
	guest_set_debug(guest, KVM_GUESTDBG_USE_HW);
	return guest_extension(guest, KVM_CAP_GUEST_DEBUG_HW_WPS) > 0 &&
	       exits_for_debug(guest, EC_WATCHPOINT, pc) && guest->run->debug.arch.far == DATA;
}

static bool has_hw_watch(struct guest *guest)
{
	return watches(guest, PSTATE_EL1, WATCH_STORE, CODE + 0xc);
}

static bool has_hw_watch_read(struct guest *guest)
{
	return watches(guest, PSTATE_EL1, WATCH_LOAD, CODE + AT_LOAD);
}

static bool has_hw_watch_rw(struct guest *guest)
{
	if (!watches(guest, PSTATE_EL1, WATCH_ACCESS, CODE + 0xc))
		return false;
	reg_set(guest, reg_pc, CODE + AT_LOAD);
	return exits_for_debug(guest, EC_WATCHPOINT, CODE + AT_LOAD);
}

static bool has_hw_watch_user(struct guest *guest)
{
	return watches(guest, PSTATE_EL0, WATCH_STORE, CODE + 0xc);
}

/* The guest's own breakpoint registers work while nobody debugs it. */
static bool has_hw_own(struct guest *guest)
{
	start(guest, PSTATE_EL1 & ~PSTATE_D);
	reg_set(guest, reg_dbgbvr0_el1, CODE + 8);
	reg_set(guest, reg_dbgbcr0_el1, BREAK_ANY_EL);
	reg_set(guest, reg_mdscr_el1, MDSCR_KDE_MDE);
	return delivers(guest, CODE + 8);
}

static bool steps(struct guest *guest, uint64_t pstate)
{
	start(guest, pstate);
	guest_set_debug(guest, KVM_GUESTDBG_SINGLESTEP);
	for (uint64_t pc = CODE + 4; pc <= CODE + AT_DONE; pc += 4) {
		if (!exits_for_debug(guest, EC_STEP, pc))
			return false;
	}
	return true;
}

static bool has_step(struct guest *guest)
{
	return steps(guest, PSTATE_EL1);
}

static bool has_step_user(struct guest *guest)
{
	return steps(guest, PSTATE_EL0);
}

/* A step over an access that user space must serve is that exit first, then the step's. */
static bool has_step_mmio(struct guest *guest)
{
	return steps(guest, PSTATE_EL1) && finishes(guest) &&
	       exits_for_debug(guest, EC_STEP, CODE + AT_DONE + 4);
}

/* Stepping disarms nothing: a watchpoint in the way of a step is reported. */
static bool has_step_watch(struct guest *guest)
{
	if (!watches(guest, PSTATE_EL1, WATCH_STORE, CODE + 0xc))
		return false;
	guest_set_debug(guest, KVM_GUESTDBG_USE_HW | KVM_GUESTDBG_SINGLESTEP);
	return exits_for_debug(guest, EC_WATCHPOINT, CODE + 0xc);
}

static bool has_sve(struct guest *guest)
{
	start(guest, PSTATE_EL1);
	return guest_extension(guest, KVM_CAP_ARM_SVE);
}

/* KVM gives both kinds to a guest, or neither. */
static bool has_pauth(struct guest *guest)
{
	start(guest, PSTATE_EL1);
	return guest_extension(guest, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
	       guest_extension(guest, KVM_CAP_ARM_PTRAUTH_GENERIC);
}

const struct ability abilities[] = {
	{ "kvm", has_kvm },
	{ "guest-debug", has_guest_debug },
	{ "immediate-exit", has_immediate_exit },
	{ "kick", has_kick },
	{ "brk-exits", has_brk_exits },
	{ "brk-exits-user", has_brk_exits_user },
	{ "brk-own", has_brk_own },
	{ "hw-exec", has_hw_exec },
	{ "hw-exec-user", has_hw_exec_user },
	{ "hw-watch", has_hw_watch },
	{ "hw-watch-read", has_hw_watch_read },
	{ "hw-watch-rw", has_hw_watch_rw },
	{ "hw-watch-user", has_hw_watch_user },
	{ "hw-own", has_hw_own },
	{ "step", has_step },
	{ "step-user", has_step_user },
	{ "step-mmio", has_step_mmio },
	{ "step-watch", has_step_watch },
	{ "sve", has_sve },
	{ "pauth", has_pauth },
	{ NULL, NULL },
};
