/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Self-tests: the guest makes exceptions happen to itself and prints what its own handlers saw.
 * Nothing is judged here; the lines must be the same whether or not a debugger is at work.
 *
 *	selftest NAME round=1 count=1 at=+0x1 mode=kernel ...
 *
 * count is the number of exceptions, the lists have one item for each of them, in order ("X*3" is X
 * three times, "..." is what there was no room to write down): at is where the handler was told it
 * happened, relative to the tested code when that is near.  What a KVM that is debugging is
 * known to take away from its guest (see the names) has lines of its own.
 */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guest/console.h"
#include "tests/guest/record.h"

/*
 * demo-vmm --arg: the number of rounds in the low half (0: two; ~0: for ever), and a bit for a KVM
 * that emulates the guest's kernel: leaves out, with count=0, what such a one cannot do at all.
 */
#define SELFTEST_ROUNDS_FOREVER  0xffffffffull
#define SELFTEST_SPARE_EMULATORS (1ull << 32)

/* The same code twice, for the kernel and for the user program; one argument, one result. */
struct snippet {
	uint64_t kernel;
	uint64_t user;
};

#define SELFTEST_KERNEL false
#define SELFTEST_USER   true

typedef uint64_t (*record_get_fn)(const struct record_event *event);

/* Runs the snippet while this CPU's exceptions are written down.  Returns its result. */
uint64_t selftest_run(const struct snippet *snippet, bool in_user, uint64_t argument);

/* Begins the line about the last run: name (".kernel" or ".user" is added), round, count, at, mode. */
void selftest_begin_line(struct line *line, const char *name);

/* Adds " name=item,item,..." with an item for each exception of the last run. */
void selftest_add_list(struct line *line, const char *name, record_get_fn get);

/* The number of the round, from 1. */
extern uint64_t selftest_round;

/* Whether an emulating KVM gives up (or hangs) at this code. */
bool selftest_arch_is_rough(const struct snippet *snippet, bool in_user);

/* All the tests of the architecture, once. */
void selftest_arch(void);

/* Writes for each of a few addresses how it is mapped. */
void selftest_arch_walks(void);

/* Breakpoint instructions, as many as the argument. */
extern const struct snippet snippet_breakpoints;

#endif
