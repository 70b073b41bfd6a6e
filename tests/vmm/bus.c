/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the device behind an address. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "tests/vmm/bus.h"

static struct device *bus_find_device(const struct bus *bus, uint64_t address, uint64_t size)
{
	for (unsigned i = 0; i < bus->nr_devices; i++) {
		struct device *device = bus->devices[i];

		if (address >= device->address && size <= device->size &&
			address - device->address <= device->size - size)
			return device;
	}
	return NULL;
}

int bus_add_device(struct bus *bus, struct device *device)
{
	for (unsigned i = 0; i < bus->nr_devices; i++) {
		const struct device *other = bus->devices[i];

		if (device->address < other->address + other->size &&
			other->address < device->address + device->size)
			return -EEXIST;
	}
	if (bus->nr_devices == BUS_DEVICES_MAX)
		return -ENOSPC;
	bus->devices[bus->nr_devices++] = device;
	return 0;
}

int bus_read(const struct bus *bus, uint64_t address, void *data, unsigned size)
{
	struct device *device = bus_find_device(bus, address, size);
	uint64_t value;

	if (!device || size > sizeof(value))
		return -ENXIO;
	value = device->read(device, address - device->address, size);
	memcpy(data, &value, size);
	return 0;
}

int bus_write(const struct bus *bus, uint64_t address, const void *data, unsigned size)
{
	struct device *device = bus_find_device(bus, address, size);
	uint64_t value = 0;

	if (!device || size > sizeof(value))
		return -ENXIO;
	memcpy(&value, data, size);
	device->write(device, address - device->address, size, value);
	return 0;
}
