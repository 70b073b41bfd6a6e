/* SPDX-License-Identifier: Apache-2.0 */
/* How a rule of an address reads, for commands that show one. */
#ifndef KVM_MONITOR_RULES_H
#define KVM_MONITOR_RULES_H

#include "kvm/monitor.h"

/* What it says beyond its hits, each part after a comma. */
void monitor_put_filter(struct monitor *monitor, const struct rule *rule);

#endif
