/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes along when a conversation is continued by another session, in another process: what
 * debugger and session have settled, and the packets that are not answered yet.  Plain bytes, for
 * the same program on the same machine; all zero it is a conversation that has not begun.
 */
#ifndef PROTOCOL_CONVERSATION_H
#define PROTOCOL_CONVERSATION_H

#include <stddef.h>
#include <stdint.h>
#include "protocol/client.h"
#include "protocol/packet_queue.h"

enum { CONVERSATION_HELD = 1024 };

struct conversation {
	uint8_t has_begun; /* these five are 0 or 1 */
	uint8_t no_ack;
	uint8_t is_extended; /* the debugger outlives the guests it debugs */
	uint8_t has_lobby;   /* and can return to where it chooses them */
	uint8_t non_stop;
	uint8_t client[sizeof(struct client)]; /* its members, each 0 or 1 */
	uint32_t lost_process; /* what it believes to be attached to, and is gone; 0: nothing */
	uint32_t held_length;
	uint8_t held[CONVERSATION_HELD]; /* one after the other: 2 bytes of length, payload */
};

/* 0, or -EINVAL when it cannot have come from a session. */
int conversation_check(const struct conversation *talk);

void conversation_put_client(struct conversation *talk, const struct client *client);
void conversation_get_client(const struct conversation *talk, struct client *client);

/* Copies the packets of a queue.  0, or -EMSGSIZE when they are too many or too long. */
int conversation_put_held(struct conversation *talk, const struct packet_queue *queue);

/* Appends the packets, of one that has been checked, to a queue.  0 or -ENOBUFS. */
int conversation_get_held(const struct conversation *talk, struct packet_queue *queue);

#endif
