/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gdbproxyctl asks: one line, `COMMAND [VM [DEBUGGER]]`, words separated by single blanks.  Pure: bytes in,
 * a request or a sentence out.
 */
#ifndef DAEMON_CTL_REQUEST_H
#define DAEMON_CTL_REQUEST_H

#include <stddef.h>
#include "protocol/handover.h"

enum {
	CTL_REQUEST_MAX = 256, /* bytes of a line, with its newline */
	CTL_ERROR_SIZE = 256,
};

enum ctl_command {
	CTL_LIST,   /* [VM] */
	CTL_SHOW,   /* VM */
	CTL_DETACH, /* VM [DEBUGGER] */
	CTL_RESUME, /* VM */
	CTL_UNDO,   /* VM */
};

struct ctl_request {
	enum ctl_command command;
	char name[HANDOVER_NAME_SIZE]; /* "": none was given */
	unsigned debugger;             /* 0: none was given */
};

/*
 * Reads a request from the length bytes that have come so far.  1 and it is complete; 0 the line has no end
 * yet; -EINVAL it is none, error says what is wrong in one line of printable ASCII.
 */
int ctl_request_parse(
	struct ctl_request *request, const char *bytes, size_t length, char error[CTL_ERROR_SIZE]);

#endif
