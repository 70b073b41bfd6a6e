/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker has counted: see counts.h. */
#include "daemon/counts.h"

/* ESR_EL1.EC, Arm ARM D19.2: as exception_log.c has them in words. */
static enum counts_exception counts_kind_of_class(uint8_t class)
{
	switch (class) {
	case 0x30:
	case 0x31:
		return COUNTS_HARDWARE;
	case 0x32:
	case 0x33:
		return COUNTS_STEP;
	case 0x34:
	case 0x35:
		return COUNTS_WATCHPOINT;
	case 0x38:
	case 0x3c:
		return COUNTS_BREAKPOINT;
	default:
		return COUNTS_OTHER;
	}
}

static enum counts_exception counts_kind(const struct exception_log_entry *entry)
{
	switch (entry->kind) {
	case INJECT_BREAKPOINT:
		return COUNTS_BREAKPOINT;
	case INJECT_DEBUG:
		return COUNTS_DEBUG;
	case INJECT_SYNC:
		return counts_kind_of_class(entry->class);
	default:
		return COUNTS_OTHER;
	}
}

void counts_take(struct counts *counts, const struct vm *vm)
{
	*counts = (struct counts){
		.runs = vm->counts.runs,
		.steps = vm->counts.steps,
		.stops = vm->counts.stops,
		.walks = vm->counts.walks,
		.hits = vm->counts.hits,
	};
	for (unsigned i = 0; i < vm->exceptions.count; i++)
		counts->exceptions[counts_kind(&vm->exceptions.entries[i])] +=
			vm->exceptions.entries[i].count;
	counts->exceptions[COUNTS_OTHER] += vm->exceptions.others;
}

void counts_add(struct counts *sum, const struct counts *more)
{
	sum->runs += more->runs;
	sum->steps += more->steps;
	sum->stops += more->stops;
	sum->walks += more->walks;
	sum->hits += more->hits;
	sum->sessions += more->sessions;
	for (unsigned i = 0; i < COUNTS_EXCEPTIONS; i++)
		sum->exceptions[i] += more->exceptions[i];
}

uint64_t counts_exceptions(const struct counts *counts)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < COUNTS_EXCEPTIONS; i++)
		sum += counts->exceptions[i];
	return sum;
}

const char *counts_exception_name(enum counts_exception kind)
{
	static const char *const names[COUNTS_EXCEPTIONS] = {
		[COUNTS_BREAKPOINT] = "breakpoint",
		[COUNTS_DEBUG] = "debug",
		[COUNTS_HARDWARE] = "hardware",
		[COUNTS_STEP] = "step",
		[COUNTS_WATCHPOINT] = "watchpoint",
		[COUNTS_OTHER] = "other",
	};

	return kind < COUNTS_EXCEPTIONS ? names[kind] : "other";
}
