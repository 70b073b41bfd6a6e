/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers that one guest's vCPUs have: those of the architecture's catalogue that a vCPU turns
 * out to have, numbered through without gaps.  The debugger knows these numbers (target.h), the
 * architecture its own (arch.h); here one becomes the other.
 */
#ifndef KVM_REGISTER_SET_H
#define KVM_REGISTER_SET_H

#include "kvm/arch.h"

enum {
	REGISTER_SET_MAX_FEATURES = 16,
	REGISTER_SET_MAX_REGISTERS = 512,
	REGISTER_SET_MAX_EXPEDITED = 8,
};

struct register_set {
	struct target_description description;
	struct target_feature features[REGISTER_SET_MAX_FEATURES];
	struct target_register registers[REGISTER_SET_MAX_REGISTERS];
	uint16_t own[REGISTER_SET_MAX_REGISTERS]; /* the architecture's number of each */
	uint8_t expedited[REGISTER_SET_MAX_EXPEDITED];
	unsigned short_count; /* how many of the first are worth a place in a short list; 0: all */
};

/*
 * Asks arch which registers of its catalogue the vCPU has; cpu has arch->probe_groups valid, as far
 * as KVM gives them.  A feature of which nothing is left is left out, too.  The set points into itself and must not be moved.
 */
void register_set_init(struct register_set *set, const struct arch *arch, const struct cpu *cpu);

/* The same in one of arch's views. */
void register_set_init_view(struct register_set *set, const struct arch *arch,
	const struct arch_view *view, const struct cpu *cpu);

/* Lists all of them, or (as it begins) those that the architecture's catalogue lists. */
void register_set_list_all(struct register_set *set, bool all);

/* The architecture's number of register `number`, or -ENOENT. */
int register_set_find(const struct register_set *set, unsigned number);

/* What register `number` is, or NULL. */
const struct target_register *register_set_get(const struct register_set *set, unsigned number);

#endif
