/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a hit counts: see hit.h. */
#include <errno.h>
#include <string.h>
#include "kvm/hit.h"
#include "kvm/view.h"

/* ---- what code may look at --------------------------------------------------------------- */

/* A register that is longer than the machine's values has no value there. */
static int hit_read_register(void *context, unsigned number, uint64_t *value)
{
	const struct view *view = context;
	const struct target_register *is = register_set_get(&view->vm->registers, number);
	uint8_t bytes[TARGET_REGISTER_MAX_BYTES] = { 0 };
	int rc;

	if (!is)
		return -ENOENT;
	if (is->bits > 64)
		return -ENODATA;
	rc = vm_read_register(view->vm, view->vcpu, number, bytes);
	memcpy(value, bytes, sizeof(*value));
	return rc;
}

static int hit_read_memory(void *context, uint64_t address, void *buf, size_t length)
{
	return view_read(context, address, buf, length) == (ssize_t)length ? 0 : -EFAULT;
}

static void hit_print(void *context, const char *text, size_t length)
{
	const struct view *view = context;
	struct target_listener *listener = view->vm->target.listener;

	if (listener)
		listener->ops->on_output(listener, text, length);
}

/* ---- one breakpoint ---------------------------------------------------------------------- */

static bool hit_fails(struct vm *vm, gva_t gva, const char *what, int error)
{
	vm_say(vm, "%s of the breakpoint at 0x%llx failed: %s", what, (unsigned long long)gva,
		condition_error_text(error));
	return true;
}

/* True when it stops.  In gdb's order: the condition, the ignore count, the commands. */
static bool hit_evaluate(struct view *view, gva_t gva, const struct condition *condition)
{
	const struct agent_host host = { .read_register = hit_read_register,
		.read_memory = hit_read_memory,
		.print = hit_print,
		.context = view };
	int rc = condition_holds(condition, &host);

	if (rc < 0)
		return hit_fails(view->vm, gva, "the condition", rc);
	if (rc == 0 || breakpoint_take_ignored(&view->vm->table, gva))
		return false;
	if (!condition || !condition->command_count)
		return true;
	rc = condition_run_commands(condition, &host);
	return rc < 0 && hit_fails(view->vm, gva, "a command", rc);
}

/* ---- all that are there ------------------------------------------------------------------ */

static bool hit_software_counts(struct view *view, gva_t pc)
{
	struct translation translation;
	struct condition **condition = NULL;

	if (view_translate(view, pc, &translation) == 1)
		condition = breakpoint_condition(&view->vm->table, pc, translation.gpa);
	return !condition || hit_evaluate(view, pc, *condition);
}

static bool point_is_hit(const struct hardware_point *point, bool watch, gva_t address)
{
	if (!watch)
		return point->type == TARGET_BREAK_HARDWARE && point->gva == address;
	return point->type != TARGET_BREAK_HARDWARE && address - point->gva < point->length;
}

/* All of them are evaluated: each has its ignore count and commands. */
static bool hit_points_count(struct view *view, bool watch, gva_t address)
{
	struct breakpoint_table *table = &view->vm->table;
	bool counts = false, found = false;

	for (unsigned i = 0; i < table->point_count; i++) {
		if (!point_is_hit(&table->points[i], watch, address))
			continue;
		found = true;
		counts |= hit_evaluate(view, table->points[i].gva, table->point_conditions[i]);
	}
	return counts || !found;
}

bool hit_counts(struct vm *vm, struct vcpu *vcpu, enum target_stop_reason reason, uint64_t address)
{
	struct view view = { .vm = vm, .vcpu = vcpu };
	gva_t pc = vm->arch->pc(&vcpu->cpu);

	switch (reason) {
	case TARGET_STOP_SWBREAK:
		return hit_software_counts(&view, pc);
	case TARGET_STOP_HWBREAK:
		return hit_points_count(&view, false, pc);
	case TARGET_STOP_WATCH:
	case TARGET_STOP_RWATCH:
	case TARGET_STOP_AWATCH:
		return hit_points_count(&view, true, address);
	default:
		return true;
	}
}
