/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names under which the service manager keeps a VM's descriptors: what it is, and whose, as
 * "m2.1f" (memory 2 of VM 1f, numbers in hex).  Short, because all the names together must fit into one
 * variable of an environment (128 KiB, MAX_ARG_STRLEN): conf/gdbproxyd.service counts on 9 characters.
 */
#ifndef DAEMON_STORE_NAME_H
#define DAEMON_STORE_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum store_role {
	STORE_STATE = 's', /* struct stored_vm */
	STORE_JOURNAL = 'j',
	STORE_LINK = 'l', /* the VMM's connection */
	STORE_VCPU = 'p', /* all of the VM's; so are these: */
	STORE_CHANNEL = 'c',
	STORE_MEMORY = 'm', /* by number */
};

enum { STORE_ID_MAX = 0xffff, STORE_NUMBER_MAX = 0xfff };

struct store_name {
	enum store_role role;
	unsigned number; /* 0 but for STORE_MEMORY */
	unsigned id;     /* of the VM, in the store: 1 to STORE_ID_MAX */
};

/* size: NOTIFY_NAME_SIZE will do. */
void store_name_format(const struct store_name *name, char *text, size_t size);

/* False: it is none of these names. */
bool store_name_parse(const char *text, struct store_name *name);

#endif
