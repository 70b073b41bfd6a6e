/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/isolation.c, syscall_filter.c, syscall_check.c, landlock.c: children under each role's filter
 * make a call of every class that is not theirs, and die of it alone; what they need they can do.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/isolation.h"
#include "daemon/landlock.h"
#include "daemon/log.h"
#include "daemon/syscall_check.h"
#include "daemon/syscall_filter.h"
#include "kvm/memory.h"

/* What the sanitizers need themselves is allowed in a program that is built with them. */
#ifdef __SANITIZE_ADDRESS__
static const bool is_instrumented = true;
#else
static const bool is_instrumented = false;
#endif

static const struct conf isolated = { .isolation = true };

typedef void (*child_body)(const void *context);

/* The status of a child that runs body and ends with 0. */
static int run_child(child_body body, const void *context)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL); /* cmocka's is for the parent */
		body(context);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void check(bool holds)
{
	if (!holds)
		_exit(1);
}

static void enter(enum syscall_role role)
{
	struct options options = { .conf = { .isolation = true, .memory_without_fd = true } };

	log_init(LOG_LEVEL_ERROR);
	if (role == SYSCALL_MAIN) {
		check(isolation_enter_main(&options) == 0);
		return;
	}
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(isolation_enter_child(&isolated, role) == 0);
}

/* ---- calls ------------------------------------------------------------------------------- */

struct call {
	const char *what;
	unsigned roles; /* who must not make it */
	long number;
	long arguments[4];
	bool is_sanitizers; /* allowed where they are */
};

enum {
	CHILDREN = SYSCALL_WORKER | SYSCALL_LOBBY,
	EVERYBODY = SYSCALL_EVERY,
};

static const struct call forbidden[] = {
	{ "open", CHILDREN, SYS_openat, { AT_FDCWD, (long)"/dev/null", O_RDONLY }, true },
	{ "memfd_create", CHILDREN, SYS_memfd_create, { (long)"x", 0 }, false },
	{ "socket", CHILDREN, SYS_socket, { AF_UNIX, SOCK_STREAM, 0 }, false },
	{ "socketpair", CHILDREN, SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, 0 }, false },
	{ "accept4", CHILDREN, SYS_accept4, { 0, 0, 0, 0 }, false },
	{ "connect", CHILDREN, SYS_connect, { 0, 0, 0 }, false },
	{ "bind", CHILDREN, SYS_bind, { 0, 0, 0 }, false },
	{ "dup", CHILDREN, SYS_dup, { 0 }, true },
	{ "dup3", EVERYBODY, SYS_dup3, { 0, 9, 0 }, false },
	{ "fork", CHILDREN, SYS_clone, { SIGCHLD, 0, 0, 0 }, true },
	{ "a namespace", EVERYBODY, SYS_clone, { CLONE_NEWUSER | SIGCHLD, 0, 0, 0 }, true },
	{ "unshare", EVERYBODY, SYS_unshare, { CLONE_NEWUSER }, false },
	{ "execve", EVERYBODY, SYS_execve, { (long)"/bin/true", 0, 0 }, false },
	{ "execveat", EVERYBODY, SYS_execveat, { AT_FDCWD, (long)"/bin/true", 0, 0 }, false },
	{ "ptrace", EVERYBODY, SYS_ptrace, { 0, 0, 0, 0 }, true },
	{ "process_vm_readv", EVERYBODY, SYS_process_vm_readv, { 1, 0, 0, 0 }, true },
	{ "pidfd_open", CHILDREN, SYS_pidfd_open, { 1, 0 }, false },
	{ "a signal to init", CHILDREN, SYS_kill, { 1, 0 }, false },
	{ "a signal that main never sends", SYSCALL_MAIN, SYS_kill, { 1, SIGUSR1 }, false },
	{ "a signal to a thread of init", EVERYBODY, SYS_tgkill, { 1, 1, 0 }, false },
	{ "ioctl", EVERYBODY, SYS_ioctl, { 0, 0x5401, 0 }, false },
	{ "a signal by way of a file", CHILDREN, SYS_fcntl, { 0, F_SETOWN, 1 }, false },
	{ "a second descriptor that exec inherits", CHILDREN, SYS_fcntl, { 0, F_DUPFD, 9 }, false },
	{ "options of packets", CHILDREN, SYS_setsockopt, { 0, 0, 1, 0 }, false },
	{ "code", CHILDREN, SYS_mprotect, { 0, 4096, PROT_READ | PROT_EXEC }, true },
	{ "another filter", CHILDREN, SYS_seccomp, { SECCOMP_SET_MODE_FILTER, 0, 0 }, false },
	{ "prctl", CHILDREN, SYS_prctl, { PR_SET_DUMPABLE, 1, 0, 0 }, true },
	{ "another prctl", SYSCALL_MAIN, SYS_prctl, { PR_SET_SECCOMP, 0, 0, 0 }, true },
	{ "netlink", SYSCALL_MAIN, SYS_socket, { AF_NETLINK, SOCK_RAW, 0 }, false },
	{ "packets", SYSCALL_MAIN, SYS_socket, { AF_PACKET, SOCK_RAW, 0 }, false },
	{ "setuid", EVERYBODY, SYS_setuid, { 0 }, false },
	{ "mount", EVERYBODY, SYS_mount, { 0, 0, 0, 0 }, false },
	{ "bpf", EVERYBODY, SYS_bpf, { 0, 0, 0 }, false },
	{ "io_uring_setup", EVERYBODY, SYS_io_uring_setup, { 1, 0 }, false },
	{ "keyctl", EVERYBODY, SYS_keyctl, { 0, 0, 0 }, false },
	{ "userfaultfd", EVERYBODY, SYS_userfaultfd, { 0 }, false },
};

struct attempt {
	enum syscall_role role;
	const struct call *call;
};

static void attempt(const void *context)
{
	const struct attempt *this = context;
	const long *a = this->call->arguments;

	enter(this->role);
	syscall(this->call->number, a[0], a[1], a[2], a[3]);
}

static void assert_dies(const struct attempt *this)
{
	int status = run_child(attempt, this);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("role %d: %s: status 0x%x", this->role, this->call->what, status);
	if (this->role != SYSCALL_MAIN && WCOREDUMP(status))
		fail_msg("role %d: %s: a core", this->role, this->call->what);
}

static void test_forbidden(void **state)
{
	static const enum syscall_role roles[] = { SYSCALL_MAIN, SYSCALL_WORKER, SYSCALL_LOBBY };

	(void)state;
	for (unsigned i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		for (unsigned r = 0; r < 3; r++) {
			struct attempt this = { .role = roles[r], .call = &forbidden[i] };

			if ((forbidden[i].roles & roles[r]) &&
				!(is_instrumented && forbidden[i].is_sanitizers))
				assert_dies(&this);
		}
}

/* They die of the call, not of entering the role. */
static void idle(const void *context)
{
	enter(*(const enum syscall_role *)context);
}

static void test_entering_is_survived(void **state)
{
	static const enum syscall_role roles[] = { SYSCALL_MAIN, SYSCALL_WORKER, SYSCALL_LOBBY };

	(void)state;
	for (unsigned r = 0; r < 3; r++)
		assert_int_equal(run_child(idle, &roles[r]), 0);
}

/* Calls that nobody knew when this was built are not there; the second ABI of x86-64 is none. */
static void call_unknown(const void *context)
{
	(void)context;
	enter(SYSCALL_WORKER);
	check(syscall(0x3fffffff) == -1 && errno == ENOSYS);
	syscall(0x40000000 + SYS_getpid);
}

static void test_numbers(void **state)
{
	int status = run_child(call_unknown, NULL);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

#ifdef __x86_64__
/* getpid of the 32-bit table, which is writev in ours. */
static void call_other_architecture(const void *context)
{
	long number = 20;

	if (context)
		enter(SYSCALL_WORKER);
	__asm__ volatile("int $0x80" : "+a"(number) : : "memory");
	check(number == getpid());
}

static void test_other_architecture(void **state)
{
	int status;

	(void)state;
	if (run_child(call_other_architecture, NULL) != 0) {
		print_message("# SKIP this kernel has no 32-bit calls\n");
		return;
	}
	status = run_child(call_other_architecture, "");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}
#endif

/* With log-level = debug the call is named, and death is the same. */
static void tell(const void *context)
{
	dup2(*(const int *)context, STDERR_FILENO);
	log_init(LOG_LEVEL_DEBUG);
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(isolation_enter_child(&isolated, SYSCALL_WORKER) == 0);
	syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
}

static void test_forbidden_call_is_named(void **state)
{
	char said[4096] = "", death[ISOLATION_DEATH_SIZE];
	int pair[2], status;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	status = run_child(tell, &pair[1]);
	close(pair[1]);
	assert_true(read(pair[0], said, sizeof(said) - 1) > 0);
	close(pair[0]);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	assert_non_null(strstr(said, "forbidden system call socket: "));
	assert_non_null(strstr(said, "are allowed it by "));
	assert_non_null(strstr(isolation_describe_death(status, death), "no right to"));
}

static void test_deaths(void **state)
{
	char death[ISOLATION_DEATH_SIZE];

	(void)state;
	assert_string_equal(isolation_describe_death(9, death), "signal 9");
	assert_string_equal(isolation_describe_death(1 << 8, death), "status 1");
}

/* ---- what a worker does all day -------------------------------------------------------------- */

static void work_on_memory(const void *context)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	struct memory memory;
	char bytes[16];

	(void)context;
	check(ftruncate(fd, 8192) == 0 && memory_init(&memory) == 0);
	check(memory_add_file(&memory, 0, 8192, fd, 0, true, 0) == 0);
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(isolation_enter_child(&isolated, SYSCALL_WORKER) == 0);
	check(memory_write(&memory, 4096, "guest", 6) == 0);
	check(memory_read(&memory, 4096, bytes, 6) == 0 && strcmp(bytes, "guest") == 0);
	check(memory_add_file(&memory, 8192, 4096, fd, 0, true, 0) == 0);
	check(memory_remove(&memory, 8192) == 0);
}

/* Whoever is not root loses /proc/self by becoming undumpable: what was opened before stays. */
static void work_as_nobody(const void *context)
{
	check(setresuid(65534, 65534, 65534) == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	work_on_memory(context);
}

static void test_memory_of_the_isolated(void **state)
{
	(void)state;
	assert_int_equal(run_child(work_on_memory, NULL), 0);
	if (geteuid() == 0)
		assert_int_equal(run_child(work_as_nobody, NULL), 0);
}

/* Memory that its owner takes away costs an error still: the owner is another process. */
static void work_on_lost_memory(const void *context)
{
	const int *ends = context;
	struct memory memory;
	char byte;

	check(memory_init(&memory) == 0 &&
		memory_add_file(&memory, 0, 8192, ends[0], 0, true, 0) == 0);
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(isolation_enter_child(&isolated, SYSCALL_WORKER) == 0);
	check(memory_read(&memory, 4096, &byte, 1) == 0);
	check(send(ends[1], "x", 1, 0) == 1 && recv(ends[1], &byte, 1, 0) == 1);
	check(memory_read(&memory, 4096, &byte, 1) == -EFAULT);
}

static void test_truncated_memory_of_the_isolated(void **state)
{
	int pair[2], status = 0, fd = memfd_create("guest", MFD_CLOEXEC);
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(ftruncate(fd, 8192), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		int ends[2] = { fd, pair[1] };

		close(pair[0]);
		work_on_lost_memory(ends);
		_exit(0);
	}
	close(pair[1]);
	if (recv(pair[0], &byte, 1, 0) == 1) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(send(pair[0], "x", 1, MSG_NOSIGNAL), 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(pair[0]);
	close(fd);
}

/* ---- seen from outside ----------------------------------------------------------------------- */

static void wait_for_word(const void *context)
{
	const int *end = context;
	char byte;

	if (geteuid() == 0)
		check(setresuid(65534, 65534, 65534) == 0 &&
			prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(isolation_enter_child(&isolated, SYSCALL_LOBBY) == 0);
	check(send(*end, "x", 1, 0) == 1);
	recv(*end, &byte, 1, 0);
}

static bool file_has(const char *path, const char *line)
{
	char text[8192] = "";
	FILE *file = fopen(path, "r");
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		fclose(file);
	return length && strstr(text, line);
}

/* Its process directory is root's, whoever it is; no core, no new privileges, a filter. */
static void look_at(pid_t pid)
{
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_uid, 0);
	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	assert_true(file_has(path, "Max core file size        0                    0  "));
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	assert_true(file_has(path, "NoNewPrivs:\t1\n"));
	assert_true(file_has(path, "Seccomp:\t2\n"));
}

static void test_seen_from_outside(void **state)
{
	int pair[2], status = 0;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		wait_for_word(&pair[1]);
		_exit(0);
	}
	assert_int_equal(recv(pair[0], &byte, 1, 0), 1);
	look_at(pid);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void map_code(const void *context)
{
	(void)context;
	enter(SYSCALL_WORKER);
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void map_writable_code(const void *context)
{
	(void)context;
	enter(SYSCALL_MAIN);
	mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void test_no_code(void **state)
{
	int status = run_child(map_code, NULL);

	(void)state;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	status = run_child(map_writable_code, NULL);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

/* abort(3) is to be seen as what it is, also under main's filter, which a child has below its own. */
static void abort_there(const void *context)
{
	enter(SYSCALL_MAIN);
	check(isolation_enter_child(&isolated, *(const enum syscall_role *)context) == 0);
	abort();
}

static void test_abort(void **state)
{
	static const enum syscall_role role = SYSCALL_LOBBY;
	int status = run_child(abort_there, &role);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void stay_open(const void *context)
{
	struct conf open_conf = { .isolation = false };
	struct options options = { .conf = open_conf };

	(void)context;
	freopen("/dev/null", "w", stderr);
	check(isolation_enter_main(&options) == 0);
	check(isolation_enter_child(&open_conf, SYSCALL_WORKER) == 0);
	check(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static void test_isolation_off(void **state)
{
	(void)state;
	assert_int_equal(run_child(stay_open, NULL), 0);
}

/* ---- the assembler --------------------------------------------------------------------------- */

static void test_assembler(void **state)
{
	static const enum syscall_role roles[] = { SYSCALL_MAIN, SYSCALL_WORKER, SYSCALL_LOBBY };
	struct syscall_filter filter;

	(void)state;
	for (unsigned r = 0; r < 3; r++) {
		assert_int_equal(syscall_filter_assemble(&filter, roles[r], 1, false), 0);
		assert_true(filter.length > 50 && filter.length < SYSCALL_FILTER_MAX / 2);
		for (unsigned i = 0; i < filter.length; i++)
			if (BPF_CLASS(filter.code[i].code) == BPF_RET)
				assert_true(filter.code[i].k == SECCOMP_RET_ALLOW ||
					    filter.code[i].k == SECCOMP_RET_KILL_PROCESS ||
					    filter.code[i].k == (SECCOMP_RET_ERRNO | ENOSYS));
	}
}

/* Rules about a call that nobody may make would be dead, and about one that all may, a hole. */
static void test_checks_are_alive(void **state)
{
	const struct syscall_check *rule = NULL;

	(void)state;
	for (unsigned i = 0; i < syscall_table_size; i++) {
		const struct syscall_row *row = &syscall_table[i];

		assert_ptr_equal(syscall_table_find(row->number), row);
		for (unsigned role = 1; role <= SYSCALL_LOBBY; role *= 2) {
			rule = syscall_check_next(NULL, row->number, (enum syscall_role)role);
			if (rule && role != SYSCALL_MAIN && !(row->roles & role))
				fail_msg("a rule for %s, which role %u may not call", row->name,
					role);
		}
	}
	assert_null(syscall_table_find(0x3fffffff));
}

/* ---- Landlock -------------------------------------------------------------------------------- */

static void see_nothing(const void *context)
{
	(void)context;
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(open("/etc/passwd", O_RDONLY) >= 0);
	check(landlock_restrict(NULL, 0, true) == 0);
	check(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	check(open("/proc/self/status", O_RDONLY) < 0 && errno == EACCES);
	if (landlock_version() >= 6)
		check(kill(getppid(), 0) < 0 && errno == EPERM);
}

static bool bind_at(const char *directory, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, name);
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	       unlink(address.sun_path) == 0;
}

static void see_one_directory(const void *context)
{
	const char *directory = context;
	struct landlock_rule rules[] = {
		{ directory, LANDLOCK_USE_SOCKETS },
		{ "/etc/passwd", LANDLOCK_USE_READ },
		{ "/no/such/file", LANDLOCK_USE_READ },
	};

	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(landlock_restrict(rules, 3, false) == 0);
	check(bind_at(directory, "a.sock"));
	check(!bind_at("/tmp", "gdbproxy-test-isolation.sock"));
	check(open("/etc/passwd", O_RDONLY) >= 0);
	check(open("/etc/passwd", O_RDWR) < 0 && errno == EACCES);
	check(open("/etc/group", O_RDONLY) < 0 && errno == EACCES);
}

/* Only where the sanitizers keep the filter open there is something for Landlock to forbid. */
static void see_nothing_as_a_worker(const void *context)
{
	(void)context;
	enter(SYSCALL_WORKER);
	check(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
}

static void test_landlock(void **state)
{
	char directory[] = "/tmp/gdbproxy-test.XXXXXX";

	(void)state;
	if (!landlock_version()) {
		print_message("# SKIP this kernel has no Landlock\n");
		return;
	}
	assert_non_null(mkdtemp(directory));
	assert_int_equal(run_child(see_nothing, NULL), 0);
	if (is_instrumented)
		assert_int_equal(run_child(see_nothing_as_a_worker, NULL), 0);
	assert_int_equal(run_child(see_one_directory, directory), 0);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_entering_is_survived),
		cmocka_unit_test(test_numbers),
#ifdef __x86_64__
		cmocka_unit_test(test_other_architecture),
#endif
		cmocka_unit_test(test_forbidden_call_is_named),
		cmocka_unit_test(test_deaths),
		cmocka_unit_test(test_memory_of_the_isolated),
		cmocka_unit_test(test_truncated_memory_of_the_isolated),
		cmocka_unit_test(test_seen_from_outside),
		cmocka_unit_test(test_no_code),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_isolation_off),
		cmocka_unit_test(test_assembler),
		cmocka_unit_test(test_checks_are_alive),
		cmocka_unit_test(test_landlock),
	};
	struct rlimit cores = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &cores); /* so that one that is not forbidden is seen */
	if (chdir("/tmp") < 0)
		return 1;
	return cmocka_run_group_tests_name("isolation", tests, NULL, NULL);
}
