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
#include "daemon/listeners.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/peer.h"
#include "daemon/service.h"
#include "daemon/store.h"
#include "protocol/handover.h"

struct activation;
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
	struct options *reloaded; /* NULL, or the same: options are ours to free */
	struct handover_limits limits;
	struct listener vcpu_listener;
	struct listeners listeners;
	struct notify notify; /* the service manager */
	struct store store;
	struct directory directory;
	struct service lobby; /* who comes by the common addresses */
	struct ev_signal sigterm, sigint, sighup;
	struct ev_prepare reaper;
	struct ev_timer status;   /* tells the service manager, not too often */
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
	struct peer_refusals refusals;
	bool is_ending; /* SIGTERM came: waits for the workers */
	bool is_out_of_patience;
};

/*
 * Opens every socket, or takes it out of *activation, and starts listening; takes back the VMs that the
 * service manager kept, and tells that manager, which listens at notify_address (NULL: there is none).  0,
 * or -errno after one log line.
 */
int daemon_start(struct daemon *daemon, struct ev_loop *loop, const struct options *options,
	struct activation *activation, const char *notify_address);

/* Runs until SIGTERM or SIGINT and everything is detached. */
void daemon_run(struct daemon *daemon);

/* Closes and frees everything; safe after a failed daemon_start(). */
void daemon_stop(struct daemon *daemon);

/*
 * In a forked child: closes our copies of all but the count in fds, and leaves what they stand for alone; the
 * directory can be read.  The loop is gone afterwards, and what is left of *daemon is of no use: the child does not touch
 * it, so that its pages stay main's as well, however many VMs there are.
 */
void daemon_forget(struct daemon *daemon, const int *fds, unsigned count);

/* From now on these, which become the daemon's to free. */
void daemon_set_options(struct daemon *daemon, struct options *options);

/* HANDOVER_OK, or why this VMM is not wanted. */
enum handover_error daemon_judge(struct daemon *daemon, int fd, const char **text);

/* A VMM more; takes fd.  NULL after one log line. */
struct vmm *daemon_add_vmm(struct daemon *daemon, int fd, const struct ucred *peer,
	enum handover_error error, const char *text);

/* A VMM's connection ended, or its worker did: when the daemon is ending this may be the last. */
void daemon_on_vmm_idle(struct daemon *daemon);

/* Whether who has connected by fd may debug; else fd is closed. */
bool daemon_admits_debugger(struct daemon *daemon, int fd);

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

/* Whether one of the common sockets is at address. */
bool daemon_listens_at(const struct daemon *daemon, const struct listen_address *address);

#endif
