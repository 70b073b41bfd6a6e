/* SPDX-License-Identifier: Apache-2.0 */
/* The common part: rounds, what is expected, and the report. */
#include "tests/guest/arch.h"
#include "tests/guest/chaos.h"
#include "tests/guest/console.h"
#include "tests/guest/cpu.h"
#include "tests/guest/user.h"
#include "tests/guest/work.h"

#define CHAOS_ROUNDS_TO_IDLE 2
#define CHAOS_FIBONACCI      6
#define CHAOS_USER_ROUNDS    5
#define CHAOS_SHOWN          4
#define DIGEST_BASIS         0xcbf29ce484222325ull /* FNV-1a */
#define DIGEST_PRIME         0x100000001b3ull

struct outcome {
	uint64_t events;
	uint64_t digest;                 /* of all that there is to compare */
	uint32_t digests[RECORD_EVENTS]; /* of each event */
	uint32_t places[RECORD_EVENTS];  /* of where it was, and its class */
};

struct chaos_report chaos_reports[CPU_MAX];

/* Of each test, what a CPU has seen in its first round. */
static struct outcome expected[CPU_MAX][CHAOS_TESTS_MAX];
static struct outcome latest[CPU_MAX];
static uint64_t device_says[CPU_MAX];
static struct worker workers[CPU_MAX];
static bool spares_emulators;

uint64_t chaos_code(const struct chaos_test *test)
{
	return test->in_user ? test->snippet->user : test->snippet->kernel;
}

static void digest_add(uint64_t *digest, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++, value >>= 8)
		*digest = (*digest ^ (value & 0xff)) * DIGEST_PRIME;
}

static uint32_t digest_fold(uint64_t digest)
{
	return (uint32_t)(digest ^ digest >> 32);
}

static uint32_t digest_event(const struct record_event *event)
{
	uint64_t digest = DIGEST_BASIS;

	digest_add(&digest, event->pc);
	digest_add(&digest, event->cause);
	digest_add(&digest, event->detail);
	digest_add(&digest, event->debug);
	digest_add(&digest, event->flags & chaos_flags_mask);
	return digest_fold(digest);
}

static uint32_t digest_place(const struct record_event *event)
{
	uint64_t digest = DIGEST_BASIS;

	digest_add(&digest, event->pc);
	digest_add(&digest, event->cause & chaos_cause_class);
	return digest_fold(digest);
}

static unsigned recorded(const struct record *record)
{
	return record->nr_events < RECORD_EVENTS ? record->nr_events : RECORD_EVENTS;
}

static void outcome_note(struct outcome *outcome, const struct record *record, uint64_t result)
{
	outcome->events = record->nr_events;
	outcome->digest = DIGEST_BASIS;
	for (unsigned i = 0; i < recorded(record); i++) {
		outcome->digests[i] = digest_event(&record->events[i]);
		outcome->places[i] = digest_place(&record->events[i]);
		digest_add(&outcome->digest, outcome->digests[i]);
	}
	digest_add(&outcome->digest, record->syscall_flags & chaos_flags_mask);
	digest_add(&outcome->digest, result);
}

static void chaos_run(struct cpu *cpu, const struct chaos_test *test, struct outcome *outcome)
{
	struct record *record = &cpu->record;
	uint64_t (*call)(uint64_t) = (uint64_t(*)(uint64_t))(uintptr_t)test->snippet->kernel;
	uint64_t result;

	if (test->begin)
		test->begin(test);
	record->nr_events = 0;
	record->syscall_flags = 0;
	record->is_on = true;
	result = test->in_user ? arch_call_user(test->snippet->user, test->argument)
			       : call(test->argument);
	record->is_on = false;
	if (test->end)
		test->end();
	outcome_note(outcome, record, test->has_result ? result : 0);
}

/* The events from the first on that is another than it should be. */
static void chaos_show(const struct record *record, const struct outcome *wanted)
{
	unsigned first = 0;

	while (first < recorded(record) && first < wanted->events &&
		digest_event(&record->events[first]) == wanted->digests[first])
		first++;
	for (unsigned i = first; i < recorded(record) && i < first + CHAOS_SHOWN; i++) {
		const struct record_event *event = &record->events[i];

		console_print(
			"chaos: event %u: pc %#lx cause %#lx detail %#lx debug %#lx flags %#lx", i,
			(unsigned long)event->pc, (unsigned long)event->cause,
			(unsigned long)event->detail, (unsigned long)event->debug,
			(unsigned long)event->flags);
	}
	console_print("chaos: system call's flags %#lx", (unsigned long)record->syscall_flags);
}

/*
 * KVM, as it debugs, keeps some of them back, and an arm64 step that it has kept back comes late, wherever the
 * guest is when it debugs no more: but for steps, what is found are some of those that should be, in their order.
 */
static bool is_suspended(const struct record *record, const struct outcome *wanted)
{
	uint64_t nr_wanted = wanted->events < RECORD_EVENTS ? wanted->events : RECORD_EVENTS;
	uint64_t at = 0;

	for (unsigned i = 0; i < recorded(record); i++) {
		if (chaos_comes_late(&record->events[i]))
			continue;
		while (at < nr_wanted && wanted->places[at] != digest_place(&record->events[i]))
			at++;
		if (at++ == nr_wanted)
			return false;
	}
	return true;
}

static void chaos_judge(struct cpu *cpu, unsigned number, const struct outcome *found)
{
	const struct outcome *wanted = &expected[cpu->index][number];
	struct chaos_report *report = &chaos_reports[cpu->index];

	if (found->events == wanted->events && found->digest == wanted->digest)
		return;
	if (chaos_tests[number].may_be_suspended && is_suspended(&cpu->record, wanted)) {
		report->suspended = report->suspended + 1;
		return;
	}
	if (!report->failures) {
		report->test = number;
		report->expected_events = wanted->events;
		report->found_events = found->events;
		report->expected_digest = wanted->digest;
		report->found_digest = found->digest;
	}
	report->failures = report->failures + 1;
	console_print(
		"chaos: CPU %u, round %lu: %s in %s code: %lu exceptions, there should be %lu%s",
		cpu->index, (unsigned long)report->rounds, chaos_tests[number].name,
		chaos_tests[number].in_user ? "user" : "kernel", (unsigned long)found->events,
		(unsigned long)wanted->events,
		found->events == wanted->events ? ", and they or the result differ" : "");
	chaos_show(&cpu->record, wanted);
}

static void chaos_test_all(struct cpu *cpu)
{
	for (unsigned i = 0; i < chaos_nr_tests; i++) {
		struct outcome *now = chaos_reports[cpu->index].rounds ? &latest[cpu->index]
								       : &expected[cpu->index][i];

		if (spares_emulators &&
			selftest_arch_is_rough(chaos_tests[i].snippet, chaos_tests[i].in_user))
			continue;
		chaos_run(cpu, &chaos_tests[i], now);
		if (chaos_reports[cpu->index].rounds)
			chaos_judge(cpu, i, now);
	}
}

static void chaos_expect(struct cpu *cpu, const char *what, uint64_t found, uint64_t wanted)
{
	struct chaos_report *report = &chaos_reports[cpu->index];

	if (found == wanted)
		return;
	report->failures = report->failures + 1;
	console_print("chaos: CPU %u, round %lu: %s: %#lx, there should be %#lx", cpu->index,
		(unsigned long)report->rounds, what, (unsigned long)found, (unsigned long)wanted);
}

/* What demo.c does; with results that are known. */
static void chaos_work(struct cpu *cpu)
{
	struct worker *worker = &workers[cpu->index];

	worker->cpu = cpu->index;
	worker_round(worker);
	arch_identify();
	chaos_expect(cpu, "fibonacci()", fibonacci(CHAOS_FIBONACCI), 8);
	chaos_expect(cpu, "user_main()",
		arch_call_user(user_image_address->main, CHAOS_USER_ROUNDS), 15);
	chaos_expect(cpu, "a device", chaos_ask_device(), device_says[cpu->index]);
	if (cpu->index == 0) /* what it compares by is not each CPU's own */
		chaos_expect(cpu, "vector registers", arch_check_vector_registers(0), true);
}

static _Noreturn void chaos_loop(struct cpu *cpu)
{
	struct chaos_report *report = &chaos_reports[cpu->index];

	device_says[cpu->index] = chaos_ask_device();
	for (;;) {
		chaos_work(cpu);
		chaos_test_all(cpu);
		if (report->rounds % CHAOS_ROUNDS_TO_IDLE)
			arch_take_interrupts();
		else
			arch_idle();
		report->rounds = report->rounds + 1;
	}
}

_Noreturn void guest_main_secondary(struct cpu *cpu)
{
	chaos_loop(cpu);
}

_Noreturn void guest_main(struct cpu *cpu, uint64_t argument)
{
	spares_emulators = argument & SELFTEST_SPARE_EMULATORS;
	console_print("Hello from the chaos guest: %u vCPUs, %u tests.", nr_cpus, chaos_nr_tests);
	chaos_loop(cpu);
}
