/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executing programs (channel.h): each step's argument is copied to where its result will stand in the
 * report, and the ioctl works on it there.  Programs come here checked (channel_check_program()), which
 * includes that the report has room.
 */
#include "kvm/lender.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "kvm/channel_rules.h"

/* ---- the report -------------------------------------------------------------------------- */

static struct channel_program *program_head(struct gdbproxy_vcpu *vcpu)
{
	return (struct channel_program *)(void *)vcpu->program.bytes;
}

static struct channel_report *report_head(struct gdbproxy_vcpu *vcpu)
{
	return (struct channel_report *)(void *)vcpu->report.bytes;
}

void lender_program_begin(struct gdbproxy_vcpu *vcpu, uint32_t seq)
{
	memset(report_head(vcpu), 0, sizeof(struct channel_report));
	report_head(vcpu)->type = CHANNEL_REPORT;
	report_head(vcpu)->seq = seq;
	vcpu->report.length = sizeof(struct channel_report);
	vcpu->after = 0;
}

enum channel_ending lender_program_ending(const struct gdbproxy_vcpu *vcpu)
{
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
	case KVM_EXIT_FAIL_ENTRY:
	case KVM_EXIT_INTERNAL_ERROR:
		return CHANNEL_CRASH;
	case KVM_EXIT_SYSTEM_EVENT:
		break;
	default:
		return 0;
	}
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_CRASH:
		return CHANNEL_CRASH;
	case KVM_SYSTEM_EVENT_RESET:
		return CHANNEL_RESET;
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		return CHANNEL_POWER_OFF;
	default:
		return 0;
	}
}

int lender_program_report(struct gdbproxy_vcpu *vcpu, enum channel_reason reason, int run_errno)
{
	struct channel_report *report = report_head(vcpu);
	ssize_t sent;

	report->reason = reason;
	report->run_errno = run_errno;
	report->exit_reason = vcpu->run->exit_reason;
	if (reason == CHANNEL_DEBUG)
		memcpy(report->debug, &vcpu->run->debug.arch, sizeof(vcpu->run->debug.arch));
	if (reason == CHANNEL_ENDING)
		report->debug[0] = (uint8_t)lender_program_ending(vcpu);
	do
		sent = send(vcpu->channel_fd, report, vcpu->report.length, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* ---- one step: the ioctl's result, or -errno --------------------------------------------- */

static int vcpu_ioctl(struct gdbproxy_vcpu *vcpu, uint32_t request, void *argument)
{
	int rc = ioctl(vcpu->vcpu_fd, (unsigned long)request, argument);

	return rc < 0 ? -errno : rc;
}

static int step_one_reg(struct gdbproxy_vcpu *vcpu, uint32_t request, uint8_t *argument)
{
	struct kvm_one_reg reg = { .addr = (uint64_t)(uintptr_t)(argument + sizeof(reg.id)) };

	memcpy(&reg.id, argument, sizeof(reg.id));
	return vcpu_ioctl(vcpu, request, &reg);
}

/* Less than what was asked for is a failure like others: SET_MSRS stops at what KVM refuses. */
static int step_counted(struct gdbproxy_vcpu *vcpu, uint32_t request, uint8_t *argument)
{
	uint32_t count;
	int rc;

	memcpy(&count, argument, sizeof(count));
	rc = vcpu_ioctl(vcpu, request, argument);
	return rc >= 0 && (uint32_t)rc < count ? -EINVAL : rc;
}

static int step_xsave2(struct gdbproxy_vcpu *vcpu, const struct channel_step *step, void *argument)
{
	if (lender_xsave_bytes() > step->size)
		return -E2BIG;
	return vcpu_ioctl(vcpu, step->request, argument);
}

static int step_guest_debug(struct gdbproxy_vcpu *vcpu, uint32_t request, uint8_t *argument)
{
	struct kvm_guest_debug debug;
	int rc;

	memcpy(&debug, argument, sizeof(debug));
	rc = vcpu_ioctl(vcpu, request, &debug);
	if (rc >= 0)
		vcpu->debugged = debug.control & KVM_GUESTDBG_ENABLE;
	if (rc >= 0 && !vcpu->after) /* what `after` takes off was there when the vCPU ran */
		lender_loss_note(vcpu, &debug);
	return rc;
}

static bool region_maps(const struct lender_region *region, uint64_t hva, uint64_t length)
{
	return region->told != LENDER_VACANT && hva >= region->hva && length <= region->size &&
	       hva - region->hva <= region->size - length;
}

/* Only what is guest memory: cache maintenance of an unmapped address would be a fault. */
static int step_sync_code(struct gdbproxy_vcpu *vcpu, const uint8_t *argument)
{
	struct gdbproxy *proxy = vcpu->proxy;
	uint64_t range[2];
	int rc = -EFAULT;

	memcpy(range, argument, sizeof(range));
	pthread_mutex_lock(&proxy->table_lock);
	for (unsigned i = 0; rc < 0 && i < HANDOVER_MAX_REGIONS; i++) {
		char *start = (char *)(uintptr_t)range[0];

		if (!region_maps(&proxy->regions[i], range[0], range[1]))
			continue;
		__builtin___clear_cache(start, start + range[1]);
		rc = 0;
	}
	pthread_mutex_unlock(&proxy->table_lock);
	return rc;
}

static int step_plain(struct gdbproxy_vcpu *vcpu, uint32_t request, void *argument)
{
	int rc;

	if (lender_sync_take(vcpu, request, argument))
		return 0;
	rc = vcpu_ioctl(vcpu, request, argument);
	if (rc >= 0)
		lender_sync_learn(vcpu, request, argument);
	return rc;
}

static int step_execute(
	struct gdbproxy_vcpu *vcpu, const struct channel_step *step, uint8_t *argument)
{
	switch (channel_rule_find(step->request, step->size)->quirk) {
	case CHANNEL_COUNTED:
		return step_counted(vcpu, step->request, argument);
	case CHANNEL_XSAVE2:
		return step_xsave2(vcpu, step, argument);
	case CHANNEL_ONE_REG:
		return step_one_reg(vcpu, step->request, argument);
	case CHANNEL_GUEST_DEBUG:
		return step_guest_debug(vcpu, step->request, argument);
	case CHANNEL_CODE:
		return step_sync_code(vcpu, argument);
	case CHANNEL_PLAIN:
		break;
	}
	return step_plain(vcpu, step->request, argument);
}

/* ---- lists of steps ---------------------------------------------------------------------- */

/* Executes the step at offset *at of the program, moves *at on, appends the result.  False: failed. */
static bool program_step(struct gdbproxy_vcpu *vcpu, size_t *at)
{
	struct channel_report *report = report_head(vcpu);
	uint8_t *argument =
		vcpu->report.bytes + vcpu->report.length + sizeof(struct channel_result);
	struct channel_result result = { 0 };
	struct channel_step step;

	memcpy(&step, vcpu->program.bytes + *at, sizeof(step));
	memcpy(argument, vcpu->program.bytes + *at + sizeof(step), channel_padded(step.size));
	*at += sizeof(step) + channel_padded(step.size);
	result.rc = step_execute(vcpu, &step, argument);
	result.size = result.rc < 0 ? 0 : step.size;
	memcpy(argument - sizeof(result), &result, sizeof(result));
	vcpu->report.length += sizeof(result) + channel_padded(result.size);
	report->result_count++;
	return result.rc >= 0;
}

bool lender_program_before(struct gdbproxy_vcpu *vcpu)
{
	size_t at = sizeof(struct channel_program);

	for (unsigned i = 0; i < program_head(vcpu)->before_count; i++)
		if (!program_step(vcpu, &at)) {
			report_head(vcpu)->failed = 1;
			return false;
		}
	vcpu->after = at;
	return true;
}

void lender_program_after(struct gdbproxy_vcpu *vcpu)
{
	size_t at = vcpu->after;

	for (unsigned i = 0; at != 0 && i < program_head(vcpu)->after_count; i++)
		program_step(vcpu, &at);
	vcpu->after = 0;
}
