/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of a VM with anything in it: rows of {where, facts of the fds, bytes}.  Its requests must go through
 * the handover like a VMM's, and leave its tables sound.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/stored_vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct row {
	uint8_t place, index, length, kind, access, kvm_id, size_pages, spare;
};

static void row_write(struct stored_vm *stored, const struct row *row, const uint8_t *bytes)
{
	uint8_t *at = (uint8_t *)stored;
	size_t offset = 0;

	if (row->place % 4 == 1)
		offset = offsetof(struct stored_vm, regions) +
			 row->index % HANDOVER_MAX_REGIONS * sizeof(stored->regions[0]);
	else if (row->place % 4 == 2)
		offset = offsetof(struct stored_vm, vcpus) + row->index * sizeof(stored->vcpus[0]);
	else if (row->place % 4 == 3)
		offset = sizeof(*stored) - 255 - row->index;
	memcpy(at + offset, bytes, row->length);
}

static void replay(const struct stored_vm *stored, const struct row *facts)
{
	static const struct handover_limits limits = { HANDOVER_X86_64, 4, 1 };
	struct stored_request request;
	struct handover_event event;
	struct handover handover;
	unsigned iterator = 0, count = 0;

	handover_init(&handover, &limits);
	while (stored_vm_next(stored, &iterator, &request)) {
		struct handover_fds fds = { .count = request.vcpu ? 2 : request.region != NULL };

		for (unsigned i = 0; i < fds.count; i++)
			fds.fd[i] = (struct handover_fd){ request.vcpu ? 2 + i : facts->kind % 4,
				facts->access & 1, facts->access & 2, facts->access & 4,
				facts->size_pages * 4096ull, request.message.vcpu.kvm_id };
		if (handover_receive(&handover, &request.message, request.length, &fds, &event) <
				0 &&
			count)
			abort(); /* of HELLO the magic is the record's; the rest is well-formed */
		count++;
	}
	if (handover.state == HANDOVER_STATE_READY && handover.vcpu_count != handover.nr_vcpus)
		abort();
	if (handover.region_count > HANDOVER_MAX_REGIONS ||
		count > 2 + HANDOVER_MAX_REGIONS + HANDOVER_MAX_VCPUS)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stored_vm *page = calloc(2, sizeof(*page)), *stored = page + 1;
	struct handover_hello hello = { .magic = HANDOVER_MAGIC };
	struct stored_file file;
	struct row row = { 0 };
	const char *wrong;

	stored_vm_init(page, &hello);
	while (size >= sizeof(row)) {
		memcpy(&row, data, sizeof(row));
		data += sizeof(row), size -= sizeof(row);
		if (row.length > size)
			break;
		row_write(page, &row, data);
		data += row.length, size -= row.length;
	}
	if (stored_vm_read(stored, page, sizeof(*page), &wrong) == 0) {
		replay(stored, &row);
		stored_vm_forget(stored, stored->regions[0].gpa, &file);
	}
	free(page);
	return 0;
}
