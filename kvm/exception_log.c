/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions that the guest was given: see exception_log.h. */
#include "kvm/exception_log.h"

enum { ESR_CLASS_SHIFT = 26, ESR_CLASS_MASK = 0x3f };

static uint8_t exception_class(const struct injection *injection)
{
	if (injection->kind != INJECT_SYNC)
		return 0;
	return injection->esr >> ESR_CLASS_SHIFT & ESR_CLASS_MASK;
}

/* The entry for that kind, made if need be; NULL when there is no room. */
static struct exception_log_entry *exception_log_entry(
	struct exception_log *log, enum injection_kind kind, uint8_t class)
{
	struct exception_log_entry *entry;

	for (unsigned i = 0; i < log->count; i++)
		if (log->entries[i].kind == kind && log->entries[i].class == class)
			return &log->entries[i];
	if (log->count == EXCEPTION_LOG_KINDS)
		return NULL;
	entry = &log->entries[log->count++];
	*entry = (struct exception_log_entry){ .kind = kind, .class = class };
	return entry;
}

void exception_log_add(
	struct exception_log *log, const struct injection *injection, unsigned vcpu, gva_t pc)
{
	struct exception_log_entry *entry;

	if (injection->kind == INJECT_NONE)
		return;
	entry = exception_log_entry(log, injection->kind, exception_class(injection));
	if (!entry) {
		log->others++;
		return;
	}
	entry->count++;
	entry->last_pc = pc;
	entry->last_vcpu = vcpu;
}

/* Arm ARM, D19.2 (ESR_EL1.EC); the odd ones are the same from the same exception level. */
static const char *exception_class_name(uint8_t class)
{
	switch (class) {
	case 0x30:
	case 0x31:
		return "breakpoint in hardware";
	case 0x32:
	case 0x33:
		return "software step";
	case 0x34:
	case 0x35:
		return "watchpoint";
	case 0x38:
		return "BKPT (AArch32)";
	case 0x3c:
		return "BRK";
	default:
		return "synchronous exception";
	}
}

const char *exception_log_name(const struct exception_log_entry *entry)
{
	switch (entry->kind) {
	case INJECT_BREAKPOINT:
		return "#BP (INT3)";
	case INJECT_DEBUG:
		return "#DB";
	case INJECT_SYNC:
		return exception_class_name(entry->class);
	case INJECT_NONE:
		break;
	}
	return "nothing";
}
