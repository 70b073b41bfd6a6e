/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the configuration. What a kind of value looks like is conf_type.c's business. */
#include "conf/conf_table.h"

#include <string.h>

#define FIELD(name) offsetof(struct conf, name), sizeof(((struct conf *)NULL)->name)

static const char *const log_level_words[] = { "error", "warning", "info", "debug", NULL };
static const char *const on_worker_death_words[] = { "resume", "hold", NULL };
static const char *const log_format_words[] = { "text", "json", NULL };

/* The handover passes fds, so only a Unix socket will do. */
static int check_vcpu_socket(const char *text, struct conf_error *error)
{
	if (strchr(text, '/'))
		return 0;
	return conf_error_set(
		error, "must be the path of a Unix socket and contain a '/', not '%s'", text);
}

/* Sockets of this machine alone, or not at all. */
static int check_own_socket(const char *text, struct conf_error *error)
{
	if (strchr(text, '/') || strcmp(text, "none") == 0)
		return 0;
	return conf_error_set(error,
		"must be 'none' or the path of a Unix socket and contain a '/', not '%s'", text);
}

static const struct conf_key conf_keys[] = {
	{ "vcpu-socket", &conf_type_text, FIELD(vcpu_socket),
		.fallback_doc = "RUNTIME-DIR/vcpu.sock", .check = check_vcpu_socket,
		.at_start = true, .doc = "Unix socket where VMMs hand over their vCPUs" },
	{ "vcpu-socket-mode", &conf_type_mode, FIELD(vcpu_socket_mode), .fallback = "0600",
		.at_start = true, .doc = "permissions of that socket, octal" },
	{ "listen", &conf_type_listen, FIELD(listen), .fallback_doc = "none", .repeats = true,
		.doc = "address for debuggers besides the socket of each VM; may be repeated" },
	{ "runtime-dir", &conf_type_text, FIELD(runtime_dir), .fallback_doc = "/run/gdbproxyd",
		.at_start = true, .doc = "directory of the sockets of the VMs" },
	{ "socket-mode", &conf_type_mode, FIELD(socket_mode), .fallback = "0600",
		.doc = "permissions of the Unix sockets for debuggers, octal" },
	{ "allow-remote", &conf_type_switch, FIELD(allow_remote), .fallback = "no",
		.doc = "whether a TCP address may be other than loopback" },
	{ "log-level", &conf_type_choice, FIELD(log_level), .fallback = "info",
		.words = log_level_words, .doc = "what is logged: error, warning, info or debug" },
	{ "log-format", &conf_type_choice, FIELD(log_format), .fallback = "text",
		.words = log_format_words, .doc = "lines for people, text, or for programs, json" },
	{ "packet-trace", &conf_type_switch, FIELD(packet_trace), .fallback = "no",
		.doc = "whether every packet of every debugger is logged, at level info" },
	{ "stop-timeout-ms", &conf_type_number, FIELD(stop_timeout_ms), .fallback = "2000",
		.min = 10, .max = 60000, .doc = "how long a vCPU may take to stop, milliseconds" },
	{ "max-vms", &conf_type_number, FIELD(max_vms), .fallback = "1024", .min = 1,
		.max = CONF_VMS_MAX, .doc = "how many VMs may be handed over at a time" },
	{ "max-vcpus", &conf_type_number, FIELD(max_vcpus), .fallback = "256", .min = 1,
		.max = 1024, .doc = "how many vCPUs one VM may have" },
	{ "allow-uid", &conf_type_uids, FIELD(allow_uid),
		.fallback_doc = "root and the daemon's own user",
		.doc = "users, by number or name, who may hand over VMs" },
	{ "control-socket", &conf_type_text, FIELD(control_socket),
		.fallback_doc = "RUNTIME-DIR/control.sock", .check = check_own_socket,
		.at_start = true, .doc = "Unix socket for gdbproxyctl, or none" },
	{ "control-socket-mode", &conf_type_mode, FIELD(control_socket_mode), .fallback = "0600",
		.at_start = true, .doc = "permissions of that socket, octal" },
	{ "control-uid", &conf_type_uids, FIELD(control_uid),
		.fallback_doc = "root and the daemon's own user",
		.doc = "users, by number or name, who may use gdbproxyctl" },
	{ "metrics-socket", &conf_type_text, FIELD(metrics_socket), .fallback = "none",
		.check = check_own_socket, .at_start = true,
		.doc = "Unix socket where Prometheus reads, or none" },
	{ "metrics-socket-mode", &conf_type_mode, FIELD(metrics_socket_mode), .fallback = "0600",
		.at_start = true, .doc = "permissions of that socket, octal" },
	{ "allow-gid", &conf_type_gids, FIELD(allow_gid), .fallback_doc = "none",
		.doc = "groups whose members may hand over VMs, too" },
	{ "debug-uid", &conf_type_uids, FIELD(debug_uid), .fallback_doc = "who can connect",
		.doc = "users who may debug over Unix sockets" },
	{ "debug-gid", &conf_type_gids, FIELD(debug_gid), .fallback_doc = "who can connect",
		.doc = "groups whose members may debug over Unix sockets" },
	{ "memory-without-fd", &conf_type_switch, FIELD(memory_without_fd), .fallback = "yes",
		.at_start = true,
		.doc = "whether memory that is handed over without an fd is reached in the VMM" },
	{ "user", &conf_type_user, FIELD(user), .fallback_doc = "who it is started as",
		.at_start = true,
		.doc = "user to become, with its groups, once the sockets are there" },
	{ "isolation", &conf_type_switch, FIELD(isolation), .fallback = "yes", .at_start = true,
		.doc = "whether the daemon's processes give up what they do not need" },
	{ "on-disconnect", &conf_type_disconnect, FIELD(on_disconnect), .fallback = "resume",
		.min = 1, .max = 86400,
		.doc = "what a stopped guest does when its debugger vanishes: resume, hold, "
		       "hold-for SECONDS" },
	{ "peer-timeout-s", &conf_type_number, FIELD(peer_timeout_s), .fallback = "60", .min = 0,
		.max = 86400,
		.doc = "how long a debugger may give no sign of life, seconds; 0: for ever" },
	{ "on-worker-death", &conf_type_choice, FIELD(on_worker_death), .fallback = "resume",
		.words = on_worker_death_words,
		.doc = "what a guest under debug does when its worker dies: resume or hold" },
};

_Static_assert(sizeof(conf_keys) / sizeof(conf_keys[0]) == CONF_KEY_COUNT,
	"CONF_KEY_COUNT counts the rows of the table");

const struct conf_key *conf_table_row(unsigned int index)
{
	return &conf_keys[index];
}

const struct conf_key *conf_table_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < CONF_KEY_COUNT; i++) {
		if (strcmp(conf_keys[i].name, name) == 0)
			return &conf_keys[i];
	}
	return NULL;
}

unsigned int conf_table_index(const struct conf_key *key)
{
	return (unsigned int)(key - conf_keys);
}
