/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a hit counts: see hit.h. */
#include <errno.h>
#include <string.h>
#include "kvm/hit.h"
#include "kvm/seat.h"
#include "kvm/view.h"

/* Where code is evaluated, and whose it is. */
struct hit_place {
	struct view view;
	unsigned seat;
	gva_t gva;
};

/* ---- what code may look at --------------------------------------------------------------- */

/* A register that is longer than the machine's values has no value there. */
static int hit_read_register(void *context, unsigned number, uint64_t *value)
{
	const struct hit_place *place = context;
	struct vm *vm = place->view.vm;
	const struct target_register *is =
		vm_learn_registers(vm) ? register_set_get(&vm->registers, number) : NULL;
	uint8_t bytes[TARGET_REGISTER_MAX_BYTES] = { 0 };
	int rc;

	if (!is)
		return -ENOENT;
	if (is->bits > 64)
		return -ENODATA;
	rc = vm_read_register(vm, place->view.vcpu, number, bytes);
	memcpy(value, bytes, sizeof(*value));
	return rc;
}

static int hit_read_memory(void *context, uint64_t address, void *buf, size_t length)
{
	const struct hit_place *place = context;

	return view_read(&place->view, address, buf, length) == (ssize_t)length ? 0 : -EFAULT;
}

static void hit_print(void *context, const char *text, size_t length)
{
	const struct hit_place *place = context;
	struct seat *seat = place->view.vm->seats[place->seat];

	if (seat)
		seat_on_output(seat, text, length);
}

/* ---- one debugger's terms ---------------------------------------------------------------- */

enum hit_verdict { HIT_NOTHING, HIT_COMMANDS, HIT_STOP };

static struct agent_host hit_host(struct hit_place *place)
{
	return (struct agent_host){ .read_register = hit_read_register,
		.read_memory = hit_read_memory,
		.print = hit_print,
		.context = place };
}

static void hit_say_failed(const struct hit_place *place, const char *what, int error)
{
	vm_say(place->view.vm, "%s of the breakpoint at 0x%llx failed: %s", what,
		(unsigned long long)place->gva, condition_error_text(error));
}

/* All-stop: only who drives is told of stops, so only what he wants stops. */
static bool hit_concerns(const struct vm *vm, const struct terms *terms)
{
	return vm->non_stop || (vm->driver && vm->driver->number == terms->seat);
}

/* What is to be done for one of them; the commands have not been run. */
static enum hit_verdict hit_judge(struct hit_place *place, const struct condition *condition)
{
	const struct agent_host host = hit_host(place);
	int rc = condition_holds(condition, &host);

	if (rc < 0) {
		hit_say_failed(place, "the condition", rc);
		return HIT_STOP;
	}
	if (rc == 0)
		return HIT_NOTHING;
	return condition && condition->command_count ? HIT_COMMANDS : HIT_STOP;
}

/* True when one has failed, so that it stops. */
static bool hit_run_commands(struct hit_place *place, const struct condition *condition)
{
	const struct agent_host host = hit_host(place);
	int rc = condition_run_commands(condition, &host);

	if (rc < 0)
		hit_say_failed(place, "a command", rc);
	return rc < 0;
}

/* ---- all that are there ------------------------------------------------------------------ */

/* One verdict for each seat, and the gravest of them. */
static enum hit_verdict hit_judge_all(
	struct hit_place *place, const struct terms *terms, enum hit_verdict *verdicts)
{
	enum hit_verdict most = HIT_NOTHING;

	for (; terms; terms = terms->next) {
		enum hit_verdict *one = &verdicts[terms->seat];

		place->seat = terms->seat;
		*one = hit_concerns(place->view.vm, terms) ? hit_judge(place, terms->condition)
							   : HIT_NOTHING;
		most = *one > most ? *one : most;
	}
	return most;
}

/* As gdb has it: the conditions, the ignore count, the commands. */
bool hit_counts(struct vm *vm, struct vcpu *vcpu, const struct terms *terms, gva_t gva)
{
	struct hit_place place = { .view = { .vm = vm, .vcpu = vcpu }, .gva = gva };
	enum hit_verdict verdicts[VM_MAX_SEATS], most;
	struct rule *rule = rule_find(&vm->rules, gva);
	bool stops;

	if (rule && !rule_admits(rule, vm->arch, &vcpu->cpu))
		return false;
	most = hit_judge_all(&place, terms, verdicts);
	if (most == HIT_NOTHING)
		return false;
	vm->counts.hits++;
	rule = rule_get(&vm->rules, gva);
	if (rule && !rule_count(rule))
		return false;
	stops = most == HIT_STOP;
	for (; terms; terms = terms->next) {
		place.seat = terms->seat;
		if (verdicts[terms->seat] == HIT_COMMANDS)
			stops |= hit_run_commands(&place, terms->condition);
	}
	return stops;
}

/* All of them are asked: each counts its hits. */
bool hit_watch_counts(struct vm *vm, struct vcpu *vcpu, gva_t address)
{
	struct breakpoint_table *table = &vm->table;
	bool counts = false;

	for (unsigned i = 0; i < table->point_count; i++) {
		const struct hardware_point *point = &table->points[i];

		if (breakpoint_point_watches(point, address))
			counts |= hit_counts(vm, vcpu, table->point_terms[i], point->gva);
	}
	return counts;
}
