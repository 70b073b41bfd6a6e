/* SPDX-License-Identifier: Apache-2.0 */
/* A handover, and how it can be spoilt: see handover_talk.h. */
#include "tests/unit/handover_talk.h"

#include <stdio.h>
#include <string.h>

/* ---- the fields -------------------------------------------------------------------------- */

#define ROW(TYPE, message, member)                                                                 \
	{                                                                                          \
		HANDOVER_##TYPE, #TYPE "." #member, offsetof(struct handover_##message, member),   \
			sizeof(((struct handover_##message *)NULL)->member)                        \
	}
#define HEADER(TYPE, message) ROW(TYPE, message, header.type), ROW(TYPE, message, header.serial)

const struct talk_field talk_fields[] = {
	HEADER(HELLO, hello),
	ROW(HELLO, hello, magic),
	ROW(HELLO, hello, version),
	ROW(HELLO, hello, machine),
	ROW(HELLO, hello, nr_vcpus),
	ROW(HELLO, hello, reserved),
	ROW(HELLO, hello, features),
	ROW(HELLO, hello, name),
	HEADER(MEMORY_ADD, memory_add),
	ROW(MEMORY_ADD, memory_add, gpa),
	ROW(MEMORY_ADD, memory_add, size),
	ROW(MEMORY_ADD, memory_add, offset),
	ROW(MEMORY_ADD, memory_add, hva),
	ROW(MEMORY_ADD, memory_add, flags),
	ROW(MEMORY_ADD, memory_add, reserved),
	HEADER(MEMORY_REMOVE, memory_remove),
	ROW(MEMORY_REMOVE, memory_remove, gpa),
	HEADER(VCPU, vcpu),
	ROW(VCPU, vcpu, index),
	ROW(VCPU, vcpu, kvm_id),
	HEADER(READY, ready),
	ROW(READY, ready, flags),
	ROW(READY, ready, reserved),
	HEADER(NOTICE, notice),
	ROW(NOTICE, notice, event),
	ROW(NOTICE, notice, detail),
	HEADER(GOODBYE, goodbye),
	{ 0 },
};

static const struct talk_size {
	uint32_t type;
	const char *name;
	size_t size;
} talk_sizes[] = {
	{ HANDOVER_HELLO, "HELLO", sizeof(struct handover_hello) },
	{ HANDOVER_MEMORY_ADD, "MEMORY_ADD", sizeof(struct handover_memory_add) },
	{ HANDOVER_MEMORY_REMOVE, "MEMORY_REMOVE", sizeof(struct handover_memory_remove) },
	{ HANDOVER_VCPU, "VCPU", sizeof(struct handover_vcpu) },
	{ HANDOVER_READY, "READY", sizeof(struct handover_ready) },
	{ HANDOVER_NOTICE, "NOTICE", sizeof(struct handover_notice) },
	{ HANDOVER_GOODBYE, "GOODBYE", sizeof(struct handover_goodbye) },
};

enum { SIZES = sizeof(talk_sizes) / sizeof(talk_sizes[0]) };

static size_t talk_size(uint32_t type)
{
	for (unsigned i = 0; i < SIZES; i++)
		if (talk_sizes[i].type == type)
			return talk_sizes[i].size;
	return 0;
}

static bool talk_covers(const struct talk_size *message)
{
	unsigned times[HANDOVER_MAX_BYTES] = { 0 };

	for (const struct talk_field *field = talk_fields; field->name; field++)
		for (size_t i = 0; field->type == message->type && i < field->size; i++)
			times[field->offset + i]++;
	for (size_t i = 0; i < message->size; i++)
		if (times[i] != 1)
			return false;
	return true;
}

const char *talk_uncovered(void)
{
	for (unsigned i = 0; i < SIZES; i++)
		if (!talk_covers(&talk_sizes[i]))
			return talk_sizes[i].name;
	return NULL;
}

/* ---- the right one ----------------------------------------------------------------------- */

static struct talk_message *talk_add(struct talk *talk, uint32_t type)
{
	struct talk_message *added = &talk->messages[talk->count++];

	added->message.header.type = type;
	added->message.header.serial = 100 + talk->count;
	added->length = talk_size(type);
	return added;
}

static void talk_add_memory(struct talk *talk, uint64_t gpa, uint64_t size)
{
	struct talk_message *added = talk_add(talk, HANDOVER_MEMORY_ADD);

	added->message.memory_add.gpa = gpa;
	added->message.memory_add.size = size;
	added->message.memory_add.offset = 0x1000;
	added->message.memory_add.hva = 0x7000000;
	added->fds[added->fd_count++] = TALK_MEMORY_FD;
}

static void talk_add_vcpu(struct talk *talk, unsigned index)
{
	struct talk_message *added = talk_add(talk, HANDOVER_VCPU);

	added->message.vcpu.index = added->message.vcpu.kvm_id = added->vcpu = index;
	added->fds[added->fd_count++] = TALK_VCPU_FD;
	added->fds[added->fd_count++] = TALK_CHANNEL_FD;
}

void talk_make(struct talk *talk, uint32_t machine, const char *name)
{
	struct handover_hello *hello;

	memset(talk, 0, sizeof(*talk));
	hello = &talk_add(talk, HANDOVER_HELLO)->message.hello;
	hello->magic = HANDOVER_MAGIC;
	hello->version = HANDOVER_VERSION;
	hello->machine = machine;
	hello->nr_vcpus = TALK_VCPUS;
	hello->features = HANDOVER_FEATURE_JOURNAL;
	snprintf(hello->name, sizeof(hello->name), "%s", name);
	talk_add_memory(talk, 0x100000, 0x4000);
	talk_add_memory(talk, 0x200000, 0x2000);
	for (unsigned i = 0; i < TALK_VCPUS; i++)
		talk_add_vcpu(talk, i);
	talk_add(talk, HANDOVER_READY);
	talk_add(talk, HANDOVER_NOTICE)->message.notice.event = HANDOVER_RESET;
	talk_add(talk, HANDOVER_MEMORY_REMOVE)->message.memory_remove.gpa = 0x200000;
	talk_add(talk, HANDOVER_GOODBYE);
}

/* ---- spoiling ---------------------------------------------------------------------------- */

/* Added to, or in place of, what is right. */
static const uint64_t evil[] = { 0, 1, 2, 3, 4, 5, 7, 8, 62, 99, 128, 183, 0x1000, 0x2000, 0x4000,
	0x7000, 0x8000, 0xff000, 0x100000, 0x101000, 0x103000, 0x104000, 0x1fe000, 0x1ff000,
	0x200000, 0x202000, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_C(1) << 47,
	UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 0xfff, UINT64_MAX - 0x1fff, UINT64_MAX - 0x3fff,
	0x2f2f2f2f2f2f2f2f, 0x2e2e2e2e2e2e2e2e, 0x1b1b1b1b1b1b1b1b, 0x4141414141414141,
	0x2020202020202020 };

enum { EVIL = sizeof(evil) / sizeof(evil[0]), SUMS = 8 };

/* The n-th value for a field, false when there is none. */
static bool evil_value(unsigned n, uint64_t right, uint64_t *value)
{
	static const uint64_t add[SUMS] = { 1, -UINT64_C(1), 0x1000, -UINT64_C(0x1000), 8,
		-UINT64_C(8), UINT64_C(1) << 31, UINT64_C(1) << 62 };

	if (n < EVIL)
		*value = evil[n];
	else if (n < EVIL + SUMS)
		*value = right + add[n - EVIL];
	else
		return false;
	return true;
}

/* A long field is spoilt at several places. */
static unsigned field_places(const struct talk_field *field)
{
	return field->size > 8 ? 5 : 1;
}

static size_t field_at(const struct talk_field *field, unsigned place)
{
	static const size_t places[] = { 0, 1, 2, 31, 63 };

	return field->offset + (field->size > 8 ? places[place] : 0);
}

static bool talk_spoil_field(
	struct talk_message *message, const struct talk_field *field, unsigned place, unsigned n)
{
	uint8_t *at = (uint8_t *)&message->message + field_at(field, place);
	size_t size = field->size > 8 ? 1 : field->size;
	uint64_t value = 0;

	memcpy(&value, at, size);
	if (!evil_value(n, value, &value))
		return false;
	memcpy(at, &value, size);
	return true;
}

static void talk_remove(struct talk *talk, unsigned index)
{
	talk->count--;
	memmove(&talk->messages[index], &talk->messages[index + 1],
		(talk->count - index) * sizeof(talk->messages[0]));
}

static void talk_insert(struct talk *talk, unsigned index, struct talk_message message)
{
	memmove(&talk->messages[index + 1], &talk->messages[index],
		(talk->count - index) * sizeof(talk->messages[0]));
	talk->messages[index] = message;
	talk->count++;
}

/* Left out, repeated at once, or come later or earlier: at any other place. */
static bool talk_spoil_order(struct talk *talk, unsigned number, char *what, size_t size)
{
	unsigned index = number / (TALK_MESSAGES + 2), to = number % (TALK_MESSAGES + 2);
	struct talk_message moved;

	if (index >= TALK_MESSAGES)
		return false;
	moved = talk->messages[index];
	if (to == TALK_MESSAGES + 1) {
		talk_insert(talk, index, moved);
		snprintf(what, size, "message %u twice", index);
		return true;
	}
	talk_remove(talk, index);
	if (to < TALK_MESSAGES)
		talk_insert(talk, to, moved);
	snprintf(
		what, size, "message %u %s %u", index, to < TALK_MESSAGES ? "at" : "left out;", to);
	return true;
}

static bool talk_spoil_length(struct talk *talk, unsigned number, char *what, size_t size)
{
	static const size_t lengths[] = { 1, 4, 7, 8, 9, 12, 15, 16, 17, 24, 47, 48, 49, 103, 104,
		105, 255, 256 };
	enum { LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };
	unsigned index = number / LENGTHS;

	if (index >= TALK_MESSAGES)
		return false;
	talk->messages[index].length = lengths[number % LENGTHS];
	snprintf(what, size, "message %u of %zu bytes", index, lengths[number % LENGTHS]);
	return true;
}

static bool talk_spoil_fds(struct talk *talk, unsigned number, char *what, size_t size)
{
	enum { KINDS = 4, WAYS = 1 + KINDS + KINDS * KINDS };
	unsigned index = number / WAYS, way = number % WAYS;
	struct talk_message *message;

	if (index >= TALK_MESSAGES)
		return false;
	message = &talk->messages[index];
	message->fd_count = way == 0 ? 0 : way <= KINDS ? 1 : 2;
	if (way == 0)
		snprintf(what, size, "message %u without fds", index);
	message->fds[0] = (enum talk_fd)(way <= KINDS ? way - 1 : (way - 1 - KINDS) / KINDS);
	message->fds[1] = (enum talk_fd)((way - 1 - KINDS) % KINDS);
	if (way)
		snprintf(what, size, "message %u with fds of kinds %d, %d", index,
			(int)message->fds[0], way <= KINDS ? -1 : (int)message->fds[1]);
	return true;
}

/* One vCPU, told under two indices. */
static bool talk_spoil_twin(struct talk *talk, unsigned number, char *what, size_t size)
{
	enum { FIRST = 3, SECOND = 4 };

	(void)number;
	talk->messages[SECOND].vcpu = talk->messages[FIRST].vcpu;
	talk->messages[SECOND].message.vcpu.kvm_id = talk->messages[FIRST].message.vcpu.kvm_id;
	snprintf(what, size, "messages %d and %d of the same vCPU", FIRST, SECOND);
	return true;
}

static bool talk_spoil_fields(struct talk *talk, unsigned number, char *what, size_t size)
{
	for (unsigned i = 0; i < TALK_MESSAGES; i++)
		for (const struct talk_field *field = talk_fields; field->name; field++) {
			unsigned ways = field_places(field) * (EVIL + SUMS);

			if (talk->messages[i].message.header.type != field->type)
				continue;
			if (number >= ways) {
				number -= ways;
				continue;
			}
			snprintf(what, size, "%s of message %u, value %u", field->name, i, number);
			return talk_spoil_field(&talk->messages[i], field, number / (EVIL + SUMS),
				number % (EVIL + SUMS));
		}
	return false;
}

bool talk_spoil(struct talk *talk, unsigned number, char *what, size_t size)
{
	static const struct {
		unsigned ways;
		bool (*spoil)(struct talk *talk, unsigned number, char *what, size_t size);
	} table[] = {
		{ TALK_MESSAGES * (TALK_MESSAGES + 2), talk_spoil_order },
		{ TALK_MESSAGES * 18, talk_spoil_length },
		{ TALK_MESSAGES * 21, talk_spoil_fds },
		{ 1, talk_spoil_twin },
		{ UINT32_MAX, talk_spoil_fields },
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (number < table[i].ways)
			return table[i].spoil(talk, number, what, size);
		number -= table[i].ways;
	}
	return false;
}

/* ---- the second opinion ------------------------------------------------------------------ */

static enum talk_verdict verdict(bool good)
{
	return good ? TALK_ACCEPTED : TALK_REFUSED;
}

static bool has_fds(
	const struct talk_message *message, unsigned count, enum talk_fd first, enum talk_fd second)
{
	return message->fd_count == count && (count < 1 || message->fds[0] == first) &&
	       (count < 2 || message->fds[1] == second);
}

static bool name_is_good(const char *name)
{
	static const char good[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length = strnlen(name, HANDOVER_NAME_SIZE);

	if (length == 0 || length == HANDOVER_NAME_SIZE || name[0] == '.')
		return false;
	for (size_t i = length; i < HANDOVER_NAME_SIZE; i++)
		if (name[i])
			return false;
	return strspn(name, good) == length;
}

static enum talk_verdict judge_hello(struct talk_judge *judge, const struct talk_message *message)
{
	const struct handover_hello *hello = &message->message.hello;

	if (judge->state != HANDOVER_STATE_START || message->fd_count || hello->version < 1 ||
		hello->machine != judge->machine || hello->nr_vcpus < 1 ||
		hello->nr_vcpus > TALK_MAX_VCPUS || hello->reserved || !name_is_good(hello->name))
		return TALK_REFUSED;
	judge->state = HANDOVER_STATE_GREETED;
	judge->nr_vcpus = hello->nr_vcpus;
	return TALK_ACCEPTED;
}

static bool fits(uint64_t start, uint64_t size)
{
	return start % 4096 == 0 && start + size >= start;
}

static enum talk_verdict judge_memory_add(
	struct talk_judge *judge, const struct talk_message *message)
{
	const struct handover_memory_add *add = &message->message.memory_add;
	bool good = judge->state == HANDOVER_STATE_GREETED || judge->state == HANDOVER_STATE_READY;

	good = good && add->size && add->size % 4096 == 0 && add->hva &&
	       fits(add->gpa, add->size) && fits(add->hva, add->size) &&
	       fits(add->offset, add->size) && add->flags <= 1 && !add->reserved;
	if (message->fd_count)
		good = good && has_fds(message, 1, TALK_MEMORY_FD, TALK_NO_FD) &&
		       add->offset + add->size <= TALK_MEMORY;
	else
		good = good && !add->offset;
	for (uint32_t i = 0; good && i < judge->region_count; i++)
		good = add->gpa >= judge->regions[i].gpa + judge->regions[i].size ||
		       judge->regions[i].gpa >= add->gpa + add->size;
	if (good)
		judge->regions[judge->region_count++] =
			(struct handover_region){ add->gpa, add->size };
	return verdict(good);
}

static enum talk_verdict judge_memory_remove(
	struct talk_judge *judge, const struct talk_message *message)
{
	if (message->fd_count ||
		(judge->state != HANDOVER_STATE_GREETED && judge->state != HANDOVER_STATE_READY))
		return TALK_REFUSED;
	for (uint32_t i = 0; i < judge->region_count; i++)
		if (judge->regions[i].gpa == message->message.memory_remove.gpa) {
			judge->regions[i] = judge->regions[--judge->region_count];
			return TALK_ACCEPTED;
		}
	return TALK_REFUSED;
}

static enum talk_verdict judge_vcpu(struct talk_judge *judge, const struct talk_message *message)
{
	const struct handover_vcpu *vcpu = &message->message.vcpu;

	if (judge->state != HANDOVER_STATE_GREETED || vcpu->index >= judge->nr_vcpus ||
		judge->told[vcpu->index] || !has_fds(message, 2, TALK_VCPU_FD, TALK_CHANNEL_FD) ||
		vcpu->kvm_id != message->vcpu)
		return TALK_REFUSED;
	for (uint32_t i = 0; i < judge->nr_vcpus; i++)
		if (judge->told[i] && judge->ids[i] == vcpu->kvm_id)
			return TALK_REFUSED;
	judge->told[vcpu->index] = true;
	judge->ids[vcpu->index] = vcpu->kvm_id;
	judge->vcpu_count++;
	return TALK_ACCEPTED;
}

static enum talk_verdict judge_ready(struct talk_judge *judge, const struct talk_message *message)
{
	const struct handover_ready *ready = &message->message.ready;
	bool good = judge->state == HANDOVER_STATE_GREETED && !message->fd_count &&
		    ready->flags <= 1 && !ready->reserved && judge->vcpu_count == judge->nr_vcpus;

	if (good)
		judge->state = HANDOVER_STATE_READY;
	return verdict(good);
}

static enum talk_verdict judge_notice(struct talk_judge *judge, const struct talk_message *message)
{
	uint32_t event = message->message.notice.event;

	return verdict(judge->state == HANDOVER_STATE_READY && !message->fd_count && event >= 1 &&
		       event <= 3);
}

static enum talk_verdict judge_goodbye(struct talk_judge *judge, const struct talk_message *message)
{
	if (message->fd_count || judge->state == HANDOVER_STATE_ENDED)
		return TALK_REFUSED;
	judge->state = HANDOVER_STATE_ENDED;
	return TALK_ACCEPTED;
}

enum talk_verdict talk_judge(struct talk_judge *judge, const struct talk_message *message)
{
	uint32_t type = message->message.header.type;
	bool is_known = type >= HANDOVER_HELLO && type <= HANDOVER_GOODBYE;

	if (message->length < sizeof(struct handover_header) ||
		message->length > HANDOVER_MAX_BYTES ||
		(is_known && message->length != talk_size(type)) || message->fd_count > 2 ||
		(type == HANDOVER_HELLO && message->message.hello.magic != HANDOVER_MAGIC))
		return TALK_CLOSED;
	switch (type) {
	case HANDOVER_HELLO:
		return judge_hello(judge, message);
	case HANDOVER_MEMORY_ADD:
		return judge_memory_add(judge, message);
	case HANDOVER_MEMORY_REMOVE:
		return judge_memory_remove(judge, message);
	case HANDOVER_VCPU:
		return judge_vcpu(judge, message);
	case HANDOVER_READY:
		return judge_ready(judge, message);
	case HANDOVER_NOTICE:
		return judge_notice(judge, message);
	case HANDOVER_GOODBYE:
		return judge_goodbye(judge, message);
	default:
		return TALK_REFUSED;
	}
}
