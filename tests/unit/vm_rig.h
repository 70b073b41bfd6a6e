/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest under debug for tests of kvm/vm.c and all below it: the VMM of fake_lender.h, a debugger in
 * its seat, and the loop that a worker has.  Every test is held to the contract of protocol/target.h.
 */
#ifndef TESTS_UNIT_VM_RIG_H
#define TESTS_UNIT_VM_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "kvm/seat.h"
#include "tests/unit/fake_lender.h"

enum { PATIENCE_MS = 10000, STOP_TIMEOUT_MS = 1000 };

struct rig {
	struct fake_lender lender;
	struct journal journal; /* main's */
	struct vm *vm;
	struct seat seat;
	struct vm_hooks hooks;
	struct target_listener listener;
	int64_t deadline_ms, watch_ms; /* when; 0: never */
	int watch_period_ms;           /* 0: is not watched */

	bool owed;   /* on_stop is due */
	bool held;   /* on_hold has come */
	bool inside; /* a call into the target is in progress */
	unsigned stops;
	struct target_stop stop;
	unsigned messages;
	char message[256]; /* all of them that fit */
	char output[256];  /* of commands, as much as fits */
};

int64_t now_ms(void);

/* A struct vm on new ends of the channels, as a worker begins. */
void rig_open_vm(struct rig *rig, int stop_timeout_ms);

void rig_drop_vm(struct rig *rig);

struct rig *rig_make(unsigned vcpus);

/* Code for one vCPU, which starts there. */
void rig_code(struct rig *rig, unsigned vcpu, const char *bytes, size_t length);

#define CODE(rig, vcpu, bytes) rig_code(rig, vcpu, bytes, sizeof(bytes) - 1)

/* One turn of the loop: waits for an event, at most so long. */
void rig_turn(struct rig *rig, int ms);

void rig_idle(struct rig *rig, int ms);

/* The loop must sleep when nothing happens. */
void rig_assert_quiet(struct rig *rig);

void rig_await_stop(struct rig *rig);

void rig_expect(struct rig *rig, unsigned thread, enum target_stop_reason reason);

struct target *enter(struct rig *rig);

int leave(struct rig *rig, int rc);

int rig_stop(struct rig *rig);

int rig_resume_threads(struct rig *rig, const struct target_resume *threads);

int rig_resume_each(struct rig *rig, const enum target_action *actions);

/* `thread` (from 1) does `first`, the others `others`. */
int rig_resume(
	struct rig *rig, unsigned thread, enum target_action first, enum target_action others);

void rig_continue(struct rig *rig);

int rig_insert_kind(
	struct rig *rig, enum target_breakpoint type, uint64_t address, uint64_t length);

int rig_remove_kind(
	struct rig *rig, enum target_breakpoint type, uint64_t address, uint64_t length);

void rig_insert(struct rig *rig, uint64_t address);

void rig_remove(struct rig *rig, uint64_t address);

/* Thread 1 comes round to its breakpoint again in no time: so often, until the others had time. */
void rig_turns(struct rig *rig, unsigned turns);

uint64_t rig_pc(struct rig *rig, unsigned thread);

void rig_set_pc(struct rig *rig, unsigned thread, uint64_t pc);

/* What the debugger sees is what the guest believes. */
void rig_assert_hidden(struct rig *rig);

/* Lets the vCPUs run and stops them, as a debugger that attaches does. */
void rig_attach(struct rig *rig);

void rig_await_release(struct rig *rig);

/* On a busy machine its thread may take a while to hear of it. */
void rig_await_unparked(struct rig *rig, unsigned vcpu);

void rig_assert_undone(struct rig *rig);

/* It executes by itself, whether anybody looks after its channel or not. */
void rig_await_progress(struct fake_vcpu *vcpu, uint64_t executed);

/* Nothing of us is left in the guest, and it runs. */
void rig_assert_free(struct rig *rig);

void rig_free(struct rig *rig);

void rig_release(struct rig *rig);

void rig_finish(struct rig *rig);

#endif
