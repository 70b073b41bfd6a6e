/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libgdbproxy on real KVM: a small VMM runs a small guest whose exits are all foretold, while
 * daemons (fake_daemon.c, processes of their own) stop it, step it, lie to it and are killed.
 * Whatever they do, the VMM must see each exit once, in order, with the right data.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/kvm.h>

#include "kvm/lender.h"
#include "tests/system/fake_daemon.h"

#if !defined(__x86_64__)

int main(void)
{
	printf("1..0 # SKIP the guest of this test is x86-64 code\n");
	return 0;
}

#else

static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("# ");
	vprintf(format, arguments);
	va_end(arguments);
	printf("\nBail out!\n");
	exit(1);
}

#define CHECK(condition) ((condition) ? (void)0 : fail("%s:%d: %s", __FILE__, __LINE__, #condition))

/* ---- the guest --------------------------------------------------------------------------- */

/*
 * Real mode, at 0x1000.  Round k: OUT k; MMIO write of k; MMIO read m; IN i; sum += m + i; a pause; OUT sum.
 * An exit lost, repeated or completed twice shows in the data of those that follow.
 */
extern const char guest_code[], guest_end[], guest_spin[], guest_spin_end[];
__asm__(".pushsection .rodata\n"
	"guest_code: .code16\n"
	"1: incw %bx\n"
	"   movw %bx, %ax\n"
	"   outw %ax, $0x10\n"
	"   movw %bx, 0xf000\n"
	"   movw 0xf004, %dx\n"
	"   inw $0x11, %ax\n"
	"   addw %ax, %cx\n"
	"   addw %dx, %cx\n"
	"   movw $40, %si\n"
	"2: decw %si\n"
	"   jnz 2b\n"
	"   movw %cx, %ax\n"
	"   outw %ax, $0x12\n"
	"   jmp 1b\n"
	"guest_end:\n"
	"guest_spin: incl %eax\n"
	"   jmp guest_spin\n"
	"guest_spin_end: .code64\n"
	".popsection");

enum { CODE = 0x1000, MEMORY = 0xf000, SPIN_CODE = 0x3000 };

/* What the VMM answers to the guest's reads in round k. */
static uint16_t read_of_port(unsigned round)
{
	return (uint16_t)(round * 7 + 3);
}

static uint16_t read_of_memory(unsigned round)
{
	return (uint16_t)(round * 13 + 1);
}

/* ---- the VMM ----------------------------------------------------------------------------- */

struct cpu {
	int fd;
	struct kvm_run *run;
	struct gdbproxy_vcpu *vcpu; /* NULL: plain ioctl */
	unsigned exits;             /* seen so far */
	uint16_t sum;
	unsigned acks;   /* EINTRs with our own immediate_exit set */
	unsigned strays; /* EINTRs without: not ours */
};

struct machine {
	int kvm, vm, memfd;
	uint8_t *memory, *pristine;
	size_t run_size;
	struct cpu cpu[2];
};

static void cpu_create(struct machine *m, unsigned index, unsigned rip)
{
	struct cpu *cpu = &m->cpu[index];
	struct kvm_regs regs = { .rip = rip, .rflags = 2 };
	struct kvm_sregs sregs;

	cpu->fd = ioctl(m->vm, KVM_CREATE_VCPU, index);
	cpu->run = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	CHECK(cpu->fd >= 0 && cpu->run != MAP_FAILED);
	CHECK(ioctl(cpu->fd, KVM_GET_SREGS, &sregs) == 0);
	sregs.cs.base = sregs.cs.selector = 0;
	CHECK(ioctl(cpu->fd, KVM_SET_SREGS, &sregs) == 0);
	CHECK(ioctl(cpu->fd, KVM_SET_REGS, &regs) == 0);
}

static void machine_create(struct machine *m, int kvm)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY };

	memset(m, 0, sizeof(*m));
	m->kvm = kvm;
	m->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	m->run_size = (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	m->memfd = memfd_create("guest", MFD_CLOEXEC);
	CHECK(m->vm >= 0 && ftruncate(m->memfd, MEMORY) == 0);
	m->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, m->memfd, 0);
	memcpy(m->memory + CODE, guest_code, (size_t)(guest_end - guest_code));
	memcpy(m->memory + SPIN_CODE, guest_spin, (size_t)(guest_spin_end - guest_spin));
	m->pristine = malloc(MEMORY);
	memcpy(m->pristine, m->memory, MEMORY);
	region.userspace_addr = (uintptr_t)m->memory;
	CHECK(ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region) == 0);
	cpu_create(m, 0, CODE);
	cpu_create(m, 1, SPIN_CODE);
}

static void machine_destroy(struct machine *m)
{
	for (int i = 0; i < 2; i++) {
		munmap(m->cpu[i].run, m->run_size);
		close(m->cpu[i].fd);
	}
	munmap(m->memory, MEMORY);
	free(m->pristine);
	close(m->memfd);
	close(m->vm);
}

/* Adopts nr_vcpus of the machine; the calls' result is checked by the caller where it matters. */
static void check_attached(const struct gdbproxy *proxy, int line)
{
	if (!gdbproxy_is_attached(proxy))
		fail("line %d: not attached: %s", line, gdbproxy_error(proxy));
}

static struct gdbproxy *machine_adopt(
	struct machine *m, const char *path, unsigned nr_vcpus, enum gdbproxy_start start)
{
	struct gdbproxy *proxy;

	CHECK(gdbproxy_open(&proxy, path, "vm", nr_vcpus) == 0);
	CHECK(gdbproxy_add_memory(proxy, 0, MEMORY, m->memory, m->memfd, 0, 0) == 0);
	for (unsigned i = 0; i < nr_vcpus; i++)
		CHECK(gdbproxy_add_vcpu(
			      proxy, i, i, m->cpu[i].fd, m->cpu[i].run, &m->cpu[i].vcpu) == 0);
	CHECK(gdbproxy_ready(proxy, start) == 0);
	return proxy;
}

static void machine_release(struct machine *m, struct gdbproxy *proxy)
{
	gdbproxy_close(proxy);
	m->cpu[0].vcpu = m->cpu[1].vcpu = NULL;
}

static uint16_t *io_data(struct kvm_run *run)
{
	return (uint16_t *)(void *)((uint8_t *)run + run->io.data_offset);
}

static void expect_io(struct cpu *cpu, unsigned direction, unsigned port)
{
	CHECK(cpu->run->exit_reason == KVM_EXIT_IO);
	CHECK(cpu->run->io.direction == direction && cpu->run->io.port == port);
	CHECK(cpu->run->io.size == 2 && cpu->run->io.count == 1);
}

static void expect_mmio(struct cpu *cpu, bool is_write, uint64_t address)
{
	CHECK(cpu->run->exit_reason == KVM_EXIT_MMIO);
	CHECK(cpu->run->mmio.is_write == is_write && cpu->run->mmio.len == 2);
	CHECK(cpu->run->mmio.phys_addr == address);
}

/* Checks the next exit against what the guest must do now, and serves it. */
static void cpu_serve(struct cpu *cpu)
{
	unsigned round = cpu->exits / 5 + 1;
	uint16_t k = (uint16_t)round, data;

	switch (cpu->exits++ % 5) {
	case 0:
		expect_io(cpu, KVM_EXIT_IO_OUT, 0x10);
		CHECK(*io_data(cpu->run) == k);
		break;
	case 1:
		expect_mmio(cpu, true, 0xf000);
		CHECK(memcmp(cpu->run->mmio.data, &k, 2) == 0);
		break;
	case 2:
		expect_mmio(cpu, false, 0xf004);
		data = read_of_memory(round);
		memcpy(cpu->run->mmio.data, &data, 2);
		break;
	case 3:
		expect_io(cpu, KVM_EXIT_IO_IN, 0x11);
		*io_data(cpu->run) = read_of_port(round);
		break;
	default:
		expect_io(cpu, KVM_EXIT_IO_OUT, 0x12);
		cpu->sum = (uint16_t)(cpu->sum + read_of_port(round) + read_of_memory(round));
		CHECK(*io_data(cpu->run) == cpu->sum);
	}
}

/* One KVM_RUN as a VMM makes it. */
static void cpu_turn(struct cpu *cpu)
{
	int rc = cpu->vcpu ? gdbproxy_run(cpu->vcpu) : ioctl(cpu->fd, KVM_RUN, 0);

	if (rc == 0) {
		cpu_serve(cpu);
		return;
	}
	CHECK(rc == -1 && errno == EINTR);
	if (cpu->run->immediate_exit & 0x7f) {
		cpu->run->immediate_exit = 0;
		__atomic_fetch_add(&cpu->acks, 1, __ATOMIC_SEQ_CST);
	} else {
		cpu->strays++;
	}
}

static void cpu_run_exits(struct cpu *cpu, unsigned exits)
{
	for (unsigned end = cpu->exits + exits; cpu->exits != end;)
		cpu_turn(cpu);
}

/* ---- daemons ----------------------------------------------------------------------------- */

struct daemon {
	pid_t pid;
	int output_fd;
	char path[64];
};

static void daemon_start(struct daemon *d, const char *directory, const char *script)
{
	int output[2];

	snprintf(d->path, sizeof(d->path), "%s/vcpu.sock", directory);
	unlink(d->path);
	CHECK(pipe2(output, O_CLOEXEC) == 0);
	d->output_fd = output[0];
	fcntl(d->output_fd, F_SETFL, O_NONBLOCK);
	d->pid = fork();
	if (d->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(output[1], STDOUT_FILENO);
		execl("/proc/self/exe", "test_lender", "--daemon", d->path, script, (char *)NULL);
		_exit(127);
	}
	close(output[1]);
	while (access(d->path, F_OK) < 0)
		usleep(200);
}

/* Has it said 'd', or died? */
static bool daemon_is_done(struct daemon *d)
{
	char byte;
	ssize_t n = read(d->output_fd, &byte, 1);

	if (n == 0)
		fail("the daemon has failed");
	return n == 1;
}

static void daemon_kill(struct daemon *d)
{
	kill(d->pid, SIGKILL);
	waitpid(d->pid, NULL, 0);
	close(d->output_fd);
}

static void run_until_done(struct cpu *cpu, struct daemon *d)
{
	while (!daemon_is_done(d))
		cpu_turn(cpu);
}

static void run_until_attached(struct cpu *cpu, struct gdbproxy *proxy, int attached)
{
	time_t end = time(NULL) + 8;

	while (gdbproxy_is_attached(proxy) != attached) {
		cpu_turn(cpu);
		CHECK(time(NULL) < end);
	}
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* ---- tests ------------------------------------------------------------------------------- */

struct test {
	struct machine machine;
	const char *directory;
	char nowhere[64];
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Microseconds for an exit: the best of some tries. */
static double time_exits(struct cpu *cpu)
{
	double best = 1e9;

	for (int i = 0; i < 7; i++) {
		double start = now_s(), took;

		cpu_run_exits(cpu, 4000);
		took = now_s() - start;
		best = took < best ? took : best;
	}
	return best * 1e6 / 4000;
}

static void test_no_daemon(struct test *t)
{
	struct cpu *cpu = &t->machine.cpu[0];
	double plain = time_exits(cpu), detached, idle;
	struct gdbproxy *proxy = machine_adopt(&t->machine, t->nowhere, 1, GDBPROXY_RUN);
	struct daemon d;

	CHECK(!gdbproxy_is_attached(proxy));
	CHECK(strcmp(gdbproxy_error(proxy), "") == 0);
	CHECK(gdbproxy_notice(proxy, GDBPROXY_RESET, 0) == 0);
	detached = time_exits(cpu);
	machine_release(&t->machine, proxy);
	daemon_start(&d, t->directory, "idle");
	proxy = machine_adopt(&t->machine, d.path, 1, GDBPROXY_RUN);
	check_attached(proxy, __LINE__);
	idle = time_exits(cpu);
	machine_release(&t->machine, proxy);
	daemon_kill(&d);
	CHECK(cpu->strays == 0);
	printf("# us per exit: ioctl %.2f, no daemon %.2f, idle daemon %.2f\n", plain, detached,
		idle);
}

static void test_debugged(struct test *t)
{
	struct cpu *cpu = &t->machine.cpu[0];
	struct gdbproxy *proxy;
	struct daemon d;

	daemon_start(&d, t->directory, "debug");
	proxy = machine_adopt(&t->machine, d.path, 1, GDBPROXY_RUN);
	run_until_done(cpu, &d);
	cpu_run_exits(cpu, 1000);
	CHECK(cpu->strays == 0);
	machine_release(&t->machine, proxy);
	cpu_run_exits(cpu, 1000);
	daemon_kill(&d);
}

static void test_held(struct test *t)
{
	struct cpu *cpu = &t->machine.cpu[0];
	struct gdbproxy *proxy;
	struct daemon d;

	daemon_start(&d, t->directory, "hold");
	proxy = machine_adopt(&t->machine, d.path, 1, GDBPROXY_HOLD);
	run_until_done(cpu, &d);
	cpu_run_exits(cpu, 1000);
	CHECK(cpu->strays == 0);
	machine_release(&t->machine, proxy);
	daemon_kill(&d);
}

static struct cpu *kicked_cpu; /* for the signal handler below */

static void on_sigusr1(int signo)
{
	(void)signo;
	kicked_cpu->run->immediate_exit = 1;
}

struct kicker {
	pthread_t thread, target;
	struct cpu *cpu;
	struct daemon *daemon;
	_Atomic bool stop;
	unsigned kicks;
};

/*
 * The VMM's own kicks: each must be seen, once, before the next is sent.  And now and then a SIGURG that
 * means nothing, as a runtime in the VMM may use it: that must not be seen.
 */
static void *kicker_main(void *opaque)
{
	struct kicker *k = opaque;

	while (!k->stop) {
		unsigned acks = __atomic_load_n(&k->cpu->acks, __ATOMIC_SEQ_CST);

		pthread_kill(k->target, SIGURG);
		usleep((useconds_t)(rand() % 100));
		pthread_kill(k->target, SIGUSR1);
		k->kicks++;
		for (int ms = 0; __atomic_load_n(&k->cpu->acks, __ATOMIC_SEQ_CST) == acks; ms++) {
			if (k->stop)
				return NULL;
			CHECK(ms < 100000);
			usleep(100);
		}
		CHECK(__atomic_load_n(&k->cpu->acks, __ATOMIC_SEQ_CST) == acks + 1);
		usleep((useconds_t)(rand() % 300));
	}
	return NULL;
}

static void test_kick_stress(struct test *t)
{
	struct cpu *cpu = &t->machine.cpu[0];
	struct kicker k = { .target = pthread_self(), .cpu = cpu };
	struct gdbproxy *proxy;
	struct daemon d;
	unsigned start = cpu->exits;

	kicked_cpu = cpu;
	daemon_start(&d, t->directory, "kicks");
	proxy = machine_adopt(&t->machine, d.path, 1, GDBPROXY_RUN);
	pthread_create(&k.thread, NULL, kicker_main, &k);
	run_until_done(cpu, &d);
	k.stop = true;
	pthread_join(k.thread, NULL);
	cpu_run_exits(cpu, 1000);
	printf("# 10000 kicks of the daemon's, %u of the VMM's, %u seen, %u stray, %u exits\n",
		k.kicks, cpu->acks, cpu->strays, cpu->exits - start);
	CHECK(cpu->strays == 0 && cpu->acks == k.kicks);
	machine_release(&t->machine, proxy);
	daemon_kill(&d);
}

/* Kills the daemon in a while: this thread may be parked by then. */
static pid_t kill_later(const struct daemon *d, unsigned within_us)
{
	unsigned delay_us = (unsigned)rand() % within_us;
	pid_t killer = fork();

	if (killer == 0) {
		usleep(delay_us);
		kill(d->pid, SIGKILL);
		_exit(0);
	}
	return killer;
}

static void test_killed_daemon(struct test *t)
{
	struct machine *m = &t->machine;

	for (int i = 0; i < 200; i++) {
		struct gdbproxy *proxy;
		struct daemon d;
		pid_t killer;

		daemon_start(&d, t->directory, "chaos");
		proxy = machine_adopt(m, d.path, 1, GDBPROXY_RUN);
		run_until_done(&m->cpu[0], &d);
		killer = kill_later(&d, 8000);
		run_until_attached(&m->cpu[0], proxy, 0);
		CHECK(memcmp(m->memory, m->pristine, MEMORY) == 0);
		CHECK(!m->cpu[0].vcpu->debugged);
		cpu_run_exits(&m->cpu[0], 50);
		waitpid(killer, NULL, 0);
		daemon_kill(&d);
		machine_release(m, proxy);
	}
	CHECK(m->cpu[0].strays == 0);
}

static void test_adopted_again(struct test *t)
{
	struct cpu *cpu = &t->machine.cpu[0];
	struct gdbproxy *proxy;
	struct daemon d;

	daemon_start(&d, t->directory, "idle");
	proxy = machine_adopt(&t->machine, d.path, 1, GDBPROXY_RUN);
	for (int i = 0; i < 2; i++) {
		daemon_kill(&d);
		run_until_attached(cpu, proxy, 0);
		daemon_start(&d, t->directory, "debug");
		run_until_attached(cpu, proxy, 1);
		run_until_done(cpu, &d);
	}
	CHECK(cpu->strays == 0);
	machine_release(&t->machine, proxy);
	daemon_kill(&d);
}

static void test_refused(struct test *t)
{
	struct gdbproxy *proxy;
	struct daemon d;

	daemon_start(&d, t->directory, "refuse");
	CHECK(gdbproxy_open(&proxy, d.path, "vm", 1) == -EPROTO);
	CHECK(strstr(gdbproxy_error(proxy), "as the script says"));
	CHECK(!gdbproxy_is_attached(proxy));
	machine_release(&t->machine, proxy);
	daemon_kill(&d);
	proxy = machine_adopt(&t->machine, d.path, 1, GDBPROXY_HOLD);
	cpu_run_exits(&t->machine.cpu[0], 100);
	machine_release(&t->machine, proxy);
}

/* Whatever a daemon sends, the VMM lets go of it, runs on, and takes the next one. */
static void test_lying_daemon(struct test *t)
{
	struct daemon d;

	daemon_start(&d, t->directory, "liar");
	for (int i = 0; i < 30; i++) {
		struct gdbproxy *proxy = machine_adopt(&t->machine, d.path, 1, GDBPROXY_RUN);

		run_until_attached(&t->machine.cpu[0], proxy, 0);
		cpu_run_exits(&t->machine.cpu[0], 20);
		machine_release(&t->machine, proxy);
	}
	CHECK(t->machine.cpu[0].strays == 0);
	daemon_kill(&d);
}

static void *spinner_main(void *opaque)
{
	struct cpu *cpu = opaque;
	int rc = gdbproxy_run(cpu->vcpu);

	CHECK(rc == -1 && errno == EINTR && cpu->run->immediate_exit == 1);
	return NULL;
}

static void wait_for_undebug(struct cpu *cpu, bool debugged)
{
	for (int ms = 0; __atomic_load_n(&cpu->vcpu->debugged, __ATOMIC_SEQ_CST) != debugged;
		ms++) {
		CHECK(ms < 50000);
		usleep(100);
	}
}

/*
 * A vCPU that never leaves the guest by itself: it notices that the daemon died, and the next
 * daemon, with which another thread has registered it, stops it all the same.
 */
static void test_spinning_vcpu(struct test *t)
{
	struct machine *m = &t->machine;
	struct gdbproxy *proxy;
	pthread_t spinner;
	struct daemon d;

	daemon_start(&d, t->directory, "spinner");
	proxy = machine_adopt(m, d.path, 2, GDBPROXY_RUN);
	kicked_cpu = &m->cpu[1];
	pthread_create(&spinner, NULL, spinner_main, &m->cpu[1]);
	for (int i = 0; i < 3; i++) {
		run_until_done(&m->cpu[0], &d);
		CHECK(m->cpu[1].vcpu->debugged);
		daemon_kill(&d);
		wait_for_undebug(&m->cpu[1], false);
		run_until_attached(&m->cpu[0], proxy, 0);
		daemon_start(&d, t->directory, "spinner");
		run_until_attached(&m->cpu[0], proxy, 1);
	}
	run_until_done(&m->cpu[0], &d);
	pthread_kill(spinner, SIGUSR1);
	pthread_join(spinner, NULL);
	m->cpu[1].run->immediate_exit = 0;
	CHECK(m->cpu[0].strays == 0);
	machine_release(m, proxy);
	daemon_kill(&d);
}

/*
 * Stands in front of libc's: makes the moment long between the lender's last look and KVM_RUN, in which a
 * signal alone would be lost.
 */
static unsigned delay_before_run_us;

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == KVM_RUN && delay_before_run_us)
		for (double end = now_s() + delay_before_run_us / 1e6; now_s() < end;)
			;
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

static void test_spinning_vcpu_kicks(struct test *t)
{
	struct machine *m = &t->machine;
	struct gdbproxy *proxy;
	pthread_t spinner;
	struct daemon d;

	daemon_start(&d, t->directory, "spinkicks");
	proxy = machine_adopt(m, d.path, 2, GDBPROXY_RUN);
	kicked_cpu = &m->cpu[1];
	delay_before_run_us = 20;
	pthread_create(&spinner, NULL, spinner_main, &m->cpu[1]);
	while (!daemon_is_done(&d))
		usleep(1000);
	pthread_kill(spinner, SIGUSR1);
	pthread_join(spinner, NULL);
	delay_before_run_us = 0;
	m->cpu[1].run->immediate_exit = 0;
	machine_release(m, proxy);
	daemon_kill(&d);
}

static void on_sigusr2(int signo)
{
	(void)signo;
}

/* Interrupts a parked vCPU as a VMM does that knows no immediate_exit. */
static void *interrupter_main(void *opaque)
{
	struct kicker *k = opaque;

	while (!daemon_is_done(k->daemon))
		usleep(1000);
	usleep(50000);
	pthread_kill(k->target, SIGUSR2);
	return NULL;
}

static void test_signal_while_parked(struct test *t)
{
	struct cpu *cpu = &t->machine.cpu[0];
	struct kicker k = { .target = pthread_self(), .cpu = cpu };
	struct gdbproxy *proxy;
	struct daemon d;

	daemon_start(&d, t->directory, "pause");
	k.daemon = &d;
	proxy = machine_adopt(&t->machine, d.path, 1, GDBPROXY_RUN);
	pthread_create(&k.thread, NULL, interrupter_main, &k);
	while (cpu->strays == 0)
		cpu_turn(cpu);
	pthread_join(k.thread, NULL);
	cpu_run_exits(cpu, 1000);
	CHECK(cpu->strays == 1);
	machine_release(&t->machine, proxy);
	daemon_kill(&d);
}

static void test_hot_plug(struct test *t)
{
	struct machine *m = &t->machine;
	void *more = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct gdbproxy *proxy;
	struct daemon d;

	daemon_start(&d, t->directory, "idle");
	proxy = machine_adopt(m, d.path, 1, GDBPROXY_RUN);
	CHECK(gdbproxy_add_memory(proxy, 0x100000, 0x2000, more, -1, 0, 0) == 0);
	CHECK(gdbproxy_add_memory(proxy, 0x101000, 0x1000, more, -1, 0, 0) == -EEXIST);
	CHECK(strlen(gdbproxy_error(proxy)) > 10);
	CHECK(gdbproxy_add_memory(proxy, 0x200000, 0x2001, more, -1, 0, 0) == -EINVAL);
	CHECK(gdbproxy_remove_memory(proxy, 0x101000) == -ENOENT);
	CHECK(gdbproxy_remove_memory(proxy, 0x100000) == 0);
	CHECK(gdbproxy_add_memory(proxy, 0x101000, 0x1000, more, -1, 0, 0) == 0);
	for (int i = 0; i < 2000; i++) /* answers that nobody reads must not pile up */
		while (gdbproxy_notice(proxy, GDBPROXY_RESET, i) == -EAGAIN)
			usleep(100);
	check_attached(proxy, __LINE__);
	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS - 2; i++)
		CHECK(gdbproxy_add_memory(proxy, 0x200000 + i * 0x1000, 0x1000, more, -1, 0, 0) ==
			0);
	CHECK(gdbproxy_add_memory(proxy, 0x900000, 0x1000, more, -1, 0, 0) == -ENOSPC);
	check_attached(proxy, __LINE__);
	machine_release(m, proxy);
	daemon_kill(&d);
	munmap(more, 0x2000);
}

static void test_no_fd_leaks(struct test *t)
{
	struct daemon d;
	int before;

	daemon_start(&d, t->directory, "idle");
	before = count_fds();
	for (int i = 0; i < 1000; i++) {
		struct gdbproxy *proxy = machine_adopt(&t->machine, d.path, 1, GDBPROXY_RUN);

		check_attached(proxy, __LINE__);
		if (i % 10 == 0)
			cpu_run_exits(&t->machine.cpu[0], 5);
		machine_release(&t->machine, proxy);
	}
	CHECK(count_fds() == before);
	daemon_kill(&d);
}

static const struct {
	const char *name;
	void (*run)(struct test *test);
} tests[] = {
	{ "without a daemon and with an idle one the exits are those of ioctl", test_no_daemon },
	{ "kick, registers, 1000 single steps: the VMM sees nothing of it", test_debugged },
	{ "held until the daemon says so", test_held },
	{ "10000 kicks: no exit lost or added, all of the VMM's own kicks seen", test_kick_stress },
	{ "200 daemons killed: memory restored, guest debug off, guest unharmed",
		test_killed_daemon },
	{ "adopted by the next daemon, and the next", test_adopted_again },
	{ "refused by a daemon: said in words, and the VM runs", test_refused },
	{ "a lying daemon is let go of", test_lying_daemon },
	{ "a vCPU that never exits notices death and next daemon", test_spinning_vcpu },
	{ "10000 kicks of a vCPU that never exits: none is lost", test_spinning_vcpu_kicks },
	{ "a bare signal to a parked vCPU: the VMM gets its EINTR", test_signal_while_parked },
	{ "memory comes and goes", test_hot_plug },
	{ "1000 times open and close leave no fd", test_no_fd_leaks },
};

/* test_lender N...: these of them only. */
static bool is_wanted(int argc, char **argv, int number)
{
	for (int i = 1; i < argc; i++)
		if (atoi(argv[i]) == number)
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	struct sigaction kick = { .sa_handler = on_sigusr1 };
	struct sigaction bare = { .sa_handler = on_sigusr2, .sa_flags = SA_RESTART };
	char directory[] = "/tmp/test_lender.XXXXXX", path[64];
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (argc == 4 && strcmp(argv[1], "--daemon") == 0)
		return fake_daemon_main(argv[2], argv[3]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (kvm < 0) {
		printf("1..0 # SKIP /dev/kvm: %s\n", strerror(errno));
		return 0;
	}
	sigaction(SIGUSR1, &kick, NULL);
	sigaction(SIGUSR2, &bare, NULL);
	CHECK(mkdtemp(directory));
	printf("1..%zu\n", sizeof(tests) / sizeof(tests[0]));
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		struct test test = { .directory = directory };
		double start = now_s();

		if (!is_wanted(argc, argv, (int)i + 1)) {
			printf("ok %zu - %s # SKIP not asked for here\n", i + 1, tests[i].name);
			continue;
		}
		snprintf(test.nowhere, sizeof(test.nowhere), "%s/nobody", directory);
		machine_create(&test.machine, kvm);
		alarm(120); /* nothing hangs for ever */
		tests[i].run(&test);
		machine_destroy(&test.machine);
		printf("ok %zu - %s (%.1f s)\n", i + 1, tests[i].name, now_s() - start);
	}
	snprintf(path, sizeof(path), "%s/vcpu.sock", directory);
	unlink(path);
	rmdir(directory);
	return 0;
}

#endif
