/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers that a debugger has put aside (lldb: QSaveRegisterState), as the digits of a 'g' packet.
 * Knows no target: what is in them is the business of those who read and write registers.
 */
#ifndef PROTOCOL_SAVED_REGISTERS_H
#define PROTOCOL_SAVED_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

enum { SAVED_REGISTERS_MAX = 8 };

struct saved_state {
	uint32_t id; /* 1...; 0: free */
	unsigned thread;
	size_t length;
	uint8_t *digits;
};

/* Zeroed it is empty. */
struct saved_registers {
	uint32_t last_id;
	struct saved_state states[SAVED_REGISTERS_MAX];
};

void saved_registers_fini(struct saved_registers *saved);

/*
 * Keeps a copy under a new id, which is returned; the oldest makes room, for lldb forgets those of
 * threads that it has lost.  0 when out of memory.
 */
uint32_t saved_registers_put(
	struct saved_registers *saved, unsigned thread, const uint8_t *digits, size_t length);

/* NULL when there is none of this id, or no more. */
const struct saved_state *saved_registers_find(const struct saved_registers *saved, uint64_t id);

/* Forgets one; fine when there is none. */
void saved_registers_drop(struct saved_registers *saved, uint64_t id);

#endif
