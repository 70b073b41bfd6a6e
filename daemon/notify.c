/* SPDX-License-Identifier: Apache-2.0 */
/* The service manager's notification socket: see notify.h. */
#include "daemon/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { NOTIFY_TEXT_SIZE = 256 };

/* An abstract name begins with a NUL, and has none at its end. */
static int notify_address(const char *text, struct sockaddr_un *address, socklen_t *length)
{
	size_t bytes = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || bytes < 2 || bytes >= sizeof(address->sun_path))
		return -EPROTONOSUPPORT;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, text, bytes);
	*length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
	if (text[0] == '@')
		address->sun_path[0] = '\0';
	else
		(*length)++;
	return 0;
}

/* syscalls(main): connect setsockopt */
static int notify_connect(int fd, const char *text)
{
	struct timeval patience = { .tv_usec = NOTIFY_PATIENCE_MS * 1000 };
	struct sockaddr_un address;
	socklen_t length;
	int rc = notify_address(text, &address, &length);

	if (rc < 0)
		return rc;
	if (connect(fd, (struct sockaddr *)&address, length) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	return 0;
}

/* syscalls(main): socket */
int notify_open(struct notify *notify, const char *address)
{
	int rc;

	*notify = (struct notify){ .fd = -1 };
	if (!address)
		return 0;
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify->fd < 0)
		return -errno;
	rc = notify_connect(notify->fd, address);
	if (rc < 0)
		notify_close(notify);
	return rc;
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}

/* ---- sending ----------------------------------------------------------------------------- */

static int notify_send(struct notify *notify, const char *text, const int *fds, unsigned count)
{
	int rc;

	if (notify->fd < 0)
		return 0;
	rc = fd_send(
		notify->fd, text, strlen(text), fds, count, notify->is_deaf ? MSG_DONTWAIT : 0);
	notify->is_deaf = rc == -EAGAIN;
	return rc;
}

int notify_ready(struct notify *notify)
{
	return notify_send(notify, "READY=1", NULL, 0);
}

/* syscalls(main): clock_gettime */
int notify_reloading(struct notify *notify)
{
	char text[NOTIFY_TEXT_SIZE];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		(unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
	return notify_send(notify, text, NULL, 0);
}

int notify_stopping(struct notify *notify)
{
	return notify_send(notify, "STOPPING=1", NULL, 0);
}

int notify_status(struct notify *notify, const char *format, ...)
{
	char text[NOTIFY_TEXT_SIZE] = "STATUS=";
	size_t length = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + length, sizeof(text) - length, format, arguments);
	va_end(arguments);
	return notify_send(notify, text, NULL, 0);
}

/* ---- the fd store ------------------------------------------------------------------------ */

int notify_store(struct notify *notify, const char *name, const int *fds, unsigned count)
{
	char text[NOTIFY_TEXT_SIZE];
	int rc = 0;

	snprintf(
		text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%.*s", NOTIFY_NAME_SIZE - 1, name);
	while (rc == 0 && count) {
		unsigned now = count < NOTIFY_FDS_MAX ? count : NOTIFY_FDS_MAX;

		rc = notify_send(notify, text, fds, now);
		fds += now;
		count -= now;
	}
	return rc;
}

int notify_unstore(struct notify *notify, const char *name)
{
	char text[NOTIFY_TEXT_SIZE];

	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%.*s", NOTIFY_NAME_SIZE - 1, name);
	return notify_send(notify, text, NULL, 0);
}
