/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoint instructions that stand in guest memory in place of the guest's own bytes: by
 * guest-physical address, entered in the journal before they are written and struck out after the
 * original is back, so that whoever is left alive can undo them.
 *
 * Every call here needs all vCPUs parked, but for plant_lift() and plant_restore() around a step of
 * the only vCPU that runs.
 */
#ifndef KVM_PLANT_H
#define KVM_PLANT_H

#include "kvm/breakpoint.h"
#include "kvm/journal.h"
#include "kvm/memory.h"

enum { PLANT_MAX = BREAKPOINT_MAX };

struct plant {
	gpa_t gpa;
	int journal_slot;
	bool lifted; /* the original is back for one step */
	uint8_t original[4];
};

struct plants {
	const struct arch *arch;
	const struct memory *memory;
	struct journal *journal;
	unsigned count;
	struct plant entries[PLANT_MAX];
};

void plant_init(struct plants *plants, const struct arch *arch, const struct memory *memory,
	struct journal *journal);

/*
 * Takes over what the journal says that somebody else has planted (a worker that died), so that
 * plant_clear() takes it back.
 */
void plant_adopt(struct plants *plants);

/*
 * Makes guest memory hold exactly what the table wants: plants what is missing (again, where the
 * guest has overwritten it), takes back what is not wanted.  0, or the first -errno (-EFAULT
 * memory is gone, -ENOSPC the journal is full) with everything else done.
 */
int plant_sync(struct plants *plants, const struct breakpoint_table *table);

/* Takes everything back, as far as memory is there. */
void plant_clear(struct plants *plants);

/* A region has come, and another address may stand for what is planted: memory_home(). */
void plant_rehome(struct plants *plants);

/* The plant at gpa, or at another address of the same memory; NULL. */
struct plant *plant_find(struct plants *plants, gpa_t gpa);

/*
 * Puts the original back for one step, and the breakpoint again (nothing to do when it was not
 * lifted).  0 or -EFAULT; after plant_restore() the plant may be another one: find it anew.
 */
int plant_lift(struct plants *plants, struct plant *plant);
int plant_restore(struct plants *plants, struct plant *plant);

/* One that the guest has overwritten, or whose memory is gone; NULL. Legal while vCPUs run. */
const struct plant *plant_find_lost(const struct plants *plants);

/* Shows the guest's own bytes in what was read from [gpa, gpa + length). */
void plant_hide(const struct plants *plants, gpa_t gpa, void *buf, size_t length);

/* Takes back what stands in [gpa, gpa + length), before a debugger writes there. */
void plant_yield(struct plants *plants, gpa_t gpa, size_t length);

#endif
