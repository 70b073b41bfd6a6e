/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process of main that serves debuggers: the worker of a VM, or the lobby.  It is forked when
 * the first debugger wants it and told to end when it says that it is idle.  Which debuggers it
 * serves, and what they say, is not known here.
 */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>
#include "daemon/control.h"

enum { SERVICE_WAITING_MAX = 16 };

struct service;

struct service_ops {
	/* In the child: does the work over control_fd and returns the process's exit status. */
	int (*run)(struct service *service, int control_fd);
	/* A debugger wants to go from there to debugger->process; fd is the callee's. */
	void (*on_departure)(
		struct service *service, const struct control_debugger *debugger, int fd);
	/* One that waited cannot be served after all (errno); fd is the callee's. */
	void (*on_refusal)(struct service *service, const struct control_debugger *debugger, int fd,
		int error);
	/* Anything else it says, without fds; may be NULL. */
	void (*on_message)(struct service *service, const struct control_message *message);
	/* Another one was forked; may be NULL. */
	void (*on_start)(struct service *service);
	/* It has ended, with such a status of waitpid(2); service_serve() starts the next one. */
	void (*on_end)(struct service *service, int status);
};

struct service_waiting {
	int fd;
	struct control_debugger debugger;
};

struct service {
	struct ev_loop *loop;
	const struct service_ops *ops;
	pid_t pid; /* 0: there is none */
	struct ev_child child;
	struct ev_io control; /* fd -1: none, or told to end */
	unsigned sent;        /* debuggers and questions, to this child */
	unsigned waiting_count;
	struct service_waiting *waiting; /* SERVICE_WAITING_MAX of them; NULL while none waits */
};

void service_init(struct service *service, struct ev_loop *loop, const struct service_ops *ops);

/* Stops watching and closes everything; the child, if any, ends by itself. */
void service_fini(struct service *service);

/* Forks one now; there must be none.  0 or -errno. */
int service_start(struct service *service);

/*
 * Gives it a debugger, or its successor when it is just ending.  0, and fd is taken; -EUSERS: too
 * many wait already; -ENOMEM.  What goes wrong later is told to on_refusal().
 */
int service_give(struct service *service, const struct control_debugger *debugger, int fd);

/* Gives those that wait to the child, starting one where needed. */
void service_serve(struct service *service);

/* Those that wait are not served. */
void service_refuse_waiting(struct service *service, int error);

/* Sends it something else than a debugger.  0, also when there is none; -errno. */
int service_tell(struct service *service, const struct control_message *message, const int *fds,
	unsigned count);

/*
 * Sends it a CONTROL_ASK, file_fd along unless it is -1; it stays the caller's.  0, -ESRCH when there is none or it
 * was told to end, -errno: it does not read.
 */
int service_ask(struct service *service, const struct control_ask *ask, int file_fd);

/* Tells it to take everything back and end. */
void service_dismiss(struct service *service);

void service_kill(struct service *service);

#endif
