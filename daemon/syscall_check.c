/* SPDX-License-Identifier: Apache-2.0 */
/* What the arguments of system calls must be: see syscall_check.h. */
#include "daemon/syscall_check.h"

#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum {
	ALL = SYSCALL_EVERY,
	SERVING = SYSCALL_WORKER | SYSCALL_LOBBY,
	WHOLE = -1,
	ANY_NAMESPACE = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
			CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
};

/* A rule, and one for the process's own number. */
#define RULE(roles, call, argument, mask, value)                                                   \
	{                                                                                          \
		roles, __NR_##call, argument, (uint32_t)(mask), (uint32_t)(value), false           \
	}
#define RULE_PID(roles, call, argument)                                                            \
	{                                                                                          \
		roles, __NR_##call, argument, (uint32_t)WHOLE, 0, true                             \
	}

static const struct syscall_check checks[] = {
	/* No code but what was there when the filter came. */
	RULE(SERVING, mmap, 2, PROT_EXEC, 0),
	RULE(SYSCALL_MAIN, mprotect, 2, PROT_EXEC, 0),
	/* main: what nsswitch.conf(5) loads is code that is not written. */
	RULE(SYSCALL_MAIN, mmap, 2, PROT_EXEC, 0),
	RULE(SYSCALL_MAIN, mmap, 2, PROT_WRITE, 0),
#ifdef __aarch64__
	/* Guest memory alone, so that the kernel keeps the instruction side coherent: kvm/memory.c. */
	RULE(ALL, mmap, 3, MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, MAP_SHARED),
#endif
	/* abort(3) on itself, no signal to anybody else; main ends its children. */
	RULE_PID(SERVING, tgkill, 0),
	RULE(SYSCALL_MAIN, tgkill, 2, WHOLE, SIGABRT),
	RULE(SYSCALL_MAIN, kill, 1, WHOLE, SIGKILL),
	RULE(SYSCALL_MAIN, kill, 1, WHOLE, SIGTERM),
	/* Children, and nothing that a namespace is for. */
	RULE(SYSCALL_MAIN, clone, 0, ANY_NAMESPACE, 0),
	/* What a debugger, a VMM, and a VMM's user database talk over. */
	RULE(SYSCALL_MAIN, socket, 0, WHOLE, AF_UNIX),
	RULE(SYSCALL_MAIN, socket, 0, WHOLE, AF_INET),
	RULE(SYSCALL_MAIN, socket, 0, WHOLE, AF_INET6),
	RULE(SYSCALL_MAIN, socketpair, 0, WHOLE, AF_UNIX),
	/* What a stream of one's own is set to; no packet filters, no routing. */
	RULE(SERVING, setsockopt, 1, WHOLE, SOL_SOCKET),
	RULE(SERVING, setsockopt, 1, WHOLE, IPPROTO_TCP),
	/* Is it there, may it be written; a second one of the same for a port of the memory. */
	RULE(SERVING, fcntl, 1, WHOLE, F_GETFD),
	RULE(SERVING, fcntl, 1, WHOLE, F_GETFL),
	RULE(SERVING, fcntl, 1, WHOLE, F_DUPFD_CLOEXEC),
	RULE(SYSCALL_MAIN, prctl, 0, WHOLE, PR_SET_DUMPABLE),
	RULE(SYSCALL_MAIN, prctl, 0, WHOLE, PR_SET_NO_NEW_PRIVS),
#ifdef __SANITIZE_ADDRESS__
	/* LeakSanitizer, at the end: any. */
	RULE(ALL, prctl, 0, 0, 0),
#endif
};

const struct syscall_check *syscall_check_next(
	const struct syscall_check *check, int number, enum syscall_role role)
{
	const struct syscall_check *end = checks + sizeof(checks) / sizeof(checks[0]);

	for (check = check ? check + 1 : checks; check < end; check++)
		if (check->number == number && (check->roles & role))
			return check;
	return NULL;
}
