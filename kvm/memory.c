/* SPDX-License-Identifier: Apache-2.0 */
/* Guest-physical memory: see memory.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "kvm/memory.h"

/* syscalls(main): open */
int memory_init(struct memory *memory)
{
	memory->count = 0;
	memory->has_aliases = false;
	memory->pages = NULL;
	memory->self_fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	return memory->self_fd < 0 ? -errno : 0;
}

/* syscalls(worker): munmap */
static void memory_region_fini(struct memory *memory, struct memory_region *region)
{
	if (region->mapping)
		munmap(region->mapping, region->size);
	if (region->mem_fd != memory->self_fd)
		close(region->mem_fd);
}

void memory_fini(struct memory *memory)
{
	for (unsigned i = 0; i < memory->count; i++)
		memory_region_fini(memory, &memory->regions[i]);
	memory->count = 0;
	if (memory->self_fd >= 0)
		close(memory->self_fd);
	memory->self_fd = -1;
}

/* Index of the first region that ends above gpa. */
static unsigned memory_search(const struct memory *memory, gpa_t gpa)
{
	unsigned low = 0, high = memory->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct memory_region *region = &memory->regions[middle];

		if (region->gpa + (region->size - 1) < gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct memory_region *memory_find(const struct memory *memory, gpa_t gpa)
{
	unsigned i = memory_search(memory, gpa);

	if (i == memory->count || gpa < memory->regions[i].gpa)
		return NULL;
	return &memory->regions[i];
}

/* 0 when [gpa, gpa + size) may be added; *index says where. */
static int memory_place(const struct memory *memory, gpa_t gpa, uint64_t size, unsigned *index)
{
	unsigned i = memory_search(memory, gpa);

	if (!size || gpa + (size - 1) < gpa)
		return -EINVAL;
	if (i < memory->count && memory->regions[i].gpa <= gpa + (size - 1))
		return -EEXIST;
	if (memory->count == MEMORY_MAX_REGIONS)
		return -ENOSPC;
	*index = i;
	return 0;
}

/* ---- aliases ----------------------------------------------------------------------------- */

/* Where in the region, if there, the byte is that lies so far inside another one. */
static bool region_has(const struct memory_region *region, const struct memory_region *other,
	uint64_t inside, uint64_t *where)
{
	*where = other->vmm_hva + inside - region->vmm_hva;
	if (region->vmm_hva && other->vmm_hva && *where < region->size)
		return true;
	*where = other->offset + inside - region->offset;
	return region->inode && region->inode == other->inode && region->device == other->device &&
	       *where < region->size;
}

static bool region_overlaps(const struct memory_region *a, const struct memory_region *b)
{
	uint64_t where;

	return region_has(a, b, 0, &where) || region_has(b, a, 0, &where);
}

bool memory_next_alias(const struct memory *memory, gpa_t gpa, unsigned *iterator, gpa_t *alias)
{
	const struct memory_region *region = memory->has_aliases ? memory_find(memory, gpa) : NULL;
	uint64_t where;

	*alias = gpa;
	if (!region)
		return !(*iterator)++;
	while (*iterator < memory->count) {
		const struct memory_region *other = &memory->regions[(*iterator)++];

		if (!region_has(other, region, gpa - region->gpa, &where))
			continue;
		*alias = other->gpa + where;
		return true;
	}
	return false;
}

gpa_t memory_home(const struct memory *memory, gpa_t gpa)
{
	const struct memory_region *region = memory->has_aliases ? memory_find(memory, gpa) : NULL;
	unsigned iterator = 0;
	gpa_t alias;

	if (!region)
		return gpa;
	while (memory_next_alias(memory, gpa, &iterator, &alias))
		if (memory_find(memory, alias)->writable)
			return alias;
	iterator = 0; /* none of them: the first */
	memory_next_alias(memory, gpa, &iterator, &alias);
	return alias;
}

/* ---- adding and removing ----------------------------------------------------------------- */

static void memory_insert(struct memory *memory, unsigned index, const struct memory_region *region)
{
	struct memory_region *at = &memory->regions[index];

	for (unsigned i = 0; i < memory->count; i++)
		memory->has_aliases |= region_overlaps(&memory->regions[i], region);
	memmove(at + 1, at, (memory->count - index) * sizeof(*at));
	*at = *region;
	memory->count++;
}

/*
 * Executable where that makes a difference and the system lets us, so that arm64 keeps the instruction
 * side coherent; a noexec mount or a sealed memfd may forbid it.
 */
#ifdef __aarch64__
enum { MEMORY_CODE = PROT_EXEC };
#else
enum { MEMORY_CODE = 0 };
#endif

/* syscalls(main, worker): mmap */
static void *memory_map(int fd, uint64_t size, uint64_t offset, bool writable)
{
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	void *mapping = mmap(NULL, size, prot | MEMORY_CODE, MAP_SHARED, fd, (off_t)offset);

	if (mapping == MAP_FAILED && MEMORY_CODE)
		mapping = mmap(NULL, size, prot, MAP_SHARED, fd, (off_t)offset);
	return mapping;
}

/* Nothing where it cannot be told, which is not an error. */
/* syscalls(main, worker): fstat */
static void region_identify(struct memory_region *region, int fd, uint64_t offset)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return;
	region->device = stat.st_dev;
	region->inode = stat.st_ino;
	region->offset = offset;
}

/* syscalls(main, worker): madvise */
int memory_add_file(struct memory *memory, gpa_t gpa, uint64_t size, int fd, uint64_t offset,
	bool writable, uint64_t vmm_hva)
{
	struct memory_region region = {
		.gpa = gpa, .size = size, .writable = writable, .vmm_hva = vmm_hva
	};
	unsigned index;
	int rc = memory_place(memory, gpa, size, &index);

	if (rc < 0)
		return rc;
	region.mapping = memory_map(fd, size, offset, writable);
	if (region.mapping == MAP_FAILED)
		return -errno;
	madvise(region.mapping, size, MADV_DONTDUMP);
	region_identify(&region, fd, offset);
	region.hva = (uintptr_t)region.mapping;
	region.mem_fd = memory->self_fd;
	memory_insert(memory, index, &region);
	return 0;
}

int memory_add_process(
	struct memory *memory, gpa_t gpa, uint64_t size, int mem_fd, uint64_t vmm_hva)
{
	struct memory_region region = {
		.gpa = gpa,
		.size = size,
		.hva = vmm_hva,
		.vmm_hva = vmm_hva,
		.mem_fd = mem_fd,
		.writable = true,
	};
	unsigned index;
	int rc = memory_place(memory, gpa, size, &index);

	if (rc < 0) {
		close(mem_fd);
		return rc;
	}
	memory_insert(memory, index, &region);
	return 0;
}

int memory_remove(struct memory *memory, gpa_t gpa)
{
	unsigned i = memory_search(memory, gpa);
	struct memory_region *at = &memory->regions[i];

	if (i == memory->count || at->gpa != gpa)
		return -ENOENT;
	memory_region_fini(memory, at);
	memory->count--;
	memmove(at, at + 1, (memory->count - i) * sizeof(*at));
	return 0;
}

/*
 * The longest run of [gpa, gpa + length) inside one region, and where it is; 0 outside, and when
 * the whole passes the end of the address space.
 */
static size_t memory_run(const struct memory *memory, gpa_t gpa, size_t length,
	const struct memory_region **region, off_t *where)
{
	uint64_t inside;

	*region = memory_find(memory, gpa);
	if (!*region || gpa + (length - 1) < gpa)
		return 0;
	inside = gpa - (*region)->gpa;
	*where = (off_t)((*region)->hva + inside);
	return length < (*region)->size - inside ? length : (size_t)((*region)->size - inside);
}

/* syscalls(main, worker): pread */
size_t memory_read_prefix(const struct memory *memory, gpa_t gpa, void *buf, size_t length)
{
	const struct memory_region *region;
	size_t done = 0;
	off_t where;

	while (done < length) {
		size_t run = memory_run(memory, gpa + done, length - done, &region, &where);
		ssize_t n = run ? pread(region->mem_fd, (char *)buf + done, run, where) : 0;

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

/* What lies in one page; all of the page is read, if there is a whole one. */
static size_t memory_recall_run(const struct memory *memory, gpa_t gpa, void *buf, size_t run)
{
	gpa_t page = gpa & ~(gpa_t)(PAGE_MEMO_PAGE - 1);
	const uint8_t *known = page_memo_find(memory->pages, page);
	uint8_t bytes[PAGE_MEMO_PAGE];

	if (!known) {
		if (memory_read_prefix(memory, page, bytes, sizeof(bytes)) != sizeof(bytes))
			return memory_read_prefix(memory, gpa, buf, run);
		page_memo_add(memory->pages, page, bytes);
		known = bytes;
	}
	memcpy(buf, known + (gpa - page), run);
	return run;
}

size_t memory_recall(const struct memory *memory, gpa_t gpa, void *buf, size_t length)
{
	size_t done = 0, got = 0, run;

	if (!memory->pages || !memory->pages->is_open || gpa + length < gpa)
		return memory_read_prefix(memory, gpa, buf, length);
	for (run = 0; done < length && got == run; done += got) {
		run = PAGE_MEMO_PAGE - ((gpa + done) & (PAGE_MEMO_PAGE - 1));
		run = length - done < run ? length - done : run;
		got = memory_recall_run(memory, gpa + done, (uint8_t *)buf + done, run);
	}
	return done;
}

int memory_read(const struct memory *memory, gpa_t gpa, void *buf, size_t length)
{
	return memory_read_prefix(memory, gpa, buf, length) == length ? 0 : -EFAULT;
}

/* A page is there or not as a whole, as long as it lies in one region. */
static int memory_check_byte(const struct memory *memory, gpa_t gpa)
{
	const struct memory_region *region = memory_find(memory, gpa);
	uint8_t byte;

	if (!region)
		return -ENXIO;
	if (!region->writable)
		return -EROFS;
	return memory_read(memory, gpa, &byte, 1);
}

int memory_check_write(const struct memory *memory, gpa_t gpa, size_t length)
{
	for (size_t done = 0, run; done < length; done += run) {
		int rc;

		run = MEMORY_PAGE - ((gpa + done) & (MEMORY_PAGE - 1));
		run = run < length - done ? run : length - done;
		rc = gpa + done < gpa ? -EFAULT : memory_check_byte(memory, gpa + done);
		if (rc == 0)
			rc = memory_check_byte(memory, gpa + done + run - 1);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* syscalls(worker): pwrite */
int memory_write(const struct memory *memory, gpa_t gpa, const void *buf, size_t length)
{
	const struct memory_region *region;
	off_t where;

	if (memory->pages)
		page_memo_forget(memory->pages);
	for (size_t done = 0; done < length;) {
		size_t run = memory_run(memory, gpa + done, length - done, &region, &where);
		ssize_t n = run ? pwrite(region->mem_fd, (const char *)buf + done, run, where) : 0;

		if (n <= 0)
			return -EFAULT;
		done += (size_t)n;
	}
	return 0;
}

static int memory_physical_read(void *context, gpa_t gpa, void *buf, size_t length)
{
	return memory_recall(context, gpa, buf, length) == length ? 0 : -EFAULT;
}

struct physical memory_physical(struct memory *memory)
{
	return (struct physical){ .read = memory_physical_read, .context = memory };
}
