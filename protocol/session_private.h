/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a session, for session.c and the cmd_*.c files alone.  A handler reads its
 * arguments, calls the target and puts a reply into the builder; it never sees a frame, an
 * acknowledgment or a socket.
 */
#ifndef PROTOCOL_SESSION_PRIVATE_H
#define PROTOCOL_SESSION_PRIVATE_H

#include "protocol/client.h"
#include "protocol/command.h"
#include "protocol/document.h"
#include "protocol/fifo.h"
#include "protocol/nothing.h"
#include "protocol/packet.h"
#include "protocol/packet_queue.h"
#include "protocol/reply.h"
#include "protocol/saved_registers.h"
#include "protocol/session.h"
#include "protocol/stop_queue.h"
#include "protocol/target.h"

/*
 * What is owed to the debugger.  Every packet but the silent ones is answered once:
 *
 *	  packet, answered at once
 *	 +---+
 *	 v   |        packet that needs the target stopped, and it runs
 *	IDLE ------------------------------------------------> REPLY_OWED
 *	 ^ ^ |                                                     |
 *	 | | | resume                     stop: absorbed, and the  |
 *	 | | v                            packet goes on           |
 *	 | STOP_OWED                                               |
 *	 |  stop: the stop reply is sent                           |
 *	 +---------------------------------------------------------+
 *
 * In REPLY_OWED and STOP_OWED packets are held, in order; a person's interrupt is not.  So they are in
 * TALKING, which lies between the packet and its answer while the text that comes first has no room.
 */
enum session_state {
	SESSION_IDLE,
	SESSION_REPLY_OWED, /* to the first held packet */
	SESSION_STOP_OWED,  /* a stop reply, to a resume */
	SESSION_TALKING,    /* the rest of a text, then the reply */
	SESSION_DEPARTING,  /* nothing here: another session goes on with the held packets */
};

/* What has been, for "monitor stats". */
struct session_counts {
	uint64_t packets_in, packets_out; /* whole ones */
	uint64_t bytes_in, bytes_out;     /* with frames and acknowledgments */
	uint64_t stops;                   /* told */
};

/* Who answers a packet where nothing is attached. */
enum session_turn {
	SESSION_TURN_HANDLER,
	SESSION_TURN_ELSEWHERE, /* the session where the conversation goes on: it is held for it */
	SESSION_TURN_DONE,      /* the reply is in the builder */
	SESSION_TURN_NOBODY,    /* it needs a guest */
};

struct session {
	struct target *target;
	struct target nothing;
	unsigned process; /* the target's number in thread ids; 0: it is `nothing` */
	struct target_listener listener;
	struct session_hooks hooks;

	enum session_state state;
	bool interrupting;     /* STOP_OWED: the target has been asked to stop */
	bool interrupted;      /* an interrupt waits for the next resume */
	bool has_resumed;      /* at least once */
	bool heard_since_stop; /* a packet came after the last stop was told */
	bool resume_held;      /* one of the held packets may resume */
	bool over;             /* D, k, vKill: nothing is read any more */
	bool leaves;           /* so it will be once the last event is acknowledged */

	bool is_extended;      /* '!' */
	bool is_attached;      /* as the debugger sees it */
	bool has_lobby;        /* there is a place where it can choose another guest */
	unsigned lost_process; /* what it believes to be attached to, and is gone */
	unsigned destination;  /* DEPARTING: the process to go on at, or 0: the lobby */
	int refusal;           /* errno: why the first held packet cannot have its will */

	struct client client;
	bool no_ack;
	bool unacked;     /* ack mode: the last packet sent may be asked for again */
	unsigned resends; /* of that packet */

	struct target_stop stop; /* the last, told or kept */
	unsigned general_thread; /* Hg: whose registers and memory; always exists */
	unsigned resumed_thread; /* Hc: who c and s are for; 0 all */
	bool physical_memory; /* Qqemu.PhyMemMode: addresses of memory packets are the guest's RAM's */

	bool non_stop;
	struct stop_queue events; /* not acknowledged yet */
	bool withholds; /* events but the first, until the debugger has looked at that one's thread */
	uint8_t known_stopped[TARGET_MAX_THREADS / 8]; /* bit n: thread n + 1 has been told of */
	struct reply event;                            /* the notification in the making */

	struct packet_reader reader;
	struct packet_queue held;
	struct reply reply; /* the last packet sent, or the next in the making */
	struct fifo output;
	struct fifo messages;        /* lines for the person, kept until they may be sent */
	bool lost_messages;          /* some found no room since the last that did */
	struct document description; /* target.xml */
	struct document threads;     /* the list, as it was when its first page was read */
	struct document osdata;      /* likewise */
	struct document file;        /* of vFile: the one that is open */
	bool file_is_open;
	struct document text; /* the answer to a command for people */
	size_t talked;        /* so much of it has been sent */
	int talk_result;      /* what follows it: 0 or -errno */
	struct session_counts counts;
	struct saved_registers saved;
	uint8_t *scratch; /* PACKET_SIZE bytes, a handler's for the time of its call */
};

/* The process that the debugger wants to see in thread ids; 0: none, it knows no processes. */
unsigned session_process_in_ids(const struct session *session);

/* Puts a thread id, as this debugger wants it. */
void session_put_thread(struct session *session, unsigned thread);

/* The one thread an id names ("any" is the general thread): 0 or -ESRCH. */
int session_find_thread(
	const struct session *session, const struct thread_id *id, unsigned *thread);

/* Puts the stop reply for the last stop; its thread becomes the general one (manual E.2, 'Hg'). */
void session_put_stop(struct session *session);

/*
 * For a resume, before it is one: whether an interrupt has been waiting for it.  Then the stop that it
 * asked for is put, and nothing runs: the interrupt cannot lose against what the guest does next.
 */
bool session_take_interrupted(struct session *session);

/* ---- session.c --------------------------------------------------------------------------- */

bool session_has_room(const struct session *session);
void session_trace(struct session *session, bool incoming, const uint8_t *payload, size_t length);

/* ---- session_non_stop.c ------------------------------------------------------------------ */

/* Non-stop: the target has told of a stop. */
void session_on_event(struct session *session, const struct target_stop *stop);

/* Sends the next event, when none is told and not acknowledged. */
void session_tell_event(struct session *session);

/* The answer to '?': a handler's. */
int session_list_events(struct session *session);

/* The debugger has looked at a thread. */
void session_hear_look(struct session *session);

/* What vCont does with each thread; may change threads.  A handler's. */
int session_resume_some(struct session *session, struct target_resume *threads, unsigned count);

/* ---- session_lobby.c --------------------------------------------------------------------- */

/* As process_next, over the guests that the owner knows. */
bool session_next_process(const struct session *session, unsigned after, struct process *process);
bool session_has_process(const struct session *session, uint64_t number);

/* For a session that is attached to nothing; may depart. */
enum session_turn session_lobby_turn(
	struct session *session, const struct command *command, const struct command_args *args);

/* Lets another session go on: of that process, or in the lobby when it is 0. */
void session_depart(struct session *session, unsigned process);

/* The debugger has been told that a lost process is gone. */
void session_forget_process(struct session *session);

/* Puts why the owner could not let the conversation go on elsewhere, once.  False: it could. */
bool session_tell_refusal(struct session *session);

/* ---- session.c --------------------------------------------------------------------------- */

/* To the debugger this guest is no more; in extended mode it may choose another. */
void session_end_process(struct session *session);

/* Answers what is held, as far as that can be done now. */
void session_answer_held(struct session *session);

/* Keeps a line for the person at the debugger; what finds no room is lost, and that is said. */
void session_say(struct session *session, const char *text);

/*
 * Sends the kept lines as 'O' packets.  Legal only while the debugger waits for a stop reply; the
 * builder is overwritten.
 */
void session_send_messages(struct session *session);

/* ---- cmd_memory.c ------------------------------------------------------------------------ */

/* No range reaches past the last address. */
bool session_range_is_sane(uint64_t address, uint64_t length);

/*
 * Memory as the debugger wants to see it now, virtual or physical: as target_ops.memory_read, but never
 * 0; length is not 0.
 */
ssize_t session_read_memory(struct session *session, uint64_t address, void *buf, size_t length);

#endif
