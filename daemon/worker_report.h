/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gdbproxyctl shows of a guest under debug, written by its worker when it is asked: JSON lines
 * (json.h; the members are documented in gdbproxyctl(8)), one for each vCPU, debugger, breakpoint and
 * kind of exception.  Only what is known is written: no vCPU is asked anything, nobody waits.
 */
#ifndef DAEMON_WORKER_REPORT_H
#define DAEMON_WORKER_REPORT_H

#include <stdbool.h>
#include <time.h>
#include "kvm/vm.h"

/* What the report needs to know of a debugger besides its seat. */
struct worker_report_debugger {
	const struct seat *seat;
	int fd; /* of its connection; only asked who is at the other end */
	bool has_spoken;
	time_t since;
};

/*
 * Writes all of it to file_fd from where that is.  The number of bytes, or -errno of write(2) (-ENOSPC,
 * -EPERM: the file has no room for it), -ENOMEM.
 */
int worker_report_write(struct vm *vm, const struct worker_report_debugger *debuggers,
	unsigned debugger_count, int file_fd);

#endif
