/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lender among lies: its daemon answers anything, brings any fd along and sends anything over a
 * vCPU's channel.  Rows of {length, what, bytes}: first answers, each the right one with so many bytes of it
 * changed, then messages of the channel.  KVM is this file's ioctl().  What must hold: the VMM's process
 * is not harmed, what it reports is well formed, and no fd is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kvm/lender.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 8192, GPA = 0x10000, ROUNDS = 24, MESSAGES = 4, RUNS = 12 };
enum { WITH_JOURNAL = 1, WITH_OTHER_FD = 2, CUT = 4, STALE = 8, END_OF_ANSWERS = 128 };

struct fuzz {
	const uint8_t *data;
	size_t size;
	struct gdbproxy *proxy;
	struct gdbproxy_vcpu *vcpu;
	struct kvm_run *run;
	int daemon_fd, channel_fd; /* the daemon's ends; -1 */
};

/* ---- KVM --------------------------------------------------------------------------------- */

/* As much as the real one would write; KVM_RUN ends as the lender wants, or by a turn of exits. */
int ioctl(int fd, unsigned long request, ...)
{
	static unsigned turn;
	va_list arguments;
	void *argument;

	(void)fd;
	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == KVM_RUN) {
		errno = lender_thread.kicked ? EINTR : EIO;
		return lender_thread.kicked || turn++ % 3 == 0 ? -1 : 0;
	}
	if (_IOC_DIR(request) & _IOC_READ && request != KVM_GET_MSRS)
		memset(argument, 0xa5, _IOC_SIZE(request));
	return request == KVM_GET_MSRS || request == KVM_SET_MSRS ? *(const int *)argument : 0;
}

/* ---- the daemon -------------------------------------------------------------------------- */

/* The next row: its bytes, cut to most; NULL when there is none. */
static const uint8_t *row_take(struct fuzz *fuzz, size_t most, size_t *length, unsigned *what)
{
	const uint8_t *bytes = fuzz->data + 3;

	if (fuzz->size < 3)
		return NULL;
	*length = (size_t)fuzz->data[0] | (size_t)fuzz->data[1] << 8;
	*what = fuzz->data[2];
	if (*length > fuzz->size - 3)
		*length = fuzz->size - 3;
	fuzz->data += 3 + *length;
	fuzz->size -= 3 + *length;
	if (*length > most)
		*length = most;
	return bytes;
}

/* The serial of the request that waits; its second fd, of a channel, is kept. */
static uint32_t request_take(struct fuzz *fuzz)
{
	union handover_message message = { .header.serial = 0 };
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(4 * sizeof(int))];
	struct iovec iov = { &message, sizeof(message) };
	struct msghdr header = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space) };
	int fds[4], count;

	if (recvmsg(fuzz->daemon_fd, &header, MSG_DONTWAIT) <= 0 || !CMSG_FIRSTHDR(&header))
		return message.header.serial;
	count = (int)((CMSG_FIRSTHDR(&header)->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&header)), (size_t)count * sizeof(int));
	for (int i = 0; i < count; i++) {
		if (count == 2 && i == 1 && fuzz->channel_fd < 0)
			fuzz->channel_fd = fds[i];
		else
			close(fds[i]);
	}
	return message.header.serial;
}

/* What the journal says is planted is as the row has it. */
static int journal_make(const uint8_t *bytes, size_t length)
{
	struct journal journal;
	int fd;

	if (journal_create(&journal) < 0)
		abort();
	if (length > 64)
		memcpy(journal.page->slots, bytes, length);
	fd = journal_share(&journal);
	journal_close(&journal);
	return fd;
}

static void answer_send(struct fuzz *fuzz, const void *answer, size_t size, int fd)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)answer, size };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg = (struct cmsghdr *)(void *)space;

	if (fd >= 0) {
		header.msg_control = space;
		header.msg_controllen = sizeof(space);
		*cmsg = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	sendmsg(fuzz->daemon_fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (fd >= 0)
		close(fd);
}

/* False: no more answers. */
static bool answer(struct fuzz *fuzz)
{
	struct {
		struct handover_answer right;
		uint8_t more[64];
	} answer = { .right = { .header.type = HANDOVER_ANSWER,
			     .version = HANDOVER_VERSION,
			     .features = HANDOVER_FEATURE_JOURNAL } };
	size_t length, size = sizeof(answer.right);
	unsigned what;
	const uint8_t *bytes = row_take(fuzz, sizeof(struct journal_slot) * 64, &length, &what);
	int fd = -1;

	if (!bytes)
		return false;
	answer.right.header.serial = request_take(fuzz) - !!(what & STALE);
	for (size_t at = 0; at + 2 <= length && length <= 64; at += 2)
		((uint8_t *)&answer)[bytes[at]] ^= bytes[at + 1];
	if (what & CUT)
		size = length < sizeof(answer) ? length : sizeof(answer);
	if (what & WITH_JOURNAL)
		fd = journal_make(bytes, length);
	else if (what & WITH_OTHER_FD)
		fd = open("/dev/zero", O_RDWR);
	answer_send(fuzz, &answer, size, fd);
	lender_tie_sync(fuzz->proxy, 0);
	return !(what & END_OF_ANSWERS);
}

static void channel_talk(struct fuzz *fuzz)
{
	const uint8_t *bytes;
	size_t length;
	unsigned what;

	for (unsigned i = 0; i < MESSAGES; i++) {
		bytes = row_take(fuzz, CHANNEL_MAX_BYTES, &length, &what);
		if (bytes)
			send(fuzz->channel_fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	shutdown(fuzz->channel_fd, SHUT_WR);
}

static void channel_check(struct fuzz *fuzz)
{
	static uint8_t report[CHANNEL_MAX_BYTES + 1];
	ssize_t length;

	while ((length = recv(fuzz->channel_fd, report, sizeof(report), MSG_DONTWAIT)) > 0)
		if (channel_check_report(report, (size_t)length) < 0)
			abort();
}

/* ---- a VMM ------------------------------------------------------------------------------- */

static void vmm_begin(struct fuzz *fuzz, uint8_t *memory)
{
	int pair[2];

	fuzz->run->exit_reason = KVM_EXIT_DEBUG;
	if (gdbproxy_open(&fuzz->proxy, "/nonexistent/vcpu.sock", "fuzz", 1) < 0 ||
		gdbproxy_add_memory(fuzz->proxy, GPA, MEMORY, memory, -1, 0, 0) < 0 ||
		gdbproxy_add_vcpu(fuzz->proxy, 0, 0, 0, fuzz->run, &fuzz->vcpu) < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	fuzz->proxy->link.fd = pair[0];
	fuzz->daemon_fd = pair[1];
	atomic_store(&fuzz->proxy->complete, true);
	lender_tie_sync(fuzz->proxy, 0);
}

static void vmm_end(struct fuzz *fuzz)
{
	close(fuzz->daemon_fd); /* GOODBYE waits for nobody */
	gdbproxy_close(fuzz->proxy);
	if (fuzz->channel_fd >= 0)
		close(fuzz->channel_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { .data = data, .size = size, .channel_fd = -1 };
	uint8_t *memory = aligned_alloc(4096, MEMORY);
	int lowest = dup(0);

	close(lowest);
	fuzz.run = calloc(1, sizeof(*fuzz.run));
	memset(memory, 0, MEMORY);
	vmm_begin(&fuzz, memory);
	for (unsigned i = 0; i < ROUNDS && answer(&fuzz); i++)
		;
	if (fuzz.channel_fd >= 0)
		channel_talk(&fuzz);
	for (unsigned i = 0; i < RUNS; i++)
		gdbproxy_run(fuzz.vcpu);
	if (fuzz.channel_fd >= 0)
		channel_check(&fuzz);
	vmm_end(&fuzz);
	if (dup(0) != lowest)
		abort();
	close(lowest);
	free(fuzz.run);
	free(memory);
	return 0;
}
