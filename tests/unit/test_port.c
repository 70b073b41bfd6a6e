/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/port.c, port_lend.c: numbers, time-outs and a peer that breaks the protocol. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "kvm/port.h"

enum { PATIENCE_MS = 10000, SHORT_MS = 50 };

struct rig {
	struct port port;
	int peer_fd; /* the VMM's end */
};

static int setup(void **state)
{
	static struct rig rig;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	memset(&rig, 0, sizeof(rig));
	port_lend_init(&rig.port, pair[0]);
	rig.peer_fd = pair[1];
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	port_close(&rig->port);
	if (rig->peer_fd >= 0)
		close(rig->peer_fd);
	return 0;
}

static void peer_send(struct rig *rig, const void *message, size_t length)
{
	assert_int_equal(send(rig->peer_fd, message, length, MSG_NOSIGNAL), length);
}

static void peer_report(struct rig *rig, uint32_t seq)
{
	const struct channel_report report = { .type = CHANNEL_REPORT, .seq = seq };

	peer_send(rig, &report, sizeof(report));
}

/* The next message that the daemon has sent, into one static buffer. */
static const struct channel_program *peer_receive(struct rig *rig)
{
	static struct channel_program message[CHANNEL_MAX_BYTES / sizeof(struct channel_program)];
	ssize_t n = recv(rig->peer_fd, message, sizeof(message), MSG_DONTWAIT);

	assert_true(n > 0);
	assert_int_equal(channel_check_program(message, (size_t)n), 0);
	return message;
}

static void assert_quiet(struct rig *rig)
{
	char byte;

	assert_int_equal(recv(rig->peer_fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void peer_die(struct rig *rig)
{
	close(rig->peer_fd);
	rig->peer_fd = -1;
}

/* Over the RUN that every port is born with. */
static void rig_park(struct rig *rig, uint32_t seq)
{
	peer_report(rig, seq);
	assert_int_equal(port_receive(&rig->port), 1);
	assert_false(rig->port.running);
}

static struct program *a_program(uint32_t flags)
{
	static struct program program;

	program_init(&program, flags);
	program_after(&program, CHANNEL_SYNC_CODE, NULL, 16);
	return &program;
}

/* ---- numbers ----------------------------------------------------------------------------- */

static void test_first_number_is_learned(void **state)
{
	struct rig *rig = *state;

	assert_true(rig->port.running);
	assert_int_equal(port_receive(&rig->port), 0);
	rig_park(rig, 41);
	assert_int_equal(port_start(&rig->port, a_program(CHANNEL_RUN)), 0);
	assert_int_equal(peer_receive(rig)->seq, 42);
	peer_report(rig, 42);
	assert_int_equal(port_receive(&rig->port), 1);
}

static void test_only_the_first_is_learned(void **state)
{
	static const uint32_t wrong[] = { 0, 1, 3, 0xffffffff };
	struct rig *rig = *state;

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		rig_park(rig, 1);
		assert_int_equal(port_start(&rig->port, a_program(CHANNEL_RUN)), 0);
		peer_report(rig, wrong[i]);
		assert_int_equal(port_receive(&rig->port), -EPROTO);
		teardown(state);
		setup(state);
	}
}

static void test_numbers_wrap(void **state)
{
	struct rig *rig = *state;

	rig_park(rig, UINT32_MAX);
	assert_int_equal(port_start(&rig->port, a_program(CHANNEL_RUN)), 0);
	assert_int_equal(peer_receive(rig)->seq, 0);
	peer_report(rig, 0);
	assert_int_equal(port_receive(&rig->port), 1);
}

static void test_unasked_report(void **state)
{
	struct rig *rig = *state;

	rig_park(rig, 0);
	assert_int_equal(port_receive(&rig->port), 0);
	peer_report(rig, 0);
	assert_int_equal(port_receive(&rig->port), -EPROTO);
}

static void test_start_while_running(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(port_start(&rig->port, a_program(CHANNEL_RUN)), -EBUSY);
	assert_int_equal(port_call(&rig->port, a_program(0), SHORT_MS), -EBUSY);
	assert_quiet(rig);
	rig_park(rig, 0);
	assert_int_equal(port_start(&rig->port, a_program(CHANNEL_RUN)), 0);
	assert_int_equal(port_start(&rig->port, a_program(CHANNEL_RUN)), -EBUSY);
	peer_receive(rig);
	assert_quiet(rig);
}

static void test_overflown_program(void **state)
{
	struct rig *rig = *state;
	struct program *program = a_program(0);

	rig_park(rig, 0);
	program_after(program, CHANNEL_SYNC_CODE, NULL, CHANNEL_MAX_BYTES);
	assert_int_equal(port_start(&rig->port, program), -E2BIG);
	assert_int_equal(port_call(&rig->port, program, SHORT_MS), -E2BIG);
	assert_quiet(rig);
	assert_false(rig->port.running);
	assert_int_equal(rig->port.seq, 0);
}

/* ---- what is no report ------------------------------------------------------------------- */

static void assert_garbage(void **state, const void *message, size_t length)
{
	struct rig *rig = *state;

	peer_send(rig, message, length);
	assert_int_equal(port_receive(&rig->port), -EPROTO);
	teardown(state);
	setup(state);
}

static void test_garbage(void **state)
{
	static uint8_t large[CHANNEL_MAX_BYTES + 1];
	struct channel_report report = { .type = CHANNEL_REPORT };

	assert_garbage(state, "x", 1);
	assert_garbage(state, &report, sizeof(report) - 1);
	memcpy(large, &report, sizeof(report));
	assert_garbage(state, large, sizeof(report) + 1);
	assert_garbage(state, large, CHANNEL_MAX_BYTES);
	assert_garbage(state, large, CHANNEL_MAX_BYTES + 1);
	report.type = CHANNEL_PROGRAM;
	assert_garbage(state, &report, sizeof(report));
	report.type = CHANNEL_REPORT;
	report.reason = 99;
	assert_garbage(state, &report, sizeof(report));
	report.reason = CHANNEL_PARKED;
	report.result_count = 1;
	assert_garbage(state, &report, sizeof(report));
}

/* Cut to what there is room for it would be a right one. */
static void test_longer_than_any(void **state)
{
	static struct {
		struct channel_report head;
		struct channel_result result;
		uint8_t more[CHANNEL_MAX_BYTES - sizeof(struct channel_report) -
			     sizeof(struct channel_result) + 1];
	} report = { .head = { .type = CHANNEL_REPORT, .result_count = 1 },
		.result.size = CHANNEL_MAX_BYTES - sizeof(struct channel_report) -
			       sizeof(struct channel_result) };
	struct rig *rig = *state;

	assert_garbage(state, &report, CHANNEL_MAX_BYTES + 1);
	peer_send(rig, &report, CHANNEL_MAX_BYTES);
	assert_int_equal(port_receive(&rig->port), 1);
}

/* A packet of no bytes looks like the end of the channel, and is taken for it. */
static void test_empty_packet(void **state)
{
	struct rig *rig = *state;

	peer_send(rig, "", 0);
	assert_int_equal(port_receive(&rig->port), -ECONNRESET);
}

/* Descriptors that come with a report do not stay with us. */
static void test_stray_descriptor(void **state)
{
	struct rig *rig = *state;
	const struct channel_report report = { .type = CHANNEL_REPORT };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_len = sizeof(report) };
	struct msghdr message = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
	int pipe_fd[2];
	char byte;

	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK), 0);
	memcpy(&iov.iov_base, &(const void *){ &report }, sizeof(iov.iov_base));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &pipe_fd[1], sizeof(int));
	assert_int_equal(sendmsg(rig->peer_fd, &message, 0), sizeof(report));
	close(pipe_fd[1]);
	assert_int_equal(port_receive(&rig->port), 1);
	/* Nobody holds the writing end any more. */
	assert_int_equal(read(pipe_fd[0], &byte, 1), 0);
	close(pipe_fd[0]);
}

/* ---- the peer goes ------------------------------------------------------------------------- */

static void test_death_while_running(void **state)
{
	struct rig *rig = *state;

	peer_die(rig);
	assert_int_equal(port_receive(&rig->port), -ECONNRESET);
	assert_true(port_kick(&rig->port) < 0);
}

/* What it has said before still counts. */
static void test_death_after_report(void **state)
{
	struct rig *rig = *state;

	peer_report(rig, 5);
	peer_die(rig);
	assert_int_equal(port_receive(&rig->port), 1);
	assert_int_equal(port_start(&rig->port, a_program(CHANNEL_RUN)), -EPIPE);
	assert_false(rig->port.running);
	assert_int_equal(port_call(&rig->port, a_program(0), SHORT_MS), -EPIPE);
}

/* It dies with our program unread, which the kernel reports in another way. */
static void test_death_with_program_unread(void **state)
{
	struct rig *rig = *state;

	rig_park(rig, 0);
	assert_int_equal(port_start(&rig->port, a_program(CHANNEL_RUN)), 0);
	peer_die(rig);
	assert_int_equal(port_receive(&rig->port), -ECONNRESET);
}

static void test_close(void **state)
{
	struct rig *rig = *state;
	struct port never = { .fd = -1 };
	char byte;

	port_close(&rig->port);
	assert_int_equal(rig->port.fd, -1);
	assert_int_equal(recv(rig->peer_fd, &byte, 1, MSG_DONTWAIT), 0);
	port_close(&rig->port);
	port_close(&never);
	assert_int_equal(never.fd, -1);
}

/* ---- kicks --------------------------------------------------------------------------------- */

static void test_kick(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(port_kick(&rig->port), 0);
	assert_int_equal(peer_receive(rig)->type, CHANNEL_KICK);
	rig_park(rig, 0);
	assert_int_equal(port_kick(&rig->port), 0); /* harmless, and no program */
	assert_int_equal(peer_receive(rig)->type, CHANNEL_KICK);
	assert_int_equal(port_start(&rig->port, a_program(CHANNEL_RUN)), 0);
	assert_int_equal(peer_receive(rig)->seq, 1);
}

/* The peer reads nothing: kicks never wait and never fail, a program does not wait either. */
static void test_full_queue(void **state)
{
	struct rig *rig = *state;
	unsigned kicks = 0;
	char buf[64];

	rig_park(rig, 0);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(port_kick(&rig->port), 0);
	assert_int_equal(port_start(&rig->port, a_program(CHANNEL_RUN)), -ENOBUFS);
	assert_false(rig->port.running);
	assert_int_equal(rig->port.seq, 0);
	while (recv(rig->peer_fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		kicks++;
	assert_in_range(kicks, 1, 99999);
	assert_int_equal(port_start(&rig->port, a_program(CHANNEL_RUN)), 0);
	assert_int_equal(peer_receive(rig)->seq, 1);
}

/* ---- calls --------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void test_call_times_out(void **state)
{
	struct rig *rig = *state;
	int64_t begin = now_ms();

	rig_park(rig, 0);
	assert_int_equal(port_call(&rig->port, a_program(0), SHORT_MS), -ETIMEDOUT);
	assert_in_range(now_ms() - begin, SHORT_MS - 1, PATIENCE_MS);
	assert_int_equal(peer_receive(rig)->seq, 1);
	/* It is still due: nothing else may be started, and the late answer is its own. */
	assert_int_equal(port_call(&rig->port, a_program(0), SHORT_MS), -EBUSY);
	peer_report(rig, 1);
	assert_int_equal(port_receive(&rig->port), 1);
}

/* What a thread in the VMM does with one program. */
enum answer { ANSWER, ANSWER_WRONG_NUMBER, ANSWER_GARBAGE, DIE };

struct answerer {
	struct rig *rig;
	enum answer answer;
	unsigned delay_us;
	pthread_t thread;
};

static void *answerer_run(void *context)
{
	struct answerer *answerer = context;
	int fd = answerer->rig->peer_fd;
	struct channel_program program = { 0 };
	struct {
		struct channel_report head;
		struct channel_result result;
	} report = { .head = { .type = CHANNEL_REPORT, .result_count = 1 }, .result.rc = 7 };

	if (recv(fd, &program, sizeof(program), 0) < (ssize_t)sizeof(program))
		return NULL;
	usleep(answerer->delay_us);
	report.head.seq = program.seq + (answerer->answer == ANSWER_WRONG_NUMBER);
	if (answerer->answer == ANSWER_GARBAGE)
		report.result.rc = -1, report.result.size = 8;
	if (answerer->answer == DIE)
		shutdown(fd, SHUT_RDWR);
	else if (send(fd, &report, sizeof(report), MSG_NOSIGNAL) < 0)
		return NULL;
	return context;
}

static int call_answered(struct rig *rig, enum answer answer, unsigned delay_us)
{
	struct answerer answerer = { .rig = rig, .answer = answer, .delay_us = delay_us };
	void *done;
	int rc;

	assert_int_equal(pthread_create(&answerer.thread, NULL, answerer_run, &answerer), 0);
	rc = port_call(&rig->port, a_program(0), PATIENCE_MS);
	assert_int_equal(pthread_join(answerer.thread, &done), 0);
	assert_non_null(done);
	return rc;
}

static void test_call(void **state)
{
	static const unsigned delays_us[] = { 0, 10, 50, 20000 }; /* while it spins, and after */
	struct rig *rig = *state;
	struct results results;
	const void *bytes;
	size_t size;

	rig_park(rig, 100);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(call_answered(rig, ANSWER, delays_us[i]), 0);
		assert_int_equal(rig->port.seq, 101 + i);
		assert_false(rig->port.running);
		port_results(&rig->port, &results);
		assert_int_equal(results_next(&results, &bytes, &size), 7);
		assert_int_equal(results_next(&results, &bytes, &size), -ENODATA);
	}
}

static void test_call_wrong_number(void **state)
{
	rig_park(*state, 0);
	assert_int_equal(call_answered(*state, ANSWER_WRONG_NUMBER, 1000), -EPROTO);
}

static void test_call_garbage(void **state)
{
	rig_park(*state, 0);
	assert_int_equal(call_answered(*state, ANSWER_GARBAGE, 1000), -EPROTO);
}

static void test_call_death(void **state)
{
	rig_park(*state, 0);
	assert_int_equal(call_answered(*state, DIE, 1000), -ECONNRESET);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_number_is_learned),
		TEST(test_only_the_first_is_learned),
		TEST(test_numbers_wrap),
		TEST(test_unasked_report),
		TEST(test_start_while_running),
		TEST(test_overflown_program),
		TEST(test_garbage),
		TEST(test_longer_than_any),
		TEST(test_empty_packet),
		TEST(test_stray_descriptor),
		TEST(test_death_while_running),
		TEST(test_death_after_report),
		TEST(test_death_with_program_unread),
		TEST(test_close),
		TEST(test_kick),
		TEST(test_full_queue),
		TEST(test_call_times_out),
		TEST(test_call),
		TEST(test_call_wrong_number),
		TEST(test_call_garbage),
		TEST(test_call_death),
	};

	return cmocka_run_group_tests_name("port", tests, NULL, NULL);
}
