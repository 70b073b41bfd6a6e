/* SPDX-License-Identifier: Apache-2.0 */
/* Looking through /proc/PID/fd at what the VMM has in memfds. */
#define CHAOS_HARNESS
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/chaos/witness.h"
#include "tests/guest/chaos.h"
#include "tests/guest/cpu.h"
#include "tests/vmm/board.h"
#include "tests/vmm/kvm_watch.h"

enum { PRINTED_MAX = 16, PAGE = 4096 };

/* ---- opening ----------------------------------------------------------------------------- */

static int witness_open_entry(const char *folder, const char *entry, const char *wanted)
{
	char path[320], target[128];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s", folder, entry);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	if (strncmp(target, wanted, strlen(wanted)))
		return -ENOENT;
	length = open(path, O_RDONLY | O_CLOEXEC);
	return length < 0 ? -errno : (int)length;
}

/* The first memfd of that name among the fds of pid. */
static int witness_find_fd(pid_t pid, const char *name)
{
	char folder[64], wanted[64];
	struct dirent *entry;
	int fd = -ENOENT;
	DIR *fds;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)pid);
	snprintf(wanted, sizeof(wanted), "/memfd:%s", name);
	fds = opendir(folder);
	if (!fds)
		return -errno;
	while (fd < 0 && (entry = readdir(fds)))
		if (entry->d_name[0] != '.')
			fd = witness_open_entry(folder, entry->d_name, wanted);
	closedir(fds);
	return fd < 0 ? -ENOENT : fd;
}

static int witness_map(pid_t pid, const char *name, const void **at, size_t *size)
{
	int fd = witness_find_fd(pid, name), rc = 0;
	struct stat status;
	void *page;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0 || !status.st_size) {
		close(fd);
		return -ENOENT;
	}
	page = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		rc = -errno;
	close(fd);
	if (rc == 0) {
		*at = page;
		*size = (size_t)status.st_size;
	}
	return rc;
}

/* Where in our mapping a symbol of the guest's is. */
static const void *witness_at(const struct witness *witness, const char *name)
{
	uint64_t gva, size, gpa;

	if (!image_find(witness->image, name, &gva, &size) ||
		!image_gpa(witness->image, gva, &gpa) || gpa - BOARD_RAM_GPA >= witness->size)
		return NULL;
	return witness->memory + (gpa - BOARD_RAM_GPA);
}

int witness_open(struct witness *witness, const struct image *image, pid_t vmm, unsigned nr_vcpus)
{
	const void *memory = NULL, *watch = NULL;
	size_t watch_size;
	int rc;

	*witness = (struct witness){ .image = image, .nr_vcpus = nr_vcpus };
	rc = witness_map(vmm, "guest-memory", &memory, &witness->size);
	if (rc == 0)
		rc = witness_map(vmm, KVM_WATCH_NAME, &watch, &watch_size);
	witness->memory = memory;
	witness->watch = watch;
	if (rc == 0)
		witness->reports = witness_at(witness, "chaos_reports");
	return rc == 0 && !witness->reports ? -ENOEXEC : rc;
}

void witness_close(struct witness *witness)
{
	if (witness->memory)
		munmap((void *)(uintptr_t)witness->memory, witness->size);
	if (witness->watch)
		munmap((void *)(uintptr_t)witness->watch, sizeof(*witness->watch));
	if (witness->kept)
		munmap(witness->kept, witness->size);
	witness->memory = witness->kept = NULL;
	witness->watch = NULL;
}

int witness_keep(struct witness *witness)
{
	witness->kept = mmap(
		NULL, witness->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (witness->kept == MAP_FAILED) {
		witness->kept = NULL;
		return -ENOMEM;
	}
	madvise(witness->kept, witness->size, MADV_DONTFORK); /* no debugger needs it */
	memcpy(witness->kept, witness->memory, witness->size);
	return 0;
}

/* ---- comparing --------------------------------------------------------------------------- */

typedef void (*witness_on_difference)(
	const struct witness *witness, uint64_t offset, uint8_t wanted, void *opaque);

static unsigned witness_compare(const struct witness *witness, uint64_t offset,
	const uint8_t *wanted, size_t length, witness_on_difference on_difference, void *opaque)
{
	const uint8_t *found = witness->memory + offset;
	unsigned count = 0;

	if (!memcmp(found, wanted, length))
		return 0;
	for (size_t i = 0; i < length; i++) {
		if (found[i] == wanted[i])
			continue;
		count++;
		if (on_difference)
			on_difference(witness, offset + i, wanted[i], opaque);
	}
	return count;
}

static unsigned witness_each_code(
	const struct witness *witness, witness_on_difference on_difference, void *opaque)
{
	const struct image *image = witness->image;
	unsigned count = 0;

	for (unsigned i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			count += witness_compare(witness, segment->p_paddr - BOARD_RAM_GPA,
				image->bytes + segment->p_offset, segment->p_filesz, on_difference,
				opaque);
	}
	return count;
}

/* What is data, and not the code that runs at boot in a segment that is both. */
static bool witness_guest_writes(const struct witness *witness, uint64_t page)
{
	const struct image *image = witness->image;

	for (unsigned i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];
		uint64_t begin = (segment->p_paddr - BOARD_RAM_GPA) / PAGE * PAGE;
		uint64_t end = segment->p_paddr - BOARD_RAM_GPA + segment->p_memsz;

		if (segment->p_type == PT_LOAD && (segment->p_flags & (PF_W | PF_X)) == PF_W &&
			page >= begin && page < end)
			return true;
	}
	return false;
}

static unsigned witness_each(
	const struct witness *witness, witness_on_difference on_difference, void *opaque)
{
	unsigned count = 0;

	for (uint64_t page = 0; page < witness->size; page += PAGE)
		if (!witness_guest_writes(witness, page))
			count += witness_compare(
				witness, page, witness->kept + page, PAGE, on_difference, opaque);
	return count;
}

unsigned witness_count_code(const struct witness *witness)
{
	return witness_each_code(witness, NULL, NULL);
}

unsigned witness_count_all(const struct witness *witness)
{
	return witness_each(witness, NULL, NULL);
}

struct witness_printer {
	FILE *out;
	unsigned count;
};

static void witness_print_one(
	const struct witness *witness, uint64_t offset, uint8_t wanted, void *opaque)
{
	struct witness_printer *printer = opaque;
	uint64_t gpa = BOARD_RAM_GPA + offset;
	char name[128];

	if (printer->count++ >= PRINTED_MAX)
		return;
	image_name(witness->image, gpa, name, sizeof(name));
	fprintf(printer->out, "#   gpa 0x%llx (%s): %02x, it should be %02x\n",
		(unsigned long long)gpa, name, witness->memory[offset], wanted);
}

void witness_print_code(const struct witness *witness, FILE *out)
{
	struct witness_printer printer = { .out = out };

	witness_each_code(witness, witness_print_one, &printer);
}

void witness_print_all(const struct witness *witness, FILE *out)
{
	struct witness_printer printer = { .out = out };

	witness_each(witness, witness_print_one, &printer);
}

/* ---- counters ---------------------------------------------------------------------------- */

unsigned witness_count_debugged(const struct witness *witness)
{
	unsigned count = 0;

	for (unsigned i = 0; i < KVM_WATCH_FDS_MAX; i++)
		count += __atomic_load_n(&witness->watch->vcpus[i].control, __ATOMIC_ACQUIRE) != 0;
	return count;
}

uint64_t witness_rounds(const struct witness *witness, unsigned vcpu)
{
	return witness->reports[vcpu].rounds;
}

uint64_t witness_ticks(const struct witness *witness, unsigned vcpu)
{
	const volatile struct cpu *all = witness_at(witness, "cpus");

	return all[vcpu].nr_ticks;
}

uint64_t witness_failures(const struct witness *witness)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < witness->nr_vcpus; i++)
		sum += witness->reports[i].failures;
	return sum;
}

uint64_t witness_suspended(const struct witness *witness)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < witness->nr_vcpus; i++)
		sum += witness->reports[i].suspended;
	return sum;
}
