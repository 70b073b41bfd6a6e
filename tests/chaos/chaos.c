/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chaos: kill -9's a random one of debugger, worker and main at a random moment of whatever they do to a guest,
 * again and again, and looks each time whether the guest is as if they had never been there:
 *
 *	its code and what it only reads: as in its file, byte by byte; all its other memory that it does not
 *	write itself: as it was before the first debugger came
 *	KVM's guest debug: off, on every vCPU
 *	every vCPU: goes on, its timer too, and finds that its own breakpoints, steps, debug registers, faults,
 *	flags and registers do what they did before (tests/guest/chaos.h)
 *	main and the VMM: no fd more than before
 *	the VM: can be debugged again
 *
 * All waits are for conditions, and each has a bound.  Prints TAP.  With the same seed the same is done in each round;
 * what meets when is the machine's.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/chaos/cast.h"
#include "tests/chaos/debugger.h"
#include "tests/chaos/dice.h"
#include "tests/chaos/image.h"
#include "tests/chaos/witness.h"

enum {
	FAILURES_MAX = 5,
	TICK_US = 200,
	KILL_DELAY_US = 12000, /* after the debugger has begun */
	KILL_PACKETS = 60,
	PROGRESS_ROUNDS = 25,
	BACK_ROUNDS = 8, /* until somebody comes and goes in peace, and fds are counted */
};

enum victim { DEBUGGER, WORKER, MAIN, VICTIMS };

static const char *const victim_names[VICTIMS] = { "debugger", "worker", "main" };

/* What is looked at; each is one line of the result. */
enum check { BEGINS, CODE, GUEST_DEBUG, GOES_ON, MEMORY, FDS, BACK, SAYS, CHECKS };

static const char *const check_names[CHECKS] = {
	[BEGINS] = "a debugger can begin, and what it is told is right",
	[CODE] = "the guest's code is as in its file, byte by byte",
	[GUEST_DEBUG] = "KVM's guest debug is off",
	[GOES_ON] = "every vCPU goes on, and its self-tests find nothing",
	[MEMORY] = "all other memory that the guest does not write is as it was",
	[FDS] = "main and the VMM have no fd more than before",
	[BACK] = "the VM can be debugged again",
	[SAYS] = "nobody ended by itself",
};

/* Where the time goes. */
enum phase { BEGIN, MOMENT, LEAVE, UNDO, GO_ON, COMPARE, RESTART, PHASES };

static const char *const phase_names[PHASES] = { "to begin", "to work", "to kill", "to undo",
	"to go on", "to compare", "to restart" };

struct chaos {
	struct cast cast;
	struct image image;
	struct witness witness;
	struct dice dice;
	struct debugger_orders orders;
	struct debugger_talk *talk;
	unsigned rounds, patience_ms, slowness;
	unsigned compares_every; /* that many rounds: all memory */
	double seconds;          /* no round begins later; 0: no bound */

	unsigned round; /* from 1 */
	unsigned killed[VICTIMS],
		killed_with[VICTIMS]; /* how often; also killed right after the first */
	unsigned failed[CHECKS], failures;
	bool is_broken;              /* everything must be started anew */
	int main_fds, vmm_fds;       /* 0: not counted yet */
	unsigned undone_ms, back_ms; /* the longest */
	int64_t spent_us[PHASES];
	enum victim victim;
	uint32_t packets; /* at which it was killed */
	char last[96];    /* what was asked then */
};

/* ---- time -------------------------------------------------------------------------------- */

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void pause_us(unsigned us)
{
	const struct timespec time = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	nanosleep(&time, NULL);
}

typedef bool (*chaos_condition)(struct chaos *chaos);

/* True when it came to hold in time. */
static bool chaos_await(struct chaos *chaos, chaos_condition holds, unsigned *longest_ms)
{
	int64_t begin = now_us(), end = begin + (int64_t)chaos->patience_ms * 1000;
	bool is_met = holds(chaos);

	while (!is_met && now_us() < end) {
		pause_us(TICK_US * chaos->slowness);
		is_met = holds(chaos);
	}
	if (longest_ms && (now_us() - begin) / 1000 > *longest_ms)
		*longest_ms = (unsigned)((now_us() - begin) / 1000);
	return is_met;
}

/* ---- failures ---------------------------------------------------------------------------- */

static void chaos_print_round(const struct chaos *chaos)
{
	printf("#   round %u, CHAOS_SEED=%" PRIu64
	       ": %s killed after %u packets; the last was: %s\n",
		chaos->round, chaos->orders.seed, victim_names[chaos->victim], chaos->packets,
		chaos->last);
	for (uint32_t i = 0; i < TRAIL_LINES; i++) {
		const char *line = chaos->talk->trail[(chaos->talk->lines + i) % TRAIL_LINES];

		if (*line)
			printf("#   %s\n", line);
	}
}

__attribute__((format(printf, 3, 4))) static void chaos_fail(
	struct chaos *chaos, enum check check, const char *format, ...)
{
	va_list arguments;

	chaos->failed[check]++;
	chaos->failures++;
	chaos->is_broken = true;
	printf("# %s: FAILED: ", check_names[check]);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	chaos_print_round(chaos);
	cast_print_tail(&chaos->cast, "daemon.err", 14, stdout);
	cast_print_tail(&chaos->cast, "vmm.err", 4, stdout);
	cast_print_tail(&chaos->cast, "vmm.out", 16, stdout);
	fflush(stdout);
}

/* ---- beginning --------------------------------------------------------------------------- */

static bool chaos_has_witness(struct chaos *chaos)
{
	if (chaos->witness.reports)
		return true;
	return witness_open(
		       &chaos->witness, &chaos->image, chaos->cast.vmm, chaos->cast.nr_vcpus) == 0;
}

/* Every CPU knows what to expect of itself: it has judged a round. */
static bool chaos_has_judged(struct chaos *chaos)
{
	for (unsigned i = 0; i < chaos->cast.nr_vcpus; i++)
		if (witness_rounds(&chaos->witness, i) < 2)
			return false;
	return true;
}

/* The VMM first: what its CPUs expect must not be a daemon's doing. */
static void chaos_start(struct chaos *chaos)
{
	int rc = cast_start_vmm(&chaos->cast);

	if (rc < 0)
		errx(1, "the VMM cannot be started: %s", strerror(-rc));
	if (!chaos_await(chaos, chaos_has_witness, NULL) ||
		!chaos_await(chaos, chaos_has_judged, NULL)) {
		cast_print_tail(&chaos->cast, "vmm.err", 10, stdout);
		cast_print_tail(&chaos->cast, "vmm.out", 10, stdout);
		printf("Bail out! chaos: the guest does not begin\n");
		exit(1);
	}
	if (witness_keep(&chaos->witness) < 0)
		errx(1, "no memory for a copy of the guest's");
	rc = cast_start_daemon(&chaos->cast);
	if (rc < 0)
		errx(1, "gdbproxyd cannot be started: %s", strerror(-rc));
	chaos->main_fds = chaos->vmm_fds = 0;
	chaos->is_broken = false;
}

static void chaos_stop(struct chaos *chaos)
{
	cast_kill_daemon(&chaos->cast);
	cast_kill_vmm(&chaos->cast);
	witness_close(&chaos->witness);
	chaos->witness.reports = NULL;
}

/* ---- the debugger ------------------------------------------------------------------------ */

static pid_t chaos_fork_debugger(struct chaos *chaos)
{
	pid_t pid;

	memset(chaos->talk, 0, sizeof(*chaos->talk));
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		debugger_run(&chaos->orders, chaos->talk);
	if (pid < 0)
		err(1, "fork");
	return pid;
}

/* True once it is at work; false when it has ended before, and *pid is 0. */
static bool chaos_await_work(struct chaos *chaos, pid_t *pid, int *status)
{
	while (!chaos->talk->is_at_work) {
		if (waitpid(*pid, status, WNOHANG) == *pid) {
			*pid = 0;
			return false;
		}
		pause_us(TICK_US * chaos->slowness);
	}
	return true;
}

/* A debugger at work, or 0: after a death the VM takes its time to come back. */
static pid_t chaos_start_debugger(struct chaos *chaos)
{
	int64_t begin = now_us(), end = begin + (int64_t)chaos->patience_ms * 1000;
	int status = 0;
	pid_t pid;

	do {
		pid = chaos_fork_debugger(chaos);
		if (chaos_await_work(chaos, &pid, &status)) {
			unsigned took_ms = (unsigned)((now_us() - begin) / 1000);

			if (took_ms > chaos->back_ms)
				chaos->back_ms = took_ms;
			return pid;
		}
		if (WEXITSTATUS(status) != DEBUGGER_NOT_LET_IN)
			break;
		pause_us(2000 * chaos->slowness);
	} while (now_us() < end);
	chaos_fail(chaos, BEGINS, "%s (%#x) within %" PRId64 " ms",
		WEXITSTATUS(status) == DEBUGGER_COMPLAINS ? chaos->talk->complaint
							  : "no debugger was let in",
		(unsigned)status, (now_us() - begin) / 1000);
	return 0;
}

/* It has lost its daemon, and notices by itself; or it is killed already. */
static void chaos_await_debugger(struct chaos *chaos, pid_t pid)
{
	int64_t end = now_us() + (int64_t)chaos->patience_ms * 1000;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_us() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			chaos_fail(chaos, BEGINS,
				"a debugger is not told that its %s has died; it is at %s",
				victim_names[chaos->victim], chaos->talk->last);
			return;
		}
		pause_us(TICK_US * chaos->slowness);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == DEBUGGER_COMPLAINS)
		chaos_fail(chaos, BEGINS, "the debugger complains: %s", chaos->talk->complaint);
}

/* ---- killing ----------------------------------------------------------------------------- */

/* A random moment: some time, or some packets and a little time. */
static void chaos_await_moment(struct chaos *chaos, pid_t debugger)
{
	unsigned packets = 0;
	int64_t end = now_us() + (int64_t)dice_roll(&chaos->dice, KILL_DELAY_US * chaos->slowness);

	if (dice_chance(&chaos->dice, 50)) {
		packets = 1 + dice_roll(&chaos->dice, KILL_PACKETS);
		end = now_us() + 2 * (int64_t)chaos->patience_ms * 1000; /* it complains before */
	}
	while (now_us() < end && (!packets || chaos->talk->packets < packets)) {
		siginfo_t info = { 0 };

		if (waitid(P_PID, (id_t)debugger, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			info.si_pid)
			return;
		pause_us(50 * chaos->slowness);
	}
	if (packets && chaos->talk->packets < packets) {
		chaos_fail(chaos, BEGINS, "a debugger does nothing any more");
		return;
	}
	if (packets)
		pause_us(dice_roll(&chaos->dice, 300 * chaos->slowness));
}

/* Mostly with its worker, which would undo what it has planted, as main would for it: the lender alone is left. */
static void chaos_kill_main(struct chaos *chaos)
{
	pid_t worker = cast_find_worker(&chaos->cast);
	int fd = worker && dice_chance(&chaos->dice, 60) ? pidfd_open(worker, 0) : -1;

	if (fd >= 0 && pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0)
		chaos->killed_with[WORKER]++;
	cast_kill_daemon(&chaos->cast);
	if (fd >= 0)
		close(fd);
}

static bool chaos_kill(struct chaos *chaos, enum victim victim, pid_t debugger)
{
	pid_t worker;

	switch (victim) {
	case DEBUGGER:
		return kill(debugger, SIGKILL) == 0;
	case WORKER:
		worker = cast_find_worker(&chaos->cast);
		return worker && kill(worker, SIGKILL) == 0;
	default:
		chaos_kill_main(chaos);
		return true;
	}
}

/* One of the three, and now and then another one right after it. */
static void chaos_kill_somebody(struct chaos *chaos, pid_t debugger)
{
	unsigned second = dice_roll(&chaos->dice, 5 * VICTIMS);

	chaos->packets = chaos->talk->packets;
	memcpy(chaos->last, chaos->talk->last, sizeof(chaos->last));
	if (chaos_kill(chaos, chaos->victim, debugger))
		chaos->killed[chaos->victim]++;
	if (second >= VICTIMS || second == chaos->victim)
		return;
	pause_us(dice_roll(&chaos->dice, 500 * chaos->slowness));
	if (chaos_kill(chaos, (enum victim)second, debugger))
		chaos->killed_with[second]++;
}

/* ---- looking ----------------------------------------------------------------------------- */

static bool chaos_is_undone(struct chaos *chaos)
{
	return !witness_count_code(&chaos->witness) && !witness_count_debugged(&chaos->witness);
}

static bool chaos_has_no_worker(struct chaos *chaos)
{
	return !cast_find_worker(&chaos->cast);
}

static void chaos_check_undone(struct chaos *chaos)
{
	if (chaos_await(chaos, chaos_is_undone, &chaos->undone_ms))
		return;
	if (witness_count_code(&chaos->witness)) {
		chaos_fail(chaos, CODE, "%u bytes differ after %u ms",
			witness_count_code(&chaos->witness), chaos->patience_ms);
		witness_print_code(&chaos->witness, stdout);
	}
	if (witness_count_debugged(&chaos->witness))
		chaos_fail(chaos, GUEST_DEBUG, "it is on on %u vCPUs after %u ms",
			witness_count_debugged(&chaos->witness), chaos->patience_ms);
}

/* Each CPU has come to the end of a round, and of as many more as it takes for one to be whole. */
static bool chaos_await_rounds(struct chaos *chaos, unsigned rounds)
{
	int64_t end = now_us() + (int64_t)chaos->patience_ms * 1000;

	for (unsigned i = 0; i < chaos->cast.nr_vcpus; i++) {
		uint64_t before = witness_rounds(&chaos->witness, i);

		while (witness_rounds(&chaos->witness, i) < before + rounds) {
			int status;

			if (now_us() > end || !cast_vmm_lives(&chaos->cast, &status)) {
				chaos_fail(chaos, GOES_ON,
					"vCPU %u stands still at %" PRIu64 " rounds", i, before);
				return false;
			}
			pause_us(TICK_US * chaos->slowness);
		}
	}
	return true;
}

static bool chaos_await_ticks(struct chaos *chaos, const uint64_t *before)
{
	int64_t end = now_us() + (int64_t)chaos->patience_ms * 1000;

	for (unsigned i = 0; i < chaos->cast.nr_vcpus; i++) {
		while (witness_ticks(&chaos->witness, i) == before[i]) {
			if (now_us() > end) {
				chaos_fail(chaos, GOES_ON,
					"vCPU %u gets no more interrupts of its timer", i);
				return false;
			}
			pause_us(TICK_US * chaos->slowness);
		}
	}
	return true;
}

static void chaos_check_goes_on(struct chaos *chaos)
{
	uint64_t suspended, ticks[32];

	for (unsigned i = 0; i < chaos->cast.nr_vcpus; i++)
		ticks[i] = witness_ticks(&chaos->witness, i);
	if (!chaos_await_rounds(chaos, 1))
		return;
	suspended = witness_suspended(&chaos->witness);
	if (!chaos_await_rounds(chaos, 1) || !chaos_await_ticks(chaos, ticks))
		return;
	if (witness_suspended(&chaos->witness) != suspended)
		chaos_fail(chaos, GOES_ON, "some of the guest's own exceptions do not come back");
	if (witness_failures(&chaos->witness))
		chaos_fail(chaos, GOES_ON, "the guest has found %" PRIu64 " failures",
			witness_failures(&chaos->witness));
}

static void chaos_check_memory(struct chaos *chaos)
{
	if (chaos->round % chaos->compares_every || !witness_count_all(&chaos->witness))
		return;
	chaos_fail(chaos, MEMORY, "%u bytes differ", witness_count_all(&chaos->witness));
	witness_print_all(&chaos->witness, stdout);
}

static void chaos_check_lives(struct chaos *chaos)
{
	int status = 0;

	if (!cast_vmm_lives(&chaos->cast, &status))
		chaos_fail(chaos, SAYS, "the VMM has ended: %#x", (unsigned)status);
	if (!cast_daemon_lives(&chaos->cast, &status))
		chaos_fail(chaos, SAYS, "main has ended: %#x", (unsigned)status);
}

/* ---- fds --------------------------------------------------------------------------------- */

static bool chaos_has_usual_fds(struct chaos *chaos)
{
	return cast_count_fds(chaos->cast.daemon) == chaos->main_fds &&
	       cast_count_fds(chaos->cast.vmm) == chaos->vmm_fds;
}

/*
 * Only while the VM is registered and nobody debugs it they have what they should have: a debugger that was
 * let in says that it is.
 */
static void chaos_check_fds(struct chaos *chaos)
{
	if (!chaos->main_fds) {
		chaos->main_fds = cast_count_fds(chaos->cast.daemon);
		chaos->vmm_fds = cast_count_fds(chaos->cast.vmm);
		return;
	}
	if (!chaos_await(chaos, chaos_has_usual_fds, NULL))
		chaos_fail(chaos, FDS, "main has %d, at first %d; the VMM %d, at first %d",
			cast_count_fds(chaos->cast.daemon), chaos->main_fds,
			cast_count_fds(chaos->cast.vmm), chaos->vmm_fds);
}

/* ---- rounds ------------------------------------------------------------------------------ */

static void chaos_spend(struct chaos *chaos, enum phase phase, int64_t *since)
{
	int64_t now = now_us();

	chaos->spent_us[phase] += now - *since;
	*since = now;
}

/* All that must hold before anybody is started again: for the daemon's death the lender alone undoes. */
static void chaos_check_guest(struct chaos *chaos)
{
	int64_t since = now_us();

	chaos_check_undone(chaos);
	chaos_spend(chaos, UNDO, &since);
	if (!chaos->is_broken)
		chaos_check_goes_on(chaos);
	chaos_spend(chaos, GO_ON, &since);
	if (!chaos->is_broken)
		chaos_check_memory(chaos);
	chaos_spend(chaos, COMPARE, &since);
}

static void chaos_restart_main(struct chaos *chaos)
{
	int64_t since = now_us();

	if (!chaos->cast.daemon && cast_start_daemon(&chaos->cast) < 0)
		err(1, "gdbproxyd");
	if (!chaos->is_broken && !chaos_await(chaos, chaos_has_no_worker, NULL))
		chaos_fail(chaos, BACK, "a worker stays");
	chaos_spend(chaos, RESTART, &since);
}

/* True when there was somebody to kill. */
static bool chaos_kill_at_work(struct chaos *chaos)
{
	int64_t since = now_us();
	pid_t debugger = chaos_start_debugger(chaos);

	chaos_spend(chaos, BEGIN, &since);
	if (!debugger)
		return false;
	chaos_await_moment(chaos, debugger);
	chaos_spend(chaos, MOMENT, &since);
	chaos_kill_somebody(chaos, debugger);
	chaos_await_debugger(chaos, debugger);
	chaos_spend(chaos, LEAVE, &since);
	return true;
}

static void chaos_round(struct chaos *chaos)
{
	chaos->orders.round = chaos->round;
	dice_init(&chaos->dice, chaos->orders.seed, 2 * (uint64_t)chaos->round);
	chaos->victim = (enum victim)dice_roll(&chaos->dice, VICTIMS);
	if (chaos->orders.mostly_steps && chaos->victim == DEBUGGER)
		chaos->victim = WORKER;
	chaos->packets = 0;
	snprintf(chaos->last, sizeof(chaos->last), "none");
	if (!chaos_kill_at_work(chaos))
		return;
	chaos_check_guest(chaos);
	chaos_restart_main(chaos);
	chaos_check_lives(chaos);
}

static bool chaos_goes_on(const struct chaos *chaos, int64_t begin)
{
	return chaos->round < chaos->rounds && chaos->failures < FAILURES_MAX &&
	       (chaos->seconds == 0 || (double)(now_us() - begin) / 1e6 < chaos->seconds);
}

static void chaos_print_progress(const struct chaos *chaos, int64_t begin)
{
	if (chaos->round % PROGRESS_ROUNDS)
		return;
	printf("# %u rounds in %" PRId64 " s\n", chaos->round, (now_us() - begin) / 1000000);
	fflush(stdout);
}

/* A debugger comes and goes in peace: the VM is there, and the next look at the fds is a fair one. */
static void chaos_check_back(struct chaos *chaos)
{
	pid_t debugger;

	chaos->orders.round = chaos->rounds + chaos->round;
	debugger = chaos_start_debugger(chaos);
	if (!debugger)
		return;
	kill(debugger, SIGKILL);
	waitpid(debugger, NULL, 0);
	chaos_check_undone(chaos);
	if (!chaos_await(chaos, chaos_has_no_worker, NULL))
		chaos_fail(chaos, BACK, "a worker stays");
	if (!chaos->is_broken)
		chaos_check_fds(chaos);
}

static void chaos_run(struct chaos *chaos)
{
	int64_t begin = now_us();

	chaos_start(chaos);
	chaos_check_back(chaos);
	while (chaos_goes_on(chaos, begin)) {
		if (chaos->is_broken) {
			chaos_stop(chaos);
			chaos_start(chaos);
			chaos_check_back(chaos);
		}
		chaos->round++;
		chaos_round(chaos);
		if (!chaos->is_broken && chaos->round % BACK_ROUNDS == 0)
			chaos_check_back(chaos);
		chaos_print_progress(chaos, begin);
	}
}

/* ---- results ----------------------------------------------------------------------------- */

static unsigned chaos_check_end(struct chaos *chaos)
{
	unsigned complaints;

	if (!chaos->is_broken)
		chaos_check_back(chaos); /* main is whole, too, when the last one has just begun */
	if (!chaos->is_broken && !cast_end_daemon(&chaos->cast, chaos->patience_ms))
		chaos_fail(chaos, SAYS, "main does not end well by SIGTERM");
	complaints = cast_count_complaints(&chaos->cast, stdout);
	if (complaints)
		chaos_fail(chaos, SAYS, "%u lines of valgrind or a sanitizer", complaints);
	return chaos->failures;
}

static int chaos_report(struct chaos *chaos)
{
	printf("# killed: %u debuggers, %u workers, %u mains; and right after another one %u, %u, "
	       "%u\n",
		chaos->killed[DEBUGGER], chaos->killed[WORKER], chaos->killed[MAIN],
		chaos->killed_with[DEBUGGER], chaos->killed_with[WORKER], chaos->killed_with[MAIN]);
	printf("# undone within %u ms, back within %u ms at most; KVM kept %" PRIu64
	       " times back what is the guest's own while it debugged\n",
		chaos->undone_ms, chaos->back_ms,
		chaos->witness.reports ? witness_suspended(&chaos->witness) : 0);
	printf("# ms a round:");
	for (unsigned i = 0; i < PHASES; i++)
		printf("%s %" PRId64 " %s", i ? "," : "",
			chaos->spent_us[i] / 1000 / (chaos->round ? chaos->round : 1),
			phase_names[i]);
	printf("\n");
	for (unsigned i = 0; i < CHECKS; i++)
		printf("%sok %u - %u rounds: %s\n", chaos->failed[i] ? "not " : "", i + 1,
			chaos->round, check_names[i]);
	printf("1..%d\n", CHECKS);
	return chaos->failures ? 1 : 0;
}

/* ---- options ----------------------------------------------------------------------------- */

static const char chaos_usage[] =
	"usage: chaos [options] GDBPROXYD WATCHED-VMM CHAOS.ELF\n"
	"  --dir DIR       for sockets and what is said (default /tmp/chaos)\n"
	"  --rounds N      default 100      --seconds S   no round begins later (default: no "
	"bound)\n"
	"  --seed N        default: of the clock\n"
	"  --vcpus N       default 2        --patience MS for each condition (default 20000)\n"
	"  --slowness N    multiplies the times to wait (default 1)\n"
	"  --wrap WORDS    what gdbproxyd is started by, e.g. valgrind -q\n"
	"  --steps         debuggers mostly step through user code, and only their daemon is "
	"killed\n"
	"  --spare         the KVM emulates: no software breakpoints, none of the guest's own in "
	"its kernel\n";

static const struct option chaos_options[] = {
	{ "dir", required_argument, NULL, 'd' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "seconds", required_argument, NULL, 't' },
	{ "seed", required_argument, NULL, 's' },
	{ "vcpus", required_argument, NULL, 'c' },
	{ "patience", required_argument, NULL, 'p' },
	{ "slowness", required_argument, NULL, 'l' },
	{ "wrap", required_argument, NULL, 'w' },
	{ "steps", no_argument, NULL, 'S' },
	{ "spare", no_argument, NULL, 'e' },
	{ 0 },
};

static void chaos_parse_option(struct chaos *chaos, int option)
{
	switch (option) {
	case 'd':
		chaos->cast.dir = optarg;
		break;
	case 'r':
		chaos->rounds = (unsigned)strtoul(optarg, NULL, 0);
		break;
	case 't':
		chaos->seconds = strtod(optarg, NULL);
		break;
	case 's':
		chaos->orders.seed = strtoull(optarg, NULL, 0);
		break;
	case 'c':
		chaos->cast.nr_vcpus = (unsigned)strtoul(optarg, NULL, 0);
		break;
	case 'p':
		chaos->patience_ms = (unsigned)strtoul(optarg, NULL, 0);
		break;
	case 'l':
		chaos->slowness = (unsigned)strtoul(optarg, NULL, 0);
		break;
	case 'w':
		chaos->cast.wrap = *optarg ? optarg : NULL;
		break;
	case 'S':
		chaos->orders.mostly_steps = true;
		break;
	case 'e':
		chaos->cast.argument = "0x100000000"; /* SELFTEST_SPARE_EMULATORS */
		chaos->orders.has_software = false;
		break;
	default:
		fputs(chaos_usage, stderr);
		exit(2);
	}
}

static void chaos_prepare(struct chaos *chaos, char **paths)
{
	int rc;

	chaos->cast.daemon_path = paths[0];
	chaos->cast.vmm_path = paths[1];
	chaos->cast.guest_path = paths[2];
	if (chaos->cast.nr_vcpus < 1 || chaos->cast.nr_vcpus > 32 || !chaos->slowness)
		errx(2, "1 to 32 vCPUs, and a slowness of 1 or more");
	rc = image_open(&chaos->image, paths[2]);
	if (rc < 0)
		errx(2, "%s: %s", paths[2], strerror(-rc));
	if (mkdir(chaos->cast.dir, 0700) < 0 && errno != EEXIST)
		err(2, "%s", chaos->cast.dir);
	chaos->talk = mmap(NULL, sizeof(*chaos->talk), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (chaos->talk == MAP_FAILED)
		err(2, "mmap");
	chaos->orders.image = &chaos->image;
	chaos->orders.socket_path = chaos->cast.socket_path;
	chaos->orders.nr_vcpus = chaos->cast.nr_vcpus;
	chaos->orders.patience_ms = chaos->patience_ms;
	chaos->compares_every = 1 + chaos->slowness / 3;
	chaos->orders.run_ms = 3 * chaos->slowness;
}

int main(int argc, char **argv)
{
	struct chaos chaos = {
		.cast = { .dir = "/tmp/chaos", .nr_vcpus = 2, .argument = "0" },
		.orders = { .seed = (uint64_t)time(NULL), .has_software = true },
		.rounds = 100,
		.patience_ms = 20000,
		.slowness = 1,
	};
	int option;

	while ((option = getopt_long(argc, argv, "", chaos_options, NULL)) >= 0)
		chaos_parse_option(&chaos, option);
	if (argc - optind != 3)
		chaos_parse_option(&chaos, '?');
	chaos_prepare(&chaos, argv + optind);
	printf("# CHAOS_SEED=%" PRIu64 ", up to %u rounds, %u vCPUs\n", chaos.orders.seed,
		chaos.rounds, chaos.cast.nr_vcpus);
	fflush(stdout);
	chaos_run(&chaos);
	chaos_check_end(&chaos);
	option = chaos_report(&chaos);
	chaos_stop(&chaos);
	return option;
}
