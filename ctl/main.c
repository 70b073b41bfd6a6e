/* SPDX-License-Identifier: Apache-2.0 */
/* gdbproxyctl: asks and directs a running gdbproxyd over its control socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "ctl/answer.h"
#include "ctl/link.h"
#include "ctl/order.h"
#include "daemon/version.h"

enum {
	MAIN_DONE = 0,
	MAIN_FAILED = 1,
	MAIN_USAGE = 2,
	MAIN_NO_DAEMON = 3,
	MAIN_POLL_MS = 100,
};

#define MAIN_SOCKET "/run/gdbproxyd/control.sock"

/* A user's own daemon, if there is one; else the system's. */
static const char *main_socket(const struct order *order, char *own, size_t size)
{
	const char *directory = getenv("XDG_RUNTIME_DIR");

	if (order->socket)
		return order->socket;
	if (geteuid() == 0 || !directory || !*directory)
		return MAIN_SOCKET;
	snprintf(own, size, "%s/gdbproxyd/control.sock", directory);
	return access(own, F_OK) == 0 ? own : MAIN_SOCKET;
}

static int main_complain(const char *what, const char *cause, const char *cure)
{
	fprintf(stderr, "gdbproxyctl: %s: %s%s%s\n", what, cause, cure ? ": " : "",
		cure ? cure : "");
	return MAIN_FAILED;
}

static int main_complain_link(const char *path, int rc)
{
	switch (rc) {
	case -ENOENT:
	case -ECONNREFUSED:
		main_complain(path, "no daemon is there",
			"start gdbproxyd, or name its control-socket by --socket");
		return MAIN_NO_DAEMON;
	case -EACCES:
		return main_complain(path, "this user may not connect",
			"see control-socket-mode and control-uid in gdbproxy.conf(5)");
	case -EAGAIN:
		return main_complain(path, "the daemon did not answer in time",
			"try again, or give it longer by --timeout");
	case -EBADMSG:
	case -EFBIG:
		return main_complain(
			path, "that is no answer of gdbproxyd's", "is it of the same version?");
	default:
		return main_complain(path, strerror(-rc), NULL);
	}
}

/* Asks, and takes the whole answer: 0 or -errno; -EPIPE: it was cut. */
static int main_ask(
	const char *path, const char *request, const struct order *order, struct answer *answer)
{
	struct record record;
	struct link link;
	int rc = link_open(&link, path, request, order->timeout_s);

	if (rc < 0)
		return rc;
	while ((rc = link_next(&link, &record)) > 0) {
		rc = answer_take(answer, &record);
		if (rc < 0)
			break;
	}
	link_close(&link);
	return rc == 0 && !answer->is_over ? -EPIPE : rc;
}

static int64_t main_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- --wait ------------------------------------------------------------------------------- */

/* What is asked again and again until it is so. */
static struct order main_look(const struct order *order)
{
	struct order look = *order;

	look.json = false;
	look.command = order->command == ORDER_SHOW || order->debugger ? ORDER_SHOW : ORDER_LIST;
	look.word = look.command == ORDER_SHOW ? "show" : "list";
	return look;
}

static bool main_is_so(const struct order *order, const struct answer *answer)
{
	switch (order->command) {
	case ORDER_DETACH:
		return order->debugger ? !answer->has_debugger : answer->is_free;
	case ORDER_RESUME:
		return answer->is_free;
	default:
		return true;
	}
}

/* 1 it is so, 0 not yet, -errno. */
static int main_look_once(const char *path, const struct order *order, const struct order *look)
{
	struct answer answer;
	char request[256];
	int rc = answer_init(&answer, look);

	if (rc < 0)
		return rc;
	snprintf(request, sizeof(request), "%s %s\n", look->word, look->name);
	rc = main_ask(path, request, look, &answer);
	if (rc == 0)
		rc = !answer.code[0] && main_is_so(order, &answer);
	answer_fini(&answer);
	return rc;
}

/* 0 it is so; -ETIMEDOUT, other -errno. */
static int main_wait(const char *path, const struct order *order)
{
	int64_t deadline = main_now_ms() + (int64_t)order->timeout_s * 1000;
	struct timespec pause = { .tv_nsec = MAIN_POLL_MS * 1000000L };
	struct order look = main_look(order);
	int rc;

	while ((rc = main_look_once(path, order, &look)) == 0 && main_now_ms() < deadline)
		nanosleep(&pause, NULL);
	return rc == 1 ? 0 : rc == 0 ? -ETIMEDOUT : rc;
}

static int main_complain_wait(const char *path, const struct order *order, int rc)
{
	if (rc != -ETIMEDOUT)
		return main_complain_link(path, rc);
	return main_complain(order->name,
		order->command == ORDER_LIST || order->command == ORDER_SHOW
			? "there is no such VM yet"
			: "it is not free yet",
		"wait for longer by --timeout");
}

/* ---- the order ---------------------------------------------------------------------------- */

static int main_finish(const char *path, const struct order *order, struct answer *answer, int rc)
{
	if (rc == -EPIPE)
		return main_complain(path, "the answer is not complete", "try again");
	if (rc < 0)
		return main_complain_link(path, rc);
	if (answer->code[0])
		return main_complain(order->name ? order->name : path, answer->error, NULL);
	if (order->wait && (order->command == ORDER_DETACH || order->command == ORDER_RESUME))
		rc = main_wait(path, order);
	if (rc < 0)
		return main_complain_wait(path, order, rc);
	rc = answer_print(answer);
	return rc < 0 ? main_complain("standard output", strerror(-rc), NULL) : MAIN_DONE;
}

static int main_carry_out(const char *path, const struct order *order)
{
	struct answer answer;
	char request[256];
	int rc = answer_init(&answer, order), status;

	if (rc < 0)
		return main_complain(path, strerror(-rc), NULL);
	snprintf(request, sizeof(request), "%s%s%s%s%s\n", order->word, order->name ? " " : "",
		order->name ? order->name : "", order->debugger ? " " : "",
		order->debugger ? order->debugger : "");
	rc = main_ask(path, request, order, &answer);
	status = main_finish(path, order, &answer, rc);
	answer_fini(&answer);
	return status;
}

/* What would not be one word of one line. */
static bool main_is_word(const char *text)
{
	if (!text)
		return true;
	for (size_t i = 0; text[i]; i++)
		if (text[i] <= ' ' || text[i] > '~' || i == 100)
			return false;
	return *text != '\0';
}

int main(int argc, char **argv)
{
	char error[ORDER_ERROR_SIZE], own[256];
	struct order order;
	const char *path;
	int rc;

	if (order_parse(&order, argc, argv, error) < 0) {
		fprintf(stderr, "gdbproxyctl: %s\n", error);
		return MAIN_USAGE;
	}
	if (order.command == ORDER_HELP) {
		order_print_help(stdout);
		return MAIN_DONE;
	}
	if (order.command == ORDER_VERSION) {
		puts("gdbproxyctl " GDBPROXYD_VERSION);
		return MAIN_DONE;
	}
	if (!main_is_word(order.name) || !main_is_word(order.debugger)) {
		fputs("gdbproxyctl: no VM or debugger can be called that\n", stderr);
		return MAIN_USAGE;
	}
	path = main_socket(&order, own, sizeof(own));
	if (order.wait && order.name &&
		(order.command == ORDER_LIST || order.command == ORDER_SHOW)) {
		rc = main_wait(path, &order);
		if (rc < 0)
			return main_complain_wait(path, &order, rc);
	}
	return main_carry_out(path, &order);
}
