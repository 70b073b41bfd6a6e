/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing of the GDB Remote Serial Protocol, both ways: bytes in, events out; a payload in, a
 * frame out (GDB manual E.1 "Overview", E.8 "Interrupts", E.11 "Packet Acknowledgment").
 * Knows no command and no connection; what a payload says is not its business.
 */
#ifndef PROTOCOL_PACKET_H
#define PROTOCOL_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "protocol/fifo.h"

enum {
	PACKET_SIZE = 0x20000, /* the longest payload either way: what qSupported announces */
	PACKET_FRAME_SIZE = PACKET_SIZE + 4, /* with "$" and "#xx" */
};

enum packet_event {
	PACKET_NOTHING,   /* so far */
	PACKET_COMPLETE,  /* payload and length are valid until the next byte is taken */
	PACKET_TOO_LONG,  /* well framed, but longer than PACKET_SIZE: its payload is lost */
	PACKET_CORRUPT,   /* the checksum is wrong or no number */
	PACKET_INTERRUPT, /* 0x03, or a telnet BREAK: a person wants the target to stop */
	PACKET_ACK,
	PACKET_NAK,
	PACKET_FOREIGN, /* the peer speaks another protocol; every later byte says so again */
};

enum packet_reader_state {
	PACKET_READER_BETWEEN,
	PACKET_READER_PAYLOAD,
	PACKET_READER_SUM_HIGH,
	PACKET_READER_SUM_LOW,
	PACKET_READER_TELNET,        /* after IAC */
	PACKET_READER_TELNET_OPTION, /* after IAC WILL, WONT, DO, DONT */
	PACKET_READER_AFTER_BREAK,   /* gdb's "BREAK-g" sends a 'g' here */
	PACKET_READER_FOREIGN,
};

/*
 * Until the first valid packet, bytes between packets must be ones a debugger sends there: so a
 * web page that makes a browser talk to our port is found out at its first letter.  Afterwards
 * noise between packets is skipped.
 */
struct packet_reader {
	enum packet_reader_state state;
	uint8_t *payload; /* PACKET_SIZE bytes */
	size_t length;
	uint8_t sum, claimed;
	bool too_long;
	bool sum_is_number;
	bool proven;      /* a valid packet has been read */
	bool sum_ignored; /* no-ack mode: the transport is trusted and nothing could be re-sent */
};

/* 0 or -ENOMEM; fini is right after either, and on a zeroed struct. */
int packet_reader_init(struct packet_reader *reader);
void packet_reader_fini(struct packet_reader *reader);

/* At most one event for each byte. */
enum packet_event packet_reader_take(struct packet_reader *reader, uint8_t byte);

/*
 * Appends "$payload#xx".  The payload must be escaped already.  All or nothing: 0 or -ENOBUFS.
 */
int packet_frame(struct fifo *out, const uint8_t *payload, size_t length);

/* The same as a notification, "%payload#xx", which nobody acknowledges. */
int packet_notify(struct fifo *out, const uint8_t *payload, size_t length);

#endif
