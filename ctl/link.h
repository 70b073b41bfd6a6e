/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to the daemon: one request, and the lines of its answer. */
#ifndef CTL_LINK_H
#define CTL_LINK_H

#include <stddef.h>
#include "ctl/record.h"

struct link {
	int fd;
	size_t start, length;
	char bytes[2 * RECORD_LINE_MAX];
};

/*
 * Connects to the socket at path, sends the request, and lets no call wait for longer than timeout_s.  0;
 * -ENOENT, -ECONNREFUSED: no daemon is there; other -errno.
 */
int link_open(struct link *link, const char *path, const char *request, unsigned timeout_s);

/*
 * The next line of the answer.  1, 0 the answer is over; -EAGAIN the time is up, -EBADMSG that was no
 * line of an answer, other -errno.
 */
int link_next(struct link *link, struct record *record);

void link_close(struct link *link);

#endif
