/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of a session; see session_peer.h. */
#include <errno.h>
#include <string.h>
#include "protocol/session_private.h"
#include "tests/unit/session_peer.h"

enum { PEER_ROUNDS = 100 };

static bool is_text(const char *payload, size_t length, const char *text)
{
	return length == strlen(text) && !memcmp(payload, text, length);
}

/* k and R have no reply (GDB manual E.2), but that k has one for lldb. */
static bool is_silent(const struct session_peer *peer, const char *payload, size_t length)
{
	if (is_text(payload, length, "\x03"))
		return true;
	if (is_text(payload, length, "k"))
		return !peer->is_lldb;
	return length && *payload == 'R';
}

static void peer_on_trace(void *context, bool incoming, const char *payload, size_t length)
{
	struct session_peer *peer = context;

	if (incoming && (is_text(payload, length, "QThreadSuffixSupported") ||
				is_text(payload, length, "QListThreadsInStopReply")))
		peer->is_lldb = true;
	if (incoming && is_text(payload, length, "\x03"))
		peer->interrupts++;
	if (incoming && !is_silent(peer, payload, length))
		peer->requests++;
}

static bool peer_next_process(void *context, unsigned after, struct process *process)
{
	const struct session_peer *peer = context;

	for (unsigned i = after; i < 8; i++)
		if (peer->processes >> i & 1) {
			*process = (struct process){ .number = i + 1, .name = "vm", .threads = 1 };
			return true;
		}
	return false;
}

static void peer_open(struct session_peer *peer, unsigned process)
{
	struct session_hooks hooks = {
		.trace = peer_on_trace,
		.is_tracing = true,
		.next_process = peer_next_process,
		.context = peer,
	};

	peer->process = process;
	peer->session = session_create(&peer->fake.target, process, &hooks);
}

int session_peer_init(struct session_peer *peer, const struct fake_machine *machine,
	unsigned threads, bool running)
{
	memset(peer, 0, sizeof(*peer));
	fake_target_init(&peer->fake, machine, threads, running);
	peer_open(peer, 1);
	return packet_reader_init(&peer->reader) || !peer->session ? -ENOMEM : 0;
}

void session_peer_enter_lobby(struct session_peer *peer, uint8_t processes)
{
	session_destroy(peer->session);
	peer->processes = processes;
	peer_open(peer, 0);
}

/* Where it arrives, and why not where it wanted to. */
static unsigned peer_destination(const struct session_peer *peer, unsigned process, int *refusal)
{
	if (!process || *refusal)
		return 0;
	if (process <= 8 && peer->processes >> (process - 1) & 1)
		return process;
	*refusal = ESRCH;
	return 0;
}

bool session_peer_travel(struct session_peer *peer, int refusal)
{
	struct conversation talk;
	unsigned process;

	while (session_is_departing(peer->session, &process)) {
		session_peer_read(peer, SIZE_MAX);
		if (session_export(peer->session, &talk))
			return false;
		session_destroy(peer->session);
		refusal = process ? refusal : 0;
		process = peer_destination(peer, process, &refusal);
		fake_target_init(&peer->fake, peer->fake.machine, peer->fake.threads, process);
		peer_open(peer, process);
		if (!peer->session || session_import(peer->session, &talk, refusal))
			return false;
	}
	return true;
}

void session_peer_fini(struct session_peer *peer)
{
	session_destroy(peer->session);
	packet_reader_fini(&peer->reader);
}

static void peer_take_packet(struct session_peer *peer)
{
	const uint8_t *payload = peer->reader.payload;
	size_t length = peer->reader.length;

	if (length > 1 && payload[0] == 'O' && payload[1] != 'K') {
		peer->messages++;
		return;
	}
	peer->replies++;
	peer->last_length = length;
	if (length >= sizeof(peer->last))
		length = sizeof(peer->last) - 1;
	memcpy(peer->last, payload, length);
	peer->last[length] = 0;
}

/* Notifications of non-stop (GDB manual E.9): nobody acknowledges them.  True for a byte of one. */
static bool peer_take_notification(struct session_peer *peer, uint8_t byte, bool between)
{
	if (!peer->notifying && (!between || byte != '%'))
		return false;
	if (!peer->notifying)
		peer->notifying = 3;
	else if (peer->notifying < 3 || byte == '#')
		peer->notifying--;
	else
		peer->breaches += byte == '$' || byte == '%';
	return true;
}

/* Inside a frame no '$' may come, and between frames nothing but them and acknowledgments. */
static void peer_take_byte(struct session_peer *peer, uint8_t byte)
{
	bool between = peer->reader.state == PACKET_READER_BETWEEN;

	if (peer_take_notification(peer, byte, between))
		return;
	if (between ? !memchr("$+-", byte, 3) : byte == '$')
		peer->breaches++;
	switch (packet_reader_take(&peer->reader, byte)) {
	case PACKET_COMPLETE:
		peer_take_packet(peer);
		break;
	case PACKET_ACK:
		peer->acks++;
		break;
	case PACKET_NAK:
		peer->naks++;
		break;
	case PACKET_NOTHING:
		break;
	default:
		peer->breaches++;
	}
}

void session_peer_read(struct session_peer *peer, size_t most)
{
	const void *bytes;
	size_t length;

	while (most && (length = session_output(peer->session, &bytes))) {
		if (length > most)
			length = most;
		for (size_t i = 0; i < length; i++)
			peer_take_byte(peer, ((const uint8_t *)bytes)[i]);
		session_output_consume(peer->session, length);
		most -= length;
	}
}

size_t session_peer_send_bytes(struct session_peer *peer, const void *bytes, size_t length)
{
	size_t done = 0;

	for (size_t i = 0; i < length; i++)
		peer->rejections += ((const uint8_t *)bytes)[i] == '-';
	while (done < length && !peer->refused) {
		ssize_t taken;

		peer->session->hooks.is_tracing =
			true; /* we count by it, whatever a person switches */
		taken = session_input(peer->session, (const uint8_t *)bytes + done, 1);
		if (taken == 0)
			break;
		if (taken < 0)
			peer->refused = true;
		else
			done += (size_t)taken;
	}
	return done;
}

void session_peer_send_payload(struct session_peer *peer, const void *payload, size_t length)
{
	struct fifo frame;

	if (fifo_init(&frame, length + 4))
		return;
	packet_frame(&frame, payload, length);
	session_peer_send_bytes(peer, fifo_peek(&frame), fifo_length(&frame));
	fifo_fini(&frame);
}

void session_peer_send(struct session_peer *peer, const char *payload)
{
	session_peer_send_payload(peer, payload, strlen(payload));
}

void session_peer_stop(struct session_peer *peer, unsigned number)
{
	struct target_stop stop = { .thread = (number >> 4 & 3) % (peer->fake.threads + 1),
		.reason = (enum target_stop_reason)(number % (TARGET_STOP_GONE + 1)),
		.address = number };

	if (peer->fake.running && !peer->fake.detached)
		fake_target_report(&peer->fake, &stop);
}

const char *session_peer_ask(struct session_peer *peer, const char *payload)
{
	*peer->last = 0;
	peer->last_length = 0;
	session_peer_send(peer, payload);
	fake_target_run(&peer->fake, PEER_ROUNDS);
	session_peer_read(peer, SIZE_MAX);
	return peer->last;
}

/* Non-stop never comes to an end by itself: each thread stops once. */
static bool peer_runs_on(const struct session_peer *peer, unsigned rounds)
{
	const struct fake_target *fake = &peer->fake;

	return fake->running && !fake->detached && !(fake->non_stop && rounds >= fake->threads);
}

bool session_peer_settle(struct session_peer *peer)
{
	bool ended = peer->refused || session_is_over(peer->session);

	session_peer_read(peer, SIZE_MAX);
	for (unsigned round = 0; peer_runs_on(peer, round); round++) {
		struct target_stop stop = { .thread = 1 + round % peer->fake.threads,
			.reason = TARGET_STOP_STEP };

		fake_target_report(&peer->fake, &stop);
		session_peer_read(peer, SIZE_MAX);
	}
	ended = ended || session_is_over(peer->session);
	if (peer->breaches || peer->fake.breaches)
		return false;
	return peer->replies <= peer->requests + peer->rejections + peer->interrupts &&
	       (ended || peer->replies >= peer->requests);
}
