/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking what comes over a channel, for both of its ends.  Pure: knows the layout and the table of
 * allowed ioctls, and makes none.
 */
#include "kvm/channel.h"

#include <errno.h>
#include <string.h>

#include "kvm/channel_rules.h"

_Static_assert(sizeof(struct channel_program) == 16, "PROGRAM");
_Static_assert(sizeof(struct channel_step) == 8, "step");
_Static_assert(sizeof(struct channel_report) == 88, "REPORT");
_Static_assert(sizeof(struct channel_result) == 8, "result");

/* ---- the allow-list ---------------------------------------------------------------------- */

static bool rule_takes(const struct channel_rule *rule, uint32_t size)
{
	if (rule->unit == 0)
		return size == rule->size;
	return size >= rule->size && size <= rule->max && (size - rule->size) % rule->unit == 0;
}

const struct channel_rule *channel_rule_find(uint32_t request, uint32_t size)
{
	for (size_t i = 0; i < channel_rules.count; i++) {
		const struct channel_rule *rule = &channel_rules.rule[i];

		if (rule->request == request)
			return rule_takes(rule, size) ? rule : NULL;
	}
	return NULL;
}

bool channel_allows(uint32_t request, uint32_t size)
{
	return channel_rule_find(request, size) != NULL;
}

/* ---- walking a message ------------------------------------------------------------------- */

struct channel_cursor {
	const uint8_t *next;
	size_t left;
};

/* The next size bytes with their padding, or NULL when the message is shorter. */
static const void *cursor_take(struct channel_cursor *cursor, size_t size)
{
	const void *taken = cursor->next;

	if (size > cursor->left || channel_padded(size) > cursor->left)
		return NULL;
	cursor->next += channel_padded(size);
	cursor->left -= channel_padded(size);
	return taken;
}

/* ---- PROGRAM ----------------------------------------------------------------------------- */

static bool step_valid(struct channel_cursor *cursor)
{
	const struct channel_rule *rule;
	struct channel_step step;
	const void *argument, *at = cursor_take(cursor, sizeof(step));

	if (!at)
		return false;
	memcpy(&step, at, sizeof(step));
	rule = channel_rule_find(step.request, step.size);
	argument = cursor_take(cursor, step.size);
	return rule && argument && (!rule->agrees || rule->agrees(argument, step.size));
}

static bool program_header_valid(const struct channel_program *program, size_t length)
{
	unsigned count = (unsigned)program->before_count + program->after_count;
	bool runs = program->flags & CHANNEL_RUN;

	if (program->type == CHANNEL_KICK)
		return length == sizeof(*program) && program->flags == 0 && count == 0;
	/* Results are as long as their steps, so this keeps the REPORT within its bounds. */
	if (length - sizeof(*program) > CHANNEL_MAX_BYTES - sizeof(struct channel_report))
		return false;
	return program->type == CHANNEL_PROGRAM && count <= CHANNEL_MAX_STEPS &&
	       !(program->flags & ~(uint32_t)(CHANNEL_RUN | CHANNEL_ONCE | CHANNEL_END)) &&
	       (runs || !(program->flags & (CHANNEL_ONCE | CHANNEL_END)));
}

int channel_check_program(const void *message, size_t length)
{
	struct channel_cursor cursor = { message, length };
	struct channel_program program;
	const void *at = cursor_take(&cursor, sizeof(program));

	if (!at)
		return -EPROTO;
	memcpy(&program, at, sizeof(program));
	if (!program_header_valid(&program, length))
		return -EPROTO;
	for (unsigned i = 0; i < (unsigned)program.before_count + program.after_count; i++)
		if (!step_valid(&cursor))
			return -EPROTO;
	return cursor.left == 0 ? 0 : -EPROTO;
}

/* ---- REPORT ------------------------------------------------------------------------------ */

static bool result_valid(struct channel_cursor *cursor, bool must_fail)
{
	struct channel_result result;
	const void *at = cursor_take(cursor, sizeof(result));

	if (!at)
		return false;
	memcpy(&result, at, sizeof(result));
	if (result.rc < 0)
		return result.size == 0;
	return !must_fail && cursor_take(cursor, result.size);
}

static bool report_header_valid(const struct channel_report *report)
{
	return report->type == CHANNEL_REPORT && report->reason <= CHANNEL_ENDING &&
	       report->run_errno >= 0 && report->result_count <= CHANNEL_MAX_STEPS &&
	       report->failed <= 1 && report->result_count >= report->failed;
}

int channel_check_report(const void *message, size_t length)
{
	struct channel_cursor cursor = { message, length };
	struct channel_report report;
	const void *at = cursor_take(&cursor, sizeof(report));

	if (!at || length > CHANNEL_MAX_BYTES)
		return -EPROTO;
	memcpy(&report, at, sizeof(report));
	if (!report_header_valid(&report))
		return -EPROTO;
	for (unsigned i = 0; i < report.result_count; i++)
		if (!result_valid(&cursor, report.failed && i + 1u == report.result_count))
			return -EPROTO;
	return cursor.left == 0 ? 0 : -EPROTO;
}
