/* SPDX-License-Identifier: Apache-2.0 */
/* The only part of conf/ that asks the system: for a file, for a user, for who we are. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* syscalls(main): getpwnam */
static int find_user(const char *name, uid_t *uid)
{
	const struct passwd *user = getpwnam(name);

	if (!user)
		return -ENOENT;
	*uid = user->pw_uid;
	return 0;
}

/* syscalls(main): getgrnam */
static int find_group(const char *name, gid_t *gid)
{
	const struct group *group = getgrnam(name);

	if (!group)
		return -ENOENT;
	*gid = group->gr_gid;
	return 0;
}

/* syscalls(main): geteuid */
void conf_environment_init(struct conf_environment *env)
{
	env->uid = geteuid();
	env->xdg_runtime_dir = secure_getenv("XDG_RUNTIME_DIR");
	env->default_file = CONF_DEFAULT_FILE;
	env->find_user = find_user;
	env->find_group = find_group;
}

/* Reads to the end of the file or of the buffer. Returns the number of bytes or -errno. */
/* syscalls(main): read */
static ssize_t file_read_all(int fd, char *bytes, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t got = read(fd, bytes + length, size - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	return (ssize_t)length;
}

/* Returns the number of bytes, at most CONF_FILE_MAX, or -errno. */
/* syscalls(main): open */
static ssize_t file_load(const char *path, char *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = file_read_all(fd, bytes, CONF_FILE_MAX + 1);
	close(fd);
	return length > CONF_FILE_MAX ? -EFBIG : length;
}

int conf_read_file(struct conf *conf, const struct conf_environment *env, const char *path,
	struct conf_error *error)
{
	char *bytes = malloc(CONF_FILE_MAX + 1);
	ssize_t length = bytes ? file_load(path, bytes) : -ENOMEM;
	int result;

	if (length >= 0) {
		result = conf_parse(conf, env, path, bytes, (size_t)length, error);
	} else {
		conf_error_at(error, path, 0, NULL);
		conf_error_set(error, "%s", strerror((int)-length));
		result = (int)length;
	}
	free(bytes);
	return result;
}
