/* SPDX-License-Identifier: Apache-2.0 */
/* The socket for gdbproxyctl: see ctl.h. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/ctl.h"
#include "daemon/ctl_request.h"
#include "daemon/daemon.h"
#include "daemon/json.h"
#include "daemon/log.h"
#include "daemon/outlet.h"
#include "daemon/question.h"
#include "daemon/vmm.h"

enum {
	CTL_LINE = 1024, /* any line of main's */
	CTL_FILE_MAX =
		2 << 20, /* what a worker may answer: memory that is not taken until written */
	CTL_UNDO_TRIES = 3,
};

/* A worker that is to end has so much time beyond that for its vCPUs to stop. */
static const double ctl_undo_patience_s = 1.;

enum ctl_phase {
	CTL_READING,
	CTL_LISTING, /* VM by VM, from cursor on */
	CTL_WAITING, /* for a worker to answer, or to end */
	CTL_SHOWING, /* what main knows of the one VM */
	CTL_COPYING, /* then what its worker has written */
	CTL_ENDING,  /* then the last line */
	CTL_DONE,
};

struct ctl_client {
	struct ctl *ctl;
	struct outlet outlet;
	struct ucred peer;
	struct ctl_request request;
	enum ctl_phase phase;
	unsigned cursor; /* number of the VM listed last */
	struct question question;
	bool is_silent; /* the worker did not answer */
	int file_fd;    /* the worker's answer; -1 */
	size_t file_left;
	struct vmm *undoing; /* its worker is to end */
	struct ev_timer patience;
	unsigned tries; /* to end it by force */
	unsigned planted;
	char last[CTL_LINE]; /* the last line, once it is known */
};

static struct ctl_client *client_of(struct outlet *outlet)
{
	return (struct ctl_client *)((char *)outlet - offsetof(struct ctl_client, outlet));
}

/* ---- lines ------------------------------------------------------------------------------- */

static void client_begin_last(struct ctl_client *client, struct json *json, const char *type)
{
	json_begin(json, client->last, sizeof(client->last));
	json_add_string(json, "type", type);
}

/* The answer ends like this; code is one stable word. */
static void client_fail(struct ctl_client *client, const char *code, const char *text)
{
	struct json json;

	client_begin_last(client, &json, "error");
	json_add_string(&json, "code", code);
	json_add_string(&json, "text", text);
	json_end(&json);
	client->phase = CTL_ENDING;
}

static void client_succeed(struct ctl_client *client)
{
	struct json json;

	client_begin_last(client, &json, "end");
	json_end(&json);
	client->phase = CTL_ENDING;
}

static void client_fail_silent(struct ctl_client *client)
{
	client_fail(client, "silent",
		"the worker of this VM does not answer: gdbproxyctl undo ends it and takes back "
		"what it has planted");
}

static const char *ctl_state(const struct vmm *vmm)
{
	if (vmm->debuggers)
		return "debugged";
	return vmm->is_held || vmm->is_boot_held ? "held" : "free";
}

static int ctl_write_vm(const struct vmm *vmm, char *text, size_t size)
{
	struct json json;

	json_begin(&json, text, size);
	json_add_string(&json, "type", "vm");
	json_add_string(&json, "name", vmm->lent.name);
	json_add_number(&json, "number", vmm->number);
	json_add_number(&json, "vcpus", vmm->lent.vcpu_count);
	json_add_string(&json, "state", ctl_state(vmm));
	json_add_number(&json, "debuggers", vmm->debuggers);
	json_add_number(&json, "pid", (uint64_t)vmm->lent.pid);
	json_add_number(&json, "uid", vmm->lent.uid);
	json_add_number(&json, "since", (uint64_t)vmm->since);
	return json_end(&json);
}

static int ctl_write_counters(const struct vmm *vmm, char *text, size_t size)
{
	struct counts counts = vmm_counts(vmm);
	struct json json;

	json_begin(&json, text, size);
	json_add_string(&json, "type", "counters");
	json_add_number(&json, "runs", counts.runs);
	json_add_number(&json, "steps", counts.steps);
	json_add_number(&json, "stops", counts.stops);
	json_add_number(&json, "walks", counts.walks);
	json_add_number(&json, "hits", counts.hits);
	json_add_number(&json, "exceptions", counts_exceptions(&counts));
	json_add_number(&json, "sessions", counts.sessions);
	return json_end(&json);
}

static int ctl_write_worker(const struct vmm *vmm, bool is_silent, char *text, size_t size)
{
	struct json json;

	json_begin(&json, text, size);
	json_add_string(&json, "type", "worker");
	json_add_number(&json, "pid", (uint64_t)vmm->worker.pid);
	json_add_bool(&json, "answers", !is_silent);
	return json_end(&json);
}

/* ---- the answer -------------------------------------------------------------------------- */

static ssize_t client_produce_list(struct ctl_client *client, char *text, size_t room)
{
	struct daemon *daemon = client->ctl->daemon;
	size_t length = 0;

	while (length + CTL_LINE <= room) {
		struct vmm *vmm = daemon_next_vm(daemon, client->cursor);

		if (!vmm) {
			client_succeed(client);
			break;
		}
		client->cursor = vmm->number;
		length += (size_t)ctl_write_vm(vmm, text + length, CTL_LINE);
	}
	return length ? (ssize_t)length : -ENODATA;
}

static struct vmm *client_find_vm(const struct ctl_client *client)
{
	struct vmm *vmm = daemon_find_vm(client->ctl->daemon, client->request.name);

	return vmm && vmm->life == VMM_READY ? vmm : NULL;
}

/* All that main knows of it; it may have gone while its worker was asked. */
static ssize_t client_produce_vm(struct ctl_client *client, char *text, size_t room)
{
	const struct vmm *vmm = client_find_vm(client);
	int length;

	(void)room;
	if (!vmm) {
		client_fail(client, "no-such-vm", "the VM has gone");
		return -ENODATA;
	}
	length = ctl_write_vm(vmm, text, CTL_LINE);
	if (client->request.command == CTL_SHOW) {
		length += ctl_write_counters(vmm, text + length, CTL_LINE);
		if (vmm->worker.pid)
			length += ctl_write_worker(vmm, client->is_silent, text + length, CTL_LINE);
	}
	client->phase = CTL_COPYING;
	return length;
}

/* Into the file it was given, which cannot grow, the worker may write what it likes at any time. */
/* syscalls(main): read */
static ssize_t client_produce_file(struct ctl_client *client, char *text, size_t room)
{
	size_t wanted = client->file_left < room ? client->file_left : room;
	ssize_t n = client->file_fd < 0 || !wanted ? 0 : read(client->file_fd, text, wanted);

	if (n <= 0) {
		client_succeed(client);
		return -ENODATA;
	}
	client->file_left -= (size_t)n;
	return n;
}

static ssize_t client_produce_last(struct ctl_client *client, char *text)
{
	size_t length = strlen(client->last);

	memcpy(text, client->last, length);
	client->phase = CTL_DONE;
	return (ssize_t)length;
}

/* -ENODATA: nothing, and the phase is another one now. */
static ssize_t client_produce_phase(struct ctl_client *client, char *text, size_t room)
{
	switch (client->phase) {
	case CTL_LISTING:
		return client_produce_list(client, text, room);
	case CTL_SHOWING:
		return client_produce_vm(client, text, room);
	case CTL_COPYING:
		return client_produce_file(client, text, room);
	case CTL_ENDING:
		return client_produce_last(client, text);
	case CTL_DONE:
		return 0;
	default:
		return -EAGAIN;
	}
}

static ssize_t client_produce(struct outlet *outlet, char *text, size_t room)
{
	ssize_t n;

	do
		n = client_produce_phase(client_of(outlet), text, room);
	while (n == -ENODATA);
	return n;
}

/* ---- what the worker is asked for --------------------------------------------------------- */

static void client_close_file(struct ctl_client *client)
{
	if (client->file_fd >= 0)
		close(client->file_fd);
	client->file_fd = -1;
}

/* Room for the answer of a worker, which it can neither make longer nor cut. */
/* syscalls(main): fcntl ftruncate memfd_create */
static int client_open_file(struct ctl_client *client)
{
	int fd = memfd_create("gdbproxyd-answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, CTL_FILE_MAX) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	client->file_fd = fd;
	return 0;
}

/* Where the worker has left off writing the offset is now: ours is the same one. */
/* syscalls(main): lseek */
static void client_on_shown(struct question *question, int result)
{
	struct ctl_client *client =
		(struct ctl_client *)((char *)question - offsetof(struct ctl_client, question));
	const struct control_answer *answer = &question->answer;

	client->is_silent = result < 0;
	client->file_left = result < 0 || answer->result < 0 ? 0 : answer->length;
	if (client->file_left > CTL_FILE_MAX || lseek(client->file_fd, 0, SEEK_SET) < 0)
		client->file_left = 0;
	client->phase = CTL_SHOWING;
	outlet_go_on(&client->outlet);
}

static void client_on_obeyed(struct question *question, int result)
{
	struct ctl_client *client =
		(struct ctl_client *)((char *)question - offsetof(struct ctl_client, question));
	int answer = result < 0 ? result : question->answer.result;

	if (answer == -ETIMEDOUT)
		client_fail_silent(client);
	else if (answer == -ENOENT && client->request.debugger)
		client_fail(client, "no-such-debugger",
			"no debugger has that number: gdbproxyctl show has their numbers");
	else if (answer == -ENOENT)
		client_fail(client, "not-debugged", "nobody debugs this VM");
	else if (answer == -EBUSY)
		client_fail(client, "debugged",
			"somebody debugs this VM, and it is theirs to resume: gdbproxyctl detach "
			"ends that");
	else if (answer < 0 && answer != -ECONNRESET)
		client_fail(client, "failed", strerror(-answer));
	else
		client_succeed(client);
	outlet_go_on(&client->outlet);
}

/* rc of question_ask(). */
static void client_await(struct ctl_client *client, int rc)
{
	client->phase = CTL_WAITING;
	if (rc == -EAGAIN)
		client_fail_silent(client);
	else if (rc == -ESRCH)
		client_fail(client, "busy",
			"the worker of this VM is just ending: try again in a moment");
	else if (rc < 0)
		client_fail(client, "failed", strerror(-rc));
}

static void client_show(struct ctl_client *client, struct vmm *vmm)
{
	int rc = 0;

	client->phase = CTL_SHOWING;
	if (!vmm->worker.pid)
		return;
	rc = client_open_file(client);
	if (rc == 0)
		rc = question_ask(
			&client->question, vmm, CONTROL_SHOW, 0, client->file_fd, client_on_shown);
	client->is_silent = rc < 0;
	if (rc == 0)
		client->phase = CTL_WAITING;
}

static void client_detach(struct ctl_client *client, struct vmm *vmm)
{
	if (!vmm->worker.pid)
		client_fail(client, "not-debugged", "nobody debugs this VM");
	else
		client_await(client, question_ask(&client->question, vmm, CONTROL_DETACH,
					     client->request.debugger, -1, client_on_obeyed));
}

/* A VM that waits for its first debugger has no worker yet: it gets one, for this. */
static void client_resume(struct ctl_client *client, struct vmm *vmm)
{
	int rc = vmm->worker.pid || !vmm->is_boot_held ? 0 : vmm_start_debugging(vmm);

	if (rc == 0 && !vmm->worker.pid)
		client_succeed(client);
	else if (rc == 0)
		client_await(client, question_ask(&client->question, vmm, CONTROL_RESUME, 0, -1,
					     client_on_obeyed));
	else
		client_fail(client, "failed", strerror(-rc));
}

/* ---- undoing ----------------------------------------------------------------------------- */

static struct ev_loop *client_loop(const struct ctl_client *client)
{
	return client->ctl->daemon->loop;
}

static void client_on_undone(struct ctl_client *client, unsigned left)
{
	struct json json;

	ev_timer_stop(client_loop(client), &client->patience);
	client->undoing = NULL;
	if (left) {
		client_fail(client, "failed",
			"bytes that were planted could not be taken back: the memory of the VM "
			"is not there any more");
		return;
	}
	client_begin_last(client, &json, "end");
	json_add_number(&json, "undone", client->planted);
	json_add_bool(&json, "by_force", client->tries > 0);
	json_end(&json);
	client->phase = CTL_ENDING;
}

/* syscalls(main): ev_timer_start */
static void client_set_patience(struct ctl_client *client)
{
	const struct conf *conf = &client->ctl->daemon->options->conf;

	ev_timer_stop(client_loop(client), &client->patience);
	ev_timer_set(&client->patience, conf->stop_timeout_ms / 1000. + ctl_undo_patience_s, 0.);
	ev_timer_start(client_loop(client), &client->patience);
}

static void client_on_patience_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct ctl_client *client =
		(struct ctl_client *)((char *)timer - offsetof(struct ctl_client, patience));

	(void)loop;
	(void)events;
	if (client->tries++ == CTL_UNDO_TRIES) {
		client->undoing = NULL;
		client_fail(client, "failed", "the worker of this VM cannot be ended");
		outlet_go_on(&client->outlet);
		return;
	}
	vmm_kill_worker(client->undoing);
	client_set_patience(client);
}

static void client_undo(struct ctl_client *client, struct vmm *vmm)
{
	client->planted = vmm_planted(vmm);
	if (!vmm_undo(vmm)) {
		client_on_undone(client, vmm_planted(vmm));
		return;
	}
	client->undoing = vmm;
	client->phase = CTL_WAITING;
	client_set_patience(client);
}

void ctl_on_worker_end(struct ctl *ctl, struct vmm *vmm)
{
	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++) {
		struct ctl_client *client = ctl->clients[i];

		if (!client || client->undoing != vmm)
			continue;
		client_on_undone(client, vmm_planted(vmm));
		outlet_go_on(&client->outlet);
	}
}

/* ---- the request ------------------------------------------------------------------------- */

static void client_log(const struct ctl_client *client)
{
	static const char *const names[] = {
		[CTL_LIST] = "list",
		[CTL_SHOW] = "show",
		[CTL_DETACH] = "detach",
		[CTL_RESUME] = "resume",
		[CTL_UNDO] = "undo",
	};
	const struct ctl_request *request = &client->request;

	if (request->command == CTL_LIST || request->command == CTL_SHOW)
		return;
	log_info("%s: gdbproxyctl %s, by uid %u, pid %d", request->name, names[request->command],
		client->peer.uid, (int)client->peer.pid);
}

static void client_obey(struct ctl_client *client, struct vmm *vmm)
{
	client_log(client);
	switch (client->request.command) {
	case CTL_LIST:
		client->phase = CTL_SHOWING;
		break;
	case CTL_SHOW:
		client_show(client, vmm);
		break;
	case CTL_DETACH:
		client_detach(client, vmm);
		break;
	case CTL_RESUME:
		client_resume(client, vmm);
		break;
	case CTL_UNDO:
		client_undo(client, vmm);
		break;
	}
}

static bool client_on_request(struct outlet *outlet, const char *bytes, size_t length)
{
	struct ctl_client *client = client_of(outlet);
	char error[CTL_ERROR_SIZE];
	int rc = ctl_request_parse(&client->request, bytes, length, error);
	struct vmm *vmm;

	if (rc == 0)
		return false;
	vmm = rc < 0 ? NULL : client_find_vm(client);
	if (rc < 0)
		client_fail(client, "request", error);
	else if (!client->request.name[0])
		client->phase = CTL_LISTING;
	else if (!vmm)
		client_fail(client, "no-such-vm",
			"there is no VM of that name: gdbproxyctl list has them all");
	else
		client_obey(client, vmm);
	return true;
}

/* ---- life -------------------------------------------------------------------------------- */

static void client_free(struct ctl_client *client)
{
	question_cancel(&client->question);
	ev_timer_stop(client_loop(client), &client->patience);
	client_close_file(client);
	free(client);
}

static void client_on_end(struct outlet *outlet)
{
	struct ctl_client *client = client_of(outlet);
	struct ctl *ctl = client->ctl;

	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++)
		if (ctl->clients[i] == client)
			ctl->clients[i] = NULL;
	client_free(client);
}

static const struct outlet_ops client_ops = {
	.on_request = client_on_request,
	.produce = client_produce,
	.on_end = client_on_end,
};

static bool ctl_allows(const struct ctl *ctl, uid_t uid)
{
	return conf_uids_have(&ctl->daemon->options->conf.control_uid, uid);
}

/* It is told, if it is quick enough to hear it. */
/* syscalls(main): send shutdown */
static void ctl_refuse(int fd, const char *text)
{
	char line[CTL_LINE];
	struct json json;
	int length;

	json_begin(&json, line, sizeof(line));
	json_add_string(&json, "type", "error");
	json_add_string(&json, "code", "refused");
	json_add_string(&json, "text", text);
	length = json_end(&json);
	if (length > 0)
		send(fd, line, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	close(fd);
}

static struct ctl_client **ctl_find_place(struct ctl *ctl)
{
	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++)
		if (!ctl->clients[i])
			return &ctl->clients[i];
	return NULL;
}

/* syscalls(main): getsockopt */
static void ctl_on_client(struct listener *listener, int fd)
{
	struct ctl *ctl = listener->owner;
	struct ctl_client **place = ctl_find_place(ctl);
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	if (!ctl_allows(ctl, peer.uid)) {
		log_warnx("gdbproxyctl by uid %u, pid %d: refused, see control-uid in "
			  "gdbproxy.conf",
			peer.uid, (int)peer.pid);
		ctl_refuse(fd, "this user may not do that: see control-uid in gdbproxy.conf");
		return;
	}
	if (place)
		*place = calloc(1, sizeof(**place));
	if (!place || !*place) {
		ctl_refuse(fd, "the daemon serves too many at once: try again in a moment");
		return;
	}
	(*place)->ctl = ctl;
	(*place)->peer = peer;
	(*place)->file_fd = -1;
	(*place)->outlet.ops = &client_ops;
	ev_timer_init(&(*place)->patience, client_on_patience_over, 0., 0.);
	outlet_start(&(*place)->outlet, ctl->daemon->loop, fd);
}

int ctl_start(struct ctl *ctl, struct daemon *daemon)
{
	const struct options *options = daemon->options;

	ctl->daemon = daemon;
	if (!options->control_socket.length)
		return 0;
	return listeners_start_one(&ctl->listener, daemon->loop, "gdbproxyctl",
		&options->control_socket, SOCK_STREAM, options->conf.control_socket_mode,
		ctl_on_client, ctl);
}

static void ctl_drop_clients(struct ctl *ctl)
{
	for (unsigned i = 0; i < CTL_CLIENTS_MAX; i++) {
		if (!ctl->clients[i])
			continue;
		outlet_stop(&ctl->clients[i]->outlet);
		client_free(ctl->clients[i]);
		ctl->clients[i] = NULL;
	}
}

void ctl_stop(struct ctl *ctl)
{
	ctl_drop_clients(ctl);
	listener_stop(&ctl->listener);
}
