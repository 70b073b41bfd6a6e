/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of a role: see syscall_filter.h. */
#include <asm/unistd.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>
#include "daemon/log.h"
#include "daemon/syscall_check.h"
#include "daemon/syscall_filter.h"

#ifdef __aarch64__
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#else
#define FILTER_ARCH AUDIT_ARCH_X86_64
#endif

enum {
	FILTER_X32_BIT = 0x40000000, /* the x86-64 kernel's other ABI, under the same AUDIT_ARCH */
	/* Nobody's need: forbidden by death also where other calls are told first. */
	FILTER_DEADLY = __NR_rt_tgsigqueueinfo,
};

/* All arguments that matter are of 32 bits; the low half comes first on both architectures. */
#define FILTER_ARGUMENT(n) (offsetof(struct seccomp_data, args) + (n) * sizeof(__u64))

static void filter_add(struct syscall_filter *filter, struct sock_filter instruction)
{
	filter->is_cut = filter->is_cut || filter->length == SYSCALL_FILTER_MAX;
	if (!filter->is_cut)
		filter->code[filter->length++] = instruction;
}

static void filter_load(struct syscall_filter *filter, size_t offset)
{
	filter_add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (__u32)offset));
}

static void filter_return(struct syscall_filter *filter, __u32 action)
{
	filter_add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Goes on behind the next `skip` instructions unless the condition holds. */
static void filter_unless_skip(struct syscall_filter *filter, __u16 condition, __u32 k, __u8 skip)
{
	filter_add(filter,
		(struct sock_filter)BPF_JUMP((__u16)(BPF_JMP | condition | BPF_K), k, 0, skip));
}

static void filter_return_if(struct syscall_filter *filter, __u16 condition, __u32 k, __u32 action)
{
	filter_unless_skip(filter, condition, k, 1);
	filter_return(filter, action);
}

enum { FILTER_CHECK_LENGTH = 4 };

/* Returns ALLOW if this rule holds; the accumulator is spoilt. */
static void filter_add_check(
	struct syscall_filter *filter, const struct syscall_check *check, pid_t pid)
{
	filter_load(filter, FILTER_ARGUMENT(check->argument));
	filter_add(filter, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, check->mask));
	filter_return_if(
		filter, BPF_JEQ, check->is_pid ? (__u32)pid : check->value, SECCOMP_RET_ALLOW);
}

static void filter_add_call(struct syscall_filter *filter, const struct syscall_row *row,
	enum syscall_role role, pid_t pid, __u32 refusal)
{
	const struct syscall_check *check = NULL;
	unsigned count = 0;

	while ((check = syscall_check_next(check, row->number, role)))
		count++;
	if (!count) {
		filter_return_if(filter, BPF_JEQ, (__u32)row->number, SECCOMP_RET_ALLOW);
		return;
	}
	filter_unless_skip(
		filter, BPF_JEQ, (__u32)row->number, (__u8)(count * FILTER_CHECK_LENGTH + 1));
	while ((check = syscall_check_next(check, row->number, role)))
		filter_add_check(filter, check, pid);
	filter_return(filter, refusal);
}

static __u32 filter_highest(void)
{
	int highest = 0;

	for (unsigned i = 0; i < syscall_table_size; i++)
		if (syscall_table[i].number > highest)
			highest = syscall_table[i].number;
	return (__u32)highest;
}

int syscall_filter_assemble(
	struct syscall_filter *filter, enum syscall_role role, pid_t pid, bool is_telling)
{
	const __u32 kill = SECCOMP_RET_KILL_PROCESS;
	const __u32 refusal = is_telling ? SECCOMP_RET_TRAP : kill;
	const unsigned wanted = role == SYSCALL_MAIN ? SYSCALL_EVERY : role;

	filter->length = 0;
	filter->is_cut = false;
	filter_load(filter, offsetof(struct seccomp_data, arch));
	filter_unless_skip(filter, BPF_JEQ, FILTER_ARCH, 1);
	filter_add(filter, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1));
	filter_return(filter, kill);
	filter_load(filter, offsetof(struct seccomp_data, nr));
	filter_return_if(filter, BPF_JGE, FILTER_X32_BIT, kill);
	filter_return_if(filter, BPF_JEQ, FILTER_DEADLY, kill);
	filter_return_if(filter, BPF_JGT, filter_highest(), SECCOMP_RET_ERRNO | ENOSYS);
	for (unsigned i = 0; i < syscall_table_size; i++)
		if (syscall_table[i].roles & wanted)
			filter_add_call(filter, &syscall_table[i], role, pid, refusal);
	filter_return(filter, refusal);
	return filter->is_cut ? -ENOSPC : 0;
}

/* syscalls(main): seccomp syscall */
int syscall_filter_apply(const struct syscall_filter *filter)
{
	struct sock_fprog program = {
		.len = (unsigned short)filter->length,
		.filter = (struct sock_filter *)(uintptr_t)filter->code,
	};

	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

const struct syscall_row *syscall_table_find(int number)
{
	for (unsigned i = 0; i < syscall_table_size; i++)
		if (syscall_table[i].number == number)
			return &syscall_table[i];
	return NULL;
}

/*
 * The call was not made.  This interrupts the very function that wanted it, at the place where it
 * entered the kernel: not the time to be particular about what a handler may do, for the last line.
 */
static void filter_on_forbidden(int signal, siginfo_t *info, void *context)
{
	const struct syscall_row *row = syscall_table_find(info->si_syscall);

	(void)signal;
	(void)context;
	if (row && (row->roles & SYSCALL_EVERY))
		log_errorx("forbidden system call %s: other processes, or other arguments, are "
			   "allowed it by %s; what makes it here needs an annotation of its own "
			   "(daemon/syscalls.awk), or a row in daemon/syscall_check.c",
			row->name, row->place);
	else
		log_errorx("forbidden system call %s (%d): what makes it needs an annotation, see "
			   "daemon/syscalls.awk",
			row ? row->name : "unknown", info->si_syscall);
	syscall(FILTER_DEADLY, 0, 0, 0, NULL);
}

/* syscalls(main): sigaction */
void syscall_filter_name_forbidden(void)
{
	struct sigaction action = { .sa_sigaction = filter_on_forbidden, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &action, NULL);
}
