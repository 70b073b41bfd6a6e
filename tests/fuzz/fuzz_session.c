/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger and a target that do anything at any moment.  The first byte chooses the machine; the
 * rest is a list of deeds, each a byte (what), a byte (how much) and that many bytes.  What must
 * hold: whatever comes back is well framed, and each request has exactly one reply.
 */
#include <stdlib.h>
#include "tests/unit/session_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void act(struct session_peer *peer, unsigned deed, const uint8_t *bytes, size_t length)
{
	if (deed % 8 < 4)
		session_peer_send_payload(peer, bytes, length);
	else if (deed % 8 == 4)
		session_peer_send_bytes(peer, bytes, length);
	else if (deed % 8 == 5)
		fake_target_run(&peer->fake, (unsigned)length);
	else if (deed % 8 == 6)
		session_peer_stop(peer, (unsigned)length);
	else
		session_peer_read(peer, 97 * length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fake_machine *const machines[] = { &fake_machine_x86_64,
		&fake_machine_arm64 };
	struct session_peer peer;

	if (!size)
		return 0;
	if (session_peer_init(&peer, machines[data[0] & 1], 1 + (data[0] >> 1 & 3), data[0] & 8))
		abort();
	for (size_t at = 1; at + 2 <= size;) {
		size_t most = data[at] % 8 < 5 ? size - at - 2 : SIZE_MAX;
		size_t length = data[at + 1] < most ? data[at + 1] : most;

		act(&peer, data[at], data + at + 2, length);
		at += 2 + (most == SIZE_MAX ? 0 : length);
	}
	if (!session_peer_settle(&peer))
		abort();
	session_peer_fini(&peer);
	return 0;
}
