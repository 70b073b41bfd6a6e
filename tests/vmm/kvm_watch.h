/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a VMM's own calls have made of KVM's guest debug, which KVM has no call to ask for.  watched-vmm is
 * demo-vmm with this between its ioctl() calls (libgdbproxy's too) and libc's: the linker's --wrap=ioctl.
 *
 * It lies in a memfd named KVM_WATCH_NAME, so that another process can look at it while the VMM runs:
 * /proc/PID/fd.
 */
#ifndef KVM_WATCH_H
#define KVM_WATCH_H

#include <stdint.h>

#define KVM_WATCH_NAME    "kvm-watch"
#define KVM_WATCH_FDS_MAX 256

struct kvm_watch_vcpu {
	uint32_t
		control; /* struct kvm_guest_debug's, as the last call that succeeded has set it; 0: off */
	uint32_t nr_calls; /* how many there were */
};

struct kvm_watch {
	struct kvm_watch_vcpu
		vcpus[KVM_WATCH_FDS_MAX]; /* by the number of the vCPU's fd in the VMM */
};

#endif
