/* SPDX-License-Identifier: Apache-2.0 */
/* The VMs there are: see directory.h. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "daemon/directory.h"

enum { DIRECTORY_TRIES = 1000 };

/* What is shown of a VM. */
struct directory_line {
	uint32_t vcpus; /* 0: nothing is shown */
	uint32_t is_debugged;
	char name[PROCESS_NAME_SIZE];
};

struct directory_entry {
	uint32_t version; /* odd while it is being written */
	uint32_t is_taken;
	struct directory_line line;
};

static size_t directory_bytes(const struct directory *directory)
{
	return directory->size * sizeof(struct directory_entry);
}

/* syscalls(start): mmap */
int directory_open(struct directory *directory, unsigned size)
{
	void *entries;

	directory->size = size;
	entries = mmap(NULL, directory_bytes(directory), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	directory->entries = entries == MAP_FAILED ? NULL : entries;
	return directory->entries ? 0 : -errno;
}

/* syscalls(main): munmap */
void directory_close(struct directory *directory)
{
	if (directory->entries)
		munmap(directory->entries, directory_bytes(directory));
	directory->entries = NULL;
}

/* syscalls(main): mprotect */
void directory_seal(struct directory *directory)
{
	mprotect(directory->entries, directory_bytes(directory), PROT_READ);
}

static void entry_write(struct directory_entry *entry, const struct directory_line *line)
{
	__atomic_fetch_add(&entry->version, 1, __ATOMIC_ACQ_REL);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	entry->line = *line;
	__atomic_fetch_add(&entry->version, 1, __ATOMIC_RELEASE);
}

/* False when its writer has died in the midst of it. */
static bool entry_read(const struct directory_entry *entry, struct directory_line *line)
{
	for (int i = 0; i < DIRECTORY_TRIES; i++) {
		uint32_t version = __atomic_load_n(&entry->version, __ATOMIC_ACQUIRE);

		*line = entry->line;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(version & 1) && version == __atomic_load_n(&entry->version, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static unsigned directory_free(const struct directory *directory)
{
	unsigned i = 0;

	while (i < directory->size && directory->entries[i].is_taken)
		i++;
	return i;
}

unsigned directory_add_at(
	struct directory *directory, unsigned number, const char *name, unsigned vcpus)
{
	struct directory_line line = { .vcpus = vcpus };
	unsigned i = number - 1;

	if (!number || number > directory->size || directory->entries[i].is_taken)
		i = directory_free(directory);
	if (i == directory->size)
		return 0;
	snprintf(line.name, sizeof(line.name), "%s", name);
	directory->entries[i].is_taken = 1;
	entry_write(&directory->entries[i], &line);
	return i + 1;
}

unsigned directory_add(struct directory *directory, const char *name, unsigned vcpus)
{
	return directory_add_at(directory, 0, name, vcpus);
}

void directory_set_debugged(struct directory *directory, unsigned number, bool is_debugged)
{
	struct directory_entry *entry = &directory->entries[number - 1];
	struct directory_line line = entry->line;

	line.is_debugged = is_debugged;
	entry_write(entry, &line);
}

void directory_hide(struct directory *directory, unsigned number)
{
	struct directory_line nothing = { .vcpus = 0 };

	entry_write(&directory->entries[number - 1], &nothing);
}

void directory_remove(struct directory *directory, unsigned number)
{
	directory_hide(directory, number);
	directory->entries[number - 1].is_taken = 0;
}

bool directory_next(const struct directory *directory, unsigned after, struct process *process)
{
	struct directory_line line;

	for (unsigned i = after; i < directory->size; i++) {
		if (!entry_read(&directory->entries[i], &line) || !line.vcpus)
			continue;
		*process = (struct process){ .number = i + 1, .threads = line.vcpus };
		snprintf(process->name, sizeof(process->name), "%.*s", (int)sizeof(line.name) - 1,
			line.name);
		snprintf(process->state, sizeof(process->state), "%s",
			line.is_debugged ? "under debug" : "free");
		return true;
	}
	return false;
}
