/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that lldb has and gdb has not (lldb's document "GDB Remote Protocol Extensions").  Those about
 * registers are with the others, in cmd_register.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "protocol/command_table.h"
#include "protocol/description.h"
#include "protocol/session_private.h"
#include "protocol/stop_reply.h"

enum { LLDB_TEXT_SIZE = 128 };

/* ---- what it asks for -------------------------------------------------------------------- */

static int lldb_agree(struct session *session, bool *to)
{
	*to = true;
	reply_put_text(&session->reply, "OK");
	return 0;
}

int cmd_allow_thread_suffix(struct session *session, struct command_args *args)
{
	(void)args;
	return lldb_agree(session, &session->client.thread_suffix);
}

int cmd_list_threads_in_stops(struct session *session, struct command_args *args)
{
	(void)args;
	return lldb_agree(session, &session->client.thread_lists);
}

int cmd_enable_error_strings(struct session *session, struct command_args *args)
{
	(void)args;
	return lldb_agree(session, &session->client.error_strings);
}

/* ---- what there is ----------------------------------------------------------------------- */

/*
 * Of no system, whatever the guest runs: under the name of one lldb expects that system's dynamic loader,
 * finds none, and leaves the program's symbols without addresses.  Without a program it then looks for
 * Apple's kernels at a handful of addresses, and finds nothing there.
 */
struct lldb_host {
	const char *architecture; /* in target.xml, a prefix */
	const char *triple;
	const char *watchpoints; /* whether they are reported before or after the access */
};

static const struct lldb_host lldb_hosts[] = {
	{ "i386:x86-64", "x86_64-unknown-none-elf", "after" },
	{ "aarch64", "aarch64-unknown-none-elf", "before" },
};

static const struct lldb_host *lldb_host_find(const struct session *session)
{
	const struct target_description *description =
		session->target->ops->description(session->target);

	for (size_t i = 0; description && i < sizeof(lldb_hosts) / sizeof(*lldb_hosts); i++) {
		const char *prefix = lldb_hosts[i].architecture;

		if (!strncmp(description->architecture, prefix, strlen(prefix)))
			return &lldb_hosts[i];
	}
	return NULL;
}

static void lldb_put_host(struct reply *reply, const struct lldb_host *host)
{
	reply_put_text(reply, "triple:");
	reply_put_hex(reply, host->triple, strlen(host->triple));
	reply_put_text(reply, ";endian:little;ptrsize:8;");
}

/* qHostInfo: the machine that the guest is. */
int cmd_query_host(struct session *session, struct command_args *args)
{
	const struct lldb_host *host = lldb_host_find(session);

	(void)args;
	if (!host)
		return -ENOTSUP;
	lldb_put_host(&session->reply, host);
	reply_put_text(&session->reply, "watchpoint_exceptions_received:");
	reply_put_text(&session->reply, host->watchpoints);
	reply_put_text(&session->reply, ";");
	return 0;
}

/* qProcessInfo: the process that the guest is. */
int cmd_query_process(struct session *session, struct command_args *args)
{
	const struct lldb_host *host = lldb_host_find(session);

	(void)args;
	if (!host)
		return -ENOTSUP;
	reply_put_text(&session->reply, "pid:");
	reply_put_number(&session->reply, session->process);
	reply_put_text(&session->reply, ";");
	lldb_put_host(&session->reply, host);
	return 0;
}

/* qWatchpointSupportInfo; breakpoints in hardware may take them on x86-64. */
int cmd_query_watchpoints(struct session *session, struct command_args *args)
{
	const struct target_description *description =
		session->target->ops->description(session->target);

	(void)args;
	if (!description || !description->watchpoint_count)
		return -ENOTSUP;
	reply_put_text(&session->reply, "num:");
	reply_put_decimal(&session->reply, description->watchpoint_count);
	reply_put_text(&session->reply, ";");
	return 0;
}

/* qGDBServerVersion */
int cmd_query_version(struct session *session, struct command_args *args)
{
	const char *version = session->hooks.version;

	(void)args;
	reply_put_text(&session->reply, "name:gdbproxyd;version:");
	reply_put_text(&session->reply, version ? version : "0");
	reply_put_text(&session->reply, ";");
	return 0;
}

/* ---- threads ----------------------------------------------------------------------------- */

/*
 * What there is to say of a thread at this stop.  lldb wants all that has happened: of a thread without a
 * reason that stands at a breakpoint it believes that it has been told before, and takes it past.
 */
static bool lldb_find_stop(struct session *session, unsigned thread, struct target_stop *stop)
{
	*stop = session->stop;
	return stop->thread == thread ||
	       session->target->ops->thread_take_stop(session->target, thread, stop);
}

/* qThreadStopInfo: why one thread stands still.  It is none that runs: all stop, or none does. */
int cmd_query_thread_stop(struct session *session, struct command_args *args)
{
	unsigned process = session_process_in_ids(session);
	struct target_stop stop;
	unsigned thread;
	int result = session_find_thread(session, &args->thread, &thread);

	if (result)
		return result;
	if (lldb_find_stop(session, thread, &stop))
		stop_reply_put(&session->reply, session->target, &session->client, process, &stop);
	else
		stop_reply_put_none(&session->reply, session->target, process, thread);
	return 0;
}

/* RFC 8259, 7; what is no printable character becomes '?'. */
static void json_put_string(struct document *json, const char *text)
{
	document_put(json, "\"");
	for (; *text; text++) {
		bool special = *text == '"' || *text == '\\';

		document_put(json, "%s%c", special ? "\\" : "",
			*text >= ' ' && *text <= '~' ? *text : '?');
	}
	document_put(json, "\"");
}

static void json_put_hex(struct document *json, const uint8_t *bytes, size_t count)
{
	document_put(json, "\"");
	for (size_t i = 0; i < count; i++)
		document_put(json, "%02x", bytes[i]);
	document_put(json, "\"");
}

/* The registers that a stop reply would have, under their numbers in decimal. */
static void json_put_registers(struct document *json, struct target *target, unsigned thread)
{
	const struct target_description *description = target->ops->description(target);
	const char *before = "";

	document_put(json, "\"registers\":{");
	for (unsigned i = 0; description && i < description->expedited_count; i++) {
		unsigned number = description->expedited[i];
		const struct target_register *reg = description_register(description, number);
		uint8_t value[TARGET_REGISTER_MAX_BYTES];

		if (!reg || target->ops->register_read(target, thread, number, value))
			continue;
		document_put(json, "%s\"%u\":", before, number);
		json_put_hex(json, value, description_register_size(reg));
		before = ",";
	}
	document_put(json, "}");
}

/* A watchpoint is named by its address; the number behind it would be the debug register's. */
static void json_put_reason(struct document *json, const struct target_stop *stop)
{
	document_put(json, ",\"reason\":\"%s\",\"signal\":%u", stop_reply_reason(stop->reason),
		stop_reply_signal(stop->reason));
	if (stop->reason == TARGET_STOP_WATCH || stop->reason == TARGET_STOP_RWATCH ||
		stop->reason == TARGET_STOP_AWATCH)
		document_put(
			json, ",\"description\":\"%llu 0\"", (unsigned long long)stop->address);
	else if (stop->reason == TARGET_STOP_CRASHED)
		document_put(json, ",\"description\":\"%s\"", STOP_REPLY_CRASHED);
}

static void json_put_thread(struct document *json, struct session *session, unsigned thread)
{
	char text[LLDB_TEXT_SIZE] = "";
	struct target_stop stop;

	session->target->ops->thread_describe(session->target, thread, text, sizeof(text));
	document_put(json, "{\"tid\":%u,\"name\":", thread);
	json_put_string(json, text);
	if (lldb_find_stop(session, thread, &stop))
		json_put_reason(json, &stop);
	else
		document_put(json, ",\"reason\":\"none\"");
	document_put(json, ",");
	json_put_registers(json, session->target, thread);
	document_put(json, "}");
}

/* jThreadsInfo: what qThreadStopInfo says of each, in one reply; too much of it is an error. */
int cmd_query_threads_stops(struct session *session, struct command_args *args)
{
	unsigned count = session->target->ops->thread_count(session->target);
	struct document json = { .text = NULL };
	int result;

	(void)args;
	document_put(&json, "[");
	for (unsigned thread = 1; thread <= count; thread++) {
		document_put(&json, thread == 1 ? "" : ",");
		json_put_thread(&json, session, thread);
	}
	document_put(&json, "]");
	result = document_status(&json);
	if (!result && reply_put_binary(&session->reply, json.text, json.length) != json.length)
		result = -EMSGSIZE;
	document_fini(&json);
	return result;
}

/* ---- memory ------------------------------------------------------------------------------ */

/*
 * The last region ends at the last address and not behind it: to lldb that is the sign that there is
 * no more.
 */
static uint64_t region_size(const struct target_region *region)
{
	uint64_t size = region->last - region->start;

	return region->last == UINT64_MAX ? size : size + 1;
}

/* qMemoryRegionInfo: a hole is a region without rights. */
int cmd_query_region(struct session *session, struct command_args *args)
{
	struct reply *reply = &session->reply;
	struct target_region region;
	int result;

	if (session->physical_memory) /* whose addresses no page table knows */
		return -ENODATA;
	result = session->target->ops->memory_region(
		session->target, session->general_thread, args->number[0], &region);
	if (result)
		return result;
	reply_put_text(reply, "start:");
	reply_put_number(reply, region.start);
	reply_put_text(reply, ";size:");
	reply_put_number(reply, region_size(&region));
	reply_put_text(reply, ";permissions:");
	if (region.mapped)
		reply_put_text(reply, "r");
	if (region.writable)
		reply_put_text(reply, "w");
	if (region.executable)
		reply_put_text(reply, "x");
	reply_put_text(reply, ";");
	return 0;
}
