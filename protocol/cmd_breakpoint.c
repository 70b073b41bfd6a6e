/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints and watchpoints (GDB manual E.2: Z0 to Z4, z0 to z4).  Lists of conditions or
 * commands are not announced, and the schema refuses a packet that carries them: a condition
 * passed over would stop the guest where nobody asked for it.
 */
#include "protocol/command_table.h"
#include "protocol/session_private.h"

int cmd_insert_breakpoint(struct session *session, struct command_args *args)
{
	struct target_breakpoint_spec spec = {
		.type = args->type, .address = args->number[0], .length = args->number[1]
	};
	int result = session->target->ops->breakpoint_insert(
		session->target, session->general_thread, &spec);

	if (!result)
		reply_put_text(&session->reply, "OK");
	return result;
}

int cmd_remove_breakpoint(struct session *session, struct command_args *args)
{
	int result = session->target->ops->breakpoint_remove(session->target,
		session->general_thread, args->type, args->number[0], args->number[1]);

	if (!result)
		reply_put_text(&session->reply, "OK");
	return result;
}
