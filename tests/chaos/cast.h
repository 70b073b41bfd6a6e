/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes: gdbproxyd (main), its worker, and a VMM.  Who they are, whether they live, how many fds they have;
 * starting and killing them.  Each line that they write is kept in DIR/daemon.err, DIR/vmm.err, DIR/vmm.out.
 */
#ifndef CAST_H
#define CAST_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct cast {
	const char *dir;         /* of the sockets and of what they say */
	const char *daemon_path; /* gdbproxyd */
	const char *wrap;        /* words before it, e.g. of valgrind; NULL: none */
	const char *vmm_path;    /* watched-vmm */
	const char *guest_path;
	const char *argument; /* demo-vmm --arg */
	unsigned nr_vcpus;

	pid_t daemon, vmm;     /* 0: not started */
	char socket_path[108]; /* the VM's, for debuggers */
};

/* 0 or -errno. */
int cast_start_daemon(struct cast *cast);
int cast_start_vmm(struct cast *cast);

/* SIGKILL, and waits. */
void cast_kill_daemon(struct cast *cast);
void cast_kill_vmm(struct cast *cast);

/* SIGTERM; true when it has ended with status 0 within that time, else it is killed. */
bool cast_end_daemon(struct cast *cast, unsigned patience_ms);

/* Whether it lives; one that has ended is waited for, and *status is what waitpid() says. */
bool cast_daemon_lives(struct cast *cast, int *status);
bool cast_vmm_lives(struct cast *cast, int *status);

/* The worker: a child of main. 0: there is none. */
pid_t cast_find_worker(const struct cast *cast);

/* How many fds the process has open, or -errno. */
int cast_count_fds(pid_t pid);

/* The last lines of what somebody has said, each begun with "#   ". */
void cast_print_tail(const struct cast *cast, const char *name, unsigned lines, FILE *out);

/*
 * How many lines of daemon.err are complaints of valgrind ("==PID== ...") or of a sanitizer; the first ones
 * are printed.
 */
unsigned cast_count_complaints(const struct cast *cast, FILE *out);

#endif
