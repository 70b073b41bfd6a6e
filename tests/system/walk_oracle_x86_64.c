/* SPDX-License-Identifier: Apache-2.0 */
/* KVM_TRANSLATE and the guest's page faults: see walk_oracle.h. */
#include <linux/kvm.h>
#include <string.h>

#include "tests/system/walk_oracle.h"

enum { ASK_AT_ONCE = 500, ASK_TIMEOUT_MS = 60000 };

#define EFER_LMA     (UINT64_C(1) << 10)
#define FAULT_PAGE   0x0e
#define ERROR_MAPPED 0x01
#define ERROR_WRITE  0x02
#define ERROR_USER   0x04
#define ERROR_FETCH  0x10

const struct walk_half walk_halves[2] = {
	{ 0, UINT64_C(0x00007fffffffffff) },
	{ UINT64_C(0xffff800000000000), UINT64_MAX },
};

const uint64_t walk_page_sizes = 0x1000 | 0x200000;
const uint8_t walk_endless_loop[] = { 0xeb, 0xfe };
const unsigned walk_endless_loop_length = sizeof(walk_endless_loop);
const char walk_oracle_name[] = "KVM_TRANSLATE";

unsigned walk_hole_bits(unsigned level)
{
	return 12 + 9 * (level - 1);
}

bool walk_oracle_is_there(struct walk_guest *guest, unsigned index)
{
	(void)guest;
	(void)index;
	return true;
}

/*
 * KVM walks with bits of the address that no CPU would take: those above the 48 that the tables
 * translate (a general protection fault instead), those above 32 while paging is off.
 */
static bool oracle_is_possible(const struct vcpu *vcpu, gva_t gva)
{
	if (!(vcpu->cpu.x86_64.sregs.efer & EFER_LMA))
		return gva <= UINT32_MAX;
	return gva <= walk_halves[0].last || gva >= walk_halves[1].first;
}

static void oracle_ask_some(
	struct vcpu *vcpu, const gva_t *gvas, struct walk_answer *answers, unsigned count)
{
	struct kvm_translation asked;
	struct program program;
	struct results results;
	const void *bytes;
	size_t size;

	program_init(&program, 0);
	for (unsigned i = 0; i < count; i++) {
		asked = (struct kvm_translation){ .linear_address = gvas[i] };
		program_after(&program, KVM_TRANSLATE, &asked, sizeof(asked));
	}
	if (port_call(&vcpu->port, &program, ASK_TIMEOUT_MS) < 0)
		walk_bail("the VMM does not execute KVM_TRANSLATE");
	port_results(&vcpu->port, &results);
	for (unsigned i = 0; i < count; i++) {
		if (results_next(&results, &bytes, &size) < 0 || size != sizeof(asked))
			walk_bail("KVM_TRANSLATE failed");
		memcpy(&asked, bytes, sizeof(asked));
		answers[i] = (struct walk_answer){
			.is_told = oracle_is_possible(vcpu, gvas[i]),
			.is_mapped = asked.valid,
			.gpa = asked.physical_address,
			.writable = -1,
			.user = -1,
			.level = -1,
		};
	}
}

void walk_oracle_ask(struct walk_guest *guest, unsigned index, const gva_t *gvas,
	struct walk_answer *answers, unsigned count)
{
	for (unsigned done = 0; done < count; done += ASK_AT_ONCE) {
		unsigned some = count - done < ASK_AT_ONCE ? count - done : ASK_AT_ONCE;

		oracle_ask_some(&guest->vm.vcpus[index], gvas + done, answers + done, some);
	}
}

static uint64_t oracle_page_bytes(const char *line)
{
	if (strstr(line, " expect=1g"))
		return 1 << 30;
	if (strstr(line, " expect=2m"))
		return 1 << 21;
	return strstr(line, " expect=4k") ? 1 << 12 : 0;
}

int walk_oracle_judge_walk(const struct view *view, const char *line)
{
	struct translation translation;
	uint64_t expected = oracle_page_bytes(line);
	gva_t gva;
	int rc;

	if (strncmp(line, "walk ", 5) != 0 || !walk_line_number(line, "va", &gva))
		return 0;
	rc = view_translate(view, gva, &translation);
	if (!expected)
		return rc == 0 ? 1 : -1;
	return rc == 1 && translation.page_bytes == expected ? 1 : -1;
}

/* Intel SDM volume 3, 4.7: the error code says what was tried, and whether it was mapped at all. */
static bool fault_is_explained(uint64_t error, int rc, const struct translation *translation)
{
	if (!(error & ERROR_MAPPED))
		return rc == 0;
	return rc == 1 && (((error & ERROR_USER) && !translation->user) ||
				  ((error & ERROR_WRITE) && !translation->writable) ||
				  ((error & ERROR_FETCH) && !translation->executable));
}

int walk_oracle_judge_fault(const struct view *view, const char *line)
{
	struct translation translation;
	uint64_t vector, error;
	gva_t gva;
	int rc;

	if (strncmp(line, "selftest page-", 14) != 0 ||
		!walk_line_number(line, "vector", &vector) ||
		!walk_line_number(line, "error", &error) || !walk_line_number(line, "cr2", &gva) ||
		vector != FAULT_PAGE)
		return 0;
	rc = view_translate(view, gva, &translation);
	return fault_is_explained(error, rc, &translation) ? 1 : -1;
}
