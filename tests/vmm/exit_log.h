/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line for each time KVM_RUN came back to the VMM: proof that whatever sits between the VMM and
 * KVM neither lost nor added an exit.  The lines of one vCPU are in order; those of several mix.
 *
 *	vcpu 0 exit 17 out port 0x3f8 1 x 1 48
 */
#ifndef EXIT_LOG_H
#define EXIT_LOG_H

#include <stdio.h>

struct kvm_run;

/* out NULL: nothing is written.  run holds the exit; result is KVM_RUN's, saved_errno its errno. */
void exit_log_write(FILE *out, unsigned vcpu, unsigned long number, const struct kvm_run *run,
	int result, int saved_errno);

#endif
