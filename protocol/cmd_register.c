/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers (GDB manual E.2: g, G, p, P; lldb: QSaveRegisterState, QRestoreRegisterState), of the
 * general thread or of the one that lldb names in the packet.  Values travel in the target's byte
 * order, so nothing here turns bytes around.
 */
#include <errno.h>
#include <string.h>
#include "protocol/command_table.h"
#include "protocol/description.h"
#include "protocol/session_private.h"

static const struct target_description *registers_of(const struct session *session)
{
	return session->target->ops->description(session->target);
}

/* Whose registers the packet is about.  Naming a thread must have been agreed on. */
static int register_thread(
	const struct session *session, const struct command_args *args, unsigned *thread)
{
	*thread = session->general_thread;
	if (!args->has_thread)
		return 0;
	return session->client.thread_suffix ? session_find_thread(session, &args->thread, thread)
					     : -EINVAL;
}

static int register_read(struct session *session, unsigned thread, unsigned number, void *value)
{
	return session->target->ops->register_read(session->target, thread, number, value);
}

static int register_write(
	struct session *session, unsigned thread, unsigned number, const void *value)
{
	return session->target->ops->register_write(session->target, thread, number, value);
}

/* What cannot be read now is shown as such, never as zero, and does not spoil the rest. */
static int register_put(struct session *session, unsigned thread, unsigned number, size_t size)
{
	uint8_t value[TARGET_REGISTER_MAX_BYTES];
	int result = register_read(session, thread, number, value);

	if (result == -ENODATA)
		reply_put_unavailable(&session->reply, size);
	else if (!result)
		reply_put_hex(&session->reply, value, size);
	return result == -ENODATA ? 0 : result;
}

/* NULL when there is no register of this number. */
static const struct target_register *register_find(struct session *session, uint64_t number)
{
	const struct target_description *description = registers_of(session);

	if (!description || number >= description->register_count)
		return NULL;
	return description_register(description, (unsigned)number);
}

int cmd_read_register(struct session *session, struct command_args *args)
{
	const struct target_register *reg = register_find(session, args->number[0]);
	unsigned thread;
	int result = register_thread(session, args, &thread);

	if (result)
		return result;
	if (!reg)
		return -ENOENT;
	return register_put(
		session, thread, (unsigned)args->number[0], description_register_size(reg));
}

int cmd_write_register(struct session *session, struct command_args *args)
{
	const struct target_register *reg = register_find(session, args->number[0]);
	uint8_t value[TARGET_REGISTER_MAX_BYTES] = { 0 };
	unsigned thread;
	int result = register_thread(session, args, &thread);

	if (result)
		return result;
	if (!reg)
		return -ENOENT;
	if (cursor_take_hex(&args->rest, value, description_register_size(reg)) ||
		cursor_left(&args->rest))
		return -EINVAL;
	result = register_write(session, thread, (unsigned)args->number[0], value);
	if (!result)
		reply_put_text(&session->reply, "OK");
	return result;
}

/* All that are worth a bulk transfer. */
static int registers_put(struct session *session, unsigned thread)
{
	const struct target_description *description = registers_of(session);

	if (!description)
		return -ENODATA;
	for (unsigned i = 0; i < description->bulk_count; i++) {
		const struct target_register *reg = description_register(description, i);
		int result = reg ? register_put(session, thread, i, description_register_size(reg))
				 : -ENOENT;

		if (result)
			return result;
	}
	return 0;
}

int cmd_read_registers(struct session *session, struct command_args *args)
{
	unsigned thread;
	int result = register_thread(session, args, &thread);

	return result ? result : registers_put(session, thread);
}

/* ---- G: all or nothing ------------------------------------------------------------------- */

/* What is to become of one register, and what it was. */
struct register_change {
	unsigned number;
	bool wanted; /* it has a new value, different from the old */
	uint8_t value[TARGET_REGISTER_MAX_BYTES];
	uint8_t old[TARGET_REGISTER_MAX_BYTES];
};

static bool take_unavailable(struct cursor *digits, size_t size)
{
	for (size_t i = 0; i < 2 * size; i++)
		if (i >= cursor_left(digits) || digits->at[i] != 'x')
			return false;
	digits->at += 2 * size;
	return true;
}

/*
 * The next register of a G packet.  "xx" for the whole of it means that the debugger does not know
 * it, as we told it in 'g', and leaves it alone.
 */
static int change_parse(struct session *session, unsigned thread, struct cursor *digits,
	struct register_change *change)
{
	const struct target_register *reg = register_find(session, change->number);
	size_t size = reg ? description_register_size(reg) : 0;
	int result;

	if (take_unavailable(digits, size))
		return 0;
	if (cursor_take_hex(digits, change->value, size))
		return -EINVAL;
	result = register_read(session, thread, change->number, change->old);
	change->wanted = !result && memcmp(change->old, change->value, size);
	return result == -ENODATA ? 0 : result;
}

static int changes_parse(struct session *session, unsigned thread, struct cursor *digits,
	struct register_change *changes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int result;

		changes[i] = (struct register_change){ .number = i };
		result = change_parse(session, thread, digits, &changes[i]);
		if (result)
			return result;
	}
	return cursor_left(digits) ? -EINVAL : 0;
}

static void changes_undo(struct session *session, unsigned thread,
	const struct register_change *changes, unsigned count)
{
	while (count--)
		if (changes[count].wanted)
			register_write(session, thread, changes[count].number, changes[count].old);
}

static int changes_apply(struct session *session, unsigned thread,
	const struct register_change *changes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int result = changes[i].wanted ? register_write(session, thread, changes[i].number,
							 changes[i].value)
					       : 0;

		if (result) {
			changes_undo(session, thread, changes, i);
			return result;
		}
	}
	return 0;
}

/* Registers that are already as they should be are not written at all. */
static int registers_take(struct session *session, unsigned thread, struct cursor digits)
{
	const struct target_description *description = registers_of(session);
	struct register_change *changes = (void *)session->scratch;
	unsigned count = description ? description->bulk_count : 0;
	int result;

	if (!description)
		return -ENODATA;
	if (count > PACKET_SIZE / sizeof(*changes))
		return -EMSGSIZE;
	result = changes_parse(session, thread, &digits, changes, count);
	if (!result)
		result = changes_apply(session, thread, changes, count);
	if (!result)
		reply_put_text(&session->reply, "OK");
	return result;
}

int cmd_write_registers(struct session *session, struct command_args *args)
{
	unsigned thread;
	int result = register_thread(session, args, &thread);

	return result ? result : registers_take(session, thread, args->rest);
}

/* ---- lldb: put aside and put back, around an expression that runs code ------------------- */

/* What 'g' would say, kept under a number, which is the reply (decimal). */
int cmd_save_registers(struct session *session, struct command_args *args)
{
	struct reply *reply = &session->reply;
	unsigned thread;
	uint32_t id;
	int result = register_thread(session, args, &thread);

	if (!result)
		result = registers_put(session, thread);
	if (!result)
		result = reply_status(reply);
	if (result)
		return result;
	id = saved_registers_put(&session->saved, thread, reply->bytes, reply->length);
	reply_reset(reply);
	reply_put_decimal(reply, id);
	return id ? 0 : -ENOMEM;
}

/* To the thread that they are of, and no other; then they are forgotten. */
int cmd_restore_registers(struct session *session, struct command_args *args)
{
	const struct saved_state *state = saved_registers_find(&session->saved, args->number[0]);
	unsigned thread;
	int result = register_thread(session, args, &thread);

	if (result)
		return result;
	if (!state || (args->has_thread && thread != state->thread))
		return -ENOENT;
	result = registers_take(session, state->thread, cursor_make(state->digits, state->length));
	if (!result)
		saved_registers_drop(&session->saved, args->number[0]);
	return result;
}
