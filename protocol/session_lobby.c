/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session that is attached to no guest, or is about to change that: where the packets go, and
 * how a conversation leaves one session and goes on in another.
 */
#include <errno.h>
#include "protocol/session_private.h"
#include "protocol/conversation.h"

/* ---- which guests there are -------------------------------------------------------------- */

bool session_next_process(const struct session *session, unsigned after, struct process *process)
{
	return session->hooks.next_process &&
	       session->hooks.next_process(session->hooks.context, after, process);
}

bool session_has_process(const struct session *session, uint64_t number)
{
	struct process process;

	return number && number <= INT32_MAX &&
	       session_next_process(session, (unsigned)number - 1, &process) &&
	       process.number == number;
}

/* The number of the only guest there is, or 0. */
static unsigned lobby_only_process(const struct session *session)
{
	struct process first, second;

	if (!session_next_process(session, 0, &first) ||
		session_next_process(session, first.number, &second))
		return 0;
	return first.number;
}

/* ---- attached to nothing ----------------------------------------------------------------- */

/* The debugger is told of the end of a guest that it still believes in; then that is over, too. */
static void lobby_tell_loss(struct session *session)
{
	session_put_stop(session);
	session_forget_process(session);
}

void session_forget_process(struct session *session)
{
	session->lost_process = 0;
	session->stop = (struct target_stop){ .reason = TARGET_STOP_EXITED };
}

/* A debugger that is not in extended mode expects to be attached: to the only guest. */
static unsigned lobby_destination(const struct session *session, const struct command *command,
	const struct command_args *args)
{
	if (command->flags & COMMAND_ATTACHES)
		return session_has_process(session, args->number[0]) ? (unsigned)args->number[0]
								     : 0;
	if (command->flags & COMMAND_ANYWHERE || session->is_extended)
		return 0;
	return lobby_only_process(session);
}

enum session_turn session_lobby_turn(
	struct session *session, const struct command *command, const struct command_args *args)
{
	unsigned destination = lobby_destination(session, command, args);

	if (destination) {
		session_depart(session, destination);
		return SESSION_TURN_ELSEWHERE;
	}
	if (command->flags & (COMMAND_ATTACHES | COMMAND_ANYWHERE | COMMAND_UNATTACHED))
		return SESSION_TURN_HANDLER;
	if (session->lost_process && command->flags & COMMAND_RESUMES) {
		lobby_tell_loss(session);
		return SESSION_TURN_DONE;
	}
	return SESSION_TURN_NOBODY;
}

/* ---- leaving one session for another ----------------------------------------------------- */

void session_depart(struct session *session, unsigned process)
{
	session->state = SESSION_DEPARTING;
	session->destination = process;
}

bool session_is_departing(const struct session *session, unsigned *process)
{
	*process = session->destination;
	return session->state == SESSION_DEPARTING && !session->over;
}

/* Non-stop: what has been told is only to be acknowledged, and the lobby can take that. */
static bool lobby_has_told_loss(const struct session *session)
{
	return session->non_stop && session->events.told && session->events.count &&
	       session->events.stops[0].reason == TARGET_STOP_GONE;
}

bool session_lose_target(struct session *session)
{
	if (session->state != SESSION_IDLE || session->over || !session->has_lobby ||
		!session->is_extended)
		return false;
	if (session->is_attached && !lobby_has_told_loss(session))
		session->lost_process = session->process;
	session_depart(session, 0);
	return true;
}

int session_export(const struct session *session, struct conversation *talk)
{
	*talk = (struct conversation){
		.has_begun = 1,
		.no_ack = session->no_ack,
		.is_extended = session->is_extended,
		.has_lobby = session->has_lobby,
		.non_stop = session->non_stop,
		.lost_process = session->lost_process,
	};
	conversation_put_client(talk, &session->client);
	return conversation_put_held(talk, &session->held);
}

/*
 * In the lobby a guest that is lost is kept as the last stop.  At a guest the first packet is what
 * brought the debugger here: vAttach, or without extended mode anything.
 */
static void session_arrive(struct session *session, const struct conversation *talk)
{
	session->is_attached = session->process && !talk->is_extended;
	if (session->process || !talk->lost_process)
		return;
	session->lost_process = talk->lost_process;
	session->stop.reason = TARGET_STOP_GONE;
	if (session->non_stop)
		session_on_event(session, &(struct target_stop){ .reason = TARGET_STOP_GONE });
}

/*
 * The mode goes along; a guest that others debug in another one keeps its own.  Without extended mode gdb
 * comes here before it has said which one it wants.
 */
static void session_arrive_non_stop(struct session *session, const struct conversation *talk)
{
	int result;

	if (!talk->is_extended && !talk->non_stop)
		return;
	result = session->target->ops->set_non_stop(session->target, talk->non_stop);
	session->non_stop = talk->non_stop;
	if (result && !session->refusal)
		session->refusal = -result;
}

int session_import(struct session *session, const struct conversation *talk, int refusal)
{
	int result = conversation_check(talk);

	if (result || !talk->has_begun)
		return result;
	session->no_ack = talk->no_ack;
	session->is_extended = talk->is_extended;
	session->has_lobby = talk->has_lobby;
	session->reader.proven = true;
	session->refusal = refusal;
	session_arrive_non_stop(session, talk);
	conversation_get_client(talk, &session->client);
	session_arrive(session, talk);
	result = conversation_get_held(talk, &session->held);
	if (!result)
		session_answer_held(session);
	return result;
}

/* ---- the answer to who could not be let in ------------------------------------------------ */

static const char *refusal_text(int refusal)
{
	switch (refusal) {
	case EUSERS:
		return "E.this VM has as many debuggers as it can have";
	case ESRCH:
		return "E.this VM is gone";
	case EBUSY:
		return "E.others debug this VM in the other of non-stop and all-stop mode";
	default:
		return "E.this VM cannot be debugged now";
	}
}

/* Without extended mode there is nothing else that it could do here. */
bool session_tell_refusal(struct session *session)
{
	if (!session->refusal)
		return false;
	reply_put_text(&session->reply, refusal_text(session->refusal));
	session->refusal = 0;
	session->over = !session->is_extended;
	return true;
}
