/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory as the general thread sees it, or guest-physical memory where the debugger has asked for that
 * (GDB manual E.2: m, M, x, X).  A read that runs into something unmapped gives what is before it; a
 * write is all or nothing.
 */
#include <errno.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"

bool session_range_is_sane(uint64_t address, uint64_t length)
{
	return !length || address <= UINT64_MAX - (length - 1);
}

ssize_t session_read_memory(struct session *session, uint64_t address, void *buf, size_t length)
{
	struct target *target = session->target;
	ssize_t got;

	if (session->physical_memory)
		got = target->ops->physical_read(target, address, buf, length);
	else
		got = target->ops->memory_read(
			target, session->general_thread, address, buf, length);
	return got ? got : -EFAULT;
}

/* Reads into the scratch memory, at most that much: bytes read (> 0) or -errno. */
static ssize_t memory_read(struct session *session, uint64_t address, uint64_t length, size_t most)
{
	if (!session_range_is_sane(address, length))
		return -EINVAL;
	return session_read_memory(
		session, address, session->scratch, length < most ? (size_t)length : most);
}

static int memory_write_scratch(struct session *session, uint64_t address, size_t length)
{
	struct target *target = session->target;

	if (session->physical_memory)
		return target->ops->physical_write(target, address, session->scratch, length);
	return target->ops->memory_write(
		target, session->general_thread, address, session->scratch, length);
}

/* What gdb asks to see whether the packet is known, a length of 0, touches nothing. */
static int memory_write(struct session *session, uint64_t address, uint64_t length)
{
	int result = 0;

	if (!session_range_is_sane(address, length))
		return -EINVAL;
	if (length)
		result = memory_write_scratch(session, address, (size_t)length);
	if (!result)
		reply_put_text(&session->reply, "OK");
	return result;
}

/* m: an empty reply would say that we do not know the packet, so a length of 0 is an error. */
int cmd_read_memory(struct session *session, struct command_args *args)
{
	ssize_t got;

	if (!args->number[1])
		return -EINVAL;
	got = memory_read(session, args->number[0], args->number[1], PACKET_SIZE / 2);
	if (got < 0)
		return (int)got;
	reply_put_hex(&session->reply, session->scratch, (size_t)got);
	return 0;
}

/*
 * x, as of gdb 16: 'b' before the bytes tells it from the older packet of that letter, which lldb
 * tries out with "x0,0".
 */
int cmd_read_memory_binary(struct session *session, struct command_args *args)
{
	ssize_t got = 0;

	if (args->number[1])
		got = memory_read(session, args->number[0], args->number[1], PACKET_SIZE);
	if (got < 0)
		return (int)got;
	reply_put_text(&session->reply, "b");
	reply_put_binary(&session->reply, session->scratch, (size_t)got);
	return 0;
}

int cmd_write_memory(struct session *session, struct command_args *args)
{
	uint64_t length = args->number[1];

	if (length > PACKET_SIZE ||
		cursor_take_hex(&args->rest, session->scratch, (size_t)length) ||
		cursor_left(&args->rest))
		return -EINVAL;
	return memory_write(session, args->number[0], length);
}

/* X: the length counts the bytes without their escapes. */
int cmd_write_memory_binary(struct session *session, struct command_args *args)
{
	uint64_t length = args->number[1];

	if (length > PACKET_SIZE ||
		cursor_take_binary(&args->rest, session->scratch, (size_t)length))
		return -EINVAL;
	return memory_write(session, args->number[0], length);
}
