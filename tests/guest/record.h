/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest's exception handlers saw while they were told to write it down.  One for each CPU;
 * nothing is shared.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stdint.h>

#define RECORD_EVENTS 48

/* An exception as the CPU delivered it. */
struct record_event {
	uint64_t pc;     /* saved RIP or ELR */
	uint64_t cause;  /* x86-64: vector; arm64: ESR */
	uint64_t detail; /* x86-64: error code; arm64: FAR where the class defines it */
	uint64_t debug;  /* x86-64: DR6 of a #DB, CR2 of a #PF */
	uint64_t flags;  /* saved RFLAGS or SPSR */
	bool is_from_user;
};

struct record {
	bool is_on;
	unsigned nr_events; /* may be larger than RECORD_EVENTS: the last ones are only counted */
	unsigned nr_steps;  /* arm64: how many instructions more to step */
	uint64_t syscall_flags; /* saved RFLAGS or SPSR of the last system call, recorded or not */
	struct record_event events[RECORD_EVENTS];
};

#endif
