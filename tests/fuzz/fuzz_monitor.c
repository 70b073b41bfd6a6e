/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands for people, about a guest of either architecture whose registers and memory are anything.
 * The first byte chooses the architecture; a line follows, and what is left is the guest's memory,
 * in which its page tables are.  What must hold: an unknown command says nothing, a failure ends in a line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "kvm/monitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 0x8000, LINE = 512 };

struct fuzz_sink {
	struct target_text text;
	size_t length;
	char last;
};

static void sink_put(struct target_text *text, const char *bytes, size_t length)
{
	struct fuzz_sink *sink = (struct fuzz_sink *)(void *)text;

	sink->length += length;
	if (length)
		sink->last = bytes[length - 1];
}

static void set_timer(void *context, int ms)
{
	(void)context;
	(void)ms;
}

/* Nobody answers: what a command writes, or fetches anew, loses the vCPU. */
static int port_send(struct port *port, const void *message, size_t length)
{
	(void)port;
	(void)message;
	(void)length;
	return -EPIPE;
}

static void port_close_nothing(struct port *port)
{
	(void)port;
}

static const struct port_ops port_ops = { .send = port_send, .close = port_close_nothing };

/* Paging is on, in the mode that the bits say, and the root is in memory. */
static void set_registers(struct cpu *cpu, bool is_arm64, uint8_t bits)
{
	cpu->valid = ~UINT32_C(0);
	if (is_arm64) {
		cpu->arm64.sysregs[ARM64_SCTLR_EL1] = 1;
		cpu->arm64.sysregs[ARM64_TCR_EL1] =
			(uint64_t)bits << 30 | 25 | 25 << 16 | bits % 4 << 14;
		cpu->arm64.sysregs[ARM64_TTBR0_EL1] = cpu->arm64.sysregs[ARM64_TTBR1_EL1] = 0x1000;
		memset(&cpu->arm64.sysregs_valid, 0xff, sizeof(cpu->arm64.sysregs_valid));
		return;
	}
	cpu->x86_64.sregs.cr0 = 0x80000001;
	cpu->x86_64.sregs.cr3 = 0x1000;
	cpu->x86_64.sregs.cr4 = bits & 1 ? 0x10 : bits & 2 ? 0x1020 : 0x20;
	cpu->x86_64.sregs.efer = bits & 5 ? 0 : 0xd00;
}

static void fill_memory(struct vm *vm, const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz-memory", MFD_CLOEXEC);
	uint8_t bytes[MEMORY] = { 0 };

	for (size_t at = 0x1000; size && at < MEMORY; at++)
		bytes[at] = data[at % size];
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes) ||
		memory_add_file(&vm->memory, 0, MEMORY, fd, 0, true, 0x10000))
		abort();
	close(fd);
}

static void ask(struct vm *vm, const char *line)
{
	struct fuzz_sink sink = { .text = { .put = sink_put } };
	struct seat seat;
	int rc;

	if (seat_init(&seat, vm))
		abort();
	rc = monitor_execute(&seat, 1, line, &sink.text);
	if (rc == -ENOENT ? sink.length : (rc < 0 && sink.last != '\n'))
		abort();
	vm->state = VM_GONE; /* nothing is to be taken back */
	seat_fini(&seat);
}

/* The session lets nothing else through. */
static char printable(uint8_t byte)
{
	return byte >= ' ' && byte <= '~' ? (char)byte : ' ';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vm_hooks hooks = { .timer = set_timer };
	struct vm *vm = calloc(1, sizeof(*vm));
	char line[LINE] = "";
	size_t length = 0;
	struct journal journal;

	if (!vm || journal_create(&journal))
		abort();
	if (vm_init(vm, size && data[0] & 1 ? &arch_arm64 : &arch_x86_64, &hooks, journal.fd, 2, 1))
		abort();
	for (; 1 + length < size && data[1 + length] != '\n' && length < LINE - 1; length++)
		line[length] = printable(data[1 + length]);
	fill_memory(vm, data + 1 + length, size > 1 + length ? size - 1 - length : 0);
	vm->state = VM_STOPPED;
	for (unsigned i = 0; i < 2; i++) {
		vm->vcpus[i].state = VCPU_PARKED;
		vm->vcpus[i].index = i;
		vm->vcpus[i].port.ops = &port_ops;
		set_registers(&vm->vcpus[i].cpu, size && data[0] & 1, size ? data[0] >> 1 : 0);
	}
	ask(vm, line);
	vm_fini(vm);
	journal_close(&journal);
	free(vm);
	return 0;
}
