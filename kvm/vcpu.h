/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One vCPU under debug: its port, its cached registers and what it was last run with.  Knows how
 * to exchange registers and to launch a run; why and when is the run control's business
 * (run_control.c).
 */
#ifndef KVM_VCPU_H
#define KVM_VCPU_H

#include "kvm/arch.h"
#include "kvm/port.h"

enum vcpu_state {
	VCPU_RUNNING, /* its thread is in or around KVM_RUN, or has not called yet */
	VCPU_PARKED,
	VCPU_LOST, /* the port broke: the VMM is gone or breaks the protocol */
};

/* What a run is for, beyond running. */
enum vcpu_errand {
	VCPU_FREE,   /* nothing: runs until something comes up */
	VCPU_STEP,   /* the debugger asked for one instruction */
	VCPU_OVER,   /* one instruction past our own breakpoint, then free again */
	VCPU_SILENT, /* one instruction with the debug registers off, then free again */
};

struct vcpu {
	unsigned index;
	enum vcpu_state state;
	bool kicked; /* since it was last launched */
	bool late;   /* did not park in time: what it comes out with may be over already */
	struct port port;
	struct cpu cpu;

	struct debug_plan plan; /* of the run in progress, or the last one */
	size_t loaded_size;     /* what KVM_SET_GUEST_DEBUG was last given; 0 unknown */
	uint8_t loaded[528];
	uint32_t fetching; /* groups that the run in progress brings back */
	bool ends;         /* it is to park before its VMM hears of the guest's end */

	struct target_resume wish; /* what the debugger wants of it since the last resume */
	enum vcpu_errand errand;
	struct step_plan step;   /* valid while errand != VCPU_FREE and it was launched */
	bool stepping;           /* step is in progress: step_end() is due */
	struct injection inject; /* due before it runs again, at inject_pc */
	gva_t inject_pc;

	bool has_hit;  /* hit has not been reported yet */
	bool hit_told; /* but the debugger knows of it: it has asked */
	struct target_stop hit;
	gva_t hit_pc;
	bool hit_trap; /* by executing the instruction that we planted */
	bool has_news; /* non-stop: news has not been told yet */
	struct target_stop news;
	enum target_stop_reason halt_reason; /* TARGET_HALT: what it is told as */
	unsigned halt_turn;                  /* and after whom: vm->halt_turns then */
	/* Until it has run once without debug registers of ours it must not have any: arch->lends_registers(). */
	bool lends;
	gva_t lends_at; /* its pc when it was launched last */
	bool pass;      /* the breakpoint at pass_pc was reported: go past it, do not hit again */
	gva_t pass_pc;
	bool pass_watch; /* ... the watchpoint, that is: which stopped before the access */
	bool pass_trap;  /* ... the instruction that we planted, which the vCPU has executed */
};

/* Takes channel_fd. */
void vcpu_init(struct vcpu *vcpu, unsigned index, int channel_fd);
void vcpu_fini(struct vcpu *vcpu);

/*
 * Makes groups of CPU_... valid in the cache of a parked vCPU.  0; -ENODATA when KVM does not give
 * one of them; -EBUSY when it is not parked; or -errno of the port (the vCPU is lost then).
 */
int vcpu_fetch(struct vcpu *vcpu, uint32_t groups, int timeout_ms);

/* Stores the dirty groups at once.  0; -EINVAL when KVM refuses; -EBUSY; -errno of the port. */
int vcpu_store(struct vcpu *vcpu, int timeout_ms);

/*
 * One register by its number (arch->parse_numbered()).  0; -ENODATA KVM does not give it; -EINVAL it
 * does not take the value; -EBUSY; -errno of the port.
 */
int vcpu_get_numbered(struct vcpu *vcpu, uint32_t number, uint64_t *value, int timeout_ms);
int vcpu_set_numbered(struct vcpu *vcpu, uint32_t number, uint64_t value, int timeout_ms);

/*
 * Lets a parked vCPU run with vcpu->plan and what is left in vcpu->inject; its report brings
 * `groups` along.  0 or -errno of the port.
 */
int vcpu_launch(struct vcpu *vcpu, const struct arch *arch, uint32_t groups);

/*
 * After its port became readable: 1 it has parked (port.report tells why), 0 not yet, -errno it
 * is lost now.
 */
int vcpu_collect(struct vcpu *vcpu);

/* Asks it to park.  0 or -errno (it is lost now). */
int vcpu_kick(struct vcpu *vcpu);

#endif
