/* SPDX-License-Identifier: Apache-2.0 */
/* Chance that can be had again: a sequence of numbers that a seed determines. */
#ifndef DICE_H
#define DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

/* Each stream of a seed is a sequence of its own. */
void dice_init(struct dice *dice, uint64_t seed, uint64_t stream);

/* 0 to sides - 1; sides is not 0. */
unsigned dice_roll(struct dice *dice, unsigned sides);

/* True that often in a hundred. */
bool dice_chance(struct dice *dice, unsigned percent);

#endif
