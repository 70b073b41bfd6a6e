/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of run control, for the run_*.c files alone:
 *
 *   run_control.c  who runs, who steps, who is parked: stopping, holding, resuming, time
 *   run_points.c   what of the breakpoints stands in memory, and what in debug registers
 *   run_launch.c   how one vCPU is let go, alone if need be, and what a step leaves behind
 *   run_event.c    what a vCPU came out with, and what that means
 *   run_report.c   what there is to tell, and telling it
 *   run_keep.c     what stays stopped when the debugger has vanished
 */
#ifndef KVM_RUN_PRIVATE_H
#define KVM_RUN_PRIVATE_H

#include "kvm/run_control.h"
#include "kvm/view.h"

/* ---- run_control.c ----------------------------------------------------------------------- */

/* Kicks everybody; run_settle() comes when all are parked. Nothing to do when they are. */
void run_begin_stop(struct vm *vm);

/* Lets go whom the wishes in force let go; first, one at a time, those that must go alone. */
void run_go(struct vm *vm);

/* A vCPU that came out for something that concerns nobody goes on. */
void run_again(struct vm *vm, struct vcpu *vcpu);

/* Keeps what happened to a vCPU, and stops it, in all-stop the others too, so that it can be told. */
void run_hit(struct vm *vm, struct vcpu *vcpu, enum target_stop_reason reason, uint64_t address);

/* The same for a breakpoint; trapped: the vCPU has executed the instruction that we planted. */
void run_hit_breakpoint(
	struct vm *vm, struct vcpu *vcpu, enum target_stop_reason reason, bool trapped);

/* The VMM is gone: the end of everything but the news of it. */
void run_gone(struct vm *vm);

void run_timer(struct vm *vm, int ms);

/* ---- run_points.c ------------------------------------------------------------------------ */

/* Makes memory and debug registers follow the table.  All vCPUs are parked. */
void run_sync(struct vm *vm);

/*
 * True when debug registers that nobody asked for are in the way of some of the guest's own, which it did not
 * use when they were taken: run_sync() before vcpu runs.
 */
bool run_crowds(struct vm *vm, struct vcpu *vcpu);

/* From now on it is watched whether they still do. */
void run_watch(struct vm *vm);

/* ---- run_launch.c ------------------------------------------------------------------------ */

gva_t run_pc(struct vm *vm, struct vcpu *vcpu);

/* The plant on the instruction at pc as vcpu sees it, or NULL. */
struct plant *run_plant_at(struct vm *vm, struct vcpu *vcpu, gva_t pc);

/* The software breakpoint that somebody has set at this very address, or NULL. */
struct breakpoint *run_breakpoint_at(struct vm *vm, struct vcpu *vcpu, gva_t pc);

/* By single instructions, one or many. */
bool run_steps(const struct vcpu *vcpu);

/* A debug register of ours stops at the instruction at pc. */
bool run_point_at(const struct vm *vm, gva_t pc);

/*
 * True when vcpu cannot go on without the original instruction under our breakpoint being put back for
 * it.
 */
bool run_needs_lift(struct vm *vm, struct vcpu *vcpu, struct plant **plant);

/* Alone: every other vCPU is parked while the breakpoint is out of memory. */
void run_alone(struct vm *vm, struct vcpu *vcpu, struct plant *plant);

/* Together with others. */
void run_start(struct vm *vm, struct vcpu *vcpu);
void run_launch(struct vm *vm, struct vcpu *vcpu, enum vcpu_errand errand);

/* What a step has left behind in registers and memory is taken back. */
void run_step_clean(struct vm *vm, struct vcpu *vcpu);

/* The step is over, or given up. */
void run_step_end(struct vm *vm, struct vcpu *vcpu);

/* What was lifted for the vCPU that ran alone comes back. */
void run_over_end(struct vm *vm);

/* Puts what is due to the guest into its registers. */
void run_inject(struct vm *vm, struct vcpu *vcpu);

struct debug_request run_request(struct vm *vm, const struct vcpu *vcpu);

/* The debugger moved pc: what was due at the old one is not due any more. */
void run_forget_moved(struct vm *vm, struct vcpu *vcpu);

/* ---- run_event.c ------------------------------------------------------------------------- */

/* vcpu has parked; its report says why. */
void run_on_parked(struct vm *vm, struct vcpu *vcpu);

/* The same when nobody debugs any more: only what is the guest's own counts, and is due to it. */
void run_take_own(struct vm *vm, struct vcpu *vcpu);

/* ---- run_keep.c -------------------------------------------------------------------------- */

/* vm->is_kept, and every vCPU has parked that will: those that ran go on, with nothing planted. */
void run_keep_settle(struct vm *vm);

/* ---- run_report.c ------------------------------------------------------------------------ */

/* All-stop: the target is at rest. */
void run_report(struct vm *vm, const struct target_stop *stop);

/* The hit of this vCPU is told; the next resume passes what it hit. */
void run_report_hit(struct vm *vm, struct vcpu *vcpu);

/* The hit of this vCPU has been told otherwise. */
void run_end_hit(struct vm *vm, struct vcpu *vcpu);

/* Nothing happened but the wish to stop. */
void run_report_quiet(struct vm *vm);

/* Non-stop: vcpu has stopped because it was asked to. */
void run_report_halt(struct vm *vm, struct vcpu *vcpu);

/*
 * The hit to tell of first: anything that happened comes before the mere end of a step.  A vCPU
 * that was not resumed keeps its hit: a debugger that let one thread go expects news of that one.
 */
struct vcpu *run_choose_hit(struct vm *vm);

/* A kept hit counts only while what it hit is still asked for. */
bool run_hit_stands(struct vm *vm, struct vcpu *vcpu);

#endif
