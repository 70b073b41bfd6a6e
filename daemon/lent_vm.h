/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a VMM has lent of one VM: its name, memory, vCPUs and journal, as file descriptors that the
 * daemon holds.  main fills it as the handover goes; a worker builds its struct vm from it and keeps
 * it up to date.  Owns every fd in it.
 */
#ifndef DAEMON_LENT_VM_H
#define DAEMON_LENT_VM_H

#include "kvm/vm.h"
#include "protocol/handover.h"

struct lent_region {
	uint64_t gpa, size, offset, hva;
	bool is_process; /* fd is the VMM's /proc/PID/mem, to be used at hva */
	bool is_writable;
	int fd;
};

struct lent_vcpu {
	int vcpu_fd; /* kept so that nobody else can pass it for another; see kvm/port.h */
	int channel_fd;
};

struct lent_vm {
	char name[HANDOVER_NAME_SIZE];
	pid_t pid; /* of the VMM when it connected, as the kernel says (SO_PEERCRED) */
	uid_t uid; /* whose process that was */
	unsigned vcpu_count;
	struct lent_vcpu *vcpus;
	unsigned region_count;
	struct lent_region regions[HANDOVER_MAX_REGIONS];
	struct journal journal;
};

/* Makes the journal and room for vcpu_count vCPUs.  0 or -errno. */
int lent_vm_init(struct lent_vm *lent, const char *name, pid_t pid, uid_t uid, unsigned vcpu_count);

/*
 * In place of the empty journal: that of a main before; takes fd, also on failure.  0 or -errno of
 * journal_open().
 */
int lent_vm_adopt_journal(struct lent_vm *lent, int fd);

/* So many fds at most, in any lent VM. */
enum { LENT_VM_MAX_FDS = 1 + HANDOVER_MAX_REGIONS + 2 * HANDOVER_MAX_VCPUS };

/* Every fd of it, in no order, -1 where there is none; how many. */
unsigned lent_vm_fds(const struct lent_vm *lent, int *fds);

/* Closes every fd; safe on one that is all zero but for an init that failed. */
void lent_vm_fini(struct lent_vm *lent);

/*
 * Follows an accepted MEMORY_ADD; fd -1: the memory of process pid.  Takes fd, also on failure.
 * 0, -ENOSPC, -EPERM when that process is not uid's any more, or what opening /proc/PID/mem said.
 */
int lent_vm_add_memory(struct lent_vm *lent, const struct handover_memory_add *message, int fd);

/* The same in a worker: main has opened fd; is_process: it is such a /proc/PID/mem.  0 or -ENOSPC. */
int lent_vm_keep_memory(
	struct lent_vm *lent, const struct handover_memory_add *message, int fd, bool is_process);

/* Whether the region that begins at gpa is reached by a /proc/PID/mem. */
bool lent_vm_is_process(const struct lent_vm *lent, uint64_t gpa);

/* Follows an accepted MEMORY_REMOVE. */
void lent_vm_remove_memory(struct lent_vm *lent, uint64_t gpa);

/* Follows an accepted VCPU; takes both fds. */
void lent_vm_add_vcpu(struct lent_vm *lent, unsigned index, int vcpu_fd, int channel_fd);

/* Adds region `index` to a worker's memory.  0 or -errno of memory_add_file(). */
int lent_vm_map(const struct lent_vm *lent, unsigned index, struct memory *memory);

/*
 * Builds the debug target of this VM: memory mapped, channels moved over to it (lent keeps none).
 * 0 or -errno, with nothing to be undone.
 */
int lent_vm_open(
	struct lent_vm *lent, struct vm *vm, const struct vm_hooks *hooks, int stop_timeout_ms);

#endif
