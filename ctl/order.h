/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of gdbproxyctl asks for. */
#ifndef CTL_ORDER_H
#define CTL_ORDER_H

#include <stdbool.h>
#include <stdio.h>

enum order_command {
	ORDER_LIST,
	ORDER_SHOW,
	ORDER_DETACH,
	ORDER_RESUME,
	ORDER_UNDO,
	ORDER_HELP,
	ORDER_VERSION,
};

struct order {
	enum order_command command;
	const char *word;     /* the command as it is sent */
	const char *name;     /* of the VM; NULL: none was given */
	const char *debugger; /* its number; NULL: none was given */
	const char *socket;   /* NULL: the default */
	bool json, wait;
	unsigned timeout_s;
};

enum { ORDER_ERROR_SIZE = 256, ORDER_TIMEOUT_S = 30 };

/* Reads the command line.  0, or -EINVAL with one line in error.  order points into argv afterwards. */
int order_parse(struct order *order, int argc, char **argv, char error[ORDER_ERROR_SIZE]);

void order_print_help(FILE *out);

#endif
