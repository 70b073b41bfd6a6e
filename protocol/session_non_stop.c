/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Non-stop mode: threads stop and go one by one, and every stop is an event of its own, told by a
 * notification or in answer to vStopped (GDB manual E.9, E.10, E.3 "vCont", "vStopped", "vCtrlC").
 */
#include <errno.h>
#include <string.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"
#include "protocol/stop_reply.h"

/* ---- what the debugger knows ------------------------------------------------------------- */

static void known_set(struct session *session, unsigned thread, bool known)
{
	uint8_t bit = (uint8_t)(1u << (thread - 1) % 8);

	if (!thread || thread > TARGET_MAX_THREADS)
		return;
	if (known)
		session->known_stopped[(thread - 1) / 8] |= bit;
	else
		session->known_stopped[(thread - 1) / 8] &= (uint8_t)~bit;
}

static bool known_is(const struct session *session, unsigned thread)
{
	return session->known_stopped[(thread - 1) / 8] >> (thread - 1) % 8 & 1;
}

static void events_put(struct session *session, const struct target_stop *stop)
{
	stop_queue_put(&session->events, stop);
	known_set(session, stop->thread, true);
}

static void events_forget(struct session *session)
{
	stop_queue_clear(&session->events);
	memset(session->known_stopped, 0, sizeof(session->known_stopped));
	session->withholds = false;
}

/* ---- telling ----------------------------------------------------------------------------- */

static void events_put_reply(const struct session *session, struct reply *reply)
{
	stop_reply_put(reply, session->target, &session->client, session_process_in_ids(session),
		&session->events.stops[0]);
}

/*
 * The next one, unless one is told and not acknowledged.  A notification is never sent again, so it
 * has a builder of its own: the last packet may yet be asked for.
 */
void session_tell_event(struct session *session)
{
	struct reply *reply = &session->event;

	if (!session->non_stop || session->over || session->events.told || !session->events.count ||
		session->withholds || !session_has_room(session))
		return;
	reply_reset(reply);
	reply_put_text(reply, "Stop:");
	events_put_reply(session, reply);
	if (reply_status(reply) || packet_notify(&session->output, reply->bytes, reply->length)) {
		session->over = true;
		return;
	}
	session_trace(session, false, reply->bytes, reply->length);
	session->events.told = true;
	session->counts.stops++;
}

/* Does the debugger take every thread for stopped, and so listen to none? */
static bool known_are_all(const struct session *session)
{
	unsigned count = session->target->ops->thread_count(session->target);

	for (unsigned thread = 1; thread <= count; thread++)
		if (!known_is(session, thread))
			return false;
	return true;
}

/*
 * Another debugger may let a thread go that this one has stopped, and be told where it stops next.  A gdb
 * (13) for which everything is stopped does not survive to hear of that; it learns of it when it lets
 * the thread go itself.
 */
void session_on_event(struct session *session, const struct target_stop *stop)
{
	if (!stop->thread)
		session->stop = *stop;
	else if (known_are_all(session))
		return;
	events_put(session, stop);
	session_tell_event(session);
}

/*
 * '?': what is stopped, from the beginning.  gdb (13 to 18) crashes when it connects and is told of
 * more than one thread before it has looked at that one: the others follow when it has.
 */
int session_list_events(struct session *session)
{
	const struct target_ops *ops = session->target->ops;
	unsigned count = ops->thread_count(session->target);

	events_forget(session);
	for (unsigned thread = 1; thread <= count; thread++) {
		struct target_stop stop = { .thread = thread, .reason = TARGET_STOP_HALTED };

		if (ops->thread_is_stopped(session->target, thread))
			events_put(session, &stop);
	}
	if (!session->events.count) {
		reply_put_text(&session->reply, "OK");
		return 0;
	}
	session->events.told = true;
	session->withholds = session->events.count > 1;
	events_put_reply(session, &session->reply);
	return 0;
}

void session_hear_look(struct session *session)
{
	if (!session->events.told)
		session->withholds = false;
}

/* ---- packets ----------------------------------------------------------------------------- */

/* QNonStop:n */
int cmd_set_non_stop(struct session *session, struct command_args *args)
{
	bool on = args->number[0] == 1;
	int result;

	if (args->number[0] > 1)
		return -EINVAL;
	result = session->target->ops->set_non_stop(session->target, on);
	if (result)
		return result;
	events_forget(session);
	session->non_stop = on;
	reply_put_text(&session->reply, "OK");
	return 0;
}

/* Nothing is left to be told: was the last of it the guest's end? */
static void events_end_process(struct session *session)
{
	if (session->events.count || session->stop.reason < TARGET_STOP_EXITED)
		return;
	if (session->process && session->is_attached)
		session_end_process(session);
	else if (!session->process)
		session_forget_process(session);
}

/* vStopped: the event that was told is acknowledged; the next, or OK when there is none. */
int cmd_next_event(struct session *session, struct command_args *args)
{
	struct stop_queue *events = &session->events;

	(void)args;
	if (session->leaves)
		stop_queue_clear(events);
	session->over = session->over || session->leaves;
	if (events->told)
		stop_queue_drop(events);
	events->told = events->told && events->count && !session->withholds;
	if (!events->told) {
		reply_put_text(&session->reply, "OK");
		events_end_process(session);
		return 0;
	}
	session->counts.stops++;
	events_put_reply(session, &session->reply);
	return 0;
}

/* vCtrlC: in place of the byte 03; in all-stop it is that byte. */
int cmd_interrupt(struct session *session, struct command_args *args)
{
	int result = session->target->ops->stop(session->target);

	(void)args;
	if (result && result != -EALREADY)
		return result;
	reply_put_text(&session->reply, "OK");
	return 0;
}

/* ---- resuming ---------------------------------------------------------------------------- */

/* A thread counts as stopped once its event is acknowledged: before that it cannot be resumed. */
static void event_plan_one(struct session *session, unsigned thread, struct target_resume *resume)
{
	struct target_stop quiet = { .thread = thread, .reason = TARGET_STOP_HALTED };
	bool stopped = session->target->ops->thread_is_stopped(session->target, thread);

	if (stop_queue_has(&session->events, thread))
		resume->action = TARGET_STAY;
	else if (resume->action != TARGET_HALT && resume->action != TARGET_STAY)
		known_set(session, thread, false);
	else if (resume->action == TARGET_HALT && stopped && !known_is(session, thread))
		events_put(session, &quiet);
}

int session_resume_some(struct session *session, struct target_resume *threads, unsigned count)
{
	int result;

	for (unsigned i = 0; i < count; i++)
		event_plan_one(session, i + 1, &threads[i]);
	result = session->target->ops->resume(session->target, threads);
	if (result && result != -EINVAL)
		return result;
	reply_put_text(&session->reply, "OK");
	return 0;
}
