/* SPDX-License-Identifier: Apache-2.0 */
/* The registers that a guest's vCPUs have: see register_set.h. */
#include <errno.h>
#include "kvm/register_set.h"

int register_set_find(const struct register_set *set, unsigned number)
{
	for (unsigned i = 0; i < set->description.feature_count; i++) {
		if (number < set->features[i].count)
			return (int)(set->first[i] + number);
		number -= set->features[i].count;
	}
	return -ENOENT;
}

/* The other way round; false when the vCPU does not have it. */
static bool register_set_number(const struct register_set *set, unsigned wanted, unsigned *number)
{
	*number = 0;
	for (unsigned i = 0; i < set->description.feature_count; i++) {
		if (wanted - set->first[i] < set->features[i].count) {
			*number += wanted - set->first[i];
			return true;
		}
		*number += set->features[i].count;
	}
	return false;
}

static void register_set_add_features(
	struct register_set *set, const struct arch *arch, const struct cpu *cpu)
{
	const struct target_description *catalogue = arch->description;
	struct target_description *description = &set->description;
	unsigned first = 0;

	for (unsigned i = 0; i < catalogue->feature_count; i++) {
		const struct target_feature *feature = arch->feature(cpu, i);
		unsigned slot = description->feature_count;

		if (feature && slot < REGISTER_SET_MAX_FEATURES) {
			set->features[slot] = *feature;
			set->first[slot] = first;
			description->feature_count++;
			description->register_count += feature->count;
			if (first < catalogue->bulk_count)
				description->bulk_count = description->register_count;
		}
		first += catalogue->features[i].count;
	}
}

/* A stop reply has two digits for a number. */
static void register_set_add_expedited(
	struct register_set *set, const struct target_description *catalogue)
{
	unsigned number;

	for (unsigned i = 0; i < catalogue->expedited_count; i++)
		if (register_set_number(set, catalogue->expedited[i], &number) && number <= 0xff &&
			set->description.expedited_count < REGISTER_SET_MAX_EXPEDITED)
			set->expedited[set->description.expedited_count++] = (uint8_t)number;
}

void register_set_init(struct register_set *set, const struct arch *arch, const struct cpu *cpu)
{
	const struct target_description *catalogue = arch->description;

	*set = (struct register_set){ .description = {
					      .architecture = catalogue->architecture,
					      .features = set->features,
					      .expedited = set->expedited,
					      .aliases = catalogue->aliases,
				      } };
	register_set_add_features(set, arch, cpu);
	register_set_number(set, catalogue->pc, &set->description.pc);
	register_set_add_expedited(set, catalogue);
}
