/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a VM's tie to a daemon: attached when it was told everything, cut when it is gone, and
 * tried again from then on by whichever vCPU's thread comes by.
 *
 * Cutting: first the bytes that the journal says are planted are put back, then the state changes, then
 * every vCPU sees the change and takes its guest debug off (lender_vcpu.c).  In this order a
 * planted instruction never reaches a guest that nobody debugs.
 */
#include "kvm/lender.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	RETRY_MS = 1000,      /* between two looks for a daemon, at last */
	RETRY_MAX_MS = 64000, /* when one is there and does not want this VM */
	RETRY_GOES_ON_MS = 5, /* while it answers slowly */
};

int64_t lender_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- taking back what was planted -------------------------------------------------------- */

static const struct lender_region *region_of(
	const struct gdbproxy *proxy, gpa_t gpa, unsigned length)
{
	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++) {
		const struct lender_region *region = &proxy->regions[i];

		if (region->told != LENDER_VACANT && gpa >= region->gpa &&
			gpa - region->gpa <= region->size - length)
			return region;
	}
	return NULL;
}

uint8_t *lender_memory_at(const struct gdbproxy *proxy, gpa_t gpa)
{
	const struct lender_region *region = region_of(proxy, gpa, 1);

	if (!region || (region->flags & HANDOVER_MEMORY_READONLY))
		return NULL;
	return (uint8_t *)(uintptr_t)(region->hva + (gpa - region->gpa));
}

/* Other vCPUs may be executing there: an instruction changes in one store where it can. */
static void bytes_store(uint8_t *at, const uint8_t *bytes, unsigned length)
{
	uint32_t word;

	if (length == sizeof(word) && (uintptr_t)at % sizeof(word) == 0) {
		memcpy(&word, bytes, sizeof(word));
		__atomic_store_n((uint32_t *)(void *)at, word, __ATOMIC_RELEASE);
	} else {
		for (unsigned i = 0; i < length; i++)
			__atomic_store_n(&at[i], bytes[i], __ATOMIC_RELEASE);
	}
	__builtin___clear_cache((char *)at, (char *)at + length);
}

/* The VMM may have a ROM mapped read-only; its fd is the way then. */
static void entry_undo(const struct gdbproxy *proxy, const struct journal_entry *entry)
{
	const struct lender_region *region = region_of(proxy, entry->gpa, entry->length);
	uint64_t within;
	uint8_t *at;

	if (!region)
		return;
	within = entry->gpa - region->gpa;
	at = (uint8_t *)(uintptr_t)(region->hva + within);
	if (memcmp(at, entry->planted, entry->length) != 0)
		return;
	if (!(region->flags & HANDOVER_MEMORY_READONLY) || region->fd < 0)
		bytes_store(at, entry->original, entry->length);
	else if (pwrite(region->fd, entry->original, entry->length,
			 (off_t)(region->offset + within)) == (ssize_t)entry->length)
		__builtin___clear_cache((char *)at, (char *)at + entry->length);
}

static void journal_undo(struct gdbproxy *proxy)
{
	struct journal_entry entry;
	unsigned iterator = 0;

	if (!proxy->journal.page)
		return;
	while (journal_next(&proxy->journal, &iterator, &entry))
		entry_undo(proxy, &entry);
	journal_close(&proxy->journal);
}

/* ---- cutting ----------------------------------------------------------------------------- */

/* Out of KVM_RUN, to look around. */
static void vcpu_nudge(struct gdbproxy_vcpu *vcpu)
{
	pid_t tid = atomic_load(&vcpu->tid);

	if (tid)
		syscall(SYS_tgkill, getpid(), tid, SIGURG);
}

/* Parked or running, it is to look up: the daemon's end may still be open. */
static void vcpu_wake(struct gdbproxy_vcpu *vcpu)
{
	if (vcpu->channel_fd >= 0)
		shutdown(vcpu->channel_fd, SHUT_RDWR);
	if (vcpu->next_channel_fd >= 0)
		close(vcpu->next_channel_fd);
	vcpu->next_channel_fd = -1;
	vcpu_nudge(vcpu);
}

static bool tie_in_use(const struct gdbproxy *proxy)
{
	for (unsigned i = 0; i < proxy->nr_vcpus; i++)
		if (proxy->vcpus[i] && atomic_load(&proxy->vcpus[i]->in_use))
			return true;
	return false;
}

/*
 * What the VM is held for at the next registration: what the daemon that is gone had it held for.  Else it
 * runs since.
 */
static void tie_choose_hold(struct gdbproxy *proxy, int64_t now_ms)
{
	proxy->hold = proxy->keeps && !proxy->leaving && tie_in_use(proxy);
	proxy->keeps = false;
	atomic_store(&proxy->hold_until_ms, proxy->hold ? now_ms + LENDER_HOLD_MS : 0);
}

/* It was for a daemon that has not come, and the guest runs. */
static void tie_outlive_hold(struct gdbproxy *proxy, int64_t now_ms)
{
	if (now_ms >= atomic_load(&proxy->hold_until_ms))
		proxy->hold = false;
}

/* A tie that does not last is not made anew again and again in no time. */
static void tie_choose_retry(struct gdbproxy *proxy, int64_t now_ms)
{
	if (now_ms - proxy->attached_at_ms >= RETRY_MS)
		proxy->backoff_ms = LENDER_RETRY_FIRST_MS;
	else if (proxy->backoff_ms < RETRY_MS)
		proxy->backoff_ms *= 2;
	atomic_store(&proxy->retry_at_ms, now_ms + proxy->backoff_ms);
}

void lender_tie_cut(struct gdbproxy *proxy)
{
	int64_t now_ms = lender_now_ms();
	uint32_t state;

	pthread_mutex_lock(&proxy->table_lock);
	journal_undo(proxy);
	state = atomic_load(&proxy->state);
	if (lender_state_attached(state)) {
		tie_choose_hold(proxy, now_ms);
		tie_choose_retry(proxy, now_ms);
		atomic_store(&proxy->state, state + 1);
	} else {
		tie_outlive_hold(proxy, now_ms);
		atomic_store(&proxy->retry_at_ms, now_ms + RETRY_MS);
	}
	for (unsigned i = 0; i < proxy->nr_vcpus; i++)
		if (proxy->vcpus[i])
			vcpu_wake(proxy->vcpus[i]);
	lender_link_drop(proxy);
	pthread_mutex_unlock(&proxy->table_lock);
}

void lender_tie_lose(struct gdbproxy *proxy, uint32_t state)
{
	pthread_mutex_lock(&proxy->link_lock);
	if (atomic_load(&proxy->state) == state && lender_state_attached(state))
		lender_tie_cut(proxy);
	pthread_mutex_unlock(&proxy->link_lock);
}

/* ---- attaching --------------------------------------------------------------------------- */

/*
 * The daemon may have sent kicks already, over channels that their threads did not look at while they were not
 * attached: all look now.
 */
static void tie_attach(struct gdbproxy *proxy)
{
	pthread_mutex_lock(&proxy->table_lock);
	atomic_fetch_add(&proxy->state, 1);
	for (unsigned i = 0; i < proxy->nr_vcpus; i++)
		if (proxy->vcpus[i])
			vcpu_nudge(proxy->vcpus[i]);
	pthread_mutex_unlock(&proxy->table_lock);
	proxy->attached_at_ms = lender_now_ms();
}

int lender_tie_sync(struct gdbproxy *proxy, int timeout_ms)
{
	int rc;

	if (proxy->link.fd < 0)
		return 0;
	rc = lender_link_sync(proxy, timeout_ms);
	if (rc == 0 && proxy->link.ready && !lender_state_attached(atomic_load(&proxy->state)))
		tie_attach(proxy);
	if (rc < 0 && rc != -EAGAIN)
		lender_tie_cut(proxy);
	return rc;
}

/* ---- trying again ------------------------------------------------------------------------ */

/* Nobody there is the usual case and costs little; one that refuses is asked less and less. */
static void retry_later(struct gdbproxy *proxy, int rc, int64_t now_ms)
{
	int64_t most_ms = rc == -ENOENT || rc == -ECONNREFUSED ? RETRY_MS : RETRY_MAX_MS;

	proxy->backoff_ms *= 2;
	if (proxy->backoff_ms > most_ms)
		proxy->backoff_ms = most_ms;
	atomic_store(&proxy->retry_at_ms, now_ms + proxy->backoff_ms);
}

static void tie_try(struct gdbproxy *proxy, int64_t now_ms)
{
	int rc = 0;

	if (proxy->link.fd < 0) {
		pthread_mutex_lock(&proxy->table_lock);
		tie_outlive_hold(proxy, now_ms);
		pthread_mutex_unlock(&proxy->table_lock);
		rc = lender_link_connect(proxy);
		proxy->give_up_at_ms = now_ms + LENDER_ANSWER_MS;
	}
	if (rc == 0)
		rc = lender_tie_sync(proxy, LENDER_PASS_MS);
	if (rc == -EAGAIN && proxy->link.fd >= 0) {
		if (now_ms < proxy->give_up_at_ms) {
			atomic_store(&proxy->retry_at_ms, now_ms + RETRY_GOES_ON_MS);
			return;
		}
		lender_tie_cut(proxy);
	}
	if (rc < 0)
		retry_later(proxy, rc, now_ms);
}

void lender_tie_retry(struct gdbproxy *proxy)
{
	int64_t now_ms;

	if (!atomic_load(&proxy->complete))
		return;
	now_ms = lender_now_ms();
	if (now_ms < atomic_load(&proxy->retry_at_ms) || pthread_mutex_trylock(&proxy->link_lock))
		return;
	if (!lender_state_attached(atomic_load(&proxy->state)) &&
		now_ms >= atomic_load(&proxy->retry_at_ms))
		tie_try(proxy, now_ms);
	pthread_mutex_unlock(&proxy->link_lock);
}
