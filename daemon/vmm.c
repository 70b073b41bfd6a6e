/* SPDX-License-Identifier: Apache-2.0 */
/* One VMM's connection: see vmm.h. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/fd_receive.h"
#include "daemon/fd_send.h"
#include "daemon/isolation.h"
#include "daemon/log.h"
#include "daemon/question.h"
#include "daemon/vmm.h"
#include "daemon/worker.h"

enum {
	VMM_BURST = 32,
	VMM_REFUSALS_LOGGED = 16,
	VMM_REMOVAL_TRIES = 4, /* of a second each: libgdbproxy gives up after 5, and comes anew */
};

static struct ev_loop *vmm_loop(struct vmm *vmm)
{
	return vmm->daemon->loop;
}

static const char *vmm_name(const struct vmm *vmm)
{
	return vmm->is_named ? vmm->lent.name : "a VMM";
}

/* ---- the worker -------------------------------------------------------------------------- */

/* It goes back to where it came from; who came by the VM's own socket, away. */
static void vmm_refuse(struct vmm *vmm, const struct control_debugger *debugger, int fd, int error)
{
	struct control_debugger back = *debugger;

	vmm->daemon->counts.debuggers_refused++;
	log_info("%s: cannot serve another debugger: %s", vmm_name(vmm), strerror(error));
	back.refusal = (uint32_t)error;
	if (debugger->talk.conversation.has_begun)
		daemon_return_debugger(vmm->daemon, &back, fd);
	else
		close(fd);
}

static void vmm_end(struct vmm *vmm);
static int vmm_answer(struct vmm *vmm, const struct handover_event *event);
static void vmm_end_removal(struct vmm *vmm);

static bool vmm_worker_is_lost(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == WORKER_LOST;
}

static void vmm_log_death(const struct vmm *vmm, int status)
{
	char death[ISOLATION_DEATH_SIZE];

	if (!vmm_worker_is_lost(status))
		log_warnx("%s: the worker died (%s)%s", vmm_name(vmm),
			isolation_describe_death(status, death),
			vmm->worker_job == WORKER_DEBUG ? "; taking back what it had planted" : "");
	else if (vmm->life == VMM_READY)
		log_warnx(
			"%s: a vCPU does not answer as it should: the VM is given back to its VMM",
			vmm_name(vmm));
}

static struct vmm *vmm_of_worker(struct service *worker)
{
	return (struct vmm *)((char *)worker - offsetof(struct vmm, worker));
}

static int vmm_start_worker(struct vmm *vmm, enum worker_job job)
{
	vmm->worker_job = job;
	return service_start(&vmm->worker);
}

/* Before anything that may start a worker. */
static bool vmm_can_be_debugged(struct vmm *vmm)
{
	if (!vmm->worker.pid)
		vmm->worker_job = WORKER_DEBUG;
	if (vmm->life != VMM_READY || vmm->daemon->is_ending)
		return false;
	store_set_at_work(&vmm->stored, true);
	return true;
}

static void vmm_show(struct vmm *vmm)
{
	store_set_at_work(&vmm->stored, vmm->worker.pid != 0);
	if (vmm->life == VMM_READY)
		directory_set_debugged(&vmm->daemon->directory, vmm->number, vmm->worker.pid != 0);
}

/* The last worker has ended: those who wait get the next one. */
static void vmm_serve_waiting(struct vmm *vmm)
{
	if (vmm_can_be_debugged(vmm))
		service_serve(&vmm->worker);
	else
		service_refuse_waiting(&vmm->worker, ESRCH);
	vmm_show(vmm);
}

/*
 * A worker that died, or has lost one of its vCPUs, has left them in the midst of it, parked for instance, and nobody
 * knows where.  So after its breakpoints the VM is given back as a whole: to the VMM that is the death of
 * a daemon, from which it recovers, and registers anew.
 */
static void vmm_on_worker_end(struct service *worker, int status)
{
	struct vmm *vmm = vmm_of_worker(worker);
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
	bool recovered = vmm->worker_job == WORKER_RECOVER;

	vmm_close_books(vmm, clean || vmm_worker_is_lost(status));
	if (!clean)
		vmm_log_death(vmm, status);
	if (!clean && !recovered && vmm->life == VMM_READY)
		recovered = vmm_start_worker(vmm, WORKER_RECOVER) < 0;
	if (!worker->pid)
		ctl_on_worker_end(&vmm->daemon->ctl, vmm);
	if (recovered)
		vmm_end(vmm);
	else if (clean && vmm->is_removing && vmm->life == VMM_READY)
		vmm_end_removal(vmm);
	if (!recovered && !worker->pid)
		vmm_serve_waiting(vmm);
	daemon_on_vmm_idle(vmm->daemon);
}

void vmm_give_back(struct vmm *vmm)
{
	store_set_at_work(&vmm->stored, true); /* the next main is not to keep it either */
	if (!vmm->is_named || !journal_count(&vmm->lent.journal) ||
		vmm_start_worker(vmm, WORKER_RECOVER) < 0)
		vmm_end(vmm);
}

static int vmm_run_worker(struct service *worker, int control_fd)
{
	struct vmm *vmm = vmm_of_worker(worker);
	struct worker_orders orders = {
		.lent = &vmm->lent,
		.number = vmm->number,
		.conf = &vmm->daemon->options->conf,
		.directory = &vmm->daemon->directory,
		.job = vmm->worker_job,
		.control_fd = control_fd,
	};
	int fds[1 + LENT_VM_MAX_FDS];

	fds[0] = control_fd;
	daemon_forget(vmm->daemon, fds, 1 + lent_vm_fds(&vmm->lent, fds + 1));
	return worker_main(&orders);
}

static void vmm_on_departure(
	struct service *worker, const struct control_debugger *debugger, int fd)
{
	daemon_return_debugger(vmm_of_worker(worker)->daemon, debugger, fd);
}

static void vmm_on_refusal(
	struct service *worker, const struct control_debugger *debugger, int fd, int error)
{
	vmm_refuse(vmm_of_worker(worker), debugger, fd, error);
}

static void vmm_on_start(struct service *worker)
{
	struct vmm *vmm = vmm_of_worker(worker);

	vmm->daemon->counts.workers_started++;
	vmm->is_unheard = false;
}

static void vmm_on_message(struct service *worker, const struct control_message *message)
{
	vmm_hear(vmm_of_worker(worker), &message->answer);
}

static const struct service_ops vmm_worker_ops = {
	.on_start = vmm_on_start,
	.on_message = vmm_on_message,
	.run = vmm_run_worker,
	.on_departure = vmm_on_departure,
	.on_refusal = vmm_on_refusal,
	.on_end = vmm_on_worker_end,
};

void vmm_attach(struct vmm *vmm, const struct control_debugger *debugger, int fd)
{
	int rc = vmm_can_be_debugged(vmm) ? service_give(&vmm->worker, debugger, fd) : -ESRCH;

	vmm->daemon->counts.debuggers_accepted += rc == 0;
	if (rc < 0)
		vmm_refuse(vmm, debugger, fd, -rc);
	vmm_show(vmm);
}

void vmm_detach(struct vmm *vmm)
{
	service_dismiss(&vmm->worker);
	service_refuse_waiting(&vmm->worker, ESRCH);
}

int vmm_start_debugging(struct vmm *vmm)
{
	return vmm_can_be_debugged(vmm) ? vmm_start_worker(vmm, WORKER_DEBUG) : -ESRCH;
}

bool vmm_undo(struct vmm *vmm)
{
	if (vmm->worker.pid)
		vmm_detach(vmm);
	else if (!vmm_planted(vmm) || vmm_start_worker(vmm, WORKER_RECOVER) < 0)
		return false;
	return true;
}

void vmm_kill_worker(struct vmm *vmm)
{
	if (!vmm->worker.pid)
		return;
	log_warnx("%s: the worker does not end", vmm_name(vmm));
	service_kill(&vmm->worker);
}

/* What the VMM says later concerns the worker's picture of the VM too. */
static void vmm_forward(
	struct vmm *vmm, const union handover_message *handover, const int *fds, unsigned count)
{
	struct control_message message = { .type = CONTROL_HANDOVER, .handover = *handover };
	int rc;

	if (vmm->worker_job == WORKER_RECOVER)
		return; /* it takes back what was planted, reads nothing, and the VM is given back then */
	message.is_process_memory = handover->header.type == HANDOVER_MEMORY_ADD && fds &&
				    lent_vm_is_process(&vmm->lent, handover->memory_add.gpa);
	rc = service_tell(&vmm->worker, &message, fds, count);

	if (rc == 0)
		return;
	if (!vmm->is_unheard)
		log_warnx("%s: the worker does not listen: %s", vmm_name(vmm), strerror(-rc));
	vmm->is_unheard = true;
	service_kill(&vmm->worker); /* what it believes of the VM is not so any more */
}

/* ---- taking memory away ------------------------------------------------------------------ */

static void vmm_end_removal(struct vmm *vmm)
{
	struct handover_event *event = &vmm->removal;

	vmm->is_removing = false;
	lent_vm_remove_memory(&vmm->lent, event->message.memory_remove.gpa);
	store_follow(&vmm->daemon->store, &vmm->stored, &event->message, &vmm->lent, vmm->io.fd);
	store_set_in_request(&vmm->stored, false);
	if (vmm_answer(vmm, event) < 0)
		vmm_end(vmm);
	else
		ev_io_start(vmm_loop(vmm), &vmm->io);
}

static void vmm_ask_after_removal(struct vmm *vmm);

/* Another one takes back what it has planted there. */
static void vmm_end_hoarder(struct vmm *vmm)
{
	log_warnx("%s: the worker does not let go of memory", vmm_name(vmm));
	service_kill(&vmm->worker);
}

/* A worker that has ended is vmm_on_worker_end()'s. */
static void vmm_on_removal_done(struct question *question, int result)
{
	struct vmm *vmm = (struct vmm *)((char *)question - offsetof(struct vmm, removal_done));

	if (vmm->life == VMM_ENDED || result == -ECONNRESET)
		return;
	if (result == 0)
		vmm_end_removal(vmm);
	else if (++vmm->removal_tries < VMM_REMOVAL_TRIES)
		vmm_ask_after_removal(vmm);
	else
		vmm_end_hoarder(vmm);
}

/* The worker answers when it has come to the end of what it was told before. */
static void vmm_ask_after_removal(struct vmm *vmm)
{
	int rc = question_ask(&vmm->removal_done, vmm, CONTROL_COUNT, 0, -1, vmm_on_removal_done);

	if (rc == -ESRCH) /* it is ending, and has its time for that */
		question_wait(&vmm->removal_done, vmm, vmm_on_removal_done);
	else if (rc < 0)
		vmm_end_hoarder(vmm);
}

/*
 * The VMM may do what it likes with the memory as soon as it is answered, so a worker must have taken its
 * breakpoints out of it by then, or, should it die, the one that recovers.  Until then nothing more is read.
 */
static void vmm_follow_memory_remove(struct vmm *vmm, const struct handover_event *event)
{
	vmm_forward(vmm, &event->message, NULL, 0);
	if (!vmm->worker.pid) {
		lent_vm_remove_memory(&vmm->lent, event->message.memory_remove.gpa);
		return;
	}
	vmm->removal = *event;
	vmm->removal_tries = 0;
	vmm->is_removing = true;
	ev_io_stop(vmm_loop(vmm), &vmm->io);
	if (vmm->worker_job != WORKER_RECOVER) /* which ends with the connection */
		vmm_ask_after_removal(vmm);
}

/* ---- the debuggers' socket --------------------------------------------------------------- */

static void vmm_on_debugger(struct listener *listener, int fd)
{
	struct control_debugger debugger = { .process = 0 };
	struct vmm *vmm = listener->owner;

	if (daemon_admits_debugger(vmm->daemon, fd))
		vmm_attach(vmm, &debugger, fd);
}

/* Default: one socket per VM in the runtime directory, named after the VM. */
static int vmm_address(
	const struct vmm *vmm, const char *name, struct listen_address *address, const char **wrong)
{
	char path[CONF_TEXT_SIZE + HANDOVER_NAME_SIZE + 8];

	snprintf(path, sizeof(path), "%s/%s.sock", vmm->daemon->options->conf.runtime_dir, name);
	return listen_address_parse(address, path, wrong);
}

static int vmm_listen(struct vmm *vmm)
{
	const struct conf *conf = &vmm->daemon->options->conf;
	char text[LISTEN_ADDRESS_TEXT_SIZE];
	struct listen_address address;
	const char *wrong;
	int rc = vmm_address(vmm, vmm->lent.name, &address, &wrong);

	if (rc == 0)
		rc = listener_start(&vmm->rsp_listener, vmm_loop(vmm), &address, SOCK_STREAM,
			conf->socket_mode, vmm_on_debugger, vmm);
	if (rc == 0) {
		listen_address_format(&address, text, sizeof(text));
		log_info("%s: %u vCPUs, debug it with: target remote %s", vmm_name(vmm),
			vmm->lent.vcpu_count, text);
	}
	return rc;
}

/* ---- following the handover -------------------------------------------------------------- */

static void vmm_follow_hello(struct vmm *vmm, struct handover_event *event)
{
	const struct handover_hello *hello = &event->message.hello;
	struct listen_address address;
	const char *wrong;
	int rc;

	if (vmm_address(vmm, hello->name, &address, &wrong) < 0) {
		handover_refuse(
			&vmm->handover, event, HANDOVER_BAD_NAME, "%s: %s", hello->name, wrong);
		return;
	}
	if (daemon_find_vm(vmm->daemon, hello->name) || daemon_listens_at(vmm->daemon, &address)) {
		handover_refuse(&vmm->handover, event, HANDOVER_NAME_TAKEN,
			"there is a VM named %s already, or a socket of the daemon's: give this "
			"one another name",
			hello->name);
		return;
	}
	rc = lent_vm_init(&vmm->lent, hello->name, vmm->lent.pid, vmm->lent.uid, hello->nr_vcpus);
	if (rc < 0) {
		lent_vm_fini(&vmm->lent);
		handover_refuse(&vmm->handover, event, HANDOVER_INTERNAL,
			"the daemon cannot keep another VM: %s", strerror(-rc));
		return;
	}
	vmm->is_named = true;
}

static void vmm_follow_memory_add(
	struct vmm *vmm, struct handover_event *event, int *fds, unsigned *count)
{
	const struct handover_memory_add *add = &event->message.memory_add;
	int fd = *count ? fds[0] : -1, rc = 0;

	*count = 0;
	if (fd < 0 && !vmm->daemon->options->conf.memory_without_fd)
		rc = -EPERM;
	if (rc == 0)
		rc = lent_vm_add_memory(&vmm->lent, add, fd);
	if (rc < 0) {
		handover_refuse(&vmm->handover, event, HANDOVER_DENIED,
			"memory without an fd cannot be reached in the VMM (%s): hand over a "
			"memfd, or see memory-without-fd in gdbproxy.conf(5)",
			strerror(-rc));
		return;
	}
	fd = vmm->lent.regions[vmm->lent.region_count - 1].fd;
	vmm_forward(vmm, &event->message, &fd, 1);
}

/* syscalls(main): time */
static void vmm_follow_ready(struct vmm *vmm, struct handover_event *event)
{
	int rc = vmm_listen(vmm);

	if (rc == -EADDRINUSE || rc == -ENOTSOCK) {
		handover_refuse(&vmm->handover, event, HANDOVER_NAME_TAKEN,
			"%s.sock in the runtime directory belongs to somebody else: give this VM "
			"another name",
			vmm->lent.name);
		return;
	}
	if (rc < 0) {
		handover_refuse(&vmm->handover, event, HANDOVER_INTERNAL,
			"the daemon cannot open a socket for this VM's debuggers: %s",
			strerror(-rc));
		return;
	}
	vmm->number = directory_add_at(
		&vmm->daemon->directory, vmm->wanted_number, vmm->lent.name, vmm->lent.vcpu_count);
	store_set_number(&vmm->stored, vmm->number);
	vmm->life = VMM_READY;
	vmm->since = time(NULL);
	vmm->is_boot_held = event->message.ready.flags & HANDOVER_READY_HOLD;
	daemon_enter_vm(vmm->daemon, vmm);
	vmm->daemon->counts.handovers_accepted++;
}

/* Does what an accepted request asks; takes what it keeps of fds out of them. */
static void vmm_follow(struct vmm *vmm, struct handover_event *event, int *fds, unsigned *count)
{
	union handover_message *message = &event->message;

	switch (message->header.type) {
	case HANDOVER_HELLO:
		vmm_follow_hello(vmm, event);
		break;
	case HANDOVER_MEMORY_ADD:
		vmm_follow_memory_add(vmm, event, fds, count);
		break;
	case HANDOVER_MEMORY_REMOVE:
		vmm_follow_memory_remove(vmm, event);
		break;
	case HANDOVER_VCPU:
		lent_vm_add_vcpu(&vmm->lent, message->vcpu.index, fds[0], fds[1]);
		*count = 0;
		break;
	case HANDOVER_READY:
		vmm_follow_ready(vmm, event);
		break;
	case HANDOVER_NOTICE:
		vmm_forward(vmm, message, NULL, 0);
		break;
	default:
		break;
	}
}

/* ---- the connection ---------------------------------------------------------------------- */

static void vmm_end(struct vmm *vmm)
{
	if (vmm->life == VMM_ENDED)
		return;
	if (vmm->life == VMM_READY)
		log_info("%s: gone", vmm_name(vmm));
	if (vmm->number)
		directory_hide(&vmm->daemon->directory, vmm->number);
	daemon_leave_vm(vmm->daemon, vmm);
	vmm->life = VMM_ENDED;
	question_cancel(&vmm->removal_done);
	ev_io_stop(vmm_loop(vmm), &vmm->io);
	close(vmm->io.fd);
	peer_process_unwatch(&vmm->process);
	listener_stop(&vmm->rsp_listener);
	service_refuse_waiting(&vmm->worker, ESRCH);
	store_drop(&vmm->daemon->store, &vmm->stored);
	if (vmm->is_named)
		lent_vm_fini(&vmm->lent); /* a dead VM's fds would keep its memory */
	daemon_on_vmm_idle(vmm->daemon);
}

/* The answer to HELLO brings the journal along, for reading. */
static int vmm_answer(struct vmm *vmm, const struct handover_event *event)
{
	struct handover_answer answer;
	int journal_fd = -1, rc;

	handover_answer_make(&vmm->handover, event, &answer);
	if (event->message.header.type == HANDOVER_HELLO && event->error == HANDOVER_OK)
		journal_fd = journal_share(&vmm->lent.journal);
	rc = fd_send(
		vmm->io.fd, &answer, sizeof(answer), &journal_fd, journal_fd >= 0, MSG_DONTWAIT);
	if (journal_fd >= 0)
		close(journal_fd);
	return rc;
}

int vmm_accept(struct vmm *vmm, const void *bytes, size_t length, int *fds, unsigned count,
	struct handover_event *event)
{
	struct handover_fds facts = { 0 };
	int rc;

	fd_inspect_all(fds, count, &facts);
	rc = handover_receive(&vmm->handover, bytes, length, &facts, event);
	if (rc == 0 && vmm->denied)
		handover_refuse(&vmm->handover, event, vmm->denied, "%s", vmm->denied_text);
	if (rc == 0 && event->error == HANDOVER_OK)
		vmm_follow(vmm, event, fds, &count);
	fd_close_all(fds, count);
	return rc;
}

/* One request: 1 done, 0 there is none, -errno the connection is to end. */
static int vmm_receive(struct vmm *vmm)
{
	uint8_t bytes[HANDOVER_MAX_BYTES];
	struct handover_event event;
	int fds[HANDOVER_MAX_FDS];
	unsigned count;
	ssize_t length;
	int rc;

	if (vmm->is_removing)
		return 0;
	length = fd_receive(vmm->io.fd, bytes, sizeof(bytes), fds, HANDOVER_MAX_FDS, &count);
	if (length == -EAGAIN)
		return 0;
	if (length <= 0)
		return length ? (int)length : -ECONNRESET;
	rc = vmm_accept(vmm, bytes, (size_t)length, fds, count, &event);
	if (vmm->is_removing)
		return 0;
	if (rc == 0 && event.error == HANDOVER_OK)
		store_follow(
			&vmm->daemon->store, &vmm->stored, &event.message, &vmm->lent, vmm->io.fd);
	vmm->daemon->counts.handovers_refused += event.error != HANDOVER_OK;
	if (event.error != HANDOVER_OK && vmm->denied != HANDOVER_DENIED &&
		vmm->refusals++ < VMM_REFUSALS_LOGGED)
		log_warnx("%s: %s refused: %s", vmm_name(vmm),
			handover_type_name(event.message.header.type), event.text);
	if (vmm_answer(vmm, &event) < 0 || rc < 0 || vmm->denied)
		return -EPROTO;
	return vmm->handover.state == HANDOVER_STATE_ENDED ? -ECONNRESET : 1;
}

static void vmm_on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct vmm *vmm = (struct vmm *)((char *)io - offsetof(struct vmm, io));
	int rc = 1;

	(void)loop;
	(void)events;
	store_set_in_request(&vmm->stored, true);
	for (int i = 0; i < VMM_BURST && rc > 0; i++)
		rc = vmm_receive(vmm);
	store_set_in_request(&vmm->stored, vmm->is_removing);
	if (rc < 0)
		vmm_end(vmm);
}

static void vmm_on_process_end(struct peer_process *process)
{
	struct vmm *vmm = (struct vmm *)((char *)process - offsetof(struct vmm, process));

	for (int i = 0; i < VMM_BURST && vmm->life != VMM_ENDED && vmm_receive(vmm) > 0; i++)
		; /* what it has said last */
	vmm_end(vmm);
}

struct vmm *vmm_create(struct daemon *daemon, int fd, const struct ucred *peer)
{
	struct vmm *vmm = calloc(1, sizeof(*vmm));

	if (!vmm) {
		close(fd);
		return NULL;
	}
	vmm->daemon = daemon;
	vmm->lent.pid = peer->pid;
	vmm->lent.uid = peer->uid;
	service_init(&vmm->worker, daemon->loop, &vmm_worker_ops);
	handover_init(&vmm->handover, &daemon->limits);
	ev_io_init(&vmm->io, vmm_on_readable, fd, EV_READ);
	ev_io_start(daemon->loop, &vmm->io);
	peer_process_watch(&vmm->process, daemon->loop, peer->pid, vmm_on_process_end);
	return vmm;
}

void vmm_deny(struct vmm *vmm, enum handover_error error, const char *text)
{
	vmm->denied = error;
	vmm->denied_text = text;
}

void vmm_destroy(struct vmm *vmm)
{
	daemon_leave_vm(vmm->daemon, vmm);
	question_fail_all(vmm);
	service_fini(&vmm->worker);
	if (vmm->number)
		directory_remove(&vmm->daemon->directory, vmm->number);
	peer_process_unwatch(&vmm->process);
	if (vmm->life != VMM_ENDED) {
		ev_io_stop(vmm_loop(vmm), &vmm->io);
		close(vmm->io.fd);
		listener_stop(&vmm->rsp_listener);
		store_forget(&vmm->stored);
		if (vmm->is_named)
			lent_vm_fini(&vmm->lent);
	}
	free(vmm);
}
