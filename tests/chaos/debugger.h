/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger that never tires: it plants, runs, steps, stops, reads, writes what is there anyway, removes,
 * until it is killed or its connection ends.  It is a process of its own.
 *
 * It judges too: a reply that is not what the protocol says, planted bytes that show, a daemon that does
 * not answer.
 */
#ifndef DEBUGGER_H
#define DEBUGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/chaos/image.h"

/* What the debugger is to know. */
struct debugger_orders {
	const struct image *image;
	const char *socket_path; /* the VM's */
	unsigned nr_vcpus;
	unsigned patience_ms; /* how long an answer may take */
	unsigned run_ms;      /* how long it lets the guest run, at most, before it stops it */
	bool mostly_steps;    /* through the guest's user program, and in all-stop */
	bool has_software;    /* software breakpoints work on this KVM */
	uint64_t seed, round; /* determine all that it does */
};

enum { TRAIL_LINES = 32, TRAIL_SIZE = 80 };

/* Shared with the process that started it: what it is at. */
struct debugger_talk {
	volatile uint32_t is_at_work; /* connected, and has had its first answer */
	volatile uint32_t packets;    /* sent since */
	char last[96];                /* the last one */
	volatile uint32_t lines;      /* sent and received; the last ones, cut short: */
	char trail[TRAIL_LINES][TRAIL_SIZE];
	char complaint[256]; /* why it has ended with DEBUGGER_COMPLAINS */
};

/* How it ends, when it is not killed. */
enum debugger_status {
	DEBUGGER_LEFT_ALONE = 40, /* its connection ended */
	DEBUGGER_NOT_LET_IN = 41, /* there was no first answer: the VM is not there, or not yet */
	DEBUGGER_COMPLAINS = 42,
};

/* Runs it in this process, which is to be a child: does not return. */
_Noreturn void debugger_run(const struct debugger_orders *orders, struct debugger_talk *talk);

#endif
