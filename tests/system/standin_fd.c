/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into gdbproxyd where there is no KVM: what standin_fd.h has made passes for a vCPU.  All else that it does with
 * a VM it does as ever.  The system calls are those that libc makes, since gdbproxyd may make no others.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/system/standin_fd.h"

#define STANDIN_EXPORT __attribute__((visibility("default")))

static ssize_t real_readlink(const char *restrict path, char *restrict target, size_t size)
{
#ifdef SYS_readlink
	return syscall(SYS_readlink, path, target, size);
#else
	return syscall(SYS_readlinkat, AT_FDCWD, path, target, size);
#endif
}

static int find_kind(const char *target, ssize_t length)
{
	static const char *const kinds[STANDIN_KINDS] = STANDIN_KIND_NAMES;

	for (int i = 0; i < STANDIN_KINDS; i++)
		if (length == (ssize_t)strlen(kinds[i]) &&
			memcmp(target, kinds[i], (size_t)length) == 0)
			return i;
	return -1;
}

STANDIN_EXPORT ssize_t readlink(const char *restrict path, char *restrict target, size_t size)
{
	ssize_t length = real_readlink(path, target, size);
	int fd, number, kind = find_kind(target, length);
	char name[32];

	if (kind < 0 || sscanf(path, "/proc/self/fd/%d", &fd) != 1)
		return length;
	number = fcntl(fd, F_GETSIG);
	if (number < 0)
		return length;
	length = snprintf(
		name, sizeof(name), "anon_inode:kvm-vcpu:%d", kind * STANDIN_SIGNALS + number);
	if ((size_t)length > size)
		length = (ssize_t)size;
	memcpy(target, name, (size_t)length);
	return length;
}

ssize_t __readlink_chk(const char *, char *, size_t, size_t);

STANDIN_EXPORT ssize_t __readlink_chk(const char *path, char *target, size_t size, size_t room)
{
	return readlink(path, target, size < room ? size : room);
}
