/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standin-many SOCKET N: a VMM of N guests, of one vCPU each, that sleep in HLT where there is no KVM (standin_kvm.h), for
 * `tests/system/scale alone`.  Says what `scale vmm` says when all are lent, and stays.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kvm/gdbproxy.h"
#include "tests/system/standin_kvm.h"

enum { MEMORY_SIZE = 0x10000, CODE_GPA = 0x1000, STACK_SIZE = 65536 };

static const uint8_t halt_code[] = { 0xf4, 0xeb, 0xfd, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 };

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void *vcpu_thread(void *vcpu)
{
	while (gdbproxy_run(vcpu) == 0 || errno == EINTR)
		;
	err(1, "KVM_RUN");
}

static void vm_start(struct gdbproxy_vcpu *vcpu)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	errno = pthread_create(&thread, &attributes, vcpu_thread, vcpu);
	if (errno)
		err(1, "a thread");
	pthread_attr_destroy(&attributes);
}

/* Its descriptor; all of it is the guest's for ever. */
static int memory_make(struct standin_memory *memory)
{
	int fd = memfd_create("many", MFD_CLOEXEC);
	uint8_t *bytes;

	if (fd < 0 || ftruncate(fd, MEMORY_SIZE) < 0)
		err(1, "memory");
	bytes = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		err(1, "memory");
	memcpy(bytes + CODE_GPA, halt_code, sizeof(halt_code));
	*memory = (struct standin_memory){ .bytes = bytes, .size = MEMORY_SIZE };
	return fd;
}

static void vm_lend(const char *path, unsigned index, struct standin_memory *memory)
{
	struct gdbproxy *proxy = NULL;
	struct gdbproxy_vcpu *vcpu;
	struct kvm_run *run;
	int fd = memory_make(memory), vcpu_fd, rc;
	char name[32];

	snprintf(name, sizeof(name), "vm%04u", index);
	vcpu_fd = standin_kvm_create_vcpu(0, memory, CODE_GPA, &run);
	rc = gdbproxy_open(&proxy, path, name, 1);
	if (rc == 0)
		rc = gdbproxy_add_memory(
			proxy, 0, MEMORY_SIZE, (void *)(uintptr_t)memory->bytes, fd, 0, 0);
	if (rc == 0)
		rc = gdbproxy_add_vcpu(proxy, 0, 0, vcpu_fd, run, &vcpu);
	if (rc == 0)
		rc = gdbproxy_ready(proxy, GDBPROXY_RUN);
	if (rc < 0 || !gdbproxy_is_attached(proxy))
		errx(1, "%s is not lent: %s", name, gdbproxy_error(proxy));
	vm_start(vcpu);
}

int main(int argc, char **argv)
{
	unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 0) : 0;
	struct standin_memory *memories = calloc(count ? count : 1, sizeof(*memories));
	double begin = now_us(), half = begin, end;

	if (!count || !memories)
		errx(2, "usage: standin-many SOCKET N");
	for (unsigned i = 0; i < count; i++) {
		if (i == count / 2)
			half = now_us();
		vm_lend(argv[1], i, &memories[i]);
	}
	end = now_us();
	printf("lent %u\nlend-us-each %.0f\nlend-us-each-second-half %.0f\n", count,
		(end - begin) / count, (end - half) / (count - count / 2));
	fflush(stdout);
	for (;;)
		pause();
}
