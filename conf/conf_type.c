/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes the values of configuration keys, one pair of functions a kind. Digits are
 * read strictly: no sign, no blanks, no other base than the kind's. Knows no file and no line
 * syntax.
 */
#include "conf/conf_type.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf_lex.h"
#include "conf/conf_table.h"

/* Digits of BASE (at most 10) up to MAX. 0, -EINVAL (not only digits) or -ERANGE. */
static int digits_read(const char *text, unsigned int base, uint32_t max, uint32_t *number)
{
	uint64_t sum = 0;

	if (text[0] == '\0')
		return -EINVAL;
	for (; text[0]; text++) {
		if (text[0] < '0' || text[0] >= (char)('0' + base))
			return -EINVAL;
		if (sum <= max)
			sum = sum * base + (uint64_t)(text[0] - '0');
	}
	if (sum > max)
		return -ERANGE;
	*number = (uint32_t)sum;
	return 0;
}

static int text_read(const struct conf_input *input, void *field, struct conf_error *error)
{
	size_t length = strlen(input->text);

	if (length >= CONF_TEXT_SIZE)
		return conf_error_set(error, "longer than %d bytes", CONF_TEXT_SIZE - 1);
	memset(field, 0, CONF_TEXT_SIZE);
	memcpy(field, input->text, length);
	return 0;
}

static bool text_format(
	const struct conf_key *key, const void *field, unsigned int index, char *text, size_t size)
{
	const char *value = field;

	(void)key;
	if (index > 0 || value[0] == '\0')
		return false;
	snprintf(text, size, "%s", value);
	return true;
}

static int listen_read(const struct conf_input *input, void *field, struct conf_error *error)
{
	struct conf_listen *listen = field;
	int result;

	if (listen->count == CONF_LISTEN_MAX)
		return conf_error_set(error, "more than %d addresses", CONF_LISTEN_MAX);
	result = text_read(input, listen->text[listen->count], error);
	if (result < 0)
		return result;
	listen->line[listen->count++] = input->line;
	return 0;
}

static bool listen_format(
	const struct conf_key *key, const void *field, unsigned int index, char *text, size_t size)
{
	const struct conf_listen *listen = field;

	return index < listen->count && text_format(key, listen->text[index], 0, text, size);
}

static int mode_read(const struct conf_input *input, void *field, struct conf_error *error)
{
	unsigned int *mode = field;
	uint32_t number;

	if (digits_read(input->text, 8, 0777, &number) < 0)
		return conf_error_set(error,
			"must be octal permissions from 0 to 0777, such as 0660, not '%s'",
			input->text);
	*mode = number;
	return 0;
}

static bool mode_format(
	const struct conf_key *key, const void *field, unsigned int index, char *text, size_t size)
{
	const unsigned int *mode = field;

	(void)key;
	snprintf(text, size, "%04o", *mode);
	return index == 0;
}

static int switch_read(const struct conf_input *input, void *field, struct conf_error *error)
{
	bool *on = field;
	bool yes = strcmp(input->text, "yes") == 0;

	if (!yes && strcmp(input->text, "no") != 0)
		return conf_error_set(error, "must be yes or no, not '%s'", input->text);
	*on = yes;
	return 0;
}

static bool switch_format(
	const struct conf_key *key, const void *field, unsigned int index, char *text, size_t size)
{
	const bool *on = field;

	(void)key;
	snprintf(text, size, "%s", *on ? "yes" : "no");
	return index == 0;
}

/* "one, two, three" */
static void choice_list(const struct conf_key *key, char *text, size_t size)
{
	size_t length = 0;
	unsigned int i;

	text[0] = '\0';
	for (i = 0; key->words[i] && length < size; i++)
		length += (size_t)snprintf(
			text + length, size - length, "%s%s", i ? ", " : "", key->words[i]);
}

static int choice_read(const struct conf_input *input, void *field, struct conf_error *error)
{
	unsigned int *choice = field;
	char words[128];
	unsigned int i;

	for (i = 0; input->key->words[i]; i++) {
		if (strcmp(input->key->words[i], input->text) == 0) {
			*choice = i;
			return 0;
		}
	}
	choice_list(input->key, words, sizeof(words));
	return conf_error_set(error, "must be one of %s, not '%s'", words, input->text);
}

static bool choice_format(
	const struct conf_key *key, const void *field, unsigned int index, char *text, size_t size)
{
	const unsigned int *choice = field;

	snprintf(text, size, "%s", key->words[*choice]);
	return index == 0;
}

static int number_read(const struct conf_input *input, void *field, struct conf_error *error)
{
	const struct conf_key *key = input->key;
	unsigned int *value = field;
	uint32_t number;
	int result = digits_read(input->text, 10, key->max, &number);

	if (result < 0 || number < key->min)
		return conf_error_set(error, "must be a whole number from %u to %u, not '%s'",
			key->min, key->max, input->text);
	*value = number;
	return 0;
}

static bool number_format(
	const struct conf_key *key, const void *field, unsigned int index, char *text, size_t size)
{
	const unsigned int *value = field;

	(void)key;
	snprintf(text, size, "%u", *value);
	return index == 0;
}

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* Takes the next word of a list; false at its end. WORD has room for any value. */
static bool list_take(const char **list, char *word)
{
	size_t length = 0;

	while (is_separator((*list)[0]))
		(*list)++;
	while ((*list)[length] && !is_separator((*list)[length]))
		length++;
	memcpy(word, *list, length);
	word[length] = '\0';
	*list += length;
	return length > 0;
}

/* A word of digits only is a number, any other a name. (uid_t)-1 is the kernel's "no user". */
static int uid_read(const struct conf_environment *env, const char *word, uint32_t *uid,
	struct conf_error *error)
{
	int result = digits_read(word, 10, UINT32_MAX - 1, uid);

	if (result == -ERANGE)
		return conf_error_set(error, "'%s' is too large for a uid", word);
	if (result < 0 && env->find_user(word, uid) < 0)
		return conf_error_set(error, "there is no user '%s'", word);
	return 0;
}

static int gid_read(const struct conf_environment *env, const char *word, uint32_t *gid,
	struct conf_error *error)
{
	int result = digits_read(word, 10, UINT32_MAX - 1, gid);

	if (result == -ERANGE)
		return conf_error_set(error, "'%s' is too large for a gid", word);
	if (result < 0 && env->find_group(word, gid) < 0)
		return conf_error_set(error, "there is no group '%s'", word);
	return 0;
}

_Static_assert(sizeof(struct conf_uids) == sizeof(struct conf_gids) &&
		       sizeof(uid_t) == sizeof(uint32_t) && sizeof(gid_t) == sizeof(uint32_t),
	"both are lists of numbers");

struct id_list {
	unsigned int count;
	uint32_t id[CONF_UID_MAX];
};

static int ids_add(struct id_list *ids, uint32_t id, const char *what, struct conf_error *error)
{
	unsigned int i;

	for (i = 0; i < ids->count; i++) {
		if (ids->id[i] == id)
			return 0;
	}
	if (ids->count == CONF_UID_MAX)
		return conf_error_set(error, "more than %d %s", CONF_UID_MAX, what);
	ids->id[ids->count++] = id;
	return 0;
}

typedef int (*id_reader)(const struct conf_environment *env, const char *word, uint32_t *id,
	struct conf_error *error);

static int ids_read(const struct conf_input *input, void *field, id_reader read, const char *what,
	struct conf_error *error)
{
	struct id_list ids = { .count = 0 };
	char word[CONF_LEX_VALUE_SIZE];
	const char *list = input->text;
	int result = 0;
	uint32_t id = 0;

	while (result == 0 && list_take(&list, word)) {
		result = read(input->env, word, &id, error);
		if (result == 0)
			result = ids_add(&ids, id, what, error);
	}
	if (result < 0)
		return result;
	if (ids.count == 0)
		return conf_error_set(error, "the list names nobody");
	memcpy(field, &ids, sizeof(ids));
	return 0;
}

static int uids_read(const struct conf_input *input, void *field, struct conf_error *error)
{
	return ids_read(input, field, uid_read, "users", error);
}

static int gids_read(const struct conf_input *input, void *field, struct conf_error *error)
{
	return ids_read(input, field, gid_read, "groups", error);
}

/* Of both. */
static bool ids_format(
	const struct conf_key *key, const void *field, unsigned int index, char *text, size_t size)
{
	struct id_list ids;
	size_t length = 0;
	unsigned int i;

	(void)key;
	memcpy(&ids, field, sizeof(ids));
	if (index > 0 || ids.count == 0)
		return false;
	for (i = 0; i < ids.count && length < size; i++)
		length += (size_t)snprintf(
			text + length, size - length, "%s%u", i ? ", " : "", ids.id[i]);
	return true;
}

static int user_read(const struct conf_input *input, void *field, struct conf_error *error)
{
	struct conf_user user = { .is_set = true };
	uint32_t uid = 0;
	int result = uid_read(input->env, input->text, &uid, error);

	user.uid = uid;
	if (result == 0)
		memcpy(field, &user, sizeof(user));
	return result;
}

static bool user_format(
	const struct conf_key *key, const void *field, unsigned int index, char *text, size_t size)
{
	const struct conf_user *user = field;

	(void)key;
	if (index > 0 || !user->is_set)
		return false;
	snprintf(text, size, "%u", user->uid);
	return true;
}

static int disconnect_fail(const struct conf_input *input, struct conf_error *error)
{
	return conf_error_set(error,
		"must be resume, hold, or hold-for and a number of seconds from %u to %u, not '%s'",
		input->key->min, input->key->max, input->text);
}

static int disconnect_read(const struct conf_input *input, void *field, struct conf_error *error)
{
	static const char *const words[] = {
		[CONF_ON_DISCONNECT_RESUME] = "resume",
		[CONF_ON_DISCONNECT_HOLD] = "hold",
		[CONF_ON_DISCONNECT_HOLD_FOR] = "hold-for",
	};
	struct conf_disconnect disconnect = { .policy = 0 };
	char word[CONF_LEX_VALUE_SIZE];
	const char *list = input->text;

	if (!list_take(&list, word))
		return disconnect_fail(input, error);
	while (disconnect.policy < sizeof(words) / sizeof(words[0]) &&
		strcmp(words[disconnect.policy], word) != 0)
		disconnect.policy++;
	if (disconnect.policy == sizeof(words) / sizeof(words[0]))
		return disconnect_fail(input, error);
	if (disconnect.policy == CONF_ON_DISCONNECT_HOLD_FOR &&
		(!list_take(&list, word) ||
			digits_read(word, 10, input->key->max, &disconnect.seconds) < 0 ||
			disconnect.seconds < input->key->min))
		return disconnect_fail(input, error);
	if (list_take(&list, word))
		return disconnect_fail(input, error);
	memcpy(field, &disconnect, sizeof(disconnect));
	return 0;
}

static bool disconnect_format(
	const struct conf_key *key, const void *field, unsigned int index, char *text, size_t size)
{
	const struct conf_disconnect *disconnect = field;

	(void)key;
	if (disconnect->policy == CONF_ON_DISCONNECT_HOLD_FOR)
		snprintf(text, size, "hold-for %u", disconnect->seconds);
	else
		snprintf(text, size, "%s",
			disconnect->policy == CONF_ON_DISCONNECT_HOLD ? "hold" : "resume");
	return index == 0;
}

const struct conf_type conf_type_text = { text_read, text_format };
const struct conf_type conf_type_listen = { listen_read, listen_format };
const struct conf_type conf_type_mode = { mode_read, mode_format };
const struct conf_type conf_type_switch = { switch_read, switch_format };
const struct conf_type conf_type_choice = { choice_read, choice_format };
const struct conf_type conf_type_number = { number_read, number_format };
const struct conf_type conf_type_uids = { uids_read, ids_format };
const struct conf_type conf_type_gids = { gids_read, ids_format };
const struct conf_type conf_type_user = { user_read, user_format };
const struct conf_type conf_type_disconnect = { disconnect_read, disconnect_format };
