/* SPDX-License-Identifier: Apache-2.0 */
/* A question to a worker: see question.h. */
#include <errno.h>
#include <stddef.h>
#include "daemon/daemon.h"
#include "daemon/question.h"
#include "daemon/vmm.h"

static const double question_patience_s = 1.;

static void question_end(struct question *question, int result)
{
	question_cancel(question);
	question->on_end(question, result);
}

static void question_on_deadline(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	question_end((struct question *)((char *)timer - offsetof(struct question, deadline)),
		-ETIMEDOUT);
}

/* syscalls(main): ev_timer_start */
static void question_start(
	struct question *question, struct vmm *vmm, uint32_t id, question_on_end on_end)
{
	question->id = id;
	question->on_end = on_end;
	question->vmm = vmm;
	question->next = vmm->questions;
	vmm->questions = question;
	ev_timer_init(&question->deadline, question_on_deadline, question_patience_s, 0.);
	ev_timer_start(vmm->daemon->loop, &question->deadline);
}

int question_ask(struct question *question, struct vmm *vmm, enum control_order order,
	unsigned debugger, int file_fd, question_on_end on_end)
{
	struct control_ask ask = {
		.id = daemon_next_question(vmm->daemon),
		.order = order,
		.debugger = debugger,
	};
	int rc = service_ask(&vmm->worker, &ask, file_fd);

	if (rc == 0)
		question_start(question, vmm, ask.id, on_end);
	return rc;
}

void question_wait(struct question *question, struct vmm *vmm, question_on_end on_end)
{
	question_start(question, vmm, daemon_next_question(vmm->daemon), on_end);
}

void question_cancel(struct question *question)
{
	struct question **link;

	if (!question->vmm)
		return;
	ev_timer_stop(question->vmm->daemon->loop, &question->deadline);
	for (link = &question->vmm->questions; *link != question; link = &(*link)->next)
		;
	*link = question->next;
	question->vmm = NULL;
}

void question_hear(struct vmm *vmm, const struct control_answer *answer)
{
	for (struct question *question = vmm->questions; question; question = question->next) {
		if (question->id != answer->id)
			continue;
		question->answer = *answer;
		question_end(question, 0);
		return;
	}
}

void question_fail_all(struct vmm *vmm)
{
	while (vmm->questions)
		question_end(vmm->questions, -ECONNRESET);
}
