/* SPDX-License-Identifier: Apache-2.0 */
/* Framing; see packet.h.  The reader is one small function for each state. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "protocol/hex.h"
#include "protocol/packet.h"

/* RFC 854; gdb's "set remote interrupt-sequence BREAK" sends IAC BRK. */
enum {
	TELNET_BRK = 243,
	TELNET_IP = 244,
	TELNET_WILL = 251,
	TELNET_DONT = 254,
	TELNET_IAC = 255,
};

enum { PACKET_INTERRUPT_BYTE = 0x03 };

int packet_reader_init(struct packet_reader *reader)
{
	*reader = (struct packet_reader){ .payload = malloc(PACKET_SIZE) };
	return reader->payload ? 0 : -ENOMEM;
}

void packet_reader_fini(struct packet_reader *reader)
{
	free(reader->payload);
	*reader = (struct packet_reader){ .payload = NULL };
}

static void reader_start(struct packet_reader *reader)
{
	reader->state = PACKET_READER_PAYLOAD;
	reader->length = 0;
	reader->sum = 0;
	reader->too_long = false;
}

static enum packet_event reader_meet_noise(struct packet_reader *reader, uint8_t byte)
{
	if (reader->proven || byte == '\r' || byte == '\n')
		return PACKET_NOTHING;
	reader->state = PACKET_READER_FOREIGN;
	return PACKET_FOREIGN;
}

static enum packet_event take_between(struct packet_reader *reader, uint8_t byte)
{
	switch (byte) {
	case '$':
		reader_start(reader);
		return PACKET_NOTHING;
	case '+':
		return PACKET_ACK;
	case '-':
		return PACKET_NAK;
	case PACKET_INTERRUPT_BYTE:
		return PACKET_INTERRUPT;
	case TELNET_IAC:
		reader->state = PACKET_READER_TELNET;
		return PACKET_NOTHING;
	default:
		return reader_meet_noise(reader, byte);
	}
}

/* A bare '$' is never part of a payload: the peer gave up on a packet and starts another. */
static enum packet_event take_payload(struct packet_reader *reader, uint8_t byte)
{
	if (byte == '$') {
		reader_start(reader);
	} else if (byte == '#') {
		reader->state = PACKET_READER_SUM_HIGH;
	} else {
		reader->sum = (uint8_t)(reader->sum + byte);
		if (reader->length < PACKET_SIZE)
			reader->payload[reader->length++] = byte;
		else
			reader->too_long = true;
	}
	return PACKET_NOTHING;
}

static enum packet_event take_sum_high(struct packet_reader *reader, uint8_t byte)
{
	int digit = hex_digit_value(byte);

	if (byte == '$') {
		reader_start(reader);
		return PACKET_CORRUPT;
	}
	reader->sum_is_number = digit >= 0;
	reader->claimed = (uint8_t)((unsigned)digit << 4);
	reader->state = PACKET_READER_SUM_LOW;
	return PACKET_NOTHING;
}

static bool reader_sum_is_right(const struct packet_reader *reader, int digit)
{
	if (!reader->sum_is_number || digit < 0)
		return false;
	return reader->sum_ignored || (reader->claimed | (unsigned)digit) == reader->sum;
}

static enum packet_event take_sum_low(struct packet_reader *reader, uint8_t byte)
{
	if (byte == '$') {
		reader_start(reader);
		return PACKET_CORRUPT;
	}
	reader->state = PACKET_READER_BETWEEN;
	if (!reader_sum_is_right(reader, hex_digit_value(byte)))
		return PACKET_CORRUPT;
	if (reader->too_long)
		return PACKET_TOO_LONG;
	reader->proven = true;
	return PACKET_COMPLETE;
}

static enum packet_event take_telnet(struct packet_reader *reader, uint8_t byte)
{
	if (byte == TELNET_BRK || byte == TELNET_IP) {
		reader->state = PACKET_READER_AFTER_BREAK;
		return PACKET_INTERRUPT;
	}
	reader->state = byte >= TELNET_WILL && byte <= TELNET_DONT ? PACKET_READER_TELNET_OPTION
								   : PACKET_READER_BETWEEN;
	return PACKET_NOTHING;
}

static enum packet_event take_telnet_option(struct packet_reader *reader, uint8_t byte)
{
	(void)byte;
	reader->state = PACKET_READER_BETWEEN;
	return PACKET_NOTHING;
}

static enum packet_event take_after_break(struct packet_reader *reader, uint8_t byte)
{
	reader->state = PACKET_READER_BETWEEN;
	return byte == 'g' ? PACKET_NOTHING : take_between(reader, byte);
}

static enum packet_event take_foreign(struct packet_reader *reader, uint8_t byte)
{
	(void)reader;
	(void)byte;
	return PACKET_FOREIGN;
}

enum packet_event packet_reader_take(struct packet_reader *reader, uint8_t byte)
{
	static enum packet_event (*const take[])(struct packet_reader *, uint8_t) = {
		[PACKET_READER_BETWEEN] = take_between,
		[PACKET_READER_PAYLOAD] = take_payload,
		[PACKET_READER_SUM_HIGH] = take_sum_high,
		[PACKET_READER_SUM_LOW] = take_sum_low,
		[PACKET_READER_TELNET] = take_telnet,
		[PACKET_READER_TELNET_OPTION] = take_telnet_option,
		[PACKET_READER_AFTER_BREAK] = take_after_break,
		[PACKET_READER_FOREIGN] = take_foreign,
	};

	return take[reader->state](reader, byte);
}

static int packet_put(struct fifo *out, const char *head, const uint8_t *payload, size_t length)
{
	uint8_t tail[3] = { '#' };
	uint8_t sum = 0;

	if (fifo_room(out) < length + 1 + sizeof(tail))
		return -ENOBUFS;
	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + payload[i]);
	hex_encode(tail + 1, &sum, 1);
	fifo_put(out, head, 1);
	fifo_put(out, payload, length);
	fifo_put(out, tail, sizeof(tail));
	return 0;
}

int packet_frame(struct fifo *out, const uint8_t *payload, size_t length)
{
	return packet_put(out, "$", payload, length);
}

int packet_notify(struct fifo *out, const uint8_t *payload, size_t length)
{
	return packet_put(out, "%", payload, length);
}
