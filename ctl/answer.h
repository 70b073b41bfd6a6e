/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon has answered, line by line, on its way to standard output: as tables, or as one JSON value.
 * Nothing is printed before the answer is complete.
 */
#ifndef CTL_ANSWER_H
#define CTL_ANSWER_H

#include <stdbool.h>
#include "ctl/order.h"
#include "ctl/record.h"
#include "ctl/table.h"

enum { ANSWER_SIZE_MAX = 64 << 20 }; /* of what is printed */

/* Lines come in this order. */
enum answer_section {
	ANSWER_VM,
	ANSWER_COUNTERS,
	ANSWER_WORKER,
	ANSWER_VCPU,
	ANSWER_DEBUGGER,
	ANSWER_BREAKPOINT,
	ANSWER_EXCEPTION,
	ANSWER_SECTIONS,
};

struct answer {
	const struct order *order;
	FILE *out; /* into text */
	char *text;
	size_t size;
	enum answer_section section; /* that lines come of now */
	unsigned count;              /* lines of it */
	struct table table;
	bool is_over;    /* the last line was there */
	char code[32];   /* of an error; "" none */
	char error[512]; /* its words, printable */
	/* What --wait looks at. */
	bool is_free;
	bool has_debugger; /* the one that the order names, or any */
};

/* 0 or -ENOMEM. */
int answer_init(struct answer *answer, const struct order *order);
void answer_fini(struct answer *answer);

/* One line: 0, -EBADMSG: it makes no sense here; -EFBIG, -ENOMEM. */
int answer_take(struct answer *answer, const struct record *record);

/* Prints a complete answer to standard output.  0 or -errno. */
int answer_print(struct answer *answer);

#endif
