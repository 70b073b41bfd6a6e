/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One VMM's connection, seen from main: the handover, the VM it lends, the socket where debuggers ask
 * for that VM, its number in the directory, and the worker that debugs it now, if any.
 */
#ifndef DAEMON_VMM_H
#define DAEMON_VMM_H

#include <ev.h>
#include <sys/socket.h>
#include <time.h>
#include "daemon/counts.h"
#include "daemon/lent_vm.h"
#include "daemon/listener.h"
#include "daemon/peer_process.h"
#include "daemon/question.h"
#include "daemon/service.h"
#include "daemon/store.h"
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
	bool is_unheard;            /* by its worker, which has been said */
	enum handover_error denied; /* what it asks first is answered so, and that is all */
	const char *denied_text;
	struct handover handover;
	struct lent_vm lent;
	struct listener rsp_listener;
	unsigned number;        /* once READY: in the directory */
	unsigned wanted_number; /* what it had there with a main before; 0: any will do */
	struct store_entry stored;
	bool is_returning; /* kept by a main before, and to be given back */
	struct service worker;
	enum worker_job worker_job;

	/* Memory that it takes away, which a worker may have breakpoints in. */
	bool is_removing; /* it has asked, and is answered when the worker has let go of it */
	unsigned removal_tries;
	struct handover_event removal;
	struct question removal_done;

	/* What is shown of it, as its worker has said last (vmm_shown.c). */
	time_t since; /* READY */
	unsigned debuggers;
	bool is_held;                /* nobody is there, and the guest is not free */
	bool is_boot_held;           /* it waits for its first debugger */
	struct counts past, current; /* of workers that have ended; of the one that is there */
	struct question *questions;  /* that the worker has not answered yet */
};

/* Starts talking to a VMM; takes fd.  NULL when out of memory (fd is closed then). */
struct vmm *vmm_create(struct daemon *daemon, int fd, const struct ucred *peer);

/* Nothing is wanted of this VMM, and its first request will tell it so; text is constant. */
void vmm_deny(struct vmm *vmm, enum handover_error error, const char *text);

/*
 * Follows one request, with its fds, which are taken, and does not answer it: 0, with *event saying whether
 * it was refused; -EPROTO: it is none.
 */
int vmm_accept(struct vmm *vmm, const void *bytes, size_t length, int *fds, unsigned count,
	struct handover_event *event);

/* What was planted is taken back, then the connection is closed: the VMM registers anew. */
void vmm_give_back(struct vmm *vmm);

/* Stops watchers, closes, frees.  The caller has unlinked it.  What is kept of it stays kept. */
void vmm_destroy(struct vmm *vmm);

/*
 * A debugger wants this VM; takes fd.  One that cannot be served goes back to the lobby it came from,
 * or away.
 */
void vmm_attach(struct vmm *vmm, const struct control_debugger *debugger, int fd);

/* Tells the worker, if there is one, to take everything back and end. */
void vmm_detach(struct vmm *vmm);

/*
 * Makes a worker where nobody wants to debug, for an order: 0, -ESRCH it cannot be debugged now, -errno.
 */
int vmm_start_debugging(struct vmm *vmm);

/*
 * What is planted is taken back, by ending whoever may have planted it, or by undoing what the journal says.
 * True: ctl_on_worker_end() will tell; false: there was nothing to do.
 */
bool vmm_undo(struct vmm *vmm);

/* Ends a worker that does not; another one undoes what it has planted. */
void vmm_kill_worker(struct vmm *vmm);

/* ---- vmm_shown.c ------------------------------------------------------------------------- */

/* The worker has said how it is. */
void vmm_hear(struct vmm *vmm, const struct control_answer *answer);

/* The worker has ended, well or not: what it had counted as far as it has told stays counted. */
void vmm_close_books(struct vmm *vmm, bool clean);

/* What all its workers have counted. */
struct counts vmm_counts(const struct vmm *vmm);

/* How many instructions are planted, as the journal says; it is read as a whole, so not in passing. */
unsigned vmm_planted(const struct vmm *vmm);

#endif
