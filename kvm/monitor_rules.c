/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person says of an address beyond the debugger's own breakpoints there (rule.h): whose hits
 * count, and how many of them do not.
 */
#include <errno.h>
#include "kvm/monitor_rules.h"
#include "kvm/monitor_table.h"
#include "kvm/monitor_words.h"

void monitor_put_filter(struct monitor *monitor, const struct rule *rule)
{
	if (rule->has_space)
		monitor_put(monitor, ", only in space 0x%llx", (unsigned long long)rule->space);
	if (rule->level != RULE_ANY_LEVEL)
		monitor_put(
			monitor, ", only in %s mode", rule->level == RULE_USER ? "user" : "kernel");
	if (rule->ignore)
		monitor_put(monitor, ", ignores %llu", (unsigned long long)rule->ignore);
}

static void monitor_put_rule(struct monitor *monitor, const struct rule *rule)
{
	monitor_put(monitor, "0x%llx: %llu hits", (unsigned long long)rule->gva,
		(unsigned long long)rule->hits);
	monitor_put_filter(monitor, rule);
	monitor_put(monitor, "\n");
}

static int monitor_put_rules(struct monitor *monitor)
{
	const struct rules *rules = &monitor->vm->rules;

	for (unsigned i = 0; i < rules->count; i++)
		monitor_put_rule(monitor, &rules->entries[i]);
	if (!rules->count)
		monitor_put(monitor, "none\n");
	return 0;
}

/* The rule to change, or NULL and *rc is why not, told in a line. */
static struct rule *monitor_get_rule(struct monitor *monitor, gva_t gva, int *rc)
{
	struct rule *rule;

	*rc = monitor_may_change(monitor);
	if (*rc < 0)
		return NULL;
	rule = rule_get(&monitor->vm->rules, gva);
	if (!rule)
		*rc = monitor_fail(monitor, -ENOSPC, "%d addresses have rules: no more", RULE_MAX);
	return rule;
}

/* "here", "any" or the number that vcpus shows. */
static int monitor_take_space(struct monitor *monitor, const char **at, struct rule *rule)
{
	struct vm *vm = monitor->vm;

	if (monitor_take_word(at, "any")) {
		rule->has_space = false;
		return 0;
	}
	rule->has_space = true;
	if (!monitor_take_word(at, "here"))
		return monitor_take_number(monitor, at, "the space", &rule->space);
	if (vcpu_fetch(monitor->view.vcpu, CPU_STOP, vm->call_timeout_ms) < 0)
		return monitor_fail(
			monitor, -EBUSY, "vCPU %u cannot be asked now", monitor->view.vcpu->index);
	rule->space = vm->arch->address_space(&monitor->view.vcpu->cpu, 0);
	return 0;
}

static int monitor_take_level(struct monitor *monitor, const char **at, struct rule *rule)
{
	if (monitor_take_word(at, "kernel"))
		rule->level = RULE_KERNEL;
	else if (monitor_take_word(at, "user"))
		rule->level = RULE_USER;
	else if (monitor_take_word(at, "any"))
		rule->level = RULE_ANY_LEVEL;
	else
		return monitor_fail(monitor, -EINVAL, "the level is kernel, user or any");
	return 0;
}

static int monitor_take_filter(struct monitor *monitor, const char *at, struct rule *rule)
{
	int rc = 0;

	while (rc == 0 && *at) {
		if (monitor_take_word(&at, "space"))
			rc = monitor_take_space(monitor, &at, rule);
		else if (monitor_take_word(&at, "level"))
			rc = monitor_take_level(monitor, &at, rule);
		else
			rc = monitor_take_end(monitor, at);
	}
	return rc;
}

int monitor_filter(struct monitor *monitor, const char *arguments)
{
	struct rule wanted = { .gva = 0 };
	struct rule *rule;
	gva_t gva;
	int rc;

	if (!*arguments)
		return monitor_put_rules(monitor);
	rc = monitor_take_number(monitor, &arguments, "the address", &gva);
	if (rc < 0)
		return rc;
	rule = rule_find(&monitor->vm->rules, gva);
	if (rule)
		wanted = *rule;
	rc = monitor_take_filter(monitor, arguments, &wanted);
	if (rc == 0)
		rule = monitor_get_rule(monitor, gva, &rc);
	if (rc < 0)
		return rc;
	rule->has_space = wanted.has_space;
	rule->space = wanted.space;
	rule->level = wanted.level;
	monitor_put_rule(monitor, rule);
	return 0;
}

int monitor_ignore(struct monitor *monitor, const char *arguments)
{
	struct rule *rule;
	uint64_t gva, count;
	int rc = monitor_take_number(monitor, &arguments, "the address", &gva);

	if (rc == 0)
		rc = monitor_take_number(monitor, &arguments, "the count", &count);
	if (rc == 0)
		rc = monitor_take_end(monitor, arguments);
	if (rc < 0)
		return rc;
	rule = monitor_get_rule(monitor, gva, &rc);
	if (!rule)
		return rc;
	rule->ignore = count;
	monitor_put_rule(monitor, rule);
	return 0;
}
