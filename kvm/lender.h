/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside libgdbproxy (gdbproxy.h): what its files share.  It lives in somebody else's process, so it
 * brings no thread, logs nothing, takes no global but one signal handler (lender_kick.c), and must
 * not crash on anything that a daemon says.
 *
 *	lender.c		the public calls of setting up and taking down
 *	lender_link.c		the conversation of handover.h: tells the daemon what it was not told yet
 *	lender_tie.c		the tie's life: attached, lost, undone, tried again
 *	lender_vcpu.c		gdbproxy_run(): running and parking
 *	lender_program.c	executing what came over the channel
 *	lender_sync.c		registers without a call
 *	lender_loss.c		what a daemon that died in the midst has left in a vCPU
 *	lender_kick.c		the signal that gets a thread out of KVM_RUN
 *	lender_alarm.c		that signal by a timer, to look for the next daemon
 *
 * Locks: whoever holds link_lock leads the conversation and may wait for the daemon's answers;
 * table_lock is never held while waiting for anything.  What is marked [both] below is written
 * with both held and read with either.  Order: link_lock, table_lock.
 */
#ifndef KVM_LENDER_H
#define KVM_LENDER_H

#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "kvm/channel.h"
#include "kvm/gdbproxy.h"
#include "kvm/journal.h"
#include "protocol/handover.h"

enum {
	LENDER_ANSWER_MS = 5000,    /* for an answer to a call of gdbproxy.h */
	LENDER_PASS_MS = 2,         /* for answers while a vCPU's thread registers again */
	LENDER_HOLD_MS = 3000,      /* for a daemon that has lost its worker to take the VM again */
	LENDER_RETRY_FIRST_MS = 10, /* a daemon that has lost a worker is there at once */
	LENDER_ERROR_SIZE = 256,
};

/* ---- the tables -------------------------------------------------------------------------- */

enum lender_told {
	LENDER_VACANT, /* no region here */
	LENDER_NEW,    /* the daemon does not know it */
	LENDER_TOLD,
	LENDER_LEAVING, /* the daemon knows it and is to forget it */
};

struct lender_region {
	enum lender_told told;
	uint32_t flags;
	uint64_t gpa, size, offset, hva;
	int fd; /* a duplicate of ours, or -1 */
};

/* ---- the conversation -------------------------------------------------------------------- */

struct lender_link {
	int fd;              /* -1: none */
	uint32_t serial;     /* of the last request */
	uint32_t asked;      /* enum handover_type: its answer is outstanding; 0: none is */
	unsigned subject;    /* the region or vCPU it is about */
	bool greeted, ready; /* HELLO, READY were answered */
	char error[LENDER_ERROR_SIZE];
};

/* ---- one VM ------------------------------------------------------------------------------ */

/*
 * gdbproxy.state counts up with each change, from 0, so that a vCPU sees a change that was
 * undone in the meantime; odd is attached.
 */
static inline bool lender_state_attached(uint32_t state)
{
	return state & 1;
}

struct gdbproxy {
	pthread_mutex_t link_lock, table_lock;
	_Atomic uint32_t state;      /* [both] */
	_Atomic int64_t retry_at_ms; /* CLOCK_MONOTONIC_COARSE; while detached */
	_Atomic bool complete;       /* gdbproxy_ready() was called: there is something to debug */
	int64_t give_up_at_ms;       /* link_lock: for the registration in progress */
	int64_t backoff_ms;          /* link_lock */
	int64_t attached_at_ms;      /* link_lock */
	bool keeps;                  /* link_lock: HANDOVER_FEATURE_HOLD was granted */
	bool hold;                   /* [both]: READY asks for HOLD */
	_Atomic int64_t hold_until_ms; /* the vCPUs wait until then, unless attached before */
	bool leaving;                  /* link_lock: GOODBYE is to be said */
	struct lender_link link;       /* link_lock */
	struct journal journal;        /* [both] */
	struct lender_region regions[HANDOVER_MAX_REGIONS]; /* [both] */
	unsigned nr_vcpus;
	struct gdbproxy_vcpu **vcpus; /* [both]: nr_vcpus, NULL until added */
	char path[108];               /* sun_path */
	char name[HANDOVER_NAME_SIZE];
	char error[LENDER_ERROR_SIZE]; /* of the last public call, for gdbproxy_error() */
};

/* ---- one vCPU ---------------------------------------------------------------------------- */

struct lender_message {
	size_t length;
	_Alignas(8) uint8_t bytes[CHANNEL_MAX_BYTES];
};

struct lender_thread;

/* Interrupts a thread that may be in KVM_RUN for long. */
struct lender_alarm {
	timer_t timer;
	pid_t tid; /* whose timer it is; 0: there is none */
	int64_t at_ms;
};

/* Does KVM leave registers in kvm_run? */
enum lender_sync {
	LENDER_SYNC_UNKNOWN,
	LENDER_SYNC_TRIED, /* it is asked to, and the next look tells */
	LENDER_SYNC_WORKS,
	LENDER_SYNC_NEVER,
};

struct gdbproxy_vcpu {
	struct gdbproxy *proxy;
	struct kvm_run *run;
	int vcpu_fd;
	unsigned index, kvm_id;

	/* For whoever leads the conversation. */
	bool told;           /* link_lock */
	int next_channel_fd; /* [both]: the end of a new channel, until the vCPU's thread takes it */
	_Atomic pid_t tid;   /* of the thread that ran it last, 0: none yet */
	_Atomic bool in_use; /* by a debugger: parked, or let go to come back */

	/* The rest is of the thread in gdbproxy_run(). */
	const struct lender_thread *thread; /* that ran it last */
	uint32_t state;                     /* of the proxy, that it has settled in */
	int channel_fd;                     /* written with table_lock; -1: detached */
	uint32_t asked;  /* enum channel_reason to park with as soon as I/O is complete; 0: none */
	bool held;       /* park before the next instruction */
	bool once;       /* the last RUN had CHANNEL_ONCE: a debugger is stepping */
	bool ends;       /* it had CHANNEL_END: a debugger wants to see the guest's end */
	bool debugged;   /* the daemon has switched guest debug on */
	bool owes_eintr; /* a signal of the VMM's came while parked */
	bool fresh;      /* nothing has been done to the vCPU since KVM_RUN returned */
	bool whole;      /* KVM_RUN has completed what the VMM has served: vCPUs park so */
	enum lender_sync sync;
	/* How it was run last, and whether it has come out by a debug exit and nobody has decided: loss.h. */
	struct kvm_guest_debug loss_debug;
	struct kvm_guest_debug next_debug; /* how it is to be run next */
	bool loss_exited;
	struct lender_alarm alarm;
	size_t after; /* where in program the `after` list begins; 0: there is none to do */
	struct lender_message program; /* the last one received */
	struct lender_message report;  /* to it, growing */
};

/* ---- lender_link.c ----------------------------------------------------------------------- */

/* Connects without waiting.  0 or -errno of socket(2), connect(2). */
int lender_link_connect(struct gdbproxy *proxy);

/*
 * Tells the daemon all it was not told yet, one request at a time, for up to timeout_ms.  0: all
 * is told and answered.  -EAGAIN: time is up, call again to go on.  -EPROTO, -EACCES: it
 * refused (link.error has its words).  Other -errno: it is gone.  Call with link_lock.
 */
int lender_link_sync(struct gdbproxy *proxy, int timeout_ms);

/* Sends a notice and does not wait for its answer.  0 or -errno.  Call with link_lock. */
int lender_link_notice(struct gdbproxy *proxy, uint32_t event, int32_t detail);

/* Hangs up; from then on nothing has been told.  Call with both locks. */
void lender_link_drop(struct gdbproxy *proxy);

/* Ends a region's entry.  Call with both locks. */
void lender_region_vacate(struct lender_region *region);

/* ---- lender_tie.c ------------------------------------------------------------------------ */

int64_t lender_now_ms(void);

/*
 * Where the VMM has that guest-physical byte, for writing; NULL when it is not lent, or a ROM.  Call with one of the
 * locks, and do not keep it: the VMM may take the memory away.
 */
uint8_t *lender_memory_at(const struct gdbproxy *proxy, gpa_t gpa);

/*
 * lender_link_sync(), and what follows from its result: attached when all is told, the tie cut when
 * the daemon refused or is gone.  Without a link: 0.  Call with link_lock.
 */
int lender_tie_sync(struct gdbproxy *proxy, int timeout_ms);

/* Takes back what is planted and detaches every vCPU, whatever is there.  Call with link_lock. */
void lender_tie_cut(struct gdbproxy *proxy);

/* A vCPU that settled in state found its channel dead: cuts the tie, once for each state. */
void lender_tie_lose(struct gdbproxy *proxy, uint32_t state);

/* While detached: looks for a daemon, without waiting, as soon after the last look as makes sense. */
void lender_tie_retry(struct gdbproxy *proxy);

/* ---- lender_vcpu.c ----------------------------------------------------------------------- */

/* Takes guest debug off the vCPU if the daemon had it on. */
void lender_vcpu_undebug(struct gdbproxy_vcpu *vcpu);

/* ---- lender_alarm.c ---------------------------------------------------------------------- */

/*
 * The vCPU's thread, which calls this, looks up at at_ms (of lender_now_ms()) and every second from then on,
 * though no exit brings it out of KVM_RUN.  The last call counts.
 */
void lender_alarm_set(struct gdbproxy_vcpu *vcpu, int64_t at_ms);
void lender_alarm_stop(struct gdbproxy_vcpu *vcpu);

/* With no thread in gdbproxy_run(). */
void lender_alarm_close(struct gdbproxy_vcpu *vcpu);

/* ---- lender_program.c -------------------------------------------------------------------- */

/* Begins vcpu->report as the one to program seq; empty. */
void lender_program_begin(struct gdbproxy_vcpu *vcpu, uint32_t seq);

/* Executes `before` of the checked vcpu->program, after lender_program_begin().  False: one failed. */
bool lender_program_before(struct gdbproxy_vcpu *vcpu);

/* Executes `after` of the program in progress, if there is one. */
void lender_program_after(struct gdbproxy_vcpu *vcpu);

/* Completes vcpu->report and sends it.  0 or -errno. */
int lender_program_report(struct gdbproxy_vcpu *vcpu, enum channel_reason reason, int run_errno);

/* Which end of the guest the exit in kvm_run is; 0: none. */
enum channel_ending lender_program_ending(const struct gdbproxy_vcpu *vcpu);

/* ---- lender_sync.c ----------------------------------------------------------------------- */

/* Before the RUN of a program with guest debug on: asks for registers. */
void lender_sync_begin(struct gdbproxy_vcpu *vcpu);

/* Guest debug has ended: asks for nothing any more. */
void lender_sync_end(struct gdbproxy_vcpu *vcpu);

/* What that ioctl would put there, where kvm_run has it: true.  Else it is to be made. */
bool lender_sync_take(const struct gdbproxy_vcpu *vcpu, uint32_t request, void *argument);

/* The ioctl was made, and this is what it has put there. */
void lender_sync_learn(struct gdbproxy_vcpu *vcpu, uint32_t request, const void *argument);

/* ---- lender_loss.c ----------------------------------------------------------------------- */

/* A program sets guest debug for the RUN that follows, which may be another program's. */
void lender_loss_note(struct gdbproxy_vcpu *vcpu, const struct kvm_guest_debug *debug);

/* That RUN: what the vCPU came out with before has been decided about. */
void lender_loss_begin(struct gdbproxy_vcpu *vcpu);

/* Guest debug has been taken off because the daemon is gone: puts right what it would have. */
void lender_loss_mend(struct gdbproxy_vcpu *vcpu);

/* ---- lender_xsave.c ---------------------------------------------------------------------- */

/* The most that KVM_GET_XSAVE2 can write on this machine. */
uint32_t lender_xsave_bytes(void);

/* ---- lender_kick.c ----------------------------------------------------------------------- */

/* What the signal handler knows.  One for each thread, so that it outlives every vCPU. */
struct lender_thread {
	struct gdbproxy_vcpu *vcpu;       /* in gdbproxy_run() just now, else NULL */
	const struct gdbproxy_vcpu *last; /* bound to this thread; for comparison only */
	volatile sig_atomic_t kicked;     /* the channel is to be looked at */
};

/* "initial-exec": a handler must not be the first to touch it, which could allocate. */
extern _Thread_local struct lender_thread lender_thread __attribute__((tls_model("initial-exec")));

/* The lender's own bit of kvm_run->immediate_exit; the others are the VMM's. */
enum { LENDER_EXIT_BIT = 0x80 };

/* Installs the handler of SIGURG in front of the one that is there; once a process. */
void lender_kick_install(void);

/* Lets SIGURG through in this thread. */
void lender_kick_unblock(void);

/* From now on what arrives on channel_fd interrupts thread tid; what has arrived does not. */
void lender_kick_arm(int channel_fd, pid_t tid);

/* Switches that off, and on again for the same thread. */
void lender_kick_pause(int channel_fd);
void lender_kick_resume(int channel_fd);

/* Sets and clears LENDER_EXIT_BIT. */
void lender_kick_mark(struct gdbproxy_vcpu *vcpu);
void lender_kick_unmark(struct gdbproxy_vcpu *vcpu);

#endif
