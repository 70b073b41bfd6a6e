/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a session (GDB manual E.2: D, k, R, vKill).  The guest belongs to the VMM: a debugger
 * can let go of it, and neither kill nor restart it.
 */
#include <errno.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"

static int leave(struct session *session)
{
	int result = session->target->ops->detach(session->target);

	session->over = !result;
	return result;
}

/* D, D;pid and vKill;pid */
int cmd_detach(struct session *session, struct command_args *args)
{
	int result;

	if (args->number_count && args->number[0] != session->process)
		return -ESRCH;
	result = leave(session);
	if (!result)
		reply_put_text(&session->reply, "OK");
	return result;
}

/* k has no reply, so a failure could not be told either: the session ends in any case. */
int cmd_kill(struct session *session, struct command_args *args)
{
	(void)args;
	leave(session);
	session->over = true;
	return 0;
}

/* R has no reply; an empty one would be read as the answer to the next packet. */
int cmd_restart(struct session *session, struct command_args *args)
{
	(void)args;
	session_say(session, "A debugger cannot restart the guest; ask its VMM to.");
	return 0;
}
