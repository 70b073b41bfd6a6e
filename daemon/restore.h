/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At the start of main: the VMs that the service manager has kept since a main before (store.h) are lent
 * again, and their VMMs have noticed nothing.  Their requests are made again of the record, and
 * checked as if they came from the VMM, with the descriptors that were kept.
 *
 * A VM that does not fit, or that was under debug when main was killed, so that nobody knows where its vCPUs
 * are, is given back: what was planted is taken back, then its connection and channels are closed, and its
 * VMM registers anew.
 */
#ifndef DAEMON_RESTORE_H
#define DAEMON_RESTORE_H

#include "daemon/activation.h"

struct daemon;

/*
 * Takes everything out of *activation that is not a socket, and has the manager forget what it was of no use
 * to keep.  Each VM that is given back is one log line.
 */
void restore_vms(struct daemon *daemon, struct activation *activation);

#endif
