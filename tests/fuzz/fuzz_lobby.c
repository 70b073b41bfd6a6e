/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger that begins in the lobby, attaches and comes back, among guests that come and go; and what a
 * hostile process might hand over as a conversation.  The first byte chooses the machine, the second which
 * guests there are; the rest is a list of deeds as in fuzz_session.c.  What must hold: whatever comes
 * back is well framed, and each request has exactly one reply, wherever it was answered.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/session_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void change_guests(struct session_peer *peer, uint8_t processes)
{
	peer->processes = processes;
	if (peer->process && !(processes >> (peer->process - 1) & 1))
		session_lose_target(peer->session);
}

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
		change_guests(peer, (uint8_t)length);
}

/* As a conversation that somebody made up: it is refused, or good for a session. */
static void import_lie(struct session_peer *peer, const uint8_t *data, size_t size)
{
	struct conversation talk = { .has_begun = 1 };

	memcpy(&talk, data, size < sizeof(talk) ? size : sizeof(talk));
	if (session_import(peer->session, &talk, 0) && session_has_spoken(peer->session))
		abort();
	session_peer_read(peer, SIZE_MAX);
}

static bool converse(struct session_peer *peer, const uint8_t *data, size_t size)
{
	bool going = true;

	for (size_t at = 0; going && at + 2 <= size;) {
		size_t most = data[at] % 8 < 5 ? size - at - 2 : SIZE_MAX;
		size_t length = data[at + 1] < most ? data[at + 1] : most;

		act(peer, data[at], data + at + 2, length);
		going = session_peer_travel(peer, data[at] & 0x40 ? EUSERS : 0);
		at += 2 + (most == SIZE_MAX ? 0 : length);
	}
	return going;
}

/* What is owed may come from several sessions, one after the other. */
static bool settles(struct session_peer *peer)
{
	bool settled = session_peer_settle(peer);
	unsigned process;

	while (session_is_departing(peer->session, &process)) {
		if (!session_peer_travel(peer, 0))
			return true;
		settled = session_peer_settle(peer);
	}
	return settled;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fake_machine *const machines[] = { &fake_machine_x86_64,
		&fake_machine_arm64 };
	struct conversation fresh = { .has_begun = 0 };
	struct session_peer peer;
	bool going;

	if (size < 2)
		return 0;
	if (session_peer_init(&peer, machines[data[0] & 1], 1 + (data[0] >> 1 & 3), true))
		abort();
	if (data[0] & 8) {
		import_lie(&peer, data + 2, size - 2);
		session_peer_fini(&peer);
		return 0;
	}
	session_peer_enter_lobby(&peer, data[1]);
	if (session_import(peer.session, &fresh, 0))
		abort();
	going = converse(&peer, data + 2, size - 2);
	if (going && !settles(&peer))
		abort();
	session_peer_fini(&peer);
	return 0;
}
