/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Getting a vCPU's thread out of KVM_RUN.
 *
 * The channel has O_ASYNC and belongs (F_SETOWN_EX) to the very thread in gdbproxy_run(): each message and
 * the end of the daemon send it SIGURG, which interrupts KVM_RUN.  SIGURG, because its default is to be
 * ignored: whatever goes wrong, it kills nobody.  A signal that comes just before KVM_RUN would be
 * without effect, so the handler also sets kvm_run->immediate_exit, which KVM_RUN reads at
 * entry.  That byte is the VMM's: the lender uses its highest bit, and no other.
 */
#include "kvm/lender.h"

#include <fcntl.h>
#include <stddef.h>

_Thread_local struct lender_thread lender_thread __attribute__((tls_model("initial-exec")));

/*
 * The disposition of a signal belongs to the process, and so does the memory of what it was before;
 * written once, before the handler is in place.
 */
static struct sigaction previous;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

static void kick_chain(int signo, siginfo_t *info, void *context)
{
	if (previous.sa_flags & SA_SIGINFO)
		previous.sa_sigaction(signo, info, context);
	else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
		previous.sa_handler(signo);
}

/*
 * Any SIGURG counts as a kick, ours or not: pending ones merge, and looking at the channel in
 * vain is cheap.  For the same reason the previous handler gets them all.
 */
static void kick_on_signal(int signo, siginfo_t *info, void *context)
{
	struct gdbproxy_vcpu *vcpu = lender_thread.vcpu;

	lender_thread.kicked = 1;
	if (vcpu)
		lender_kick_mark(vcpu);
	kick_chain(signo, info, context);
}

static void kick_install_once(void)
{
	struct sigaction action = {
		.sa_sigaction = kick_on_signal,
		.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK,
	};

	sigaction(SIGURG, NULL, &previous);
	action.sa_mask = previous.sa_mask;
	sigaction(SIGURG, &action, NULL);
}

void lender_kick_install(void)
{
	pthread_once(&installed, kick_install_once);
}

void lender_kick_unblock(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void lender_kick_arm(int channel_fd, pid_t tid)
{
	struct f_owner_ex owner = { .type = F_OWNER_TID, .pid = tid };

	fcntl(channel_fd, F_SETSIG, SIGURG);
	fcntl(channel_fd, F_SETOWN_EX, &owner);
	lender_kick_resume(channel_fd);
}

void lender_kick_pause(int channel_fd)
{
	fcntl(channel_fd, F_SETFL, 0);
}

void lender_kick_resume(int channel_fd)
{
	fcntl(channel_fd, F_SETFL, O_ASYNC);
}

void lender_kick_mark(struct gdbproxy_vcpu *vcpu)
{
	__atomic_fetch_or(&vcpu->run->immediate_exit, LENDER_EXIT_BIT, __ATOMIC_SEQ_CST);
}

void lender_kick_unmark(struct gdbproxy_vcpu *vcpu)
{
	__atomic_fetch_and(&vcpu->run->immediate_exit, (uint8_t)~LENDER_EXIT_BIT, __ATOMIC_SEQ_CST);
}
