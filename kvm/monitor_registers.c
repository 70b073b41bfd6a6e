/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers for people: by the names and groups of the description that the debugger has, so that
 * what an architecture learns to show is here at once.
 */
#include "kvm/monitor_registers.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "kvm/monitor_table.h"
#include "kvm/monitor_words.h"

/* One register of the description. */
struct monitor_register {
	const struct target_feature *feature;
	const struct target_register *reg;
	unsigned number;
};

/* What to do with each register that is wanted. */
struct monitor_registers {
	const char *group; /* or feature; NULL: all */
	void (*put)(struct monitor *monitor, const struct monitor_register *at);
	unsigned count; /* how many there were */
};

static const struct target_description *monitor_description(struct monitor *monitor)
{
	return monitor->seat->target.ops->description(&monitor->seat->target);
}

static int monitor_no_registers(struct monitor *monitor)
{
	return monitor_fail(monitor, -ENODATA, "no vCPU has told of its registers yet");
}

/* ---- values ------------------------------------------------------------------------------ */

static int monitor_register_read(
	struct monitor *monitor, unsigned number, uint8_t value[TARGET_REGISTER_MAX_BYTES])
{
	struct target *target = &monitor->seat->target;

	memset(value, 0, TARGET_REGISTER_MAX_BYTES);
	return target->ops->register_read(target, monitor->thread, number, value);
}

static uint64_t monitor_value_number(const uint8_t *value)
{
	uint64_t number = 0;

	for (unsigned i = 8; i--;)
		number = number << 8 | value[i];
	return number;
}

/* Hexadecimal, the highest digit first, at least one. */
static void monitor_format_value(const uint8_t *value, unsigned bytes, char *text, size_t size)
{
	size_t done;

	while (bytes > 1 && !value[bytes - 1])
		bytes--;
	done = (size_t)snprintf(text, size, "%x", value[bytes - 1]);
	while (--bytes && done < size)
		done += (size_t)snprintf(text + done, size - done, "%02x", value[bytes - 1]);
}

static void monitor_put_flags(
	struct monitor *monitor, const struct target_flags *flags, uint64_t value)
{
	monitor_put(monitor, " [");
	for (unsigned i = 0; i < flags->count; i++) {
		const struct target_flag *flag = &flags->fields[i];
		unsigned width = flag->end - flag->start + 1u;
		uint64_t field = value >> flag->start & (~UINT64_C(0) >> (64 - width));

		if (field && width == 1)
			monitor_put(monitor, " %s", flag->name);
		else if (field)
			monitor_put(monitor, " %s=%llu", flag->name, (unsigned long long)field);
	}
	monitor_put(monitor, " ]");
}

static void monitor_put_register(struct monitor *monitor, const struct monitor_register *at)
{
	uint8_t value[TARGET_REGISTER_MAX_BYTES];
	char text[2 * TARGET_REGISTER_MAX_BYTES + 1];

	if (monitor_register_read(monitor, at->number, value) < 0) {
		monitor_put(monitor, "%-18s not available\n", at->reg->name);
		return;
	}
	monitor_format_value(value, at->reg->bits / 8u, text, sizeof(text));
	monitor_put(monitor, "%-18s 0x%s", at->reg->name, text);
	if (at->reg->flags)
		monitor_put_flags(monitor, at->reg->flags, monitor_value_number(value));
	monitor_put(monitor, "\n");
}

/* ---- choosing ---------------------------------------------------------------------------- */

static const char *monitor_group(const struct target_register *reg)
{
	if (reg->group)
		return reg->group;
	if (reg->type == TARGET_TYPE_VECTOR)
		return "vector";
	return reg->type == TARGET_TYPE_X87 ? "float" : "general";
}

/* By group, or by the last part of the feature's name ("org.gnu.gdb.i386.avx"). */
static bool monitor_is_wanted(const struct monitor_register *at, const char *group)
{
	const char *dot = strrchr(at->feature->name, '.');

	return !group || !strcasecmp(group, monitor_group(at->reg)) ||
	       (dot && !strcasecmp(group, dot + 1));
}

static void monitor_each_register(struct monitor *monitor,
	const struct target_description *description, struct monitor_registers *registers)
{
	struct monitor_register at = { .number = 0 };

	for (unsigned i = 0; i < description->feature_count; i++) {
		at.feature = &description->features[i];
		for (unsigned n = 0; n < at.feature->count; n++, at.number++) {
			at.reg = &at.feature->registers[n];
			if (!monitor_is_wanted(&at, registers->group))
				continue;
			registers->put(monitor, &at);
			registers->count++;
		}
	}
}

static unsigned monitor_put_registers(struct monitor *monitor, const char *group)
{
	const struct target_description *description = monitor_description(monitor);
	struct monitor_registers registers = { .group = group, .put = monitor_put_register };

	if (description)
		monitor_each_register(monitor, description, &registers);
	return registers.count;
}

static bool monitor_find_register(
	const struct target_description *description, const char *name, struct monitor_register *at)
{
	at->number = 0;
	for (unsigned i = 0; i < description->feature_count; i++) {
		at->feature = &description->features[i];
		for (unsigned n = 0; n < at->feature->count; n++, at->number++) {
			at->reg = &at->feature->registers[n];
			if (!strcasecmp(at->reg->name, name))
				return true;
		}
	}
	return false;
}

static int monitor_look_up_register(
	struct monitor *monitor, const char *name, struct monitor_register *at)
{
	const struct target_description *description = monitor_description(monitor);

	if (!description)
		return monitor_no_registers(monitor);
	if (!monitor_find_register(description, name, at))
		return monitor_fail(
			monitor, -EINVAL, "no register is called '%s': see monitor regs all", name);
	return 0;
}

int monitor_register_value(struct monitor *monitor, const char *name, uint64_t *value)
{
	uint8_t bytes[TARGET_REGISTER_MAX_BYTES];
	struct monitor_register at;
	int rc = monitor_look_up_register(monitor, name, &at);

	if (rc < 0)
		return rc;
	if (at.reg->bits > 64)
		return monitor_fail(monitor, -EINVAL, "%s has more than 64 bits", at.reg->name);
	if (monitor_register_read(monitor, at.number, bytes) < 0)
		return monitor_fail(monitor, -ENODATA, "%s is not available", at.reg->name);
	*value = monitor_value_number(bytes);
	return 0;
}

/* ---- setting ----------------------------------------------------------------------------- */

/* "0x" and digits of any length. */
static int monitor_parse_wide(const char *text, uint8_t *value, unsigned bytes)
{
	size_t length = strlen(text);

	if (strncasecmp(text, "0x", 2) != 0 || length < 3 || length - 2 > 2 * bytes)
		return -EINVAL;
	memset(value, 0, bytes);
	for (size_t i = 0; i < length - 2; i++) {
		uint8_t digit = (uint8_t)text[length - 1 - i];

		if (!isxdigit(digit))
			return -EINVAL;
		digit = (uint8_t)(isdigit(digit) ? digit - '0' : tolower(digit) - 'a' + 10);
		value[i / 2] |= (uint8_t)(digit << 4 * (i % 2));
	}
	return 0;
}

static int monitor_parse_value(struct monitor *monitor, const struct target_register *reg,
	const char *text, uint8_t value[TARGET_REGISTER_MAX_BYTES])
{
	uint64_t number;
	int rc;

	memset(value, 0, TARGET_REGISTER_MAX_BYTES);
	if (reg->bits > 64) {
		if (monitor_parse_wide(text, value, reg->bits / 8u) < 0)
			return monitor_fail(monitor, -EINVAL,
				"the value of %s is 0x and at most %u digits", reg->name,
				reg->bits / 4u);
		return 0;
	}
	rc = monitor_take_number(monitor, &text, "the value", &number);
	if (rc == 0)
		rc = monitor_take_end(monitor, text);
	if (rc == 0 && reg->bits < 64 && number >> reg->bits)
		rc = monitor_fail(monitor, -EINVAL, "%s has %u bits", reg->name, reg->bits);
	for (unsigned i = 0; i < 8; i++)
		value[i] = (uint8_t)(number >> 8 * i);
	return rc;
}

static int monitor_set_register(
	struct monitor *monitor, const struct monitor_register *at, const char *text)
{
	struct target *target = &monitor->seat->target;
	uint8_t value[TARGET_REGISTER_MAX_BYTES];
	int rc = monitor_parse_value(monitor, at->reg, text, value);

	if (rc < 0)
		return rc;
	rc = target->ops->register_write(target, monitor->thread, at->number, value);
	if (rc == -EROFS)
		return monitor_fail(monitor, rc, "%s cannot be written", at->reg->name);
	if (rc == -EPERM)
		return monitor_may_change(monitor);
	if (rc < 0)
		return monitor_fail(monitor, -EINVAL, "%s does not take this value", at->reg->name);
	monitor_put_register(monitor, at);
	return 0;
}

int monitor_reg(struct monitor *monitor, const char *arguments)
{
	size_t length = strcspn(arguments, " =");
	const char *rest = arguments + length + strspn(arguments + length, " ");
	char name[MONITOR_REGISTER_NAME];
	struct monitor_register at;
	int rc;

	if (!length)
		return monitor_fail(monitor, -EINVAL, "which register? see monitor regs all");
	snprintf(name, sizeof(name), "%.*s", (int)length, arguments);
	rc = monitor_look_up_register(monitor, name + (*name == '$'), &at);
	if (rc < 0)
		return rc;
	if (*rest == '=')
		return monitor_set_register(monitor, &at, rest + 1 + strspn(rest + 1, " "));
	rc = monitor_take_end(monitor, rest);
	if (rc == 0)
		monitor_put_register(monitor, &at);
	return rc;
}

/* ---- by number --------------------------------------------------------------------------- */

static int monitor_set_numbered(
	struct monitor *monitor, uint32_t number, const char *name, const char *text)
{
	uint64_t value;
	int rc = monitor_take_number(monitor, &text, "the value", &value);

	if (rc == 0)
		rc = monitor_take_end(monitor, text);
	if (rc == 0)
		rc = monitor_may_change(monitor);
	if (rc < 0)
		return rc;
	rc = vcpu_set_numbered(monitor->view.vcpu, number, value, monitor->vm->call_timeout_ms);
	return rc < 0 ? monitor_fail(monitor, -EINVAL, "KVM does not take this for %s", name) : 0;
}

static int monitor_numbered(
	struct monitor *monitor, uint32_t number, const char *name, const char *rest)
{
	uint64_t value;
	int rc = 0;

	if (*rest == '=')
		rc = monitor_set_numbered(monitor, number, name, rest + 1 + strspn(rest + 1, " "));
	else
		rc = monitor_take_end(monitor, rest);
	if (rc < 0)
		return rc;
	rc = vcpu_get_numbered(monitor->view.vcpu, number, &value, monitor->vm->call_timeout_ms);
	if (rc < 0)
		return monitor_fail(monitor, -ENODATA, "KVM gives no %s for this vCPU", name);
	monitor_put(monitor, "%-18s 0x%llx\n", name, (unsigned long long)value);
	return 0;
}

/* A name of the catalogue, or a number that only KVM has to know. */
int monitor_msr(struct monitor *monitor, const char *arguments)
{
	size_t length = strcspn(arguments, " =");
	char name[MONITOR_REGISTER_NAME];
	uint32_t number;

	snprintf(name, sizeof(name), "%.*s", (int)length, arguments);
	if (monitor->vm->arch->parse_numbered(name, &number) < 0)
		return monitor_reg(monitor, arguments);
	arguments += length;
	return monitor_numbered(monitor, number, name, arguments + strspn(arguments, " "));
}

/* ---- groups ------------------------------------------------------------------------------ */

int monitor_regs(struct monitor *monitor, const char *arguments)
{
	const char *group = *arguments ? arguments : "general";

	if (!monitor_description(monitor))
		return monitor_no_registers(monitor);
	if (!monitor_put_registers(monitor, strcmp(group, "all") != 0 ? group : NULL))
		return monitor_fail(monitor, -EINVAL,
			"no register is in '%s': try general, system, float, vector, all", group);
	return 0;
}

int monitor_sregs(struct monitor *monitor, const char *arguments)
{
	int rc = monitor_take_end(monitor, arguments);

	return rc < 0 ? rc : monitor_regs(monitor, "system");
}

int monitor_msrs(struct monitor *monitor, const char *arguments)
{
	int rc = monitor_take_end(monitor, arguments);

	if (rc == 0 && !monitor_put_registers(monitor, "msr"))
		rc = monitor_fail(monitor, -ENOTSUP, "this guest's vCPUs have none: see sysregs");
	return rc;
}

/* ---- as QEMU writes them ----------------------------------------------------------------- */

/* NAME=value, all digits: what scripts look for ("RIP=", "CR3=", "EFER=").  One to a line. */
static void monitor_put_qemu(struct monitor *monitor, const struct monitor_register *at)
{
	uint8_t value[TARGET_REGISTER_MAX_BYTES];
	char name[MONITOR_REGISTER_NAME];
	size_t length = 0;

	if (at->reg->bits > 64 || monitor_register_read(monitor, at->number, value) < 0)
		return;
	for (; length < sizeof(name) - 1 && at->reg->name[length]; length++)
		name[length] = (char)toupper((uint8_t)at->reg->name[length]);
	name[length] = '\0';
	monitor_put(monitor, "%s=%0*llx\n", name, at->reg->bits / 4,
		(unsigned long long)monitor_value_number(value));
}

/* x86: "GDT= base limit", where there is such a register. */
static void monitor_put_qemu_table(
	struct monitor *monitor, const char *label, const char *base, const char *limit)
{
	const struct target_description *description = monitor_description(monitor);
	uint8_t base_value[TARGET_REGISTER_MAX_BYTES], limit_value[TARGET_REGISTER_MAX_BYTES];
	struct monitor_register at;

	if (!monitor_find_register(description, base, &at) ||
		monitor_register_read(monitor, at.number, base_value) < 0 ||
		!monitor_find_register(description, limit, &at) ||
		monitor_register_read(monitor, at.number, limit_value) < 0)
		return;
	monitor_put(monitor, "%s=     %016llx %08llx\n", label,
		(unsigned long long)monitor_value_number(base_value),
		(unsigned long long)monitor_value_number(limit_value));
}

int monitor_info_registers(struct monitor *monitor, const char *arguments)
{
	const struct target_description *description = monitor_description(monitor);
	struct monitor_registers registers = { .group = NULL, .put = monitor_put_qemu };
	int rc = monitor_take_end(monitor, arguments);

	if (rc < 0)
		return rc;
	if (!description)
		return monitor_no_registers(monitor);
	monitor_put(monitor, "CPU#%u\n", monitor->thread - 1);
	monitor_each_register(monitor, description, &registers);
	monitor_put_qemu_table(monitor, "GDT", "gdtr_base", "gdtr_limit");
	monitor_put_qemu_table(monitor, "IDT", "idtr_base", "idtr_limit");
	return 0;
}
