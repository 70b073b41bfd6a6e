/* SPDX-License-Identifier: Apache-2.0 */
/* gdbproxyd: reads what it is asked to do, and does it. */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "daemon/activation.h"
#include "daemon/daemon.h"
#include "daemon/isolation.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/user.h"

/* Two descriptors a vCPU: what a login session allows is soon used up. */
/* syscalls(start): getrlimit setrlimit */
static void main_raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* What the service manager says is for us alone. */
static void main_clear_environment(void)
{
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	unsetenv("NOTIFY_SOCKET");
}

static int main_open_activation(struct activation *activation)
{
	struct activation_environment environment;
	const char *wrong;
	int rc;

	activation_environment_init(&environment);
	rc = activation_open(activation, &environment, &wrong);
	if (rc < 0)
		log_errorx(
			"the service manager's descriptors: %s", wrong[0] ? wrong : strerror(-rc));
	return rc;
}

/* syscalls(start): ev_default_loop */
static int main_serve(const struct options *options)
{
	struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
	struct activation activation;
	struct daemon daemon;
	int rc;

	if (!loop) {
		log_errorx("no event loop: the kernel has neither epoll nor poll for us");
		return OPTIONS_EXIT_FAILURE;
	}
	log_set_form((enum log_form)options->conf.log_format);
	log_init((enum log_level)options->conf.log_level);
	main_raise_limits();
	if (main_open_activation(&activation) < 0)
		return OPTIONS_EXIT_FAILURE;
	rc = daemon_start(&daemon, loop, options, &activation, getenv("NOTIFY_SOCKET"));
	activation_close(&activation);
	main_clear_environment();
	if (rc == 0)
		rc = user_become(&options->conf, &daemon);
	if (rc == 0)
		rc = isolation_enter_main(options);
	if (rc == 0)
		daemon_run(&daemon);
	daemon_stop(&daemon);
	return rc < 0 ? OPTIONS_EXIT_FAILURE : OPTIONS_EXIT_SUCCESS;
}

static int main_load(struct options *options)
{
	struct conf_environment environment;
	struct conf_error error;

	conf_environment_init(&environment);
	if (options_load(options, &environment, &error) == 0)
		return OPTIONS_EXIT_SUCCESS;
	log_errorx("%s", error.text);
	return OPTIONS_EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static struct options options; /* large, and lives as long as the process */
	struct conf_error error;

	if (options_parse(&options, argc, argv, &error) < 0) {
		log_errorx("%s", error.text);
		return OPTIONS_EXIT_USAGE;
	}
	switch (options.action) {
	case OPTIONS_HELP:
		options_print_help(stdout);
		return OPTIONS_EXIT_SUCCESS;
	case OPTIONS_VERSION:
		options_print_version(stdout);
		return OPTIONS_EXIT_SUCCESS;
	case OPTIONS_CHECK:
		if (main_load(&options) != OPTIONS_EXIT_SUCCESS)
			return OPTIONS_EXIT_FAILURE;
		options_print_conf(&options, stdout);
		return OPTIONS_EXIT_SUCCESS;
	case OPTIONS_RUN:
		break;
	}
	if (main_load(&options) != OPTIONS_EXIT_SUCCESS)
		return OPTIONS_EXIT_FAILURE;
	return main_serve(&options);
}
