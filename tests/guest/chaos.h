/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of `make chaos`: every CPU makes exceptions happen to itself, again and again, and judges what
 * its own handlers saw of them by what they saw in its first round, when no debugger was there.  It says
 * so in memory, where tests/chaos reads it while the guest runs; nothing here stops for a failure.
 */
#ifndef CHAOS_H
#define CHAOS_H

#include <stdint.h>

/* One CPU's; only that CPU writes it. */
struct chaos_report {
	volatile uint64_t rounds;   /* that have come to their end; every test once in each */
	volatile uint64_t failures; /* of tests that must never fail, debugged or not */
	volatile uint64_t
		suspended; /* tests for which KVM, as it debugs, kept exceptions back (arm64) */

	/* The first failure. */
	volatile uint64_t test; /* number of the row in chaos_tests[] */
	volatile uint64_t expected_events, found_events;
	volatile uint64_t expected_digest, found_digest;
};

#if !defined(CHAOS_HARNESS)

#include <stdbool.h>

#include "tests/guest/record.h"
#include "tests/guest/selftest.h"

/* What an architecture tests: code, how it is called, what is done before and after. */
struct chaos_test {
	char name[24];
	const struct snippet *snippet;
	bool in_user;
	bool may_be_suspended; /* KVM may keep some of its exceptions back while it debugs */
	bool has_result;       /* what it returns says something */
	uint64_t argument;
	void (*begin)(const struct chaos_test *test); /* NULL: nothing */
	void (*end)(void);                            /* NULL: nothing */
};

#define CHAOS_TESTS_MAX 48

extern const struct chaos_test chaos_tests[];
extern const unsigned chaos_nr_tests;

/* The bits of saved flags that are the same each time, and those that a step of ours could leave. */
extern const uint64_t chaos_flags_mask;

/* The bits of an event's cause that say of which class it is. */
extern const uint64_t chaos_cause_class;

/* Whether KVM, when it has kept back events of this kind, may deliver one later. */
bool chaos_comes_late(const struct record_event *event);

extern struct chaos_report chaos_reports[];

/* Asks a device something, which its VMM answers: an exit of KVM_RUN. */
uint64_t chaos_ask_device(void);

/* Where the code of the test is. */
uint64_t chaos_code(const struct chaos_test *test);

#endif

#endif
