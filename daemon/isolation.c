/* SPDX-License-Identifier: Apache-2.0 */
/* What our processes give up: see isolation.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon/isolation.h"
#include "daemon/landlock.h"
#include "daemon/log.h"
#include "daemon/syscall_filter.h"

/* ---- stages ------------------------------------------------------------------------------ */

/* What was opened of /proc/self stays open; what is not, is root's from here on (proc(5)). */
/* syscalls(main): prctl setrlimit */
static int isolation_leave_no_core(void)
{
	struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	setrlimit(
		RLIMIT_CORE, &none); /* a service manager that forbids it has a limit of its own */
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

/* syscalls(main): prctl */
static int isolation_gain_nothing(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* syscalls(main): getpid */
static int isolation_filter(enum syscall_role role)
{
	bool is_telling = log_wants(LOG_LEVEL_DEBUG);
	struct syscall_filter filter;
	int rc = syscall_filter_assemble(&filter, role, getpid(), is_telling);

	if (is_telling)
		syscall_filter_name_forbidden();
	return rc < 0 ? rc : syscall_filter_apply(&filter);
}

static int isolation_fail(const char *stage, int rc)
{
	log_errorx("cannot %s: %s; 'isolation = no' in the configuration goes without", stage,
		strerror(-rc));
	return rc;
}

/* ---- main -------------------------------------------------------------------------------- */

enum { ISOLATION_PATHS = CONF_LISTEN_MAX + 12 };

struct isolation_paths {
	unsigned count;
	struct landlock_rule rules[ISOLATION_PATHS];
	char text[ISOLATION_PATHS][CONF_TEXT_SIZE];
};

static void isolation_add(struct isolation_paths *paths, const char *path, unsigned use)
{
	struct landlock_rule *rule = &paths->rules[paths->count];

	snprintf(paths->text[paths->count], CONF_TEXT_SIZE, "%s", path);
	*rule = (struct landlock_rule){ .path = paths->text[paths->count], .use = use };
	paths->count++;
}

/* Of the directory of a file: whoever edits it may put a new file in its place. */
static void isolation_add_directory_of(
	struct isolation_paths *paths, const char *path, unsigned use)
{
	const char *slash = strrchr(path, '/');
	char directory[CONF_TEXT_SIZE];

	if (!slash)
		snprintf(directory, sizeof(directory), ".");
	else
		snprintf(directory, sizeof(directory), "%.*s",
			slash == path ? 1 : (int)(slash - path), path);
	isolation_add(paths, directory, use);
}

/*
 * A worker opens its own /proc/self/mem before it gives up the rest; users have names, for which
 * nsswitch.conf(5) may name libraries.
 */
static void isolation_list_paths(struct isolation_paths *paths, const struct options *options)
{
	const struct conf *conf = &options->conf;

	paths->count = 0;
	isolation_add(paths, "/proc", LANDLOCK_USE_READ | LANDLOCK_USE_WRITE);
	isolation_add(paths, "/etc/passwd", LANDLOCK_USE_READ);
	isolation_add(paths, "/etc/group", LANDLOCK_USE_READ);
	isolation_add(paths, "/etc/nsswitch.conf", LANDLOCK_USE_READ);
	isolation_add(paths, "/etc/ld.so.cache", LANDLOCK_USE_READ);
	isolation_add(paths, "/usr/lib", LANDLOCK_USE_READ);
	isolation_add(paths, conf->runtime_dir, LANDLOCK_USE_SOCKETS);
	isolation_add_directory_of(paths, conf->vcpu_socket, LANDLOCK_USE_SOCKETS);
	isolation_add_directory_of(
		paths, options->file ? options->file : CONF_DEFAULT_FILE, LANDLOCK_USE_READ);
	for (unsigned i = 0; i < conf->listen.count; i++)
		if (strchr(conf->listen.text[i], '/'))
			isolation_add_directory_of(
				paths, conf->listen.text[i], LANDLOCK_USE_SOCKETS);
}

/* A process under Landlock reaches no other one's memory: not where that is wanted. */
static void isolation_hide_files(const struct options *options)
{
	struct isolation_paths paths;
	int rc;

	if (options->conf.memory_without_fd) {
		log_debug("main keeps its view of the file system: memory-without-fd is on");
		return;
	}
	isolation_list_paths(&paths, options);
	rc = landlock_restrict(paths.rules, paths.count, false);
	if (rc < 0)
		log_debug("main keeps its view of the file system: no Landlock: %s", strerror(-rc));
	else
		log_debug("main sees its runtime directory and configuration only: Landlock %d",
			landlock_version());
}

int isolation_enter_main(const struct options *options)
{
	int rc;

	if (!options->conf.isolation) {
		log_warnx("no isolation: what debuggers and VMMs say is parsed with all rights");
		return 0;
	}
	rc = isolation_gain_nothing();
	if (rc < 0)
		return isolation_fail("give up gaining privileges", rc);
	isolation_hide_files(options);
	rc = isolation_filter(SYSCALL_MAIN);
	return rc < 0 ? isolation_fail("filter system calls", rc) : 0;
}

/* ---- children ---------------------------------------------------------------------------- */

int isolation_enter_child(const struct conf *conf, enum syscall_role role)
{
	int rc;

	if (!conf->isolation)
		return 0;
	rc = isolation_gain_nothing(); /* main has too, if it is that far already */
	if (rc == 0)
		rc = isolation_leave_no_core();
	if (rc < 0)
		return isolation_fail("forbid core dumps", rc);
	rc = landlock_restrict(NULL, 0, true);
	if (rc < 0)
		log_debug("no Landlock: %s", strerror(-rc));
	rc = isolation_filter(role);
	return rc < 0 ? isolation_fail("filter system calls", rc) : 0;
}

const char *isolation_describe_death(int status, char text[ISOLATION_DEATH_SIZE])
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(text, ISOLATION_DEATH_SIZE,
			"signal %d: it made a system call that it has no right to; the kernel's "
			"log has its number, log-level = debug its name",
			SIGSYS);
	else if (WIFSIGNALED(status))
		snprintf(text, ISOLATION_DEATH_SIZE, "signal %d", WTERMSIG(status));
	else
		snprintf(text, ISOLATION_DEATH_SIZE, "status %d", WEXITSTATUS(status));
	return text;
}
