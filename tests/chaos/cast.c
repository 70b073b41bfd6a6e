/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, finding and killing processes. */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/chaos/cast.h"

enum { ARGUMENTS_MAX = 32, LINE_MAX_BYTES = 512, TAIL_MAX = 32, COMPLAINTS_PRINTED = 12 };

/* ---- starting ---------------------------------------------------------------------------- */

static int cast_open_log(const struct cast *cast, const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", cast->dir, name);
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
}

/* In the child: what it says goes into files, and it does not outlive us. */
static _Noreturn void cast_become(
	const struct cast *cast, char **arguments, const char *out, const char *err, int flags)
{
	int null_fd = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null_fd, 0);
	dup2(out ? cast_open_log(cast, out, flags) : null_fd, 1);
	dup2(cast_open_log(cast, err, flags), 2);
	execvp(arguments[0], arguments);
	dprintf(2, "%s: %s\n", arguments[0], strerror(errno));
	_exit(127);
}

/* The words of wrap, which is changed. */
static unsigned cast_split(char *wrap, char **arguments)
{
	unsigned count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(wrap, " ", &rest); word && count < ARGUMENTS_MAX - 10;
		word = strtok_r(NULL, " ", &rest))
		arguments[count++] = word;
	return count;
}

/* valgrind makes system calls of its own. */
static void cast_write_conf(const struct cast *cast, const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file || (cast->wrap && fputs("isolation = no\n", file) < 0) || fclose(file) != 0)
		err(1, "%s", path);
}

static _Noreturn void cast_become_daemon(const struct cast *cast)
{
	char *arguments[ARGUMENTS_MAX], vcpu_socket[256], conf[256];
	char *wrap = cast->wrap ? strdup(cast->wrap) : NULL;
	unsigned count = wrap ? cast_split(wrap, arguments) : 0;
	char *const options[] = { (char *)(uintptr_t)cast->daemon_path, (char[]){ "-d" },
		(char[]){ "-f" }, conf, (char[]){ "--vcpu-socket" }, vcpu_socket,
		(char[]){ "--runtime-dir" }, (char *)(uintptr_t)cast->dir, NULL };

	snprintf(vcpu_socket, sizeof(vcpu_socket), "%s/vcpu.sock", cast->dir);
	snprintf(conf, sizeof(conf), "%s/conf", cast->dir);
	cast_write_conf(cast, conf);
	memcpy(arguments + count, options, sizeof(options));
	cast_become(cast, arguments, NULL, "daemon.err", O_APPEND);
}

static _Noreturn void cast_become_vmm(const struct cast *cast)
{
	char vcpu_socket[256], vcpus[16];
	char *arguments[] = { (char *)(uintptr_t)cast->vmm_path, (char[]){ "--vcpu-socket" },
		vcpu_socket, (char[]){ "--name" }, (char[]){ "vm" }, (char[]){ "--vcpus" }, vcpus,
		(char[]){ "--memory" }, (char[]){ "6" }, (char[]){ "--arg" },
		(char *)(uintptr_t)cast->argument, (char *)(uintptr_t)cast->guest_path, NULL };

	snprintf(vcpu_socket, sizeof(vcpu_socket), "%s/vcpu.sock", cast->dir);
	snprintf(vcpus, sizeof(vcpus), "%u", cast->nr_vcpus);
	cast_become(cast, arguments, "vmm.out", "vmm.err", O_TRUNC);
}

int cast_start_daemon(struct cast *cast)
{
	pid_t pid = fork();

	if (pid == 0)
		cast_become_daemon(cast);
	if (pid < 0)
		return -errno;
	cast->daemon = pid;
	return 0;
}

int cast_start_vmm(struct cast *cast)
{
	pid_t pid = fork();

	if (pid == 0)
		cast_become_vmm(cast);
	if (pid < 0)
		return -errno;
	cast->vmm = pid;
	snprintf(cast->socket_path, sizeof(cast->socket_path), "%s/vm.sock", cast->dir);
	return 0;
}

/* ---- ending ------------------------------------------------------------------------------ */

static void cast_kill(pid_t *pid)
{
	if (!*pid)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

void cast_kill_daemon(struct cast *cast)
{
	cast_kill(&cast->daemon);
}

void cast_kill_vmm(struct cast *cast)
{
	cast_kill(&cast->vmm);
}

static bool cast_lives(pid_t *pid, int *status)
{
	if (*pid && waitpid(*pid, status, WNOHANG) == 0)
		return true;
	*pid = 0;
	return false;
}

bool cast_daemon_lives(struct cast *cast, int *status)
{
	return cast_lives(&cast->daemon, status);
}

bool cast_vmm_lives(struct cast *cast, int *status)
{
	return cast_lives(&cast->vmm, status);
}

bool cast_end_daemon(struct cast *cast, unsigned patience_ms)
{
	const struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };
	int status = -1;

	if (!cast->daemon)
		return false;
	kill(cast->daemon, SIGTERM);
	for (unsigned waited = 0; waited < patience_ms; waited += 10) {
		if (!cast_daemon_lives(cast, &status))
			return status == 0;
		nanosleep(&tick, NULL);
	}
	cast_kill_daemon(cast);
	return false;
}

/* ---- looking ----------------------------------------------------------------------------- */

pid_t cast_find_worker(const struct cast *cast)
{
	char path[64];
	FILE *children;
	int pid = 0;

	if (!cast->daemon)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)cast->daemon,
		(int)cast->daemon);
	children = fopen(path, "re");
	if (!children)
		return 0;
	if (fscanf(children, "%d", &pid) != 1)
		pid = 0;
	fclose(children);
	return pid;
}

int cast_count_fds(pid_t pid)
{
	struct dirent *entry;
	char path[64];
	int count = 0;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	fds = opendir(path);
	if (!fds)
		return -errno;
	while ((entry = readdir(fds)))
		count += entry->d_name[0] != '.';
	closedir(fds);
	return count;
}

static FILE *cast_open_said(const struct cast *cast, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", cast->dir, name);
	return fopen(path, "re");
}

void cast_print_tail(const struct cast *cast, const char *name, unsigned lines, FILE *out)
{
	static const unsigned most = TAIL_MAX;
	char(*ring)[LINE_MAX_BYTES] = calloc(most, sizeof(*ring));
	FILE *said = cast_open_said(cast, name);
	unsigned count = 0;

	lines = lines < most ? lines : most;
	while (ring && said && fgets(ring[count % most], LINE_MAX_BYTES, said))
		count++;
	for (unsigned i = count > lines ? count - lines : 0; i < count; i++) {
		ring[i % most][strcspn(ring[i % most], "\n")] = '\0';
		fprintf(out, "#   %s: %s\n", name, ring[i % most]);
	}
	if (said)
		fclose(said);
	free(ring);
}

static bool cast_is_complaint(const char *line)
{
	return !strncmp(line, "==", 2) || strstr(line, "ERROR: AddressSanitizer") ||
	       strstr(line, "ERROR: LeakSanitizer") || strstr(line, "runtime error:");
}

unsigned cast_count_complaints(const struct cast *cast, FILE *out)
{
	FILE *said = cast_open_said(cast, "daemon.err");
	char line[LINE_MAX_BYTES];
	unsigned count = 0;

	while (said && fgets(line, sizeof(line), said)) {
		if (!cast_is_complaint(line))
			continue;
		if (count++ < COMPLAINTS_PRINTED)
			fprintf(out, "#   %s", line);
	}
	if (said)
		fclose(said);
	return count;
}
