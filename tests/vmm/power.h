/* SPDX-License-Identifier: Apache-2.0 */
/* The register by which the guest ends: what it writes there becomes the VMM's exit status. */
#ifndef POWER_H
#define POWER_H

#include "tests/vmm/bus.h"

typedef void (*power_off_fn)(void *opaque, int status);

struct power {
	struct device device;
	power_off_fn on_off;
	void *opaque;
};

/* on_off(opaque, status) is called from the vCPU's thread that wrote; status is 0 to 255. */
void power_init(struct power *power, uint64_t address, power_off_fn on_off, void *opaque);

#endif
