/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main process: listeners, and the VMs that were handed over.  It parses no RSP and touches no
 * guest; for that it forks a worker per VM under debug (worker.h).
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <ev.h>
#include "daemon/directory.h"
#include "daemon/listener.h"
#include "daemon/options.h"
#include "daemon/service.h"
#include "protocol/handover.h"

struct vmm;

struct daemon {
	struct ev_loop *loop;
	const struct options *options;
	struct handover_limits limits;
	struct listener vcpu_listener;
	struct listener listeners[CONF_LISTEN_MAX];
	unsigned listener_count;
	struct directory directory;
	struct service lobby; /* who comes by the common addresses */
	struct ev_signal sigterm, sigint, sighup;
	struct ev_prepare reaper;
	struct ev_timer patience; /* with workers that do not end when the daemon is to */
	struct vmm *vmms;         /* linked list */
	unsigned vmm_count;
	unsigned denied_count; /* of those, such as are to be told that they are not wanted */
	bool is_ending;        /* SIGTERM came: waits for the workers */
	bool is_out_of_patience;
};

/* Opens every socket and starts listening.  0, or -errno after one log line. */
int daemon_start(struct daemon *daemon, struct ev_loop *loop, const struct options *options);

/* Runs until SIGTERM or SIGINT and everything is detached. */
void daemon_run(struct daemon *daemon);

/* Closes and frees everything; safe after a failed daemon_start(). */
void daemon_stop(struct daemon *daemon);

/*
 * In a forked child that is to serve one VMM, or none: closes our copies of everything else and leaves
 * what it stands for alone; the directory can be read.  The loop is gone afterwards.
 */
void daemon_forget(struct daemon *daemon, const struct vmm *served);

/* A VMM's connection ended, or its worker did: when the daemon is ending this may be the last. */
void daemon_on_vmm_idle(struct daemon *daemon);

/* A debugger goes to the lobby, by its own wish or because a VM cannot serve it; takes fd. */
void daemon_return_debugger(struct daemon *daemon, const struct control_debugger *debugger, int fd);

/* The VM of this name, or NULL. */
struct vmm *daemon_find_vm(struct daemon *daemon, const char *name);

/* Whether one of the common sockets is at address. */
bool daemon_listens_at(const struct daemon *daemon, const struct listen_address *address);

#endif
