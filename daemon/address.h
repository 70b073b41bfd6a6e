/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address to listen on: what it looks like as text, and how it is opened. Both debuggers'
 * sockets (SOCK_STREAM) and the VMMs' (SOCK_SEQPACKET, Unix only) are opened here and nowhere
 * else. Who connects and what is said is not known here.
 *
 * As text: a Unix path contains a '/'. Everything else is TCP: `a.b.c.d:port`, `[v6]:port`,
 * `localhost:port`, or `:port` for 127.0.0.1. Names are not looked up: what a name means may
 * change between the check that it is loopback and the use of it. Port 0 lets the kernel choose.
 */
#ifndef DAEMON_ADDRESS_H
#define DAEMON_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

enum { LISTEN_ADDRESS_TEXT_SIZE = 128 };

struct listen_address {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} name;
	socklen_t length; /* of the name */
	bool is_loopback; /* only this machine can connect; true for Unix */

	/* Unix, while open: the socket file that is ours to remove. */
	bool is_bound;
	dev_t device;
	ino_t inode;
};

/* Reads TEXT. Returns 0, or -EINVAL with *WRONG saying (a constant text) what is wrong. */
int listen_address_parse(struct listen_address *address, const char *text, const char **wrong);

/* Whether two addresses name the same place, as far as their text tells. */
bool listen_address_equals(const struct listen_address *a, const struct listen_address *b);

/* Writes the address as listen_address_parse() reads it; after listen_address_open() with the
 * port that the kernel chose. */
void listen_address_format(const struct listen_address *address, char *text, size_t size);

/*
 * Binds and listens. TYPE is SOCK_STREAM or SOCK_SEQPACKET; a Unix socket gets the permissions
 * MODE from its first moment (umask is changed for that time: no other thread may create
 * files). The fd, non-blocking and close-on-exec, is the caller's, to be given back to
 * listen_address_close().
 *
 * A socket file left behind by a dead process is replaced; one that still accepts connections is
 * not; what is not a socket is never removed. Returns 0 or
 *   -EADDRINUSE        somebody listens there,
 *   -ENOTSOCK          the path exists and is not a socket,
 *   -ESOCKTNOSUPPORT   SOCK_SEQPACKET over TCP,
 *   or what socket(2), bind(2), listen(2) said. *FD is -1 then.
 */
int listen_address_open(struct listen_address *address, int type, mode_t mode, int *fd);

/*
 * Describes a socket that somebody else has bound and that listens; makes it non-blocking and
 * close-on-exec. Its file, if it has one, is not ours. Returns 0, or what getsockname(2) or
 * fcntl(2) said.
 */
int listen_address_adopt(struct listen_address *address, int fd);

/* Closes *FD if open, leaves -1 there, and removes the socket file if it is still the one that
 * was bound. A process that only inherited the fd must close(2) it instead. Keeps errno. */
void listen_address_close(struct listen_address *address, int *fd);

#endif
