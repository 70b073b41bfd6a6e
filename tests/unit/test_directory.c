/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/directory.c: numbers, what is shown, and that another process sees it whole. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/directory.h"

static void assert_next(const struct directory *directory, unsigned after, unsigned number,
	const char *name, unsigned threads, const char *state)
{
	struct process process;

	assert_true(directory_next(directory, after, &process));
	assert_int_equal(process.number, number);
	assert_string_equal(process.name, name);
	assert_int_equal(process.threads, threads);
	assert_string_equal(process.state, state);
}

static void test_numbers(void **state)
{
	struct directory directory;
	struct process process;

	(void)state;
	assert_int_equal(directory_open(&directory, 3), 0);
	assert_false(directory_next(&directory, 0, &process));
	assert_int_equal(directory_add(&directory, "one", 1), 1);
	assert_int_equal(directory_add(&directory, "two", 2), 2);
	assert_int_equal(directory_add(&directory, "three", 3), 3);
	assert_int_equal(directory_add(&directory, "four", 4), 0);
	assert_next(&directory, 0, 1, "one", 1, "free");
	assert_next(&directory, 1, 2, "two", 2, "free");
	assert_next(&directory, 2, 3, "three", 3, "free");
	assert_false(directory_next(&directory, 3, &process));
	assert_false(directory_next(&directory, UINT32_MAX, &process));
	directory_hide(&directory, 1);
	assert_next(&directory, 0, 2, "two", 2, "free");
	assert_int_equal(directory_add(&directory, "four", 4), 0);
	directory_remove(&directory, 1);
	assert_int_equal(directory_add(&directory, "four", 4), 1);
	assert_next(&directory, 0, 1, "four", 4, "free");
	directory_set_debugged(&directory, 1, true);
	assert_next(&directory, 0, 1, "four", 4, "under debug");
	directory_set_debugged(&directory, 1, false);
	assert_next(&directory, 0, 1, "four", 4, "free");
	directory_close(&directory);
}

static void test_wanted_number(void **state)
{
	struct directory directory;

	(void)state;
	assert_int_equal(directory_open(&directory, 3), 0);
	assert_int_equal(directory_add_at(&directory, 2, "two", 2), 2);
	assert_int_equal(directory_add_at(&directory, 2, "again", 2), 1);
	assert_int_equal(directory_add_at(&directory, 4, "beyond", 2), 3);
	assert_int_equal(directory_add_at(&directory, 2, "full", 2), 0);
	directory_close(&directory);
}

static void test_long_name(void **state)
{
	struct directory directory;
	struct process process;
	char name[2 * PROCESS_NAME_SIZE];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(directory_open(&directory, 1), 0);
	assert_int_equal(directory_add(&directory, name, 1), 1);
	assert_true(directory_next(&directory, 0, &process));
	assert_int_equal(strlen(process.name), PROCESS_NAME_SIZE - 1);
	directory_close(&directory);
}

/* While the parent writes one name over the other, the child must never see a mixture. */
static int watch(const struct directory *directory)
{
	struct process process;

	for (int i = 0; i < 200000; i++) {
		if (!directory_next(directory, 0, &process))
			continue;
		if (process.threads == 1 ? strcmp(process.name, "aaaaaaaaaaaaaaaaaaaaaaaa")
					 : strcmp(process.name, "b"))
			return 1;
	}
	return 0;
}

static void test_another_process(void **state)
{
	struct directory directory;
	int status = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(directory_open(&directory, 1), 0);
	pid = fork();
	if (pid == 0) {
		directory_seal(&directory);
		_exit(watch(&directory));
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		directory_add(&directory, "aaaaaaaaaaaaaaaaaaaaaaaa", 1);
		directory_remove(&directory, 1);
		directory_add(&directory, "b", 2);
		directory_remove(&directory, 1);
	}
	assert_int_equal(status, 0);
	directory_close(&directory);
}

/* The others only read. */
static void test_sealed(void **state)
{
	struct directory directory;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(directory_open(&directory, 1), 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		directory_seal(&directory);
		directory_add(&directory, "mine", 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status));
	directory_close(&directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_wanted_number),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_another_process),
		cmocka_unit_test(test_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
