/* SPDX-License-Identifier: Apache-2.0 */
/* Feature negotiation; see client.h. */
#include <stddef.h>
#include "protocol/client.h"
#include "protocol/packet.h"

static const struct {
	const char *item;
	size_t offset;
} client_features[] = {
	{ "multiprocess+", offsetof(struct client, multiprocess) },
	{ "swbreak+", offsetof(struct client, swbreak) },
	{ "hwbreak+", offsetof(struct client, hwbreak) },
	{ "error-message+", offsetof(struct client, error_message) },
};

static void client_note(struct client *client, const struct cursor *item)
{
	for (size_t i = 0; i < sizeof(client_features) / sizeof(*client_features); i++)
		if (cursor_is(item, client_features[i].item))
			*(bool *)((char *)client + client_features[i].offset) = true;
}

void client_negotiate(struct client *client, struct cursor features)
{
	*client = (struct client){
		.thread_suffix = client->thread_suffix,
		.thread_lists = client->thread_lists,
		.error_strings = client->error_strings,
	};
	while (cursor_left(&features)) {
		struct cursor item = cursor_take_token(&features, ';');

		client_note(client, &item);
	}
}

bool client_is_lldb(const struct client *client)
{
	return client->thread_suffix || client->thread_lists;
}

enum reply_wording client_wording(const struct client *client)
{
	if (client->error_message)
		return REPLY_WORDED;
	return client->error_strings ? REPLY_WORDED_IN_HEX : REPLY_NUMBER;
}

void client_put_features(struct reply *reply)
{
	reply_put_text(reply, "PacketSize=");
	reply_put_number(reply, PACKET_SIZE);
	reply_put_text(reply, ";QStartNoAckMode+;multiprocess+;qXfer:features:read+"
			      ";qXfer:threads:read+;qXfer:osdata:read+;vContSupported+;QNonStop+;"
			      "swbreak+;hwbreak+"
			      ";binary-upload+;ConditionalBreakpoints+;BreakpointCommands+");
}
