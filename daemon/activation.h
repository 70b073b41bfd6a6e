/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors that a service manager starts us with, as sd_listen_fds(3) describes: LISTEN_FDS of
 * them from number 3 on, if LISTEN_PID is this process, named by LISTEN_FDNAMES.  Listening sockets of
 * its socket units, and what it kept for us (notify.h).  What they are for is their takers' business;
 * here it is found out what they are.
 */
#ifndef DAEMON_ACTIVATION_H
#define DAEMON_ACTIVATION_H

#include <stdbool.h>
#include <sys/types.h>

enum {
	ACTIVATION_FIRST_FD = 3,
	ACTIVATION_NAME_SIZE = 256, /* a name has up to 255 characters */
	ACTIVATION_FDS_MAX = 65536,
};

struct activation_fd {
	int fd;           /* -1: somebody took it */
	const char *name; /* "" when the manager gave none */
};

struct activation {
	unsigned count;
	struct activation_fd *fds;
	char *names; /* what the names point into */
};

/* What the environment says; each NULL when it is not set. */
struct activation_environment {
	const char *listen_pid, *listen_fds, *listen_fdnames;
	pid_t pid;    /* this process */
	int first_fd; /* ACTIVATION_FIRST_FD */
};

/* Describes this process. */
void activation_environment_init(struct activation_environment *environment);

/*
 * Lists the descriptors and makes them close-on-exec; they belong to *activation.  None when the
 * environment speaks of none, or to another process: 0.  -EINVAL when it makes no sense, with *wrong
 * saying (a constant text) why; -EBADF when one of the descriptors is not open; -ENOMEM.
 */
int activation_open(struct activation *activation, const struct activation_environment *environment,
	const char **wrong);

/* Closes what nobody took. */
void activation_close(struct activation *activation);

enum activation_kind {
	ACTIVATION_VCPU,  /* a listening AF_UNIX SOCK_SEQPACKET socket: for VMMs */
	ACTIVATION_RSP,   /* a listening SOCK_STREAM socket, AF_UNIX or TCP: for debuggers */
	ACTIVATION_KEPT,  /* no socket unit's: its name says what it is */
	ACTIVATION_UNFIT, /* a socket that is of no use here */
};

/*
 * What this is, by its type and its name: "vcpu" and "rsp" say what a socket is to be, any other name (such
 * as its unit's) leaves it to the type.  For ACTIVATION_UNFIT *wrong is a constant text that says why.
 */
enum activation_kind activation_inspect(const struct activation_fd *given, const char **wrong);

#endif
