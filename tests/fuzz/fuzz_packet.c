/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes at the packet reader.  It must say nothing but events, hold its bound, and agree with
 * itself: a payload that it accepted is accepted again from the frame we would send.
 */
#include <stdlib.h>
#include <string.h>
#include "protocol/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The reader's payload may hold no '#' or '$', so its own frame reads back as it was. */
static void check_round_trip(const struct packet_reader *reader)
{
	struct packet_reader second;
	struct fifo frame;
	enum packet_event event = PACKET_NOTHING;

	if (packet_reader_init(&second) || fifo_init(&frame, reader->length + 4))
		abort();
	if (packet_frame(&frame, reader->payload, reader->length))
		abort();
	for (size_t i = 0; i < fifo_length(&frame); i++)
		event = packet_reader_take(&second, fifo_peek(&frame)[i]);
	if (event != PACKET_COMPLETE || second.length != reader->length ||
		memcmp(second.payload, reader->payload, reader->length))
		abort();
	fifo_fini(&frame);
	packet_reader_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet_reader reader;

	if (packet_reader_init(&reader))
		abort();
	reader.sum_ignored = size && data[0] & 1;
	for (size_t i = 0; i < size; i++) {
		enum packet_event event = packet_reader_take(&reader, data[i]);

		if (event > PACKET_FOREIGN || reader.length > PACKET_SIZE)
			abort();
		if (event == PACKET_COMPLETE)
			check_round_trip(&reader);
	}
	packet_reader_fini(&reader);
	return 0;
}
