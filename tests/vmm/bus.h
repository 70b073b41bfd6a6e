/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the guest's accesses to devices go.  A bus is one address space (x86-64's I/O ports, or
 * guest-physical memory outside the RAM); a device is a range of it with two callbacks, embedded
 * in the struct of the device it belongs to.
 */
#ifndef BUS_H
#define BUS_H

#include <stdint.h>

#define BUS_DEVICES_MAX 4

#define container_of(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer) - __builtin_offsetof(type, member)))

/* Called from any vCPU's thread.  size is 1, 2, 4 or 8; the access lies within the device. */
struct device {
	const char *name;
	uint64_t address;
	uint64_t size;
	uint64_t (*read)(struct device *device, uint64_t offset, unsigned size);
	void (*write)(struct device *device, uint64_t offset, unsigned size, uint64_t value);
};

struct bus {
	struct device *devices[BUS_DEVICES_MAX];
	unsigned nr_devices;
};

/* The device stays the caller's and must outlive the bus.  -EEXIST (overlap), -ENOSPC. */
int bus_add_device(struct bus *bus, struct device *device);

/*
 * One access of size bytes, guest byte order (little-endian) in data.  -ENXIO: no device is there.
 */
int bus_read(const struct bus *bus, uint64_t address, void *data, unsigned size);
int bus_write(const struct bus *bus, uint64_t address, const void *data, unsigned size);

#endif
