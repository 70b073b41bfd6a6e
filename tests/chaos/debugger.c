/* SPDX-License-Identifier: Apache-2.0 */
/* What a debugger does to a guest, in an order that the dice choose. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/chaos/debugger.h"
#include "tests/chaos/dice.h"
#include "tests/chaos/rsp_peer.h"

enum {
	PLANTED_MAX = 6,
	REGISTERS_MAX = 2, /* breakpoints and watchpoints in debug registers at a time */
	STEPS_MAX = 6,
	READ_MAX = 64,
	THREADS_MAX = 32,
};

/* One Z that is in force. */
struct planted {
	unsigned type;
	uint64_t gva;
	unsigned kind;
};

struct debugger {
	const struct debugger_orders *orders;
	struct debugger_talk *talk;
	struct dice dice;
	struct rsp_peer peer;
	struct planted planted[PLANTED_MAX];
	unsigned planted_count;
	bool non_stop;
	bool favours_user;  /* code of the guest's user program, where interrupts are not masked */
	bool owes_vstopped; /* non-stop: for a notification */
	bool is_stopped[THREADS_MAX + 1]; /* non-stop: by number, from 1 */
	unsigned thread;                  /* all-stop: of the last stop */
};

/* Hot code, and code whose every step could be seen by the guest. */
static const char *const debugger_places[] = { "worker_round", "fibonacci", "checksum",
	"list_insert", "lock_acquire", "timer_tick", "arch_take_interrupts", "arch_idle",
	"arch_add", "trap_handle", "trap_common", "syscall_entry", "entry_user_sync",
	"trap_enter_user", "kernel_breakpoints", "user_breakpoints", "kernel_step", "user_step",
	"kernel_step_masked", "kernel_flags", "user_flags", "kernel_masks", "user_syscall",
	"user_svc", "kernel_svc", "kernel_registers", "user_registers", "kernel_nops", "user_nops",
	"kernel_read", "user_read", "user_undefined", "user_main", "user_call", "user_exit" };

static const char *const debugger_data[] = { "total_rounds", "last_fibonacci", "user_counter" };

#if defined(__x86_64__)
enum { CODE_KIND = 1, CODE_UNIT = 1 };
#else
enum { CODE_KIND = 4, CODE_UNIT = 4 };
#endif

/* ---- endings ----------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static _Noreturn void debugger_complain(
	struct debugger *debugger, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(debugger->talk->complaint, sizeof(debugger->talk->complaint), format, arguments);
	va_end(arguments);
	_exit(DEBUGGER_COMPLAINS);
}

static _Noreturn void debugger_end(struct debugger *debugger, int error)
{
	if (!debugger->talk->is_at_work)
		_exit(DEBUGGER_NOT_LET_IN);
	if (error == -EPROTO)
		debugger_complain(
			debugger, "what came after %s is no packet", debugger->talk->last);
	_exit(DEBUGGER_LEFT_ALONE);
}

/* ---- packets ----------------------------------------------------------------------------- */

static void debugger_remember(struct debugger *debugger, const char *arrow, const char *text)
{
	struct debugger_talk *talk = debugger->talk;

	snprintf(talk->trail[talk->lines % TRAIL_LINES], TRAIL_SIZE, "%s %.*s", arrow,
		TRAIL_SIZE - 4, text);
	talk->lines = talk->lines + 1;
}

static void debugger_note(struct debugger *debugger, const char *text)
{
	debugger_remember(debugger, "->", text);
	for (unsigned i = 0; i < sizeof(debugger->talk->last) - 1; i++) {
		debugger->talk->last[i] = text[i];
		if (!text[i])
			break;
	}
	debugger->talk->packets = debugger->talk->packets + 1;
}

static void debugger_send(struct debugger *debugger, const char *text)
{
	int rc;

	debugger_note(debugger, text);
	rc = rsp_peer_send(&debugger->peer, text);
	if (rc < 0)
		debugger_end(debugger, rc);
}

static void debugger_send_byte(struct debugger *debugger, char byte)
{
	int rc;

	debugger_note(debugger, "\\x03");
	rc = rsp_peer_send_byte(&debugger->peer, byte);
	if (rc < 0)
		debugger_end(debugger, rc);
}

/* Text for the user: what the guest or KVM cannot do is told once. */
static bool debugger_is_told(const struct debugger *debugger)
{
	return !debugger->peer.is_notification && debugger->peer.packet[0] == 'O' &&
	       debugger->peer.packet[1] != 'K';
}

/* 1, or 0 when nothing has come. */
static int debugger_receive(struct debugger *debugger, int timeout_ms)
{
	int rc;

	do
		rc = rsp_peer_receive(&debugger->peer, timeout_ms);
	while (rc > 0 && debugger_is_told(debugger));
	if (rc < 0)
		debugger_end(debugger, rc);
	if (rc > 0)
		debugger_remember(debugger, debugger->peer.is_notification ? "<%" : "<-",
			debugger->peer.packet);
	return rc;
}

static void debugger_on_notification(struct debugger *debugger);

/* The reply; what is told meanwhile is taken note of. */
static const char *debugger_reply(struct debugger *debugger)
{
	do {
		if (!debugger_receive(debugger, (int)debugger->orders->patience_ms))
			debugger_complain(debugger, "no answer to %s within %u ms",
				debugger->talk->last, debugger->orders->patience_ms);
		if (debugger->peer.is_notification)
			debugger_on_notification(debugger);
	} while (debugger->peer.is_notification);
	return debugger->peer.packet;
}

static const char *debugger_ask(struct debugger *debugger, const char *text)
{
	debugger_send(debugger, text);
	return debugger_reply(debugger);
}

static void debugger_ask_ok(struct debugger *debugger, const char *text)
{
	const char *reply = debugger_ask(debugger, text);

	if (strcmp(reply, "OK"))
		debugger_complain(debugger, "%.80s: the reply is '%.80s'", text, reply);
}

/* ---- stops ------------------------------------------------------------------------------- */

/* The thread of a stop reply.  A guest that has ended is no stop. */
static unsigned debugger_stopped_thread(struct debugger *debugger, const char *reply)
{
	const char *field = strstr(reply, "thread:");
	unsigned long thread = field ? strtoul(field + 7, NULL, 16) : 0;

	if (reply[0] != 'T' || !thread || thread > debugger->orders->nr_vcpus)
		debugger_complain(debugger, "after %s: '%.80s' is no stop of one of our threads",
			debugger->talk->last, reply);
	return (unsigned)thread;
}

/* All-stop: lets it run a while, unless it stops by itself. */
static void debugger_await_stop(struct debugger *debugger)
{
	unsigned run_ms = debugger->orders->run_ms;

	/* Short, and long enough for the guest to come by. */
	if (debugger->orders->mostly_steps || dice_chance(&debugger->dice, 40))
		run_ms *= 20;
	run_ms = dice_roll(&debugger->dice, run_ms + 1);
	while (!debugger_receive(debugger, (int)run_ms)) {
		debugger_send_byte(debugger, 3);
		run_ms = debugger->orders->patience_ms;
		if (debugger_receive(debugger, (int)run_ms))
			break;
		debugger_complain(debugger, "no stop within %u ms after an interrupt", run_ms);
	}
	debugger->thread = debugger_stopped_thread(debugger, debugger->peer.packet);
}

/* Non-stop: of a stop reply, or of what a notification says. */
static void debugger_mark_stopped(struct debugger *debugger, const char *event)
{
	debugger->is_stopped[debugger_stopped_thread(debugger, event)] = true;
}

/* Non-stop: asks for the events that wait behind the one that was notified. */
static void debugger_take_waiting(struct debugger *debugger)
{
	debugger->owes_vstopped = false;
	for (;;) {
		debugger_send(debugger, "vStopped");
		do {
			if (!debugger_receive(debugger, (int)debugger->orders->patience_ms))
				debugger_complain(debugger, "no answer to vStopped");
		} while (debugger->peer.is_notification);
		if (!strcmp(debugger->peer.packet, "OK"))
			return;
		debugger_mark_stopped(debugger, debugger->peer.packet);
	}
}

/* While a reply is owed nothing is acknowledged: the daemon keeps what comes behind it until then. */
static void debugger_on_notification(struct debugger *debugger)
{
	debugger_mark_stopped(debugger, debugger->peer.packet + 5); /* after "Stop:" */
	debugger->owes_vstopped = true;
}

static void debugger_drain_events(struct debugger *debugger, int timeout_ms)
{
	if (!debugger->owes_vstopped) {
		if (!debugger_receive(debugger, timeout_ms))
			return;
		if (!debugger->peer.is_notification)
			debugger_complain(
				debugger, "'%.80s' answers nothing", debugger->peer.packet);
		debugger_on_notification(debugger);
	}
	debugger_take_waiting(debugger);
}

static bool debugger_has_all(const struct debugger *debugger)
{
	for (unsigned i = 1; i <= debugger->orders->nr_vcpus; i++)
		if (!debugger->is_stopped[i])
			return false;
	return true;
}

/* ---- breakpoints ------------------------------------------------------------------------- */

/* An address in one of the places, mostly its first instruction. */
static bool debugger_choose_code(struct debugger *debugger, uint64_t *gva)
{
	unsigned count = sizeof(debugger_places) / sizeof(debugger_places[0]);
	uint64_t size;

	if (!image_find(debugger->orders->image, debugger_places[dice_roll(&debugger->dice, count)],
		    gva, &size))
		return false;
	if (CODE_UNIT == 4 && size >= 8 && dice_chance(&debugger->dice, 40))
		*gva += dice_roll(&debugger->dice, (unsigned)size / CODE_UNIT) * CODE_UNIT;
	return true;
}

static bool debugger_choose_data(struct debugger *debugger, uint64_t *gva)
{
	unsigned count = sizeof(debugger_data) / sizeof(debugger_data[0]);
	uint64_t size;

	return image_find(debugger->orders->image, debugger_data[dice_roll(&debugger->dice, count)],
		gva, &size);
}

static unsigned debugger_in_registers(const struct debugger *debugger)
{
	unsigned count = 0;

	for (unsigned i = 0; i < debugger->planted_count; i++)
		count += debugger->planted[i].type != 0;
	return count;
}

static bool debugger_has(const struct debugger *debugger, const struct planted *wanted)
{
	for (unsigned i = 0; i < debugger->planted_count; i++)
		if (debugger->planted[i].type == wanted->type &&
			debugger->planted[i].gva == wanted->gva)
			return true;
	return false;
}

static bool debugger_choose_breakpoint(struct debugger *debugger, struct planted *wanted)
{
	unsigned die = dice_roll(&debugger->dice, 10);

	*wanted = (struct planted){ .type = 0, .kind = CODE_KIND };
	if (die >= 7 || !debugger->orders->has_software) {
		wanted->type = die == 9 ? 2 : 1;
		if (debugger_in_registers(debugger) == REGISTERS_MAX)
			return false;
	}
	if (wanted->type == 2) {
		wanted->kind = 8;
		return debugger_choose_data(debugger, &wanted->gva);
	}
	return debugger_choose_code(debugger, &wanted->gva);
}

/* Agent bytecode: const8 0 or 1, end. */
static const char *debugger_choose_condition(struct debugger *debugger, unsigned type)
{
	unsigned die = type == 2 ? 9 : dice_roll(&debugger->dice, 10);

	if (die == 0)
		return ";X3,220127";
	return die <= 2 ? ";X3,220027" : "";
}

static void debugger_plant(struct debugger *debugger)
{
	struct planted wanted;
	char text[96];

	if (debugger->planted_count == PLANTED_MAX ||
		!debugger_choose_breakpoint(debugger, &wanted) || debugger_has(debugger, &wanted))
		return;
	snprintf(text, sizeof(text), "Z%u,%llx,%u%s", wanted.type, (unsigned long long)wanted.gva,
		wanted.kind, debugger_choose_condition(debugger, wanted.type));
	debugger_ask_ok(debugger, text);
	debugger->planted[debugger->planted_count++] = wanted;
}

static void debugger_remove(struct debugger *debugger)
{
	struct planted *gone;
	char text[64];

	if (!debugger->planted_count)
		return;
	gone = &debugger->planted[dice_roll(&debugger->dice, debugger->planted_count)];
	snprintf(text, sizeof(text), "z%u,%llx,%u", gone->type, (unsigned long long)gone->gva,
		gone->kind);
	debugger_ask_ok(debugger, text);
	*gone = debugger->planted[--debugger->planted_count];
}

/* ---- memory and registers ---------------------------------------------------------------- */

/* A piece of code or of what is read only, and what the file has there. */
static const uint8_t *debugger_choose_piece(
	struct debugger *debugger, uint64_t *gva, unsigned *length)
{
	const struct image *image = debugger->orders->image;
	uint64_t at;

	if (debugger->planted_count && dice_chance(&debugger->dice, 60))
		at = debugger->planted[dice_roll(&debugger->dice, debugger->planted_count)].gva;
	else if (!debugger_choose_code(debugger, &at))
		return NULL;
	*length = 1 + dice_roll(&debugger->dice, READ_MAX);
	*gva = at - dice_roll(&debugger->dice, 8);
	for (unsigned i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W) &&
			*gva >= segment->p_vaddr &&
			*gva - segment->p_vaddr + *length <= segment->p_filesz)
			return image->bytes + segment->p_offset + (*gva - segment->p_vaddr);
	}
	return NULL;
}

static void debugger_print_hex(char *text, const uint8_t *bytes, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

/* What is planted never shows. */
static void debugger_read(struct debugger *debugger)
{
	char text[64], wanted[2 * READ_MAX + 1];
	const uint8_t *bytes;
	const char *reply;
	unsigned length;
	uint64_t gva;

	bytes = debugger_choose_piece(debugger, &gva, &length);
	if (!bytes)
		return;
	debugger_print_hex(wanted, bytes, length);
	snprintf(text, sizeof(text), "m%llx,%x", (unsigned long long)gva, length);
	reply = debugger_ask(debugger, text);
	if (strcmp(reply, wanted))
		debugger_complain(
			debugger, "%s: '%.64s', the file has '%.64s'", text, reply, wanted);
}

/* Over what is planted, too. */
static void debugger_write(struct debugger *debugger)
{
	char text[64 + 2 * READ_MAX];
	const uint8_t *bytes;
	unsigned length;
	uint64_t gva;
	int at;

	bytes = debugger_choose_piece(debugger, &gva, &length);
	if (!bytes)
		return;
	at = snprintf(text, sizeof(text), "M%llx,%x:", (unsigned long long)gva, length);
	debugger_print_hex(text + at, bytes, length);
	debugger_ask_ok(debugger, text);
}

static void debugger_rewrite_registers(struct debugger *debugger)
{
	char *text;
	int rc;

	if (debugger_ask(debugger, "g")[0] == 'E' || strchr(debugger->peer.packet, 'x'))
		return;
	rc = asprintf(&text, "G%s", debugger->peer.packet);
	if (rc < 0)
		return;
	debugger_ask_ok(debugger, text);
	free(text);
}

static void debugger_touch(struct debugger *debugger)
{
	unsigned die = dice_roll(&debugger->dice, 10);

	if (die < 5)
		debugger_read(debugger);
	else if (die < 8)
		debugger_write(debugger);
	else
		debugger_rewrite_registers(debugger);
}

/* ---- all-stop ---------------------------------------------------------------------------- */

static void debugger_continue(struct debugger *debugger)
{
	debugger_send(debugger, dice_chance(&debugger->dice, 80) ? "vCont;c" : "c");
	debugger_await_stop(debugger);
}

/* Most of the time people look at what has stopped. */
static void debugger_think(struct debugger *debugger)
{
	unsigned ms = debugger->orders->run_ms;

	if (dice_chance(&debugger->dice, 25))
		usleep(1000 * dice_roll(&debugger->dice, 4 * ms + 1));
}

static void debugger_step(struct debugger *debugger)
{
	unsigned thread = debugger->thread;
	char text[48];

	if (dice_chance(&debugger->dice, 20))
		thread = 1 + dice_roll(&debugger->dice, debugger->orders->nr_vcpus);
	snprintf(text, sizeof(text), "vCont;s:%x%s", thread,
		dice_chance(&debugger->dice, 30) ? ";c" : "");
	debugger_send(debugger, text);
	debugger_await_stop(debugger);
}

static void debugger_step_range(struct debugger *debugger)
{
	uint64_t gva, size;
	char text[96];

	if (!image_find(debugger->orders->image, debugger_places[dice_roll(&debugger->dice, 4)],
		    &gva, &size))
		return;
	snprintf(text, sizeof(text), "vCont;r%llx,%llx:%x%s", (unsigned long long)gva,
		(unsigned long long)(gva + (size ? size : 16)), debugger->thread,
		dice_chance(&debugger->dice, 50) ? ";c" : "");
	debugger_send(debugger, text);
	debugger_await_stop(debugger);
}

static void debugger_do_something(struct debugger *debugger)
{
	unsigned die = dice_roll(&debugger->dice, 100);

	if (die < 22)
		debugger_plant(debugger);
	else if (die < 32)
		debugger_remove(debugger);
	else if (die < 60)
		debugger_continue(debugger);
	else if (die < 66)
		debugger_step_range(debugger);
	else if (die < 74)
		debugger_touch(debugger);
	else
		for (unsigned n = 1 + dice_roll(&debugger->dice, STEPS_MAX); n; n--)
			debugger_step(debugger);
}

/* To a breakpoint, and on from there instruction by instruction. */
static void debugger_step_through(struct debugger *debugger)
{
	debugger_plant(debugger);
	debugger_continue(debugger);
	for (unsigned n = 1 + dice_roll(&debugger->dice, STEPS_MAX); n; n--) {
		debugger_step(debugger);
		debugger_think(debugger);
	}
	if (debugger->planted_count > 2)
		debugger_remove(debugger);
}

/* ---- non-stop ---------------------------------------------------------------------------- */

static void debugger_let_go(struct debugger *debugger, char how)
{
	unsigned thread = 1 + dice_roll(&debugger->dice, debugger->orders->nr_vcpus);
	char text[48];

	if (!debugger->is_stopped[thread])
		return;
	debugger->is_stopped[thread] = false;
	snprintf(text, sizeof(text), "vCont;%c:%x", how, thread);
	debugger_ask_ok(debugger, text);
	debugger_drain_events(
		debugger, (int)dice_roll(&debugger->dice, debugger->orders->run_ms + 1));
}

static void debugger_halt_all(struct debugger *debugger)
{
	debugger_ask_ok(debugger, "vCont;t");
	for (unsigned i = 0; i < 3 * THREADS_MAX && !debugger_has_all(debugger); i++)
		debugger_drain_events(debugger, (int)debugger->orders->patience_ms / THREADS_MAX);
	if (!debugger_has_all(debugger))
		debugger_complain(debugger, "vCont;t has not stopped all");
}

static void debugger_do_something_non_stop(struct debugger *debugger)
{
	unsigned die = dice_roll(&debugger->dice, 100);

	debugger_drain_events(debugger, 0);
	if (die < 22)
		debugger_plant(debugger);
	else if (die < 32)
		debugger_remove(debugger);
	else if (die < 58)
		debugger_let_go(debugger, 'c');
	else if (die < 84)
		debugger_let_go(debugger, 's');
	else
		debugger_halt_all(debugger);
}

/* ---- life -------------------------------------------------------------------------------- */

static void debugger_list_stopped(struct debugger *debugger)
{
	const char *reply = debugger_ask(debugger, "?");

	if (!strcmp(reply, "OK"))
		return;
	debugger_mark_stopped(debugger, reply);
	debugger_take_waiting(debugger);
}

static void debugger_greet(struct debugger *debugger)
{
	debugger_ask(debugger, "qSupported:swbreak+;hwbreak+;vContSupported+");
	debugger_ask_ok(debugger, "QStartNoAckMode");
	debugger->favours_user = dice_chance(&debugger->dice, 40) || debugger->orders->mostly_steps;
	debugger->non_stop = dice_chance(&debugger->dice, 20) && !debugger->orders->mostly_steps;
	if (debugger->non_stop) {
		debugger_ask_ok(debugger, "QNonStop:1");
		debugger_list_stopped(debugger);
		return;
	}
	debugger->thread = debugger_stopped_thread(debugger, debugger_ask(debugger, "?"));
}

_Noreturn void debugger_run(const struct debugger_orders *orders, struct debugger_talk *talk)
{
	struct debugger *debugger = calloc(1, sizeof(*debugger));

	if (!debugger)
		_exit(DEBUGGER_NOT_LET_IN);
	debugger->orders = orders;
	debugger->talk = talk;
	dice_init(&debugger->dice, orders->seed, 2 * orders->round + 1);
	if (rsp_peer_connect(&debugger->peer, orders->socket_path) < 0)
		_exit(DEBUGGER_NOT_LET_IN);
	debugger_greet(debugger);
	talk->packets = 0;
	talk->is_at_work = 1;
	for (;;) {
		if (debugger->non_stop)
			debugger_do_something_non_stop(debugger);
		else if (debugger->orders->mostly_steps)
			debugger_step_through(debugger);
		else
			debugger_do_something(debugger);
		debugger_think(debugger);
	}
}
