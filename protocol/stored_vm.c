/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's requests, kept to be made again: see stored_vm.h. */
#include "protocol/stored_vm.h"

#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct stored_region) == 72, "stored region");
_Static_assert(sizeof(struct stored_vcpu) == 16, "stored vCPU");

/* ---- writing ----------------------------------------------------------------------------- */

void stored_vm_init(struct stored_vm *stored, const struct handover_hello *hello)
{
	memset(stored, 0, sizeof(*stored));
	stored->hello = *hello;
	stored->version = STORED_VM_VERSION;
	stored->size = sizeof(*stored);
	stored->magic = STORED_VM_MAGIC;
}

unsigned stored_vm_users(const struct stored_vm *stored, uint32_t number)
{
	unsigned users = 0;

	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++)
		users += stored->regions[i].is_there && stored->regions[i].has_file &&
			 stored->regions[i].file.number == number;
	return users;
}

static bool file_equals(const struct stored_file *a, const struct stored_file *b)
{
	return a->device == b->device && a->inode == b->inode && a->access == b->access;
}

static uint32_t stored_vm_number(const struct stored_vm *stored, const struct stored_file *file)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++) {
		const struct stored_region *region = &stored->regions[i];

		if (region->is_there && region->has_file && file_equals(&region->file, file))
			return region->file.number;
	}
	while (stored_vm_users(stored, number))
		number++;
	return number;
}

static struct stored_region *stored_vm_room(struct stored_vm *stored)
{
	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++)
		if (!stored->regions[i].is_there)
			return &stored->regions[i];
	return NULL;
}

static const struct stored_region *note_memory(struct stored_vm *stored,
	const struct handover_memory_add *memory, const struct stored_file *file)
{
	struct stored_region *region = stored_vm_room(stored);

	if (!region)
		return NULL;
	*region = (struct stored_region){
		.flags = memory->flags,
		.gpa = memory->gpa,
		.size = memory->size,
		.offset = memory->offset,
		.hva = memory->hva,
	};
	if (file) {
		region->file = *file;
		region->file.number = stored_vm_number(stored, file);
		region->has_file = 1;
	}
	region->is_there = 1;
	return region;
}

const struct stored_region *stored_vm_note(struct stored_vm *stored,
	const union handover_message *message, const struct stored_file *file,
	uint64_t channel_inode)
{
	switch (message->header.type) {
	case HANDOVER_MEMORY_ADD:
		return note_memory(stored, &message->memory_add, file);
	case HANDOVER_VCPU:
		stored->vcpus[message->vcpu.index] = (struct stored_vcpu){
			.is_there = 1,
			.kvm_id = message->vcpu.kvm_id,
			.channel_inode = channel_inode,
		};
		return NULL;
	case HANDOVER_READY:
		stored->ready = message->ready;
		stored->is_ready = 1;
		return NULL;
	default:
		return NULL;
	}
}

bool stored_vm_forget(struct stored_vm *stored, uint64_t gpa, struct stored_file *file)
{
	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++) {
		struct stored_region *region = &stored->regions[i];

		if (!region->is_there || region->gpa != gpa)
			continue;
		region->is_there = 0;
		*file = region->file;
		return region->has_file && !stored_vm_users(stored, file->number);
	}
	return false;
}

/* ---- reading ----------------------------------------------------------------------------- */

int stored_vm_read(struct stored_vm *stored, const void *page, size_t length, const char **wrong)
{
	*wrong = "it is not a VM's record";
	if (length < sizeof(*stored))
		return -EPROTO;
	memcpy(stored, page, sizeof(*stored));
	if (stored->magic != STORED_VM_MAGIC)
		return -EPROTO;
	*wrong = "another version of the daemon has written it";
	if (stored->version != STORED_VM_VERSION || stored->size != sizeof(*stored))
		return -EPROTO;
	*wrong = "";
	return 0;
}

static void request_hello(struct stored_request *request, const struct stored_vm *stored)
{
	request->message.hello = stored->hello;
	request->message.header.type = HANDOVER_HELLO;
	request->length = sizeof(request->message.hello);
}

static void request_memory(struct stored_request *request, const struct stored_region *region)
{
	request->message.memory_add = (struct handover_memory_add){
		.header.type = HANDOVER_MEMORY_ADD,
		.gpa = region->gpa,
		.size = region->size,
		.offset = region->offset,
		.hva = region->hva,
		.flags = region->flags,
	};
	request->length = sizeof(request->message.memory_add);
	request->region = region;
}

static void request_vcpu(
	struct stored_request *request, const struct stored_vcpu *vcpu, unsigned index)
{
	request->message.vcpu = (struct handover_vcpu){
		.header.type = HANDOVER_VCPU,
		.index = index,
		.kvm_id = vcpu->kvm_id,
	};
	request->length = sizeof(request->message.vcpu);
	request->vcpu = vcpu;
}

static void request_ready(struct stored_request *request, const struct stored_vm *stored)
{
	request->message.ready = stored->ready;
	request->message.header.type = HANDOVER_READY;
	request->length = sizeof(request->message.ready);
}

/* Places in the order of the protocol: HELLO, the regions, the vCPUs, READY. */
enum {
	PLACE_REGIONS = 1,
	PLACE_VCPUS = PLACE_REGIONS + HANDOVER_MAX_REGIONS,
	PLACE_READY = PLACE_VCPUS + HANDOVER_MAX_VCPUS,
	PLACE_END,
};

/* False: there is nothing at that place. */
static bool request_at(
	const struct stored_vm *stored, unsigned place, struct stored_request *request)
{
	memset(request, 0, sizeof(*request));
	if (place < PLACE_REGIONS) {
		request_hello(request, stored);
	} else if (place < PLACE_VCPUS) {
		if (stored->regions[place - PLACE_REGIONS].is_there)
			request_memory(request, &stored->regions[place - PLACE_REGIONS]);
	} else if (place < PLACE_READY) {
		if (stored->vcpus[place - PLACE_VCPUS].is_there)
			request_vcpu(
				request, &stored->vcpus[place - PLACE_VCPUS], place - PLACE_VCPUS);
	} else if (stored->is_ready) {
		request_ready(request, stored);
	}
	return request->length > 0;
}

bool stored_vm_next(
	const struct stored_vm *stored, unsigned *iterator, struct stored_request *request)
{
	while (*iterator < PLACE_END)
		if (request_at(stored, (*iterator)++, request))
			return true;
	return false;
}
