/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays transcripts of sessions over the fake target, each twice: lines sent whole, and byte by
 * byte with output taken byte by byte.  Prints TAP.  The language of transcripts:
 *
 *	# a comment			target ARCH THREADS [running]	(first)
 *	> PAYLOAD			sent framed; in ack mode its "+" is expected
 *	< PATTERN			the next packet; in ack mode it is acknowledged
 *	% PATTERN			the next is a notification
 *	>> BYTES	<< BYTES	raw, nothing is added
 *	monitor TEXT			the command for people, sent as qRcmd
 *	says PATTERN			the next packet is 'O' with that text in hexadecimal
 *	flooded LINES			the next 'O' packets are the answer to "flood LINES", whole
 *	quiet				nothing has been put out
 *	run [ROUNDS]			the machine runs, until something stops it
 *	stop THREAD REASON [ADDRESS|CODE]	the target stops for that reason
 *	kept THREAD REASON [ADDRESS|CODE]	that has happened to another thread, too, when it does
 *	say TEXT			the target has a line for the person
 *	resume-error ERRNO		resuming fails from now on; 0 works again
 *	memory ADDRESS HEX		register THREAD NUMBER HEX	are so (numbers in hex)
 *	breakpoints COUNT		are set
 *	running		stopped		detached	over		refused		are so
 *	stop-calls COUNT		so often has the target been asked to stop
 *	lobby				no target: the session is attached to nothing	(first)
 *	vm NUMBER NAME THREADS STATE	there is such a guest; without NAME: it is gone
 *	departs NUMBER			the session is to go on at that guest; 0: in the lobby
 *	arrive ARCH THREADS [running|non-stop]	it does, over such a target; others debug it in that mode
 *	return [ERRNO]			it goes on in the lobby; ERRNO: because it could not arrive
 *	lose				the guest is gone; "departs" says what comes of it
 *
 * PAYLOAD and PATTERN know \xNN.  PATTERN also {any}, {hex} (whole bytes, one or more), {hex N}
 * (exactly N bytes), {error} (any kind of error reply) and {refused} (that, or the empty reply).
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "protocol/hex.h"
#include "protocol/packet.h"
#include "protocol/session.h"
#include "tests/unit/fake_target.h"

enum { REPLAY_LINE = 8192, REPLAY_ROUNDS = 1000, REPLAY_PROCESSES = 8 };

struct replay {
	struct fake_target fake;
	struct session *session;
	struct process processes[REPLAY_PROCESSES]; /* in order; threads 0: gone */
	struct fifo output;
	bool by_bytes;
	bool acks;
	bool refused;
	char why[REPLAY_LINE + 256]; /* the first failure */
};

static bool fail(struct replay *replay, const char *what, const void *got, size_t length)
{
	int shown = length > 400 ? 400 : (int)length;

	snprintf(replay->why, sizeof(replay->why), "%s%s%.*s", what, length ? ": " : "", shown,
		(const char *)got);
	return false;
}

static bool expect(struct replay *replay, bool truth, const char *what)
{
	return truth || fail(replay, what, "", 0);
}

/* ---- text -------------------------------------------------------------------------------- */

static size_t unescape(const char *text, uint8_t *bytes)
{
	size_t length = 0;

	while (*text) {
		unsigned value;

		if (text[0] == '\\' && text[1] == 'x' && sscanf(text + 2, "%2x", &value) == 1) {
			bytes[length++] = (uint8_t)value;
			text += 4;
		} else {
			bytes[length++] = (uint8_t)*text++;
		}
	}
	return length;
}

static bool is_error(const uint8_t *text, size_t length)
{
	if (length > 2 && text[0] == 'E' && text[1] == '.')
		return true;
	return length == 3 && text[0] == 'E' && isxdigit(text[1]) && isxdigit(text[2]);
}

static size_t hex_run(const uint8_t *text, size_t length)
{
	size_t run = 0;

	while (run < length && isxdigit(text[run]))
		run++;
	return run & ~(size_t)1;
}

static bool matches(
	const uint8_t *pattern, size_t pattern_length, const uint8_t *text, size_t length);

/* A {hole} that may take from least to most bytes, then the rest of the pattern. */
static bool matches_span(const uint8_t *pattern, size_t pattern_length, const uint8_t *text,
	size_t length, size_t least, size_t most)
{
	for (size_t n = least; n <= most; n++)
		if (matches(pattern, pattern_length, text + n, length - n))
			return true;
	return false;
}

static bool matches_hole(
	const uint8_t *pattern, size_t pattern_length, const uint8_t *text, size_t length)
{
	const uint8_t *end = memchr(pattern, '}', pattern_length);
	size_t hole = end ? (size_t)(end - pattern) + 1 : 0;
	const char *name = (const char *)pattern;
	size_t left = pattern_length - hole;
	unsigned count;

	if (!hole)
		return false;
	if (!strncmp(name, "{any}", hole))
		return matches_span(pattern + hole, left, text, length, 0, length);
	if (!strncmp(name, "{error}", hole))
		return is_error(text, length) && !left;
	if (!strncmp(name, "{refused}", hole))
		return (!length || is_error(text, length)) && !left;
	if (!strncmp(name, "{hex}", hole))
		return matches_span(pattern + hole, left, text, length, 2, hex_run(text, length));
	if (sscanf(name, "{hex %u}", &count) == 1 && hex_run(text, length) >= 2 * count)
		return matches(pattern + hole, left, text + 2 * count, length - 2 * count);
	return false;
}

static bool matches(
	const uint8_t *pattern, size_t pattern_length, const uint8_t *text, size_t length)
{
	if (!pattern_length)
		return !length;
	if (*pattern == '{')
		return matches_hole(pattern, pattern_length, text, length);
	return length && *pattern == *text &&
	       matches(pattern + 1, pattern_length - 1, text + 1, length - 1);
}

/* ---- bytes in and out -------------------------------------------------------------------- */

static void collect(struct replay *replay)
{
	const void *bytes;
	size_t length;

	while ((length = session_output(replay->session, &bytes))) {
		if (replay->by_bytes)
			length = 1;
		fifo_put(&replay->output, bytes, length);
		session_output_consume(replay->session, length);
	}
}

static bool feed(struct replay *replay, const uint8_t *bytes, size_t length)
{
	size_t at = 0;

	while (at < length && !replay->refused) {
		size_t portion = replay->by_bytes ? 1 : length - at;
		ssize_t taken = session_input(replay->session, bytes + at, portion);

		collect(replay);
		if (taken == 0)
			return fail(replay, "the session takes no input", "", 0);
		if (taken < 0)
			replay->refused = true;
		else
			at += (size_t)taken;
	}
	return true;
}

static bool expect_bytes(struct replay *replay, const uint8_t *bytes, size_t length)
{
	const uint8_t *got = fifo_peek(&replay->output);
	size_t have = fifo_length(&replay->output);

	if (have < length || memcmp(got, bytes, length))
		return fail(replay, "instead came", got, have);
	fifo_drop(&replay->output, length);
	return true;
}

static bool do_send(struct replay *replay, const char *text)
{
	uint8_t payload[REPLAY_LINE];
	size_t length = unescape(text, payload);
	struct fifo frame;
	bool ok;

	fifo_init(&frame, REPLAY_LINE + 4);
	packet_frame(&frame, payload, length);
	ok = feed(replay, fifo_peek(&frame), fifo_length(&frame));
	fifo_fini(&frame);
	if (ok && replay->acks)
		ok = expect_bytes(replay, (const uint8_t *)"+", 1);
	if (!strcmp(text, "QStartNoAckMode"))
		replay->acks = false;
	return ok;
}

/* The length of the frame that starts the output, 0 when there is none whole and well made. */
static size_t frame_length(const struct replay *replay, char start)
{
	const uint8_t *got = fifo_peek(&replay->output);
	size_t have = fifo_length(&replay->output);
	const uint8_t *end = have ? memchr(got, '#', have) : NULL;
	uint8_t sum = 0;
	unsigned claimed;

	if (!end || *got != start || (size_t)(got + have - end) < 3)
		return 0;
	for (const uint8_t *at = got + 1; at < end; at++)
		sum = (uint8_t)(sum + *at);
	if (sscanf((const char *)end + 1, "%2x", &claimed) != 1 || claimed != sum)
		return 0;
	return (size_t)(end - got) + 3;
}

static bool do_receive(struct replay *replay, const char *text)
{
	uint8_t pattern[REPLAY_LINE] = { 0 };
	size_t pattern_length = unescape(text, pattern);
	size_t length = frame_length(replay, '$');
	const uint8_t *got = fifo_peek(&replay->output);

	if (!length)
		return fail(replay, "no packet, but", got, fifo_length(&replay->output));
	if (!matches(pattern, pattern_length, got + 1, length - 4))
		return fail(replay, "instead came", got, length);
	fifo_drop(&replay->output, length);
	return !replay->acks || feed(replay, (const uint8_t *)"+", 1);
}

/* Nobody acknowledges it. */
static bool do_notice(struct replay *replay, const char *text)
{
	uint8_t pattern[REPLAY_LINE] = { 0 };
	size_t pattern_length = unescape(text, pattern);
	size_t length = frame_length(replay, '%');
	const uint8_t *got = fifo_peek(&replay->output);

	if (!length)
		return fail(replay, "no notification, but", got, fifo_length(&replay->output));
	if (!matches(pattern, pattern_length, got + 1, length - 4))
		return fail(replay, "instead came", got, length);
	fifo_drop(&replay->output, length);
	return true;
}

static bool do_monitor(struct replay *replay, const char *text)
{
	char payload[REPLAY_LINE] = "qRcmd,";

	for (size_t i = 0; text[i]; i++)
		snprintf(payload + 6 + 2 * i, 3, "%02x", (unsigned)(uint8_t)text[i]);
	return do_send(replay, payload);
}

/* The text of the 'O' packet that starts the output: its length, or -1 when that is none. */
static ssize_t take_text(struct replay *replay, uint8_t *text)
{
	size_t length = frame_length(replay, '$');
	const uint8_t *got = fifo_peek(&replay->output);

	if (length < 5 || got[1] != 'O' || got[2] == 'K' || length % 2 == 0 ||
		hex_decode(text, got + 2, (length - 5) / 2))
		return -1;
	fifo_drop(&replay->output, length);
	if (replay->acks && !feed(replay, (const uint8_t *)"+", 1))
		return -1;
	return (ssize_t)(length - 5) / 2;
}

static bool do_says(struct replay *replay, const char *text)
{
	uint8_t pattern[REPLAY_LINE] = { 0 }, got[REPLAY_LINE];
	size_t pattern_length = unescape(text, pattern);
	ssize_t length = take_text(replay, got);

	if (length < 0)
		return fail(replay, "no text, but", fifo_peek(&replay->output),
			fifo_length(&replay->output));
	if (!matches(pattern, pattern_length, got, (size_t)length))
		return fail(replay, "instead was said", got, (size_t)length);
	return true;
}

/* Line after line, each a number of 31 digits: is this what comes at offset? */
static bool is_flood(size_t offset, const uint8_t *got, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char line[64];

		snprintf(line, sizeof(line), "%031zu\n", (offset + i) / 32);
		if (got[i] != (uint8_t)line[(offset + i) % 32])
			return false;
	}
	return true;
}

static bool do_flooded(struct replay *replay, const char *text)
{
	size_t total = 32 * strtoul(text, NULL, 10), done = 0;
	uint8_t got[REPLAY_LINE];

	while (done < total) {
		ssize_t length = take_text(replay, got);

		if (length < 0 || !is_flood(done, got, (size_t)length))
			return fail(replay, "not that flood", "", 0);
		done += (size_t)length;
	}
	return expect(replay, done == total, "more than that flood");
}

static bool do_send_raw(struct replay *replay, const char *text)
{
	uint8_t bytes[REPLAY_LINE];

	return feed(replay, bytes, unescape(text, bytes));
}

static bool do_receive_raw(struct replay *replay, const char *text)
{
	uint8_t bytes[REPLAY_LINE];

	return expect_bytes(replay, bytes, unescape(text, bytes));
}

static bool do_quiet(struct replay *replay, const char *text)
{
	(void)text;
	if (fifo_length(&replay->output))
		return fail(replay, "not quiet", fifo_peek(&replay->output),
			fifo_length(&replay->output));
	return true;
}

/* ---- the target -------------------------------------------------------------------------- */

static bool replay_next_process(void *context, unsigned after, struct process *process)
{
	struct replay *replay = context;

	for (unsigned i = after; i < REPLAY_PROCESSES; i++) {
		if (!replay->processes[i].threads)
			continue;
		*process = replay->processes[i];
		return true;
	}
	return false;
}

static bool open_session(struct replay *replay, struct target *target, unsigned process)
{
	struct session_hooks hooks = { .next_process = replay_next_process, .context = replay };

	replay->session = session_create(target, process, &hooks);
	return expect(replay, replay->session, "no session");
}

static bool open_target(struct replay *replay, const char *text, unsigned process)
{
	char arch[16], state[16] = "";
	unsigned threads;

	if (sscanf(text, "%15s %u %15s", arch, &threads, state) < 2 || replay->session)
		return fail(replay, "a bad target line", "", 0);
	fake_target_init(&replay->fake,
		strcmp(arch, "arm64") ? &fake_machine_x86_64 : &fake_machine_arm64, threads,
		*state);
	replay->fake.non_stop = replay->fake.non_stop_only = !strcmp(state, "non-stop");
	return open_session(replay, &replay->fake.target, process);
}

static bool do_target(struct replay *replay, const char *text)
{
	return open_target(replay, text, 1);
}

static bool do_run(struct replay *replay, const char *text)
{
	fake_target_run(&replay->fake, *text ? (unsigned)atoi(text) : REPLAY_ROUNDS);
	collect(replay);
	return true;
}

/* "THREAD REASON [NUMBER]" */
static bool parse_stop(struct replay *replay, const char *text, struct target_stop *stop)
{
	static const char *const reasons[] = { [TARGET_STOP_QUIET] = "quiet",
		[TARGET_STOP_HALTED] = "halted",
		[TARGET_STOP_INTERRUPT] = "interrupt",
		[TARGET_STOP_STEP] = "step",
		[TARGET_STOP_SWBREAK] = "swbreak",
		[TARGET_STOP_HWBREAK] = "hwbreak",
		[TARGET_STOP_WATCH] = "watch",
		[TARGET_STOP_RWATCH] = "rwatch",
		[TARGET_STOP_AWATCH] = "awatch",
		[TARGET_STOP_TRAP] = "trap",
		[TARGET_STOP_CRASHED] = "crashed",
		[TARGET_STOP_EXITED] = "exited",
		[TARGET_STOP_GONE] = "gone" };
	char reason[16];
	unsigned long number = 0;

	if (sscanf(text, "%u %15s %lx", &stop->thread, reason, &number) < 2)
		return fail(replay, "a bad stop line", "", 0);
	stop->address = number;
	stop->code = (int)number;
	for (unsigned i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		stop->reason = (enum target_stop_reason)i;
		if (!strcmp(reasons[i], reason))
			return true;
	}
	return fail(replay, "no such reason", "", 0);
}

static bool do_stop(struct replay *replay, const char *text)
{
	struct target_stop stop;

	if (!parse_stop(replay, text, &stop))
		return false;
	fake_target_report(&replay->fake, &stop);
	collect(replay);
	return true;
}

/* What has happened to one more thread when the target stops next. */
static bool do_kept(struct replay *replay, const char *text)
{
	return parse_stop(replay, text, &replay->fake.kept);
}

static bool do_say(struct replay *replay, const char *text)
{
	struct target_listener *listener = replay->fake.target.listener;

	listener->ops->on_message(listener, text);
	collect(replay);
	return true;
}

static bool do_resume_error(struct replay *replay, const char *text)
{
	replay->fake.resume_error = -atoi(text);
	return true;
}

static bool do_memory(struct replay *replay, const char *text)
{
	unsigned long address;
	unsigned value;
	int at;

	if (sscanf(text, "%lx %n", &address, &at) != 1)
		return fail(replay, "a bad memory line", "", 0);
	for (text += at; sscanf(text, "%2x", &value) == 1; text += 2, address++) {
		const uint8_t *byte = address >= FAKE_HIGH ? &replay->fake.high[address - FAKE_HIGH]
							   : &replay->fake.low[address - FAKE_LOW];

		if (*byte != value)
			return fail(replay, "memory is not so", "", 0);
	}
	return true;
}

static bool do_register(struct replay *replay, const char *text)
{
	unsigned thread, number;
	unsigned long value;

	if (sscanf(text, "%u %x %lx", &thread, &number, &value) != 3)
		return fail(replay, "a bad register line", "", 0);
	return expect(replay, fake_target_register(&replay->fake, thread, number) == value,
		"the register is not so");
}

static bool do_breakpoints(struct replay *replay, const char *text)
{
	int count = 0;

	for (unsigned i = 0; i < FAKE_BREAKPOINTS; i++)
		count += replay->fake.breakpoints[i].used;
	return expect(replay, count == atoi(text), "another number of breakpoints");
}

static bool do_stop_calls(struct replay *replay, const char *text)
{
	return expect(replay, (int)replay->fake.stop_calls == atoi(text),
		"another number of calls of stop()");
}

static bool do_running(struct replay *replay, const char *text)
{
	(void)text;
	return expect(replay, replay->fake.running, "the target does not run");
}

static bool do_stopped(struct replay *replay, const char *text)
{
	(void)text;
	return expect(replay, !replay->fake.running, "the target runs");
}

static bool do_detached(struct replay *replay, const char *text)
{
	(void)text;
	return expect(replay, replay->fake.detached, "the target is not detached");
}

static bool do_over(struct replay *replay, const char *text)
{
	(void)text;
	return expect(replay, session_is_over(replay->session), "the session is not over");
}

static bool do_refused(struct replay *replay, const char *text)
{
	(void)text;
	return expect(replay, replay->refused, "the peer has not been refused");
}

/* ---- from session to session --------------------------------------------------------------- */

static bool do_lobby(struct replay *replay, const char *text)
{
	(void)text;
	return open_session(replay, NULL, 0);
}

static bool do_vm(struct replay *replay, const char *text)
{
	struct process process = { .number = 0 };

	if (sscanf(text, "%u %63s %u %31[^\n]", &process.number, process.name, &process.threads,
		    process.state) < 1 ||
		!process.number || process.number > REPLAY_PROCESSES)
		return fail(replay, "a bad vm line", "", 0);
	replay->processes[process.number - 1] = process;
	return true;
}

static bool do_departs(struct replay *replay, const char *text)
{
	unsigned process;

	return expect(replay,
		session_is_departing(replay->session, &process) && process == (unsigned)atoi(text),
		"the session does not depart there");
}

/* Ends the session that departs, and says where to. */
static bool leave_session(struct replay *replay, struct conversation *talk, unsigned *process)
{
	if (!session_is_departing(replay->session, process) ||
		session_export(replay->session, talk))
		return fail(replay, "the session does not depart", "", 0);
	session_destroy(replay->session);
	replay->session = NULL;
	return true;
}

static bool enter_session(struct replay *replay, const struct conversation *talk, int refusal)
{
	if (session_import(replay->session, talk, refusal))
		return fail(replay, "the conversation is refused", "", 0);
	collect(replay);
	return true;
}

static bool do_arrive(struct replay *replay, const char *text)
{
	struct conversation talk;
	unsigned process;

	return leave_session(replay, &talk, &process) && open_target(replay, text, process) &&
	       enter_session(replay, &talk, 0);
}

static bool do_return(struct replay *replay, const char *text)
{
	struct conversation talk;
	unsigned process;

	return leave_session(replay, &talk, &process) && open_session(replay, NULL, 0) &&
	       enter_session(replay, &talk, atoi(text));
}

static bool do_lose(struct replay *replay, const char *text)
{
	(void)text;
	session_lose_target(replay->session);
	return true;
}

/* ---- lines, files, modes ----------------------------------------------------------------- */

static const struct {
	const char *word;
	bool (*act)(struct replay *replay, const char *text);
} directives[] = {
	{ ">", do_send },
	{ "<", do_receive },
	{ "%", do_notice },
	{ ">>", do_send_raw },
	{ "<<", do_receive_raw },
	{ "monitor", do_monitor },
	{ "says", do_says },
	{ "flooded", do_flooded },
	{ "quiet", do_quiet },
	{ "target", do_target },
	{ "run", do_run },
	{ "stop", do_stop },
	{ "kept", do_kept },
	{ "say", do_say },
	{ "resume-error", do_resume_error },
	{ "memory", do_memory },
	{ "register", do_register },
	{ "breakpoints", do_breakpoints },
	{ "stop-calls", do_stop_calls },
	{ "running", do_running },
	{ "stopped", do_stopped },
	{ "detached", do_detached },
	{ "over", do_over },
	{ "refused", do_refused },
	{ "lobby", do_lobby },
	{ "vm", do_vm },
	{ "departs", do_departs },
	{ "arrive", do_arrive },
	{ "return", do_return },
	{ "lose", do_lose },
};

static bool replay_line(struct replay *replay, char *line)
{
	size_t word;

	line[strcspn(line, "\n")] = 0;
	if (!*line || *line == '#')
		return true;
	word = strcspn(line, " ");
	for (size_t i = 0; i < sizeof(directives) / sizeof(*directives); i++) {
		const char *text = line[word] ? line + word + 1 : line + word;

		if (strlen(directives[i].word) == word && !strncmp(directives[i].word, line, word))
			return directives[i].act(replay, text);
	}
	return fail(replay, "an unknown line", "", 0);
}

/* The number of the line that failed, 0 when none did. */
static unsigned replay_file(struct replay *replay, FILE *file)
{
	char line[REPLAY_LINE];
	unsigned number = 0;

	while (fgets(line, sizeof(line), file)) {
		number++;
		if (!replay_line(replay, line))
			return number;
	}
	return do_quiet(replay, "") && replay->session ? 0 : number + 1;
}

static bool replay_once(const char *path, bool by_bytes, unsigned test)
{
	struct replay replay = { .by_bytes = by_bytes, .acks = true };
	FILE *file = fopen(path, "r");
	unsigned failed = 1;

	if (file && !fifo_init(&replay.output, 1 << 22)) {
		failed = replay_file(&replay, file);
		fclose(file);
	}
	printf("%sok %u - %s %s\n", failed ? "not " : "", test, path,
		by_bytes ? "byte by byte" : "whole");
	if (failed)
		printf("# %s:%u: %s\n", path, failed, replay.why);
	session_destroy(replay.session);
	fifo_fini(&replay.output);
	return !failed;
}

int main(int argc, char **argv)
{
	bool ok = argc > 1;

	printf("TAP version 13\n1..%d\n", 2 * (argc - 1));
	for (int i = 1; i < argc; i++) {
		ok &= replay_once(argv[i], false, (unsigned)(2 * i - 1));
		ok &= replay_once(argv[i], true, (unsigned)(2 * i));
	}
	return ok ? 0 : 1;
}
