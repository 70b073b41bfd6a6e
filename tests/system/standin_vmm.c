/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standin-vmm SOCKET: a VMM of a guest that runs where there is no KVM (standin_kvm.h), for tests/system/stand-in.
 * Two regions of memory: low, from 0 on, where the guest's loops are, and a module that can be taken away.
 *
 * A line on standard input is an order, and is answered with a line, by a word and NAME=VALUE:
 *
 *	state      attached; per vCPU steps, guest debug and calls that came too early; how many bytes of each region are
 *	           not as they were made
 *	remove     takes the module away, from a thread: answered when that is done, with its bytes as they are then
 *	add        gives it again
 *	serve MS   takes so long for vCPU 0's next exit; answered when it has that
 *	notice N   N times that the guest is being reset, as long as a daemon is there
 *
 * It ends with its standard input.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kvm/gdbproxy.h"
#include "tests/system/standin_kvm.h"

enum {
	VCPUS = 2,
	REGION_SIZE = 0x10000,
	MODULE_GPA = 0x100000,
	LOOP_GPA = 0x1000, /* vCPU i's is 0x100 further on */
	LOOP_LENGTH = 0x20,
	LOOP_DISTANCE = 0x100,
};

struct region {
	uint64_t gpa;
	int fd;
	uint8_t *memory, *made;
};

struct vcpu {
	int fd;
	struct gdbproxy_vcpu *lent;
	struct kvm_run *run;
	atomic_uint serve_ms; /* for its next exit */
};

struct vmm {
	struct gdbproxy *proxy;
	struct vcpu vcpus[VCPUS];
	struct region low, module;
	struct standin_memory runs;
};

/* ---- memory ------------------------------------------------------------------------------ */

static void region_make(struct region *region, uint64_t gpa)
{
	void *memory;

	region->gpa = gpa;
	region->fd = memfd_create("memory", MFD_CLOEXEC);
	region->made = malloc(REGION_SIZE);
	if (region->fd < 0 || !region->made || ftruncate(region->fd, REGION_SIZE) < 0)
		err(1, "memory");
	memory = mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd, 0);
	if (memory == MAP_FAILED)
		err(1, "memory");
	region->memory = memory;
	memset(region->memory, 0x90, REGION_SIZE);
}

/* A vCPU's loop: NOPs, and back. */
static void region_put_loop(struct region *region, uint64_t gpa)
{
	uint8_t *end = region->memory + gpa + LOOP_LENGTH;

	end[-2] = 0xeb;
	end[-1] = (uint8_t)-LOOP_LENGTH;
}

static unsigned region_altered(const struct region *region)
{
	unsigned count = 0;

	for (size_t i = 0; i < REGION_SIZE; i++)
		count += __atomic_load_n(&region->memory[i], __ATOMIC_ACQUIRE) != region->made[i];
	return count;
}

static int vmm_add_region(struct vmm *vmm, const struct region *region)
{
	return gdbproxy_add_memory(
		vmm->proxy, region->gpa, REGION_SIZE, region->memory, region->fd, 0, 0);
}

/* ---- vCPUs ------------------------------------------------------------------------------- */

static void vcpu_serve(struct vcpu *vcpu)
{
	unsigned ms = atomic_exchange(&vcpu->serve_ms, 0);
	struct timespec end;

	if (!ms)
		return;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += (long)(ms % 1000) * 1000000;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	printf("serve ms=%u\n", ms);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
		; /* of a kick */
}

static void *vcpu_thread(void *context)
{
	struct vcpu *vcpu = context;
	int rc;

	for (;;) {
		rc = gdbproxy_run(vcpu->lent);
		if (rc < 0 && errno != EINTR)
			err(1, "KVM_RUN");
		if (rc == 0)
			vcpu_serve(vcpu);
		if (vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN)
			errx(1, "a triple fault");
	}
	return NULL;
}

/* ---- orders ------------------------------------------------------------------------------ */

static void vmm_say_state(struct vmm *vmm)
{
	printf("state attached=%d", gdbproxy_is_attached(vmm->proxy));
	for (unsigned i = 0; i < VCPUS; i++)
		printf(" steps%u=%lu debug%u=%u early%u=%u", i, standin_kvm_steps(vmm->vcpus[i].fd),
			i, standin_kvm_control(vmm->vcpus[i].fd), i,
			standin_kvm_early(vmm->vcpus[i].fd));
	printf(" low=%u module=%u\n", region_altered(&vmm->low), region_altered(&vmm->module));
}

static void *vmm_remove(void *context)
{
	struct vmm *vmm = context;
	int rc = gdbproxy_remove_memory(vmm->proxy, vmm->module.gpa);

	printf("remove rc=%d module=%u\n", rc, region_altered(&vmm->module));
	return NULL;
}

static void vmm_start_removing(struct vmm *vmm)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, vmm_remove, vmm);
	if (errno)
		err(1, "a thread");
	pthread_detach(thread);
}

static void vmm_give_notice(struct vmm *vmm, unsigned times)
{
	unsigned done = 0;

	for (; done < times && gdbproxy_is_attached(vmm->proxy); done++) {
		gdbproxy_notice(vmm->proxy, GDBPROXY_RESET, 0);
		usleep(1000);
	}
	printf("notice times=%u\n", done);
}

static void vmm_obey(struct vmm *vmm, const char *order)
{
	unsigned number;

	if (strcmp(order, "state\n") == 0)
		vmm_say_state(vmm);
	else if (strcmp(order, "remove\n") == 0)
		vmm_start_removing(vmm);
	else if (strcmp(order, "add\n") == 0)
		printf("add rc=%d\n", vmm_add_region(vmm, &vmm->module));
	else if (sscanf(order, "notice %u\n", &number) == 1)
		vmm_give_notice(vmm, number);
	else if (sscanf(order, "serve %u\n", &number) == 1)
		atomic_store(&vmm->vcpus[0].serve_ms, number);
	else
		errx(2, "no such order: %s", order);
}

/* ---- start ------------------------------------------------------------------------------- */

static void vmm_make(struct vmm *vmm)
{
	region_make(&vmm->low, 0);
	region_make(&vmm->module, MODULE_GPA);
	for (unsigned i = 0; i < VCPUS; i++)
		region_put_loop(&vmm->low, LOOP_GPA + i * LOOP_DISTANCE);
	memcpy(vmm->low.made, vmm->low.memory, REGION_SIZE);
	memcpy(vmm->module.made, vmm->module.memory, REGION_SIZE);
	vmm->runs = (struct standin_memory){ .bytes = vmm->low.memory, .size = REGION_SIZE };
}

static void vmm_check(const struct vmm *vmm, int rc)
{
	if (rc < 0)
		errx(1, "%s: %s", strerror(-rc), gdbproxy_error(vmm->proxy));
}

static void vmm_register(struct vmm *vmm, const char *path)
{
	vmm_check(vmm, gdbproxy_open(&vmm->proxy, path, "vm", VCPUS));
	vmm_check(vmm, vmm_add_region(vmm, &vmm->low));
	vmm_check(vmm, vmm_add_region(vmm, &vmm->module));
	for (unsigned i = 0; i < VCPUS; i++) {
		struct vcpu *vcpu = &vmm->vcpus[i];

		vcpu->fd = standin_kvm_create_vcpu(
			i, &vmm->runs, LOOP_GPA + i * LOOP_DISTANCE, &vcpu->run);
		vmm_check(
			vmm, gdbproxy_add_vcpu(vmm->proxy, i, i, vcpu->fd, vcpu->run, &vcpu->lent));
	}
	vmm_check(vmm, gdbproxy_ready(vmm->proxy, GDBPROXY_RUN));
}

int main(int argc, char **argv)
{
	struct vmm vmm = { .proxy = NULL };
	pthread_t thread;
	char order[64];

	if (argc != 2)
		errx(2, "usage: standin-vmm SOCKET");
	setvbuf(stdout, NULL, _IOLBF, 0);
	vmm_make(&vmm);
	vmm_register(&vmm, argv[1]);
	for (unsigned i = 0; i < VCPUS; i++)
		if (pthread_create(&thread, NULL, vcpu_thread, &vmm.vcpus[i]) != 0)
			errx(1, "no thread for a vCPU");
	while (fgets(order, sizeof(order), stdin))
		vmm_obey(&vmm, order);
	return 0;
}
