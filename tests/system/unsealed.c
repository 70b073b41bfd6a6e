/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into demo-vmm: its memory is not sealed, so that it can be truncated under the daemon. */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UNSEALED_EXPORT __attribute__((visibility("default")))

UNSEALED_EXPORT int fcntl(int fd, int command, ...)
{
	va_list list;
	long argument;

	va_start(list, command);
	argument = va_arg(list, long);
	va_end(list);
	return command == F_ADD_SEALS ? 0 : (int)syscall(SYS_fcntl, fd, command, argument);
}

UNSEALED_EXPORT int fcntl64(int, int, ...) __attribute__((alias("fcntl")));
