/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker has counted of its VM, as it tells main; main adds up those of all workers that a VM has
 * had.  Made when somebody asks: what is counted where a vCPU runs is struct vm_counts alone.
 */
#ifndef DAEMON_COUNTS_H
#define DAEMON_COUNTS_H

#include <stdint.h>
#include "kvm/vm.h"

/* The guest's own debug exceptions that it was given back, by kind. */
enum counts_exception {
	COUNTS_BREAKPOINT, /* INT3, BRK, BKPT */
	COUNTS_DEBUG,      /* x86 #DB: any of its causes */
	COUNTS_HARDWARE,   /* arm64: breakpoint registers */
	COUNTS_STEP,       /* arm64 */
	COUNTS_WATCHPOINT, /* arm64 */
	COUNTS_OTHER,
	COUNTS_EXCEPTIONS,
};

struct counts {
	uint64_t runs, steps, stops, walks; /* struct vm_counts */
	uint64_t hits;                      /* of breakpoints and watchpoints, told or not */
	uint64_t sessions;                  /* debuggers that were let in */
	uint64_t exceptions[COUNTS_EXCEPTIONS];
};

/* What vm has counted; sessions are the caller's to fill in. */
void counts_take(struct counts *counts, const struct vm *vm);

void counts_add(struct counts *sum, const struct counts *more);

/* Of all kinds. */
uint64_t counts_exceptions(const struct counts *counts);

/* A kind in one word, for programs. */
const char *counts_exception_name(enum counts_exception kind);

#endif
