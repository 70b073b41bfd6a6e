/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon was asked to do: the command line and the configuration, joined and checked.
 * Nothing here exits or logs, so main's beginning is testable: parse, load, act on the result.
 *
 * The command line wins over the file, the file over the defaults.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdio.h>

#include "conf/conf.h"
#include "conf/conf_error.h"
#include "daemon/address.h"

/* Exit status of the daemon, as its manual has it. */
enum {
	OPTIONS_EXIT_SUCCESS = 0,
	OPTIONS_EXIT_FAILURE = 1, /* the configuration is wrong, or the daemon cannot do its work */
	OPTIONS_EXIT_USAGE = 2,   /* the command line is wrong */
};

enum options_action { OPTIONS_RUN, OPTIONS_CHECK, OPTIONS_HELP, OPTIONS_VERSION };

enum { OPTIONS_OVERRIDE_MAX = 32 };

/* One setting of the command line: the option, and the key and value it stands for. */
struct options_override {
	const char *flag;
	const char *key;
	const char *value;
};

struct options {
	enum options_action action;
	const char *file; /* NULL: the default file, which may be missing */
	unsigned int debug_count;
	unsigned int override_count;
	struct options_override override[OPTIONS_OVERRIDE_MAX];

	/* Filled by options_load(). */
	struct conf conf;
	struct listen_address vcpu_socket;
	struct listen_address control_socket, metrics_socket; /* length 0: none */
	unsigned int listen_count;
	struct listen_address listen[CONF_LISTEN_MAX];
};

/*
 * Reads the command line. Touches nothing but OPTIONS, ERROR and getopt_long(3)'s own state;
 * OPTIONS points into ARGV afterwards. --help and --version end the reading. Returns 0, or
 * -EINVAL with ERROR filled: the daemon then exits with OPTIONS_EXIT_USAGE.
 */
int options_parse(struct options *options, int argc, char **argv, struct conf_error *error);

/*
 * Reads the configuration file, applies the command line's settings, and checks what only the
 * whole can tell: that the addresses can be listened on, differ, and are loopback unless
 * allow-remote says otherwise. Opens no socket. Returns 0, or -errno with ERROR filled: the
 * daemon then exits with OPTIONS_EXIT_FAILURE.
 */
int options_load(
	struct options *options, const struct conf_environment *env, struct conf_error *error);

void options_print_help(FILE *out);
void options_print_version(FILE *out);

/* The effective configuration, in the syntax of the file. */
void options_print_conf(const struct options *options, FILE *out);

#endif
