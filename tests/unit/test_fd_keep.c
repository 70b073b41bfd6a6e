/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/fd_keep.c, in a child for each case: what it leaves open. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/fd_keep.h"

enum { FIRST = 20, END = 60, MANY = 600 };

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool is_among(const int *fds, unsigned count, int fd)
{
	for (unsigned i = 0; i < count; i++)
		if (fds[i] == fd)
			return true;
	return false;
}

/* 0: exactly those, and the standard ones, are still there. */
static int keep_in_child(const int *wanted, unsigned count)
{
	int fds[MANY];

	for (unsigned i = 0; i < count; i++)
		fds[i] = wanted[i];
	for (int fd = FIRST; fd < END; fd++)
		if (dup2(STDERR_FILENO, fd) < 0)
			return 1;
	fd_keep(fds, count);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (!is_open(fd))
			return 2;
	for (int fd = STDERR_FILENO + 1; fd < END + 10; fd++)
		if (is_open(fd) != is_among(wanted, count, fd))
			return fd;
	return 0;
}

static void check(const int *wanted, unsigned count)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(keep_in_child(wanted, count));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_kept(void **state)
{
	static const int several[] = { 40, FIRST, -1, 41, END - 1, -1, 25 };
	static const int twice[] = { 30, 30, 31 };
	static const int nothing[] = { -1 };

	(void)state;
	check(several, 7);
	check(twice, 3);
	check(nothing, 1);
	check(nothing, 0);
}

/* The standard ones may be named, too. */
static void test_standard(void **state)
{
	static const int standard[] = { 0, 1, 2, 50 };

	(void)state;
	check(standard, 4);
}

/* More than libc sorts without asking the kernel for something, which a filter may forbid. */
static void test_many(void **state)
{
	int fds[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++)
		fds[i] = i % 2 ? -1 : FIRST + (MANY - i) % (END - FIRST);
	check(fds, MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_standard),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("fd_keep", tests, NULL, NULL);
}
