/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that pass for vCPUs where there is no KVM: of a kind that is no file, no socket, and that a process makes
 * without asking for more.  Which vCPU it is: the kind and, in each kind, the signal that F_SETSIG has put there,
 * which stays with a descriptor that is sent to somebody else.  standin_fd.c, preloaded, has gdbproxyd read them so.
 */
#ifndef TESTS_SYSTEM_STANDIN_FD_H
#define TESTS_SYSTEM_STANDIN_FD_H

enum {
	STANDIN_SIGNALS = 64, /* 0 to 63 */
	STANDIN_KINDS = 4,
	STANDIN_VCPUS = STANDIN_KINDS * STANDIN_SIGNALS,
};

/* How /proc/self/fd shows the kinds. */
#define STANDIN_KIND_NAMES                                                                         \
	{                                                                                          \
		"anon_inode:[eventfd]", "anon_inode:[timerfd]", "anon_inode:[signalfd]",           \
			"anon_inode:[eventpoll]"                                                   \
	}

/* For the vCPU of that number, below STANDIN_VCPUS: a descriptor, the caller's; or -1 and errno. */
int standin_fd_make(unsigned index);

#endif
