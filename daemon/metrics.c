/* SPDX-License-Identifier: Apache-2.0 */
/* The socket where Prometheus reads: see metrics.h. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/daemon.h"
#include "daemon/http_request.h"
#include "daemon/metrics.h"
#include "daemon/outlet.h"
#include "daemon/prometheus.h"
#include "daemon/version.h"
#include "daemon/vmm.h"

enum { METRICS_VM_SIZE = 2048 }; /* of one family's samples of one VM, at most */

static const double metrics_patience_s = 0.5;

enum metrics_phase { METRICS_READING, METRICS_WAITING, METRICS_HEAD, METRICS_BODY, METRICS_DONE };

struct metrics_client {
	struct metrics *metrics;
	struct outlet outlet;
	enum metrics_phase phase;
	int status;
	unsigned family; /* whose samples are next */
	bool has_head;   /* its comment lines are written */
	unsigned cursor; /* number of the VM whose samples came last */
};

/* ---- what there is to read --------------------------------------------------------------- */

enum metrics_scope {
	METRICS_OF_DAEMON,
	METRICS_OF_VM,
	METRICS_OF_EXCEPTIONS, /* of a VM, by kind */
	METRICS_OF_BUILD,
};

struct metrics_family {
	const char *name, *type, *help;
	enum metrics_scope scope;
	uint64_t (*of_daemon)(const struct daemon *daemon);
	uint64_t (*of_vm)(const struct vmm *vmm, const struct counts *counts);
};

#define OF_DAEMON(name, expression)                                                                \
	static uint64_t metrics_##name(const struct daemon *daemon)                                \
	{                                                                                          \
		return expression;                                                                 \
	}
#define OF_VM(name, expression)                                                                    \
	static uint64_t metrics_vm_##name(const struct vmm *vmm, const struct counts *counts)      \
	{                                                                                          \
		(void)vmm;                                                                         \
		(void)counts;                                                                      \
		return expression;                                                                 \
	}

static uint64_t metrics_count(const struct daemon *daemon, bool with_worker)
{
	uint64_t count = 0;

	for (const struct vmm *vmm = daemon_next_vm(daemon, 0); vmm;
		vmm = daemon_next_vm(daemon, vmm->number))
		count += !with_worker || vmm->worker.pid;
	return count;
}

OF_DAEMON(vms, metrics_count(daemon, false))
OF_DAEMON(workers, metrics_count(daemon, true))
OF_DAEMON(handovers_accepted, daemon->counts.handovers_accepted)
OF_DAEMON(handovers_refused, daemon->counts.handovers_refused)
OF_DAEMON(workers_started, daemon->counts.workers_started)
OF_DAEMON(workers_died, daemon->counts.workers_died)
OF_DAEMON(debuggers_accepted, daemon->counts.debuggers_accepted)
OF_DAEMON(debuggers_refused, daemon->counts.debuggers_refused)
OF_VM(vcpus, vmm->lent.vcpu_count)
OF_VM(debuggers, vmm->debuggers)
OF_VM(held, vmm->is_held || vmm->is_boot_held)
OF_VM(runs, counts->runs)
OF_VM(steps, counts->steps)
OF_VM(stops, counts->stops)
OF_VM(walks, counts->walks)
OF_VM(hits, counts->hits)
OF_VM(sessions, counts->sessions)

static const struct metrics_family metrics_families[] = {
	{ "gdbproxyd_build_info", "gauge", "Always 1; which version this is.", METRICS_OF_BUILD,
		NULL, NULL },
	{ "gdbproxyd_vms", "gauge", "VMs that can be debugged.", METRICS_OF_DAEMON, metrics_vms,
		NULL },
	{ "gdbproxyd_workers", "gauge", "Worker processes.", METRICS_OF_DAEMON, metrics_workers,
		NULL },
	{ "gdbproxyd_handovers_accepted_total", "counter", "VMs that were handed over.",
		METRICS_OF_DAEMON, metrics_handovers_accepted, NULL },
	{ "gdbproxyd_handovers_refused_total", "counter",
		"Requests of VMMs that were refused, and VMMs that were sent away.",
		METRICS_OF_DAEMON, metrics_handovers_refused, NULL },
	{ "gdbproxyd_workers_started_total", "counter", "Worker processes that were started.",
		METRICS_OF_DAEMON, metrics_workers_started, NULL },
	{ "gdbproxyd_workers_died_total", "counter",
		"Worker processes that ended otherwise than they should.", METRICS_OF_DAEMON,
		metrics_workers_died, NULL },
	{ "gdbproxyd_debuggers_accepted_total", "counter", "Debuggers that came to a VM.",
		METRICS_OF_DAEMON, metrics_debuggers_accepted, NULL },
	{ "gdbproxyd_debuggers_refused_total", "counter", "Debuggers that were sent away.",
		METRICS_OF_DAEMON, metrics_debuggers_refused, NULL },
	{ "gdbproxyd_vm_vcpus", "gauge", "vCPUs of a VM.", METRICS_OF_VM, NULL, metrics_vm_vcpus },
	{ "gdbproxyd_vm_debuggers", "gauge", "Debuggers that are connected to a VM.", METRICS_OF_VM,
		NULL, metrics_vm_debuggers },
	{ "gdbproxyd_vm_held", "gauge", "1 while a VM waits for a debugger and nobody is there.",
		METRICS_OF_VM, NULL, metrics_vm_held },
	{ "gdbproxyd_vm_runs_total", "counter", "Runs of vCPUs, from being let go to a stop.",
		METRICS_OF_VM, NULL, metrics_vm_runs },
	{ "gdbproxyd_vm_steps_total", "counter", "Single instructions among the runs.",
		METRICS_OF_VM, NULL, metrics_vm_steps },
	{ "gdbproxyd_vm_stops_total", "counter", "Stops that debuggers were told.", METRICS_OF_VM,
		NULL, metrics_vm_stops },
	{ "gdbproxyd_vm_page_walks_total", "counter", "Walks of a guest's page tables.",
		METRICS_OF_VM, NULL, metrics_vm_walks },
	{ "gdbproxyd_vm_breakpoint_hits_total", "counter",
		"Hits of breakpoints and watchpoints whose conditions held.", METRICS_OF_VM, NULL,
		metrics_vm_hits },
	{ "gdbproxyd_vm_sessions_total", "counter", "Debuggers that were let in.", METRICS_OF_VM,
		NULL, metrics_vm_sessions },
	{ "gdbproxyd_vm_exceptions_total", "counter",
		"Debug exceptions of a guest's own that it was given back, by kind.",
		METRICS_OF_EXCEPTIONS, NULL, NULL },
};

enum { METRICS_FAMILIES = sizeof(metrics_families) / sizeof(metrics_families[0]) };

/* ---- the answer -------------------------------------------------------------------------- */

static size_t metrics_add(size_t length, int more)
{
	return more < 0 ? length : length + (size_t)more;
}

static size_t metrics_write_exceptions(
	const struct vmm *vmm, const struct counts *counts, const char *name, char *text)
{
	size_t length = 0;

	for (unsigned i = 0; i < COUNTS_EXCEPTIONS; i++) {
		struct prometheus_label labels[] = {
			{ "vm", vmm->lent.name },
			{ "kind", counts_exception_name(i) },
		};

		length = metrics_add(
			length, prometheus_write_sample(text + length, METRICS_VM_SIZE - length,
					name, labels, 2, counts->exceptions[i]));
	}
	return length;
}

/* One VM's samples of a family. */
static size_t metrics_write_vm(
	const struct metrics_family *family, const struct vmm *vmm, char *text)
{
	struct prometheus_label label = { "vm", vmm->lent.name };
	struct counts counts = vmm_counts(vmm);

	if (family->scope == METRICS_OF_EXCEPTIONS)
		return metrics_write_exceptions(vmm, &counts, family->name, text);
	return metrics_add(0, prometheus_write_sample(text, METRICS_VM_SIZE, family->name, &label,
				      1, family->of_vm(vmm, &counts)));
}

/* What comes before the samples of VMs: comments, and the sample of one that is the daemon's. */
static size_t metrics_write_head(
	const struct metrics_family *family, const struct daemon *daemon, char *text)
{
	struct prometheus_label version = { "version", GDBPROXYD_VERSION };
	size_t length = metrics_add(0, prometheus_write_head(text, METRICS_VM_SIZE, family->name,
					       family->type, family->help));

	if (family->scope == METRICS_OF_DAEMON)
		length = metrics_add(
			length, prometheus_write_sample(text + length, METRICS_VM_SIZE - length,
					family->name, NULL, 0, family->of_daemon(daemon)));
	if (family->scope == METRICS_OF_BUILD)
		length = metrics_add(
			length, prometheus_write_sample(text + length, METRICS_VM_SIZE - length,
					family->name, &version, 1, 1));
	return length;
}

/* The next VM of this family; NULL: there is none, go on with the next family. */
static const struct vmm *client_next_vm(
	struct metrics_client *client, const struct metrics_family *family)
{
	bool has_vms = family->scope == METRICS_OF_VM || family->scope == METRICS_OF_EXCEPTIONS;
	const struct vmm *vmm =
		has_vms ? daemon_next_vm(client->metrics->daemon, client->cursor) : NULL;

	client->cursor = vmm ? vmm->number : 0;
	if (!vmm) {
		client->family++;
		client->has_head = false;
	}
	return vmm;
}

/* One step: 0 may mean nothing this time. */
static size_t client_write_step(struct metrics_client *client, char *text)
{
	const struct metrics_family *family = &metrics_families[client->family];
	const struct vmm *vmm;

	if (!client->has_head) {
		client->has_head = true;
		client->cursor = 0;
		return metrics_write_head(family, client->metrics->daemon, text);
	}
	vmm = client_next_vm(client, family);
	return vmm ? metrics_write_vm(family, vmm, text) : 0;
}

static ssize_t client_produce_body(struct metrics_client *client, char *text, size_t room)
{
	size_t length = 0;

	while (client->family < METRICS_FAMILIES && length + METRICS_VM_SIZE <= room)
		length += client_write_step(client, text + length);
	return (ssize_t)length;
}

static ssize_t client_produce_head(struct metrics_client *client, char *text, size_t room)
{
	int status = client->status;

	client->phase = status == 200 ? METRICS_BODY : METRICS_DONE;
	return snprintf(text, room,
		"HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%sConnection: close\r\n\r\n%s", status,
		http_status_words(status), status == 200 ? PROMETHEUS_CONTENT_TYPE : "text/plain",
		status == 405 ? "Allow: GET\r\n" : "",
		status == 200 ? "" : "there is /metrics, by GET, and nothing else\n");
}

static struct metrics_client *client_of(struct outlet *outlet)
{
	return (struct metrics_client *)((char *)outlet - offsetof(struct metrics_client, outlet));
}

static ssize_t client_produce(struct outlet *outlet, char *text, size_t room)
{
	struct metrics_client *client = client_of(outlet);

	switch (client->phase) {
	case METRICS_HEAD:
		return client_produce_head(client, text, room);
	case METRICS_BODY:
		return client_produce_body(client, text, room);
	case METRICS_DONE:
		return 0;
	default:
		return -EAGAIN;
	}
}

/* ---- asking all workers ------------------------------------------------------------------ */

static void metrics_end_round(struct metrics *metrics)
{
	ev_timer_stop(metrics->daemon->loop, &metrics->patience);
	metrics->awaited = 0;
	for (unsigned i = 0; i < METRICS_CLIENTS_MAX; i++) {
		struct metrics_client *client = metrics->clients[i];

		if (!client || client->phase != METRICS_WAITING)
			continue;
		client->phase = METRICS_HEAD;
		outlet_go_on(&client->outlet);
	}
}

static void metrics_on_patience_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	metrics_end_round((struct metrics *)((char *)timer - offsetof(struct metrics, patience)));
}

void metrics_on_answer(struct metrics *metrics, uint32_t question)
{
	if (question && question == metrics->round && metrics->awaited && !--metrics->awaited)
		metrics_end_round(metrics);
}

/* Who comes while one is under way waits for the same answers. */
/* syscalls(main): ev_timer_start */
static void metrics_begin_round(struct metrics *metrics)
{
	struct daemon *daemon = metrics->daemon;
	struct control_ask ask = { .order = CONTROL_COUNT };

	if (metrics->awaited)
		return;
	ask.id = metrics->round = daemon_next_question(daemon);
	for (struct vmm *vmm = daemon_next_vm(daemon, 0); vmm;
		vmm = daemon_next_vm(daemon, vmm->number))
		metrics->awaited += service_ask(&vmm->worker, &ask, -1) == 0;
	ev_timer_set(&metrics->patience, metrics_patience_s, 0.);
	if (metrics->awaited)
		ev_timer_start(daemon->loop, &metrics->patience);
}

/* ---- the request ------------------------------------------------------------------------- */

static bool client_on_request(struct outlet *outlet, const char *bytes, size_t length)
{
	struct metrics_client *client = client_of(outlet);

	client->status = http_request_judge(bytes, length, "/metrics");
	if (!client->status && length == OUTLET_REQUEST_MAX)
		client->status = 431;
	if (!client->status)
		return false;
	client->phase = METRICS_HEAD;
	if (client->status == 200) {
		metrics_begin_round(client->metrics);
		client->phase = client->metrics->awaited ? METRICS_WAITING : METRICS_HEAD;
	}
	return true;
}

/* ---- life -------------------------------------------------------------------------------- */

static void client_on_end(struct outlet *outlet)
{
	struct metrics_client *client = client_of(outlet);
	struct metrics *metrics = client->metrics;

	for (unsigned i = 0; i < METRICS_CLIENTS_MAX; i++)
		if (metrics->clients[i] == client)
			metrics->clients[i] = NULL;
	free(client);
}

static const struct outlet_ops client_ops = {
	.on_request = client_on_request,
	.produce = client_produce,
	.on_end = client_on_end,
};

static void metrics_on_client(struct listener *listener, int fd)
{
	struct metrics *metrics = listener->owner;
	unsigned i = 0;

	while (i < METRICS_CLIENTS_MAX && metrics->clients[i])
		i++;
	if (i < METRICS_CLIENTS_MAX)
		metrics->clients[i] = calloc(1, sizeof(*metrics->clients[i]));
	if (i == METRICS_CLIENTS_MAX || !metrics->clients[i]) {
		close(fd);
		return;
	}
	metrics->clients[i]->metrics = metrics;
	metrics->clients[i]->outlet.ops = &client_ops;
	outlet_start(&metrics->clients[i]->outlet, metrics->daemon->loop, fd);
}

int metrics_start(struct metrics *metrics, struct daemon *daemon)
{
	const struct options *options = daemon->options;

	metrics->daemon = daemon;
	ev_timer_init(&metrics->patience, metrics_on_patience_over, 0., 0.);
	if (!options->metrics_socket.length)
		return 0;
	return listeners_start_one(&metrics->listener, daemon->loop, "Prometheus",
		&options->metrics_socket, SOCK_STREAM, options->conf.metrics_socket_mode,
		metrics_on_client, metrics);
}

static void metrics_drop_clients(struct metrics *metrics)
{
	if (metrics->daemon)
		ev_timer_stop(metrics->daemon->loop, &metrics->patience);
	for (unsigned i = 0; i < METRICS_CLIENTS_MAX; i++) {
		if (!metrics->clients[i])
			continue;
		outlet_stop(&metrics->clients[i]->outlet);
		free(metrics->clients[i]);
		metrics->clients[i] = NULL;
	}
}

void metrics_stop(struct metrics *metrics)
{
	metrics_drop_clients(metrics);
	listener_stop(&metrics->listener);
}
