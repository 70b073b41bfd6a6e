/* SPDX-License-Identifier: Apache-2.0 */
/* Listen addresses: text to sockaddr to listening fd. Does not log; knows no libev. */
#include "daemon/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 64 };

static bool is_unix(const struct listen_address *address)
{
	return address->name.any.sa_family == AF_UNIX;
}

static bool is_this_machine(const struct listen_address *address)
{
	switch (address->name.any.sa_family) {
	case AF_INET:
		return ntohl(address->name.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&address->name.in6.sin6_addr);
	default:
		return is_unix(address);
	}
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *parse_unix(struct listen_address *address, const char *path)
{
	struct sockaddr_un *un = &address->name.un;
	size_t length = strlen(path);

	_Static_assert(sizeof(un->sun_path) == 108, "the error text says so");
	if (has_prefix(path, "unix:"))
		return "a Unix socket is written as its path, without 'unix:'";
	if (path[length - 1] == '/')
		return "the path ends in '/'";
	if (length >= sizeof(un->sun_path))
		return "the path of a Unix socket may have at most 107 bytes";
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, length + 1);
	address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
	address->is_loopback = true;
	return NULL;
}

/* 0 to 65535 in decimal digits. */
static bool parse_port(const char *text, in_port_t *port)
{
	unsigned int number = 0;
	size_t length = strlen(text);

	if (length == 0 || length > 5 || strspn(text, "0123456789") != length)
		return false;
	for (; text[0]; text++)
		number = number * 10 + (unsigned int)(text[0] - '0');
	*port = htons((in_port_t)number);
	return number <= 65535;
}

static const char *parse_ipv4(struct listen_address *address, const char *host, in_port_t port)
{
	struct sockaddr_in *in = &address->name.in;

	if (host[0] == '\0' || strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		return "expected a numeric IPv4 address, [IPv6 address] or localhost before "
		       "':port'";
	in->sin_family = AF_INET;
	in->sin_port = port;
	address->length = sizeof(*in);
	address->is_loopback = is_this_machine(address);
	return NULL;
}

static const char *parse_ipv6(struct listen_address *address, const char *host, in_port_t port)
{
	struct sockaddr_in6 *in6 = &address->name.in6;

	if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
		return "expected a numeric IPv6 address between '[' and ']'";
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return "write an IPv4 address as such, not mapped into IPv6";
	in6->sin6_family = AF_INET6;
	in6->sin6_port = port;
	address->length = sizeof(*in6);
	address->is_loopback = is_this_machine(address);
	return NULL;
}

static const char *parse_tcp(struct listen_address *address, const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t length;
	in_port_t port;

	if (has_prefix(text, "tcp:"))
		return "a TCP address is written as host:port, without 'tcp:'";
	if (!colon)
		return "expected a Unix path (with a '/') or host:port";
	if (!parse_port(colon + 1, &port))
		return "expected a port number from 0 to 65535 after the last ':'";
	length = (size_t)(colon - text);
	if (length >= sizeof(host))
		return "the host is longer than any numeric address";
	memcpy(host, text, length);
	host[length] = '\0';
	if (length < 2 || host[0] != '[' || host[length - 1] != ']')
		return parse_ipv4(address, host, port);
	host[length - 1] = '\0';
	return parse_ipv6(address, host + 1, port);
}

int listen_address_parse(struct listen_address *address, const char *text, const char **wrong)
{
	memset(address, 0, sizeof(*address));
	*wrong = strchr(text, '/') ? parse_unix(address, text) : parse_tcp(address, text);
	return *wrong ? -EINVAL : 0;
}

bool listen_address_equals(const struct listen_address *a, const struct listen_address *b)
{
	return a->length == b->length && memcmp(&a->name, &b->name, a->length) == 0;
}

void listen_address_format(const struct listen_address *address, char *text, size_t size)
{
	const struct sockaddr_in6 *in6 = &address->name.in6;
	const struct sockaddr_in *in = &address->name.in;
	char host[INET6_ADDRSTRLEN] = "?";

	switch (address->name.any.sa_family) {
	case AF_UNIX:
		if (address->name.un.sun_path[0])
			snprintf(text, size, "%s", address->name.un.sun_path);
		else
			snprintf(text, size, "@%s", address->name.un.sun_path + 1);
		break;
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(in->sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%u", host, ntohs(in6->sin6_port));
		break;
	default:
		snprintf(text, size, "(no address)");
		break;
	}
}

/*
 * Asks the socket file itself whether anybody is behind it. 0: nobody; -EADDRINUSE: somebody,
 * be it one of another type (EPROTOTYPE) or with a full queue (EAGAIN); or -errno.
 */
/* syscalls(main): socket connect */
static int unix_probe(struct listen_address *address, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		return -errno;
	result = connect(fd, &address->name.any, address->length) < 0 ? -errno : 0;
	close(fd);
	switch (result) {
	case -ECONNREFUSED:
	case -ENOENT:
		return 0;
	case 0:
	case -EPROTOTYPE:
	case -EAGAIN:
		return -EADDRINUSE;
	default:
		return result;
	}
}

/* The path is taken: makes room if only a dead process's socket is there. */
/* syscalls(main): lstat unlink */
static int unix_remove_stale(struct listen_address *address, int type)
{
	const char *path = address->name.un.sun_path;
	struct stat status;
	int result;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	result = unix_probe(address, type);
	if (result < 0)
		return result;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* syscalls(main): umask bind */
static int unix_bind_once(struct listen_address *address, int fd, mode_t mode)
{
	mode_t before = umask(0777 & ~mode);
	int result = bind(fd, &address->name.any, address->length) < 0 ? -errno : 0;

	umask(before);
	return result;
}

/* syscalls(main): lstat */
static int unix_bind(struct listen_address *address, int fd, int type, mode_t mode)
{
	int result = unix_bind_once(address, fd, mode);
	struct stat status;

	if (result == -EADDRINUSE) {
		result = unix_remove_stale(address, type);
		if (result == 0)
			result = unix_bind_once(address, fd, mode);
	}
	if (result < 0)
		return result;
	if (lstat(address->name.un.sun_path, &status) < 0)
		return -errno;
	address->is_bound = true;
	address->device = status.st_dev;
	address->inode = status.st_ino;
	return 0;
}

/* IPV6_V6ONLY: an address means itself, and [::]:1 and 0.0.0.0:1 can both be listened on. */
/* syscalls(main): setsockopt bind getsockname */
static int tcp_bind(struct listen_address *address, int fd)
{
	socklen_t length = sizeof(address->name);
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (address->name.any.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, &address->name.any, address->length) < 0)
		return -errno;
	return getsockname(fd, &address->name.any, &length) < 0 ? -errno : 0;
}

/* syscalls(main): socket listen */
int listen_address_open(struct listen_address *address, int type, mode_t mode, int *fd)
{
	int result;

	*fd = -1;
	if (!is_unix(address) && type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	*fd = socket(address->name.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	result = is_unix(address) ? unix_bind(address, *fd, type, mode) : tcp_bind(address, *fd);
	if (result == 0 && listen(*fd, LISTEN_BACKLOG) < 0)
		result = -errno;
	if (result < 0)
		listen_address_close(address, fd);
	return result;
}

/* syscalls(main): lstat unlink */
void listen_address_close(struct listen_address *address, int *fd)
{
	const char *path = address->name.un.sun_path;
	struct stat status;
	int saved = errno;

	if (address->is_bound && lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) &&
		status.st_dev == address->device && status.st_ino == address->inode)
		unlink(path);
	address->is_bound = false;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

/* syscalls(main): fcntl */
int listen_address_adopt(struct listen_address *address, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	memset(address, 0, sizeof(*address));
	address->length = sizeof(address->name);
	if (getsockname(fd, &address->name.any, &address->length) < 0 || flags < 0 ||
		fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	address->is_loopback = is_this_machine(address);
	return 0;
}
