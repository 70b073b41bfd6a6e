/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the VMs: see store.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/log.h"
#include "daemon/store.h"

enum { KEEPS_SIZE = F_SEAL_SHRINK | F_SEAL_GROW };

/* ---- ids --------------------------------------------------------------------------------- */

void store_init(struct store *store, struct notify *notify)
{
	*store = (struct store){ .notify = notify };
	store->taken[0] = 1; /* 0 is no id */
}

static bool store_is_taken(const struct store *store, unsigned id)
{
	return store->taken[id / 8] & 1u << id % 8;
}

static void store_set_taken(struct store *store, unsigned id, bool is_taken)
{
	uint8_t bit = (uint8_t)(1u << id % 8);

	store->taken[id / 8] =
		(uint8_t)(is_taken ? store->taken[id / 8] | bit : store->taken[id / 8] & ~bit);
}

/* The lowest that is free: the names stay short.  0: there is none. */
static unsigned store_take_id(struct store *store)
{
	for (unsigned id = 1; id <= STORE_ID_MAX; id++) {
		if (store_is_taken(store, id))
			continue;
		store_set_taken(store, id, true);
		return id;
	}
	return 0;
}

/* ---- the record -------------------------------------------------------------------------- */

/* A child has no mapping of it. */
/* syscalls(main): madvise mmap */
static int entry_map(struct store_entry *entry)
{
	void *page = mmap(
		NULL, sizeof(*entry->record), PROT_READ | PROT_WRITE, MAP_SHARED, entry->fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	entry->record = page;
	return madvise(page, sizeof(*entry->record), MADV_DONTFORK) < 0 ? -errno : 0;
}

/* Of a fixed size, and not to be opened for writing by another user through /proc. */
/* syscalls(main): fchmod fcntl ftruncate memfd_create */
static int entry_create(struct store_entry *entry)
{
	entry->fd = memfd_create("gdbproxy-vm", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (entry->fd < 0)
		return -errno;
	if (ftruncate(entry->fd, sizeof(*entry->record)) < 0 ||
		fcntl(entry->fd, F_ADD_SEALS, KEEPS_SIZE | F_SEAL_SEAL) < 0 ||
		fchmod(entry->fd, S_IRUSR) < 0)
		return -errno;
	return entry_map(entry);
}

/* syscalls(main): fcntl fstat */
static bool fd_is_record(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;

	return seals >= 0 && (seals & KEEPS_SIZE) == KEEPS_SIZE && fstat(fd, &status) == 0 &&
	       status.st_size == (off_t)sizeof(struct stored_vm);
}

/* syscalls(main): munmap */
void store_forget(struct store_entry *entry)
{
	if (!entry->record)
		return;
	munmap(entry->record, sizeof(*entry->record));
	close(entry->fd);
	*entry = (struct store_entry){ .fd = -1 };
}

int store_adopt(struct store *store, struct store_entry *entry, unsigned id, int fd)
{
	int rc = -EPROTO;

	*entry = (struct store_entry){ .id = id, .fd = fd, .is_kept = true };
	if (store_is_taken(store, id))
		rc = -EEXIST;
	else if (fd_is_record(fd))
		rc = entry_map(entry);
	if (rc < 0) {
		close(fd);
		*entry = (struct store_entry){ .fd = -1 };
		return rc;
	}
	store_set_taken(store, id, true);
	return 0;
}

void store_set_in_request(struct store_entry *entry, bool in_request)
{
	if (entry->record)
		__atomic_store_n(&entry->record->in_request, in_request, __ATOMIC_SEQ_CST);
}

void store_set_at_work(struct store_entry *entry, bool is_at_work)
{
	if (entry->record)
		__atomic_store_n(&entry->record->is_at_work, is_at_work, __ATOMIC_SEQ_CST);
}

void store_set_number(struct store_entry *entry, unsigned number)
{
	if (entry->record)
		entry->record->number = number;
}

void store_set_released(struct store_entry *entry)
{
	if (entry->record)
		entry->record->ready.flags &= ~(uint32_t)HANDOVER_READY_HOLD;
}

/* ---- keeping ----------------------------------------------------------------------------- */

static int store_keep(struct store *store, const struct store_entry *entry, enum store_role role,
	unsigned number, const int *fds, unsigned count)
{
	struct store_name name = { .role = role, .number = number, .id = entry->id };
	char text[NOTIFY_NAME_SIZE];

	store_name_format(&name, text, sizeof(text));
	return notify_store(store->notify, text, fds, count);
}

static int store_unkeep(
	struct store *store, const struct store_entry *entry, enum store_role role, unsigned number)
{
	struct store_name name = { .role = role, .number = number, .id = entry->id };
	char text[NOTIFY_NAME_SIZE];

	store_name_format(&name, text, sizeof(text));
	return notify_unstore(store->notify, text);
}

/* As another open file, which no other VM has; as it is where we may not open it. */
/* syscalls(main): fcntl open */
static int store_keep_memory(
	struct store *store, const struct store_entry *entry, unsigned number, int fd)
{
	int flags = fcntl(fd, F_GETFL), own_fd, rc;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own_fd = open(path, (flags & O_ACCMODE) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	rc = store_keep(store, entry, STORE_MEMORY, number, own_fd < 0 ? &fd : &own_fd, 1);
	if (own_fd >= 0)
		close(own_fd);
	return rc;
}

static int lent_region_fd(const struct lent_vm *lent, uint64_t gpa)
{
	for (unsigned i = 0; i < lent->region_count; i++)
		if (lent->regions[i].gpa == gpa)
			return lent->regions[i].fd;
	return -1;
}

/* Is it the first of the regions that share a file? */
static bool region_is_first(const struct stored_vm *record, unsigned index)
{
	for (unsigned i = 0; i < index; i++)
		if (record->regions[i].is_there && record->regions[i].has_file &&
			record->regions[i].file.number == record->regions[index].file.number)
			return false;
	return record->regions[index].is_there && record->regions[index].has_file;
}

static int store_keep_all_memory(
	struct store *store, const struct store_entry *entry, const struct lent_vm *lent)
{
	const struct stored_vm *record = entry->record;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < HANDOVER_MAX_REGIONS; i++)
		if (region_is_first(record, i))
			rc = store_keep_memory(store, entry, record->regions[i].file.number,
				lent_region_fd(lent, record->regions[i].gpa));
	return rc;
}

/* A good many with one message. */
static int store_keep_vcpus(
	struct store *store, const struct store_entry *entry, const struct lent_vm *lent)
{
	int vcpu_fds[NOTIFY_FDS_MAX], channel_fds[NOTIFY_FDS_MAX];
	unsigned count = 0;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < lent->vcpu_count; i++) {
		vcpu_fds[count] = lent->vcpus[i].vcpu_fd;
		channel_fds[count++] = lent->vcpus[i].channel_fd;
		if (count < NOTIFY_FDS_MAX && i + 1 < lent->vcpu_count)
			continue;
		rc = store_keep(store, entry, STORE_VCPU, 0, vcpu_fds, count);
		if (rc == 0)
			rc = store_keep(store, entry, STORE_CHANNEL, 0, channel_fds, count);
		count = 0;
	}
	return rc;
}

/* The record last: without it the rest is worth nothing to anybody. */
static int store_keep_all(
	struct store *store, struct store_entry *entry, const struct lent_vm *lent, int link_fd)
{
	int rc;

	entry->is_kept = true;
	rc = store_keep(store, entry, STORE_LINK, 0, &link_fd, 1);
	if (rc == 0)
		rc = store_keep(store, entry, STORE_JOURNAL, 0, &lent->journal.fd, 1);
	if (rc == 0)
		rc = store_keep_all_memory(store, entry, lent);
	if (rc == 0)
		rc = store_keep_vcpus(store, entry, lent);
	if (rc == 0)
		rc = store_keep(store, entry, STORE_STATE, 0, &entry->fd, 1);
	return rc;
}

/* ---- following the handover -------------------------------------------------------------- */

/* syscalls(main): fcntl fstat */
static bool file_describe(int fd, struct stored_file *file)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat status;

	if (flags < 0 || fstat(fd, &status) < 0)
		return false;
	*file = (struct stored_file){
		.device = status.st_dev,
		.inode = status.st_ino,
		.access = (uint32_t)(flags & O_ACCMODE),
	};
	return true;
}

static int store_begin(
	struct store *store, struct store_entry *entry, const struct handover_hello *hello)
{
	int rc;

	if (!notify_is_open(store->notify))
		return 0;
	*entry = (struct store_entry){ .id = store_take_id(store), .fd = -1 };
	if (!entry->id)
		return -ENOSPC;
	rc = entry_create(entry);
	if (rc < 0) {
		if (entry->fd >= 0)
			close(entry->fd);
		store_set_taken(store, entry->id, false);
		return rc;
	}
	stored_vm_init(entry->record, hello);
	entry->record->in_request = 1; /* as we are in one */
	return 0;
}

static int store_follow_memory(struct store *store, struct store_entry *entry,
	const union handover_message *message, const struct lent_vm *lent)
{
	const struct lent_region *lent_region = &lent->regions[lent->region_count - 1];
	const struct stored_region *region;
	struct stored_file file;
	bool has_file = !lent_region->is_process;

	if (has_file && !file_describe(lent_region->fd, &file))
		return -EBADF;
	region = stored_vm_note(entry->record, message, has_file ? &file : NULL, 0);
	if (!region)
		return -ENOSPC;
	if (!entry->is_kept || !has_file || stored_vm_users(entry->record, region->file.number) > 1)
		return 0;
	return store_keep_memory(store, entry, region->file.number, lent_region->fd);
}

static int store_follow_vcpu(struct store_entry *entry, const union handover_message *message,
	const struct lent_vm *lent)
{
	struct stored_file channel;

	if (!file_describe(lent->vcpus[message->vcpu.index].channel_fd, &channel))
		return -EBADF;
	stored_vm_note(entry->record, message, NULL, channel.inode);
	return 0;
}

static int store_follow_remove(
	struct store *store, struct store_entry *entry, const union handover_message *message)
{
	struct stored_file file;

	if (!stored_vm_forget(entry->record, message->memory_remove.gpa, &file) || !entry->is_kept)
		return 0;
	return store_unkeep(store, entry, STORE_MEMORY, file.number);
}

static int store_follow_ready(struct store *store, struct store_entry *entry,
	const union handover_message *message, const struct lent_vm *lent, int link_fd)
{
	stored_vm_note(entry->record, message, NULL, 0);
	return store_keep_all(store, entry, lent, link_fd);
}

void store_follow(struct store *store, struct store_entry *entry,
	const union handover_message *message, const struct lent_vm *lent, int link_fd)
{
	int rc = 0;

	if (message->header.type == HANDOVER_HELLO)
		rc = store_begin(store, entry, &message->hello);
	else if (!entry->record)
		return;
	else if (message->header.type == HANDOVER_MEMORY_ADD)
		rc = store_follow_memory(store, entry, message, lent);
	else if (message->header.type == HANDOVER_MEMORY_REMOVE)
		rc = store_follow_remove(store, entry, message);
	else if (message->header.type == HANDOVER_VCPU)
		rc = store_follow_vcpu(entry, message, lent);
	else if (message->header.type == HANDOVER_READY)
		rc = store_follow_ready(store, entry, message, lent, link_fd);
	if (rc == 0)
		return;
	log_warnx("%s: the service manager cannot keep it for another daemon: %s", lent->name,
		strerror(-rc));
	store_drop(store, entry);
}

/* ---- the end ----------------------------------------------------------------------------- */

static int store_unkeep_all(struct store *store, const struct store_entry *entry)
{
	static const enum store_role roles[] = { STORE_STATE, STORE_LINK, STORE_JOURNAL, STORE_VCPU,
		STORE_CHANNEL };
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < sizeof(roles) / sizeof(roles[0]); i++)
		rc = store_unkeep(store, entry, roles[i], 0);
	for (unsigned number = 0; rc == 0 && number < HANDOVER_MAX_REGIONS; number++)
		if (stored_vm_users(entry->record, number))
			rc = store_unkeep(store, entry, STORE_MEMORY, number);
	return rc;
}

/* An id under which something may still be kept is not given to another VM. */
void store_drop(struct store *store, struct store_entry *entry)
{
	int rc = 0;

	if (!entry->record)
		return;
	if (entry->is_kept)
		rc = store_unkeep_all(store, entry);
	if (rc < 0)
		log_warnx("the service manager keeps a VM that is gone: %s", strerror(-rc));
	else
		store_set_taken(store, entry->id, false);
	store_forget(entry);
}
