/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/peer.c: who may come in, by what the kernel says of a peer's user and all of its groups. */
#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/log.h"
#include "daemon/peer.h"

enum { USER = 65534, GROUP = 5551, OTHER_GROUP = 7777, LAST_GROUP = 8888, NOBODY_S = 4242 };

struct fixture {
	char directory[64];
	struct sockaddr_un address;
	int listen_fd;
	pid_t child;
	int fd; /* accepted */
};

static void become_somebody(void)
{
	static const gid_t groups[] = { OTHER_GROUP, 1, 2, 3, LAST_GROUP };

	if (setgroups(sizeof(groups) / sizeof(groups[0]), groups) < 0 ||
		setresgid(GROUP, GROUP, GROUP) < 0 || setresuid(USER, USER, USER) < 0)
		_exit(1);
}

static void connect_and_wait(const struct fixture *fixture)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	become_somebody();
	if (connect(fd, (const struct sockaddr *)&fixture->address, sizeof(fixture->address)) < 0)
		_exit(1);
	recv(fd, &byte, 1, 0);
	_exit(0);
}

/* A peer of another user, group, and more groups. */
static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->directory, "/tmp/gdbproxy-peer.XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	chmod(fixture->directory, 0755);
	fixture->address.sun_family = AF_UNIX;
	snprintf(fixture->address.sun_path, sizeof(fixture->address.sun_path), "%s/s",
		fixture->directory);
	fixture->listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fixture->listen_fd, (struct sockaddr *)&fixture->address,
				 sizeof(fixture->address)),
		0);
	chmod(fixture->address.sun_path, 0666);
	assert_int_equal(listen(fixture->listen_fd, 1), 0);
	fixture->child = fork();
	if (fixture->child == 0)
		connect_and_wait(fixture);
	fixture->fd = accept(fixture->listen_fd, NULL, NULL);
	assert_true(fixture->fd >= 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	int status = 0;

	close(fixture->fd);
	close(fixture->listen_fd);
	assert_int_equal(waitpid(fixture->child, &status, 0), fixture->child);
	assert_int_equal(status, 0);
	unlink(fixture->address.sun_path);
	rmdir(fixture->directory);
	free(fixture);
	return 0;
}

static bool listed(int fd, uid_t uid, gid_t gid)
{
	struct conf_uids uids = { .count = 1, .uid = { uid } };
	struct conf_gids gids = { .count = gid ? 1 : 0, .gid = { gid } };

	return peer_is_listed(fd, &uids, &gids);
}

static void test_identity(void **state)
{
	const struct fixture *fixture = *state;
	struct ucred peer;

	assert_true(peer_identify(fixture->fd, &peer));
	assert_int_equal(peer.uid, USER);
	assert_int_equal(peer.gid, GROUP);
	assert_int_equal(peer.pid, fixture->child);
}

static void test_lists(void **state)
{
	const struct fixture *fixture = *state;
	struct conf_uids nobody = { .count = 0 };
	struct conf_gids none = { .count = 0 };

	assert_true(listed(fixture->fd, USER, 0));
	assert_false(listed(fixture->fd, NOBODY_S, 0));
	assert_true(listed(fixture->fd, NOBODY_S, GROUP));
	assert_true(listed(fixture->fd, NOBODY_S, OTHER_GROUP));
	assert_true(listed(fixture->fd, NOBODY_S, LAST_GROUP));
	assert_false(listed(fixture->fd, NOBODY_S, NOBODY_S));
	assert_false(listed(fixture->fd, 0, NOBODY_S)); /* root is not everybody */
	assert_false(peer_is_listed(fixture->fd, &nobody, &none));
}

static void test_debuggers(void **state)
{
	const struct fixture *fixture = *state;
	struct conf conf = { .debug_uid = { .count = 0 } };

	assert_true(peer_may_debug(fixture->fd, &conf));
	conf.debug_uid = (struct conf_uids){ .count = 1, .uid = { NOBODY_S } };
	assert_false(peer_may_debug(fixture->fd, &conf));
	conf.debug_gid = (struct conf_gids){ .count = 2, .gid = { NOBODY_S, LAST_GROUP } };
	assert_true(peer_may_debug(fixture->fd, &conf));
	conf.debug_uid.count = 0;
	conf.debug_gid.count = 1;
	assert_false(peer_may_debug(fixture->fd, &conf));
}

static void test_tcp(void **state)
{
	struct conf conf = { .debug_uid = { .count = 1, .uid = { NOBODY_S } } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct ucred peer;

	(void)state;
	assert_true(peer_may_debug(fd, &conf));
	assert_false(peer_identify(fd, &peer));
	assert_int_equal(peer.uid, (uid_t)-1);
	assert_false(listed(fd, 0, 0)); /* what is not known is not root */
	close(fd);
}

static void test_refusals_are_few_lines(void **state)
{
	const struct fixture *fixture = *state;
	struct peer_refusals refusals = { .unsaid = 0 };
	int pair[2], saved = dup(STDERR_FILENO);
	char said[4096] = "", *line;

	log_init(LOG_LEVEL_INFO);
	assert_int_equal(pipe(pair), 0);
	dup2(pair[1], STDERR_FILENO);
	for (int i = 0; i < 100; i++)
		peer_log_refusal(&refusals, fixture->fd, "debug");
	refusals.quiet_until_ms = 0;
	peer_log_refusal(&refusals, fixture->fd, "debug");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pair[1]);
	assert_true(read(pair[0], said, sizeof(said) - 1) > 0);
	close(pair[0]);
	line = strstr(said, "user 65534, group 5551");
	assert_non_null(line);
	line = strstr(line + 1, "user 65534, group 5551");
	assert_non_null(line);
	assert_non_null(strstr(line, "(and 99 more"));
	assert_null(strstr(line + 1, "user 65534, group 5551"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_debuggers),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_refusals_are_few_lines),
	};

	if (geteuid() != 0) {
		puts("1..0 # SKIP only root can be somebody else");
		return 0;
	}
	return cmocka_run_group_tests_name("peer", tests, setup, teardown);
}
