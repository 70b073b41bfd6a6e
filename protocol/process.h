/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest as one line of a list: what a debugger sees of guests that it is not attached to.  In the
 * protocol's words guests are processes (GDB manual E.4, "osdata", and vAttach).
 */
#ifndef PROTOCOL_PROCESS_H
#define PROTOCOL_PROCESS_H

#include <stdbool.h>

enum { PROCESS_NAME_SIZE = 64, PROCESS_STATE_SIZE = 32 };

struct process {
	unsigned number; /* 1...; the same for as long as the guest is there */
	char name[PROCESS_NAME_SIZE];
	unsigned threads;
	char state[PROCESS_STATE_SIZE]; /* a word or two */
};

/*
 * Fills in the first process whose number is above `after`.  False: there is none.  Walks the list
 * from after = 0; who comes and goes meanwhile may be missed.
 */
typedef bool (*process_next)(void *context, unsigned after, struct process *process);

#endif
