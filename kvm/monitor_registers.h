/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's registers by name, for commands. */
#ifndef KVM_MONITOR_REGISTERS_H
#define KVM_MONITOR_REGISTERS_H

#include "kvm/monitor.h"

enum { MONITOR_REGISTER_NAME = 64 };

/* The value of a register of at most 64 bits, or -errno, told in a line.  Letter case is no matter. */
int monitor_register_value(struct monitor *monitor, const char *name, uint64_t *value);

#endif
