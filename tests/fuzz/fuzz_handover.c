/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole connection: the input is a row of {length, facts of two fds, message}.  After each
 * message the table of regions must be free of overlaps and the count of vCPUs right.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/handover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct packet {
	uint8_t length, count, kind[2], access, kvm_id, size_pages, refuse;
};

static void invariants(const struct handover *h)
{
	uint32_t told = 0;

	for (uint32_t i = 0; i < h->region_count; i++)
		for (uint32_t j = 0; j < i; j++)
			if (h->regions[i].gpa < h->regions[j].gpa + h->regions[j].size &&
				h->regions[j].gpa < h->regions[i].gpa + h->regions[i].size)
				abort();
	for (uint32_t i = 0; i < HANDOVER_MAX_VCPUS; i++)
		told += h->vcpu_told[i];
	if (told != h->vcpu_count || h->vcpu_count > h->nr_vcpus)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct handover_limits limits = { HANDOVER_X86_64, 4, 1 };
	struct handover handover;
	struct packet packet;

	for (handover_init(&handover, &limits); size >= sizeof(packet);) {
		struct handover_fds fds = { 0 };
		struct handover_event event;
		struct handover_answer answer;

		memcpy(&packet, data, sizeof(packet));
		data += sizeof(packet), size -= sizeof(packet);
		fds.count = packet.count % (HANDOVER_MAX_FDS + 1);
		for (unsigned i = 0; i < fds.count; i++)
			fds.fd[i] = (struct handover_fd){ .kind = packet.kind[i] % 4,
				.readable = packet.access & 1, .writable = packet.access & 2,
				.size = packet.size_pages * 4096ull, .kvm_id = packet.kvm_id };
		if (packet.length > size)
			break;
		if (handover_receive(&handover, data, packet.length, &fds, &event) == 0 && packet.refuse == 1)
			handover_refuse(&handover, &event, HANDOVER_INTERNAL, "fuzz");
		handover_answer_make(&handover, &event, &answer);
		if ((event.error != 0) != (answer.text[0] != 0))
			abort();
		invariants(&handover);
		data += packet.length, size -= packet.length;
	}
	return 0;
}
