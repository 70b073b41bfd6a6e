/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handover from its first to its last message, every way to spoil it, and a second opinion on what a
 * daemon must say to each message.  For a test of protocol/handover.c and for a peer of the real daemon:
 * pure, and without either's code.
 *
 * What is spoilt is taken from a table of fields; handover_talk_covers() says whether it has every byte of
 * every message, so that a new field cannot be left out.
 */
#ifndef TESTS_HANDOVER_TALK_H
#define TESTS_HANDOVER_TALK_H

#include "protocol/handover.h"

enum { TALK_MESSAGES = 9, TALK_VCPUS = 2, TALK_MAX_VCPUS = 4, TALK_MEMORY = 0x8000 };

/* Which fds go along. */
enum talk_fd { TALK_NO_FD, TALK_MEMORY_FD, TALK_VCPU_FD, TALK_CHANNEL_FD };

struct talk_message {
	union handover_message message;
	uint8_t more[HANDOVER_MAX_BYTES]; /* what follows when length is beyond the message */
	size_t length;
	unsigned fd_count;
	enum talk_fd fds[3]; /* TALK_VCPU_FD is the fd of the vCPU with the number in `vcpu` */
	unsigned vcpu;
};

struct talk {
	unsigned count;
	struct talk_message messages[TALK_MESSAGES + 2];
};

struct talk_field {
	uint32_t type;
	const char *name;
	size_t offset, size;
};

/* The whole table, up to the row without a name. */
extern const struct talk_field talk_fields[];

/* The message whose bytes the table does not have all of, each once; NULL: it has. */
const char *talk_uncovered(void);

/* The right one, by a VM of that name. */
void talk_make(struct talk *talk, uint32_t machine, const char *name);

/*
 * The right one, spoilt in the way of that number: false when there is none any more.  what: in words.
 */
bool talk_spoil(struct talk *talk, unsigned number, char *what, size_t size);

/* ---- the second opinion ------------------------------------------------------------------ */

enum talk_verdict { TALK_ACCEPTED, TALK_REFUSED, TALK_CLOSED };

struct talk_judge {
	uint32_t machine;
	enum handover_state state;
	bool is_closed;
	uint32_t nr_vcpus, vcpu_count, region_count;
	bool told[TALK_MAX_VCPUS];
	uint32_t ids[TALK_MAX_VCPUS];
	struct handover_region regions[8];
};

/* What the next message, not one after TALK_CLOSED, must be answered with. */
enum talk_verdict talk_judge(struct talk_judge *judge, const struct talk_message *message);

#endif
