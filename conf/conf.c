/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the lexer, the key table and the kinds of values: text in, struct conf out, and back.
 * Reads no fd and asks the system nothing; that is conf_file.c.
 */
#include "conf/conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf_lex.h"
#include "conf/conf_table.h"

static void *conf_field(struct conf *conf, const struct conf_key *key)
{
	return (char *)conf + key->offset;
}

static const void *conf_field_const(const struct conf *conf, const struct conf_key *key)
{
	return (const char *)conf + key->offset;
}

/* The only way into a field. As with all below, the caller has told ERROR the place. */
static int conf_store(struct conf *conf, const struct conf_input *input, struct conf_error *error)
{
	const struct conf_key *key = input->key;
	int result = key->check ? key->check(input->text, error) : 0;

	if (result == 0)
		result = key->type->read(input, conf_field(conf, key), error);
	if (result == 0)
		conf->line[conf_table_index(key)] = input->line;
	return result;
}

/* The defaults of the table are right, as its test shows: they have nobody to complain to. */
void conf_init(struct conf *conf)
{
	struct conf_error error;
	unsigned int i;

	memset(conf, 0, sizeof(*conf));
	conf_error_at(&error, NULL, 0, NULL);
	for (i = 0; i < CONF_KEY_COUNT; i++) {
		const struct conf_key *key = conf_table_row(i);
		struct conf_input input = { key, NULL, key->fallback, CONF_LINE_DEFAULT };

		if (key->fallback)
			conf_store(conf, &input, &error);
	}
}

/* Sets a key as the file says. */
static int conf_apply(struct conf *conf, const struct conf_environment *env,
	const struct conf_setting *setting, unsigned int line, struct conf_error *error)
{
	const struct conf_key *key = conf_table_find(setting->key);
	struct conf_input input = { key, env, setting->value, line };
	unsigned int before;

	if (!key)
		return conf_error_set(error, "unknown key");
	before = conf->line[conf_table_index(key)];
	if (before != CONF_LINE_DEFAULT && !key->repeats)
		return conf_error_set(error, "already set in line %u", before);
	return conf_store(conf, &input, error);
}

int conf_parse(struct conf *conf, const struct conf_environment *env, const char *file,
	const char *bytes, size_t length, struct conf_error *error)
{
	struct conf_setting setting;
	struct conf_lex lex;
	const char *wrong;
	int result;

	conf_lex_init(&lex, bytes, length);
	while ((result = conf_lex_next(&lex, &setting, &wrong)) > 0) {
		conf_error_at(error, file, lex.line, setting.key);
		result = conf_apply(conf, env, &setting, lex.line, error);
		if (result < 0)
			return result;
	}
	if (result < 0) {
		conf_error_at(error, file, lex.line, setting.key[0] ? setting.key : NULL);
		conf_error_set(error, "%s", wrong);
	}
	return result;
}

int conf_override(struct conf *conf, const struct conf_environment *env, const char *flag,
	const char *key_name, const char *value, struct conf_error *error)
{
	const struct conf_key *key = conf_table_find(key_name);
	struct conf_input input = { key, env, value, CONF_LINE_COMMAND };
	const char *wrong = conf_lex_check_value(value);

	conf_error_at(error, NULL, 0, flag);
	if (!key)
		return conf_error_set(error, "there is no key '%s'", key_name);
	if (wrong)
		return conf_error_set(error, "%s", wrong);
	if (conf->line[conf_table_index(key)] != CONF_LINE_COMMAND)
		memset(conf_field(conf, key), 0, key->size);
	return conf_store(conf, &input, error);
}

/* Sets a key from the environment, if nobody set it. */
static int conf_derive(struct conf *conf, const struct conf_environment *env, const char *name,
	const char *text, struct conf_error *error)
{
	const struct conf_key *key = conf_table_find(name);
	struct conf_input input = { key, env, text, CONF_LINE_DEFAULT };
	const char *wrong = conf_lex_check_value(text);

	if (conf->line[conf_table_index(key)] != CONF_LINE_DEFAULT)
		return 0;
	conf_error_at(error, NULL, 0, name);
	if (wrong)
		return conf_error_set(error, "no default can be made here: %s", wrong);
	return conf_store(conf, &input, error);
}

int conf_settle(struct conf *conf, const struct conf_environment *env, struct conf_error *error)
{
	bool own_dir = env->uid != 0 && env->xdg_runtime_dir && env->xdg_runtime_dir[0];
	char text[CONF_LEX_VALUE_SIZE];
	int result;

	snprintf(text, sizeof(text), "%s/gdbproxyd", own_dir ? env->xdg_runtime_dir : "/run");
	result = conf_derive(conf, env, "runtime-dir", text, error);
	if (result < 0)
		return result;
	snprintf(text, sizeof(text), "%s/vcpu.sock", conf->runtime_dir);
	result = conf_derive(conf, env, "vcpu-socket", text, error);
	if (result < 0)
		return result;
	snprintf(text, sizeof(text), "%s/control.sock", conf->runtime_dir);
	result = conf_derive(conf, env, "control-socket", text, error);
	if (result < 0)
		return result;
	snprintf(text, sizeof(text), "0, %u", conf->user.is_set ? conf->user.uid : env->uid);
	result = conf_derive(conf, env, "allow-uid", text, error);
	return result < 0 ? result : conf_derive(conf, env, "control-uid", text, error);
}

bool conf_uids_have(const struct conf_uids *uids, uid_t uid)
{
	unsigned int i;

	for (i = 0; i < uids->count; i++) {
		if (uids->uid[i] == uid)
			return true;
	}
	return false;
}

unsigned int conf_line_of(const struct conf *conf, const char *name)
{
	const struct conf_key *key = conf_table_find(name);

	return key ? conf->line[conf_table_index(key)] : CONF_LINE_DEFAULT;
}

static const char *line_origin(unsigned int line)
{
	if (line == CONF_LINE_DEFAULT)
		return "default";
	return line == CONF_LINE_COMMAND ? "command line" : "file";
}

/* All values of one key, a line each. Returns the length or -ENOBUFS. */
static int key_format(const struct conf *conf, const struct conf_key *key, char *text, size_t size)
{
	const char *origin = line_origin(conf->line[conf_table_index(key)]);
	const void *field = conf_field_const(conf, key);
	char value[CONF_LEX_VALUE_SIZE];
	int length = 0;
	unsigned int i;

	for (i = 0; key->type->format(key, field, i, value, sizeof(value)); i++) {
		length += snprintf(text + length, size - (size_t)length, "%s = %s # %s\n",
			key->name, value, origin);
		if ((size_t)length >= size)
			return -ENOBUFS;
	}
	if (i == 0)
		length = snprintf(text, size, "# %s is not set\n", key->name);
	return (size_t)length < size ? length : -ENOBUFS;
}

int conf_format(const struct conf *conf, char *text, size_t size)
{
	int length = 0;
	unsigned int i;

	for (i = 0; i < CONF_KEY_COUNT; i++) {
		int added =
			key_format(conf, conf_table_row(i), text + length, size - (size_t)length);

		if (added < 0)
			return added;
		length += added;
	}
	return length;
}

void conf_keep_fixed(struct conf *conf, const struct conf *old, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < CONF_KEY_COUNT; i++) {
		const struct conf_key *key = conf_table_row(i);
		const void *before = conf_field_const(old, key);

		if (!key->at_start || memcmp(conf_field(conf, key), before, key->size) == 0)
			continue;
		memcpy(conf_field(conf, key), before, key->size);
		conf->line[i] = old->line[i];
		if (length < size)
			length += (size_t)snprintf(text + length, size - length, "%s%s",
				length ? ", " : "", key->name);
	}
}
