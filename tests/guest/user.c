/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's user program: runs unprivileged, calls nothing of the kernel but by system calls. */
#include <stdint.h>

#include "tests/guest/user.h"

uint64_t user_call(uint64_t number, uint64_t argument);
uint64_t user_main(uint64_t rounds);
uint64_t user_collatz(uint64_t n);

extern volatile uint64_t user_counter;
volatile uint64_t user_counter;

/* How many steps of n -> n / 2 or 3 n + 1 it takes to get to 1. */
__attribute__((noinline)) uint64_t user_collatz(uint64_t n)
{
	uint64_t steps = 0;

	while (n > 1) {
		n = n % 2 ? 3 * n + 1 : n / 2;
		steps++;
	}
	return steps;
}

__attribute__((noinline)) uint64_t user_main(uint64_t rounds)
{
	uint64_t steps = 0;

	for (uint64_t i = 1; i <= rounds; i++) {
		steps += user_collatz(i);
		user_counter = user_counter + 1;
	}
	user_call(USER_CALL_COUNT, 0);
	return steps;
}
