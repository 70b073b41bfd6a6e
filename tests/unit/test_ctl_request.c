/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/ctl_request.c: what gdbproxyctl may ask, whole and byte by byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/ctl_request.h"

static struct ctl_request request;
static char error[CTL_ERROR_SIZE];

static int parse(const char *text)
{
	return ctl_request_parse(&request, text, strlen(text), error);
}

/* Each beginning of it is none yet. */
static void assert_taken(
	const char *text, enum ctl_command command, const char *name, unsigned debugger)
{
	for (size_t i = 0; i < strlen(text); i++)
		assert_int_equal(ctl_request_parse(&request, text, i, error), 0);
	assert_int_equal(parse(text), 1);
	assert_int_equal(request.command, command);
	assert_string_equal(request.name, name);
	assert_int_equal(request.debugger, debugger);
}

static void test_taken(void **state)
{
	(void)state;
	assert_taken("list\n", CTL_LIST, "", 0);
	assert_taken("list web\n", CTL_LIST, "web", 0);
	assert_taken("show web\n", CTL_SHOW, "web", 0);
	assert_taken("detach web\n", CTL_DETACH, "web", 0);
	assert_taken("detach web 8\n", CTL_DETACH, "web", 8);
	assert_taken("detach web 999\n", CTL_DETACH, "web", 999);
	assert_taken("resume web\n", CTL_RESUME, "web", 0);
	assert_taken("undo web\n", CTL_UNDO, "web", 0);
	assert_taken("show ../\"};rm\n", CTL_SHOW, "../\"};rm", 0);
}

static void assert_refused(const char *text, const char *words)
{
	assert_int_equal(parse(text), -EINVAL);
	if (!strstr(error, words))
		fail_msg("'%s': %s", text, error);
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("\n", "no such command");
	assert_refused(" list\n", "no such command");
	assert_refused("list \n", "no such command");
	assert_refused("show  web\n", "no such command");
	assert_refused("LIST\n", "no such command");
	assert_refused("lis\n", "no such command");
	assert_refused("a b c d\n", "no such command");
	assert_refused("list\r\n", "printable");
	assert_refused("show \033[2J\n", "printable");
	assert_refused("show \xc3\xa9\n", "printable");
	assert_refused("show\n", "name of a VM");
	assert_refused("undo\n", "name of a VM");
	assert_refused("list a b\n", "fewer");
	assert_refused("resume a 1\n", "fewer");
	assert_refused("detach a 0\n", "numbered from 1");
	assert_refused("detach a 1000\n", "by its number");
	assert_refused("detach a -1\n", "by its number");
	assert_refused("detach a 1x\n", "by its number");
	assert_refused("list\nlist\n", "one request");
	assert_refused("list\nx", "one request");
}

static void test_nul(void **state)
{
	(void)state;
	assert_int_equal(ctl_request_parse(&request, "list\0\n", 6, error), -EINVAL);
	assert_non_null(strstr(error, "printable"));
}

static void test_too_long(void **state)
{
	char text[2 * CTL_REQUEST_MAX];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "show ", 5);
	assert_int_equal(ctl_request_parse(&request, text, CTL_REQUEST_MAX - 1, error), 0);
	assert_int_equal(ctl_request_parse(&request, text, CTL_REQUEST_MAX, error), -EINVAL);
	assert_int_equal(ctl_request_parse(&request, text, sizeof(text), error), -EINVAL);
	text[CTL_REQUEST_MAX] = '\n';
	assert_int_equal(ctl_request_parse(&request, text, CTL_REQUEST_MAX + 1, error), -EINVAL);
	assert_non_null(strstr(error, "too long"));
	text[5 + HANDOVER_NAME_SIZE] = '\n';
	assert_int_equal(ctl_request_parse(&request, text, 6 + HANDOVER_NAME_SIZE, error), -EINVAL);
	assert_non_null(strstr(error, "as long as that"));
	text[4 + HANDOVER_NAME_SIZE] = '\n';
	assert_int_equal(ctl_request_parse(&request, text, 5 + HANDOVER_NAME_SIZE, error), 1);
	assert_int_equal(strlen(request.name), HANDOVER_NAME_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests_name("ctl_request", tests, NULL, NULL);
}
