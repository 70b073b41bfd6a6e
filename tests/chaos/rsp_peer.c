/* SPDX-License-Identifier: Apache-2.0 */
/* Framing (GDB manual, E.1), on a socket. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/chaos/rsp_peer.h"

int rsp_peer_connect(struct rsp_peer *peer, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	peer->have = peer->used = 0;
	peer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (peer->fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(peer->fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	rsp_peer_close(peer);
	return -ECONNREFUSED;
}

void rsp_peer_close(struct rsp_peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

static int peer_write(struct rsp_peer *peer, const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = send(peer->fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		bytes += sent;
		length -= (size_t)sent;
	}
	return 0;
}

int rsp_peer_send(struct rsp_peer *peer, const char *text)
{
	size_t length = strlen(text);
	char *frame = malloc(length + 5);
	uint8_t sum = 0;
	int rc;

	if (!frame)
		return -ENOMEM;
	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + (uint8_t)text[i]);
	frame[0] = '$';
	memcpy(frame + 1, text, length);
	snprintf(frame + 1 + length, 4, "#%02x", sum);
	rc = peer_write(peer, frame, length + 4);
	free(frame);
	return rc;
}

int rsp_peer_send_byte(struct rsp_peer *peer, char byte)
{
	return peer_write(peer, &byte, 1);
}

/* ---- what comes in ----------------------------------------------------------------------- */

static bool peer_put(struct rsp_peer *peer, char byte)
{
	if (peer->length + 1 == sizeof(peer->packet))
		return false;
	peer->packet[peer->length++] = byte;
	return true;
}

/* "X*n": X n - 29 times more. */
static bool peer_put_run(struct rsp_peer *peer, char count)
{
	for (int i = count - 29; i > 0; i--)
		if (!peer->length || !peer_put(peer, peer->packet[peer->length - 1]))
			return false;
	return true;
}

static int peer_unpack(struct rsp_peer *peer, const char *body, size_t length)
{
	bool fits = true;

	peer->length = 0;
	for (size_t i = 0; fits && i < length; i++) {
		if (body[i] == '}' && i + 1 < length)
			fits = peer_put(peer, (char)(body[++i] ^ 0x20));
		else if (body[i] == '*' && i + 1 < length)
			fits = peer_put_run(peer, body[++i]);
		else
			fits = peer_put(peer, body[i]);
	}
	peer->packet[peer->length] = '\0';
	return fits ? 1 : -EPROTO;
}

/* 1 when in[] held a whole packet, 0 when more must come. */
static int peer_take(struct rsp_peer *peer)
{
	char *end;

	while (peer->used < peer->have &&
		(peer->in[peer->used] == '+' || peer->in[peer->used] == '-'))
		peer->used++;
	if (peer->used == peer->have)
		return 0;
	if (peer->in[peer->used] != '$' && peer->in[peer->used] != '%')
		return -EPROTO;
	end = memchr(peer->in + peer->used, '#', peer->have - peer->used);
	if (!end || (size_t)(end - peer->in) + 3 > peer->have)
		return 0;
	peer->is_notification = peer->in[peer->used] == '%';
	if (peer_unpack(
		    peer, peer->in + peer->used + 1, (size_t)(end - peer->in) - peer->used - 1) < 0)
		return -EPROTO;
	peer->used = (size_t)(end - peer->in) + 3;
	return 1;
}

static int peer_fill(struct rsp_peer *peer)
{
	ssize_t got;

	memmove(peer->in, peer->in + peer->used, peer->have - peer->used);
	peer->have -= peer->used;
	peer->used = 0;
	if (peer->have == sizeof(peer->in))
		return -EPROTO;
	got = recv(peer->fd, peer->in + peer->have, sizeof(peer->in) - peer->have, 0);
	if (got < 0)
		return errno == EINTR ? 0 : -errno;
	peer->have += (size_t)got;
	return got ? 0 : -ECONNRESET;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int rsp_peer_receive(struct rsp_peer *peer, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;
	int rc = peer_take(peer);

	while (rc == 0) {
		struct pollfd wait = { .fd = peer->fd, .events = POLLIN };
		int64_t left = deadline - now_ms();

		if (poll(&wait, 1, left > 0 ? (int)left : 0) == 0)
			return 0;
		rc = peer_fill(peer);
		if (rc == 0)
			rc = peer_take(peer);
	}
	return rc;
}
