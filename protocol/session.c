/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation; see session.h, and session_private.h for its states.  From below: sending,
 * answering one packet, what the target tells, taking bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"
#include "protocol/stop_reply.h"

enum {
	SESSION_MESSAGES = 8192,      /* bytes of messages kept */
	SESSION_MESSAGE_CHUNK = 1024, /* of which so many in one 'O' packet */
	/* The most that one event may put out: a whole frame, all messages, an acknowledgment. */
	SESSION_OUTPUT_RESERVE = PACKET_FRAME_SIZE + 4 * SESSION_MESSAGES,
	/* Messages stop before they could stop our ears: an interrupt must be heard. */
	SESSION_TALK_RESERVE = 2 * SESSION_OUTPUT_RESERVE,
	SESSION_OUTPUT_SIZE = 4 * SESSION_OUTPUT_RESERVE,
	SESSION_MAX_RESENDS = 10,
	SESSION_EVENT_SIZE = 8192, /* of a notification */
};

/* ---- sending ----------------------------------------------------------------------------- */

void session_trace(struct session *session, bool incoming, const uint8_t *payload, size_t length)
{
	if (session->hooks.trace && session->hooks.is_tracing)
		session->hooks.trace(
			session->hooks.context, incoming, (const char *)payload, length);
}

bool session_has_room(const struct session *session)
{
	return fifo_room(&session->output) >= SESSION_OUTPUT_RESERVE;
}

/* Sends what is in the builder.  Room has been seen to before; without it the session ends. */
static void session_send(struct session *session)
{
	const struct reply *reply = &session->reply;

	if (packet_frame(&session->output, reply->bytes, reply->length)) {
		session->over = true;
		return;
	}
	session_trace(session, false, reply->bytes, reply->length);
	session->counts.packets_out++;
	session->unacked = !session->no_ack;
	session->resends = 0;
}

static void session_acknowledge(struct session *session, const char *how)
{
	if (!session->no_ack)
		fifo_put(&session->output, how, 1);
}

static int session_resend(struct session *session)
{
	if (session->no_ack || !session->unacked)
		return 0;
	if (session->resends++ == SESSION_MAX_RESENDS)
		return -EPROTO;
	return packet_frame(&session->output, session->reply.bytes, session->reply.length);
}

/* Whole texts are lost, not parts of them; once there is room again, a line says so. */
static void session_keep(struct session *session, const char *text, const char *end, size_t length)
{
	static const char lost[] = "(output was lost: it came too fast)\n";
	size_t need = length + strlen(end) + (session->lost_messages ? sizeof(lost) - 1 : 0);

	if (fifo_room(&session->messages) < need) {
		session->lost_messages = true;
		return;
	}
	if (session->lost_messages)
		fifo_put(&session->messages, lost, sizeof(lost) - 1);
	session->lost_messages = false;
	fifo_put(&session->messages, text, length);
	fifo_put(&session->messages, end, strlen(end));
}

void session_say(struct session *session, const char *text)
{
	session_keep(session, text, "\n", strlen(text));
}

/* An 'O' packet with the beginning of a text: how much of it. */
static size_t session_send_portion(struct session *session, const void *text, size_t length)
{
	if (length > SESSION_MESSAGE_CHUNK)
		length = SESSION_MESSAGE_CHUNK;
	reply_reset(&session->reply);
	reply_put_text(&session->reply, "O");
	reply_put_hex(&session->reply, text, length);
	session_send(session);
	return length;
}

void session_send_messages(struct session *session)
{
	while (fifo_length(&session->messages))
		fifo_drop(&session->messages,
			session_send_portion(session, fifo_peek(&session->messages),
				fifo_length(&session->messages)));
}

/* ---- threads and stops ------------------------------------------------------------------- */

static unsigned session_thread_count(const struct session *session)
{
	return session->target->ops->thread_count(session->target);
}

unsigned session_process_in_ids(const struct session *session)
{
	if (!session->client.multiprocess)
		return 0;
	return session->process ? session->process : session->lost_process;
}

void session_put_thread(struct session *session, unsigned thread)
{
	reply_put_thread(&session->reply, session_process_in_ids(session), thread);
}

int session_find_thread(const struct session *session, const struct thread_id *id, unsigned *thread)
{
	if (!thread_id_is_of(id, session->process) || !session_thread_count(session))
		return -ESRCH;
	if (id->thread == THREAD_ID_ALL || id->thread == THREAD_ID_ANY) {
		*thread = session->general_thread;
		return 0;
	}
	if ((unsigned)id->thread > session_thread_count(session))
		return -ESRCH;
	*thread = (unsigned)id->thread;
	return 0;
}

static void session_remember_stop(struct session *session, const struct target_stop *stop)
{
	session->stop = *stop;
	if (!stop->thread || stop->thread > session_thread_count(session))
		session->stop.thread = session->general_thread;
	session->general_thread = session->stop.thread;
}

void session_put_stop(struct session *session)
{
	session->general_thread = session->stop.thread;
	stop_reply_put(&session->reply, session->target, &session->client,
		session_process_in_ids(session), &session->stop);
}

bool session_take_interrupted(struct session *session)
{
	bool interrupted = session->interrupted;

	session->interrupted = false;
	if (!interrupted || session->stop.reason >= TARGET_STOP_CRASHED)
		return false;
	session->heard_since_stop = false;
	session->stop.reason = TARGET_STOP_INTERRUPT;
	session_put_stop(session);
	return true;
}

/* ---- answering one packet ---------------------------------------------------------------- */

/* One interrupt is enough for one stop.  -EALREADY: the stop is on its way by itself. */
static void session_interrupt_target(struct session *session)
{
	int result;

	if (session->interrupting)
		return;
	result = session->target->ops->stop(session->target);
	session->interrupting = !result || result == -EALREADY;
}

static void session_await_stop(struct session *session)
{
	session->state = SESSION_STOP_OWED;
	session->interrupting = false;
	session->has_resumed = true;
	session_send_messages(session);
}

/*
 * The reply after a text.  gdb takes what is neither OK nor E and two decimal digits for text in
 * hexadecimal, and words for an error only when it has asked for them (gdb 16).
 */
static void session_end_talk(struct session *session)
{
	reply_reset(&session->reply);
	if (!session->talk_result)
		reply_put_text(&session->reply, "OK");
	else if (session->client.error_message && session->text.length)
		reply_set_error_text(&session->reply, session->text.text + session->talked);
	else
		reply_put_text(&session->reply, "E01");
	document_reset(&session->text);
	session->state = SESSION_IDLE;
	session_send(session);
}

/* The last line of a text that ends in failure is for the error reply, where that may have words. */
static size_t session_talk_end(const struct session *session)
{
	size_t end = session->text.length;

	if (!end || !session->talk_result || !session->client.error_message)
		return end;
	while (--end && session->text.text[end - 1] != '\n')
		;
	return end;
}

/* Goes on with a text as far as there is room. */
static void session_talk_on(struct session *session)
{
	size_t end = session_talk_end(session);

	while (session->talked < end && session_has_room(session) && !session->over)
		session->talked += session_send_portion(
			session, session->text.text + session->talked, end - session->talked);
	if (session->talked == end && session_has_room(session))
		session_end_talk(session);
}

/* In non-stop nothing else carries the lines that are kept. */
static void session_begin_talk(struct session *session, int result)
{
	session_send_messages(session);
	session->state = SESSION_TALKING;
	session->talked = 0;
	session->talk_result = result ? result : document_status(&session->text);
	session_talk_on(session);
}

/* The one place where packets are answered: see the contract of command.handler. */
static void session_conclude(struct session *session, unsigned flags, int result)
{
	if (result == -EINPROGRESS && flags & COMMAND_RESUMES) {
		session_await_stop(session);
		return;
	}
	if (flags & COMMAND_TALKS) {
		session_begin_talk(session, result);
		return;
	}
	if (flags & COMMAND_SILENT && !session->reply.length)
		return;
	if (!result)
		result = reply_status(&session->reply);
	if (result == -ENOTSUP)
		reply_reset(&session->reply);
	else if (result)
		reply_set_error(&session->reply, -result, client_wording(&session->client));
	session_send(session);
}

/* What must hold still for a command: the general thread, or (0) all. */
static unsigned session_subject(const struct session *session, unsigned flags)
{
	return flags & COMMAND_THREAD ? session->general_thread : 0;
}

/* 0: what must hold still does.  1: it will.  Or -errno. */
static int session_require_hold(struct session *session, unsigned flags)
{
	const struct target_ops *ops = session->target->ops;
	int result = ops->hold(session->target, session_subject(session, flags));

	return result == -EINPROGRESS ? 1 : result;
}

/* Malformed packets are refused before they can stop anything.  0, 1 (not yet) or -errno. */
static int session_prepare(struct session *session, const struct command *command,
	struct cursor arguments, struct command_args *args)
{
	int result;

	result = command_parse(command->schema, arguments, session->client.multiprocess, args);
	if (result || !(command->flags & (COMMAND_STOPPED | COMMAND_THREAD)) ||
		(session->non_stop && command->flags & COMMAND_RESUMES))
		return result;
	return session_require_hold(session, command->flags);
}

/* As the handler; -EXDEV: another session is to answer. */
static int session_handle(
	struct session *session, const struct command *command, struct command_args *args)
{
	enum session_turn turn = SESSION_TURN_HANDLER;

	if (!session->process)
		turn = session_lobby_turn(session, command, args);
	switch (turn) {
	case SESSION_TURN_ELSEWHERE:
		return -EXDEV;
	case SESSION_TURN_NOBODY:
		return -ESRCH;
	case SESSION_TURN_DONE:
		return 0;
	case SESSION_TURN_HANDLER:
		break;
	}
	return command->handler(session, args);
}

/* False when the packet is to be answered again, from new: once the target has stopped, or elsewhere. */
static bool session_answer_command(
	struct session *session, const struct command *command, struct cursor arguments)
{
	struct command_args args;
	int result = session_prepare(session, command, arguments, &args);

	if (result > 0) {
		session->state = SESSION_REPLY_OWED;
		return false;
	}
	reply_reset(&session->reply);
	if (!result && !session_tell_refusal(session))
		result = session_handle(session, command, &args);
	if (result == -EXDEV)
		return false;
	session_conclude(session, command->flags, result);
	if (command->flags & (COMMAND_STOPPED | COMMAND_THREAD))
		session->target->ops->unhold(session->target);
	if (command->flags & COMMAND_LOOKS)
		session_hear_look(session);
	session_tell_event(session);
	return true;
}

static bool session_answer(struct session *session, const struct packet_view *packet)
{
	struct cursor payload = cursor_make(packet->payload, packet->length);
	struct cursor arguments;
	const struct command *command = command_find(&command_table, &payload, &arguments);

	session->unacked = false; /* a new packet acknowledges what came before it */
	if (command && !packet->too_long)
		return session_answer_command(session, command, arguments);
	session_conclude(session, 0, packet->too_long ? -EMSGSIZE : -ENOTSUP);
	return true;
}

/* ---- packets that wait ------------------------------------------------------------------- */

static bool session_may_answer(const struct session *session)
{
	return session->state == SESSION_IDLE && !session->over && session_has_room(session);
}

static int session_hold(struct session *session, const struct packet_view *packet)
{
	struct cursor payload = cursor_make(packet->payload, packet->length);
	struct cursor arguments;
	const struct command *command = command_find(&command_table, &payload, &arguments);

	if (command && command->flags & COMMAND_RESUMES)
		session->resume_held = true;
	return packet_queue_put(&session->held, packet);
}

void session_answer_held(struct session *session)
{
	while (session_may_answer(session) && !packet_queue_is_empty(&session->held)) {
		struct packet_view packet = packet_queue_first(&session->held);

		if (!session_answer(session, &packet))
			return;
		packet_queue_drop(&session->held);
	}
	if (packet_queue_is_empty(&session->held))
		session->resume_held = false;
}

static int session_take_packet(struct session *session, bool too_long)
{
	struct packet_view packet = {
		.payload = session->reader.payload,
		.length = session->reader.length,
		.too_long = too_long,
	};

	if (too_long)
		packet.length = 0;
	session->heard_since_stop = true;
	session->counts.packets_in++;
	session_trace(session, true, packet.payload, packet.length);
	session_acknowledge(session, "+");
	if (session_may_answer(session) && packet_queue_is_empty(&session->held) &&
		session_answer(session, &packet))
		return 0;
	return session_hold(session, &packet);
}

/* ---- what the target tells --------------------------------------------------------------- */

static struct session *session_of(struct target_listener *listener)
{
	return (struct session *)(void *)((char *)listener - offsetof(struct session, listener));
}

void session_end_process(struct session *session)
{
	session->is_attached = false;
	if (!session->is_extended || !session->has_lobby)
		return;
	session->target->ops->detach(session->target);
	session_depart(session, 0);
}

static void session_tell_stop(struct session *session)
{
	session->state = SESSION_IDLE;
	session->counts.stops++;
	/* The person's wish is not met by news of something else: gdb may let go again by itself. */
	session->interrupted = session->interrupting &&
			       session->stop.reason != TARGET_STOP_INTERRUPT &&
			       !client_is_lldb(&session->client);
	if (session->stop.reason == TARGET_STOP_CRASHED)
		session_say(session, "The guest has crashed and cannot go on.");
	session_send_messages(session);
	reply_reset(&session->reply);
	session_put_stop(session);
	session_conclude(session, 0, 0);
	if (session->stop.reason == TARGET_STOP_EXITED || session->stop.reason == TARGET_STOP_GONE)
		session_end_process(session);
}

/* The stop that a packet asked for is nobody's news: the debugger sees a target at rest. */
static void session_absorb_stop(struct session *session)
{
	session->state = SESSION_IDLE;
	if (session->stop.reason == TARGET_STOP_INTERRUPT)
		session->stop.reason = TARGET_STOP_QUIET;
}

static void session_on_stop(struct target_listener *listener, const struct target_stop *stop)
{
	struct session *session = session_of(listener);

	if (session->over || session->state == SESSION_DEPARTING)
		return;
	if (session->non_stop) {
		session_on_event(session, stop);
		return;
	}
	session_remember_stop(session, stop);
	session->heard_since_stop = false;
	if (session->state == SESSION_STOP_OWED)
		session_tell_stop(session);
	else if (session->state == SESSION_REPLY_OWED)
		session_absorb_stop(session);
	session_answer_held(session);
}

/* What the first held packet needs is so. */
static void session_on_hold(struct target_listener *listener)
{
	struct session *session = session_of(listener);

	if (session->state == SESSION_REPLY_OWED)
		session->state = SESSION_IDLE;
	session_answer_held(session);
	if (session->state != SESSION_REPLY_OWED)
		session->target->ops->unhold(session->target);
}

/* At once, where the debugger listens and is not behind with reading. */
static void session_talk(struct session *session)
{
	if (session->state == SESSION_STOP_OWED &&
		fifo_room(&session->output) >= SESSION_TALK_RESERVE)
		session_send_messages(session);
}

static void session_on_message(struct target_listener *listener, const char *text)
{
	struct session *session = session_of(listener);

	session_say(session, text);
	session_talk(session);
}

static void session_on_output(struct target_listener *listener, const char *text, size_t length)
{
	struct session *session = session_of(listener);

	session_talk(session); /* what waits makes room */
	session_keep(session, text, "", length);
	session_talk(session);
}

static const struct target_listener_ops session_listener_ops = {
	.on_stop = session_on_stop,
	.on_hold = session_on_hold,
	.on_message = session_on_message,
	.on_output = session_on_output,
};

/* ---- taking bytes ------------------------------------------------------------------------ */

/*
 * An interrupt that finds the target stopped is for the next resume (manual E.8): gdb sends it while it
 * evaluates a condition between two resumes.  Dropped are one from before the first resume, which
 * the stop of attaching answers, and one that crossed the answer to another.  lldb takes any stop that it
 * gets for the answer to its interrupt, and would be surprised by another at its next resume.
 */
static bool session_keeps_interrupt(const struct session *session)
{
	if (session->resume_held)
		return true;
	return session->has_resumed && !client_is_lldb(&session->client) &&
	       (session->stop.reason != TARGET_STOP_INTERRUPT || session->heard_since_stop);
}

static void session_take_interrupt(struct session *session)
{
	session_trace(session, true, (const uint8_t *)"\x03", 1);
	if (session->non_stop)
		session->target->ops->stop(session->target);
	else if (session->state == SESSION_STOP_OWED)
		session_interrupt_target(session);
	else if (session_keeps_interrupt(session))
		session->interrupted = true;
}

static int session_take_byte(struct session *session, uint8_t byte)
{
	session->reader.sum_ignored = session->no_ack;
	switch (packet_reader_take(&session->reader, byte)) {
	case PACKET_NOTHING:
		break;
	case PACKET_COMPLETE:
		return session_take_packet(session, false);
	case PACKET_TOO_LONG:
		return session_take_packet(session, true);
	case PACKET_CORRUPT:
		session_acknowledge(session, "-");
		break;
	case PACKET_INTERRUPT:
		session_take_interrupt(session);
		break;
	case PACKET_ACK:
		session->unacked = false;
		break;
	case PACKET_NAK:
		return session_resend(session);
	case PACKET_FOREIGN:
		return -EPROTO;
	}
	return 0;
}

static bool session_can_take(const struct session *session)
{
	return !session->over && session->state != SESSION_DEPARTING && session_has_room(session) &&
	       packet_queue_has_room(&session->held);
}

/*
 * A peer that fills the queue while it is owed a stop is not waiting for it, as the protocol
 * demands; and behind the flood its interrupt could not be heard.
 */
static bool session_is_flooded(const struct session *session)
{
	return session->state == SESSION_STOP_OWED && !packet_queue_has_room(&session->held);
}

/* A flood is wanted in so far as it must be read to be punished. */
bool session_wants_input(const struct session *session)
{
	return session_can_take(session) ||
	       (session_is_flooded(session) && !session->over && session_has_room(session));
}

ssize_t session_input(struct session *session, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;
	size_t taken;

	for (taken = 0; taken < length && session_can_take(session); taken++)
		if (session_take_byte(session, from[taken]))
			return -EPROTO;
	session->counts.bytes_in += taken;
	if (session->over)
		return (ssize_t)length;
	if (taken < length && session_is_flooded(session) && session_has_room(session))
		return -EPROTO;
	return (ssize_t)taken;
}

/* ---- the outside ------------------------------------------------------------------------- */

static int session_allocate(struct session *session)
{
	session->scratch = malloc(PACKET_SIZE);
	if (!session->scratch || packet_reader_init(&session->reader) ||
		packet_queue_init(&session->held) || reply_init(&session->reply, PACKET_SIZE) ||
		reply_init(&session->event, SESSION_EVENT_SIZE) ||
		stop_queue_init(&session->events) ||
		fifo_init(&session->output, SESSION_OUTPUT_SIZE) ||
		fifo_init(&session->messages, SESSION_MESSAGES))
		return -ENOMEM;
	return 0;
}

struct session *session_create(
	struct target *target, unsigned process, const struct session_hooks *hooks)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	nothing_init(&session->nothing);
	session->target = process ? target : &session->nothing;
	session->process = process;
	session->is_attached = process;
	session->has_lobby = !process;
	session->listener.ops = &session_listener_ops;
	if (hooks)
		session->hooks = *hooks;
	session->general_thread = 1;
	session->stop = (struct target_stop){
		.thread = 1,
		.reason = process ? TARGET_STOP_QUIET : TARGET_STOP_EXITED,
	};
	if (session_allocate(session)) {
		session_destroy(session);
		return NULL;
	}
	session->target->listener = &session->listener;
	return session;
}

void session_destroy(struct session *session)
{
	if (!session)
		return;
	if (session->target->listener == &session->listener)
		session->target->listener = NULL;
	packet_reader_fini(&session->reader);
	packet_queue_fini(&session->held);
	reply_fini(&session->reply);
	reply_fini(&session->event);
	stop_queue_fini(&session->events);
	fifo_fini(&session->output);
	fifo_fini(&session->messages);
	document_fini(&session->description);
	document_fini(&session->threads);
	document_fini(&session->file);
	document_fini(&session->osdata);
	document_fini(&session->text);
	saved_registers_fini(&session->saved);
	free(session->scratch);
	free(session);
}

size_t session_output(const struct session *session, const void **bytes)
{
	*bytes = fifo_peek(&session->output);
	return fifo_length(&session->output);
}

void session_output_consume(struct session *session, size_t length)
{
	fifo_drop(&session->output, length);
	session->counts.bytes_out += length;
	if (session->state == SESSION_TALKING)
		session_talk_on(session);
	session_answer_held(session);
	session_tell_event(session);
}

bool session_is_over(const struct session *session)
{
	return session->over;
}

bool session_has_spoken(const struct session *session)
{
	return session->reader.proven;
}
