/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest under debug: lent vCPUs, handed-over memory, what is asked for and what is planted.
 * Event-driven: the owner watches the ports' file descriptors and one timer, and calls in; nothing
 * here owns a loop.
 *
 *   vm.c           life, registers
 *   seat.c         one debugger's place at it: protocol/target.h
 *   run_control.c  who runs, who steps, who is parked
 *   view.c         guest-virtual memory as a vCPU sees it, our breakpoints hidden
 */
#ifndef KVM_VM_H
#define KVM_VM_H

#include "kvm/breakpoint.h"
#include "kvm/exception_log.h"
#include "kvm/plant.h"
#include "kvm/register_set.h"
#include "kvm/rule.h"
#include "kvm/vcpu.h"
#include "kvm/walk_memo.h"

enum vm_state {
	VM_FREE,     /* not under debug: runs with guest debug off */
	VM_RUNNING,  /* resumed by the debugger */
	VM_STOPPING, /* kicked; waiting for vCPUs to park */
	VM_HELD,     /* all parked for a look or a change; nobody has been told */
	VM_STOPPED,
	VM_GONE, /* the VMM vanished */
};

enum { VM_CALL_TIMEOUT_MS = 5000, VM_MAX_SEATS = 8 };

struct seat;

/* What the owner provides. */
struct vm_hooks {
	/* Call vm_on_deadline() in so many milliseconds; 0: do not. One timer, the last call counts. */
	void (*timer)(void *context, int ms);
	/* Likewise vm_on_watch(), of a timer of its own. NULL: nobody watches (tests). */
	void (*watch)(void *context, int ms);
	void *context;
};

/* What has been, for "monitor stats". */
struct vm_counts {
	uint64_t runs;  /* of a vCPU, between two times that it was parked */
	uint64_t steps; /* of those, single instructions */
	uint64_t stops; /* told */
	uint64_t walks; /* of page tables */
	uint64_t hits;  /* of breakpoints and watchpoints that count, told or not */
};

struct vm {
	const struct arch *arch;
	const struct vm_hooks *hooks;
	int stop_timeout_ms; /* for parking; a vCPU that is late is only late */
	int call_timeout_ms; /* for a parked vCPU's answer; without one the VMM is lost */
	struct memory memory;
	struct journal journal;
	struct plants plants;
	struct breakpoint_table table;
	struct rules rules;
	struct walk_memo walks; /* these two are open while a vCPU's report is being handled */
	struct page_memo pages;
	/* What debug registers are loaded with: the table's points, and breakpoints promoted to one. */
	unsigned point_count;
	struct hardware_point points[BREAKPOINT_MAX_POINTS];
	bool stale;      /* the table has changed since points and plants were made from it */
	bool is_watched; /* vm_on_watch() will be called, */
	int watch_ms;    /* after that time */
	unsigned vcpu_count;
	struct vcpu *vcpus;
	struct register_set registers;
	struct register_set *views; /* likewise in each of arch's views */
	bool knows_registers;       /* they are made: a vCPU has been parked */
	bool lists_all;             /* of them: vm_list_all_registers() */
	bool linear_pc;             /* of every vCPU: struct cpu */

	struct seat *seats[VM_MAX_SEATS]; /* by their number; NULL: free */
	struct seat *driver; /* all-stop: who may stop, resume and change; NULL: nobody yet */
	bool non_stop;
	unsigned halt_turns; /* requests to halt so far */
	bool stop_at_reset;  /* before the VMM is asked to do it */
	bool crash_told; /* a debugger has seen the guest's end: the VMM's word of it is no news */

	bool keeps; /* what a debugger that vanishes had stopped is to stay so: the owner's choice */
	unsigned keep_s; /* for so long, says the owner, who ends it by vm_let_go(); 0: for good */
	bool is_kept;    /* it does: nobody drives, nothing is planted */

	enum vm_state state;
	bool stop_wanted;    /* by the debugger: report even without a hit */
	bool release_wanted; /* nobody debugs any more: free it as soon as it has stopped */
	bool deferred;       /* vm_pump() has `report` to deliver */
	struct target_stop report;
	struct vcpu *over; /* runs alone, past the lifted plant at over_gpa */
	gpa_t over_gpa;
	unsigned last_thread;
	uint32_t limitations; /* already told */
	bool stops_at_guests; /* a debug exception of the guest's own is told before it gets it */
	struct exception_log exceptions;
	struct vm_counts counts;
	struct target_stop end; /* EXITED, CRASHED: the guest's last word */
	bool has_end;
};

/*
 * Starts empty, in memory that is all zero: most of it are tables whose pages nobody needs to touch before
 * something is set.  Takes journal_fd.  arch is transfer_arch() but in tests.  0 or -errno (nothing to
 * be undone then).
 */
int vm_init(struct vm *vm, const struct arch *arch, const struct vm_hooks *hooks, int journal_fd,
	unsigned vcpu_count, int stop_timeout_ms);
void vm_fini(struct vm *vm);

/* Gives vCPU index its channel; takes channel_fd. */
void vm_add_vcpu(struct vm *vm, unsigned index, int channel_fd);

/* The file descriptor to watch for vm_on_readable(vm, index); -1 when lost. */
int vm_vcpu_fd(const struct vm *vm, unsigned index);

void vm_on_readable(struct vm *vm, unsigned index);
void vm_on_deadline(struct vm *vm);
void vm_on_watch(struct vm *vm);

/* Delivers what must not be delivered from inside a call.  After every call into the target. */
void vm_pump(struct vm *vm);

/* The VMM takes a region back: what we have planted there is taken out first. -ENOENT. */
int vm_remove_memory(struct vm *vm, gpa_t gpa);

/*
 * A region has come: breakpoints that could not stand there are planted now, and those that stand in the same memory
 * at another address are known at this one too.
 */
void vm_on_memory(struct vm *vm);

/* The VMM's notices. */
void vm_on_reset(struct vm *vm);
void vm_on_end(struct vm *vm, enum target_stop_reason reason, int code);

/*
 * Nobody debugs this guest any more: stops it if it runs, takes everything back, lets it run.
 * vm_is_released() becomes true at once or after further events.
 */
void vm_release(struct vm *vm);
bool vm_is_released(const struct vm *vm);

/* Whether the VMM has gone, or a vCPU has not answered, or not as it should: nothing more can be done with any. */
bool vm_is_lost(const struct vm *vm);

/* Ends vm->is_kept: the guest goes on, and without any debugger is released. */
void vm_let_go(struct vm *vm);

/*
 * How the debugger sees the program counter (struct cpu.linear_pc); on, until told otherwise.  What it
 * has read before is then as old as before a stop.
 */
void vm_set_linear_pc(struct vm *vm, bool on);

/* Whether the description names all registers, or only those that belong in a short list. */
void vm_list_all_registers(struct vm *vm, bool all);

/* One line to the debugger's user. */
__attribute__((format(printf, 2, 3))) void vm_say(struct vm *vm, const char *format, ...);

/* ---- between the parts ------------------------------------------------------------------- */

struct vcpu *vm_thread(struct vm *vm, unsigned thread); /* NULL: no such thread */

/* Makes vm->registers, once a vCPU is parked: true when it is there. */
bool vm_learn_registers(struct vm *vm);

/*
 * One register of a vCPU by the debugger's number, as target_ops.register_read and _write: value has
 * TARGET_REGISTER_MAX_BYTES.  -ENODATA also while the vCPU is not parked.
 */
int vm_read_register(struct vm *vm, struct vcpu *vcpu, unsigned number, void *value);

/* The same by the architecture's number, whatever the debugger calls it. */
int vm_read_own_register(struct vm *vm, struct vcpu *vcpu, unsigned own, void *value);
int vm_write_own_register(struct vm *vm, struct vcpu *vcpu, unsigned own, const void *value);

/* Tells the user of each limitation once. */
void vm_say_limitations(struct vm *vm, uint32_t limitations);

#endif
