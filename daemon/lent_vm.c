/* SPDX-License-Identifier: Apache-2.0 */
/* What a VMM has lent: see lent_vm.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/lent_vm.h"
#include "kvm/transfer.h"

static void lent_vm_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int lent_vm_init(struct lent_vm *lent, const char *name, pid_t pid, uid_t uid, unsigned vcpu_count)
{
	memset(lent, 0, sizeof(*lent));
	lent->journal = JOURNAL_CLOSED;
	snprintf(lent->name, sizeof(lent->name), "%s", name);
	lent->pid = pid;
	lent->uid = uid;
	lent->vcpus = calloc(vcpu_count, sizeof(*lent->vcpus));
	if (!lent->vcpus)
		return -ENOMEM;
	lent->vcpu_count = vcpu_count;
	for (unsigned i = 0; i < vcpu_count; i++)
		lent->vcpus[i] = (struct lent_vcpu){ .vcpu_fd = -1, .channel_fd = -1 };
	return journal_create(&lent->journal);
}

int lent_vm_adopt_journal(struct lent_vm *lent, int fd)
{
	struct journal journal;
	int rc = journal_open(fd, &journal);

	if (rc == 0)
		rc = journal_keep_to_oneself(&journal);
	if (rc < 0) {
		journal_close(&journal);
		close(fd);
		return rc;
	}
	journal.fd = fd;
	journal_close(&lent->journal);
	lent->journal = journal;
	return 0;
}

void lent_vm_fini(struct lent_vm *lent)
{
	for (unsigned i = 0; i < lent->region_count; i++)
		lent_vm_close(&lent->regions[i].fd);
	for (unsigned i = 0; i < lent->vcpu_count; i++) {
		lent_vm_close(&lent->vcpus[i].vcpu_fd);
		lent_vm_close(&lent->vcpus[i].channel_fd);
	}
	free(lent->vcpus);
	lent->vcpus = NULL;
	lent->vcpu_count = lent->region_count = 0;
	journal_close(&lent->journal);
}

unsigned lent_vm_fds(const struct lent_vm *lent, int *fds)
{
	unsigned count = 0;

	fds[count++] = lent->journal.fd;
	for (unsigned i = 0; i < lent->region_count; i++)
		fds[count++] = lent->regions[i].fd;
	for (unsigned i = 0; i < lent->vcpu_count; i++) {
		fds[count++] = lent->vcpus[i].vcpu_fd;
		fds[count++] = lent->vcpus[i].channel_fd;
	}
	return count;
}

/*
 * The process that connected may have ended, and its number be another's by now; or it may have
 * executed a set-uid program and left the connection to a child: then we, who may be privileged,
 * would open for its user what its user may not.  A process directory belongs to the user whose process it
 * is, and to root when that user may not look into it (proc(5), prctl(2) PR_SET_DUMPABLE).
 * Opened first and looked at after, through one directory: so it is the same process throughout.
 */
/* syscalls(main): open openat fstat */
static int lent_vm_open_process(const struct lent_vm *lent)
{
	int directory_fd, fd, rc;
	struct stat status;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)lent->pid);
	directory_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory_fd < 0)
		return -errno;
	fd = openat(directory_fd, "mem", O_RDWR | O_CLOEXEC);
	rc = fd < 0 ? -errno : fd;
	if (fd >= 0 && (fstat(directory_fd, &status) < 0 || status.st_uid != lent->uid)) {
		close(fd);
		rc = -EPERM;
	}
	close(directory_fd);
	return rc;
}

/* syscalls(main, worker): fcntl */
int lent_vm_keep_memory(
	struct lent_vm *lent, const struct handover_memory_add *message, int fd, bool is_process)
{
	struct lent_region region = {
		.gpa = message->gpa,
		.size = message->size,
		.offset = message->offset,
		.hva = message->hva,
		.is_process = is_process,
		.fd = fd,
	};
	int flags;

	if (lent->region_count == HANDOVER_MAX_REGIONS) {
		lent_vm_close(&region.fd);
		return -ENOSPC;
	}
	flags = fcntl(region.fd, F_GETFL);
	region.is_writable = flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
	lent->regions[lent->region_count++] = region;
	return 0;
}

int lent_vm_add_memory(struct lent_vm *lent, const struct handover_memory_add *message, int fd)
{
	bool is_process = fd < 0;

	if (is_process)
		fd = lent_vm_open_process(lent);
	return fd < 0 ? fd : lent_vm_keep_memory(lent, message, fd, is_process);
}

bool lent_vm_is_process(const struct lent_vm *lent, uint64_t gpa)
{
	for (unsigned i = 0; i < lent->region_count; i++)
		if (lent->regions[i].gpa == gpa)
			return lent->regions[i].is_process;
	return false;
}

void lent_vm_remove_memory(struct lent_vm *lent, uint64_t gpa)
{
	for (unsigned i = 0; i < lent->region_count; i++) {
		if (lent->regions[i].gpa != gpa)
			continue;
		lent_vm_close(&lent->regions[i].fd);
		lent->regions[i] = lent->regions[--lent->region_count];
		return;
	}
}

void lent_vm_add_vcpu(struct lent_vm *lent, unsigned index, int vcpu_fd, int channel_fd)
{
	lent->vcpus[index] = (struct lent_vcpu){ .vcpu_fd = vcpu_fd, .channel_fd = channel_fd };
}

/* syscalls(main, worker): fcntl */
int lent_vm_map(const struct lent_vm *lent, unsigned index, struct memory *memory)
{
	const struct lent_region *region = &lent->regions[index];
	int fd;

	if (!region->is_process)
		return memory_add_file(memory, region->gpa, region->size, region->fd,
			region->offset, region->is_writable, region->hva);
	fd = fcntl(region->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	return memory_add_process(memory, region->gpa, region->size, fd, region->hva);
}

int lent_vm_open(
	struct lent_vm *lent, struct vm *vm, const struct vm_hooks *hooks, int stop_timeout_ms)
{
	int rc = vm_init(
		vm, transfer_arch(), hooks, lent->journal.fd, lent->vcpu_count, stop_timeout_ms);

	for (unsigned i = 0; rc == 0 && i < lent->region_count; i++) {
		rc = lent_vm_map(lent, i, &vm->memory);
		if (rc < 0)
			vm_fini(vm);
	}
	for (unsigned i = 0; rc == 0 && i < lent->vcpu_count; i++) {
		vm_add_vcpu(vm, i, lent->vcpus[i].channel_fd);
		lent->vcpus[i].channel_fd = -1;
	}
	return rc;
}
