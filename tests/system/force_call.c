/* SPDX-License-Identifier: Apache-2.0 */
/*
 * force_call PID CALL: makes another process's first thread execute a system call that it would not make
 * itself, as code that has taken it over would: the thread sleeps in one of its own, is turned back
 * before the instruction that made it, and let go with another number.  CALL: socket, execve, fork,
 * open, ptrace, kill, madvise.  Static, for the rigs; needs the right to ptrace the process.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

struct call {
	const char *name;
	long number;
	long arguments[3];
};

static const struct call calls[] = {
	{ "socket", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 } },
	{ "execve", SYS_execve, { 0, 0, 0 } },
	{ "fork", SYS_clone, { SIGCHLD, 0, 0 } },
	{ "open", SYS_openat, { AT_FDCWD, 0, O_RDONLY } },
	{ "ptrace", SYS_ptrace, { 0, 0, 0 } },
	{ "kill", SYS_kill, { 1, 0, 0 } },
	{ "madvise", SYS_madvise, { 0, 0, 0 } },
};

static const struct call *find_call(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return &calls[i];
	fprintf(stderr, "force_call: no call is named %s\n", name);
	exit(2);
}

static void require(long rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "force_call: %s: %s\n", what, strerror(errno));
	exit(1);
}

#ifdef __aarch64__
static void turn(pid_t pid, const struct call *call)
{
	struct user_regs_struct regs;
	struct iovec iov = { .iov_base = &regs, .iov_len = sizeof(regs) };
	int none = -1;
	struct iovec none_iov = { .iov_base = &none, .iov_len = sizeof(none) };

	require(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov), "GETREGSET");
	regs.pc -= 4;
	regs.regs[8] = (unsigned long)call->number;
	for (int i = 0; i < 3; i++)
		regs.regs[i] = (unsigned long)call->arguments[i];
	require(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov), "SETREGSET");
	require(ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &none_iov), "no restart");
}
#else
static void turn(pid_t pid, const struct call *call)
{
	struct user_regs_struct regs;

	require(ptrace(PTRACE_GETREGS, pid, NULL, &regs), "GETREGS");
	regs.rip -= 2;
	regs.orig_rax = (unsigned long)-1;
	regs.rax = (unsigned long)call->number;
	regs.rdi = (unsigned long)call->arguments[0];
	regs.rsi = (unsigned long)call->arguments[1];
	regs.rdx = (unsigned long)call->arguments[2];
	require(ptrace(PTRACE_SETREGS, pid, NULL, &regs), "SETREGS");
}
#endif

int main(int argc, char **argv)
{
	const struct call *call;
	pid_t pid;
	int status;

	if (argc != 3)
		return 2;
	pid = (pid_t)strtol(argv[1], NULL, 10);
	call = find_call(argv[2]);
	require(ptrace(PTRACE_SEIZE, pid, NULL, NULL), "SEIZE");
	require(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), "INTERRUPT");
	require(waitpid(pid, &status, 0), "waitpid");
	turn(pid, call);
	require(ptrace(PTRACE_DETACH, pid, NULL, NULL), "DETACH");
	return 0;
}
