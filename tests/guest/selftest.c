/* SPDX-License-Identifier: Apache-2.0 */
/* The self-tests' common part: rounds, lines, and what both architectures can do. */
#include "tests/guest/arch.h"
#include "tests/guest/cpu.h"
#include "tests/guest/lock.h"
#include "tests/guest/selftest.h"
#include "tests/guest/user.h"
#include "tests/guest/work.h"

#define SELFTEST_ROUNDS_DEFAULT 2
#define SELFTEST_NEAR           0x100 /* how far from the tested code is told relative to it */
#define SELFTEST_SMP_COUNT      50
#define SELFTEST_SMP_ADDITIONS  1000
#define SELFTEST_TICK_PATIENCE  20000000
#define SELFTEST_WORK_ROUNDS    8
#define SELFTEST_USER_ROUNDS    27

uint64_t selftest_round;

static bool selftest_spares_emulators;
static struct worker selftest_worker;
static uint64_t selftest_base;
static bool selftest_in_user;

/* What all CPUs do together: each starts when job_number has changed, and says when it is done. */
static volatile uint64_t job_number;
static volatile uint64_t job_done[CPU_MAX];
static uint64_t job_locked_sum, job_atomic_sum;
static uint32_t job_lock;

static uint64_t selftest_call(const struct snippet *snippet, bool in_user, uint64_t argument)
{
	uint64_t (*call)(uint64_t) = (uint64_t(*)(uint64_t))(uintptr_t)snippet->kernel;

	if (selftest_spares_emulators && selftest_arch_is_rough(snippet, in_user))
		return 0;
	return in_user ? arch_call_user(snippet->user, argument) : call(argument);
}

uint64_t selftest_run(const struct snippet *snippet, bool in_user, uint64_t argument)
{
	struct record *record = &arch_cpu()->record;
	uint64_t result;

	record->nr_events = 0;
	record->is_on = true;
	result = selftest_call(snippet, in_user, argument);
	record->is_on = false;
	if (arch_cpu()->index == 0) {
		selftest_base = in_user ? snippet->user : snippet->kernel;
		selftest_in_user = in_user;
	}
	return result;
}

/* How many exceptions of the last run there are to list from first on that are all alike. */
static unsigned selftest_nr_alike(unsigned first, record_get_fn get)
{
	const struct record *record = &cpus[0].record;
	unsigned end = record->nr_events < RECORD_EVENTS ? record->nr_events : RECORD_EVENTS;
	unsigned i = first;

	while (i < end && get(&record->events[i]) == get(&record->events[first]))
		i++;
	return i - first;
}

typedef void (*line_add_item_fn)(struct line *line, uint64_t item);

static void selftest_add_items(
	struct line *line, const char *name, record_get_fn get, line_add_item_fn add_item)
{
	const struct record *record = &cpus[0].record;
	unsigned alike;

	line_add(line, " %s=", name);
	for (unsigned i = 0; (alike = selftest_nr_alike(i, get)) != 0; i += alike) {
		if (i)
			line_add(line, ",");
		add_item(line, get(&record->events[i]));
		if (alike > 1)
			line_add(line, "*%u", alike);
	}
	if (!record->nr_events)
		line_add(line, "-");
	else if (record->nr_events > RECORD_EVENTS)
		line_add(line, ",...");
}

static void selftest_add_number(struct line *line, uint64_t item)
{
	line_add(line, "%#lx", (unsigned long)item);
}

void selftest_add_list(struct line *line, const char *name, record_get_fn get)
{
	selftest_add_items(line, name, get, selftest_add_number);
}

static uint64_t event_pc(const struct record_event *event)
{
	return event->pc;
}

static void selftest_add_place(struct line *line, uint64_t pc)
{
	unsigned long offset = pc - selftest_base;

	if (offset < SELFTEST_NEAR)
		line_add(line, "+%#lx", offset);
	else
		line_add(line, "%#lx", (unsigned long)pc);
}

static uint64_t event_mode(const struct record_event *event)
{
	return event->is_from_user;
}

static void selftest_add_mode(struct line *line, uint64_t is_from_user)
{
	line_add(line, "%s", is_from_user ? "user" : "kernel");
}

void selftest_begin_line(struct line *line, const char *name)
{
	line->length = 0;
	line_add(line, "selftest %s.%s round=%lu count=%u", name,
		selftest_in_user ? "user" : "kernel", (unsigned long)selftest_round,
		cpus[0].record.nr_events);
	selftest_add_items(line, "at", event_pc, selftest_add_place);
	selftest_add_items(line, "mode", event_mode, selftest_add_mode);
}

static void selftest_print(const char *name, const char *field, uint64_t value)
{
	console_print("selftest %s round=%lu %s=%lu", name, (unsigned long)selftest_round, field,
		(unsigned long)value);
}

/* Functions worth a breakpoint, with the same result each time. */
static void selftest_work(void)
{
	selftest_worker = (struct worker){ .cpu = 0 };
	worker_loop(&selftest_worker, SELFTEST_WORK_ROUNDS);
	console_print("selftest work round=%lu fibonacci=%lu list=%lu checksum=%#x",
		(unsigned long)selftest_round, (unsigned long)last_fibonacci,
		(unsigned long)list_sum(&selftest_worker), selftest_worker.sum);
}

static void selftest_user(void)
{
	uint64_t calls = arch_cpu()->nr_syscalls;

	selftest_print(
		"user", "collatz", arch_call_user(user_image_address->main, SELFTEST_USER_ROUNDS));
	selftest_print("user", "syscalls", arch_cpu()->nr_syscalls - calls);
}

/* Whether the timer's interrupt comes at all; when is nobody's business. */
static void selftest_timer(void)
{
	volatile uint64_t *ticks = &arch_cpu()->nr_ticks;
	uint64_t before = *ticks;

	for (unsigned i = 0; i < SELFTEST_TICK_PATIENCE && *ticks == before; i++)
		arch_take_interrupts();
	console_print("selftest timer round=%lu seen=%s", (unsigned long)selftest_round,
		*ticks == before ? "no" : "yes");
}

static void job_run(struct cpu *cpu, uint64_t number)
{
	selftest_run(&snippet_breakpoints, SELFTEST_KERNEL, SELFTEST_SMP_COUNT);
	for (unsigned i = 0; i < SELFTEST_SMP_ADDITIONS; i++) {
		arch_add(&job_atomic_sum, 1);
		lock_acquire(&job_lock);
		job_locked_sum++;
		lock_release(&job_lock);
	}
	job_done[cpu->index] = number;
}

_Noreturn void guest_main_secondary(struct cpu *cpu)
{
	for (;;) {
		uint64_t number = job_number;

		if (job_done[cpu->index] != number)
			job_run(cpu, number);
		else
			arch_idle();
	}
}

static void selftest_smp(struct cpu *cpu)
{
	struct line line = { .length = 0 };

	job_locked_sum = job_atomic_sum = 0;
	job_number = job_number + 1;
	job_run(cpu, job_number);
	line_add(&line,
		"selftest smp round=%lu cpus=%u breakpoints=", (unsigned long)selftest_round,
		nr_cpus);
	for (unsigned i = 0; i < nr_cpus; i++) {
		while (job_done[i] != job_number)
			arch_relax();
		line_add(&line, "%s%u", i ? "," : "", cpus[i].record.nr_events);
	}
	line_add(&line, " locked=%lu atomic=%lu", (unsigned long)job_locked_sum,
		(unsigned long)job_atomic_sum);
	line_write(&line);
}

static void selftest_vector(void)
{
	console_print("selftest vector round=%lu intact=%s", (unsigned long)selftest_round,
		arch_check_vector_registers(arch_cpu()->index) ? "yes" : "no");
}

static void selftest_all(struct cpu *cpu)
{
	selftest_work();
	selftest_user();
	selftest_arch();
	selftest_timer();
	selftest_smp(cpu);
	selftest_vector();
}

_Noreturn void guest_main(struct cpu *cpu, uint64_t argument)
{
	uint64_t rounds = argument & SELFTEST_ROUNDS_FOREVER;

	if (!rounds)
		rounds = SELFTEST_ROUNDS_DEFAULT;
	selftest_spares_emulators = argument & SELFTEST_SPARE_EMULATORS;
	selftest_arch_walks();
	for (selftest_round = 1; rounds == SELFTEST_ROUNDS_FOREVER || selftest_round <= rounds;
		selftest_round++)
		selftest_all(cpu);
	console_print("selftest done rounds=%lu", (unsigned long)rounds);
	arch_exit(0);
}
