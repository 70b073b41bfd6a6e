/* SPDX-License-Identifier: Apache-2.0 */
/* Stop replies; see stop_reply.h. */
#include "protocol/description.h"
#include "protocol/stop_reply.h"

/* gdb's own signal numbers; these four are the same everywhere. */
enum {
	SIGNAL_INT = 2,
	SIGNAL_TRAP = 5,
	SIGNAL_KILL = 9,
	SIGNAL_SEGV = 11,
};

/* Why it stopped, where the client can be told: a key, and for watchpoints the data's address. */
struct stop_wording {
	uint8_t signal;
	const char *key;
	bool with_address;
};

static struct stop_wording word_signal(uint8_t signal)
{
	return (struct stop_wording){ .signal = signal };
}

static struct stop_wording word_breakpoint(const char *key, bool is_understood)
{
	return (struct stop_wording){ .signal = SIGNAL_TRAP, .key = is_understood ? key : NULL };
}

static struct stop_wording word_watchpoint(const char *key)
{
	return (struct stop_wording){ .signal = SIGNAL_TRAP, .key = key, .with_address = true };
}

static struct stop_wording stop_word(enum target_stop_reason reason, const struct client *client)
{
	switch (reason) {
	case TARGET_STOP_INTERRUPT:
		return word_signal(SIGNAL_INT);
	case TARGET_STOP_CRASHED:
		return word_signal(SIGNAL_SEGV);
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
		return word_signal(SIGNAL_TRAP);
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

/* The thread comes first: a debugger may read the registers that follow as that thread's. */
static void put_stopped(struct reply *reply, struct target *target, const struct client *client,
	unsigned process, const struct target_stop *stop)
{
	struct stop_wording wording = stop_word(stop->reason, client);

	reply_put_text(reply, "T");
	reply_put_hex(reply, &wording.signal, 1);
	reply_put_text(reply, "thread:");
	reply_put_thread(reply, process, stop->thread);
	reply_put_text(reply, ";");
	put_expedited(reply, target, stop->thread);
	if (!wording.key)
		return;
	reply_put_text(reply, wording.key);
	reply_put_text(reply, ":");
	if (wording.with_address)
		reply_put_number(reply, stop->address);
	reply_put_text(reply, ";");
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
