/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to the daemon: see link.h. */
#include "ctl/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int link_connect(struct link *link, const char *path, unsigned timeout_s)
{
	struct timeval timeout = { .tv_sec = timeout_s };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (link->fd < 0)
		return -errno;
	setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(link->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return connect(link->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno
											 : 0;
}

/* A daemon that refuses us may have said so and closed before: what it said is to be read. */
static int link_send(struct link *link, const char *request)
{
	if (send(link->fd, request, strlen(request), MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return -errno;
	return 0;
}

int link_open(struct link *link, const char *path, const char *request, unsigned timeout_s)
{
	int rc;

	link->fd = -1;
	link->start = link->length = 0;
	rc = link_connect(link, path, timeout_s);
	if (rc == 0)
		rc = link_send(link, request);
	if (rc < 0)
		link_close(link);
	return rc;
}

/* 1, 0 at the end of the answer, -errno. */
static int link_read(struct link *link)
{
	ssize_t n;

	memmove(link->bytes, link->bytes + link->start, link->length);
	link->start = 0;
	if (link->length == sizeof(link->bytes))
		return -EBADMSG;
	do
		n = recv(link->fd, link->bytes + link->length, sizeof(link->bytes) - link->length,
			0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	link->length += (size_t)n;
	return n > 0;
}

int link_next(struct link *link, struct record *record)
{
	const char *line = link->bytes + link->start, *end;
	size_t size;

	while (!(end = memchr(line, '\n', link->length))) {
		int rc = link_read(link);

		if (rc <= 0)
			return rc == 0 && link->length ? -EBADMSG : rc;
		line = link->bytes;
	}
	size = (size_t)(end - line);
	link->start += size + 1;
	link->length -= size + 1;
	return record_parse(record, line, size) < 0 ? -EBADMSG : 1;
}

void link_close(struct link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
}
