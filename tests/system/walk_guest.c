/* SPDX-License-Identifier: Apache-2.0 */
/* A guest and its daemon's part: see walk_guest.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/fd_receive.h"
#include "kvm/transfer.h"
#include "kvm/view.h"
#include "tests/system/walk_guest.h"

enum { STOP_TIMEOUT_MS = 5000, MAX_VCPUS = 32 };

void walk_bail(const char *format, ...)
{
	va_list args;

	printf("Bail out! ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(EXIT_FAILURE);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the VMM's process ------------------------------------------------------------------- */

static void guest_listen(struct walk_guest *guest, struct sockaddr_un *address)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(guest->directory, sizeof(guest->directory), "%s/walk.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(guest->directory))
		walk_bail("mkdtemp: %s", strerror(errno));
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/vcpu", guest->directory);
	guest->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (bind(guest->listen_fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
		listen(guest->listen_fd, 1) < 0)
		walk_bail("%s: %s", address->sun_path, strerror(errno));
}

_Noreturn static void guest_exec(
	const struct walk_guest_options *options, const char *socket_path, int console_fd)
{
	char vcpu_count[16], argument[24];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(console_fd, STDOUT_FILENO);
	snprintf(vcpu_count, sizeof(vcpu_count), "%u", options->vcpu_count);
	snprintf(argument, sizeof(argument), "%llu", (unsigned long long)options->argument);
	execl(options->vmm, "demo-vmm", "--vcpu-socket", socket_path, "--name", "walk", "--vcpus",
		vcpu_count, "--arg", argument, "--hold", options->image, (char *)NULL);
	perror(options->vmm);
	_exit(127);
}

static void guest_spawn(struct walk_guest *guest, const struct walk_guest_options *options)
{
	struct sockaddr_un address;
	int console[2];

	guest_listen(guest, &address);
	if (pipe2(console, O_CLOEXEC) < 0)
		walk_bail("pipe: %s", strerror(errno));
	fflush(stdout);
	guest->vmm_pid = fork();
	if (guest->vmm_pid < 0)
		walk_bail("fork: %s", strerror(errno));
	if (guest->vmm_pid == 0)
		guest_exec(options, address.sun_path, console[1]);
	close(console[1]);
	guest->console_fd = console[0];
}

static void guest_forget_half(struct walk_guest *guest)
{
	size_t half = guest->console_length / 2;

	guest->console_length -= half;
	memmove(guest->console, guest->console + half, guest->console_length);
}

static void guest_on_console(struct walk_guest *guest)
{
	ssize_t n;

	if (guest->console_length == WALK_CONSOLE_BYTES)
		guest_forget_half(guest);
	n = read(guest->console_fd, guest->console + guest->console_length,
		WALK_CONSOLE_BYTES - guest->console_length);
	if (n <= 0)
		walk_bail("the VMM has ended by itself");
	guest->console_length += (size_t)n;
	guest->console[guest->console_length] = '\0';
}

/* ---- the handover ------------------------------------------------------------------------ */

static void guest_accept(struct walk_guest *guest)
{
	guest->connection_fd = accept4(guest->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (guest->connection_fd < 0)
		walk_bail("accept: %s", strerror(errno));
}

/* Follows an accepted request; takes the fds it keeps. */
static int guest_follow(
	struct walk_guest *guest, const union handover_message *message, int *fds, unsigned *count)
{
	unsigned taken = *count;
	int rc = 0;

	*count = 0;
	switch (message->header.type) {
	case HANDOVER_HELLO:
		rc = lent_vm_init(&guest->lent, message->hello.name, guest->vmm_pid, getuid(),
			message->hello.nr_vcpus);
		break;
	case HANDOVER_MEMORY_ADD:
		rc = lent_vm_add_memory(&guest->lent, &message->memory_add, taken ? fds[0] : -1);
		break;
	case HANDOVER_MEMORY_REMOVE:
		lent_vm_remove_memory(&guest->lent, message->memory_remove.gpa);
		break;
	case HANDOVER_VCPU:
		lent_vm_add_vcpu(&guest->lent, message->vcpu.index, fds[0], fds[1]);
		break;
	default:
		*count = taken;
		break;
	}
	return rc;
}

static void guest_on_request(struct walk_guest *guest)
{
	uint8_t bytes[HANDOVER_MAX_BYTES];
	struct handover_fds facts = { 0 };
	struct handover_answer answer;
	struct handover_event event;
	int fds[HANDOVER_MAX_FDS], rc;
	unsigned count;
	ssize_t length = fd_receive(
		guest->connection_fd, bytes, sizeof(bytes), fds, HANDOVER_MAX_FDS, &count);

	if (length == -EAGAIN)
		return;
	if (length <= 0)
		walk_bail("the VMM closed its connection");
	fd_inspect_all(fds, count, &facts);
	rc = handover_receive(&guest->handover, bytes, (size_t)length, &facts, &event);
	if (rc < 0 || event.error != HANDOVER_OK)
		walk_bail("handover: %s", event.text);
	rc = guest_follow(guest, &event.message, fds, &count);
	if (rc < 0)
		walk_bail("handover: %s", strerror(-rc));
	fd_close_all(fds, count);
	handover_answer_make(&guest->handover, &event, &answer);
	if (send(guest->connection_fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
		walk_bail("the VMM does not listen: %s", strerror(errno));
}

/* ---- the debug target -------------------------------------------------------------------- */

static void guest_on_timer(void *context, int ms)
{
	struct walk_guest *guest = context;

	guest->deadline_ms = ms ? now_ms() + ms : 0;
}

/* That it has stopped is looked up, not waited for. */
static void guest_on_stop(struct target_listener *listener, const struct target_stop *stop)
{
	(void)listener;
	if (stop->reason != TARGET_STOP_INTERRUPT && stop->reason != TARGET_STOP_QUIET)
		walk_bail("the guest stopped for reason %d, which nobody asked for", stop->reason);
}

static void guest_on_message(struct target_listener *listener, const char *text)
{
	(void)listener;
	printf("# %s\n", text);
}

static const struct target_listener_ops guest_listener_ops = {
	.on_stop = guest_on_stop,
	.on_message = guest_on_message,
};

static void guest_open(struct walk_guest *guest)
{
	int rc;

	guest->hooks = (struct vm_hooks){ .timer = guest_on_timer, .context = guest };
	rc = lent_vm_open(&guest->lent, &guest->vm, &guest->hooks, STOP_TIMEOUT_MS);
	if (rc < 0)
		walk_bail("taking the VM over: %s", strerror(-rc));
	rc = seat_init(&guest->seat, &guest->vm);
	if (rc < 0)
		walk_bail("debugging the VM: %s", strerror(-rc));
	guest->listener.ops = &guest_listener_ops;
	guest->seat.target.listener = &guest->listener;
	guest->is_open = true;
}

static void guest_check_deadline(struct walk_guest *guest)
{
	if (!guest->deadline_ms || now_ms() < guest->deadline_ms)
		return;
	guest->deadline_ms = 0;
	vm_on_deadline(&guest->vm);
}

void walk_guest_pump(struct walk_guest *guest, int timeout_ms)
{
	bool is_new = guest->connection_fd < 0;
	unsigned ports = guest->is_open ? guest->vm.vcpu_count : 0;
	struct pollfd fds[2 + MAX_VCPUS] = {
		{ .fd = is_new ? guest->listen_fd : guest->connection_fd, .events = POLLIN },
		{ .fd = guest->console_fd, .events = POLLIN },
	};

	for (unsigned i = 0; i < ports; i++)
		fds[2 + i] = (struct pollfd){ vm_vcpu_fd(&guest->vm, i), POLLIN, 0 };
	if (poll(fds, 2 + ports, timeout_ms) < 0 && errno != EINTR)
		walk_bail("poll: %s", strerror(errno));
	if (fds[1].revents)
		guest_on_console(guest);
	if (fds[0].revents && is_new)
		guest_accept(guest);
	else if (fds[0].revents)
		guest_on_request(guest);
	for (unsigned i = 0; i < ports; i++)
		if (fds[2 + i].revents)
			vm_on_readable(&guest->vm, i);
	guest_check_deadline(guest);
}

/* ---- for the test ------------------------------------------------------------------------ */

void walk_guest_start(struct walk_guest *guest, const struct walk_guest_options *options)
{
	int64_t end = now_ms() + WALK_PATIENCE_MS;

	guest->connection_fd = -1;
	guest->limits.machine = transfer_machine();
	guest->limits.max_vcpus = MAX_VCPUS;
	handover_init(&guest->handover, &guest->limits);
	guest_spawn(guest, options);
	while (guest->handover.state != HANDOVER_STATE_READY) {
		if (now_ms() > end)
			walk_bail("the VMM did not lend its guest");
		walk_guest_pump(guest, 100);
	}
	guest_open(guest);
	walk_guest_stop(guest);
}

void walk_guest_stop(struct walk_guest *guest)
{
	struct target *target = &guest->seat.target;
	int rc = target->ops->stop(target);

	if (rc < 0)
		walk_bail("stopping: %s", strerror(-rc));
	vm_pump(&guest->vm);
	while (!target->ops->is_stopped(target))
		walk_guest_pump(guest, 100);
	for (unsigned i = 0; i < guest->vm.vcpu_count; i++)
		if (guest->vm.vcpus[i].state != VCPU_PARKED)
			walk_bail("vCPU %u did not park", i);
}

static void guest_resume(struct walk_guest *guest, const struct target_resume *threads)
{
	struct target *target = &guest->seat.target;
	int rc = target->ops->resume(target, threads);

	if (rc < 0)
		walk_bail("resuming: %s", strerror(-rc));
	vm_pump(&guest->vm);
}

void walk_guest_resume(struct walk_guest *guest)
{
	struct target_resume threads[MAX_VCPUS];

	for (unsigned i = 0; i < MAX_VCPUS; i++)
		threads[i] = (struct target_resume){ .action = TARGET_CONTINUE };
	guest_resume(guest, threads);
}

void walk_guest_resume_one(struct walk_guest *guest, unsigned index)
{
	struct target_resume threads[MAX_VCPUS] = { 0 }; /* TARGET_STAY */

	threads[index] = (struct target_resume){ .action = TARGET_CONTINUE };
	guest_resume(guest, threads);
}

void walk_guest_forget_console(struct walk_guest *guest)
{
	guest->console_length = 0;
	guest->console[0] = '\0';
}

void walk_guest_await(struct walk_guest *guest, const char *text)
{
	int64_t end = now_ms() + WALK_PATIENCE_MS;

	while (!strstr(guest->console, text)) {
		if (now_ms() > end)
			walk_bail("the guest never said '%s'", text);
		walk_guest_pump(guest, 100);
	}
}

struct view walk_guest_view(struct walk_guest *guest, unsigned index)
{
	struct view view = { .vm = &guest->vm, .vcpu = &guest->vm.vcpus[index] };
	int rc = vcpu_fetch(view.vcpu, CPU_STOP, STOP_TIMEOUT_MS);

	if (rc < 0)
		walk_bail("registers of vCPU %u: %s", index, strerror(-rc));
	return view;
}

void walk_guest_end(struct walk_guest *guest)
{
	char path[sizeof(guest->directory) + 8];

	kill(guest->vmm_pid, SIGKILL);
	waitpid(guest->vmm_pid, NULL, 0);
	vm_fini(&guest->vm);
	lent_vm_fini(&guest->lent);
	close(guest->connection_fd);
	close(guest->listen_fd);
	close(guest->console_fd);
	snprintf(path, sizeof(path), "%s/vcpu", guest->directory);
	unlink(path);
	rmdir(guest->directory);
}

bool walk_line_number(const char *line, const char *name, uint64_t *number)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), " %s=0x", name);
	at = strstr(line, key);
	if (!at)
		return false;
	*number = strtoull(at + strlen(key), NULL, 16);
	return true;
}
