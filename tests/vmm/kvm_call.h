/* SPDX-License-Identifier: Apache-2.0 */
/* An ioctl on a KVM fd whose failure is told on stderr under the name of the ioctl. */
#ifndef KVM_CALL_H
#define KVM_CALL_H

/* The ioctl's result (0 or more), or -errno after one line on stderr. */
#define KVM_CALL(fd, request, argument) kvm_call(fd, request, (unsigned long)(argument), #request)

int kvm_call(int fd, unsigned long request, unsigned long argument, const char *name);

#endif
