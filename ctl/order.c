/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line asks for: see order.h. */
#include "ctl/order.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct order_row {
	const char *word;
	enum order_command command;
	int words_min, words_max; /* behind the command */
};

static const struct order_row order_rows[] = {
	{ "list", ORDER_LIST, 0, 1 },
	{ "show", ORDER_SHOW, 1, 1 },
	{ "detach", ORDER_DETACH, 1, 2 },
	{ "resume", ORDER_RESUME, 1, 1 },
	{ "undo", ORDER_UNDO, 1, 1 },
};

static const struct option order_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "socket", required_argument, NULL, 's' },
	{ "timeout", required_argument, NULL, 't' },
	{ "version", no_argument, NULL, 'V' },
	{ "wait", no_argument, NULL, 'w' },
	{ NULL, 0, NULL, 0 },
};

__attribute__((format(printf, 2, 3))) static int order_fail(
	char error[ORDER_ERROR_SIZE], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, ORDER_ERROR_SIZE, format, args);
	va_end(args);
	return -EINVAL;
}

static int order_read_timeout(struct order *order, char error[ORDER_ERROR_SIZE])
{
	size_t length = strlen(optarg);

	if (!length || length > 5 || strspn(optarg, "0123456789") != length || !atoi(optarg))
		return order_fail(error, "--timeout wants seconds, 1 to 99999, not '%s'", optarg);
	order->timeout_s = (unsigned)atoi(optarg);
	return 0;
}

static int order_read_option(
	struct order *order, int option, const char *word, char error[ORDER_ERROR_SIZE])
{
	switch (option) {
	case 'h':
		order->command = ORDER_HELP;
		return 0;
	case 'V':
		order->command = ORDER_VERSION;
		return 0;
	case 'j':
		order->json = true;
		return 0;
	case 'w':
		order->wait = true;
		return 0;
	case 's':
		order->socket = optarg;
		return 0;
	case 't':
		return order_read_timeout(order, error);
	case ':':
		return order_fail(error, "'%s' wants an argument (try --help)", word);
	default:
		return order_fail(error, "there is no option '%s' (try --help)", word);
	}
}

static const struct order_row *order_find(const char *word)
{
	for (size_t i = 0; i < sizeof(order_rows) / sizeof(order_rows[0]); i++)
		if (!strcmp(order_rows[i].word, word))
			return &order_rows[i];
	return NULL;
}

static int order_read_words(
	struct order *order, char **words, int count, char error[ORDER_ERROR_SIZE])
{
	const struct order_row *row;

	if (!count)
		return order_fail(error, "what is to be done? list, show, detach, resume, undo "
					 "(try --help)");
	row = order_find(words[0]);
	if (!row)
		return order_fail(error, "there is no command '%s' (try --help)", words[0]);
	if (count - 1 < row->words_min)
		return order_fail(
			error, "%s wants the name of a VM: gdbproxyctl list has them", row->word);
	if (count - 1 > row->words_max)
		return order_fail(error, "%s does not take '%s' (try --help)", row->word,
			words[row->words_max + 1]);
	order->command = row->command;
	order->word = row->word;
	order->name = count > 1 ? words[1] : NULL;
	order->debugger = count > 2 ? words[2] : NULL;
	return 0;
}

int order_parse(struct order *order, int argc, char **argv, char error[ORDER_ERROR_SIZE])
{
	int option;

	*order = (struct order){ .timeout_s = ORDER_TIMEOUT_S };
	optind = 0;
	while ((option = getopt_long(argc, argv, ":hjs:t:Vw", order_options, NULL)) >= 0) {
		int rc = order_read_option(order, option, argv[optind - 1], error);

		if (rc < 0 || order->command == ORDER_HELP || order->command == ORDER_VERSION)
			return rc;
	}
	return order_read_words(order, argv + optind, argc - optind, error);
}

void order_print_help(FILE *out)
{
	fputs("usage: gdbproxyctl [options] COMMAND\n"
	      "\n"
	      "Asks and directs a running gdbproxyd.\n"
	      "\n"
	      "  list [VM]              the VMs: vCPUs, state, debuggers, VMM\n"
	      "  show VM                its vCPUs, debuggers, breakpoints, what was counted\n"
	      "  detach VM [DEBUGGER]   ends the connection of one debugger, or of all; what they\n"
	      "                         have set is taken back, and the guest runs\n"
	      "  resume VM              a guest that is stopped with nobody there goes on\n"
	      "  undo VM                takes back every planted byte now, even when the worker\n"
	      "                         of that VM hangs: it is ended then by force\n"
	      "\n"
	      "  -j, --json             print JSON\n"
	      "  -w, --wait             wait until it is so: list, show: that there is the VM;\n"
	      "                         detach, resume: that the guest is free\n"
	      "  -t, --timeout SECONDS  for how long to wait [30]\n"
	      "  -s, --socket PATH      the daemon's control-socket\n"
	      "                         [/run/gdbproxyd/control.sock]\n"
	      "  -h, --help             print this\n"
	      "  -V, --version          print the version\n"
	      "\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no daemon is there.\n",
		out);
}
