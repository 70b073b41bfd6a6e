/* SPDX-License-Identifier: Apache-2.0 */
/* What a person has said of an address: see rule.h. */
#include <string.h>
#include "kvm/rule.h"

struct rule *rule_find(struct rules *rules, gva_t gva)
{
	for (unsigned i = 0; i < rules->count; i++)
		if (rules->entries[i].gva == gva)
			return &rules->entries[i];
	return NULL;
}

/* A rule that only counts is worth less than a new one. */
static bool rule_says_nothing(const struct rule *rule)
{
	return !rule->has_space && rule->level == RULE_ANY_LEVEL && !rule->ignore;
}

static void rule_make_room(struct rules *rules)
{
	for (unsigned i = 0; i < rules->count; i++)
		if (rule_says_nothing(&rules->entries[i])) {
			rules->count--;
			memmove(&rules->entries[i], &rules->entries[i + 1],
				(rules->count - i) * sizeof(rules->entries[0]));
			return;
		}
}

struct rule *rule_get(struct rules *rules, gva_t gva)
{
	struct rule *rule = rule_find(rules, gva);

	if (rule)
		return rule;
	if (rules->count == RULE_MAX)
		rule_make_room(rules);
	if (rules->count == RULE_MAX)
		return NULL;
	rule = &rules->entries[rules->count++];
	*rule = (struct rule){ .gva = gva };
	return rule;
}

bool rule_admits(const struct rule *rule, const struct arch *arch, const struct cpu *cpu)
{
	if (rule->has_space && arch->address_space(cpu, 0) != rule->space)
		return false;
	return rule->level == RULE_ANY_LEVEL || (rule->level == RULE_USER) == arch->is_user(cpu);
}

bool rule_count(struct rule *rule)
{
	rule->hits++;
	if (!rule->ignore)
		return true;
	rule->ignore--;
	return false;
}
