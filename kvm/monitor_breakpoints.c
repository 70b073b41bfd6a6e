/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest is stopped at, for people: what was asked for, and what came of it. */
#include <errno.h>
#include "kvm/monitor_rules.h"
#include "kvm/monitor_table.h"
#include "kvm/monitor_words.h"

/* Whose it is, and by what terms. */
static void monitor_put_terms(struct monitor *monitor, const struct terms *terms)
{
	for (; terms; terms = terms->next) {
		const struct condition *condition = terms->condition;

		monitor_put(monitor, ", debugger %u", terms->seat + 1);
		if (condition && condition->condition_count)
			monitor_put(monitor, ", %u conditions", condition->condition_count);
		if (condition && condition->command_count)
			monitor_put(monitor, ", %u commands", condition->command_count);
	}
}

static void monitor_put_hits(struct monitor *monitor, gva_t gva)
{
	const struct rule *rule = rule_find(&monitor->vm->rules, gva);

	monitor_put(monitor, ", %llu hits", rule ? (unsigned long long)rule->hits : 0);
	if (rule)
		monitor_put_filter(monitor, rule);
}

static void monitor_put_breakpoint(struct monitor *monitor, const struct breakpoint *breakpoint)
{
	const struct plant *plant = plant_find(&monitor->vm->plants, breakpoint->gpa);

	if (breakpoint->gpa == BREAKPOINT_PENDING)
		monitor_put(monitor, "software 0x%llx, waits for its page in a debug register",
			(unsigned long long)breakpoint->gva);
	else
		monitor_put(monitor, "software 0x%llx, guest-physical 0x%llx, %s",
			(unsigned long long)breakpoint->gva, (unsigned long long)breakpoint->gpa,
			breakpoint->in_register ? "in a debug register"
			: !plant                ? "not planted yet"
			: plant->lifted         ? "lifted"
						: "planted");
	monitor_put_terms(monitor, breakpoint->terms);
	monitor_put_hits(monitor, breakpoint->gva);
	monitor_put(monitor, "\n");
}

static void monitor_put_point(
	struct monitor *monitor, const struct hardware_point *point, const struct terms *terms)
{
	monitor_put(monitor, "%-8s 0x%llx, %llu bytes", breakpoint_type_name(point->type),
		(unsigned long long)point->gva, (unsigned long long)point->length);
	monitor_put_terms(monitor, terms);
	monitor_put_hits(monitor, point->gva);
	monitor_put(monitor, "\n");
}

static bool monitor_is_set(const struct breakpoint_table *table, gva_t gva)
{
	for (unsigned i = 0; i < table->count; i++)
		if (table->entries[i].gva == gva)
			return true;
	for (unsigned i = 0; i < table->point_count; i++)
		if (table->points[i].gva == gva)
			return true;
	return false;
}

/* gdb takes its breakpoints away at each stop, and sets them again; what is known of them stays. */
static unsigned monitor_put_absent(struct monitor *monitor)
{
	const struct rules *rules = &monitor->vm->rules;
	unsigned count = 0;

	for (unsigned i = 0; i < rules->count; i++) {
		gva_t gva = rules->entries[i].gva;

		if (monitor_is_set(&monitor->vm->table, gva))
			continue;
		monitor_put(monitor, "not set  0x%llx", (unsigned long long)gva);
		monitor_put_hits(monitor, gva);
		monitor_put(monitor, "\n");
		count++;
	}
	return count;
}

int monitor_breakpoints(struct monitor *monitor, const char *arguments)
{
	const struct breakpoint_table *table = &monitor->vm->table;
	int rc = monitor_take_end(monitor, arguments);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < table->count; i++)
		monitor_put_breakpoint(monitor, &table->entries[i]);
	for (unsigned i = 0; i < table->point_count; i++)
		monitor_put_point(monitor, &table->points[i], table->point_terms[i]);
	if (!monitor_put_absent(monitor) && !table->count && !table->point_count)
		monitor_put(monitor, "none\n");
	return 0;
}
