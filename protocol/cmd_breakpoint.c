/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints and watchpoints (GDB manual E.2: Z0 to Z4, z0 to z4), with the conditions and commands
 * that a packet may carry for the target to evaluate.
 */
#include "protocol/breakpoint_code.h"
#include "protocol/command_table.h"
#include "protocol/session_private.h"

int cmd_insert_breakpoint(struct session *session, struct command_args *args)
{
	struct target_breakpoint_spec spec = {
		.type = args->type, .address = args->number[0], .length = args->number[1]
	};
	struct breakpoint_code code;
	int result = breakpoint_code_parse(&code, args->rest, session->scratch);

	if (result)
		return result;
	breakpoint_code_attach(&code, &spec);
	result = session->target->ops->breakpoint_insert(
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
