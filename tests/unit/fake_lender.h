/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VMM for tests of the run control: the lender's side of each vCPU's channel, played by a thread
 * over a small simulated x86-64 machine.  It follows kvm/channel.h and what KVM is known to do (a
 * #BP exit with rip at INT3, KVM_SET_REGS dropping a waiting exception, TF hidden while it steps),
 * watches the daemon for what it must never do, and misbehaves on request.
 *
 * The machine runs 64-bit code with paging on: gva X and gva FAKE_ALIAS + X are both gpa X.
 * Instructions: NOP, INT3, JMP short, HLT, IRET, OUT imm8, INC byte [disp32], MOV byte [disp32], imm8, MOV DR7, RAX.
 */
#ifndef TESTS_FAKE_LENDER_H
#define TESTS_FAKE_LENDER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "kvm/address.h"
#include "kvm/channel.h"
#include "kvm/cpu_x86_64.h"

enum {
	FAKE_VCPUS = 4,
	FAKE_MEMORY = 0x40000,
	FAKE_ALIAS = 0x200000,
	FAKE_BP_HANDLER = 0x7000, /* NOP, IRET; so are the next two */
	FAKE_DB_HANDLER = 0x7040,
	FAKE_FAULT_HANDLER = 0x7080,
	FAKE_CODE = 0x10000, /* all NOP until the test says otherwise */
	FAKE_GUARDS = 64,
	FAKE_MSR = 0x1234,
	FAKE_NO_MSR = 0x1235,
};

#define FAKE_STRAY_DR6 UINT64_C(0xffff8ff0) /* BT, which nothing here raises by itself */

/* How the next report is spoilt. */
enum fake_garble {
	FAKE_HONEST,
	FAKE_WRONG_SEQ,
	FAKE_WRONG_TYPE,
	FAKE_CUT_SHORT,  /* not even a header */
	FAKE_NO_RESULTS, /* well-formed, but without the results that were asked for */
	FAKE_TWICE,      /* and once more, unasked */
	FAKE_TOO_LONG,   /* more than a message may have */
};

/* One report, changed anyhow. */
struct fake_spoilt {
	unsigned offset, size; /* of what gets another value: up to 8 bytes; 0: nothing */
	uint64_t value;
	int longer;     /* by so many bytes, which may be negative */
	unsigned times; /* so often it is sent: 1 is right */
	unsigned delay_ms;
};

struct fake_lender;

struct fake_vcpu {
	struct fake_lender *lender;
	unsigned index;
	int channel_fd; /* the VMM's end */
	pthread_t thread;

	/* ---- the test's levers ---- */
	atomic_bool stuck;   /* in the VMM's hands: neither executes nor listens */
	atomic_bool mute;    /* has come out of KVM_RUN, but its thread does not get to report */
	atomic_bool die;     /* closes its channel at the next opportunity */
	atomic_int die_in;   /* > 0: so many messages from now, before answering the last */
	atomic_int garble;   /* enum fake_garble */
	atomic_int spoil_in; /* > 0: the report of that number from now is as in spoilt */
	struct fake_spoilt spoilt;
	atomic_uint fail_request; /* the ioctl that fails, fail_times times, with fail_errno */
	atomic_int fail_errno, fail_times;
	atomic_int fail_run; /* errno of the next KVM_RUN */
	atomic_int ending;   /* enum channel_ending: the next exit, if the daemon wants to see it */
	atomic_bool wake;    /* ends HLT */
	atomic_bool busy;  /* a #DB waits whenever KVM has debug registers under way to the guest */
	atomic_bool stray; /* one #DB exit with FAKE_STRAY_DR6 instead of the next instruction */

	/* ---- what it has seen ---- */
	atomic_bool parked; /* between REPORT and RUN */
	atomic_bool dead;
	atomic_ullong executed; /* instructions */
	atomic_uint guest_bp;   /* #BP delivered to the guest */
	atomic_uint guest_db;
	atomic_uint kicks, programs, runs, vmm_exits;
	atomic_uint debug_control; /* of the last KVM_SET_GUEST_DEBUG */
	atomic_ullong rip;         /* a copy, for looking at */

	/* ---- the thread's own ---- */
	struct x86_regs regs;
	struct x86_sregs sregs;
	struct x86_debugregs debugregs;
	struct x86_fpu fpu;
	struct x86_events events;
	uint32_t mp_state;
	uint64_t msr_value, odd_msr_value;
	uint32_t control;
	uint64_t debugreg[8];
	int waiting_vector; /* exception queued; -1 none */
	bool bp_exit;       /* the last exit was #BP: KVM knows the length of an INT3 to inject */
	bool tf;            /* the single step in force */
	bool lends;         /* KVM_DEBUGREG_WONT_EXIT */
	bool asked, once, ends;
	_Alignas(8) uint8_t program[CHANNEL_MAX_BYTES], report[CHANNEL_MAX_BYTES + 64];
	size_t program_length, report_length, after_at;
	uint8_t debug_exit[32];
};

struct fake_lender {
	unsigned count;
	struct fake_vcpu vcpus[FAKE_VCPUS];
	int daemon_fd[FAKE_VCPUS]; /* the daemon's ends; -1 once taken */
	int memory_fd;
	uint8_t *memory;   /* guest-physical, as it is */
	uint8_t *original; /* as the guest believes it to be: set by fake_lender_write() */
	atomic_bool quit;
	/* No instruction may be executed while a guarded byte is not INT3, but at that byte. */
	atomic_uint guards[FAKE_GUARDS];
	atomic_uint violations; /* what the daemon has done wrong, so far */
	char violation[160];    /* the first of them */
};

/* Builds memory and page tables; the vCPUs are at FAKE_CODE + 0x1000 * index.  0 or -errno. */
int fake_lender_init(struct fake_lender *lender, unsigned count);
/* Starts the threads: every vCPU runs. */
void fake_lender_start(struct fake_lender *lender);
/* Ends the threads and frees everything. */
void fake_lender_fini(struct fake_lender *lender);

/* Writes the guest's memory and what it believes to be there; before it starts, or while parked. */
void fake_lender_write(struct fake_lender *lender, gpa_t gpa, const void *bytes, size_t length);

/* From the next instruction on, no vCPU may execute anything while there is no INT3 at gpa. */
void fake_lender_guard(struct fake_lender *lender, gpa_t gpa);
void fake_lender_unguard(struct fake_lender *lender, gpa_t gpa);

/* True if the guest's memory is what it believes. */
bool fake_lender_is_clean(const struct fake_lender *lender);

#endif
