/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The debugger's agent expressions: small programs that it attaches to breakpoints, so that a
 * condition is evaluated, or a line printed, where the guest is (GDB manual, appendix F).  A machine
 * with a stack of 64-bit integers.  Pure: registers, memory and output are the host's; nothing here
 * knows a breakpoint, a packet or KVM.
 *
 * Whoever wrote the code, a run ends soon and touches nothing but what the host lets it.
 */
#ifndef KVM_AGENT_H
#define KVM_AGENT_H

#include <stddef.h>
#include <stdint.h>

enum {
	/* A condition has tens of bytes; what makes code long is the text of a printf. */
	AGENT_MAX_CODE = 4096,
	/* gdb needs as many as an expression is nested; the arguments of one printf are here too. */
	AGENT_MAX_STACK = 128,
	/*
	 * Instructions of one run.  Only a loop needs more than there are bytes, and no debugger makes
	 * loops; each may be a read of guest memory, some microseconds: so the worst run takes some ten
	 * milliseconds of the guest's time.
	 */
	AGENT_MAX_STEPS = 10000,
	/* A printf counts as so many: a run puts out a hundred lines at most. */
	AGENT_PRINTF_STEPS = 100,
};

/* The bytes stay their owner's. */
struct agent_code {
	const uint8_t *bytes;
	size_t length;
};

/* What a program may look at.  Reads are 0 or -errno, whole or not at all. */
struct agent_host {
	/* Numbers are the target description's; shorter registers are zero-extended. */
	int (*read_register)(void *context, unsigned number, uint64_t *value);
	int (*read_memory)(void *context, uint64_t address, void *buf, size_t length);
	/* What one printf put out: any bytes, newlines where the format has them. */
	void (*print)(void *context, const char *text, size_t length);
	void *context;
};

/*
 * 0, or -EINVAL for what must never run: longer than AGENT_MAX_CODE, an unknown or floating-point
 * instruction, one that is cut off, a jump to anywhere but the start of an instruction, an end that
 * can be run past, a printf whose format or number of arguments is wrong.
 */
int agent_check(const struct agent_code *code);

/*
 * Runs code that agent_check() has passed.  *result is the value on the top of the stack at its end;
 * result may be NULL, for code that leaves none.  0, what the host's reads return, or
 *   -EDOM       a division by zero
 *   -ENODATA    the stack has too few values, or none at the end
 *   -EOVERFLOW  it has too many
 *   -ELOOP      more than AGENT_MAX_STEPS
 *   -ENOENT     a trace state variable: there are none
 *   -ENOTSUP    a printf through a function of the guest's
 * There is no trace buffer: the instructions that record into one only do what they do to the stack.
 */
int agent_run(const struct agent_code *code, const struct agent_host *host, int64_t *result);

#endif
