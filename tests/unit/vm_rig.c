/* SPDX-License-Identifier: Apache-2.0 */
/* A guest under debug, for tests: see vm_rig.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/kvm.h>
#include "tests/unit/vm_rig.h"
#include "kvm/arch_x86_64.h"
#include "kvm/transfer.h"
#include "kvm/vm.h"

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct rig *rig_of(struct target_listener *listener)
{
	return (struct rig *)((char *)listener - offsetof(struct rig, listener));
}

/* The contract of target.h, asserted for every test. */
static void rig_on_stop(struct target_listener *listener, const struct target_stop *stop)
{
	struct rig *rig = rig_of(listener);

	assert_true(rig->owed);
	assert_false(rig->inside);
	if (stop->reason == TARGET_STOP_GONE || stop->reason == TARGET_STOP_EXITED)
		assert_int_equal(stop->thread, 0);
	else
		assert_in_range(stop->thread, 1, rig->lender.count);
	rig->owed = false;
	rig->stops++;
	rig->stop = *stop;
}

static void rig_on_message(struct target_listener *listener, const char *text)
{
	struct rig *rig = rig_of(listener);
	size_t have = strlen(rig->message);

	rig->messages++;
	snprintf(rig->message + have, sizeof(rig->message) - have, "%s\n", text);
}

static void rig_on_output(struct target_listener *listener, const char *text, size_t length)
{
	struct rig *rig = rig_of(listener);
	size_t have = strlen(rig->output);

	snprintf(rig->output + have, sizeof(rig->output) - have, "%.*s", (int)length, text);
}

static void rig_on_hold(struct target_listener *listener)
{
	struct rig *rig = rig_of(listener);

	assert_false(rig->inside);
	rig->held = true;
}

static const struct target_listener_ops rig_listener_ops = {
	.on_stop = rig_on_stop,
	.on_hold = rig_on_hold,
	.on_message = rig_on_message,
	.on_output = rig_on_output,
};

static void rig_timer(void *context, int ms)
{
	struct rig *rig = context;

	rig->deadline_ms = ms ? now_ms() + ms : 0;
}

static void rig_watch(void *context, int ms)
{
	struct rig *rig = context;

	rig->watch_ms = ms ? now_ms() + ms : 0;
	rig->watch_period_ms = ms;
}

/* The debugger takes its place. */
static void rig_sit(struct rig *rig)
{
	assert_int_equal(seat_init(&rig->seat, rig->vm), 0);
	rig->seat.target.listener = &rig->listener;
}

void rig_open_vm(struct rig *rig, int stop_timeout_ms)
{
	rig->hooks = (struct vm_hooks){ .timer = rig_timer, .watch = rig_watch, .context = rig };
	rig->listener.ops = &rig_listener_ops;
	rig->deadline_ms = rig->watch_ms = 0;
	rig->owed = false;
	rig->vm = calloc(1, sizeof(*rig->vm));
	assert_non_null(rig->vm);
	assert_int_equal(vm_init(rig->vm, transfer_arch(), &rig->hooks, rig->journal.fd,
				 rig->lender.count, stop_timeout_ms),
		0);
	rig_sit(rig);
	assert_int_equal(memory_add_file(&rig->vm->memory, 0, FAKE_MEMORY, rig->lender.memory_fd, 0,
				 true, 0x7000000),
		0);
	for (unsigned i = 0; i < rig->lender.count; i++)
		vm_add_vcpu(rig->vm, i, dup(rig->lender.daemon_fd[i]));
}

void rig_drop_vm(struct rig *rig)
{
	vm_fini(rig->vm);
	free(rig->vm);
	rig->vm = NULL;
}

struct rig *rig_make(unsigned vcpus)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	assert_int_equal(fake_lender_init(&rig->lender, vcpus), 0);
	assert_int_equal(journal_create(&rig->journal), 0);
	rig_open_vm(rig, STOP_TIMEOUT_MS);
	return rig;
}

void rig_code(struct rig *rig, unsigned vcpu, const char *bytes, size_t length)
{
	fake_lender_write(&rig->lender, FAKE_CODE + 0x1000 * vcpu, bytes, length);
}

void rig_turn(struct rig *rig, int ms)
{
	struct pollfd fds[FAKE_VCPUS];
	unsigned count = rig->lender.count;

	for (unsigned i = 0; i < count; i++)
		fds[i] = (struct pollfd){ .fd = vm_vcpu_fd(rig->vm, i), .events = POLLIN };
	if (rig->deadline_ms && rig->deadline_ms - now_ms() < ms)
		ms = rig->deadline_ms > now_ms() ? (int)(rig->deadline_ms - now_ms()) : 0;
	poll(fds, count, ms);
	for (unsigned i = 0; i < count; i++)
		if (fds[i].revents)
			vm_on_readable(rig->vm, i);
	if (rig->deadline_ms && now_ms() >= rig->deadline_ms) {
		rig->deadline_ms = 0;
		vm_on_deadline(rig->vm);
	}
	if (rig->watch_ms && now_ms() >= rig->watch_ms) {
		rig->watch_ms = 0;
		vm_on_watch(rig->vm);
	}
}

void rig_idle(struct rig *rig, int ms)
{
	int64_t end = now_ms() + ms;

	while (now_ms() < end)
		rig_turn(rig, 2);
}

void rig_assert_quiet(struct rig *rig)
{
	int64_t end = now_ms() + 60;
	unsigned turns = 0;

	rig_idle(rig, 5);
	for (; now_ms() < end; turns++)
		rig_turn(rig, 20);
	assert_in_range(turns, 0, 20);
}

void rig_await_stop(struct rig *rig)
{
	int64_t end = now_ms() + PATIENCE_MS;

	vm_pump(rig->vm);
	while (rig->owed && now_ms() < end)
		rig_turn(rig, 20);
	if (rig->owed)
		fail_msg("no stop came; vm state %d", rig->vm->state);
}

void rig_expect(struct rig *rig, unsigned thread, enum target_stop_reason reason)
{
	rig_await_stop(rig);
	if (rig->stop.thread != thread || rig->stop.reason != reason)
		fail_msg("stopped with thread %u reason %d, not %u, %d (%s)", rig->stop.thread,
			(int)rig->stop.reason, thread, (int)reason, rig->message);
}

/* ---- calls into the target --------------------------------------------------------------- */

struct target *enter(struct rig *rig)
{
	rig->inside = true;
	return &rig->seat.target;
}

int leave(struct rig *rig, int rc)
{
	rig->inside = false;
	return rc;
}

int rig_stop(struct rig *rig)
{
	int rc;

	if (rig->seat.has_left && rig->vm->state != VM_GONE)
		rig_sit(rig); /* another debugger */
	rc = leave(rig, rig->seat.target.ops->stop(enter(rig)));

	if (rc == 0)
		rig->owed = true;
	vm_pump(rig->vm);
	return rc;
}

int rig_resume_threads(struct rig *rig, const struct target_resume *threads)
{
	int rc = leave(rig, rig->seat.target.ops->resume(enter(rig), threads));

	if (rc == 0) {
		assert_false(rig->owed);
		rig->owed = true;
	}
	vm_pump(rig->vm);
	return rc;
}

int rig_resume_each(struct rig *rig, const enum target_action *actions)
{
	struct target_resume threads[FAKE_VCPUS];

	for (unsigned i = 0; i < FAKE_VCPUS; i++)
		threads[i] = (struct target_resume){ .action = actions[i] };
	return rig_resume_threads(rig, threads);
}

int rig_resume(
	struct rig *rig, unsigned thread, enum target_action first, enum target_action others)
{
	enum target_action actions[FAKE_VCPUS];

	for (unsigned i = 0; i < FAKE_VCPUS; i++)
		actions[i] = i + 1 == thread ? first : others;
	return rig_resume_each(rig, actions);
}

void rig_continue(struct rig *rig)
{
	assert_int_equal(rig_resume(rig, 1, TARGET_CONTINUE, TARGET_CONTINUE), 0);
}

int rig_insert_kind(struct rig *rig, enum target_breakpoint type, uint64_t address, uint64_t length)
{
	struct target_breakpoint_spec spec = { .type = type, .address = address, .length = length };

	return leave(rig, rig->seat.target.ops->breakpoint_insert(enter(rig), 1, &spec));
}

int rig_remove_kind(struct rig *rig, enum target_breakpoint type, uint64_t address, uint64_t length)
{
	return leave(
		rig, rig->seat.target.ops->breakpoint_remove(enter(rig), 1, type, address, length));
}

void rig_insert(struct rig *rig, uint64_t address)
{
	assert_int_equal(rig_insert_kind(rig, TARGET_BREAK_SOFTWARE, address, 1), 0);
}

void rig_remove(struct rig *rig, uint64_t address)
{
	assert_int_equal(rig_remove_kind(rig, TARGET_BREAK_SOFTWARE, address, 1), 0);
}

void rig_turns(struct rig *rig, unsigned turns)
{
	for (unsigned turn = 0; turn < turns; turn++) {
		rig_continue(rig);
		rig_expect(rig, 1, TARGET_STOP_SWBREAK);
	}
}

static uint64_t rig_register(struct rig *rig, unsigned thread, unsigned number)
{
	uint8_t value[TARGET_REGISTER_MAX_BYTES] = { 0 };
	uint64_t result;

	assert_int_equal(
		leave(rig, rig->seat.target.ops->register_read(enter(rig), thread, number, value)),
		0);
	memcpy(&result, value, sizeof(result));
	return result;
}

uint64_t rig_pc(struct rig *rig, unsigned thread)
{
	return rig_register(rig, thread, X86_REG_RIP);
}

void rig_set_pc(struct rig *rig, unsigned thread, uint64_t pc)
{
	uint8_t value[TARGET_REGISTER_MAX_BYTES] = { 0 };

	memcpy(value, &pc, sizeof(pc));
	assert_int_equal(leave(rig, rig->seat.target.ops->register_write(
					    enter(rig), thread, X86_REG_RIP, value)),
		0);
}

void rig_assert_hidden(struct rig *rig)
{
	static uint8_t bytes[FAKE_MEMORY];
	const struct target_ops *ops = rig->seat.target.ops;

	assert_int_equal(
		ops->memory_read(&rig->seat.target, rig->stop.thread, 0, bytes, sizeof(bytes)),
		FAKE_MEMORY);
	assert_memory_equal(bytes, rig->lender.original, FAKE_MEMORY);
}

void rig_attach(struct rig *rig)
{
	fake_lender_start(&rig->lender);
	assert_int_equal(rig_stop(rig), 0);
	rig_await_stop(rig);
	assert_int_equal(rig->stop.reason, TARGET_STOP_INTERRUPT);
}

/* ---- the end of every test --------------------------------------------------------------- */

void rig_await_release(struct rig *rig)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (!vm_is_released(rig->vm) && now_ms() < end)
		rig_turn(rig, 20);
	if (!vm_is_released(rig->vm))
		fail_msg("not released; vm state %d", rig->vm->state);
}

void rig_await_unparked(struct rig *rig, unsigned vcpu)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (atomic_load(&rig->lender.vcpus[vcpu].parked) && now_ms() < end)
		rig_idle(rig, 5);
	assert_false(atomic_load(&rig->lender.vcpus[vcpu].parked));
}

void rig_assert_undone(struct rig *rig)
{
	assert_true(fake_lender_is_clean(&rig->lender));
	assert_int_equal(journal_count(&rig->journal), 0);
}

void rig_await_progress(struct fake_vcpu *vcpu, uint64_t executed)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (atomic_load(&vcpu->executed) < executed + 100 && now_ms() < end)
		usleep(100);
	assert_true(atomic_load(&vcpu->executed) >= executed + 100);
}

void rig_assert_free(struct rig *rig)
{
	uint64_t executed[FAKE_VCPUS];

	for (unsigned i = 0; i < rig->lender.count; i++)
		executed[i] = atomic_load(&rig->lender.vcpus[i].executed);
	rig_idle(rig, 20);
	for (unsigned i = 0; i < rig->lender.count; i++)
		rig_await_unparked(rig, i);
	rig_assert_undone(rig);
	for (unsigned i = 0; i < rig->lender.count; i++) {
		struct fake_vcpu *vcpu = &rig->lender.vcpus[i];

		assert_int_equal(atomic_load(&vcpu->debug_control) & KVM_GUESTDBG_ENABLE, 0);
		assert_false(atomic_load(&vcpu->parked));
		if (vcpu->mp_state == KVM_MP_STATE_RUNNABLE)
			rig_await_progress(vcpu, executed[i]);
	}
}

void rig_free(struct rig *rig)
{
	if (rig->vm)
		rig_drop_vm(rig);
	fake_lender_fini(&rig->lender);
	if (atomic_load(&rig->lender.violations))
		fail_msg("%u violations, first: %s", atomic_load(&rig->lender.violations),
			rig->lender.violation);
	journal_close(&rig->journal);
	free(rig);
}

void rig_release(struct rig *rig)
{
	rig->owed = false;
	seat_fini(&rig->seat);
	rig_await_release(rig);
}

void rig_finish(struct rig *rig)
{
	rig_release(rig);
	rig_assert_free(rig);
	rig_free(rig);
}
