/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of the general thread (GDB manual E.2: g, G, p, P).  Values travel in the target's
 * byte order, so nothing here turns bytes around.
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

static int register_read(struct session *session, unsigned number, void *value)
{
	return session->target->ops->register_read(
		session->target, session->general_thread, number, value);
}

static int register_write(struct session *session, unsigned number, const void *value)
{
	return session->target->ops->register_write(
		session->target, session->general_thread, number, value);
}

/* What cannot be read now is shown as such, never as zero, and does not spoil the rest. */
static int register_put(struct session *session, unsigned number, size_t size)
{
	uint8_t value[TARGET_REGISTER_MAX_BYTES];
	int result = register_read(session, number, value);

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

	if (!reg)
		return -ENOENT;
	return register_put(session, (unsigned)args->number[0], description_register_size(reg));
}

int cmd_write_register(struct session *session, struct command_args *args)
{
	const struct target_register *reg = register_find(session, args->number[0]);
	uint8_t value[TARGET_REGISTER_MAX_BYTES] = { 0 };
	int result;

	if (!reg)
		return -ENOENT;
	if (cursor_take_hex(&args->rest, value, description_register_size(reg)) ||
		cursor_left(&args->rest))
		return -EINVAL;
	result = register_write(session, (unsigned)args->number[0], value);
	if (!result)
		reply_put_text(&session->reply, "OK");
	return result;
}

int cmd_read_registers(struct session *session, struct command_args *args)
{
	const struct target_description *description = registers_of(session);

	(void)args;
	if (!description)
		return -ENODATA;
	for (unsigned i = 0; i < description->bulk_count; i++) {
		const struct target_register *reg = description_register(description, i);
		int result =
			reg ? register_put(session, i, description_register_size(reg)) : -ENOENT;

		if (result)
			return result;
	}
	return 0;
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
static int change_parse(
	struct session *session, struct cursor *digits, struct register_change *change)
{
	const struct target_register *reg = register_find(session, change->number);
	size_t size = reg ? description_register_size(reg) : 0;
	int result;

	if (take_unavailable(digits, size))
		return 0;
	if (cursor_take_hex(digits, change->value, size))
		return -EINVAL;
	result = register_read(session, change->number, change->old);
	change->wanted = !result && memcmp(change->old, change->value, size);
	return result == -ENODATA ? 0 : result;
}

static int changes_parse(struct session *session, struct cursor *digits,
	struct register_change *changes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int result;

		changes[i] = (struct register_change){ .number = i };
		result = change_parse(session, digits, &changes[i]);
		if (result)
			return result;
	}
	return cursor_left(digits) ? -EINVAL : 0;
}

static void changes_undo(
	struct session *session, const struct register_change *changes, unsigned count)
{
	while (count--)
		if (changes[count].wanted)
			register_write(session, changes[count].number, changes[count].old);
}

static int changes_apply(
	struct session *session, const struct register_change *changes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int result = changes[i].wanted
				     ? register_write(session, changes[i].number, changes[i].value)
				     : 0;

		if (result) {
			changes_undo(session, changes, i);
			return result;
		}
	}
	return 0;
}

/* Registers that are already as they should be are not written at all. */
int cmd_write_registers(struct session *session, struct command_args *args)
{
	const struct target_description *description = registers_of(session);
	struct register_change *changes = (void *)session->scratch;
	unsigned count = description ? description->bulk_count : 0;
	int result;

	if (!description)
		return -ENODATA;
	if (count > PACKET_SIZE / sizeof(*changes))
		return -EMSGSIZE;
	result = changes_parse(session, &args->rest, changes, count);
	if (!result)
		result = changes_apply(session, changes, count);
	if (!result)
		reply_put_text(&session->reply, "OK");
	return result;
}
