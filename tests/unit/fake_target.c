/* SPDX-License-Identifier: Apache-2.0 */
/* A small scripted machine; see fake_target.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "protocol/description.h"
#include "tests/unit/fake_target.h"

static struct fake_target *fake_of(struct target *target)
{
	return (struct fake_target *)(void *)target; /* its first member */
}

/* What nearly every call must ask first. */
static bool is_busy(struct fake_target *fake)
{
	bool running = fake->running && !fake->held;

	fake->breaches += running;
	return running || fake->detached;
}

/* ---- registers --------------------------------------------------------------------------- */

uint64_t fake_target_register(const struct fake_target *fake, unsigned thread, unsigned number)
{
	const uint8_t *value = fake->registers[thread - 1][number];
	uint64_t result = 0;

	for (unsigned i = 8; i--;)
		result = result << 8 | value[i];
	return result;
}

void fake_target_set_register(
	struct fake_target *fake, unsigned thread, unsigned number, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		fake->registers[thread - 1][number][i] = (uint8_t)(value >> 8 * i);
}

static uint64_t pc_of(const struct fake_target *fake, unsigned thread)
{
	return fake_target_register(fake, thread, fake->machine->description->pc);
}

static void move_pc(struct fake_target *fake, unsigned thread, int64_t distance)
{
	fake_target_set_register(fake, thread, fake->machine->description->pc,
		pc_of(fake, thread) + (uint64_t)distance);
}

static bool is_odd(const struct fake_target *fake, unsigned number, enum fake_odd_register odd)
{
	return number == fake_description_odd(fake->machine->description, odd);
}

static int check_register(struct fake_target *fake, unsigned thread, unsigned number)
{
	if (!(fake->non_stop && thread && thread <= fake->threads &&
		    fake->resumes[thread - 1].action == TARGET_STAY) &&
		is_busy(fake))
		return -EBUSY;
	if (!thread || thread > fake->threads)
		return -ESRCH;
	return number < fake->machine->description->register_count ? 0 : -ENOENT;
}

static int fake_register_read(struct target *target, unsigned thread, unsigned number, void *value)
{
	struct fake_target *fake = fake_of(target);
	int result = check_register(fake, thread, number);

	if (result)
		return result;
	if (is_odd(fake, number, FAKE_HIDDEN))
		return -ENODATA;
	memcpy(value, fake->registers[thread - 1][number], TARGET_REGISTER_MAX_BYTES);
	return 0;
}

static int fake_register_write(
	struct target *target, unsigned thread, unsigned number, const void *value)
{
	struct fake_target *fake = fake_of(target);
	const uint8_t *bytes = value;
	int result = check_register(fake, thread, number);

	if (result)
		return result;
	if (is_odd(fake, number, FAKE_FIXED))
		return -EROFS;
	if (is_odd(fake, number, FAKE_HIDDEN) || (is_odd(fake, number, FAKE_PICKY) && bytes[0] & 1))
		return -EINVAL;
	memcpy(fake->registers[thread - 1][number], value,
		description_register_size(
			description_register(fake->machine->description, number)));
	return 0;
}

/* ---- memory ------------------------------------------------------------------------------ */

static uint8_t *byte_at(struct fake_target *fake, uint64_t address)
{
	if (address >= FAKE_LOW && address < FAKE_LOW + sizeof(fake->low))
		return &fake->low[address - FAKE_LOW];
	if (address >= FAKE_HIGH && address < FAKE_HIGH + sizeof(fake->high))
		return &fake->high[address - FAKE_HIGH];
	return NULL;
}

static ssize_t fake_memory_read(
	struct target *target, unsigned thread, uint64_t address, void *buf, size_t length)
{
	struct fake_target *fake = fake_of(target);
	uint8_t *to = buf;
	size_t done;

	(void)thread;
	if (is_busy(fake))
		return -EBUSY;
	for (done = 0; done < length; done++) {
		const uint8_t *from = byte_at(fake, address + done);

		if (!from)
			break;
		to[done] = *from;
	}
	return done || (!length && byte_at(fake, address)) ? (ssize_t)done : -EFAULT;
}

static int fake_memory_write(
	struct target *target, unsigned thread, uint64_t address, const void *buf, size_t length)
{
	struct fake_target *fake = fake_of(target);
	const uint8_t *from = buf;

	(void)thread;
	if (is_busy(fake))
		return -EBUSY;
	for (size_t i = 0; i < length; i++)
		if (!byte_at(fake, address + i))
			return -EFAULT;
	for (size_t i = 0; i < length; i++)
		*byte_at(fake, address + i) = from[i];
	return 0;
}

static int fake_kernel_locate(struct target *target, struct target_kernel *kernel)
{
	struct fake_target *fake = fake_of(target);

	if (is_busy(fake))
		return -EBUSY;
	*kernel = fake->machine->kernel;
	return kernel->base ? 0 : -ENOENT;
}

/* Two regions with a hole before, between and after them; the program's is not writable. */
static int fake_memory_region(
	struct target *target, unsigned thread, uint64_t address, struct target_region *region)
{
	static const struct target_region regions[] = {
		{ 0, FAKE_LOW - 1, false, false, false },
		{ FAKE_LOW, FAKE_LOW + 2 * FAKE_PAGE - 1, true, false, true },
		{ FAKE_LOW + 2 * FAKE_PAGE, FAKE_HIGH - 1, false, false, false },
		{ FAKE_HIGH, FAKE_HIGH + FAKE_PAGE - 1, true, true, false },
		{ FAKE_HIGH + FAKE_PAGE, UINT64_MAX, false, false, false },
	};
	unsigned i = 0;

	(void)thread;
	if (is_busy(fake_of(target)))
		return -EBUSY;
	while (address > regions[i].last)
		i++;
	*region = regions[i];
	return 0;
}

/* Physical addresses are where the machine's own are, and so much higher. */
static ssize_t fake_physical_read(struct target *target, uint64_t address, void *buf, size_t length)
{
	ssize_t got = fake_memory_read(target, 1, address - FAKE_PHYSICAL, buf, length);

	return got == -EFAULT ? -ENXIO : got;
}

static int fake_physical_write(
	struct target *target, uint64_t address, const void *buf, size_t length)
{
	int result = fake_memory_write(target, 1, address - FAKE_PHYSICAL, buf, length);

	return result == -EFAULT ? -ENXIO : result;
}

/* ---- breakpoints ------------------------------------------------------------------------- */

static struct fake_breakpoint *find_breakpoint(
	struct fake_target *fake, enum target_breakpoint type, uint64_t address, uint64_t length)
{
	for (unsigned i = 0; i < FAKE_BREAKPOINTS; i++) {
		struct fake_breakpoint *at = &fake->breakpoints[i];

		if (at->used && at->type == type && at->address == address && at->length == length)
			return at;
	}
	return NULL;
}

static int check_breakpoint(
	struct fake_target *fake, enum target_breakpoint type, uint64_t address, uint64_t length)
{
	if (is_busy(fake))
		return -EBUSY;
	if (type == TARGET_WATCH_READ && !fake->machine->has_read_watch)
		return -ENOTSUP;
	if (!length || length > 8)
		return -EINVAL;
	return byte_at(fake, address) ? 0 : -EFAULT;
}

static unsigned count_hardware(const struct fake_target *fake)
{
	unsigned count = 0;

	for (unsigned i = 0; i < FAKE_BREAKPOINTS; i++)
		if (fake->breakpoints[i].used && fake->breakpoints[i].type != TARGET_BREAK_SOFTWARE)
			count++;
	return count;
}

/* The one that is there, or a free one: NULL when there is neither. */
static struct fake_breakpoint *find_room(
	struct fake_target *fake, const struct target_breakpoint_spec *spec)
{
	struct fake_breakpoint *at = find_breakpoint(fake, spec->type, spec->address, spec->length);

	if (at || (spec->type != TARGET_BREAK_SOFTWARE && count_hardware(fake) == FAKE_HARDWARE))
		return at;
	for (unsigned i = 0; i < FAKE_BREAKPOINTS; i++)
		if (!fake->breakpoints[i].used)
			return &fake->breakpoints[i];
	return NULL;
}

static int copy_codes(
	struct fake_breakpoint *to, const struct target_code *codes, unsigned count, size_t *used)
{
	struct agent_code *copies = to->codes + to->condition_count + to->command_count;

	for (unsigned i = 0; i < count; i++) {
		struct agent_code code = { codes[i].bytes, codes[i].length };

		if (copies + i == to->codes + FAKE_CODES || code.length > FAKE_CODE_BYTES - *used)
			return -E2BIG;
		if (agent_check(&code))
			return -EINVAL;
		copies[i].bytes = memcpy(to->bytes + *used, code.bytes, code.length);
		copies[i].length = code.length;
		*used += code.length;
	}
	return 0;
}

static int fake_breakpoint_insert(
	struct target *target, unsigned thread, const struct target_breakpoint_spec *spec)
{
	struct fake_target *fake = fake_of(target);
	struct fake_breakpoint *room, made = {
		.used = true, .type = spec->type, .address = spec->address, .length = spec->length
	};
	int result = check_breakpoint(fake, spec->type, spec->address, spec->length);
	size_t used = 0;

	(void)thread;
	if (!result)
		result = copy_codes(&made, spec->conditions, spec->condition_count, &used);
	made.condition_count = spec->condition_count;
	if (!result)
		result = copy_codes(&made, spec->commands, spec->command_count, &used);
	made.command_count = spec->command_count;
	if (result)
		return result;
	room = find_room(fake, spec);
	if (!room)
		return -ENOSPC;
	*room = made;
	for (unsigned i = 0; i < made.condition_count + made.command_count; i++)
		room->codes[i].bytes = room->bytes + (made.codes[i].bytes - made.bytes);
	return 0;
}

static int fake_breakpoint_remove(struct target *target, unsigned thread,
	enum target_breakpoint type, uint64_t address, uint64_t length)
{
	struct fake_target *fake = fake_of(target);
	struct fake_breakpoint *at;

	(void)thread;
	if (is_busy(fake))
		return -EBUSY;
	if (type == TARGET_WATCH_READ && !fake->machine->has_read_watch)
		return -ENOTSUP;
	at = find_breakpoint(fake, type, address, length);
	if (at)
		at->used = false;
	return 0;
}

/* ---- run control ------------------------------------------------------------------------- */

void fake_target_report(struct fake_target *fake, const struct target_stop *stop)
{
	fake->stop_asked = false;
	fake->running = fake->non_stop && stop->thread;
	if (fake->running)
		fake->resumes[stop->thread - 1].action = TARGET_STAY;
	if (fake->target.listener)
		fake->target.listener->ops->on_stop(fake->target.listener, stop);
}

static int host_read_register(void *context, unsigned number, uint64_t *value)
{
	struct fake_target *fake = context;

	if (number >= fake->machine->description->register_count ||
		is_odd(fake, number, FAKE_HIDDEN))
		return -ENODATA;
	*value = fake_target_register(fake, fake->evaluating, number);
	return 0;
}

static int host_read_memory(void *context, uint64_t address, void *buf, size_t length)
{
	uint8_t *to = buf;

	for (size_t i = 0; i < length; i++) {
		const uint8_t *from = byte_at(context, address + i);

		if (!from)
			return -EFAULT;
		to[i] = *from;
	}
	return 0;
}

static void host_print(void *context, const char *text, size_t length)
{
	struct fake_target *fake = context;

	if (fake->target.listener)
		fake->target.listener->ops->on_output(fake->target.listener, text, length);
}

/* As the target interface wants it of conditions and commands: true when it stops. */
static bool breakpoint_stops(
	struct fake_target *fake, unsigned thread, const struct fake_breakpoint *at)
{
	const struct agent_host host = { host_read_register, host_read_memory, host_print, fake };
	const struct agent_code *commands = at->codes + at->condition_count;
	bool holds = !at->condition_count;
	int64_t value;

	fake->evaluating = thread;
	for (unsigned i = 0; i < at->condition_count && !holds; i++)
		holds = agent_run(&at->codes[i], &host, &value) < 0 || value;
	if (!holds || !at->command_count)
		return holds;
	for (unsigned i = 0; i < at->command_count; i++)
		if (agent_run(&commands[i], &host, NULL) < 0)
			return true;
	return false;
}

/* A breakpoint under the first instruction has been reported before, and is stepped over. */
static bool meets_breakpoint(struct fake_target *fake, unsigned thread, struct target_stop *stop)
{
	uint64_t pc = pc_of(fake, thread);

	for (unsigned i = 0; i < FAKE_BREAKPOINTS && !fake->fresh[thread - 1]; i++) {
		struct fake_breakpoint *at = &fake->breakpoints[i];

		if (!at->used || at->type > TARGET_BREAK_HARDWARE || at->address != pc ||
			!breakpoint_stops(fake, thread, at))
			continue;
		stop->thread = thread;
		stop->reason = at->type == TARGET_BREAK_SOFTWARE ? TARGET_STOP_SWBREAK
								 : TARGET_STOP_HWBREAK;
		return true;
	}
	return false;
}

static bool meets_watchpoint(struct fake_target *fake, unsigned thread,
	const struct fake_step *step, struct target_stop *stop)
{
	for (unsigned i = 0; i < FAKE_BREAKPOINTS && step->stores; i++) {
		struct fake_breakpoint *at = &fake->breakpoints[i];

		if (!at->used || step->address < at->address ||
			step->address >= at->address + at->length)
			continue;
		if (at->type != TARGET_WATCH_WRITE && at->type != TARGET_WATCH_ACCESS)
			continue;
		stop->thread = thread;
		stop->reason =
			at->type == TARGET_WATCH_WRITE ? TARGET_STOP_WATCH : TARGET_STOP_AWATCH;
		stop->address = step->address;
		return true;
	}
	return false;
}

static void store(struct fake_target *fake, const struct fake_step *step)
{
	uint8_t *to = byte_at(fake, step->address);

	if (step->stores && to)
		*to = step->value;
}

/* True when its steps end here. */
static bool is_stepped(struct fake_target *fake, unsigned thread)
{
	const struct target_resume *resume = &fake->resumes[thread - 1];
	uint64_t pc = pc_of(fake, thread);

	return resume->action == TARGET_STEP ||
	       (resume->action == TARGET_STEP_RANGE && (pc < resume->start || pc >= resume->end));
}

/* Non-stop: 0 when all are at rest. */
static unsigned first_running(const struct fake_target *fake)
{
	for (unsigned i = 0; fake->non_stop && i < fake->threads; i++)
		if (fake->resumes[i].action != TARGET_STAY)
			return i + 1;
	return fake->non_stop ? 0 : 1;
}

/* One instruction of one thread: true when it stops, *stop says why. */
static bool advance(struct fake_target *fake, unsigned thread, struct target_stop *stop)
{
	uint64_t before = pc_of(fake, thread);
	struct fake_step step = { .stores = false };
	bool watched;

	if (fake->resumes[thread - 1].action == TARGET_HALT) {
		*stop = (struct target_stop){ .thread = thread, .reason = TARGET_STOP_HALTED };
		return true;
	}
	if (fake->resumes[thread - 1].action == TARGET_STAY)
		return false;
	if (meets_breakpoint(fake, thread, stop))
		return true;
	fake->machine->execute(fake, thread, &step);
	watched = meets_watchpoint(fake, thread, &step, stop);
	if (watched && !fake->machine->traps_after) {
		fake_target_set_register(fake, thread, fake->machine->description->pc, before);
		return true;
	}
	store(fake, &step);
	fake->fresh[thread - 1] = false;
	if (!watched && is_stepped(fake, thread)) {
		*stop = (struct target_stop){ .thread = thread, .reason = TARGET_STOP_STEP };
		return true;
	}
	return watched;
}

static bool run_round(struct fake_target *fake, struct target_stop *stop)
{
	for (unsigned thread = 1; thread <= fake->threads; thread++)
		if (advance(fake, thread, stop))
			return true;
	return false;
}

void fake_target_run(struct fake_target *fake, unsigned rounds)
{
	struct target_stop stop = { .reason = TARGET_STOP_INTERRUPT };

	while (fake->running && rounds--) {
		stop.thread = first_running(fake);
		if ((fake->stop_asked && stop.thread) || run_round(fake, &stop)) {
			fake_target_report(fake, &stop);
			if (!fake->non_stop)
				return;
		}
	}
}

static bool fake_is_stopped(struct target *target)
{
	return !fake_of(target)->running;
}

static int fake_stop(struct target *target)
{
	struct fake_target *fake = fake_of(target);

	fake->stop_calls++;
	if (!fake->running || !first_running(fake))
		return -EALREADY;
	fake->stop_asked = true;
	return 0;
}

/* All-stop: to hold is to stop. */
static int fake_hold(struct target *target, unsigned thread)
{
	struct fake_target *fake = fake_of(target);

	(void)thread;
	fake->held = fake->non_stop;
	if (!fake->running || fake->held)
		return 0;
	fake_stop(target);
	return -EINPROGRESS;
}

static void fake_unhold(struct target *target)
{
	fake_of(target)->held = false;
}

static bool fake_thread_is_stopped(struct target *target, unsigned thread)
{
	struct fake_target *fake = fake_of(target);

	return fake->non_stop ? fake->resumes[thread - 1].action == TARGET_STAY : !fake->running;
}

static bool fake_thread_take_stop(struct target *target, unsigned thread, struct target_stop *stop)
{
	const struct fake_target *fake = fake_of(target);

	if (fake->kept.thread == thread)
		*stop = fake->kept;
	return fake->kept.thread == thread;
}

/* Everything runs then, but for what has been put to rest since. */
static int fake_set_non_stop(struct target *target, bool on)
{
	struct fake_target *fake = fake_of(target);

	if (on ? fake->all_stop_only : fake->non_stop_only)
		return -EBUSY;
	if (on != fake->non_stop)
		fake->running = true;
	fake->non_stop = on;
	return 0;
}

static void resume_thread(struct fake_target *fake, unsigned i, const struct target_resume *resume)
{
	bool stays = fake->resumes[i].action == TARGET_STAY;

	if (resume->action == TARGET_STAY || stays == (resume->action == TARGET_HALT))
		return;
	fake->resumes[i] = *resume;
	fake->fresh[i] = true;
}

static int fake_resume(struct target *target, const struct target_resume *threads)
{
	struct fake_target *fake = fake_of(target);
	bool any = false;

	fake->resume_calls++;
	if (fake->resume_error)
		return fake->resume_error;
	for (unsigned i = 0; fake->non_stop && i < fake->threads; i++)
		resume_thread(fake, i, &threads[i]);
	if (fake->non_stop)
		return 0;
	if (is_busy(fake))
		return -EBUSY;
	for (unsigned i = 0; i < fake->threads; i++)
		any = any || threads[i].action != TARGET_STAY;
	if (!any)
		return -EINVAL;
	for (unsigned i = 0; i < fake->threads; i++) {
		fake->resumes[i] = threads[i];
		fake->fresh[i] = true;
	}
	fake->running = true;
	return 0;
}

static int fake_detach(struct target *target)
{
	struct fake_target *fake = fake_of(target);

	if (is_busy(fake))
		return -EBUSY;
	memset(fake->breakpoints, 0, sizeof(fake->breakpoints));
	for (unsigned i = 0; i < FAKE_THREADS; i++)
		fake->resumes[i] = (struct target_resume){ .action = TARGET_CONTINUE };
	fake->running = fake->detached = true;
	return 0;
}

/* ---- the rest ---------------------------------------------------------------------------- */

static const struct target_description *fake_description(struct target *target)
{
	const struct fake_target *fake = fake_of(target);

	return fake->layout ? fake->layout : fake->machine->description;
}

static void fake_renew_description(struct target *target, unsigned thread)
{
	struct fake_target *fake = fake_of(target);

	if (thread < 1 || thread > fake->threads)
		fake->breaches++;
	fake->layout = fake->next_layout;
}

static unsigned fake_thread_count(struct target *target)
{
	return fake_of(target)->threads;
}

static void fake_thread_describe(struct target *target, unsigned thread, char *text, size_t size)
{
	(void)target;
	snprintf(text, size, "vCPU %u, <%s>", thread - 1, thread == 1 ? "busy" : "parked");
}

static void put_line(struct target_text *out, const char *line)
{
	out->put(out, line, strlen(line));
	out->put(out, "\n", 1);
}

/* "echo TEXT", "fail TEXT", "flood LINES", and the help for them. */
static int fake_monitor(
	struct target *target, unsigned thread, const char *line, struct target_text *out)
{
	struct fake_target *fake = fake_of(target);
	char text[64];
	unsigned count;

	if (is_busy(fake))
		return -EBUSY;
	if (!strcmp(line, "help"))
		put_line(out, "  echo TEXT");
	else if (!strcmp(line, "thread"))
		put_line(out, thread == 1 ? "one" : "another");
	else if (!strncmp(line, "echo ", 5))
		put_line(out, line + 5);
	else if (!strncmp(line, "fail ", 5))
		put_line(out, line + 5);
	else if (sscanf(line, "flood %u", &count) != 1)
		return -ENOENT;
	else
		for (unsigned i = 0; i < count; i++) {
			snprintf(text, sizeof(text), "%031u", i);
			put_line(out, text);
		}
	return strncmp(line, "fail ", 5) ? 0 : -EIO;
}

static const struct target_ops fake_ops = {
	.description = fake_description,
	.renew_description = fake_renew_description,
	.thread_count = fake_thread_count,
	.thread_describe = fake_thread_describe,
	.is_stopped = fake_is_stopped,
	.thread_is_stopped = fake_thread_is_stopped,
	.thread_take_stop = fake_thread_take_stop,
	.set_non_stop = fake_set_non_stop,
	.hold = fake_hold,
	.unhold = fake_unhold,
	.stop = fake_stop,
	.resume = fake_resume,
	.register_read = fake_register_read,
	.register_write = fake_register_write,
	.memory_read = fake_memory_read,
	.memory_write = fake_memory_write,
	.physical_read = fake_physical_read,
	.physical_write = fake_physical_write,
	.memory_region = fake_memory_region,
	.kernel_locate = fake_kernel_locate,
	.breakpoint_insert = fake_breakpoint_insert,
	.breakpoint_remove = fake_breakpoint_remove,
	.monitor = fake_monitor,
	.detach = fake_detach,
};

void fake_target_init(struct fake_target *fake, const struct fake_machine *machine,
	unsigned threads, bool running)
{
	const struct target_description *description = machine->description;

	*fake = (struct fake_target){
		.target.ops = &fake_ops, .machine = machine, .threads = threads, .running = running
	};
	memcpy(fake->low, machine->program, machine->program_size);
	memcpy(fake->low + FAKE_PARK - FAKE_LOW, machine->park, machine->park_size);
	for (unsigned thread = 1; thread <= threads; thread++) {
		fake->resumes[thread - 1].action = TARGET_CONTINUE;
		fake_target_set_register(
			fake, thread, description->pc, thread == 1 ? FAKE_LOW : FAKE_PARK);
		fake_target_set_register(fake, thread, machine->pointer, FAKE_HIGH);
		fake_target_set_register(
			fake, thread, fake_description_odd(description, FAKE_FIXED), 0x42);
	}
}

/* ---- the two machines -------------------------------------------------------------------- */

/* nop x4; inc %al; mov %al,(%rdi); nop; jmp to the start */
static const uint8_t x86_program[] = { 0x90, 0x90, 0x90, 0x90, 0xfe, 0xc0, 0x88, 0x07, 0x90, 0xeb,
	0xf5 };
static const uint8_t x86_park[] = { 0xeb, 0xfe };

enum { X86_RAX = 0, X86_RDI = 5 };

static void x86_execute(struct fake_target *fake, unsigned thread, struct fake_step *step)
{
	uint8_t code[2];
	uint64_t rax = fake_target_register(fake, thread, X86_RAX);

	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *at = byte_at(fake, pc_of(fake, thread) + i);

		code[i] = at ? *at : 0;
	}
	if (code[0] == 0xfe && code[1] == 0xc0) {
		fake_target_set_register(
			fake, thread, X86_RAX, (rax & ~0xffull) | ((rax + 1) & 0xff));
		move_pc(fake, thread, 2);
	} else if (code[0] == 0x88 && code[1] == 0x07) {
		*step = (struct fake_step){ true, fake_target_register(fake, thread, X86_RDI),
			(uint8_t)rax };
		move_pc(fake, thread, 2);
	} else if (code[0] == 0xeb) {
		move_pc(fake, thread, 2 + (int8_t)code[1]);
	} else if (code[0] == 0x90) {
		move_pc(fake, thread, 1);
	}
}

const struct fake_machine fake_machine_x86_64 = {
	.description = &fake_description_x86_64,
	.program = x86_program,
	.program_size = sizeof(x86_program),
	.park = x86_park,
	.park_size = sizeof(x86_park),
	.pointer = X86_RDI,
	.traps_after = true,
	.has_read_watch = false,
	.execute = x86_execute,
};

/* nop x4; add w0, w0, #1; strb w0, [x1]; nop; b to the start */
static const uint8_t arm64_program[] = { 0x1f, 0x20, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5, 0x1f, 0x20,
	0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5, 0x00, 0x04, 0x00, 0x11, 0x20, 0x00, 0x00, 0x39, 0x1f,
	0x20, 0x03, 0xd5, 0xf9, 0xff, 0xff, 0x17 };
static const uint8_t arm64_park[] = { 0x00, 0x00, 0x00, 0x14 };

enum { ARM64_X0 = 0, ARM64_X1 = 1 };

/* The distance of "b", in bytes: a signed count of instructions in the low 26 bits. */
static int64_t arm64_branch(uint32_t code)
{
	int64_t words = code & 0x3ffffff;

	return 4 * (words & 0x2000000 ? words - 0x4000000 : words);
}

static void arm64_execute(struct fake_target *fake, unsigned thread, struct fake_step *step)
{
	uint64_t x0 = fake_target_register(fake, thread, ARM64_X0);
	uint32_t code = 0;

	for (unsigned i = 4; i--;) {
		const uint8_t *at = byte_at(fake, pc_of(fake, thread) + i);

		code = code << 8 | (at ? *at : 0);
	}
	if (code >> 26 == 5) {
		move_pc(fake, thread, arm64_branch(code));
		return;
	}
	if (code == 0x11000400)
		fake_target_set_register(fake, thread, ARM64_X0, (uint32_t)(x0 + 1));
	if (code == 0x39000020)
		*step = (struct fake_step){ true, fake_target_register(fake, thread, ARM64_X1),
			(uint8_t)x0 };
	move_pc(fake, thread, 4);
}

const struct fake_machine fake_machine_arm64 = {
	.description = &fake_description_arm64,
	.program = arm64_program,
	.program_size = sizeof(arm64_program),
	.park = arm64_park,
	.park_size = sizeof(arm64_park),
	.pointer = ARM64_X1,
	.traps_after = false,
	.has_read_watch = true,
	.kernel = { .base = UINT64_C(0xffffb4db94800000),
		.has_slide = true,
		.slide = UINT64_C(0x34db8c800000) },
	.execute = arm64_execute,
};
