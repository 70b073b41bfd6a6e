/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger's end of the remote protocol: packets out, packets in, nothing of what they mean.  No
 * acknowledgments; run-length encoding and escapes are undone.
 */
#ifndef RSP_PEER_H
#define RSP_PEER_H

#include <stdbool.h>
#include <stddef.h>

enum { RSP_PEER_MAX = 160 * 1024 };

struct rsp_peer {
	int fd;            /* -1: none */
	size_t have, used; /* of in[] */
	char in[RSP_PEER_MAX];
	char packet[RSP_PEER_MAX]; /* the last one, ended by a 0 */
	size_t length;
	bool is_notification; /* it came with a '%' */
};

/* Connects to a Unix socket.  0 or -errno. */
int rsp_peer_connect(struct rsp_peer *peer, const char *path);
void rsp_peer_close(struct rsp_peer *peer);

/* Sends one packet of that text, or a byte as it is.  0 or -errno. */
int rsp_peer_send(struct rsp_peer *peer, const char *text);
int rsp_peer_send_byte(struct rsp_peer *peer, char byte);

/*
 * The next packet or notification into packet.  1; 0 when none came in time; -errno when the connection has ended
 * (-ECONNRESET: orderly, too) or what came is no packet (-EPROTO).
 */
int rsp_peer_receive(struct rsp_peer *peer, int timeout_ms);

#endif
