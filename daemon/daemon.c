/* SPDX-License-Identifier: Apache-2.0 */
/* The main process: see daemon.h. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon/activation.h"
#include "daemon/daemon.h"
#include "daemon/fd_keep.h"
#include "daemon/isolation.h"
#include "daemon/lobby.h"
#include "daemon/log.h"
#include "daemon/reload.h"
#include "daemon/restore.h"
#include "daemon/vmm.h"
#include "kvm/transfer.h"

enum { DAEMON_DENIED_MAX = 16 };

/* How long a worker may take to end, beyond the time for its vCPUs to stop. */
static const double daemon_patience_s = 3.;

/* How soon the service manager is told of a change. */
static const double daemon_status_s = .5;

static struct daemon *daemon_of_loop(struct ev_loop *loop)
{
	return ev_userdata(loop);
}

/* ---- VMs --------------------------------------------------------------------------------- */

struct vmm *daemon_find_vm(struct daemon *daemon, const char *name)
{
	for (struct vmm *vmm = daemon->vmms; vmm; vmm = vmm->next)
		if (vmm->is_named && vmm->life != VMM_ENDED && !strcmp(vmm->lent.name, name))
			return vmm;
	return NULL;
}

bool daemon_listens_at(const struct daemon *daemon, const struct listen_address *address)
{
	if (listen_address_equals(&daemon->vcpu_listener.address, address) ||
		listen_address_equals(&daemon->options->control_socket, address) ||
		listen_address_equals(&daemon->options->metrics_socket, address))
		return true;
	return listeners_have(&daemon->listeners, address);
}

/* Soon, and for many changes at once. */
/* syscalls(main): ev_timer_start */
static void daemon_show(struct daemon *daemon)
{
	if (notify_is_open(&daemon->notify) && !ev_is_active(&daemon->status)) {
		ev_timer_set(&daemon->status, daemon_status_s, 0.);
		ev_timer_start(daemon->loop, &daemon->status);
	}
}

void daemon_enter_vm(struct daemon *daemon, struct vmm *vmm)
{
	if (vmm->number)
		daemon->by_number[vmm->number - 1] = vmm;
}

void daemon_leave_vm(struct daemon *daemon, struct vmm *vmm)
{
	if (vmm->number && daemon->by_number[vmm->number - 1] == vmm)
		daemon->by_number[vmm->number - 1] = NULL;
}

struct vmm *daemon_next_vm(const struct daemon *daemon, unsigned after)
{
	for (unsigned i = after; i < daemon->directory.size; i++)
		if (daemon->by_number[i])
			return daemon->by_number[i];
	return NULL;
}

uint32_t daemon_next_question(struct daemon *daemon)
{
	daemon->question_count++;
	daemon->question_count += !daemon->question_count;
	return daemon->question_count;
}

/* Frees those that have ended and whose worker has too; ends the loop when all is done. */
static void daemon_reap(struct daemon *daemon)
{
	bool working = daemon->lobby.pid;

	for (struct vmm **link = &daemon->vmms; *link;) {
		struct vmm *vmm = *link;

		working = working || vmm->worker.pid;
		if (vmm->life != VMM_ENDED || vmm->worker.pid) {
			link = &vmm->next;
			continue;
		}
		*link = vmm->next;
		daemon->vmm_count--;
		daemon->denied_count -= vmm->denied != HANDOVER_OK;
		vmm_destroy(vmm);
		daemon_show(daemon);
	}
	if (daemon->is_ending && !working)
		ev_break(daemon->loop, EVBREAK_ALL);
}

static void daemon_on_prepare(struct ev_loop *loop, struct ev_prepare *prepare, int events)
{
	(void)events;
	ev_prepare_stop(loop, prepare);
	daemon_reap(daemon_of_loop(loop));
}

/* The caller is inside a callback of a VMM that may have to be freed: not now, but soon. */
void daemon_on_vmm_idle(struct daemon *daemon)
{
	ev_prepare_start(daemon->loop, &daemon->reaper);
}

enum handover_error daemon_judge(struct daemon *daemon, int fd, const char **text)
{
	const struct conf *conf = &daemon->options->conf;

	if (!peer_is_listed(fd, &conf->allow_uid, &conf->allow_gid)) {
		peer_log_refusal(&daemon->refusals, fd, "hand over VMs (allow-uid, allow-gid)");
		*text = "this user may not hand over VMs: see allow-uid in gdbproxy.conf";
		return HANDOVER_DENIED;
	}
	if (daemon->is_ending) {
		*text = "the daemon is ending";
		return HANDOVER_INTERNAL;
	}
	if (daemon->vmm_count - daemon->denied_count >= daemon->options->conf.max_vms) {
		*text = "no more VMs: see max-vms in gdbproxy.conf";
		return HANDOVER_TOO_MANY;
	}
	return HANDOVER_OK;
}

struct vmm *daemon_add_vmm(struct daemon *daemon, int fd, const struct ucred *peer,
	enum handover_error error, const char *text)
{
	struct vmm *vmm = vmm_create(daemon, fd, peer);

	if (!vmm) {
		log_warnx("no memory for another VMM");
		return NULL;
	}
	vmm_deny(vmm, error, text);
	vmm->next = daemon->vmms;
	daemon->vmms = vmm;
	daemon->vmm_count++;
	daemon->denied_count += error != HANDOVER_OK;
	daemon_show(daemon);
	return vmm;
}

/*
 * One that is not wanted is heard once, so that it can be told: a socket that is closed with something
 * unread in it takes back what was said last (unix(7)).  Not many at a time.
 */
static void daemon_on_vmm(struct listener *listener, int fd)
{
	struct daemon *daemon = listener->owner;
	struct ucred peer;
	enum handover_error error;
	const char *text = "";

	peer_identify(fd, &peer);
	error = daemon_judge(daemon, fd, &text);
	if (error && daemon->denied_count == DAEMON_DENIED_MAX) {
		daemon->counts.handovers_refused++;
		close(fd);
		return;
	}
	daemon_add_vmm(daemon, fd, &peer, error, text);
}

/* ---- the lobby: debuggers on the common addresses ---------------------------------------- */

static struct daemon *daemon_of_lobby(struct service *lobby)
{
	return (struct daemon *)((char *)lobby - offsetof(struct daemon, lobby));
}

static struct vmm *daemon_find_number(struct daemon *daemon, unsigned number)
{
	return number && number <= daemon->directory.size ? daemon->by_number[number - 1] : NULL;
}

static void daemon_on_refusal(
	struct service *lobby, const struct control_debugger *debugger, int fd, int error)
{
	(void)debugger;
	daemon_of_lobby(lobby)->counts.debuggers_refused++;
	log_info("a debugger was sent away: %s", strerror(error));
	close(fd);
}

void daemon_return_debugger(struct daemon *daemon, const struct control_debugger *debugger, int fd)
{
	int rc = daemon->is_ending ? -ESHUTDOWN : service_give(&daemon->lobby, debugger, fd);

	if (rc < 0)
		daemon_on_refusal(&daemon->lobby, debugger, fd, -rc);
}

bool daemon_admits_debugger(struct daemon *daemon, int fd)
{
	if (peer_may_debug(fd, &daemon->options->conf))
		return true;
	peer_log_refusal(&daemon->refusals, fd, "debug (debug-uid, debug-gid)");
	close(fd);
	return false;
}

static void daemon_on_choice(struct service *lobby, const struct control_debugger *debugger, int fd)
{
	struct daemon *daemon = daemon_of_lobby(lobby);
	struct vmm *vmm = daemon_find_number(daemon, debugger->process);
	struct control_debugger back = *debugger;

	back.refusal = ESRCH;
	if (vmm)
		vmm_attach(vmm, debugger, fd);
	else
		daemon_return_debugger(daemon, &back, fd);
}

static void daemon_on_debugger(struct listener *listener, int fd)
{
	struct control_debugger debugger = { .process = 0 };

	if (daemon_admits_debugger(listener->owner, fd))
		daemon_return_debugger(listener->owner, &debugger, fd);
}

static void daemon_on_lobby_end(struct service *lobby, int status)
{
	struct daemon *daemon = daemon_of_lobby(lobby);
	char death[ISOLATION_DEATH_SIZE];

	if (!WIFEXITED(status) || WEXITSTATUS(status))
		log_warnx("the lobby died (%s)", isolation_describe_death(status, death));
	if (daemon->is_ending)
		service_refuse_waiting(lobby, ESHUTDOWN);
	else
		service_serve(lobby);
	daemon_on_vmm_idle(daemon);
}

static int daemon_run_lobby(struct service *lobby, int control_fd)
{
	struct daemon *daemon = daemon_of_lobby(lobby);
	struct lobby_orders orders = {
		.conf = &daemon->options->conf,
		.directory = &daemon->directory,
		.control_fd = control_fd,
	};

	daemon_forget(daemon, &control_fd, 1);
	return lobby_main(&orders);
}

static const struct service_ops daemon_lobby_ops = {
	.run = daemon_run_lobby,
	.on_departure = daemon_on_choice,
	.on_refusal = daemon_on_refusal,
	.on_end = daemon_on_lobby_end,
};

/* ---- the end ----------------------------------------------------------------------------- */

/* syscalls(main): ev_timer_again */
static void daemon_on_sigterm(struct ev_loop *loop, struct ev_signal *signal, int events)
{
	struct daemon *daemon = daemon_of_loop(loop);

	(void)signal;
	(void)events;
	if (daemon->is_ending)
		return;
	log_info("ending: every guest is given back its own and runs on");
	notify_stopping(&daemon->notify);
	daemon->is_ending = true;
	for (struct vmm *vmm = daemon->vmms; vmm; vmm = vmm->next)
		vmm_detach(vmm);
	service_dismiss(&daemon->lobby);
	ev_timer_again(daemon->loop, &daemon->patience);
	daemon_on_vmm_idle(daemon);
}

/* First those that debug are ended by force, then those that were to undo what they had done. */
static void daemon_on_patience_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct daemon *daemon = daemon_of_loop(loop);

	(void)timer;
	(void)events;
	for (struct vmm *vmm = daemon->vmms; vmm; vmm = vmm->next)
		vmm_kill_worker(vmm);
	service_kill(&daemon->lobby);
	if (daemon->is_out_of_patience)
		ev_break(loop, EVBREAK_ALL);
	daemon->is_out_of_patience = true;
}

static void daemon_on_sighup(struct ev_loop *loop, struct ev_signal *signal, int events)
{
	struct daemon *daemon = daemon_of_loop(loop);

	(void)signal;
	(void)events;
	if (daemon->is_ending)
		return;
	notify_reloading(&daemon->notify);
	reload(daemon);
	notify_ready(&daemon->notify);
}

/* ---- life -------------------------------------------------------------------------------- */

/*
 * Whoever can rename or replace our sockets can be handed the VMMs' memory in our place.  In a
 * directory with the sticky bit, like /tmp, only their owner can.
 */
/* syscalls(start): geteuid */
static bool daemon_trusts_directory(const struct stat *status)
{
	bool others_write = status->st_mode & (S_IWGRP | S_IWOTH);

	return S_ISDIR(status->st_mode) && (status->st_uid == geteuid() || status->st_uid == 0) &&
	       (!others_write || (status->st_mode & S_ISVTX));
}

/* The runtime directory is made where it is missing, for this user alone to write. */
/* syscalls(start): mkdir stat */
static int daemon_make_directory(const struct conf *conf)
{
	struct stat status;

	if ((mkdir(conf->runtime_dir, 0755) < 0 && errno != EEXIST) ||
		stat(conf->runtime_dir, &status) < 0) {
		log_error("cannot make the runtime directory %s", conf->runtime_dir);
		return -errno;
	}
	if (daemon_trusts_directory(&status))
		return 0;
	log_errorx("the runtime directory %s must be a directory that nobody but this user and "
		   "root can change",
		conf->runtime_dir);
	return -EPERM;
}

/* syscalls(main): ev_signal_start signal */
static void daemon_watch_signals(struct daemon *daemon)
{
	signal(SIGPIPE, SIG_IGN);
	ev_signal_init(&daemon->sigterm, daemon_on_sigterm, SIGTERM);
	ev_signal_init(&daemon->sigint, daemon_on_sigterm, SIGINT);
	ev_signal_init(&daemon->sighup, daemon_on_sighup, SIGHUP);
	ev_signal_start(daemon->loop, &daemon->sigterm);
	ev_signal_start(daemon->loop, &daemon->sigint);
	ev_signal_start(daemon->loop, &daemon->sighup);
}

/* The lender holds the guest: main knows nothing of vCPUs. */
static uint64_t daemon_hold_feature(const struct conf *conf)
{
	return conf->on_worker_death == CONF_ON_WORKER_DEATH_HOLD ? HANDOVER_FEATURE_HOLD : 0;
}

void daemon_set_options(struct daemon *daemon, struct options *options)
{
	free(daemon->reloaded);
	daemon->options = daemon->reloaded = options;
	daemon->limits.max_vcpus = options->conf.max_vcpus;
	daemon->limits.features = HANDOVER_FEATURE_JOURNAL | daemon_hold_feature(&options->conf);
	log_set_form((enum log_form)options->conf.log_format);
	daemon->patience.repeat = options->conf.stop_timeout_ms / 1000. + daemon_patience_s;
	log_init((enum log_level)options->conf.log_level);
}

static int daemon_adopt(struct daemon *daemon, struct activation_fd *given)
{
	enum activation_kind kind;
	const char *wrong;
	int fd = given->fd;

	kind = activation_inspect(given, &wrong);
	if (kind == ACTIVATION_KEPT)
		return 0;
	given->fd = -1;
	if (kind == ACTIVATION_RSP)
		return listeners_adopt(&daemon->listeners, fd, daemon->options->conf.allow_remote);
	if (kind == ACTIVATION_VCPU && !daemon->vcpu_listener.loop)
		return listeners_adopt_one(
			&daemon->vcpu_listener, daemon->loop, "VMMs", fd, daemon_on_vmm, daemon);
	log_errorx("the service manager's socket '%s' cannot be used: %s", given->name,
		wrong ? wrong : "there is one for VMMs already");
	close(fd);
	return -EINVAL;
}

/* TCP tells nothing of who connects. */
static void daemon_warn_of_tcp(const struct options *options)
{
	const struct conf *conf = &options->conf;

	if (!conf->debug_uid.count && !conf->debug_gid.count)
		return;
	for (unsigned i = 0; i < options->listen_count; i++)
		if (options->listen[i].name.any.sa_family != AF_UNIX)
			log_warnx("debug-uid and debug-gid say nothing about TCP: whoever can "
				  "connect to %s debugs",
				conf->listen.text[i]);
}

/* Those that the service manager has opened, then those of the configuration. */
static int daemon_listen(struct daemon *daemon, struct activation *activation)
{
	const struct options *options = daemon->options;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < activation->count; i++)
		rc = daemon_adopt(daemon, &activation->fds[i]);
	if (rc == 0 && !daemon->vcpu_listener.loop)
		rc = listeners_start_one(&daemon->vcpu_listener, daemon->loop, "VMMs",
			&options->vcpu_socket, SOCK_SEQPACKET, options->conf.vcpu_socket_mode,
			daemon_on_vmm, daemon);
	if (rc == 0)
		rc = listeners_change(&daemon->listeners, options);
	daemon_warn_of_tcp(options);
	return rc;
}

static void daemon_open_notify(struct daemon *daemon, const char *address)
{
	int rc = notify_open(&daemon->notify, address);

	if (rc < 0)
		log_warnx("the service manager cannot be told anything at %s: %s", address,
			strerror(-rc));
	store_init(&daemon->store, &daemon->notify);
}

static void daemon_on_status(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct daemon *daemon = daemon_of_loop(loop);

	(void)timer;
	(void)events;
	notify_status(
		&daemon->notify, daemon->vmm_count == 1 ? "%u VM" : "%u VMs", daemon->vmm_count);
}

int daemon_start(struct daemon *daemon, struct ev_loop *loop, const struct options *options,
	struct activation *activation, const char *notify_address)
{
	const struct conf *conf = &options->conf;
	int rc;

	*daemon = (struct daemon){
		.loop = loop,
		.options = options,
		.limits = {
			.machine = transfer_machine(),
			.max_vcpus = conf->max_vcpus,
			.features = HANDOVER_FEATURE_JOURNAL | daemon_hold_feature(conf),
		},
	};
	ev_set_userdata(loop, daemon);
	ev_prepare_init(&daemon->reaper, daemon_on_prepare);
	ev_timer_init(&daemon->patience, daemon_on_patience_over, 0.,
		conf->stop_timeout_ms / 1000. + daemon_patience_s);
	service_init(&daemon->lobby, loop, &daemon_lobby_ops);
	ev_timer_init(&daemon->status, daemon_on_status, daemon_status_s, 0.);
	listeners_init(&daemon->listeners, loop, daemon_on_debugger, daemon);
	daemon_open_notify(daemon, notify_address);
	rc = directory_open(&daemon->directory, CONF_VMS_MAX);
	daemon->by_number = calloc(CONF_VMS_MAX, sizeof(struct vmm *));
	if (!daemon->by_number)
		rc = -ENOMEM;
	if (rc < 0)
		log_errorx("no memory for a list of %u VMs", CONF_VMS_MAX);
	if (rc == 0)
		rc = daemon_make_directory(conf);
	if (rc == 0)
		rc = daemon_listen(daemon, activation);
	if (rc == 0)
		rc = ctl_start(&daemon->ctl, daemon);
	if (rc == 0)
		rc = metrics_start(&daemon->metrics, daemon);
	if (rc < 0)
		return rc;
	daemon_watch_signals(daemon);
	restore_vms(daemon, activation);
	notify_ready(&daemon->notify);
	daemon_show(daemon);
	return 0;
}

/* syscalls(main): ev_run */
void daemon_run(struct daemon *daemon)
{
	ev_run(daemon->loop, 0);
}

void daemon_stop(struct daemon *daemon)
{
	ctl_stop(&daemon->ctl);
	metrics_stop(&daemon->metrics);
	while (daemon->vmms) {
		struct vmm *vmm = daemon->vmms;

		daemon->vmms = vmm->next;
		vmm_destroy(vmm);
	}
	listeners_stop(&daemon->listeners);
	listener_stop(&daemon->vcpu_listener);
	service_fini(&daemon->lobby);
	directory_close(&daemon->directory);
	notify_close(&daemon->notify);
	free(daemon->reloaded);
	free(daemon->by_number);
}

/* syscalls(main): ev_signal_stop ev_loop_destroy */
void daemon_forget(struct daemon *daemon, const int *fds, unsigned count)
{
	directory_seal(&daemon->directory);
	ev_signal_stop(daemon->loop, &daemon->sigterm);
	ev_signal_stop(daemon->loop, &daemon->sigint);
	ev_signal_stop(daemon->loop, &daemon->sighup);
	ev_loop_destroy(daemon->loop);
	fd_keep(fds, count);
}
