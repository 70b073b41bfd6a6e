/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/hold.c: on-disconnect = resume, hold, hold-for. */
#include "daemon/hold.h"
#include "daemon/log.h"
#include "tests/unit/vm_rig.h"

#define LOOP "\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\xeb\xf4"

enum { SECONDS = 1 };

struct fixture {
	struct rig *rig;
	struct ev_loop *loop;
	struct hold hold;
};

static int setup(void **state)
{
	static struct fixture fixture;

	log_init(LOG_LEVEL_ERROR);
	fixture.rig = rig_make(1);
	CODE(fixture.rig, 0, LOOP);
	fixture.loop = ev_loop_new(EVFLAG_AUTO);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ev_loop_destroy(f->loop);
	rig_free(f->rig);
	return 0;
}

/* What a worker does when its only debugger, who has stopped the guest, is killed. */
static void vanish(struct fixture *f, enum conf_on_disconnect policy, unsigned seconds)
{
	const struct conf_disconnect wanted = { .policy = policy, .seconds = seconds };

	hold_init(&f->hold, f->loop, f->rig->vm, &wanted);
	rig_attach(f->rig);
	seat_fini(&f->rig->seat);
	vm_pump(f->rig->vm);
	hold_update(&f->hold);
}

static void assert_freed(struct fixture *f)
{
	rig_await_release(f->rig);
	rig_assert_free(f->rig);
}

static void test_resume(void **state)
{
	struct fixture *f = *state;

	vanish(f, CONF_ON_DISCONNECT_RESUME, 0);
	assert_false(f->rig->vm->is_kept);
	assert_freed(f);
}

/* For good: there is nothing that the loop waits for. */
static void test_hold(void **state)
{
	struct fixture *f = *state;

	vanish(f, CONF_ON_DISCONNECT_HOLD, 0);
	assert_false(ev_run(f->loop, 0));
	assert_true(f->rig->vm->is_kept);
	vm_let_go(f->rig->vm);
	assert_freed(f);
}

static void test_hold_for(void **state)
{
	struct fixture *f = *state;
	int64_t begin = now_ms();

	vanish(f, CONF_ON_DISCONNECT_HOLD_FOR, SECONDS);
	assert_true(f->rig->vm->is_kept);
	assert_true(ev_run(f->loop, EVRUN_ONCE) || !f->rig->vm->is_kept);
	assert_in_range(now_ms() - begin, SECONDS * 1000 - 50, PATIENCE_MS);
	assert_false(f->rig->vm->is_kept);
	assert_freed(f);
}

/* Another one comes in time: it keeps the guest as long as it likes. */
static void test_next_in_time(void **state)
{
	struct fixture *f = *state;

	vanish(f, CONF_ON_DISCONNECT_HOLD_FOR, SECONDS);
	assert_int_equal(seat_init(&f->rig->seat, f->rig->vm), 0);
	assert_int_equal(f->rig->seat.target.ops->hold(&f->rig->seat.target, 0), 0);
	assert_false(f->rig->vm->is_kept);
	hold_update(&f->hold);
	assert_false(
		ev_is_active(&f->hold.timer)); /* it may vanish, too, and has its own time then */
	assert_int_equal(f->rig->vm->state, VM_STOPPED);
	vm_release(f->rig->vm);
	assert_freed(f);
}

static void test_daemon_ends(void **state)
{
	struct fixture *f = *state;

	vanish(f, CONF_ON_DISCONNECT_HOLD_FOR, SECONDS);
	hold_end(&f->hold);
	assert_false(ev_run(f->loop, 0));
	assert_freed(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_resume),
		TEST(test_hold),
		TEST(test_hold_for),
		TEST(test_next_in_time),
		TEST(test_daemon_ends),
	};

	return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
