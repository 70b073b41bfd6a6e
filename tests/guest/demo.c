/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of `make demo`: every CPU works a little, visits its user program, sleeps until the next
 * tick.  CPU 0 says so about once a second.
 */
#include "tests/guest/arch.h"
#include "tests/guest/console.h"
#include "tests/guest/cpu.h"
#include "tests/guest/user.h"
#include "tests/guest/work.h"

#define DEMO_TICKS_A_BEAT 100
#define DEMO_WORK_ROUNDS  4
#define DEMO_USER_ROUNDS  9

/* For a debugger to change: heartbeats are printed while it is not 0. */
volatile int demo_talks = 1;
volatile uint64_t heartbeats;

/* Whether CPU 0's vector registers were as it has filled them, at the last heartbeat. */
volatile bool vectors_intact;

static struct worker workers[CPU_MAX];

__attribute__((noinline)) static void demo_shift(struct cpu *cpu, struct worker *worker)
{
	worker->cpu = cpu->index;
	worker_loop(worker, DEMO_WORK_ROUNDS);
	arch_identify();
	arch_take_interrupts();
	arch_call_user(user_image_address->main, DEMO_USER_ROUNDS);
	arch_idle();
}

__attribute__((noinline)) static void heartbeat(void)
{
	heartbeats = heartbeats + long_line(871); /* 1, by 178 steps: a thousand instructions */
	vectors_intact = arch_check_vector_registers(0);
	if (demo_talks)
		console_print("heartbeat %lu: %u vCPUs, %lu rounds of work, checksum %#x",
			(unsigned long)heartbeats, nr_cpus, (unsigned long)total_rounds,
			workers[0].sum);
}

_Noreturn void guest_main_secondary(struct cpu *cpu)
{
	for (;;)
		demo_shift(cpu, &workers[cpu->index]);
}

/* argument: after how many heartbeats to end; 0 is never. */
_Noreturn void guest_main(struct cpu *cpu, uint64_t argument)
{
	uint64_t next_beat = DEMO_TICKS_A_BEAT;

	console_print("Hello from the demo guest: %u vCPUs at work.", nr_cpus);
	for (;;) {
		demo_shift(cpu, &workers[cpu->index]);
		if (cpu->nr_ticks < next_beat)
			continue;
		next_beat += DEMO_TICKS_A_BEAT;
		heartbeat();
		if (heartbeats == argument)
			arch_exit(0);
	}
}
