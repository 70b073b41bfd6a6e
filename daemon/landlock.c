/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up the file system: see landlock.h. */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/landlock.h"

/* struct landlock_ruleset_attr as of version 6; the headers at hand may be older. */
struct landlock_attr {
	uint64_t files;  /* since 1 */
	uint64_t net;    /* since 4 */
	uint64_t scoped; /* since 6 */
};

enum {
	LANDLOCK_TCP_BIND_AND_CONNECT = 3,
	LANDLOCK_SCOPE_ABSTRACT_AND_SIGNAL = 3,
	LANDLOCK_NEWEST = 6,
};

/* By version: all rights over files (bits that the headers name LANDLOCK_ACCESS_FS_...). */
static const uint64_t landlock_files[LANDLOCK_NEWEST + 1] = {
	[1] = 0x1fff, /* EXECUTE to MAKE_SYM */
	[2] = 0x3fff, /* REFER */
	[3] = 0x7fff, /* TRUNCATE */
	[4] = 0x7fff,
	[5] = 0xffff, /* IOCTL_DEV */
	[6] = 0xffff,
};

/* syscalls(main): landlock_create_ruleset syscall */
static long landlock_create(const struct landlock_attr *attr, size_t size, unsigned flags)
{
	return syscall(__NR_landlock_create_ruleset, attr, size, flags);
}

int landlock_version(void)
{
	long version = landlock_create(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return version < 0 ? 0 : (int)version;
}

static int landlock_open(int version, bool is_isolated)
{
	int known = version < LANDLOCK_NEWEST ? version : LANDLOCK_NEWEST;
	struct landlock_attr attr = { .files = landlock_files[known] };
	size_t size = offsetof(struct landlock_attr, net);
	long fd;

	if (known >= 4) {
		attr.net = is_isolated ? LANDLOCK_TCP_BIND_AND_CONNECT : 0;
		size = offsetof(struct landlock_attr, scoped);
	}
	if (known >= 6) {
		attr.scoped = is_isolated ? LANDLOCK_SCOPE_ABSTRACT_AND_SIGNAL : 0;
		size = sizeof(attr);
	}
	fd = landlock_create(&attr, size, 0);
	return fd < 0 ? -errno : (int)fd;
}

static uint64_t landlock_rights(unsigned use, bool is_directory)
{
	uint64_t rights = 0;

	if (use & LANDLOCK_USE_READ)
		rights |= LANDLOCK_ACCESS_FS_READ_FILE;
	if (use & LANDLOCK_USE_WRITE)
		rights |= LANDLOCK_ACCESS_FS_WRITE_FILE;
	if (is_directory && (use & LANDLOCK_USE_SOCKETS))
		rights |= LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;
	return rights;
}

/* syscalls(main): open fstat landlock_add_rule syscall */
static int landlock_allow(int ruleset_fd, const struct landlock_rule *rule)
{
	struct landlock_path_beneath_attr attr = { .parent_fd = -1 };
	struct stat status;
	int rc = 0;

	attr.parent_fd = open(rule->path, O_PATH | O_CLOEXEC);
	if (attr.parent_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(attr.parent_fd, &status) == 0) {
		attr.allowed_access = landlock_rights(rule->use, S_ISDIR(status.st_mode));
		rc = syscall(__NR_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &attr,
			     0) < 0
			     ? -errno
			     : 0;
	}
	close(attr.parent_fd);
	return rc;
}

/* syscalls(main): landlock_restrict_self syscall */
int landlock_restrict(const struct landlock_rule *rules, unsigned count, bool is_isolated)
{
	int version = landlock_version(), fd, rc = 0;

	if (!version)
		return -ENOSYS;
	fd = landlock_open(version, is_isolated);
	if (fd < 0)
		return fd;
	for (unsigned i = 0; rc == 0 && i < count; i++)
		rc = landlock_allow(fd, &rules[i]);
	if (rc == 0 && syscall(__NR_landlock_restrict_self, fd, 0) < 0)
		rc = -errno;
	close(fd);
	return rc;
}
