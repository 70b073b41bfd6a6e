/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon that is started anew must know of a VM that its predecessor was lent: the requests that
 * the VMM had made and that were accepted, as they lie in a memfd that outlives the daemon.  Knows
 * neither the memfd nor where the descriptors are kept.
 *
 * Nothing in it is believed for having been stored: stored_vm_next() gives the requests again, and they
 * go through handover_receive() with the descriptors that were kept, as when the VMM made them.
 *
 * Written by one process, read by its successor once it is dead.  in_request says that the writer
 * was following a request when it died: then the rest may be half of what it should be.
 */
#ifndef PROTOCOL_STORED_VM_H
#define PROTOCOL_STORED_VM_H

#include "protocol/handover.h"

#define STORED_VM_MAGIC UINT64_C(0x524f545350424447) /* "GDBPSTOR" in memory */

enum { STORED_VM_VERSION = 1 };

/* Which file a descriptor leads to, and how it was opened. */
struct stored_file {
	uint64_t device, inode;
	uint32_t access; /* O_ACCMODE of its flags */
	uint32_t number; /* the name it is kept under; regions of one file share one */
};

struct stored_region {
	uint32_t is_there;
	uint32_t has_file; /* the request came with an fd */
	uint32_t flags;
	uint32_t reserved;
	uint64_t gpa, size, offset, hva;
	struct stored_file file;
};

struct stored_vcpu {
	uint32_t is_there;
	uint32_t kvm_id;
	uint64_t channel_inode;
};

struct stored_vm {
	uint64_t magic;
	uint32_t version;
	uint32_t size;       /* of this struct */
	uint32_t is_ready;   /* READY was accepted */
	uint32_t is_at_work; /* a worker is, or was: where the vCPUs are only that one knows */
	uint32_t in_request;
	uint32_t number; /* the VM's, for debuggers */
	struct handover_hello hello;
	struct handover_ready ready;
	struct stored_region regions[HANDOVER_MAX_REGIONS];
	struct stored_vcpu vcpus[HANDOVER_MAX_VCPUS];
};

/* Begins the record of a VM with its HELLO; all else is zero. */
void stored_vm_init(struct stored_vm *stored, const struct handover_hello *hello);

/*
 * Notes an accepted request.  file is that of a MEMORY_ADD's fd, NULL when it had none; its number
 * is set here: that of another region of the same file, else one that is free.  channel_inode is for VCPU.
 * Returns the region of a MEMORY_ADD; else, or where there is no room, NULL.
 */
const struct stored_region *stored_vm_note(struct stored_vm *stored,
	const union handover_message *message, const struct stored_file *file,
	uint64_t channel_inode);

/* Forgets the region at gpa.  True: nobody uses its file any more, which is *file. */
bool stored_vm_forget(struct stored_vm *stored, uint64_t gpa, struct stored_file *file);

/* How many regions use the file of that number. */
unsigned stored_vm_users(const struct stored_vm *stored, uint32_t number);

/*
 * Whether length bytes at page are such a record at all.  0, and *stored is a copy; -EPROTO, with
 * *wrong a constant text that says why not.
 */
int stored_vm_read(struct stored_vm *stored, const void *page, size_t length, const char **wrong);

/* A request to be made again. */
struct stored_request {
	union handover_message message;
	size_t length;
	const struct stored_region *region; /* of MEMORY_ADD; NULL: another request */
	const struct stored_vcpu *vcpu;     /* of VCPU */
};

/*
 * The next request, in the order of the protocol; *iterator starts with 0.  False: that was all.
 * READY comes only if it had been accepted.
 */
bool stored_vm_next(
	const struct stored_vm *stored, unsigned *iterator, struct stored_request *request);

#endif
