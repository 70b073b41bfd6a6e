/* SPDX-License-Identifier: Apache-2.0 */
/* One vCPU under debug: see vcpu.h. */
#include <errno.h>
#include <string.h>
#include "kvm/transfer.h"
#include "kvm/vcpu.h"

void vcpu_init(struct vcpu *vcpu, unsigned index, int channel_fd)
{
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->index = index;
	vcpu->state = VCPU_RUNNING;
	vcpu->wish.action = TARGET_CONTINUE;
	port_lend_init(&vcpu->port, channel_fd);
}

void vcpu_fini(struct vcpu *vcpu)
{
	port_close(&vcpu->port);
	vcpu->state = VCPU_LOST;
}

static int vcpu_lose(struct vcpu *vcpu, int rc)
{
	vcpu->state = VCPU_LOST;
	vcpu->cpu.valid = 0;
	return rc;
}

static int vcpu_call(struct vcpu *vcpu, struct program *program, int timeout_ms)
{
	int rc = port_call(&vcpu->port, program, timeout_ms);

	return rc < 0 ? vcpu_lose(vcpu, rc) : 0;
}

int vcpu_fetch(struct vcpu *vcpu, uint32_t groups, int timeout_ms)
{
	uint32_t missing = groups & ~vcpu->cpu.valid;
	struct program program;
	struct results results;
	int rc;

	if (!missing)
		return 0;
	if (vcpu->state != VCPU_PARKED)
		return -EBUSY;
	program_init(&program, 0);
	transfer_fetch(&program, &vcpu->cpu, missing);
	rc = vcpu_call(vcpu, &program, timeout_ms);
	if (rc < 0)
		return rc;
	port_results(&vcpu->port, &results);
	rc = transfer_take(&results, &vcpu->cpu, missing);
	if (rc < 0)
		return vcpu_lose(vcpu, rc);
	return groups & ~vcpu->cpu.valid ? -ENODATA : 0;
}

int vcpu_store(struct vcpu *vcpu, int timeout_ms)
{
	uint32_t dirty = vcpu->cpu.dirty;
	struct program program;
	int rc;

	if (!dirty)
		return 0;
	if (vcpu->state != VCPU_PARKED)
		return -EBUSY;
	program_init(&program, 0);
	transfer_store(&program, &vcpu->cpu);
	rc = vcpu_call(vcpu, &program, timeout_ms);
	if (rc < 0)
		return rc;
	if (!vcpu->port.report.head.failed)
		return 0;
	/* What KVM holds now is for KVM to say. */
	vcpu->cpu.valid &= ~dirty;
	return -EINVAL;
}

static int vcpu_call_numbered(
	struct vcpu *vcpu, struct program *program, uint64_t *value, int timeout_ms)
{
	struct results results;
	int rc = vcpu_store(vcpu, timeout_ms);

	if (rc == 0 && vcpu->state != VCPU_PARKED)
		rc = -EBUSY;
	if (rc == 0)
		rc = vcpu_call(vcpu, program, timeout_ms);
	if (rc < 0)
		return rc;
	port_results(&vcpu->port, &results);
	return transfer_take_numbered(&results, value);
}

int vcpu_get_numbered(struct vcpu *vcpu, uint32_t number, uint64_t *value, int timeout_ms)
{
	struct program program;

	program_init(&program, 0);
	transfer_get_numbered(&program, number);
	return vcpu_call_numbered(vcpu, &program, value, timeout_ms);
}

int vcpu_set_numbered(struct vcpu *vcpu, uint32_t number, uint64_t value, int timeout_ms)
{
	struct program program;
	int rc;

	program_init(&program, 0);
	transfer_set_numbered(&program, number, value);
	rc = vcpu_call_numbered(vcpu, &program, &value, timeout_ms);
	vcpu->cpu.valid = 0; /* what else has changed with it is for KVM to say */
	return rc == -ENODATA ? -EINVAL : rc;
}

/* struct kvm_guest_debug: control, pad. */
static void vcpu_add_loss(const struct step_plan *step, uint8_t *arg)
{
	uint32_t word;

	memcpy(&word, arg + 4, sizeof(word));
	word |= step->on_loss;
	memcpy(arg + 4, &word, sizeof(word));
}

/* Appends KVM_SET_GUEST_DEBUG, unless KVM has exactly this already.  Returns its size. */
static size_t vcpu_load_debug(struct vcpu *vcpu, const struct arch *arch, struct program *program)
{
	uint8_t arg[sizeof(vcpu->loaded)];
	size_t size;

	memset(arg, 0, sizeof(arg));
	size = arch->encode(&vcpu->plan, &vcpu->inject, arg);
	if (vcpu->stepping)
		vcpu_add_loss(&vcpu->step, arg);
	/* A step, and an injection, is armed anew each time. */
	if (!vcpu->stepping && vcpu->inject.kind == INJECT_NONE && size == vcpu->loaded_size &&
		!memcmp(arg, vcpu->loaded, size))
		return size;
	transfer_guest_debug(program, arg, size);
	memcpy(vcpu->loaded, arg, size);
	vcpu->loaded_size = vcpu->inject.kind == INJECT_NONE && !vcpu->stepping ? size : 0;
	return size;
}

int vcpu_launch(struct vcpu *vcpu, const struct arch *arch, uint32_t groups)
{
	bool once = vcpu->stepping && vcpu->step.trap;
	struct program program;
	size_t size;
	int rc;

	program_init(
		&program, CHANNEL_RUN | (once ? CHANNEL_ONCE : 0) | (vcpu->ends ? CHANNEL_END : 0));
	transfer_store(&program, &vcpu->cpu);
	size = vcpu_load_debug(vcpu, arch, &program);
	if (once)
		transfer_disarm(&program, vcpu->loaded, size);
	transfer_fetch(&program, &vcpu->cpu, groups);
	rc = port_start(&vcpu->port, &program);
	if (rc < 0)
		return vcpu_lose(vcpu, rc);
	vcpu->fetching = groups;
	vcpu->inject.kind = INJECT_NONE;
	vcpu->cpu.valid = 0;
	vcpu->pass = false;
	vcpu->kicked = false;
	vcpu->state = VCPU_RUNNING;
	return 0;
}

/* The results of `before` come first; those of `after` are as many as transfer_take() wants. */
static int vcpu_take_report(struct vcpu *vcpu)
{
	const struct channel_report *report = &vcpu->port.report.head;
	struct results results;

	vcpu->cpu.valid = 0;
	vcpu->cpu.dirty = 0;
	if (report->failed || !vcpu->fetching)
		return 0;
	port_results(&vcpu->port, &results);
	while (results.left > transfer_count(&vcpu->cpu, vcpu->fetching)) {
		const void *bytes;
		size_t size;

		results_next(&results, &bytes, &size);
	}
	return transfer_take(&results, &vcpu->cpu, vcpu->fetching);
}

int vcpu_collect(struct vcpu *vcpu)
{
	int rc = port_receive(&vcpu->port);

	if (rc == 0)
		return 0;
	if (rc > 0) {
		vcpu->state = VCPU_PARKED;
		rc = vcpu_take_report(vcpu);
	}
	if (rc < 0)
		return vcpu_lose(vcpu, rc);
	if (vcpu->port.report.head.failed)
		vcpu->loaded_size = 0;
	return 1;
}

int vcpu_kick(struct vcpu *vcpu)
{
	int rc;

	if (vcpu->kicked || vcpu->state != VCPU_RUNNING)
		return 0;
	vcpu->kicked = true;
	rc = port_kick(&vcpu->port);
	return rc < 0 ? vcpu_lose(vcpu, rc) : 0;
}
