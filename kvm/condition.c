/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions and commands of breakpoints: see condition.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "kvm/condition.h"

/* 0 and how many bytes there are in all, or -EINVAL for code that must not run. */
static int codes_check(const struct target_code *codes, unsigned count, size_t *size)
{
	for (unsigned i = 0; i < count; i++) {
		struct agent_code code = { codes[i].bytes, codes[i].length };

		if (agent_check(&code) < 0)
			return -EINVAL;
		*size += code.length;
	}
	return 0;
}

/* Appends copies to the codes that condition has; where the next bytes go. */
static uint8_t *codes_copy(
	struct agent_code *to, const struct target_code *from, unsigned count, uint8_t *bytes)
{
	for (unsigned i = 0; i < count; i++) {
		memcpy(bytes, from[i].bytes, from[i].length);
		to[i] = (struct agent_code){ bytes, from[i].length };
		bytes += from[i].length;
	}
	return bytes;
}

int condition_create(const struct target_breakpoint_spec *spec, struct condition **condition)
{
	unsigned count = spec->condition_count + spec->command_count;
	struct condition *made;
	uint8_t *bytes;
	size_t size = 0;

	*condition = NULL;
	if (codes_check(spec->conditions, spec->condition_count, &size) < 0 ||
		codes_check(spec->commands, spec->command_count, &size) < 0)
		return -EINVAL;
	if (!count)
		return 0;
	size += sizeof(*made) + count * sizeof(*made->codes);
	made = malloc(size);
	if (!made)
		return -ENOMEM;
	*made = (struct condition){
		.condition_count = spec->condition_count,
		.command_count = spec->command_count,
		.commands_persist = spec->commands_persist,
		.size = size,
		.codes = (struct agent_code *)(made + 1),
	};
	bytes = (uint8_t *)(made->codes + count);
	bytes = codes_copy(made->codes, spec->conditions, spec->condition_count, bytes);
	codes_copy(made->codes + spec->condition_count, spec->commands, spec->command_count, bytes);
	*condition = made;
	return 0;
}

void condition_destroy(struct condition *condition)
{
	free(condition);
}

void condition_replace(struct condition **slot, struct condition *condition)
{
	condition_destroy(*slot);
	*slot = condition;
}

int condition_holds(const struct condition *condition, const struct agent_host *host)
{
	int failed = 0;

	if (!condition || !condition->condition_count)
		return 1;
	for (unsigned i = 0; i < condition->condition_count; i++) {
		int64_t value;
		int rc = agent_run(&condition->codes[i], host, &value);

		if (rc == 0 && value)
			return 1;
		if (rc < 0)
			failed = rc;
	}
	return failed;
}

int condition_run_commands(const struct condition *condition, const struct agent_host *host)
{
	const struct agent_code *commands = condition->codes + condition->condition_count;
	int rc = 0;

	for (unsigned i = 0; i < condition->command_count && rc == 0; i++)
		rc = agent_run(&commands[i], host, NULL);
	return rc;
}

const char *condition_error_text(int error)
{
	switch (error) {
	case -EDOM:
		return "division by zero";
	case -EFAULT:
		return "memory that is not there";
	case -ELOOP:
		return "it does not come to an end";
	case -EOVERFLOW:
		return "it needs too much room on the stack";
	case -ENOENT:
		return "it uses something that does not exist";
	case -ENODATA:
		return "a value that cannot be had";
	case -ENOTSUP:
		return "it wants something of the guest called";
	default:
		return strerror(-error);
	}
}
