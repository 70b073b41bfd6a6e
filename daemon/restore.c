/* SPDX-License-Identifier: Apache-2.0 */
/* VMs from the fd store: see restore.h. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/daemon.h"
#include "daemon/fd_receive.h"
#include "daemon/log.h"
#include "daemon/peer.h"
#include "daemon/restore.h"
#include "daemon/vmm.h"

/* A descriptor that was kept. */
struct restore_fd {
	struct store_name name;
	const char *text;
	int fd;                   /* -1: taken */
	struct handover_fd facts; /* of a vCPU's: a VM can have a thousand */
	ino_t inode;              /* of a channel's */
};

/* One VM's. */
struct restore {
	struct daemon *daemon;
	struct restore_fd *fds;
	unsigned count;
	struct vmm *vmm;              /* once the connection is found */
	struct stored_vm record;      /* a copy: what was checked does not change any more */
	char why[HANDOVER_TEXT_SIZE]; /* it is to be given back; "": it is not */
};

__attribute__((format(printf, 2, 3))) static void restore_fail(
	struct restore *restore, const char *format, ...)
{
	va_list arguments;

	if (restore->why[0])
		return; /* the first cause is the one to be told */
	va_start(arguments, format);
	vsnprintf(restore->why, sizeof(restore->why), format, arguments);
	va_end(arguments);
}

/* ---- what was kept ----------------------------------------------------------------------- */

static struct restore_fd *restore_find(
	struct restore *restore, enum store_role role, unsigned number)
{
	for (unsigned i = 0; i < restore->count; i++) {
		struct restore_fd *kept = &restore->fds[i];

		if (kept->fd >= 0 && kept->name.role == role && kept->name.number == number)
			return kept;
	}
	return NULL;
}

/* -1: there is none. */
static int restore_take(struct restore *restore, enum store_role role)
{
	struct restore_fd *kept = restore_find(restore, role, 0);
	int fd = kept ? kept->fd : -1;

	if (kept)
		kept->fd = -1;
	return fd;
}

/* syscalls(start): fcntl */
static int fd_copy(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* syscalls(start): fcntl fstat */
static int restore_memory_fd(struct restore *restore, const struct stored_file *file)
{
	const struct restore_fd *kept = restore_find(restore, STORE_MEMORY, file->number);
	struct stat status;
	int flags;

	if (!kept)
		return -1;
	flags = fcntl(kept->fd, F_GETFL);
	if (flags < 0 || (uint32_t)(flags & O_ACCMODE) != file->access ||
		fstat(kept->fd, &status) < 0 || status.st_dev != file->device ||
		status.st_ino != file->inode)
		return -1;
	return fd_copy(kept->fd);
}

static int restore_vcpu_fd(struct restore *restore, uint32_t kvm_id)
{
	for (unsigned i = 0; i < restore->count; i++) {
		const struct restore_fd *kept = &restore->fds[i];

		if (kept->fd >= 0 && kept->name.role == STORE_VCPU &&
			kept->facts.kind == HANDOVER_FD_VCPU && kept->facts.kvm_id == kvm_id)
			return fd_copy(kept->fd);
	}
	return -1;
}

/* syscalls(start): fstat */
static int restore_channel_fd(struct restore *restore, uint64_t inode)
{
	for (unsigned i = 0; i < restore->count; i++) {
		const struct restore_fd *kept = &restore->fds[i];

		if (kept->fd >= 0 && kept->name.role == STORE_CHANNEL && kept->inode == inode)
			return fd_copy(kept->fd);
	}
	return -1;
}

/* ---- making the requests again ----------------------------------------------------------- */

/* Copies of the descriptors that came with the request.  False: one is missing. */
static bool restore_request_fds(
	struct restore *restore, const struct stored_request *request, int *fds, unsigned *count)
{
	*count = 0;
	if (request->region && request->region->has_file) {
		fds[(*count)++] = restore_memory_fd(restore, &request->region->file);
	} else if (request->vcpu) {
		fds[(*count)++] = restore_vcpu_fd(restore, request->vcpu->kvm_id);
		fds[(*count)++] = restore_channel_fd(restore, request->vcpu->channel_inode);
	}
	for (unsigned i = 0; i < *count; i++)
		if (fds[i] < 0)
			return false;
	return true;
}

static void restore_request(struct restore *restore, const struct stored_request *request)
{
	const union handover_message *message = &request->message;
	struct handover_event event;
	int fds[HANDOVER_MAX_FDS];
	unsigned count;

	if (!restore_request_fds(restore, request, fds, &count)) {
		for (unsigned i = 0; i < count; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		restore_fail(restore, "%s: a descriptor was not kept, or is another one now",
			handover_type_name(message->header.type));
		return;
	}
	if (vmm_accept(restore->vmm, message, request->length, fds, count, &event) < 0 ||
		event.error != HANDOVER_OK)
		restore_fail(restore, "%s", event.text);
}

static void restore_journal(struct restore *restore)
{
	int fd = restore_take(restore, STORE_JOURNAL);

	if (fd < 0)
		restore_fail(restore, "its journal was not kept");
	else if (lent_vm_adopt_journal(&restore->vmm->lent, fd) < 0)
		restore_fail(restore, "what was kept as its journal is none");
}

/* Also when it is to be given back: what was planted can be taken back only in memory that is known. */
static void restore_requests(struct restore *restore)
{
	struct stored_request request;
	unsigned iterator = 0;

	while (stored_vm_next(&restore->record, &iterator, &request)) {
		uint32_t type = request.message.header.type;

		if (type == HANDOVER_READY && restore->why[0])
			continue; /* nobody is to debug it */
		restore_request(restore, &request);
		if (type == HANDOVER_HELLO && restore->vmm->is_named)
			restore_journal(restore);
	}
}

/* ---- one VM ------------------------------------------------------------------------------ */

static void restore_record(struct restore *restore, struct store_entry *entry)
{
	int fd = restore_take(restore, STORE_STATE);
	const char *wrong = "";
	int rc;

	*entry = (struct store_entry){ .fd = -1 };
	if (fd < 0) {
		restore_fail(restore, "its record was not kept");
		return;
	}
	rc = store_adopt(&restore->daemon->store, entry, restore->fds[0].name.id, fd);
	if (rc < 0) {
		restore_fail(restore, "what was kept as its record is none");
		return;
	}
	rc = stored_vm_read(&restore->record, entry->record, sizeof(*entry->record), &wrong);
	if (rc < 0) {
		restore_fail(restore, "%s", wrong);
		store_forget(entry);
	}
}

static void restore_link(struct restore *restore, struct store_entry *entry)
{
	struct ucred peer;
	const char *text;
	int fd = restore_take(restore, STORE_LINK);
	struct handover_fd facts = { .kind = HANDOVER_FD_OTHER };

	if (fd >= 0)
		fd_inspect(fd, &facts);
	if (facts.kind != HANDOVER_FD_CHANNEL || !peer_identify(fd, &peer)) {
		if (fd >= 0)
			close(fd);
		store_forget(entry);
		restore_fail(restore, "its VMM's connection was not kept");
		return;
	}
	if (daemon_judge(restore->daemon, fd, &text))
		restore_fail(restore, "%s", text);
	restore->vmm = daemon_add_vmm(restore->daemon, fd, &peer, HANDOVER_OK, "");
	if (!restore->vmm) {
		store_forget(entry);
		restore_fail(restore, "no memory");
		return;
	}
	restore->vmm->stored = *entry;
	restore->vmm->wanted_number = restore->record.number;
}

static void restore_judge(struct restore *restore)
{
	if (!restore->record.is_ready || restore->record.in_request)
		restore_fail(restore, "the daemon died while its VMM was telling something");
	else if (restore->record.is_at_work)
		restore_fail(restore, "it was under debug when the daemon died");
}

/* Closes what was not used; nothing that is kept of a VM without a record is worth keeping. */
static void restore_clear(struct restore *restore)
{
	for (unsigned i = 0; i < restore->count; i++) {
		if (restore->fds[i].fd >= 0)
			fd_close_all(&restore->fds[i].fd, 1);
		if (!restore->vmm)
			notify_unstore(&restore->daemon->notify, restore->fds[i].text);
	}
}

static void restore_vm(struct restore *restore)
{
	struct store_entry entry;

	restore_record(restore, &entry);
	if (entry.record)
		restore_link(restore, &entry);
	if (restore->vmm) {
		restore_judge(restore);
		restore_requests(restore);
		restore->vmm->is_returning = restore->why[0];
		if (restore->vmm->is_returning)
			log_warnx("%s: is given back, and may be lent again: %s",
				restore->record.hello.name, restore->why);
	} else {
		log_warnx("a VM is given back: %s", restore->why);
	}
	restore_clear(restore);
}

/* ---- all of them ------------------------------------------------------------------------- */

static int fd_compare(const void *a, const void *b)
{
	const struct restore_fd *left = a, *right = b;

	return (left->name.id > right->name.id) - (left->name.id < right->name.id);
}

static void restore_look(struct restore_fd *kept)
{
	struct stat status;

	if (kept->name.role == STORE_VCPU)
		fd_inspect(kept->fd, &kept->facts);
	else if (kept->name.role == STORE_CHANNEL && fstat(kept->fd, &status) == 0)
		kept->inode = status.st_ino;
}

/* Moves what was kept of VMs out of *activation; what has no name of ours is forgotten. */
/* syscalls(start): qsort */
static unsigned restore_collect(struct activation *activation, struct restore_fd *all)
{
	unsigned count = 0;

	for (unsigned i = 0; i < activation->count; i++) {
		struct activation_fd *given = &activation->fds[i];
		struct restore_fd kept = { .text = given->name, .fd = given->fd };

		if (given->fd < 0)
			continue;
		given->fd = -1;
		if (store_name_parse(given->name, &kept.name)) {
			restore_look(&kept);
			all[count++] = kept;
			continue;
		}
		log_warnx("a descriptor named '%s' came with the start and is no socket: closed",
			given->name);
		fd_close_all(&kept.fd, 1);
	}
	qsort(all, count, sizeof(*all), fd_compare);
	return count;
}

static unsigned restore_run_length(const struct restore_fd *fds, unsigned count)
{
	unsigned length = 1;

	while (length < count && fds[length].name.id == fds[0].name.id)
		length++;
	return length;
}

/* When nothing is open any more that a worker must not have. */
static void restore_give_back(struct daemon *daemon)
{
	for (struct vmm *vmm = daemon->vmms; vmm; vmm = vmm->next)
		if (vmm->is_returning)
			vmm_give_back(vmm);
}

void restore_vms(struct daemon *daemon, struct activation *activation)
{
	struct restore_fd *all = calloc(activation->count + 1, sizeof(*all));
	struct restore *restore = malloc(sizeof(*restore));
	unsigned count = 0, length;

	if (all && restore)
		count = restore_collect(activation, all);
	else
		log_warnx("no memory for the VMs that were kept: they are given back");
	for (unsigned i = 0; i < count; i += length) {
		length = restore_run_length(all + i, count - i);
		*restore = (struct restore){ .daemon = daemon, .fds = all + i, .count = length };
		restore_vm(restore);
	}
	free(restore);
	free(all);
	restore_give_back(daemon);
}
