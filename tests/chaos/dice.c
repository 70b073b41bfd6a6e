/* SPDX-License-Identifier: Apache-2.0 */
/* A 64-bit state stepped by an odd constant and mixed by two multiplications. */
#include "tests/chaos/dice.h"

static uint64_t dice_mix(uint64_t value)
{
	value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
	return value ^ (value >> 31);
}

void dice_init(struct dice *dice, uint64_t seed, uint64_t stream)
{
	dice->state = dice_mix(seed) ^ dice_mix(stream + UINT64_C(0x5851f42d4c957f2d));
}

unsigned dice_roll(struct dice *dice, unsigned sides)
{
	dice->state += UINT64_C(0x9e3779b97f4a7c15);
	return (unsigned)(dice_mix(dice->state) % sides);
}

bool dice_chance(struct dice *dice, unsigned percent)
{
	return dice_roll(dice, 100) < percent;
}
