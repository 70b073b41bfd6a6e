/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many VMs, many debuggers, and what they cost: the means of tests/system/scale.
 *
 *	scale vmm SOCKET N VCPUS       lends N VMs of so many vCPUs, which sleep in WFI or HLT; says when all are lent
 *	scale debug DIRECTORY N ORDER  N debuggers, one a VM, from the last one on; ORDER: stopped, running,
 *	                               planted (and running).  Says how long that took; stays
 *	scale measure PID SECONDS      what that gdbproxyd and its children hold, and the CPU time they take in
 *	                               SECONDS
 *
 * Numbers come as `name value`, a line each.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "kvm/gdbproxy.h"
#include "tests/system/scale_guest.h"

enum { SCALE_MAX = 4096, SCALE_VCPUS = 1024, SCALE_STACK = 65536, SCALE_ANSWER_MS = 60000 };

#if defined(__x86_64__)
#define SCALE_PLANT                                                                                \
	"Z0,1008,1" /* never executed: behind the loop of scale_kvm.c, and of scale_standin.c */
#else
#define SCALE_PLANT "Z0,40000008,4"
#endif

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000. + (double)now.tv_nsec / 1e6;
}

static void raise_limits(void)
{
	struct rlimit limit = { .rlim_cur = 65536, .rlim_max = 65536 };

	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- the VMM ------------------------------------------------------------------------------ */

static void *vcpu_thread(void *vcpu)
{
	while (gdbproxy_run(vcpu) == 0 || errno == EINTR || errno == EAGAIN)
		;
	return NULL;
}

static void vm_start_thread(struct gdbproxy_vcpu *vcpu)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, SCALE_STACK);
	errno = pthread_create(&thread, &attributes, vcpu_thread, vcpu);
	if (errno)
		die("a thread");
	pthread_attr_destroy(&attributes);
}

static void check_lent(struct gdbproxy *proxy, const char *name, int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s is not lent: %s\n", name, gdbproxy_error(proxy));
	exit(EXIT_FAILURE);
}

static void vm_lend(const char *socket, unsigned index, unsigned vcpus)
{
	struct gdbproxy_vcpu *lent[SCALE_VCPUS];
	struct gdbproxy *proxy = NULL;
	struct scale_guest guest;
	struct kvm_run *run;
	char name[32];
	int rc, fd;

	snprintf(name, sizeof(name), "vm%04u", index);
	scale_guest_make(&guest);
	rc = gdbproxy_open(&proxy, socket, name, vcpus);
	check_lent(proxy, name, rc);
	check_lent(proxy, name,
		gdbproxy_add_memory(
			proxy, guest.gpa, guest.size, guest.memory, guest.memory_fd, 0, 0));
	for (unsigned i = 0; i < vcpus; i++) {
		fd = scale_guest_add_vcpu(&guest, i, &run);
		check_lent(proxy, name, gdbproxy_add_vcpu(proxy, i, i, fd, run, &lent[i]));
	}
	check_lent(proxy, name, gdbproxy_ready(proxy, GDBPROXY_RUN));
	check_lent(proxy, name, gdbproxy_is_attached(proxy) ? 0 : -ENOTCONN);
	for (unsigned i = 0; i < vcpus; i++)
		vm_start_thread(lent[i]);
}

static void stay(void)
{
	fflush(stdout);
	for (;;)
		pause();
}

static int run_vmm(char **argv)
{
	unsigned count = (unsigned)atoi(argv[1]), vcpus = (unsigned)atoi(argv[2]);
	double begin = now_ms(), half = 0, end;

	raise_limits();
	for (unsigned i = 0; i < count; i++) {
		vm_lend(argv[0], i, vcpus);
		if (i == count / 2)
			half = now_ms();
	}
	end = now_ms();
	printf("lent %u\nlend-us-each %.0f\nlend-us-each-second-half %.0f\n", count,
		(end - begin) * 1000. / count, (end - half) * 1000. / (count - count / 2));
	stay();
	return EXIT_SUCCESS;
}

/* ---- debuggers ---------------------------------------------------------------------------- */

static void debug_send(int fd, const char *payload)
{
	char bytes[128];
	unsigned sum = 0;
	int length;

	for (const char *c = payload; *c; c++)
		sum += (unsigned char)*c;
	length = snprintf(bytes, sizeof(bytes), "$%s#%02x", payload, sum & 0xff);
	if (send(fd, bytes, (size_t)length, MSG_NOSIGNAL) != length)
		die("sending");
}

/* The answer's first byte, acknowledged. */
static char debug_receive(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char bytes[4096];
	size_t length = 0;
	ssize_t n;
	char *begin;

	for (;;) {
		bytes[length] = '\0';
		begin = strchr(bytes, '$');
		if (begin && strchr(begin, '#') && strlen(strchr(begin, '#')) >= 3)
			break;
		if (poll(&wait, 1, SCALE_ANSWER_MS) != 1 || length == sizeof(bytes) - 1 ||
			(n = recv(fd, bytes + length, sizeof(bytes) - 1 - length, 0)) <= 0)
			die("a debugger gets no answer");
		length += (size_t)n;
	}
	send(fd, "+", 1, MSG_NOSIGNAL);
	return begin[1];
}

static void debug_start(const char *directory, unsigned index, const char *order)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/vm%04u.sock", directory, index);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		die(address.sun_path);
	debug_send(fd, "?");
	if (debug_receive(fd) != 'T')
		die("not stopped");
	if (!strcmp(order, "planted")) {
		debug_send(fd, SCALE_PLANT);
		if (debug_receive(fd) != 'O')
			die("not set");
	}
	if (strcmp(order, "stopped") != 0)
		debug_send(fd, "vCont;c");
}

/* The VM that came last is debugged first: how long that takes is what somebody waits. */
static int run_debug(char **argv)
{
	unsigned count = (unsigned)atoi(argv[1]), last = 0;
	double begin, first;
	char path[128];

	raise_limits();
	do
		snprintf(path, sizeof(path), "%.80s/vm%04u.sock", argv[0], ++last);
	while (access(path, F_OK) == 0);
	begin = now_ms();
	debug_start(argv[0], --last, argv[2]);
	first = now_ms();
	for (unsigned i = 1; i < count && i <= last; i++)
		debug_start(argv[0], last - i, argv[2]);
	printf("first-ms %.1f\nall-ms %.1f\n", first - begin, now_ms() - begin);
	stay();
	return EXIT_SUCCESS;
}

/* ---- measuring ---------------------------------------------------------------------------- */

struct usage {
	unsigned processes, fds;
	uint64_t ticks, rss_kib, pss_kib, private_kib;
};

static uint64_t field_kib(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	return found ? strtoull(found + strlen(name), NULL, 10) : 0;
}

static size_t read_file(char *text, size_t size, int pid, const char *name)
{
	char path[64];
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	if (!file)
		die(path);
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	fclose(file);
	return length;
}

static uint64_t read_ticks(int pid)
{
	unsigned long long user = 0, system = 0;
	char text[1024], *rest;

	read_file(text, sizeof(text), pid, "stat");
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			     &user, &system) != 2)
		die("stat");
	return user + system;
}

static unsigned count_fds(int pid)
{
	unsigned count = 0;
	char path[64];
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	directory = opendir(path);
	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count > 2 ? count - 2 : 0;
}

static void measure(struct usage *usage, int pid)
{
	char text[4096];

	read_file(text, sizeof(text), pid, "smaps_rollup");
	usage->processes++;
	usage->fds += count_fds(pid);
	usage->rss_kib += field_kib(text, "\nRss:");
	usage->pss_kib += field_kib(text, "\nPss:");
	usage->private_kib += field_kib(text, "Private_Clean:") + field_kib(text, "Private_Dirty:");
	usage->ticks += read_ticks(pid);
}

static void measure_children(struct usage *usage, int pid)
{
	char *text = malloc(1 << 16), *at, *end;
	char name[64];

	if (!text)
		die("memory");
	snprintf(name, sizeof(name), "task/%d/children", pid);
	read_file(text, 1 << 16, pid, name);
	for (at = text;; at = end) {
		int child = (int)strtol(at, &end, 10);

		if (end == at)
			break;
		measure(usage, child);
	}
	free(text);
}

static uint64_t each(uint64_t sum, unsigned count)
{
	return count ? sum / count : 0;
}

static int run_measure(char **argv)
{
	struct usage before = { 0 }, after = { 0 }, children_before = { 0 }, children = { 0 };
	int pid = atoi(argv[0]);

	measure(&before, pid);
	measure_children(&children_before, pid);
	sleep((unsigned)atoi(argv[1]));
	measure(&after, pid);
	measure_children(&children, pid);
	printf("main-rss-kib %llu\nmain-pss-kib %llu\nmain-fds %u\nmain-ticks %llu\n",
		(unsigned long long)after.rss_kib, (unsigned long long)after.pss_kib, after.fds,
		(unsigned long long)(after.ticks - before.ticks));
	printf("workers %u\nworker-pss-kib %llu\nworker-private-kib %llu\nworker-fds %llu\n"
	       "workers-ticks %llu\n",
		children.processes, (unsigned long long)each(children.pss_kib, children.processes),
		(unsigned long long)each(children.private_kib, children.processes),
		(unsigned long long)each(children.fds, children.processes),
		(unsigned long long)(children.ticks - children_before.ticks));
	return EXIT_SUCCESS;
}

static bool is_count(const char *word, int most)
{
	return atoi(word) > 0 && atoi(word) <= most;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "vmm") && is_count(argv[3], SCALE_MAX) &&
		is_count(argv[4], SCALE_VCPUS))
		return run_vmm(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "debug"))
		return run_debug(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "measure"))
		return run_measure(argv + 2);
	fputs("see the head of scale.c\n", stderr);
	return 2;
}
