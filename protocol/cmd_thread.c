/* SPDX-License-Identifier: Apache-2.0 */
/* Packets about threads, which are the guest's vCPUs (GDB manual E.2 and E.4). */
#include <errno.h>
#include <string.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"

enum { THREAD_TEXT_SIZE = 128 };

/* Hg: "any" and "all" keep the one that is selected. */
int cmd_select_general(struct session *session, struct command_args *args)
{
	int result = session_find_thread(session, &args->thread, &session->general_thread);

	if (!result)
		reply_put_text(&session->reply, "OK");
	return result;
}

/* Hc: for the packets c and s; gdb itself uses vCont. */
int cmd_select_resumed(struct session *session, struct command_args *args)
{
	unsigned thread;
	int result = session_find_thread(session, &args->thread, &thread);

	if (result)
		return result;
	session->resumed_thread = args->thread.thread > 0 ? thread : 0;
	reply_put_text(&session->reply, "OK");
	return 0;
}

/* qC */
int cmd_query_current(struct session *session, struct command_args *args)
{
	(void)args;
	reply_put_text(&session->reply, "QC");
	session_put_thread(session, session->general_thread);
	return 0;
}

/* T: a vCPU that is halted or offline is alive too. */
int cmd_query_alive(struct session *session, struct command_args *args)
{
	unsigned thread;
	int result = session_find_thread(session, &args->thread, &thread);

	if (!result)
		reply_put_text(&session->reply, "OK");
	return result;
}

/* qfThreadInfo: all of them at once, so that qsThreadInfo has nothing to remember. */
int cmd_list_threads(struct session *session, struct command_args *args)
{
	unsigned count = session->target->ops->thread_count(session->target);

	(void)args;
	for (unsigned thread = 1; thread <= count; thread++) {
		reply_put_text(&session->reply, thread == 1 ? "m" : ",");
		session_put_thread(session, thread);
	}
	if (!count)
		reply_put_text(&session->reply, "l");
	return 0;
}

int cmd_list_more_threads(struct session *session, struct command_args *args)
{
	(void)args;
	reply_put_text(&session->reply, "l");
	return 0;
}

/* qThreadExtraInfo */
int cmd_describe_thread(struct session *session, struct command_args *args)
{
	char text[THREAD_TEXT_SIZE] = "";
	unsigned thread;
	int result = session_find_thread(session, &args->thread, &thread);

	if (result)
		return result;
	session->target->ops->thread_describe(session->target, thread, text, sizeof(text));
	reply_put_hex(&session->reply, text, strnlen(text, sizeof(text)));
	return 0;
}
