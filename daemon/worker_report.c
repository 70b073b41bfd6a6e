/* SPDX-License-Identifier: Apache-2.0 */
/* A guest under debug, for gdbproxyctl: see worker_report.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/json.h"
#include "daemon/worker_report.h"
#include "kvm/run_control.h"
#include "kvm/seat.h"

enum { REPORT_BUFFER = 65536, REPORT_LINE = 2048 };

/* The report on its way to the file. */
struct report {
	int fd;
	int error; /* the first, -errno */
	size_t total, length;
	char bytes[REPORT_BUFFER];
	char line[REPORT_LINE];
};

/* ---- writing ----------------------------------------------------------------------------- */

/* syscalls(worker): write */
static void report_flush(struct report *report)
{
	size_t done = 0;

	while (!report->error && done < report->length) {
		ssize_t n = write(report->fd, report->bytes + done, report->length - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			report->error = n ? -errno : -ENOSPC;
	}
	report->total += done;
	report->length = 0;
}

static void report_begin(struct report *report, struct json *json, const char *type)
{
	json_begin(json, report->line, sizeof(report->line));
	json_add_string(json, "type", type);
}

/* A line that does not fit is left out as a whole: they are all much shorter. */
static void report_end(struct report *report, struct json *json)
{
	int length = json_end(json);

	if (length < 0)
		return;
	if (report->length + (size_t)length > sizeof(report->bytes))
		report_flush(report);
	memcpy(report->bytes + report->length, report->line, (size_t)length);
	report->length += (size_t)length;
}

/* ---- vCPUs ------------------------------------------------------------------------------- */

static const char *report_vcpu_state(const struct vm *vm, const struct vcpu *vcpu)
{
	bool stopped = vm->non_stop ? run_is_at_rest(vcpu) : vm->state == VM_STOPPED;

	switch (vcpu->state) {
	case VCPU_PARKED:
		return stopped ? "stopped" : "held";
	case VCPU_LOST:
		return "gone";
	default:
		return vm->state == VM_STOPPED ? "late" : "running";
	}
}

static const char *report_wish(const struct vcpu *vcpu)
{
	switch (vcpu->wish.action) {
	case TARGET_CONTINUE:
		return "continue";
	case TARGET_STEP:
		return "step";
	case TARGET_STEP_RANGE:
		return "range";
	case TARGET_HALT:
		return "halt";
	default:
		return "stay";
	}
}

static bool report_knows(const struct vcpu *vcpu, uint32_t groups)
{
	return vcpu->state == VCPU_PARKED && (vcpu->cpu.valid & groups) == groups;
}

static void report_vcpu(struct report *report, struct vm *vm, const struct vcpu *vcpu)
{
	char mode[128] = "";
	struct json json;

	report_begin(report, &json, "vcpu");
	json_add_number(&json, "index", vcpu->index);
	json_add_string(&json, "state", report_vcpu_state(vm, vcpu));
	json_add_string(&json, "wish", report_wish(vcpu));
	if (report_knows(vcpu, CPU_STOP))
		json_add_address(&json, "pc", vm->arch->pc(&vcpu->cpu));
	if (report_knows(vcpu, CPU_STOP | CPU_MP)) {
		vm->arch->describe(&vcpu->cpu, mode, sizeof(mode));
		json_add_string(&json, "mode", mode);
	}
	report_end(report, &json);
}

/* ---- debuggers --------------------------------------------------------------------------- */

static const char *report_role(const struct vm *vm, const struct seat *seat)
{
	if (vm->non_stop)
		return "equal";
	if (!vm->driver)
		return "none";
	return vm->driver == seat ? "drives" : "observes";
}

static void report_ip(struct json *json, int family, const void *ip, in_port_t port)
{
	char host[INET6_ADDRSTRLEN] = "?", text[INET6_ADDRSTRLEN + 16];

	inet_ntop(family, ip, host, sizeof(host));
	snprintf(text, sizeof(text), family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, ntohs(port));
	json_add_string(json, "address", text);
}

/* By its address over TCP; who it is over a Unix socket. */
/* syscalls(worker): getpeername getsockopt */
static void report_peer(struct json *json, int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage room;
	} name = { .room = { .ss_family = AF_UNSPEC } };
	socklen_t name_length = sizeof(name), peer_length = sizeof(struct ucred);
	struct ucred peer;

	if (getpeername(fd, &name.any, &name_length) < 0)
		return;
	if (name.any.sa_family == AF_INET) {
		report_ip(json, AF_INET, &name.in.sin_addr, name.in.sin_port);
	} else if (name.any.sa_family == AF_INET6) {
		report_ip(json, AF_INET6, &name.in6.sin6_addr, name.in6.sin6_port);
	} else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_length) == 0) {
		json_add_number(json, "uid", peer.uid);
		json_add_number(json, "pid", (uint64_t)peer.pid);
	}
}

static void report_debugger(
	struct report *report, const struct vm *vm, const struct worker_report_debugger *debugger)
{
	struct json json;

	report_begin(report, &json, "debugger");
	json_add_number(&json, "number", debugger->seat->number + 1);
	json_add_string(&json, "role", report_role(vm, debugger->seat));
	json_add_bool(&json, "has_spoken", debugger->has_spoken);
	json_add_number(&json, "since", (uint64_t)debugger->since);
	report_peer(&json, debugger->fd);
	report_end(report, &json);
}

/* ---- breakpoints ------------------------------------------------------------------------- */

static void report_terms(struct json *json, const struct terms *terms)
{
	char owners[8 * VM_MAX_SEATS] = "";
	size_t length = 0;

	for (; terms && length < sizeof(owners); terms = terms->next)
		length += (size_t)snprintf(owners + length, sizeof(owners) - length, "%s%u",
			length ? "," : "", terms->seat + 1);
	json_add_string(json, "debuggers", owners);
}

static void report_hits(struct json *json, struct vm *vm, gva_t gva)
{
	const struct rule *rule = rule_find(&vm->rules, gva);

	json_add_number(json, "hits", rule ? rule->hits : 0);
}

static const char *report_where(struct vm *vm, const struct breakpoint *breakpoint)
{
	const struct plant *plant = plant_find(&vm->plants, breakpoint->gpa);

	if (breakpoint->gpa == BREAKPOINT_PENDING)
		return "waits";
	if (breakpoint->in_register)
		return "register";
	if (!plant)
		return "nowhere";
	return plant->lifted ? "lifted" : "memory";
}

static void report_breakpoint(
	struct report *report, struct vm *vm, const struct breakpoint *breakpoint)
{
	struct json json;

	report_begin(report, &json, "breakpoint");
	json_add_string(&json, "kind", breakpoint_type_name(TARGET_BREAK_SOFTWARE));
	json_add_address(&json, "address", breakpoint->gva);
	if (breakpoint->gpa != BREAKPOINT_PENDING)
		json_add_address(&json, "physical", breakpoint->gpa);
	json_add_string(&json, "where", report_where(vm, breakpoint));
	report_terms(&json, breakpoint->terms);
	report_hits(&json, vm, breakpoint->gva);
	report_end(report, &json);
}

static void report_point(struct report *report, struct vm *vm, unsigned index)
{
	const struct hardware_point *point = &vm->table.points[index];
	struct json json;

	report_begin(report, &json, "breakpoint");
	json_add_string(&json, "kind", breakpoint_type_name(point->type));
	json_add_address(&json, "address", point->gva);
	json_add_number(&json, "length", point->length);
	json_add_string(&json, "where", "register");
	report_terms(&json, vm->table.point_terms[index]);
	report_hits(&json, vm, point->gva);
	report_end(report, &json);
}

/* ---- exceptions -------------------------------------------------------------------------- */

static void report_exception(struct report *report, const struct exception_log_entry *entry)
{
	struct json json;

	report_begin(report, &json, "exception");
	json_add_string(&json, "kind", exception_log_name(entry));
	json_add_number(&json, "count", entry->count);
	json_add_number(&json, "last_vcpu", entry->last_vcpu);
	json_add_address(&json, "last_pc", entry->last_pc);
	report_end(report, &json);
}

/* ---- all of it --------------------------------------------------------------------------- */

static void report_all(struct report *report, struct vm *vm,
	const struct worker_report_debugger *debuggers, unsigned debugger_count)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		report_vcpu(report, vm, &vm->vcpus[i]);
	for (unsigned i = 0; i < debugger_count; i++)
		report_debugger(report, vm, &debuggers[i]);
	for (unsigned i = 0; i < vm->table.count; i++)
		report_breakpoint(report, vm, &vm->table.entries[i]);
	for (unsigned i = 0; i < vm->table.point_count; i++)
		report_point(report, vm, i);
	for (unsigned i = 0; i < vm->exceptions.count; i++)
		report_exception(report, &vm->exceptions.entries[i]);
	report_flush(report);
}

int worker_report_write(struct vm *vm, const struct worker_report_debugger *debuggers,
	unsigned debugger_count, int file_fd)
{
	struct report *report = malloc(sizeof(*report));
	int rc;

	if (!report)
		return -ENOMEM;
	report->fd = file_fd;
	report->error = 0;
	report->total = report->length = 0;
	report_all(report, vm, debuggers, debugger_count);
	rc = report->error ? report->error : (int)report->total;
	free(report);
	return rc;
}
