/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that ask who we are and settle how we talk (GDB manual E.2 and E.4). */
#include <errno.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"

/* qSupported: each one replaces what the last one said. */
int cmd_negotiate_features(struct session *session, struct command_args *args)
{
	client_negotiate(&session->client, args->rest);
	client_put_features(&session->reply);
	return 0;
}

/* QStartNoAckMode: this very packet has been acknowledged; nothing is from now on. */
int cmd_start_no_ack(struct session *session, struct command_args *args)
{
	(void)args;
	session->no_ack = true;
	reply_put_text(&session->reply, "OK");
	return 0;
}

/* '!': the debugger can be attached to nothing, and choose a guest by vAttach. */
int cmd_enable_extended(struct session *session, struct command_args *args)
{
	(void)args;
	session->is_extended = true;
	reply_put_text(&session->reply, "OK");
	return 0;
}

/* qAttached: always, so that gdb's "quit" detaches and does not kill. */
int cmd_query_attached(struct session *session, struct command_args *args)
{
	if (args->number_count && args->number[0] != session->process)
		return -ESRCH;
	reply_put_text(&session->reply, "1");
	return 0;
}

/*
 * qOffsets, which gdb and lldb ask as soon as they have symbols, so that vmlinux is right wherever KASLR
 * has put it.  With TextSeg gdb moves every section of the file by the distance from its first
 * segment to there; with Text, Data and Bss only the sections of these names.  lldb takes either
 * for a distance and moves everything by it.
 */
int cmd_query_offsets(struct session *session, struct command_args *args)
{
	static const char *const keys[] = { "Text=", ";Data=", ";Bss=" };
	struct target_kernel kernel;

	(void)args;
	if (session->target->ops->kernel_locate(session->target, &kernel) < 0)
		return -ENOTSUP;
	if (!client_is_lldb(&session->client)) {
		reply_put_text(&session->reply, "TextSeg=");
		reply_put_number(&session->reply, kernel.base);
		return 0;
	}
	if (!kernel.has_slide)
		return -ENOTSUP;
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		reply_put_text(&session->reply, keys[i]);
		reply_put_number(&session->reply, kernel.slide);
	}
	return 0;
}

/* qSymbol: gdb offers to look symbols up; we want none. */
int cmd_offer_symbols(struct session *session, struct command_args *args)
{
	(void)args;
	reply_put_text(&session->reply, "OK");
	return 0;
}
