/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest in demo-vmm, a child of ours, and our part as its daemon: takes what the VMM lends, with the
 * daemon's own code, and holds the debug target.  One guest, no debugger, no event loop but
 * walk_guest_pump().  What cannot go on ends the program ("Bail out!").
 */
#ifndef WALK_GUEST_H
#define WALK_GUEST_H

#include <sys/types.h>

#include "daemon/lent_vm.h"
#include "kvm/seat.h"

enum { WALK_CONSOLE_BYTES = 1 << 18, WALK_PATIENCE_MS = 120000 };

struct walk_guest {
	char directory[64]; /* of the socket; ours to remove */
	int listen_fd, connection_fd, console_fd;
	pid_t vmm_pid;
	struct handover_limits limits;
	struct handover handover;
	struct lent_vm lent;
	struct vm vm;
	struct seat seat;
	bool is_open; /* vm is there */
	struct vm_hooks hooks;
	struct target_listener listener;
	int64_t deadline_ms; /* for vm_on_deadline(), of the monotonic clock; 0: none */
	size_t console_length;
	char console[WALK_CONSOLE_BYTES + 1]; /* the last of what the guest printed */
};

struct walk_guest_options {
	const char *vmm, *image; /* the program, and the ELF file it is to run */
	unsigned vcpu_count;
	uint64_t argument; /* demo-vmm --arg */
};

/* Starts the VMM and takes the guest over, held before its first instruction: all vCPUs parked. */
void walk_guest_start(struct walk_guest *guest, const struct walk_guest_options *options);

/* Lets the guest run without us, then ends it. */
void walk_guest_end(struct walk_guest *guest);

/* Does what there is to do, or waits for it, at most timeout_ms. */
void walk_guest_pump(struct walk_guest *guest, int timeout_ms);

/* Parks every vCPU; lets all go; lets only one go. */
void walk_guest_stop(struct walk_guest *guest);
void walk_guest_resume(struct walk_guest *guest);
void walk_guest_resume_one(struct walk_guest *guest, unsigned index);

/* Forgets the console so far. */
void walk_guest_forget_console(struct walk_guest *guest);

/* Waits until the console has shown text. */
void walk_guest_await(struct walk_guest *guest, const char *text);

/* The guest as that vCPU sees it; the vCPU is parked and its registers are fetched. */
struct view walk_guest_view(struct walk_guest *guest, unsigned index);

/* " NAME=0x12" in a line of the console; false when it is not there. */
bool walk_line_number(const char *line, const char *name, uint64_t *number);

__attribute__((format(printf, 1, 2))) _Noreturn void walk_bail(const char *format, ...);

#endif
