/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's side of one handover connection: a table of requests, each with its exact size, its fds,
 * the states it is legal in and the function that checks it whole before it changes anything.
 * The peer is a VMM of some user and is believed nothing.
 */
#include "protocol/handover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire structs are little-endian");
_Static_assert(sizeof(struct handover_hello) == 104, "HELLO");
_Static_assert(sizeof(struct handover_memory_add) == 48, "MEMORY_ADD");
_Static_assert(sizeof(struct handover_memory_remove) == 16, "MEMORY_REMOVE");
_Static_assert(sizeof(struct handover_vcpu) == 16, "VCPU");
_Static_assert(sizeof(struct handover_ready) == 16, "READY");
_Static_assert(sizeof(struct handover_notice) == 16, "NOTICE");
_Static_assert(sizeof(struct handover_goodbye) == 8, "GOODBYE");
_Static_assert(sizeof(struct handover_answer) == HANDOVER_MAX_BYTES, "ANSWER");

enum {
	IN_START = 1 << HANDOVER_STATE_START,
	IN_GREETED = 1 << HANDOVER_STATE_GREETED,
	IN_READY = 1 << HANDOVER_STATE_READY,
};

struct handover_rule {
	const char *name;
	size_t size;
	unsigned min_fds, max_fds;
	unsigned states;
	/* Refuses by event_fail(), or changes the state. */
	void (*accept)(struct handover *handover, const struct handover_fds *fds,
		struct handover_event *event);
};

/* ---- refusals ---------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 0))) static void event_vfail(struct handover_event *event,
	enum handover_error error, const char *format, va_list arguments)
{
	event->error = error;
	vsnprintf(event->text, sizeof(event->text), format, arguments);
}

__attribute__((format(printf, 3, 4))) static void event_fail(
	struct handover_event *event, enum handover_error error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	event_vfail(event, error, format, arguments);
	va_end(arguments);
}

/* ---- HELLO ------------------------------------------------------------------------------- */

static bool name_char_valid(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

bool handover_name_valid(const char name[HANDOVER_NAME_SIZE])
{
	size_t length = 0;

	while (length < HANDOVER_NAME_SIZE && name_char_valid(name[length]))
		length++;
	for (size_t i = length; i < HANDOVER_NAME_SIZE; i++)
		if (name[i] != '\0')
			return false;
	return length > 0 && length < HANDOVER_NAME_SIZE && name[0] != '.';
}

static void accept_hello(
	struct handover *handover, const struct handover_fds *fds, struct handover_event *event)
{
	const struct handover_hello *hello = &event->message.hello;

	(void)fds;
	if (hello->version < HANDOVER_VERSION)
		event_fail(event, HANDOVER_BAD_VERSION,
			"version %" PRIu32 " does not exist: the first one is %d", hello->version,
			HANDOVER_VERSION);
	else if (hello->machine != handover->limits->machine)
		event_fail(event, HANDOVER_BAD_MACHINE,
			"machine %" PRIu32 " is not this host's, which is %" PRIu32, hello->machine,
			handover->limits->machine);
	else if (!handover_name_valid(hello->name))
		event_fail(event, HANDOVER_BAD_NAME,
			"a name has 1 to 63 of A-Z a-z 0-9 . _ - and does not start with a dot");
	else if (hello->nr_vcpus == 0)
		event_fail(event, HANDOVER_BAD_VALUE, "a VM without vCPUs: nr_vcpus is 0");
	else if (hello->nr_vcpus > handover->limits->max_vcpus)
		event_fail(event, HANDOVER_TOO_MANY,
			"%" PRIu32 " vCPUs: this daemon takes at most %" PRIu32, hello->nr_vcpus,
			handover->limits->max_vcpus);
	else if (hello->reserved != 0)
		event_fail(event, HANDOVER_BAD_VALUE, "HELLO: the reserved field must be 0");
	if (event->error)
		return;
	handover->nr_vcpus = hello->nr_vcpus;
	handover->state = HANDOVER_STATE_GREETED;
}

/* ---- memory ------------------------------------------------------------------------------ */

static bool range_wraps(uint64_t start, uint64_t size)
{
	return size > UINT64_MAX - start;
}

static const struct handover_region *region_overlapping(
	const struct handover *handover, uint64_t gpa, uint64_t size)
{
	for (uint32_t i = 0; i < handover->region_count; i++) {
		const struct handover_region *region = &handover->regions[i];

		if (gpa < region->gpa + region->size && region->gpa < gpa + size)
			return region;
	}
	return NULL;
}

/* The numbers alone; nothing about other regions or the fd. */
static void memory_check_fields(
	const struct handover_memory_add *memory, struct handover_event *event)
{
	uint64_t all = memory->gpa | memory->size | memory->offset | memory->hva;

	if ((memory->flags & ~(uint32_t)HANDOVER_MEMORY_READONLY) || memory->reserved)
		event_fail(event, HANDOVER_BAD_VALUE,
			"MEMORY_ADD: unknown flags %#" PRIx32 " or a reserved field that is not 0",
			memory->flags);
	else if (memory->size == 0)
		event_fail(event, HANDOVER_BAD_VALUE, "memory at %#" PRIx64 " has size 0",
			memory->gpa);
	else if (all % HANDOVER_ALIGNMENT)
		event_fail(event, HANDOVER_BAD_VALUE,
			"memory at %#" PRIx64 ": gpa, size, offset and hva must be multiples of %d",
			memory->gpa, HANDOVER_ALIGNMENT);
	else if (memory->hva == 0)
		event_fail(event, HANDOVER_BAD_VALUE,
			"memory at %#" PRIx64 ": hva must say where the VMM has it mapped",
			memory->gpa);
	else if (range_wraps(memory->gpa, memory->size) ||
		 range_wraps(memory->offset, memory->size) ||
		 range_wraps(memory->hva, memory->size))
		event_fail(event, HANDOVER_BAD_VALUE,
			"memory at %#" PRIx64 ": size %#" PRIx64 " runs past the end of 64 bits",
			memory->gpa, memory->size);
}

static void memory_check_fd(const struct handover_memory_add *memory,
	const struct handover_fds *fds, struct handover_event *event)
{
	const struct handover_fd *fd = &fds->fd[0];
	bool readonly = memory->flags & HANDOVER_MEMORY_READONLY;

	if (fds->count == 0) {
		if (memory->offset != 0)
			event_fail(event, HANDOVER_BAD_VALUE,
				"memory at %#" PRIx64 ": an offset needs an fd", memory->gpa);
	} else if (fd->kind != HANDOVER_FD_FILE) {
		event_fail(event, HANDOVER_BAD_FD,
			"memory at %#" PRIx64 ": the fd is neither a memfd nor a regular file",
			memory->gpa);
	} else if (!fd->readable || (!fd->writable && !readonly)) {
		event_fail(event, HANDOVER_BAD_FD,
			"memory at %#" PRIx64 ": the fd must be open for reading and writing",
			memory->gpa);
	} else if (fd->size < memory->offset + memory->size) {
		event_fail(event, HANDOVER_BAD_FD,
			"memory at %#" PRIx64 ": the fd has %#" PRIx64
			" bytes, the region ends at %#" PRIx64,
			memory->gpa, fd->size, memory->offset + memory->size);
	}
}

static void memory_check_place(const struct handover *handover,
	const struct handover_memory_add *memory, struct handover_event *event)
{
	const struct handover_region *other =
		region_overlapping(handover, memory->gpa, memory->size);

	if (other)
		event_fail(event, HANDOVER_OVERLAP,
			"memory at %#" PRIx64 " overlaps the region at %#" PRIx64
			": remove that one first",
			memory->gpa, other->gpa);
	else if (handover->region_count == HANDOVER_MAX_REGIONS)
		event_fail(event, HANDOVER_TOO_MANY, "more than %d regions: merge neighbours",
			HANDOVER_MAX_REGIONS);
}

static void region_insert(struct handover *handover, uint64_t gpa, uint64_t size)
{
	handover->regions[handover->region_count++] =
		(struct handover_region){ .gpa = gpa, .size = size };
}

/* Returns the size of the region that began at gpa, 0 when there is none. */
static uint64_t region_remove(struct handover *handover, uint64_t gpa)
{
	for (uint32_t i = 0; i < handover->region_count; i++) {
		uint64_t size = handover->regions[i].size;

		if (handover->regions[i].gpa != gpa)
			continue;
		handover->regions[i] = handover->regions[--handover->region_count];
		return size;
	}
	return 0;
}

static void accept_memory_add(
	struct handover *handover, const struct handover_fds *fds, struct handover_event *event)
{
	const struct handover_memory_add *memory = &event->message.memory_add;

	memory_check_fields(memory, event);
	if (!event->error)
		memory_check_fd(memory, fds, event);
	if (!event->error)
		memory_check_place(handover, memory, event);
	if (!event->error)
		region_insert(handover, memory->gpa, memory->size);
}

static void accept_memory_remove(
	struct handover *handover, const struct handover_fds *fds, struct handover_event *event)
{
	uint64_t gpa = event->message.memory_remove.gpa;

	(void)fds;
	if (region_remove(handover, gpa) == 0)
		event_fail(event, HANDOVER_NOT_FOUND, "no region begins at %#" PRIx64, gpa);
}

/* ---- vCPUs ------------------------------------------------------------------------------- */

static bool kvm_id_told(const struct handover *handover, uint32_t kvm_id)
{
	for (uint32_t i = 0; i < handover->nr_vcpus; i++)
		if (handover->vcpu_told[i] && handover->vcpu_kvm_id[i] == kvm_id)
			return true;
	return false;
}

static void vcpu_check_fds(const struct handover_vcpu *vcpu, const struct handover_fds *fds,
	struct handover_event *event)
{
	if (fds->fd[0].kind != HANDOVER_FD_VCPU)
		event_fail(event, HANDOVER_BAD_FD,
			"vCPU %" PRIu32 ": the first fd is not one from KVM_CREATE_VCPU",
			vcpu->index);
	else if (fds->fd[0].kvm_id != vcpu->kvm_id)
		event_fail(event, HANDOVER_BAD_FD,
			"vCPU %" PRIu32 ": the fd belongs to KVM's vCPU %" PRIu32
			", not to %" PRIu32,
			vcpu->index, fds->fd[0].kvm_id, vcpu->kvm_id);
	else if (fds->fd[1].kind != HANDOVER_FD_CHANNEL)
		event_fail(event, HANDOVER_BAD_FD,
			"vCPU %" PRIu32 ": the second fd must be an AF_UNIX SOCK_SEQPACKET socket",
			vcpu->index);
}

static void accept_vcpu(
	struct handover *handover, const struct handover_fds *fds, struct handover_event *event)
{
	const struct handover_vcpu *vcpu = &event->message.vcpu;

	if (vcpu->index >= handover->nr_vcpus)
		event_fail(event, HANDOVER_BAD_VALUE,
			"vCPU %" PRIu32 ": HELLO said there are %" PRIu32 ", counted from 0",
			vcpu->index, handover->nr_vcpus);
	else if (handover->vcpu_told[vcpu->index])
		event_fail(event, HANDOVER_OVERLAP, "vCPU %" PRIu32 " was told of before",
			vcpu->index);
	else if (kvm_id_told(handover, vcpu->kvm_id))
		event_fail(event, HANDOVER_OVERLAP,
			"vCPU %" PRIu32 ": another one has the KVM id %" PRIu32 " already",
			vcpu->index, vcpu->kvm_id);
	else
		vcpu_check_fds(vcpu, fds, event);
	if (event->error)
		return;
	handover->vcpu_told[vcpu->index] = true;
	handover->vcpu_kvm_id[vcpu->index] = vcpu->kvm_id;
	handover->vcpu_count++;
}

/* ---- the rest ---------------------------------------------------------------------------- */

static void accept_ready(
	struct handover *handover, const struct handover_fds *fds, struct handover_event *event)
{
	const struct handover_ready *ready = &event->message.ready;

	(void)fds;
	if ((ready->flags & ~(uint32_t)HANDOVER_READY_HOLD) || ready->reserved)
		event_fail(event, HANDOVER_BAD_VALUE,
			"READY: unknown flags %#" PRIx32 " or a reserved field that is not 0",
			ready->flags);
	else if (handover->vcpu_count < handover->nr_vcpus)
		event_fail(event, HANDOVER_BAD_ORDER,
			"READY with %" PRIu32 " of %" PRIu32 " vCPUs: tell of the others first",
			handover->vcpu_count, handover->nr_vcpus);
	else
		handover->state = HANDOVER_STATE_READY;
}

static void accept_notice(
	struct handover *handover, const struct handover_fds *fds, struct handover_event *event)
{
	uint32_t number = event->message.notice.event;

	(void)handover;
	(void)fds;
	if (number < HANDOVER_RESET || number > HANDOVER_CRASHED)
		event_fail(
			event, HANDOVER_BAD_VALUE, "NOTICE of an unknown event %" PRIu32, number);
}

static void accept_goodbye(
	struct handover *handover, const struct handover_fds *fds, struct handover_event *event)
{
	(void)fds;
	(void)event;
	handover->state = HANDOVER_STATE_ENDED;
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct handover_rule rules[] = {
	[HANDOVER_HELLO] = { "HELLO", sizeof(struct handover_hello), 0, 0, IN_START, accept_hello },
	[HANDOVER_MEMORY_ADD] = { "MEMORY_ADD", sizeof(struct handover_memory_add), 0, 1,
		IN_GREETED | IN_READY, accept_memory_add },
	[HANDOVER_MEMORY_REMOVE] = { "MEMORY_REMOVE", sizeof(struct handover_memory_remove), 0, 0,
		IN_GREETED | IN_READY, accept_memory_remove },
	[HANDOVER_VCPU] = { "VCPU", sizeof(struct handover_vcpu), 2, 2, IN_GREETED, accept_vcpu },
	[HANDOVER_READY] = { "READY", sizeof(struct handover_ready), 0, 0, IN_GREETED,
		accept_ready },
	[HANDOVER_NOTICE] = { "NOTICE", sizeof(struct handover_notice), 0, 0, IN_READY,
		accept_notice },
	[HANDOVER_GOODBYE] = { "GOODBYE", sizeof(struct handover_goodbye), 0, 0,
		IN_START | IN_GREETED | IN_READY, accept_goodbye },
};

static const struct handover_rule *rule_find(uint32_t type)
{
	if (type >= sizeof(rules) / sizeof(rules[0]) || !rules[type].accept)
		return NULL;
	return &rules[type];
}

const char *handover_type_name(uint32_t type)
{
	const struct handover_rule *rule = rule_find(type);

	return rule ? rule->name : "?";
}

static const char *state_expectation(enum handover_state state)
{
	static const char *const texts[] = {
		[HANDOVER_STATE_START] = "HELLO comes first",
		[HANDOVER_STATE_GREETED] = "not before READY, and HELLO only once",
		[HANDOVER_STATE_READY] = "not after READY",
		[HANDOVER_STATE_ENDED] = "nothing comes after GOODBYE",
	};

	return texts[state];
}

/* ---- the connection ---------------------------------------------------------------------- */

void handover_init(struct handover *handover, const struct handover_limits *limits)
{
	memset(handover, 0, sizeof(*handover));
	handover->limits = limits;
}

static int event_violation(struct handover_event *event, const char *what, size_t length)
{
	event_fail(event, HANDOVER_BAD_MESSAGE,
		"%s: %zu bytes that are no message of this protocol", what, length);
	return -EPROTO;
}

/* Copies the message, known to be one, into the event. */
static int event_read(struct handover_event *event, const struct handover_rule *rule,
	const void *message, size_t length)
{
	if (length != rule->size)
		return event_violation(event, rule->name, length);
	memcpy(&event->message, message, length);
	if (event->message.header.type == HANDOVER_HELLO &&
		event->message.hello.magic != HANDOVER_MAGIC)
		return event_violation(event, "HELLO without its magic number", length);
	return 0;
}

int handover_receive(struct handover *handover, const void *message, size_t length,
	const struct handover_fds *fds, struct handover_event *event)
{
	struct handover_header *header = &event->message.header;
	const struct handover_rule *rule;

	memset(event, 0, sizeof(*event));
	if (length < sizeof(*header) || length > HANDOVER_MAX_BYTES)
		return event_violation(event, "packet", length);
	memcpy(header, message, sizeof(*header));
	rule = rule_find(header->type);
	if (rule && event_read(event, rule, message, length) < 0)
		return -EPROTO;
	if (!rule)
		event_fail(event, HANDOVER_UNKNOWN, "unknown request %" PRIu32, header->type);
	else if (!(rule->states & 1u << handover->state))
		event_fail(event, HANDOVER_BAD_ORDER, "%s out of order: %s", rule->name,
			state_expectation(handover->state));
	else if (fds->count < rule->min_fds || fds->count > rule->max_fds)
		event_fail(event, HANDOVER_BAD_FD, "%s came with %u fds, it needs %u to %u",
			rule->name, fds->count, rule->min_fds, rule->max_fds);
	else
		rule->accept(handover, fds, event);
	return 0;
}

/* Undoes what the accept function of the last request did. */
static void handover_revert(struct handover *handover, const union handover_message *message)
{
	switch (message->header.type) {
	case HANDOVER_HELLO:
		handover->state = HANDOVER_STATE_START;
		break;
	case HANDOVER_MEMORY_ADD:
		region_remove(handover, message->memory_add.gpa);
		break;
	case HANDOVER_VCPU:
		handover->vcpu_told[message->vcpu.index] = false;
		handover->vcpu_count--;
		break;
	case HANDOVER_READY:
		handover->state = HANDOVER_STATE_GREETED;
		break;
	default: /* what is taken away, told or ended cannot be refused */
		break;
	}
}

void handover_refuse(struct handover *handover, struct handover_event *event,
	enum handover_error error, const char *format, ...)
{
	va_list arguments;

	if (event->error == HANDOVER_OK)
		handover_revert(handover, &event->message);
	va_start(arguments, format);
	event_vfail(event, error, format, arguments);
	va_end(arguments);
}

void handover_answer_make(const struct handover *handover, const struct handover_event *event,
	struct handover_answer *answer)
{
	const struct handover_header *header = &event->message.header;

	memset(answer, 0, sizeof(*answer));
	answer->header.type = HANDOVER_ANSWER;
	answer->header.serial = header->serial;
	answer->error = event->error;
	memcpy(answer->text, event->text, strnlen(event->text, sizeof(answer->text) - 1));
	if (header->type == HANDOVER_HELLO && event->error == HANDOVER_OK) {
		answer->version = HANDOVER_VERSION;
		answer->features = event->message.hello.features & handover->limits->features;
	}
}
