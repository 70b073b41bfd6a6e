/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation on its way to another session; see conversation.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "protocol/conversation.h"

/* A client is nothing but truths, so that each of them goes along, also those to come. */
_Static_assert(sizeof(bool) == 1, "a truth is a byte");

enum { HELD_HEADER = 2 };

static size_t held_length_at(const struct conversation *talk, size_t at)
{
	return (size_t)talk->held[at] | (size_t)talk->held[at + 1] << 8;
}

static bool are_truths(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i] > 1)
			return false;
	return true;
}

static bool is_held_whole(const struct conversation *talk)
{
	size_t at = 0, end = talk->held_length;

	if (end > sizeof(talk->held))
		return false;
	while (at < end) {
		if (end - at < HELD_HEADER || end - at - HELD_HEADER < held_length_at(talk, at))
			return false;
		at += HELD_HEADER + held_length_at(talk, at);
	}
	return true;
}

int conversation_check(const struct conversation *talk)
{
	const uint8_t truths[] = { talk->has_begun, talk->no_ack, talk->is_extended,
		talk->has_lobby, talk->non_stop };

	if (!are_truths(truths, sizeof(truths)) ||
		!are_truths(talk->client, sizeof(talk->client)) || talk->lost_process > INT32_MAX ||
		!is_held_whole(talk))
		return -EINVAL;
	return 0;
}

void conversation_put_client(struct conversation *talk, const struct client *client)
{
	memcpy(talk->client, client, sizeof(talk->client));
}

void conversation_get_client(const struct conversation *talk, struct client *client)
{
	memcpy(client, talk->client, sizeof(*client));
}

static int put_packet(struct conversation *talk, const struct packet_view *packet)
{
	uint8_t *to = talk->held + talk->held_length;

	if (packet->too_long ||
		sizeof(talk->held) - talk->held_length < HELD_HEADER + packet->length)
		return -EMSGSIZE;
	to[0] = (uint8_t)packet->length;
	to[1] = (uint8_t)(packet->length >> 8);
	memcpy(to + HELD_HEADER, packet->payload, packet->length);
	talk->held_length += (uint32_t)(HELD_HEADER + packet->length);
	return 0;
}

int conversation_put_held(struct conversation *talk, const struct packet_queue *queue)
{
	struct packet_view packet;
	size_t at = 0;
	int result = 0;

	talk->held_length = 0;
	while (!result && packet_queue_next(queue, &at, &packet))
		result = put_packet(talk, &packet);
	return result;
}

int conversation_get_held(const struct conversation *talk, struct packet_queue *queue)
{
	int result = 0;

	for (size_t at = 0; !result && at < talk->held_length;) {
		struct packet_view packet = {
			.payload = talk->held + at + HELD_HEADER,
			.length = held_length_at(talk, at),
		};

		result = packet_queue_put(queue, &packet);
		at += HELD_HEADER + packet.length;
	}
	return result;
}
