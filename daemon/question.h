/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question of main's to a VM's worker (control.h), with a deadline: whoever asked is told once, by the
 * worker's answer, when it has ended, or when the time is up.  Nobody waits.
 */
#ifndef DAEMON_QUESTION_H
#define DAEMON_QUESTION_H

#include <ev.h>
#include "daemon/control.h"

struct vmm;
struct question;

/* 0: question->answer is there; -ETIMEDOUT; -ECONNRESET: the worker has ended. */
typedef void (*question_on_end)(struct question *question, int result);

/* All zero: not asked. */
struct question {
	struct vmm *vmm; /* NULL: not asked */
	struct question *next;
	uint32_t id;
	struct ev_timer deadline;
	question_on_end on_end;
	struct control_answer answer;
};

/*
 * Asks vmm's worker; on_end comes later, unless it is cancelled.  file_fd (-1: none) stays the caller's.  0 or
 * -errno of service_ask(): -ESRCH no worker, -EAGAIN it does not read.
 */
int question_ask(struct question *question, struct vmm *vmm, enum control_order order,
	unsigned debugger, int file_fd, question_on_end on_end);

/* A worker that is to end hears no question any more: on_end comes all the same, of its end or of the time. */
void question_wait(struct question *question, struct vmm *vmm, question_on_end on_end);

/* Nobody wants to know any more.  Safe on one that was not asked. */
void question_cancel(struct question *question);

/* An answer came from vmm's worker; one that nobody waits for is passed over. */
void question_hear(struct vmm *vmm, const struct control_answer *answer);

/* vmm's worker has ended: no answer will come. */
void question_fail_all(struct vmm *vmm);

#endif
