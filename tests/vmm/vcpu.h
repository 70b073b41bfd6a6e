/* SPDX-License-Identifier: Apache-2.0 */
/* One vCPU: its fd, its shared page with KVM, and the thread that runs it. */
#ifndef VCPU_H
#define VCPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct gdbproxy_vcpu;
struct kvm_run;
struct vm;

struct vcpu {
	struct vm *vm;
	unsigned index;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	struct gdbproxy_vcpu *lent;
	unsigned long nr_exits;
	pthread_t thread;
	bool has_thread;
};

/* Makes vCPU index of vm.  -errno after a line on stderr; vcpu_destroy() is right in either case. */
int vcpu_create(struct vcpu *vcpu, struct vm *vm, unsigned index);
void vcpu_destroy(struct vcpu *vcpu);

/* Starts the thread; it ends by itself once vm->ending is set and it was kicked. */
int vcpu_start(struct vcpu *vcpu);

/* Gets the vCPU out of the guest and waits for its thread.  vm->ending must be set. */
void vcpu_stop(struct vcpu *vcpu);

#endif
