/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/debugger.c: a peer that is no debugger, or none any more, is noticed, at a bounded cost to us. */
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/debugger.h"
#include "daemon/log.h"
#include "tests/unit/fake_target.h"

enum { PATIENCE_S = 1, LIMIT_S = 20, FLOOD = 1 << 26 };

struct fixture {
	struct ev_loop *loop;
	struct ev_timer limit;
	struct fake_target fake;
	struct debugger *debugger;
	int peer_fd;
	const char *why; /* the connection has ended */
};

static void on_end(struct debugger *debugger, const char *why)
{
	struct fixture *f = debugger->owner;

	f->why = why;
	debugger_stop(debugger);
	ev_break(f->loop, EVBREAK_ALL);
}

static void on_departure(struct debugger *debugger, unsigned process)
{
	(void)debugger;
	(void)process;
	fail();
}

static void on_fed(struct debugger *debugger)
{
	(void)debugger;
}

static void on_limit(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_init(LOG_LEVEL_ERROR);
	f->loop = ev_loop_new(EVFLAG_AUTO);
	f->debugger = calloc(1, sizeof(*f->debugger));
	f->debugger->fd = f->peer_fd = -1;
	fake_target_init(&f->fake, &fake_machine_x86_64, 1, true);
	ev_timer_init(&f->limit, on_limit, 0., 0.);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	debugger_stop(f->debugger);
	close(f->peer_fd);
	ev_loop_destroy(f->loop);
	free(f->debugger);
	free(f);
	return 0;
}

static void serve(struct fixture *f, int fd, unsigned patience_s)
{
	static const struct debugger_ops ops = {
		.on_end = on_end, .on_departure = on_departure, .on_fed = on_fed
	};

	*f->debugger = (struct debugger){
		.loop = f->loop, .ops = &ops, .owner = f, .patience_s = patience_s
	};
	assert_int_equal(debugger_start(f->debugger, fd, &f->fake.target, 1, NULL), 0);
}

static void connect_unix(struct fixture *f, unsigned patience_s)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	f->peer_fd = pair[1];
	serve(f, pair[0], patience_s);
}

static void connect_tcp(struct fixture *f, unsigned patience_s)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listen_fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listen_fd, 1), 0);
	assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&address, &length), 0);
	f->peer_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(f->peer_fd, (struct sockaddr *)&address, length), 0);
	serve(f, accept(listen_fd, NULL, NULL), patience_s);
	close(listen_fd);
}

/* Until the connection ends, or so long. */
static void run(struct fixture *f, double seconds)
{
	ev_timer_set(&f->limit, seconds, 0.);
	ev_timer_start(f->loop, &f->limit);
	ev_run(f->loop, 0);
	ev_timer_stop(f->loop, &f->limit);
}

static void say(struct fixture *f, const char *text)
{
	assert_int_equal(send(f->peer_fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void assert_ends(struct fixture *f, const char *why)
{
	run(f, LIMIT_S);
	assert_non_null(f->why);
	assert_string_equal(f->why, why);
}

/* ---- no debugger ------------------------------------------------------------------------- */

static void test_foreign(void **state)
{
	static const char *const words[] = { "GET / HTTP/1.1\r\n\r\n$?#3f", "\x16\x03\x01\x02" };

	for (unsigned i = 0; i < 2; i++) {
		struct fixture *f = *state;

		connect_unix(f, 0);
		say(f, words[i]);
		assert_ends(f, "it does not speak the remote protocol");
		assert_int_equal(f->fake.stop_calls, 0);
		teardown(state);
		setup(state);
	}
}

/* The last two are half a packet, and one with a wrong sum. */
static void test_nothing_valid(void **state)
{
	static const char *const words[] = { "", "+", "\x03", "$?#3", "$?#00" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct fixture *f = *state;

		connect_unix(f, PATIENCE_S);
		say(f, words[i]);
		assert_ends(f, "it has said nothing that makes sense");
		assert_int_equal(f->fake.stop_calls, 0);
		teardown(state);
		setup(state);
	}
}

static void test_closed(void **state)
{
	struct fixture *f = *state;

	connect_unix(f, 0);
	shutdown(f->peer_fd, SHUT_WR);
	assert_ends(f, "it closed the connection");
	assert_int_equal(f->fake.stop_calls, 0);
}

/* ---- a debugger ---------------------------------------------------------------------------- */

/* One that has spoken may think as long as it likes. */
static void test_thinks(void **state)
{
	struct fixture *f = *state;

	connect_unix(f, PATIENCE_S);
	say(f, "$qC#b4");
	run(f, 2 * PATIENCE_S);
	assert_null(f->why);
}

/* How much is taken of one that asks and asks, and reads nothing. */
static size_t glut(struct fixture *f)
{
	static const char packet[] = "$qXfer:threads:read::0,ffff#69";
	char packets[64 * sizeof(packet)] = "";
	size_t taken = 0;
	ssize_t n;

	for (unsigned i = 0; i < 64; i++)
		strcat(packets, packet);
	do {
		n = send(f->peer_fd, packets, strlen(packets), MSG_DONTWAIT | MSG_NOSIGNAL);
		taken += n > 0 ? (size_t)n : 0;
		ev_run(f->loop, EVRUN_NOWAIT);
	} while (n > 0 && taken < FLOOD);
	return taken;
}

static void test_reads_nothing(void **state)
{
	struct fixture *f = *state;

	connect_unix(f, PATIENCE_S);
	glut(f);
	assert_ends(f, "it reads nothing");
}

static void test_without_patience(void **state)
{
	struct fixture *f = *state;

	connect_unix(f, 0);
	assert_in_range(glut(f), 1, FLOOD / 16);
	run(f, 2 * PATIENCE_S);
	assert_null(f->why);
}

/* ---- its machine is gone ------------------------------------------------------------------- */

/* No segment passes: it acknowledges nothing more, and sends no reset. */
static void fall_silent(struct fixture *f)
{
	struct sock_filter drop = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog program = { .len = 1, .filter = &drop };

	run(f, .3); /* so that all it has said is answered and acknowledged */
	assert_int_equal(
		setsockopt(f->peer_fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
}

static void test_half_open(void **state)
{
	struct fixture *f = *state;

	connect_tcp(f, PATIENCE_S);
	say(f, "$qC#b4");
	fall_silent(f);
	assert_ends(f, strerror(ETIMEDOUT));
}

/* Keepalive does not begin while something is on its way. */
static void test_half_open_with_a_reply_on_its_way(void **state)
{
	struct fixture *f = *state;

	connect_tcp(f, PATIENCE_S);
	say(f, "$qC#b4");
	fall_silent(f);
	say(f, "$qC#b4");
	assert_ends(f, strerror(ETIMEDOUT));
}

static void test_half_open_without_patience(void **state)
{
	struct fixture *f = *state;

	connect_tcp(f, 0);
	say(f, "$qC#b4");
	fall_silent(f);
	run(f, 4 * PATIENCE_S);
	assert_null(f->why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_foreign),
		TEST(test_nothing_valid),
		TEST(test_closed),
		TEST(test_thinks),
		TEST(test_reads_nothing),
		TEST(test_without_patience),
		TEST(test_half_open),
		TEST(test_half_open_with_a_reply_on_its_way),
		TEST(test_half_open_without_patience),
	};

	return cmocka_run_group_tests_name("debugger", tests, NULL, NULL);
}
