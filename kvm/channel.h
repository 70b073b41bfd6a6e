/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel of one lent vCPU: what port_lend.c (daemon) and lender.c (VMM) say to each other over
 * an AF_UNIX SOCK_SEQPACKET pair.  One message is one packet; integers are little-endian (both
 * ends run on one machine).  Specified for other languages in protocol/HANDOVER.md.
 *
 * A vCPU is RUNNING (its thread is in or around KVM_RUN, or has not called yet) or PARKED (its
 * thread waits for messages).  It starts RUNNING, as if by a RUN program with seq 0.
 *
 *   daemon -> lender   PROGRAM  legal only while PARKED: run `before`; then, with CHANNEL_RUN,
 *                               leave the park; at the next park (without CHANNEL_RUN: at once)
 *                               run `after`; REPORT.  `before` changes things and ends at its
 *                               first failure (no RUN, no `after` then).  `after` looks at things: every
 *                               step of it is tried, failures are results like others.
 *                      KICK     park soon.  While PARKED it means nothing.  It has no answer of its own:
 *                               the RUN in progress ends, and that one's REPORT comes.
 *   lender -> daemon   REPORT   one for each PROGRAM (for seq 0: when first parked).
 *
 * So every PROGRAM has exactly one REPORT, and a KICK that crosses one is harmless.
 */
#ifndef KVM_CHANNEL_H
#define KVM_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CHANNEL_MAX_BYTES = 32768, /* of one message */
	CHANNEL_MAX_STEPS = 512,   /* of one program, before and after together */
};

enum channel_type {
	CHANNEL_PROGRAM = 1,
	CHANNEL_KICK = 2,
	CHANNEL_REPORT = 3,
};

/* Flags of a PROGRAM. */
enum {
	CHANNEL_RUN = 1,
	/*
	 * With CHANNEL_RUN, a single step: park after the first KVM_RUN that comes back, whatever
	 * the reason.  An exit that is the VMM's is returned to it first, and when it calls again
	 * the exit is completed under immediate_exit and the vCPU parks (facts of KVM: a step that
	 * leaves for user space may never raise its debug exit).
	 */
	CHANNEL_ONCE = 2,
	/*
	 * With CHANNEL_RUN: park also at an exit that ends the guest or starts it over, so that a
	 * debugger sees it as it was.  The VMM is given the exit after the resume.
	 */
	CHANNEL_END = 4,
};

/* Followed by before_count + after_count steps; an empty KICK has both 0. */
struct channel_program {
	uint32_t type;
	uint32_t seq;
	uint32_t flags;
	uint16_t before_count;
	uint16_t after_count;
};

/*
 * One ioctl on the vCPU fd: followed by size bytes of argument, padded to 8.  request is the
 * ioctl number and must be on the list of channel_allows(); size must be what it says there.
 * KVM_GET_ONE_REG and KVM_SET_ONE_REG carry a uint64_t id and then the value in place of the
 * pointer (size = 8 + the register's size).
 * CHANNEL_SYNC_CODE is no ioctl: makes size 16 {hva, length} bytes of the VMM's own mapping of guest
 * memory coherent for instruction fetch (arm64; elsewhere nothing).
 */
struct channel_step {
	uint32_t request;
	uint32_t size;
};

enum { CHANNEL_SYNC_CODE = 1 };

/* Why the vCPU is parked. */
enum channel_reason {
	CHANNEL_PARKED = 0,   /* was parked and stays: the program had no RUN, or `before` failed */
	CHANNEL_ASKED = 1,    /* a KICK, or CHANNEL_ONCE without debug exit */
	CHANNEL_DEBUG = 2,    /* KVM_RUN returned 0 with KVM_EXIT_DEBUG: see kvm_run->debug */
	CHANNEL_HELD = 3,     /* GDBPROXY_HOLD: has not run since it was registered */
	CHANNEL_FAILED = 4,   /* KVM_RUN failed: run_errno; the VMM will be told after the resume */
	CHANNEL_VMM_EXIT = 5, /* CHANNEL_ONCE: an exit of the VMM's was served and completed */
	CHANNEL_ENDING = 6,   /* CHANNEL_END: debug[0] is an enum channel_ending */
};

enum channel_ending {
	CHANNEL_CRASH = 1, /* KVM_EXIT_SHUTDOWN (x86: triple fault), FAIL_ENTRY, INTERNAL_ERROR, or
			      KVM_SYSTEM_EVENT_CRASH */
	CHANNEL_RESET = 2, /* KVM_SYSTEM_EVENT_RESET */
	CHANNEL_POWER_OFF = 3, /* KVM_SYSTEM_EVENT_SHUTDOWN */
};

/* Followed by result_count results: the steps that ran, before and after, in order. */
struct channel_report {
	uint32_t type;
	uint32_t seq;
	uint32_t reason;
	int32_t run_errno;    /* positive errno of KVM_RUN, 0 if it returned 0 */
	uint32_t exit_reason; /* kvm_run->exit_reason at the park (valid when run_errno is 0) */
	uint16_t result_count;
	uint16_t failed; /* 1: `before` failed at the last result here; nothing after it was done */
	/* For CHANNEL_DEBUG: the bytes of struct kvm_debug_exit_arch, zero-padded; _ENDING: above. */
	uint8_t debug[64];
};

/* Followed by size bytes (the argument as the ioctl left it), padded to 8; none when rc < 0. */
struct channel_result {
	int32_t rc; /* the ioctl's return value, or -errno */
	uint32_t size;
};

/* Size of a payload with its padding. */
static inline size_t channel_padded(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

/*
 * True if request may be asked of a lender with an argument of size bytes: vCPU ioctls that read or
 * write one vCPU's state, and nothing else (kvm/channel.c has the list, one per architecture).
 */
bool channel_allows(uint32_t request, uint32_t size);

/*
 * Checks a received PROGRAM whole, before any of it is acted upon: lengths, counts, the allow-list.
 * 0, or -EPROTO.
 */
int channel_check_program(const void *message, size_t length);

/* The same for a REPORT, which comes from an untrusted VMM. */
int channel_check_report(const void *message, size_t length);

#endif
