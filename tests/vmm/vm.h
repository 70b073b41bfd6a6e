/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One virtual machine: KVM's VM, its memory, its devices, its vCPUs, and the tie to a debugger's
 * daemon, of which it knows no more than the calls of gdbproxy.h.
 */
#ifndef VM_H
#define VM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kvm/gdbproxy.h"
#include "tests/vmm/bus.h"
#include "tests/vmm/linux.h"
#include "tests/vmm/memory.h"
#include "tests/vmm/power.h"
#include "tests/vmm/uart.h"

struct vcpu;

/* Exit statuses of the VMM that are not the guest's own. */
#define VM_STATUS_CRASHED                                                                          \
	124                  /* the guest cannot go on: triple fault, KVM gave up, no such device */
#define VM_STATUS_FAILED 125 /* the VM could not be set up */

struct vm_options {
	const char *guest_path; /* an ELF file; NULL: a Linux kernel */
	struct linux_options linux_guest;
	const char *vcpu_socket; /* NULL: the library's default */
	const char *name;
	unsigned nr_vcpus;
	uint64_t memory_bytes;
	uint64_t argument; /* for the guest */
	bool hold;         /* wait for a debugger before the first instruction */
	bool pauth;        /* arm64: pointer authentication, where KVM has it */
	FILE *exit_log;    /* NULL: none */
};

struct vm {
	int kvm_fd;
	int vm_fd;
	int gic_fd; /* arm64's interrupt controller; -1 elsewhere */
	struct memory memory;
	struct bus ports;
	struct bus mmio;
	struct uart uart;
	struct power power;
	struct gdbproxy *proxy;
	struct vcpu *vcpus;
	unsigned nr_vcpus;
	uint64_t cpu_features; /* struct board_info */
	bool pauth;
	FILE *exit_log;

	atomic_bool ending; /* no vCPU shall enter the guest any more */
	int ended_fd;       /* an eventfd: readable once ending is set */
	int status;         /* of the first to end it */
};

/* A VM ready to run.  -errno after a line on stderr; vm_destroy() is right in either case. */
int vm_create(struct vm *vm, const struct vm_options *options);
void vm_destroy(struct vm *vm);

/*
 * Runs the guest in one thread for each vCPU until it ends or signal_fd becomes readable.  Returns
 * the exit status.
 */
int vm_run(struct vm *vm, int signal_fd);

/* Ends the VM with that status, unless it is ending already.  From any thread; does not wait. */
void vm_end(struct vm *vm, int status);

/* Ends the VM because the guest cannot go on. */
void vm_end_crashed(struct vm *vm);

#endif
