/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libgdbproxy: lets gdbproxyd debug the guest of this VMM.
 *
 * The whole adoption:
 *
 *	struct gdbproxy *proxy = NULL;
 *	gdbproxy_open(&proxy, "/run/gdbproxyd/vcpu.sock", "my-vm", nr_vcpus);
 *	gdbproxy_add_memory(proxy, 0, size, memory, memfd, 0, 0);
 *	for each vCPU: gdbproxy_add_vcpu(proxy, index, vcpu_id, vcpu_fd, kvm_run, &vcpu[index]);
 *	gdbproxy_ready(proxy, GDBPROXY_RUN);
 *	...
 *	in each vCPU's thread: gdbproxy_run(vcpu[index]) in place of ioctl(vcpu_fd, KVM_RUN, 0)
 *	...
 *	gdbproxy_close(proxy);
 *
 * With no daemon to be reached every call succeeds and gdbproxy_run() is that ioctl and, about once a
 * second, a look for a daemon: a VMM may link the library always.  That one is made by connect(2), and a
 * timer (timer_create(2), where the VMM's seccomp filter allows it) brings vCPU 0 out of KVM_RUN for it.
 *
 * A daemon that dies while it debugs the guest costs the guest nothing: what it had planted is taken back
 * and the guest runs on.  Only a daemon configured so (on-worker-death = hold) has it wait, for 3 s at most,
 * to be taken again.
 *
 * Plain C, no dependency but libc and the kernel.  Every function returns 0 or -errno unless it
 * says otherwise, and gdbproxy_error() has the cause in words.
 */
#ifndef GDBPROXY_H
#define GDBPROXY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct kvm_run;
struct gdbproxy;      /* one VM's tie to the daemon */
struct gdbproxy_vcpu; /* one vCPU of it */

/* Flags of gdbproxy_add_memory(). */
#define GDBPROXY_MEMORY_READONLY 1u /* a ROM: the guest cannot write it (KVM_MEM_READONLY) */

/* How the guest starts: gdbproxy_ready(). */
enum gdbproxy_start {
	GDBPROXY_RUN = 0,  /* at once */
	GDBPROXY_HOLD = 1, /* every vCPU waits before its first instruction for a debugger */
};

/*
 * Makes the tie and greets the daemon that listens at vcpu_socket (NULL: the default
 * "/run/gdbproxyd/vcpu.sock").  name is what people will see: 1 to 63 of [A-Za-z0-9._-], not
 * starting with '.'.  *out is set even when no daemon answers: that is no error (but
 * gdbproxy_is_attached() tells), everything then costs nothing.  -EINVAL for a bad argument,
 * -ENOMEM; -EPROTO or -EACCES when a daemon answered and refused (gdbproxy_error() has its words;
 * *out is usable all the same, as with no daemon).
 */
int gdbproxy_open(
	struct gdbproxy **out, const char *vcpu_socket, const char *name, unsigned nr_vcpus);

/*
 * Tells of size bytes of guest memory at guest-physical gpa, which this process has mapped at hva.
 * fd >= 0: the memfd or file behind it (MAP_SHARED), with the region starting at offset; the fd
 * stays the caller's.  fd -1: anonymous memory, reached through this process's address space
 * where the daemon has the right to (same user, or CAP_SYS_PTRACE).  May be called later
 * too (hot-plug).  -EINVAL, -EEXIST (overlaps), -ENOSPC.
 */
int gdbproxy_add_memory(struct gdbproxy *proxy, uint64_t gpa, uint64_t size, void *hva, int fd,
	uint64_t offset, unsigned flags);

/*
 * Takes a region that begins at gpa back.  When it returns nothing of a debugger's is in that memory any more; keep it
 * mapped until then: some seconds at most, where a daemon or one of its processes stands still.  -ENOENT.
 */
int gdbproxy_remove_memory(struct gdbproxy *proxy, uint64_t gpa);

/*
 * Lends vCPU index (0 ... nr_vcpus - 1): vcpu_fd from KVM_CREATE_VCPU with the KVM vCPU id
 * vcpu_id, and its mapped kvm_run.  Both stay the caller's and must outlive *out, which
 * gdbproxy_close() frees.
 */
int gdbproxy_add_vcpu(struct gdbproxy *proxy, unsigned index, unsigned vcpu_id, int vcpu_fd,
	struct kvm_run *run, struct gdbproxy_vcpu **out);

/* All memory and vCPUs are told: from now on the VM can be debugged. */
int gdbproxy_ready(struct gdbproxy *proxy, enum gdbproxy_start start);

/*
 * Replaces ioctl(vcpu_fd, KVM_RUN, 0): same return value, same errno, same contents of kvm_run, for
 * every exit that is not the debugger's business; those it keeps to itself, and it returns only
 * when the guest ran on and something else came up.  An exit that ends or resets the guest is held
 * back until the debugger has seen it.  On x86-64, while the guest is debugged, kvm_valid_regs is ours
 * and s.regs (KVM_CAP_SYNC_REGS) has what was asked for, unless the VMM has set kvm_valid_regs itself.
 * Call it from the vCPU's own thread.
 * Uses SIGURG in that thread (installs a handler where there is none and unblocks it); the VMM
 * may go on using its own signals and kvm_run->immediate_exit as before.
 */
int gdbproxy_run(struct gdbproxy_vcpu *vcpu);

/* What happened to the guest, for gdbproxy_notice(). */
enum gdbproxy_event {
	GDBPROXY_RESET = 1,    /* about to start over: vCPUs are being reset */
	GDBPROXY_SHUTDOWN = 2, /* the guest powered off; status in detail */
	GDBPROXY_CRASHED = 3,  /* triple fault, or KVM gave up: the guest cannot go on */
};

/*
 * Tells the debugger's user, if there is one.  Does not wait for the daemon; -EAGAIN when it is
 * so far behind that the notice was not sent.
 */
int gdbproxy_notice(struct gdbproxy *proxy, enum gdbproxy_event event, int detail);

/* 1 while a daemon knows this VM, else 0. */
int gdbproxy_is_attached(const struct gdbproxy *proxy);

/*
 * The last call's failure in words, valid until the next call; "" when there was none.  After a 0 it may
 * say why the VM goes on without the daemon that it had.
 */
const char *gdbproxy_error(const struct gdbproxy *proxy);

/*
 * Says goodbye and frees everything.  No thread may be in gdbproxy_run().  A vCPU that is to go on should have returned EINTR
 * there last: amid an exit, a TF of its own that a debugger's step has hidden cannot be put back (x86-64).  NULL is fine.
 */
void gdbproxy_close(struct gdbproxy *proxy);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
