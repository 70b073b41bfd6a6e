/* SPDX-License-Identifier: Apache-2.0 */
/* See scale_guest.h: vCPUs that halt where there is no KVM. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/system/scale_guest.h"
#include "tests/system/standin_kvm.h"

enum { MEMORY_SIZE = 0x10000, CODE_GPA = 0x1000 };

static const uint8_t halt_code[] = { 0xf4, 0xeb, 0xfd, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 };

void scale_guest_make(struct scale_guest *guest)
{
	uint8_t *memory;

	*guest = (struct scale_guest){ .size = MEMORY_SIZE,
		.memory_fd = memfd_create("scale", MFD_CLOEXEC) };
	if (guest->memory_fd < 0 || ftruncate(guest->memory_fd, MEMORY_SIZE) < 0)
		err(1, "memory");
	memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, guest->memory_fd, 0);
	if (memory == MAP_FAILED)
		err(1, "memory");
	memcpy(memory + CODE_GPA, halt_code, sizeof(halt_code));
	guest->memory = memory;
}

int scale_guest_add_vcpu(struct scale_guest *guest, unsigned index, struct kvm_run **run)
{
	struct standin_memory *runs = malloc(sizeof(*runs));

	if (!runs)
		err(1, "memory");
	*runs = (struct standin_memory){ .bytes = guest->memory, .size = guest->size };
	return standin_kvm_create_vcpu(index, runs, CODE_GPA, run);
}
