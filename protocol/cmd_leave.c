/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a session (GDB manual E.2: D, k, R, vKill).  The guest belongs to the VMM: a debugger
 * can let go of it, and neither kill nor restart it.
 */
#include <errno.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"

/* Non-stop: gdb acknowledges an event also after it has left, and waits for the answer. */
static void leave_connection(struct session *session)
{
	session->leaves = session->non_stop && session->events.told;
	session->over = !session->leaves;
}

/* A guest that is gone has been let go of.  In extended mode the debugger may choose another. */
static int leave(struct session *session)
{
	int result = session->target->ops->detach(session->target);

	if (result && result != -ENODEV)
		return result;
	session->is_attached = false;
	if (session->is_extended && session->has_lobby)
		session_depart(session, 0);
	else
		leave_connection(session);
	return 0;
}

/* The debugger may still believe in a guest that is lost. */
static int leave_nothing(struct session *session, const struct command_args *args)
{
	if (!session->lost_process ||
		(args->number_count && args->number[0] != session->lost_process))
		return -ESRCH;
	session_forget_process(session);
	reply_put_text(&session->reply, "OK");
	return 0;
}

/* D, D;pid and vKill;pid */
int cmd_detach(struct session *session, struct command_args *args)
{
	int result;

	if (!session->process)
		return leave_nothing(session, args);
	if (args->number_count && args->number[0] != session->process)
		return -ESRCH;
	result = leave(session);
	if (!result)
		reply_put_text(&session->reply, "OK");
	return result;
}

/*
 * k has no reply, so a failure could not be told either: the session ends in any case.  lldb waits for
 * one all the same, and gdb would take it for that to its next packet.
 */
int cmd_kill(struct session *session, struct command_args *args)
{
	(void)args;
	if (session->process)
		leave(session);
	session->over = true;
	if (client_is_lldb(&session->client))
		reply_put_text(&session->reply, "X09");
	return 0;
}

/* R has no reply; an empty one would be read as the answer to the next packet. */
int cmd_restart(struct session *session, struct command_args *args)
{
	(void)args;
	session_say(session, "A debugger cannot restart the guest; ask its VMM to.");
	return 0;
}
