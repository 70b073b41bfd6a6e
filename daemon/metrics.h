/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket where Prometheus reads: GET /metrics, answered with what main counts and what the workers have
 * counted of their VMs.  They are asked when somebody reads, and those that do not answer in time are shown
 * as they were last.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <stdint.h>
#include "daemon/listener.h"

struct daemon;
struct metrics_client;

enum { METRICS_CLIENTS_MAX = 8 };

struct metrics {
	struct daemon *daemon;
	struct listener listener; /* all zero: there is none */
	struct metrics_client *clients[METRICS_CLIENTS_MAX];
	uint32_t round;   /* the question that was put to all workers last */
	unsigned awaited; /* answers to it */
	struct ev_timer patience;
};

/* Listens where the configuration says, if anywhere.  0, or -errno after one log line. */
int metrics_start(struct metrics *metrics, struct daemon *daemon);

/* Closes everything.  Safe on one that is all zero. */
void metrics_stop(struct metrics *metrics);

/* A worker has answered that question, and its counts have been noted. */
void metrics_on_answer(struct metrics *metrics, uint32_t question);

#endif
