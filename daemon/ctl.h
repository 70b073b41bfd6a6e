/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket for gdbproxyctl: answers in JSON lines (json.h) what main knows, asks a VM's worker for the
 * rest (question.h), and carries out what an operator orders.  A worker that does not answer is shown as such;
 * a client that does not read costs one outlet (outlet.h).
 *
 * An answer ends with a line of type "end" or "error"; without it, it is cut.
 */
#ifndef DAEMON_CTL_H
#define DAEMON_CTL_H

#include "daemon/listener.h"

struct daemon;
struct vmm;
struct ctl_client;

enum { CTL_CLIENTS_MAX = 16 };

struct ctl {
	struct daemon *daemon;
	struct listener listener; /* all zero: there is none */
	struct ctl_client *clients[CTL_CLIENTS_MAX];
};

/* Listens where the configuration says, if anywhere.  0, or -errno after one log line. */
int ctl_start(struct ctl *ctl, struct daemon *daemon);

/* Closes everything.  Safe on one that is all zero. */
void ctl_stop(struct ctl *ctl);

/* vmm has no worker any more, for now. */
void ctl_on_worker_end(struct ctl *ctl, struct vmm *vmm);

#endif
