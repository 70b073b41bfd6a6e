/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client of a local socket that asks once and gets an answer: a request of bounded size comes in, an
 * answer of any size goes out, made as it drains.  A client that is slow or silent costs one of these, for a
 * bounded time, and never makes main wait.  Knows neither what is asked nor what is answered.
 */
#ifndef DAEMON_OUTLET_H
#define DAEMON_OUTLET_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	OUTLET_REQUEST_MAX = 4096,
	OUTLET_BUFFER = 16384,
	OUTLET_ROOM_MIN = 4096, /* that produce() finds at least */
};

struct outlet;

struct outlet_ops {
	/*
	 * More has come: request has length bytes, and a NUL behind them.  True when that is the whole
	 * request, or more than one can be; it is not asked again then, and produce() is.
	 */
	bool (*on_request)(struct outlet *outlet, const char *request, size_t length);
	/*
	 * Writes the next piece of the answer into room (at least OUTLET_ROOM_MIN) bytes: how many; 0 that
	 * was all; -EAGAIN not yet: outlet_go_on() will say when, and until then no deadline runs here.
	 */
	ssize_t (*produce)(struct outlet *outlet, char *text, size_t room);
	/* The connection is over and closed: to be freed. */
	void (*on_end)(struct outlet *outlet);
};

struct outlet {
	struct ev_loop *loop;
	const struct outlet_ops *ops;
	void *owner;
	struct ev_io read, write;
	struct ev_timer deadline;
	int fd;
	bool is_asked;    /* the request is complete */
	bool is_answered; /* the answer is, but for what waits */
	size_t in_length, out_start, out_length;
	char in[OUTLET_REQUEST_MAX + 1];
	char out[OUTLET_BUFFER];
};

/* Begins to read the request; takes fd.  The caller has set nothing but ops and owner. */
void outlet_start(struct outlet *outlet, struct ev_loop *loop, int fd);

/* Whether it has been started and is not over. */
bool outlet_is_open(const struct outlet *outlet);

/* produce() has something again.  May end the connection. */
void outlet_go_on(struct outlet *outlet);

/* Closes without on_end(); safe on one that is all zero or over. */
void outlet_stop(struct outlet *outlet);

#endif
