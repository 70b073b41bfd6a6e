/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves one RSP session over the fake target on a Unix socket or a loopback TCP port, so that a
 * real debugger can be tried against protocol/ alone:
 *	rsp_serve x86_64|arm64 THREADS /path/to/socket|PORT
 * One connection at a time, for ever; prints "ready" when it listens.  Not for production: it
 * polls, and the guest is made of eight instructions.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "protocol/session.h"
#include "tests/unit/fake_target.h"

enum { SERVE_ROUNDS = 1000, SERVE_POLL_MS = 5 };

static int listen_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1))
		return -1;
	return fd;
}

static int listen_tcp(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1))
		return -1;
	return fd;
}

static void trace(void *context, bool incoming, const char *payload, size_t length)
{
	FILE *log = context;

	fprintf(log, "%s %.*s\n", incoming ? ">" : "<", length > 200 ? 200 : (int)length, payload);
}

static int flush(struct session *session, int fd)
{
	const void *bytes;
	size_t length;

	while ((length = session_output(session, &bytes))) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0)
			return -1;
		session_output_consume(session, (size_t)sent);
	}
	return 0;
}

/* What was read and not yet taken is offered again by the next turn. */
static int serve_turn(struct session *session, struct fake_target *fake, int fd)
{
	struct pollfd event = { .fd = fd, .events = POLLIN };
	char bytes[4096];
	ssize_t got = 0;

	if (poll(&event, 1, fake->running ? SERVE_POLL_MS : -1) > 0)
		got = read(fd, bytes, sizeof(bytes));
	if (event.revents && got <= 0)
		return -1;
	for (ssize_t at = 0; at < got;) {
		ssize_t taken = session_input(session, bytes + at, (size_t)(got - at));

		if (taken < 0 || flush(session, fd))
			return -1;
		if (!session_wants_input(session))
			fake_target_run(fake, SERVE_ROUNDS);
		at += taken;
	}
	fake_target_run(fake, SERVE_ROUNDS);
	return flush(session, fd) || session_is_over(session) ? -1 : 0;
}

static void serve(const struct fake_machine *machine, unsigned threads, int fd)
{
	struct session_hooks hooks = { .trace = trace, .is_tracing = true, .context = stderr };
	struct fake_target fake;
	struct session *session;

	fake_target_init(&fake, machine, threads, true);
	session = session_create(&fake.target, 1, &hooks);
	while (session && !serve_turn(session, &fake, fd))
		;
	session_destroy(session);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct fake_machine *machine;
	int listener, fd;

	if (argc != 4) {
		fprintf(stderr, "usage: rsp_serve x86_64|arm64 THREADS PATH|PORT\n");
		return 2;
	}
	machine = strcmp(argv[1], "arm64") ? &fake_machine_x86_64 : &fake_machine_arm64;
	listener = strchr(argv[3], '/') ? listen_unix(argv[3]) : listen_tcp(argv[3]);
	if (listener < 0) {
		perror(argv[3]);
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		serve(machine, (unsigned)atoi(argv[2]), fd);
	return 1;
}
