/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients of the control and the metrics socket, for tests/system/ctl:
 *
 *	ctl_peer scrape SOCKET             GET /metrics; prints the body
 *	ctl_peer silent SOCKET N SECONDS   N connections that say nothing; prints how many were closed meanwhile
 *	ctl_peer deaf SOCKET N SECONDS     N connections that ask (REQUEST from the input) and read nothing
 *	ctl_peer ask SOCKET                sends its input; prints the answer
 *	ctl_peer pieces SOCKET LINE        sends that line a byte at a time; prints the answer
 *	ctl_peer as UID PROGRAM...         runs a program as another user
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PEERS_MAX = 256, BODY_MAX = 16 << 20 };

static int fail(const char *what)
{
	perror(what);
	return EXIT_FAILURE;
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		exit(fail(path));
	return fd;
}

static size_t read_all(int fd, char *bytes, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while (length < size && (n = recv(fd, bytes + length, size - length, 0)) > 0)
		length += (size_t)n;
	return length;
}

static int run_scrape(char **argv)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char *answer = calloc(1, BODY_MAX), *body;
	int fd = dial(argv[0]);
	size_t length;

	if (!answer || send(fd, request, strlen(request), 0) < 0)
		return fail("asking");
	length = read_all(fd, answer, BODY_MAX - 1);
	body = strstr(answer, "\r\n\r\n");
	if (!body || strncmp(answer, "HTTP/1.1 200 OK\r\n", 17) ||
		!strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n")) {
		fprintf(stderr, "not the answer that was expected: %.200s\n", answer);
		return EXIT_FAILURE;
	}
	body += 4;
	fwrite(body, 1, length - (size_t)(body - answer), stdout);
	return EXIT_SUCCESS;
}

static int print_answer(int fd)
{
	static char answer[1 << 20];

	fwrite(answer, 1, read_all(fd, answer, sizeof(answer)), stdout);
	return EXIT_SUCCESS;
}

static int run_ask(char **argv)
{
	static char request[65536];
	size_t length = fread(request, 1, sizeof(request), stdin);
	int fd = dial(argv[0]);

	send(fd, request, length, MSG_NOSIGNAL); /* a daemon that has heard enough closes */
	return print_answer(fd);
}

static int run_pieces(char **argv)
{
	int fd = dial(argv[0]);

	for (const char *c = argv[1]; *c; c++) {
		send(fd, c, 1, MSG_NOSIGNAL);
		usleep(20000);
	}
	send(fd, "\n", 1, MSG_NOSIGNAL);
	return print_answer(fd);
}

static unsigned count_closed(const int *fds, unsigned count)
{
	unsigned closed = 0;

	for (unsigned i = 0; i < count; i++) {
		struct pollfd peer = { .fd = fds[i], .events = POLLRDHUP };

		poll(&peer, 1, 0);
		closed += (peer.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
	}
	return closed;
}

static int run_crowd(char **argv, bool asks)
{
	unsigned count = (unsigned)atoi(argv[1]);
	int fds[PEERS_MAX];
	char request[256] = "";
	size_t length = asks ? fread(request, 1, sizeof(request), stdin) : 0;

	if (count > PEERS_MAX)
		return EXIT_FAILURE;
	for (unsigned i = 0; i < count; i++) {
		fds[i] = dial(argv[0]);
		if (length)
			send(fds[i], request, length, MSG_NOSIGNAL);
	}
	puts("there");
	fflush(stdout);
	sleep((unsigned)atoi(argv[2]));
	printf("closed %u\n", count_closed(fds, count));
	return EXIT_SUCCESS;
}

static int run_as(char **argv)
{
	uid_t uid = (uid_t)atoi(argv[0]);

	if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return fail("another user");
	execv(argv[1], argv + 1);
	return fail(argv[1]);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "scrape"))
		return run_scrape(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "silent"))
		return run_crowd(argv + 2, false);
	if (argc == 5 && !strcmp(argv[1], "deaf"))
		return run_crowd(argv + 2, true);
	if (argc == 3 && !strcmp(argv[1], "ask"))
		return run_ask(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "pieces"))
		return run_pieces(argv + 2);
	if (argc >= 4 && !strcmp(argv[1], "as"))
		return run_as(argv + 2);
	fputs("see the head of ctl_peer.c\n", stderr);
	return 2;
}
