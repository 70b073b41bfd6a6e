/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon of the lender's tests: see the header, and scripts[] for what it can be told to do. */
#include "tests/system/fake_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/kvm.h>

#include "daemon/fd_receive.h"
#include "kvm/channel.h"
#include "kvm/journal.h"
#include "protocol/handover.h"

#if defined(__x86_64__) /* like the guest of test_lender.c */

enum { MAX_VCPUS = 4, TIMEOUT_MS = 10000 };

struct message {
	size_t length;
	_Alignas(8) uint8_t bytes[CHANNEL_MAX_BYTES];
};

struct fake {
	int listener_fd, vmm_fd;
	struct handover handover;
	struct journal journal;
	enum handover_error refusal; /* of every HELLO */
	int channel_fd[MAX_VCPUS];
	uint32_t seq[MAX_VCPUS];
	uint8_t *memory; /* region at gpa 0 */
	uint64_t memory_size;
	struct message out, in; /* the program being built, the last report */
	const uint8_t *result;  /* cursor in it */
	bool may_fail;          /* the next report may say so */
};

static const struct handover_limits limits = {
	.machine = HANDOVER_X86_64,
	.max_vcpus = MAX_VCPUS,
	.features = HANDOVER_FEATURE_JOURNAL,
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "# fake daemon: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	exit(1);
}

/* ---- handover ---------------------------------------------------------------------------- */

static void vm_forget(struct fake *fake)
{
	for (unsigned i = 0; i < MAX_VCPUS; i++) {
		if (fake->channel_fd[i] >= 0)
			close(fake->channel_fd[i]);
		fake->channel_fd[i] = -1;
		fake->seq[i] = 0;
	}
	if (fake->memory)
		munmap(fake->memory, fake->memory_size);
	fake->memory = NULL;
	journal_close(&fake->journal);
	if (fake->vmm_fd >= 0)
		close(fake->vmm_fd);
	fake->vmm_fd = -1;
}

static void answer_send(struct fake *fake, const struct handover_event *event, int fd)
{
	struct handover_answer answer;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec bytes = { &answer, sizeof(answer) };
	struct msghdr header = { .msg_iov = &bytes, .msg_iovlen = 1 };

	handover_answer_make(&fake->handover, event, &answer);
	if (fd >= 0) {
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
		header.msg_control = control.buf;
		header.msg_controllen = sizeof(control.buf);
	}
	sendmsg(fake->vmm_fd, &header, MSG_NOSIGNAL);
}

static void hello_follow(struct fake *fake, struct handover_event *event)
{
	int fd = -1;

	if (fake->refusal)
		handover_refuse(&fake->handover, event, fake->refusal, "as the script says");
	else if (journal_create(&fake->journal) < 0 || (fd = journal_share(&fake->journal)) < 0)
		die("no journal");
	answer_send(fake, event, fd);
	if (fd >= 0)
		close(fd);
}

static void memory_follow(struct fake *fake, struct handover_event *event, int fd)
{
	const struct handover_memory_add *add = &event->message.memory_add;

	if (add->gpa == 0) {
		fake->memory_size = add->size;
		fake->memory = mmap(NULL, add->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			(off_t)add->offset);
		if (fake->memory == MAP_FAILED)
			die("cannot map the guest");
	}
	answer_send(fake, event, -1);
}

/* Takes one message of the VMM's, if there is one.  False: it has gone. */
static bool vmm_serve(struct fake *fake)
{
	uint8_t bytes[HANDOVER_MAX_BYTES];
	struct handover_event event;
	struct handover_fds facts;
	int fds[HANDOVER_MAX_FDS];
	unsigned count;
	ssize_t length =
		fd_receive(fake->vmm_fd, bytes, sizeof(bytes), fds, HANDOVER_MAX_FDS, &count);

	if (length == -EAGAIN)
		return true;
	if (length <= 0)
		return false;
	fd_inspect_all(fds, count, &facts);
	if (handover_receive(&fake->handover, bytes, (size_t)length, &facts, &event) < 0)
		die("violation: %s", event.text);
	if (event.error)
		fprintf(stderr, "# fake daemon refuses: %s\n", event.text);
	if (!event.error && event.message.header.type == HANDOVER_HELLO) {
		hello_follow(fake, &event);
	} else if (!event.error && event.message.header.type == HANDOVER_MEMORY_ADD) {
		memory_follow(fake, &event, fds[0]);
	} else {
		if (!event.error && event.message.header.type == HANDOVER_VCPU) {
			fake->channel_fd[event.message.vcpu.index] = fds[1];
			fds[1] = dup(0);
		}
		answer_send(fake, &event, -1);
	}
	fd_close_all(fds, count);
	return true;
}

static void fd_wait(int fd)
{
	struct pollfd poll_fd = { fd, POLLIN, 0 };

	if (poll(&poll_fd, 1, TIMEOUT_MS) != 1)
		die("nothing came in %d ms", TIMEOUT_MS);
}

/* Accepts a VMM and serves it until it is READY. */
static void vm_take(struct fake *fake)
{
	vm_forget(fake);
	fake->vmm_fd = accept4(fake->listener_fd, NULL, NULL, SOCK_CLOEXEC);
	handover_init(&fake->handover, &limits);
	while (fake->handover.state != HANDOVER_STATE_READY) {
		fd_wait(fake->vmm_fd);
		if (!vmm_serve(fake))
			return;
	}
}

/* ---- the channel ------------------------------------------------------------------------- */

static void begin(struct fake *fake, uint32_t flags, uint16_t before, uint16_t after)
{
	struct channel_program head = { CHANNEL_PROGRAM, 0, flags, before, after };

	memcpy(fake->out.bytes, &head, sizeof(head));
	fake->out.length = sizeof(head);
}

static void step(struct fake *fake, unsigned long request, const void *argument, uint32_t size)
{
	struct channel_step head = { (uint32_t)request, size };
	uint8_t *at = fake->out.bytes + fake->out.length;

	memcpy(at, &head, sizeof(head));
	memset(at + sizeof(head), 0, channel_padded(size));
	if (argument)
		memcpy(at + sizeof(head), argument, size);
	fake->out.length += sizeof(head) + channel_padded(size);
}

static void post(struct fake *fake, unsigned vcpu)
{
	fake->seq[vcpu]++;
	memcpy(fake->out.bytes + 4, &fake->seq[vcpu], sizeof(uint32_t));
	if (channel_check_program(fake->out.bytes, fake->out.length) < 0)
		die("a bad program");
	if (send(fake->channel_fd[vcpu], fake->out.bytes, fake->out.length, MSG_NOSIGNAL) < 0)
		die("send: %s", strerror(errno));
}

static void kick(struct fake *fake, unsigned vcpu)
{
	struct channel_program message = { .type = CHANNEL_KICK };

	if (send(fake->channel_fd[vcpu], &message, sizeof(message), MSG_NOSIGNAL) < 0)
		die("kick: %s", strerror(errno));
}

static const struct channel_report *report(struct fake *fake, unsigned vcpu)
{
	const struct channel_report *head = (const void *)fake->in.bytes;
	ssize_t length;

	fd_wait(fake->channel_fd[vcpu]);
	length = recv(fake->channel_fd[vcpu], fake->in.bytes, sizeof(fake->in.bytes), MSG_TRUNC);
	if (length <= 0)
		die("the channel closed: %s", length ? strerror(errno) : "EOF");
	if (channel_check_report(fake->in.bytes, (size_t)length) < 0)
		die("a bad report");
	if (head->seq != fake->seq[vcpu])
		die("report to %u, expected %u", head->seq, fake->seq[vcpu]);
	if (head->failed && !fake->may_fail)
		die("a step failed");
	fake->result = fake->in.bytes + sizeof(*head);
	return head;
}

static void take(struct fake *fake, void *argument)
{
	struct channel_result head;

	memcpy(&head, fake->result, sizeof(head));
	memcpy(argument, fake->result + sizeof(head), head.size);
	fake->result += sizeof(head) + channel_padded(head.size);
}

/* ---- what a debugger does ---------------------------------------------------------------- */

static void expect(const struct channel_report *head, uint32_t reason)
{
	if (head->reason != reason)
		die("parked with reason %u, expected %u", head->reason, reason);
}

static void vcpu_run(struct fake *fake, unsigned vcpu)
{
	begin(fake, CHANNEL_RUN, 0, 0);
	post(fake, vcpu);
}

static void vcpu_stop(struct fake *fake, unsigned vcpu)
{
	kick(fake, vcpu);
	expect(report(fake, vcpu), CHANNEL_ASKED);
}

static void done(void)
{
	if (write(STDOUT_FILENO, "d", 1) != 1)
		die("nobody listens");
}

static struct kvm_regs regs_get(struct fake *fake, unsigned vcpu)
{
	struct kvm_regs regs;

	begin(fake, 0, 1, 0);
	step(fake, KVM_GET_REGS, NULL, sizeof(regs));
	post(fake, vcpu);
	expect(report(fake, vcpu), CHANNEL_PARKED);
	take(fake, &regs);
	return regs;
}

static void regs_set(struct fake *fake, unsigned vcpu, const struct kvm_regs *regs)
{
	begin(fake, 0, 1, 0);
	step(fake, KVM_SET_REGS, regs, sizeof(*regs));
	post(fake, vcpu);
	expect(report(fake, vcpu), CHANNEL_PARKED);
}

static void debug_set(struct fake *fake, unsigned vcpu, const struct kvm_guest_debug *debug)
{
	begin(fake, 0, 1, 0);
	step(fake, KVM_SET_GUEST_DEBUG, debug, sizeof(*debug));
	post(fake, vcpu);
	expect(report(fake, vcpu), CHANNEL_PARKED);
}

/* `before` ends at its first failure, `after` does not; either way the vCPU stays parked and whole. */
static void check_failures(struct fake *fake, unsigned vcpu)
{
	struct {
		uint32_t nmsrs, pad;
		struct kvm_msr_entry entry;
	} msr = { 1, 0, { .index = 0xdead } };
	struct kvm_mp_state bad = { .mp_state = 0xff };
	const struct channel_report *head;
	struct kvm_regs regs;

	begin(fake, CHANNEL_RUN, 2, 1);
	step(fake, KVM_SET_MP_STATE, &bad, sizeof(bad));
	step(fake, KVM_GET_REGS, NULL, sizeof(regs));
	step(fake, KVM_GET_REGS, NULL, sizeof(regs));
	fake->may_fail = true;
	post(fake, vcpu);
	head = report(fake, vcpu);
	fake->may_fail = false;
	if (head->reason != CHANNEL_PARKED || !head->failed || head->result_count != 1)
		die("a failed `before`: reason %u, %u results", head->reason, head->result_count);
	begin(fake, 0, 0, 2);
	step(fake, KVM_SET_MP_STATE, &bad, sizeof(bad));
	step(fake, KVM_GET_REGS, NULL, sizeof(regs));
	post(fake, vcpu);
	head = report(fake, vcpu);
	if (head->reason != CHANNEL_PARKED || head->result_count != 2)
		die("a failed `after`: reason %u, %u results", head->reason, head->result_count);
	begin(fake, 0, 1, 0);
	step(fake, KVM_GET_MSRS, &msr, sizeof(msr));
	fake->may_fail = true;
	post(fake, vcpu);
	head = report(fake, vcpu);
	fake->may_fail = false;
	if (head->reason != CHANNEL_PARKED || !head->failed)
		die("0 of 1 MSRs were read: reason %u, no failure", head->reason);
}

static const struct kvm_guest_debug debug_off = { .control = 0 };
static const struct kvm_guest_debug debug_step = { .control = KVM_GUESTDBG_ENABLE |
							      KVM_GUESTDBG_SINGLESTEP };

/* What the library may know without a call when KVM_RUN has returned. */
struct snapshot {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
};

enum { SNAPSHOT_STEPS = 3 };

static void snapshot_ask(struct fake *fake)
{
	step(fake, KVM_GET_REGS, NULL, sizeof(struct kvm_regs));
	step(fake, KVM_GET_SREGS, NULL, sizeof(struct kvm_sregs));
	step(fake, KVM_GET_VCPU_EVENTS, NULL, sizeof(struct kvm_vcpu_events));
}

static void snapshot_take(struct fake *fake, struct snapshot *snapshot)
{
	take(fake, &snapshot->regs);
	take(fake, &snapshot->sregs);
	take(fake, &snapshot->events);
}

/* The vCPU stays parked, so that each of these is a call. */
static void snapshot_check(struct fake *fake, unsigned vcpu, const struct snapshot *snapshot)
{
	struct snapshot now;

	begin(fake, 0, SNAPSHOT_STEPS, 0);
	snapshot_ask(fake);
	post(fake, vcpu);
	expect(report(fake, vcpu), CHANNEL_PARKED);
	snapshot_take(fake, &now);
	if (memcmp(&now.regs, &snapshot->regs, sizeof(now.regs)) ||
		memcmp(&now.sregs, &snapshot->sregs, sizeof(now.sregs)) ||
		memcmp(&now.events, &snapshot->events, sizeof(now.events)))
		die("registers told with the stop are not the vCPU's");
}

/* One step and the registers after it, in one exchange. */
static uint32_t vcpu_step(struct fake *fake, unsigned vcpu, struct kvm_regs *regs)
{
	const struct channel_report *head;
	struct snapshot snapshot;
	uint32_t reason;

	begin(fake, CHANNEL_RUN | CHANNEL_ONCE, 1, SNAPSHOT_STEPS);
	step(fake, KVM_SET_GUEST_DEBUG, &debug_step, sizeof(debug_step));
	snapshot_ask(fake);
	post(fake, vcpu);
	head = report(fake, vcpu);
	if (head->result_count != 1 + SNAPSHOT_STEPS)
		die("%u results to %u steps", head->result_count, 1 + SNAPSHOT_STEPS);
	reason = head->reason;
	take(fake, &(struct kvm_guest_debug){ 0 });
	snapshot_take(fake, &snapshot);
	snapshot_check(fake, vcpu, &snapshot);
	*regs = snapshot.regs;
	return reason;
}

/* Stops, reads, writes (and writes back) registers, steps 1000 times, runs on. */
static void script_debug(struct fake *fake)
{
	unsigned debugs = 0, exits = 0;
	struct kvm_regs regs, changed;

	vcpu_stop(fake, 0);
	regs = regs_get(fake, 0);
	changed = regs;
	changed.rdi ^= 0x5a5a;
	regs_set(fake, 0, &changed);
	if (regs_get(fake, 0).rdi != changed.rdi)
		die("SET_REGS had no effect");
	regs_set(fake, 0, &regs);
	kick(fake, 0); /* means nothing: it is parked */
	check_failures(fake, 0);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t before = regs.rip;
		uint32_t reason = vcpu_step(fake, 0, &regs);

		debugs += reason == CHANNEL_DEBUG;
		exits += reason == CHANNEL_VMM_EXIT;
		if (reason != CHANNEL_DEBUG && reason != CHANNEL_VMM_EXIT)
			die("step %u parked with reason %u", i, reason);
		if (regs.rip == before || regs.rip < 0x1000 || regs.rip > 0x1100)
			die("step %u: rip %#llx to %#llx", i, (long long)before,
				(long long)regs.rip);
	}
	fprintf(stderr, "# 1000 steps: %u debug exits, %u exits of the VMM's\n", debugs, exits);
	debug_set(fake, 0, &debug_off);
	vcpu_run(fake, 0);
	done();
}

/*
 * What a debugger does to call a function of the guest's: registers aside, run elsewhere, registers back.
 * An I/O instruction that was not complete before would be completed there, and its result lost.
 */
static void vcpu_call_elsewhere(struct fake *fake, unsigned vcpu)
{
	struct kvm_regs saved = regs_get(fake, vcpu), regs = saved;

	regs.rip = 0x3000;
	regs.rax = 0xffff;
	regs_set(fake, vcpu, &regs);
	vcpu_step(fake, vcpu, &regs);
	if (regs.rip <= 0x3000 || regs.rip > 0x3010)
		die("elsewhere is %#llx", (long long)regs.rip);
	debug_set(fake, vcpu, &debug_off);
	regs_set(fake, vcpu, &saved);
}

/* Stops and resumes as often as it can, at random distances. */
static void script_kicks(struct fake *fake)
{
	for (unsigned i = 0; i < 10000; i++) {
		for (int spin = rand() % (i % 8 ? 20000 : 200000); spin > 0; spin--)
			__asm__ volatile("");
		vcpu_stop(fake, 0);
		if (rand() % 4 == 0)
			kick(fake, 0);
		if (rand() % 4 == 0)
			vcpu_call_elsewhere(fake, 0);
		vcpu_run(fake, 0);
	}
	done();
}

/* The same to a vCPU that would not come by itself: a kick that gets lost is noticed. */
static void script_spinkicks(struct fake *fake)
{
	for (unsigned i = 0; i < 10000; i++) {
		for (int spin = rand() % 60000; i % 4 && spin > 0; spin--)
			__asm__ volatile("");
		vcpu_stop(fake, 1);
		if (rand() % 4 == 0)
			kick(fake, 1);
		vcpu_run(fake, 1);
	}
	done();
}

/* Keeps the vCPU parked for a while, and says so. */
static void script_pause(struct fake *fake)
{
	vcpu_stop(fake, 0);
	done();
	usleep(200000);
	vcpu_run(fake, 0);
}

/* Plants a row of bytes as the real one does, in code that is not executed, or not while they stand. */
static void plant_row(struct fake *fake, gpa_t gpa, unsigned count, int *slots)
{
	for (unsigned i = 0; i < count; i++) {
		uint8_t *at = fake->memory + gpa + i, original = *at;

		slots[i] = journal_add(&fake->journal, gpa + i, &original, "\xcc", 1);
		__atomic_store_n(at, 0xcc, __ATOMIC_SEQ_CST);
	}
}

static void unplant_row(struct fake *fake, gpa_t gpa, unsigned count, const int *slots)
{
	for (unsigned i = 0; i < count; i++) {
		struct journal_slot *slot = &fake->journal.page->slots[slots[i]];

		__atomic_store_n(fake->memory + gpa + i, slot->original[0], __ATOMIC_SEQ_CST);
		journal_remove(&fake->journal, slots[i]);
	}
}

/* Everything at once, until killed: plants, hardware breakpoints, steps, runs. */
static void script_chaos(struct fake *fake)
{
	struct kvm_guest_debug hw = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP };
	struct kvm_regs regs;
	int aside[32], executed[16];

	hw.arch.debugreg[0] = 0x1000;
	hw.arch.debugreg[7] = 0x402;
	srand((unsigned)getpid());
	done();
	for (;;) {
		vcpu_stop(fake, 0);
		plant_row(fake, 0x2000, 32, aside);
		plant_row(fake, 0x1000, 16, executed); /* killed here, the guest would crash */
		regs_get(fake, 0);
		unplant_row(fake, 0x1000, 16, executed);
		for (int i = rand() % 20; i > 0; i--)
			vcpu_step(fake, 0, &regs);
		debug_set(fake, 0, &hw);
		vcpu_run(fake, 0);
		expect(report(fake, 0), CHANNEL_DEBUG);
		vcpu_step(fake, 0, &regs);
		debug_set(fake, 0, rand() % 2 ? &debug_step : &debug_off);
		unplant_row(fake, 0x2000, 32, aside);
		debug_set(fake, 0, &debug_off);
		vcpu_run(fake, 0);
	}
}

/* The vCPUs were held: none has executed anything. */
static void script_hold(struct fake *fake)
{
	expect(report(fake, 0), CHANNEL_HELD);
	if (regs_get(fake, 0).rip != 0x1000)
		die("it ran though it was held");
	vcpu_run(fake, 0);
	kick(fake, 0);
	expect(report(fake, 0), CHANNEL_ASKED);
	vcpu_run(fake, 0);
	done();
}

/* The second vCPU never leaves the guest by itself. */
static void script_spinner(struct fake *fake)
{
	vcpu_stop(fake, 1);
	debug_set(fake, 1,
		&(struct kvm_guest_debug){
			.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP });
	vcpu_run(fake, 1);
	done();
}

/* Nothing: the VM is known and left alone. */
static void script_idle(struct fake *fake)
{
	(void)fake;
	done();
}

static void script_refuse(struct fake *fake)
{
	(void)fake;
}

/* A message that no daemon should send, to a running vCPU or to a parked one. */
static void script_liar(struct fake *fake)
{
	static unsigned round;
	struct channel_program head = { CHANNEL_PROGRAM, 1, CHANNEL_RUN, 1, 0 };
	static uint8_t bytes[CHANNEL_MAX_BYTES + 8];
	static const size_t lengths[] = { sizeof(head), 1, 15, 40, CHANNEL_MAX_BYTES,
		sizeof(bytes) };
	static const uint32_t requests[] = { 0, 0xae80, 0xae01, CHANNEL_SYNC_CODE, 0x8090ae81 };
	uint32_t request = requests[round % 5];
	size_t length = lengths[round / 5 % 6];

	memset(bytes, 0xff, sizeof(bytes));
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), &request, sizeof(request));
	if (round % 2)
		vcpu_stop(fake, 0);
	send(fake->channel_fd[0], bytes, length, MSG_NOSIGNAL);
	round++;
}

/* ---- life -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*play)(struct fake *fake);
} scripts[] = {
	{ "idle", script_idle },
	{ "refuse", script_refuse },
	{ "liar", script_liar },
	{ "debug", script_debug },
	{ "kicks", script_kicks },
	{ "chaos", script_chaos },
	{ "hold", script_hold },
	{ "spinner", script_spinner },
	{ "spinkicks", script_spinkicks },
	{ "pause", script_pause },
};

/* Bound under another name first: whoever sees path can connect. */
static int listener_open(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s.new", path);
	unlink(address.sun_path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0 ||
		rename(address.sun_path, path) < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

static void serve(struct fake *fake, void (*play)(struct fake *fake))
{
	vm_take(fake);
	if (fake->handover.state != HANDOVER_STATE_READY)
		return;
	play(fake);
	do {
		struct pollfd poll_fd = { fake->vmm_fd, POLLIN, 0 };

		poll(&poll_fd, 1, -1);
	} while (vmm_serve(fake));
}

int fake_daemon_main(const char *path, const char *script)
{
	static struct fake fake = { .vmm_fd = -1, .channel_fd = { -1, -1, -1, -1 } };

	fake.journal = JOURNAL_CLOSED;
	fake.listener_fd = listener_open(path);
	fake.refusal = strcmp(script, "refuse") == 0 ? HANDOVER_NAME_TAKEN : HANDOVER_OK;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		while (strcmp(script, scripts[i].name) == 0)
			serve(&fake, scripts[i].play);
	die("no script %s", script);
}

#endif
