/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service manager keeps for us of each VM (notify.h), so that the next main finds it again, also
 * when this one is killed: a record of what the VMM has told (protocol/stored_vm.h), in a memfd that is
 * written as the handover goes on, and, from READY on, every descriptor: the VMM's connection,
 * vCPUs, channels, memory, journal.  daemon/restore.h takes it out again.
 *
 * What is kept twice as one open file the manager has once.  So a VM's memory of one file is kept once, and
 * opened anew for that where we may, because two VMs can have it in common.
 */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

#include <stdint.h>
#include "daemon/lent_vm.h"
#include "daemon/notify.h"
#include "daemon/store_name.h"
#include "protocol/stored_vm.h"

struct store {
	struct notify *notify;
	uint8_t taken[(STORE_ID_MAX + 1) / 8]; /* a bit for each id */
};

/* One VM in it.  All zero: not there, and then everything below does nothing with it. */
struct store_entry {
	struct stored_vm *record; /* NULL: not there */
	unsigned id;
	int fd;       /* of the record */
	bool is_kept; /* the manager has been given all of it */
};

/* notify outlives it; if that is not open nothing is stored. */
void store_init(struct store *store, struct notify *notify);

/*
 * An accepted request was followed: what it has brought is in lent.  HELLO begins an entry, READY has it
 * kept.  link_fd is the VMM's connection.  Failure is one log line, and the VM is not stored.
 */
void store_follow(struct store *store, struct store_entry *entry,
	const union handover_message *message, const struct lent_vm *lent, int link_fd);

/* Around receiving, following and answering requests. */
void store_set_in_request(struct store_entry *entry, bool in_request);

/* Before a worker may be started, and after it has ended by itself. */
void store_set_at_work(struct store_entry *entry, bool is_at_work);

/* The number that debuggers know the VM by. */
void store_set_number(struct store_entry *entry, unsigned number);

/* The guest waits for its first debugger no more. */
void store_set_released(struct store_entry *entry);

/*
 * What was kept under this id is an entry again; takes fd, the record's, also on failure.  0, -EEXIST,
 * -EPROTO: it is no sealed memfd of the right size; -errno of mmap(2).
 */
int store_adopt(struct store *store, struct store_entry *entry, unsigned id, int fd);

/* The VM is gone, or was never to be restored: nothing of it is kept any more. */
void store_drop(struct store *store, struct store_entry *entry);

/* Unmaps and closes the entry; what is kept stays. */
void store_forget(struct store_entry *entry);

#endif
