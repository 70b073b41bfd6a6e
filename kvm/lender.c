/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public calls of libgdbproxy but gdbproxy_run(): they write down what the VMM says, and have the
 * daemon told if there is one.
 */
#include "kvm/lender.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/gdbproxyd/vcpu.sock"

/* ---- results ----------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static int proxy_fail(
	struct gdbproxy *proxy, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(proxy->error, sizeof(proxy->error), format, arguments);
	va_end(arguments);
	return error;
}

/*
 * Tells the daemon, if there is one, what has been written down.  Its refusal is worth an error;
 * that it is slow to death or gone is not, the VM goes on without it, and the words say so.
 */
static int proxy_tell(struct gdbproxy *proxy)
{
	int rc = lender_tie_sync(proxy, LENDER_ANSWER_MS);

	proxy->error[0] = '\0';
	if (rc == -EAGAIN)
		lender_tie_cut(proxy);
	if (rc == -EPROTO || rc == -EACCES)
		return proxy_fail(proxy, rc, "%s", proxy->link.error);
	if (rc == -EAGAIN)
		proxy_fail(proxy, rc, "gdbproxyd did not answer within %d ms", LENDER_ANSWER_MS);
	else if (rc < 0)
		proxy_fail(proxy, rc, "gdbproxyd is gone: %s", strerror(-rc));
	return 0;
}

const char *gdbproxy_error(const struct gdbproxy *proxy)
{
	return proxy->error;
}

int gdbproxy_is_attached(const struct gdbproxy *proxy)
{
	return lender_state_attached(atomic_load(&proxy->state));
}

/* ---- open -------------------------------------------------------------------------------- */

static struct gdbproxy *proxy_create(unsigned nr_vcpus)
{
	struct gdbproxy *proxy = calloc(1, sizeof(*proxy));

	if (!proxy)
		return NULL;
	proxy->vcpus = calloc(nr_vcpus, sizeof(struct gdbproxy_vcpu *));
	if (!proxy->vcpus) {
		free(proxy);
		return NULL;
	}
	pthread_mutex_init(&proxy->link_lock, NULL);
	pthread_mutex_init(&proxy->table_lock, NULL);
	proxy->nr_vcpus = nr_vcpus;
	proxy->link.fd = -1;
	proxy->journal = JOURNAL_CLOSED;
	proxy->backoff_ms = LENDER_RETRY_FIRST_MS;
	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++)
		proxy->regions[i].fd = -1;
	return proxy;
}

/* The first conversation.  Nobody there is fine; somebody who will not have us is not. */
static int proxy_greet(struct gdbproxy *proxy)
{
	int rc;

	pthread_mutex_lock(&proxy->link_lock);
	rc = lender_link_connect(proxy);
	if (rc == -EACCES || rc == -EPERM)
		rc = proxy_fail(proxy, -EACCES, "%s: %s", proxy->path, strerror(EACCES));
	else if (rc < 0)
		rc = 0;
	else
		rc = proxy_tell(proxy);
	pthread_mutex_unlock(&proxy->link_lock);
	return rc;
}

int gdbproxy_open(
	struct gdbproxy **out, const char *vcpu_socket, const char *name, unsigned nr_vcpus)
{
	const char *path = vcpu_socket ? vcpu_socket : DEFAULT_SOCKET;
	char padded[HANDOVER_NAME_SIZE] = "";
	struct gdbproxy *proxy;

	*out = NULL;
	if (!name || strlen(name) >= sizeof(padded) || strlen(path) >= sizeof(proxy->path))
		return -EINVAL;
	memcpy(padded, name, strlen(name));
	if (!handover_name_valid(padded) || nr_vcpus == 0 || nr_vcpus > HANDOVER_MAX_VCPUS)
		return -EINVAL;
	proxy = proxy_create(nr_vcpus);
	if (!proxy)
		return -ENOMEM;
	memcpy(proxy->name, padded, sizeof(padded));
	memcpy(proxy->path, path, strlen(path));
	*out = proxy;
	lender_kick_install();
	return proxy_greet(proxy);
}

/* ---- memory ------------------------------------------------------------------------------ */

static bool range_sane(uint64_t start, uint64_t size)
{
	return start % HANDOVER_ALIGNMENT == 0 && size <= UINT64_MAX - start;
}

static bool region_overlaps(const struct lender_region *region, uint64_t gpa, uint64_t size)
{
	return region->told != LENDER_VACANT && gpa < region->gpa + region->size &&
	       region->gpa < gpa + size;
}

/* A vacant entry for a region that may stand there.  0 or -errno. */
static int region_place(
	struct gdbproxy *proxy, uint64_t gpa, uint64_t size, struct lender_region **out)
{
	*out = NULL;
	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++) {
		struct lender_region *region = &proxy->regions[i];

		if (region_overlaps(region, gpa, size))
			return proxy_fail(proxy, -EEXIST,
				"memory at %#llx overlaps the region at %#llx",
				(unsigned long long)gpa, (unsigned long long)region->gpa);
		if (region->told == LENDER_VACANT && !*out)
			*out = region;
	}
	if (!*out)
		return proxy_fail(proxy, -ENOSPC, "more than %d regions", HANDOVER_MAX_REGIONS);
	return 0;
}

/* Writes the region down, with an fd of our own: a later daemon will want it too. */
static int region_enter(struct gdbproxy *proxy, const struct lender_region *wanted)
{
	struct lender_region *region;
	int fd = -1, rc = region_place(proxy, wanted->gpa, wanted->size, &region);

	if (rc == 0 && wanted->fd >= 0) {
		fd = fcntl(wanted->fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			rc = proxy_fail(proxy, -errno, "memory at %#llx: fd %d: %s",
				(unsigned long long)wanted->gpa, wanted->fd, strerror(errno));
	}
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&proxy->table_lock);
	*region = *wanted;
	region->fd = fd;
	pthread_mutex_unlock(&proxy->table_lock);
	return 0;
}

int gdbproxy_add_memory(struct gdbproxy *proxy, uint64_t gpa, uint64_t size, void *hva, int fd,
	uint64_t offset, unsigned flags)
{
	const struct lender_region wanted = {
		.told = LENDER_NEW,
		.gpa = gpa,
		.size = size,
		.hva = (uint64_t)(uintptr_t)hva,
		.fd = fd,
		.offset = fd >= 0 ? offset : 0,
		.flags = flags & GDBPROXY_MEMORY_READONLY ? HANDOVER_MEMORY_READONLY : 0,
	};
	int rc;

	if (!hva || size == 0 || size % HANDOVER_ALIGNMENT || !range_sane(gpa, size) ||
		!range_sane(wanted.hva, size) || !range_sane(wanted.offset, size) ||
		(flags & ~GDBPROXY_MEMORY_READONLY))
		return proxy_fail(proxy, -EINVAL,
			"memory at %#llx: gpa, size, hva and offset must be multiples of %d, "
			"and size not 0",
			(unsigned long long)gpa, HANDOVER_ALIGNMENT);
	pthread_mutex_lock(&proxy->link_lock);
	rc = region_enter(proxy, &wanted);
	if (rc == 0)
		rc = proxy_tell(proxy);
	pthread_mutex_unlock(&proxy->link_lock);
	return rc;
}

static struct lender_region *region_at(struct gdbproxy *proxy, uint64_t gpa)
{
	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++)
		if (proxy->regions[i].told != LENDER_VACANT && proxy->regions[i].gpa == gpa)
			return &proxy->regions[i];
	return NULL;
}

int gdbproxy_remove_memory(struct gdbproxy *proxy, uint64_t gpa)
{
	struct lender_region *region;
	int rc;

	pthread_mutex_lock(&proxy->link_lock);
	region = region_at(proxy, gpa);
	if (!region) {
		rc = proxy_fail(
			proxy, -ENOENT, "no region begins at %#llx", (unsigned long long)gpa);
	} else {
		pthread_mutex_lock(&proxy->table_lock);
		if (region->told == LENDER_TOLD)
			region->told = LENDER_LEAVING;
		else
			lender_region_vacate(region);
		pthread_mutex_unlock(&proxy->table_lock);
		rc = proxy_tell(proxy);
	}
	pthread_mutex_unlock(&proxy->link_lock);
	return rc;
}

/* ---- vCPUs ------------------------------------------------------------------------------- */

static struct gdbproxy_vcpu *vcpu_create(struct gdbproxy *proxy, unsigned index)
{
	struct gdbproxy_vcpu *vcpu = calloc(1, sizeof(*vcpu));

	if (!vcpu)
		return NULL;
	vcpu->proxy = proxy;
	vcpu->index = index;
	vcpu->channel_fd = vcpu->next_channel_fd = -1;
	lender_program_begin(vcpu, 0);
	return vcpu;
}

static void vcpu_destroy(struct gdbproxy_vcpu *vcpu)
{
	if (!vcpu)
		return;
	lender_vcpu_undebug(vcpu);
	lender_alarm_close(vcpu);
	if (vcpu->channel_fd >= 0)
		close(vcpu->channel_fd);
	if (vcpu->next_channel_fd >= 0)
		close(vcpu->next_channel_fd);
	free(vcpu);
}

int gdbproxy_add_vcpu(struct gdbproxy *proxy, unsigned index, unsigned vcpu_id, int vcpu_fd,
	struct kvm_run *run, struct gdbproxy_vcpu **out)
{
	struct gdbproxy_vcpu *vcpu;
	int rc;

	*out = NULL;
	if (index >= proxy->nr_vcpus || proxy->vcpus[index] || vcpu_fd < 0 || !run)
		return proxy_fail(proxy, -EINVAL, "vCPU %u: not below %u, added before, or no fd",
			index, proxy->nr_vcpus);
	vcpu = vcpu_create(proxy, index);
	if (!vcpu)
		return proxy_fail(proxy, -ENOMEM, "vCPU %u: out of memory", index);
	vcpu->kvm_id = vcpu_id;
	vcpu->vcpu_fd = vcpu_fd;
	vcpu->run = run;
	*out = vcpu;
	pthread_mutex_lock(&proxy->link_lock);
	pthread_mutex_lock(&proxy->table_lock);
	proxy->vcpus[index] = vcpu;
	pthread_mutex_unlock(&proxy->table_lock);
	rc = proxy_tell(proxy);
	pthread_mutex_unlock(&proxy->link_lock);
	return rc;
}

/* ---- ready, notice, close ---------------------------------------------------------------- */

int gdbproxy_ready(struct gdbproxy *proxy, enum gdbproxy_start start)
{
	int rc;

	for (unsigned i = 0; i < proxy->nr_vcpus; i++)
		if (!proxy->vcpus[i])
			return proxy_fail(proxy, -EINVAL, "vCPU %u was not added", i);
	pthread_mutex_lock(&proxy->link_lock);
	pthread_mutex_lock(&proxy->table_lock);
	proxy->hold = start == GDBPROXY_HOLD && proxy->link.fd >= 0;
	pthread_mutex_unlock(&proxy->table_lock);
	atomic_store(&proxy->complete, true);
	rc = proxy_tell(proxy);
	pthread_mutex_unlock(&proxy->link_lock);
	return rc;
}

int gdbproxy_notice(struct gdbproxy *proxy, enum gdbproxy_event event, int detail)
{
	int rc = 0;

	if (event < GDBPROXY_RESET || event > GDBPROXY_CRASHED)
		return -EINVAL;
	pthread_mutex_lock(&proxy->link_lock);
	if (gdbproxy_is_attached(proxy))
		rc = lender_link_notice(proxy, event, detail);
	if (rc < 0 && rc != -EAGAIN) {
		lender_tie_cut(proxy);
		rc = 0;
	}
	pthread_mutex_unlock(&proxy->link_lock);
	return rc;
}

void gdbproxy_close(struct gdbproxy *proxy)
{
	if (!proxy)
		return;
	pthread_mutex_lock(&proxy->link_lock);
	proxy->leaving = true;
	lender_tie_sync(proxy, LENDER_ANSWER_MS);
	lender_tie_cut(proxy);
	pthread_mutex_unlock(&proxy->link_lock);
	for (unsigned i = 0; i < proxy->nr_vcpus; i++)
		vcpu_destroy(proxy->vcpus[i]);
	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++)
		lender_region_vacate(&proxy->regions[i]);
	pthread_mutex_destroy(&proxy->link_lock);
	pthread_mutex_destroy(&proxy->table_lock);
	free(proxy->vcpus);
	free(proxy);
}
