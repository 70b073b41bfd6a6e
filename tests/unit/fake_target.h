/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second implementation of protocol/target.h: a small machine that really executes a handful
 * of instructions, on up to four threads, with a hole in its memory.  Nothing happens by itself:
 * the test lets it run, or makes it report whatever the test likes.
 */
#ifndef TESTS_UNIT_FAKE_TARGET_H
#define TESTS_UNIT_FAKE_TARGET_H

#include "kvm/agent.h"
#include "protocol/target.h"
#include "tests/unit/fake_description.h"

enum {
	FAKE_THREADS = 4,
	FAKE_REGISTERS = 80,
	FAKE_BREAKPOINTS = 16,
	FAKE_HARDWARE = 4, /* of which so many may be hardware ones */
	FAKE_PAGE = 0x1000,
	FAKE_LOW = 0x1000,        /* [0x1000, 0x3000): the program, and room */
	FAKE_HIGH = 0x4000,       /* [0x4000, 0x5000): data; what lies between is not mapped */
	FAKE_PHYSICAL = 0x100000, /* a physical address is the virtual one and this */
	FAKE_PARK = 0x1100,       /* where threads 2... go round in circles */
};

/* One instruction's doing. */
struct fake_step {
	bool stores;
	uint64_t address;
	uint8_t value;
};

struct fake_target;

struct fake_machine {
	const struct target_description *description;
	const uint8_t *program;
	size_t program_size;
	const uint8_t *park;
	size_t park_size;
	unsigned pointer; /* the register that points at the stored byte */
	bool traps_after; /* watchpoints: the access has been done when they are reported */
	bool has_read_watch;
	struct target_kernel kernel; /* base 0: there is none to be found */
	void (*execute)(struct fake_target *fake, unsigned thread, struct fake_step *step);
};

extern const struct fake_machine fake_machine_x86_64;
extern const struct fake_machine fake_machine_arm64;

enum { FAKE_CODES = 8, FAKE_CODE_BYTES = 512 };

struct fake_breakpoint {
	bool used;
	enum target_breakpoint type;
	uint64_t address, length;
	unsigned condition_count, command_count;
	struct agent_code codes[FAKE_CODES]; /* conditions, then commands */
	uint8_t bytes[FAKE_CODE_BYTES];      /* of them all */
};

struct fake_target {
	struct target target;
	const struct fake_machine *machine;
	const struct target_description *layout, *next_layout; /* NULL: the machine's */
	unsigned threads;
	uint8_t registers[FAKE_THREADS][FAKE_REGISTERS][TARGET_REGISTER_MAX_BYTES];
	uint8_t low[2 * FAKE_PAGE], high[FAKE_PAGE];
	struct fake_breakpoint breakpoints[FAKE_BREAKPOINTS];
	struct target_resume resumes[FAKE_THREADS];
	struct target_stop
		kept; /* what happened to another thread at the same time; thread 0: nothing */
	bool fresh[FAKE_THREADS]; /* has executed nothing since the last resume */
	bool running, stop_asked, detached;
	bool non_stop, held;
	bool all_stop_only; /* somebody else debugs it so */
	bool non_stop_only;
	int resume_error;    /* what resume() is to answer, negative */
	unsigned evaluating; /* the thread that conditions and commands look at */
	unsigned stop_calls, resume_calls;
	unsigned breaches; /* calls that need a stopped target, made while it ran */
};

/* threads: 1 to FAKE_THREADS.  running: as a guest is before a debugger comes. */
void fake_target_init(struct fake_target *fake, const struct fake_machine *machine,
	unsigned threads, bool running);

/* Executes for at most so many rounds, until something stops it; idle when it is stopped. */
void fake_target_run(struct fake_target *fake, unsigned rounds);

/* Stops for any reason the test thinks of. */
void fake_target_report(struct fake_target *fake, const struct target_stop *stop);

uint64_t fake_target_register(const struct fake_target *fake, unsigned thread, unsigned number);
void fake_target_set_register(
	struct fake_target *fake, unsigned thread, unsigned number, uint64_t value);

#endif
