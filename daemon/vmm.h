/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One VMM's connection, seen from main: the handover, the VM it lends, the socket where debuggers ask
 * for that VM, its number in the directory, and the worker that debugs it now, if any.
 */
#ifndef DAEMON_VMM_H
#define DAEMON_VMM_H

#include <ev.h>
#include <sys/socket.h>
#include "daemon/lent_vm.h"
#include "daemon/listener.h"
#include "daemon/peer_process.h"
#include "daemon/service.h"
#include "daemon/worker.h"
#include "protocol/handover.h"

struct daemon;

enum vmm_life {
	VMM_GREETING, /* the handover is not complete */
	VMM_READY,    /* can be debugged */
	VMM_ENDED,    /* the connection is closed; only its worker is waited for */
};

struct vmm {
	struct daemon *daemon;
	struct vmm *next;
	struct ev_io io;
	struct peer_process process;
	enum vmm_life life;
	bool is_named; /* HELLO was accepted: lent is initialized */
	unsigned refusals;
	enum handover_error denied; /* what it asks first is answered so, and that is all */
	const char *denied_text;
	struct handover handover;
	struct lent_vm lent;
	struct listener rsp_listener;
	unsigned number; /* once READY: in the directory */
	struct service worker;
	enum worker_job worker_job;
};

/* Starts talking to a VMM; takes fd.  NULL when out of memory (fd is closed then). */
struct vmm *vmm_create(struct daemon *daemon, int fd, const struct ucred *peer);

/* Nothing is wanted of this VMM, and its first request will tell it so; text is constant. */
void vmm_deny(struct vmm *vmm, enum handover_error error, const char *text);

/* Stops watchers, closes, frees.  The caller has unlinked it. */
void vmm_destroy(struct vmm *vmm);

/*
 * A debugger wants this VM; takes fd.  One that cannot be served goes back to the lobby it came from,
 * or away.
 */
void vmm_attach(struct vmm *vmm, const struct control_debugger *debugger, int fd);

/* Tells the worker, if there is one, to take everything back and end. */
void vmm_detach(struct vmm *vmm);

/* Ends a worker that does not; another one undoes what it has planted. */
void vmm_kill_worker(struct vmm *vmm);

/*
 * In a forked child: closes our copies of this VMM's descriptors and leaves what they stand for
 * alone; keep_lent: but for those of the lent VM, which the child is for.
 */
void vmm_forget(struct vmm *vmm, bool keep_lent);

#endif
