/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VMM's side of the handover conversation.  The tables of the VM say what the daemon should know,
 * and marks in them what it was told; lender_link_sync() tells the difference, one request after
 * the other.  So setting up, hot-plug and registering with the next daemon are all the same.
 */
#include "kvm/lender.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#if defined(__x86_64__)
#define HOST_MACHINE HANDOVER_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE HANDOVER_ARM64
#endif

/* ---- socket ------------------------------------------------------------------------------ */

int lender_link_connect(struct gdbproxy *proxy)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	memcpy(address.sun_path, proxy->path, sizeof(address.sun_path));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	proxy->link.fd = fd;
	return 0;
}

/* Room for the fds of one message, aligned as CMSG_FIRSTHDR() wants it. */
union link_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(HANDOVER_MAX_FDS * sizeof(int))];
};

static void control_put_fds(
	struct msghdr *header, union link_control *control, const int *fds, unsigned count)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	header->msg_control = control->buf;
	header->msg_controllen = CMSG_SPACE(count * sizeof(int));
	c = CMSG_FIRSTHDR(header);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(c), fds, count * sizeof(int));
}

/* Gives the request its serial and sends it.  0 or -errno. */
static int link_send(struct lender_link *link, struct handover_header *request, size_t size,
	const int *fds, unsigned count)
{
	struct iovec bytes = { .iov_base = request, .iov_len = size };
	struct msghdr header = { .msg_iov = &bytes, .msg_iovlen = 1 };
	union link_control control;

	request->serial = link->serial + 1;
	if (count > 0)
		control_put_fds(&header, &control, fds, count);
	if (sendmsg(link->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	link->serial++;
	return 0;
}

/* The one fd that an answer may bring, or -1.  What else came along is closed. */
static int control_take_fd(struct msghdr *header)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			if (fd >= 0)
				close(fd);
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		}
	}
	return fd;
}

/* One answer, with its fd or -1 in *fd, which is the caller's.  0 or -errno. */
static int link_receive(struct lender_link *link, struct handover_answer *answer, int *fd)
{
	union link_control control;
	struct iovec bytes = { .iov_base = answer, .iov_len = sizeof(*answer) };
	struct msghdr header = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t length = recvmsg(link->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (length < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	*fd = control_take_fd(&header);
	if (length == 0)
		return -ECONNRESET;
	if (length != sizeof(*answer) || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
		answer->header.type != HANDOVER_ANSWER)
		return -EBADMSG;
	answer->text[sizeof(answer->text) - 1] = '\0';
	return 0;
}

/* ---- requests: 0 when asked, or -errno --------------------------------------------------- */

static int link_ask(struct lender_link *link, struct handover_header *request, size_t size,
	const int *fds, unsigned count, unsigned subject)
{
	int rc = link_send(link, request, size, fds, count);

	if (rc == 0) {
		link->asked = request->type;
		link->subject = subject;
	}
	return rc;
}

static int ask_hello(struct gdbproxy *proxy)
{
	struct handover_hello hello = {
		.header.type = HANDOVER_HELLO,
		.magic = HANDOVER_MAGIC,
		.version = HANDOVER_VERSION,
		.machine = HOST_MACHINE,
		.nr_vcpus = proxy->nr_vcpus,
		.features = HANDOVER_FEATURE_JOURNAL | HANDOVER_FEATURE_HOLD,
	};

	memcpy(hello.name, proxy->name, sizeof(hello.name));
	return link_ask(&proxy->link, &hello.header, sizeof(hello), NULL, 0, 0);
}

static int ask_memory_add(struct gdbproxy *proxy, unsigned index)
{
	const struct lender_region *region = &proxy->regions[index];
	struct handover_memory_add add = {
		.header.type = HANDOVER_MEMORY_ADD,
		.gpa = region->gpa,
		.size = region->size,
		.offset = region->offset,
		.hva = region->hva,
		.flags = region->flags,
	};

	return link_ask(
		&proxy->link, &add.header, sizeof(add), &region->fd, region->fd >= 0, index);
}

static int ask_memory_remove(struct gdbproxy *proxy, unsigned index)
{
	struct handover_memory_remove remove = {
		.header.type = HANDOVER_MEMORY_REMOVE,
		.gpa = proxy->regions[index].gpa,
	};

	return link_ask(&proxy->link, &remove.header, sizeof(remove), NULL, 0, index);
}

static void vcpu_set_next_channel(struct gdbproxy_vcpu *vcpu, int fd)
{
	pthread_mutex_lock(&vcpu->proxy->table_lock);
	if (vcpu->next_channel_fd >= 0)
		close(vcpu->next_channel_fd);
	vcpu->next_channel_fd = fd;
	pthread_mutex_unlock(&vcpu->proxy->table_lock);
}

static int ask_vcpu(struct gdbproxy *proxy, unsigned index)
{
	struct gdbproxy_vcpu *vcpu = proxy->vcpus[index];
	struct handover_vcpu message = {
		.header.type = HANDOVER_VCPU,
		.index = index,
		.kvm_id = vcpu->kvm_id,
	};
	int channel[2], fds[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return -errno;
	fds[0] = vcpu->vcpu_fd;
	fds[1] = channel[1];
	rc = link_ask(&proxy->link, &message.header, sizeof(message), fds, 2, index);
	close(channel[1]);
	if (rc < 0) {
		close(channel[0]);
		return rc;
	}
	/* A thread that is in KVM_RUN already is to be kicked before it could take the channel. */
	if (atomic_load(&vcpu->tid))
		lender_kick_arm(channel[0], atomic_load(&vcpu->tid));
	vcpu_set_next_channel(vcpu, channel[0]);
	return 0;
}

static int ask_ready(struct gdbproxy *proxy)
{
	struct handover_ready ready = {
		.header.type = HANDOVER_READY,
		.flags = proxy->hold ? HANDOVER_READY_HOLD : 0,
	};

	return link_ask(&proxy->link, &ready.header, sizeof(ready), NULL, 0, 0);
}

static int ask_goodbye(struct gdbproxy *proxy)
{
	struct handover_goodbye goodbye = { .header.type = HANDOVER_GOODBYE };

	return link_ask(&proxy->link, &goodbye.header, sizeof(goodbye), NULL, 0, 0);
}

/* The first region in that state, or HANDOVER_MAX_REGIONS. */
static unsigned region_find(const struct gdbproxy *proxy, enum lender_told told)
{
	unsigned i = 0;

	while (i < HANDOVER_MAX_REGIONS && proxy->regions[i].told != told)
		i++;
	return i;
}

static unsigned vcpu_find_untold(const struct gdbproxy *proxy)
{
	unsigned i = 0;

	while (i < proxy->nr_vcpus && (!proxy->vcpus[i] || proxy->vcpus[i]->told))
		i++;
	return i;
}

/* Asks the next thing: 0, 1 when there is nothing to ask, or -errno. */
static int link_ask_next(struct gdbproxy *proxy)
{
	unsigned leaving = region_find(proxy, LENDER_LEAVING);
	unsigned fresh = region_find(proxy, LENDER_NEW);
	unsigned vcpu = vcpu_find_untold(proxy);

	if (proxy->leaving)
		return ask_goodbye(proxy);
	if (!proxy->link.greeted)
		return ask_hello(proxy);
	if (leaving < HANDOVER_MAX_REGIONS)
		return ask_memory_remove(proxy, leaving);
	if (fresh < HANDOVER_MAX_REGIONS)
		return ask_memory_add(proxy, fresh);
	if (vcpu < proxy->nr_vcpus)
		return ask_vcpu(proxy, vcpu);
	if (atomic_load(&proxy->complete) && !proxy->link.ready)
		return ask_ready(proxy);
	return 1;
}

/* ---- answers ----------------------------------------------------------------------------- */

void lender_region_vacate(struct lender_region *region)
{
	if (region->fd >= 0)
		close(region->fd);
	*region = (struct lender_region){ .fd = -1 };
}

static int heard_hello(struct gdbproxy *proxy, const struct handover_answer *answer, int fd)
{
	int rc = 0;

	if (answer->version != HANDOVER_VERSION)
		return -EBADMSG;
	if (answer->features & HANDOVER_FEATURE_JOURNAL) {
		pthread_mutex_lock(&proxy->table_lock);
		journal_close(&proxy->journal);
		rc = journal_open(fd, &proxy->journal);
		pthread_mutex_unlock(&proxy->table_lock);
	}
	proxy->keeps = answer->features & HANDOVER_FEATURE_HOLD;
	proxy->link.greeted = rc == 0;
	return rc == 0 ? 0 : -EBADMSG;
}

static void heard_memory(struct gdbproxy *proxy, struct lender_region *region, bool added)
{
	pthread_mutex_lock(&proxy->table_lock);
	if (added)
		region->told = LENDER_TOLD;
	else
		lender_region_vacate(region);
	pthread_mutex_unlock(&proxy->table_lock);
}

/* The daemon has agreed to what was asked. */
static int link_heard(struct gdbproxy *proxy, const struct handover_answer *answer, int fd)
{
	struct lender_link *link = &proxy->link;

	switch (link->asked) {
	case HANDOVER_HELLO:
		return heard_hello(proxy, answer, fd);
	case HANDOVER_MEMORY_ADD:
	case HANDOVER_MEMORY_REMOVE:
		heard_memory(
			proxy, &proxy->regions[link->subject], link->asked == HANDOVER_MEMORY_ADD);
		return 0;
	case HANDOVER_VCPU:
		proxy->vcpus[link->subject]->told = true;
		return 0;
	case HANDOVER_READY:
		link->ready = true;
		return 0;
	default: /* GOODBYE: it has let go */
		return -ESHUTDOWN;
	}
}

static int link_refused(struct lender_link *link, const struct handover_answer *answer)
{
	snprintf(link->error, sizeof(link->error), "gdbproxyd refused %s: %s",
		handover_type_name(link->asked), answer->text);
	return answer->error == HANDOVER_DENIED ? -EACCES : -EPROTO;
}

/* Takes one answer; those to notices are of no interest. */
static int link_hear(struct gdbproxy *proxy)
{
	struct lender_link *link = &proxy->link;
	struct handover_answer answer;
	int fd, rc = link_receive(link, &answer, &fd);

	if (rc == 0 && link->asked && answer.header.serial == link->serial) {
		rc = answer.error ? link_refused(link, &answer) : link_heard(proxy, &answer, fd);
		link->asked = 0;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

/* ---- the conversation -------------------------------------------------------------------- */

static int link_wait(const struct lender_link *link, int64_t deadline_ms)
{
	short events = link->asked ? POLLIN : POLLOUT;
	struct pollfd poll_fd = { .fd = link->fd, .events = events };
	int64_t left = deadline_ms - lender_now_ms();

	if (left <= 0 || poll(&poll_fd, 1, (int)left) == 0)
		return -EAGAIN;
	return 0;
}

int lender_link_sync(struct gdbproxy *proxy, int timeout_ms)
{
	struct lender_link *link = &proxy->link;
	int64_t deadline_ms = lender_now_ms() + timeout_ms;
	int rc;

	do {
		rc = link->asked ? link_hear(proxy) : link_ask_next(proxy);
		if (rc == -EAGAIN)
			rc = link_wait(link, deadline_ms);
	} while (rc == 0);
	return rc == 1 ? 0 : rc;
}

int lender_link_notice(struct gdbproxy *proxy, uint32_t event, int32_t detail)
{
	struct handover_notice notice = {
		.header.type = HANDOVER_NOTICE,
		.event = event,
		.detail = detail,
	};
	int rc;

	do /* make room: answers to earlier notices */
		rc = link_hear(proxy);
	while (rc == 0);
	if (rc != -EAGAIN)
		return rc;
	return link_send(&proxy->link, &notice.header, sizeof(notice), NULL, 0);
}

void lender_link_drop(struct gdbproxy *proxy)
{
	if (proxy->link.fd >= 0)
		close(proxy->link.fd);
	proxy->link.fd = -1;
	proxy->link.asked = 0;
	proxy->link.greeted = proxy->link.ready = false;
	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++) {
		if (proxy->regions[i].told == LENDER_LEAVING)
			lender_region_vacate(&proxy->regions[i]);
		else if (proxy->regions[i].told == LENDER_TOLD)
			proxy->regions[i].told = LENDER_NEW;
	}
	for (unsigned i = 0; i < proxy->nr_vcpus; i++)
		if (proxy->vcpus[i])
			proxy->vcpus[i]->told = false;
}
