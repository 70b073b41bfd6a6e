/* SPDX-License-Identifier: Apache-2.0 */
/* A child process that serves debuggers: see service.h. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/fd_receive.h"
#include "daemon/service.h"

enum { SERVICE_BURST = 32 };

void service_dismiss(struct service *service)
{
	if (service->control.fd < 0)
		return;
	ev_io_stop(service->loop, &service->control);
	close(service->control.fd);
	service->control.fd = -1;
}

/* It says that it is idle: let it end, unless a debugger is on its way to it. */
static void service_follow(
	struct service *service, const struct control_message *message, int *fds, unsigned count)
{
	if (message->type == CONTROL_DEBUGGER && count == 1) {
		service->ops->on_departure(service, &message->debugger, fds[0]);
		return;
	}
	fd_close_all(fds, count);
	if (message->type == CONTROL_ANSWER && service->ops->on_message)
		service->ops->on_message(service, message);
	if (message->type == CONTROL_IDLE && message->debuggers == service->sent)
		service_dismiss(service);
}

/* True while there may be more. */
static bool service_receive(struct service *service)
{
	struct control_message message;
	int fds[HANDOVER_MAX_FDS];
	unsigned count;
	int rc = control_receive(service->control.fd, &message, fds, &count);

	if (rc == -EAGAIN)
		return false;
	if (rc > 0)
		service_follow(service, &message, fds, count);
	else
		service_dismiss(service);
	return service->control.fd >= 0;
}

static void service_on_control(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct service *service =
		(struct service *)((char *)io - offsetof(struct service, control));

	(void)loop;
	(void)events;
	for (int i = 0; i < SERVICE_BURST && service_receive(service); i++)
		;
}

static void service_on_end(struct ev_loop *loop, struct ev_child *child, int events)
{
	struct service *service =
		(struct service *)((char *)child - offsetof(struct service, child));

	(void)events;
	ev_child_stop(loop, child);
	service->pid = 0;
	service_dismiss(service);
	service->ops->on_end(service, child->rstatus);
}

void service_init(struct service *service, struct ev_loop *loop, const struct service_ops *ops)
{
	*service = (struct service){ .loop = loop, .ops = ops };
	service->control.fd = -1;
}

/* syscalls(main): ev_child_start */
static void service_watch(struct service *service, pid_t pid, int control_fd)
{
	service->pid = pid;
	service->sent = 0;
	ev_io_init(&service->control, service_on_control, control_fd, EV_READ);
	ev_io_start(service->loop, &service->control);
	ev_child_init(&service->child, service_on_end, pid, 0);
	ev_child_start(service->loop, &service->child);
	if (service->ops->on_start)
		service->ops->on_start(service);
}

/* syscalls(main): socketpair fork */
int service_start(struct service *service)
{
	int pair[2], saved;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	pid = fork();
	saved = errno;
	if (pid == 0) {
		close(pair[0]);
		_exit(service->ops->run(service, pair[1]));
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -saved;
	}
	service_watch(service, pid, pair[0]);
	return 0;
}

int service_tell(struct service *service, const struct control_message *message, const int *fds,
	unsigned count)
{
	if (service->control.fd < 0)
		return 0;
	return control_send(service->control.fd, message, fds, count);
}

int service_ask(struct service *service, const struct control_ask *ask, int file_fd)
{
	struct control_message message = { .type = CONTROL_ASK, .ask = *ask };
	int rc;

	if (service->control.fd < 0)
		return -ESRCH;
	rc = control_send(service->control.fd, &message, &file_fd, file_fd >= 0);
	if (rc == 0)
		service->sent++;
	return rc;
}

/* ---- debuggers --------------------------------------------------------------------------- */

static int service_send(struct service *service, const struct service_waiting *waiting)
{
	struct control_message message = {
		.type = CONTROL_DEBUGGER,
		.debugger = waiting->debugger,
	};
	int rc = control_send(service->control.fd, &message, &waiting->fd, 1);

	if (rc == 0)
		service->sent++;
	return rc;
}

/* Thousands of VMs have nobody who waits. */
static void service_drop_room(struct service *service)
{
	if (service->waiting_count)
		return;
	free(service->waiting);
	service->waiting = NULL;
}

/* The first of those that wait; it waits no more. */
static struct service_waiting service_take_first(struct service *service)
{
	struct service_waiting first = service->waiting[0];

	service->waiting_count--;
	for (unsigned i = 0; i < service->waiting_count; i++)
		service->waiting[i] = service->waiting[i + 1];
	service_drop_room(service);
	return first;
}

/* on_refusal() may lead to another one being given to this very service: only those that wait now. */
void service_refuse_waiting(struct service *service, int error)
{
	for (unsigned n = service->waiting_count; n && service->waiting_count; n--) {
		struct service_waiting waiting = service_take_first(service);

		service->ops->on_refusal(service, &waiting.debugger, waiting.fd, error);
	}
}

static void service_pass(struct service *service)
{
	struct service_waiting waiting = service_take_first(service);
	int rc = service_send(service, &waiting);

	if (rc < 0)
		service->ops->on_refusal(service, &waiting.debugger, waiting.fd, -rc);
	else
		close(waiting.fd);
}

void service_serve(struct service *service)
{
	int rc = 0;

	if (!service->waiting_count || (service->pid && service->control.fd < 0))
		return;
	if (!service->pid)
		rc = service_start(service);
	if (rc < 0)
		service_refuse_waiting(service, -rc);
	while (service->waiting_count && service->control.fd >= 0)
		service_pass(service);
}

int service_give(struct service *service, const struct control_debugger *debugger, int fd)
{
	if (service->waiting_count == SERVICE_WAITING_MAX)
		return -EUSERS;
	if (!service->waiting)
		service->waiting = calloc(SERVICE_WAITING_MAX, sizeof(*service->waiting));
	if (!service->waiting)
		return -ENOMEM;
	service->waiting[service->waiting_count++] =
		(struct service_waiting){ .fd = fd, .debugger = *debugger };
	service_serve(service);
	return 0;
}

/* ---- the end ----------------------------------------------------------------------------- */

/* It is our child and not yet waited for: the number is nobody else's. */
/* syscalls(main): kill */
void service_kill(struct service *service)
{
	if (service->pid)
		kill(service->pid, SIGKILL);
}

static void service_close_waiting(struct service *service)
{
	while (service->waiting_count)
		close(service->waiting[--service->waiting_count].fd);
	service_drop_room(service);
}

void service_fini(struct service *service)
{
	if (service->pid)
		ev_child_stop(service->loop, &service->child);
	service->pid = 0;
	service_dismiss(service);
	service_close_waiting(service);
}
