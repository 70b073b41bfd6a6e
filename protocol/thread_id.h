/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread ids as the protocol writes them (GDB manual E.1, "thread-id"): "2", "-1", "p1.2", "p1".
 * A process is a guest; its threads are the vCPUs.  Knows no target: whether a thread exists is
 * asked elsewhere.
 */
#ifndef PROTOCOL_THREAD_ID_H
#define PROTOCOL_THREAD_ID_H

#include <stdbool.h>
#include <stdint.h>
#include "protocol/cursor.h"

enum {
	THREAD_ID_ALL = -1,
	THREAD_ID_ANY = 0,
	THREAD_ID_UNSAID = -2, /* of a process: the one that is being debugged */
};

struct thread_id {
	int32_t process; /* THREAD_ID_UNSAID, _ALL, _ANY or 1... */
	int32_t thread;  /* THREAD_ID_ALL, _ANY or 1... */
};

/*
 * 0 or -EINVAL.  The "p" forms are an error unless the peer negotiated multiprocess; so is
 * a single thread of all processes, "p-1.2".
 */
int thread_id_parse(struct cursor *cursor, bool multiprocess, struct thread_id *id);

/* True when the id may mean a thread of this process. */
bool thread_id_is_of(const struct thread_id *id, unsigned process);

#endif
