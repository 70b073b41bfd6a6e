/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that sleeps makes no exits, and its VMM's threads are in KVM_RUN: while the tie is cut nobody would
 * look for the next daemon.  So one vCPU's thread has a timer that sends it the signal of a kick.
 *
 * Where timer_create(2) is not allowed (a VMM's seccomp filter) all goes on, as slowly as the guest exits.
 */
#include "kvm/lender.h"

#include <string.h>
#include <unistd.h>

/* glibc before 2.38 has no name for it. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static bool alarm_open(struct lender_alarm *alarm, pid_t tid)
{
	struct sigevent event;

	if (alarm->tid == tid)
		return true;
	if (alarm->tid)
		timer_delete(alarm->timer);
	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = SIGURG;
	event.sigev_notify_thread_id = tid;
	alarm->tid = timer_create(CLOCK_MONOTONIC, &event, &alarm->timer) == 0 ? tid : 0;
	alarm->at_ms = 0;
	return alarm->tid != 0;
}

/* lender_now_ms() is some milliseconds behind the timer's clock. */
enum { COARSE_MS = 10 };

void lender_alarm_set(struct gdbproxy_vcpu *vcpu, int64_t at_ms)
{
	struct lender_alarm *alarm = &vcpu->alarm;
	int64_t first_ms = at_ms + COARSE_MS;
	struct itimerspec when = {
		.it_value = { .tv_sec = first_ms / 1000, .tv_nsec = first_ms % 1000 * 1000000 },
		.it_interval = { .tv_sec = 1 },
	};

	if (!alarm_open(alarm, atomic_load(&vcpu->tid)) || alarm->at_ms == at_ms)
		return;
	alarm->at_ms = at_ms;
	timer_settime(alarm->timer, TIMER_ABSTIME, &when, NULL);
}

void lender_alarm_stop(struct gdbproxy_vcpu *vcpu)
{
	struct itimerspec never = { .it_value = { 0 } };

	if (vcpu->alarm.at_ms)
		timer_settime(vcpu->alarm.timer, 0, &never, NULL);
	vcpu->alarm.at_ms = 0;
}

void lender_alarm_close(struct gdbproxy_vcpu *vcpu)
{
	if (vcpu->alarm.tid)
		timer_delete(vcpu->alarm.timer);
	vcpu->alarm.tid = 0;
}
