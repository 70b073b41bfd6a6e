/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors from the service manager: see activation.h. */
#include "daemon/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store_name.h"

/* syscalls(start): getpid */
void activation_environment_init(struct activation_environment *environment)
{
	*environment = (struct activation_environment){
		.listen_pid = getenv("LISTEN_PID"),
		.listen_fds = getenv("LISTEN_FDS"),
		.listen_fdnames = getenv("LISTEN_FDNAMES"),
		.pid = getpid(),
		.first_fd = ACTIVATION_FIRST_FD,
	};
}

/* Digits alone, up to max. */
static bool number_read(const char *text, unsigned long max, unsigned long *number)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && *number <= max;
}

/* Names may be fewer than descriptors, or none; more make no sense. */
static int activation_name_all(struct activation *activation, const char *names, const char **wrong)
{
	char *rest;

	for (unsigned i = 0; i < activation->count; i++)
		activation->fds[i].name = "";
	if (!names)
		return 0;
	activation->names = rest = strdup(names);
	if (!rest)
		return -ENOMEM;
	for (unsigned i = 0; rest && i < activation->count; i++)
		activation->fds[i].name = strsep(&rest, ":");
	if (!rest)
		return 0;
	*wrong = "LISTEN_FDNAMES has more names than there are descriptors";
	return -EINVAL;
}

/* syscalls(start): fcntl */
static int activation_take_all(struct activation *activation, unsigned count, int first_fd)
{
	activation->fds = calloc(count, sizeof(*activation->fds));
	if (!activation->fds)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++) {
		int fd = first_fd + (int)i;

		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
		activation->fds[i].fd = fd;
		activation->count++;
	}
	return 0;
}

int activation_open(struct activation *activation, const struct activation_environment *environment,
	const char **wrong)
{
	unsigned long pid, count;
	int rc;

	*activation = (struct activation){ .count = 0 };
	*wrong = "";
	if (!environment->listen_pid || !environment->listen_fds)
		return 0;
	if (!number_read(environment->listen_pid, INT32_MAX, &pid) || !pid) {
		*wrong = "LISTEN_PID is not a process";
		return -EINVAL;
	}
	if ((pid_t)pid != environment->pid)
		return 0;
	if (!number_read(environment->listen_fds, ACTIVATION_FDS_MAX, &count)) {
		*wrong = "LISTEN_FDS is not a number of descriptors";
		return -EINVAL;
	}
	rc = count ? activation_take_all(activation, (unsigned)count, environment->first_fd) : 0;
	if (rc == -EBADF)
		*wrong = "LISTEN_FDS counts descriptors that are not open";
	if (rc == 0)
		rc = activation_name_all(activation, environment->listen_fdnames, wrong);
	if (rc < 0)
		activation_close(activation);
	return rc;
}

void activation_close(struct activation *activation)
{
	for (unsigned i = 0; i < activation->count; i++)
		if (activation->fds[i].fd >= 0)
			close(activation->fds[i].fd);
	free(activation->fds);
	free(activation->names);
	*activation = (struct activation){ .count = 0 };
}

/* ---- what it is -------------------------------------------------------------------------- */

/* syscalls(start): getsockopt */
static int socket_option(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

/* syscalls(start): fstat */
static bool fd_is_socket(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

static bool name_is(const char *name, const char *wanted)
{
	return strcmp(name, wanted) == 0;
}

/* By its type, which name must not contradict. */
static enum activation_kind socket_judge(int fd, const char *name, const char **wrong)
{
	int domain = socket_option(fd, SO_DOMAIN), type = socket_option(fd, SO_TYPE);

	*wrong = NULL;
	if (domain == AF_UNIX && type == SOCK_SEQPACKET && !name_is(name, "rsp"))
		return ACTIVATION_VCPU;
	if (type == SOCK_STREAM && (domain == AF_UNIX || domain == AF_INET || domain == AF_INET6) &&
		!name_is(name, "vcpu"))
		return ACTIVATION_RSP;
	if (name_is(name, "vcpu"))
		*wrong = "the socket for VMMs must be a Unix one of type SOCK_SEQPACKET "
			 "(ListenSequentialPacket=)";
	else
		*wrong = "a socket for debuggers must be a Unix or TCP one of type SOCK_STREAM "
			 "(ListenStream=)";
	return ACTIVATION_UNFIT;
}

enum activation_kind activation_inspect(const struct activation_fd *given, const char **wrong)
{
	enum activation_kind kind;
	struct store_name name;

	*wrong = NULL;
	if (store_name_parse(given->name, &name) || !fd_is_socket(given->fd))
		return ACTIVATION_KEPT;
	kind = socket_judge(given->fd, given->name, wrong);
	if (kind == ACTIVATION_UNFIT || socket_option(given->fd, SO_ACCEPTCONN) == 1)
		return kind;
	*wrong = "it does not listen (Accept= must be no)";
	return ACTIVATION_UNFIT;
}
