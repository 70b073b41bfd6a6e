/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest of one vCPU and a few instructions, to see what KVM does with it. One per process: what
 * cannot be made ends the process. The architecture's file fills it and knows its registers.
 */
#ifndef PROBE_GUEST_H
#define PROBE_GUEST_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest {
	int kvm_fd;
	int vm_fd;
	int vcpu_fd;
	struct kvm_run *run;
	unsigned char
		*memory; /* mapped at the guest-physical address that the architecture chose */
	struct kvm_guest_debug debug;
};

/* One ability: its name, and whether a fresh guest shows it. */
struct ability {
	const char *name;
	bool (*shown)(struct guest *guest);
};

/* The architecture's abilities, up to a row with no name. */
extern const struct ability abilities[];

/* Make the VM, its memory (size bytes, zero, at guest-physical addr) and the vCPU. */
void guest_create(struct guest *guest, uint64_t addr, size_t size);

/* Whether the extension (KVM_CAP_*) is there: KVM's own number for it, 0 if not. */
int guest_extension(struct guest *guest, int extension);

/* An ioctl on the vCPU that must not fail. */
void guest_ioctl(struct guest *guest, unsigned long request, void *argument);

/* KVM_SET_GUEST_DEBUG with guest->debug.arch and these control bits (ENABLE is added; 0 is off). */
void guest_set_debug(struct guest *guest, uint32_t control);

/* KVM_RUN once. Returns the exit reason or -errno. */
int guest_run(struct guest *guest);

/* Abilities that need the same steps everywhere, for a guest that loops without an exit. */
bool guest_leaves_at_once(struct guest *guest);
bool guest_leaves_on_signal(struct guest *guest);

#endif
