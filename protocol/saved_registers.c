/* SPDX-License-Identifier: Apache-2.0 */
/* Registers put aside; see saved_registers.h. */
#include <stdlib.h>
#include <string.h>
#include "protocol/saved_registers.h"

static void state_free(struct saved_state *state)
{
	free(state->digits);
	*state = (struct saved_state){ .id = 0 };
}

void saved_registers_fini(struct saved_registers *saved)
{
	for (unsigned i = 0; i < SAVED_REGISTERS_MAX; i++)
		state_free(&saved->states[i]);
}

/* Ids rise, so the least is the oldest; that of a free one is less than any. */
static struct saved_state *saved_oldest(struct saved_registers *saved)
{
	struct saved_state *oldest = &saved->states[0];

	for (unsigned i = 1; i < SAVED_REGISTERS_MAX; i++)
		if (saved->states[i].id < oldest->id)
			oldest = &saved->states[i];
	return oldest;
}

uint32_t saved_registers_put(
	struct saved_registers *saved, unsigned thread, const uint8_t *digits, size_t length)
{
	struct saved_state *state = saved_oldest(saved);
	uint8_t *copy = malloc(length ? length : 1);

	if (!copy || saved->last_id == UINT32_MAX) {
		free(copy);
		return 0;
	}
	memcpy(copy, digits, length);
	state_free(state);
	*state = (struct saved_state){
		.id = ++saved->last_id, .thread = thread, .length = length, .digits = copy
	};
	return state->id;
}

const struct saved_state *saved_registers_find(const struct saved_registers *saved, uint64_t id)
{
	for (unsigned i = 0; i < SAVED_REGISTERS_MAX; i++)
		if (id && saved->states[i].id == id)
			return &saved->states[i];
	return NULL;
}

void saved_registers_drop(struct saved_registers *saved, uint64_t id)
{
	for (unsigned i = 0; i < SAVED_REGISTERS_MAX; i++)
		if (id && saved->states[i].id == id)
			state_free(&saved->states[i]);
}
