/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytecode that a breakpoint packet may carry: conditions and commands, behind its numbers (GDB
 * manual E.2, 'Z0').  Text in, lists of bytes out; what the bytes say is the target's business.
 */
#ifndef PROTOCOL_BREAKPOINT_CODE_H
#define PROTOCOL_BREAKPOINT_CODE_H

#include "protocol/cursor.h"
#include "protocol/target.h"

/* gdb sends one for each of a person's breakpoints at the address. */
enum { BREAKPOINT_CODE_MAX = 32 };

struct breakpoint_code {
	struct target_code conditions[BREAKPOINT_CODE_MAX], commands[BREAKPOINT_CODE_MAX];
	unsigned condition_count, command_count;
	bool commands_persist;
};

/*
 * text is what follows the numbers: nothing, or
 *	;Xlen,hex[Xlen,hex...][;cmds:persist,Xlen,hex[Xlen,hex...]]	or the commands alone
 * with two digits for each of len bytes.  The bytes go to room, which is half of text's length at
 * least, and the lists point there.  0, -EINVAL (anything else), -E2BIG (too many).
 */
int breakpoint_code_parse(struct breakpoint_code *code, struct cursor text, uint8_t *room);

/* The lists, borrowed, become those of spec. */
void breakpoint_code_attach(
	const struct breakpoint_code *code, struct target_breakpoint_spec *spec);

#endif
