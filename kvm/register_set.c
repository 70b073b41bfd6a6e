/* SPDX-License-Identifier: Apache-2.0 */
/* The registers that a guest's vCPUs have: see register_set.h. */
#include <errno.h>
#include "kvm/register_set.h"

int register_set_find(const struct register_set *set, unsigned number)
{
	return number < set->description.register_count ? set->own[number] : -ENOENT;
}

const struct target_register *register_set_get(const struct register_set *set, unsigned number)
{
	for (unsigned i = 0; i < set->description.feature_count; i++) {
		if (number < set->features[i].count)
			return &set->features[i].registers[number];
		number -= set->features[i].count;
	}
	return NULL;
}

/* The other way round; false when the vCPU does not have it. */
static bool register_set_number(const struct register_set *set, unsigned wanted, unsigned *number)
{
	for (*number = 0; *number < set->description.register_count; ++*number)
		if (set->own[*number] == wanted)
			return true;
	return false;
}

/* Appends the registers of a feature, whose first one has the architecture's number `first`. */
static void register_set_add_registers(struct register_set *set, const struct arch *arch,
	const struct cpu *cpu, const struct target_feature *feature, unsigned first)
{
	unsigned *count = &set->description.register_count;

	for (unsigned i = 0; i < feature->count && *count < REGISTER_SET_MAX_REGISTERS; i++) {
		struct target_register *reg = &set->registers[*count];

		*reg = feature->registers[i];
		if (arch->has_register && !arch->has_register(cpu, first + i, reg))
			continue;
		set->own[(*count)++] = (uint16_t)(first + i);
	}
}

/* Makes a feature of the registers that were appended since there were `before`, if any. */
static void register_set_close_feature(struct register_set *set, const char *name, unsigned before)
{
	struct target_description *description = &set->description;

	if (description->register_count == before)
		return;
	set->features[description->feature_count++] = (struct target_feature){
		.name = name,
		.registers = &set->registers[before],
		.count = description->register_count - before,
	};
}

static void register_set_add_feature(struct register_set *set, const struct arch *arch,
	const struct cpu *cpu, const struct target_feature *feature, unsigned first)
{
	struct target_description *description = &set->description;
	unsigned before = description->register_count;

	if (description->feature_count == REGISTER_SET_MAX_FEATURES)
		return;
	register_set_add_registers(set, arch, cpu, feature, first);
	register_set_close_feature(set, feature->name, before);
	if (description->register_count == before)
		return;
	if (first < arch->description->bulk_count)
		description->bulk_count = description->register_count;
	if (first < arch->description->listed_count)
		set->short_count = description->register_count;
}

/* Those of the catalogue but for the first `skipped`. */
static void register_set_add_features(
	struct register_set *set, const struct arch *arch, const struct cpu *cpu, unsigned skipped)
{
	const struct target_description *catalogue = arch->description;
	unsigned first = 0;

	for (unsigned i = 0; i < catalogue->feature_count; i++) {
		const struct target_feature *feature = i < skipped ? NULL : arch->feature(cpu, i);

		if (feature)
			register_set_add_feature(set, arch, cpu, feature, first);
		first += catalogue->features[i].count;
	}
}

/* A view's registers are in every CPU. */
static void register_set_add_view(struct register_set *set, const struct arch_view *view)
{
	unsigned *count = &set->description.register_count;

	for (unsigned i = 0; i < view->feature_count; i++) {
		const struct target_feature *feature = &view->features[i];
		unsigned before = *count;

		for (unsigned n = 0; n < feature->count; n++, ++*count) {
			set->registers[*count] = feature->registers[n];
			set->own[*count] = view->own[*count];
		}
		register_set_close_feature(set, feature->name, before);
	}
	set->description.bulk_count = set->short_count = *count;
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

void register_set_list_all(struct register_set *set, bool all)
{
	set->description.listed_count = all ? 0 : set->short_count;
}

void register_set_init_view(struct register_set *set, const struct arch *arch,
	const struct arch_view *view, const struct cpu *cpu)
{
	const struct target_description *catalogue = arch->description;

	*set = (struct register_set){ .description = {
					      .architecture = view ? view->architecture
								   : catalogue->architecture,
					      .features = set->features,
					      .expedited = set->expedited,
					      .aliases = catalogue->aliases,
				      } };
	if (view)
		register_set_add_view(set, view);
	register_set_add_features(set, arch, cpu, view ? view->replaces : 0);
	register_set_number(set, catalogue->pc, &set->description.pc);
	register_set_add_expedited(set, catalogue);
	register_set_list_all(set, false);
	if (arch->watchpoint_count)
		set->description.watchpoint_count = arch->watchpoint_count(cpu);
}

void register_set_init(struct register_set *set, const struct arch *arch, const struct cpu *cpu)
{
	register_set_init_view(set, arch, NULL, cpu);
}
