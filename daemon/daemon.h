/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main process: listeners, and the VMs that were handed over.  It parses no RSP and touches no
 * guest; for that it forks a worker per VM under debug (worker.h).
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <ev.h>
#include "daemon/ctl.h"
#include "daemon/directory.h"
#include "daemon/listener.h"
#include "daemon/metrics.h"
#include "daemon/options.h"
#include "daemon/service.h"
#include "protocol/handover.h"

struct vmm;

/* Since the start. */
struct daemon_counts {
	uint64_t handovers_accepted, handovers_refused; /* READY; any request */
	uint64_t workers_started, workers_died;
	uint64_t debuggers_accepted, debuggers_refused;
};

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
	struct ctl ctl;
	struct metrics metrics;
	struct daemon_counts counts;
	uint32_t question_count;
	struct vmm *vmms; /* linked list */
	struct vmm **
		by_number; /* of number i + 1, as long as it is READY; as many as the directory has */
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

/* A VM has become READY, with its number; it is so no more (safe if it never was). */
void daemon_enter_vm(struct daemon *daemon, struct vmm *vmm);
void daemon_leave_vm(struct daemon *daemon, struct vmm *vmm);

/* The VM that is READY with the lowest number above after, or NULL. */
struct vmm *daemon_next_vm(const struct daemon *daemon, unsigned after);

/* A number for a question to a worker (control.h), never 0. */
uint32_t daemon_next_question(struct daemon *daemon);

/*
 * listener_start() with a line in the log either way: peers is who connects there, in the plural.  owner
 * is the listener's.
 */
int daemon_listen(struct daemon *daemon, struct listener *listener, const char *peers,
	const struct listen_address *address, mode_t mode, listener_on_accept on_accept,
	void *owner);

/* Whether one of the common sockets is at address. */
bool daemon_listens_at(const struct daemon *daemon, const struct listen_address *address);

#endif
