/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into gdbproxyd where there is no KVM: it takes an eventfd for the vCPU 0 that a VMM claims to
 * have, a timerfd for vCPU 1.  All else that it does with a VM it does as ever.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static ssize_t take_for(char *target, size_t size, const char *other)
{
	size_t length = strlen(other);

	length = length < size ? length : size;
	memcpy(target, other, length);
	return (ssize_t)length;
}

static int is(const char *target, ssize_t length, const char *name)
{
	return (size_t)length == strlen(name) && !memcmp(target, name, (size_t)length);
}

ssize_t readlink(const char *path, char *target, size_t size)
{
#ifdef SYS_readlink
	ssize_t length = syscall(SYS_readlink, path, target, size);
#else
	ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, path, target, size);
#endif

	if (length > 0 && is(target, length, "anon_inode:[eventfd]"))
		return take_for(target, size, "anon_inode:kvm-vcpu:0");
	if (length > 0 && is(target, length, "anon_inode:[timerfd]"))
		return take_for(target, size, "anon_inode:kvm-vcpu:1");
	return length;
}

ssize_t __readlink_chk(const char *, char *, size_t, size_t);

ssize_t __readlink_chk(const char *path, char *target, size_t size, size_t room)
{
	return readlink(path, target, size < room ? size : room);
}
