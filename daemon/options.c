/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the command line and the configuration. Every setting of the command line is a row of a
 * table that names its key; what a value may be is asked of conf/ alone. Opens no socket.
 */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "conf/conf_table.h"
#include "daemon/log.h"
#include "daemon/version.h"

_Static_assert((int)CONF_LOG_ERROR == (int)LOG_LEVEL_ERROR &&
		       (int)CONF_LOG_WARNING == (int)LOG_LEVEL_WARNING &&
		       (int)CONF_LOG_INFO == (int)LOG_LEVEL_INFO &&
		       (int)CONF_LOG_DEBUG == (int)LOG_LEVEL_DEBUG,
	"a level of the configuration is used as a level of the log");

/* Long options, above any char. Those before OPTION_DEBUG are settings. */
enum {
	OPTION_VCPU_SOCKET = 256,
	OPTION_LISTEN,
	OPTION_RUNTIME_DIR,
	OPTION_ALLOW_REMOTE,
	OPTION_MEMORY_NEEDS_FD,
	OPTION_DEBUG,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option option_table[] = {
	{ "vcpu-socket", required_argument, NULL, OPTION_VCPU_SOCKET },
	{ "listen", required_argument, NULL, OPTION_LISTEN },
	{ "runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR },
	{ "allow-remote", no_argument, NULL, OPTION_ALLOW_REMOTE },
	{ "memory-needs-fd", no_argument, NULL, OPTION_MEMORY_NEEDS_FD },
	{ "debug", no_argument, NULL, OPTION_DEBUG },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* The settings, by option. Without a value here the value is the option's argument. */
static const struct options_override setting_table[] = {
	[OPTION_VCPU_SOCKET - OPTION_VCPU_SOCKET] = { "--vcpu-socket", "vcpu-socket", NULL },
	[OPTION_LISTEN - OPTION_VCPU_SOCKET] = { "--listen", "listen", NULL },
	[OPTION_RUNTIME_DIR - OPTION_VCPU_SOCKET] = { "--runtime-dir", "runtime-dir", NULL },
	[OPTION_ALLOW_REMOTE - OPTION_VCPU_SOCKET] = { "--allow-remote", "allow-remote", "yes" },
	[OPTION_MEMORY_NEEDS_FD -
		OPTION_VCPU_SOCKET] = { "--memory-needs-fd", "memory-without-fd", "no" },
};

static const struct options_override debug_table[] = {
	{ "-d", "log-level", "debug" },
	{ "-d", "packet-trace", "yes" },
};

static int override_add(struct options *options, const struct options_override *override,
	const char *value, struct conf_error *error)
{
	struct options_override *added = &options->override[options->override_count];

	if (options->override_count == OPTIONS_OVERRIDE_MAX)
		return conf_error_set(
			error, "more than %d settings on the command line", OPTIONS_OVERRIDE_MAX);
	*added = *override;
	if (!added->value)
		added->value = value;
	options->override_count++;
	return 0;
}

/* The first -d sets the level, the second the packet trace, more change nothing. */
static int debug_add(struct options *options, struct conf_error *error)
{
	unsigned int count = options->debug_count;

	if (count == sizeof(debug_table) / sizeof(debug_table[0]))
		return 0;
	options->debug_count++;
	return override_add(options, &debug_table[count], NULL, error);
}

/* Says what getopt_long() did not like. WORD is what it looked at last. */
static int usage_error(int option, const char *word, struct conf_error *error)
{
	bool is_short = optopt > 0 && optopt < OPTION_VCPU_SOCKET;

	if (option == ':' && is_short)
		return conf_error_set(error, "option '-%c' needs an argument", optopt);
	if (option == ':')
		return conf_error_set(error, "option '%s' needs an argument", word);
	if (optopt >= OPTION_VCPU_SOCKET)
		return conf_error_set(error, "option takes no argument: '%s'", word);
	if (is_short)
		return conf_error_set(error, "unknown option '-%c' (try --help)", optopt);
	return conf_error_set(error, "unknown option '%s' (try --help)", word);
}

static int option_apply(
	struct options *options, int option, const char *word, struct conf_error *error)
{
	switch (option) {
	case 'f':
		options->file = optarg;
		return 0;
	case 'n':
		options->action = OPTIONS_CHECK;
		return 0;
	case 'd':
	case OPTION_DEBUG:
		return debug_add(options, error);
	case OPTION_HELP:
		options->action = OPTIONS_HELP;
		return 0;
	case OPTION_VERSION:
		options->action = OPTIONS_VERSION;
		return 0;
	case ':':
	case '?':
		return usage_error(option, word, error);
	default:
		return override_add(
			options, &setting_table[option - OPTION_VCPU_SOCKET], optarg, error);
	}
}

/* optind = 0 makes getopt_long() start over; '+' and ':' make it stop at the first word that is
 * no option, and leave the errors to us. */
/* syscalls(start): getopt_long */
int options_parse(struct options *options, int argc, char **argv, struct conf_error *error)
{
	int option;

	memset(options, 0, sizeof(*options));
	conf_error_at(error, NULL, 0, NULL);
	optind = 0;
	while ((option = getopt_long(argc, argv, "+:f:nd", option_table, NULL)) != -1) {
		int result = option_apply(options, option, argv[optind - 1], error);

		if (result < 0)
			return result;
		if (options->action == OPTIONS_HELP || options->action == OPTIONS_VERSION)
			return 0;
	}
	if (optind < argc)
		return conf_error_set(error, "unexpected argument '%s' (try --help)", argv[optind]);
	return 0;
}

static const char *options_file(const struct options *options, const struct conf_environment *env)
{
	return options->file ? options->file : env->default_file;
}

static int load_file(
	struct options *options, const struct conf_environment *env, struct conf_error *error)
{
	int result = conf_read_file(&options->conf, env, options_file(options, env), error);

	return result == -ENOENT && !options->file ? 0 : result;
}

static int load_overrides(
	struct options *options, const struct conf_environment *env, struct conf_error *error)
{
	unsigned int i;

	for (i = 0; i < options->override_count; i++) {
		const struct options_override *override = &options->override[i];
		int result = conf_override(
			&options->conf, env, override->flag, override->key, override->value, error);

		if (result < 0)
			return result;
	}
	return 0;
}

/* A value that conf/ took is wrong after all: says so where the value came from. */
static void error_at_value(const struct conf_environment *env, const struct options *options,
	const char *key, unsigned int line, struct conf_error *error)
{
	bool from_file = line != CONF_LINE_DEFAULT && line != CONF_LINE_COMMAND;

	conf_error_at(
		error, from_file ? options_file(options, env) : NULL, from_file ? line : 0, key);
}

static int check_vcpu_socket(
	struct options *options, const struct conf_environment *env, struct conf_error *error)
{
	const struct conf *conf = &options->conf;
	const char *wrong;

	error_at_value(env, options, "vcpu-socket", conf_line_of(conf, "vcpu-socket"), error);
	if (listen_address_parse(&options->vcpu_socket, conf->vcpu_socket, &wrong) < 0)
		return conf_error_set(error, "%s: '%s'", wrong, conf->vcpu_socket);
	return 0;
}

/* A socket with a name of one letter must fit, else none of any VM would. */
static int check_runtime_dir(
	struct options *options, const struct conf_environment *env, struct conf_error *error)
{
	const struct conf *conf = &options->conf;
	char path[CONF_TEXT_SIZE + 8];
	struct listen_address address;
	const char *wrong;

	snprintf(path, sizeof(path), "%s/x.sock", conf->runtime_dir);
	error_at_value(env, options, "runtime-dir", conf_line_of(conf, "runtime-dir"), error);
	if (listen_address_parse(&address, path, &wrong) < 0)
		return conf_error_set(error, "no socket fits in there: %s", wrong);
	return 0;
}

/* One of the daemon's own sockets, or none; it must be at none of the places before it. */
static int check_own_socket(struct options *options, const struct conf_environment *env,
	const char *key, const char *text, struct listen_address *address, struct conf_error *error)
{
	const char *wrong;

	memset(address, 0, sizeof(*address));
	if (strcmp(text, "none") == 0)
		return 0;
	error_at_value(env, options, key, conf_line_of(&options->conf, key), error);
	if (listen_address_parse(address, text, &wrong) < 0)
		return conf_error_set(error, "%s: '%s'", wrong, text);
	if (listen_address_equals(address, &options->vcpu_socket) ||
		(address != &options->control_socket &&
			listen_address_equals(address, &options->control_socket)))
		return conf_error_set(error, "'%s' is used twice", text);
	return 0;
}

static int check_own_sockets(
	struct options *options, const struct conf_environment *env, struct conf_error *error)
{
	int result = check_own_socket(options, env, "control-socket", options->conf.control_socket,
		&options->control_socket, error);

	return result < 0 ? result
			  : check_own_socket(options, env, "metrics-socket",
				    options->conf.metrics_socket, &options->metrics_socket, error);
}

static bool is_listed_before(const struct options *options, unsigned int index)
{
	const struct listen_address *address = &options->listen[index];
	unsigned int i;

	for (i = 0; i < index; i++) {
		if (listen_address_equals(&options->listen[i], address))
			return true;
	}
	return listen_address_equals(&options->vcpu_socket, address) ||
	       listen_address_equals(&options->control_socket, address) ||
	       listen_address_equals(&options->metrics_socket, address);
}

static int check_listen(struct options *options, unsigned int index, struct conf_error *error)
{
	const char *text = options->conf.listen.text[index];
	struct listen_address *address = &options->listen[index];
	const char *wrong;

	if (listen_address_parse(address, text, &wrong) < 0)
		return conf_error_set(error, "%s: '%s'", wrong, text);
	if (is_listed_before(options, index))
		return conf_error_set(error, "'%s' is used twice", text);
	if (!address->is_loopback && !options->conf.allow_remote)
		return conf_error_set(error,
			"'%s' is not a loopback address, and whoever can connect owns the guest; "
			"'allow-remote = yes' in the configuration (or --allow-remote) permits it",
			text);
	return 0;
}

static int check_all_listen(
	struct options *options, const struct conf_environment *env, struct conf_error *error)
{
	const struct conf_listen *listen = &options->conf.listen;
	int result = 0;

	options->listen_count = 0;
	while (result == 0 && options->listen_count < listen->count) {
		unsigned int line = listen->line[options->listen_count];

		error_at_value(env, options, line == CONF_LINE_COMMAND ? "--listen" : "listen",
			line, error);
		result = check_listen(options, options->listen_count, error);
		if (result == 0)
			options->listen_count++;
	}
	return result;
}

int options_load(
	struct options *options, const struct conf_environment *env, struct conf_error *error)
{
	int result;

	conf_init(&options->conf);
	result = load_file(options, env, error);
	if (result == 0)
		result = load_overrides(options, env, error);
	if (result == 0)
		result = conf_settle(&options->conf, env, error);
	if (result == 0)
		result = check_runtime_dir(options, env, error);
	if (result == 0)
		result = check_vcpu_socket(options, env, error);
	if (result == 0)
		result = check_own_sockets(options, env, error);
	if (result == 0)
		result = check_all_listen(options, env, error);
	return result;
}

/* syscalls(start): fprintf */
static void print_keys(FILE *out)
{
	unsigned int i;

	for (i = 0; i < CONF_KEY_COUNT; i++) {
		const struct conf_key *key = conf_table_row(i);

		fprintf(out, "  %-19s %s [%s]\n", key->name, key->doc,
			key->fallback_doc ? key->fallback_doc : key->fallback);
	}
}

/* syscalls(start): fputs fwrite */
void options_print_help(FILE *out)
{
	fputs("usage: gdbproxyd [-dn] [-f FILE] [--vcpu-socket PATH] [--listen ADDR]...\n"
	      "                 [--runtime-dir DIR] [--allow-remote] [--memory-needs-fd]\n"
	      "       gdbproxyd --help | --version\n"
	      "\n"
	      "Lets GDB debug KVM guests whose VMMs hand over their vCPUs.\n"
	      "\n"
	      "  --vcpu-socket PATH  Unix socket where VMMs hand over their vCPUs\n"
	      "  --listen ADDR       also listen for debuggers at a Unix PATH, HOST:PORT,\n"
	      "                      [IPV6]:PORT or :PORT (loopback); may be repeated\n"
	      "  --runtime-dir DIR   directory of the sockets of the VMs\n"
	      "  --allow-remote      permit TCP addresses other than loopback\n"
	      "  --memory-needs-fd   refuse memory without an fd; main is confined all the more\n"
	      "  -f FILE             configuration file [" CONF_DEFAULT_FILE "]\n"
	      "  -n                  check the configuration, print it, and exit\n"
	      "  -d, --debug         log more; twice: every packet, too\n"
	      "  --help              print this\n"
	      "  --version           print the version\n"
	      "\n"
	      "Keys of the configuration file, `key = value`, with their defaults:\n"
	      "\n",
		out);
	print_keys(out);
}

void options_print_version(FILE *out)
{
	fputs("gdbproxyd " GDBPROXYD_VERSION "\n", out);
}

void options_print_conf(const struct options *options, FILE *out)
{
	char text[CONF_FORMAT_SIZE];

	if (conf_format(&options->conf, text, sizeof(text)) >= 0)
		fputs(text, out);
}
