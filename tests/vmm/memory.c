/* SPDX-License-Identifier: Apache-2.0 */
/* Guest memory in a memfd. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/vmm/memory.h"

int memory_create(struct memory *memory, uint64_t gpa, uint64_t size)
{
	int saved;

	memory->fd = memfd_create("guest-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory->fd < 0)
		return -errno;
	if (ftruncate(memory->fd, (off_t)size) < 0 ||
		fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		goto close_fd;
	memory->hva = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	if (memory->hva == MAP_FAILED)
		goto close_fd;
	memory->gpa = gpa;
	memory->size = size;
	return 0;
close_fd:
	saved = errno;
	close(memory->fd);
	memory->fd = -1;
	memory->hva = NULL;
	return -saved;
}

void memory_destroy(struct memory *memory)
{
	if (memory->fd < 0)
		return;
	munmap(memory->hva, memory->size);
	close(memory->fd);
	memory->fd = -1;
}

void *memory_at(const struct memory *memory, uint64_t gpa, uint64_t size)
{
	if (gpa < memory->gpa || size > memory->size || gpa - memory->gpa > memory->size - size)
		return NULL;
	return (char *)memory->hva + (gpa - memory->gpa);
}
