/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon has answered: see answer.h. */
#include "ctl/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct answer_row {
	const char *type;  /* of a line */
	const char *title; /* above its table; NULL: none */
	const char *key;   /* in JSON */
	bool is_many;      /* an array there */
	const char *head[TABLE_COLUMNS_MAX];
};

static const struct answer_row answer_rows[ANSWER_SECTIONS] = {
	[ANSWER_VM] = { "vm", NULL, "vm", false,
		{ "NAME", "NUMBER", "VCPUS", "STATE", "DEBUGGERS", "PID", "UID", "SINCE" } },
	[ANSWER_COUNTERS] = { "counters", "counted", "counters", false,
		{ "RUNS", "STEPS", "STOPS", "HITS", "WALKS", "EXCEPTIONS", "SESSIONS" } },
	[ANSWER_WORKER] = { "worker", "worker", "worker", false, { "PID", "ANSWERS" } },
	[ANSWER_VCPU] = { "vcpu", "vCPUs", "vcpus", true,
		{ "VCPU", "STATE", "TOLD", "PC", "MODE" } },
	[ANSWER_DEBUGGER] = { "debugger", "debuggers", "debuggers", true,
		{ "DEBUGGER", "ROLE", "FROM", "SPOKEN", "SINCE" } },
	[ANSWER_BREAKPOINT] = { "breakpoint", "breakpoints", "breakpoints", true,
		{ "KIND", "ADDRESS", "PHYSICAL", "WHERE", "DEBUGGERS", "HITS" } },
	[ANSWER_EXCEPTION] = { "exception", "exceptions given back to the guest", "exceptions",
		true, { "KIND", "COUNT", "LAST-VCPU", "LAST-PC" } },
};

/* ---- for people --------------------------------------------------------------------------- */

static void add_time(struct table *table, uint64_t seconds)
{
	time_t when = (time_t)seconds;
	char text[32] = "";
	struct tm parts;

	if (localtime_r(&when, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
	table_add(table, text);
}

static void add_all(
	struct table *table, const struct record *record, const char *const *keys, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		table_add(table, record_text(record, keys[i]));
}

static void add_vm(struct table *table, const struct record *record)
{
	static const char *const keys[] = { "name", "number", "vcpus", "state", "debuggers", "pid",
		"uid" };

	add_all(table, record, keys, 7);
	add_time(table, record_number(record, "since"));
}

static void add_counters(struct table *table, const struct record *record)
{
	static const char *const keys[] = { "runs", "steps", "stops", "hits", "walks", "exceptions",
		"sessions" };

	add_all(table, record, keys, 7);
}

static void add_worker(struct table *table, const struct record *record)
{
	table_add(table, record_text(record, "pid"));
	table_add(table, strcmp(record_text(record, "answers"), "true")
				 ? "no (gdbproxyctl undo ends it)"
				 : "yes");
}

static void add_vcpu(struct table *table, const struct record *record)
{
	static const char *const keys[] = { "index", "state", "wish", "pc", "mode" };

	add_all(table, record, keys, 5);
}

static void add_debugger(struct table *table, const struct record *record)
{
	char from[64];

	table_add(table, record_text(record, "number"));
	table_add(table, record_text(record, "role"));
	snprintf(from, sizeof(from), "uid %.16s, pid %.16s", record_text(record, "uid"),
		record_text(record, "pid"));
	table_add(table, record_has(record, "uid") ? from : record_text(record, "address"));
	table_add(table, strcmp(record_text(record, "has_spoken"), "true") ? "no" : "yes");
	add_time(table, record_number(record, "since"));
}

static void add_breakpoint(struct table *table, const struct record *record)
{
	static const char *const keys[] = { "kind", "address", "physical", "where", "debuggers",
		"hits" };

	add_all(table, record, keys, 6);
}

static void add_exception(struct table *table, const struct record *record)
{
	static const char *const keys[] = { "kind", "count", "last_vcpu", "last_pc" };

	add_all(table, record, keys, 4);
}

static void answer_add(struct answer *answer, const struct record *record)
{
	static void (*const add[ANSWER_SECTIONS])(struct table *, const struct record *) = {
		[ANSWER_VM] = add_vm,
		[ANSWER_COUNTERS] = add_counters,
		[ANSWER_WORKER] = add_worker,
		[ANSWER_VCPU] = add_vcpu,
		[ANSWER_DEBUGGER] = add_debugger,
		[ANSWER_BREAKPOINT] = add_breakpoint,
		[ANSWER_EXCEPTION] = add_exception,
	};

	add[answer->section](&answer->table, record);
}

/* ---- sections ----------------------------------------------------------------------------- */

static bool answer_is_array(const struct answer *answer)
{
	return answer->order->command == ORDER_LIST || answer_rows[answer->section].is_many;
}

static void answer_begin_section(struct answer *answer)
{
	const struct answer_row *row = &answer_rows[answer->section];
	unsigned columns = 0;

	answer->count = 0;
	while (columns < TABLE_COLUMNS_MAX && row->head[columns])
		columns++;
	table_init(&answer->table, row->head, columns);
	if (!answer->order->json)
		return;
	if (answer->order->command == ORDER_SHOW)
		fprintf(answer->out, "%s\"%s\":", answer->section ? "," : "{", row->key);
	if (answer_is_array(answer))
		putc('[', answer->out);
}

/* In JSON every section is there, empty or not. */
static int answer_end_section(struct answer *answer)
{
	const struct answer_row *row = &answer_rows[answer->section];
	int rc = 0;

	if (answer->order->json)
		fputs(answer_is_array(answer) ? "]" : answer->count ? "" : "null", answer->out);
	else if (answer->count && answer->section != ANSWER_VM)
		fprintf(answer->out, "\n%s:\n", row->title);
	if (!answer->order->json && (answer->count || answer->order->command == ORDER_LIST))
		rc = table_print(&answer->table, answer->section ? "  " : "", answer->out);
	table_fini(&answer->table);
	return rc;
}

static int answer_go_to(struct answer *answer, enum answer_section section)
{
	int rc = section < answer->section ? -EBADMSG : 0;

	while (rc == 0 && answer->section < section) {
		rc = answer_end_section(answer);
		answer->section++;
		if (answer->section < ANSWER_SECTIONS)
			answer_begin_section(answer);
	}
	return rc;
}

/* ---- lines -------------------------------------------------------------------------------- */

static void answer_note(struct answer *answer, const struct record *record)
{
	const char *wanted = answer->order->debugger;

	if (answer->section == ANSWER_VM)
		answer->is_free = !strcmp(record_text(record, "state"), "free");
	if (answer->section == ANSWER_DEBUGGER)
		answer->has_debugger = answer->has_debugger || !wanted ||
				       !strcmp(record_text(record, "number"), wanted);
}

static int answer_take_line(
	struct answer *answer, const struct record *record, enum answer_section section)
{
	int rc = answer->is_over ? -EBADMSG : answer_go_to(answer, section);

	if (rc < 0)
		return rc;
	if (answer->count && !answer_is_array(answer))
		return -EBADMSG;
	if (answer->order->json && answer->count)
		fputs(",\n", answer->out);
	if (answer->order->json)
		record_print(record, answer->out);
	else
		answer_add(answer, record);
	answer->count++;
	answer_note(answer, record);
	return ftell(answer->out) > ANSWER_SIZE_MAX ? -EFBIG : 0;
}

static void answer_take_error(struct answer *answer, const struct record *record)
{
	FILE *out = fmemopen(answer->error, sizeof(answer->error) - 1, "w");

	snprintf(answer->code, sizeof(answer->code), "%s", record_text(record, "code"));
	if (!answer->code[0])
		snprintf(answer->code, sizeof(answer->code), "failed");
	if (!out)
		return;
	record_print_text(record_text(record, "text"), out);
	fclose(out);
}

static void answer_say_done(struct answer *answer, const struct record *record)
{
	const struct order *order = answer->order;
	bool forced = !strcmp(record_text(record, "by_force"), "true");

	if (order->json)
		record_print(record, answer->out);
	else if (order->command == ORDER_UNDO)
		fprintf(answer->out, "%s: %llu planted instructions taken back%s\n", order->name,
			(unsigned long long)record_number(record, "undone"),
			forced ? "; the worker had to be ended by force" : "");
}

static int answer_take_end(struct answer *answer, const struct record *record)
{
	const struct order *order = answer->order;
	enum answer_section last = order->command == ORDER_SHOW ? ANSWER_SECTIONS : ANSWER_COUNTERS;
	int rc = 0;

	if (answer->is_over)
		return -EBADMSG;
	answer->is_over = true;
	if (order->command != ORDER_SHOW && order->command != ORDER_LIST) {
		answer_say_done(answer, record);
		return 0;
	}
	if (answer->section >= last)
		return -EBADMSG;
	if (order->command == ORDER_SHOW)
		rc = answer_go_to(answer, last);
	else
		rc = answer_end_section(answer);
	if (order->json && order->command == ORDER_SHOW)
		putc('}', answer->out);
	return rc;
}

int answer_take(struct answer *answer, const struct record *record)
{
	const char *type = record_text(record, "type");

	if (!strcmp(type, "end"))
		return answer_take_end(answer, record);
	if (!strcmp(type, "error")) {
		answer->is_over = true;
		answer_take_error(answer, record);
		return 0;
	}
	for (unsigned i = 0; i < ANSWER_SECTIONS; i++)
		if (!strcmp(type, answer_rows[i].type))
			return answer_take_line(answer, record, (enum answer_section)i);
	return 0; /* what a newer daemon adds */
}

/* ---- life --------------------------------------------------------------------------------- */

int answer_init(struct answer *answer, const struct order *order)
{
	memset(answer, 0, sizeof(*answer));
	answer->order = order;
	answer->out = open_memstream(&answer->text, &answer->size);
	if (!answer->out)
		return -ENOMEM;
	if (order->command == ORDER_SHOW || order->command == ORDER_LIST)
		answer_begin_section(answer);
	return 0;
}

void answer_fini(struct answer *answer)
{
	table_fini(&answer->table);
	if (answer->out)
		fclose(answer->out);
	free(answer->text);
	answer->out = NULL;
	answer->text = NULL;
}

int answer_print(struct answer *answer)
{
	if (answer->order->json)
		putc('\n', answer->out);
	if (fflush(answer->out) || ferror(answer->out))
		return -ENOMEM;
	if (fwrite(answer->text, 1, answer->size, stdout) != answer->size || fflush(stdout))
		return -EIO;
	return 0;
}
