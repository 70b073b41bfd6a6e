/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that debugs one VM: forked by main when the first debugger asks for it, ends when the
 * last one has left and the guest is free again.  A hostile VMM, a hostile debugger or a bug of ours
 * hurts that one VM's session and nothing else.
 */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include "conf/conf.h"
#include "daemon/directory.h"
#include "daemon/lent_vm.h"

enum worker_job {
	WORKER_DEBUG,   /* serve the debuggers that main passes on */
	WORKER_RECOVER, /* take back what a worker that died has planted, and end */
};

struct worker_orders {
	struct lent_vm *lent;
	unsigned number; /* the VM's, in the directory */
	const struct directory *directory;
	const struct conf *conf;
	enum worker_job job;
	int control_fd;
};

/* Exit status of a worker that a vCPU has not answered, or not as it should: in what state they are nobody knows. */
enum { WORKER_LOST = 3 };

/* Runs to the end: the process's exit status.  To be called right after fork(). */
int worker_main(const struct worker_orders *orders);

#endif
