/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going on and standing still, all-stop (GDB manual E.2: ?, c, s, C, S, vCont).  A guest takes no
 * signals: a vCPU given one by C or S goes on without it.
 */
#include <errno.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"

/* What each thread is to do; validated whole before anything moves. */
struct run_plan {
	unsigned count;
	struct target_resume threads[TARGET_MAX_THREADS];
	bool decided[TARGET_MAX_THREADS];
};

static void plan_start(struct run_plan *plan, const struct session *session)
{
	unsigned count = session->target->ops->thread_count(session->target);

	plan->count = count < TARGET_MAX_THREADS ? count : TARGET_MAX_THREADS;
	for (unsigned i = 0; i < plan->count; i++) {
		plan->threads[i] = (struct target_resume){ .action = TARGET_STAY };
		plan->decided[i] = false;
	}
}

/* For one thread, or for all when it is 0; the first action that names a thread is the one. */
static void plan_add(struct run_plan *plan, unsigned thread, const struct target_resume *resume)
{
	for (unsigned i = 0; i < plan->count; i++) {
		if (plan->decided[i] || (thread && thread != i + 1))
			continue;
		plan->threads[i] = *resume;
		plan->decided[i] = true;
	}
}

/*
 * A target that cannot go on is no error of the packet: gdb would take an error for its own
 * confusion.  So the reply is what it would be had the guest gone on and stopped at once, and the
 * reason is told in words.
 */
static void run_refuse(struct session *session)
{
	session_say(session, "The guest cannot be resumed.");
	session_send_messages(session);
	reply_reset(&session->reply);
	session_put_stop(session);
}

static int run_start(struct session *session, struct run_plan *plan)
{
	int result;

	if (session->non_stop)
		return session_resume_some(session, plan->threads, plan->count);
	if (session_take_interrupted(session))
		return 0;
	result = session->target->ops->resume(session->target, plan->threads);
	if (!result)
		return -EINPROGRESS;
	if (result == -EINVAL)
		return result;
	run_refuse(session);
	return 0;
}

/* ---- vCont ------------------------------------------------------------------------------- */

static int plan_parse_thread(struct run_plan *plan, struct cursor *list,
	const struct target_resume *resume, struct session *session)
{
	struct thread_id id;
	unsigned thread = 0;
	int result = thread_id_parse(list, session->client.multiprocess, &id);

	if (!result)
		result = session_find_thread(session, &id, &thread);
	if (!result)
		plan_add(plan, id.thread == THREAD_ID_ALL ? 0 : thread, resume);
	return result;
}

static int plan_parse_signal(struct cursor *list)
{
	uint64_t signal;

	return cursor_take_number(list, &signal) || signal > 0xff ? -EINVAL : 0;
}

/* "rSTART,END"; an empty range is one step, whatever it holds. */
static int plan_parse_range(struct cursor *list, struct target_resume *resume)
{
	if (cursor_take_number(list, &resume->start) || !cursor_take_byte(list, ',') ||
		cursor_take_number(list, &resume->end))
		return -EINVAL;
	resume->action = TARGET_STEP_RANGE;
	return 0;
}

static int plan_parse_verb(
	struct cursor *list, struct target_resume *resume, const struct session *session)
{
	if (cursor_take_byte(list, 'c'))
		resume->action = TARGET_CONTINUE;
	else if (cursor_take_byte(list, 's'))
		resume->action = TARGET_STEP;
	else if (cursor_take_byte(list, 'C') && !plan_parse_signal(list))
		resume->action = TARGET_CONTINUE;
	else if (cursor_take_byte(list, 'S') && !plan_parse_signal(list))
		resume->action = TARGET_STEP;
	else if (session->non_stop && cursor_take_byte(list, 't'))
		resume->action = TARGET_HALT;
	else if (cursor_take_byte(list, 'r'))
		return plan_parse_range(list, resume);
	else
		return -EINVAL;
	return 0;
}

/* One ";action[:thread-id]".  't' belongs to non-stop mode. */
static int plan_parse_action(struct run_plan *plan, struct cursor *list, struct session *session)
{
	struct target_resume resume = { .action = TARGET_STAY };

	if (!cursor_take_byte(list, ';') || plan_parse_verb(list, &resume, session))
		return -EINVAL;
	if (cursor_take_byte(list, ':'))
		return plan_parse_thread(plan, list, &resume, session);
	plan_add(plan, 0, &resume);
	return 0;
}

int cmd_resume(struct session *session, struct command_args *args)
{
	struct run_plan plan;
	int result;

	plan_start(&plan, session);
	do {
		result = plan_parse_action(&plan, &args->rest, session);
		if (result)
			return result;
	} while (cursor_left(&args->rest));
	return run_start(session, &plan);
}

/* gdb uses vCont only when both c and C are in the list, lldb when s and S are too. */
int cmd_query_actions(struct session *session, struct command_args *args)
{
	(void)args;
	reply_put_text(&session->reply, "vCont;c;C;s;S;t;r");
	return 0;
}

/* ---- c, s, C, S -------------------------------------------------------------------------- */

/* Non-stop: nobody has stopped the thread for this. */
static int run_move_pc(struct session *session, unsigned thread, uint64_t address)
{
	const struct target_ops *ops = session->target->ops;
	const struct target_description *description = ops->description(session->target);
	uint8_t value[TARGET_REGISTER_MAX_BYTES] = { 0 };

	if (!description)
		return -ENODATA;
	if (!ops->thread_is_stopped(session->target, thread))
		return -EBUSY;
	for (unsigned i = 0; i < sizeof(address); i++)
		value[i] = (uint8_t)(address >> 8 * i);
	return ops->register_write(session->target, thread, description->pc, value);
}

/*
 * The thread chosen by Hc, else: all go on, or the general one steps.  address: the number that
 * moves its pc first, or NULL.
 */
static int run_simple(struct session *session, enum target_action action, const uint64_t *address)
{
	unsigned one = session->resumed_thread ? session->resumed_thread : session->general_thread;
	bool all = action == TARGET_CONTINUE && !session->resumed_thread;
	struct target_resume resume = { .action = action };
	struct run_plan plan;
	int result;

	result = address ? run_move_pc(session, one, *address) : 0;
	if (result)
		return result;
	plan_start(&plan, session);
	plan_add(&plan, all ? 0 : one, &resume);
	return run_start(session, &plan);
}

int cmd_continue(struct session *session, struct command_args *args)
{
	return run_simple(session, TARGET_CONTINUE, args->number_count ? &args->number[0] : NULL);
}

int cmd_continue_signal(struct session *session, struct command_args *args)
{
	return run_simple(
		session, TARGET_CONTINUE, args->number_count > 1 ? &args->number[1] : NULL);
}

int cmd_step(struct session *session, struct command_args *args)
{
	return run_simple(session, TARGET_STEP, args->number_count ? &args->number[0] : NULL);
}

int cmd_step_signal(struct session *session, struct command_args *args)
{
	return run_simple(session, TARGET_STEP, args->number_count > 1 ? &args->number[1] : NULL);
}

/* '?' */
int cmd_query_stop(struct session *session, struct command_args *args)
{
	(void)args;
	if (session->non_stop && (session->stop.reason < TARGET_STOP_EXITED || !session->process))
		return session_list_events(session);
	session_put_stop(session);
	return 0;
}
