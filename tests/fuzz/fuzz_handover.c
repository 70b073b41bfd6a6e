/* SPDX-License-Identifier: Apache-2.0 */
/* A connection: rows of {length, facts of the fds, message}.  The tables must stay sound throughout. */
#include <stdlib.h>
#include <string.h>

#include "protocol/handover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct packet {
	uint8_t length, count, kind[2], access, kvm_id, size_pages, refuse;
};

static void invariants(const struct handover *h)
{
	const struct handover_region *r = h->regions;

	for (uint32_t i = 0; i < h->region_count; i++)
		for (uint32_t j = 0; j < i; j++)
			if (r[i].gpa < r[j].gpa + r[j].size && r[j].gpa < r[i].gpa + r[i].size)
				abort();
	if (h->vcpu_count > h->nr_vcpus || h->region_count > HANDOVER_MAX_REGIONS)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct handover_limits limits = { HANDOVER_X86_64, 4, 1 };
	struct handover handover;
	struct handover_event event;
	struct packet p;
	handover_init(&handover, &limits);
	while (size >= sizeof(p)) {
		struct handover_fds fds = { 0 };

		memcpy(&p, data, sizeof(p));
		data += sizeof(p), size -= sizeof(p);
		for (fds.count = 0; fds.count < p.count % 3u; fds.count++)
			fds.fd[fds.count] = (struct handover_fd){ p.kind[fds.count] % 4,
				p.access & 1, p.access & 2, p.access & 4, p.size_pages * 4096ull,
				p.kvm_id };
		if (p.length > size)
			break;
		if (!handover_receive(&handover, data, p.length, &fds, &event) && p.refuse == 1)
			handover_refuse(&handover, &event, HANDOVER_INTERNAL, "fuzz");
		invariants(&handover);
		data += p.length, size -= p.length;
	}
	return 0;
}
