/* SPDX-License-Identifier: Apache-2.0 */
/* Stop replies; see stop_reply.h. */
#include <string.h>
#include "protocol/description.h"
#include "protocol/stop_reply.h"

/* gdb's own signal numbers; these four are the same everywhere. */
enum {
	SIGNAL_NONE = 0,
	SIGNAL_INT = 2,
	SIGNAL_TRAP = 5,
	SIGNAL_KILL = 9,
	SIGNAL_SEGV = 11,
};

/* Why it stopped: what each client can be told. */
struct stop_wording {
	uint8_t signal;
	const char *key;    /* NULL: none, or none that the client understands */
	bool with_address;  /* of the data, behind the key */
	const char *reason; /* lldb's */
};

static struct stop_wording word_signal(uint8_t signal, const char *reason)
{
	return (struct stop_wording){ .signal = signal, .reason = reason };
}

static struct stop_wording word_breakpoint(const char *key, bool is_understood)
{
	return (struct stop_wording){
		.signal = SIGNAL_TRAP, .key = is_understood ? key : NULL, .reason = "breakpoint"
	};
}

static struct stop_wording word_watchpoint(const char *key)
{
	return (struct stop_wording){
		.signal = SIGNAL_TRAP, .key = key, .with_address = true, .reason = "watchpoint"
	};
}

static struct stop_wording stop_word(enum target_stop_reason reason, const struct client *client)
{
	switch (reason) {
	case TARGET_STOP_HALTED:
		return word_signal(SIGNAL_NONE, "none");
	case TARGET_STOP_INTERRUPT:
		return word_signal(SIGNAL_INT, "signal");
	case TARGET_STOP_CRASHED:
		return word_signal(SIGNAL_SEGV, "exception");
	case TARGET_STOP_STEP:
		return word_signal(SIGNAL_TRAP, "trace");
	case TARGET_STOP_SWBREAK:
		return word_breakpoint("swbreak", client->swbreak);
	case TARGET_STOP_HWBREAK:
		return word_breakpoint("hwbreak", client->hwbreak);
	case TARGET_STOP_WATCH:
		return word_watchpoint("watch");
	case TARGET_STOP_RWATCH:
		return word_watchpoint("rwatch");
	case TARGET_STOP_AWATCH:
		return word_watchpoint("awatch");
	default:
		return word_signal(SIGNAL_TRAP, "signal");
	}
}

static void put_expedited(struct reply *reply, struct target *target, unsigned thread)
{
	const struct target_description *description = target->ops->description(target);

	for (unsigned i = 0; description && i < description->expedited_count; i++) {
		uint8_t number = description->expedited[i];
		const struct target_register *reg = description_register(description, number);
		uint8_t value[TARGET_REGISTER_MAX_BYTES];

		if (!reg || target->ops->register_read(target, thread, number, value))
			continue;
		reply_put_hex(reply, &number, 1);
		reply_put_text(reply, ":");
		reply_put_hex(reply, value, description_register_size(reg));
		reply_put_text(reply, ";");
	}
}

/* lldb makes out by itself what a watchpoint's description would say. */
static void put_reason(struct reply *reply, const struct target_stop *stop, const char *reason)
{
	reply_put_text(reply, "reason:");
	reply_put_text(reply, reason);
	reply_put_text(reply, ";");
	if (stop->reason != TARGET_STOP_CRASHED)
		return;
	reply_put_text(reply, "description:");
	reply_put_hex(reply, STOP_REPLY_CRASHED, strlen(STOP_REPLY_CRASHED));
	reply_put_text(reply, ";");
}

static uint64_t thread_pc(struct target *target, unsigned thread)
{
	const struct target_description *description = target->ops->description(target);
	uint8_t value[TARGET_REGISTER_MAX_BYTES] = { 0 };
	uint64_t pc = 0;

	if (!description || target->ops->register_read(target, thread, description->pc, value))
		return 0;
	for (unsigned i = sizeof(pc); i--;)
		pc = pc << 8 | value[i];
	return pc;
}

/* Saves lldb a packet for each of them.  These ids never carry the process. */
static void put_threads(struct reply *reply, struct target *target)
{
	unsigned count = target->ops->thread_count(target);

	for (unsigned thread = 1; thread <= count; thread++) {
		reply_put_text(reply, thread == 1 ? "threads:" : ",");
		reply_put_number(reply, thread);
	}
	for (unsigned thread = 1; thread <= count; thread++) {
		reply_put_text(reply, thread == 1 ? ";thread-pcs:" : ",");
		reply_put_number(reply, thread_pc(target, thread));
	}
	reply_put_text(reply, ";");
}

/* The thread comes first: a debugger may read the registers that follow as that thread's. */
static void put_thread(struct reply *reply, struct target *target, uint8_t signal, unsigned process,
	unsigned thread)
{
	reply_put_text(reply, "T");
	reply_put_hex(reply, &signal, 1);
	reply_put_text(reply, "thread:");
	reply_put_thread(reply, process, thread);
	reply_put_text(reply, ";");
	put_expedited(reply, target, thread);
}

static void put_stopped(struct reply *reply, struct target *target, const struct client *client,
	unsigned process, const struct target_stop *stop)
{
	struct stop_wording wording = stop_word(stop->reason, client);

	put_thread(reply, target, wording.signal, process, stop->thread);
	if (wording.key) {
		reply_put_text(reply, wording.key);
		reply_put_text(reply, ":");
		if (wording.with_address)
			reply_put_number(reply, stop->address);
		reply_put_text(reply, ";");
	}
	if (client_is_lldb(client))
		put_reason(reply, stop, wording.reason);
	if (client->thread_lists)
		put_threads(reply, target);
}

static void put_ended(struct reply *reply, unsigned process, const char *how, uint8_t code)
{
	reply_put_text(reply, how);
	reply_put_hex(reply, &code, 1);
	if (process) {
		reply_put_text(reply, ";process:");
		reply_put_number(reply, process);
	}
}

void stop_reply_put(struct reply *reply, struct target *target, const struct client *client,
	unsigned process, const struct target_stop *stop)
{
	if (stop->reason == TARGET_STOP_EXITED)
		put_ended(reply, process, "W", (uint8_t)stop->code);
	else if (stop->reason == TARGET_STOP_GONE)
		put_ended(reply, process, "X", SIGNAL_KILL);
	else
		put_stopped(reply, target, client, process, stop);
}

void stop_reply_put_none(
	struct reply *reply, struct target *target, unsigned process, unsigned thread)
{
	put_thread(reply, target, 0, process, thread);
	reply_put_text(reply, "reason:none;");
}

const char *stop_reply_reason(enum target_stop_reason reason)
{
	return stop_word(reason, &(const struct client){ .swbreak = false }).reason;
}

unsigned stop_reply_signal(enum target_stop_reason reason)
{
	return stop_word(reason, &(const struct client){ .swbreak = false }).signal;
}
