/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of a session, for tests: sends packets, reads everything that comes back and holds
 * it to the protocol.  A breach is counted, not asserted: unit tests and the fuzzer share it.
 */
#ifndef TESTS_UNIT_SESSION_PEER_H
#define TESTS_UNIT_SESSION_PEER_H

#include "protocol/packet.h"
#include "protocol/session.h"
#include "tests/unit/fake_target.h"

struct session_peer {
	struct fake_target fake;
	struct session *session;
	unsigned process;            /* that it is attached to; 0: the lobby */
	uint8_t processes;           /* that there are: bit 0 is number 1, ... */
	struct packet_reader reader; /* of what comes back */
	bool refused;                /* session_input() said -EPROTO */
	bool is_lldb;                /* it has asked for what only lldb asks for */
	unsigned requests;           /* packets the session has read that must be answered */
	unsigned replies;            /* packets that came back, without 'O' */
	unsigned messages;           /* 'O' packets */
	unsigned notifying;          /* in a notification: 3 its text, 2 and 1 its checksum */
	unsigned acks, naks;
	unsigned rejections; /* '-' bytes that we sent: each may bring the last packet once more */
	unsigned
		interrupts; /* traced: of 0x03 between packets, or of a packet that is nothing else and has a reply */
	unsigned breaches;  /* malformed frames, stray bytes, replies nobody asked for */
	char last[4096];    /* the last reply, cut to size */
	size_t last_length; /* whole */
};

/* 0 or -ENOMEM. */
int session_peer_init(struct session_peer *peer, const struct fake_machine *machine,
	unsigned threads, bool running);
void session_peer_fini(struct session_peer *peer);

/* Begins anew, attached to nothing, with such guests. */
void session_peer_enter_lobby(struct session_peer *peer, uint8_t processes);

/*
 * While the session departs: reads what is left, and goes on where it wants to, over a target that
 * runs; when that is not there, or refusal is an errno, back in the lobby.  False: the
 * conversation has ended.
 */
bool session_peer_travel(struct session_peer *peer, int refusal);

/* Sends bytes as they are: how many were taken. */
size_t session_peer_send_bytes(struct session_peer *peer, const void *bytes, size_t length);

/* Sends a payload, framed. */
void session_peer_send_payload(struct session_peer *peer, const void *payload, size_t length);
void session_peer_send(struct session_peer *peer, const char *payload);

/* Reads at most so many bytes of output. */
void session_peer_read(struct session_peer *peer, size_t most);

/* Stops a running target for some reason, on some thread, made from the number. */
void session_peer_stop(struct session_peer *peer, unsigned number);

/* Sends, lets the machine run as long as it likes, reads: the last reply, "" when there is none. */
const char *session_peer_ask(struct session_peer *peer, const char *payload);

/*
 * Lets everything that is owed come, by stops if need be.  True when nothing that came was
 * malformed, no call found the target running, and each request has had its one reply.
 */
bool session_peer_settle(struct session_peer *peer);

#endif
