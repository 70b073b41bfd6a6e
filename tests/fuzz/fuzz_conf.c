/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds any bytes to the configuration parser. What it takes must come back the same through
 * conf_format(); what it refuses must be explained in one printable line.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int find_group(const char *name, gid_t *gid)
{
	*gid = 77;
	return strcmp(name, "kvm") == 0 ? 0 : -ENOENT;
}

static int find_user(const char *name, uid_t *uid)
{
	*uid = (uid_t)strlen(name);
	return name[0] == 'x' ? -1 : 0;
}

static const struct conf_environment fuzz_env = { 1000, "/run/user/1000", NULL, find_user,
	find_group };

static void forget_lines(struct conf *conf)
{
	memset(conf->line, 0, sizeof(conf->line));
	memset(conf->listen.line, 0, sizeof(conf->listen.line));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static char text[CONF_FORMAT_SIZE];
	struct conf conf, again;
	struct conf_error error;
	int size;

	conf_init(&conf);
	conf_init(&again);
	if (conf_parse(&conf, &fuzz_env, "f", (const char *)bytes, length, &error) < 0) {
		if (strncmp(error.text, "f:", 2) != 0 || strpbrk(error.text, "\n\r\033"))
			abort();
		return 0;
	}
	size = conf_format(&conf, text, sizeof(text));
	if (size < 0 || conf_parse(&again, &fuzz_env, "f", text, (size_t)size, &error) < 0)
		abort();
	forget_lines(&conf);
	forget_lines(&again);
	if (memcmp(&conf, &again, sizeof(conf)) != 0)
		abort();
	return 0;
}
