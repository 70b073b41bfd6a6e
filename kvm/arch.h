/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the run control (vcpu.c, vm.c) asks of an architecture.  All of it is pure: registers and
 * exit information in, decisions out; both architectures are linked and tested on any host.  Only
 * transfer_x86_64.c / transfer_arm64.c (kvm/transfer.h) need the matching machine.
 */
#ifndef KVM_ARCH_H
#define KVM_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kvm/address.h"
#include "kvm/cpu_arm64.h"
#include "kvm/cpu_x86_64.h"
#include "kvm/paging.h"
#include "protocol/target.h"

/* ---- registers --------------------------------------------------------------------------- */

/* Groups of registers that are fetched and stored together. */
enum {
	CPU_GENERAL = 1 << 0,
	CPU_SYSTEM = 1 << 1,
	CPU_FLOAT = 1 << 2,
	CPU_DEBUG = 1 << 3,
	CPU_EVENTS = 1 << 4,
	CPU_MSRS = 1 << 5,
	CPU_MP = 1 << 6,
	CPU_XSAVE = 1 << 7, /* x86: of CPU_FLOAT what is beyond x87 and SSE */
	CPU_XCRS = 1 << 8,
	CPU_MSRS_MORE = 1 << 9, /* those that nobody but the debugger wants */
	CPU_CPUID = 1 << 10,
	CPU_STOP = CPU_GENERAL | CPU_SYSTEM, /* what every stop needs */
};

struct cpu {
	uint32_t valid; /* groups that hold what the vCPU has */
	uint32_t dirty; /* groups that must be stored before it runs */
	/*
	 * x86-64: the debugger knows no segments, so its program counter is the linear address of the
	 * next instruction wherever code segments have a base (real mode), and no offset in a segment.
	 */
	bool linear_pc;
	union {
		struct cpu_x86_64 x86_64;
		struct cpu_arm64 arm64;
	};
};

/* ---- breakpoints in hardware ------------------------------------------------------------- */

/* A hardware breakpoint or watchpoint that the debugger wants on every vCPU. */
struct hardware_point {
	enum target_breakpoint type; /* any but TARGET_BREAK_SOFTWARE */
	gva_t gva;
	uint64_t length;
};

enum slot_owner {
	SLOT_FREE,
	SLOT_HOST,     /* a hardware_point */
	SLOT_GUEST,    /* the guest's own, merged so that it is not lost */
	SLOT_INTERNAL, /* the end of a step that runs to an address */
};

/* What one debug register pair was loaded with. */
struct slot {
	enum slot_owner owner;
	enum target_breakpoint type;
	uint8_t guest_index; /* SLOT_GUEST: the number of the guest's own register */
	gva_t gva;
	uint64_t length;
	uint64_t control, value; /* arm64: DBGxCR and DBGxVR, as they go to KVM */
};

enum { ARCH_MAX_SLOTS = 32 }; /* x86-64: DR0..3; arm64: 0..15 DBGB, 16..31 DBGW */

/* What a vCPU is to be run with; recomputed for every run, never edited. */
struct debug_request {
	bool software;                       /* software breakpoints are planted somewhere */
	bool step;                           /* KVM's single step */
	const struct hardware_point *points; /* of the debugger */
	unsigned point_count;
	bool skip_at_pc; /* leave out points that would hit again at pc before anything was executed */
	bool skip_watch; /* arm64: and the watchpoints, for one was reported at pc */
	gva_t run_to[4]; /* SLOT_INTERNAL addresses */
	unsigned run_to_count;
};

/* Things that cannot be had; the user is told of each once, in words (limitation_text()). */
enum limitation {
	LIMITATION_GUEST_BREAKPOINT_LOST = 1 << 0, /* no free slot for one of the guest's own */
	LIMITATION_GUEST_STEP = 1 << 1,            /* arm64: guest's own stepping is suspended */
	LIMITATION_GUEST_LINKED = 1 << 2,          /* arm64: linked or context breakpoints */
	LIMITATION_EXCLUSIVE = 1 << 3,             /* arm64: breakpoint between LDXR and STXR */
	LIMITATION_IO_BREAKPOINT = 1 << 4,         /* x86: the guest's I/O breakpoints */
	LIMITATION_OS_LOCK = 1 << 5,
	LIMITATION_WRONG_WORLD = 1 << 6, /* vEL2, AArch32 EL1, protected guest */
};

/* What the vCPU is (or was last) run with. */
struct debug_plan {
	uint32_t control; /* KVM_GUESTDBG_... of the architecture; 0: guest debug off */
	struct slot slots[ARCH_MAX_SLOTS];
	bool watch_guest_debug_registers; /* x86: DR7.GD set so that the guest's MOV DR exits */
	uint32_t limitations;
};

/* ---- exceptions -------------------------------------------------------------------------- */

enum injection_kind {
	INJECT_NONE,
	INJECT_BREAKPOINT, /* x86 #BP by INT3 at pc */
	INJECT_DEBUG,      /* x86 #DB */
	INJECT_SYNC,       /* arm64: synchronous exception to EL1 */
};

struct injection {
	enum injection_kind kind;
	uint64_t dr6; /* x86 #DB: causes, in pending-debug format (active-low bits inverted) */
	uint8_t skip; /* x86 ICEBP: bytes to advance rip by first */
	uint32_t esr; /* arm64: for ESR_EL1, in KVM's form; inject() adapts EC to the source */
	uint64_t far;
	bool has_far;
};

/* How one instruction is to be stepped. */
struct step_plan {
	bool trap; /* by KVM's single step; else by running to run_to[] */
	gva_t run_to[4];
	unsigned run_to_count;
	gva_t from;          /* pc before */
	uint64_t private[4]; /* the architecture's: what step_end() must undo */
	uint32_t on_loss;    /* and what a lender must, should it lose us: loss.h */
};

/* Guest-virtual memory through the vCPU's own tables: 0 or -EFAULT, whole or not at all. */
struct guest_memory {
	int (*read)(void *context, gva_t gva, void *buf, size_t length);
	int (*write)(void *context, gva_t gva, const void *buf, size_t length);
	void *context;
};

/* What is known when a vCPU comes out with KVM_EXIT_DEBUG. */
struct debug_event {
	const struct cpu *cpu;         /* CPU_STOP | CPU_DEBUG valid */
	const uint8_t *exit;           /* 64 bytes: struct kvm_debug_exit_arch */
	const struct debug_plan *plan; /* it ran with */
	const struct step_plan *step;  /* in progress, or NULL */
	bool planted;         /* a software breakpoint of ours is at pc, in this address space */
	bool stale;           /* one of ours was there until the last stop */
	uint8_t code[16];     /* guest memory at pc, ours hidden */
	unsigned code_length; /* how much of code[] could be read */
};

/* What to do about it. */
struct decision {
	bool report; /* to the debugger: reason, address */
	enum target_stop_reason reason;
	uint64_t address;
	bool step_done; /* the step in progress has ended */
	/*
	 * The guest's part, due before the vCPU runs again.  arm64, with step_done and no report: the
	 * step was into this exception; inject() comes first, so that it ends at the handler.
	 */
	struct injection inject;
	bool guest_debug_registers; /* x86: the guest is about to write its debug registers */
	bool step_silently;         /* execute one instruction with no points at all, go on */
	uint32_t limitations;
};

/* ---- the architecture -------------------------------------------------------------------- */

/*
 * Another layout in which the same registers can be shown, to a debugger that takes the machine for
 * another kind: its registers stand in the place of the first features of the catalogue.
 */
struct arch_view {
	const char *name;         /* for people */
	const char *architecture; /* for the debugger */
	const struct target_feature *features;
	unsigned feature_count;
	const uint16_t
		*own; /* the catalogue's number of each of their registers, which may be wider */
	unsigned replaces; /* so many features of the catalogue */
};

struct arch {
	const char *name; /* as uname -m: "x86_64", "aarch64" */
	/*
	 * The catalogue: every register that a vCPU may have, numbered through.  What one vCPU has of it is
	 * for feature() to say, and for register_set.h to number.
	 */
	const struct target_description *description;
	/* Feature `index` as this vCPU has it (as many registers as in the catalogue), or NULL. */
	const struct target_feature *(*feature)(const struct cpu *cpu, unsigned index);
	/*
	 * Whether this vCPU has register `number` of the catalogue, of a feature that it has; *reg, a
	 * copy of the catalogue's, may be given another size.  NULL: all of them, as they are there.
	 */
	bool (*has_register)(const struct cpu *cpu, unsigned number, struct target_register *reg);
	/* How many watchpoints the vCPU has.  NULL: unknown. */
	unsigned (*watchpoint_count)(const struct cpu *cpu);
	const char *view_name; /* of the catalogue itself, where there are others */
	const struct arch_view *views;
	unsigned view_count;
	/* Which of the views fits the mode that the vCPU is in; -1: the catalogue itself.  CPU_STOP. */
	int (*view_fitting)(const struct cpu *cpu);
	uint32_t probe_groups; /* what these want fetched */

	uint8_t breakpoint_length; /* of the planted instruction */
	uint8_t breakpoint_bytes[4];
	uint8_t breakpoint_alignment;
	bool watch_is_fault; /* a watchpoint stops before the access (arm64), not after it */

	/* Linear address of the next instruction, and setting it.  CPU_STOP. */
	gva_t (*pc)(const struct cpu *cpu);
	void (*pc_set)(struct cpu *cpu, gva_t pc);

	/* The groups that register `number` (of the catalogue) needs fetched. */
	uint32_t (*register_groups)(unsigned number);
	/* As target_ops.register_read/_write, on the cached groups; write marks dirty. */
	int (*register_read)(const struct cpu *cpu, unsigned number, void *value);
	int (*register_write)(struct cpu *cpu, unsigned number, const void *value);

	/*
	 * The number by which KVM knows a register that need not be in the catalogue: an MSR's index,
	 * or a system register as S3_0_C1_C0_0.  0 or -EINVAL.
	 */
	int (*parse_numbered)(const char *text, uint32_t *number);

	/* As the walkers: 1, 0, -errno. */
	int (*translate)(const struct cpu *cpu, const struct physical *memory, gva_t gva,
		struct translation *out);
	/* For people, of a step of a walk: what its table entry is called, and what its bits say. */
	const char *(*entry_name)(const struct translation_step *step);
	void (*entry_describe)(const struct translation_step *step, char *text, size_t size);
	/* Of a page's entry, the nine letters of QEMU's "info tlb", XGPDACTUW, each or '-'. */
	void (*entry_letters)(const struct translation_step *step, char letters[10]);
	/*
	 * An id of the address space gva belongs to: the root table's address (CR3; TTBR0, kernel half:
	 * TTBR1, without the ASID, which a guest may hand out anew at any time).
	 */
	uint64_t (*address_space)(const struct cpu *cpu, gva_t gva);

	/* True for CPL 3, EL0.  CPU_STOP. */
	bool (*is_user)(const struct cpu *cpu);

	/* One line for people: "halted", "in user mode", ...  CPU_STOP | CPU_MP. */
	void (*describe)(const struct cpu *cpu, char *text, size_t size);

	/* 0, -EINVAL (length or alignment), -ENOTSUP (type), -ENOSPC (with those before it). */
	int (*check_point)(const struct cpu *cpu, const struct hardware_point *points,
		unsigned point_count, const struct hardware_point *wanted);

	/* Groups beyond CPU_STOP that plan() and decide() want; 0 when nothing is to be debugged. */
	uint32_t (*debug_groups)(const struct debug_request *request);
	void (*plan)(const struct cpu *cpu, const struct debug_request *request,
		struct debug_plan *plan);
	/*
	 * struct kvm_guest_debug for the plan into arg (room for 528 bytes); returns its size.
	 * x86: with the injection flag that inject() has left in *injection, and pad as loss.h has it.
	 */
	size_t (*encode)(
		const struct debug_plan *plan, const struct injection *injection, void *arg);

	void (*decide)(const struct debug_event *event, struct decision *decision);

	/*
	 * True when KVM, if a signal brought it out at this instruction while nothing was debugged, may be about
	 * to let the guest have the hardware's debug registers: what KVM_SET_GUEST_DEBUG loads there now it
	 * would take for the guest's own at the next exit (KVM_DEBUGREG_WONT_EXIT in vmx.c, handle_dr(), svm.c,
	 * dr_interception(), x86.c, vcpu_enter_guest()).  NULL: never.
	 */
	bool (*lends_registers)(const struct cpu *cpu, const uint8_t *code, unsigned length);

	/* True when code starts with the guest's own breakpoint instruction (INT3, BRK #n). */
	bool (*is_breakpoint)(const uint8_t *code, unsigned length);
	/* The injection that gives the guest the breakpoint exception of that instruction. */
	void (*own_breakpoint)(const struct cpu *cpu, const uint8_t *code, unsigned length,
		struct injection *injection);
	/*
	 * Puts the exception into the cached registers.  x86: what is left for encode() stays in
	 * *injection, else it becomes INJECT_NONE.  Wants injection_groups() fetched.
	 */
	uint32_t (*injection_groups)(const struct injection *injection);
	void (*inject)(struct cpu *cpu, struct injection *injection);

	/*
	 * Before and after one step; step_groups() are to be fetched before step_begin().  trap_only: no address to run
	 * to, which would take a debug register.
	 */
	uint32_t (*step_groups)(const struct cpu *cpu, const uint8_t *code, unsigned length);
	void (*step_begin)(struct cpu *cpu, const struct guest_memory *memory, const uint8_t *code,
		unsigned length, bool trap_only, struct step_plan *step);
	/*
	 * After the step was trapped or ran to its end, or was given up half-way: takes back from
	 * registers and memory what stepping has left there (TF images, interrupt masks).
	 */
	void (*step_end)(
		struct cpu *cpu, const struct guest_memory *memory, const struct step_plan *step);
};

extern const struct arch arch_x86_64, arch_arm64;

/* The words for one bit of enum limitation. */
const char *limitation_text(enum limitation limitation);

#endif
