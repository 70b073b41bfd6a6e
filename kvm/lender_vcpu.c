/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdbproxy_run(): KVM_RUN for the VMM, with the debugger's business kept from it.
 *
 * The path of a guest that nobody disturbs is one test, the ioctl, one test.  All else is here:
 *
 *	prepare   before KVM_RUN: settle in the tie's state, look at the channel, hold
 *	judge     after KVM_RUN: whose is this return?
 *	park      report, and execute programs until one says run
 *
 * A vCPU parks only when KVM_RUN has returned -EINTR or a debug exit, because only then an I/O exit
 * that the VMM has served is completed and the registers are whole (api.rst, KVM_RUN); with
 * immediate_exit set KVM_RUN does just that and returns.  The same goes for giving a vCPU back when the daemon is
 * gone: KVM_SET_REGS amid an MMIO read loses what was read.
 */
#include "kvm/lender.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * How long to look for the next message of a debugger that is stepping before sleeping: a wake-up
 * from another core costs several steps.
 */
enum { SPIN_US = 20 };

/* Between two looks for a daemon, of a vCPU that does nothing else. */
enum { NAP_MS = 2 };

/* ---- settling: the tie was attached or cut, or the thread is another one ----------------- */

void lender_vcpu_undebug(struct gdbproxy_vcpu *vcpu)
{
	struct kvm_guest_debug off = { .control = 0 };

	if (vcpu->debugged) {
		ioctl(vcpu->vcpu_fd, KVM_SET_GUEST_DEBUG, &off);
		lender_loss_mend(vcpu);
	}
	vcpu->debugged = vcpu->loss_exited = false;
	vcpu->loss_debug = vcpu->next_debug = off;
	lender_sync_end(vcpu);
}

/* Takes the channel of the present state, if it has one, and returns the one to be closed. */
static int vcpu_take_channel(struct gdbproxy_vcpu *vcpu)
{
	struct gdbproxy *proxy = vcpu->proxy;
	int old_fd = vcpu->channel_fd;
	bool attached;

	pthread_mutex_lock(&proxy->table_lock);
	vcpu->state = atomic_load(&proxy->state);
	attached = lender_state_attached(vcpu->state);
	vcpu->channel_fd = attached ? vcpu->next_channel_fd : -1;
	if (attached)
		vcpu->next_channel_fd = -1;
	vcpu->held = attached && proxy->hold;
	pthread_mutex_unlock(&proxy->table_lock);
	return old_fd;
}

static void vcpu_settle(struct gdbproxy_vcpu *vcpu)
{
	int old_fd = vcpu_take_channel(vcpu);

	if (old_fd >= 0)
		close(old_fd);
	lender_vcpu_undebug(vcpu);
	atomic_store(&vcpu->in_use, vcpu->held);
	vcpu->asked = 0;
	vcpu->once = vcpu->ends = false;
	lender_program_begin(vcpu, 0);
	if (lender_state_attached(vcpu->state))
		lender_alarm_stop(vcpu);
	if (vcpu->channel_fd >= 0)
		lender_kick_arm(vcpu->channel_fd, atomic_load(&vcpu->tid));
	lender_thread.kicked = 1; /* what came before it was armed raised no signal */
}

static void vcpu_bind(struct gdbproxy_vcpu *vcpu)
{
	lender_kick_unblock();
	atomic_store(&vcpu->tid, gettid());
	vcpu->thread = &lender_thread;
	lender_thread.last = vcpu;
	if (vcpu->channel_fd >= 0)
		lender_kick_arm(vcpu->channel_fd, gettid());
	lender_thread.kicked = 1;
}

/* The tie was attached or cut since it has settled. */
static bool vcpu_is_stale(const struct gdbproxy_vcpu *vcpu)
{
	return vcpu->state != atomic_load(&vcpu->proxy->state);
}

/* False: KVM_RUN is to complete I/O first, and no more. */
static bool vcpu_catch_up(struct gdbproxy_vcpu *vcpu)
{
	if (vcpu->debugged && !vcpu->whole) {
		lender_kick_mark(vcpu);
		return false;
	}
	vcpu_settle(vcpu);
	return true;
}

static void vcpu_lose(struct gdbproxy_vcpu *vcpu)
{
	lender_tie_lose(vcpu->proxy, vcpu->state);
	vcpu_catch_up(vcpu);
}

/* ---- listening to the channel ------------------------------------------------------------ */

/* One message into vcpu->program without waiting: 1, 0 when there is none, or -errno. */
static int vcpu_receive(struct gdbproxy_vcpu *vcpu)
{
	struct lender_message *message = &vcpu->program;
	ssize_t length = recv(
		vcpu->channel_fd, message->bytes, sizeof(message->bytes), MSG_DONTWAIT | MSG_TRUNC);

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (length == 0)
		return -ECONNRESET;
	if ((size_t)length > sizeof(message->bytes))
		return -EPROTO;
	message->length = (size_t)length;
	return channel_check_program(message->bytes, message->length) < 0 ? -EPROTO : 1;
}

static bool message_is_kick(const struct gdbproxy_vcpu *vcpu)
{
	const struct channel_program *head = (const void *)vcpu->program.bytes;

	return head->type == CHANNEL_KICK;
}

/*
 * What has the signal come for?  A program in progress keeps its `after` list in vcpu->program,
 * so a running vCPU receives only what fits beside it: a KICK.
 */
static int vcpu_receive_kick(struct gdbproxy_vcpu *vcpu)
{
	struct channel_program kick;
	ssize_t length = recv(vcpu->channel_fd, &kick, sizeof(kick), MSG_DONTWAIT | MSG_TRUNC);

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (length != sizeof(kick) || kick.type != CHANNEL_KICK ||
		channel_check_program(&kick, sizeof(kick)) < 0)
		return length == 0 ? -ECONNRESET : -EPROTO;
	return 1;
}

static void vcpu_attend(struct gdbproxy_vcpu *vcpu)
{
	int rc = 0;

	lender_thread.kicked = 0;
	lender_kick_unmark(vcpu);
	if (vcpu->channel_fd < 0)
		return;
	do {
		rc = vcpu_receive_kick(vcpu);
		if (rc > 0 && !vcpu->asked)
			vcpu->asked = CHANNEL_ASKED;
	} while (rc > 0);
	if (rc < 0)
		vcpu_lose(vcpu);
}

/* ---- parking ----------------------------------------------------------------------------- */

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int vcpu_spin(struct gdbproxy_vcpu *vcpu)
{
	int64_t end = now_us() + SPIN_US;
	int rc;

	do
		rc = vcpu_receive(vcpu);
	while (rc == 0 && now_us() < end);
	return rc;
}

/*
 * poll() returns EINTR for any handler, whatever its flags.  If it was not SIGURG the VMM wants its
 * thread back, and would have got EINTR from KVM_RUN.
 */
static void vcpu_sleep(struct gdbproxy_vcpu *vcpu)
{
	struct pollfd poll_fd = { .fd = vcpu->channel_fd, .events = POLLIN };

	if (poll(&poll_fd, 1, -1) < 0 && !lender_thread.kicked)
		vcpu->owes_eintr = true;
	lender_thread.kicked = 0;
}

/* The next message: 1 or -errno. */
static int vcpu_await(struct gdbproxy_vcpu *vcpu)
{
	int rc = vcpu->once ? vcpu_spin(vcpu) : vcpu_receive(vcpu);

	while (rc == 0) {
		vcpu_sleep(vcpu);
		rc = vcpu_receive(vcpu);
	}
	return rc;
}

/* Executes the PROGRAM that was received: 1 when it says run, 0, or -errno. */
static int vcpu_serve(struct gdbproxy_vcpu *vcpu)
{
	const struct channel_program *head = (const void *)vcpu->program.bytes;
	bool done;

	lender_program_begin(vcpu, head->seq);
	done = lender_program_before(vcpu);
	if (done && (head->flags & CHANNEL_RUN)) {
		lender_loss_begin(vcpu);
		vcpu->once = head->flags & CHANNEL_ONCE;
		vcpu->ends = head->flags & CHANNEL_END;
		atomic_store(&vcpu->in_use, vcpu->debugged || vcpu->ends);
		if (vcpu->debugged)
			lender_sync_begin(vcpu);
		else
			lender_sync_end(vcpu);
		return 1;
	}
	lender_program_after(vcpu);
	return lender_program_report(vcpu, CHANNEL_PARKED, 0);
}

static int vcpu_serve_until_run(struct gdbproxy_vcpu *vcpu)
{
	int rc;

	do {
		rc = vcpu_await(vcpu);
		if (rc > 0)
			rc = message_is_kick(vcpu) ? 0 : vcpu_serve(vcpu);
	} while (rc == 0);
	return rc;
}

/*
 * While parked nobody needs to be interrupted, so messages raise no signal; what comes between the RUN
 * and the signal's return is found because kicked says look.
 */
static void vcpu_park(struct gdbproxy_vcpu *vcpu, enum channel_reason reason, int run_errno)
{
	int rc;

	lender_kick_pause(vcpu->channel_fd);
	lender_kick_unmark(vcpu);
	lender_thread.kicked = 0;
	atomic_store(&vcpu->in_use, true);
	vcpu->whole = true;
	vcpu->asked = 0;
	vcpu->fresh = reason != CHANNEL_HELD && reason != CHANNEL_FAILED;
	lender_program_after(vcpu);
	vcpu->fresh = false;
	rc = lender_program_report(vcpu, reason, run_errno);
	if (rc == 0)
		rc = vcpu_serve_until_run(vcpu);
	if (rc < 0) {
		vcpu_lose(vcpu);
		return;
	}
	lender_kick_resume(vcpu->channel_fd);
	lender_thread.kicked = 1;
}

/* ---- around KVM_RUN ---------------------------------------------------------------------- */

/* Nothing to do before KVM_RUN. */
static inline bool vcpu_is_calm(const struct gdbproxy_vcpu *vcpu)
{
	const struct lender_thread *thread = &lender_thread;

	return lender_state_attached(vcpu->state) &&
	       vcpu->state == atomic_load_explicit(&vcpu->proxy->state, memory_order_relaxed) &&
	       vcpu->thread == thread && thread->last == vcpu && !thread->kicked && !vcpu->asked &&
	       !vcpu->held && !vcpu->owes_eintr;
}

/* Under debug by a daemon that wants the guest held should it lose it: for a moment the daemon has its chance. */
static bool vcpu_waits(const struct gdbproxy_vcpu *vcpu)
{
	struct gdbproxy *proxy = vcpu->proxy;

	return !lender_state_attached(atomic_load(&proxy->state)) &&
	       lender_now_ms() < atomic_load(&proxy->hold_until_ms) && !vcpu->owes_eintr &&
	       !(__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_RELAXED) & ~LENDER_EXIT_BIT);
}

static void vcpu_nap(struct gdbproxy_vcpu *vcpu)
{
	lender_thread.kicked = 0;
	if (poll(NULL, 0, NAP_MS) < 0 && !lender_thread.kicked)
		vcpu->owes_eintr = true;
	lender_thread.kicked = 1;
}

static void vcpu_seek_daemon(struct gdbproxy_vcpu *vcpu)
{
	lender_tie_retry(vcpu->proxy);
	while (vcpu_waits(vcpu)) {
		vcpu_nap(vcpu);
		lender_tie_retry(vcpu->proxy);
	}
	if (vcpu->index == 0 && !lender_state_attached(atomic_load(&vcpu->proxy->state)))
		lender_alarm_set(vcpu, atomic_load(&vcpu->proxy->retry_at_ms));
}

/* Looks at the channel until there is nothing new, or the tie is cut. */
static void vcpu_look(struct gdbproxy_vcpu *vcpu)
{
	if (vcpu->held && vcpu->whole) {
		vcpu->held = false;
		vcpu_park(vcpu, CHANNEL_HELD, 0);
	}
	while (lender_thread.kicked && !vcpu_is_stale(vcpu))
		vcpu_attend(vcpu);
}

/* False: do not run, gdbproxy_run() is to return -1 with EINTR. */
static bool vcpu_prepare(struct gdbproxy_vcpu *vcpu)
{
	bool owes_eintr;

	if (vcpu->thread != &lender_thread || lender_thread.last != vcpu)
		vcpu_bind(vcpu);
	if (!lender_state_attached(atomic_load(&vcpu->proxy->state)))
		vcpu_seek_daemon(vcpu);
	do {
		if (vcpu_is_stale(vcpu) && !vcpu_catch_up(vcpu))
			break;
		vcpu_look(vcpu);
	} while (vcpu_is_stale(vcpu));
	if (vcpu->asked || vcpu->held)
		lender_kick_mark(vcpu);
	owes_eintr = vcpu->owes_eintr;
	vcpu->owes_eintr = false;
	return !owes_eintr;
}

enum verdict {
	RETURN, /* it is the VMM's */
	AGAIN,  /* it was the debugger's or nobody's: on with the guest */
};

/* -EINTR: every signal ends KVM_RUN, the VMM's and ours. */
static enum verdict vcpu_judge_interrupt(struct gdbproxy_vcpu *vcpu)
{
	bool ours = lender_thread.kicked || vcpu->asked || vcpu_is_stale(vcpu);

	vcpu->whole = true;
	if (vcpu->held)
		return AGAIN;
	vcpu_attend(vcpu);
	if (vcpu->asked) {
		vcpu_park(vcpu, vcpu->asked, EINTR);
		return AGAIN;
	}
	return ours ? AGAIN : RETURN;
}

/* A debug exit is the VMM's own if the daemon has not switched guest debug on. */
static enum verdict vcpu_judge_debug(struct gdbproxy_vcpu *vcpu)
{
	bool debugged = vcpu->debugged;

	vcpu->loss_exited = debugged;
	vcpu->whole = true;
	if (vcpu_is_stale(vcpu))
		vcpu_settle(vcpu); /* it died: what it had planted is gone, the guest goes on */
	else if (debugged)
		vcpu_park(vcpu, CHANNEL_DEBUG, 0);
	return debugged ? AGAIN : RETURN;
}

/* What KVM_RUN's return means; error is its errno, 0 when it returned 0. */
static enum verdict vcpu_judge(struct gdbproxy_vcpu *vcpu, int error)
{
	if (error == EINTR)
		return vcpu_judge_interrupt(vcpu);
	if (!error && vcpu->run->exit_reason == KVM_EXIT_DEBUG)
		return vcpu_judge_debug(vcpu);
	if (!error && vcpu->ends && lender_program_ending(vcpu))
		vcpu_park(vcpu, CHANNEL_ENDING, 0); /* and then it is the VMM's */
	else if (vcpu->once && error)
		vcpu_park(vcpu, CHANNEL_FAILED, error);
	else if (vcpu->once)
		vcpu->asked = CHANNEL_VMM_EXIT; /* when it is served and completed */
	return RETURN;
}

/* Between calls the handler must not find kvm_run, and the VMM not our bit in it. */
static void vcpu_leave(struct gdbproxy_vcpu *vcpu)
{
	lender_thread.vcpu = NULL;
	atomic_signal_fence(memory_order_seq_cst);
	if (__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_RELAXED) & LENDER_EXIT_BIT)
		lender_kick_unmark(vcpu);
}

int gdbproxy_run(struct gdbproxy_vcpu *vcpu)
{
	enum verdict verdict = RETURN;
	int rc, error;

	lender_thread.vcpu = vcpu; /* from here on a kick finds kvm_run */
	atomic_signal_fence(memory_order_seq_cst);
	do {
		if (!vcpu_is_calm(vcpu) && !vcpu_prepare(vcpu)) {
			rc = -1;
			error = EINTR;
			break;
		}
		rc = ioctl(vcpu->vcpu_fd, KVM_RUN, 0);
		error = rc < 0 ? errno : 0;
		if (__builtin_expect(error || vcpu->run->exit_reason == KVM_EXIT_DEBUG ||
					     vcpu->once || vcpu->ends,
			    0))
			verdict = vcpu_judge(vcpu, error);
		else
			verdict = RETURN;
	} while (verdict == AGAIN);
	vcpu_leave(vcpu);
	if (error != EINTR)
		vcpu->whole = false;
	if (rc < 0)
		errno = error;
	return rc;
}
