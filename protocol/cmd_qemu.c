/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packets that QEMU's stub has beyond the protocol (its "Advanced debugging options"), for scripts
 * that were written for it: physical addresses in memory packets, and what a single step holds off.
 */
#include <errno.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"

/* While a vCPU steps, no interrupt and no timer gets to it: of QEMU's bits we have all, always. */
enum { STEP_BITS = 0x7 };

int cmd_qemu_features(struct session *session, struct command_args *args)
{
	(void)args;
	reply_put_text(&session->reply, "sstepbits;sstep;PhyMemMode");
	return 0;
}

int cmd_qemu_step_bits(struct session *session, struct command_args *args)
{
	(void)args;
	reply_put_text(&session->reply, "ENABLE=1,NOIRQ=2,NOTIMER=4");
	return 0;
}

int cmd_qemu_step_mode(struct session *session, struct command_args *args)
{
	(void)args;
	reply_put_text(&session->reply, "0x");
	reply_put_number(&session->reply, STEP_BITS);
	return 0;
}

/* A number in hexadecimal, where "0x" may be in front of it. */
int cmd_qemu_set_step_mode(struct session *session, struct command_args *args)
{
	struct cursor *rest = &args->rest;
	uint64_t bits;

	cursor_take_text(rest, "0x");
	if (cursor_take_number(rest, &bits) || cursor_left(rest) || bits != STEP_BITS)
		return -EINVAL;
	reply_put_text(&session->reply, "OK");
	return 0;
}

int cmd_qemu_memory_mode(struct session *session, struct command_args *args)
{
	(void)args;
	reply_put_number(&session->reply, session->physical_memory);
	return 0;
}

int cmd_qemu_set_memory_mode(struct session *session, struct command_args *args)
{
	if (args->number[0] > 1)
		return -EINVAL;
	session->physical_memory = args->number[0];
	reply_put_text(&session->reply, "OK");
	return 0;
}
