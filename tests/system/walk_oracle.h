/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody else's word on how an address is translated.  One file per architecture:
 *
 *	x86-64	KVM_TRANSLATE, KVM's own walker; the console's lines: what the guest has mapped, and the
 *		error codes of its page faults
 *	arm64	the CPU itself: a parked vCPU is made to execute AT and to write down PAR_EL1; the
 *		console's lines: the same by the guest's own AT, and the syndromes of its aborts
 */
#ifndef WALK_ORACLE_H
#define WALK_ORACLE_H

#include "kvm/view.h"
#include "tests/system/walk_guest.h"

struct walk_half {
	gva_t first, last;
};

/* The low and the high end of the address space. */
extern const struct walk_half walk_halves[2];

/* The sum of all sizes of pages that the guest surely has; its lines may tell of more. */
extern const uint64_t walk_page_sizes;

/* A branch to itself. */
extern const uint8_t walk_endless_loop[];
extern const unsigned walk_endless_loop_length;

struct walk_answer {
	bool is_told; /* else there is no such address: nothing may be mapped there */
	bool is_mapped;
	gpa_t gpa;
	int writable, user; /* 1, 0, or -1: not told */
	int level; /* of the last entry of a walk that failed, as translation_step has it; -1 */
};

/* How many bits of an address an entry of that translation_step.level leaves open. */
unsigned walk_hole_bits(unsigned level);

/* What the oracle is called. */
extern const char walk_oracle_name[];

/* Whether that vCPU (parked) can be asked: one that was never switched on executes nothing. */
bool walk_oracle_is_there(struct walk_guest *guest, unsigned index);

/* Asks about count addresses at once; the guest is stopped, and as it was afterwards. */
void walk_oracle_ask(struct walk_guest *guest, unsigned index, const gva_t *gvas,
	struct walk_answer *answers, unsigned count);

/*
 * Compares a line of the console with our walk: 1 they agree, -1 they do not, 0 the line speaks of
 * something else.  Lines "walk ...".
 */
int walk_oracle_judge_walk(const struct view *view, const char *line);

/* The same for lines "selftest page-...": faults that the CPU has raised. */
int walk_oracle_judge_fault(const struct view *view, const char *line);

#endif
