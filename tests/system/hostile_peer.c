/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peers that tests/system/hostile attacks gdbproxyd with: VMMs that lie, debuggers that do not
 * keep to the protocol.  Speaks both protocols from their headers alone and takes nothing for granted
 * that a hostile program would not have.
 *
 *	hostile_peer lies SOCKET             every lie a VMM can tell, one by one: TAP lines
 *	hostile_peer spoil SOCKET STEP       a whole handover, spoilt in every STEPth way: TAP lines
 *	hostile_peer greet SOCKET NAME       shows the answer to an honest HELLO
 *	hostile_peer stay SOCKET NAME [huge] hands a VM over and serves none of its vCPUs
 *	hostile_peer watch SOCKET NAME SECS  the same, and says whether its vCPU was ever touched
 *	hostile_peer cling SOCKET NAME WAY   hands over a VM with its own connection in it, and ends
 *	hostile_peer chat SOCKET NAME N WHAT hands a VM over; at a line of input tells N times of a reset, or of
 *	                                     more memory than can be mapped
 *	hostile_peer deaf SOCKET             asks, and never reads an answer
 *	hostile_peer linger SOCKET PORT      hands over a TCP socket whose close would wait
 *	hostile_peer truncate PID            truncates the guest memory of a process
 *	hostile_peer punch PID               takes the pages out of it
 *	hostile_peer exec SOCKET PROGRAM     hands over memory of a process that has executed PROGRAM
 *	hostile_peer register SOCKET N       N VMs, whole or half, each gone at once
 *	hostile_peer rsp ADDRESS             a line of input is a packet, a line of output its answer
 *	hostile_peer send ADDRESS SECONDS    sends its input; says how the connection ended
 *	hostile_peer glut ADDRESS SECONDS    asks and asks, and reads nothing
 *	hostile_peer cycle ADDRESS N         connects N times and leaves in every rude way
 *	hostile_peer mute ADDRESS SECONDS    attaches, and is heard of no more: takes no packet of TCP's
 *	hostile_peer crowd ADDRESS N SECONDS N connections at a time that say nothing
 *	hostile_peer loiter SOCKET N SECONDS the same, to the VMMs' socket
 *
 * ADDRESS is a path, or a TCP port on loopback.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "protocol/handover.h"
#include "tests/system/standin_fd.h"
#include "tests/unit/handover_talk.h"

#if defined(__x86_64__)
#define HOST_MACHINE HANDOVER_X86_64
#else
#define HOST_MACHINE HANDOVER_ARM64
#endif

enum { PATIENCE_MS = 5000, PAGE = 4096 };

/* What an answer may be besides an error code. */
enum { CLOSED = -1, NO_ANSWER = -2 };

static int failed;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void check(bool good, const char *text, int got)
{
	if (good) {
		printf("ok - %s\n", text);
		return;
	}
	printf("not ok - %s (got %d)\n", text, got);
	failed = 1;
}

/* ---- a VMM -------------------------------------------------------------------------------- */

static int dial(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		die(path);
	return fd;
}

static int tell(int socket_fd, const void *message, size_t size, const int *fds, unsigned count)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(253 * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)message, .iov_len = size };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg = (struct cmsghdr *)(void *)space;

	if (count) {
		header.msg_control = space;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	return sendmsg(socket_fd, &header, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The error code of the next answer, CLOSED or NO_ANSWER. */
static int hear(int socket_fd)
{
	struct pollfd wait = { .fd = socket_fd, .events = POLLIN };
	struct handover_answer answer;

	if (poll(&wait, 1, PATIENCE_MS) != 1)
		return NO_ANSWER;
	if (recv(socket_fd, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer))
		return CLOSED;
	return (int)answer.error;
}

static int ask(int socket_fd, const void *message, size_t size, const int *fds, unsigned count)
{
	tell(socket_fd, message, size, fds,
		count); /* refused before it was asked: there is an answer */
	return hear(socket_fd);
}

static struct handover_hello hello_make(const char *name)
{
	struct handover_hello hello = {
		.header.type = HANDOVER_HELLO,
		.magic = HANDOVER_MAGIC,
		.version = HANDOVER_VERSION,
		.machine = HOST_MACHINE,
		.nr_vcpus = 1,
	};

	memcpy(hello.name, name, strnlen(name, sizeof(hello.name)));
	return hello;
}

static int greet(int socket_fd, const char *name)
{
	struct handover_hello hello = hello_make(name);

	return ask(socket_fd, &hello, sizeof(hello), NULL, 0);
}

static int make_memory_of(const char *name, uint64_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		die("memfd");
	return fd;
}

static int make_memory(uint64_t size)
{
	return make_memory_of("hostile", size);
}

/* Without KVM: tests/system/standin_fd.c. */
static bool has_kvm(void)
{
	return access("/dev/kvm", R_OK | W_OK) == 0;
}

static int open_device(void)
{
	return open(has_kvm() ? "/dev/kvm" : "/dev/null", O_RDWR | O_CLOEXEC);
}

static int make_vm(void)
{
	int kvm_fd = open_device();
	int vm_fd = has_kvm() ? ioctl(kvm_fd, KVM_CREATE_VM, 0) : inotify_init1(IN_CLOEXEC);

	if (vm_fd < 0)
		die("/dev/kvm");
	close(kvm_fd);
	return vm_fd;
}

static int add_vcpu(int vm_fd, int kvm_id)
{
	int vcpu_fd;

	vcpu_fd = has_kvm() ? ioctl(vm_fd, KVM_CREATE_VCPU, kvm_id)
			    : standin_fd_make((unsigned)kvm_id);
	if (vcpu_fd < 0)
		die("KVM_CREATE_VCPU");
	return vcpu_fd;
}

static int make_vcpu(void)
{
	int vm_fd = make_vm(), vcpu_fd = add_vcpu(vm_fd, 0);

	close(vm_fd);
	return vcpu_fd;
}

static struct handover_memory_add memory_make(uint64_t gpa, uint64_t size)
{
	return (struct handover_memory_add){
		.header.type = HANDOVER_MEMORY_ADD, .gpa = gpa, .size = size, .hva = PAGE
	};
}

/* A VM that seems whole; the daemon's end of its vCPU's channel is given. */
static int hand_over_with(int socket_fd, const char *name, uint64_t size, int channel_fd)
{
	struct handover_memory_add memory = memory_make(0, size);
	struct handover_vcpu vcpu = { .header.type = HANDOVER_VCPU };
	struct handover_ready ready = { .header.type = HANDOVER_READY };
	int fds[2] = { make_vcpu(), channel_fd }, memory_fd = make_memory_of(name, size), rc;

	rc = greet(socket_fd, name);
	if (rc == 0)
		rc = ask(socket_fd, &memory, sizeof(memory), &memory_fd, 1);
	if (rc == 0)
		rc = ask(socket_fd, &vcpu, sizeof(vcpu), fds, 2);
	if (rc == 0)
		rc = ask(socket_fd, &ready, sizeof(ready), NULL, 0);
	close(memory_fd);
	close(fds[0]);
	return rc;
}

/* The same; its vCPU's channel ends in *channel_fd. */
static int hand_over(int socket_fd, const char *name, uint64_t size, int *channel_fd)
{
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	rc = hand_over_with(socket_fd, name, size, pair[1]);
	close(pair[1]);
	*channel_fd = pair[0];
	return rc;
}

/* ---- lies --------------------------------------------------------------------------------- */

static void lie_hello(const char *path, const char *text, struct handover_hello hello, int want)
{
	int fd = dial(path, SOCK_SEQPACKET);
	int got = ask(fd, &hello, sizeof(hello), NULL, 0);

	check(got == want, text, got);
	if (want != HANDOVER_BAD_MESSAGE) {
		got = greet(fd, "honest-again");
		check(got == 0, "... and the connection lives on", got);
	} else {
		got = hear(fd);
		check(got == CLOSED, "... and the connection is closed", got);
	}
	close(fd);
}

static void lies_in_hello(const char *path)
{
	struct handover_hello hello = hello_make("liar");

	hello.magic++;
	lie_hello(path, "HELLO with a wrong magic number", hello, HANDOVER_BAD_MESSAGE);
	hello = hello_make("liar");
	hello.version = 0;
	lie_hello(path, "HELLO with version 0", hello, HANDOVER_BAD_VERSION);
	hello = hello_make("liar");
	hello.machine = 3;
	lie_hello(path, "HELLO for another machine", hello, HANDOVER_BAD_MACHINE);
	hello = hello_make("liar");
	hello.nr_vcpus = 0;
	lie_hello(path, "HELLO without vCPUs", hello, HANDOVER_BAD_VALUE);
	hello.nr_vcpus = 0xffffffff;
	lie_hello(path, "HELLO with too many vCPUs", hello, HANDOVER_TOO_MANY);
	hello = hello_make("liar");
	hello.reserved = 1;
	lie_hello(path, "HELLO with a reserved field", hello, HANDOVER_BAD_VALUE);
	lie_hello(path, "a name with a slash", hello_make("../vm"), HANDOVER_BAD_NAME);
	lie_hello(path, "the name '..'", hello_make(".."), HANDOVER_BAD_NAME);
	lie_hello(path, "an empty name", hello_make(""), HANDOVER_BAD_NAME);
	lie_hello(path, "a name with an escape", hello_make("a\033[2J"), HANDOVER_BAD_NAME);
	hello = hello_make("");
	memset(hello.name, 'x', sizeof(hello.name));
	lie_hello(path, "a name without end", hello, HANDOVER_BAD_NAME);
	lie_hello(
		path, "the name of the VMMs' own socket", hello_make("vcpu"), HANDOVER_NAME_TAKEN);
	lie_hello(path, "the name of another VM", hello_make("vm"), HANDOVER_NAME_TAKEN);
}

static void lie_memory(
	int fd, const char *text, struct handover_memory_add memory, int memory_fd, int want)
{
	int got = ask(fd, &memory, sizeof(memory), &memory_fd, memory_fd >= 0);

	check(got == want, text, got);
}

static void lies_about_fds_of_memory(int fd)
{
	struct handover_memory_add memory = memory_make(0, PAGE);
	int pipe_fds[2], file_fd = make_memory(PAGE), other_fd;
	char path[32];

	if (pipe(pipe_fds) < 0)
		die("pipe");
	lie_memory(fd, "memory that is a pipe", memory, pipe_fds[1], HANDOVER_BAD_FD);
	lie_memory(fd, "memory that is /dev/kvm", memory, open_device(), HANDOVER_BAD_FD);
	lie_memory(fd, "memory that is /dev/mem's cousin", memory, open("/dev/zero", O_RDWR),
		HANDOVER_BAD_FD);
	lie_memory(fd, "memory that is a directory", memory, open("/", O_RDONLY), HANDOVER_BAD_FD);
	lie_memory(fd, "memory that is a socket", memory, fd, HANDOVER_BAD_FD);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
	other_fd = open(path, O_RDONLY);
	lie_memory(fd, "memory open for reading only", memory, other_fd, HANDOVER_BAD_FD);
	other_fd = open(path, O_PATH);
	lie_memory(fd, "memory that is only a path", memory, other_fd, HANDOVER_BAD_FD);
	memory.size = 2 * PAGE;
	lie_memory(fd, "memory larger than its memfd", memory, file_fd, HANDOVER_BAD_FD);
	memory.size = PAGE;
	memory.offset = PAGE;
	lie_memory(fd, "memory behind the end of its memfd", memory, file_fd, HANDOVER_BAD_FD);
	memory.offset = -(uint64_t)PAGE;
	lie_memory(fd, "an offset that wraps", memory, file_fd, HANDOVER_BAD_VALUE);
}

static void lies_about_memory(const char *path)
{
	int fd = dial(path, SOCK_SEQPACKET), file_fd = make_memory(4 * PAGE), got;
	struct handover_memory_add memory = memory_make(0, 2 * PAGE);

	lie_memory(fd, "MEMORY_ADD before HELLO", memory, file_fd, HANDOVER_BAD_ORDER);
	got = greet(fd, "liar");
	check(got == 0, "HELLO", got);
	lies_about_fds_of_memory(fd);
	lie_memory(fd, "memory", memory, file_fd, HANDOVER_OK);
	memory.gpa = PAGE;
	lie_memory(fd, "memory that overlaps", memory, file_fd, HANDOVER_OVERLAP);
	memory.gpa = -(uint64_t)PAGE;
	lie_memory(fd, "memory around the end of 64 bits", memory, file_fd, HANDOVER_BAD_VALUE);
	memory.gpa = PAGE / 2;
	lie_memory(fd, "memory that is not aligned", memory, file_fd, HANDOVER_BAD_VALUE);
	memory = memory_make(0x100000, 0);
	lie_memory(fd, "no memory", memory, file_fd, HANDOVER_BAD_VALUE);
	close(fd);
}

static void lie_vcpu(
	int fd, const char *text, unsigned index, int vcpu_fd, int channel_fd, int want)
{
	struct handover_vcpu vcpu = { .header.type = HANDOVER_VCPU, .index = index };
	int fds[2] = { vcpu_fd, channel_fd };
	int got = ask(fd, &vcpu, sizeof(vcpu), fds, channel_fd >= 0 ? 2 : 1);

	check(got == want, text, got);
}

static void lies_about_vcpus(const char *path)
{
	int fd = dial(path, SOCK_SEQPACKET), vcpu_fd = make_vcpu(), pair[2], stream[2], got;
	struct handover_ready ready = { .header.type = HANDOVER_READY };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM, 0, stream) < 0)
		die("socketpair");
	got = ask(fd, &ready, sizeof(ready), NULL, 0);
	check(got == HANDOVER_BAD_ORDER, "READY before HELLO", got);
	greet(fd, "liar");
	got = ask(fd, &ready, sizeof(ready), NULL, 0);
	check(got == HANDOVER_BAD_ORDER, "READY before the vCPUs", got);
	lie_vcpu(fd, "a vCPU that is a memfd", 0, make_memory(PAGE), pair[0], HANDOVER_BAD_FD);
	lie_vcpu(fd, "a vCPU that is a VM", 0, make_vm(), pair[0], HANDOVER_BAD_FD);
	lie_vcpu(fd, "a vCPU that is /dev/kvm", 0, open_device(), pair[0], HANDOVER_BAD_FD);
	lie_vcpu(fd, "a channel that is a memfd", 0, vcpu_fd, make_memory(PAGE), HANDOVER_BAD_FD);
	lie_vcpu(fd, "a channel that is a stream", 0, vcpu_fd, stream[0], HANDOVER_BAD_FD);
	lie_vcpu(fd, "a vCPU without a channel", 0, vcpu_fd, -1, HANDOVER_BAD_FD);
	lie_vcpu(fd, "a vCPU more than there are", 1, vcpu_fd, pair[0], HANDOVER_BAD_VALUE);
	lie_vcpu(fd, "a vCPU", 0, vcpu_fd, pair[0], HANDOVER_OK);
	lie_vcpu(fd, "a vCPU told twice", 0, vcpu_fd, pair[0], HANDOVER_OVERLAP);
	close(fd);
}

static void lie_packet(const char *path, const char *text, const void *bytes, size_t size,
	unsigned nr_fds, int want)
{
	int fd = dial(path, SOCK_SEQPACKET), fds[253], got;

	for (unsigned i = 0; i < nr_fds; i++)
		fds[i] = fd;
	got = ask(fd, bytes, size, fds, nr_fds);
	if (want == CLOSED && got == HANDOVER_BAD_MESSAGE)
		got = hear(fd);
	check(got == want, text, got);
	close(fd);
}

static void lies_in_packets(const char *path)
{
	static const uint8_t noise[8192] = { 0x80, 0xff, 0x01, 0x7f };
	struct handover_hello hello = hello_make("liar");
	struct handover_header unknown = { .type = 99 };

	lie_packet(path, "an empty packet", noise, 0, 0, CLOSED);
	lie_packet(path, "a packet of one byte", noise, 1, 0, CLOSED);
	lie_packet(path, "a packet that is too long", noise, sizeof(noise), 0, CLOSED);
	lie_packet(path, "half a HELLO", &hello, sizeof(hello) / 2, 0, CLOSED);
	lie_packet(path, "an unknown request", &unknown, sizeof(unknown), 0, HANDOVER_UNKNOWN);
	lie_packet(path, "HELLO with an fd", &hello, sizeof(hello), 1, HANDOVER_BAD_FD);
	lie_packet(path, "HELLO with three fds", &hello, sizeof(hello), 3, CLOSED);
	lie_packet(path, "HELLO with 253 fds", &hello, sizeof(hello), 253, CLOSED);
}

static int run_lies(char **argv)
{
	lies_in_hello(argv[0]);
	lies_about_memory(argv[0]);
	lies_about_vcpus(argv[0]);
	lies_in_packets(argv[0]);
	return failed;
}

/* ---- a handover that is spoilt ------------------------------------------------------------ */

struct spoiler {
	int vcpu_fd[TALK_VCPUS];
	int memory_fd, other_fd;
};

static void spoiler_open(struct spoiler *spoiler)
{
	int vm_fd = make_vm();

	for (int i = 0; i < TALK_VCPUS; i++)
		spoiler->vcpu_fd[i] = add_vcpu(vm_fd, i);
	close(vm_fd);
	spoiler->memory_fd = make_memory(TALK_MEMORY);
	spoiler->other_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int spoiler_fd(const struct spoiler *spoiler, const struct talk_message *message,
	unsigned index, int channel_fd)
{
	switch (message->fds[index]) {
	case TALK_MEMORY_FD:
		return spoiler->memory_fd;
	case TALK_VCPU_FD:
		return spoiler->vcpu_fd[message->vcpu];
	case TALK_CHANNEL_FD:
		return channel_fd;
	default:
		return spoiler->other_fd;
	}
}

static enum talk_verdict spoiler_say(
	const struct spoiler *spoiler, int fd, const struct talk_message *message)
{
	uint8_t bytes[sizeof(message->message) + sizeof(message->more)];
	int fds[2], pair[2], got;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	memcpy(bytes, &message->message, sizeof(message->message));
	memcpy(bytes + sizeof(message->message), message->more, sizeof(message->more));
	for (unsigned i = 0; i < message->fd_count; i++)
		fds[i] = spoiler_fd(spoiler, message, i, pair[0]);
	got = ask(fd, bytes, message->length, fds, message->fd_count);
	close(pair[0]);
	close(pair[1]);
	if (got == NO_ANSWER)
		die("the daemon does not answer");
	return got == CLOSED || got == HANDOVER_BAD_MESSAGE ? TALK_CLOSED
	       : got == HANDOVER_OK                         ? TALK_ACCEPTED
							    : TALK_REFUSED;
}

static bool spoiler_talk(
	const struct spoiler *spoiler, const char *path, const struct talk *talk, const char *what)
{
	struct talk_judge judge = { .machine = HOST_MACHINE };
	int fd = dial(path, SOCK_SEQPACKET);
	bool good = true;

	for (unsigned i = 0; good && i < talk->count; i++) {
		enum talk_verdict want = talk_judge(&judge, &talk->messages[i]), got;

		got = spoiler_say(spoiler, fd, &talk->messages[i]);
		good = got == want;
		if (!good)
			printf("not ok - %s: message %u: verdict %d, not %d\n", what, i, (int)got,
				(int)want);
		if (got == TALK_CLOSED || judge.state == HANDOVER_STATE_ENDED)
			break;
	}
	close(fd);
	return good;
}

static int run_spoil(char **argv)
{
	unsigned step = (unsigned)atoi(argv[1]), done = 0, bad = 0;
	struct spoiler spoiler;
	char what[128], name[32];
	struct talk talk;

	spoiler_open(&spoiler);
	for (unsigned number = 0;; number += step) {
		snprintf(name, sizeof(name), "spoilt%u", number);
		talk_make(&talk, HOST_MACHINE, name);
		if (!talk_spoil(&talk, number, what, sizeof(what)))
			break;
		bad += !spoiler_talk(&spoiler, argv[0], &talk, what);
		done++;
	}
	printf("%s - %u handovers, each spoilt in another way\n", bad ? "not ok" : "ok", done);
	return bad != 0;
}

/* ---- VMMs that behave badly --------------------------------------------------------------- */

static int run_greet(char **argv)
{
	printf("%d\n", greet(dial(argv[0], SOCK_SEQPACKET), argv[1]));
	return 0;
}

static int run_stay(char **argv)
{
	bool huge = argv[2] && !strcmp(argv[2], "huge");
	int channel_fd = -1, fd = dial(argv[0], SOCK_SEQPACKET);
	int rc = hand_over(fd, argv[1], huge ? UINT64_C(1) << 48 : 16 * PAGE, &channel_fd);

	printf("%d\n", rc);
	fflush(stdout);
	while (rc == 0 && hear(fd) == NO_ANSWER)
		;
	return rc;
}

static int run_watch(char **argv)
{
	int channel_fd = -1, fd = dial(argv[0], SOCK_SEQPACKET);
	struct pollfd wait = { .events = POLLIN };

	if (hand_over(fd, argv[1], 16 * PAGE, &channel_fd) != 0)
		die("handover refused");
	puts("ready");
	fflush(stdout);
	wait.fd = channel_fd;
	puts(poll(&wait, 1, atoi(argv[2]) * 1000) ? "touched" : "untouched");
	return 0;
}

/* Way 0: the connection is its vCPU's channel; 1: it waits in the channel's queue. */
static int run_cling(char **argv)
{
	int fd = dial(argv[0], SOCK_SEQPACKET), pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	tell(pair[0], "x", 1, &fd, 1);
	rc = hand_over_with(fd, argv[1], PAGE, atoi(argv[2]) ? pair[1] : fd);
	printf("%d\n", rc);
	return 0;
}

static int tell_reset(int fd)
{
	struct handover_notice notice = { .header.type = HANDOVER_NOTICE, .event = HANDOVER_RESET };

	return ask(fd, &notice, sizeof(notice), NULL, 0);
}

static int tell_memory(int fd)
{
	struct handover_memory_add add = memory_make(UINT64_C(1) << 48, UINT64_C(1) << 48);
	struct handover_memory_remove remove = { .header.type = HANDOVER_MEMORY_REMOVE,
		.gpa = add.gpa };
	int memory_fd = make_memory(add.size), rc = ask(fd, &add, sizeof(add), &memory_fd, 1);

	close(memory_fd);
	return rc ? rc : ask(fd, &remove, sizeof(remove), NULL, 0);
}

static int run_chat(char **argv)
{
	int channel_fd = -1, fd = dial(argv[0], SOCK_SEQPACKET), rc;
	bool memory = !strcmp(argv[3], "memory");

	rc = hand_over(fd, argv[1], PAGE, &channel_fd);
	puts("ready");
	fflush(stdout);
	getchar();
	for (int i = 0; rc == 0 && i < atoi(argv[2]); i++)
		rc = memory ? tell_memory(fd) : tell_reset(fd);
	printf("%d\n", rc);
	return 0;
}

static int run_deaf(char **argv)
{
	int fd = dial(argv[0], SOCK_SEQPACKET), sent = 0, rc = 0;
	struct handover_header unknown = { .type = 99 };
	struct timeval patience = { .tv_sec = 3 };

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (rc == 0 && sent++ < 100000)
		rc = tell(fd, &unknown, sizeof(unknown), NULL, 0);
	printf("%s after %d\n", rc == -EPIPE || rc == -ECONNRESET ? "closed" : "open", sent);
	return 0;
}

static int dial_tcp(const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		die(port);
	return fd;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A TCP socket with bytes that nobody will ever take; the receiver's close is the last one. */
static int make_lingering(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd, size = 4096;
	struct linger linger = { .l_onoff = 1, .l_linger = 20 };
	socklen_t length = sizeof(address);
	static char bytes[1 << 20];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listen_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(listen_fd, (struct sockaddr *)&address, length) < 0 || listen(listen_fd, 1) < 0 ||
		getsockname(listen_fd, (struct sockaddr *)&address, &length) < 0)
		die("listen");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&address, length) < 0)
		die("connect");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return fd;
}

static int run_linger(char **argv)
{
	struct handover_memory_add memory = memory_make(0, PAGE);
	int fd = dial(argv[0], SOCK_SEQPACKET), other_fd = dial(argv[0], SOCK_SEQPACKET);
	int linger_fd = make_lingering(), rc;
	int64_t start;

	tell(fd, &memory, sizeof(memory), &linger_fd, 1);
	close(linger_fd);
	usleep(100000);
	start = now_ms();
	rc = greet(other_fd, "in-a-hurry");
	printf("%d after %s\n", rc, now_ms() - start < 1000 ? "no time" : "a long time");
	return 0;
}

static int run_on_memory(const char *pid, int (*spoil)(int fd))
{
	char path[64], target[64];

	for (int i = 0; i < 64; i++) {
		ssize_t length;
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/fd/%d", pid, i);
		length = readlink(path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		if (!strstr(target, "memfd:guest-memory"))
			continue;
		fd = open(path, O_RDWR);
		return spoil(fd) < 0 ? 1 : 0;
	}
	return 1;
}

static int truncate_all(int fd)
{
	return ftruncate(fd, 0);
}

static int punch_all(int fd)
{
	struct stat status;

	fstat(fd, &status);
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, status.st_size);
}

static int run_truncate(char **argv)
{
	return run_on_memory(argv[0], truncate_all);
}

static int run_punch(char **argv)
{
	return run_on_memory(argv[0], punch_all);
}

/* The peer of the connection executes a set-uid program; its child goes on talking. */
static int run_exec(char **argv)
{
	int fd = dial(argv[0], SOCK_SEQPACKET), rc;
	struct handover_memory_add memory = memory_make(0, PAGE);

	memory.hva = 0x400000;
	if (fork() > 0) {
		execl(argv[1], argv[1], "3", (char *)NULL);
		die(argv[1]);
	}
	usleep(300000);
	rc = greet(fd, "impostor");
	if (rc == 0)
		rc = ask(fd, &memory, sizeof(memory), NULL, 0);
	printf("%d\n", rc);
	return 0;
}

static int run_register(char **argv)
{
	int n = atoi(argv[1]);

	for (int i = 0; i < n; i++) {
		int channel_fd = -1, fd = dial(argv[0], SOCK_SEQPACKET), rc = 0;
		char name[32];

		snprintf(name, sizeof(name), "short-lived%d", i);
		if (i % 3 == 0)
			rc = greet(fd, name);
		else if (i % 3 == 1)
			rc = hand_over(fd, name, PAGE, &channel_fd);
		if (rc == HANDOVER_TOO_MANY) /* the daemon has not seen that the others are gone */
			i--;
		else if (rc != 0)
			die("registration refused");
		close(fd);
		if (channel_fd >= 0)
			close(channel_fd);
	}
	return 0;
}

/* ---- debuggers ---------------------------------------------------------------------------- */

static int dial_debug(const char *address)
{
	return strchr(address, '/') ? dial(address, SOCK_STREAM) : dial_tcp(address);
}

static size_t frame(char *out, size_t size, const char *payload)
{
	unsigned sum = 0;

	for (const char *c = payload; *c; c++)
		sum += (unsigned char)*c;
	return (size_t)snprintf(out, size, "$%s#%02x", payload, sum & 0xff);
}

/* One payload without its frame, acknowledged: true, or false at the end of the connection. */
static bool get_packet(int fd, char *payload, size_t size)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char c = 0, sum[2];
	size_t length = 0;

	while (c != '$')
		if (poll(&wait, 1, 10000) != 1 || recv(fd, &c, 1, 0) != 1)
			return false;
	while (recv(fd, &c, 1, 0) == 1 && c != '#')
		if (length < size - 1)
			payload[length++] = c;
	payload[length] = '\0';
	if (recv(fd, sum, 2, MSG_WAITALL) != 2)
		return false;
	send(fd, "+", 1, MSG_NOSIGNAL); /* it may have said its last word */
	return true;
}

/* "packet" sends and shows the answer, "!packet" only sends, "<" shows the next one. */
static int run_rsp(char **argv)
{
	int fd = dial_debug(argv[0]);
	char line[4096], bytes[5000], answer[65536];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		bool silent = line[0] == '!';

		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '<') {
			size_t n = frame(bytes, sizeof(bytes), line + silent);

			send(fd, bytes, n, MSG_NOSIGNAL);
		}
		if (!silent)
			puts(get_packet(fd, answer, sizeof(answer)) ? answer : "(closed)");
	}
	return 0;
}

static int run_send(char **argv)
{
	int fd = dial_debug(argv[0]);
	int64_t end = now_ms() + atoi(argv[1]) * 1000;
	char bytes[65536];
	ssize_t n;

	puts("connected");
	fflush(stdout);
	while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		if (send(fd, bytes, (size_t)n, MSG_NOSIGNAL) < 0)
			break;
	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		int64_t left = end - now_ms();

		if (left <= 0 || poll(&wait, 1, (int)left) == 0) {
			puts("open");
			return 0;
		}
		if (recv(fd, bytes, sizeof(bytes), 0) <= 0) {
			puts("closed");
			return 0;
		}
	}
}

static int run_glut(char **argv)
{
	int fd = dial_debug(argv[0]);
	int64_t end = now_ms() + atoi(argv[1]) * 1000;
	char bytes[64];
	size_t n = frame(bytes, sizeof(bytes), "qXfer:features:read:target.xml:0,4000");
	unsigned sent = 0;

	while (now_ms() < end) {
		if (send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			sent++;
		else if (errno != EAGAIN)
			break;
		else
			usleep(1000);
	}
	printf("%u\n", sent);
	return 0;
}

static void leave_rudely(int fd, int way)
{
	static const char *const words[] = {
		"",
		"$",
		"$g#6",
		"+$?#3f",
		"\003",
		"+$qSupp",
		"$vCont;s:1#23",
		"+$?#3f+$g#67+$s#73",
		"GET / HTTP/1.1\r\n\r\n",
		"}}}}####$$$$",
	};
	struct linger reset = { .l_onoff = 1 };
	const char *word = words[way % 10];

	send(fd, word, strlen(word), MSG_NOSIGNAL);
	if (way % 3 == 0)
		usleep(2000);
	if (way % 3 == 1)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

/* No segment passes the filter: not even an acknowledgment is sent any more, and no reset. */
static int run_mute(char **argv)
{
	int fd = dial_debug(argv[0]);
	struct sock_filter drop = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog program = { .len = 1, .filter = &drop };
	char answer[65536], bytes[16];

	send(fd, bytes, frame(bytes, sizeof(bytes), "?"), MSG_NOSIGNAL);
	puts(get_packet(fd, answer, sizeof(answer)) ? answer : "(closed)");
	fflush(stdout);
	usleep(200000); /* so that the acknowledgment is acknowledged */
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		die("SO_ATTACH_FILTER");
	sleep((unsigned)atoi(argv[1]));
	return 0;
}

static int keep_open(char **argv, int (*dial_one)(const char *address))
{
	int n = atoi(argv[1]), i;
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (i = 0; i < n; i++)
		dial_one(argv[0]);
	printf("%d\n", i);
	fflush(stdout);
	sleep((unsigned)atoi(argv[2]));
	return 0;
}

static int run_crowd(char **argv)
{
	return keep_open(argv, dial_debug);
}

static int dial_vmms(const char *path)
{
	return dial(path, SOCK_SEQPACKET);
}

static int run_loiter(char **argv)
{
	return keep_open(argv, dial_vmms);
}

static int run_cycle(char **argv)
{
	int n = atoi(argv[1]);

	for (int i = 0; i < n; i++)
		leave_rudely(dial_debug(argv[0]), i);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words;
		int (*run)(char **argv);
	} table[] = {
		{ "lies", 1, run_lies },
		{ "spoil", 2, run_spoil },
		{ "greet", 2, run_greet },
		{ "stay", 2, run_stay },
		{ "watch", 3, run_watch },
		{ "cling", 3, run_cling },
		{ "chat", 4, run_chat },
		{ "deaf", 1, run_deaf },
		{ "linger", 1, run_linger },
		{ "truncate", 1, run_truncate },
		{ "punch", 1, run_punch },
		{ "exec", 2, run_exec },
		{ "register", 2, run_register },
		{ "rsp", 1, run_rsp },
		{ "send", 2, run_send },
		{ "glut", 2, run_glut },
		{ "cycle", 2, run_cycle },
		{ "mute", 2, run_mute },
		{ "crowd", 3, run_crowd },
		{ "loiter", 3, run_loiter },
	};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (argc >= 2 + table[i].words && !strcmp(argv[1], table[i].name))
			return table[i].run(argv + 2);
	fprintf(stderr, "hostile_peer: see the head of its source\n");
	return 2;
}
