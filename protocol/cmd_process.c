/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing a guest (GDB manual E.2, vAttach, and E.4).  gdb 13 sends vAttach only after '!', and
 * shows the words of its error since gdb 16.
 */
#include <errno.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"

static int refuse(struct session *session, const char *text)
{
	reply_put_text(&session->reply, text);
	return 0;
}

/* What a guest says that ended before it could be attached to. */
static bool is_at_end(const struct session *session)
{
	return session->stop.reason == TARGET_STOP_EXITED ||
	       session->stop.reason == TARGET_STOP_GONE;
}

/* In the lobby: there is no such guest, else the packet would have gone to its session. */
int cmd_attach(struct session *session, struct command_args *args)
{
	if (!session->process)
		return refuse(session, "E.there is no such VM: see 'info os processes'");
	if (session->is_attached)
		return refuse(session, "E.attached to a VM already: detach first");
	if (args->number[0] != session->process)
		return refuse(session, "E.this address is one VM's own");
	if (is_at_end(session)) {
		session_lose_target(session);
		return refuse(session, "E.this VM is gone");
	}
	session->is_attached = true;
	if (session->non_stop)
		reply_put_text(&session->reply, "OK");
	else
		session_put_stop(session);
	return 0;
}

/*
 * vRun: the empty reply would have gdb try 'R', which has no reply, and then believe in a process of its
 * own making.
 */
int cmd_run_program(struct session *session, struct command_args *args)
{
	(void)args;
	return refuse(session, "E.a guest is started by its VMM");
}

/*
 * qTStatus has no other answer than the empty one; but while gdb waits for it, it shows 'O'
 * packets, and it is the last packet before the '?' that ends a connection to no guest.
 */
int cmd_query_trace_status(struct session *session, struct command_args *args)
{
	struct process process;

	(void)args;
	if (session->process || session->is_extended)
		return -ENOTSUP;
	if (session_next_process(session, 0, &process))
		session_say(session,
			"There are several VMs: use 'target extended-remote', 'info os "
			"processes' and 'attach N', or the VM's own socket.");
	else
		session_say(session, "No VM has been handed over.");
	session_send_messages(session);
	return -ENOTSUP;
}
