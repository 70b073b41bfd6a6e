/* SPDX-License-Identifier: Apache-2.0 */
/* The exit register. */
#include "tests/vmm/power.h"

static uint64_t power_read(struct device *device, uint64_t offset, unsigned size)
{
	(void)device;
	(void)offset;
	(void)size;
	return 0;
}

static void power_write(struct device *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct power *power = container_of(device, struct power, device);

	(void)offset;
	(void)size;
	power->on_off(power->opaque, (int)(value & 0xff));
}

void power_init(struct power *power, uint64_t address, power_off_fn on_off, void *opaque)
{
	power->on_off = on_off;
	power->opaque = opaque;
	power->device = (struct device){
		.name = "exit",
		.address = address,
		.size = 4,
		.read = power_read,
		.write = power_write,
	};
}
